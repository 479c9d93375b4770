package kpi_test

import (
	"fmt"
	"testing"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"

	"pgregory.net/rapid"
)

// example makes the events of the public example of Call Centre Helper and ICMI:
// 1000 answered, of them 860 within 20 s, 60 hung up, of them 20 within 20 s and 10
// within 5 s.
func example() *kpi.Fold {
	f := kpi.NewFold(nil)
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	n := 0
	play := func(times int, waited time.Duration, outcome string) {
		for range times {
			n++
			id := journal.ContactID(fmt.Sprint("c-", n))
			put := func(p journal.Payload) {
				f.Apply(journal.Event{Time: at, Call: journal.CallID(id), Payload: p})
			}
			put(journal.ContactQueued{Contact: id, Queue: "q", Caller: journal.SubjectID(fmt.Sprint("n-", n))})
			if outcome == "served" {
				put(journal.ContactConnected{Contact: id, Queue: "q", Agent: "p-1", Waited: waited})
			}
			put(journal.ContactEnded{Contact: id, Queue: "q", Outcome: outcome, Waited: waited, Talked: time.Minute})
			at = at.Add(time.Second)
		}
	}
	play(860, 12*time.Second, "served")
	play(140, 45*time.Second, "served")
	play(10, 3*time.Second, "abandoned")
	play(10, 15*time.Second, "abandoned")
	play(40, 60*time.Second, "abandoned")
	return f
}

// TestServiceLevelsOfEvents: from events to the public values of all six variants.
func TestServiceLevelsOfEvents(t *testing.T) {
	fold := example()
	facts, _ := fold.Facts(kpi.Day(fold.At(), time.UTC), fold.At())
	f := kpi.Sum(facts.Visits, nil)
	if f.Offered != 1060 || f.Answered != 1000 || f.AnsweredIn != 860 || f.Abandoned != 60 || f.AbandonedIn != 20 || f.Short != 10 {
		t.Fatalf("%+v", f)
	}
	for _, w := range []struct {
		variant kpi.Variant
		percent float64
	}{
		{kpi.ICMI, 83.0}, {kpi.AnsweredOnly, 86.0}, {kpi.Strict, 81.1},
		{kpi.EarlyIgnored, 82.7}, {kpi.ShortForgiven, 82.1}, {kpi.ShortRemoved, 81.9},
	} {
		if got, ok := f.Level(w.variant); !ok || !near(got*100, w.percent, 0.05) {
			t.Errorf("%s: %.2f %%, want %.1f", w.variant, got*100, w.percent)
		}
	}
	if f.P50 != 12*time.Second || f.P90 != 45*time.Second || f.P99 != 45*time.Second || f.Longest != time.Minute {
		t.Errorf("percentiles %v %v %v, longest %v", f.P50, f.P90, f.P99, f.Longest)
	}
	if want := (860*12 + 140*45) * time.Second / 1000; f.ASA != want || f.AHT != time.Minute || f.Callers != 1060 || f.LostCallers != 50 {
		t.Errorf("ASA %v, want %v; %+v", f.ASA, want, f)
	}
}

// TestThoseWhoWaitCount: a caller past the threshold lowers the level while he waits.
func TestThoseWhoWaitCount(t *testing.T) {
	fold := example()
	at := fold.At()
	fold.Apply(journal.Event{Time: at, Payload: journal.ContactQueued{Contact: "w", Queue: "q"}})
	for _, c := range []struct {
		after time.Duration
		past  int
		level float64
	}{{20 * time.Second, 0, 860.0 / 1050}, {21 * time.Second, 1, 860.0 / 1051}} {
		facts, _ := fold.Facts(kpi.Day(at, time.UTC), at.Add(c.after))
		f := kpi.Sum(facts.Visits, nil)
		level, _ := f.Level(kpi.ShortRemoved)
		if f.Waiting != 1 || f.WaitingPast != c.past || !near(level, c.level, 1e-12) || f.LongestNow != c.after {
			t.Errorf("after %v: level %v, %+v", c.after, level, f)
		}
	}
}

// TestCountsShowTheirContacts: every count is as many as the contacts behind it, and
// each contact has one fate.
func TestCountsShowTheirContacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		visits := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kpi.Visit {
			return kpi.Visit{
				Queue: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "queue"), Caller: rapid.SampledFrom([]journal.SubjectID{"", "n-1", "n-2", "n-3"}).Draw(t, "caller"),
				Result: rapid.SampledFrom([]kpi.Result{kpi.Waiting, kpi.Answered, kpi.Abandoned, kpi.Overflowed, kpi.Promised, kpi.Restarted}).Draw(t, "result"), Open: rapid.Bool().Draw(t, "open"), Reached: rapid.Bool().Draw(t, "reached"),
				Waited: time.Duration(rapid.IntRange(0, 90).Draw(t, "waited")) * time.Second, Talked: time.Minute,
			}
		}), 0, 40).Draw(t, "visits")
		rules := kpi.Rules{"a": {Threshold: 30 * time.Second, Short: 10 * time.Second}}
		f := kpi.Sum(visits, rules)
		behind := func(c kpi.Count) int {
			n := 0
			for i := range visits {
				if c.Has(&visits[i], rules.Of(visits[i].Queue)) {
					n++
				}
			}
			return n
		}
		for c, n := range map[kpi.Count]int{kpi.Offered: f.Offered, kpi.CAnswered: f.Answered, kpi.CAnsweredIn: f.AnsweredIn, kpi.CAbandoned: f.Abandoned,
			kpi.CShort: f.Short, kpi.CLost: f.Abandoned - f.Short, kpi.CWaitingPast: f.WaitingPast, kpi.CUnserved: f.Unserved, kpi.CHandled: f.Handled,
			kpi.CJudged: f.Answered + f.Abandoned - f.Short + f.WaitingPast, kpi.CJudgedLost: f.Answered + f.Abandoned - f.Short} {
			if behind(c) != n {
				t.Fatalf("%s: %d, but %d contacts", c, n, behind(c))
			}
		}
		if f.Answered+f.Abandoned+f.Waiting+f.Overflowed+f.Promised+f.Restarted != f.Offered {
			t.Fatalf("fates do not add up: %+v", f)
		}
		if f.LostCallers > f.Callers || f.Callers > f.Offered || f.P50 > f.P90 || f.P90 > f.P99 || f.P99 > f.Longest {
			t.Fatalf("%+v", f)
		}
	})
}

func TestAPromiseKeptByHandIsNoTalkOfTheQueue(t *testing.T) {
	ask := func(id journal.ContactID) []any {
		return []any{journal.ContactQueued{Contact: id, Queue: "q", Caller: "n-" + journal.SubjectID(id)}, journal.CallbackPromised{Contact: id, Queue: "q"}, 600 * sec}
	}
	events := append(ask("c"), journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-1"}, journal.AgentChanged{Agent: "p-1", State: journal.AgentTalking}, 90*sec,
		journal.ContactEnded{Contact: "c", Queue: "q", Agent: "p-1", Outcome: "served", Talked: 90 * sec}, journal.AgentChanged{Agent: "p-1", State: journal.AgentWrapUp}, 30*sec,
		journal.AgentChanged{Agent: "p-1", State: journal.AgentReady})
	for _, id := range []journal.ContactID{"d", "e"} {
		events = append(append(events, ask(id)...), journal.CallbackSettled{Contact: id, Queue: "q", By: "p-1", Call: "o", Why: kpi.ByHand},
			journal.ContactEnded{Contact: id, Queue: "q", Outcome: kpi.Merged, Reason: kpi.ByHand})
	}
	fold, facts := story(events...)
	k := fold.Keep()
	again, err := kpi.Resume(k.State, func(n int64) ([]byte, bool) { b, ok := k.Blocks[n]; return b, ok })
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := again.Facts(facts.Interval, facts.Now)
	for name, visits := range map[string][]kpi.Visit{"as it came": facts.Visits, "kept and read again": kept.Visits} {
		f := kpi.Sum(visits, nil)
		if f.Promised != 3 || f.Reached != 3 || f.Unserved != 0 || f.LostCallers != 0 {
			t.Errorf("%s: promised %d, reached %d, unserved %d, lost %d", name, f.Promised, f.Reached, f.Unserved, f.LostCallers)
		}
		if f.Handled != 1 || f.AHT != 120*sec || f.Talk != 90*sec || f.ACW != 30*sec {
			t.Errorf("%s: handled %d in %v, talk %v, wrap-up %v", name, f.Handled, f.AHT, f.Talk, f.ACW)
		}
	}
}

func TestWork(t *testing.T) {
	var w kpi.Work
	for state, minutes := range map[journal.AgentStateName]int{
		journal.AgentTalking: 30, journal.AgentWrapUp: 6, journal.AgentReady: 18, journal.AgentOffered: 6,
		journal.AgentPaused: 15, journal.AgentBusy: 5, journal.AgentOtherWork: 10,
	} {
		w.Add(kpi.AgentTime{State: state, Time: time.Duration(minutes) * time.Minute, Reason: "coffee"}, func(r string) bool { return r == "coffee" })
	}
	if o, _ := w.Occupancy(); o != 0.6 {
		t.Errorf("occupancy %v", o)
	}
	if u, _ := w.Utilisation(); u != 0.4 || w.Break != 15*time.Minute {
		t.Errorf("utilisation %v, break %v", u, w.Break)
	}
	if _, ok := (&kpi.Work{Paused: time.Hour}).Occupancy(); ok {
		t.Error("an occupancy of nothing")
	}
}

// TestPatience: 5 gave up, all waited 600 s together.
func TestPatience(t *testing.T) {
	var visits []kpi.Visit
	for range 5 {
		visits = append(visits, kpi.Visit{Result: kpi.Abandoned, Waited: 60 * time.Second}, kpi.Visit{Result: kpi.Answered, Waited: 60 * time.Second})
	}
	if p, ok := kpi.Patience(visits); !ok || p != 120*time.Second {
		t.Errorf("patience %v", p)
	}
	if _, ok := kpi.Patience(visits[:4]); ok {
		t.Error("patience of two people")
	}
}

func BenchmarkSum(b *testing.B) {
	visits := make([]kpi.Visit, 100_000)
	for i := range visits {
		visits[i] = kpi.Visit{Queue: "q", Caller: journal.SubjectID(fmt.Sprint("n-", i%30000)), Result: kpi.Result(i % 3), Waited: time.Duration(i%300) * time.Second}
	}
	b.ReportAllocs()
	for b.Loop() {
		kpi.Sum(visits, nil)
	}
}
