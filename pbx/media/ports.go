package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// portPool gives out even ports. A port that came back rests for a while, so that
// late packets of an old call do not reach a new one; the order is shuffled.
type portPool struct {
	mu    sync.Mutex
	rest  time.Duration
	kept  int        // for calls for help
	queue []freePort // in the order of their release
}

// keptPorts is how many pairs of ports are kept for calls for help: each needs one for
// its phone and one for its provider. A small range keeps an eighth.
const keptPorts = 16

type freePort struct {
	port  uint16
	since time.Time // zero: never used
}

func newPortPool(lo, hi uint16, rest time.Duration) *portPool {
	p := &portPool{rest: rest}
	for port := uint32(lo) + uint32(lo&1); port+1 <= uint32(hi); port += 2 {
		p.queue = append(p.queue, freePort{port: uint16(port)})
	}
	p.kept = min(keptPorts, len(p.queue)/8)
	rand.Shuffle(len(p.queue), func(i, j int) { p.queue[i], p.queue[j] = p.queue[j], p.queue[i] })
	return p
}

// errNoPort says that every port is in use or resting.
var errNoPort = errors.New("no free port")

// take gives a port that has rested, unless only the kept ones are left.
func (p *portPool) take() (uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) <= p.kept {
		return 0, errNoPort
	}
	if last := p.queue[p.kept]; !last.since.IsZero() && time.Since(last.since) < p.rest {
		return 0, errNoPort
	}
	return p.first(), nil
}

// takeKept gives any port that nobody uses.
func (p *portPool) takeKept() (uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return 0, errNoPort
	}
	return p.first(), nil
}

// first takes the port that has rested longest. Called with mu held.
func (p *portPool) first() uint16 {
	port := p.queue[0].port
	p.queue = p.queue[1:]
	return port
}

func (p *portPool) give(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, freePort{port, time.Now()})
}

// bindTries bounds the search for a pair of ports that no other program has.
const bindTries = 64

// bindPair opens an even port for RTP and the odd one after it for RTCP.
func (p *Plane) bindPair(o RTPOptions) (*rtpEnd, error) {
	addr, take := o.Bind, p.ports.take
	if o.Urgent {
		take = p.ports.takeKept
	}
	var last error
	for range bindTries {
		port, err := take()
		if err != nil {
			return nil, err
		}
		rtp, err := p.o.Net.Bind(netip.AddrPortFrom(addr, port))
		if err == nil {
			rtcp, err2 := p.o.Net.Bind(netip.AddrPortFrom(addr, port+1))
			if err2 == nil {
				return newRTPEnd(rtp, rtcp), nil
			}
			rtp.Close()
			err = err2
		}
		p.ports.give(port)
		if !errors.Is(err, ErrPortTaken) {
			return nil, err
		}
		last = err
	}
	return nil, fmt.Errorf("%d pairs of ports tried: %w", bindTries, last)
}
