package kpi_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/testbed"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// disk keeps what a fold gives away, as the box does.
type disk struct {
	state  []byte
	seq    uint64
	blocks map[int64][]byte
}

func (d *disk) fetch(n int64) ([]byte, bool) { b, ok := d.blocks[n]; return b, ok }

func (d *disk) save(f *kpi.Fold) {
	k := f.Keep()
	d.state, d.seq = k.State, k.Seq
	for n, b := range k.Blocks {
		d.blocks[n] = b
	}
}

func (d *disk) facts(t testing.TB, f *kpi.Fold, i kpi.Interval, now time.Time) kpi.Facts {
	t.Helper()
	facts, missing := f.Facts(i, now)
	for _, n := range missing {
		if b, ok := d.blocks[n]; ok {
			if err := facts.Read(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	facts.Sort()
	return facts
}

var hidden = cmpopts.IgnoreUnexported(kpi.Visit{})

var manyDays = flag.Int("days", 3, "days of an office whose board and report are compared")

// TestBoardEqualsReport: days of an office with restarts, call-backs, waits told and
// outcomes. The live fold is kept and taken up again at random, lets go of old days, and
// says at every second hour of the first three days, then every evening, just what a fold
// says that reads the whole journal at once; and both say what a plain count of the
// events says.
func TestBoardEqualsReport(t *testing.T) {
	rome := zone(t, "Europe/Rome")
	days := *manyDays
	if testing.Short() {
		days = 2
	}
	from := time.Date(2026, 10, 24, 0, 0, 0, 0, rome) // the 25th has 25 hours
	o := newOffice(t, 5, from.UTC(), 6)
	o.back = true
	checked, figures := 0, kpi.Figures{}
	d := &disk{blocks: map[int64][]byte{}}
	live := kpi.NewFold(d.fetch)
	rng := rand.New(rand.NewPCG(3, 4))
	fed, saved := 0, 0
	plain, told := kpi.NewFold(nil), 0 // never saved, nothing thrown out
	for now := from.Add(time.Hour); now.Before(from.AddDate(0, 0, days)); now = now.Add(2 * time.Hour) {
		o.run(now.UTC(), 55)
		if rng.IntN(9) == 0 {
			o.restart(time.Duration(rng.IntN(1200)) * time.Second)
		}
		for ; fed < len(o.events); fed++ {
			live.Apply(o.events[fed])
			if rng.IntN(700) == 0 {
				d.save(live)
				saved = fed
				live.Evict(o.now.Add(-24 * time.Hour))
			}
			if rng.IntN(1500) == 0 && d.state != nil { // a crash: back to what is on disk
				again, err := kpi.Resume(d.state, d.fetch)
				if err != nil {
					t.Fatal(err)
				}
				live = again
				for _, e := range o.events[max(0, saved-1000) : fed+1] { // it knows some of them
					live.Apply(e)
				}
			}
		}
		if past := int(now.Sub(from).Hours()); past > 72 && past%24 != 1 { // later once a day
			continue
		}
		checked++
		for ; told < len(o.events); told++ {
			plain.Apply(o.events[told])
		}
		looks := []kpi.Interval{kpi.Day(o.now, rome), {From: o.now.Add(-30 * time.Hour), To: o.now.Add(time.Minute)}, {From: from, To: o.now}}
		day := int(now.Sub(from).Hours() / 24)
		whole := day <= 30 || day%30 == 0 // the whole time is long later on
		if !whole {
			looks = looks[:2]
		}
		for _, i := range looks {
			board, report := d.facts(t, live, i, o.now), d.facts(t, plain, i, o.now)
			if !same(report, board) {
				t.Fatalf("at %v of %v: report (-), board (+):\n%s", o.now, i, cmp.Diff(report, board, hidden))
			}
			if whole {
				plainCount(t, o.events, report)
			}
			figures = kpi.Sum(report.Visits, nil)
		}
	}
	if checked < days {
		t.Errorf("looked at %d times in %d days", checked, days)
	}
	if len(o.events) < 3000 || figures.Promised == 0 || figures.Reached == 0 {
		t.Fatalf("only %d events: %+v", len(o.events), figures)
	}
	testbed.Figure(t, fmt.Sprintf("days of an office whose board equals the report, looked at %d times", checked), days, "days")
}

// same compares facts; go-cmp is for telling the difference.
func same(a, b kpi.Facts) bool {
	return a.Interval == b.Interval && slices.Equal(a.Visits, b.Visits) && slices.Equal(a.Agents, b.Agents) &&
		slices.Equal(a.Lines, b.Lines) && slices.Equal(a.Said, b.Said)
}

// plainCount recounts facts from the events, another way than the fold.
func plainCount(t *testing.T, events []journal.Event, facts kpi.Facts) {
	t.Helper()
	type key struct{ contact, queue string }
	came := map[key]time.Time{}
	ended := map[string]int{}
	back := map[key]bool{} // was promised a call; reached
	promised, kept, broken := 0, 0, 0
	until := map[key]time.Time{} // the wait that was told
	judge := func(k key, at time.Time, answered bool) {
		told, ok := until[k]
		delete(until, k)
		switch {
		case !ok || !facts.Has(came[k]):
		case at.After(told.Add(time.Second)):
			broken++
		case answered:
			kept++
		}
	}
	talk := map[journal.SubjectID]time.Duration{}
	since := map[journal.SubjectID]time.Time{}
	var last, died time.Time
	book := func(a journal.SubjectID, to time.Time) {
		from, ok := since[a]
		if !ok {
			return
		}
		if from.Before(facts.From) {
			from = facts.From
		}
		if to.After(facts.To) {
			to = facts.To
		}
		talk[a] += max(0, to.Sub(from))
	}
	for _, e := range events {
		switch p := e.Payload.(type) {
		case journal.ContactQueued:
			k := key{string(p.Contact), p.Queue}
			if _, known := came[k]; !known {
				came[k] = e.Time
			}
		case journal.ContactAnnounced:
			until[key{string(p.Contact), p.Queue}] = e.Time.Add(p.High)
		case journal.CallbackPromised:
			k := key{string(p.Contact), p.Queue}
			delete(until, k)
			if back[k] = false; facts.Has(came[k]) {
				promised++
			}
		case journal.CallbackSettled:
			if p.Why == kpi.ByHand {
				back[key{string(p.Contact), p.Queue}] = true
			}
		case journal.ContactConnected:
			k := key{string(p.Contact), p.Queue}
			judge(k, e.Time, true)
			if _, was := back[k]; was {
				back[k] = true
			}
		case journal.ContactEnded:
			k := key{string(p.Contact), p.Queue}
			judge(k, e.Time, false)
			if _, was := back[k]; !was && facts.Has(came[k]) {
				ended[p.Outcome]++
			}
		case journal.CallEnded:
			if p.Cause == "restart" && died.IsZero() {
				died = last
			}
		case journal.BoxStarted:
			if died.IsZero() {
				died = last
			}
			for a := range since {
				book(a, died)
				since[a] = e.Time
			}
			died = time.Time{}
		case journal.AgentChanged:
			book(p.Agent, e.Time)
			delete(since, p.Agent)
			if p.State == journal.AgentTalking {
				since[p.Agent] = e.Time
			}
		}
		last = e.Time
	}
	for a := range since {
		book(a, facts.Now)
	}
	offered := 0
	for _, at := range came {
		if facts.Has(at) {
			offered++
		}
	}
	reached := 0
	for k, is := range back {
		if is && facts.Has(came[k]) {
			reached++
		}
	}
	f := kpi.Sum(facts.Visits, nil)
	for i := range facts.Visits {
		kept, broken = kept-facts.Visits[i].Kept, broken-facts.Visits[i].Broken
	}
	if f.Promised != promised || f.Reached != reached || kept != 0 || broken != 0 {
		t.Fatalf("promised calls to %d and reached %d, but %+v; waits told, kept and broken differ by %d and %d", promised, reached, f, kept, broken)
	}
	lostWhileTalking := f.Answered - ended["served"] // by a restart, or they still talk
	if f.Offered != offered || f.Abandoned != ended["abandoned"] || f.Overflowed != ended["overflow"] || lostWhileTalking < 0 ||
		f.Answered+f.Abandoned+f.Overflowed+f.Waiting+f.Promised+f.Restarted != offered {
		t.Fatalf("offered %d, ended %v, but %+v", offered, ended, f)
	}
	slotted := kpi.Interval{From: kpi.SlotOf(facts.From).Start(), To: kpi.SlotOf(facts.To.Add(-1)).End()}
	if !slotted.From.Equal(facts.From) || !slotted.To.Equal(facts.To) {
		return // agents' time is known by whole slots only
	}
	sums := map[journal.SubjectID]time.Duration{}
	for _, a := range facts.Agents {
		if a.State == journal.AgentTalking {
			sums[a.Agent] += a.Time
		}
	}
	for a, d := range talk {
		if sums[a] != d {
			t.Fatalf("%s talked %v, the facts say %v", a, d, sums[a])
		}
	}
}

// story feeds a fold with events one second apart and gives what came of it.
func story(events ...any) (*kpi.Fold, kpi.Facts) {
	f := kpi.NewFold(nil)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	seq := uint64(0)
	call := journal.CallID("c")
	for _, e := range events {
		switch e := e.(type) {
		case time.Duration:
			at = at.Add(e)
		case journal.CallID:
			call = e
		case journal.Payload:
			seq++
			f.Apply(journal.Event{Seq: seq, Time: at, Call: call, Payload: e})
		}
	}
	facts, _ := f.Facts(kpi.Interval{From: at.Add(-48 * time.Hour), To: at.Add(24 * time.Hour)}, at)
	facts.Sort()
	return f, facts
}

const sec = time.Second

// TestFates tells one contact's story each.
func TestFates(t *testing.T) {
	queued := journal.ContactQueued{Contact: "c", Queue: "q", Caller: "n-1"}
	offered := journal.ContactOffered{Contact: "c", Queue: "q", Offer: 1, Agent: "p-1"}
	state := func(s journal.AgentStateName) journal.AgentChanged {
		return journal.AgentChanged{Agent: "p-1", State: s}
	}
	for _, c := range []struct {
		name   string
		events []any
		want   kpi.Visit
	}{
		{"waits", []any{queued, 30 * sec}, kpi.Visit{Result: kpi.Waiting, Open: true, Waited: 30 * sec}},
		{"is answered, and wrap-up belongs to it",
			[]any{queued, offered, 12 * sec, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 12 * sec}, state(journal.AgentTalking),
				60 * sec, journal.ContactEnded{Contact: "c", Queue: "q", Agent: "p-1", Outcome: "served", Waited: 12 * sec, Talked: 60 * sec}, state(journal.AgentWrapUp), 20 * sec, state(journal.AgentReady)},
			kpi.Visit{Result: kpi.Answered, Agent: "p-1", Waited: 12 * sec, Talked: 60 * sec, Wrap: 20 * sec}},
		{"gives up", []any{queued, 7 * sec, journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "abandoned", Waited: 7 * sec}},
			kpi.Visit{Result: kpi.Abandoned, Waited: 7 * sec}},
		{"comes back to the queue that gave it up: one visit, both waits",
			[]any{queued, 60 * sec, journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "overflow", Reason: "max wait", Waited: 60 * sec}, 5 * sec, queued, 10 * sec,
				journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "abandoned", Waited: 10 * sec}},
			kpi.Visit{Result: kpi.Abandoned, Waited: 70 * sec}},
		{"is answered, loses the agent and hangs up in line: answered",
			[]any{queued, 9 * sec, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 9 * sec}, 30 * sec,
				journal.ContactQueued{Contact: "c", Queue: "q", Again: "lost"}, 5 * sec, journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "abandoned", Waited: 14 * sec, Talked: 30 * sec}},
			kpi.Visit{Result: kpi.Answered, Agent: "p-1", Waited: 9 * sec, Talked: 30 * sec}},
		{"asks to be called back and is reached",
			[]any{queued, 40 * sec, journal.CallbackPromised{Contact: "c", Queue: "q"}, 600 * sec, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 640 * sec},
				50 * sec, journal.ContactEnded{Contact: "c", Queue: "q", Agent: "p-1", Outcome: "served", Waited: 640 * sec, Talked: 50 * sec}},
			kpi.Visit{Result: kpi.Promised, Reached: true, Agent: "p-1", Waited: 40 * sec, Talked: 50 * sec, BackIn: 640 * sec}},
		{"is reached in a call that the agent ends",
			[]any{queued, 40 * sec, journal.CallbackPromised{Contact: "c", Queue: "q"}, journal.CallEnded{By: "caller"}, 600 * sec, journal.CallbackTried{Contact: "c", Queue: "q", Call: "back", Result: "answered"},
				journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 640 * sec}, 50 * sec, journal.ContactEnded{Contact: "c", Queue: "q", Agent: "p-1", Outcome: "served", Talked: 50 * sec},
				journal.CallID("back"), journal.CallEnded{By: "caller"}},
			kpi.Visit{Result: kpi.Promised, Reached: true, Agent: "p-1", Waited: 40 * sec, Talked: 50 * sec, Back: "back", BackIn: 640 * sec, ByAgent: true}},
		{"is answered, and the agent hangs up",
			[]any{queued, 9 * sec, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 9 * sec}, 30 * sec,
				journal.ContactEnded{Contact: "c", Queue: "q", Agent: "p-1", Outcome: "served", Talked: 30 * sec}, journal.CallEnded{By: "called"}},
			kpi.Visit{Result: kpi.Answered, Agent: "p-1", Waited: 9 * sec, Talked: 30 * sec, ByAgent: true}},
		{"is answered, hangs up in the survey: it was the agent who ended the talk",
			[]any{queued, 9 * sec, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 9 * sec}, 30 * sec,
				journal.ContactEnded{Contact: "c", Queue: "q", Agent: "p-1", Outcome: "served", Talked: 30 * sec}, journal.SurveyAnswered{Call: "c", Queue: "q", Question: 1, Answer: "5"}, journal.CallEnded{By: "caller"}},
			kpi.Visit{Result: kpi.Answered, Agent: "p-1", Waited: 9 * sec, Talked: 30 * sec, ByAgent: true}},
		{"is answered and hangs up",
			[]any{queued, 9 * sec, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 9 * sec}, 30 * sec,
				journal.ContactEnded{Contact: "c", Queue: "q", Agent: "p-1", Outcome: "served", Talked: 30 * sec}, journal.CallEnded{By: "caller"}},
			kpi.Visit{Result: kpi.Answered, Agent: "p-1", Waited: 9 * sec, Talked: 30 * sec}},
		{"asks to be called back and calls himself",
			[]any{queued, 40 * sec, journal.CallbackPromised{Contact: "c", Queue: "q"}, 600 * sec, journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "merged", Reason: "called in", Waited: 640 * sec}},
			kpi.Visit{Result: kpi.Promised, Waited: 40 * sec}},
		{"asks to be called back and somebody calls him by hand: the promise is kept",
			[]any{queued, 40 * sec, journal.CallbackPromised{Contact: "c", Queue: "q"}, 600 * sec, journal.CallbackSettled{Contact: "c", Queue: "q", By: "p-1", Call: "o", Why: "by hand"},
				journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "merged", Reason: "by hand", Waited: 640 * sec}},
			kpi.Visit{Result: kpi.Promised, Reached: true, ByHand: true, Waited: 40 * sec}},
		{"asks to be called back and somebody takes that back for him",
			[]any{queued, 40 * sec, journal.CallbackPromised{Contact: "c", Queue: "q"}, 600 * sec, journal.CallbackSettled{Contact: "c", Queue: "q", By: "p-1", Why: "cancelled"},
				journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "merged", Reason: "cancelled", Waited: 640 * sec}},
			kpi.Visit{Result: kpi.Promised, Waited: 40 * sec}},
		{"the promise is taken back while he is on the line, and he is answered",
			[]any{queued, 40 * sec, journal.CallbackPromised{Contact: "c", Queue: "q"}, journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "merged", Reason: "superseded", Waited: 40 * sec}, queued,
				19 * sec, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 19 * sec}},
			kpi.Visit{Result: kpi.Answered, Open: true, Agent: "p-1", Waited: 59 * sec}},
		{"an answer within the range keeps the word, one after it does not",
			[]any{queued, journal.ContactAnnounced{Contact: "c", Queue: "q", High: 20 * sec}, 15 * sec, journal.ContactAnnounced{Contact: "c", Queue: "q", High: 60 * sec}, 30 * sec,
				journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 45 * sec}},
			kpi.Visit{Result: kpi.Answered, Open: true, Agent: "p-1", Waited: 45 * sec, Kept: 1, Broken: 1}},
		{"who hangs up before the range is over proves nothing",
			[]any{queued, journal.ContactAnnounced{Contact: "c", Queue: "q", High: 20 * sec}, 15 * sec, journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "abandoned", Waited: 15 * sec}},
			kpi.Visit{Result: kpi.Abandoned, Waited: 15 * sec}},
		{"an outcome is corrected",
			[]any{queued, 3 * sec, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1", Waited: 3 * sec}, journal.OutcomeSet{Call: "c", Outcome: "o-1"}, journal.OutcomeSet{Call: "c", Outcome: "o-2"}},
			kpi.Visit{Result: kpi.Answered, Open: true, Agent: "p-1", Waited: 3 * sec, Outcome: "o-2"}},
		{"the box restarts",
			[]any{queued, 30 * sec, journal.BoxStarted{}, journal.ContactEnded{Contact: "c", Queue: "q", Outcome: "restart", Waited: 25 * sec}},
			kpi.Visit{Result: kpi.Restarted, Waited: 25 * sec}},
		{"nobody ever ended it: lost at the second start", []any{queued, 30 * sec, journal.BoxStarted{}, journal.BoxStarted{}}, kpi.Visit{Result: kpi.Restarted}},
	} {
		_, facts := story(c.events...)
		if len(facts.Visits) != 1 {
			t.Errorf("%s: %d visits", c.name, len(facts.Visits))
			continue
		}
		got := facts.Visits[0]
		if unserved := kpi.CUnserved.Has(&got, kpi.Rule{Short: 5 * sec}); unserved != (got.Result == kpi.Abandoned || got.Result == kpi.Restarted) {
			t.Errorf("%s: unserved %v", c.name, unserved)
		}
		if got.Contact != "c" || got.Queue != "q" || got.Caller != "n-1" {
			t.Errorf("%s: %+v", c.name, got)
		}
		got.Contact, got.Queue, got.Caller, got.Arrived, got.Reason = "", "", "", time.Time{}, ""
		if diff := cmp.Diff(c.want, got, hidden); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// TestWhatIsSaidLate: an outcome that comes when its day is kept already counts where
// it was said, and its corrections, like the end of its promise, count no more.
func TestWhatIsSaidLate(t *testing.T) {
	f := kpi.NewFold(nil)
	day := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	seq := uint64(0)
	at := func(t time.Time, p journal.Payload) {
		seq++
		f.Apply(journal.Event{Seq: seq, Time: t, Call: "c", Payload: p})
	}
	at(day, journal.ContactQueued{Contact: "c", Queue: "q", Caller: "n-1"})
	at(day, journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1"})
	at(day, journal.ContactEnded{Contact: "c", Queue: "q", Agent: "p-1", Outcome: "served", Talked: time.Minute})
	at(day, journal.OutcomeSet{Call: "c", Queue: "q", Agent: "p-1", Outcome: "o-later", CallBack: day.AddDate(0, 0, 3)})
	f.Keep()
	f.Evict(day.AddDate(0, 0, 2))
	late := day.AddDate(0, 0, 3)
	at(late, journal.OutcomeSet{Call: "c", Queue: "q", Agent: "p-2", Outcome: "o-later", Again: true})
	at(late, journal.OutcomeSet{Call: "old", Queue: "q", Agent: "p-2", Outcome: "o-1"})
	at(late, journal.OutcomeSet{Call: "old", Queue: "q", Agent: "p-2", Outcome: "o-2", Again: true})
	facts, _ := f.Facts(kpi.Day(late, time.UTC), late)
	want := []kpi.Said{{Call: "old", Queue: "q", Agent: "p-2", Outcome: "o-2", At: late}}
	if diff := cmp.Diff(want, facts.Said); diff != "" {
		t.Error(diff)
	}
}

// TestRepeats: the same caller within a day, hidden callers never.
func TestRepeats(t *testing.T) {
	q := func(c journal.ContactID, caller journal.SubjectID) journal.Payload {
		return journal.ContactQueued{Contact: c, Queue: "q", Caller: caller}
	}
	_, facts := story(q("1", "n-1"), q("2", ""), time.Hour, q("3", "n-1"), q("4", ""), journal.ContactQueued{Contact: "3", Queue: "other", Caller: "n-1"}, 24*time.Hour+sec, q("5", "n-1"))
	got := map[string]time.Duration{}
	for _, v := range facts.Visits {
		got[string(v.Contact)+v.Queue] = v.Before
	}
	want := map[string]time.Duration{"3q": time.Hour, "3other": time.Hour, "4q": 0, "5q": 0}
	delete(got, "1q")
	delete(got, "2q")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAgentTimeFallsWhereItElapsed: a talk over a quarter of an hour is split.
func TestAgentTimeFallsWhereItElapsed(t *testing.T) {
	state := func(s journal.AgentStateName, reason string) journal.AgentChanged {
		return journal.AgentChanged{Agent: "p-1", State: s, Reason: reason}
	}
	_, facts := story(state(journal.AgentReady, ""), 10*time.Minute, journal.ContactOffered{Contact: "c", Queue: "q", Agent: "p-1"}, state(journal.AgentTalking, ""),
		10*time.Minute, state(journal.AgentPaused, "lunch"), time.Minute, journal.BoxStopped{}, time.Hour, journal.BoxStarted{}, time.Minute, state(journal.AgentLoggedOut, ""))
	var got []string
	for _, a := range facts.Agents {
		got = append(got, fmt.Sprint(a.Slot.Start().Format("15:04"), " ", a.State, " ", a.Queue, a.Reason, " ", a.Time))
	}
	want := []string{"09:00 ready  10m0s", "09:00 talking q 5m0s", "09:15 paused lunch 1m0s", "09:15 talking q 5m0s", "10:15 paused lunch 1m0s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLines: a call in, one out over another line, one given on; a restart ends all
// when the box died.
func TestLines(t *testing.T) {
	_, facts := story(
		journal.CallID("a"), journal.CallStarted{Direction: journal.Inbound, Line: "l1"}, journal.CallLeg{Leg: "a", Line: "l1", State: journal.LegAnswered},
		5*time.Minute, journal.CallLeg{Leg: "b", Line: "l2", State: journal.LegRinging}, 5*time.Minute, journal.CallLeg{Leg: "b", State: journal.LegEnded},
		10*time.Minute, journal.CallEnded{},
		journal.CallID("d"), journal.CallStarted{Direction: journal.Outbound}, journal.CallLeg{Leg: "b", Line: "l1", State: journal.LegRinging},
		time.Minute, journal.LineChanged{}, time.Hour, journal.CallEnded{Cause: "restart"}, journal.BoxStarted{})
	var got []string
	for _, u := range facts.Lines {
		got = append(got, fmt.Sprintf("%s %q busy %v in %d out %d peak %d", u.Slot.Start().Format("15:04"), u.Line, u.Busy, u.In, u.Out, u.Peak))
	}
	want := []string{
		`09:00 "" busy 20m0s in 1 out 1 peak 2`, `09:00 "l1" busy 15m0s in 1 out 0 peak 1`, `09:00 "l2" busy 5m0s in 0 out 1 peak 1`,
		`09:15 "" busy 6m0s in 0 out 1 peak 1`, `09:15 "l1" busy 6m0s in 0 out 1 peak 1`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b, ok := kpi.BusyHour(facts.Lines, "")
	if !ok || b.Peak != 2 || b.Calls != 3 || b.Erlang < 0.43 || b.Erlang > 0.44 {
		t.Errorf("busy hour %+v", b)
	}
}

// TestOrderOfEvents: twice is once, late is not lost.
func TestOrderOfEvents(t *testing.T) {
	f := kpi.NewFold(nil)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	apply := func(seq uint64) bool {
		return f.Apply(journal.Event{Seq: seq, Time: at, Payload: journal.ContactQueued{Contact: journal.ContactID(fmt.Sprint(seq)), Queue: "q"}})
	}
	var got []bool
	for _, seq := range []uint64{1, 1, 4, 2, 2, 3, 5, 4} {
		got = append(got, apply(seq))
	}
	if diff := cmp.Diff([]bool{true, false, true, true, false, true, true, false}, got); diff != "" {
		t.Error(diff)
	}
	if facts, _ := f.Facts(kpi.Day(at, time.UTC), at); len(facts.Visits) != 5 {
		t.Errorf("%d visits", len(facts.Visits))
	}
}

// TestASetClockCountsNothing: from 1970 to now is no state of anybody.
func TestASetClockCountsNothing(t *testing.T) {
	f := kpi.NewFold(nil)
	f.Apply(journal.Event{Seq: 1, Time: time.Unix(60, 0), Payload: journal.AgentChanged{Agent: "p-1", State: journal.AgentReady}})
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	f.Apply(journal.Event{Seq: 2, Time: now, Payload: journal.AgentChanged{Agent: "p-1", State: journal.AgentReady}})
	f.Apply(journal.Event{Seq: 3, Time: now.Add(-time.Hour), Payload: journal.AgentChanged{Agent: "p-1", State: journal.AgentReady}})
	if n := len(f.Keep().Blocks); n != 0 {
		t.Errorf("%d blocks", n)
	}
}

// TestKeptBytesAreTheSameAgain: what is read is written the same.
func TestKeptBytesAreTheSameAgain(t *testing.T) {
	o := newOffice(t, 9, time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC), 5)
	o.run(o.now.Add(4*time.Hour), 80)
	d := &disk{blocks: map[int64][]byte{}}
	f := kpi.NewFold(d.fetch)
	for _, e := range o.events {
		f.Apply(e)
	}
	d.save(f)
	again, err := kpi.Resume(d.state, d.fetch)
	if err != nil {
		t.Fatal(err)
	}
	if k := again.Keep(); !bytes.Equal(k.State, d.state) || k.Seq != d.seq {
		t.Error("the state is written otherwise")
	}
	if again.Seq() != uint64(len(o.events)) || !again.At().Equal(o.now) && len(o.events) == 0 {
		t.Errorf("at event %d", again.Seq())
	}
	i := kpi.Day(o.now, time.UTC)
	if diff := cmp.Diff(d.facts(t, f, i, o.now), d.facts(t, again, i, o.now), hidden); diff != "" {
		t.Error(diff)
	}
	t.Logf("%d events, %d octets of state, %d octets of facts", len(o.events), len(d.state), len(d.blocks[kpi.BlockOf(o.now)]))
}

// TestBytesOfAnotherFormAreRefused: they begin with the number of their form, and a box
// that was updated makes its facts anew rather than misread those of the form before.
func TestBytesOfAnotherFormAreRefused(t *testing.T) {
	fold, _ := story(journal.ContactQueued{Contact: "c", Queue: "q", Caller: "n-1"})
	k := fold.Keep()
	none := func(int64) ([]byte, bool) { return nil, false }
	if _, err := kpi.Resume(k.State, none); err != nil {
		t.Fatalf("its own form: %v", err)
	}
	for _, form := range []byte{0, 1, 2, kpi.Version + 1} {
		state := slices.Clone(k.State)
		state[0] = form
		if _, err := kpi.Resume(state, none); !errors.Is(err, kpi.ErrKept) {
			t.Errorf("a state of form %d is read: %v", form, err)
		}
		for _, b := range k.Blocks {
			block := slices.Clone(b)
			block[0] = form
			if err := new(kpi.Facts).Read(block); !errors.Is(err, kpi.ErrKept) {
				t.Errorf("facts of form %d are read: %v", form, err)
			}
		}
	}
}

// TestABrokenBlockIsToldOf: what is written to a day that could not be read is not
// all of that day.
func TestABrokenBlockIsToldOf(t *testing.T) {
	f := kpi.NewFold(func(int64) ([]byte, bool) { return []byte{1, 2, 3}, true })
	f.Apply(journal.Event{Seq: 1, Time: time.Unix(1_800_000_000, 0), Payload: journal.ContactQueued{Contact: "c", Queue: "q"}})
	if f.Broken() == nil {
		t.Error("nobody knows")
	}
}

// FuzzKept: bytes of a broken disk never stop the box.
func FuzzKept(f *testing.F) {
	fold, _ := story(journal.ContactQueued{Contact: "c", Queue: "q", Caller: "n-1"}, journal.AgentChanged{Agent: "p-1", State: journal.AgentReady}, time.Minute,
		journal.CallStarted{Direction: journal.Inbound, Line: "l1"}, journal.ContactAnnounced{Contact: "c", High: sec}, time.Minute, journal.LineChanged{})
	k := fold.Keep()
	f.Add(k.State)
	for _, b := range k.Blocks {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, kept []byte) {
		var facts kpi.Facts
		_ = facts.Read(kept)
		if again, err := kpi.Resume(kept, func(int64) ([]byte, bool) { return kept, true }); err == nil && again.Broken() == nil {
			again.Keep()
		}
	})
}
