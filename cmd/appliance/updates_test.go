package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"centralino/board/update"
	"centralino/internal/store"
)

// A version that was taken back may have changed the database: the one before works with
// the copy from before the update, and what it cannot read is kept beside it. A version on
// trial never takes a copy in its place, nor does one that nobody took back.
func TestDatabaseAfterAVersionWasTakenBack(t *testing.T) {
	last := func(how update.Outcome) func(string) update.State {
		return func(copied string) update.State {
			return update.State{Last: &update.Result{Outcome: how, Version: "v2", Copy: copied, At: time.Now()}}
		}
	}
	trial := func(copied string) update.State {
		s := last(update.RolledBack)(copied)
		s.Trial = &update.Trial{From: update.SlotA, To: update.SlotB, Version: "v1", Armed: 1, Copy: copied}
		return s
	}
	for _, c := range []struct {
		name  string
		state func(copied string) update.State
		try   bool // the other slot starts, on trial
		opens bool
	}{
		{"the version was taken back", last(update.RolledBack), false, true},
		{"the new version never started", last(update.NotStarted), false, false},
		{"the new version is in force", last(update.Committed), false, false},
		{"an older version on trial", trial, true, false},
		{"nobody knows of an update", func(string) update.State { return update.State{} }, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := slog.New(slog.NewTextHandler(io.Discard, nil))
			b := &box{opt: options{sim: true, data: t.TempDir(), slots: t.TempDir()}, log: log, now: time.Now}
			o := storeOptions(b.opt.data, time.Now, log)
			db, _, err := store.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			copied, err := db.Copy(t.Context())
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			newer := o
			newer.Migrations = append(slices.Clone(o.Migrations), store.Migration{Domain: "later", Version: 1, SQL: []string{"CREATE TABLE later (x INTEGER)"}})
			if db, _, err = store.Open(t.Context(), newer); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if c.try {
				if err := os.WriteFile(filepath.Join(b.opt.slots, simTryName), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := slotMemory(b.opt.data).Save(c.state(copied)); err != nil {
				t.Fatal(err)
			}
			if err := b.openUpdates(); err != nil || b.updates == nil {
				t.Fatalf("updates %v, %v", b.updates, err)
			}
			db, _, err = b.openStore(t.Context(), o)
			if err == nil {
				defer db.Close()
			}
			if c.opens != (err == nil) || !c.opens && !errors.Is(err, store.ErrNewer) {
				t.Errorf("the database opens: %v", err)
			}
			aside, _ := filepath.Glob(filepath.Join(b.opt.data, "newer-*", "centralino.db"))
			if c.opens != (len(aside) == 1) {
				t.Errorf("set aside: %q", aside)
			}
		})
	}
}
