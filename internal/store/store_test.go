package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/store"
)

var notes = []store.Migration{
	{Domain: "notes", Version: 1, SQL: []string{`CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT`}},
	{Domain: "notes", Version: 2, SQL: []string{
		`ALTER TABLE notes ADD COLUMN stars INTEGER NOT NULL DEFAULT 0`,
		`CREATE INDEX notes_stars ON notes (stars)`,
	}},
}

func clock() func() time.Time {
	start := time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC)
	n := 0
	return func() time.Time { n++; return start.Add(time.Duration(n) * time.Second) }
}

func options(folder string) store.Options {
	return store.Options{Folder: folder, Migrations: notes, Now: clock(), Log: slog.New(slog.DiscardHandler)}
}

func open(t *testing.T, o store.Options) (*store.DB, store.Opened) {
	t.Helper()
	db, found, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, found
}

func add(t *testing.T, db *store.DB, text string) {
	t.Helper()
	if err := db.Write(t.Context(), insert(text)); err != nil {
		t.Fatal(err)
	}
}

func insert(text string) func(tx *sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO notes (text) VALUES (?)`, text)
		return err
	}
}

func texts(t *testing.T, db *store.DB) []string {
	t.Helper()
	var out []string
	err := db.Read(t.Context(), func(tx *sql.Tx) error {
		rows, err := tx.Query(`SELECT text FROM notes ORDER BY id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			out = append(out, s)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func want(t *testing.T, db *store.DB, list ...string) {
	t.Helper()
	if got := fmt.Sprint(texts(t, db)); got != fmt.Sprint(list) {
		t.Fatalf("notes are %v, want %v", got, list)
	}
}

func TestOpenMakesAndKeepsTheDatabase(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a folder? with #odd% name")
	db, found := open(t, options(folder))
	if !found.Fresh || len(found.Migrated) != 2 || found.Damage != nil {
		t.Fatalf("first start found %+v", found)
	}
	add(t, db, "one")
	db.Close()
	db, found = open(t, options(folder))
	if found.Fresh || len(found.Migrated) != 0 {
		t.Fatalf("second start found %+v", found)
	}
	want(t, db, "one")
	for name, mode := range map[string]os.FileMode{"": 0o700, "centralino.db": 0o600} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q has mode %v, want %v (%v)", name, info.Mode().Perm(), mode, err)
		}
	}
}

func TestPragmasHoldOnEveryConnection(t *testing.T) {
	db, _ := open(t, options(t.TempDir()))
	for pragma, value := range map[string]string{
		`PRAGMA journal_mode`: "wal", `PRAGMA synchronous`: "2", `PRAGMA foreign_keys`: "1", `PRAGMA busy_timeout`: "5000",
	} {
		check := func(tx *sql.Tx) error {
			var got string
			if err := tx.QueryRow(pragma).Scan(&got); err != nil || got != value {
				t.Errorf("%s is %q (%v), want %q", pragma, got, err, value)
			}
			return nil
		}
		if err := errors.Join(db.Write(t.Context(), check), db.Read(t.Context(), check)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Read(t.Context(), insert("a reader must not write")); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("writing in Read gave %v", err)
	}
}

func TestWriteKeepsAllOrNothing(t *testing.T) {
	db, _ := open(t, options(t.TempDir()))
	boom := errors.New("boom")
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		if err := insert("lost")(tx); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("error of fn became %v", err)
	}
	func() {
		defer func() { recover() }() // the panic is wanted
		_ = db.Write(t.Context(), func(tx *sql.Tx) error {
			_ = insert("lost too")(tx)
			panic("in the transaction")
		})
	}()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	add(t, db, "kept") // a panic must not keep the writer's place
	want(t, db, "kept")
	block := make(chan struct{})
	go db.Write(context.Background(), func(*sql.Tx) error { <-block; return nil }) // only holds the place
	for db.Write(ended, insert("too late")) == nil {                               // until the other holds the place
	}
	close(block)
}

func TestNewerSchemaIsRefusedAndUntouched(t *testing.T) {
	folder := t.TempDir()
	db, _ := open(t, options(folder))
	add(t, db, "from the future")
	db.Close()
	o := options(folder)
	o.Migrations = notes[:1]
	if _, _, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrNewer) {
		t.Fatalf("older program opened it: %v", err)
	}
	db, _ = open(t, options(folder))
	want(t, db, "from the future")
}

func TestMigrationsMustBeInOrder(t *testing.T) {
	for name, list := range map[string][]store.Migration{
		"a gap":        {notes[0], {Domain: "notes", Version: 3, SQL: []string{"SELECT 1"}}},
		"a repetition": {notes[0], notes[0]},
		"no SQL":       {{Domain: "notes", Version: 1}},
		"no domain":    {{Version: 1, SQL: []string{"SELECT 1"}}},
	} {
		o := options(t.TempDir())
		o.Migrations = list
		if _, _, err := store.Open(t.Context(), o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

var update = flag.Bool("update", false, "make the files in testdata anew")

func TestOldDatabaseIsCopiedAndMigrated(t *testing.T) {
	if *update {
		makeOldDatabase(t)
	}
	folder := t.TempDir()
	old, err := os.ReadFile("testdata/db/v1.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "centralino.db"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	db, found := open(t, options(folder))
	if len(found.Migrated) != 1 || found.Migrated[0] != (store.Migrated{Domain: "notes", From: 1, To: 2}) {
		t.Fatalf("migrated %+v", found.Migrated)
	}
	want(t, db, "written by version 1")
	if names, err := db.Copies(); err != nil || len(names) != 1 {
		t.Fatalf("copies before migrating: %v %v", names, err)
	}
}

func TestWorksInABubbleWithOneConnection(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		o := options(folder)
		o.Readers = store.OneConnection
		db, _, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- db.Run(ctx) }()
		for i := range 3 {
			time.Sleep(10 * time.Hour)
			add(t, db, fmt.Sprint(i))
		}
		want(t, db, "0", "1", "2")
		if names, err := db.Copies(); err != nil || len(names) == 0 {
			t.Errorf("no daily copy after 30 h: %v %v", names, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
	})
}

func TestFullDiskIsATypedError(t *testing.T) {
	o := options(t.TempDir())
	o.Readers = store.OneConnection // the limit below belongs to a connection
	db, _ := open(t, o)
	add(t, db, "fits")
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		var pages int
		if err := tx.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
			return err
		}
		_, err := tx.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+1))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), insert(string(bytes.Repeat([]byte("x"), 1<<20)))); !errors.Is(err, store.ErrFull) {
		t.Fatalf("a full disk gave %v", err)
	}
	want(t, db, "fits")
}

func TestSpaceIsFreedInOrder(t *testing.T) {
	o := options(t.TempDir())
	o.MinFree = 1 << 62 // whatever is free is short of this
	db, _ := open(t, o)
	var dropped []string
	note := func(name string, freed uint64) func(uint64) uint64 {
		return func(uint64) uint64 { dropped = append(dropped, name); return freed }
	}
	db.OnShort(store.DropLogs, note("logs", 1<<62))
	db.OnShort(store.DropRecordings, note("recordings", 1))
	db.OnShort(store.DropTraces, note("traces", 1<<61))
	var levels []store.SpaceLevel
	db.OnSpace(func(s store.Space) { levels = append(levels, s.Level) })
	if s := db.Space(); s.Level != store.SpaceFine {
		t.Errorf("before the first look the level is %s", s.Level)
	}
	db.CheckSpace()
	if got := fmt.Sprint(dropped); got != "[recordings traces logs]" {
		t.Errorf("dropped %s", got)
	}
	if len(levels) != 0 {
		t.Errorf("enough was freed, yet levels %v were told", levels)
	}
}

// A disk that runs full frees what is spare by itself, and never the newest of a kind.
func TestShortSpaceDropsSpareCopies(t *testing.T) {
	o := options(t.TempDir())
	o.MinFree = 1 << 62 // whatever there is is too little
	db, _ := open(t, o)
	for _, name := range []string{"damaged-2026-01-01T00-00-00Z", "damaged-2026-02-01T00-00-00Z", "damaged-2026-02-01T00-00-00Z-2", "before-restore-2026-03-01T00-00-00Z"} {
		if err := os.MkdirAll(filepath.Join(o.Folder, name, "recordings"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(o.Folder, name, "recordings", "old"), make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if _, err := db.Copy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	newest, _ := db.Copies()
	add(t, db, "still there")
	db.CheckSpace()
	left, _ := db.Copies()
	if len(left) != 1 || left[0] != newest[0] {
		t.Errorf("copies %v are left of %v", left, newest)
	}
	aside, _ := filepath.Glob(filepath.Join(o.Folder, "*-20*"))
	if got := fmt.Sprintln(len(aside), filepath.Base(aside[0]), filepath.Base(aside[len(aside)-1])); got != "2 before-restore-2026-03-01T00-00-00Z damaged-2026-02-01T00-00-00Z-2\n" {
		t.Errorf("left aside: %v", aside)
	}
	var n int
	if err := db.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow(`SELECT count(*) FROM notes`).Scan(&n) }); err != nil || n != 1 {
		t.Errorf("%d notes, %v", n, err)
	}
}

// makeOldDatabase is how testdata/db/v1.sqlite was made: go test -update.
func makeOldDatabase(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	o := options(folder)
	o.Migrations = notes[:1]
	db, _ := open(t, o)
	add(t, db, "written by version 1")
	name, err := db.Copy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(filepath.Join(folder, "copies", name))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if err := os.MkdirAll("testdata/db", 0o755); err != nil {
		t.Fatal(err)
	}
	dst, err := os.Create("testdata/db/v1.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
}
