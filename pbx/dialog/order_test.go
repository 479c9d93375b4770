package dialog_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// TestInviteThenCancel: calls that are cancelled as soon as they are made leave no
// phone ringing and no call behind.
func TestInviteThenCancel(t *testing.T) {
	const pairs = 1000
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		box := newParty(t, m, boxIP, nil)
		box.onLeg = func(l *dialog.Leg) { l.Ring(180, nil) }
		peer := newRawPeer(t, m, netip.AddrPortFrom(phoneIP, 5060))
		for n := range pairs {
			s := peer.dial()
			s.callID = fmt.Sprintf("pair-%d", n)
			s.request(sip.INVITE, offer)
			s.request(sip.CANCEL, nil)
		}
		synctest.Wait()
		if n := box.agent.Legs(); n != 0 {
			t.Errorf("%d legs still there", n)
		}
		if got := strings.Count(box.log.String(), "cancelled"); got != pairs {
			t.Errorf("%d of %d cancelled", got, pairs)
		}
	})
}

// TestEarlyMediaThenAnswer: a 183 with the only SDP directly followed by a 200
// without one are told in this order.
func TestEarlyMediaThenAnswer(t *testing.T) {
	const calls = 1000
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		box := newParty(t, m, boxIP, nil)
		peer := newRawPeer(t, m, netip.AddrPortFrom(phoneIP, 5060))
		logs := make([]record, calls)
		for n := range calls {
			box.call(peer, func(o *dialog.InviteOptions) {
				o.On = func(e dialog.Event) { logs[n].add("%s", word(e)) }
			})
		}
		for _, msg := range peer.take() {
			peer.answer(msg.req, 183, "a", answer)
			peer.answer(msg.req, 200, "a", nil)
		}
		synctest.Wait()
		for n := range logs {
			if got := logs[n].String(); got != "progress 183 sdp, accepted" {
				t.Fatalf("call %d: %s", n, got)
			}
		}
	})
}

// TestBadWire: whatever a bad network loses, doubles, delays and reorders, each leg
// gets exactly one last event, nothing stays behind, and the two sides agree.
func TestBadWire(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// For each of the first datagrams: 0 lost, 1 arrives, 2 doubled; and its delay.
		copies := rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 1, 1, 1, 2}), 40, 40).Draw(rt, "copies")
		delays := rapid.SliceOfN(rapid.IntRange(0, 900), 40, 40).Draw(rt, "delays in ms")
		plan := rapid.SampledFrom([]string{"caller hangs up", "called hangs up", "cancel", "busy", "answer crosses cancel", "reinvite"}).Draw(rt, "plan")
		var problem string
		synctest.Test(t, func(t *testing.T) {
			m := sip.NewMemNet()
			var mu sync.Mutex
			n := 0
			m.Wire = func(_, _ netip.AddrPort, b []byte) (int, time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				if n++; n > len(copies) {
					return 1, time.Millisecond
				}
				return copies[n-1], time.Duration(delays[n-1]) * time.Millisecond
			}
			caller := newParty(t, m, phoneIP, nil)
			called := newParty(t, m, boxIP, nil)
			playPlan(plan, caller, called)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			for _, p := range []*party{caller, called} {
				if p.agent.Legs() != 0 || p.stack.Transactions() != 0 {
					problem = fmt.Sprintf("%s: %d legs, %d transactions left: %s", p.ip, p.agent.Legs(), p.stack.Transactions(), p.log.String())
				}
			}
			problem += checkHistory(caller.log.words, called.log.words)
		})
		if problem != "" {
			rt.Fatalf("%s: %s", plan, problem)
		}
	})
}

// playPlan acts for both owners of the legs.
func playPlan(plan string, caller, called *party) {
	called.onLeg = func(in *dialog.Leg) {
		in.Ring(180, nil)
		switch plan {
		case "busy":
			in.Reject(486, "")
		case "cancel":
		case "answer crosses cancel":
			time.AfterFunc(3*time.Second, func() { in.Accept(answer) })
		default:
			in.Accept(answer)
		}
		in.Listen(func(e dialog.Event) {
			called.log.add("%s", word(e))
			switch e.(type) {
			case dialog.Acked:
				if plan == "called hangs up" {
					in.Bye("")
				}
			case dialog.Reinvited:
				in.AnswerReinvite(answer)
			}
		})
	}
	var out *dialog.Leg
	ready := make(chan struct{})
	out = caller.invite(called, func(o *dialog.InviteOptions) {
		o.On = func(e dialog.Event) {
			<-ready
			caller.log.add("%s", word(e))
			switch e.(type) {
			case dialog.Accepted:
				switch plan {
				case "caller hangs up":
					out.Bye("")
				case "reinvite":
					out.Reinvite(offer)
				}
			case dialog.ReinviteAccepted, dialog.ReinviteFailed:
				out.Bye("")
			}
		}
	})
	close(ready)
	if strings.Contains(plan, "cancel") {
		time.AfterFunc(3*time.Second, func() { out.Cancel("") })
	}
}

// checkHistory says what is wrong with the events of the two sides, "" if nothing:
// one last event for each, and nothing behind it.
func checkHistory(caller, called []string) string {
	for name, words := range map[string][]string{"caller": caller, "called": called} {
		ends := 0
		for i, w := range words {
			last, _, _ := strings.Cut(w, " ")
			switch strings.TrimSuffix(last, ":") {
			case "lost", "ended", "failed", "cancelled":
				ends++
				if i != len(words)-1 {
					return fmt.Sprintf("%s: %q is not the last of %q", name, w, words)
				}
			}
		}
		if ends > 1 || ends == 0 && len(words) > 0 {
			return fmt.Sprintf("%s has %d ends: %q", name, ends, words)
		}
	}
	if len(caller) == 0 {
		return "the caller heard nothing"
	}
	return ""
}

// TestCancelLeavesBeforeTheNextInvite: a phone that has stopped ringing for one call
// and rings for the next sees the messages in that order, however many phones do so.
func TestCancelLeavesBeforeTheNextInvite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		box := newParty(t, m, boxIP, nil)
		var peers []*rawPeer
		for n := range 20 {
			peers = append(peers, newRawPeer(t, m, netip.AddrPortFrom(phoneIP, uint16(6000+n))))
		}
		legs := make([]*dialog.Leg, len(peers))
		for i, p := range peers {
			legs[i] = box.call(p, toward(p))
		}
		synctest.Wait()
		for _, p := range peers {
			p.answer(p.take()[0].req, 180, "a", nil)
		}
		synctest.Wait()
		for range 50 {
			for i, p := range peers {
				legs[i].Cancel("")
				legs[i] = box.call(p, toward(p))
			}
			synctest.Wait()
			for _, p := range peers {
				var names []string
				for _, msg := range p.take() {
					if msg.req == nil {
						continue
					}
					switch names = append(names, msg.name()); msg.name() {
					case sip.INVITE:
						p.answer(msg.req, 180, "a", nil)
					case sip.CANCEL:
						p.answer(msg.req, 200, "", nil)
					}
				}
				if got := strings.Join(names, " "); got != "CANCEL INVITE" {
					t.Fatalf("the phone saw %s", got)
				}
			}
			synctest.Wait()
		}
	})
}

// toward calls over the flow of a phone.
func toward(p *rawPeer) func(*dialog.InviteOptions) {
	return func(o *dialog.InviteOptions) {
		o.Dest = sip.NewFlow(sip.UDP, netip.AddrPortFrom(boxIP, 5060), p.addr)
	}
}
