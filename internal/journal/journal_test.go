package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"centralino/internal/journal"
	"centralino/internal/store"
)

var update = flag.Bool("update", false, "make the files in testdata anew")

// box is a journal with its database, as after one start of the box.
type box struct {
	*journal.Log
	rec  journal.Recovery
	db   *store.DB
	disk *disk
	stop func() error // ends Run, not orderly
	told []string     // faults
}

// disk fails or blocks on command.
type disk struct {
	mu      sync.Mutex
	err     error
	block   chan struct{}
	commits int
}

func (d *disk) set(err error) {
	d.mu.Lock()
	d.err = err
	d.mu.Unlock()
}

func (d *disk) stall() (release func()) {
	c := make(chan struct{})
	d.mu.Lock()
	d.block = c
	d.mu.Unlock()
	return func() { d.mu.Lock(); d.block = nil; d.mu.Unlock(); close(c) }
}

func (d *disk) fault(operation string) error {
	d.mu.Lock()
	block, err := d.block, d.err
	if operation == "commit" {
		d.commits++
	}
	d.mu.Unlock()
	if block != nil {
		<-block
	}
	return err
}

func start(t *testing.T, folder string, change ...func(*journal.Options)) *box {
	t.Helper()
	b := &box{disk: &disk{}}
	db, _, err := store.Open(context.Background(), store.Options{
		Folder: folder, Migrations: journal.Migrations(), Readers: store.OneConnection,
		Now: time.Now, Log: slog.New(slog.DiscardHandler), Fault: b.disk.fault,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.db = db
	o := journal.Options{
		DB: db, Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler),
		Version: "1.0", Board: "sim", Fault: func(raised bool, _ string) { b.told = append(b.told, fmt.Sprint(raised)) },
	}
	for _, f := range change {
		f(&o)
	}
	b.Log, b.rec, err = journal.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	var once sync.Once
	var result error
	b.stop = func() error {
		once.Do(func() { cancel(); result = <-done; db.Close() })
		return result
	}
	return b
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

var folders sync.Mutex

// tempDir may be called in a bubble.
func tempDir(t *testing.T) string {
	folders.Lock()
	defer folders.Unlock()
	return t.TempDir()
}

func all(t *testing.T, b *box) []journal.Event {
	t.Helper()
	if err := b.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	var out []journal.Event
	if err := b.Replay(context.Background(), 1, func(e journal.Event) error { out = append(out, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func kindsOf(events []journal.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, string(e.Payload.JournalKind()))
	}
	return out
}

func sound(t *testing.T, b *box) {
	t.Helper()
	_, bad, err := b.Verify(context.Background())
	if err != nil || bad != nil {
		t.Fatalf("chain: %v %v", bad, err)
	}
}

func TestWhatIsAppendedIsReadBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		b.Append("c1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"})
		b.Append("c1", journal.CallRouted{Action: "path", Trace: []journal.TraceStep{
			{Rule: "route.hours", Args: map[string]string{"z": "<1>", "a": "è"}, Object: "schedule-1"}}})
		b.Append("c1", journal.CallEnded{Cause: "caller", Talk: 3 * time.Second, Total: 5 * time.Second})
		got := all(t, b)
		if want := []string{"box.started", "call.started", "call.routed", "call.ended"}; !cmp.Equal(kindsOf(got), want) {
			t.Fatalf("journal is %v, want %v", kindsOf(got), want)
		}
		routed := got[2].Payload.(journal.CallRouted)
		if routed.Trace[0].Args["z"] != "<1>" || got[2].Call != "c1" || got[2].Seq != 3 || !got[2].ClockTrusted {
			t.Errorf("event came back as %+v", got[2])
		}
		sound(t, b)
	})
}

func TestOrdinaryEventsAreOnDiskWithin100ms(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		b.Append("", journal.LineChanged{Line: "line-1", State: "idle"})
		synctest.Wait()
		if b.Durable() != 1 {
			t.Error("written at once: batching does not work")
		}
		time.Sleep(101 * time.Millisecond)
		synctest.Wait()
		if b.Durable() != 2 {
			t.Errorf("on disk after 100 ms: %d events, want 2", b.Durable())
		}
		b.Append("c1", journal.CallEnded{Cause: "caller"})
		time.Sleep(99 * time.Millisecond)
		synctest.Wait()
		if b.Durable() != 2 {
			t.Errorf("the end of a call has a commit of its own: %d on disk, want 2", b.Durable())
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if b.Durable() != 3 {
			t.Errorf("the end of a call waits longer than its batch: %d on disk, want 3", b.Durable())
		}
		for range 64 {
			b.Append("", journal.LineChanged{Line: "line-1", State: "idle"})
		}
		synctest.Wait()
		if b.Durable() != 67 {
			t.Errorf("64 rows waited for the time: %d on disk", b.Durable())
		}
	})
}

func TestEndOfCallIsSeenOnlyWhenOnDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		s := b.Subscribe(0)
		defer s.Close()
		release := b.disk.stall()
		b.Append("c1", journal.CallStarted{Direction: journal.Inbound})
		b.Append("c1", journal.CallEnded{Cause: "caller"})
		b.Append("c2", journal.CallStarted{Direction: journal.Inbound})
		seen := follow(s)
		synctest.Wait()
		if got := seen(); !cmp.Equal(got, []string{"call.started c1"}) {
			t.Errorf("before the commit: %v", got)
		}
		time.Sleep(3 * time.Second) // the disk stalls: others go ahead
		synctest.Wait()
		if got := seen(); !cmp.Equal(got, []string{"call.started c1", "call.started c2"}) {
			t.Errorf("while the disk stalls: %v", got)
		}
		release()
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if got := seen(); !cmp.Equal(got, []string{"call.started c1", "call.started c2", "call.ended c1"}) {
			t.Errorf("after the commit: %v", got)
		}
		if !cmp.Equal(b.told, []string{"true", "false"}) {
			t.Errorf("faults told: %v", b.told)
		}
	})
}

// follow reads a subscription in a goroutine that ends with it.
func follow(s *journal.Subscription) func() []string {
	var mu sync.Mutex
	var got []string
	go func() {
		for {
			e, err := s.Next(context.Background())
			if err != nil {
				return
			}
			mu.Lock()
			got = append(got, fmt.Sprint(e.Payload.JournalKind(), " ", e.Call))
			mu.Unlock()
		}
	}()
	return func() []string { mu.Lock(); defer mu.Unlock(); return append([]string{}, got...) }
}

func TestSlowSubscriberLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		const n = 5000 // more than stays in memory
		early := b.Subscribe(1)
		defer early.Close()
		for i := range n {
			b.Append(journal.CallID(fmt.Sprint(i)), journal.CallStep{Path: "p", Step: "s"})
		}
		if err := b.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		late := b.Subscribe(2)
		defer late.Close()
		for name, s := range map[string]*journal.Subscription{"early": early, "late": late} {
			first := uint64(1)
			if name == "late" {
				first = 2
			}
			for i := first; i <= n+1; i++ {
				e, err := s.Next(context.Background())
				if err != nil || e.Seq != i {
					t.Fatalf("%s: event %d (%v), want %d", name, e.Seq, err, i)
				}
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if e, err := late.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the last: %v %v", e, err)
		}
		late.Close()
		if _, err := late.Next(context.Background()); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestPromises(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		ctx := context.Background()
		seq, err := b.AppendSync(ctx, "", journal.AccessEvent{What: "login"})
		if err != nil || b.Durable() < seq {
			t.Fatalf("promise %d: %v, on disk up to %d", seq, err, b.Durable())
		}
		if err := b.db.Write(ctx, func(tx *sql.Tx) error { _, err := tx.Exec(`CREATE TABLE x (n INTEGER)`); return err }); err != nil {
			t.Fatal(err)
		}
		count := func() (n int) {
			err := b.db.Read(ctx, func(tx *sql.Tx) error { return tx.QueryRow(`SELECT count(*) FROM x`).Scan(&n) })
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		insert := func(then error) func(*sql.Tx) error {
			return func(tx *sql.Tx) error { _, err := tx.Exec(`INSERT INTO x VALUES (1)`); return errors.Join(err, then) }
		}
		if _, err := b.AppendWith(ctx, "", journal.OfficeChanged{Version: 2}, insert(nil)); err != nil || count() != 1 {
			t.Fatalf("kept with its row: %v, %d rows", err, count())
		}
		boom := errors.New("boom")
		s := b.Subscribe(0)
		defer s.Close()
		seen := follow(s)
		b.Append("c1", journal.CallStarted{})
		if _, err := b.AppendWith(ctx, "", journal.OfficeChanged{Version: 3}, insert(boom)); !errors.Is(err, boom) || count() != 1 {
			t.Errorf("a refused write: %v, %d rows", err, count())
		}
		if _, err := b.AppendWith(ctx, "", journal.OfficeChanged{Version: 3}, func(*sql.Tx) error { panic("ouch") }); err == nil {
			t.Error("a panicking write was kept")
		}
		b.disk.set(store.ErrFull)
		if _, err := b.AppendSync(ctx, "", journal.AccessEvent{What: "consent"}); !errors.Is(err, store.ErrFull) {
			t.Errorf("promise on a full disk: %v", err)
		}
		b.Append("c2", journal.CallStarted{})
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if _, err := b.AppendSync(short, "", journal.AccessEvent{What: "too late"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("promise that nobody waits for: %v", err)
		}
		b.disk.set(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := seen(); !cmp.Equal(got, []string{"call.started c1", "call.started c2"}) {
			t.Errorf("subscriber saw %v", got)
		}
		got := kindsOf(all(t, b))
		want := []string{"box.started", "access", "office.changed", "call.started", "journal.gap", "journal.gap", "journal.gap", "call.started", "journal.gap"}
		if !cmp.Equal(got, want) {
			t.Errorf("journal is %v\nwant       %v", got, want)
		}
		sound(t, b)
	})
}

// Promises that come together share a commit, each with its own row and its own outcome;
// what a full disk refuses of them again and again is one hole.
func TestPromisesThatComeTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		ctx := context.Background()
		if err := b.db.Write(ctx, func(tx *sql.Tx) error { _, err := tx.Exec(`CREATE TABLE x (n INTEGER)`); return err }); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		entries := func(n, bad int) (list []journal.Entry) {
			for i := range n {
				list = append(list, journal.Entry{Payload: journal.AccessEvent{What: fmt.Sprint(i)}, Write: func(tx *sql.Tx) error {
					if i == bad {
						return boom
					}
					_, err := tx.Exec(`INSERT INTO x VALUES (?)`, i)
					return err
				}})
			}
			return list
		}
		rows := func() (n int) {
			err := b.db.Read(ctx, func(tx *sql.Tx) error { return tx.QueryRow(`SELECT count(*) FROM x`).Scan(&n) })
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := b.disk.commits
		for i, err := range b.AppendAllWith(ctx, entries(40, 7)) {
			if i == 7 && !errors.Is(err, boom) || i != 7 && err != nil {
				t.Errorf("entry %d: %v", i, err)
			}
		}
		if n := b.disk.commits - before; n != 1 || rows() != 39 {
			t.Errorf("%d commits for forty promises, %d rows", n, rows())
		}
		b.disk.set(store.ErrFull)
		for range 5 {
			for i, err := range b.AppendAllWith(ctx, entries(10, -1)) {
				if !errors.Is(err, store.ErrFull) {
					t.Errorf("entry %d on a full disk: %v", i, err)
				}
			}
		}
		b.disk.set(nil)
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := b.Flush(short); err != nil {
			t.Fatal(err)
		}
		if n := rows(); n != 39 {
			t.Errorf("%d rows: what was refused is there", n)
		}
		want := append([]string{"box.started"}, slices.Repeat([]string{"access"}, 40)...)
		want[1+7] = "journal.gap"
		want = append(want, "journal.gap") // of fifty
		if diff := cmp.Diff(want, kindsOf(all(t, b))); diff != "" {
			t.Error(diff)
		}
		sound(t, b)
	})
}

func TestLongStallDropsDetailsAndNeverEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t), func(o *journal.Options) { o.QueueRows = 80 })
		defer b.stop()
		b.disk.set(store.ErrFull)
		const calls = 200
		for i := range calls {
			id := journal.CallID(fmt.Sprint(i))
			b.Append(id, journal.CallStarted{Direction: journal.Inbound})
			b.Append(id, journal.CallStep{Path: "main", Step: "menu"})
			b.Append(id, journal.CallRouted{Action: "path"})
			b.Append(id, journal.CallLeg{Leg: "a", State: journal.LegEnded})
			b.Append(id, journal.CallEnded{Cause: "caller"})
		}
		time.Sleep(time.Second)
		b.disk.set(nil)
		time.Sleep(10 * time.Second)
		count := map[journal.Kind]int{}
		for _, e := range all(t, b) {
			count[e.Payload.JournalKind()]++
			if g, ok := e.Payload.(journal.Gap); ok {
				for k, n := range g.Kinds {
					count["lost "+k] += n
				}
			}
		}
		if count["call.ended"] != calls {
			t.Errorf("%d of %d ends of calls are on disk", count["call.ended"], calls)
		}
		for _, k := range []journal.Kind{"call.step", "call.routed", "call.leg", "call.started"} {
			if count[k]+count["lost "+k] != calls {
				t.Errorf("%s: %d kept + %d lost, want %d", k, count[k], count["lost "+k], calls)
			}
		}
		if count["lost call.step"] < calls/2 || count["call.started"] < count["call.step"] {
			t.Errorf("dropped in the wrong order: %v", count)
		}
		sound(t, b)
	})
}

func TestRestartEndsWhatWasOpen(t *testing.T) {
	folder := tempDir(t)
	bubble(t, func(t *testing.T) {
		b := start(t, folder)
		if b.rec.Unclean {
			t.Error("the very first start is called unclean")
		}
		b.Append("c1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1"})
		b.Append("c2", journal.CallStarted{Direction: journal.Internal})
		b.Append("c2", journal.CallEnded{Cause: "caller"})
		time.Sleep(7 * time.Second)
		b.Append("c1", journal.CallStep{Path: "main", Step: "queue"})
		b.stop() // without Stop: like a crash after the last commit
		b = start(t, folder)
		if !b.rec.Unclean || !cmp.Equal(b.rec.OpenCalls, []journal.CallID{"c1"}) || b.rec.Bad != nil {
			t.Errorf("recovery found %+v", b.rec)
		}
		got := all(t, b)
		want := []string{"box.started", "call.started", "call.started", "call.ended", "call.step", "call.ended", "box.started"}
		if !cmp.Equal(kindsOf(got), want) {
			t.Fatalf("journal is %v, want %v", kindsOf(got), want)
		}
		end := got[5].Payload.(journal.CallEnded)
		if got[5].Call != "c1" || end.Cause != "restart" || end.Total != 7*time.Second {
			t.Errorf("the open call ended as %s %+v", got[5].Call, end)
		}
		if !got[6].Payload.(journal.BoxStarted).Unclean {
			t.Error("BoxStarted does not say unclean")
		}
		if err := b.Stop(context.Background(), "asked"); err != nil {
			t.Fatal(err)
		}
		b.stop()
		b = start(t, folder)
		defer b.stop()
		if b.rec.Unclean || len(b.rec.OpenCalls) != 0 {
			t.Errorf("after an orderly stop: %+v", b.rec)
		}
		sound(t, b)
	})
}

func TestListOfCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		ctx := context.Background()
		for i := range 7 {
			id := journal.CallID(fmt.Sprintf("c%d", i))
			b.Append(id, journal.CallStarted{Direction: journal.Inbound, Line: fmt.Sprintf("line-%d", i%2)})
			b.Append(id, journal.CallCaller{From: "n-1"})
			if i%3 == 0 {
				b.Append(id, journal.CallAnswered{})
				time.Sleep(time.Second)
				b.Append(id, journal.CallAnswered{By: "p-1"})
			}
			if i == 4 { // of a queue: the box answered, then an agent
				b.Append(id, journal.CallAnswered{})
				b.Append(id, journal.ContactConnected{Contact: journal.ContactID(id), Queue: "group-1", Agent: "p-2"})
			}
			if i == 1 { // forwarded over another line: it came in on its own
				b.Append(id, journal.CallLeg{Leg: "b", Kind: journal.LegLine, State: journal.LegAnswered, Line: "line-0"})
			}
			time.Sleep(time.Minute)
			b.Append(id, journal.CallEnded{Cause: "called", Talk: time.Second, Total: time.Minute})
			if i == 5 { // called back later: that is another call
				b.Append(id, journal.ContactConnected{Contact: journal.ContactID(id), Queue: "group-1", Agent: "p-2"})
			}
		}
		if err := b.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name string
			q    journal.CallQuery
			want string
		}{
			{"newest first, in pages", journal.CallQuery{Limit: 3}, "[c6 c5 c4] [c3 c2 c1] [c0]"},
			{"of one line", journal.CallQuery{Line: "line-1"}, "[c5 c3 c1]"},
			{"answered by somebody", journal.CallQuery{Subject: "p-1", Limit: 2}, "[c6 c3] [c0]"},
			{"of a caller on a line", journal.CallQuery{Subject: "n-1", Line: "line-0"}, "[c6 c4 c2 c0]"},
			{"since a time", journal.CallQuery{Since: time.Now().Add(-150 * time.Second)}, "[c6 c5]"},
			{"of an agent of a queue", journal.CallQuery{Subject: "p-2"}, "[c4]"},
			{"of nobody", journal.CallQuery{Subject: "p-9"}, "[]"},
		} {
			var pages []string
			for {
				calls, next, err := b.Calls(ctx, tt.q)
				if err != nil {
					t.Fatal(err)
				}
				ids := []journal.CallID{}
				for _, c := range calls {
					ids = append(ids, c.ID)
				}
				pages = append(pages, fmt.Sprint(ids))
				if next.First == 0 {
					break
				}
				tt.q.Before = next
			}
			if got := fmt.Sprint(pages); got != "["+tt.want+"]" {
				t.Errorf("%s: %s, want [%s]", tt.name, got, tt.want)
			}
		}
		c, ok, err := b.CallByID(ctx, "c3")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if c.From != "n-1" || c.By != "p-1" || c.Talk != time.Second || c.Ended.Sub(c.Start) != 61*time.Second || !c.Answered.Equal(c.Start) || c.Cause != "called" {
			t.Errorf("call c3 is %+v", c)
		}
		events, err := b.CallEvents(ctx, "c3")
		if err != nil || !cmp.Equal(kindsOf(events), []string{"call.started", "call.caller", "call.answered", "call.answered", "call.ended"}) {
			t.Errorf("events of c3: %v %v", kindsOf(events), err)
		}
	})
}

func TestUnwritablePayloads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		nan := []journal.Quality{{Leg: "a", JitterMS: math.NaN()}}
		b.Append("c1", journal.CallStarted{})
		b.Append("c1", journal.CallEnded{Cause: "caller", Quality: nan})
		b.Append("c1", unwritable{F: math.Inf(1)})
		got := all(t, b)
		if want := []string{"box.started", "call.started", "call.ended", "journal.gap"}; !cmp.Equal(kindsOf(got), want) {
			t.Errorf("journal is %v, want %v", kindsOf(got), want)
		}
	})
}

type unwritable struct{ F float64 }

func (unwritable) JournalKind() journal.Kind { return "test.unwritable" }

func TestFoldsNeverKnowMoreThanTheJournal(t *testing.T) {
	folder := tempDir(t)
	bubble(t, func(t *testing.T) {
		b := start(t, folder)
		ctx := context.Background()
		b.Append("c1", journal.CallStarted{})
		if err := b.SaveFold(ctx, journal.Fold{Name: "acd", Version: 1, Seq: 2, State: []byte("state")}); err != nil {
			t.Fatal(err)
		}
		if b.Durable() < 2 {
			t.Error("a fold was kept before its events")
		}
		f, ok, err := b.LoadFold(ctx, "acd", 1)
		if err != nil || !ok || f.Seq != 2 || string(f.State) != "state" {
			t.Errorf("fold came back as %+v %v %v", f, ok, err)
		}
		for name, version := range map[string]int{"acd": 2, "other": 1} {
			if _, ok, err := b.LoadFold(ctx, name, version); ok || err != nil {
				t.Errorf("fold %s of version %d: %v %v", name, version, ok, err)
			}
		}
		b.stop()
	})
}
