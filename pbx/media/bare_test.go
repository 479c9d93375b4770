package media_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/testbed"
	"centralino/pbx/media"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	testbed.RunHelper(testbed.Helpers{
		"bare":  func([]string) { helper(bareRelay()) },
		"plane": func([]string) { helper(planeRelay()) },
	})
	os.Exit(m.Run())
}

// relayCalls is how many calls the comparison carries: 10 000 packets a second.
const relayCalls = 100

// The load runs from before to after the time that is measured.
const (
	loadLead = time.Second
	loadTime = 4 * time.Second
)

// BenchmarkRelayAgainstBare compares the CPU time of our relay with that of a
// goroutine for each leg that does nothing but forward, each in a process of its
// own, one after the other under the same load.
func BenchmarkRelayAgainstBare(b *testing.B) {
	for b.Loop() {
		bare, ours := cpuUnderLoad(b, "bare"), cpuUnderLoad(b, "plane")
		b.ReportMetric(ours/bare, "ratio")
		b.ReportMetric(ours, "cpu-s/call-min")
		b.ReportMetric(bare, "bare-cpu-s/call-min")
	}
}

// helper is the process of a relay: it prints its ports, and its CPU time in
// seconds for each minute of a call after the load.
func helper(ports []netip.AddrPort) {
	w := bufio.NewWriter(os.Stdout)
	for _, p := range ports {
		fmt.Fprint(w, p, " ")
	}
	fmt.Fprintln(w)
	_ = w.Flush()
	<-time.After(loadLead)
	before := cpuTime()
	<-time.After(loadTime)
	fmt.Println((cpuTime() - before).Seconds() / relayCalls / loadTime.Minutes())
}

func cpuTime() time.Duration {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// cpuUnderLoad sends 50 packets a second to each leg of each call of a helper, and
// returns what the helper used.
func cpuUnderLoad(b *testing.B, name string) float64 {
	h := testbed.Reexec(b, name)
	defer h.Kill()
	line, err := h.Line()
	if err != nil {
		b.Fatal(err)
	}
	n := media.KernelNet()
	var socks []media.Socket
	var to []netip.AddrPort
	for _, f := range strings.Fields(line) {
		s, err := n.Bind(netip.AddrPortFrom(loopback, 0))
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		socks, to = append(socks, s), append(to, netip.MustParseAddrPort(f))
	}
	got, sent := load(socks, to)
	if got < sent/2 {
		b.Fatalf("%s: %d of %d packets came through", name, got, sent)
	}
	if line, err = h.Line(); err != nil {
		b.Fatal(err)
	}
	used, err := strconv.ParseFloat(line, 64)
	if err != nil {
		b.Fatal(err)
	}
	return used
}

func load(socks []media.Socket, to []netip.AddrPort) (got, sent int) {
	var out [172]byte
	var in [2048]byte
	copy(out[:], []byte{0x80, 8})
	start := time.Now()
	for step := range int((2*loadLead + loadTime) / time.Millisecond) {
		<-time.After(time.Until(start.Add(time.Duration(step) * time.Millisecond)))
		for i := step % 20; i < len(socks); i += 20 {
			seq := step / 20
			binary.BigEndian.PutUint16(out[2:], uint16(seq))
			binary.BigEndian.PutUint32(out[4:], uint32(seq*160))
			out[11] = byte(i)
			if socks[i].Write(out[:], to[i]) == nil {
				sent++
			}
			for {
				if _, _, err := socks[i].Read(in[:]); err != nil {
					break
				}
				got++
			}
		}
	}
	return got, sent
}

// planeRelay is our relay.
func planeRelay() (ports []netip.AddrPort) {
	p, err := media.New(media.Options{Net: media.KernelNet()})
	if err != nil {
		panic(err)
	}
	go func() { _ = p.Run(context.Background()) }() // ends with the process
	var last *media.Stream
	for i := range 2 * relayCalls {
		s, err := p.OpenRTP(media.RTPOptions{Bind: loopback})
		if err != nil {
			panic(err)
		}
		s.SetRemote(media.Remote{RTP: netip.AddrPortFrom(loopback, 9), Codec: media.Codec{PT: 8, Law: audio.ALaw}, DTMF: eventPT})
		if i&1 == 1 {
			s.Connect(last)
		}
		last = s
		ports = append(ports, s.Local())
	}
	return ports
}

// bareLeg is one leg of the simplest relay in Go.
type bareLeg struct {
	conn *net.UDPConn
	to   atomic.Pointer[netip.AddrPort]
}

// bareRelay is a goroutine for each leg, which forwards what it reads to the last
// source of the other leg.
func bareRelay() (ports []netip.AddrPort) {
	legs := make([]*bareLeg, 2*relayCalls)
	for i := range legs {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			panic(err)
		}
		legs[i] = &bareLeg{conn: c}
		ports = append(ports, c.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	for i, leg := range legs {
		go leg.forward(legs[i^1]) // ends with the process
	}
	return ports
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
