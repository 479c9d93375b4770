package office

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"centralino/internal/journal"
	"centralino/internal/store"
)

// StoreOptions: DB, Journal and Now are required.
type StoreOptions struct {
	DB      *store.DB
	Journal *journal.Log // its Run must be running
	Now     func() time.Time

	First     *Document              // becomes version 1 of an empty store; Empty() if nil
	FirstWith func(tx *sql.Tx) error // runs in the transaction of version 1; nil for none
}

// Snapshot is one applied version. It never changes.
type Snapshot struct {
	Version int
	Doc     *Document
	Applied time.Time
	By      journal.SubjectID
	Note    string
}

// VersionInfo describes a version without its document.
type VersionInfo struct {
	Version int
	Applied time.Time
	By      journal.SubjectID
	Note    string
	From    int // the version that undo brought back, 0 otherwise
	Current bool
}

// Edit is a draft that shall be applied.
type Edit struct {
	Base int // version that the draft was made from
	Doc  *Document
	By   journal.SubjectID
	Note string // text id: "edit" (if empty), "undo", "restore", "sample"

	// With runs in the same transaction, for rows that belong to the change
	// (a person's name, a secret). Nil for none.
	With func(tx *sql.Tx) error
}

// Proposal is a draft seen against its base.
type Proposal struct {
	Base     int
	Problems []Problem
	Changes  []Change
	Conflict bool // Base is no longer current; Changes are against what is current
}

// Conflict is the error of Apply when somebody else applied a version meanwhile.
type Conflict struct{ Base, Current int }

func (c *Conflict) Error() string {
	return fmt.Sprintf("apply office: draft was made from version %d, current is %d", c.Base, c.Current)
}

// Invalid is the error of Apply for a document with problems.
type Invalid struct{ Problems []Problem }

func (i *Invalid) Error() string {
	p := i.Problems[0]
	return fmt.Sprintf("apply office: %d problems, first %s in %s %s %s", len(i.Problems), p.Code, p.Kind, p.Object, p.Field)
}

// ErrNoVersion: there is no version of that number.
var ErrNoVersion = errors.New("no such version of the office")

// Store keeps the versions of the document. Its methods may be called from any
// goroutine.
type Store struct {
	o        StoreOptions
	current  atomic.Pointer[Snapshot]
	applying chan struct{} // capacity 1: held by the one edit that is being applied
	skipped  []int
	last     int // highest version ever written; the holder of applying owns it

	mu   sync.Mutex // guards subs
	subs []*subscriber
}

type subscriber struct{ told func(*Snapshot) }

// Migrations are the office's tables.
func Migrations() []store.Migration {
	return []store.Migration{{Domain: "office", Version: 1, SQL: []string{
		`CREATE TABLE office_versions (
	version INTEGER PRIMARY KEY,
	applied INTEGER NOT NULL, -- nanoseconds since 1970, UTC
	by TEXT NOT NULL,
	note TEXT NOT NULL,
	source INTEGER NOT NULL, -- version that undo brought back, 0 otherwise
	document BLOB NOT NULL
) STRICT`,
		`CREATE TABLE office_ids (
	kind TEXT PRIMARY KEY,
	last INTEGER NOT NULL -- highest number ever given out
) STRICT, WITHOUT ROWID`,
		`CREATE TABLE office_secrets (
	ref TEXT PRIMARY KEY,
	sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID`,
	}}}
}

const (
	sqlNewest = `SELECT version, applied, by, note, document FROM office_versions
	WHERE version < ? ORDER BY version DESC LIMIT 1`
	sqlVersion  = `SELECT document FROM office_versions WHERE version = ?`
	sqlVersions = `SELECT version, applied, by, note, source FROM office_versions
	WHERE version < ? ORDER BY version DESC LIMIT ?`
	sqlInsertVersion = `INSERT INTO office_versions (version, applied, by, note, source, document) VALUES (?, ?, ?, ?, ?, ?)`
	sqlNextID        = `INSERT INTO office_ids (kind, last) VALUES (?, 1)
	ON CONFLICT (kind) DO UPDATE SET last = last + 1 RETURNING last`
	sqlRaiseID = `INSERT INTO office_ids (kind, last) VALUES (?, ?)
	ON CONFLICT (kind) DO UPDATE SET last = max(last, excluded.last)`
)

const anyVersion = math.MaxInt

// Empty returns the smallest valid document. Its queues tell callers the operator's
// country, as law decree 83/2012 article 24-bis asks.
func Empty() *Document {
	return &Document{Schema: documentSchema, Site: Site{Name: "Centralino", Country: "IT", TimeZone: "Europe/Rome", Language: "it", ACDNotice: true}}
}

// documentSchema is the form of the document that this program writes.
const documentSchema = 1

// OpenStore reads the current version, or makes version 1. A version that can't be
// read is skipped (Skipped): the box starts with the one before.
func OpenStore(ctx context.Context, o StoreOptions) (*Store, error) {
	s := &Store{o: o, applying: make(chan struct{}, 1)}
	before := anyVersion
	for {
		snap, found, err := s.newest(ctx, before)
		if err != nil && !errors.Is(err, errUnreadable) {
			return nil, fmt.Errorf("open office: %w", err)
		}
		if found {
			s.last = max(s.last, snap.Version)
		}
		if err != nil {
			s.skipped = append(s.skipped, snap.Version)
			before = snap.Version
			continue
		}
		if found {
			s.current.Store(snap)
			return s, nil
		}
		break
	}
	first := o.First
	if first == nil {
		first = Empty()
	}
	s.current.Store(&Snapshot{Doc: &Document{}})
	_, err := s.Apply(ctx, Edit{Doc: first, Note: "sample", With: o.FirstWith})
	if err != nil {
		return nil, fmt.Errorf("make first version: %w", err)
	}
	return s, nil
}

var errUnreadable = errors.New("version can't be read")

// newest reads the newest version below before.
func (s *Store) newest(ctx context.Context, before int) (*Snapshot, bool, error) {
	var snap Snapshot
	var applied int64
	var document []byte
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlNewest, before).Scan(&snap.Version, &applied, &snap.By, &snap.Note, &document)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	snap.Applied = time.Unix(0, applied).UTC()
	if snap.Doc, err = Decode(document); err != nil {
		return &snap, true, fmt.Errorf("%w: %d: %w", errUnreadable, snap.Version, err)
	}
	snap.Doc.Freeze()
	return &snap, true, nil
}

// Encode writes a document as JSON, always the same bytes for the same document.
func Encode(d *Document) ([]byte, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode office: %w", err)
	}
	return b, nil
}

// maxDocument is the most JSON that is taken for a document.
const maxDocument = 8 << 20

// Decode reads a document. It refuses fields that it does not know and newer
// forms; it does not judge the content (Validate does).
func Decode(b []byte) (*Document, error) {
	if len(b) > maxDocument {
		return nil, fmt.Errorf("decode office: %d octets", len(b))
	}
	var d Document
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("decode office: %w", err)
	}
	if dec.More() {
		return nil, errors.New("decode office: something follows the document")
	}
	if d.Schema > documentSchema {
		return nil, fmt.Errorf("decode office: form %d is newer than this program", d.Schema)
	}
	return &d, nil
}

// Current returns the version in force. It never blocks.
func (s *Store) Current() *Snapshot { return s.current.Load() }

// Document returns the document in force.
func (s *Store) Document() *Document { return s.Current().Doc }

// Skipped returns the versions that could not be read when the store was opened.
func (s *Store) Skipped() []int { return s.skipped }

// Propose judges a draft without changing anything.
func (s *Store) Propose(base int, d *Document) Proposal {
	now := s.Current()
	return Proposal{Base: base, Problems: Validate(d), Changes: Diff(now.Doc, d), Conflict: base != now.Version}
}

// Apply makes the draft the current version: it is written with OfficeChanged in
// one transaction, then swapped in whole, then subscribers are told. The caller
// may go on editing its draft. Errors: *Conflict, *Invalid, or of the disk; in all
// of them nothing has changed. A draft without changes (and without With) is the
// current version already.
func (s *Store) Apply(ctx context.Context, e Edit) (*Snapshot, error) {
	return s.locked(ctx, func() (*Snapshot, error) { return s.apply(ctx, e, 0) })
}

// Undo applies version n again as a new version, whatever came after it.
func (s *Store) Undo(ctx context.Context, n int, by journal.SubjectID) (*Snapshot, error) {
	return s.locked(ctx, func() (*Snapshot, error) {
		d, err := s.At(ctx, n)
		if err != nil {
			return nil, err
		}
		return s.apply(ctx, Edit{Base: s.Current().Version, Doc: d, By: by, Note: "undo"}, n)
	})
}

func (s *Store) locked(ctx context.Context, f func() (*Snapshot, error)) (*Snapshot, error) {
	select {
	case s.applying <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.applying }()
	return f()
}

func (s *Store) apply(ctx context.Context, e Edit, from int) (*Snapshot, error) {
	now := s.Current()
	if e.Base != now.Version {
		return nil, &Conflict{Base: e.Base, Current: now.Version}
	}
	doc := e.Doc.Clone()
	doc.Schema = documentSchema
	if blocking := Blocking(Validate(doc)); len(blocking) > 0 {
		return nil, &Invalid{Problems: blocking}
	}
	if e.With == nil && now.Version > 0 && len(Diff(now.Doc, doc)) == 0 {
		return now, nil
	}
	b, err := Encode(doc)
	if err != nil {
		return nil, err
	}
	if e.Note == "" {
		e.Note = "edit"
	}
	doc.Freeze()
	snap := &Snapshot{Version: s.last + 1, Doc: doc, Applied: s.o.Now().Round(0).UTC(), By: e.By, Note: e.Note}
	event := journal.OfficeChanged{Version: snap.Version, By: e.By, Note: e.Note, From: from}
	_, err = s.o.Journal.AppendWith(ctx, "", event, func(tx *sql.Tx) error {
		if _, err := tx.Exec(sqlInsertVersion, snap.Version, snap.Applied.UnixNano(), string(e.By), e.Note, from, b); err != nil {
			return err
		}
		if err := raiseIDs(tx, doc); err != nil {
			return err
		}
		if e.With != nil {
			return e.With(tx)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("apply office version %d: %w", snap.Version, err)
	}
	s.current.Store(snap)
	s.last = snap.Version
	for _, sub := range s.subscribers() {
		sub.told(snap)
	}
	return snap, nil
}

// raiseIDs keeps NewID from ever giving out an id of this document.
func raiseIDs(tx *sql.Tx, d *Document) error {
	for _, t := range tables {
		if t.single() {
			continue
		}
		highest := 0
		for _, id := range t.ids(d) {
			if digits, ok := strings.CutPrefix(id, string(t.kindOf())+"-"); ok {
				if n, err := strconv.Atoi(digits); err == nil && n <= math.MaxInt32 {
					highest = max(highest, n)
				}
			}
		}
		if highest == 0 {
			continue
		}
		if _, err := tx.Exec(sqlRaiseID, string(t.kindOf()), highest); err != nil {
			return err
		}
	}
	return nil
}

// At returns the document of version n; ErrNoVersion if there is none.
func (s *Store) At(ctx context.Context, n int) (*Document, error) {
	var b []byte
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, sqlVersion, n).Scan(&b) })
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: %d", ErrNoVersion, n)
	}
	if err != nil {
		return nil, fmt.Errorf("read office version %d: %w", n, err)
	}
	return Decode(b)
}

// Versions lists versions below before (0: from the newest), newest first, at most
// limit (1 to 500).
func (s *Store) Versions(ctx context.Context, before, limit int) ([]VersionInfo, error) {
	if before <= 0 {
		before = anyVersion
	}
	current := s.Current().Version
	var out []VersionInfo
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlVersions, before, min(max(limit, 1), 500))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v VersionInfo
			var applied int64
			if err := rows.Scan(&v.Version, &applied, &v.By, &v.Note, &v.From); err != nil {
				return err
			}
			v.Applied, v.Current = time.Unix(0, applied).UTC(), v.Version == current
			out = append(out, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list office versions: %w", err)
	}
	return out, nil
}

// Subscribe calls told after each applied version, in order, from the goroutine
// that applied it; told must not block and must not call Apply or Undo.
func (s *Store) Subscribe(told func(*Snapshot)) (cancel func()) {
	sub := &subscriber{told}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(slices.Clone(s.subs), sub)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.subs = slices.DeleteFunc(slices.Clone(s.subs), func(x *subscriber) bool { return x == sub })
	}
}

func (s *Store) subscribers() []*subscriber {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subs
}

// NewID returns an id that was never given out before, for instance "line-4". A
// restored older database begins again where it stood.
func (s *Store) NewID(ctx context.Context, k Kind) (ID, error) {
	var n int
	err := s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlNextID, string(k)).Scan(&n)
	})
	if err != nil {
		return "", fmt.Errorf("new id of %s: %w", k, err)
	}
	return ID(string(k) + "-" + strconv.Itoa(n)), nil
}

// CheckRestored accepts the current version in a database of a backup if it can be
// read and applied; for store.Options.CheckRestored.
func CheckRestored(ctx context.Context, conn *sql.DB) error {
	var v int
	var applied int64
	var by, note string
	var b []byte
	err := conn.QueryRowContext(ctx, sqlNewest, anyVersion).Scan(&v, &applied, &by, &note, &b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := Decode(b)
	if err != nil {
		return err
	}
	if blocking := Blocking(Validate(d)); len(blocking) > 0 {
		return &Invalid{Problems: blocking}
	}
	return nil
}
