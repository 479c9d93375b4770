package network

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// kernelWire is the client's UDP port 68 on one interface. Answers to a host without an
// address are asked for as broadcasts, which the kernel hands to an interface that has
// none yet; so no raw socket is needed.
type kernelWire struct {
	c        net.PacketConn
	received chan []byte
}

// waiting is how many messages may wait for the client, which reads them at once while
// it waits for an answer; more than a few are other hosts' and are dropped.
const waiting = 16

// Open opens UDP port 68 on an interface.
func (System) Open(name string) (Wire, func(), error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			if err = unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, name); err == nil {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			}
		}); e != nil {
			return e
		}
		return err
	}}
	c, err := lc.ListenPacket(context.Background(), "udp4", "0.0.0.0:68")
	if err != nil {
		return nil, nil, err
	}
	w := &kernelWire{c: c, received: make(chan []byte, waiting)}
	go w.read() // ends with the socket
	return w, func() { _ = c.Close() }, nil
}

func (w *kernelWire) read() {
	defer close(w.received)
	b := make([]byte, 2048)
	for {
		n, from, err := w.c.ReadFrom(b)
		if err != nil {
			return
		}
		if a, ok := from.(*net.UDPAddr); !ok || a.Port != 67 {
			continue
		}
		select {
		case w.received <- bytes.Clone(b[:n]):
		default:
		}
	}
}

// Received gives what came.
func (w *kernelWire) Received() <-chan []byte { return w.received }

// Send sends to a server, or to everybody.
func (w *kernelWire) Send(b []byte, to netip.Addr) error {
	if !to.IsValid() {
		to = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	_, err := w.c.WriteTo(b, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 67)))
	return err
}

// The waits of RFC 3927 clause 9: probes, from one to the next, and after the last one.
const (
	probes     = 3
	probeEvery = 500 * time.Millisecond // "1 to 2 s" is for networks of radio and modems
	probeAfter = time.Second
)

// Taken sends ARP probes (RFC 5227 clause 2.1.1) and listens for whoever has the address
// or wants it, too. Without the right to do so it says no.
func (System) Taken(ctx context.Context, name string, hardware [6]byte, a netip.Addr) bool {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return false
	}
	arp := uint16(unix.ETH_P_ARP)
	network := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, arp))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(network))
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	here := &unix.SockaddrLinklayer{Protocol: network, Ifindex: i.Index}
	if unix.Bind(fd, here) != nil {
		return false
	}
	all := &unix.SockaddrLinklayer{Protocol: network, Ifindex: i.Index, Halen: 6, Addr: [8]byte{255, 255, 255, 255, 255, 255}}
	b := make([]byte, 256)
	for n := range probes {
		if unix.Sendto(fd, arpProbe(hardware, a), 0, all) != nil {
			return false
		}
		end := time.Now().Add(probeEvery)
		if n == probes-1 {
			end = time.Now().Add(probeAfter)
		}
		for left := time.Until(end); left > 0 && ctx.Err() == nil; left = time.Until(end) {
			tv := unix.NsecToTimeval(max(left, time.Millisecond).Nanoseconds())
			if unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv) != nil {
				return false
			}
			if got, _, err := unix.Recvfrom(fd, b, 0); err == nil && arpConflict(b[:got], hardware, a) {
				return true
			}
		}
	}
	return false
}
