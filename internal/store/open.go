package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// writerPragmas of every connection; readers get query_only besides.
//
// synchronous FULL makes a commit durable before it is acknowledged; secure_delete
// overwrites what is erased; trusted_schema and cell_size_check distrust a file
// that may have come from elsewhere.
var writerPragmas = []string{
	"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
	"secure_delete(ON)", "trusted_schema(OFF)", "cell_size_check(ON)",
	"temp_store(MEMORY)", "journal_size_limit(16777216)",
}

// dsn names the file with its pragmas as modernc.org/sqlite reads them.
func dsn(path string, pragmas []string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// openWhole opens the database; a corrupt one is set aside and replaced once.
func (db *DB) openWhole(ctx context.Context, found *Opened) error {
	info, err := os.Stat(db.path)
	found.Fresh = errors.Is(err, fs.ErrNotExist)
	if found.Fresh || err == nil && info.Size() == 0 {
		err = db.lost()
	} else {
		err = nil // connect says what is wrong
	}
	if err == nil {
		err = db.connect(ctx)
	}
	if err == nil {
		err = db.checkAtStart(ctx)
	}
	if err == nil || !errors.Is(err, ErrCorrupt) {
		return wrapOpen(err)
	}
	db.closeHandles() // it is corrupt
	db.w, db.r = nil, nil
	damage, err := db.setAside(ctx, err)
	if err != nil {
		return fmt.Errorf("set corrupt database aside: %w", Classify(err))
	}
	found.Damage, found.Fresh = damage, damage.Copy == ""
	db.damaged.Store(nil)
	return wrapOpen(db.connect(ctx))
}

// lost reports a database that is not there although there are copies of it, as ErrCorrupt:
// a repair of the file system has taken it away. One begun anew would be nobody's.
func (db *DB) lost() error {
	names, err := db.Copies()
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%w: its file is gone or empty", ErrCorrupt)
	}
	return Classify(err)
}

func wrapOpen(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("open database: %w", err)
}

// alone are the pragmas of a connection that has the file for itself: it keeps the index of
// the log in its own memory, where those that share it need room on the disk. The mode of
// the journal stands in the file, and the driver would set it before the mode of locking.
func alone() []string {
	p := slices.DeleteFunc(slices.Clone(writerPragmas), func(s string) bool { return strings.HasPrefix(s, "journal_mode") })
	return append(p, "locking_mode(EXCLUSIVE)")
}

// connect opens the writer's and the readers' connections; on a disk that has no room for
// the index that they share, one for all until the next start.
func (db *DB) connect(ctx context.Context) error {
	if err := db.fault("open"); err != nil {
		return Classify(err)
	}
	err := db.connectWith(ctx, writerPragmas, db.o.Readers)
	if free, _, e := statfs(db.o.Folder); err == nil || e != nil || free >= fullBelow {
		return err
	}
	db.closeHandles() // nothing was done with them
	if db.connectWith(ctx, alone(), OneConnection) != nil {
		return err
	}
	db.o.Log.Error("the disk is full: the database is open with a connection for all", "cause", err)
	return nil
}

func (db *DB) connectWith(ctx context.Context, pragmas []string, readers int) error {
	db.w, db.r = nil, nil
	w, err := sql.Open("sqlite", dsn(db.path, pragmas))
	if err != nil {
		return Classify(err)
	}
	w.SetMaxOpenConns(1)
	db.w, db.r = w, w
	if err := w.PingContext(ctx); err != nil {
		return Classify(err)
	}
	if err := os.Chmod(db.path, 0o600); err != nil {
		return Classify(err)
	}
	if readers == OneConnection {
		return nil
	}
	if db.r, err = sql.Open("sqlite", dsn(db.path, append(slices.Clone(pragmas), "query_only(ON)"))); err != nil {
		return Classify(err)
	}
	db.r.SetMaxOpenConns(readers)
	db.r.SetMaxIdleConns(readers)
	return nil
}

const (
	sqlSchemaCount = `SELECT count(*) FROM sqlite_schema`
	sqlQuickCheck  = `PRAGMA quick_check(1)`
)

// checkAtStart reads the schema, and the whole database if it is small or was
// marked by the last run.
func (db *DB) checkAtStart(ctx context.Context) error {
	if err := db.fault("check"); err != nil {
		return Classify(err)
	}
	var n int
	if err := db.w.QueryRowContext(ctx, sqlSchemaCount).Scan(&n); err != nil {
		return Classify(err)
	}
	mark := filepath.Join(db.o.Folder, damagedMark)
	_, err := os.Stat(mark)
	marked := err == nil
	if info, err := os.Stat(db.path); err == nil && info.Size() > db.o.CheckLimit && !marked {
		return nil
	}
	if err := quickCheck(ctx, db.w); err != nil {
		return err
	}
	if marked {
		return os.Remove(mark)
	}
	return nil
}

// quickCheck lets SQLite read every page; ErrCorrupt names the first complaint.
func quickCheck(ctx context.Context, conn *sql.DB) error {
	var verdict string
	if err := conn.QueryRowContext(ctx, sqlQuickCheck).Scan(&verdict); err != nil {
		return Classify(err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, verdict)
	}
	return nil
}

// setAside moves the database's files into a dated folder and puts the newest
// good copy in their place, if there is one. It may be cut off anywhere: until the
// copy stands in its place the next start finds the corrupt database again.
func (db *DB) setAside(ctx context.Context, cause error) (*Damage, error) {
	damage := &Damage{Cause: cause}
	var err error
	if damage.Copy, err = db.readyCopy(ctx); err != nil {
		return nil, err
	}
	damage.CopyTime = copyTime(damage.Copy)
	if damage.Copy == "" {
		damage.SetAside, err = db.moveAside(damagedFolder, os.Rename)
	} else if damage.SetAside, err = db.moveAside(damagedFolder, os.Link); err == nil {
		if err = db.fault("take copy"); err == nil {
			err = os.Rename(db.path+newSuffix, db.path)
		}
	}
	if err == nil {
		err = syncDir(db.o.Folder)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(db.o.Folder, damagedMark)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// A mark that can't be written costs only that the next start does not tell it again.
	_ = os.WriteFile(filepath.Join(db.o.Folder, recoveredMark), []byte(damage.SetAside+"\n"), 0o600)
	db.o.Log.Error("corrupt database set aside", "cause", cause, "folder", damage.SetAside, "copy", damage.Copy)
	return damage, nil
}

// newSuffix is of a copy that is about to take the database's place.
const newSuffix = ".new"

// moveAside moves the database's log and index into a new folder of that prefix and
// the date, then the database itself: by link where something shall take its place
// in one step.
func (db *DB) moveAside(prefix string, database func(from, to string) error) (folder string, err error) {
	if err := db.fault("mkdir aside"); err != nil {
		return "", err
	}
	if folder, err = db.datedFolder(prefix); err != nil {
		return "", err
	}
	dir := filepath.Join(db.o.Folder, folder)
	for _, part := range []struct {
		suffix string
		move   func(from, to string) error
	}{{"-shm", os.Rename}, {"-wal", os.Rename}, {"", database}} {
		if err := db.fault("rename aside" + part.suffix); err != nil {
			return "", err
		}
		err := part.move(db.path+part.suffix, filepath.Join(dir, fileName+part.suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return folder, syncDir(db.o.Folder)
}

// datedFolder makes a folder that was not there: the clock may say the same second
// twice.
func (db *DB) datedFolder(prefix string) (string, error) {
	first := prefix + db.o.Now().UTC().Format(stamp)
	name := first
	for n := 2; ; n++ {
		err := os.Mkdir(filepath.Join(db.o.Folder, name), 0o700)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return name, err
		}
		name = first + "-" + strconv.Itoa(n)
	}
}

// readyCopy writes the newest local copy that is whole beside the database and
// returns its name; empty if there is none.
func (db *DB) readyCopy(ctx context.Context) (string, error) {
	names, err := db.Copies()
	if err != nil {
		return "", err
	}
	for _, name := range names {
		path := filepath.Join(db.copiesFolder(), name)
		if err := checkFile(ctx, path); err != nil {
			db.o.Log.Warn("local copy is not whole", "copy", name, "cause", err)
			continue
		}
		if err := db.fault("ready copy"); err != nil {
			return "", err
		}
		return name, copyFile(path, db.path+newSuffix)
	}
	return "", nil
}

// checkFile checks a database that nobody uses, without changing it.
func checkFile(ctx context.Context, path string) error {
	conn, err := sql.Open("sqlite", dsn(path, []string{"query_only(ON)", "trusted_schema(OFF)", "cell_size_check(ON)"}))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetMaxOpenConns(1)
	return quickCheck(ctx, conn)
}
