package media_test

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
)

// bare is the simplest relay in Go: a goroutine for each leg, which forwards what
// it reads to the last source of the other leg.
type bare struct {
	legs []*bareLeg
	wg   sync.WaitGroup
}

type bareLeg struct {
	conn *net.UDPConn
	to   atomic.Pointer[netip.AddrPort]
}

func bareRelay(t testing.TB) *bare {
	r := &bare{}
	for range 2 * relayCalls {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		r.legs = append(r.legs, &bareLeg{conn: c})
	}
	for i, leg := range r.legs {
		r.wg.Go(func() { leg.forward(r.legs[i^1]) })
	}
	return r
}

func (l *bareLeg) forward(peer *bareLeg) {
	buf := make([]byte, 1500)
	var last netip.AddrPort
	for {
		n, from, err := l.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if from != last {
			last = from
			src := from
			l.to.Store(&src)
		}
		if to := peer.to.Load(); to != nil {
			_, _ = peer.conn.WriteToUDPAddrPort(buf[:n], *to)
		}
	}
}

func (r *bare) port(i int) netip.AddrPort {
	return r.legs[i].conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (r *bare) close() {
	for _, l := range r.legs {
		l.conn.Close()
	}
	r.wg.Wait()
}
