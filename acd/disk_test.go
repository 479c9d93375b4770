package acd_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"centralino/acd"
	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"

	"github.com/google/go-cmp/cmp"
)

// life is one run of a box whose journal is on disk.
type life struct {
	*acd.ACD
	log *journal.Log
	x   *exchange
	end func()
}

func live(t *testing.T, folder string) *life {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	quiet := slog.New(slog.DiscardHandler)
	db, _, err := store.Open(ctx, store.Options{
		Folder: folder, Migrations: journal.Migrations(), Now: time.Now, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	log, _, err := journal.Open(ctx, journal.Options{
		DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: quiet, Version: "test", Board: "sim",
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{log: log, x: &exchange{}}
	doc := &office.Document{Groups: []office.Group{queue("sales", nil, "p-anna", "p-bruno", "p-carla")}}
	if l.ACD, err = acd.New(acd.Options{Switch: l.x, Journal: log, Office: doc}); err != nil {
		t.Fatal(err)
	}
	if err := log.Replay(ctx, 1, func(e journal.Event) error { l.Replay(e); return nil }); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- log.Run(ctx) }()
	go func() { ended <- l.Run(ctx) }()
	l.end = func() {
		if err := log.Flush(context.Background()); err != nil {
			t.Error(err)
		}
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		db.Close()
	}
	return l
}

// TestSecondLifeFromDisk writes a life to a real journal, leaves it without a
// farewell, and starts again from the file alone.
func TestSecondLifeFromDisk(t *testing.T) {
	folder := t.TempDir()
	first := live(t, folder)
	for _, a := range []journal.SubjectID{"p-anna", "p-bruno", "p-carla"} {
		if _, err := first.Login(a, engine.FromPhone); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := first.Pause("p-carla", engine.FromPage, "lunch"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []journal.CallID{"c1", "c2", "c3"} {
		if err := first.Enqueue(acd.Entry{Call: c, Queue: "sales", Caller: "n-7"}); err != nil {
			t.Fatal(err)
		}
	}
	first.OfferAnswered(1)
	if _, err := first.Pause("p-anna", engine.FromPhone, "training"); err != nil { // while she talks
		t.Fatal(err)
	}
	first.end()

	second := live(t, folder)
	got := map[journal.SubjectID]string{}
	if _, err := second.Ready("p-nobody", engine.FromPage); err == nil { // the start is through
		t.Error("a stranger is ready")
	}
	for _, a := range second.Snapshot().Agents {
		got[a.Agent] = fmt.Sprintf("%s %s", a.State, a.Reason)
	}
	want := map[journal.SubjectID]string{"p-anna": "paused training", "p-bruno": "ready ", "p-carla": "paused lunch"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := second.Enqueue(acd.Entry{Call: "c4", Queue: "sales"}); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Ready("p-nobody", engine.FromPage); err == nil { // what came before is through
		t.Error("a stranger is ready")
	}
	second.end()

	ends := map[journal.ContactID]string{}
	offers := map[journal.OfferID]int{}
	third := live(t, folder)
	defer third.end()
	err := third.log.Replay(context.Background(), 1, func(e journal.Event) error {
		switch p := e.Payload.(type) {
		case journal.ContactEnded:
			ends[p.Contact] += p.Outcome
		case journal.ContactOffered:
			offers[p.Offer]++
			if len(p.Candidates) == 0 || p.Strategy != string(office.LongestIdle) {
				t.Errorf("an offer that explains nothing: %+v", p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// c4 may have been ended by the third life already, or its end is still on the way to the disk.
	delete(ends, "c4")
	if diff := cmp.Diff(map[journal.ContactID]string{"c1": "restart", "c2": "restart", "c3": "restart"}, ends); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[journal.OfferID]int{1: 1, 2: 1, 3: 1}, offers); diff != "" {
		t.Errorf("offer ids over three lives:\n%s", diff)
	}
}
