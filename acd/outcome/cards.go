package outcome

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/store"
)

// Customer is a card. Numbers are pseudonyms.
type Customer struct {
	ID      string
	Name    string
	Company string
	Fields  map[string]string // further labels with their values
	Numbers []journal.SubjectID
	Created time.Time
	Changed time.Time
	Notes   []Note   // the newest first; of ByID alone
	Origins []Origin // of ByID alone
}

// Note is what somebody wrote down about a customer.
type Note struct {
	ID   int64
	Time time.Time
	By   journal.SubjectID // empty: imported
	Text string
}

// Origin says where a card's data came from.
type Origin struct {
	Import string // empty: typed
	Source string
	Date   string // when it was collected, "2026-03-01"
	Time   time.Time
}

// Limits of a card.
const (
	maxName    = 120
	maxFields  = 30
	maxLabel   = 60
	maxValue   = 500
	maxNote    = 4000
	maxNumbers = 20
	maxSource  = 200
)

// Codes of Wrong for cards; their texts are in ui/i18n.
const (
	WrongNobody  = "customer.wrong.nobody"  // neither name nor company
	WrongText    = "customer.wrong.text"    // max: too long, or can't be shown
	WrongMany    = "customer.wrong.many"    // max
	WrongSource  = "customer.wrong.source"  // max: where the data came from is missing
	WrongOrigin  = "customer.wrong.date"    // no date, or one in the future
	WrongNumbers = "customer.wrong.numbers" // a card needs a number to be found by
)

// CardCodes lists these codes, for the test of translations.
func CardCodes() []string {
	return []string{WrongNobody, WrongText, WrongMany, WrongSource, WrongOrigin, WrongNumbers}
}

const (
	sqlCustomer      = `SELECT id, name, company, fields, created, changed FROM outcome_customers WHERE id = ?`
	sqlCustomersPage = `SELECT id, name, company, fields, created, changed FROM outcome_customers
	WHERE (search, id) > (coalesce((SELECT search FROM outcome_customers WHERE id = ?1), ''), ?1)
	AND search LIKE ?2 ESCAPE '\' AND search LIKE ?3 ESCAPE '\' AND search LIKE ?4 ESCAPE '\'
	ORDER BY search, id LIMIT ?5`
	sqlCount       = `SELECT count(*) FROM outcome_customers`
	sqlPutCustomer = `INSERT INTO outcome_customers (id, name, company, fields, search, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, company = excluded.company, fields = excluded.fields, search = excluded.search, changed = excluded.changed`
	sqlNumbersOf = `SELECT subject FROM outcome_numbers WHERE customer = ? ORDER BY place, subject`
	sqlOwner     = `SELECT customer FROM outcome_numbers WHERE subject = ?`
	sqlPutNumber = `INSERT INTO outcome_numbers (subject, customer, place) VALUES (?, ?, ?)
	ON CONFLICT (subject) DO UPDATE SET customer = excluded.customer, place = excluded.place`
	sqlDropNumbersOf = `DELETE FROM outcome_numbers WHERE customer = ?`
	sqlNotesOf       = `SELECT id, time, by, text FROM outcome_notes WHERE customer = ? ORDER BY time DESC, id DESC LIMIT ?`
	sqlPutNote       = `INSERT INTO outcome_notes (customer, time, by, text) VALUES (?, ?, ?, ?)`
	sqlOriginsOf     = `SELECT import, source, date, time FROM outcome_origins WHERE customer = ? ORDER BY time`
	sqlPutOrigin     = `INSERT INTO outcome_origins (customer, import, source, date, time) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
)

// Check says what is wrong with a card's texts.
func (c *Customer) Check() []Wrong {
	var out []Wrong
	text := func(field, s string, most int) {
		if !Showable(s, most) {
			out = append(out, Wrong{Field: field, Code: WrongText, Args: map[string]string{"max": fmt.Sprint(most)}})
		}
	}
	if strings.TrimSpace(c.Name) == "" && strings.TrimSpace(c.Company) == "" {
		out = append(out, Wrong{Field: "name", Code: WrongNobody})
	}
	text("name", c.Name, maxName)
	text("company", c.Company, maxName)
	if len(c.Fields) > maxFields {
		out = append(out, Wrong{Field: "fields", Code: WrongMany, Args: map[string]string{"max": fmt.Sprint(maxFields)}})
	}
	for _, k := range slices.Sorted(maps.Keys(c.Fields)) {
		if !Showable(k, maxLabel) || strings.TrimSpace(k) == "" || !Showable(c.Fields[k], maxValue) {
			out = append(out, Wrong{Field: "fields", Code: WrongText, Args: map[string]string{"max": fmt.Sprint(maxValue)}})
			break
		}
	}
	return out
}

// Showable says whether a text has at most so many characters and none that can't be
// shown; line ends and tabs are fine.
func Showable(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || unicode.Is(unicode.Cf, r)
	})
}

// Save writes a card with its numbers and returns its id: a new one where c.ID is
// empty. Numbers replace those it had. ErrTaken if one of them is on another card;
// what Check finds is an error as well.
func (b *Book) Save(ctx context.Context, by journal.SubjectID, c Customer, numbers []numbering.E164) (string, error) {
	if wrong := c.Check(); len(wrong) > 0 {
		return "", fmt.Errorf("save card: %s: %w", wrong[0].Code, ErrLong)
	}
	if len(numbers)+len(c.Numbers) > maxNumbers {
		return "", fmt.Errorf("save card: %w", ErrLong)
	}
	what := "changed"
	now := b.now()
	if c.ID == "" {
		c.ID, c.Created, what = newID("k-"), now, "created"
	}
	event := journal.CustomerChanged{Customer: c.ID, What: what, By: by}
	_, err := b.o.Journal.AppendWith(ctx, "", event, func(tx *sql.Tx) error {
		if what == "changed" {
			was, err := readCustomer(tx, c.ID)
			if err != nil {
				return err
			}
			c.Created = was.Created
		}
		subjects := slices.Clone(c.Numbers)
		for _, n := range numbers {
			s, _, err := b.o.Gate.KeepNumber(tx, n)
			if err != nil {
				return err
			}
			if !slices.Contains(subjects, s) {
				subjects = append(subjects, s)
			}
		}
		if err := putCustomer(tx, c, now); err != nil {
			return err
		}
		if what == "created" {
			if _, err := tx.Exec(sqlPutOrigin, c.ID, "", "", now.Format(time.DateOnly), now.UnixNano()); err != nil {
				return err
			}
		}
		return setNumbers(tx, c.ID, subjects)
	})
	if err != nil {
		return "", fmt.Errorf("save card: %w", err)
	}
	return c.ID, nil
}

func putCustomer(tx *sql.Tx, c Customer, now time.Time) error {
	fields, err := json.Marshal(c.Fields)
	if err != nil {
		return err
	}
	_, err = tx.Exec(sqlPutCustomer, c.ID, strings.TrimSpace(c.Name), strings.TrimSpace(c.Company), string(fields), searchText(c), store.Nanos(c.Created), now.UnixNano())
	return err
}

// setNumbers makes these the card's numbers.
func setNumbers(tx *sql.Tx, id string, subjects []journal.SubjectID) error {
	for _, s := range subjects {
		var owner string
		err := tx.QueryRow(sqlOwner, string(s)).Scan(&owner)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if owner != "" && owner != id {
			return ErrTaken
		}
	}
	if _, err := tx.Exec(sqlDropNumbersOf, id); err != nil {
		return err
	}
	for i, s := range subjects {
		if _, err := tx.Exec(sqlPutNumber, string(s), id, i); err != nil {
			return err
		}
	}
	return nil
}

// How much of a card's past is read: for a page, and for who exports it.
const (
	lastOnes   = 500
	everything = -1
)

// ByID returns a card with its last 500 notes and its origins; ErrUnknown if there is
// none.
func (b *Book) ByID(ctx context.Context, id string) (Customer, error) {
	return b.byID(ctx, id, lastOnes)
}

func (b *Book) byID(ctx context.Context, id string, notes int) (Customer, error) {
	var c Customer
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		if c, err = readCustomer(tx, id); err != nil {
			return err
		}
		if c.Notes, err = readNotes(tx, id, notes); err != nil {
			return err
		}
		c.Origins, err = readOrigins(tx, id)
		return err
	})
	if err != nil {
		return c, fmt.Errorf("card %s: %w", id, err)
	}
	return c, nil
}

// ByNumber returns the card that a number stands on, without notes; false if none.
func (b *Book) ByNumber(ctx context.Context, s journal.SubjectID) (Customer, bool, error) {
	var c Customer
	if s == "" {
		return c, false, nil
	}
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		var id string
		err := tx.QueryRow(sqlOwner, string(s)).Scan(&id)
		if err == nil {
			c, err = readCustomer(tx, id)
		}
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, ErrUnknown):
		return Customer{}, false, nil
	case err != nil:
		return Customer{}, false, fmt.Errorf("card of a number: %w", err)
	}
	return c, true, nil
}

// Query selects cards. Number comes before Text, and finds one card at most.
type Query struct {
	Text   string // every word must occur in name, company or fields; three words count
	Number journal.SubjectID
	After  string // the page before's cursor: id of its last card
	Limit  int    // 50 if 0
}

// Search returns a page of cards in order of their names, and the cursor of the next
// one ("" for the last).
func (b *Book) Search(ctx context.Context, q Query) ([]Customer, string, error) {
	if q.Number != "" {
		c, ok, err := b.ByNumber(ctx, q.Number)
		if err != nil || !ok {
			return nil, "", err
		}
		return []Customer{c}, "", nil
	}
	limit := q.Limit
	if limit <= 0 || limit > 500 {
		limit = 50
	}
	patterns := [3]string{"%", "%", "%"}
	for i, w := range strings.Fields(fold(q.Text)) {
		if i == len(patterns) {
			break
		}
		patterns[i] = "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(w) + "%"
	}
	var out []Customer
	next := ""
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlCustomersPage, q.After, patterns[0], patterns[1], patterns[2], limit+1)
		if out, err = all(rows, err, scanCustomer); err != nil {
			return err
		}
		if len(out) > limit {
			out, next = out[:limit], out[limit-1].ID
		}
		for i := range out {
			if out[i].Numbers, err = readNumbers(tx, out[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("search cards: %w", err)
	}
	return out, next, nil
}

// Count returns how many cards there are.
func (b *Book) Count(ctx context.Context) (int, error) {
	n := 0
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, sqlCount).Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count cards: %w", err)
	}
	return n, nil
}

// AddNote writes a note on a card.
func (b *Book) AddNote(ctx context.Context, by journal.SubjectID, id, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || !Showable(text, maxNote) {
		return fmt.Errorf("note: %w", ErrLong)
	}
	event := journal.CustomerChanged{Customer: id, What: "changed", By: by}
	_, err := b.o.Journal.AppendWith(ctx, "", event, func(tx *sql.Tx) error {
		if _, err := readCustomer(tx, id); err != nil {
			return err
		}
		_, err := tx.Exec(sqlPutNote, id, b.now().UnixNano(), string(by), text)
		return err
	})
	if err != nil {
		return fmt.Errorf("note on card %s: %w", id, err)
	}
	return nil
}

// --- rows --------------------------------------------------------------------

// readCustomer reads a card with its numbers; ErrUnknown if there is none.
func readCustomer(tx *sql.Tx, id string) (Customer, error) {
	rows, err := tx.Query(sqlCustomer, id)
	found, err := all(rows, err, scanCustomer)
	if err != nil {
		return Customer{}, err
	}
	if len(found) == 0 {
		return Customer{}, ErrUnknown
	}
	found[0].Numbers, err = readNumbers(tx, id)
	return found[0], err
}

func scanCustomer(rows *sql.Rows, c *Customer) error {
	var fields string
	var created, changed int64
	err := rows.Scan(&c.ID, &c.Name, &c.Company, &fields, &created, &changed)
	c.Created, c.Changed = store.Instant(created), store.Instant(changed)
	if json.Unmarshal([]byte(fields), &c.Fields) != nil || c.Fields == nil {
		c.Fields = map[string]string{}
	}
	return err
}

func readNumbers(tx *sql.Tx, id string) ([]journal.SubjectID, error) {
	rows, err := tx.Query(sqlNumbersOf, id)
	return all(rows, err, scanSubject)
}

func scanSubject(rows *sql.Rows, s *journal.SubjectID) error { return rows.Scan(s) }

func readNotes(tx *sql.Tx, id string, limit int) ([]Note, error) {
	rows, err := tx.Query(sqlNotesOf, id, limit)
	return all(rows, err, func(rows *sql.Rows, n *Note) error {
		var at int64
		err := rows.Scan(&n.ID, &at, &n.By, &n.Text)
		n.Time = store.Instant(at)
		return err
	})
}

func readOrigins(tx *sql.Tx, id string) ([]Origin, error) {
	rows, err := tx.Query(sqlOriginsOf, id)
	return all(rows, err, func(rows *sql.Rows, o *Origin) error {
		var at int64
		err := rows.Scan(&o.Import, &o.Source, &o.Date, &at)
		o.Time = store.Instant(at)
		return err
	})
}

// searchText is what a search looks at, the name first.
func searchText(c Customer) string {
	words := []string{c.Name, c.Company}
	for _, k := range slices.Sorted(maps.Keys(c.Fields)) {
		words = append(words, c.Fields[k])
	}
	return strings.Join(strings.Fields(fold(strings.Join(words, " "))), " ")
}

// fold takes capitals and accents off, so that "Perù" is found as "peru".
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
}
