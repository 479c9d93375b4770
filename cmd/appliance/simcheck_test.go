package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"centralino/acd"
	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/testbed"
	"centralino/ui/live"

	"github.com/google/go-cmp/cmp"
)

// checker folds the journal as it is written and watches, after every event, what
// must always hold. One checker watches one life of the box.
type checker struct {
	t       *testing.T
	wall    func() time.Time
	box     *box
	mu      sync.Mutex
	events  int
	dead    bool // the power is cut: what the box still says reaches nobody
	quiet   bool // events of earlier lives are being read: nothing is judged by the clock
	last    time.Time
	calls   map[journal.CallID]*checkedCall
	agents  map[journal.SubjectID]*checkedAgent
	waiting map[journal.ContactID]*checkedContact
	places  map[journal.ContactID]place // each contact's place by its first arrival, which it keeps
	callers map[journal.ContactID]journal.ContactQueued
	cut     map[cutCaller]time.Time    // when callers whom the box itself cut off had come, as it told then
	handed  map[journal.ContactID]bool // contacts whose agent has handed them on: they keep their place
	ends    map[journal.ContactID]int  // how often each contact has ended; -1 while it lives
	line    []string                   // the last events of queues and agents, for the report
	members map[string][]journal.SubjectID
	board   *live.State

	kept     int // callers cut off by a restart who came again to their old place
	onward   int // callers whom an agent has handed on, in a queue again in their place
	moved    int // of these, places that a step of the clock moved
	returned int // contacts that talked already and came back into line
	byModem  int // legs answered over the line that has its driver

	transfers map[journal.TransferState]int
}

type checkedCall struct {
	started, ended, emergency bool
	lines                     map[journal.LegID]string
	transfer                  journal.TransferState
	trail                     []string // what was heard of it, for the report
}

type checkedAgent struct {
	state   journal.AgentStateName
	gone    bool
	offer   journal.OfferID
	talking journal.ContactID
	retry   time.Time // a phone that refused is left alone until then
}

// cutCaller is a caller whose call the box cut off. He calls again and has his place
// still, with the arrival he had.
type cutCaller struct {
	queue  string
	caller journal.SubjectID
}

// place is a place in the order of arrival: the true time, and among those of one
// instant the number of the event.
type place struct {
	at time.Time
	n  int
}

func (p place) before(q place) bool {
	if p.at.Equal(q.at) {
		return p.n < q.n
	}
	return p.at.Before(q.at)
}

type checkedContact struct {
	queue  string
	place  place
	urgent bool
	offers int
}

// lineTrail is how many of the last events of queues and agents are kept to be told.
const lineTrail = 200

func newChecker(t *testing.T, doc *office.Document, wall func() time.Time) *checker {
	c := &checker{t: t, wall: wall, calls: map[journal.CallID]*checkedCall{}, agents: map[journal.SubjectID]*checkedAgent{},
		waiting: map[journal.ContactID]*checkedContact{}, places: map[journal.ContactID]place{},
		callers: map[journal.ContactID]journal.ContactQueued{}, cut: map[cutCaller]time.Time{}, ends: map[journal.ContactID]int{}, handed: map[journal.ContactID]bool{}, transfers: map[journal.TransferState]int{},
		members: map[string][]journal.SubjectID{}, board: live.New(), last: time.Now()}
	for i := range doc.Groups {
		c.members[string(doc.Groups[i].ID)] = doc.Groups[i].Members
	}
	return c
}

// see takes one event.
func (c *checker) see(id journal.CallID, p journal.Payload) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return
	}
	c.events++
	if now := time.Now(); now.After(c.last) && !c.quiet {
		c.settled()
		c.last = now
	}
	c.call(id, p)
	c.acd(p)
	c.board.Apply(journal.Event{Time: time.Now(), Call: id, Payload: p})
}

func (c *checker) errorf(format string, args ...any) {
	c.t.Helper()
	if !c.quiet {
		c.t.Errorf("%s: "+format, append([]any{time.Now().Format("15:04:05.000")}, args...)...)
	}
}

// settled looks at the world between two instants: everything that had to happen
// at the one before has happened.
func (c *checker) settled() {
	for id, w := range c.waiting {
		if w.offers > 0 {
			continue
		}
		for _, m := range c.members[w.queue] {
			if a := c.agents[m]; a != nil && a.state == journal.AgentReady && !a.gone && c.last.After(a.retry) {
				c.errorf("contact %s waits since the instant before and %s is free", id, m)
			}
		}
	}
}

// call watches beginnings, ends and lines of calls.
func (c *checker) call(id journal.CallID, p journal.Payload) {
	call := c.calls[id]
	if call == nil && id != "" {
		call = &checkedCall{lines: map[journal.LegID]string{}}
		c.calls[id] = call
	}
	if call != nil {
		call.trail = append(call.trail, fmt.Sprintf("%s %s %+v", time.Now().Format("15:04:05.000"), p.JournalKind(), p))
	}
	switch e := p.(type) {
	case journal.CallStarted:
		if call.started {
			c.errorf("call %s started twice", id)
		}
		call.started, call.emergency = true, e.Emergency
	case journal.CallEnded:
		if !call.started || call.ended {
			c.errorf("call %s: end without beginning, or a second end", id)
		}
		if call.emergency && e.Cause == "preempted" {
			c.errorf("emergency call %s was ended for another", id)
		}
		if out := call.transfer; (out == journal.TransferHanded || out == journal.TransferFailed) && e.By == "box" && dropped[e.Cause] {
			c.errorf("call %s: who was handed on is dropped (%s):\n%s", id, e.Cause, strings.Join(call.trail, "\n"))
		}
		call.ended = true
		clear(call.lines)
	case journal.CallTransfer:
		if !c.quiet {
			c.transfers[e.State]++
		}
		if e.State != journal.TransferRefused {
			call.transfer = e.State
		}
	case journal.CallLeg:
		c.leg(id, call, e)
	}
	if call != nil && call.ended {
		if _, end := p.(journal.CallEnded); !end && ofCall(p) {
			c.errorf("call %s: %s after its end", id, p.JournalKind())
		}
	}
}

// dropped are the causes with which the box ends a call because it has found nobody.
var dropped = map[string]bool{"busy": true, "noAnswer": true, "rejected": true, "offline": true, "noLine": true, "unknown": true}

// ofCall says whether an event may not come after its call's end.
func ofCall(p journal.Payload) bool {
	switch p.(type) {
	case journal.CallBridged, journal.CallAnswered, journal.CallStep, journal.CallLeg, journal.CallTransfer:
		return true
	}
	return false
}

// leg watches that a telephone line carries one call at a time.
func (c *checker) leg(id journal.CallID, call *checkedCall, e journal.CallLeg) {
	if e.Line == "" || e.Kind != journal.LegLine {
		return
	}
	switch e.State {
	case journal.LegEnded:
		delete(call.lines, e.Leg)
	case journal.LegAnswered:
		if e.Line == string(modemLine) {
			c.byModem++
		}
		for other, o := range c.calls {
			for _, line := range o.lines {
				if other != id && line == e.Line {
					c.errorf("line %s carries %s and %s:\n%s\nand\n%s", e.Line, other, id, strings.Join(o.trail, "\n"), strings.Join(call.trail, "\n"))
				}
			}
		}
		call.lines[e.Leg] = e.Line
	}
}

func (c *checker) agent(id journal.SubjectID) *checkedAgent {
	a := c.agents[id]
	if a == nil {
		a = &checkedAgent{}
		c.agents[id] = a
	}
	return a
}

// acd watches queues and agents.
func (c *checker) acd(p journal.Payload) {
	switch p.(type) {
	case journal.AgentChanged, journal.ContactQueued, journal.ContactOffered, journal.OfferEnded, journal.ContactConnected, journal.ContactEnded:
		if len(c.line) == lineTrail {
			c.line = slices.Delete(c.line, 0, lineTrail/2)
		}
		c.line = append(c.line, fmt.Sprintf("%s %s %+v", time.Now().Format("15:04:05.000"), p.JournalKind(), p))
	}
	switch e := p.(type) {
	case journal.AgentChanged:
		a := c.agent(e.Agent)
		a.state, a.gone = e.State, e.Gone
		if e.State != journal.AgentTalking {
			a.talking = ""
		}
	case journal.ContactQueued:
		w := c.waiting[e.Contact]
		if w != nil && e.Again == "" {
			c.errorf("contact %s waits twice", e.Contact)
		}
		if n, known := c.ends[e.Contact]; known && e.Again == "" && n < 0 {
			c.errorf("contact %s enters a queue while it is in one", e.Contact)
		}
		c.ends[e.Contact] = -1
		if e.Again == "" {
			c.places[e.Contact] = c.comes(e)
		} else {
			c.returned++ // it goes before whoever came after it, and behind who came before
		}
		c.callers[e.Contact] = e
		c.waiting[e.Contact] = &checkedContact{queue: e.Queue, place: c.places[e.Contact], urgent: e.Urgent}
	case journal.ContactOffered:
		c.offered(e)
	case journal.OfferEnded:
		if w := c.waiting[e.Contact]; w != nil {
			w.offers--
		}
		if a := c.agent(e.Agent); a.offer == e.Offer {
			a.offer = 0
			if e.Outcome == journal.OfferRefused || e.Outcome == journal.OfferFailed {
				a.retry = time.Now().Add(engine.RetryDelay)
			}
		}
	case journal.ContactConnected:
		a := c.agent(e.Agent)
		if a.talking != "" {
			c.errorf("agent %s talks with %s and gets %s", e.Agent, a.talking, e.Contact)
		}
		a.talking = e.Contact
		delete(c.waiting, e.Contact)
	case journal.ContactEnded:
		if c.ends[e.Contact] != -1 {
			c.errorf("contact %s ends and is not alive", e.Contact)
		}
		c.ends[e.Contact] = 1
		c.handed[e.Contact] = e.Reason == string(engine.ReasonTransferred) || e.Reason == string(engine.ReasonConsulted)
		if e.Outcome == engine.Restarted {
			q := c.callers[e.Contact]
			c.cut[cutCaller{q.Queue, q.Caller}] = q.Arrival
		}
		delete(c.waiting, e.Contact)
		if a := c.agent(e.Agent); a.talking == e.Contact {
			a.talking = ""
		}
	}
}

// comes returns the place of a contact that was in no queue. It comes now, unless its
// caller was cut off by the box and calls again: then the box says how long ago he came.
// That must be what it said the first time, but for steps of the clock since.
func (c *checker) comes(e journal.ContactQueued) place {
	here := place{time.Now(), c.events}
	age := c.wall().Sub(e.Arrival)
	if c.quiet || age < time.Second && age > -time.Second {
		return here
	}
	who := cutCaller{e.Queue, e.Caller}
	came, cut := c.cut[who]
	delete(c.cut, who)
	switch {
	case c.handed[e.Contact]:
		c.onward++
	case age < 0:
		c.errorf("contact %s comes in %v", e.Contact, -age)
	case !cut || e.Caller == "":
		c.errorf("contact %s comes %v ago and was not cut off", e.Contact, age)
	case came.Equal(e.Arrival):
		c.kept++
	default:
		c.moved++
	}
	here.at = here.at.Add(-age)
	return here
}

// offered watches that agents get one call at a time and that the order is kept.
func (c *checker) offered(e journal.ContactOffered) {
	a := c.agent(e.Agent)
	if a.talking != "" || a.offer != 0 {
		c.errorf("agent %s talks with %q, has offer %d and is offered %s", e.Agent, a.talking, a.offer, e.Contact)
	}
	if !slices.Contains(c.members[e.Queue], e.Agent) {
		c.errorf("agent %s is no member of %s and is offered %s", e.Agent, e.Queue, e.Contact)
	}
	a.offer = e.Offer
	w := c.waiting[e.Contact]
	if w == nil {
		c.errorf("contact %s is offered and does not wait", e.Contact)
		return
	}
	for id, other := range c.waiting {
		if id != e.Contact && other.queue == w.queue && other.offers == 0 && before(other, w) {
			c.errorf("contact %s is offered before %s, who came first: %+v and %+v; queue and agents:\n\t%s", e.Contact, id, *w, *other, strings.Join(c.line, "\n\t"))
		}
	}
	w.offers++
}

func before(a, b *checkedContact) bool {
	if a.urgent != b.urgent {
		return a.urgent
	}
	return a.place.before(b.place)
}

// equal compares the board, folded from the events, with the ACD's own state. Both
// must be at rest.
func (c *checker) equal(s *acd.Snapshot, board *live.State) {
	c.t.Helper()
	got, want := map[journal.SubjectID]string{}, map[journal.SubjectID]string{}
	for _, a := range s.Agents {
		want[a.Agent] = fmt.Sprintf("%s %s", a.State, a.Reason)
		if b, ok := board.Agents[a.Agent]; ok {
			got[a.Agent] = fmt.Sprintf("%s %s", b.State, b.Reason)
		} else if a.State == journal.AgentLoggedOut {
			delete(want, a.Agent)
		}
	}
	line := map[journal.ContactID]bool{}
	for _, q := range s.Queues {
		for _, w := range q.Waiting {
			line[journal.ContactID(w.Call)] = w.Ringing
		}
	}
	folded := map[journal.ContactID]bool{}
	for id, w := range board.Waiting {
		folded[id] = len(w.Offers) > 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("agents: the ACD (-) and the fold of the journal (+) differ:\n%s", diff)
	}
	if diff := cmp.Diff(line, folded); diff != "" {
		c.t.Errorf("queues: the ACD (-) and the fold of the journal (+) differ:\n%s", diff)
	}
}

// finish checks that every call and every contact has its one end.
func (c *checker) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, call := range c.calls {
		if !call.ended {
			c.t.Errorf("call %s has no end:\n%s", id, strings.Join(call.trail, "\n"))
		}
	}
	for id, n := range c.ends {
		if n != 1 {
			c.t.Errorf("contact %s has no end", id)
		}
	}
}

// begin ends the reading of earlier lives: their calls died with them, whether their
// ends could be written yet or not.
func (c *checker) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.calls {
		call.ended = true
		clear(call.lines)
	}
	c.quiet = false
}

// story tells what was heard of the emergency calls.
func (c *checker) story() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for id, call := range c.calls {
		if call.emergency {
			fmt.Fprintf(&b, "%s:\n%s\n", id, strings.Join(call.trail, "\n"))
		}
	}
	return b.String()
}

// totals sums up what all seeds have come across.
type totals struct {
	mu sync.Mutex
	placed
	seeds, events, calls, byModem, returned, kept, moved int

	onward, handed, answeredOn, back int // transfers

	wanted, done, failed int // seeds
	began                time.Time
	late                 atomic.Int32 // seeds not begun
}

// progress tells how far a long run has come, every fifty seeds and at each that fails.
func (a *totals) progress(t *testing.T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done++
	if t.Failed() {
		a.failed++
	}
	if t.Failed() || a.done%50 == 0 {
		fmt.Printf("PROGRESS\t%s: %d of %d seeds in %v, %d failed\n", t.Name(), a.done, a.wanted, time.Since(a.began).Round(time.Second), a.failed)
	}
}

func (a *totals) add(w *simWorld) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := &w.placed
	a.seeds++
	a.events += w.events
	a.calls += w.calls
	a.byModem += w.check.byModem
	a.returned += w.check.returned
	a.kept += w.check.kept
	a.moved += w.check.moved
	a.onward += w.check.onward
	a.handed += w.check.transfers[journal.TransferHanded]
	a.answeredOn += w.check.transfers[journal.TransferAnswered]
	a.back += w.check.transfers[journal.TransferBack]
	if w.check.moved > 0 && w.placed.jumps == 0 {
		w.t.Errorf("%d callers are back at another place than they had, and nobody has set the clock", w.check.moved)
	}
	a.in += p.in + p.trunk
	a.out += p.out
	a.inside += p.inside
	a.help += p.help
	a.unplugged += p.unplugged
	a.died += p.died
	a.full += p.full
	a.silent += p.silent
	a.jumps += p.jumps
	a.cuts += p.cuts
	a.stops += p.stops
}

// Chance may leave these out: a phone must vanish while an agent talks, and the power
// be cut while somebody waits who calls again within ten minutes.
const (
	returnedFigure = "callers whose agent vanished, back at their place"
	keptFigure     = "callers whom a power cut threw out of line, back at their place"
	onwardFigure   = "callers of a queue who were handed on and stood in a queue again, in their place"
	movedFigure    = "such callers of whom the clock was set in between"
)

func (a *totals) report(t *testing.T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// One seed alone, or minutes of it, may go without this or that.
	if n := a.late.Load(); n > 0 {
		t.Errorf("%d seeds were not begun: no time was left", n)
	}
	whole := !t.Failed() && a.seeds >= 4 && float64(a.seeds)**simHours >= 2
	for _, x := range []struct {
		name  string
		value int
		unit  string
	}{
		{fmt.Sprintf("whole-box simulation, of %d asked for", a.wanted), a.seeds, fmt.Sprintf("seeds of %g h", *simHours)},
		{"calls in it, each with its one end", a.calls, "calls"},
		{"events in it, the invariants checked after each", a.events, "events"},
		{"of these legs answered over a voice modem and its driver", a.byModem, "legs"},
		{returnedFigure, a.returned, "times"},
		{keptFigure, a.kept, "times"},
		{movedFigure, a.moved, "times"},
		{"calls for help in it, each answered where a line could carry it", a.help, "calls"},
		{"calls handed on by a phone's transfer key", a.handed, "times"},
		{"of these taken by whom they were handed on to", a.answeredOn, "times"},
		{"of these that came back to who had handed them on", a.back, "times"},
		{onwardFigure, a.onward, "times"},
		{"lines pulled", a.unplugged, "times"},
		{"phones vanished in mid-call", a.died, "times"},
		{"disk full", a.full, "times"},
		{"trunk silent", a.silent, "times"},
		{"wall clock set", a.jumps, "times"},
		{"power cut and started again", a.cuts, "times"},
		{"stopped in order and started again", a.stops, "times"},
	} {
		testbed.Figure(t, x.name, x.value, x.unit)
		if whole && x.value == 0 && x.name != returnedFigure && x.name != keptFigure && x.name != movedFigure && x.name != onwardFigure {
			t.Errorf("%s: never: the simulation tests less than it says", x.name)
		}
	}
}
