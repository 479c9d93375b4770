package dialog_test

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"centralino/internal/testbed"
	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// kernelBox is an agent on the loopback of the kernel.
func kernelBox(t *testing.T, incoming func(*dialog.Leg)) (*dialog.Agent, *sip.Stack) {
	t.Helper()
	loopback := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	stack, err := sip.New(sip.Options{Net: sip.KernelNet{}, UDP: loopback, TCP: loopback})
	if err != nil {
		t.Fatal(err)
	}
	agent := dialog.New(stack, dialog.Options{Incoming: incoming})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = stack.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return agent, stack
}

// TestSIPpCallsUs: SIPp's own caller (INVITE, 180, 200, ACK, BYE) over both
// transports.
func TestSIPpCallsUs(t *testing.T) {
	const calls = 200
	for _, transport := range []string{sip.UDP, sip.TCP} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			var ended atomic.Int64
			agent, stack := kernelBox(t, func(in *dialog.Leg) {
				in.Listen(func(e dialog.Event) {
					if _, ok := e.(dialog.Ended); ok {
						ended.Add(1)
					}
				})
				in.Ring(180, nil)
				in.Accept(answer)
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got, err := testbed.RunSIPp(ctx, t, testbed.SIPpOptions{
				Scenario: "uac", Transport: transport, Local: netip.MustParseAddrPort("127.0.0.1:0"),
				Target: stack.Addrs(transport)[0], Calls: calls, Rate: 100,
			})
			if err != nil || got.Successful != calls || got.Failed != 0 {
				t.Fatalf("%+v, %v", got, err)
			}
			if n := ended.Load(); n != calls || agent.Legs() != 0 {
				t.Errorf("%d of %d ended, %d legs left", n, calls, agent.Legs())
			}
		})
	}
}

// TestWeCallSIPp: SIPp's own called party (180, 200, waits for ACK and BYE).
func TestWeCallSIPp(t *testing.T) {
	const calls = 200
	t.Parallel()
	agent, _ := kernelBox(t, func(*dialog.Leg) {})
	at := freePort(t)
	peer := testbed.StartSIPp(t, testbed.SIPpOptions{Scenario: "uas", Local: at, Calls: calls})
	// Ten at once: with more, a SIPp on a busy machine repeats its 200s, and its
	// scenario counts the ACKs of the repeats as failures.
	ends := make(chan string, 10)
	for n := range calls + cap(ends) {
		if n >= cap(ends) {
			select {
			case w := <-ends:
				if w != "lost: hung up" {
					t.Error(w)
				}
			case <-time.After(time.Minute):
				t.Fatal("a call did not end")
			}
		}
		if n >= calls {
			continue
		}
		var out *dialog.Leg
		ready := make(chan struct{})
		out = agent.Invite(dialog.InviteOptions{
			URI: sip.NewURI("service", "127.0.0.1", at.Port()), SDP: offer, ContactUser: "box",
			From: sip.Address{URI: sip.NewURI("box", "127.0.0.1", 0)},
			On: func(e dialog.Event) {
				<-ready
				switch e := e.(type) {
				case dialog.Accepted:
					out.Bye("")
				case dialog.Failed, dialog.Lost, dialog.Ended:
					ends <- word(e)
				}
			},
		})
		close(ready)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := peer.Wait(ctx)
	if err != nil || got.Successful != calls || got.Failed != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// freePort returns a UDP address of the loopback that nobody uses.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := sip.KernelNet{}.ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return netip.MustParseAddrPort(c.LocalAddr().String())
}
