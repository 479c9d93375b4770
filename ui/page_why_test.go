package ui_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui"
	"centralino/ui/api"
	"centralino/ui/i18n"
)

var engineStrategies = []engine.Strategy{engine.LongestIdle, engine.RingAll, engine.LeastOccupied, engine.FewestCalls,
	engine.Ordered, engine.RoundRobin, engine.Random, engine.Progressive}

// shift runs an engine through a random piece of work and returns what it offered.
func shift(t *rapid.T) []journal.ContactOffered {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	agents := make([]engine.AgentID, rapid.IntRange(1, 11).Draw(t, "agents"))
	for i := range agents {
		agents[i] = engine.AgentID(fmt.Sprintf("p-%02d", i))
	}
	cfg := engine.Config{Seed: rapid.Uint64().Draw(t, "seed"), Queues: []engine.Queue{{
		ID: "q", Strategy: rapid.SampledFrom(engineStrategies).Draw(t, "strategy"), Members: agents, RingTime: 20 * time.Second,
		MissesToPause: 3, WrapUp: time.Duration(rapid.IntRange(0, 10).Draw(t, "wrapUp")) * time.Second,
	}}}
	if rapid.Bool().Draw(t, "skills") {
		q := &cfg.Queues[0]
		q.Needs = map[engine.SkillID]int{"de": 2}
		q.Rings = []engine.Ring{{After: 5 * time.Second, Lower: 1}, {After: 20 * time.Second, Without: []engine.SkillID{"de"}}}
		q.LastAgent = 10 * time.Second
		cfg.Skills = map[engine.AgentID]map[engine.SkillID]int{}
		for _, a := range agents {
			cfg.Skills[a] = map[engine.SkillID]int{"de": rapid.IntRange(0, 3).Draw(t, "level")}
		}
	}
	e, err := engine.New(cfg, now)
	if err != nil {
		t.Fatal(err)
	}
	var offers []journal.ContactOffered
	ringing := map[journal.OfferID]bool{}
	talking := map[journal.ContactID]bool{}
	apply := func(cmd engine.Command) {
		now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "pause")) * time.Millisecond)
		r := e.Apply(&cmd, now)
		for i := range r.Events {
			switch p := r.Events[i].Payload().(type) {
			case journal.ContactOffered:
				offers = append(offers, p)
				ringing[p.Offer] = true
			case journal.OfferEnded:
				delete(ringing, p.Offer)
			case journal.ContactConnected:
				talking[p.Contact] = true
			case journal.ContactEnded:
				delete(talking, p.Contact)
			}
		}
	}
	for _, a := range agents {
		apply(engine.Command{Kind: engine.PhoneBack, Agent: a})
		if rapid.IntRange(0, 5).Draw(t, "there") > 0 {
			apply(engine.Command{Kind: engine.Login, Agent: a, Source: engine.FromPage})
		}
	}
	for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
		agent := rapid.SampledFrom(agents).Draw(t, "agent")
		offer, contact := first(ringing), first(talking)
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0, 1, 2:
			apply(engine.Command{Kind: engine.Enqueue, Contact: journal.ContactID(fmt.Sprint("c-", i)), Queue: "q",
				Caller: rapid.SampledFrom([]journal.SubjectID{"", "n-1", "n-2"}).Draw(t, "caller")})
		case 3, 4:
			apply(engine.Command{Kind: engine.Accept, Offer: offer})
		case 5:
			apply(engine.Command{Kind: engine.Decline, Offer: offer})
		case 6:
			apply(engine.Command{Kind: engine.TalkEnded, Contact: contact})
		case 7:
			apply(engine.Command{Kind: engine.Pause, Agent: agent, Source: engine.FromPage})
		case 8:
			apply(engine.Command{Kind: engine.Ready, Agent: agent, Source: engine.FromPage})
		default:
			apply(engine.Command{Kind: engine.AgentBusy, Agent: agent})
			apply(engine.Command{Kind: engine.AgentFree, Agent: agent})
		}
	}
	return offers
}

func first[K cmp.Ordered](m map[K]bool) K {
	var least K
	for k := range m {
		if least == *new(K) || k < least {
			least = k
		}
	}
	return least
}

// TestEveryOfferFollowsFromWhatIsStored: whoever the engine chooses, the choice is
// derived again from the candidates of its event alone, and every reason has words.
func TestEveryOfferFollowsFromWhatIsStored(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	all, alone := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for _, o := range shift(t) {
			all++
			if !ui.Follows(o) {
				t.Fatalf("offer does not follow from its candidates: %+v", o)
			}
			if len(o.Candidates) == 1 {
				alone++
			}
			for _, c := range o.Candidates {
				if key := "offer.reason." + cmp.Or(ui.TextID(c.Reason), "chosen"); !texts.Printer("it").Has(key) {
					t.Fatalf("no words for the reason %q (%s)", c.Reason, key)
				}
			}
			// Whoever else it had gone to would have been noticed.
			for _, c := range o.Candidates {
				if c.Agent == o.Agent || c.Reason == "" {
					continue
				}
				wrong := o
				wrong.Agent = c.Agent
				if ui.Follows(wrong) && o.Strategy != string(engine.RingAll) {
					t.Fatalf("it would also have followed that %s rings: %+v", c.Agent, o)
				}
			}
		}
	})
	if all < 200 || alone > all/2 {
		t.Errorf("%d offers, %d of them with nobody to choose from, prove little", all, alone)
	}
	for _, s := range engineStrategies {
		if !texts.Printer("en").Has("why.rule." + string(s)) {
			t.Errorf("no words for the strategy %s", s)
		}
	}
}

// why reads the explanation of a call.
func (b *browser) why(t *testing.T, call string) api.Explanation {
	t.Helper()
	var w api.Explanation
	if err := json.Unmarshal([]byte(b.get("/api/v1/calls/"+call+"/why").is(t, http.StatusOK).body), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// tale appends a call that waits, rings in vain at Carla and is taken by Bruno.
func tale(r *rig) {
	a := func(call journal.CallID, p journal.Payload) { r.log.Append(call, p) }
	now := time.Now()
	begin := func(call journal.CallID) {
		a(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390298765432")})
		a(call, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1", Arrival: now})
	}
	offer := func(call journal.CallID, id journal.OfferID, who journal.SubjectID, others ...journal.Candidate) {
		list := append([]journal.Candidate{{Agent: who, Key: now.Add(-3 * time.Minute).UnixMicro()}}, others...)
		a(call, journal.ContactOffered{Contact: journal.ContactID(call), Queue: "group-1", Offer: id, Agent: who, Strategy: "longestIdle", Candidates: list})
	}
	begin("w-0")
	begin("w-1")
	a("w-0", journal.ContactEnded{Contact: "w-0", Queue: "group-1", Outcome: "abandoned"})
	a("w-0", journal.CallEnded{Cause: "hangup", By: "caller"})
	offer("w-1", 71, carla, journal.Candidate{Agent: bruno, Key: now.Add(-time.Minute).UnixMicro(), Reason: "not best"}, journal.Candidate{Agent: anna, Reason: "paused"})
	a("w-1", journal.OfferEnded{Contact: "w-1", Offer: 71, Agent: carla, Outcome: journal.OfferMissed})
	begin("w-2")
	a("w-2", journal.ContactConnected{Contact: "w-2", Queue: "group-1", Agent: anna, Offer: 80})
	offer("w-1", 72, bruno, journal.Candidate{Agent: carla, Key: now.Add(-5 * time.Minute).UnixMicro(), Reason: "missed it"})
	a("w-1", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno})
	a("w-1", journal.OfferEnded{Contact: "w-1", Offer: 72, Agent: bruno, Outcome: journal.OfferAccepted})
	a("w-1", journal.ContactConnected{Contact: "w-1", Queue: "group-1", Agent: bruno, Offer: 72})
	a("w-1", journal.CallAnswered{By: bruno})
	_ = r.log.Flush(context.Background())
}

func TestWhyACallWentThere(t *testing.T) {
	r := newRig(t, true)
	tale(r)
	b := r.as(bruno)
	b.lang = "en"
	w := b.why(t, "w-1")
	if len(w.Offers) != 2 || len(w.Waits) != 1 || !w.Offers[0].Follows || !w.Offers[1].Follows {
		t.Fatalf("%+v", w)
	}
	// Bruno reads of himself, and of nobody else.
	if got := w.Offers[0].Candidates; len(got) != 1 || got[0].Who != "Bruno Bianchi" || got[0].Chosen || got[0].Key != "free for 1:00" || !strings.Contains(got[0].Why, "behind the one") {
		t.Errorf("first offer: %+v", got)
	}
	if w.Offers[0].Who != "an operator" || w.Offers[0].Hidden == "" || w.Offers[1].Who != "Bruno Bianchi" || w.Offers[1].Outcome != "Answered: Bruno Bianchi" {
		t.Errorf("offers: %+v", w.Offers)
	}
	if got := w.Waits[0]; got.Before != 1 || got.Passed != 1 || got.Queue != "Assistenza" {
		t.Errorf("wait: %+v", got)
	}
	b.get("/calls/w-1").is(t, http.StatusOK).has(t, `id="why"`, "The queue calls whoever of the free agents has been free for longest", "1 call was before it", "1 call that came later was served first", "Bruno Bianchi: free for 1:00; free, but behind").lacks(t, "Carla", "Anna", "on a break")
	r.as(carla).get("/api/v1/calls/w-2/why").is(t, http.StatusNotFound)
	lead := r.as(anna)
	lead.lang = "en"
	if w := lead.why(t, "w-1"); len(w.Offers[0].Candidates) != 1 || w.Offers[0].Candidates[0].Who != "Anna Rossi" || len(w.Offers[1].Candidates) != 0 {
		t.Errorf("with the gate closed the leader reads %+v", w.Offers)
	}
	if err := r.people.Record(context.Background(), privacy.Viewer{Subject: dario, Role: office.RoleManager}, privacy.Agreement{Kind: privacy.UnionDeal, Date: "2026-03-01"}); err != nil {
		t.Fatal(err)
	}
	w = lead.why(t, "w-1")
	if got := w.Offers[0].Candidates; len(got) != 3 || got[0].Who != "Carla Verdi" || !got[0].Chosen || got[0].Key != "free for 3:00" || w.Offers[0].Hidden != "" {
		t.Errorf("with an agreement the leader reads %+v", w.Offers[0])
	}
	if got := w.Offers[1].Candidates; len(got) != 2 || !strings.Contains(got[1].Why, "already let this call ring") {
		t.Errorf("with an agreement the leader reads %+v", w.Offers[1])
	}
}

// TestTheWaitAddsUp: what a wait was spent on is the wait, whatever happened.
func TestTheWaitAddsUp(t *testing.T) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		at, seq := start, uint64(1)
		var events []journal.Event
		add := func(p journal.Payload) {
			events = append(events, journal.Event{Seq: seq, Time: at, Call: "c", Payload: p})
			seq++
			at = at.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(t, "gap")) * time.Millisecond)
		}
		add(journal.ContactQueued{Contact: "c", Queue: "q", Arrival: at})
		var open []journal.OfferID
		for i := range rapid.IntRange(0, 12).Draw(t, "steps") {
			if len(open) == 0 || rapid.Bool().Draw(t, "offer") {
				open = append(open, journal.OfferID(i+1))
				add(journal.ContactOffered{Contact: "c", Offer: open[len(open)-1]})
				continue
			}
			add(journal.OfferEnded{Contact: "c", Offer: open[0], Outcome: rapid.SampledFrom([]journal.OfferOutcome{journal.OfferMissed, journal.OfferWithdrawn, journal.OfferRefused}).Draw(t, "outcome")})
			open = open[1:]
		}
		if rapid.Bool().Draw(t, "ends") {
			add(rapid.SampledFrom([]journal.Payload{journal.ContactConnected{Contact: "c"}, journal.ContactEnded{Contact: "c", Outcome: "abandoned"}, journal.CallEnded{}}).Draw(t, "end"))
		}
		for _, w := range ui.WaitsOf(events, at) {
			if w.Parts != w.Whole {
				t.Fatalf("%s of %s is told", w.Parts, w.Whole)
			}
		}
	})
}

// A wait that never ended is looked at for a day, not to the journal's end.
func TestAWaitThatNeverEndedIsLookedAtForADay(t *testing.T) {
	var later atomic.Int64
	r := newRigOf(t, true, rigOf{now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
		sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: time.Now()}), folder: t.TempDir()})
	queued := func(call journal.CallID) {
		r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390298765432")})
		r.log.Append(call, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1", Arrival: r.deps.Now()})
	}
	served := func(call journal.CallID) {
		queued(call)
		r.log.Append(call, journal.ContactConnected{Contact: journal.ContactID(call), Queue: "group-1", Agent: anna, Offer: 80})
	}
	queued("w-1")
	served("w-2")
	later.Store(int64(25 * time.Hour))
	served("w-3")
	if err := r.log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := r.as(anna).why(t, "w-1"); len(w.Waits) != 1 || w.Waits[0].Passed != 1 {
		t.Errorf("waits %+v", w.Waits)
	}
}

// TestWhyItWaitedNamesTheTriesToCallBack: with the calls that they were.
func TestWhyItWaitedNamesTheTriesToCallBack(t *testing.T) {
	r := newRig(t, true)
	r.log.Append("t-1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390298765432")})
	r.log.Append("t-1", journal.ContactQueued{Contact: "t-1", Queue: "group-1", Arrival: time.Now()})
	r.log.Append("t-1", journal.CallbackPromised{Contact: "t-1", Queue: "group-1", Arrival: time.Now()})
	r.log.Append("t-1", journal.CallEnded{Cause: "callback", By: "caller"})
	r.log.Append("t-1", journal.CallbackTried{Contact: "t-1", Queue: "group-1", Agent: bruno, Call: "t-2", Try: 1, Result: "noAnswer"})
	r.log.Append("t-1", journal.CallbackTried{Contact: "t-1", Queue: "group-1", Agent: bruno, Try: 2, Result: "failed"})
	if err := r.log.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	p := r.as(dario).get("/calls/t-1")
	p.has(t, `href="/calls/t-2"`, "nessuna risposta", ": non è riuscita")
	r.as(dario).get("/api/v1/calls/t-1/why").has(t, `"call":"t-2"`)
}
