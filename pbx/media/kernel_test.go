package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"centralino/internal/audio"
	"centralino/internal/testbed"
	"centralino/pbx/media"
	"centralino/pbx/sdp"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// end is a socket of the kernel that plays a telephone, without allocating.
type end struct {
	t      testing.TB
	sock   media.Socket
	poller media.Poller
	stream *media.Stream
	tokens [4]uint32
	out    [172]byte
	in     [2048]byte
}

func newEnd(t testing.TB, p *media.Plane, law audio.Law) *end {
	e := &end{t: t}
	n := media.KernelNet()
	var err error
	if e.sock, err = n.Bind(netip.AddrPortFrom(loopback, 0)); err != nil {
		t.Fatal(err)
	}
	if e.poller, err = n.NewPoller(); err != nil {
		t.Fatal(err)
	}
	if err := e.poller.Add(e.sock, 0); err != nil {
		t.Fatal(err)
	}
	if e.stream, err = p.OpenRTP(media.RTPOptions{Bind: loopback}); err != nil {
		t.Fatal(err)
	}
	pt := uint8(8)
	if law == audio.MuLaw {
		pt = 0
	}
	e.stream.SetRemote(media.Remote{RTP: e.sock.Local(), Codec: media.Codec{PT: pt, Law: law}, DTMF: eventPT, Direction: sdp.SendRecv})
	e.out = [172]byte{0: 0x80, 1: pt, 11: 1}
	copy(e.out[12:], frame(1))
	return e
}

func (e *end) send() {
	binary.BigEndian.PutUint16(e.out[2:], binary.BigEndian.Uint16(e.out[2:])+1)
	binary.BigEndian.PutUint32(e.out[4:], binary.BigEndian.Uint32(e.out[4:])+160)
	if err := e.sock.Write(e.out[:], e.stream.Local()); err != nil {
		e.t.Fatal(err)
	}
}

func (e *end) receive() []byte {
	for {
		n, _, err := e.sock.Read(e.in[:])
		if err == nil {
			return e.in[:n]
		}
		if !errors.Is(err, media.ErrWouldBlock) {
			e.t.Fatal(err)
		}
		if _, err := e.poller.Wait(e.tokens[:], 5*time.Second); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *end) close() {
	e.stream.Close()
	e.poller.Close()
	e.sock.Close()
}

// kernelPlane runs a plane on the kernel's network until the test ends.
func kernelPlane(t testing.TB) *media.Plane {
	p, err := media.New(media.Options{Net: media.KernelNet(), Quarantine: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return p
}

func TestRelayOverTheKernel(t *testing.T) {
	p := kernelPlane(t)
	a, b := newEnd(t, p, audio.ALaw), newEnd(t, p, audio.MuLaw)
	defer a.close()
	defer b.close()
	a.stream.Connect(b.stream)
	want := make([]byte, 160)
	audio.ALawToMuLaw(want, frame(1))
	for range 20 {
		a.send()
		if got := b.receive(); !bytes.Equal(got[12:], want) || got[1]&0x7f != 0 {
			t.Fatalf("% x", got)
		}
	}
	b.stream.Play(media.NewPrompt(frame(9)), 1)
	if got := b.receive(); len(got) != 172 {
		t.Fatalf("prompt of %d octets", len(got))
	}
}

func TestIPv6(t *testing.T) {
	p := kernelPlane(t)
	s, err := p.OpenRTP(media.RTPOptions{Bind: netip.IPv6Loopback()})
	if err != nil {
		testbed.Missing(t, "an IPv6 loopback: %v", err)
	}
	defer s.Close()
	n := media.KernelNet()
	sock, err := n.Bind(netip.AddrPortFrom(netip.IPv6Loopback(), 0))
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	poller, err := n.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer poller.Close()
	if err := poller.Add(sock, 3); err != nil {
		t.Fatal(err)
	}
	s.SetRemote(media.Remote{RTP: sock.Local(), Codec: media.Codec{PT: 8}})
	s.Play(media.NewMusic(frame(2)), 1)
	var tokens [4]uint32
	if n, err := poller.Wait(tokens[:], 5*time.Second); err != nil || n != 1 || tokens[0] != 3 {
		t.Fatalf("%d %v", n, err)
	}
	b := make([]byte, 2048)
	if n, from, err := sock.Read(b); err != nil || n != 172 || from != s.Local() {
		t.Errorf("%d octets from %v, %v", n, from, err)
	}
}

func TestRelayAllocatesNothing(t *testing.T) {
	p := kernelPlane(t)
	for _, laws := range [][2]audio.Law{{audio.ALaw, audio.ALaw}, {audio.ALaw, audio.MuLaw}} {
		a, b := newEnd(t, p, laws[0]), newEnd(t, p, laws[1])
		a.stream.Connect(b.stream)
		a.send()
		b.receive()
		if n := testing.AllocsPerRun(1000, func() { a.send(); b.receive() }); n != 0 {
			t.Errorf("%v to %v: %v allocations a packet", laws[0], laws[1], n)
		}
		a.close()
		b.close()
	}
}

func TestPlayingAllocatesNothing(t *testing.T) {
	p := kernelPlane(t)
	a := newEnd(t, p, audio.MuLaw)
	defer a.close()
	a.stream.Play(media.NewMusic(frame(1)), 1)
	a.receive()
	if n := testing.AllocsPerRun(20, func() { a.receive() }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// BenchmarkRelayPacket is the whole way of one packet: sent, relayed, received.
func BenchmarkRelayPacket(b *testing.B) {
	p := kernelPlane(b)
	x, y := newEnd(b, p, audio.ALaw), newEnd(b, p, audio.ALaw)
	x.stream.Connect(y.stream)
	b.ReportAllocs()
	for b.Loop() {
		x.send()
		y.receive()
	}
	x.close()
	y.close()
}

func TestNothingRunsWhileNothingIsToDo(t *testing.T) {
	p := kernelPlane(t)
	a := newEnd(t, p, audio.ALaw)
	a.stream.Play(media.NewPrompt(frame(1)), 0)
	a.receive()
	a.close()
	before := runtime.NumGoroutine()
	s, err := p.OpenRTP(media.RTPOptions{Bind: loopback})
	if err != nil {
		t.Fatal(err)
	}
	if n := runtime.NumGoroutine(); n != before {
		t.Errorf("a stream costs %d goroutines", n-before)
	}
	s.Close()
}
