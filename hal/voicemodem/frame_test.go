package voicemodem

import (
	"testing"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// inCall is a machine in an active call, as if a modem had answered everything.
func inCall(t testing.TB) (*machine, []byte) {
	t.Helper()
	m := newMachine(&Options{ID: "line", Kind: hal.Analog, Country: "IT"}, new(stats))
	m.now = time.Unix(0, 0)
	m.dialect, _ = dialectNamed("generic")
	m.format = format{5, aLaw}
	m.state = hal.LineActive
	m.hearken(false)
	m.stream.start()
	m.out = m.out[:0]
	frame := make([]byte, hal.FrameSamples)
	tone := make([]int16, hal.FrameSamples)
	audio.NewToneGen(audio.Tone{{Low: 1000}}, -20).Read(tone)
	audio.LinearToALaw(frame, tone)
	frame[10] = dle
	return m, shield(nil, frame)
}

func TestFramePathDoesNotAllocate(t *testing.T) {
	m, wire := inCall(t)
	now := m.now
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(20 * time.Millisecond)
		m.input(now, wire)
		m.writing(now)
		m.deadline()
		m.tick(now)
		m.out = m.out[:0]
	}); n != 0 {
		t.Errorf("%v allocations for each frame", n)
	}
	if m.stats.rx.Load() < 1000 || m.stats.tx.Load() < 1000 {
		t.Errorf("frames: %d in, %d out", m.stats.rx.Load(), m.stats.tx.Load())
	}
}

// One frame is sent for each one received, however the port cuts them.
func TestOneFrameOutForEachIn(t *testing.T) {
	for _, piece := range []int{1, 7, 64, 161, 500} {
		w := newWorks(t)
		w.music = true
		w.port = func(n int) bool { return n >= piece }
		before := w.m.stats.tx.Load()
		w.silence = 0
		w.run(20 * time.Second)
		in, out, silence := w.m.stats.rx.Load(), w.m.stats.tx.Load()-before, uint64(w.silence)
		if held := uint64(w.m.stream.pace.count); in < 990 || out != in-held+silence || silence > 5 {
			t.Errorf("pieces of %d: %d frames in, %d of them kept, %d out, %d of them silence", piece, in, held, out, silence)
		}
	}
}

// A modem that pauses is kept fed by silence for a while; one that stays silent is
// given up.
func TestStall(t *testing.T) {
	w := newWorks(t)
	w.run(time.Second)
	w.stopped = true
	before := w.m.stats.tx.Load()
	var hangup hal.LineEvent
	w.m.event = func(ev hal.LineEvent) {
		if _, ok := ev.(hal.Hangup); ok {
			hangup = ev
		}
	}
	began := w.now
	for w.m.fault == "" && w.now.Sub(began) < time.Minute {
		w.run(time.Millisecond)
	}
	if sent := w.m.stats.tx.Load() - before; sent != fedMost {
		t.Errorf("%d frames of silence", sent)
	}
	if d := w.now.Sub(began).Round(20 * time.Millisecond); d != stallLimit {
		t.Errorf("given up after %v", d)
	}
	if hangup != (hal.Hangup{Cause: hal.CauseGone}) || w.m.state != hal.LineOutOfService {
		t.Errorf("given up: %v, state %s", hangup, w.m.state)
	}
}

func BenchmarkFrame(b *testing.B) {
	m, wire := inCall(b)
	now := m.now
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(20 * time.Millisecond)
		m.input(now, wire)
		m.writing(now)
		m.out = m.out[:0]
	}
}
