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
		m, wire := inCall(t)
		var all []byte
		for range 50 {
			all = append(all, wire...)
		}
		before := m.stats.tx.Load()
		now := m.now
		for len(all) > 0 {
			n := min(piece, len(all))
			now = now.Add(time.Duration(n) * 125 * time.Microsecond)
			m.input(now, all[:n])
			all = all[n:]
		}
		if in, out := m.stats.rx.Load(), m.stats.tx.Load()-before; in != 50 || out != 50 {
			t.Errorf("pieces of %d: %d frames in, %d out", piece, in, out)
		}
	}
}

// A modem that pauses is kept fed by silence, and what was sent too much is held
// back when it goes on; one that stays silent is given up.
func TestStall(t *testing.T) {
	m, wire := inCall(t)
	now := m.now
	m.input(now, wire)
	start := m.stats.tx.Load()
	step := func() {
		now = m.deadline()
		m.tick(now)
	}
	for range 3 {
		step()
	}
	if sent := m.stats.tx.Load() - start; sent != 3 || m.stream.debt != 3 {
		t.Errorf("after 100 ms without samples %d frames of silence, debt %d", sent, m.stream.debt)
	}
	for range 5 {
		now = now.Add(time.Millisecond)
		m.input(now, wire)
	}
	if sent := m.stats.tx.Load() - start; sent != 5 || m.stream.debt != 0 {
		t.Errorf("after five late frames %d sent in all, debt %d", sent, m.stream.debt)
	}
	var hangup hal.LineEvent
	m.event = func(ev hal.LineEvent) {
		if _, ok := ev.(hal.Hangup); ok {
			hangup = ev
		}
	}
	for m.fault == "" {
		step()
	}
	if hangup != (hal.Hangup{Cause: hal.CauseGone}) || m.state != hal.LineOutOfService {
		t.Errorf("given up: %v, state %s", hangup, m.state)
	}
}

func BenchmarkFrame(b *testing.B) {
	m, wire := inCall(b)
	now := m.now
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(20 * time.Millisecond)
		m.input(now, wire)
		m.out = m.out[:0]
	}
}
