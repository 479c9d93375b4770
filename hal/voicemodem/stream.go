package voicemodem

import (
	"sync/atomic"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// The standing queue towards the modem in frames: it begins with two, every
// underrun adds one, every minute without takes one away.
const (
	queueMin   = 2
	queueMax   = 8
	queueClean = time.Minute
)

// stats are the counters behind hal.LineStats.
type stats struct {
	rx, tx, underruns, overruns, shielded, resyncs, garbage atomic.Uint64
	queued                                                  atomic.Int64 // ms
}

func (s *stats) snapshot() hal.LineStats {
	return hal.LineStats{
		RxFrames: s.rx.Load(), TxFrames: s.tx.Load(),
		Underruns: s.underruns.Load(), Overruns: s.overruns.Load(),
		Shielded: s.shielded.Load(), Resyncs: s.resyncs.Load(),
		Garbage:  s.garbage.Load(),
		QueuedMS: int(s.queued.Load()),
	}
}

func silence(b []byte) {
	for i := range b {
		b[i] = audio.ALawSilence
	}
}

// stream is the audio of a call while the modem is in duplex. The modem's codec is
// the clock: one frame is sent for each one received.
type stream struct {
	m       *machine
	open    bool
	leaving bool   // we asked the modem to end it …
	then    func() // … for this; nil = to go on hook
	dec     decoder
	samples []byte // decoded, not yet a whole frame
	queue   int    // standing queue towards the modem, frames
	debt    int    // frames sent beyond one per frame received
	changed time.Time
	stalled time.Duration
	stall   func() // s.onStall, kept so that arming it does not allocate
	digits  []int16
	heard   time.Time // when octets came last
	burst   burst
	rx, tx  [hal.FrameSamples]byte
}

// burst is what follows on a pause in which we were not served: the modem's codec
// went on, so its frames come all at once, and what it had to say ran out. Answering
// each of them would leave it with a queue as long as the pause.
type burst struct {
	began time.Time
	pause int // its length in frames
	over  int // frames that may be left out
	sent  int // since it began
}

// pauseAfter is the shortest pause that counts: ports that bring a few frames at a
// time are no pause, and the queue has to last for them.
const pauseAfter = 90 * time.Millisecond

// frameTime is the length of a frame.
const frameTime = hal.FrameSamples * time.Second / audio.Rate

// paused begins a burst after a pause of length d.
func (s *stream) paused(d time.Duration) {
	n := int(d / frameTime)
	s.burst = burst{began: s.m.now, pause: n, over: n - s.queue - s.debt}
}

// late says whether the modem has been given its queue again and this frame belongs
// to the past. Frames that come at their own pace, after a pause of the modem, never
// do.
func (s *stream) late() bool {
	b := &s.burst
	if b.over <= 0 || b.sent < s.queue+int(s.m.now.Sub(b.began)/frameTime) {
		return false
	}
	b.over--
	return true
}

func (s *stream) init(m *machine) {
	s.m = m
	s.stall = s.onStall
	s.samples = make([]byte, 0, 2*hal.FrameSamples)
}

// start begins the audio directly after CONNECT.
func (s *stream) start() {
	s.open, s.leaving = true, false
	s.dec, s.samples = decoder{}, s.samples[:0]
	s.debt, s.stalled, s.digits = 0, 0, nil
	s.queue, s.changed = queueMin, s.m.now
	s.burst, s.heard = burst{}, s.m.now
	silence(s.tx[:])
	for range s.queue {
		s.send()
	}
	s.setQueue(queueMin)
	s.m.arm(timerStall, stallLimit, s.stall)
}

func (s *stream) close() {
	s.open, s.leaving, s.then = false, false, nil
	s.m.disarm(timerStall)
}

func (s *stream) setQueue(n int) {
	s.queue, s.changed = n, s.m.now
	s.m.stats.queued.Store(int64(n) * 20)
}

// receive takes octets of the stream and returns what follows its end.
func (s *stream) receive(b []byte) []byte {
	if d := s.m.now.Sub(s.heard); d > pauseAfter {
		s.paused(d)
	}
	s.heard = s.m.now
	if !s.leaving {
		s.stalled = 0
		s.m.arm(timerStall, stallAfter, s.stall)
	}
	for len(b) > 0 && s.open {
		// Cut so that decode never outgrows samples.
		n := min(len(b), hal.FrameSamples-len(s.samples))
		out, rest, code := s.dec.decode(s.samples, b[:n])
		s.samples = out
		b = b[n-len(rest):]
		for len(s.samples) >= hal.FrameSamples && s.open {
			s.frame()
		}
		if code != 0 {
			s.m.stats.shielded.Add(1)
			s.m.code(code)
		}
	}
	return b
}

// frame handles 20 ms from the line and sends 20 ms back.
func (s *stream) frame() {
	m := s.m
	codec := &codecs[m.format.enc]
	for i, b := range s.samples[:hal.FrameSamples] {
		s.rx[i] = codec.toA[b]
	}
	s.samples = s.samples[:copy(s.samples, s.samples[hal.FrameSamples:])]
	m.stats.rx.Add(1)
	if s.leaving {
		return
	}
	m.frame(s.rx[:], s.tx[:])
	s.overlay()
	if m.now.Sub(s.changed) >= queueClean && s.queue > queueMin {
		s.setQueue(s.queue - 1)
		s.debt++
	}
	switch {
	case s.debt > 0:
		s.debt--
	case s.late():
	default:
		s.burst.sent++
		s.send()
	}
	m.listen(s.rx[:], len(s.digits) > 0)
}

// overlay replaces what is sent by the keys that SendDTMF asked for.
func (s *stream) overlay() {
	if len(s.digits) == 0 {
		return
	}
	n := min(len(s.digits), len(s.tx))
	audio.LinearToALaw(s.tx[:n], s.digits[:n])
	s.digits = s.digits[n:]
}

// send writes tx to the modem.
func (s *stream) send() {
	codec := &codecs[s.m.format.enc]
	out := s.m.out
	for _, a := range s.tx {
		b := codec.fromA[a]
		if b == dle {
			out = append(out, dle)
		}
		out = append(out, b)
	}
	s.m.out = out
	s.m.stats.tx.Add(1)
}

// sendSilence writes a frame that the handler was not asked for.
func (s *stream) sendSilence() {
	silence(s.tx[:])
	s.send()
}

// underrun is the modem's report that we were late: the standing queue grows, unless
// no queue could have lasted for the pause.
func (s *stream) underrun() {
	s.m.stats.underruns.Add(1)
	if b := &s.burst; s.leaving || b.pause > s.queue+2 && s.m.now.Sub(b.began) < stallAfter {
		return
	}
	if s.queue < queueMax {
		s.sendSilence()
		s.setQueue(s.queue + 1)
		return
	}
	s.changed = s.m.now
}

// onStall fills the line with silence while the modem sends nothing, and gives it
// up after stallLimit.
func (s *stream) onStall() {
	if !s.open {
		return
	}
	step := 20 * time.Millisecond
	if s.stalled == 0 {
		s.stalled = stallAfter
	} else {
		s.stalled += step
	}
	if s.stalled >= stallLimit {
		s.m.lost(ReasonNoSamples)
		return
	}
	if s.debt < queueMax {
		s.sendSilence()
		s.debt++
	}
	s.m.arm(timerStall, step, s.stall)
}
