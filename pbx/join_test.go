package pbx_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sdp"
)

// second is another line key of a phone: it calls as that phone does.
func (w *world) second(id office.ID) *pbxtest.Phone {
	w.t.Helper()
	addr := netip.MustParseAddrPort("192.0.2.77:5060")
	p, err := pbxtest.New(pbxtest.PhoneOptions{User: string(id), Addr: addr, Box: boxAddr, SIP: w.sipNet, Media: w.rtpNet})
	if err != nil {
		w.t.Fatal(err)
	}
	w.strangers = map[netip.AddrPort]office.ID{addr: id}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	w.after = append(w.after, func() { cancel(); <-done })
	return p
}

// joined are the other calls that the journal names for those that were joined: first of the
// one that ended, then of the one that went on.
func (w *world) joined() (calls []journal.CallID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.events {
		if p, ok := p.(journal.CallTransfer); ok && (p.Call != "" || p.Attended && p.State == journal.TransferAsked) {
			calls = append(calls, p.Call)
		}
	}
	return calls
}

// consulting is a caller on hold at the agent's phone, which has called anna.
func (w *world) consulting() (p *sim.Party, held, asks, anna *pbxtest.Call) {
	w.t.Helper()
	p, held = w.served()
	held.Hold(sdp.SendOnly)
	pass(time.Second)
	asks, err := w.second("dev-2").Dial("201")
	if err != nil {
		w.t.Fatal(err)
	}
	within(w.t, "anna answers", asks.Up(), 10*time.Second)
	pass(5 * time.Second)
	return p, held, asks, w.picksUp("dev-1")
}

// The agent has a caller on hold, asks a colleague, and joins the two: both of his calls
// end, and theirs goes on.
func TestAttendedTransfer(t *testing.T) {
	inWorld(t, func(w *world) {
		p, held, asks, anna := w.consulting()
		held.ReferTo("201", asks)
		within(t, "his first call ends", held.End(), time.Second)
		within(t, "his second call ends", asks.End(), time.Second)
		pass(time.Second)
		if told := held.Told(); !slices.Contains(told, 202) || told[len(told)-1] != 200 {
			t.Errorf("the phone heard %v", told)
		}
		before := anna.Stats().Received
		pass(10 * time.Second)
		if n := anna.Stats().Received - before; n < 450 {
			t.Errorf("%d packets of the caller in 10 s", n)
		}
		w.wantStates("handed, asked, handed, answered")
		if joined := w.joined(); len(joined) != 2 || joined[0] == joined[1] || joined[0] == "" || joined[1] == "" {
			t.Errorf("the calls name %v", joined)
		}
		if e := w.ended(); len(e) != 1 || e[0].Cause != "transferred" {
			t.Errorf("ended: %+v", e)
		}
		anna.Hold(sdp.SendOnly) // the leg obeys its new call
		pass(2 * time.Second)
		anna.Hold(sdp.SendRecv)
		pass(2 * time.Second)
		p.HangUp()
		within(t, "end", anna.End(), 10*time.Second)
		pass(time.Second)
		if e := w.ended(); len(e) != 2 || e[1].Cause != "normal" || e[1].By != "caller" {
			t.Errorf("ended: %+v", e)
		}
		w.queue.mu.Lock()
		defer w.queue.mu.Unlock()
		if log := strings.Join(w.queue.log, ", "); strings.Count(log, "busy p-1") != 1 || strings.Count(log, "free p-1") != 1 || strings.Count(log, "handed on") != 1 {
			t.Errorf("the queue heard %s", log)
		}
	})
}

// The line of a caller was taken out of the office while he talked. It is heard to the end
// of the call to which he was brought, not only of the one he came in with.
func TestTheLineOfACallThatWasJoinedIsHeardAfterItWasTakenAway(t *testing.T) {
	inWorld(t, func(w *world) {
		p, held, asks, anna := w.consulting()
		w.pbx.SetLines([]hal.Line{w.lines[1]})
		asks.ReferTo("201", held)
		within(t, "his first call ends", held.End(), time.Second)
		within(t, "his second call ends", asks.End(), time.Second)
		pass(5 * time.Second)
		p.HangUp()
		within(t, "anna's end", anna.End(), 20*time.Second)
		pass(5 * time.Second)
		if n := w.pbx.Calls(); n != 0 {
			t.Errorf("%d calls are left", n)
		}
	})
}

// The agent joins them in the call with anna, to which the caller comes. When she hands him
// on he is still who he was: the next phone shows his number.
func TestWhoCameFromAnotherCallIsStillHimself(t *testing.T) {
	inWorld(t, func(w *world) {
		_, held, asks, anna := w.consulting()
		asks.ReferTo("201", held)
		within(t, "his first call ends", held.End(), time.Second)
		within(t, "his second call ends", asks.End(), time.Second)
		pass(2 * time.Second)
		shown := w.shownAt("192.0.2.12")
		anna.Refer("202")
		pass(3 * time.Second)
		if !strings.Contains(*shown, "0612345678") {
			t.Errorf("the phone shows %s", *shown)
		}
	})
}

// The agent brings the caller to his call with anna, who hands him on in vain and does not
// take him back: he waits in his queue again, as one who came when he did.
func TestWhoCameFromAnotherCallGoesHomeToHisPlace(t *testing.T) {
	inWorld(t, func(w *world) {
		began := time.Now()
		_, held, asks, anna := w.consulting()
		asks.ReferTo("201", held)
		within(t, "his first call ends", held.End(), time.Second)
		pass(2 * time.Second)
		nobody := func() (time.Duration, int, bool) { return time.Minute, 486, false }
		w.answer["dev-1"], w.answer["dev-2"] = nobody, nobody
		anna.Refer("202")
		pass(70 * time.Second)
		w.wantStates("handed, asked, handed, answered, asked, handed, failed noAnswer, back")
		w.queue.mu.Lock()
		defer w.queue.mu.Unlock()
		if d := w.queue.since.Sub(began); d < 0 || d > 20*time.Second {
			t.Errorf("he stands there as one who came after %s", d)
		}
	})
}

// Whom the agent only calls so far, without an answer yet, is called for the caller.
func TestTransferBeforeTheOtherAnswers(t *testing.T) {
	inWorld(t, func(w *world) {
		_, held := w.served()
		w.answer["dev-1"] = func() (time.Duration, int, bool) { return 6 * time.Second, 0, true }
		asks, err := w.second("dev-2").Dial("201")
		if err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		held.ReferTo("201", asks)
		within(t, "his second call ends", asks.End(), time.Second)
		within(t, "his first call ends", held.End(), 10*time.Second)
		pass(10 * time.Second)
		w.wantStates("handed, asked, handed, answered")
		if joined := w.joined(); len(joined) != 2 || joined[0] == joined[1] || joined[0] == "" || joined[1] == "" {
			t.Errorf("the calls name %v", joined)
		}
		if told := held.Told(); !slices.Equal(told, []int{202, 100, 180}) {
			t.Errorf("the phone heard %v", told)
		}
		anna := w.picksUp("dev-1")
		before := anna.Stats().Received
		pass(4 * time.Second)
		if n := anna.Stats().Received - before; n < 180 {
			t.Errorf("%d packets of the caller in 4 s", n)
		}
	})
}

// A dialog that is not the phone's own, or none, is not joined.
func TestForgedReplaces(t *testing.T) {
	inWorld(t, func(w *world) {
		_, held := w.served()
		other, err := w.phones["dev-3"].Dial("201")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "anna answers", other.Up(), 10*time.Second)
		pass(time.Second)
		held.ReferTo("201", other) // of another phone
		pass(time.Second)
		held.ReferTo("201", held) // of this very call
		pass(time.Second)
		if told := held.Told(); !slices.Equal(told, []int{603, 603}) {
			t.Errorf("the phone heard %v", told)
		}
		w.wantStates("")
	})
}

// Either of the two may hang up at the moment in which they are joined: nothing is left.
func TestHangingUpWhileTwoCallsAreJoined(t *testing.T) {
	for _, who := range []string{"the caller", "the colleague", "the agent's first call", "the agent's second call"} {
		t.Run(who, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p, held, asks, anna := w.consulting()
				held.ReferTo("201", asks)
				switch who {
				case "the caller":
					p.HangUp()
				case "the colleague":
					anna.HangUp()
				case "the agent's first call":
					held.HangUp()
				default:
					asks.HangUp()
				}
				pass(20 * time.Second)
				p.HangUp()
				anna.HangUp()
				pass(20 * time.Second)
				if n := w.pbx.Calls(); n != 0 {
					t.Errorf("%d calls are left: %s", n, w.states())
				}
				w.queue.mu.Lock()
				defer w.queue.mu.Unlock()
				if log := strings.Join(w.queue.log, ", "); strings.Count(log, "busy p-1") != strings.Count(log, "free p-1") {
					t.Errorf("the queue heard %s", log)
				}
			})
		})
	}
}
