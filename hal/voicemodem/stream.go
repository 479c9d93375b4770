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
// the clock: one frame is sent for each one received, when pace says so.
type stream struct {
	m        *machine
	open     bool
	leaving  bool   // we asked the modem to end it …
	then     func() // … for this; nil = to go on hook
	dec      decoder
	samples  []byte // decoded, not yet a whole frame
	queue    int    // standing queue towards the modem, frames
	changed  time.Time
	pace     pace
	stallDue time.Time
	onward   func() // s.onPace, kept so that arming it does not allocate
	stall    func() // s.onStall, the same
	digits   []int16
	tx       [hal.FrameSamples]byte
}

func (s *stream) init(m *machine) {
	s.m = m
	s.onward, s.stall = s.onPace, s.onStall
	s.samples = make([]byte, 0, 2*hal.FrameSamples)
}

// start begins the audio directly after CONNECT.
func (s *stream) start() {
	s.open, s.leaving = true, false
	s.dec, s.samples = decoder{}, s.samples[:0]
	s.digits = nil
	s.pace.begin(s.m.now)
	silence(s.tx[:])
	s.pace.due = s.m.now
	for range queueMin {
		s.send()
	}
	s.setQueue(queueMin)
	s.heard()
	s.onPace()
}

func (s *stream) close() {
	s.open, s.leaving, s.then = false, false, nil
	s.m.disarm(timerStall)
	s.m.disarm(timerPace)
}

func (s *stream) setQueue(n int) {
	s.queue, s.changed = n, s.m.now
	s.m.stats.queued.Store(int64(n) * 20)
}

// receive takes octets of the stream and returns what follows its end.
func (s *stream) receive(b []byte) []byte {
	p := &s.pace
	p.served(s.m.now, 0)
	tolerance := time.Duration(0)
	if p.count == 0 {
		tolerance = early
	}
	if !s.leaving {
		p.surplus(s.m.now, s.queue)
		s.heard()
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
	s.goOn(tolerance)
	return b
}

// frame keeps 20 ms from the line for its time.
func (s *stream) frame() {
	codec, p := &codecs[s.m.format.enc], &s.pace
	s.m.stats.rx.Add(1)
	p.come(s.m.now, hal.FrameSamples)
	if !s.leaving {
		if p.count == heldMost {
			s.say(nextSkip)
		}
		f := p.put()
		for i, b := range s.samples[:hal.FrameSamples] {
			f[i] = codec.toA[b]
		}
	}
	s.samples = s.samples[:copy(s.samples, s.samples[hal.FrameSamples:])]
}

// onPace is the time of the next frame, or a little later.
func (s *stream) onPace() {
	p := &s.pace
	p.served(s.m.now, 0)
	p.lacks = s.m.now.Sub(p.due) < lateTimer
	s.goOn(0)
	p.lacks = false
}

// goOn does what is due. The first frame may be handled before its time by tolerance.
func (s *stream) goOn(tolerance time.Duration) {
	for s.open && !s.leaving {
		switch n := s.pace.next(s.m.now, s.queue, tolerance); n {
		case nextFrame, nextSkip:
			s.say(n)
		case nextSilence:
			s.sendSilence()
		case nextWait:
			s.m.arm(timerPace, s.pace.due.Sub(s.m.now), s.onward)
			return
		case nextNone:
			s.m.disarm(timerPace)
			return
		}
		tolerance = 0
	}
}

// say handles 20 ms from the line and sends 20 ms back, unless they are left out.
func (s *stream) say(n next) {
	m := s.m
	rx := s.pace.take()
	m.frame(rx[:], s.tx[:])
	if n == nextFrame && (len(s.digits) > 0 || !s.pace.spare(m.now, s.tx[:])) {
		if m.now.Sub(s.changed) >= queueClean && s.queue > queueMin {
			s.setQueue(s.queue - 1)
		}
		s.overlay()
		s.send()
	}
	m.listen(rx[:], len(s.digits) > 0)
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
	s.pace.sent++
	s.pace.fresh++
	s.m.stats.tx.Add(1)
}

// writing is what was sent being written now.
func (s *stream) writing() {
	if s.open {
		s.pace.served(s.m.now, s.pace.fresh)
		s.pace.fresh = 0
	}
}

// sendSilence writes a frame that the handler was not asked for.
func (s *stream) sendSilence() {
	silence(s.tx[:])
	s.send()
}

// underrun is the modem's report that we were late: the standing queue grows, unless
// no queue could have lasted for the time in which we were not served.
func (s *stream) underrun() {
	s.m.stats.underruns.Add(1)
	if p := &s.pace; s.leaving || p.starved > 2*frameTime && s.m.now.Sub(p.missed) < stallAfter {
		return
	}
	if s.queue < queueMax {
		s.sendSilence()
		s.setQueue(s.queue + 1)
		return
	}
	s.changed = s.m.now
}

// heard notes that octets came.
func (s *stream) heard() {
	s.pace.fed = 0
	s.stallDue = s.m.now.Add(stallLimit)
	s.m.arm(timerStall, stallLimit, s.stall)
}

// onStall gives up a modem that sends nothing; if it was us who were not served, what
// it sent may still wait in the port.
func (s *stream) onStall() {
	if s.m.now.Sub(s.stallDue) > stallAfter {
		s.stallDue = s.m.now.Add(stallAfter)
		s.m.arm(timerStall, stallAfter, s.stall)
		return
	}
	s.m.lost(ReasonNoSamples)
}
