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
	"time"
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
	_, err := os.Stat(db.path)
	found.Fresh = errors.Is(err, fs.ErrNotExist)
	err = db.connect(ctx)
	if err == nil {
		err = db.checkAtStart(ctx)
	}
	if err == nil || !errors.Is(err, ErrCorrupt) {
		return wrapOpen(err)
	}
	db.closeHandles() //nolint:errcheck // it is corrupt
	db.w, db.r = nil, nil
	damage, err := db.setAside(ctx, err)
	if err != nil {
		return fmt.Errorf("set corrupt database aside: %w", Classify(err))
	}
	found.Damage, found.Fresh = damage, damage.Copy == ""
	db.damaged.Store(nil)
	return wrapOpen(db.connect(ctx))
}

func wrapOpen(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("open database: %w", err)
}

// connect opens the writer's and the readers' connections.
func (db *DB) connect(ctx context.Context) error {
	if err := db.fault("open"); err != nil {
		return Classify(err)
	}
	w, err := sql.Open("sqlite", dsn(db.path, writerPragmas))
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
	if db.o.Readers == OneConnection {
		return nil
	}
	pragmas := append(append([]string{}, writerPragmas...), "query_only(ON)")
	if db.r, err = sql.Open("sqlite", dsn(db.path, pragmas)); err != nil {
		return Classify(err)
	}
	db.r.SetMaxOpenConns(db.o.Readers)
	db.r.SetMaxIdleConns(db.o.Readers)
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
// good copy in their place, if there is one.
func (db *DB) setAside(ctx context.Context, cause error) (*Damage, error) {
	folder := "damaged-" + db.o.Now().UTC().Format(stamp)
	damage := &Damage{Cause: cause, SetAside: folder}
	if err := db.moveAside(folder); err != nil {
		return nil, err
	}
	name, made, err := db.takeCopy(ctx)
	if err != nil {
		return nil, err
	}
	damage.Copy, damage.CopyTime = name, made
	if err := os.Remove(filepath.Join(db.o.Folder, damagedMark)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	db.o.Log.Error("corrupt database set aside", "cause", cause, "folder", folder, "copy", name)
	return damage, nil
}

// moveAside moves the database, its log and its index. The database goes last:
// if power fails in between, the next start finds a database and tries again.
func (db *DB) moveAside(folder string) error {
	dir := filepath.Join(db.o.Folder, folder)
	if err := db.fault("mkdir aside"); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, suffix := range []string{"-shm", "-wal", ""} {
		if err := db.fault("rename aside" + suffix); err != nil {
			return err
		}
		err := os.Rename(db.path+suffix, filepath.Join(dir, fileName+suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(db.o.Folder)
}

// takeCopy puts the newest local copy that is whole in the database's place.
func (db *DB) takeCopy(ctx context.Context) (string, time.Time, error) {
	names, err := db.Copies()
	if err != nil {
		return "", time.Time{}, err
	}
	for _, name := range names {
		path := filepath.Join(db.copiesFolder(), name)
		if err := checkFile(ctx, path); err != nil {
			db.o.Log.Warn("local copy is not whole", "copy", name, "cause", err)
			continue
		}
		if err := db.fault("take copy"); err != nil {
			return "", time.Time{}, err
		}
		if err := copyFile(path, db.path); err != nil {
			return "", time.Time{}, err
		}
		return name, copyTime(name), nil
	}
	return "", time.Time{}, nil
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
