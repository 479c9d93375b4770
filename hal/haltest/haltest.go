// Package haltest is the contract of hal.Line as tests: every driver passes them
// over the simulated exchange, and so does the exchange's own line. It owns no
// state and starts one goroutine for each line it tests, which ends with the test.
package haltest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
)

// Far is the party at the other end of a line, as sim.Party.
type Far interface {
	Number() string
	Say(samples []int16)
	Key(keys string)
	Heard() []int16
	HangUp()
	Answered() <-chan struct{}
	Done() <-chan struct{}
}

// Outcome is what the box's next call attempt meets.
type Outcome string

// Outcomes.
const (
	Answers Outcome = "answers" // after two seconds of ringing
	Busy    Outcome = "busy"
	NoReply Outcome = "noReply"
)

// Rig is a line to test, not running yet, with what is around it.
type Rig struct {
	Line hal.Line
	// Ring makes somebody with number call the line.
	Ring func(number string) (Far, error)
	// Expect says what the next dialled number meets; the far end is sent to the
	// channel, which has room for it.
	Expect func(o Outcome) <-chan Far
	// OffHook tells what the exchange sees.
	OffHook func() bool
	// Cut pulls the exchange's cable, or with false puts it in again.
	Cut func(bool)
	// Unplug takes the device away, Replug brings it back under another name.
	Unplug, Replug func()
}

// TestLine runs the contract in real time, for drivers over real ports. It judges
// no durations.
func TestLine(t *testing.T, open func(t *testing.T) Rig) {
	for _, c := range contract {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(start(t, open, false))
		})
	}
}

// TestLineVirtually runs the contract in the virtual time of testing/synctest, and
// judges durations too.
func TestLineVirtually(t *testing.T, open func(t *testing.T) Rig) {
	for _, c := range contract {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, open, true)
				c.test(b)
				b.stop()
			})
		})
	}
}

// bench is one running line under test.
type bench struct {
	*testing.T
	Rig
	ctx     context.Context
	stop    func() // ends Run and waits for it
	virtual bool
	sound   *sound

	mu   sync.Mutex
	seen []hal.LineEvent // all that next has passed
}

// start runs the line and waits until it is idle.
func start(t *testing.T, open func(t *testing.T) Rig, virtual bool) *bench {
	b := &bench{T: t, Rig: open(t), virtual: virtual, sound: newSound()}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	var once sync.Once
	b.ctx = ctx
	b.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(b.stop)
	b.Line.SetAudio(b.sound)
	go func() { done <- b.Line.Run(ctx) }()
	b.state(hal.LineIdle, 20*time.Second)
	return b
}

// next returns the first event to come for which want holds, and fails the test
// when it does not come in time.
func (b *bench) next(what string, within time.Duration, want func(hal.LineEvent) bool) hal.LineEvent {
	b.Helper()
	began := time.Now()
	limit := time.NewTimer(within)
	defer limit.Stop()
	var passed []string
	for {
		select {
		case ev, ok := <-b.Line.Events():
			if !ok {
				b.Fatalf("events closed while waiting for %s; came: %v", what, passed)
			}
			b.mu.Lock()
			b.seen = append(b.seen, ev)
			b.mu.Unlock()
			if want(ev) {
				b.Logf("%s after %v", what, time.Since(began).Round(time.Millisecond))
				return ev
			}
			passed = append(passed, fmt.Sprintf("%T%+v", ev, ev))
		case <-limit.C:
			b.Fatalf("no %s within %v; came: %v", what, within, passed)
		}
	}
}

// await waits for an event of type E.
func await[E hal.LineEvent](b *bench, within time.Duration) E {
	b.Helper()
	var e E
	return b.next(fmt.Sprintf("%T", e), within, func(ev hal.LineEvent) bool { _, ok := ev.(E); return ok }).(E)
}

// state waits until the line reports a state.
func (b *bench) state(s hal.LineState, within time.Duration) {
	b.Helper()
	b.next("state "+string(s), within, func(ev hal.LineEvent) bool {
		c, ok := ev.(hal.StateChanged)
		return ok && c.State == s
	})
}

// count returns how many events of type E have come so far.
func count[E hal.LineEvent](b *bench) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, ev := range b.seen {
		if _, ok := ev.(E); ok {
			n++
		}
	}
	return n
}

// atRest checks that the line is idle and on hook and has reported one Hangup for
// each of calls.
func (b *bench) atRest(calls int) {
	b.Helper()
	b.state(hal.LineIdle, 20*time.Second)
	if s := b.Line.State(); b.virtual && s != hal.LineIdle {
		b.Errorf("State is %s after the event idle", s)
	}
	if b.OffHook() {
		b.Error("line is idle and off hook")
	}
	if n := count[hal.Hangup](b); n != calls {
		b.Errorf("%d Hangup events for %d calls", n, calls)
	}
}

// receive waits for the far end of a dialled call.
func (b *bench) receive(c <-chan Far) Far {
	b.Helper()
	select {
	case f := <-c:
		return f
	case <-time.After(20 * time.Second):
		b.Fatal("nothing was dialled")
		return nil
	}
}

// closed waits for a channel of the far end.
func (b *bench) closed(what string, c <-chan struct{}) {
	b.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		b.Fatalf("far end: not %s", what)
	}
}
