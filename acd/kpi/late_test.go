package kpi_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"centralino/acd/kpi"
	"centralino/internal/journal"
)

// While the disk stalls the end of a call comes after what follows it: the facts are the
// same, but for how many channels were busy at once.
func TestAnEndThatComesLateIsBooked(t *testing.T) {
	day := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	at := func(seq uint64, minute int, call journal.CallID, p journal.Payload) journal.Event {
		return journal.Event{Seq: seq, Time: day.Add(time.Duration(minute) * time.Minute), Call: call, Payload: p}
	}
	events := []journal.Event{
		at(1, 0, "a", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"}),
		at(2, 0, "a", journal.CallLeg{Leg: "l", Kind: journal.LegLine, Line: "line-1", State: journal.LegAnswered}),
		at(3, 1, "a", journal.ContactQueued{Contact: "a", Queue: "q", Caller: "n-1"}),
		at(4, 2, "b", journal.CallStarted{Direction: journal.Inbound, Line: "line-2", From: "n-2"}),
		at(5, 2, "b", journal.CallLeg{Leg: "l", Kind: journal.LegLine, Line: "line-2", State: journal.LegAnswered}),
		at(6, 10, "a", journal.ContactEnded{Contact: "a", Queue: "q", Outcome: "abandoned", Waited: 9 * time.Minute}),
		at(7, 10, "a", journal.CallEnded{Cause: "hangup", By: "caller"}),
		at(8, 20, "", journal.AgentChanged{Agent: "p-1", State: journal.AgentReady}),
		at(9, 30, "b", journal.CallEnded{Cause: "hangup", By: "caller"}),
		at(10, 40, "c", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"}),
		at(11, 40, "c", journal.CallLeg{Leg: "l", Kind: journal.LegLine, Line: "line-1", State: journal.LegAnswered}),
		at(12, 50, "c", journal.CallEnded{Cause: "hangup", By: "caller"}),
		at(13, 55, "", journal.AgentChanged{Agent: "p-1", State: journal.AgentPaused}),
	}
	facts := func(order ...int) kpi.Facts {
		f := kpi.NewFold(nil)
		for _, i := range order {
			f.Apply(events[i-1])
		}
		out, _ := f.Facts(kpi.Day(day, time.UTC), day.Add(2*time.Hour))
		return out
	}
	want := facts(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
	same := []cmp.Option{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(kpi.Visit{}), cmpopts.IgnoreFields(kpi.LineUse{}, "Peak"),
		cmpopts.SortSlices(func(a, b kpi.LineUse) bool { return a.Line < b.Line || a.Line == b.Line && a.Slot < b.Slot }),
		cmpopts.SortSlices(func(a, b kpi.AgentTime) bool { return a.Slot < b.Slot || a.Slot == b.Slot && a.State < b.State }),
		cmpopts.IgnoreSliceElements(func(u kpi.LineUse) bool { return u.Busy == 0 && u.In == 0 })}
	for name, order := range map[string][]int{"soon after": {1, 2, 3, 4, 5, 6, 8, 7, 9, 10, 11, 13, 12}, "when the line is taken again": {1, 2, 3, 4, 5, 6, 8, 10, 11, 7, 9, 13, 12}} {
		if diff := cmp.Diff(want, facts(order...), same...); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Where the wall clock was set back during a call nothing is taken back: the line was never
// busy for less than no time.
func TestAClockThatIsSetBackTakesNothingFromLines(t *testing.T) {
	day := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	f := kpi.NewFold(nil)
	for i, e := range []struct {
		minute int
		call   journal.CallID
		p      journal.Payload
	}{
		{60, "a", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"}},
		{60, "a", journal.CallLeg{Leg: "l", Kind: journal.LegLine, Line: "line-1", State: journal.LegAnswered}},
		{5, "a", journal.CallEnded{Cause: "hangup", By: "caller"}},
		{6, "b", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"}},
		{6, "b", journal.CallLeg{Leg: "l", Kind: journal.LegLine, Line: "line-1", State: journal.LegAnswered}},
		{16, "b", journal.CallEnded{Cause: "hangup", By: "caller"}},
	} {
		f.Apply(journal.Event{Seq: uint64(i + 1), Time: day.Add(time.Duration(e.minute) * time.Minute), Call: e.call, Payload: e.p})
	}
	out, _ := f.Facts(kpi.Day(day, time.UTC), day.Add(2*time.Hour))
	busy := time.Duration(0)
	for _, u := range out.Lines {
		if u.Busy < 0 {
			t.Errorf("%+v", u)
		}
		if u.Line == "line-1" {
			busy += u.Busy
		}
	}
	if busy != 10*time.Minute {
		t.Errorf("busy for %v", busy)
	}
}
