package media_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
	"centralino/pbx/media"
)

// fakeLine is a telephone line whose clock is the test.
type fakeLine struct {
	hal.Line // the methods that media has no use for
	handler  hal.AudioHandler
}

func (l *fakeLine) ID() hal.LineID               { return "line-1" }
func (l *fakeLine) SetAudio(h hal.AudioHandler)  { l.handler = h }
func (l *fakeLine) Run(context.Context) error    { return nil }
func (l *fakeLine) tick(rx []byte) (said []byte) { tx := make([]byte, 160); l.frame(rx, tx); return tx }
func (l *fakeLine) frame(rx, tx []byte) {
	if l.handler != nil {
		l.handler.LineFrame(rx, tx)
	}
}

// run ticks n frames of silence, 20 ms apart, and returns what the line was told.
func (l *fakeLine) run(n int) []byte {
	var all []byte
	quiet := bytes.Repeat([]byte{audio.ALawSilence}, 160)
	for range n {
		all = append(all, l.tick(quiet)...)
		time.Sleep(20 * time.Millisecond)
	}
	return all
}

func lineBubble(t *testing.T, f func(w *world, line *fakeLine, s *media.Stream, p *phone, events *[]media.Event)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		line := &fakeLine{}
		var events []media.Event
		s := w.plane.OpenLine(line, func(e media.Event) { events = append(events, e) })
		p := w.phone(1, audio.MuLaw)
		synctest.Wait()
		f(w, line, s, p, &events)
		p.close()
		s.Close()
		if line.handler != nil {
			t.Error("the closed stream is still on the line")
		}
		w.stop()
	})
}

func TestLineToPhoneCountsTheLinesSamples(t *testing.T) {
	lineBubble(t, func(w *world, line *fakeLine, s *media.Stream, p *phone, _ *[]media.Event) {
		s.Connect(p.stream)
		for i := range 50 {
			line.tick(frame(i))
			time.Sleep(20*time.Millisecond + 40*time.Microsecond) // a slow clock
		}
		got := p.heard()
		if len(got) != 50 {
			t.Fatalf("%d packets", len(got))
		}
		want := make([]byte, 160)
		for i, r := range got {
			audio.ALawToMuLaw(want, frame(i))
			if !bytes.Equal(r.Payload, want) || r.Timestamp != got[0].Timestamp+uint32(i*160) ||
				r.SequenceNumber != got[0].SequenceNumber+uint16(i) || r.Marker != (i == 0) {
				t.Fatalf("packet %d: %+v", i, r.Header)
			}
		}
	})
}

func TestPhoneToLineIsWholeAfterTheBuffer(t *testing.T) {
	lineBubble(t, func(w *world, line *fakeLine, s *media.Stream, p *phone, _ *[]media.Event) {
		p.stream.Connect(s)
		p.remote.Codec = media.Codec{PT: 8, Law: audio.ALaw}
		p.stream.SetRemote(p.remote)
		var sent, heard []byte
		quiet := bytes.Repeat([]byte{audio.ALawSilence}, 160)
		for i := range 50 {
			p.say(frame(i))
			sent = append(sent, frame(i)...)
			synctest.Wait()
			heard = append(heard, line.tick(quiet)...)
			time.Sleep(20 * time.Millisecond)
		}
		soonAndWhole(t, sent, heard)
	})
}

// soonAndWhole asserts that a line hears all that a phone has sent, within 60 ms.
func soonAndWhole(t *testing.T, sent, heard []byte) {
	t.Helper()
	at := bytes.Index(heard, sent[160:480]) - 160 // the first frame is faded in
	if at < 0 {
		t.Fatal("the phone is not heard")
	}
	if delay := audio.Duration(at); delay > 60*time.Millisecond {
		t.Errorf("delay %v", delay)
	}
	if got := heard[at+160:]; !bytes.Equal(got, sent[160:160+len(got)]) {
		t.Error("the sound is not whole")
	}
}

// TestLineAfterAStallGetsWhatWaitsInTheSocket: line and loop stood still for 200 ms;
// the line is served first.
func TestLineAfterAStallGetsWhatWaitsInTheSocket(t *testing.T) {
	lineBubble(t, func(w *world, line *fakeLine, s *media.Stream, p *phone, _ *[]media.Event) {
		p.stream.Connect(s)
		p.remote.Codec = media.Codec{PT: 8, Law: audio.ALaw}
		p.stream.SetRemote(p.remote)
		var sent, heard []byte
		quiet := bytes.Repeat([]byte{audio.ALawSilence}, 160)
		n := 0
		say := func() {
			p.say(frame(n))
			sent = append(sent, frame(n)...)
			n++
		}
		for i := range 100 {
			if i%20 == 10 { // nothing moves for 200 ms, then everything at once
				time.Sleep(200 * time.Millisecond)
				for range 10 {
					say()
				}
				for range 10 {
					heard = append(heard, line.tick(quiet)...)
				}
				continue
			}
			say()
			synctest.Wait()
			heard = append(heard, line.tick(quiet)...)
			time.Sleep(20 * time.Millisecond)
		}
		if st := s.Stats(); st.Concealed > 0 || st.Late > 0 || st.Overflow > 0 {
			t.Errorf("%d samples made up, %d packets late, %d frames lost", st.Concealed, st.Late, st.Overflow)
		}
		soonAndWhole(t, sent, heard)
	})
}

func TestPromptOnALineGoesByItsClock(t *testing.T) {
	lineBubble(t, func(w *world, line *fakeLine, s *media.Stream, p *phone, events *[]media.Event) {
		sound := bytes.Repeat(frame(3), 10)
		s.Play(media.NewSequence(media.NewSilence(40*time.Millisecond), media.NewPrompt(sound)), 7)
		time.Sleep(time.Second)
		if len(*events) != 0 {
			t.Error("the prompt ran without the line")
		}
		got := line.run(12)
		synctest.Wait()
		if want := append(bytes.Repeat([]byte{audio.ALawSilence}, 320), sound...); !bytes.Equal(got, want) {
			t.Error("the line heard something else")
		}
		if len(*events) != 1 || (*events)[0] != (media.PlayDone{ID: 7}) {
			t.Errorf("events %v", *events)
		}
	})
}

func TestKeysOfAPhoneAreTonesOnTheLine(t *testing.T) {
	lineBubble(t, func(w *world, line *fakeLine, s *media.Stream, p *phone, _ *[]media.Event) {
		p.stream.Connect(s)
		for _, code := range []byte{4, 2, 11} {
			p.press(code, 800)
		}
		synctest.Wait()
		s.SendDTMF("9x0")
		synctest.Wait()
		coded := line.run(60)
		linear := make([]int16, len(coded))
		audio.ALawToLinear(linear, coded)
		if got := string(audio.NewDTMFDetector().Feed(linear)); got != "42#90" {
			t.Errorf("the line heard %q", got)
		}
		if got := p.keys(); got != "42#" {
			t.Errorf("keys %q", got)
		}
	})
}

func TestTwoLinesHearEachOther(t *testing.T) {
	lineBubble(t, func(w *world, line *fakeLine, s *media.Stream, p *phone, _ *[]media.Event) {
		other := &fakeLine{}
		o := w.plane.OpenLine(other, nil)
		o.Connect(s)
		var a, b []byte
		for i := range 20 {
			a = append(a, line.tick(frame(i))...)
			b = append(b, other.tick(frame(i+500))...)
			time.Sleep(20 * time.Millisecond)
		}
		if !bytes.Contains(a, append(frame(501), frame(502)...)) || !bytes.Contains(b, append(frame(1), frame(2)...)) {
			t.Error("the lines do not hear each other")
		}
		o.Close()
	})
}

func TestLineFrameDoesNotAllocate(t *testing.T) {
	net := &media.MemNet{}
	p, err := media.New(media.Options{Net: net, Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	line := &fakeLine{}
	s := p.OpenLine(line, nil)
	s.Play(media.NewMusic(frame(1)), 0)
	rx, tx := frame(0), make([]byte, 160)
	if n := testing.AllocsPerRun(200, func() { line.frame(rx, tx) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	s.Stop()
	if n := testing.AllocsPerRun(200, func() { line.frame(rx, tx) }); n != 0 {
		t.Errorf("%v allocations a frame of the jitter buffer", n)
	}
	s.Close()
}
