package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/store"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sip"
)

var (
	simSeed  = flag.Uint64("simseed", 0, "run only this seed of the whole-box simulation")
	simSeeds = flag.Int("simseeds", 4, "how many seeds of the whole-box simulation to run")
	simHours = flag.Float64("simhours", 0.5, "virtual hours of each seed")
)

// TestWholeBox runs the box as it is, but for its wires, in virtual time: callers
// who lose patience, agents who do not answer, colleagues who call each other,
// calls outward and for help, lines pulled out, phones that vanish in mid-call.
// After every event the invariants of checker hold.
func TestWholeBox(t *testing.T) {
	seeds := []uint64{*simSeed}
	if *simSeed == 0 {
		seeds = nil
		for i := range *simSeeds {
			seeds = append(seeds, uint64(i+1))
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			t.Logf("repeat with: go test ./cmd/appliance -run TestWholeBox -simseed %d", seed)
			synctest.Test(t, func(t *testing.T) { simulate(t, seed, folder) })
		})
	}
}

// simWorld is the box and everybody around it.
type simWorld struct {
	t      *testing.T
	rng    *rand.Rand
	rmu    sync.Mutex
	box    *box
	phones []*pbxtest.Phone
	check  *checker
	wg     sync.WaitGroup
	over   context.Context
	placed struct {
		sync.Mutex
		in, out, inside, help, unplugged, died int
	}
}

func (w *simWorld) chance(p float64) bool {
	w.rmu.Lock()
	defer w.rmu.Unlock()
	return w.rng.Float64() < p
}

// wait is a random time with the given mean, at most three times it.
func (w *simWorld) wait(mean time.Duration) time.Duration {
	w.rmu.Lock()
	defer w.rmu.Unlock()
	return min(time.Duration(w.rng.ExpFloat64()*float64(mean)), 3*mean)
}

func (w *simWorld) pick(n int) int {
	w.rmu.Lock()
	defer w.rmu.Unlock()
	return w.rng.IntN(n)
}

func simulate(t *testing.T, seed uint64, folder string) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	slog.SetDefault(quiet)
	sipNet, rtpNet := sip.NewMemNet(), &media.MemNet{}
	addr := netip.MustParseAddrPort("192.0.2.1:5060")
	o := options{data: folder, board: "sim", sim: true, sample: "office", sip: addr,
		seams: seams{sip: sipNet.Host(addr.Addr()), media: rtpNet, loops: 1, readers: store.OneConnection, virtual: true}}
	b, err := newBox(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w := &simWorld{t: t, rng: rand.New(rand.NewPCG(seed, 1)), box: b, check: newChecker(t)}
	b.record.watch = w.check.see
	ctx, stop := context.WithCancel(t.Context())
	world, endWorld := context.WithCancel(t.Context())
	var boxDone sync.WaitGroup
	boxDone.Go(func() {
		if err := b.run(ctx); err != nil {
			t.Errorf("box: %v", err)
		}
	})
	var phones sync.WaitGroup
	w.addPhones(addr, sipNet, rtpNet, quiet, func(f func(context.Context)) { phones.Go(func() { f(world) }) })
	time.Sleep(time.Second)
	w.logIn()

	over, end := context.WithTimeout(t.Context(), time.Duration(*simHours*float64(time.Hour)))
	w.over = over
	b.exchange.OnDial(w.farEnd)
	for _, l := range b.lines.list() {
		w.every(40*time.Second, func() { w.callIn(l.ID()) })
	}
	w.every(time.Minute, w.callInside)
	w.every(90*time.Second, func() { w.callOut(false) })
	w.every(8*time.Minute, func() { w.callOut(true) })
	w.every(10*time.Minute, w.pullLine)
	w.every(6*time.Minute, w.killPhone)
	<-over.Done()
	end()
	w.wg.Wait()
	time.Sleep(5 * time.Minute) // whatever rings or talks comes to its end
	if n := b.pbx.Calls(); n != 0 {
		t.Errorf("%d calls are left over", n)
	}
	if s := b.acd.Snapshot(); len(s.Queues) > 0 && len(s.Queues[0].Waiting) > 0 {
		t.Errorf("%d callers still wait", len(s.Queues[0].Waiting))
	}
	stop()
	boxDone.Wait()
	w.check.finish()
	endWorld()
	phones.Wait()
	p := &w.placed
	t.Logf("in %d, out %d, inside %d, for help %d, lines pulled %d, phones vanished %d; %d events, %d calls",
		p.in, p.out, p.inside, p.help, p.unplugged, p.died, w.check.events, len(w.check.calls))
	if len(w.check.calls) < 10 {
		t.Errorf("only %d calls: nothing was tried", len(w.check.calls))
	}
}

// every does something at random times with the given mean until the day is over.
func (w *simWorld) every(mean time.Duration, f func()) {
	w.wg.Go(func() {
		for {
			select {
			case <-time.After(w.wait(mean)):
				f()
			case <-w.over.Done():
				return
			}
		}
	})
}

func (w *simWorld) addPhones(box netip.AddrPort, sn *sip.MemNet, mn *media.MemNet, log *slog.Logger, run func(func(context.Context))) {
	doc := w.box.office.Current().Doc
	for i := range doc.Devices {
		d := &doc.Devices[i]
		secret, _ := w.box.secrets.Get(d.Secret)
		p, err := pbxtest.New(pbxtest.PhoneOptions{User: d.Username, Password: secret, Box: box, SIP: sn, Media: mn, Log: log,
			Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(11 + i)}), 5060),
			Answer: func() (time.Duration, int, bool) {
				switch {
				case w.chance(0.1):
					return time.Minute, 480, false // rings and rings
				case w.chance(0.1):
					return time.Second, 486, false
				}
				return time.Second + w.wait(4*time.Second), 0, true
			}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.phones = append(w.phones, p)
		run(p.Run)
	}
}

// logIn registers every phone and logs its person into the queues.
func (w *simWorld) logIn() {
	for _, p := range w.phones {
		if err := p.Register(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		c, err := p.Dial("*70")
		if err != nil {
			w.t.Fatal(err)
		}
		select {
		case <-c.End():
		case <-time.After(20 * time.Second):
			w.t.Fatal("the login code did not end")
		}
	}
}

func (w *simWorld) count(n *int) {
	w.placed.Lock()
	defer w.placed.Unlock()
	*n++
}

// callIn is an outside caller on a line.
func (w *simWorld) callIn(line hal.LineID) {
	p, err := w.box.exchange.Ring(line, sim.CallerSpec{Number: fmt.Sprintf("06%07d", w.pick(1e7)), GiveUp: 30 * time.Second})
	if err != nil {
		return // the line is in use
	}
	w.count(&w.placed.in)
	select {
	case <-p.Answered():
	case <-p.Done():
		return
	}
	time.Sleep(w.wait(6 * time.Second))
	if w.chance(0.8) {
		p.Key("1")
	}
	select {
	case <-p.Done():
	case <-time.After(10*time.Second + w.wait(time.Minute)):
		p.HangUp()
	}
}

func (w *simWorld) callInside() {
	from, to := w.pick(len(w.phones)), w.pick(len(w.phones))
	doc := w.box.office.Current().Doc
	c, err := w.phones[from].Dial(doc.Extensions[to%len(doc.Extensions)].Digits)
	if err != nil {
		return
	}
	w.count(&w.placed.inside)
	w.talk(c, 15*time.Second)
}

func (w *simWorld) callOut(help bool) {
	number := fmt.Sprintf("0%d%07d", 2+w.pick(2)*4, w.pick(1e7))
	if help {
		number = "112"
	}
	c, err := w.phones[w.pick(len(w.phones))].Dial(number)
	if err != nil {
		return
	}
	if help {
		w.count(&w.placed.help)
	} else {
		w.count(&w.placed.out)
	}
	w.talk(c, 30*time.Second)
}

// talk waits for a call's end and hangs up some time after its answer.
func (w *simWorld) talk(c *pbxtest.Call, mean time.Duration) {
	select {
	case <-c.End():
		return
	case <-c.Up():
	case <-time.After(40 * time.Second):
	}
	select {
	case <-c.End():
	case <-time.After(w.wait(mean)):
		c.HangUp()
	}
}

func (w *simWorld) farEnd(hal.LineID, string) sim.DialOutcome {
	switch w.pick(6) {
	case 0:
		return sim.DialOutcome{Result: sim.IsBusy}
	case 1:
		return sim.DialOutcome{Result: sim.NoReply}
	}
	clearing := sim.ClearBusyTone
	if w.chance(0.3) {
		clearing = sim.ClearLoopBreak
	}
	hang := w.wait(40 * time.Second)
	return sim.DialOutcome{Delay: time.Second + w.wait(3*time.Second), Clearing: clearing, Party: func(p *sim.Party) {
		time.AfterFunc(10*time.Second+hang, p.HangUp)
	}}
}

// pullLine takes a line away for a while.
func (w *simWorld) pullLine() {
	l, ok := w.box.lines.list()[w.pick(len(w.box.lines.list()))].(*sim.Line)
	if !ok {
		return
	}
	w.count(&w.placed.unplugged)
	l.Unplug()
	time.Sleep(5*time.Second + w.wait(30*time.Second))
	l.Replug()
}

// killPhone lets a phone vanish in the middle of a call: no more RTP, no BYE.
func (w *simWorld) killPhone() {
	for _, p := range w.phones {
		if c := p.Current(); c != nil {
			select {
			case <-c.Up():
				w.count(&w.placed.died)
				c.Die()
				return
			default:
			}
		}
	}
}

// checker folds the journal as it is written and watches what must always hold.
type checker struct {
	t      *testing.T
	mu     sync.Mutex
	events int
	calls  map[journal.CallID]*checkedCall
	agents map[journal.SubjectID]journal.ContactID // talking
	offers map[journal.SubjectID]journal.OfferID
}

type checkedCall struct {
	started, ended, emergency bool
	lines                     map[journal.LegID]string
}

func newChecker(t *testing.T) *checker {
	return &checker{t: t, calls: map[journal.CallID]*checkedCall{}, agents: map[journal.SubjectID]journal.ContactID{},
		offers: map[journal.SubjectID]journal.OfferID{}}
}

// see takes one event.
func (c *checker) see(id journal.CallID, p journal.Payload) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events++
	call := c.calls[id]
	if call == nil && id != "" {
		call = &checkedCall{lines: map[journal.LegID]string{}}
		c.calls[id] = call
	}
	switch e := p.(type) {
	case journal.CallStarted:
		if call.started {
			c.t.Errorf("call %s started twice", id)
		}
		call.started, call.emergency = true, e.Emergency
	case journal.CallEnded:
		if !call.started || call.ended {
			c.t.Errorf("call %s: end without beginning, or a second end", id)
		}
		if call.emergency && e.Cause == "preempted" {
			c.t.Errorf("emergency call %s was ended for another", id)
		}
		call.ended = true
	case journal.CallLeg:
		c.leg(id, call, e)
	case journal.ContactConnected:
		if other, busy := c.agents[e.Agent]; busy {
			c.t.Errorf("agent %s talks with %s and gets %s", e.Agent, other, e.Contact)
		}
		c.agents[e.Agent] = e.Contact
	case journal.ContactEnded:
		if e.Agent != "" && c.agents[e.Agent] == e.Contact {
			delete(c.agents, e.Agent)
		}
	case journal.AgentChanged:
		if e.State != journal.AgentTalking {
			delete(c.agents, e.Agent)
		}
	}
	if call != nil && call.ended {
		if _, end := p.(journal.CallEnded); !end && c.ofCall(p) {
			c.t.Errorf("call %s: %s after its end", id, p.JournalKind())
		}
	}
}

// ofCall says whether an event may not come after its call's end.
func (c *checker) ofCall(p journal.Payload) bool {
	switch p.(type) {
	case journal.CallBridged, journal.CallAnswered, journal.CallStep, journal.CallLeg:
		return true
	}
	return false
}

// leg watches that a line carries one call at a time.
func (c *checker) leg(id journal.CallID, call *checkedCall, e journal.CallLeg) {
	if e.Line == "" {
		return
	}
	switch e.State {
	case journal.LegEnded:
		delete(call.lines, e.Leg)
	case journal.LegAnswered:
		for other, o := range c.calls {
			for _, line := range o.lines {
				if other != id && line == e.Line {
					c.t.Errorf("line %s carries %s and %s", e.Line, other, id)
				}
			}
		}
		call.lines[e.Leg] = e.Line
	}
}

// finish checks that every call has its one end.
func (c *checker) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, call := range c.calls {
		if !call.ended {
			c.t.Errorf("call %s has no end", id)
		}
	}
}
