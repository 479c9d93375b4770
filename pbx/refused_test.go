package pbx_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// stranger is a SIP program of a telephone's account that can say anything.
func (w *world) stranger(incoming func(*dialog.Leg)) (agent *dialog.Agent, at netip.AddrPort, stop func()) {
	w.t.Helper()
	at = netip.MustParseAddrPort("192.0.2.40:5060")
	w.strangers = map[netip.AddrPort]office.ID{at: "dev-3"}
	stack, err := sip.New(sip.Options{Net: w.sipNet.Host(at.Addr()), UDP: []netip.AddrPort{at}})
	if err != nil {
		w.t.Fatal(err)
	}
	agent = dialog.New(stack, dialog.Options{Incoming: incoming})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { stack.Run(ctx) })
	return agent, at, func() {
		cancel()
		wg.Wait()
	}
}

// What other sides say about sound and cannot be used is refused as RFC 3261 and 3264
// ask for, and counted for the page.
func TestSoundThatCannotBeUsedIsRefusedAndCounted(t *testing.T) {
	for _, c := range []struct {
		name, offer, answer string
		code                int
		content, offers     uint64
		answers             uint64
	}{
		{"an offer that is no session description", "v=0\r\nnonsense\r\n", "", 400, 1, 0, 0},
		{"an offer of video alone", "v=0\r\no=- 1 1 IN IP4 192.0.2.40\r\ns=-\r\nc=IN IP4 192.0.2.40\r\nt=0 0\r\nm=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", "", 488, 0, 1, 0},
		{"an answer that is none", "", "v=0\r\nnonsense\r\n", 0, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				agent, at, stop := w.stranger(func(*dialog.Leg) {})
				defer stop()
				code, over := 0, make(chan struct{})
				ready := make(chan struct{})
				var leg *dialog.Leg
				o := dialog.InviteOptions{
					URI: sip.NewURI("202", boxAddr.Addr().String(), boxAddr.Port()), Dest: sip.NewFlow(sip.UDP, at, boxAddr),
					From: sip.Address{URI: sip.NewURI("u3", "192.0.2.40", 0)}, ContactUser: "u3", SDP: []byte(c.offer),
					On: func(ev dialog.Event) {
						<-ready
						switch e := ev.(type) {
						case dialog.Accepted:
							leg.AnswerOffer([]byte(c.answer))
						case dialog.Failed:
							code = e.Code
							close(over)
						case dialog.Ended, dialog.Lost:
							close(over)
						}
					}}
				if c.offer == "" {
					o.SDP = nil
				}
				leg = agent.Invite(o)
				close(ready)
				within(t, "end", over, 20*time.Second)
				pass(time.Second)
				n := w.stack.Counters()
				if code != c.code || n.BadContent.Load() != c.content || n.BadOffers.Load() != c.offers || w.pbx.BadAnswers() != c.answers {
					t.Errorf("answered %d; counted %d as content, %d as offers, %d as answers", code, n.BadContent.Load(), n.BadOffers.Load(), w.pbx.BadAnswers())
				}
			})
		})
	}
}

// A change of the session that cannot be used is refused in the call, which goes on.
func TestAChangeOfSoundThatCannotBeUsedIsCounted(t *testing.T) {
	inWorld(t, func(w *world) {
		o := w.dialOfferless("202")
		defer o.stop()
		within(t, "answer", o.up, 10*time.Second)
		pass(time.Second)
		o.leg.Reinvite([]byte("v=0\r\nnonsense\r\n"))
		pass(5 * time.Second)
		if n := w.stack.Counters(); n.BadContent.Load() != 1 {
			t.Errorf("counted %d times", n.BadContent.Load())
		}
		o.leg.Bye("")
		within(t, "end", o.end, 5*time.Second)
	})
}
