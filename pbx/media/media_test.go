package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/audio"
	"centralino/pbx/media"
	"centralino/pbx/sdp"

	"github.com/pion/rtp"
)

var boxAddr = netip.MustParseAddr("192.0.2.1")

// world is a plane on a network in memory, in a bubble.
type world struct {
	t      testing.TB
	net    *media.MemNet
	plane  *media.Plane
	cancel context.CancelFunc
	done   chan struct{}
}

func newWorld(t testing.TB, change func(*media.Options)) *world {
	w := &world{t: t, net: &media.MemNet{}, done: make(chan struct{})}
	o := media.Options{Net: w.net, Loops: 2, LoopFull: 1}
	if change != nil {
		change(&o)
	}
	plane, err := media.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.plane = plane
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go func() {
		defer close(w.done)
		if err := plane.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	return w
}

func (w *world) stop() {
	w.cancel()
	<-w.done
}

// phone is one leg's peer: a socket of the network in memory, and the stream.
type phone struct {
	w      *world
	sock   *media.MemSocket
	rtcp   *media.MemSocket
	stream *media.Stream
	remote media.Remote

	seq  uint16
	ts   uint32
	ssrc uint32

	mu     sync.Mutex
	events []media.Event
}

const eventPT = 101

func (w *world) phone(n int, law audio.Law) *phone {
	w.t.Helper()
	addr := netip.AddrFrom4([4]byte{198, 51, 100, byte(n)})
	p := &phone{w: w, ssrc: uint32(1000 * n), seq: uint16(7000 * n), ts: uint32(1 << 31)}
	var err error
	if p.sock, err = w.net.Listen(netip.AddrPortFrom(addr, 4000)); err != nil {
		w.t.Fatal(err)
	}
	if p.rtcp, err = w.net.Listen(netip.AddrPortFrom(addr, 4001)); err != nil {
		w.t.Fatal(err)
	}
	p.stream, err = w.plane.OpenRTP(media.RTPOptions{Bind: boxAddr, On: p.on})
	if err != nil {
		w.t.Fatal(err)
	}
	pt := uint8(8)
	if law == audio.MuLaw {
		pt = 0
	}
	p.remote = media.Remote{RTP: p.sock.Local(), Codec: media.Codec{PT: pt, Law: law}, DTMF: eventPT, Direction: sdp.SendRecv}
	p.stream.SetRemote(p.remote)
	synctest.Wait()
	return p
}

func (p *phone) on(e media.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
}

// take returns the events since the last call.
func (p *phone) take() []media.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.events
	p.events = nil
	return e
}

func (p *phone) keys() string {
	var s []byte
	for _, e := range p.take() {
		if d, ok := e.(media.DTMF); ok {
			s = append(s, d.Digit)
		}
	}
	return string(s)
}

func (p *phone) raw(b []byte) { p.rawFrom(p.sock, b) }

func (p *phone) rawFrom(s *media.MemSocket, b []byte) {
	if err := s.Write(b, p.stream.Local()); err != nil {
		p.w.t.Error(err)
	}
}

func packet(h rtp.Header, payload []byte) []byte {
	h.Version = 2
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		panic(err)
	}
	return b
}

// say sends one frame of sound.
func (p *phone) say(payload []byte) {
	p.raw(packet(rtp.Header{PayloadType: p.remote.Codec.PT, SequenceNumber: p.seq, Timestamp: p.ts, SSRC: p.ssrc}, payload))
	p.seq++
	p.ts += uint32(len(payload))
}

// press sends one key press as a telephone does.
func (p *phone) press(code byte, duration int) {
	for d := 160; d <= duration+2*160; d += 160 {
		end := byte(10)
		if d >= duration {
			end |= 0x80
		}
		b := []byte{code, end, 0, 0}
		binary.BigEndian.PutUint16(b[2:], uint16(min(d, duration)))
		p.raw(packet(rtp.Header{PayloadType: eventPT, SequenceNumber: p.seq, Timestamp: p.ts, SSRC: p.ssrc, Marker: d == 160}, b))
		p.seq++
	}
	p.ts += uint32(duration)
}

// heard returns what came since the last call.
func (p *phone) heard() []rtp.Packet {
	synctest.Wait()
	var list []rtp.Packet
	b := make([]byte, 2048)
	for {
		n, _, err := p.sock.Read(b)
		if err != nil {
			return list
		}
		var r rtp.Packet
		if err := r.Unmarshal(append([]byte(nil), b[:n]...)); err != nil {
			p.w.t.Errorf("not RTP: %v", err)
		}
		list = append(list, r)
	}
}

func (p *phone) close() {
	p.stream.Close()
	p.sock.Close()
	p.rtcp.Close()
}

func frame(n int) []byte {
	b := make([]byte, 160)
	for i := range b {
		b[i] = byte(i*7 + n*13)
	}
	return b
}

// bubble runs f in a bubble with a plane and two connected phones.
func bubble(t *testing.T, laws [2]audio.Law, f func(w *world, a, b *phone)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		a, b := w.phone(1, laws[0]), w.phone(2, laws[1])
		a.stream.Connect(b.stream)
		synctest.Wait()
		f(w, a, b)
		a.close()
		b.close()
		w.stop()
	})
}

func TestRelayIsExactToTheByte(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		for i := range 50 {
			a.say(frame(i))
			b.say(frame(i + 1000))
			time.Sleep(20 * time.Millisecond)
		}
		for side, p := range []*phone{b, a} {
			got := p.heard()
			if len(got) != 50 {
				t.Fatalf("side %d heard %d packets", side, len(got))
			}
			for i, r := range got {
				if !bytes.Equal(r.Payload, frame(i+1000*side)) {
					t.Fatalf("side %d packet %d differs", side, i)
				}
				if r.PayloadType != 8 || r.SSRC != got[0].SSRC ||
					r.SequenceNumber != got[0].SequenceNumber+uint16(i) || r.Timestamp != got[0].Timestamp+uint32(160*i) {
					t.Fatalf("side %d packet %d: header %+v after %+v", side, i, r.Header, got[0].Header)
				}
				if r.SSRC == a.ssrc || r.SSRC == b.ssrc {
					t.Error("the peer's SSRC was passed on")
				}
			}
		}
		st := a.stream.Stats()
		if st.Received != 50 || st.Sent != 50 || st.Lost != 0 || st.Foreign != 0 || st.Unknown != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestOtherLawIsConvertedByTable(t *testing.T) {
	bubble(t, [2]audio.Law{audio.ALaw, audio.MuLaw}, func(w *world, a, b *phone) {
		all := make([]byte, 160)
		for i := range all {
			all[i] = byte(i + 90)
		}
		a.say(all)
		b.say(all)
		want := make([]byte, 160)
		audio.ALawToMuLaw(want, all)
		if got := b.heard(); len(got) != 1 || got[0].PayloadType != 0 || !bytes.Equal(got[0].Payload, want) {
			t.Errorf("A to mu: %v", got)
		}
		audio.MuLawToALaw(want, all)
		if got := a.heard(); len(got) != 1 || got[0].PayloadType != 8 || !bytes.Equal(got[0].Payload, want) {
			t.Errorf("mu to A: %v", got)
		}
	})
}

func TestPromptIsPacedAndReportsItsEnd(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		sound := bytes.Repeat([]byte{0x11}, 1000)
		start := time.Now()
		a.stream.Play(media.NewPrompt(sound), 42)
		buf := make([]byte, 2048)
		for i := range 7 {
			n, _, err := a.sock.Receive(buf, time.Second)
			if err != nil {
				t.Fatalf("packet %d: %v", i, err)
			}
			if at := time.Since(start); at != time.Duration(i)*20*time.Millisecond {
				t.Errorf("packet %d came at %v", i, at)
			}
			if n != 172 {
				t.Errorf("packet %d has %d octets", i, n)
			}
			if i < 6 {
				b.say(frame(i)) // not heard meanwhile
			}
		}
		if got, want := fmt.Sprint(a.take()), fmt.Sprint([]media.Event{media.PlayDone{ID: 42}}); got != want {
			t.Errorf("events %s, want %s", got, want)
		}
		b.say(frame(1))
		if got := a.heard(); len(got) != 1 || !bytes.Equal(got[0].Payload, frame(1)) || !got[0].Marker {
			t.Errorf("after the prompt: %v", got)
		}
	})
}

func TestKeysAreToldOnceAndPassedOn(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		b.remote.DTMF = 96
		b.remote.RecvDTMF = eventPT
		b.stream.SetRemote(b.remote)
		for _, code := range []byte{1, 1, 10, 15} {
			a.press(code, 800)
			time.Sleep(40 * time.Millisecond)
		}
		synctest.Wait()
		if got := a.keys(); got != "11*D" {
			t.Errorf("keys %q", got)
		}
		got := b.heard()
		if len(got) != 28 {
			t.Fatalf("%d packets passed on", len(got))
		}
		for i, r := range got {
			if r.PayloadType != 96 || r.Timestamp != got[0].Timestamp+uint32(i/7*800) || r.Payload[0] != []byte{1, 1, 10, 15}[i/7] {
				t.Fatalf("packet %d: %+v % x", i, r.Header, r.Payload)
			}
		}
	})
}
