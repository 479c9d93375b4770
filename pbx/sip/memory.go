package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// MemNet is a network in memory: hosts with IP addresses that send datagrams and
// open streams to each other, without sockets, so that whole stacks run in a
// synctest bubble. Make it inside the bubble. All methods may be called from any
// goroutine.
type MemNet struct {
	// Wire, if set before use, decides about each datagram: how many copies arrive
	// (0 loses it) and after what delay.
	Wire func(from, to netip.AddrPort, b []byte) (copies int, delay time.Duration)

	mu      sync.Mutex
	packets map[netip.AddrPort]*memPacketConn
	streams map[netip.AddrPort]*memListener
	port    uint16
}

// NewMemNet makes an empty network.
func NewMemNet() *MemNet {
	return &MemNet{
		packets: make(map[netip.AddrPort]*memPacketConn),
		streams: make(map[netip.AddrPort]*memListener),
		port:    32768,
	}
}

// Host returns the network as the host with that address sees it.
func (m *MemNet) Host(ip netip.Addr) Net { return memHost{m, ip} }

type memHost struct {
	m  *MemNet
	ip netip.Addr
}

func (h memHost) bind(a netip.AddrPort, used func(netip.AddrPort) bool) (netip.AddrPort, error) {
	ip, port := h.ip, a.Port()
	if port == 0 {
		for port = h.m.port; used(netip.AddrPortFrom(ip, port)); port++ {
		}
		h.m.port = port + 1
	}
	a = netip.AddrPortFrom(ip, port)
	if used(a) {
		return a, fmt.Errorf("bind %s: address in use", a)
	}
	return a, nil
}

// ListenUDP implements Net.
func (h memHost) ListenUDP(addr netip.AddrPort) (PacketConn, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	a, err := h.bind(addr, func(a netip.AddrPort) bool { return h.m.packets[a] != nil })
	if err != nil {
		return nil, err
	}
	c := &memPacketConn{m: h.m, local: a, wake: make(chan struct{}, 1), done: make(chan struct{})}
	h.m.packets[a] = c
	return c, nil
}

type memPacket struct {
	from netip.AddrPort
	b    []byte
}

// memReceiveBuffer is how many datagrams wait for their reader; more are lost, as
// in a kernel's receive buffer.
const memReceiveBuffer = 65536

type memPacketConn struct {
	m     *MemNet
	local netip.AddrPort
	wake  chan struct{} // one token: something is in the queue
	done  chan struct{}
	once  sync.Once

	mu    sync.Mutex
	queue []memPacket
}

func (c *memPacketConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		c.mu.Lock()
		if len(c.queue) > 0 {
			p := c.queue[0]
			c.queue[0] = memPacket{}
			if c.queue = c.queue[1:]; len(c.queue) == 0 {
				c.queue = nil
			}
			c.mu.Unlock()
			return copy(b, p.b), p.from, nil
		}
		c.mu.Unlock()
		select {
		case <-c.wake:
		case <-c.done:
			return 0, netip.AddrPort{}, net.ErrClosed
		}
	}
}

func (c *memPacketConn) put(p memPacket) {
	c.mu.Lock()
	if len(c.queue) < memReceiveBuffer {
		c.queue = append(c.queue, p)
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *memPacketConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.done:
		return 0, net.ErrClosed
	default:
	}
	copies, delay := 1, time.Duration(0)
	if c.m.Wire != nil {
		copies, delay = c.m.Wire(c.local, to, b)
	}
	for range copies {
		p := memPacket{c.local, append([]byte(nil), b...)}
		if delay > 0 {
			time.AfterFunc(delay, func() { c.m.deliver(to, p) })
			continue
		}
		c.m.deliver(to, p)
	}
	return len(b), nil
}

func (m *MemNet) deliver(to netip.AddrPort, p memPacket) {
	m.mu.Lock()
	c := m.packets[to]
	m.mu.Unlock()
	if c != nil {
		c.put(p)
	}
}

func (c *memPacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

func (c *memPacketConn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.m.mu.Lock()
		delete(c.m.packets, c.local)
		c.m.mu.Unlock()
	})
	return nil
}

// ListenTCP implements Net.
func (h memHost) ListenTCP(addr netip.AddrPort) (net.Listener, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	a, err := h.bind(addr, func(a netip.AddrPort) bool { return h.m.streams[a] != nil })
	if err != nil {
		return nil, err
	}
	// 16 connections may wait to be accepted, as in a small listen backlog.
	l := &memListener{m: h.m, local: a, in: make(chan net.Conn, 16), done: make(chan struct{})}
	h.m.streams[a] = l
	return l, nil
}

// DialTCP implements Net.
func (h memHost) DialTCP(ctx context.Context, remote netip.AddrPort) (net.Conn, error) {
	h.m.mu.Lock()
	l := h.m.streams[remote]
	local := netip.AddrPortFrom(h.ip, h.m.port)
	h.m.port++
	h.m.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s: connection refused", remote)
	}
	near, far := net.Pipe()
	select {
	case l.in <- &memConn{far, remote, local}:
		return &memConn{near, local, remote}, nil
	case <-l.done:
		return nil, fmt.Errorf("dial %s: connection refused", remote)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// LocalIP implements Net.
func (h memHost) LocalIP(netip.Addr) (netip.Addr, error) { return h.ip, nil }

type memListener struct {
	m     *MemNet
	local netip.AddrPort
	in    chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.in:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.local) }

func (l *memListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.m.mu.Lock()
		delete(l.m.streams, l.local)
		l.m.mu.Unlock()
	})
	return nil
}

// memConn gives a pipe the addresses of its ends.
type memConn struct {
	net.Conn
	local, remote netip.AddrPort
}

func (c *memConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *memConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }
