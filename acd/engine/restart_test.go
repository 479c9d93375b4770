package engine_test

import (
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
)

// reborn plays a short life of a box and returns the engine that its journal
// makes, not yet restarted.
func reborn(t *testing.T, shift time.Duration) (*engine.State, *observer) {
	t.Helper()
	o := newOffice(t, engine.Queue{ID: "q", Strategy: engine.LongestIdle, WrapUp: time.Minute, Members: []engine.AgentID{"anna", "bruno"}})
	o.do("0s login anna", "1s login bruno", "10s enqueue c1 q", "12s accept 1", "20s enqueue c2 q", "30s accept 2", "40s ended c2", "50s enqueue c3 q")
	fresh, err := engine.New(o.p.cfg, epoch)
	if err != nil {
		t.Fatal(err)
	}
	moved := func(at time.Time) time.Time {
		if at.IsZero() {
			return at
		}
		return at.Add(shift)
	}
	for _, e := range o.p.o.log {
		e.At = engine.InstantOf(moved(e.At.Time()))
		for _, at := range []*engine.Instant{&e.Until, &e.Idle, &e.Arrival, &e.Deadline, &e.Screen} {
			*at = engine.InstantOf(moved(at.Time()))
		}
		fresh.Fold(&e)
	}
	return fresh, o.p.o
}

func TestTheTimeTheBoxWasOffIsNobodysWait(t *testing.T) {
	s, _ := reborn(t, 0)
	monday := epoch.Add(72 * time.Hour)
	r := s.Apply(&engine.Command{Kind: engine.Restart, Arrival: epoch.Add(60 * time.Second)}, monday)
	want := map[engine.ContactID][2]time.Duration{"c1": {2 * time.Second, 48 * time.Second}, "c3": {10 * time.Second, 0}}
	for _, e := range r.Events {
		if e.Kind != engine.ContactEnded {
			continue
		}
		if w := want[e.Contact]; e.Waited != w[0] || e.Talked != w[1] || e.Outcome != engine.Restarted {
			t.Errorf("%s: %s, waited %v, talked %v; want %v", e.Contact, e.Outcome, e.Waited, e.Talked, w)
		}
		delete(want, e.Contact)
	}
	if len(want) != 0 {
		t.Errorf("not ended: %v", want)
	}
	for _, id := range []engine.AgentID{"anna", "bruno"} {
		if a, _ := s.Agent(id); a.State != journal.AgentReady {
			t.Errorf("%s is %s", id, a.State)
		}
	}
}

func TestAnOfferThatRangWhenTheBoxDiedIsNoMiss(t *testing.T) {
	o := newOffice(t, engine.Queue{ID: "q", Strategy: engine.LongestIdle, MissesToPause: 1, Members: []engine.AgentID{"anna"}})
	o.do("0s login anna", "10s enqueue c1 q")
	s, err := engine.New(o.p.cfg, epoch)
	if err != nil {
		t.Fatal(err)
	}
	for i := range o.p.o.log {
		s.Fold(&o.p.o.log[i])
	}
	s.Apply(&engine.Command{Kind: engine.Restart, Arrival: epoch.Add(12 * time.Second)}, epoch.Add(time.Hour))
	if a, _ := s.Agent("anna"); a.State != journal.AgentReady || a.Misses != 0 {
		t.Errorf("%+v", a)
	}
}

func TestAJournalFromTheFutureDoesNotStopTheClock(t *testing.T) {
	s, _ := reborn(t, 4*365*24*time.Hour) // the clock was four years ahead
	now := epoch.Add(time.Hour)
	s.Apply(&engine.Command{Kind: engine.Restart, Arrival: now.Add(time.Hour)}, now)
	r := s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: "c9", Queue: "q"}, now)
	// Bruno still has his wrap-up, Anna's talk ended with the restart.
	if len(r.Actions) != 1 || r.Actions[0].Kind != engine.RingAgent || r.Actions[0].Agent != "anna" {
		t.Errorf("actions %+v", r.Actions)
	}
	if at, ok := s.Deadline(); !ok || at.After(now.Add(2*time.Minute)) {
		t.Errorf("next deadline %v", at)
	}
	for _, id := range []engine.AgentID{"anna", "bruno"} {
		if a, _ := s.Agent(id); a.Since.After(now) {
			t.Errorf("%s is %s since %v", id, a.State, a.Since)
		}
	}
}

func TestLateTimerDoesNotChangeTheOrderOfIdleAgents(t *testing.T) {
	cfg := engine.Config{Queues: []engine.Queue{{
		ID: "q", Strategy: engine.LongestIdle, WrapUp: 10 * time.Second, Members: []engine.AgentID{"anna", "bruno"},
	}}}
	s, err := engine.New(cfg, epoch)
	if err != nil {
		t.Fatal(err)
	}
	at := func(sec int, cmd engine.Command) engine.Result {
		return s.Apply(&cmd, epoch.Add(time.Duration(sec)*time.Second))
	}
	at(0, engine.Command{Kind: engine.Login, Agent: "anna"})
	at(1, engine.Command{Kind: engine.Login, Agent: "bruno"})
	at(2, engine.Command{Kind: engine.Enqueue, Contact: "c1", Queue: "q"})
	at(2, engine.Command{Kind: engine.Enqueue, Contact: "c2", Queue: "q"})
	at(3, engine.Command{Kind: engine.Accept, Offer: 1})
	at(3, engine.Command{Kind: engine.Accept, Offer: 2})
	at(20, engine.Command{Kind: engine.TalkEnded, Contact: "c2"}) // bruno, until 30
	at(21, engine.Command{Kind: engine.TalkEnded, Contact: "c1"}) // anna, until 31
	r := at(60, engine.Command{Kind: engine.Enqueue, Contact: "c3", Queue: "q"})
	if n := len(r.Actions); n != 1 || r.Actions[0].Agent != "bruno" {
		t.Errorf("%+v", r.Actions)
	}
}

// TestWhyAPromiseWasSettledOutlivesARestart that comes while its call is being made; what
// was kept before the reason was known means by hand.
func TestWhyAPromiseWasSettledOutlivesARestart(t *testing.T) {
	o := newOffice(t, engine.Queue{ID: "q", Strategy: engine.LongestIdle, Members: []engine.AgentID{"anna"}})
	o.do("0s enqueue c1 q caller=n-1", "1s callback c1", "6m login anna", "6m1s accept 1", "6m2s give n-1 by=carla noNeed")
	for _, c := range []struct {
		name     string
		in, want engine.Reason
	}{{"as it is", engine.ReasonCancelled, engine.ReasonCancelled}, {"of before", "", engine.ReasonByHand}} {
		d := o.p.s.Dump(epoch.Add(6 * time.Minute))
		if len(d.Contacts) != 1 || !d.Contacts[0].Settled || d.Contacts[0].Why != engine.ReasonCancelled {
			t.Fatalf("kept: %+v", d.Contacts)
		}
		d.Contacts[0].Why = c.in
		s, err := engine.New(o.p.cfg, epoch)
		if err != nil {
			t.Fatal(err)
		}
		s.Load(&d)
		if got := s.Dump(epoch.Add(6 * time.Minute)).Contacts; len(got) != 1 || !got[0].Settled || got[0].Why != c.want {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

// Whom anna hands on to a queue in which she works herself is not kept for her, as he
// would be had he hung up and called again; also after a restart in between.
func TestHandedOnIsNotKeptForWhoHandsOn(t *testing.T) {
	for _, c := range []struct {
		how, again, rings string
	}{{"", "", ""}, {" transferred", "", "bruno"}, {" transferred", "replay", "bruno"}} {
		o := newOffice(t, engine.Queue{ID: "q", Strategy: engine.LongestIdle, WrapUp: time.Minute, LastAgent: 30 * time.Second, Members: []engine.AgentID{"anna"}},
			engine.Queue{ID: "r", Strategy: engine.LongestIdle, LastAgent: 30 * time.Second, Members: []engine.AgentID{"anna", "bruno"}})
		o.do("0s login anna", "10s enqueue c1 q caller=n-1", "12s accept 1", "60s ended c1"+c.how, "61s login bruno")
		if c.again != "" {
			o.do("61s " + c.again)
		}
		o.do("62s enqueue c1 r caller=n-1")
		a, _ := o.p.s.Agent("bruno")
		if got := a.State == journal.AgentOffered; got != (c.rings != "") {
			t.Errorf("ended%s %s: bruno is %s", c.how, c.again, a.State)
		}
	}
}

// Whom his agent hands on to another queue stands there as one who came when he did,
// before those who have waited for less, also after a restart in between; and the agent
// is in wrap-up from then on.
func TestHandedOnToAnotherQueueInHisPlace(t *testing.T) {
	for _, again := range []string{"", "replay"} {
		o := newOffice(t, engine.Queue{ID: "q", Strategy: engine.LongestIdle, WrapUp: time.Minute, Members: []engine.AgentID{"anna"}},
			engine.Queue{ID: "r", Strategy: engine.LongestIdle, Members: []engine.AgentID{"bruno"}})
		o.do("0s login anna", "10s enqueue c1 q", "12s accept 1", "20s enqueue c2 r", "30s enqueue c3 r", "60s ended c1 transferred")
		if a, _ := o.p.s.Agent("anna"); a.State != journal.AgentWrapUp {
			t.Errorf("anna is %s", a.State)
		}
		if again != "" {
			o.do("61s " + again)
		}
		o.do("62s enqueue c1 r", "63s login bruno")
		if a, ok := o.p.s.Agent("bruno"); !ok || a.State != journal.AgentOffered {
			t.Fatalf("bruno is %+v", a)
		}
		if e := o.p.o.log[len(o.p.o.log)-2]; e.Kind != engine.ContactOffered || e.Contact != "c1" {
			t.Errorf("%q: bruno is offered %+v", again, e)
		}
	}
}
