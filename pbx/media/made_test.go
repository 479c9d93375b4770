package media_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/audio"
	"centralino/pbx/media"
)

func TestPacketsOfTheLengthThatWasAgreed(t *testing.T) {
	cases := []struct {
		ptime time.Duration
		want  int // samples in a packet
	}{
		{10 * time.Millisecond, 80}, {20 * time.Millisecond, 160}, {30 * time.Millisecond, 240},
		{60 * time.Millisecond, 480}, {25 * time.Millisecond, 160}, {200 * time.Millisecond, 160}, {0, 160},
	}
	for _, c := range cases {
		t.Run(c.ptime.String(), func(t *testing.T) {
			bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
				a.remote.Ptime = c.ptime
				a.stream.SetRemote(a.remote)
				sound := bytes.Join([][]byte{frame(1), frame(2), frame(3), frame(4), frame(5)}, nil)
				a.stream.Play(media.NewPrompt(sound), 1)
				time.Sleep(time.Second)
				var heard []byte
				got := a.heard()
				for i, r := range got {
					if len(r.Payload) != c.want && i < len(got)-1 {
						t.Errorf("packet %d has %d samples, want %d", i, len(r.Payload), c.want)
					}
					heard = append(heard, r.Payload...)
				}
				if !bytes.Equal(heard, sound) {
					t.Errorf("%d of %d samples came, or others", len(heard), len(sound))
				}
			})
		})
	}
}

func TestDigitsAreSentAsEvents(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		a.stream.SendDTMF("4x#")
		for i := range 30 {
			b.say(frame(i))
			time.Sleep(20 * time.Millisecond)
		}
		got := a.heard()
		type press struct {
			packets, ends int
			last          uint16
		}
		presses := map[uint32]*press{}
		var order []byte
		for i, r := range got {
			if i > 0 && r.SequenceNumber != got[i-1].SequenceNumber+1 {
				t.Fatalf("packet %d: sequence number %d", i, r.SequenceNumber)
			}
			if r.PayloadType != eventPT {
				continue
			}
			p := presses[r.Timestamp]
			if p == nil {
				p = &press{}
				presses[r.Timestamp] = p
				order = append(order, r.Payload[0])
				if !r.Marker {
					t.Error("a press that does not begin with the marker")
				}
			}
			p.packets++
			p.last = binary.BigEndian.Uint16(r.Payload[2:])
			if r.Payload[1]&0x80 != 0 {
				p.ends++
			}
		}
		if !bytes.Equal(order, []byte{4, 11}) {
			t.Errorf("digits % d", order)
		}
		for ts, p := range presses {
			if *p != (press{packets: 8, ends: 3, last: 800}) {
				t.Errorf("press at %d: %+v", ts, *p)
			}
		}
		if last := got[len(got)-1]; last.PayloadType != 8 {
			t.Error("the other side is not heard again")
		}
	})
}

func TestDigitsAreTonesWhereEventsWereNotAgreed(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		a.remote.DTMF = 0
		a.stream.SetRemote(a.remote)
		synctest.Wait()
		b.press(7, 800)
		for i := range 20 {
			b.say(frame(i))
			time.Sleep(20 * time.Millisecond)
		}
		a.stream.SendDTMF("29")
		time.Sleep(time.Second)
		d := audio.NewDTMFDetector()
		var keys []byte
		for i, r := range a.heard() {
			if r.PayloadType != 8 {
				t.Fatalf("packet %d has payload type %d", i, r.PayloadType)
			}
			s := make([]int16, len(r.Payload))
			audio.ALawToLinear(s, r.Payload)
			keys = append(keys, d.Feed(s)...)
		}
		if string(keys) != "729" {
			t.Errorf("heard %q", keys)
		}
	})
}

// broken is a source that panics.
type broken struct{}

func (broken) ReadFrame([]byte) (int, bool) { panic("broken source") }

func TestAPanicEndsOneStreamOnly(t *testing.T) {
	bubble(t, [2]audio.Law{}, func(w *world, a, b *phone) {
		c := w.phone(3, audio.ALaw)
		a.stream.Play(broken{}, 1)
		var told []string
		note := func(who string) func(media.Event) {
			return func(e media.Event) { told = append(told, fmt.Sprintf("%s %T", who, e)) }
		}
		d, err := w.plane.OpenRTP(media.RTPOptions{Bind: boxAddr, On: note("phone")})
		if err != nil {
			t.Fatal(err)
		}
		d.Play(broken{}, 4)
		c.stream.Play(media.NewMusic(frame(1)), 2)
		line := &fakeLine{}
		s := w.plane.OpenLine(line, note("line"))
		s.Play(broken{}, 3)
		synctest.Wait()
		line.run(3)
		time.Sleep(100 * time.Millisecond)
		if n := len(c.heard()); n < 5 {
			t.Errorf("the other stream has %d packets", n)
		}
		if n := len(a.heard()); n != 0 {
			t.Errorf("the broken one has %d", n)
		}
		s.Close()
		d.Close()
		if want := []string{"phone media.Broken", "line media.Broken"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if line.handler != nil {
			t.Error("the line was not given back")
		}
		c.close()
	})
}

func TestSources(t *testing.T) {
	read := func(s media.Source, frames int) (all []byte, more bool) {
		b := make([]byte, media.FrameBytes)
		for range frames {
			n, m := s.ReadFrame(b)
			all = append(all, b[:n]...)
			if more = m; !m {
				break
			}
		}
		return all, more
	}
	sound := bytes.Repeat([]byte{1, 2, 3}, 100)
	if got, more := read(media.NewPrompt(sound), 9); more || !bytes.Equal(got, sound) {
		t.Errorf("prompt: %d octets, more %v", len(got), more)
	}
	if got, more := read(media.NewMusic(sound), 9); !more || !bytes.Equal(got, bytes.Repeat(sound, 9)[:9*160]) {
		t.Errorf("music: %d octets, more %v", len(got), more)
	}
	seq := media.NewSequence(media.NewPrompt(nil), media.NewPrompt(sound), media.NewSilence(time.Millisecond), media.NewPrompt(sound))
	want := append(append(bytes.Clone(sound), bytes.Repeat([]byte{audio.ALawSilence}, 8)...), sound...)
	if got, more := read(seq, 9); more || !bytes.Equal(got, want) {
		t.Errorf("sequence: %d octets, more %v", len(got), more)
	}
	busy, _ := audio.CountryTone("it", audio.BusyTone)
	if got, more := read(media.NewTone(busy), 9); !more || len(got) != 9*160 {
		t.Errorf("tone: %d octets, more %v", len(got), more)
	}
	if got, more := read(media.NewPrompt(nil), 9); more || len(got) != 0 {
		t.Error("an empty prompt is heard")
	}
	if got, more := read(media.NewDTMF("5"), 99); more || len(got) != 1600 {
		t.Errorf("digit: %d octets, more %v", len(got), more)
	}
}

func TestEchoIsWhatWasSaid(t *testing.T) {
	bubble(t, [2]audio.Law{audio.ALaw, audio.MuLaw}, func(_ *world, a, b *phone) {
		a.stream.Connect(b.stream)
		a.stream.Echo()
		for i := range 20 {
			a.say(frame(i))
			b.say(frame(i + 1))
			time.Sleep(20 * time.Millisecond)
		}
		got := a.heard()
		if len(got) != 20 {
			t.Fatalf("%d packets of 20 come back", len(got))
		}
		for i, p := range got {
			if !bytes.Equal(p.Payload, frame(i)) || p.SSRC == a.ssrc {
				t.Errorf("packet %d: SSRC %d, payload %x", i, p.SSRC, p.Payload[:4])
			}
		}
		if n := len(b.heard()); n != 0 {
			t.Errorf("who was let go hears %d packets", n)
		}
		a.stream.Disconnect()
		a.say(frame(1))
		synctest.Wait()
		if n := len(a.heard()); n != 0 {
			t.Errorf("%d packets after Disconnect", n)
		}
	})
}
