package media_test

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/pbx/media"
	"centralino/pbx/sdp"
)

// lossy is a network of real sockets between two streams that loses every tenth RTP
// packet and delays every seventh by 15 ms. RTCP passes.
type lossy struct {
	t     *testing.T
	wg    sync.WaitGroup
	conns []*net.UDPConn
	every func(n int) // called for each RTP packet
}

// relay opens a pair of sockets that pass on to a stream's pair, and returns its
// RTP address.
func (x *lossy) relay(from func(rtcp int) *net.UDPConn, to netip.AddrPort) netip.AddrPort {
	var pair [2]*net.UDPConn
	for pair[1] == nil {
		a, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
		if err != nil {
			x.t.Fatal(err)
		}
		at := a.LocalAddr().(*net.UDPAddr).AddrPort()
		if b, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, at.Port()+1))); err == nil {
			pair = [2]*net.UDPConn{a, b}
			x.conns = append(x.conns, a, b)
		} else {
			a.Close()
		}
	}
	for i, c := range pair {
		dst := netip.AddrPortFrom(to.Addr(), to.Port()+uint16(i))
		x.wg.Go(func() {
			buf := make([]byte, 2048)
			for n := 1; ; n++ {
				k, _, err := c.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				if i == 0 {
					x.every(n)
					if n%10 == 0 {
						continue
					}
				}
				b := append([]byte(nil), buf[:k]...)
				send := func() { _, _ = from(i).WriteToUDPAddrPort(b, dst) } // what is lost is lost
				if i == 0 && n%7 == 0 {
					time.AfterFunc(15*time.Millisecond, send)
					continue
				}
				send()
			}
		})
	}
	return pair[0].LocalAddr().(*net.UDPAddr).AddrPort()
}

// TestFiguresFromRealReports: two planes on the kernel's network report to each other
// what the network between them did.
func TestFiguresFromRealReports(t *testing.T) {
	t.Parallel()
	p, q := kernelPlane(t), kernelPlane(t)
	a, err := p.OpenRTP(media.RTPOptions{Bind: loopback})
	if err != nil {
		t.Fatal(err)
	}
	b, err := q.OpenRTP(media.RTPOptions{Bind: loopback})
	if err != nil {
		t.Fatal(err)
	}
	full := make(chan media.Stats, 1)
	x := &lossy{t: t, every: func(n int) {
		if n%25 != 0 {
			return
		}
		if st := a.Stats(); st.Lost > 0 && st.Jitter > 0 && st.RTT > 0 && st.PeerLost > 0 && st.PeerJitter > 0 {
			select {
			case full <- st:
			default:
			}
		}
	}}
	// What comes from b reaches a from the sockets that a sends to, and the other way.
	var toB, toA netip.AddrPort
	toB = x.relay(func(i int) *net.UDPConn { return x.conns[2+i] }, b.Local())
	toA = x.relay(func(i int) *net.UDPConn { return x.conns[i] }, a.Local())
	codec := media.Codec{PT: 8, Law: audio.ALaw}
	a.SetRemote(media.Remote{RTP: toB, Codec: codec, Direction: sdp.SendRecv})
	b.SetRemote(media.Remote{RTP: toA, Codec: codec, Direction: sdp.SendRecv})
	a.Play(media.NewMusic(frame(1)), 0)
	b.Play(media.NewMusic(frame(2)), 0)
	select {
	case st := <-full:
		if st.RTT > 5*time.Second || st.Lost > st.Received || st.PeerLost > st.Sent {
			t.Errorf("%+v", st)
		}
	case <-time.After(45 * time.Second): // each side reports every 7.5 s at the latest
		t.Errorf("not all figures came: %+v", a.Stats())
	}
	a.Close()
	b.Close()
	for _, c := range x.conns {
		c.Close()
	}
	x.wg.Wait()
}
