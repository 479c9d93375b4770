package media

import (
	"fmt"
	"testing"
	"time"

	"centralino/internal/audio"
)

// stall is a pause in what the line asks for, in what the network brings, or in
// both, as when this machine has no time for the box.
type stall struct {
	name    string
	packets bool // they come in a burst after it
	reads   bool // so does the line
	every   int  // reads from one to the next
}

// stalledHearing lets speech go through a buffer with a stall after two seconds and
// others after it, and returns what the line heard, read by read.
func stalledHearing(s stall, length time.Duration, speech []byte) *carried {
	c := &carried{buffer: &jitterBuffer{}}
	frame := make([]int16, audio.FrameSamples)
	n, sent := int(length/frameTime), 0
	read := func() {
		before := c.buffer.concealed
		c.buffer.read(frame)
		c.heard = append(c.heard, frame...)
		if c.buffer.concealed > before {
			c.underruns++
		}
		c.delays = append(c.delays, c.buffer.depth())
	}
	write := func() {
		c.buffer.write(uint32(sent*160), speech[sent*160:][:160])
		sent++
	}
	for i := 0; i < len(speech)/160-50; i++ {
		if i < 100 || i%s.every >= n {
			for sent <= i { // the burst, or one
				write()
			}
			for len(c.heard) <= i*160 {
				read()
			}
			continue
		}
		if !s.packets {
			write()
		}
		if !s.reads {
			read()
		}
	}
	return c
}

func TestStallsLeaveTheSoundWhereItWas(t *testing.T) {
	speech := speechALaw(t)
	speech = speech[:min(len(speech), 20*audio.Rate)]
	said := make([]int16, len(speech))
	audio.ALawToLinear(said, speech)
	for _, s := range []stall{
		{"packets and line", true, true, 50},
		{"the line alone", false, true, 50},
		{"packets alone", true, false, 200},
	} {
		for _, length := range []time.Duration{40, 60, 100, 140, 200} {
			length *= time.Millisecond
			t.Run(fmt.Sprintf("%s for %v", s.name, length), func(t *testing.T) {
				c := stalledHearing(s, length, speech)
				if s.reads && c.underruns > 0 {
					t.Errorf("%d frames made up although everything was there", c.underruns)
				}
				// Between the stalls what is heard lies within 60 ms of where it was.
				judged, bad := 0, 0
				for at := 8000; at+8000 < len(c.heard); at += 1600 {
					w := c.heard[at : at+1600]
					if inStall := (at+1600)%(s.every*160) < int(length/time.Millisecond)*8+3200; at >= 16000 && inStall && !s.reads || audio.Level(w) < -35 {
						continue
					}
					judged++
					best := 0.0
					for lag := -160; lag <= 800 && best < 0.95; lag++ { // 40 ms of delay, 60 more
						best = max(best, correlation(w, said[at-lag:at-lag+1600]))
					}
					if best < 0.95 {
						bad++
					}
				}
				if judged < 20 || bad > judged/20 {
					t.Errorf("%d of %d windows are not where they were", bad, judged)
				}
				if d := c.buffer.depth(); d > jitterMost {
					t.Errorf("%d samples in hand at the end", d)
				}
			})
		}
	}
}

// TestTooMuchInHandIsThrownAwayOnlyWhenItStays: the sender's clock jumps ahead.
func TestTooMuchInHandIsThrownAwayOnlyWhenItStays(t *testing.T) {
	speech := speechALaw(t)
	var j jitterBuffer
	frame := make([]int16, audio.FrameSamples)
	at := 0
	give := func() { j.write(uint32(at), speech[at:at+160]); at += 160 }
	for range 100 {
		give()
		j.read(frame)
	}
	for range 10 {
		give()
	}
	for range richReads - 1 {
		give()
		j.read(frame)
	}
	if d := j.depth(); d <= jitterMost {
		t.Errorf("%d samples in hand before it is certain", d)
	}
	for range 2 {
		give()
		j.read(frame)
	}
	if d := j.depth(); d > jitterTarget+160 {
		t.Errorf("%d samples in hand afterwards", d)
	}
}
