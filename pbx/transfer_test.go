package pbx_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/dialog"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sdp"
	"centralino/pbx/sip"
)

// served brings an outside caller to the agent's phone.
func (w *world) served() (*sim.Party, *pbxtest.Call) {
	w.t.Helper()
	p, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
	if err != nil {
		w.t.Fatal(err)
	}
	within(w.t, "box answers", p.Answered(), 12*time.Second)
	pass(4 * time.Second)
	p.Key("1")
	pass(8 * time.Second)
	c := w.picksUp("dev-2")
	pass(5 * time.Second)
	return p, c
}

// states are what the journal has of transfers.
func (w *world) states() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, p := range w.events {
		if p, ok := p.(journal.CallTransfer); ok {
			out = append(out, strings.TrimSpace(string(p.State)+" "+strings.TrimPrefix(p.Why, "cause.")))
		}
	}
	return strings.Join(out, ", ")
}

func (w *world) wantStates(want string) {
	w.t.Helper()
	if got := w.states(); got != want {
		w.t.Errorf("transfers %q, want %q", got, want)
	}
}

// The agent presses the transfer key of his phone: his leg ends as soon as the other
// phone rings, and the caller talks on with the next one.
func TestBlindTransfer(t *testing.T) {
	inWorld(t, func(w *world) {
		p, agent := w.served()
		shown := ""
		w.sipNet.Wire = func(from, to netip.AddrPort, b []byte) (int, time.Duration) {
			if text := string(b); to.Addr() == netip.MustParseAddr("192.0.2.11") && strings.HasPrefix(text, "INVITE") {
				_, shown, _ = strings.Cut(text, "From: ")
				shown, _, _ = strings.Cut(shown, "\r\n")
			}
			return 1, 0
		}
		agent.Hold(sdp.SendOnly)
		pass(time.Second)
		agent.Refer("201")
		within(t, "the agent is free", agent.End(), time.Second)
		pass(3 * time.Second)
		anna := w.picksUp("dev-1")
		if !strings.Contains(shown, "0612345678") {
			t.Errorf("the phone shows %s", shown)
		}
		pass(20 * time.Second)
		if st := anna.Stats(); st.Received < 900 {
			t.Errorf("%d packets of the caller in 20 s", st.Received)
		}
		p.HangUp()
		within(t, "end", anna.End(), 10*time.Second)
		pass(time.Second)
		w.wantStates("asked, handed, answered")
		w.queue.mu.Lock()
		defer w.queue.mu.Unlock()
		if !slices.Contains(w.queue.log, "handed on") || slices.Contains(w.queue.log, "talk ended") {
			t.Errorf("the queue heard %v", w.queue.log)
		}
		if e := w.ended(); len(e) != 1 || e[0].Cause != "normal" || e[0].By != "caller" || e[0].Talk < 20*time.Second {
			t.Errorf("ended: %+v", e)
		}
	})
}

// What his phone hears by NOTIFY (RFC 3515), also when nobody takes the caller.
func TestWhatThePhoneHearsOfItsTransfer(t *testing.T) {
	for _, c := range []struct {
		name, to string
		answer   func() (time.Duration, int, bool) // of the other phone
		more     []dialog.Header
		want     []int
		states   string
	}{
		{"taken at once: the last word comes before the end", "201", func() (time.Duration, int, bool) { return 0, 0, true }, nil, []int{202, 100, 180}, "asked, handed, answered"},
		{"out of reach: they talk on", "201", nil, nil, []int{202, 100, 480}, "asked, failed offline"},
		{"nobody wants to hear of it (RFC 4488)", "201", func() (time.Duration, int, bool) { return time.Second, 0, true },
			[]dialog.Header{{Name: "Refer-Sub", Value: "false"}, {Name: "Supported", Value: "norefersub"}}, []int{202}, "asked, handed, answered"},
		{"himself", "202", nil, nil, []int{403}, "refused transfer.self"},
		{"an emergency number", "112", nil, nil, []int{403}, "refused transfer.emergency"},
		{"an expensive number, which his profile does not allow", "899123456", nil, nil, []int{403}, "refused route.notAllowed"},
		{"nobody", "777", nil, nil, []int{404}, "refused route.notInPlan"},
		{"a code", "*70", nil, nil, []int{403}, "refused transfer.noTarget"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				_, agent := w.served()
				w.answer["dev-1"] = c.answer
				w.mu.Lock()
				w.gone = map[office.ID]bool{"dev-1": strings.Contains(c.states, "offline")}
				w.mu.Unlock()
				agent.Refer(c.to, c.more...)
				pass(2 * time.Second)
				told := agent.Told()
				if len(told) < len(c.want) || !slices.Equal(told[:len(c.want)], c.want) {
					t.Errorf("the phone heard %v, want %v", told, c.want)
				}
				w.wantStates(c.states)
				if strings.HasPrefix(c.states, "refused") || strings.Contains(c.states, "failed") {
					before := agent.Stats().Received
					pass(2 * time.Second)
					if n := agent.Stats().Received - before; n < 90 {
						t.Errorf("%d packets in 2 s after the refusal", n)
					}
				}
			})
		})
	}
}

// Nobody answers: the phone that handed the caller on rings again and says so.
func TestTransferComesBack(t *testing.T) {
	inWorld(t, func(w *world) {
		p, agent := w.served()
		w.answer["dev-1"] = func() (time.Duration, int, bool) { return time.Hour, 0, true }
		shown := w.shownAt("192.0.2.12")
		agent.Refer("201")
		within(t, "the agent is free", agent.End(), time.Second)
		pass(34 * time.Second)
		again := w.picksUp("dev-2")
		if !strings.Contains(*shown, "Ritorno") || !strings.Contains(*shown, "0612345678") {
			t.Errorf("the phone shows %s", *shown)
		}
		w.wantStates("asked, handed, failed noAnswer, back, returned")
		again.HangUp()
		within(t, "the caller's end", p.Done(), 10*time.Second)
	})
}

// A colleague is handed on, and an outside party whom somebody has called: the phone
// that rings shows who is there.
func TestTransferOfWhoWasCalled(t *testing.T) {
	inWorld(t, func(w *world) {
		calls := w.talking("0698765432", "dev-1")
		shown := w.shownAt("192.0.2.12")
		calls[0].Refer("202")
		within(t, "the first phone is free", calls[0].End(), time.Second)
		pass(4 * time.Second)
		second := w.picksUp("dev-2")
		if !strings.Contains(*shown, "0698765432") {
			t.Errorf("the phone shows %s", *shown)
		}
		if got := w.queue.hasReached(); len(got) != 1 {
			t.Errorf("reached by hand: %v", got)
		}
		second.HangUp()
		pass(10 * time.Second)
		if e := w.ended(); len(e) != 1 || e[0].Cause != "normal" {
			t.Errorf("ended: %+v", e)
		}
	})
}

// Only the phone itself may hand on: not one that sends within its dialog as another.
func TestTransferOfAStranger(t *testing.T) {
	inWorldOf(t, func(w *world) worldOptions {
		return worldOptions{phones: imposter{directory{w}, w}}
	}, func(w *world) {
		_, agent := w.served()
		w.mu.Lock()
		w.gone = map[office.ID]bool{"imposter": true}
		w.mu.Unlock()
		agent.Refer("201")
		pass(time.Second)
		if told := agent.Told(); !slices.Equal(told, []int{603}) {
			t.Errorf("the phone heard %v", told)
		}
		w.wantStates("")
	})
}

// imposter takes every phone for another one, once it is said to.
type imposter struct {
	directory
	w *world
}

func (d imposter) Authenticate(req *sip.Request) (office.ID, *sip.Response) {
	d.w.mu.Lock()
	lies := d.w.gone["imposter"]
	d.w.mu.Unlock()
	if lies {
		return "dev-3", nil
	}
	return d.directory.Authenticate(req)
}

// shownAt keeps the From of the last INVITE that goes to an address.
func (w *world) shownAt(addr string) *string {
	shown, phone := "", netip.MustParseAddr(addr)
	w.sipNet.Wire = func(from, to netip.AddrPort, b []byte) (int, time.Duration) {
		if text := string(b); to.Addr() == phone && strings.HasPrefix(text, "INVITE") {
			_, shown, _ = strings.Cut(text, "From: ")
			shown, _, _ = strings.Cut(shown, "\r\n")
		}
		return 1, 0
	}
	return &shown
}
