package outcome

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
)

// Rejected is a row that is not taken, or taken without a part of it (Kept). Code is
// a text id.
type Rejected struct {
	Line int               `json:"line"`
	Code string            `json:"code"`
	Args map[string]string `json:"args,omitempty"`
	Kept bool              `json:"kept,omitempty"`
}

// Codes of Rejected.
const (
	RejectNoNumber  = "import.reject.noNumber"
	RejectBadNumber = "import.reject.badNumber" // value
	RejectTwoCards  = "import.reject.twoCards"  // its numbers stand on different cards
	RejectNobody    = "import.reject.nobody"    // neither name nor company
	RejectText      = "import.reject.text"      // column: too long, or can't be shown
	RejectColumns   = "import.reject.columns"   // more cells than columns
	RejectQuotes    = "import.reject.quotes"    // a quote that is never closed
	RejectMany      = "import.reject.many"      // max: more numbers than a card takes
)

// RejectCodes lists every code, for the test of translations.
func RejectCodes() []string {
	return []string{RejectNoNumber, RejectBadNumber, RejectTwoCards, RejectNobody, RejectText, RejectColumns, RejectQuotes, RejectMany}
}

// Plan is what an import would do. It changes nothing.
type Plan struct {
	New      int        // cards that would be made
	Merged   int        // cards that are there and would be added to
	Doubles  int        // rows that belong to a card of an earlier row
	Rejected []Rejected // in order of lines
	Examples []Customer // the first few, for looking at
	cards    []*planned
}

// planned is one card of an import.
type planned struct {
	card    Customer
	seen    time.Time // Changed of the card that is there; zero: a new one
	numbers []numbering.E164
	have    []journal.SubjectID // numbers of the card that is there; none of them is in numbers
	note    string
	used    bool // a row of the file belongs to it
}

// ImportSource says where imported data came from; both are required.
type ImportSource struct {
	Source string
	Date   string // "2026-03-01", not in the future
}

// Check says what is missing.
func (s ImportSource) Check(now time.Time) []Wrong {
	var out []Wrong
	if t := strings.TrimSpace(s.Source); t == "" || !Showable(t, maxSource) {
		out = append(out, Wrong{Field: "source", Code: WrongSource, Args: map[string]string{"max": fmt.Sprint(maxSource)}})
	}
	if d, err := time.Parse(time.DateOnly, s.Date); err != nil || d.After(now.AddDate(0, 0, 1)) {
		out = append(out, Wrong{Field: "date", Code: WrongOrigin})
	}
	return out
}

// Import is one that was made.
type Import struct {
	ID                        string
	Time                      time.Time
	By                        journal.SubjectID
	Source, Date              string
	Created, Merged, Rejected int
}

// examples is how many cards a plan shows.
const examples = 5

// ErrMoved says that somebody changed a card while the import was prepared.
var ErrMoved = errors.New("a card was changed meanwhile")

// Plan says what an import of a table would do now. Nothing is written, not even a
// number.
func (b *Book) Plan(ctx context.Context, t *Table, m Mapping, plan numbering.Plan) (*Plan, error) {
	if !m.Check(t) {
		return nil, fmt.Errorf("plan import: %w", ErrNoTable)
	}
	p := &planner{b: b, t: t, m: m, numbers: plan, out: &Plan{}, owner: map[journal.SubjectID]*planned{}}
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		owner, err := tx.PrepareContext(ctx, sqlOwner)
		if err != nil {
			return err
		}
		defer owner.Close()
		p.tx, p.find = tx, owner
		for _, r := range t.Rows {
			if err := p.row(r); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("plan import: %w", err)
	}
	for _, c := range p.out.cards {
		if c.seen.IsZero() {
			p.out.New++
		} else {
			p.out.Merged++
		}
		if len(p.out.Examples) < examples {
			p.out.Examples = append(p.out.Examples, c.card)
		}
	}
	return p.out, nil
}

// planner goes through the rows once.
type planner struct {
	b       *Book
	t       *Table
	m       Mapping
	numbers numbering.Plan
	out     *Plan
	tx      *sql.Tx
	find    *sql.Stmt
	owner   map[journal.SubjectID]*planned // of numbers that came up
}

func (p *planner) reject(line int, code string, args ...string) {
	p.out.Rejected = append(p.out.Rejected, Rejected{Line: line, Code: code, Args: pairs(args)})
}

// without says what a row is taken without.
func (p *planner) without(line int, code string, args ...string) {
	p.out.Rejected = append(p.out.Rejected, Rejected{Line: line, Code: code, Args: pairs(args), Kept: true})
}

func (p *planner) row(r Row) error {
	switch {
	case r.Torn:
		p.reject(r.Line, RejectQuotes)
		return nil
	case len(r.Cells) > len(p.m):
		p.reject(r.Line, RejectColumns)
		return nil
	}
	got := &planned{card: Customer{Fields: map[string]string{}}}
	var bad []string
	first, last := "", ""
	for i, cell := range r.Cells {
		if cell == "" {
			continue
		}
		most := maxValue
		switch p.m[i] {
		case ColName:
			got.card.Name, most = cell, maxName
		case ColFirst:
			first, most = cell, maxName/2
		case ColLast:
			last, most = cell, maxName/2
		case ColCompany:
			got.card.Company, most = cell, maxName
		case ColNote:
			got.note = strings.TrimSpace(got.note + "\n" + cell)
			most = maxNote
		case ColField:
			got.card.Fields[p.title(i)] = cell
		case ColNumber:
			bad = append(bad, p.readNumbers(cell, got)...)
		default:
			continue
		}
		if !Showable(cell, most) {
			p.reject(r.Line, RejectText, "column", p.title(i))
			return nil
		}
	}
	if name := strings.TrimSpace(first + " " + last); got.card.Name == "" {
		got.card.Name = name
	}
	switch {
	case len(got.numbers) == 0 && len(bad) > 0:
		p.reject(r.Line, RejectBadNumber, "value", bad[0])
	case len(got.numbers) == 0:
		p.reject(r.Line, RejectNoNumber)
	case len(got.numbers) > maxNumbers:
		p.reject(r.Line, RejectMany, "max", fmt.Sprint(maxNumbers))
	case got.card.Name == "" && got.card.Company == "":
		p.reject(r.Line, RejectNobody)
	case len(got.card.Check()) > 0 || !Showable(got.note, maxNote):
		p.reject(r.Line, RejectText, "column", "")
	default:
		return p.place(r.Line, got, bad)
	}
	return nil
}

// title is a column's own title, or its place.
func (p *planner) title(i int) string {
	if i < len(p.t.Header) && p.t.Header[i] != "" {
		title := []rune(p.t.Header[i])
		return string(title[:min(len(title), maxLabel)])
	}
	return fmt.Sprint(i + 1)
}

// readNumbers takes the numbers of a cell, several if they are separated, and returns
// those that are none.
func (p *planner) readNumbers(cell string, into *planned) []string {
	var bad []string
	take := func(s string) bool {
		n, err := parseNumber(s, p.numbers)
		if err == nil && !slices.Contains(into.numbers, n) {
			into.numbers = append(into.numbers, n)
		}
		return err == nil
	}
	for _, s := range strings.FieldsFunc(strings.ReplaceAll(cell, " / ", ";"), func(r rune) bool { return r == ';' || r == ',' || r == '\n' }) {
		s = strings.TrimSpace(s)
		if s == "" || take(strings.ReplaceAll(s, "/", " ")) { // 06/5551234 is one number
			continue
		}
		for one := range strings.SplitSeq(s, "/") {
			if one = strings.TrimSpace(one); one != "" && !take(one) {
				bad = append(bad, string([]rune(one)[:min(len([]rune(one)), 40)]))
			}
		}
	}
	return bad
}

// place finds the card that a row belongs to: one that is there, one of an earlier
// row, or a new one.
func (p *planner) place(line int, got *planned, bad []string) error {
	var home *planned
	for _, n := range got.numbers {
		at, err := p.ownerOf(p.b.o.Gate.Pseudonym(n))
		if err != nil {
			return err
		}
		if at != nil && home != nil && at != home {
			p.reject(line, RejectTwoCards)
			return nil
		}
		if at != nil {
			home = at
		}
	}
	for _, s := range bad {
		p.without(line, RejectBadNumber, "value", s)
	}
	if home == nil {
		home = got
	} else {
		if home.used {
			p.out.Doubles++
		}
		got.numbers = slices.DeleteFunc(got.numbers, func(n numbering.E164) bool { return slices.Contains(home.have, p.b.o.Gate.Pseudonym(n)) })
		if !home.add(got) {
			p.without(line, RejectMany, "max", fmt.Sprint(maxNumbers))
		}
	}
	if !home.used {
		home.used = true
		p.out.cards = append(p.out.cards, home)
	}
	for _, n := range home.numbers {
		p.owner[p.b.o.Gate.Pseudonym(n)] = home
	}
	return nil
}

// add takes what another row says about the same card, and reports false if not all
// of its numbers had room.
func (c *planned) add(row *planned) bool {
	c.card.absorb(row.card)
	if row.note != "" && !strings.Contains(c.note, row.note) && Showable(c.note+"\n"+row.note, maxNote) {
		c.note = strings.TrimSpace(c.note + "\n" + row.note)
	}
	for _, n := range row.numbers {
		switch {
		case slices.Contains(c.numbers, n):
		case len(c.numbers)+len(c.have) >= maxNumbers:
			return false
		default:
			c.numbers = append(c.numbers, n)
		}
	}
	return true
}

// ownerOf returns the card that a number belongs to, nil if it is nobody's.
func (p *planner) ownerOf(s journal.SubjectID) (*planned, error) {
	if c := p.owner[s]; c != nil {
		return c, nil
	}
	var id string
	err := p.find.QueryRow(string(s)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := readCustomer(p.tx, id)
	if err != nil {
		return nil, err
	}
	at := &planned{card: c, seen: c.Changed, have: c.Numbers}
	for _, n := range c.Numbers {
		p.owner[n] = at
	}
	return at, nil
}
