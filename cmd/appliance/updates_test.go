package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/update"
	"centralino/hal/sim"
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

// The checks that keep a new version or send it back find out what they are there for.
func TestChecksOfANewVersion(t *testing.T) {
	inBubble(t, options{}, nil, func(w *bubbleBox) {
		slots := t.TempDir()
		if err := makeSimSlots(slots); err != nil {
			t.Fatal(err)
		}
		disk, err := update.OpenDisk(slots)
		if err != nil {
			t.Fatal(err)
		}
		memory := slotMemory(t.TempDir())
		if err := memory.Save(update.State{Trial: &update.Trial{From: update.SlotA, To: update.SlotB, Version: "v2", Armed: 1, Before: []string{"line-2"}}}); err != nil {
			t.Fatal(err)
		}
		u, verdict, err := update.Begin(update.Options{Disk: disk, Booted: update.Booted{Slot: update.SlotB, ID: "start"}, Memory: memory, Now: time.Now, Log: w.log})
		if err != nil || verdict != update.OnTrial {
			t.Fatalf("%s, %v", verdict, err)
		}
		w.updates = &updates{Updater: u}
		var line *sim.Line
		for _, l := range w.lines.list() {
			if l.ID() == "line-2" {
				line = l.(*sim.Line)
			}
		}
		for _, step := range []struct {
			name            string
			do              func()
			lines, database bool // pass
		}{
			{"all is as before", func() {}, true, true},
			{"a line is gone that was in service", line.Unplug, false, true},
			{"it is back", line.Replug, true, true},
			{"a line that was not in service before is gone", w.modems["line-1"].Unplug, true, true},
			{"the line is out of use by now", func() { line.Unplug(); w.change(disable("line-2")) }, true, true},
			{"nothing can be written", func() { w.disk.state.Store(diskFull) }, true, false},
		} {
			step.do()
			time.Sleep(time.Minute)
			synctest.Wait()
			ctx, stop := context.WithTimeout(w.t.Context(), 5*time.Second)
			if err := w.probeLines(ctx); (err == nil) != step.lines {
				t.Errorf("%s: lines %v", step.name, err)
			}
			if err := w.probeDatabase(ctx); (err == nil) != step.database {
				t.Errorf("%s: database %v", step.name, err)
			}
			stop()
		}
		w.disk.state.Store(diskFine)
		time.Sleep(time.Minute)
	})
}

func TestCheckOfThePage(t *testing.T) {
	status := http.StatusOK
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/login" {
			t.Errorf("%s is asked for", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	b := &box{pageAt: page.URL + "/"}
	for _, c := range []struct {
		status int
		pass   bool
	}{{http.StatusOK, true}, {http.StatusSeeOther, true}, {http.StatusInternalServerError, false}, {http.StatusNotFound, false}} {
		status = c.status
		if err := b.probePage(t.Context()); (err == nil) != c.pass {
			t.Errorf("a page that answers %d: %v", c.status, err)
		}
	}
	page.Close()
	if err := b.probePage(t.Context()); err == nil {
		t.Error("a page that nobody serves passes")
	}
}

// What answers at the SIP port must be SIP, and in time.
func TestCheckOfSIP(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		pass   bool
	}{
		"SIP":             {"SIP/2.0 200 OK\r\n\r\n", true},
		"something else":  {"HTTP/1.1 200 OK\r\n\r\n", false},
		"nothing at all":  {"", false},
		"a line too many": {"\r\nSIP/2.0 200 OK\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			there, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer there.Close()
			go func() { // ends with the socket
				b := make([]byte, 2048)
				for {
					_, from, err := there.ReadFrom(b)
					if err != nil {
						return
					}
					if c.answer != "" {
						_, _ = there.WriteTo([]byte(c.answer), from)
					}
				}
			}()
			ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer stop()
			if err := askSIP(ctx, there.LocalAddr().(*net.UDPAddr).AddrPort()); (err == nil) != c.pass {
				t.Errorf("%v", err)
			}
		})
	}
}
