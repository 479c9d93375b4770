package report_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"centralino/acd/engine"
	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
)

// box is a journal with a reader, as after one start.
type box struct {
	t      testing.TB
	log    *journal.Log
	reader *report.Reader
	clock  atomic.Int64 // how far the wall clock is off, in ns
	told   atomic.Int64 // how often the list was said to have changed
	stop   func()
}

func (b *box) now() time.Time { return time.Now().Add(time.Duration(b.clock.Load())) }

func open(t testing.TB, folder string, run bool) *box {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	db, _, err := store.Open(ctx, store.Options{Folder: folder, Migrations: journal.Migrations(), Readers: store.OneConnection, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t}
	o := journal.Options{DB: db, Now: b.now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler), Version: "1", Board: "sim"}
	if b.log, _, err = journal.Open(ctx, o); err != nil {
		t.Fatal(err)
	}
	doc := office.Sample(office.SampleOptions{Now: time.Now()}).Doc
	b.reader, err = report.Open(ctx, report.Options{Journal: b.log, Office: func() *office.Document { return doc }, Now: b.now, Log: slog.New(slog.DiscardHandler),
		Changed: func() { b.told.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.log.Run(ctx) })
	if run {
		wg.Go(func() { _ = b.reader.Run(ctx) })
	}
	b.stop = func() {
		_ = b.log.Stop(context.Background(), "asked")
		cancel()
		wg.Wait()
		_ = db.Close()
	}
	return b
}

// settle waits until everything is on disk and in the figures.
func (b *box) settle() {
	b.t.Helper()
	if err := b.log.Flush(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	if err := b.reader.Await(context.Background(), b.log.Durable()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) visit(id string, caller journal.SubjectID, outcome string) {
	c := journal.CallID(id)
	b.log.Append(c, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: caller})
	b.log.Append(c, journal.ContactQueued{Contact: journal.ContactID(id), Queue: "group-1", Caller: caller})
	if outcome == "served" {
		b.log.Append(c, journal.ContactConnected{Contact: journal.ContactID(id), Queue: "group-1", Agent: "p-1", Waited: 9 * time.Second})
	}
	b.log.Append(c, journal.ContactEnded{Contact: journal.ContactID(id), Queue: "group-1", Outcome: outcome, Waited: 9 * time.Second})
	b.log.Append(c, journal.CallEnded{Cause: "hangup"})
}

// TestReaderOverRestarts: what was kept and what was read again are the same, also
// when a start finds nothing kept, and old days come from disk.
func TestReaderOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		from := time.Now()
		ctx := context.Background()
		week := kpi.Interval{From: from.Add(-24 * time.Hour), To: from.Add(30 * 24 * time.Hour)}
		n := 0
		for day := range 6 {
			b := open(t, folder, true)
			for range 5 {
				n++
				b.visit(fmt.Sprint("c-", n), journal.SubjectID(fmt.Sprint("n-", n%3)), []string{"served", "abandoned"}[n%2])
			}
			b.settle()
			facts, err := b.reader.Facts(ctx, week)
			if err != nil {
				t.Fatal(err)
			}
			if f := kpi.Sum(facts.Visits, nil); f.Offered != n || f.Answered != n/2 || f.Abandoned != n-n/2 {
				t.Fatalf("day %d: %d contacts, but %+v", day, n, f)
			}
			if day != 3 { // the fourth start reads more
				if err := b.reader.Keep(ctx); err != nil {
					t.Fatal(err)
				}
				if again, err := b.reader.Facts(ctx, week); err != nil || len(again.Visits) != n {
					t.Fatalf("after keeping: %d visits, %v", len(again.Visits), err)
				}
			}
			b.stop()
			time.Sleep(26 * time.Hour)
		}
		b := open(t, folder, false)
		defer b.stop()
		if at := b.reader.Seq(); at+10 < b.log.Durable() {
			t.Errorf("a start reads from event %d of %d", at, b.log.Durable())
		}
		facts, err := b.reader.Facts(ctx, kpi.Interval{From: from, To: from.Add(time.Hour)})
		if err != nil || len(facts.Visits) != 5 {
			t.Errorf("the first day: %d visits, %v", len(facts.Visits), err)
		}
	})
}

// meanwhile is a context that does something once, when somebody begins to wait under it.
type meanwhile struct {
	context.Context
	once sync.Once
	do   func()
}

func (m *meanwhile) Done() <-chan struct{} {
	m.once.Do(m.do)
	return m.Context.Done()
}

// TestADayThatIsKeptAnewWhileAReportReadsIt: the clock was set back, so that something
// happens again on a day that is on disk alone, and the day is kept anew between a
// report's look at what is held and its look at the disk.
func TestADayThatIsKeptAnewWhileAReportReadsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		b := open(t, t.TempDir(), true)
		defer b.stop()
		day := kpi.Interval{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
		keep := func(visits ...string) {
			for _, id := range visits {
				b.visit(id, "n-1", "served")
			}
			b.settle()
			if err := b.reader.Keep(ctx); err != nil {
				t.Error(err)
			}
		}
		keep("c-1", "c-2", "c-3")
		time.Sleep(72 * time.Hour)
		keep("c-4") // the first day is let go of
		asked := &meanwhile{Context: ctx, do: func() {
			b.clock.Store(-int64(72 * time.Hour))
			keep("c-5")
			b.clock.Store(0)
		}}
		facts, err := b.reader.Facts(asked, day)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(facts.Visits); n != 4 {
			t.Errorf("%d contacts of that day, 3 happened before the question and one meanwhile", n)
		}
	})
}

// BenchmarkMonthFromDisk reads a month of 100,000 contacts from the database and
// makes the report by queue.
func BenchmarkMonthFromDisk(b *testing.B) {
	box := open(b, b.TempDir(), false)
	defer box.stop()
	ctx := context.Background()
	fold := kpi.NewFold(nil)
	from := time.Now().Add(-30 * 24 * time.Hour)
	for n := range 100_000 {
		id := journal.ContactID(fmt.Sprintf("06e6bg1v%010d", n))
		at := from.Add(time.Duration(n) * 25 * time.Second)
		for _, p := range []journal.Payload{journal.ContactQueued{Contact: id, Queue: "group-1", Caller: journal.SubjectID(fmt.Sprintf("n-%020d", n%30000))},
			journal.ContactConnected{Contact: id, Queue: "group-1", Agent: "p-1", Waited: 9 * time.Second}, journal.ContactEnded{Contact: id, Queue: "group-1", Agent: "p-1", Outcome: "served", Talked: time.Minute}} {
			fold.Apply(journal.Event{Time: at, Payload: p})
		}
	}
	octets := 0
	var folds []journal.Fold
	for n, kept := range fold.Keep().Blocks {
		octets += len(kept)
		folds = append(folds, journal.Fold{Name: fmt.Sprint("kpi.", n), Version: kpi.Version, State: kept})
	}
	if err := box.log.SaveFolds(ctx, folds...); err != nil {
		b.Fatal(err)
	}
	doc := sample()
	b.ReportAllocs()
	for b.Loop() {
		facts, err := box.reader.Facts(ctx, kpi.Interval{From: from, To: time.Now()})
		if err != nil || len(facts.Visits) != 100_000 {
			b.Fatal(len(facts.Visits), err)
		}
		report.NewSource(facts, doc, gate{}, boss).QueueTables()
	}
	b.ReportMetric(float64(octets)/100_000, "octets/contact")
}

// TestTwoPeopleNeverCallTheSame: many take the same caller at once.
func TestTwoPeopleNeverCallTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), true)
		defer b.stop()
		ctx := context.Background()
		for round := range 5 {
			caller := journal.SubjectID(fmt.Sprint("n-", round))
			b.visit(fmt.Sprint("c-", round), caller, "abandoned")
			b.settle()
			var mu sync.Mutex
			got := map[journal.SubjectID]bool{}
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					who := journal.SubjectID(fmt.Sprint("p-", i))
					err := b.reader.Take(ctx, caller, who)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						got[who] = true
					case !errors.Is(err, report.ErrTaken):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if len(got) != 1 {
				t.Fatalf("taken by %v", got)
			}
			list := b.reader.Recalls(report.Wish{})
			if len(list) != 1 || !got[list[0].By] {
				t.Fatalf("the list says %+v, taken by %v", list, got)
			}
			winner := list[0].By
			if err := b.reader.Done(ctx, caller, "p-other", "reached"); !errors.Is(err, report.ErrTaken) {
				t.Errorf("another closes it: %v", err)
			}
			if err := b.reader.Take(ctx, caller, winner); err != nil {
				t.Errorf("he presses again: %v", err)
			}
			if err := b.reader.Done(ctx, caller, winner, "reached"); err != nil {
				t.Error(err)
			}
			if list := b.reader.Recalls(report.Wish{}); len(list) != 0 || b.reader.Holder(caller) != "" {
				t.Errorf("after the end %q has him, the list says %+v", b.reader.Holder(caller), list)
			}
		}
		if err := b.reader.Done(ctx, "n-1", "p-1", "because"); err == nil {
			t.Error("a made-up ending is taken")
		}
	})
}

// TestAReservationThatEndsIsToldOf: nobody writes an event when a caller is free again
// because his time is over; who shows the list hears of it then, once, and not of one
// that was given back before.
func TestAReservationThatEndsIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), true)
		defer b.stop()
		ctx := context.Background()
		for _, step := range []struct {
			name string
			do   func() error
			wait time.Duration
			want int64
		}{
			{"the first is taken", func() error { return b.reader.Take(ctx, "n-1", "p-1") }, time.Minute, 1},
			{"a second", func() error { return b.reader.Take(ctx, "n-2", "p-2") }, time.Minute, 1},
			{"the second is given back", func() error { return b.reader.Done(ctx, "n-2", "p-2", "returned") }, time.Minute, 1},
			{"the first is forgotten", func() error { return nil }, engine.TakenFor - 3*time.Minute, 1},
			{"nothing is left", func() error { return nil }, time.Hour, 0},
			{"a third is taken", func() error { return b.reader.Take(ctx, "n-3", "p-3") }, time.Minute, 1},
			{"the clock is set forward", func() error { b.clock.Store(int64(time.Hour)); return nil }, 2 * time.Minute, 1},
		} {
			before := b.told.Load()
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			time.Sleep(step.wait)
			synctest.Wait()
			if n := b.told.Load() - before; n != step.want {
				t.Errorf("%s: told %d times, want %d", step.name, n, step.want)
			}
		}
	})
}

// TestWhoIsOnACallIsNotTaken: nobody calls a caller whom the office talks with, or is
// calling, at this moment, whatever kind of call that is.
func TestWhoIsOnACallIsNotTaken(t *testing.T) {
	in := journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"}
	out := journal.CallStarted{Direction: journal.Outbound, From: "p-1", To: "n-1"}
	for _, c := range []struct {
		name   string
		events []journal.Payload
		by     journal.SubjectID
		want   error
	}{
		{"nobody talks with him", nil, "p-2", nil},
		{"he talks with somebody's telephone, without a queue", []journal.Payload{in, journal.CallBridged{}}, "p-2", report.ErrOnCall},
		{"he listens to the menu", []journal.Payload{in}, "p-2", report.ErrOnCall},
		{"he hung up", []journal.Payload{in, journal.CallBridged{}, journal.CallEnded{Talk: time.Minute}}, "p-2", nil},
		{"he hung up and was promised a call", []journal.Payload{in, journal.ContactQueued{Contact: "c", Queue: "group-1", Caller: "n-1"}, journal.CallbackPromised{Contact: "c", Queue: "group-1", Caller: "n-1"}, journal.CallEnded{}}, "p-2", nil},
		{"a colleague's call to him rings", []journal.Payload{out}, "p-2", report.ErrTaken},
		{"a colleague has called him and talks", []journal.Payload{out, journal.CallBridged{}}, "p-2", report.ErrOnCall},
		{"his own call to him rings, and he presses again", []journal.Payload{out}, "p-1", nil},
		{"he has called him and talks", []journal.Payload{out, journal.CallBridged{}}, "p-1", report.ErrOnCall},
		{"the colleague did not reach him", []journal.Payload{out, journal.CallEnded{Cause: "busy"}}, "p-2", nil},
		{"another caller talks", []journal.Payload{journal.CallStarted{Direction: journal.Inbound, From: "n-2"}, journal.CallBridged{}}, "p-2", nil},
		{"the box restarted meanwhile", []journal.Payload{in, journal.CallBridged{}, journal.BoxStarted{}}, "p-2", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				b := open(t, folder, true)
				defer b.stop()
				for _, p := range c.events {
					b.log.Append("c", p)
				}
				b.settle()
				if err := b.reader.Take(context.Background(), "n-1", c.by); !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				want := c.by
				if c.want != nil {
					want = ""
				}
				if got := b.reader.Holder("n-1"); got != want {
					t.Errorf("%q has him, want %q", got, want)
				}
			})
		})
	}
}
