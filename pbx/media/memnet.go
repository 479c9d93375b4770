package media

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// MemNet is a Net in memory, for tests in testing/synctest bubbles: datagrams go
// from port to port, at once or as Fault says. Its zero value is ready.
type MemNet struct {
	// Fault, if set before the first packet, decides about each datagram: whether
	// it is lost, and how long it takes. It is called under a lock.
	Fault func(from, to netip.AddrPort) (lost bool, delay time.Duration)

	mu    sync.Mutex
	ports map[netip.AddrPort]*MemSocket
	next  uint16
}

// memQueue is how many datagrams a port holds; more are lost, as in the kernel.
const memQueue = 256

type memPacket struct {
	b    []byte
	from netip.AddrPort
}

// MemSocket is one port of a MemNet. Beside what a loop uses of it, a test has
// Receive, which waits.
type MemSocket struct {
	net   *MemNet
	local netip.AddrPort

	mu     sync.Mutex
	queue  []memPacket
	closed bool
	poller *memPoller
	token  uint32
	ready  chan struct{} // 1: something was queued since Receive looked
}

// Bind opens a port; port 0 is any.
func (n *MemNet) Bind(local netip.AddrPort) (Socket, error) { return n.Listen(local) }

// Listen is Bind for a test that plays a telephone.
func (n *MemNet) Listen(local netip.AddrPort) (*MemSocket, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ports == nil {
		n.ports, n.next = map[netip.AddrPort]*MemSocket{}, 40000
	}
	for local.Port() == 0 || n.next == 0 {
		n.next++
		if p := netip.AddrPortFrom(local.Addr(), n.next); n.ports[p] == nil {
			local = p
		}
	}
	if n.ports[local] != nil {
		return nil, fmt.Errorf("bind %s: %w", local, ErrPortTaken)
	}
	s := &MemSocket{net: n, local: local, ready: make(chan struct{}, 1)}
	n.ports[local] = s
	return s, nil
}

func (n *MemNet) send(from, to netip.AddrPort, b []byte) {
	n.mu.Lock()
	dst := n.ports[to]
	var delay time.Duration
	lost := dst == nil
	if !lost && n.Fault != nil {
		lost, delay = n.Fault(from, to)
	}
	n.mu.Unlock()
	if lost {
		return
	}
	p := memPacket{append([]byte(nil), b...), from}
	if delay <= 0 {
		dst.deliver(p)
		return
	}
	time.AfterFunc(delay, func() { dst.deliver(p) })
}

func (s *MemSocket) deliver(p memPacket) {
	s.mu.Lock()
	if s.closed || len(s.queue) >= memQueue {
		s.mu.Unlock()
		return
	}
	s.queue = append(s.queue, p)
	poller, token := s.poller, s.token
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
	if poller != nil {
		poller.signal(token)
	}
}

// Local is the address of the port.
func (s *MemSocket) Local() netip.AddrPort { return s.local }

// Read takes a datagram or says ErrWouldBlock.
func (s *MemSocket) Read(b []byte) (int, netip.AddrPort, error) {
	s.mu.Lock()
	if len(s.queue) == 0 {
		s.mu.Unlock()
		return 0, netip.AddrPort{}, ErrWouldBlock
	}
	p := s.queue[0]
	s.queue = s.queue[1:]
	poller, token, more := s.poller, s.token, len(s.queue) > 0
	s.mu.Unlock()
	if more && poller != nil {
		poller.signal(token)
	}
	return copy(b, p.b), p.from, nil
}

// Receive waits for a datagram, at most for timeout; ErrWouldBlock then.
func (s *MemSocket) Receive(b []byte, timeout time.Duration) (int, netip.AddrPort, error) {
	t := time.NewTimer(timeout)
	defer t.Stop()
	for {
		n, from, err := s.Read(b)
		if err == nil {
			return n, from, nil
		}
		select {
		case <-s.ready:
		case <-t.C:
			return 0, netip.AddrPort{}, err
		}
	}
}

// Write sends a datagram; to nobody it is lost.
func (s *MemSocket) Write(b []byte, to netip.AddrPort) error {
	s.net.send(s.local, to, b)
	return nil
}

// Close gives the port back.
func (s *MemSocket) Close() error {
	s.mu.Lock()
	s.closed, s.queue, s.poller = true, nil, nil
	s.mu.Unlock()
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if s.net.ports[s.local] == s {
		delete(s.net.ports, s.local)
	}
	return nil
}

// memPoller collects the tokens of sockets that have something to read.
type memPoller struct {
	timer  *time.Timer // of Wait, which one goroutine calls
	mu     sync.Mutex
	tokens []uint32
	set    map[uint32]bool
	ring   chan struct{} // 1: woken since Wait looked
}

// NewPoller makes what one loop waits with.
func (n *MemNet) NewPoller() (Poller, error) {
	return &memPoller{set: map[uint32]bool{}, ring: make(chan struct{}, 1)}, nil
}

func (p *memPoller) signal(token uint32) {
	p.mu.Lock()
	if !p.set[token] {
		p.set[token] = true
		p.tokens = append(p.tokens, token)
	}
	p.mu.Unlock()
	p.Wake()
}

func (p *memPoller) Add(s Socket, token uint32) error {
	m := s.(*MemSocket)
	m.mu.Lock()
	m.poller, m.token = p, token
	waiting := len(m.queue) > 0
	m.mu.Unlock()
	if waiting {
		p.signal(token)
	}
	return nil
}

func (p *memPoller) Remove(s Socket) error {
	m := s.(*MemSocket)
	m.mu.Lock()
	m.poller = nil
	m.mu.Unlock()
	return nil
}

func (p *memPoller) Wait(tokens []uint32, timeout time.Duration) (int, error) {
	if n := p.collect(tokens); n > 0 || timeout == 0 {
		return n, nil
	}
	var expired <-chan time.Time
	if timeout > 0 {
		if p.timer == nil {
			p.timer = time.NewTimer(timeout)
		} else {
			p.timer.Reset(timeout)
		}
		defer p.timer.Stop()
		expired = p.timer.C
	}
	select {
	case <-p.ring:
	case <-expired:
	}
	return p.collect(tokens), nil
}

func (p *memPoller) collect(tokens []uint32) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := copy(tokens, p.tokens)
	for _, t := range p.tokens[:n] {
		delete(p.set, t)
	}
	p.tokens = append(p.tokens[:0], p.tokens[n:]...)
	return n
}

func (p *memPoller) Wake() {
	select {
	case p.ring <- struct{}{}:
	default:
	}
}

func (p *memPoller) Close() error { return nil }
