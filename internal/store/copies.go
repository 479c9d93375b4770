package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	copyPrefix = "copy-"
	copySuffix = ".db"

	// Folders of former data, dated.
	damagedFolder = "damaged-"
	beforeRestore = "before-restore-"

	sqlVacuumInto = `VACUUM INTO ?`
)

func (db *DB) copiesFolder() string { return filepath.Join(db.o.Folder, "copies") }

// Copies returns the names of the local copies, newest first.
func (db *DB) Copies() ([]string, error) {
	entries, err := os.ReadDir(db.copiesFolder())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !copyTime(e.Name()).IsZero() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	slices.Reverse(names)
	return names, nil
}

// copyTime reads the time from a copy's name; zero for any other file.
func copyTime(name string) time.Time {
	s, ok := strings.CutPrefix(name, copyPrefix)
	if !ok {
		return time.Time{}
	}
	if s, ok = strings.CutSuffix(s, copySuffix); !ok {
		return time.Time{}
	}
	t, err := time.Parse(stamp, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Copy makes a local copy (VACUUM INTO) and returns its name in the folder
// "copies". Writers and readers go on meanwhile. The oldest copies beyond
// Options.KeepCopies go.
func (db *DB) Copy(ctx context.Context) (string, error) {
	name := copyPrefix + db.o.Now().UTC().Format(stamp) + copySuffix
	if err := db.copyTo(ctx, filepath.Join(db.copiesFolder(), name)); err != nil {
		return "", fmt.Errorf("copy database to %s: %w", name, db.failed(err))
	}
	return name, db.sweepCopies()
}

// copyTo writes a compact copy of the database to a file.
func (db *DB) copyTo(ctx context.Context, path string) error {
	if err := db.fault("copy"); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := db.vacuumInto(ctx, part)
	if err == nil {
		err = db.finishCopy(part, path)
	}
	if err != nil {
		_ = os.Remove(part) // half a copy is none; its name would not be taken for one either
	}
	return err
}

func (db *DB) vacuumInto(ctx context.Context, path string) error {
	if db.r == db.w { // one connection: take turns with the writer
		select {
		case db.writing <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-db.writing }()
		_, err := db.w.ExecContext(ctx, sqlVacuumInto, path)
		return err
	}
	conn, err := sql.Open("sqlite", dsn(db.path, writerPragmas))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetMaxOpenConns(1)
	_, err = conn.ExecContext(ctx, sqlVacuumInto, path)
	return err
}

func (db *DB) finishCopy(part, path string) error {
	if err := os.Chmod(part, 0o600); err != nil {
		return err
	}
	if err := db.fault("sync copy"); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := db.fault("rename copy"); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// sweepCopies removes the oldest copies and what a power cut left half made.
func (db *DB) sweepCopies() error {
	names, err := db.Copies()
	if err != nil {
		return err
	}
	for i, name := range names {
		if i < db.o.KeepCopies {
			continue
		}
		if err := os.Remove(filepath.Join(db.copiesFolder(), name)); err != nil {
			return err
		}
	}
	return nil
}

// dropSpares removes former data that was set aside, then local copies, the oldest
// first and of each kind never the newest, until need octets are freed. It returns
// how many it freed.
func (db *DB) dropSpares(need uint64) (freed uint64) {
	for _, s := range []struct{ folder, pattern string }{
		{db.o.Folder, beforeRestore + "*"}, {db.o.Folder, beforePutBack + "*"}, {db.o.Folder, damagedFolder + "*"}, {db.copiesFolder(), copyPrefix + "*" + copySuffix},
	} {
		names, err := matching(s.folder, s.pattern) // the oldest first
		if err != nil {
			db.o.Log.Warn("look for spare data", "cause", err)
		}
		for len(names) > 1 && freed < need {
			path := filepath.Join(s.folder, names[0])
			size := treeSize(path)
			if err := os.RemoveAll(path); err != nil {
				db.o.Log.Warn("drop spare data", "cause", err)
				break
			}
			freed += size
			names = names[1:]
		}
	}
	return freed
}

// treeSize returns the octets of the regular files at and below path.
func treeSize(path string) (size uint64) {
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			size += uint64(info.Size())
		}
		return nil
	})
	return size
}
