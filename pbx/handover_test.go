package pbx_test

import (
	"bytes"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/pbx/call"
)

// toPhone notes what the box sends to a telephone by method, and when.
type toPhone struct {
	mu   sync.Mutex
	what []string
	at   []time.Time
}

func (w *world) listen(ip netip.Addr) *toPhone {
	n := &toPhone{}
	w.sipNet.Wire = func(from, to netip.AddrPort, b []byte) (int, time.Duration) {
		if from.Addr() == boxAddr.Addr() && to.Addr() == ip {
			if method, _, _ := bytes.Cut(b, []byte(" ")); string(method) == "INVITE" || string(method) == "CANCEL" {
				n.mu.Lock()
				n.what, n.at = append(n.what, string(method)), append(n.at, time.Now())
				n.mu.Unlock()
			}
		}
		return 1, 0
	}
	return n
}

func (n *toPhone) heard() ([]string, []time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.what), slices.Clone(n.at)
}

// waiting lets two outside callers wait in the queue and returns their calls in the
// order of arrival.
func (w *world) waiting() (callers []*sim.Party, calls []journal.CallID) {
	w.t.Helper()
	w.queue.calls = true // nobody is offered anything by itself
	for _, line := range []string{"line-1", "line-2"} {
		p, err := w.exchange.Ring(hal.LineID(line), sim.CallerSpec{Number: "0698765432"})
		if err != nil {
			w.t.Fatal(err)
		}
		within(w.t, "answer", p.Answered(), time.Minute)
		pass(8 * time.Second)
		p.Key("1")
		pass(8 * time.Second)
		callers = append(callers, p)
		calls = append(calls, w.latest())
	}
	if calls[0] == calls[1] {
		w.t.Fatalf("calls %v", calls)
	}
	return callers, calls
}

// latest is the call of the latest event.
func (w *world) latest() journal.CallID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// TestPhoneIsHandedOverFromOneCallToTheNext: the agent's phone rings for one caller, and
// is to ring for another the moment that this stops. It hears the CANCEL before the next
// INVITE, and that one 50 ms later at most.
func TestPhoneIsHandedOverFromOneCallToTheNext(t *testing.T) {
	for _, c := range []struct {
		name string
		busy time.Duration // that the first call takes for something else
		want []string
		wait time.Duration // from the stop to the next INVITE
	}{
		{"the first call stops at once", 0, []string{"INVITE", "CANCEL", "INVITE"}, 0},
		{"the first call is busy for a moment", 30 * time.Millisecond, []string{"INVITE", "CANCEL", "INVITE"}, 30 * time.Millisecond},
		{"the first call hangs: it is not waited for", 10 * time.Second, []string{"INVITE", "INVITE"}, 50 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.answer["dev-2"] = func() (time.Duration, int, bool) { return time.Minute, 486, false } // rings
				callers, calls := w.waiting()
				heard := w.listen(netip.MustParseAddr("192.0.2.12"))
				var once sync.Once
				w.slow = func(id journal.CallID) {
					if id == calls[0] { // it tells that the phone rings
						once.Do(func() { <-time.After(time.Millisecond + c.busy) })
					}
				}
				w.pbx.RingAgent(calls[0], 101, "p-2")
				pass(time.Millisecond)
				began := time.Now()
				w.pbx.StopRinging(101, call.CauseNoAnswer)
				w.pbx.RingAgent(calls[1], 102, "p-2")
				pass(time.Second)
				what, at := heard.heard()
				if !slices.Equal(what, c.want) {
					t.Fatalf("the phone heard %v, want %v", what, c.want)
				}
				if d := at[len(at)-1].Sub(began); d != c.wait {
					t.Errorf("the next call rang after %s, want %s", d, c.wait)
				}
				pass(c.busy)
				for _, p := range callers {
					p.HangUp()
				}
				pass(10 * time.Second)
			})
		})
	}
}

// An offer that is taken back while it waits for the call before it is never heard.
func TestOfferTakenBackBeforeItRang(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answer["dev-2"] = func() (time.Duration, int, bool) { return time.Minute, 486, false }
		callers, calls := w.waiting()
		heard := w.listen(netip.MustParseAddr("192.0.2.12"))
		var once sync.Once
		w.slow = func(id journal.CallID) {
			if id == calls[0] {
				once.Do(func() { <-time.After(30 * time.Millisecond) })
			}
		}
		w.pbx.RingAgent(calls[0], 101, "p-2")
		pass(time.Millisecond)
		w.pbx.StopRinging(101, call.CauseNoAnswer)
		w.pbx.RingAgent(calls[1], 102, "p-2")
		w.pbx.StopRinging(102, call.CauseNoAnswer)
		pass(time.Second)
		if what, _ := heard.heard(); !slices.Equal(what, []string{"INVITE", "CANCEL"}) {
			t.Errorf("the phone heard %v", what)
		}
		for _, p := range callers {
			p.HangUp()
		}
		pass(10 * time.Second)
	})
}
