// Package store is the box's one database: it opens SQLite, keeps it whole and
// lets domains keep their own tables in it. It owns the pragmas, the numbered
// migrations of every domain, the single writer, the local copies, the encrypted
// backup and restore, and the watch over free space. It never knows what a row
// means and never builds SQL from text.
//
// Writing: one connection, one transaction at a time, acknowledged when it is on
// disk (WAL, synchronous FULL). Reading: a few connections, each transaction a
// snapshot; readers never wait for the writer. With Options.Readers set to
// OneConnection all of them share one connection, so that the box also runs in a
// testing/synctest bubble.
//
// Damage: a database that SQLite calls corrupt is moved aside with its date, the
// newest local copy that is whole takes its place, and Open's caller is told; so too
// where there are copies and no database. An
// error of the disk itself (no space, no permission, input/output) never moves a
// database.
//
// Goroutines: none but those of database/sql; Run does the periodic work in the
// caller's goroutine.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// OneConnection as Options.Readers makes readers share the writer's connection.
// A Read inside a Write (or the reverse) then waits for itself: never nest them.
const OneConnection = -1

// Options say where the database is and what belongs into it.
type Options struct {
	Folder     string           // data folder; made if missing, mode 0700
	Migrations []Migration      // of all domains; order within a domain is by Version
	Readers    int              // reading connections, 3 if 0; or OneConnection
	Now        func() time.Time // wall clock, for names of copies; required
	Log        *slog.Logger     // required
	KeepCopies int              // local copies kept, 7 if 0
	MinFree    uint64           // octets of free space below which space is low, 64 MiB if 0
	CheckLimit int64            // a database up to this size is checked whole before Open returns, 16 MiB if 0; larger ones in Run
	Files      []string         // names of small files in Folder that belong to a backup, for instance "secrets.key"
	Blobs      string           // name of the folder in Folder with content-addressed files (name = SHA-256 in hex) that belong to a backup; none if empty

	// CheckRestored lets domains judge a database of a backup before it is accepted;
	// conn is read-only. Nil for none.
	CheckRestored []func(ctx context.Context, conn *sql.DB) error

	// Fault is called before each operation on the disk with its name; an error
	// makes the operation fail with it. For tests of failing disks; nil otherwise.
	Fault func(operation string) error
}

// DB is the open database. Its methods may be called from any goroutine.
type DB struct {
	o       Options
	path    string
	w       *sql.DB
	r       *sql.DB
	writing chan struct{} // capacity 1: held by the one transaction that writes
	after   []func()      // to run once that transaction is on disk; its holder owns it
	space   spaceWatch
	damaged atomic.Pointer[string] // what a later check or statement found
	broken  chan struct{}          // capacity 1: damaged was set; the first one counts, there is no second
	unread  unreadWatch
	onBreak []func(cause string) // told of damaged; set before Run
	onCopy  []func(err error)    // told of each daily copy; set before Run
	closing sync.Once
}

// Opened tells what Open found and did.
type Opened struct {
	Fresh     bool       // there was no database
	Migrated  []Migrated // schema steps that ran
	Damage    *Damage    // not nil: the database was corrupt and set aside
	Restored  *Manifest  // not nil: a backup that Restore had prepared took its place
	CopyError error      // the copy before migrating could not be made; migration went on because only space was missing
}

// Damage tells about a database that was set aside.
type Damage struct {
	Cause    error     // what SQLite said
	SetAside string    // folder under the data folder where the files are now
	Copy     string    // name of the local copy that took its place; empty: started empty
	CopyTime time.Time // when that copy was made; what was written later is only in SetAside
}

// fileName is the database's file in the data folder.
const fileName = "centralino.db"

// Open opens the database, applies a prepared restore, replaces a corrupt file by
// the newest good copy, and migrates. It fails only if the disk refuses or the
// database was written by a newer version (ErrNewer).
func Open(ctx context.Context, o Options) (*DB, Opened, error) {
	var found Opened
	o, err := o.check()
	if err != nil {
		return nil, found, err
	}
	db := &DB{o: o, path: filepath.Join(o.Folder, fileName), writing: make(chan struct{}, 1), broken: make(chan struct{}, 1), unread: unreadWatch{failed: make(chan struct{}, 1)}}
	if err := db.fault("mkdir"); err != nil {
		return nil, found, fmt.Errorf("make data folder: %w", err)
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, found, fmt.Errorf("make data folder: %w", err)
	}
	if found.Restored, err = db.applyRestore(); err != nil {
		return nil, found, fmt.Errorf("put restored backup in place: %w", err)
	}
	if err := db.openWhole(ctx, &found); err != nil {
		db.closeHandles()
		return nil, found, err
	}
	if err := db.migrate(ctx, &found); err != nil {
		db.closeHandles()
		return nil, found, err
	}
	db.OnShort(DropSpares, db.dropSpares)
	return db, found, nil
}

func (o Options) check() (Options, error) {
	switch {
	case o.Folder == "":
		return o, errors.New("store: no data folder named")
	case o.Now == nil || o.Log == nil:
		return o, errors.New("store: Now and Log are required")
	}
	if o.Readers == 0 {
		o.Readers = 3
	}
	if o.KeepCopies == 0 {
		o.KeepCopies = 7
	}
	if o.MinFree == 0 {
		o.MinFree = 64 << 20
	}
	if o.CheckLimit == 0 {
		o.CheckLimit = 16 << 20
	}
	for _, name := range o.Files {
		if !validName(name) {
			return o, fmt.Errorf("store: %q is no name of a file of the backup", name)
		}
	}
	return o, checkMigrations(o.Migrations)
}

// Write runs fn in the one writing transaction and commits it. When Write
// returns nil the change is on disk. An error of fn, or its panic, rolls back. A
// ctx that ends while Write waits for its turn stops it; once fn runs, the
// transaction is finished. fn must not keep tx and must not call Write or Read.
func (db *DB) Write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	select {
	case db.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-db.writing }()
	return db.write(fn)
}

func (db *DB) write(fn func(tx *sql.Tx) error) error {
	if err := db.fault("begin"); err != nil {
		return db.failed(err)
	}
	db.after = nil
	tx, err := db.w.BeginTx(context.Background(), nil)
	if err != nil {
		return db.failed(err)
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := fn(tx); err != nil {
		return db.failed(err)
	}
	if err := db.fault("commit"); err != nil {
		return db.failed(err)
	}
	if err := tx.Commit(); err != nil {
		return db.failed(err)
	}
	for _, then := range db.after {
		then()
	}
	return nil
}

// AfterCommit has then run once the transaction is on disk, before Write returns; if
// it comes to nothing, never. It must be called by a function that Write runs. then
// must not block, nor use the DB.
func (db *DB) AfterCommit(then func()) { db.after = append(db.after, then) }

// Undoable runs part of a function that Write runs. If part fails, what it asked of
// AfterCommit is forgotten; the caller goes back to a savepoint of his own.
func (db *DB) Undoable(part func() error) error {
	before := len(db.after)
	err := part()
	if err != nil {
		db.after = db.after[:before]
	}
	return err
}

// Read runs fn in a reading transaction: everything fn sees is one snapshot. fn
// must not write, keep tx, or call Write or Read.
func (db *DB) Read(ctx context.Context, fn func(tx *sql.Tx) error) error {
	if db.r == db.w { // one connection: take turns with the writer
		select {
		case db.writing <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-db.writing }()
	}
	if err := db.fault("read"); err != nil {
		return db.readFailed(err)
	}
	tx, err := db.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return db.readFailed(err)
	}
	defer tx.Rollback() // nothing was written
	return db.readFailed(fn(tx))
}

// Prepare prepares a statement for use inside Write through tx.Stmt. It lives
// until the database is closed.
func (db *DB) Prepare(query string) (*sql.Stmt, error) {
	db.writing <- struct{}{}
	defer func() { <-db.writing }()
	s, err := db.w.Prepare(query)
	return s, db.failed(err)
}

// Folder returns the data folder.
func (db *DB) Folder() string { return db.o.Folder }

// Damaged returns what SQLite found broken since Open; empty while all is well. A
// database found broken while it runs is set aside at the next start.
func (db *DB) Damaged() string {
	if s := db.damaged.Load(); s != nil {
		return *s
	}
	return ""
}

// OnDamaged registers who is told once when the database is found broken while it is
// open. It is called from Run and must not block. Register before Run.
func (db *DB) OnDamaged(told func(cause string)) { db.onBreak = append(db.onBreak, told) }

// OnCopy has told called after each daily copy with what went wrong, nil for nothing.
// It must be called before Run.
func (db *DB) OnCopy(told func(err error)) { db.onCopy = append(db.onCopy, told) }

// recoveredMark is the file that tells that a damaged database was set aside and
// nobody has acknowledged it.
const recoveredMark = "database-recovered"

// Recovered reports whether a damaged database was ever set aside since a person
// last acknowledged it, also before this start.
func (db *DB) Recovered() bool {
	_, err := os.Stat(filepath.Join(db.o.Folder, recoveredMark))
	return err == nil
}

// AcknowledgeRecovery notes that a person has read that the database was recovered.
func (db *DB) AcknowledgeRecovery() error {
	if err := os.Remove(filepath.Join(db.o.Folder, recoveredMark)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("acknowledge recovered database: %w", Classify(err))
	}
	return syncDir(db.o.Folder)
}

// Close waits for the running transaction and closes the database. It may be
// called again.
func (db *DB) Close() error {
	var err error
	db.closing.Do(func() {
		db.writing <- struct{}{}
		err = db.closeHandles()
	})
	return err
}

func (db *DB) closeHandles() error {
	var err error
	if db.r != nil && db.r != db.w {
		err = db.r.Close()
	}
	if db.w != nil {
		err = errors.Join(err, db.w.Close())
	}
	return err
}

// fault asks the test hook whether the operation shall fail.
func (db *DB) fault(operation string) error {
	if db.o.Fault == nil {
		return nil
	}
	return db.o.Fault(operation)
}
