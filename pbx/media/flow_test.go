package media_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/audio"
	"centralino/pbx/media"
	"centralino/pbx/sdp"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

// TestOneFlowWhateverIsHeard: over any order of connecting, playing, holding and
// pressing keys, a telephone hears one SSRC, each sequence number once and in
// order, and time stamps that never go back and never stand still.
func TestOneFlowWhateverIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(noDeadline{t}, func(r *rapid.T) {
			w := newWorld(t, nil)
			defer w.stop()
			phones := []*phone{w.phone(1, audio.ALaw), w.phone(2, audio.MuLaw), w.phone(3, audio.ALaw)}
			line := &fakeLine{}
			ls := w.plane.OpenLine(line, nil)
			defer ls.Close()
			for _, p := range phones {
				defer p.close()
			}
			var heard []rtp.Packet
			steps := rapid.IntRange(1, 25).Draw(r, "steps")
			for range steps {
				p := phones[rapid.IntRange(0, 2).Draw(r, "phone")]
				switch rapid.SampledFrom([]string{"connect", "disconnect", "echo", "play", "music", "stop", "hold", "resume", "keys", "line", "ssrc", "press"}).Draw(r, "do") {
				case "connect":
					p.stream.Connect(phones[rapid.IntRange(0, 2).Draw(r, "peer")].stream)
				case "disconnect":
					p.stream.Disconnect()
				case "echo":
					p.stream.Echo()
				case "play":
					p.stream.Play(media.NewPrompt(bytes.Repeat([]byte{1}, rapid.IntRange(1, 2000).Draw(r, "length"))), 1)
				case "music":
					p.stream.Play(media.NewMusic(frame(1)), 2)
				case "stop":
					p.stream.Stop()
				case "hold":
					p.remote.Direction = rapid.SampledFrom([]sdp.Direction{sdp.SendOnly, sdp.RecvOnly, sdp.Inactive}).Draw(r, "direction")
					p.stream.SetRemote(p.remote)
				case "resume":
					p.remote.Direction = sdp.SendRecv
					p.stream.SetRemote(p.remote)
				case "keys":
					p.stream.SendDTMF("12")
				case "line":
					p.stream.Connect(ls)
				case "ssrc":
					p.ssrc++
					p.ts += 12345678
				case "press":
					p.press(5, 480)
				}
				for i := range rapid.IntRange(0, 20).Draw(r, "frames") {
					for _, p := range phones {
						p.say(frame(i))
					}
					line.tick(frame(i))
					time.Sleep(20 * time.Millisecond)
				}
				heard = append(heard, phones[0].heard()...)
				phones[1].heard()
				phones[2].heard()
			}
			checkFlow(r, heard)
		})
	})
}

// noDeadline is a T of a bubble, where the real deadline may not be asked for.
type noDeadline struct{ *testing.T }

func (noDeadline) Deadline() (time.Time, bool) { return time.Time{}, false }

func checkFlow(r *rapid.T, heard []rtp.Packet) {
	for i := 1; i < len(heard); i++ {
		a, b := heard[i-1], heard[i]
		if b.SSRC != a.SSRC {
			r.Fatalf("packet %d: another SSRC", i)
		}
		if b.SequenceNumber != a.SequenceNumber+1 {
			r.Fatalf("packet %d: sequence number %d after %d", i, b.SequenceNumber, a.SequenceNumber)
		}
		step := int32(b.Timestamp - a.Timestamp)
		if step < 0 || step == 0 && b.PayloadType != eventPT {
			r.Fatalf("packet %d: time stamp moves by %d (%d after %d)", i, step, b.PayloadType, a.PayloadType)
		}
		if step > 160*600 {
			r.Fatalf("packet %d: time stamp jumps by %d", i, step)
		}
	}
}

func TestLossAndOrderOfTheSourceStayVisible(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		send := func(n int) {
			a.raw(packet(rtp.Header{PayloadType: 8, SequenceNumber: uint16(n), Timestamp: uint32(n * 160), SSRC: 9}, frame(n)))
		}
		for _, n := range []int{65530, 65531, 65533, 65532, 65535, 65535, 65536, 65539, 65540} {
			send(n)
		}
		got := b.heard()
		want := []int{0, 1, 3, 2, 5, 6, 9, 10}
		if len(got) != len(want) {
			t.Fatalf("%d packets, want %d", len(got), len(want))
		}
		for i, r := range got {
			if r.SequenceNumber != got[0].SequenceNumber+uint16(want[i]) || r.Timestamp != got[0].Timestamp+uint32(want[i]*160) {
				t.Errorf("packet %d: %+v", i, r.Header)
			}
		}
		if st := a.stream.Stats(); st.Lost != 2 {
			t.Errorf("%d lost, want 2 (the duplicate hides one)", st.Lost)
		}
	})
}

func TestALongCallGoesOverTheEndOfTheNumbers(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		n := 0
		for i := range 140000 { // twice round, 47 minutes
			a.say(frame(0))
			if i%100 == 99 {
				n += len(b.heard())
			}
		}
		if n != 140000 {
			t.Errorf("%d packets passed on", n)
		}
		if st := a.stream.Stats(); st.Lost != 0 || st.Received != 140000 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAPauseIsSeenInTheTimeStamps(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		a.talk(a.sock, 3)
		a.stream.Disconnect()
		time.Sleep(time.Second)
		b.stream.Play(media.NewPrompt(frame(1)), 1)
		time.Sleep(time.Millisecond)
		got := b.heard()
		step := got[3].Timestamp - got[2].Timestamp
		if len(got) != 4 || step < 8000 || step > 8480 || !got[3].Marker {
			t.Errorf("%d packets, time stamp moved by %d, marker %v", len(got), step, got[3].Marker)
		}
	})
}

func TestHoldSendsNothing(t *testing.T) {
	cases := []struct {
		direction  sdp.Direction
		toA, fromA int // packets that a hears, and that b hears of a
		music      int // packets of music that a hears
	}{
		{sdp.SendRecv, 5, 5, 5},
		{sdp.SendOnly, 5, 0, 5},
		{sdp.RecvOnly, 0, 5, 0},
		{sdp.Inactive, 0, 0, 0},
	}
	for _, c := range cases {
		t.Run(string(c.direction), func(t *testing.T) {
			bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
				a.remote.Direction = c.direction
				a.stream.SetRemote(a.remote)
				a.talk(a.sock, 5)
				b.talk(b.sock, 5)
				if n := len(a.heard()); n != c.toA {
					t.Errorf("a hears %d packets, want %d", n, c.toA)
				}
				if n := len(b.heard()); n != c.fromA {
					t.Errorf("b hears %d packets, want %d", n, c.fromA)
				}
				a.stream.Play(media.NewMusic(frame(1)), 1)
				time.Sleep(99 * time.Millisecond)
				if n := len(a.heard()); n != c.music {
					t.Errorf("a hears %d packets of music, want %d", n, c.music)
				}
			})
		})
	}
}

func TestSilenceIsReportedAndHoldIsNoSilence(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		time.Sleep(32 * time.Second)
		if e := a.take(); len(e) != 1 {
			t.Errorf("without a first packet: %v", e)
		} else if i, ok := e[0].(media.Inactive); !ok || i.For < 30*time.Second || i.For > 31*time.Second {
			t.Errorf("without a first packet: %#v", e[0])
		}
		a.talk(a.sock, 1)
		synctest.Wait()
		if e := a.take(); len(e) != 1 || e[0] != (media.Active{}) {
			t.Errorf("first packet: %v", e)
		}
		time.Sleep(59 * time.Second)
		if e := a.take(); len(e) != 0 {
			t.Errorf("too early: %v", e)
		}
		time.Sleep(3 * time.Second)
		if e := a.take(); len(e) != 1 {
			t.Errorf("after 62 s: %v", e)
		}
		a.remote.Direction = sdp.SendOnly
		a.stream.SetRemote(a.remote)
		time.Sleep(10 * time.Minute)
		if e := a.take(); len(e) != 0 {
			t.Errorf("on hold: %v", e)
		}
	})
}

func TestConnectFollowsTheLatestWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *media.Options) { o.Loops = 4 })
		var ps []*phone
		for i := range 4 {
			ps = append(ps, w.phone(i+1, audio.ALaw))
		}
		for range 3 { // round and round, over the loops
			for i, p := range ps {
				p.stream.Connect(ps[(i+1)%4].stream)
			}
		}
		ps[0].stream.Connect(ps[2].stream)
		synctest.Wait()
		ps[0].say(frame(1))
		ps[1].say(frame(2))
		got := [4]int{}
		for i, p := range ps {
			got[i] = len(p.heard())
		}
		if got != [4]int{0, 0, 1, 0} {
			t.Errorf("heard %v", got)
		}
		for _, p := range ps {
			p.close()
			p.stream.Close()
		}
		w.stop()
	})
}

func TestPortsRestBeforeTheyAreUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *media.Options) { o.PortMin, o.PortMax = 20001, 20006 })
		taken := w.stranger("192.0.2.1:20004")
		s, err := w.plane.OpenRTP(media.RTPOptions{Bind: boxAddr})
		if err != nil || s.Local().Port() != 20002 {
			t.Fatalf("%v %v", s.Local(), err)
		}
		if _, err := w.plane.OpenRTP(media.RTPOptions{Bind: boxAddr}); err == nil {
			t.Error("a port out of nothing")
		}
		taken.Close()
		s.Close()
		if _, err := w.plane.OpenRTP(media.RTPOptions{Bind: boxAddr}); err == nil {
			t.Error("a port that has not rested")
		}
		time.Sleep(5 * time.Second)
		s, err = w.plane.OpenRTP(media.RTPOptions{Bind: boxAddr})
		if err != nil {
			t.Error(err)
		}
		s.Close()
		w.stop()
	})
}

func TestStreamsOutsideOfRun(t *testing.T) {
	net := &media.MemNet{}
	p, err := media.New(media.Options{Net: net})
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.OpenRTP(media.RTPOptions{Bind: boxAddr})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := p.OpenRTP(media.RTPOptions{Bind: boxAddr})
	a.Connect(b)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	a.Play(media.NewMusic(nil), 1)
	_ = a.Stats()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	a.Play(media.NewMusic(nil), 1)
	b.Connect(a)
	_ = a.Close()
	_ = b.Close()
	_ = b.Close()
}
