package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"centralino/hal/sim"
	"centralino/internal/testbed"
)

var (
	killCount = flag.Int("kills", 20, "how often the box is killed under traffic")
	killSeed  = flag.Uint64("killseed", 0, "seed of the killing moments; 0 picks one")
)

const (
	// killLanes is how many boxes are killed side by side: each one mostly waits.
	killLanes = 4
	// onHookWithin is the law: so long after a restart no line may be off hook.
	onHookWithin = 5 * time.Second
	// writtenWithin is how old an ordinary event may be at most and not be on disk: the
	// ceiling over the 100 ms of the promise, for a slow disk under four boxes. How old
	// the oldest one was that was missing is a figure.
	writtenWithin = time.Second
)

// TestKilledUnderTraffic kills the box with SIGKILL at random moments, also while
// it starts, under calls of phones and lines and edits of the office. The modems
// are outside of the box and outlive it, as real ones do. After each death: the
// database opens and was not set aside, the journal's chain holds, nothing that was
// acknowledged is missing, each call has its one end. After each restart: a phone
// that does not register again is rung, and every line is on hook within 5 s.
func TestKilledUnderTraffic(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64N(1e9)
	}
	t.Logf("repeat with: go test ./cmd/appliance -run TestKilledUnderTraffic -kills %d -killseed %d", *killCount, seed)
	t.Parallel()
	program4test(t)
	lanes := make([]*lane, killLanes)
	t.Cleanup(func() { reportKills(t, lanes) }) // after the lanes
	for i := range lanes {
		kills := (*killCount + i) / killLanes
		t.Run(fmt.Sprint("lane ", i), func(t *testing.T) {
			t.Parallel()
			l := newLane(t, i, rand.New(rand.NewPCG(seed, uint64(i))))
			lanes[i] = l
			for l.kills < kills && !t.Failed() {
				l.life()
			}
			l.lastLife()
		})
	}
}

// reportKills sums up what the lanes have come across.
func reportKills(t *testing.T, lanes []*lane) {
	var f figures
	var back, hook, unwritten []time.Duration
	for _, l := range lanes {
		if l != nil {
			f.add(l.figures)
			back, hook, unwritten = append(back, l.back...), append(hook, l.hook...), append(unwritten, l.unwritten...)
		}
	}
	for _, x := range []struct {
		name  string
		value any
		unit  string
	}{
		{"kill -9 under traffic", f.kills, "kills"},
		{"of these while it started", f.early, "kills"},
		{"of these with a line off hook", f.offHook, "kills"},
		{"changes of the office confirmed before a kill, none missing", f.edits, "versions"},
		{"finished calls shown before a kill, none missing", f.finished, "calls"},
		{"calls answered more than " + writtenWithin.String() + " before a kill, none missing", f.answered, "calls"},
		{"kills after which an answered call was not in the journal yet", len(unwritten), "kills"},
		{"age of the oldest such call (promise 100 ms, ceiling " + writtenWithin.String() + "), p50", middle(unwritten).Round(time.Millisecond), ""},
		{"age of the oldest such call, worst", slices.Max(append(unwritten, 0)).Round(time.Millisecond), ""},
		{"promises to call back that callers heard before a kill, none missing", f.promises, "promises"},
		{"agreements confirmed before a kill, none missing", f.agreements, "agreements"},
		{"registrations with a new contact, the last one in time never missing", f.moves, "registrations"},
		{"calls in the journals, each with its one end", f.calls, "calls"},
		{"calls ended by restart", f.restarts, "calls"},
		{"talks from the queue", f.connected, "talks"},
		{"phone rung after the restart without registering, p50", middle(back).Round(time.Millisecond), ""},
		{"phone rung after the restart without registering, worst", slices.Max(append(back, 0)).Round(time.Millisecond), ""},
		{"line on hook after the restart, p50", middle(hook).Round(time.Millisecond), ""},
		{"line on hook after the restart, worst", slices.Max(append(hook, 0)).Round(time.Millisecond), ""},
	} {
		testbed.Figure(t, x.name, x.value, x.unit)
	}
	if t.Failed() || *killCount < 12 {
		return
	}
	if f.offHook == 0 || f.edits == 0 || f.finished == 0 || f.restarts == 0 || f.connected == 0 || f.moves == 0 || f.promises == 0 || f.agreements == 0 {
		t.Error("too little was going on when the box was killed: the test tests nothing")
	}
}

// figures are what the killing has come across.
type figures struct {
	kills, early, offHook, edits, finished, answered int
	calls, restarts, connected, events, moves        int
	promises, agreements                             int
}

func (f *figures) add(o figures) {
	f.kills += o.kills
	f.early += o.early
	f.offHook += o.offHook
	f.edits += o.edits
	f.finished += o.finished
	f.answered += o.answered
	f.calls += o.calls
	f.restarts += o.restarts
	f.connected += o.connected
	f.events += o.events
	f.moves += o.moves
	f.promises += o.promises
	f.agreements += o.agreements
}

func middle(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}

// life is one run of the box from its start to its death.
func (l *lane) life() {
	l.t.Helper()
	began := time.Now()
	l.start()
	stop := func() {}
	if l.chance(0.15) {
		l.early++
		l.wait(time.Duration(l.rng.IntN(400)) * time.Millisecond)
	} else {
		l.recovered(began)
		stop = l.traffic()
		switch {
		case l.chance(0.3):
			l.lineTaken()
		case l.chance(0.3):
			l.promiseHeard()
		}
		l.wait(time.Duration(l.rng.ExpFloat64() * float64(1200*time.Millisecond)))
	}
	l.kill(stop)
}

// lineTaken waits until a line is off hook, or some seconds if none will be.
func (l *lane) lineTaken() {
	for until := time.Now().Add(6 * time.Second); time.Now().Before(until); l.wait(5 * time.Millisecond) {
		if l.anyOffHook() {
			return
		}
	}
}

// promiseHeard waits until one more caller has heard that he will be called back, or
// some seconds if nobody does.
func (l *lane) promiseHeard() {
	heard := func() int {
		l.acked.Lock()
		defer l.acked.Unlock()
		return l.acked.promised
	}
	before := heard()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until) && heard() == before; l.wait(20 * time.Millisecond) {
	}
}

func (l *lane) anyOffHook() bool {
	return slices.ContainsFunc(l.lines, func(x *sim.ExLine) bool { return x.OffHook() })
}

// lastLife sees the box well once more and stops it in order.
func (l *lane) lastLife() {
	if l.t.Failed() {
		return
	}
	began := time.Now()
	l.start()
	l.recovered(began)
	l.proc.Stop()
	if err := l.proc.Err(); err != nil {
		l.t.Errorf("orderly stop: %v", err)
	}
	l.survived(time.Now())
}

// recovered checks what must hold after a start, before traffic begins again.
func (l *lane) recovered(began time.Time) {
	l.t.Helper()
	if err := l.proc.WaitOutput(limit(l.t, 20*time.Second), "Stop "); err != nil {
		l.t.Fatalf("the box does not start again: %v\n%s", err, l.proc.Output())
	}
	for _, p := range l.phones {
		p.Forget()
	}
	if l.born {
		l.ringsAgain(began)
	} else {
		l.firstSteps()
		l.born = true
	}
	for _, x := range l.lines {
		for x.OffHook() {
			if time.Since(began) > onHookWithin {
				l.t.Fatalf("line %s is off hook %v after the restart", x.ID(), time.Since(began))
			}
			l.wait(5 * time.Millisecond)
		}
	}
	if l.wasOff {
		l.hook = append(l.hook, time.Since(began))
	}
}

// ringsAgain calls a phone that registered long ago and never again.
func (l *lane) ringsAgain(began time.Time) {
	l.t.Helper()
	before := l.phones[bruno].Rings()
	c, err := l.phones[dario].Dial("202")
	if err != nil {
		l.t.Fatal(err)
	}
	for l.phones[bruno].Rings() == before {
		select {
		case <-c.End():
			l.t.Fatalf("kill %d: the phone is not rung after the restart: %d", l.kills, c.Code)
		default:
		}
		if time.Since(began) > 20*time.Second {
			l.t.Fatalf("kill %d: the phone is not rung after the restart", l.kills)
		}
		l.wait(time.Millisecond)
	}
	l.back = append(l.back, time.Since(began))
	c.HangUp()
}

// kill ends the box at once, then the traffic, and looks at what is left.
func (l *lane) kill(stop func()) {
	l.t.Helper()
	died := time.Now() // before: Kill waits until the process is gone
	l.proc.Kill()
	l.kills++
	if l.anyOffHook() {
		l.offHook++
	}
	stop()
	l.survived(died)
}
