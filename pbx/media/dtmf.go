package media

import (
	"encoding/binary"
	"strings"

	"centralino/internal/audio"
)

// keys are the events 0 to 15 of RFC 4733 section 3.2.
const keys = "0123456789*#ABCD"

// telephoneEvent is the payload of RFC 4733 section 2.3.
type telephoneEvent struct {
	code     uint8
	end      bool
	volume   uint8
	duration uint16
}

func parseEvent(b []byte) (telephoneEvent, bool) {
	if len(b) < 4 {
		return telephoneEvent{}, false
	}
	return telephoneEvent{b[0], b[1]&0x80 != 0, b[1] & 0x3f, binary.BigEndian.Uint16(b[2:])}, true
}

func (t telephoneEvent) put(b []byte) {
	b[0], b[1] = t.code, t.volume
	if t.end {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], t.duration)
}

// keyDetector finds the key presses in a flow of telephone-events: one for each
// time stamp, told at its first packet. The marker bit is not looked at, lost or
// repeated packets do no harm, and the segments of a long press (RFC 4733 section
// 2.5.1.3) are one key.
type keyDetector struct {
	any      bool
	ended    bool
	ts       uint32
	code     uint8
	duration uint16
}

// press reports whether the packet begins a new key press.
func (k *keyDetector) press(ts uint32, e telephoneEvent) bool {
	step := int32(ts - k.ts)
	if k.any && step <= 0 { // the same event, or an older one that came late
		if step == 0 {
			k.ended = k.ended || e.end
			k.duration = max(k.duration, e.duration)
		}
		return false
	}
	// A next segment follows the full duration of the one before. Some senders
	// move the time stamp within an event; its duration then goes on growing.
	same := k.any && !k.ended && k.code == e.code &&
		(k.duration >= 0xff00 && step >= 0xff00 && step <= 0x10200 || e.duration > k.duration && step < 0x4000)
	*k = keyDetector{any: true, ended: e.end, ts: ts, code: e.code, duration: e.duration}
	return !same
}

// receiveKey handles a packet of telephone-event.
func (s *Stream) receiveKey(l *loop, h *header, b []byte) {
	e, ok := parseEvent(b[h.start:h.end])
	if !ok {
		s.unknown()
		return
	}
	pressed := s.rtp.keys.press(h.ts, e) && int(e.code) < len(keys)
	if peer := s.peer; peer != nil && s.rtp.remote.Direction.Receives() {
		peer.hearKey(l, s, h, b, e, pressed)
	}
	if pressed {
		s.stats.Digits++
		s.emit(DTMF{keys[e.code]})
	}
}

// hearKey passes an event of from on to the peer of s: as event where that was
// agreed, else as a tone of the usual length.
func (s *Stream) hearKey(l *loop, from *Stream, h *header, b []byte, e telephoneEvent, pressed bool) {
	if s.play.source != nil {
		s.interrupt()
		return
	}
	if s.rtp == nil || s.rtp.remote.DTMF == 0 {
		if s.rtp != nil {
			s.rtp.tx.skip(from, h)
		}
		if pressed {
			s.sendDigits(keys[e.code : e.code+1])
		}
		return
	}
	end := s.rtp
	dst, ok := end.sendTo()
	if !ok || s.digits.busy() {
		s.interrupt()
		return
	}
	seq, ts, marker, ok := end.tx.relay(l.now, from, h, uint32(e.duration))
	if !ok {
		return
	}
	out := b[h.start-rtpHeader : h.end]
	putRTP(out, marker, end.remote.DTMF, seq, ts, end.tx.ssrc)
	end.write(out, dst)
}

// maxDigits wait to be sent on a stream.
const maxDigits = 64

// digitQueue are the key presses that an RTP stream has to send.
type digitQueue struct {
	waiting string
	step    int // of the digit at the front; 0: not begun
	ts      uint32
	tones   *tonesSource // in place of events where the peer has none
}

func (q *digitQueue) busy() bool { return q.waiting != "" || q.tones != nil }

// sendDigits takes digits to be sent.
func (s *Stream) sendDigits(digits string) {
	if s.closed {
		return
	}
	digits = strings.Map(func(r rune) rune {
		if strings.ContainsRune(keys, r) {
			return r
		}
		return -1
	}, digits)
	if s.line != nil {
		s.line.digits(digits)
		return
	}
	q := &s.digits
	q.waiting += digits[:min(len(digits), maxDigits-len(q.waiting))]
	s.loop.Load().updateTicking(s)
}

// Steps of one digit, in frames: pressed, then released; the end packet goes out
// three times (RFC 4733 section 2.5.1.4).
const (
	pressFrames   = 5
	releaseFrames = 5
	endPackets    = 3
)

// tickDigits sends the next 20 ms of key presses.
func (s *Stream) tickDigits(l *loop) {
	q := &s.digits
	if s.rtp.remote.DTMF == 0 || q.tones != nil {
		s.tickTones(l)
		return
	}
	e := telephoneEvent{code: uint8(strings.IndexByte(keys, q.waiting[0])), volume: 10}
	switch {
	case q.step < pressFrames:
		e.duration = uint16((q.step + 1) * FrameBytes)
		s.sendEvent(l, e, q.step == 0)
	case q.step == pressFrames:
		e.duration, e.end = pressFrames*FrameBytes, true
		for range endPackets {
			s.sendEvent(l, e, false)
		}
	}
	if q.step++; q.step > pressFrames+releaseFrames {
		q.waiting, q.step = q.waiting[1:], 0
	}
}

func (s *Stream) sendEvent(l *loop, ev telephoneEvent, first bool) {
	e := s.rtp
	dst, ok := e.sendTo()
	if !ok {
		return
	}
	if first {
		s.digits.ts = e.tx.nextTS(l.now)
	}
	seq, _, _ := e.tx.made(l.now, fromDigits, 0)
	e.tx.end = s.digits.ts + uint32(ev.duration)
	putRTP(l.out[:], first, e.remote.DTMF, seq, s.digits.ts, e.tx.ssrc)
	ev.put(l.out[rtpHeader:])
	e.write(l.out[:rtpHeader+4], dst)
}

// tickTones sends the next frame of digits as tones.
func (s *Stream) tickTones(l *loop) {
	q := &s.digits
	if q.tones == nil {
		q.tones, q.waiting = newTones(q.waiting), ""
	}
	n, more := q.tones.ReadFrame(l.frame[:])
	fill(l.frame[n:], audio.ALawSilence)
	s.sendFrame(l, fromDigits, l.frame[:])
	if !more {
		q.tones = nil
	}
}

// tonesSource plays digits as tones.
type tonesSource struct {
	gen  *audio.DTMFGen
	buf  [FrameBytes]int16
	left int
}

func newTones(digits string) *tonesSource {
	gen, err := audio.NewDTMFGen(digits, audio.DTMFOn, audio.DTMFOff, audio.DTMFLevel)
	if err != nil {
		return &tonesSource{}
	}
	per := audio.Samples(audio.DTMFOn + audio.DTMFOff)
	return &tonesSource{gen: gen, left: len(digits) * per}
}

func (t *tonesSource) ReadFrame(dst []byte) (int, bool) {
	if t.gen == nil {
		return 0, false
	}
	n := t.gen.Read(t.buf[:min(len(dst), len(t.buf))])
	audio.LinearToALaw(dst, t.buf[:n])
	t.left -= n
	return n, t.left > 0
}

// NewDTMF plays digits as tones; what is no digit makes it silent.
func NewDTMF(digits string) Source { return newTones(digits) }
