//go:build imagetest

package main

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"

	"centralino/internal/testbed"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sip"
)

// cableNet is a cable as a stack of SIP sees it.
type cableNet struct {
	*testbed.Namespace
	own netip.Addr
}

func (c cableNet) ListenUDP(addr netip.AddrPort) (sip.PacketConn, error) {
	return c.Namespace.ListenUDP(addr)
}

func (c cableNet) ListenTCP(netip.AddrPort) (net.Listener, error) { return nil, net.ErrClosed }

func (c cableNet) LocalIP(netip.Addr) (netip.Addr, error) { return c.own, nil }

// phoneOn connects a telephone that needs no processor to speak of: its sound goes
// nowhere. host ends its address.
func phoneOn(t *testing.T, cable *testbed.Namespace, user, password string, host byte) *pbxtest.Phone {
	t.Helper()
	own := cable.Addr(host)
	p, err := pbxtest.New(pbxtest.PhoneOptions{User: user, Password: password, Addr: netip.AddrPortFrom(own, 5060), Box: netip.AddrPortFrom(boxAddr, 5060),
		Wire: cableNet{cable, own}, Ports: &media.MemNet{}, Log: slog.New(slog.DiscardHandler)})
	want(t, "phone", err)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return p
}
