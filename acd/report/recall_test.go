package report_test

import (
	"fmt"
	"testing"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"

	"github.com/google/go-cmp/cmp"
)

// TestRecall tells what brings a caller on the list and what takes him off.
func TestRecall(t *testing.T) {
	in := journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"}
	queued := journal.ContactQueued{Contact: "c", Queue: "q", Caller: "n-1"}
	ended := func(outcome string, waited time.Duration) journal.ContactEnded {
		return journal.ContactEnded{Contact: "c", Queue: "q", Outcome: outcome, Waited: waited}
	}
	gone := []any{in, queued, ended("abandoned", 40*time.Second), journal.CallEnded{Cause: "hangup"}}
	after := func(more ...any) []any { return append(append([]any{}, gone...), more...) }
	for _, c := range []struct {
		name   string
		events []any
		want   string
		wish   report.Wish
	}{
		{"hung up while waiting", gone, "n-1: abandoned q 40s", report.Wish{}},
		{"the queue learns of it after the call's end", []any{in, queued, journal.CallEnded{Cause: "hangup"}, ended("abandoned", 40*time.Second)}, "n-1: abandoned q 40s", report.Wish{}},
		{"hung up at once: a mistake", []any{in, queued, ended("abandoned", 4*time.Second), journal.CallEnded{}}, "", report.Wish{}},
		{"still waits", []any{in, queued}, "", report.Wish{}},
		{"was served", []any{in, queued, journal.ContactConnected{Contact: "c", Queue: "q", Waited: time.Second}, ended("served", 0), journal.CallEnded{Talk: time.Minute}}, "", report.Wish{}},
		{"the queue gave him up and nobody took him", []any{in, queued, ended("overflow", time.Minute), journal.CallEnded{}}, "n-1: overflow q 1m0s", report.Wish{}},
		{"the queue gave him up and somebody took him", []any{in, queued, ended("overflow", time.Minute), journal.CallEnded{Talk: time.Minute}}, "", report.Wish{}},
		{"the next queue serves him", []any{in, queued, ended("overflow", time.Minute), journal.ContactQueued{Contact: "c", Queue: "r"}, journal.ContactConnected{Contact: "c", Queue: "r"},
			journal.CallEnded{Talk: time.Minute}, journal.ContactEnded{Contact: "c", Queue: "r", Outcome: "served"}}, "", report.Wish{}},
		{"hung up after the agent vanished: he was served", []any{in, queued, journal.ContactConnected{Contact: "c"}, journal.ContactQueued{Contact: "c", Queue: "q", Again: "lost"}, ended("abandoned", time.Minute), journal.CallEnded{}}, "", report.Wish{}},
		{"the box restarted", []any{in, queued, journal.CallEnded{Cause: "restart"}, journal.BoxStarted{}, ended("restart", 30*time.Second)}, "n-1: restart q 0s", report.Wish{}},
		{"promised a call and not reached", []any{in, queued, journal.CallbackPromised{Contact: "c", Queue: "q"}, journal.CallEnded{}, journal.BoxStarted{}, ended("overflow", time.Hour)}, "n-1: callback q 1h0m0s", report.Wish{}},
		{"promised a call and reached", []any{in, queued, journal.CallbackPromised{Contact: "c", Queue: "q"}, journal.CallEnded{}, journal.ContactConnected{Contact: "c"}, ended("served", time.Hour)}, "", report.Wish{}},
		{"promised a call and called himself", []any{in, queued, journal.CallbackPromised{Contact: "c", Queue: "q"}, journal.CallEnded{}, ended("merged", time.Hour)}, "", report.Wish{Closed: true, Unanswered: true}},
		{"the promise was taken back and he hung up", []any{in, queued, journal.CallbackPromised{Contact: "c", Queue: "q"}, ended("merged", time.Second), queued, ended("abandoned", time.Minute), journal.CallEnded{}}, "n-1: abandoned q 1m0s", report.Wish{}},
		{"promised a call and still waits for it", []any{in, queued, journal.CallbackPromised{Contact: "c", Queue: "q"}, journal.CallEnded{}}, "", report.Wish{Closed: true, Unanswered: true}},
		{"closed, not asked for", []any{in, journal.CallRouted{Trace: []journal.TraceStep{{Rule: "ivr.hours.closed"}}}, journal.CallEnded{}}, "", report.Wish{Unanswered: true}},
		{"closed, asked for", []any{in, journal.CallRouted{Trace: []journal.TraceStep{{Rule: "ivr.hours.closed"}}}, journal.CallEnded{}}, "n-1: closed  0s", report.Wish{Closed: true}},
		{"rang and nobody answered", []any{in, journal.CallEnded{}}, "n-1: unanswered  0s", report.Wish{Unanswered: true}},
		{"a hidden number", []any{journal.CallStarted{Direction: journal.Inbound}, journal.ContactQueued{Contact: "c", Queue: "q"}, ended("abandoned", time.Minute), journal.CallEnded{}}, "", report.Wish{}},
		{"the number came late", []any{journal.CallStarted{Direction: journal.Inbound}, journal.CallCaller{From: "n-1"}, queued, ended("abandoned", time.Minute), journal.CallEnded{}}, "n-1: abandoned q 1m0s", report.Wish{}},
		{"an emergency call is nobody to call back", []any{journal.CallStarted{Direction: journal.Outbound, Emergency: true, To: "n-1"}, journal.CallEnded{}}, "", report.Wish{Unanswered: true}},
		{"called again and was served", after(journal.CallID("d"), in, journal.CallBridged{}), "", report.Wish{}},
		{"called again in vain", after(journal.CallID("d"), in, journal.ContactQueued{Contact: "d", Queue: "q"}, journal.ContactEnded{Contact: "d", Queue: "q", Outcome: "abandoned", Waited: 50 * time.Second}, journal.CallEnded{}), "n-1: abandoned q 40s, abandoned q 50s", report.Wish{}},
		{"was called and reached", after(journal.CallID("d"), journal.CallStarted{Direction: journal.Outbound, From: "p-1", To: "n-1"}, journal.CallEnded{Talk: time.Minute}), "", report.Wish{}},
		{"was called and not reached", after(journal.CallID("d"), journal.CallStarted{Direction: journal.Outbound, From: "p-1", To: "n-1"}, journal.CallEnded{Cause: "busy"}), "n-1: abandoned q 40s", report.Wish{}},
		{"somebody takes him", after(journal.RecallTaken{Caller: "n-1", By: "p-1"}), "n-1 (p-1): abandoned q 40s", report.Wish{}},
		{"somebody took him and forgot", after(journal.RecallTaken{Caller: "n-1", By: "p-1"}, time.Hour), "n-1: abandoned q 40s", report.Wish{}},
		{"taken and given back", after(journal.RecallTaken{Caller: "n-1", By: "p-1"}, journal.RecallDone{Caller: "n-1", Why: "returned"}), "n-1: abandoned q 40s", report.Wish{}},
		{"taken for some minutes", after(journal.RecallTaken{Caller: "n-1", By: "p-1", Until: time.Date(2026, 11, 23, 9, 10, 0, 0, time.UTC)}, 10*time.Minute), "n-1: abandoned q 40s", report.Wish{}},
		{"taken before he was on the list", append([]any{journal.RecallTaken{Caller: "n-1", By: "p-1"}}, gone...), "n-1 (p-1): abandoned q 40s", report.Wish{}},
		{"taken and done", after(journal.RecallTaken{Caller: "n-1", By: "p-1"}, journal.RecallDone{Caller: "n-1", Why: "noNeed"}), "", report.Wish{}},
		{"two weeks later", after(15 * 24 * time.Hour), "", report.Wish{}},
	} {
		// Once as it comes, once written down and read again after every event.
		for _, restarted := range []bool{false, true} {
			r := report.NewRecall()
			at, call := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), journal.CallID("c")
			for _, e := range c.events {
				switch e := e.(type) {
				case time.Duration:
					at = at.Add(e)
				case journal.CallID:
					call = e
				case journal.Payload:
					r.Apply(journal.Event{Time: at, Call: call, Payload: e})
				}
				if restarted {
					b, err := r.Keep(at)
					if err != nil {
						t.Fatal(err)
					}
					if r, err = report.ResumeRecall(b); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := write(r.List(at, nil, c.wish)); got != c.want {
				t.Errorf("%s (restarted %v): %q, want %q", c.name, restarted, got, c.want)
			}
		}
	}
}

func write(list []report.Missed) string {
	s := ""
	for _, m := range list {
		s += string(m.Caller)
		if m.By != "" {
			s += " (" + string(m.By) + ")"
		}
		for i, t := range m.Tries {
			s += []string{":", ","}[min(i, 1)] + fmt.Sprintf(" %s %s %v", t.Why, t.Queue, t.Waited)
		}
	}
	return s
}

// TestWhoIsReachedIsHeldNoLonger: the answer ends the reservation, once. Whoever takes
// the caller after that keeps him, whatever becomes of the first call.
func TestWhoIsReachedIsHeldNoLonger(t *testing.T) {
	r := report.NewRecall()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		name string
		e    journal.Payload
		want journal.SubjectID
	}{
		{"Anna takes him", journal.RecallTaken{Caller: "n-1", By: "p-anna"}, "p-anna"},
		{"Anna calls him", journal.CallStarted{Direction: journal.Outbound, From: "p-anna", To: "n-1"}, "p-anna"},
		{"he answers", journal.CallBridged{}, ""},
		{"Bruno takes him meanwhile", journal.RecallTaken{Caller: "n-1", By: "p-bruno"}, "p-bruno"},
		{"Anna's call is passed on", journal.CallBridged{}, "p-bruno"},
		{"Anna hangs up", journal.CallEnded{Talk: time.Minute}, "p-bruno"},
		{"Bruno is done", journal.RecallDone{Caller: "n-1", By: "p-bruno", Why: "reached"}, ""},
	} {
		at = at.Add(time.Second)
		id := journal.CallID("c")
		if _, of := step.e.(journal.RecallTaken); of {
			id = ""
		}
		r.Apply(journal.Event{Time: at, Call: id, Payload: step.e})
		if got := r.Holder("n-1", at); got != step.want {
			t.Errorf("%s: %q has taken him, want %q", step.name, got, step.want)
		}
	}
}

// TestRecallOrder: the newest first, by number, with the queue's own limit.
func TestRecallOrder(t *testing.T) {
	r := report.NewRecall()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for i, who := range []journal.SubjectID{"n-1", "n-2", "n-1", "n-3"} {
		id := journal.CallID(fmt.Sprint("c", i))
		at = at.Add(time.Minute)
		for _, p := range []journal.Payload{journal.CallStarted{Direction: journal.Inbound, From: who}, journal.ContactQueued{Contact: journal.ContactID(id), Queue: "q"},
			journal.ContactEnded{Contact: journal.ContactID(id), Queue: "q", Outcome: "abandoned", Waited: time.Duration(10*(i+1)) * time.Second}, journal.CallEnded{}} {
			r.Apply(journal.Event{Time: at, Call: id, Payload: p})
		}
	}
	list := r.List(at, kpi.Rules{"q": {Short: 20 * time.Second}}, report.Wish{})
	if diff := cmp.Diff("n-3: abandoned q 40sn-1: abandoned q 30s", write(list)); diff != "" {
		t.Error(diff)
	}
	if list = r.List(at, nil, report.Wish{}); list[1].Waited() != 30*time.Second || len(list[1].Tries) != 2 {
		t.Errorf("%+v", list)
	}
}
