package outcome

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
)

// Options are what a Book needs; all but Told and Fault are required.
type Options struct {
	DB      *store.DB // opened with Migrations among its own
	Journal Journal
	Gate    Gate
	Office  func() *office.Snapshot
	Now     func() time.Time

	// Told hears of every outcome once it is on disk. It must not block.
	Told func(journal.OutcomeSet)
	// Fault is told when the disk refuses the Book, with its error, and nil when it
	// takes it again. It must not block.
	Fault func(cause error)
}

// Journal is where changes are reported (*journal.Log).
type Journal interface {
	AppendWith(ctx context.Context, call journal.CallID, p journal.Payload, write func(tx *sql.Tx) error) (uint64, error)
}

// Gate is what the Book needs of *privacy.Gate: numbers stand there, not here.
type Gate interface {
	Pseudonym(n numbering.E164) journal.SubjectID
	KeepNumber(tx *sql.Tx, n numbering.E164) (s journal.SubjectID, fresh bool, err error)
	DropNumber(tx *sql.Tx, s journal.SubjectID) error
	EraseWith(by privacy.Viewer, s journal.SubjectID) (write func(tx *sql.Tx) error, err error)
	Name(v privacy.Viewer, p privacy.Purpose, s journal.SubjectID) (string, bool)
}

// Book keeps customers' cards and outcomes. Its methods may be called from any
// goroutine.
type Book struct {
	o    Options
	left error // why Open did not clear away; afterwards of Run alone

	importing sync.Mutex // one import is staged at a time

	opened  sync.Mutex      // guards what follows
	open    map[string]open // what Open returns, by who asks; what is not there is to be read
	writes  int             // begun or ended since the start
	writing int             // under way
}

// Errors of the Book; test with errors.Is.
var (
	ErrUnknown   = errors.New("no such card")
	ErrTaken     = errors.New("the number stands on another card")
	ErrForbidden = privacy.ErrForbidden
	ErrOutcome   = errors.New("no such outcome in this queue")
	ErrCallBack  = errors.New("a call-back lies in the future, at most two years")
	ErrLong      = errors.New("too much text")
)

// Migrations are the Book's tables.
func Migrations() []store.Migration {
	return []store.Migration{{Domain: "outcome", Version: 1, SQL: []string{
		`CREATE TABLE outcome_customers (
	id TEXT PRIMARY KEY, -- drawn by lot
	name TEXT NOT NULL,
	company TEXT NOT NULL,
	fields TEXT NOT NULL, -- JSON object: label -> value
	search TEXT NOT NULL, -- words without capitals and accents
	created INTEGER NOT NULL,
	changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
		`CREATE INDEX outcome_customers_search ON outcome_customers (search, id)`,
		`CREATE TABLE outcome_numbers (
	subject TEXT PRIMARY KEY, -- the number's pseudonym; the number stands behind the gate
	customer TEXT NOT NULL,
	place INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
		`CREATE INDEX outcome_numbers_customer ON outcome_numbers (customer, place)`,
		`CREATE TABLE outcome_notes (
	id INTEGER PRIMARY KEY,
	customer TEXT NOT NULL,
	time INTEGER NOT NULL,
	by TEXT NOT NULL,
	text TEXT NOT NULL
) STRICT`,
		`CREATE INDEX outcome_notes_customer ON outcome_notes (customer, time)`,
		`CREATE TABLE outcome_origins (
	customer TEXT NOT NULL,
	import TEXT NOT NULL, -- empty: typed
	source TEXT NOT NULL, -- where the data came from
	date TEXT NOT NULL,   -- when it was collected, 2026-03-01
	time INTEGER NOT NULL,
	PRIMARY KEY (customer, import, source, date)
) STRICT, WITHOUT ROWID`,
		`CREATE TABLE outcome_results (
	call TEXT PRIMARY KEY,
	subject TEXT NOT NULL, -- the other party
	customer TEXT NOT NULL,
	queue TEXT NOT NULL,
	agent TEXT NOT NULL,
	outcome TEXT NOT NULL,
	time INTEGER NOT NULL,
	callback INTEGER NOT NULL, -- 0: none
	done INTEGER NOT NULL,     -- when that was kept or taken back; 0: open
	taker TEXT NOT NULL,       -- who is calling back now
	taken INTEGER NOT NULL,
	script TEXT NOT NULL,
	version INTEGER NOT NULL,  -- of the office that held the script
	answers TEXT NOT NULL,     -- JSON object: field -> answer
	note TEXT NOT NULL,
	corrected INTEGER NOT NULL -- how often
) STRICT, WITHOUT ROWID`,
		`CREATE INDEX outcome_results_subject ON outcome_results (subject, time) WHERE subject <> ''`,
		`CREATE INDEX outcome_results_customer ON outcome_results (customer, time) WHERE customer <> ''`,
		`CREATE INDEX outcome_results_open ON outcome_results (callback) WHERE callback > 0 AND done = 0`,
		`CREATE TABLE outcome_imports (
	id TEXT PRIMARY KEY,
	time INTEGER NOT NULL,
	by TEXT NOT NULL,
	source TEXT NOT NULL,
	date TEXT NOT NULL,
	created INTEGER NOT NULL,
	merged INTEGER NOT NULL,
	rejected INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
		`CREATE TABLE outcome_staged (
	customer TEXT NOT NULL,
	name TEXT NOT NULL,
	company TEXT NOT NULL,
	fields TEXT NOT NULL,
	search TEXT NOT NULL,
	created INTEGER NOT NULL,
	note TEXT NOT NULL,
	seen INTEGER NOT NULL, -- changed of the card that is there; 0: a new one
	PRIMARY KEY (customer)
) STRICT, WITHOUT ROWID`,
		`CREATE TABLE outcome_staged_numbers (
	subject TEXT PRIMARY KEY,
	customer TEXT NOT NULL,
	place INTEGER NOT NULL,
	fresh INTEGER NOT NULL -- 1: the number was not known before
) STRICT, WITHOUT ROWID`,
	}}, {Domain: "outcome", Version: 2, SQL: []string{
		// Who calls whom is kept in one place for all lists (acd/report).
		`ALTER TABLE outcome_results DROP COLUMN taker`,
		`ALTER TABLE outcome_results DROP COLUMN taken`,
	}}, {Domain: "outcome", Version: 3, SQL: []string{
		// callback is when the customer is to be called; with task 1 by when something is to
		// be done, 0: some time, by owner: a person, or empty: the queue.
		`ALTER TABLE outcome_results ADD COLUMN task INTEGER NOT NULL DEFAULT 0`,
		`ALTER TABLE outcome_results ADD COLUMN owner TEXT NOT NULL DEFAULT ''`,
		`DROP INDEX outcome_results_open`,
		`CREATE INDEX outcome_results_open ON outcome_results (callback) WHERE done = 0 AND (callback > 0 OR task = 1)`,
	}}}
}

// Open returns the Book and clears away what an import that was cut off left behind. If
// the disk refuses that, Run does it later: telephones come first.
func Open(ctx context.Context, o Options) (*Book, error) {
	if o.DB == nil || o.Journal == nil || o.Gate == nil || o.Office == nil || o.Now == nil {
		return nil, errors.New("outcome: DB, Journal, Gate, Office and Now are required")
	}
	if o.Told == nil {
		o.Told = func(journal.OutcomeSet) {}
	}
	if o.Fault == nil {
		o.Fault = func(error) {}
	}
	b := &Book{o: o}
	if b.left = b.unstage(ctx); b.left != nil && !store.Refused(b.left) {
		return nil, fmt.Errorf("open customers: %w", b.left)
	}
	return b, nil
}

// clearAgain is how often Run tries to clear away what the disk did not let Open.
const clearAgain = 30 * time.Second

// Run clears away what Open could not, as often as it takes, and tells Fault. It returns
// nil when ctx ends.
func (b *Book) Run(ctx context.Context) error {
	if b.left != nil {
		b.o.Fault(b.left)
	}
	again := time.NewTicker(clearAgain)
	defer again.Stop()
	for b.left != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
		if b.left = b.clear(ctx); b.left == nil {
			b.o.Fault(nil)
		}
	}
	<-ctx.Done()
	return nil
}

// clear clears away what an import left behind, unless one is on its way.
func (b *Book) clear(ctx context.Context) error {
	b.importing.Lock()
	defer b.importing.Unlock()
	return b.unstage(ctx)
}

// all reads and closes the rows of a query that gave them or err.
func all[T any](rows *sql.Rows, err error, scan func(*sql.Rows, *T) error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// letters writes ids: small letters and digits.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID draws an id: "k-…" for a card, "i-…" for an import.
func newID(prefix string) string {
	var b [10]byte
	rand.Read(b[:]) // never fails
	return prefix + letters.EncodeToString(b[:])
}

// IsCustomer says whether an id is a card's.
func IsCustomer(id string) bool { return strings.HasPrefix(id, "k-") }

func (b *Book) now() time.Time { return b.o.Now().Round(0).UTC() }
