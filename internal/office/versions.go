package office

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"centralino/internal/journal"
	"centralino/internal/store"
)

// StoreOptions are all required except First.
type StoreOptions struct {
	DB      *store.DB
	Journal *journal.Log // must be running
	Now     func() time.Time
	First   *Document // becomes version 1 of an empty store; an empty valid document if nil
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
	Note string // text id: "edit", "undo", "restore", "sample"

	// With runs in the same transaction, for rows that belong to the change
	// (a person's name, a secret). Nil for none.
	With func(tx *sql.Tx) error
}

// Proposal is a draft seen against its base.
type Proposal struct {
	Base     int
	Problems []Problem
	Changes  []Change
	Conflict bool // Base is no longer current
}

// Conflict is the error of Apply when somebody else applied a version meanwhile.
type Conflict struct{ Base, Current int }

func (c *Conflict) Error() string {
	return fmt.Sprintf("apply office: draft was made from version %d, current is %d", c.Base, c.Current)
}

// Invalid is the error of Apply for a document with problems.
type Invalid struct{ Problems []Problem }

func (i *Invalid) Error() string {
	return fmt.Sprintf("apply office: %d problems, first %s in %s %s", len(i.Problems), i.Problems[0].Code, i.Problems[0].Kind, i.Problems[0].Object)
}

// Store keeps the versions of the document. Its methods may be called from any
// goroutine.
type Store struct{}

// OpenStore reads the current version.
func OpenStore(ctx context.Context, o StoreOptions) (*Store, error) { panic("thin") }

// Current returns the version in force. It never blocks.
func (s *Store) Current() *Snapshot { return nil }

// Propose judges a draft without changing anything.
func (s *Store) Propose(base int, d *Document) Proposal { panic("thin") }

// Apply makes the draft the current version: it is written with OfficeChanged in
// one transaction, then swapped in whole, then subscribers are told. Errors:
// *Conflict, *Invalid, or of the disk; in all of them nothing has changed.
func (s *Store) Apply(ctx context.Context, e Edit) (*Snapshot, error) { panic("thin") }

// Undo applies version n again as a new version.
func (s *Store) Undo(ctx context.Context, n int, by journal.SubjectID) (*Snapshot, error) {
	panic("thin")
}

// At returns the document of version n.
func (s *Store) At(ctx context.Context, n int) (*Document, error) { panic("thin") }

// Versions lists versions below before (0: from the newest), newest first.
func (s *Store) Versions(ctx context.Context, before, limit int) ([]VersionInfo, error) {
	panic("thin")
}

// Subscribe calls told after each applied version, in order, from the goroutine
// that applied it; told must not block and must not call Apply.
func (s *Store) Subscribe(told func(*Snapshot)) (cancel func()) { panic("thin") }

// NewID returns an id that was never given out before, for instance "line-4".
func (s *Store) NewID(ctx context.Context, k Kind) (ID, error) { panic("thin") }
