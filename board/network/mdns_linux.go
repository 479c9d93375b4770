package network

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// kernelGroup is UDP port 5353 on one interface.
type kernelGroup struct {
	c        *net.UDPConn
	received chan Datagram
}

// JoinNames opens multicast DNS on an interface. Messages go out with a time to live of
// 255 (RFC 6762 clause 11) and do not come back to the box itself.
func JoinNames(name string) (Group, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	set := func(fd int) error {
		join := &unix.IPMreqn{Multiaddr: [4]byte{224, 0, 0, 251}, Ifindex: int32(i.Index)}
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, name),
			unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, join),
			unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, join),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 255),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, 255),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0),
		)
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = set(int(fd)) }); e != nil {
			return e
		}
		return err
	}}
	c, err := lc.ListenPacket(context.Background(), "udp4", "0.0.0.0:5353")
	if err != nil {
		return nil, err
	}
	g := &kernelGroup{c: c.(*net.UDPConn), received: make(chan Datagram, waiting)}
	go g.read() // ends with the socket
	return g, nil
}

func (g *kernelGroup) read() {
	defer close(g.received)
	b := make([]byte, 9000) // RFC 6762 clause 17
	for {
		n, from, err := g.c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		select {
		case g.received <- Datagram{bytes.Clone(b[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}:
		default: // a flood; who needs an answer asks again
		}
	}
}

func (g *kernelGroup) Received() <-chan Datagram { return g.received }

func (g *kernelGroup) Send(b []byte, to netip.AddrPort) error {
	_, err := g.c.WriteToUDPAddrPort(b, to)
	return err
}

func (g *kernelGroup) Close() { _ = g.c.Close() }
