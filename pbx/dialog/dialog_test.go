package dialog_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

var (
	boxIP   = netip.MustParseAddr("192.0.2.1")
	phoneIP = netip.MustParseAddr("192.0.2.2")
	offer   = []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n")
	answer  = []byte("v=0\r\no=- 2 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n")
)

// log collects events of legs and lines of the wire as short words, with the
// virtual time since start for those that ask.
type record struct {
	mu    sync.Mutex
	words []string
	start time.Time
}

func (r *record) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words = append(r.words, fmt.Sprintf(format, args...))
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.words, ", ")
}

// word names an event in a test's expectation.
func word(e dialog.Event) string {
	switch e := e.(type) {
	case dialog.Progress:
		return fmt.Sprintf("progress %d%s", e.Code, withSDP(e.SDP))
	case dialog.Accepted:
		return "accepted" + withSDP(e.SDP)
	case dialog.Failed:
		return fmt.Sprintf("failed %d", e.Code)
	case dialog.Cancelled:
		if e.Elsewhere {
			return "cancelled elsewhere"
		}
		return "cancelled"
	case dialog.Acked:
		return "acked" + withSDP(e.SDP)
	case dialog.Reinvited:
		return "reinvited" + withSDP(e.SDP)
	case dialog.ReinviteAccepted:
		return "reinvite accepted" + withSDP(e.SDP)
	case dialog.ReinviteFailed:
		return fmt.Sprintf("reinvite failed %d", e.Code)
	case dialog.Digit:
		return fmt.Sprintf("digit %c", e.Digit)
	case dialog.Refer:
		return "refer " + e.To.URI.String()
	case dialog.Ended:
		return strings.TrimSpace("ended " + e.Reason)
	case dialog.Lost:
		return "lost: " + string(e.Cause)
	}
	return fmt.Sprintf("%T", e)
}

func withSDP(b []byte) string {
	if b == nil {
		return ""
	}
	return " sdp"
}

// party is one side of a test: a stack with an agent.
type party struct {
	t     *testing.T
	ip    netip.Addr
	stack *sip.Stack
	agent *dialog.Agent
	log   record
	legs  chan *dialog.Leg // incoming; 100000 are more than any test makes
	onLeg func(*dialog.Leg)
}

func newParty(t *testing.T, m *sip.MemNet, ip netip.Addr, change func(*dialog.Options)) *party {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	addrs := []netip.AddrPort{netip.AddrPortFrom(ip, 5060)}
	stack, err := sip.New(sip.Options{Net: m.Host(ip), UDP: addrs, TCP: addrs, Log: quiet,
		Exempt: func(netip.AddrPort) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	p := &party{t: t, ip: ip, stack: stack, legs: make(chan *dialog.Leg, 100000)}
	o := dialog.Options{Log: quiet, Incoming: func(l *dialog.Leg) {
		l.Listen(func(e dialog.Event) { p.log.add("%s", word(e)) })
		if p.onLeg != nil {
			p.onLeg(l)
		}
		p.legs <- l
	}}
	if change != nil {
		change(&o)
	}
	p.agent = dialog.New(stack, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = stack.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

// invite calls the other party.
func (p *party) invite(to *party, change func(*dialog.InviteOptions)) *dialog.Leg {
	o := dialog.InviteOptions{
		URI:         sip.NewURI("1001", to.ip.String(), 5060),
		From:        sip.Address{Display: "Anna", URI: sip.NewURI("1002", p.ip.String(), 0)},
		SDP:         offer,
		ContactUser: "1002",
		On:          func(e dialog.Event) { p.log.add("%s", word(e)) },
	}
	if change != nil {
		change(&o)
	}
	return p.agent.Invite(o)
}

// want compares a party's events.
func (p *party) want(words string) {
	p.t.Helper()
	if got := p.log.String(); got != words {
		p.t.Errorf("events of %s:\n got %s\nwant %s", p.ip, got, words)
	}
}

// pair makes a caller and a called party and settles after each step.
func pair(t *testing.T, run func(t *testing.T, m *sip.MemNet, caller, called *party)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := sip.NewMemNet()
		caller := newParty(t, m, phoneIP, nil)
		called := newParty(t, m, boxIP, nil)
		run(t, m, caller, called)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, p := range []*party{caller, called} {
			if n := p.agent.Legs(); n != 0 {
				t.Errorf("%d legs left at %s", n, p.ip)
			}
			if n := p.stack.Transactions(); n != 0 {
				t.Errorf("%d transactions left at %s", n, p.ip)
			}
		}
	})
}

func TestBasicCalls(t *testing.T) {
	t.Run("caller hangs up", func(t *testing.T) {
		pair(t, func(t *testing.T, _ *sip.MemNet, caller, called *party) {
			out := caller.invite(called, nil)
			in := <-called.legs
			in.Ring(180, nil)
			synctest.Wait()
			in.Accept(answer)
			synctest.Wait()
			out.Bye(dialog.Q850Reason(16, "normal"))
			synctest.Wait()
			caller.want("progress 180, accepted sdp, lost: hung up")
			called.want(`acked, ended Q.850;cause=16;text="normal"`)
		})
	})
	t.Run("called party hangs up, over TCP", func(t *testing.T) {
		pair(t, func(t *testing.T, _ *sip.MemNet, caller, called *party) {
			caller.invite(called, func(o *dialog.InviteOptions) {
				o.Dest = sip.Target{Transport: sip.TCP, Host: called.ip.String(), Port: 5060}
			})
			in := <-called.legs
			in.Ring(183, answer)
			in.Accept(answer)
			synctest.Wait()
			in.Bye("")
			synctest.Wait()
			caller.want("progress 183 sdp, accepted sdp, ended")
			called.want("acked, lost: hung up")
		})
	})
	t.Run("caller cancels because another phone answered", func(t *testing.T) {
		pair(t, func(t *testing.T, _ *sip.MemNet, caller, called *party) {
			out := caller.invite(called, nil)
			in := <-called.legs
			in.Ring(180, nil)
			synctest.Wait()
			out.Cancel(dialog.ElsewhereReason)
			synctest.Wait()
			caller.want("progress 180, failed 487")
			called.want("cancelled elsewhere")
		})
	})
	t.Run("called party is busy", func(t *testing.T) {
		pair(t, func(t *testing.T, _ *sip.MemNet, caller, called *party) {
			caller.invite(called, nil)
			(<-called.legs).Reject(486, "")
			synctest.Wait()
			caller.want("failed 486")
			called.want("lost: rejected")
		})
	})
	t.Run("offer comes in the 200, answer in the ACK", func(t *testing.T) {
		pair(t, func(t *testing.T, _ *sip.MemNet, caller, called *party) {
			out := caller.invite(called, func(o *dialog.InviteOptions) { o.SDP = nil })
			in := <-called.legs
			if in.Offer() != nil {
				t.Error("an offer was found")
			}
			in.Accept(offer)
			synctest.Wait()
			caller.want("accepted sdp")
			called.want("")
			out.AnswerOffer(answer)
			synctest.Wait()
			called.want("acked sdp")
			out.Bye("")
		})
	})
}
