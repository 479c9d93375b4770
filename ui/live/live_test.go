package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/ui/live"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

type ev struct {
	call journal.CallID
	p    journal.Payload
}

// fold applies events a second apart.
func fold(events ...ev) *live.State {
	s := live.New()
	for i, e := range events {
		s.Apply(journal.Event{Seq: uint64(i + 1), Time: start.Add(time.Duration(i) * time.Second), Call: e.call, Payload: e.p})
	}
	return s
}

func TestPhasesOfACall(t *testing.T) {
	story := []struct {
		e    ev
		want live.Phase
	}{
		{ev{"c", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"}}, live.Ringing},
		{ev{"c", journal.CallAnswered{}}, live.Guided},
		{ev{"c", journal.CallStep{Path: "path-main", Step: "menu", Key: "1"}}, live.Guided},
		{ev{"c", journal.ContactQueued{Contact: "c", Queue: "q", Arrival: start}}, live.Queued},
		{ev{"c", journal.ContactOffered{Contact: "c", Queue: "q", Offer: 1, Agent: "p-1"}}, live.Offered},
		{ev{"c", journal.OfferEnded{Contact: "c", Offer: 1, Agent: "p-1", Outcome: journal.OfferMissed}}, live.Queued},
		{ev{"c", journal.ContactOffered{Contact: "c", Queue: "q", Offer: 2, Agent: "p-2"}}, live.Offered},
		{ev{"c", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegRinging, Person: "p-2"}}, live.Offered},
		{ev{"c", journal.CallLeg{Leg: "b", State: journal.LegAnswered}}, live.Offered},
		{ev{"c", journal.ContactConnected{Contact: "c", Queue: "q", Agent: "p-2", Offer: 2}}, live.Guided},
		{ev{"c", journal.CallBridged{A: "a", B: "b"}}, live.Talking},
		{ev{"c", journal.CallLeg{Leg: "b", State: journal.LegHeld}}, live.HoldPhase},
		{ev{"c", journal.CallLeg{Leg: "b", State: journal.LegResumed}}, live.Talking},
		{ev{"c", journal.CallTransfer{State: journal.TransferAsked, Leg: "b", By: "p-2"}}, live.Talking},
		{ev{"c", journal.CallTransfer{State: journal.TransferHanded, Leg: "b", By: "p-2"}}, live.Guided},
		{ev{"c", journal.CallBridged{A: "a", B: "d"}}, live.Talking},
	}
	var events []ev
	for i, step := range story {
		events = append(events, step.e)
		s := fold(events...)
		if got := s.Phase(s.Calls["c"]); got != step.want {
			t.Errorf("after event %d (%T): %s, want %s", i, step.e.p, got, step.want)
		}
	}
	s := fold(append(events, ev{"c", journal.CallEnded{Cause: "hangup"}})...)
	if len(s.Calls)+len(s.Waiting) != 0 || s.Odd != 0 {
		t.Errorf("something is left after the end: %+v", s)
	}
	if s := fold(ev{"e", journal.CallStarted{Direction: journal.Outbound, Emergency: true, Dialled: "112"}}); s.Phase(s.Calls["e"]) != live.Emergency {
		t.Error("an emergency call looks like any other")
	}
}

// The switch tells of a call's end before the ACD has heard of it; an agent who becomes
// free in between is offered who is gone.
func TestAnOfferThatCrossesTheCallsEndIsNotOdd(t *testing.T) {
	s := fold(
		ev{"c", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: "n-1"}},
		ev{"c", journal.ContactQueued{Contact: "c", Queue: "q", Arrival: start}},
		ev{"c", journal.CallEnded{Cause: "hangup"}},
		ev{"c", journal.ContactOffered{Contact: "c", Queue: "q", Offer: 1, Agent: "p-1"}},
		ev{"c", journal.OfferEnded{Contact: "c", Offer: 1, Agent: "p-1", Outcome: journal.OfferWithdrawn}},
		ev{"c", journal.ContactEnded{Contact: "c", Outcome: "abandoned"}},
	)
	if len(s.Waiting) != 0 || s.Odd != 0 {
		t.Errorf("%d odd, waiting %v", s.Odd, s.Waiting)
	}
	if s := fold(ev{"c", journal.CallStarted{}}, ev{"c", journal.ContactOffered{Contact: "c", Queue: "q", Offer: 1, Agent: "p-1"}}); s.Odd != 1 {
		t.Error("an offer of who never waited is not odd")
	}
}

func TestLegsKeepWhatTheirFirstEventSaid(t *testing.T) {
	s := fold(ev{"c", journal.CallStarted{}}, ev{"c", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegRinging, Person: "p-1", Device: "device-1"}},
		ev{"c", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered}})
	if l := s.Calls["c"].Legs[0]; l.Person != "p-1" || l.Device != "device-1" || l.State != journal.LegAnswered {
		t.Errorf("leg is %+v", l)
	}
	s = fold(ev{"c", journal.CallStarted{}}, ev{"c", journal.CallLeg{Leg: "b", State: journal.LegRinging}}, ev{"c", journal.CallLeg{Leg: "b", State: journal.LegEnded}})
	if n := len(s.Calls["c"].Legs); n != 0 {
		t.Errorf("%d legs after their end", n)
	}
}

func TestOrderOfAQueue(t *testing.T) {
	s := fold(
		ev{"b", journal.ContactQueued{Contact: "b", Queue: "q", Arrival: start.Add(time.Minute)}},
		ev{"a", journal.ContactQueued{Contact: "a", Queue: "q", Arrival: start}},
		ev{"z", journal.ContactQueued{Contact: "z", Queue: "other", Arrival: start}},
	)
	var order []journal.ContactID
	for _, w := range s.WaitingIn("q") {
		order = append(order, w.ID)
	}
	if diff := cmp.Diff([]journal.ContactID{"a", "b"}, order); diff != "" {
		t.Error(diff)
	}
}

func TestStartOfTheBoxForgetsWhatDriversSawBefore(t *testing.T) {
	s := fold(ev{"", journal.LineChanged{Line: "line-1", State: "idle"}}, ev{"", journal.FaultChanged{Code: "storage.full", Raised: true}},
		ev{"", journal.AgentChanged{Agent: "p-1", State: journal.AgentReady}}, ev{"", journal.PhoneChanged{Device: "device-1", Online: true}},
		ev{"", journal.BoxStarted{Version: "2", Unclean: true}})
	if len(s.Lines)+len(s.Faults) != 0 || len(s.Agents) != 1 || !s.Phones["device-1"].Online || !s.Box.Unclean {
		t.Errorf("%+v", s)
	}
}

func TestARepairOfTheCardIsKnownAfterFurtherStarts(t *testing.T) {
	s := fold(ev{"", journal.BoxStarted{}}, ev{"", journal.BoxStarted{Repaired: journal.RepairForced}})
	at := s.Box.Started
	if s.Box.Repaired != journal.RepairForced || at.IsZero() || !s.Box.RepairedAt.Equal(at) {
		t.Errorf("after the repair %+v", s.Box)
	}
	s = fold(ev{"", journal.BoxStarted{Repaired: journal.RepairSafe}}, ev{"", journal.BoxStarted{Version: "2"}})
	if s.Box.Repaired != journal.RepairSafe || !s.Box.RepairedAt.Before(s.Box.Started) {
		t.Errorf("after another start %+v", s.Box)
	}
}

func TestWhoSetTheClockIsKnownThroughStarts(t *testing.T) {
	s := fold(ev{"", journal.ClockSet{By: "p-1"}}, ev{"", journal.ClockSet{By: "p-2"}}, ev{"", journal.BoxStarted{}})
	if s.Box.ClockBy != "p-2" {
		t.Errorf("the clock was set by %q", s.Box.ClockBy)
	}
}

func TestFaultKeepsItsBeginning(t *testing.T) {
	raise := ev{"", journal.FaultChanged{Code: "x", Subject: "line-1", Raised: true}}
	s := fold(raise, raise)
	if got := s.Faults[live.FaultKey{Code: "x", Subject: "line-1"}]; !got.Equal(start) {
		t.Errorf("since %s", got)
	}
	if s := fold(raise, ev{"", journal.FaultChanged{Code: "x", Subject: "line-1"}}); len(s.Faults) != 0 {
		t.Error("cleared and still there")
	}
}

// payloads draws any event of a few calls, agents and queues, also senseless ones.
func payloads() *rapid.Generator[ev] {
	return rapid.Custom(func(t *rapid.T) ev {
		call := journal.CallID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "call"))
		con := journal.ContactID(call)
		who := journal.SubjectID(rapid.SampledFrom([]string{"p-1", "p-2", "n-1"}).Draw(t, "who"))
		leg := journal.LegID(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "leg"))
		offer := journal.OfferID(rapid.IntRange(1, 3).Draw(t, "offer"))
		return ev{call, rapid.SampledFrom([]journal.Payload{
			journal.CallStarted{Direction: journal.Inbound, From: who}, journal.CallCaller{From: who}, journal.CallRouted{}, journal.CallAnswered{By: who},
			journal.CallStep{Path: "p"}, journal.CallLeg{Leg: leg, State: journal.LegRinging, Person: who}, journal.CallLeg{Leg: leg, State: journal.LegHeld},
			journal.CallLeg{Leg: leg, State: journal.LegEnded}, journal.CallBridged{A: "x", B: "y"}, journal.CallEnded{}, journal.ContactQueued{Contact: con, Queue: "q"},
			journal.ContactOffered{Contact: con, Offer: offer, Agent: who}, journal.OfferEnded{Contact: con, Offer: offer}, journal.ContactConnected{Contact: con, Agent: who},
			journal.ContactEnded{Contact: con}, journal.AgentChanged{Agent: who, State: journal.AgentReady}, journal.LineChanged{Line: "l", State: "idle"},
			journal.PhoneChanged{Device: "d", Online: true}, journal.OfficeChanged{Version: 3}, journal.BoxStarted{}, journal.BoxStopped{}, journal.FaultChanged{Code: "f", Raised: true}, journal.AccessEvent{}, journal.UpdateChanged{What: "accepted"}, journal.ClockSet{By: who},
		}).Draw(t, "payload")}
	})
}

// TestFoldInvariants: whatever comes, nothing panics, a clone is the same and stays
// so, ended calls leave nothing, and replaying an event changes nothing.
func TestFoldInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(payloads(), 0, 60).Draw(t, "events")
		s := fold(events...)
		c := s.Clone()
		if diff := cmp.Diff(s, c); diff != "" {
			t.Fatal(diff)
		}
		before, _ := json.Marshal(fmt.Sprintf("%+v", dump(c)))
		b, err := s.Keep()
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := live.Resume(b); err != nil || cmp.Diff(s, kept) != "" {
			t.Fatalf("kept and read back: %v %s", err, cmp.Diff(s, kept))
		}
		if topics := s.Apply(journal.Event{Seq: s.Seq, Time: start, Call: "a", Payload: journal.CallEnded{}}); topics != 0 && s.Seq != 0 {
			t.Fatal("an event seen before was applied again")
		}
		for _, call := range []journal.CallID{"a", "b", "c"} {
			s.Apply(journal.Event{Seq: s.Seq + 1, Time: start, Call: call, Payload: journal.CallEnded{}})
			if s.Calls[call] != nil || s.Waiting[journal.ContactID(call)] != nil {
				t.Fatalf("call %s left something", call)
			}
		}
		if after, _ := json.Marshal(fmt.Sprintf("%+v", dump(c))); string(after) != string(before) {
			t.Fatal("the clone changed with the original")
		}
		for _, call := range s.CallList() {
			s.Phase(call)
		}
	})
}

func dump(s *live.State) []any {
	var out []any
	for _, c := range s.CallList() {
		out = append(out, *c)
	}
	return append(out, s.WaitingIn("q"), s.Agents, s.Lines)
}

func TestSlowReaderLosesWhatLiesBetweenAndBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := live.NewHub(2)
		w := h.Watch(live.Calls)
		if w.Next(t.Context()) != live.Calls {
			t.Fatal("a new stream has nothing to draw")
		}
		for i := range 10000 { // would block for ever if anybody waited for the reader
			h.Apply(journal.Event{Seq: uint64(i + 1), Call: journal.CallID(fmt.Sprint(i)), Payload: journal.CallStarted{}})
		}
		h.Apply(journal.Event{Seq: 20000, Payload: journal.AgentChanged{Agent: "p-1"}}) // not its topic
		if got := w.Next(t.Context()); got != live.Calls {
			t.Errorf("woken for %b", got)
		}
		if n := len(h.State().Calls); n != 10000 {
			t.Errorf("it sees %d calls", n)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		if got := w.Next(ctx); got != 0 {
			t.Errorf("woken again for %b", got)
		}
	})
}

func TestHubAdmitsALimitedNumber(t *testing.T) {
	h := live.NewHub(2)
	a, b := h.Watch(live.All), h.Watch(live.All)
	if a == nil || b == nil || h.Watch(live.All) != nil {
		t.Fatal("limit is not kept")
	}
	a.Close()
	a.Close()
	if h.Watching() != 1 || h.Watch(live.All) == nil {
		t.Error("a place is not free again")
	}
}

func TestStateIsSharedUntilItMoves(t *testing.T) {
	h := live.NewHub(1)
	first := h.State()
	if h.State() != first {
		t.Error("copied without need")
	}
	h.Apply(journal.Event{Seq: 1, Call: "c", Payload: journal.CallStarted{}})
	if len(first.Calls) != 0 || len(h.State().Calls) != 1 {
		t.Error("a state that was handed out changed")
	}
}

func BenchmarkApply(b *testing.B) {
	h := live.NewHub(10)
	for range 10 {
		h.Watch(live.All)
	}
	b.ReportAllocs()
	seq := uint64(0)
	for b.Loop() {
		id := journal.CallID(fmt.Sprint(seq % 100))
		for _, p := range []journal.Payload{journal.CallStarted{}, journal.CallAnswered{}, journal.CallEnded{}} {
			seq++
			h.Apply(journal.Event{Seq: seq, Call: id, Payload: p})
		}
	}
}
