package media

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// lineEnd is the telephone line of a stream. Two goroutines work on it: the
// line's own, which calls LineFrame and owns the jitter buffer, and the loop.
// What passes between them is in rings and atomics.
type lineEnd struct {
	s    *Stream
	line hal.Line
	off  atomic.Bool // silent: released, or something panicked
	once sync.Once   // released

	up   ring[[FrameBytes]byte] // 16 frames, 320 ms of a loop that is late; then the newest are lost
	down ring[linePacket]       // 32 packets, 320 ms of the shortest; then the newest are lost
	keys ring[byte]             // digits to be heard on the line; more than 64 are lost

	playing  atomic.Pointer[linePlay] // set by the loop, nil: nothing
	finished atomic.Pointer[linePlay] // set by the line: its source has ended

	// By the loop:
	frames   uint32 // received from the line
	from     any    // whose packets are pushed
	fromSSRC uint32
	turn     uint32 // counts up with each other source
	overflow uint64

	// By the line's goroutine:
	jitter  jitterBuffer
	heard   uint32 // turn that jitter is filled from
	tones   lineTones
	linear  [FrameBytes]int16
	figure  lineFigures
	lastRun *linePlay // whose source has ended
	last    time.Time // of the last frame
}

// A line that was not served for stalled has been stopped, and its loop probably
// with it, as when this machine had no time for us. What the peer sent meanwhile
// waits in its socket: the loop gets catchUpWait to bring it before the line asks
// for the frames of the same span.
const (
	stalled     = 3 * frameTime
	catchUpWait = 10 * time.Millisecond
	catchUpMost = 64 // packets
)

// lineFigures are written by the line's goroutine and read by anybody.
type lineFigures struct {
	frames, concealed, late, overflow atomic.Uint64
	depth                             atomic.Int64
}

// linePacket is a packet of sound on its way to the line, as A-law.
type linePacket struct {
	turn uint32
	ts   uint32
	n    int
	data [maxPtimeBytes]byte
}

// linePlay is one Play on a line.
type linePlay struct {
	source Source
	id     int
}

func newLineEnd(s *Stream, l hal.Line) *lineEnd {
	return &lineEnd{
		s: s, line: l,
		up:   newRing[[FrameBytes]byte](16),
		down: newRing[linePacket](32),
		keys: newRing[byte](maxDigits),
	}
}

// release takes the stream off the line.
func (e *lineEnd) release() {
	e.once.Do(func() {
		e.off.Store(true)
		e.line.SetAudio(nil)
	})
}

// LineFrame implements hal.AudioHandler: it hands rx to the loop and fills tx
// with what the line is to say.
func (e *lineEnd) LineFrame(rx, tx []byte) {
	if e.off.Load() {
		fill(tx, audio.ALawSilence)
		return
	}
	defer e.rescue(tx)
	now := time.Now()
	if !e.last.IsZero() && now.Sub(e.last) > stalled {
		e.catchUp()
	}
	e.last = now
	if slot := e.up.put(); slot != nil {
		copy(slot[:], rx)
		e.up.commit()
	} else {
		e.figure.overflow.Add(1)
	}
	e.figure.frames.Add(1)
	e.say(tx)
	e.s.loop.Load().wake()
}

// catchUp has the loop read what waits in the socket of the peer.
func (e *lineEnd) catchUp() {
	done := make(chan struct{})
	s := e.s
	s.post(func() {
		defer close(done)
		if p := s.peer; !s.closed && p != nil && p.rtp != nil {
			l := s.loop.Load()
			for n := 0; n < catchUpMost && l.readable(p.rtp.token); n++ {
			}
			l.current = s
		}
	})
	t := time.NewTimer(catchUpWait)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// rescue keeps a source that panics from taking the line's driver with it: the
// line is silent from then on, and the owner told.
func (e *lineEnd) rescue(tx []byte) {
	if r := recover(); r != nil {
		e.off.Store(true)
		fill(tx, audio.ALawSilence)
		e.s.plane.o.Log.Error("media line", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		e.s.post(func() { e.s.emit(Broken{}) })
	}
}

// say fills tx by the order of precedence that Stream documents.
func (e *lineEnd) say(tx []byte) {
	e.receive()
	if e.tones.next(&e.keys, e.linear[:]) {
		audio.LinearToALaw(tx, e.linear[:])
		return
	}
	if p := e.playing.Load(); p != nil && p != e.lastRun {
		n, more := p.source.ReadFrame(tx)
		fill(tx[n:], audio.ALawSilence)
		if !more {
			e.lastRun = p
			e.finished.Store(p)
		}
		return
	}
	e.jitter.read(e.linear[:])
	audio.LinearToALaw(tx, e.linear[:])
	e.figure.concealed.Store(e.jitter.concealed)
	e.figure.late.Store(e.jitter.late)
	e.figure.depth.Store(int64(audio.Duration(e.jitter.depth())))
}

// receive takes what the loop sent into the jitter buffer.
func (e *lineEnd) receive() {
	for p := e.down.take(); p != nil; p = e.down.take() {
		if p.turn != e.heard {
			e.heard = p.turn
			e.jitter.reset()
		}
		e.jitter.write(p.ts, p.data[:p.n])
		e.down.release()
	}
}

// play changes what the line says; called by the loop.
func (e *lineEnd) play(p playing) {
	e.from = nil // what is relayed after it begins anew
	if p.source == nil {
		e.playing.Store(nil)
		return
	}
	e.playing.Store(&linePlay{p.source, p.id})
}

// push sends a packet of sound to the line; called by the loop. Longer ones than
// 60 ms go in pieces.
func (e *lineEnd) push(from *Stream, h *header, alaw []byte) {
	if e.from != any(from) || e.fromSSRC != h.ssrc {
		e.from, e.fromSSRC = from, h.ssrc
		e.turn++
	}
	for ts := h.ts; len(alaw) > 0; {
		p := e.down.put()
		if p == nil {
			e.overflow++
			return
		}
		p.turn, p.ts = e.turn, ts
		p.n = copy(p.data[:], alaw)
		e.down.commit()
		alaw = alaw[p.n:]
		ts += uint32(p.n)
	}
}

// digits sends key presses to the line; called by the loop.
func (e *lineEnd) digits(digits string) {
	for i := range len(digits) {
		if slot := e.keys.put(); slot != nil {
			*slot = digits[i]
			e.keys.commit()
		}
	}
}

// collect passes on what the line was heard to say; called by the loop.
func (e *lineEnd) collect() {
	s := e.s
	l := s.loop.Load()
	for f := e.up.take(); f != nil; f = e.up.take() {
		e.frames++
		if s.peer != nil {
			s.peer.hearFrame(l, s, e.frames, f[:])
		}
		e.up.release()
	}
	if p := e.finished.Swap(nil); p != nil && e.playing.Load() == p {
		e.playing.Store(nil)
		s.play = playing{}
		s.emit(PlayDone{p.id})
	}
}

func (e *lineEnd) figures(st *Stats) {
	f := &e.figure
	st.LineFrames = f.frames.Load()
	st.Concealed, st.Late = f.concealed.Load(), f.late.Load()
	st.Buffer = time.Duration(f.depth.Load())
	st.Overflow = f.overflow.Load() + e.overflow
	st.Received, st.ReceivedOctets = uint64(e.frames), uint64(e.frames)*FrameBytes
	st.Sent, st.SentOctets = st.LineFrames, st.LineFrames*FrameBytes
}

// lineTones plays digits on a line, without allocating: 100 ms on, 100 ms off.
type lineTones struct {
	gen  audio.DTMFGen
	left int
}

// next fills dst with a piece of a digit, and reports false if there is none.
func (t *lineTones) next(keys *ring[byte], dst []int16) bool {
	if t.left <= 0 {
		k := keys.take()
		if k == nil {
			return false
		}
		t.gen.Key(*k, audio.DTMFOn, audio.DTMFOff, audio.DTMFLevel)
		t.left = audio.Samples(audio.DTMFOn + audio.DTMFOff)
		keys.release()
	}
	n := t.gen.Read(dst)
	clear(dst[n:])
	t.left -= len(dst)
	return true
}
