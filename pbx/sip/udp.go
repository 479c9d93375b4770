package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// udpSocket is one UDP listener. Its reader is the only one that replaces conn,
// after an error, with a socket on the same address.
type udpSocket struct {
	s     *Stack
	local netip.AddrPort
	conn  atomic.Pointer[PacketConn]
}

func newUDPSocket(s *Stack, c PacketConn) *udpSocket {
	u := &udpSocket{s: s, local: addrPortOf(c.LocalAddr())}
	u.conn.Store(&c)
	return u
}

func (u *udpSocket) close() { _ = (*u.conn.Load()).Close() }

// serve reads until the stack ends, and opens the socket again when it breaks.
func (u *udpSocket) serve() {
	wait := 50 * time.Millisecond
	for {
		err := u.read()
		if u.s.ctx.Err() != nil {
			return
		}
		u.s.counters.ListenerRestarts.Add(1)
		u.s.log.note("SIP listener broke", "addr", u.local.String(), "error", err)
		u.close()
		for {
			select {
			case <-u.s.ctx.Done():
				return
			case <-time.After(wait):
			}
			c, err := u.s.o.Net.ListenUDP(u.local)
			if err == nil {
				u.conn.Store(&c)
				if u.s.ctx.Err() != nil { // closeListeners may have passed before
					u.close()
					return
				}
				break
			}
			wait = min(2*wait, 5*time.Second)
		}
	}
}

func (u *udpSocket) read() error {
	conn := *u.conn.Load()
	buf := make([]byte, 65536)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				continue
			}
			return err
		}
		b := trimLead(buf[:n])
		if isKeepalive(b) {
			u.s.counters.Keepalives.Add(1)
			continue
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		u.s.receive(b, Flow{UDP, u.local, from})
	}
}

// writeUDP sends from the listener that the flow names, else from one of the right
// family.
func (s *Stack) writeUDP(f Flow, b []byte) error {
	if !f.remote.IsValid() || f.remote.Port() == 0 {
		return fmt.Errorf("no address")
	}
	var pick *udpSocket
	for _, u := range s.udp {
		if u.local == f.local {
			pick = u
			break
		}
		if pick == nil || sameFamily(u.local.Addr(), f.remote.Addr()) && !sameFamily(pick.local.Addr(), f.remote.Addr()) {
			pick = u
		}
	}
	if pick == nil {
		return fmt.Errorf("no UDP listener")
	}
	_, err := (*pick.conn.Load()).WriteToUDPAddrPort(b, f.remote)
	return err
}

func sameFamily(a, b netip.Addr) bool {
	return a.Is4() == b.Is4() || a.Is6() && a.IsUnspecified()
}
