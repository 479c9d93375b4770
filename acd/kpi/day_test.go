package kpi_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
)

// office simulates days of an office on the real engine and writes the journal that
// the box would write: calls on lines, queues, pauses, restarts.
type office struct {
	t      testing.TB
	rng    *rand.Rand
	now    time.Time
	eng    *engine.State
	events []journal.Event
	agents []engine.AgentID
	calls  map[engine.ContactID]*simCall
	next   int

	back     bool                                   // callers ask to be called back, outcomes are told
	promised map[engine.ContactID]journal.SubjectID // who is to be called back
	dials    map[engine.ContactID]time.Time         // is being called, until then
	talks    map[engine.ContactID]time.Time         // was called back and talks, until then
}

type simCall struct {
	line  string
	hang  time.Time // gives up waiting, or ends the talk
	talks bool
}

func newOffice(t testing.TB, seed uint64, from time.Time, agents int) *office {
	o := &office{t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: from, calls: map[engine.ContactID]*simCall{},
		promised: map[engine.ContactID]journal.SubjectID{}, dials: map[engine.ContactID]time.Time{}, talks: map[engine.ContactID]time.Time{}}
	sales := engine.Queue{ID: "sales", Strategy: engine.LongestIdle, RingTime: 15 * time.Second, WrapUp: 30 * time.Second, MissesToPause: 2, MaxWait: 4 * time.Minute}
	help := engine.Queue{ID: "help", Strategy: engine.RingAll, RingTime: 20 * time.Second, WrapUp: 20 * time.Second, MaxLength: 6}
	for n := range agents {
		id := engine.AgentID(fmt.Sprintf("p-%d", n))
		o.agents = append(o.agents, id)
		sales.Members = append(sales.Members, id)
		if n%2 == 0 {
			help.Members = append(help.Members, id)
		}
	}
	var err error
	if o.eng, err = engine.New(engine.Config{Seed: seed, Queues: []engine.Queue{sales, help}}, from); err != nil {
		t.Fatal(err)
	}
	o.write("", journal.BoxStarted{Version: "1"})
	return o
}

func (o *office) write(call journal.CallID, p journal.Payload) {
	o.events = append(o.events, journal.Event{Seq: uint64(len(o.events) + 1), Time: o.now, ClockTrusted: true, Call: call, Payload: p})
}

func (o *office) apply(cmd engine.Command) {
	r := o.eng.Apply(&cmd, o.now)
	for i := range r.Events {
		e := &r.Events[i]
		o.write(journal.CallID(e.Contact), e.Payload())
		switch c := o.calls[e.Contact]; {
		case e.Kind == engine.ContactConnected && c != nil:
			c.talks, c.hang = true, o.now.Add(time.Duration(20+o.rng.IntN(400))*time.Second)
			o.write(journal.CallID(e.Contact), journal.CallBridged{A: "a", B: "b"})
		case e.Kind == engine.ContactEnded && c != nil && e.Outcome == engine.Overflow:
			o.end(e.Contact, "noAnswer")
		}
	}
	rings := r.Actions
	if o.back {
		rings = slices.Clone(rings)
		o.after(slices.Clone(r.Events))
	}
	for i := range rings {
		switch a := rings[i]; {
		case a.Kind == engine.RingAgent && o.rng.IntN(8) > 0, o.back && a.Kind == engine.CallBack && o.rng.IntN(8) > 0:
			o.apply(engine.Command{Kind: engine.Accept, Offer: a.Offer})
		case o.back && a.Kind == engine.Connect && o.promised[a.Contact] != "":
			o.dials[a.Contact] = o.now.Add(10 * time.Second)
		}
	}
}

// after is what else happens in an office that calls back and tells outcomes.
func (o *office) after(events []engine.Event) {
	for i := range events {
		switch e := &events[i]; e.Kind {
		case engine.CallbackPromised:
			o.promised[e.Contact] = e.Caller
			o.end(e.Contact, "callback")
		case engine.ContactConnected:
			if o.promised[e.Contact] != "" {
				o.talks[e.Contact] = o.now.Add(time.Duration(20+o.rng.IntN(400)) * time.Second)
			}
		case engine.ContactEnded:
			delete(o.promised, e.Contact)
			delete(o.dials, e.Contact)
			delete(o.talks, e.Contact)
			if e.Outcome == engine.Served && o.rng.IntN(4) > 0 {
				p := journal.OutcomeSet{Call: journal.CallID(e.Contact), Queue: string(e.Queue), Agent: e.Agent, Outcome: fmt.Sprint("o-", o.rng.IntN(3))}
				o.write(p.Call, p)
				if o.rng.IntN(5) == 0 {
					p.Outcome, p.Again = "o-corrected", true
					o.write(p.Call, p)
				}
			}
		}
	}
}

// callBack lets callers ask to be called back, and calls end that were made for it.
func (o *office) callBack() {
	some := func(of map[engine.ContactID]time.Time) engine.ContactID {
		for _, id := range slices.Sorted(maps.Keys(of)) {
			if !o.now.Before(of[id]) {
				return id
			}
		}
		return ""
	}
	if id := some(o.dials); id != "" {
		delete(o.dials, id)
		o.apply(engine.Command{Kind: engine.CallbackResult, Contact: id, Result: []string{engine.DialAnswered, engine.DialAnswered, engine.DialNoAnswer}[o.rng.IntN(3)], Call: "out"})
	}
	if id := some(o.talks); id != "" {
		delete(o.talks, id)
		o.apply(engine.Command{Kind: engine.TalkEnded, Contact: id})
	}
	switch o.rng.IntN(400) {
	case 0, 1, 2, 3, 4, 5:
		for _, id := range slices.Sorted(maps.Keys(o.calls)) {
			if !o.calls[id].talks {
				o.apply(engine.Command{Kind: engine.AskCallback, Contact: id})
				break
			}
		}
	case 6:
		for _, id := range slices.Sorted(maps.Keys(o.promised)) {
			kind := []engine.CommandKind{engine.TakeCaller, engine.Reached, engine.CancelCallback}[o.rng.IntN(3)]
			o.apply(engine.Command{Kind: kind, Contact: id, Caller: o.promised[id], By: o.agents[0], Call: "hand"})
			break
		}
	}
}

func (o *office) end(id engine.ContactID, cause string) {
	if o.calls[id] == nil {
		return
	}
	delete(o.calls, id)
	o.write(journal.CallID(id), journal.CallEnded{Cause: cause})
}

// run lives until an instant, a second at a time: perHour calls come by day.
func (o *office) run(until time.Time, perHour float64) {
	for o.now.Before(until) {
		o.now = o.now.Add(time.Second)
		hour := o.now.Hour()
		open := hour >= 8 && hour < 17
		if open && o.rng.Float64() < perHour/3600 {
			o.arrive()
		}
		for id, c := range o.calls {
			if o.now.Before(c.hang) {
				continue
			}
			kind := engine.Abandon
			if c.talks {
				kind = engine.TalkEnded
			}
			o.end(id, "hangup")
			o.apply(engine.Command{Kind: kind, Contact: id})
			break // one at a second: maps have no order, the journal has
		}
		if o.now.Second() == 0 {
			o.shift(open)
		}
		if o.back {
			o.callBack()
		}
		o.apply(engine.Command{Kind: engine.Tick})
	}
}

func (o *office) arrive() {
	o.next++
	id := engine.ContactID(fmt.Sprintf("c-%06d", o.next))
	caller := journal.SubjectID(fmt.Sprintf("n-%d", o.rng.IntN(60)))
	if caller == "n-0" {
		caller = ""
	}
	queue := engine.QueueID([]string{"sales", "help"}[o.rng.IntN(2)])
	line := []string{"line-1", "line-2"}[o.rng.IntN(2)]
	o.calls[id] = &simCall{line: line, hang: o.now.Add(time.Duration(1+o.rng.IntN(240)) * time.Second)}
	o.write(journal.CallID(id), journal.CallStarted{Direction: journal.Inbound, Line: line, From: caller})
	o.apply(engine.Command{Kind: engine.Enqueue, Contact: id, Queue: queue, Caller: caller})
	if c := o.calls[id]; c != nil && !c.talks {
		o.write(journal.CallID(id), journal.ContactAnnounced{Contact: id, Queue: string(queue), Position: 1, Low: 20 * time.Second, High: 60 * time.Second})
	}
}

// shift moves one agent a minute.
func (o *office) shift(open bool) {
	a := o.agents[o.rng.IntN(len(o.agents))]
	cmd := engine.Command{Agent: a, Source: engine.FromPage}
	switch n := o.rng.IntN(20); {
	case !open && n < 10:
		cmd.Kind = engine.Logout
	case n < 12:
		cmd.Kind = engine.Login
	case n < 13:
		cmd.Kind, cmd.Reason = engine.Pause, "break-1"
	default:
		cmd.Kind = engine.Ready
	}
	o.apply(cmd)
}

// restart is a power cut of a while: the ends of calls are written when the box is
// up again, as the journal does it.
func (o *office) restart(down time.Duration) {
	died := o.now
	o.now = o.now.Add(down)
	for id := range o.calls {
		o.write(journal.CallID(id), journal.CallEnded{Cause: "restart"})
	}
	clear(o.calls)
	clear(o.dials)
	clear(o.talks)
	o.write("", journal.BoxStarted{Version: "1", Unclean: true})
	o.apply(engine.Command{Kind: engine.Restart, Arrival: died})
}
