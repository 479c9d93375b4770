package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
)

// What can be wrong with the disk or the database. Errors of Open, Write, Read,
// Copy and Backup that have one of these causes match it with errors.Is.
var (
	// ErrFull: no space is left. Calls go on from memory; see Space.
	ErrFull = errors.New("the disk is full")
	// ErrReadOnly: the disk or the file may not be written.
	ErrReadOnly = errors.New("the disk is read-only")
	// ErrIO: the disk reported an input/output error.
	ErrIO = errors.New("the disk reports errors")
	// ErrCorrupt: the database is broken; at the next start it is set aside.
	ErrCorrupt = errors.New("the database is corrupt")
	// ErrBusy: another process holds the database.
	ErrBusy = errors.New("the database is in use by another program")
	// ErrNewer: the database was written by a newer version of the program.
	ErrNewer = errors.New("the database was written by a newer version")
)

// SQLite's primary result codes (https://sqlite.org/rescode.html).
const (
	codePerm     = 3
	codeBusy     = 5
	codeLocked   = 6
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

var causes = map[int]error{
	codePerm: ErrReadOnly, codeReadOnly: ErrReadOnly,
	codeBusy: ErrBusy, codeLocked: ErrBusy,
	codeIO: ErrIO, codeCantOpen: ErrIO,
	codeCorrupt: ErrCorrupt, codeNotADB: ErrCorrupt,
	codeFull: ErrFull,
}

// Classify adds the cause to an error of SQLite or the system, if it has one.
func Classify(err error) error {
	if err == nil {
		return nil
	}
	var e *sqlite.Error
	switch {
	case errors.As(err, &e):
		if cause := causes[e.Code()&0xff]; cause != nil && !errors.Is(err, cause) {
			return fmt.Errorf("%w: %w", cause, err)
		}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case errors.Is(err, syscall.EIO):
		return fmt.Errorf("%w: %w", ErrIO, err)
	}
	return err
}

// Refused says whether the disk is why something failed, and not what was asked of it: it
// is full or read-only, reports errors, or holds a corrupt database.
func Refused(err error) bool {
	err = Classify(err)
	return errors.Is(err, ErrFull) || errors.Is(err, ErrReadOnly) || errors.Is(err, ErrIO) || errors.Is(err, ErrCorrupt)
}

// failed classifies err and remembers it if the database is corrupt.
func (db *DB) failed(err error) error {
	err = Classify(err)
	if errors.Is(err, ErrCorrupt) {
		db.markDamaged(err.Error())
	}
	return err
}

// damagedMark is the file that tells the next Open to check the whole database.
const damagedMark = "check-database"

func (db *DB) markDamaged(what string) {
	if db.damaged.CompareAndSwap(nil, &what) {
		db.o.Log.Error("database found corrupt", "cause", what)
		// A mark that can't be written costs only the early check.
		_ = os.WriteFile(filepath.Join(db.o.Folder, damagedMark), []byte(what+"\n"), 0o600)
		db.broken <- struct{}{} // once, so that there is room
	}
}
