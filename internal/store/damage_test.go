package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"centralino/internal/store"
)

// filled makes a data folder with one good copy that holds "kept" and a database
// that holds "kept" and "later".
func filled(t testing.TB) (folder, copyName string) {
	t.Helper()
	folder = t.TempDir()
	db, _, err := store.Open(t.Context(), options(folder))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write := func(s string) {
		if err := db.Write(t.Context(), insert(s)); err != nil {
			t.Fatal(err)
		}
	}
	write("kept")
	err = db.Write(t.Context(), func(tx *sql.Tx) error { // some pages
		for range 200 {
			if err := insert("filler " + strings.Repeat("x", 200))(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if copyName, err = db.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	write("later")
	return folder, copyName
}

// What is found broken while the box runs is told once, and the next start recovers;
// that it did stays known until a person has read it.
func TestDamageWhileRunningIsTold(t *testing.T) {
	folder, copyName := filled(t)
	o := options(folder)
	var bad atomic.Bool
	o.Fault = func(what string) error {
		if bad.Load() && what == "commit" {
			return store.ErrCorrupt
		}
		return nil
	}
	db, _ := open(t, o)
	told := make(chan string, 9) // more than come
	db.OnDamaged(func(cause string) { told <- cause })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	bad.Store(true)
	for range 3 {
		if err := db.Write(t.Context(), insert("lost")); !errors.Is(err, store.ErrCorrupt) {
			t.Fatal(err)
		}
	}
	if cause := <-told; cause == "" || cause != db.Damaged() {
		t.Errorf("told %q, Damaged is %q", cause, db.Damaged())
	}
	stop()
	if err := <-done; err != nil || len(told) != 0 {
		t.Errorf("%v, told %d times more", err, len(told))
	}
	if db.Recovered() {
		t.Error("recovered before it was")
	}
	db.Close()
	path := filepath.Join(folder, "centralino.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("garbage "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for start := range 3 {
		db, found := open(t, options(folder))
		if start == 0 && (found.Damage == nil || found.Damage.Copy != copyName) {
			t.Fatalf("found %+v", found)
		}
		if db.Recovered() != (start < 2) {
			t.Errorf("start %d: recovered is %v", start, db.Recovered())
		}
		if start == 1 {
			if err := errors.Join(db.AcknowledgeRecovery(), db.AcknowledgeRecovery()); err != nil {
				t.Error(err)
			}
		}
		db.Close()
	}
}

func TestCorruptDatabaseIsSetAside(t *testing.T) {
	for name, spoil := range map[string]func(b []byte) []byte{
		"the file is garbage":            func([]byte) []byte { return bytes.Repeat([]byte("garbage "), 1000) },
		"the header is gone":             func(b []byte) []byte { clear(b[:100]); return b },
		"nothing of the file is left":    func([]byte) []byte { return nil },
		"half of the file is missing":    func(b []byte) []byte { return b[:len(b)/2] },
		"a page in the middle is zeroes": func(b []byte) []byte { clear(b[len(b)/2&^4095:][:4096]); return b },
		"the schema page is overwritten": func(b []byte) []byte { copy(b[100:4096], bytes.Repeat([]byte{0xff}, 3996)); return b },
	} {
		t.Run(name, func(t *testing.T) {
			folder, copyName := filled(t)
			path := filepath.Join(folder, "centralino.db")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad := spoil(b)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			db, found := open(t, options(folder))
			if found.Damage == nil || found.Damage.Copy != copyName || !errors.Is(found.Damage.Cause, store.ErrCorrupt) || found.Damage.CopyTime.IsZero() {
				t.Fatalf("found %+v %+v", found, found.Damage)
			}
			if got := texts(t, db); got[0] != "kept" || got[len(got)-1] == "later" {
				t.Errorf("%d notes, the last is %.20q", len(got), got[len(got)-1])
			}
			aside, err := os.ReadFile(filepath.Join(folder, found.Damage.SetAside, "centralino.db"))
			if err != nil || !bytes.Equal(aside, bad) {
				t.Errorf("the corrupt file is not as it was: %v", err)
			}
			add(t, db, "goes on")
			db.Close()
			if _, found := open(t, options(folder)); found.Damage != nil {
				t.Error("found damaged again")
			}
		})
	}
}

// A repair of the file system may take the database away and leave its copies: the box is
// no new one, which anybody could claim.
func TestALostDatabaseIsNoNewOne(t *testing.T) {
	folder, copyName := filled(t)
	if err := os.Remove(filepath.Join(folder, "centralino.db")); err != nil {
		t.Fatal(err)
	}
	db, found := open(t, options(folder))
	if found.Fresh || found.Damage == nil || found.Damage.Copy != copyName || !errors.Is(found.Damage.Cause, store.ErrCorrupt) {
		t.Fatalf("found %+v %+v", found, found.Damage)
	}
	if got := texts(t, db); got[0] != "kept" || got[len(got)-1] == "later" || !db.Recovered() {
		t.Errorf("%d notes, the last is %.20q, recovered %v", len(got), got[len(got)-1], db.Recovered())
	}
}

func TestCorruptWithoutACopyStartsEmpty(t *testing.T) {
	folder, copyName := filled(t)
	for _, name := range []string{"centralino.db", filepath.Join("copies", copyName)} {
		if err := os.WriteFile(filepath.Join(folder, name), bytes.Repeat([]byte("no"), 5000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, found := open(t, options(folder))
	if found.Damage == nil || found.Damage.Copy != "" || !found.Fresh {
		t.Fatalf("found %+v", found)
	}
	want(t, db)
}

func TestEmptyFileIsANewDatabase(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "centralino.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, found := open(t, options(folder)); found.Damage != nil || len(found.Migrated) == 0 {
		t.Errorf("found %+v", found)
	}
}

// TestFlippedBytesNeverStopTheBox flips bytes anywhere in the database: it opens
// each time, and what it then says is either whole or an older copy.
func TestFlippedBytesNeverStopTheBox(t *testing.T) {
	folder, _ := filled(t)
	path := filepath.Join(folder, "centralino.db")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	aside := 0
	for i := range 60 {
		b := bytes.Clone(good)
		for range 1 + r.IntN(8) {
			b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		}
		os.Remove(path + "-wal")
		os.Remove(path + "-shm")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		db, found, err := store.Open(t.Context(), options(folder))
		if errors.Is(err, store.ErrNewer) {
			continue // the flip hit the version
		}
		if err != nil {
			t.Fatalf("flip %d: %v", i, err)
		}
		if found.Damage != nil {
			aside++
			if n := len(texts(t, db)); n != 201 {
				t.Errorf("flip %d: the copy has %d notes", i, n)
			}
		}
		if err := db.Close(); err != nil {
			t.Errorf("flip %d: close: %v", i, err)
		}
	}
	if aside == 0 {
		t.Error("no flip was noticed")
	}
	if kept, err := filepath.Glob(filepath.Join(folder, "damaged-*")); err != nil || len(kept) > 4 {
		t.Errorf("%d damaged databases are kept", len(kept))
	}
}

func TestDamageFoundWhileRunningIsRepairedAtTheNextStart(t *testing.T) {
	folder, copyName := filled(t)
	o := options(folder)
	o.CheckLimit = 1 // as if the database were large: Open looks at the schema only
	path := filepath.Join(folder, "centralino.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[len(b)-8192:])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, found := open(t, o)
	if found.Damage != nil {
		t.Fatal("a large database was checked at the start")
	}
	ctx, cancel := contextThatEnds(t)
	go func() {
		for db.Damaged() == "" && ctx.Err() == nil {
			db.CheckSpace() // something that takes a moment
		}
		cancel()
	}()
	if err := db.Run(ctx); err != nil || db.Damaged() == "" {
		t.Fatalf("the check in peace found %q, %v", db.Damaged(), err)
	}
	db.Close()
	if _, found = open(t, o); found.Damage == nil || found.Damage.Copy != copyName {
		t.Errorf("the next start found %+v", found.Damage)
	}
}

// TestEveryFailingOperationLeavesTheDatabaseWhole lets the first, second, third …
// operation on the disk fail, until everything passes; after each the next start
// without faults finds all that was acknowledged.
func TestEveryFailingOperationLeavesTheDatabaseWhole(t *testing.T) {
	boom := fmt.Errorf("injected: %w", store.ErrIO)
	for name, run := range map[string]struct {
		prepare func(t *testing.T) string // makes the folder
		act     func(t *testing.T, o store.Options) error
		check   func(t *testing.T, db *store.DB)
	}{
		"first start": {
			func(t *testing.T) string { return t.TempDir() },
			func(t *testing.T, o store.Options) error { return openAndClose(t, o, nil) },
			func(t *testing.T, db *store.DB) { want(t, db) },
		},
		"migration": {
			func(t *testing.T) string {
				folder := t.TempDir()
				o := options(folder)
				o.Migrations = notes[:1]
				if err := openAndClose(t, o, func(db *store.DB) error { return db.Write(t.Context(), insert("old")) }); err != nil {
					t.Fatal(err)
				}
				return folder
			},
			func(t *testing.T, o store.Options) error { return openAndClose(t, o, nil) },
			func(t *testing.T, db *store.DB) { want(t, db, "old") },
		},
		"corrupt database": {
			func(t *testing.T) string {
				folder, _ := filled(t)
				if err := os.WriteFile(filepath.Join(folder, "centralino.db"), []byte(strings.Repeat("garbage", 999)), 0o600); err != nil {
					t.Fatal(err)
				}
				return folder
			},
			func(t *testing.T, o store.Options) error { return openAndClose(t, o, nil) },
			func(t *testing.T, db *store.DB) {
				if got := texts(t, db); len(got) != 201 {
					t.Errorf("%d notes of the copy", len(got))
				}
			},
		},
		"copy and backup": {
			func(t *testing.T) string { folder, _ := filled(t); return folder },
			func(t *testing.T, o store.Options) error {
				return openAndClose(t, o, func(db *store.DB) error {
					if _, err := db.Copy(t.Context()); err != nil {
						return err
					}
					_, err := db.Backup(t.Context(), &bytes.Buffer{}, password, "test")
					return err
				})
			},
			func(t *testing.T, db *store.DB) {
				if got := texts(t, db); len(got) != 202 {
					t.Errorf("%d notes", len(got))
				}
			},
		},
		"restore": {
			func(t *testing.T) string { folder, _ := filled(t); return folder },
			func(t *testing.T, o store.Options) error {
				err := openAndClose(t, o, func(db *store.DB) error {
					_, err := db.Restore(t.Context(), bytes.NewReader(smallBackup(t)), password)
					return err
				})
				if err != nil {
					return err
				}
				return openAndClose(t, o, nil)
			},
			func(t *testing.T, db *store.DB) {
				if got := texts(t, db); len(got) != 202 && (len(got) != 1 || got[0] != "from the backup") {
					t.Errorf("%d notes, first %q: neither the old nor the restored", len(got), got[0])
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				if n > 200 {
					t.Fatal("it never passes")
				}
				folder := run.prepare(t)
				count := 0
				o := options(folder)
				o.Fault = func(string) error {
					if count++; count == n {
						return boom
					}
					return nil
				}
				err := run.act(t, o)
				db, found := open(t, options(folder))
				if found.Damage != nil && name != "corrupt database" {
					t.Errorf("operation %d: damaged: %v", n, found.Damage.Cause)
				}
				run.check(t, db)
				add(t, db, "still works")
				db.Close()
				if count < n {
					if err != nil {
						t.Fatalf("without a fault: %v", err)
					}
					return
				}
			}
		})
	}
}

func openAndClose(t *testing.T, o store.Options, act func(db *store.DB) error) error {
	db, _, err := store.Open(t.Context(), o)
	if err != nil {
		return err
	}
	defer db.Close()
	if act != nil {
		return act(db)
	}
	return nil
}
