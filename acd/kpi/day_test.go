package kpi_test

import (
	"fmt"
	"math/rand/v2"
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
}

type simCall struct {
	line  string
	hang  time.Time // gives up waiting, or ends the talk
	talks bool
}

func newOffice(t testing.TB, seed uint64, from time.Time, agents int) *office {
	o := &office{t: t, rng: rand.New(rand.NewPCG(seed, 7)), now: from, calls: map[engine.ContactID]*simCall{}}
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
	for i := range rings {
		if a := rings[i]; a.Kind == engine.RingAgent && o.rng.IntN(8) > 0 {
			o.apply(engine.Command{Kind: engine.Accept, Offer: a.Offer})
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
	o.write("", journal.BoxStarted{Version: "1", Unclean: true})
	o.apply(engine.Command{Kind: engine.Restart, Arrival: died})
}
