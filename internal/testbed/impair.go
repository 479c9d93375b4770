package testbed

import (
	"container/heap"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// Impairment says what happens to packets on their way. Probabilities are 0 to 1
// and drawn from Seed in the order of packets, so a run can be repeated.
type Impairment struct {
	Seed      uint64
	Loss      float64       // share of packets lost
	Burst     float64       // mean length of a loss burst (Gilbert); 0 or 1: single losses
	Delay     time.Duration // of every packet
	Jitter    time.Duration // added delay, evenly 0 to Jitter; packets overtake each other
	Reorder   float64       // share of packets held back by 30 ms more
	Duplicate float64       // share of packets sent twice
}

// Fate is what befalls one packet: After holds one delay per copy that arrives,
// none when it is lost.
type Fate struct{ After []time.Duration }

// Dice deals out fates; it is not safe for concurrent use.
type Dice struct {
	i    Impairment
	rand *rand.Rand
	bad  bool
}

// NewDice returns the dice of an impairment; equal impairments give equal fates.
func NewDice(i Impairment) *Dice {
	return &Dice{i: i, rand: rand.New(rand.NewPCG(i.Seed, 0x5eed))}
}

// Next returns the fate of the next packet.
func (d *Dice) Next() Fate {
	if d.lost() {
		return Fate{}
	}
	copies := 1
	if d.rand.Float64() < d.i.Duplicate {
		copies = 2
	}
	f := Fate{}
	for range copies {
		after := d.i.Delay
		if d.i.Jitter > 0 {
			after += time.Duration(d.rand.Int64N(int64(d.i.Jitter)))
		}
		if d.rand.Float64() < d.i.Reorder {
			after += 30 * time.Millisecond
		}
		f.After = append(f.After, after)
	}
	return f
}

// lost walks a two-state Gilbert model whose mean loss is Loss and whose bad
// state lasts Burst packets on average.
func (d *Dice) lost() bool {
	if d.i.Loss <= 0 {
		return false
	}
	burst := max(d.i.Burst, 1)
	if burst == 1 {
		return d.rand.Float64() < d.i.Loss
	}
	leave := 1 / burst
	enter := leave * d.i.Loss / (1 - d.i.Loss)
	if d.bad {
		d.bad = d.rand.Float64() >= leave
	} else {
		d.bad = d.rand.Float64() < enter
	}
	return d.bad
}

// Relay is a UDP relay that impairs what passes: whoever sends to Addr reaches
// the target, from a socket of his own at the relay's address, and gets its
// answers back.
type Relay struct {
	Addr netip.AddrPort

	ns     *Namespace
	target netip.AddrPort
	front  *net.UDPConn
	to     *path // all clients to target
	back   *path // target to all clients

	mu      sync.Mutex
	clients map[netip.AddrPort]*net.UDPConn
	wg      sync.WaitGroup
	stopped bool
}

// StartRelay opens a relay at addr (port 0: any) towards target. there impairs
// the way to the target, back the way from it. It ends with the test.
func StartRelay(t testing.TB, ns *Namespace, addr, target netip.AddrPort, there, back Impairment) *Relay {
	t.Helper()
	front, err := ns.ListenUDP(addr)
	if err != nil {
		t.Fatalf("open relay at %s: %v", addr, err)
	}
	r := &Relay{Addr: front.LocalAddr().(*net.UDPAddr).AddrPort(), ns: ns, target: target, front: front,
		to: newPath(there), back: newPath(back), clients: map[netip.AddrPort]*net.UDPConn{}}
	r.wg.Add(3)
	go func() { defer r.wg.Done(); r.to.run() }()
	go func() { defer r.wg.Done(); r.back.run() }()
	go func() { defer r.wg.Done(); r.readFront() }()
	t.Cleanup(r.Stop)
	return r
}

// Stop closes the relay; packets under way are lost.
func (r *Relay) Stop() {
	r.mu.Lock()
	if r.stopped {
		r.mu.Unlock()
		return
	}
	r.stopped = true
	for _, c := range r.clients {
		c.Close()
	}
	r.mu.Unlock()
	r.front.Close()
	r.to.stop()
	r.back.stop()
	r.wg.Wait()
}

func (r *Relay) readFront() {
	buf := make([]byte, 65536)
	for {
		n, from, err := r.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if c := r.client(from); c != nil {
			r.to.send(buf[:n], func(b []byte) { _, _ = c.WriteToUDPAddrPort(b, r.target) })
		}
	}
}

// client returns the socket that stands for a sender towards the target.
func (r *Relay) client(from netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.clients[from]; ok || r.stopped {
		return c
	}
	c, err := r.ns.ListenUDP(netip.AddrPortFrom(r.Addr.Addr(), 0))
	if err != nil {
		return nil
	}
	r.clients[from] = c
	r.wg.Add(1)
	go func() {
		defer r.wg.Done()
		buf := make([]byte, 65536)
		for {
			n, _, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			r.back.send(buf[:n], func(b []byte) { _, _ = r.front.WriteToUDPAddrPort(b, from) })
		}
	}()
	return c
}

// path holds packets of one direction until they are due.
type path struct {
	mu    sync.Mutex
	dice  *Dice
	queue parcels
	order uint64
	wake  chan struct{} // 1: a signal that is not yet seen stands for all
	end   chan struct{}
}

func newPath(i Impairment) *path {
	return &path{dice: NewDice(i), wake: make(chan struct{}, 1), end: make(chan struct{})}
}

func (p *path) stop() { close(p.end) }

func (p *path) send(b []byte, write func([]byte)) {
	now := time.Now()
	p.mu.Lock()
	for _, after := range p.dice.Next().After {
		p.order++
		heap.Push(&p.queue, parcel{now.Add(after), p.order, append([]byte(nil), b...), write})
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *path) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		p.mu.Lock()
		var due []parcel
		now := time.Now()
		for len(p.queue) > 0 && !p.queue[0].at.After(now) {
			due = append(due, heap.Pop(&p.queue).(parcel))
		}
		next := time.Hour
		if len(p.queue) > 0 {
			next = p.queue[0].at.Sub(now)
		}
		p.mu.Unlock()
		for _, d := range due {
			d.write(d.bytes)
		}
		timer.Reset(next)
		select {
		case <-p.wake:
		case <-timer.C:
		case <-p.end:
			return
		}
	}
}

type parcel struct {
	at    time.Time
	order uint64
	bytes []byte
	write func([]byte)
}

// parcels is a heap by due time, then by order of arrival.
type parcels []parcel

func (q parcels) Len() int { return len(q) }
func (q parcels) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].order < q[j].order
	}
	return q[i].at.Before(q[j].at)
}
func (q parcels) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *parcels) Push(x any)   { *q = append(*q, x.(parcel)) }
func (q *parcels) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
