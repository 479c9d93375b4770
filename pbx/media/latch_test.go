package media_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/audio"
	"centralino/pbx/media"

	"github.com/pion/rtp"
)

// stranger is a socket somewhere on the network.
func (w *world) stranger(addr string) *media.MemSocket {
	s, err := w.net.Listen(netip.MustParseAddrPort(addr))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func count(s *media.MemSocket) (n int) {
	synctest.Wait()
	b := make([]byte, 2048)
	for {
		if _, _, err := s.Read(b); err != nil {
			return n
		}
		n++
	}
}

// talk lets p's telephone speak from another socket.
func (p *phone) talk(from *media.MemSocket, n int) {
	for i := range n {
		p.rawFrom(from, packet(rtp.Header{PayloadType: p.remote.Codec.PT, SequenceNumber: p.seq, Timestamp: p.ts, SSRC: p.ssrc}, frame(i)))
		p.seq++
		p.ts += 160
		time.Sleep(20 * time.Millisecond)
	}
}

func TestAStrangerHearsNothingAndIsNotHeard(t *testing.T) {
	cases := []struct {
		name   string
		before bool // the stranger speaks before the telephone does
	}{
		{"RTP bleed: before the telephone speaks", true},
		{"injection: while the telephone speaks", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
				evil := w.stranger("203.0.113.9:4000")
				defer evil.Close()
				if !c.before {
					a.talk(a.sock, 5)
					b.heard()
				}
				ssrc := a.ssrc
				for i := range 200 { // also with the right SSRC, one after the other
					a.rawFrom(evil, packet(rtp.Header{PayloadType: 8, SequenceNumber: a.seq + uint16(i), Timestamp: a.ts, SSRC: ssrc}, frame(i)))
					b.say(frame(i))
					time.Sleep(20 * time.Millisecond)
				}
				if n := count(evil); n != 0 {
					t.Errorf("the stranger got %d packets", n)
				}
				if n := len(b.heard()); n != 0 {
					t.Errorf("%d packets of the stranger were passed on", n)
				}
				if n := len(a.heard()); n != 200 {
					t.Errorf("the telephone got %d packets of 200", n)
				}
				if st := a.stream.Stats(); st.Foreign != 200 {
					t.Errorf("%d foreign packets counted", st.Foreign)
				}
				if n := w.plane.Counters().Foreign.Load(); n != 200 {
					t.Errorf("the plane counts %d foreign packets", n)
				}
			})
		})
	}
}

func TestAPhoneBehindANATIsLearned(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		nat := w.stranger("203.0.113.7:61000")
		defer nat.Close()
		a.remote.RTP = netip.MustParseAddrPort("10.0.0.5:4000")
		a.remote.Signalled = netip.MustParseAddr("203.0.113.7")
		a.stream.SetRemote(a.remote)
		a.talk(nat, 2)
		if n := len(b.heard()); n != 0 {
			t.Errorf("heard after %d packets", n)
		}
		a.talk(nat, 3)
		if n := len(b.heard()); n != 3 {
			t.Errorf("%d of 3 packets passed on after learning", n)
		}
		b.talk(b.sock, 3)
		if n := count(nat); n != 3 {
			t.Errorf("%d of 3 packets to the learned address", n)
		}
		other := w.stranger("203.0.113.7:61002") // another phone behind the same NAT
		defer other.Close()
		a.talk(other, 5)
		if n := len(b.heard()); n != 0 {
			t.Errorf("the lock was lost to another port: %d packets", n)
		}
	})
}

func TestTheSignalledAddressIsPreferred(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		other := w.stranger("198.51.100.1:5000")
		defer other.Close()
		a.talk(other, 4) // learned, for now
		if n := len(b.heard()); n != 2 {
			t.Errorf("%d packets, want 2", n)
		}
		a.talk(a.sock, 2) // the address that was signalled
		if n := len(b.heard()); n != 2 {
			t.Errorf("%d packets of the signalled address, want 2", n)
		}
		b.talk(b.sock, 2)
		if n := len(a.heard()); n != 2 {
			t.Errorf("%d packets to the signalled address, want 2", n)
		}
		a.ssrc++
		a.talk(other, 5)
		if n := len(b.heard()); n != 0 {
			t.Errorf("the lock was lost: %d packets", n)
		}
	})
}

func TestLearningEndsWithItsWindow(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		late := w.stranger("198.51.100.1:5000")
		defer late.Close()
		time.Sleep(31 * time.Second)
		a.talk(late, 10)
		if n := len(b.heard()); n != 0 {
			t.Errorf("learned after the window: %d packets", n)
		}
		a.talk(a.sock, 1)
		if n := len(b.heard()); n != 1 {
			t.Error("the signalled address is no longer heard")
		}
		a.remote.RTP = late.Local() // a new SDP
		a.stream.SetRemote(a.remote)
		a.talk(late, 2)
		if n := len(b.heard()); n != 2 {
			t.Errorf("%d packets after the change of SDP", n)
		}
	})
}

func TestANewSSRCNeedsThreePackets(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		a.talk(a.sock, 3)
		old := a.ssrc
		a.ssrc += 77
		a.talk(a.sock, 1)
		a.ssrc = old
		a.talk(a.sock, 1)
		if n := len(b.heard()); n != 4 {
			t.Errorf("%d packets, want 4", n)
		}
		a.ssrc += 78
		a.talk(a.sock, 5)
		if n := len(b.heard()); n != 3 {
			t.Errorf("%d packets of the new SSRC, want 3", n)
		}
	})
}

func TestWrongPayloadTypeIsNotHeard(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		for i := range 10 {
			a.raw(packet(rtp.Header{PayloadType: 18, SequenceNumber: uint16(i), SSRC: 5}, frame(i)))
		}
		a.raw([]byte{0x80, 8, 0})
		if n := len(b.heard()); n != 0 {
			t.Errorf("%d packets passed on", n)
		}
		if st := a.stream.Stats(); st.Unknown != 11 || st.Received != 0 {
			t.Errorf("stats %+v", st)
		}
		if n := w.plane.Counters().Unknown.Load(); n != 11 {
			t.Errorf("the plane counts %d packets that mean nothing", n)
		}
	})
}
