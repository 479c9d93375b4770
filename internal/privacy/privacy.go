// Package privacy keeps the names and numbers behind the journal's pseudonyms and
// is the one gate through which a name, a state or a figure of a person reaches a
// page, stream, export, webhook or explanation. Routing works with names in memory.
//
// The rules it helps to obey: article 4 of Italian law 300/1970 (tools that allow
// to watch workers from afar need an agreement with their representatives or an
// authorisation) and circular 4 of 26 July 2017 of the national labour inspectorate
// (software that shows near in time each operator's phone state, times and pauses
// is not a working tool). So states and figures of people are closed until an
// agreement is recorded; each sees himself; groups of people are shown from five
// on. This is help for the office, not legal advice.
//
// A pseudonym of a person is drawn by lot; that of an outside number is a keyed
// hash of it, so that the same caller is the same subject. Erasing deletes the row
// behind a pseudonym (and gives an erased number a new one when it calls again);
// the journal and its chain stay as they are. Local copies and backups made before
// keep the row until they are gone.
//
// Goroutines: none; Run writes newly seen numbers in the caller's goroutine.
package privacy

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/store"
)

// Options are all required.
type Options struct {
	DB      *store.DB
	Journal *journal.Log
	Office  func() *office.Document // current document
	Now     func() time.Time
}

// KeyFile is the name of the pseudonyms' key file in the data folder; it belongs
// into store.Options.Files. Names in a database without it can't be read.
const KeyFile = "pseudonyms.key"

// Errors of the gate.
var (
	ErrForbidden = errors.New("not allowed")
	ErrInUse     = errors.New("the person is still in the office")
	ErrName      = errors.New("a name has 1 to 80 characters that can be shown")
	ErrAgreement = errors.New("an agreement needs its date, which is not in the future")
	ErrUnknown   = errors.New("no such pseudonym")
)

// Gate holds the pseudonym table. Its methods may be called from any goroutine;
// those without a context and an error do not write, and read the disk only for an
// outside number that has not been seen for long.
type Gate struct {
	o    Options
	aead cipher.AEAD
	mac  []byte        // key of the numbers' pseudonyms
	wake chan struct{} // capacity 1: a reminder for Run; full means one is there already

	mu        sync.Mutex // guards all below; never held over the disk
	names     map[journal.SubjectID]string
	numbers   recent                               // seen lately
	unwritten map[journal.SubjectID]numbering.E164 // waits for Run
	erased    map[string]int                       // tag of an erased number -> its generation
	agreement Agreement
	looks     map[look]time.Time // when a look was kept last
	unlogged  []seen             // looks that wait for Run
}

// maxUnwritten numbers wait for the disk; more are known by pseudonym only until
// they call again.
const maxUnwritten = 20000

// Migrations are the gate's tables.
func Migrations() []store.Migration {
	return []store.Migration{{Domain: "privacy", Version: 1, SQL: []string{
		`CREATE TABLE privacy_subjects (
	subject TEXT PRIMARY KEY,
	sealed BLOB NOT NULL -- name or number, encrypted
) STRICT, WITHOUT ROWID`,
		`CREATE TABLE privacy_erased (
	tag BLOB PRIMARY KEY, -- keyed hash of an erased number
	generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
		`CREATE TABLE privacy_agreements (
	id INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,
	date TEXT NOT NULL,
	note TEXT NOT NULL,
	recorded INTEGER NOT NULL,
	recorder TEXT NOT NULL
) STRICT`,
	}}, {Domain: "privacy", Version: 2, SQL: []string{
		`CREATE TABLE privacy_looks (
	id INTEGER PRIMARY KEY,
	about TEXT NOT NULL, -- at whom
	at INTEGER NOT NULL,
	who TEXT NOT NULL,
	what TEXT NOT NULL
) STRICT`,
		`CREATE INDEX privacy_looks_about ON privacy_looks (about, at)`,
	}}}
}

const (
	sqlNames     = `SELECT subject, sealed FROM privacy_subjects WHERE subject >= 'p-' AND subject < 'p.'`
	sqlSubject   = `SELECT sealed FROM privacy_subjects WHERE subject = ?`
	sqlSetName   = `INSERT INTO privacy_subjects (subject, sealed) VALUES (?, ?) ON CONFLICT (subject) DO UPDATE SET sealed = excluded.sealed`
	sqlAddNumber = `INSERT INTO privacy_subjects (subject, sealed) VALUES (?, ?) ON CONFLICT (subject) DO NOTHING`
	sqlErase     = `DELETE FROM privacy_subjects WHERE subject = ?`
	sqlErased    = `SELECT tag, generation FROM privacy_erased`
	sqlSetErased = `INSERT INTO privacy_erased (tag, generation) VALUES (?, ?) ON CONFLICT (tag) DO UPDATE SET generation = excluded.generation`
	sqlAgreement = `SELECT kind, date, note, recorded, recorder FROM privacy_agreements ORDER BY id DESC LIMIT 1`
	sqlAgree     = `INSERT INTO privacy_agreements (kind, date, note, recorded, recorder) VALUES (?, ?, ?, ?, ?)`
)

// Open reads the table and the recorded agreement. Rows that the key does not open
// (it was lost) count as erased.
func Open(ctx context.Context, o Options) (*Gate, error) {
	g := &Gate{
		o: o, wake: make(chan struct{}, 1), names: map[journal.SubjectID]string{}, numbers: newRecent(),
		unwritten: map[journal.SubjectID]numbering.E164{}, erased: map[string]int{}, looks: map[look]time.Time{},
	}
	if err := g.keys(o.DB.Folder()); err != nil {
		return nil, fmt.Errorf("open names: %w", err)
	}
	err := o.DB.Read(ctx, func(tx *sql.Tx) error {
		return errors.Join(g.readNames(ctx, tx), g.readErased(ctx, tx), g.readAgreement(ctx, tx))
	})
	if err != nil {
		return nil, fmt.Errorf("open names: %w", err)
	}
	return g, nil
}

func (g *Gate) readNames(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, sqlNames)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s journal.SubjectID
		var sealed []byte
		if err := rows.Scan(&s, &sealed); err != nil {
			return err
		}
		if name, ok := g.unseal(s, sealed); ok {
			g.names[s] = name
		}
	}
	return rows.Err()
}

func (g *Gate) readErased(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, sqlErased)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tag []byte
		var generation int
		if err := rows.Scan(&tag, &generation); err != nil {
			return err
		}
		g.erased[string(tag)] = generation
	}
	return rows.Err()
}

func (g *Gate) readAgreement(ctx context.Context, tx *sql.Tx) error {
	var a Agreement
	var at int64
	err := tx.QueryRowContext(ctx, sqlAgreement).Scan(&a.Kind, &a.Date, &a.Note, &at, &a.SetBy)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	a.Set = time.Unix(0, at).UTC()
	g.agreement = a
	return err
}

// SetName keeps a person's name; it is on disk when SetName returns.
func (g *Gate) SetName(ctx context.Context, person journal.SubjectID, name string) error {
	if err := g.o.DB.Write(ctx, g.StageName(person, name)); err != nil {
		return fmt.Errorf("keep name: %w", err)
	}
	return nil
}

// StageName is SetName for office.Edit.With: the name is written with the change,
// and known when that is on disk.
func (g *Gate) StageName(person journal.SubjectID, name string) func(tx *sql.Tx) error {
	name = strings.TrimSpace(name)
	return func(tx *sql.Tx) error {
		if !validName(name) || !strings.HasPrefix(string(person), personPrefix) {
			return ErrName
		}
		if _, err := tx.Exec(sqlSetName, string(person), g.seal(person, name)); err != nil {
			return err
		}
		g.o.DB.AfterCommit(func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.names[person] = name
		})
		return nil
	}
}

func validName(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= 80 && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
}

// NameForRouting returns a person's name for the telephone itself (what a ringing
// phone shows); never for a page.
func (g *Gate) NameForRouting(person journal.SubjectID) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.names[person]
}

// forget drops what memory knows. It runs while nobody else writes, so that Run can't
// write the number again behind it.
func (g *Gate) forget(s journal.SubjectID, tag string, generation int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.names, s)
	delete(g.unwritten, s)
	g.numbers.remove(s)
	if tag != "" {
		g.erased[tag] = generation
	}
}
