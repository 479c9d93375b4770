package pbx_test

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/pbx/dialog"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sdp"
	"centralino/pbx/sip"
)

func TestPhonesOfOneAccountRingTogetherAndTheOthersLearnWhoAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		w.also = map[office.ID][]office.ID{"dev-2": {"dev-3"}}
		w.answer["dev-2"] = func() (time.Duration, int, bool) { return 3 * time.Second, 0, true }
		w.answer["dev-3"] = func() (time.Duration, int, bool) { return time.Minute, 0, true }
		c, err := w.phones["dev-1"].Dial("202")
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		slow := w.phones["dev-3"].Current()
		if w.phones["dev-2"].Current() == nil || slow == nil {
			t.Fatal("not both phones ring")
		}
		within(t, "answer", c.Up(), 5*time.Second)
		within(t, "end of the other phone's ringing", slow.End(), time.Second)
		if !slow.Elsewhere {
			t.Error("the other phone would show a missed call")
		}
		c.HangUp()
		pass(time.Minute)
	})
}

// offerless is a phone that leaves the offer to the box.
type offerless struct {
	leg     *dialog.Leg
	stream  *media.Stream
	up, end chan struct{}
	stop    func()
}

func (w *world) dialOfferless(number string) *offerless {
	addr := netip.MustParseAddrPort("192.0.2.40:5060")
	w.strangers = map[netip.AddrPort]office.ID{addr: "dev-3"}
	stack, err := sip.New(sip.Options{Net: w.sipNet.Host(addr.Addr()), UDP: []netip.AddrPort{addr}})
	if err != nil {
		w.t.Fatal(err)
	}
	plane, err := media.New(media.Options{Net: w.rtpNet, Loops: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	agent := dialog.New(stack, dialog.Options{Incoming: func(*dialog.Leg) {}})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { stack.Run(ctx) })
	wg.Go(func() { plane.Run(ctx) })
	o := &offerless{up: make(chan struct{}), end: make(chan struct{})}
	if o.stream, err = plane.OpenRTP(media.RTPOptions{Bind: addr.Addr()}); err != nil {
		w.t.Fatal(err)
	}
	o.stop = func() {
		o.stream.Close()
		cancel()
		wg.Wait()
	}
	ready := make(chan struct{})
	o.leg = agent.Invite(dialog.InviteOptions{
		URI: sip.NewURI(number, boxAddr.Addr().String(), boxAddr.Port()), Dest: sip.NewFlow(sip.UDP, addr, boxAddr),
		From: sip.Address{URI: sip.NewURI("u3", "192.0.2.40", 0)}, ContactUser: "u3",
		On: func(ev dialog.Event) {
			<-ready
			switch e := ev.(type) {
			case dialog.Accepted:
				o.accepted(w.t, e.SDP)
			case dialog.Ended, dialog.Failed, dialog.Lost:
				close(o.end)
			}
		}})
	close(ready)
	return o
}

// accepted answers the box's offer in the ACK and begins to speak.
func (o *offerless) accepted(t *testing.T, body []byte) {
	offer, err := sdp.Parse(body)
	if err != nil {
		t.Errorf("the box's offer: %v", err)
		return
	}
	answer, agreed, err := sdp.Answer(nil, offer, sdp.Local{ID: 1, RTP: o.stream.Local()})
	if err != nil {
		t.Errorf("answer: %v", err)
		return
	}
	o.leg.AnswerOffer(answer.Marshal())
	o.stream.SetRemote(media.RemoteOf(agreed, netip.Addr{}))
	o.stream.Play(media.NewMusic(nil), 0)
	close(o.up)
}

func TestOfferlessCallIsHeardBothWays(t *testing.T) {
	inWorld(t, func(w *world) {
		o := w.dialOfferless("202")
		defer o.stop()
		within(t, "answer", o.up, 10*time.Second)
		pass(10 * time.Second)
		callee := w.phones["dev-2"].Current()
		if callee == nil {
			t.Fatal("the called phone is in no call")
		}
		if a, b := o.stream.Stats().Received, callee.Stats().Received; a < 450 || b < 450 {
			t.Errorf("in ten seconds the caller got %d packets, the called one %d", a, b)
		}
		o.leg.Bye("")
		within(t, "end", o.end, 5*time.Second)
		within(t, "end at the called phone", callee.End(), 5*time.Second)
	})
}

func TestHoldOfEveryKind(t *testing.T) {
	for _, c := range []struct {
		name string
		hold func(*pbxtest.Call)
	}{
		{"sendonly", func(c *pbxtest.Call) { c.Hold(sdp.SendOnly) }},
		{"inactive", func(c *pbxtest.Call) { c.Hold(sdp.Inactive) }},
		{"the old way, by 0.0.0.0", func(c *pbxtest.Call) { c.HoldOld() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) { heldAndResumed(t, w, c.hold) })
		})
	}
}

func heldAndResumed(t *testing.T, w *world, hold func(*pbxtest.Call)) {
	caller, err := w.phones["dev-1"].Dial("202")
	if err != nil {
		t.Fatal(err)
	}
	within(t, "answer", caller.Up(), 5*time.Second)
	pass(2 * time.Second)
	callee := w.phones["dev-2"].Current()
	nowhere, err := w.rtpNet.Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), callee.Port().Port()))
	if err != nil {
		t.Fatal(err)
	}
	hold(callee)
	pass(time.Second)
	music, own := caller.Stats().Received, callee.Stats().Received
	pass(3 * time.Minute) // longer than any silence that counts as lost
	if n := caller.Stats().Received - music; n < 180*45 {
		t.Errorf("the held party got %d packets of music in three minutes", n)
	}
	if n := callee.Stats().Received - own; n > 0 {
		t.Errorf("the phone that holds got %d packets", n)
	}
	if _, _, err := nowhere.Read(make([]byte, 2048)); err == nil {
		t.Error("RTP was sent to 0.0.0.0")
	}
	callee.Hold(sdp.SendRecv)
	pass(time.Second)
	music, own = caller.Stats().Received, callee.Stats().Received
	pass(10 * time.Second)
	if a, b := caller.Stats().Received-music, callee.Stats().Received-own; a < 450 || b < 450 {
		t.Errorf("in ten seconds after the resume the caller got %d packets, the called one %d", a, b)
	}
	caller.HangUp()
	within(t, "end", callee.End(), 5*time.Second)
}

// Who holds a call need not send any sound; when he is gone without a word the call
// ends all the same, and one that is only long does not.
func TestAPhoneThatDiesWhileItHoldsIsFoundOut(t *testing.T) {
	inWorld(t, func(w *world) {
		var dead atomic.Value // the address that nothing comes from or goes to
		dead.Store("")
		w.sipNet.Wire = func(from, to netip.AddrPort, _ []byte) (int, time.Duration) {
			if a := dead.Load(); a == from.Addr().String() || a == to.Addr().String() {
				return 0, 0
			}
			return 1, 0
		}
		caller, err := w.phones["dev-1"].Dial("202")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "answer", caller.Up(), 5*time.Second)
		pass(time.Second)
		callee := w.phones["dev-2"].Current()
		callee.Hold(sdp.Inactive)
		pass(time.Second)
		caller.Hold(sdp.Inactive)
		pass(time.Hour)
		select {
		case <-caller.End():
			t.Fatal("two phones that hold, and live, lost their call")
		default:
		}
		dead.Store(callee.Port().Addr().String())
		within(t, "end", caller.End(), 6*time.Minute)
		pass(time.Minute) // the BYE to the dead one is given up
		if n := w.pbx.Calls(); n != 0 {
			t.Errorf("%d calls left", n)
		}
	})
}
