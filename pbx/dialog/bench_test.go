package dialog_test

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"testing"

	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// BenchmarkCall is one whole call between two agents on the loopback of the kernel:
// INVITE, 100, 180, 200, ACK, BYE, 200, with both sides' work counted.
func BenchmarkCall(b *testing.B) {
	b.ReportAllocs()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	party := func(incoming func(*dialog.Leg)) (*dialog.Agent, *sip.Stack) {
		stack, err := sip.New(sip.Options{Net: sip.KernelNet{}, Log: quiet,
			UDP:    []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
			Exempt: func(netip.AddrPort) bool { return true }})
		if err != nil {
			b.Fatal(err)
		}
		agent := dialog.New(stack, dialog.Options{Incoming: incoming, Log: quiet})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = stack.Run(ctx) }()
		b.Cleanup(func() { cancel(); <-done })
		return agent, stack
	}
	caller, _ := party(func(*dialog.Leg) {})
	_, called := party(func(in *dialog.Leg) {
		in.Listen(func(dialog.Event) {})
		in.Ring(180, nil)
		in.Accept(answer)
	})
	to := called.Addrs(sip.UDP)[0]
	done := make(chan struct{}, 1)
	for b.Loop() {
		var out *dialog.Leg
		ready := make(chan struct{})
		out = caller.Invite(dialog.InviteOptions{
			URI: sip.NewURI("1001", to.Addr().String(), to.Port()), SDP: offer, ContactUser: "1002",
			From: sip.Address{URI: sip.NewURI("1002", "127.0.0.1", 0)},
			On: func(e dialog.Event) {
				<-ready
				switch e.(type) {
				case dialog.Accepted:
					out.Bye("")
				case dialog.Lost:
					done <- struct{}{}
				}
			},
		})
		close(ready)
		<-done
	}
}
