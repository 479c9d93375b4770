package voicemodem

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/hal"
	"centralino/internal/audio"
)

// works is a machine in a call with its modem and the port between them, in a time of
// its own, step by step of a millisecond. The modem plays and records blocks of 20 ms;
// each frame of both directions has a number.
type works struct {
	m       *machine
	now     time.Time
	port    func(n int) bool // whether the port brings the n octets that it has
	stopped bool             // the modem's codec
	frozen  bool             // the process

	waits   []byte      // in the port
	both    bool        // the port takes octets in lumps, too …
	written []byte      // … those that wait
	queue   []byte      // samples that the modem has to say
	blocks  []time.Time // recorded, and when
	lacking int         // blocks that the modem could not say whole
	longest int         // queue, samples
	in      int         // frames that the handler heard
	lost    int         // of them, not following on the one before
	out     int         // frames that the handler said
	said    int         // of them, sounds that were sent
	silence int         // frames of silence that were sent
	wrong   int         // sounds that did not follow on the one before
	music   bool        // the handler makes no pauses
	called  time.Time
	gap     time.Duration // longest between two calls of the handler
	age     time.Duration // oldest frame that the handler heard
}

// pauseEvery is how often the handler says a frame of silence.
const pauseEvery = 10

func newWorks(t testing.TB) *works {
	m, _ := inCall(t)
	w := &works{m: m, now: m.now, port: func(int) bool { return true }}
	m.frame = w.frame
	m.stream.start()
	w.write()
	return w
}

// loud is a number as a frame of loud samples.
func loud(n int, frame []byte) {
	for i := range frame {
		frame[i] = (0x70 | byte(n>>(i%8*4)&15)) ^ 0x55
	}
}

// number is what loud made, -1 for silence.
func number(frame []byte) int {
	if frame[0] == audio.ALawSilence {
		return -1
	}
	n := 0
	for i := range 8 {
		n |= int((frame[i]^0x55)&15) << (i * 4)
	}
	return n
}

// frame is the handler.
func (w *works) frame(rx, tx []byte) {
	if n := number(rx); n != w.in {
		w.lost++
		w.in = n
	}
	w.age = max(w.age, w.now.Sub(w.blocks[w.in]))
	w.in++
	if !w.called.IsZero() {
		w.gap = max(w.gap, w.now.Sub(w.called))
	}
	w.called = w.now
	if w.out%pauseEvery == 0 && !w.music {
		silence(tx)
	} else {
		loud(w.out, tx)
	}
	w.out++
}

// record is a block of the modem's codec, on its way to the port.
func (w *works) record() {
	var b [hal.FrameSamples]byte
	loud(len(w.blocks), b[:])
	w.blocks = append(w.blocks, w.now)
	w.waits = shield(w.waits, b[:])
}

// write lets the modem have what the machine writes.
func (w *works) write() {
	w.m.writing(w.now)
	d := decoder{}
	s, _, _ := d.decode(nil, w.m.out)
	w.m.out = w.m.out[:0]
	for f := s; len(f) > 0; f = f[hal.FrameSamples:] {
		switch n := number(f); {
		case n < 0:
			w.silence++
		case n < w.said:
			w.wrong++
		default:
			for ; w.said < n; w.said++ {
				if w.said%pauseEvery != 0 || w.music {
					w.wrong++
				}
			}
			w.said++
		}
	}
	w.written = append(w.written, s...)
	if !w.both {
		w.arrive()
	}
}

// arrive is what was written being in the modem.
func (w *works) arrive() {
	w.queue = append(w.queue, w.written...)
	w.written = w.written[:0]
	w.longest = max(w.longest, len(w.queue))
}

// run lets time pass.
func (w *works) run(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(time.Millisecond)
		if w.now.Sub(time.Unix(0, 0))%frameTime == 0 && !w.stopped {
			n := copy(w.queue, w.queue[min(len(w.queue), hal.FrameSamples):])
			if len(w.queue)-n < hal.FrameSamples {
				w.lacking++
				w.waits = append(w.waits, dle, 'u')
			}
			w.queue = w.queue[:n]
			w.record()
		}
		if w.frozen || w.m.fault != "" {
			continue
		}
		if len(w.waits) > 0 && w.port(len(w.waits)) {
			w.arrive()
			w.m.input(w.now, w.waits)
			w.waits = w.waits[:0]
			w.write()
		}
		for at := w.m.deadline(); !at.IsZero() && !at.After(w.now); at = w.m.deadline() {
			w.m.tick(w.now)
			w.write()
		}
	}
}

// settle forgets the delays that were measured and measures d.
func (w *works) settle(d time.Duration) {
	w.longest, w.gap, w.age = 0, 0, 0
	w.run(d)
}

// delays says how long what the modem is given now waits there, and how old what it
// brought last is when the handler hears it.
func (w *works) delays() string {
	return fmt.Sprintf("to the line %v, from the line %v, the handler is called after %v",
		audio.Duration(w.longest), w.age, w.gap)
}

// TestRegularLumps: whatever the lumps, nothing is lost, the handler is called evenly,
// and what is later than by the lumps themselves is little.
func TestRegularLumps(t *testing.T) {
	for _, lump := range []time.Duration{20, 40, 60, 100, 120, 200} {
		lump *= time.Millisecond
		t.Run(lump.String(), func(t *testing.T) {
			w := newWorks(t)
			w.port = func(int) bool { return w.now.Sub(time.Unix(0, 0))%lump == lump-7*time.Millisecond }
			for range lump / 3 / frameTime { // CONNECT came in the middle of a lump
				w.record()
			}
			w.m.input(w.now, w.waits)
			w.waits = w.waits[:0]
			w.write()
			w.run(10 * time.Second)
			first := w.silence
			w.settle(20 * time.Second)
			t.Log(w.delays())
			if w.lacking > 0 || w.lost > 0 || w.wrong > 0 {
				t.Errorf("modem lacked %d blocks, %d frames from the line and %d to it lost", w.lacking, w.lost, w.wrong)
			}
			if w.out < 30*50-heldMost || w.silence-first > 20*50/pauseEvery {
				t.Errorf("the handler was called %d times, %d frames of silence in the last 20 s", w.out, w.silence-first)
			}
			if age := lump + early; w.age > age || w.longest > audio.Samples(60*time.Millisecond) || w.gap > frameTime+early {
				t.Errorf("%s", w.delays())
			}
		})
	}
}

// TestRandomLumps: a port that brings lumps of any length loses nothing in either
// direction, and when it is better again the delay goes back.
func TestRandomLumps(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorks(t)
		most := rapid.IntRange(1, 200).Draw(r, "longest lump, ms")
		lump := func() time.Time {
			return w.now.Add(time.Duration(rapid.IntRange(1, most).Draw(r, "lump")) * time.Millisecond)
		}
		next := lump()
		w.port = func(int) bool {
			if w.now.Before(next) {
				return false
			}
			next = lump()
			return true
		}
		w.run(20 * time.Second)
		if w.lacking > 0 || w.lost > 0 || w.wrong > 0 || w.longest > audio.Samples(80*time.Millisecond) {
			r.Errorf("modem lacked %d blocks, %d frames from the line and %d to it lost, %s", w.lacking, w.lost, w.wrong, w.delays())
		}
		w.port = func(int) bool { return true }
		w.run(30 * time.Second)
		w.settle(5 * time.Second)
		if w.lacking > 0 || w.lost > 0 || w.wrong > 0 || w.age > early || w.longest > audio.Samples(60*time.Millisecond) {
			r.Errorf("afterwards: modem lacked %d blocks, %d frames from the line and %d to it lost, %s", w.lacking, w.lost, w.wrong, w.delays())
		}
	})
}

// TestPauses: the process, the modem or both stand still now and then. What is left of
// that is no delay, and what is heard is all there.
func TestPauses(t *testing.T) {
	both := func(w *works, v bool) { w.frozen, w.stopped = v, v }
	for _, c := range []struct {
		name string
		stop func(w *works, v bool)
		lump time.Duration
	}{
		{"the process", func(w *works, v bool) { w.frozen = v }, time.Millisecond},
		{"the process at a port with lumps", func(w *works, v bool) { w.frozen = v }, 110 * time.Millisecond},
		{"the modem", func(w *works, v bool) { w.stopped = v }, time.Millisecond},
		{"the whole machine with the modem in it", both, time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				w := newWorks(t)
				w.port = func(int) bool { return w.now.Sub(time.Unix(0, 0))%c.lump == 0 }
				w.music = rapid.Bool().Draw(r, "music")
				for range rapid.IntRange(1, 6).Draw(r, "pauses") {
					w.run(time.Duration(rapid.IntRange(200, 4000).Draw(r, "before")) * time.Millisecond)
					c.stop(w, true)
					w.run(time.Duration(rapid.IntRange(5, 300).Draw(r, "pause")) * time.Millisecond)
					c.stop(w, false)
				}
				w.run(time.Second)
				w.lacking = 0
				w.run(5 * time.Second)
				w.settle(time.Second)
				if c.lump < frameTime && w.age > 140*time.Millisecond || w.lacking > 3 {
					r.Errorf("within seven seconds: modem lacked %d blocks, %s", w.lacking, w.delays())
				}
				w.lacking = 0
				w.run(15 * time.Second)
				w.settle(5 * time.Second)
				if w.lost > 0 || w.age > c.lump+early || w.lacking > 0 || w.gap > frameTime+early || w.longest > audio.Samples(time.Duration(w.m.stream.queue)*frameTime+50*time.Millisecond) {
					r.Errorf("%d frames from the line lost, modem lacked %d blocks, %s", w.lost, w.lacking, w.delays())
				}
			})
		})
	}
}

// A clock of the modem that is off by 150 ppm moves nothing in an hour.
func TestPaceFollowsTheModemsClock(t *testing.T) {
	for _, ppm := range []int64{-150, 150} {
		m, wire := inCall(t)
		now := m.now
		for i := range int64(180000) {
			now = time.Unix(0, 0).Add(time.Duration((i + 1) * (int64(frameTime) - int64(frameTime)*ppm/1e6)))
			for at := m.deadline(); at.Before(now); at = m.deadline() {
				m.tick(at)
			}
			m.input(now, wire)
			m.writing(now)
			m.out = m.out[:0]
		}
		if in, out := m.stats.rx.Load(), m.stats.tx.Load(); out-in > 3 {
			t.Errorf("%d ppm: %d frames in, %d out", ppm, in, out)
		}
	}
}

// TestLumpsBothWays: a port that takes octets in lumps, too, lets the modem run dry until
// the queue is long enough for them; that is soon.
func TestLumpsBothWays(t *testing.T) {
	for _, lump := range []time.Duration{20, 40, 60, 100} {
		lump *= time.Millisecond
		t.Run(lump.String(), func(t *testing.T) {
			w := newWorks(t)
			w.both = true
			w.port = func(int) bool { return w.now.Sub(time.Unix(0, 0))%lump == lump-7*time.Millisecond }
			w.run(time.Second)
			if most := int(lump / frameTime); w.lacking > most {
				t.Errorf("in the first second the modem lacked %d blocks, want at most %d", w.lacking, most)
			}
			w.lacking = 0
			w.settle(20 * time.Second)
			if most := lump + 2*frameTime; w.lacking > 0 || w.lost > 0 || w.wrong > 0 || w.longest > audio.Samples(most) {
				t.Errorf("modem lacked %d blocks, %d frames from the line and %d to it lost, %s", w.lacking, w.lost, w.wrong, w.delays())
			}
		})
	}
}

// TestStandstills: a modem that stands still, alone or with the whole machine, has nothing
// to make up for. The delay of that is over soon, and does not grow when it happens again
// and again.
func TestStandstills(t *testing.T) {
	for _, c := range []struct {
		name   string
		frozen bool
	}{{"the modem", false}, {"the whole machine with the modem in it", true}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorks(t)
			still := func(d time.Duration) {
				w.stopped, w.frozen = true, c.frozen
				w.run(d)
				w.stopped, w.frozen = false, false
			}
			w.run(5 * time.Second)
			still(300 * time.Millisecond)
			w.run(1500 * time.Millisecond)
			w.settle(time.Second)
			if w.longest > audio.Samples(100*time.Millisecond) {
				t.Errorf("after 1.5 s: %s", w.delays())
			}
			w.run(2 * time.Second)
			if w.wrong > 6 { // of 12 to 15, as far as there is silence within two seconds
				t.Errorf("%d frames of sound were left out", w.wrong)
			}
			w.settle(0)
			for range 30 {
				still(300 * time.Millisecond)
				w.run(900 * time.Millisecond)
			}
			if w.longest > audio.Samples(650*time.Millisecond) {
				t.Errorf("at 300 ms every 1.2 s: %s", w.delays())
			}
			w.run(2 * time.Minute) // longer than an underrun is remembered
			w.lacking = 0
			w.settle(5 * time.Second)
			if w.longest > audio.Samples(60*time.Millisecond) || w.age > early || w.lacking > 0 || w.lost > 0 {
				t.Errorf("afterwards: modem lacked %d blocks, %d frames from the line lost, %s", w.lacking, w.lost, w.delays())
			}
		})
	}
}
