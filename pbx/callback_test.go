package pbx_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
)

// reservedUntil is until when the box keeps a line for a call back.
func (w *world) reservedUntil(line office.ID) time.Time {
	return w.pbx.Lines().Lines[line].ReservedUntil
}

func TestLineIsKeptForTheCallBackOnlyWhereHelpAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		w.exchange.OnDial(func(id hal.LineID, _ string) sim.DialOutcome {
			if id == "line-1" {
				return sim.DialOutcome{Result: sim.IsBusy}
			}
			return sim.DialOutcome{Delay: time.Second}
		})
		c := helped(t, w, "dev-1", 40*time.Second)
		c.HangUp()
		pass(5 * time.Second)
		if at := w.reservedUntil("line-1"); !at.IsZero() {
			t.Errorf("the line on which nobody answered is kept until %s", at)
		}
		if left := time.Until(w.reservedUntil("line-2")); left < 29*time.Minute || left > 30*time.Minute {
			t.Errorf("the line of the emergency call is kept for %s", left)
		}
	})
}

// past is a journal read at the start.
type past struct {
	calls  []journal.Call
	events map[journal.CallID][]journal.Event
}

func (p past) Calls(_ context.Context, q journal.CallQuery) ([]journal.Call, journal.CallCursor, error) {
	if q.Before.First == 0 && len(p.calls) > 1 { // two pages
		return p.calls[:1], journal.CallCursor{First: 7}, nil
	}
	if q.Before.First == 7 {
		return p.calls[1:], journal.CallCursor{}, nil
	}
	return p.calls, journal.CallCursor{}, nil
}

func (p past) CallEvents(_ context.Context, id journal.CallID) ([]journal.Event, error) {
	return p.events[id], nil
}

func TestCallBackWindowOutlivesARestart(t *testing.T) {
	leg := func(id journal.LegID, st journal.LegState, line string, ago time.Duration) journal.Event {
		return journal.Event{Time: time.Now().Add(-ago), Payload: journal.CallLeg{Leg: id, Line: line, State: st}}
	}
	caller := journal.Event{Time: time.Now(), Payload: journal.CallLeg{Leg: "a", Kind: journal.LegPhone, Device: "dev-3", State: journal.LegAnswered}}
	ended := func(ago time.Duration) journal.Event {
		return journal.Event{Time: time.Now().Add(-ago), Payload: journal.CallEnded{}}
	}
	cases := []struct {
		name      string
		emergency bool
		events    func() []journal.Event
		want      time.Duration // kept from now on
	}{
		{"ended ten minutes ago", true, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegAnswered, "line-1", 20*time.Minute), leg("b", journal.LegEnded, "line-1", 10*time.Minute), ended(10 * time.Minute)}
		}, 20 * time.Minute},
		{"cut off by the restart: counts from it", true, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegAnswered, "line-1", 20*time.Minute), ended(0)}
		}, 30 * time.Minute},
		{"never answered", true, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegRinging, "line-1", 20*time.Minute), leg("b", journal.LegEnded, "line-1", time.Minute), ended(time.Minute)}
		}, 0},
		{"an ordinary call", false, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegAnswered, "line-1", 20*time.Minute), leg("b", journal.LegEnded, "line-1", time.Minute), ended(time.Minute)}
		}, 0},
		{"ended forty minutes ago", true, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegAnswered, "line-1", time.Hour), leg("b", journal.LegEnded, "line-1", 40*time.Minute), ended(40 * time.Minute)}
		}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := past{calls: []journal.Call{{ID: "other"}, {ID: "call", Emergency: c.emergency}},
					events: map[journal.CallID][]journal.Event{"call": append(c.events(), caller)}}
				if err := w.pbx.Remember(context.Background(), p); err != nil {
					t.Fatal(err)
				}
				w.pbx.SetLines(nil) // a line's settings change
				w.pbx.SetLines([]hal.Line{w.lines[0], w.lines[1]})
				if got := max(0, time.Until(w.reservedUntil("line-1"))); got != c.want {
					t.Errorf("kept for %s, want %s", got, c.want)
				}
				if phone := w.pbx.Lines().Lines["line-1"].CallBack; c.want > 0 && phone != "dev-3" {
					t.Errorf("the call back would ring %q", phone)
				}
			})
		})
	}
}

// calledBackAfter lets dev-3 call for help over line-1, and rings that line a while after
// the call is over.
func (w *world) calledBackAfter(after time.Duration, prepare func(*world)) *sim.Party {
	w.t.Helper()
	w.exchange.OnDial(func(hal.LineID, string) sim.DialOutcome { return sim.DialOutcome{Delay: time.Second} })
	c := helped(w.t, w, "dev-3", 40*time.Second)
	c.HangUp()
	within(w.t, "end", c.End(), 5*time.Second)
	w.phones["dev-3"].Forget()
	pass(after)
	prepare(w)
	p, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678", GiveUp: 5 * time.Minute})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// steps counts the steps of paths in the journal.
func (w *world) steps() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.events {
		if r, ok := p.(journal.CallRouted); ok && r.Action == "path" {
			n++
		}
	}
	return n
}

func TestCallBackOfTheEmergencyServiceRingsThePhoneThatCalled(t *testing.T) {
	never := func() (time.Duration, int, bool) { return time.Hour, 0, true }
	busy := func() (time.Duration, int, bool) { return 0, 486, false }
	for _, c := range []struct {
		name    string
		after   time.Duration
		prepare func(w *world)
		first   string // phones that ring after ten seconds
		later   string // and after half a minute
		path    bool   // it is led as every call
	}{
		{"it rings alone", 10 * time.Minute, func(w *world) { w.answer["dev-3"] = never }, "dev-3", "dev-1 dev-2 dev-3", false},
		{"it is gone: all ring", 10 * time.Minute, func(w *world) { w.mu.Lock(); w.gone["dev-3"] = true; w.mu.Unlock() }, "dev-1 dev-2", "dev-1 dev-2", false},
		{"it is busy: all ring at once", 10 * time.Minute, func(w *world) { w.answer["dev-3"] = busy }, "dev-1 dev-2 dev-3", "dev-1 dev-2 dev-3", false},
		{"it is out of use: all others ring", 10 * time.Minute, func(w *world) {
			w.setDoc(func(d *office.Document) {
				d.Devices = append([]office.Device(nil), d.Devices...)
				d.Devices[2].Disabled = true
			})
		}, "dev-1 dev-2", "dev-1 dev-2", false},
		{"later than half an hour: a call like every other", 31 * time.Minute, func(*world) {}, "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.gone = map[office.ID]bool{}
				w.answer["dev-1"], w.answer["dev-2"] = never, never
				p := w.calledBackAfter(c.after, c.prepare)
				rung := func() string {
					var ids []string
					for _, id := range []office.ID{"dev-1", "dev-2", "dev-3"} {
						if w.phones[id].Rings() > 0 {
							ids = append(ids, string(id))
						}
					}
					return strings.Join(ids, " ")
				}
				pass(10 * time.Second)
				if got := rung(); got != c.first {
					t.Errorf("after ten seconds %q have rung, want %q", got, c.first)
				}
				pass(25 * time.Second)
				if got := rung(); got != c.later && !c.path {
					t.Errorf("after half a minute %q have rung, want %q", got, c.later)
				}
				if led := w.steps() > 0; led != c.path {
					t.Errorf("led by a path: %v", led)
				}
				p.HangUp()
			})
		})
	}
}

// The other line's call is older, but it is an ordinary one.
func TestCallBackOfTheEmergencyServiceIsNotEndedForAnotherCallForHelp(t *testing.T) {
	inWorld(t, func(w *world) {
		var older *pbxtest.Call
		back := w.calledBackAfter(time.Minute, func(w *world) {
			older = w.talking("0698765432", "dev-1")[0] // not on the line that is kept
			pass(time.Minute)
		})
		within(t, "answer", back.Answered(), 12*time.Second)
		helped(t, w, "dev-2", 30*time.Second)
		within(t, "the ordinary call ends", older.End(), time.Second)
		c := w.phones["dev-3"].Current()
		if c == nil {
			t.Fatal("the call back is over")
		}
		select {
		case <-c.End():
			t.Error("the call back is over")
		default:
		}
		back.HangUp()
	})
}

// It comes in before a restart, and there are no ports for other calls.
func TestCallBackOfTheEmergencyServiceHasAPortBeforeARestart(t *testing.T) {
	inWorldOf(t, func(*world) worldOptions { return worldOptions{ports: 32} }, func(w *world) {
		var taken []*media.Stream
		p := w.calledBackAfter(time.Minute, func(w *world) {
			taken = w.takePorts()
			w.pbx.Drain()
		})
		within(t, "the phone that called answers", p.Answered(), 12*time.Second)
		p.HangUp()
		pass(5 * time.Second)
		for _, s := range taken {
			s.Close()
		}
	})
}

// A provider's INVITE is let in while its trunk is kept, and there is a port for it.
func TestCallBackOfTheEmergencyServiceOverATrunk(t *testing.T) {
	for what, kept := range map[string]bool{"kept": true, "not kept": false} {
		t.Run(what, func(t *testing.T) {
			inWorldOf(t, func(*world) worldOptions { return worldOptions{ports: 32} }, func(w *world) {
				w.setDoc(func(d *office.Document) {
					d.Lines = append(slices.Clone(d.Lines), office.Line{ID: "trunk-1", Kind: office.LineTrunk, Channels: 2, Path: "path-1",
						Trunk: &office.Trunk{NumberFormat: "e164"}})
				})
				w.trunks = []pbx.Trunk{provider{}}
				at := func(ago time.Duration, p journal.Payload) journal.Event {
					return journal.Event{Time: time.Now().Add(-ago), Payload: p}
				}
				if err := w.pbx.Remember(context.Background(), past{calls: []journal.Call{{ID: "call", Emergency: kept}},
					events: map[journal.CallID][]journal.Event{"call": {
						at(5*time.Minute, journal.CallLeg{Leg: "b", Line: "trunk-1", State: journal.LegAnswered}), at(time.Minute, journal.CallEnded{})}}}); err != nil {
					t.Fatal(err)
				}
				w.answer["dev-1"] = func() (time.Duration, int, bool) { return time.Hour, 0, true }
				taken := w.takePorts()
				w.pbx.Drain()
				w.flood(providerIP, 1, 1, func(from netip.AddrPort, n int) string {
					return fmt.Sprintf("INVITE sip:0212345678@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKb%d\r\nMax-Forwards: 70\r\n"+
						"From: <sip:112@192.0.2.61>;tag=b%d\r\nTo: <sip:0212345678@192.0.2.1>\r\nCall-ID: back-%d\r\nCSeq: 1 INVITE\r\n"+
						"Contact: <sip:112@%s>\r\nContent-Length: 0\r\n\r\n", from, n, n, n, from)
				})
				pass(time.Second)
				if calls := w.pbx.Calls(); (calls == 1) != kept {
					t.Errorf("%d calls", calls)
				}
				if rings := w.phones["dev-1"].Rings() > 0; rings != kept {
					t.Errorf("a phone rings: %v", rings)
				}
				for _, s := range taken {
					s.Close()
				}
			})
		})
	}
}

func TestCallBackOfTheEmergencyServiceIsAnsweredWithoutGreeting(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.calledBackAfter(time.Minute, func(*world) {})
		within(t, "the phone that called answers", p.Answered(), 12*time.Second)
		c := w.phones["dev-3"].Current()
		if c == nil {
			t.Fatal("it is another that answered")
		}
		pass(3 * time.Second)
		if n := c.Stats().Received; n < 100 {
			t.Errorf("it hears %d packets in three seconds", n)
		}
		p.HangUp()
		within(t, "end", c.End(), 10*time.Second)
		if w.steps() > 0 {
			t.Error("a path led the call")
		}
	})
}
