package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/health"
	"centralino/board/led"
	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/internal/testbed"
	"centralino/ui/api"

	"golang.org/x/sys/unix"
)

// laneOf prepares a box in a lane of its own: four lanes belong to the killing.
func laneOf(t *testing.T, n int, folder string) *lane {
	t.Helper()
	program4test(t)
	return newLaneOn(t, n, rand.New(rand.NewPCG(uint64(n), 7)), folder)
}

// ready waits until the box has started.
func (l *lane) ready() {
	l.t.Helper()
	if err := l.proc.WaitOutput(limit(l.t, 20*time.Second), "Stop "); err != nil {
		l.t.Fatalf("the box does not start: %v\n%s", err, l.proc.Output())
	}
}

// home reads what the first page shows.
func (l *lane) home() api.Home {
	l.t.Helper()
	res, err := l.client.Get(l.page + "/api/v1/home")
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	var h api.Home
	if res.StatusCode != http.StatusOK || json.Unmarshal(body, &h) != nil {
		l.t.Fatalf("home: %d %s", res.StatusCode, body)
	}
	return h
}

// shows waits until the page shows a fault, or until it does not.
func (l *lane) shows(kind health.Kind, wanted bool, within time.Duration) {
	l.t.Helper()
	for until := time.Now().Add(within); ; l.wait(100 * time.Millisecond) {
		there := false
		for _, f := range l.home().Health.Faults {
			there = there || f.Code == string(kind)
		}
		if there == wanted {
			return
		}
		if time.Now().After(until) {
			l.t.Fatalf("fault %s shown: %v after %v; %+v\n%s", kind, there, within, l.home().Health, l.proc.Output())
		}
	}
}

// talks lets a phone call a phone that registered once and for all.
func (l *lane) talks() {
	l.t.Helper()
	for _, p := range l.phones {
		p.Forget()
	}
	c, err := l.phones[dario].Dial("202")
	if err != nil {
		l.t.Fatal(err)
	}
	select {
	case <-c.Up():
	case <-c.End():
		l.t.Fatalf("the call fails with %d\n%s", c.Code, l.proc.Output())
	case <-limit(l.t, 10*time.Second).Done():
		l.t.Fatalf("the call is not answered\n%s", l.proc.Output())
	}
	c.HangUp()
	<-c.End()
}

// keepCopy makes the daily copy of a box that does not run.
func (l *lane) keepCopy() {
	l.t.Helper()
	db, _, err := store.Open(l.t.Context(), store.Options{Folder: l.data, Migrations: migrations(), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		l.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Copy(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// A database whose bytes were flipped, or that lost its end or its log, stops
// nothing: what is corrupt is set aside with its date, the last good copy is taken,
// and log, page and lamp say so. Phones ring without registering again.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	l := laneOf(t, 4, t.TempDir())
	l.start()
	l.ready()
	l.firstSteps()
	l.proc.Stop()
	l.keepCopy()
	path := filepath.Join(l.data, "centralino.db")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		spoil func(b []byte) []byte
	}{
		{"bytes are flipped in the schema", func(b []byte) []byte {
			for i := 100; i < 400; i += 7 {
				b[i] ^= 0x5a
			}
			return b
		}},
		{"bytes are flipped all over", func(b []byte) []byte {
			for i := 0; i < len(b); i += 1013 {
				b[i] ^= 0xff
			}
			return b
		}},
		{"the second half is missing", func(b []byte) []byte { return b[:len(b)/2] }},
	} {
		bad := c.spoil(bytes.Clone(good))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(path + "-wal")
		_ = os.Remove(path + "-shm")
		before, _ := filepath.Glob(filepath.Join(l.data, "damaged-*"))
		l.start()
		l.ready()
		after, _ := filepath.Glob(filepath.Join(l.data, "damaged-*"))
		if len(after) != len(before)+1 {
			t.Errorf("%s: set aside are %v", c.name, after)
		} else if kept, err := os.ReadFile(filepath.Join(after[len(after)-1], "centralino.db")); err != nil || !bytes.Equal(kept, bad) {
			t.Errorf("%s: what was set aside is not what was found: %v", c.name, err)
		}
		if !strings.Contains(l.proc.Output(), "set aside") {
			t.Errorf("%s: the log is silent:\n%s", c.name, l.proc.Output())
		}
		l.shows(health.StorageRecovered, true, 5*time.Second)
		if lamp := l.home().Lamps[0]; lamp.State != string(led.StatusWarning) {
			t.Errorf("%s: the lamp shows %+v", c.name, lamp)
		}
		l.talks()
		l.proc.Stop()
	}
}

// A log that is missing after a power cut costs what was in it and nothing else.
func TestMissingLogOfTheDatabase(t *testing.T) {
	t.Parallel()
	l := laneOf(t, 5, t.TempDir())
	l.start()
	l.ready()
	l.firstSteps()
	l.proc.Stop()
	l.keepCopy()
	l.start()
	l.ready()
	l.talks()
	l.proc.Kill()
	if err := os.Remove(filepath.Join(l.data, "centralino.db-wal")); err != nil {
		t.Fatalf("there is no log to lose: %v", err)
	}
	l.start()
	l.ready()
	l.talks()
}

// A data folder that cannot be used ends the start with its own exit code and one
// sentence that says what to do.
func TestUnusableDataFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{file, filepath.Join(file, "below"), "/proc/centralino"} {
		p := testbed.Start(t, nil, testbed.Command{Path: program4test(t), Args: []string{"serve", "-board", "sim", "-data", folder, "-sip", "127.0.0.1:0", "-http", "", "-https", ""}})
		if code := p.ExitCode(); code != exitData {
			t.Errorf("%s: ends with %d", folder, code)
		}
		said := strings.TrimSpace(p.Output())
		if !strings.Contains(said, "data folder") || !strings.Contains(said, "-data") || strings.Contains(said, "goroutine") {
			t.Errorf("%s: says %q", folder, said)
		}
	}
}

// A ring that a page asked for ends with the part of the box that made it.
func TestATestRingEndsWithTheBox(t *testing.T) {
	inBubble(t, options{}, nil, func(w *bubbleBox) {
		b := &box{exchange: w.exchange, log: w.log, testRings: make(chan office.ID)}
		ctx, stop := context.WithCancel(w.t.Context())
		done := make(chan error, 1)
		go func() { done <- b.runTestRings(ctx) }()
		if err := b.testRing(ctx, "line-1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		stacks := make([]byte, 1<<20)
		if stacks = stacks[:runtime.Stack(stacks, true)]; bytes.Contains(stacks, []byte("simulateCall(")) {
			t.Error("the part has ended, and the call that a page asked for goes on")
		}
	})
}

// smallDisk mounts a disk that is filled in a moment.
func smallDisk(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=96m"); err != nil {
		testbed.Missing(t, "no right to mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(folder, unix.MNT_DETACH) })
	return folder
}

// fill takes every block of a disk, with a file that it names.
func fill(t *testing.T, folder string) (filler string) {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return f.Name()
}

// A box that is started on a disk without a free block makes calls and lets people in, who
// read what is wrong; when there is room again it is as before.
func TestStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	folder := smallDisk(t)
	l := laneOf(t, 7, filepath.Join(folder, "data"))
	l.start()
	l.ready()
	l.firstSteps()
	l.proc.Stop()
	filler := fill(t, folder)
	l.start()
	l.ready()
	l.talks()
	l.shows(health.StorageFailed, true, 10*time.Second)
	if status, where, err := l.post("/login", url.Values{"name": {"tina"}, "password": {"quattro gatti neri"}, "next": {"/"}}); err != nil || status != http.StatusSeeOther || where != "/" {
		t.Errorf("log in: %d to %q, %v", status, where, err)
	}
	l.talks()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	l.shows(health.StorageFailed, false, 30*time.Second)
	l.talks()
	l.proc.Stop()
	r := openRemains(t, l.data, 0)
	ended := 0
	for _, c := range r.calls {
		ended += len(c.ended)
	}
	if ended != 4 { // with the agent's login
		t.Errorf("4 calls were made, %d are in the journal", ended)
	}
}

// On a full disk calls go on and the page says what is wrong; when there is room
// again everything that happened is written.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	folder := smallDisk(t)
	l := laneOf(t, 6, filepath.Join(folder, "data"))
	l.start()
	l.ready()
	l.firstSteps()
	filler := fill(t, folder)
	calls := 0
	for failed := false; !failed && calls < 200; calls++ {
		l.talks()
		for _, f := range l.home().Health.Faults {
			failed = failed || f.Code == string(health.StorageFailed)
		}
	}
	for range 5 {
		l.talks()
		calls++
	}
	l.shows(health.StorageFailed, true, time.Second)
	// Somebody must be able to come in and see it; a change is refused in words.
	if status, _, err := l.post("/logout", nil); err != nil || status != http.StatusSeeOther {
		t.Errorf("log out: %d %v", status, err)
	}
	if status, where, err := l.post("/login", url.Values{"name": {"tina"}, "password": {"quattro gatti neri"}, "next": {"/"}}); err != nil || status != http.StatusSeeOther || where != "/" {
		t.Errorf("log in: %d to %q, %v", status, where, err)
	}
	l.home()
	_, draft, err := l.post("/edit/path/path-closed", url.Values{"name": {"Chiuso"}, "steps:0": {"end prompt=prompt-closed"}})
	if err != nil {
		t.Fatal(err)
	}
	if status, _, err := l.post(draft, nil); err != nil || status != http.StatusInsufficientStorage {
		t.Errorf("a change on a full disk: %d %v", status, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	l.shows(health.StorageFailed, false, 30*time.Second)
	l.talks()
	calls++
	l.proc.Stop()
	r := openRemains(t, l.data, 0)
	ended := 0
	for _, c := range r.calls {
		ended += len(c.ended)
	}
	if ended != calls+1 { // and the agent's login
		t.Errorf("%d calls were made, %d are in the journal", calls+1, ended)
	}
	testbed.Figure(t, "calls made while the disk was full and right after, all in the journal", calls, "calls")
}

// A card that dies while the box runs takes no call away: lamp and page say so, phones that
// were connected call and are called. When it answers again all is as before.
func TestACardThatDiesTakesNoCallAway(t *testing.T) {
	t.Parallel()
	o := options{data: t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		runBubble(t, o, diskFine, func(w *bubbleBox) {
			for _, p := range w.phones {
				w.register(p)
			}
			w.talk(w.phones[0], "202")
			w.disk.state.Store(diskDead)
			w.talk(w.phones[0], "202")
			if _, err := w.pages.Claimed(t.Context()); err == nil { // somebody asks for a page
				t.Error("the card is read")
			}
			time.Sleep(time.Minute)
			for _, kind := range []health.Kind{health.StorageFailed, health.StorageUnread} {
				if !slices.Contains(w.faulty(), string(kind)) {
					t.Errorf("%s is not told: %v", kind, w.faulty())
				}
			}
			if lamp := w.front.lamps.Shown()[0]; lamp.State != led.StatusFault {
				t.Errorf("the lamp shows %+v", lamp)
			}
			for _, p := range w.phones { // they come again
				w.register(p)
			}
			w.talk(w.phones[1], "201")
			w.disk.state.Store(diskFine)
			time.Sleep(15 * time.Minute)
			if got := w.faulty(); slices.Contains(got, string(health.StorageFailed)) || slices.Contains(got, string(health.StorageUnread)) {
				t.Errorf("the card answers again, and told is %v", got)
			}
			w.talk(w.phones[0], "202")
		})
	})
}

// A box whose disk is full, read-only or worn out when it starts makes calls and says
// what is wrong; when the disk takes what it is given again it is as before.
func TestADiskThatRefusesKeepsNoBoxFromStarting(t *testing.T) {
	for name, disk := range map[string]int32{"full": diskFull, "read-only": diskReadOnly, "worn out": diskWorn} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options{data: t.TempDir()}
			synctest.Test(t, func(t *testing.T) {
				runBubble(t, o, diskFine, func(*bubbleBox) {})
				runBubble(t, o, disk, func(w *bubbleBox) {
					for _, p := range w.phones {
						w.register(p)
					}
					w.talk(w.phones[0], "202")
					for _, kind := range []health.Kind{health.StorageFailed, health.CustomersFailed} {
						if !slices.Contains(w.faulty(), string(kind)) {
							t.Errorf("%s is not told: %v", kind, w.faulty())
						}
					}
					w.disk.state.Store(diskFine)
					time.Sleep(2 * time.Minute)
					for _, kind := range []health.Kind{health.StorageFailed, health.CustomersFailed} {
						if slices.Contains(w.faulty(), string(kind)) {
							t.Errorf("the disk works again and it is not told: %v", w.faulty())
						}
					}
				})
			})
		})
	}
}
