package media

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// FuzzRTP: what is taken for RTP has its fields where RFC 3550 section 5.1 puts
// them, read here by hand.
func FuzzRTP(f *testing.F) {
	f.Add([]byte{0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xd5})
	f.Add([]byte{0xb1, 0xe5, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 0, 0, 0, 0, 1, 2, 3, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		var scratch rtp.Header
		h, ok := parseRTP(&scratch, b)
		if !ok {
			return
		}
		if h.start < rtpHeader || h.end < h.start || h.end > len(b) || b[0]>>6 != 2 {
			t.Fatalf("payload from %d to %d of %d", h.start, h.end, len(b))
		}
		be := binary.BigEndian
		start, end := rtpHeader+4*int(b[0]&0x0f), len(b)
		if b[0]&0x10 != 0 {
			start += 4 + 4*int(be.Uint16(b[start+2:]))
		}
		if b[0]&0x20 != 0 {
			end -= int(b[len(b)-1])
		}
		want := header{b[1]&0x80 != 0, b[1] & 0x7f, be.Uint16(b[2:]), be.Uint32(b[4:]), be.Uint32(b[8:]), start, end}
		if h != want {
			t.Fatalf("%+v, but %+v", h, want)
		}
	})
}

// FuzzRTCP: whatever comes is read without harm.
func FuzzRTCP(f *testing.F) {
	sr, _ := (&rtcp.SenderReport{SSRC: 7, Reports: []rtcp.ReceptionReport{{SSRC: 9}}}).Marshal()
	f.Add(sr)
	f.Add([]byte{0x81, 201, 0, 1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		packets, err := rtcp.Unmarshal(b)
		if err != nil || !reportFirst(packets) {
			return
		}
		l := &loop{}
		var r rtcpState
		for _, p := range packets {
			r.read(l, 9, p)
		}
		if r.rtt < 0 || r.rtt > time.Minute {
			t.Fatalf("round trip of %s", r.rtt)
		}
	})
}

// FuzzTelephoneEvent: events read are written back the same, and a detector says
// no more keys than there are time stamps.
func FuzzTelephoneEvent(f *testing.F) {
	f.Add([]byte{1, 0x8a, 3, 0x20, 1, 0x0a, 3, 0x20})
	f.Fuzz(func(t *testing.T, b []byte) {
		var k keyDetector
		for ts := uint32(0); len(b) >= 4; ts += 400 {
			e, ok := parseEvent(b[:4])
			if !ok {
				t.Fatal("four octets refused")
			}
			var w [4]byte
			e.put(w[:])
			if w[0] != b[0] || w[1] != b[1]&^0x40 || w[2] != b[2] || w[3] != b[3] {
				t.Fatalf("% x written as % x", b[:4], w)
			}
			k.press(ts, e)
			if k.press(ts, e) {
				t.Fatal("the same time stamp twice")
			}
			b = b[4:]
		}
	})
}

func TestKeysAreFoundByTimeStamp(t *testing.T) {
	type in struct {
		ts  uint32
		e   telephoneEvent
		new bool
	}
	ev := func(code uint8, d uint16, end bool) telephoneEvent {
		return telephoneEvent{code: code, duration: d, end: end}
	}
	cases := []struct {
		name string
		in   []in
	}{
		{"one key, its end three times", []in{{100, ev(1, 160, false), true}, {100, ev(1, 320, false), false},
			{100, ev(1, 320, true), false}, {100, ev(1, 320, true), false}, {100, ev(1, 320, true), false}}},
		{"only an end packet came through", []in{{100, ev(1, 800, true), true}}},
		{"the same key twice, the first end lost", []in{{100, ev(1, 800, false), true}, {1700, ev(1, 160, false), true}}},
		{"an end packet that comes after the next key", []in{{100, ev(1, 800, false), true}, {1700, ev(2, 160, false), true},
			{100, ev(1, 800, true), false}, {1700, ev(2, 320, false), false}}},
		{"a long press in segments is one key", []in{{100, ev(5, 160, false), true}, {100, ev(5, 0xffff, false), false},
			{100 + 0xffff, ev(5, 160, false), false}, {100 + 0xffff, ev(5, 320, true), false}}},
		{"a sender that moves the time stamp within an event", []in{{100, ev(5, 160, false), true}, {260, ev(5, 320, false), false},
			{420, ev(5, 480, false), false}, {420, ev(5, 480, true), false}}},
		{"two keys without a pause", []in{{100, ev(5, 160, false), true}, {260, ev(6, 160, false), true}}},
		{"over the end of the time stamps", []in{{0xffffff00, ev(5, 800, true), true}, {0x300, ev(5, 160, false), true}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var k keyDetector
			for i, p := range c.in {
				if got := k.press(p.ts, p.e); got != p.new {
					t.Errorf("packet %d: %v, want %v", i, got, p.new)
				}
			}
		})
	}
}
