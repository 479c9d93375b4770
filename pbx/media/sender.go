package media

import (
	"net/netip"
	"time"

	"centralino/internal/audio"
)

// sender is what an RTP stream sends: one SSRC whose sequence numbers go on
// without a gap and whose time stamps never go back, whoever the sound comes
// from. Owned by the loop.
type sender struct {
	ssrc    uint32
	seq     uint16    // of the packet sent last
	end     uint32    // time stamp after the packet sent last
	at      time.Time // when that was
	started bool

	// The present source. Another source, or another SSRC of it, gets new offsets.
	from     any // *Stream that is relayed, or one of the marks below; nil: none
	fromSSRC uint32
	high     uint16 // highest sequence number of the source
	first    uint16 // lowest that may still be relayed
	seqOff   uint16
	tsOff    uint32
	lastIn   uint32 // time stamp of high

	pend     [maxPtimeBytes]byte // frames that wait for a longer packet
	pendN    int
	pendFrom any

	packets, octets uint64
}

// marks of sources that are not streams.
var (
	fromPlay   any = "play"
	fromDigits any = "digits"
)

func (t *sender) start(r random) {
	t.ssrc, t.seq, t.end = r.uint32(), uint16(r.uint32()), r.uint32()
}

// nextTS is the time stamp of a packet sent now: right after the last one, or
// later by the time that nothing was sent.
func (t *sender) nextTS(now time.Time) uint32 {
	if !t.started {
		return t.end
	}
	since := uint32(samplesBetween(t.at, now))
	if gap := int32(t.at8k(since) - t.end); gap > audio.FrameSamples {
		return t.end + uint32(gap)/audio.FrameSamples*audio.FrameSamples
	}
	return t.end
}

// at8k is the time stamp that belongs to the instant since samples after the last
// packet was sent, taking that packet as 20 ms long.
func (t *sender) at8k(since uint32) uint32 { return t.end - audio.FrameSamples + since }

// maxJump is how far a source's sequence number may jump and still be the same
// flow (MAX_DROPOUT of RFC 3550 appendix A.1).
const maxJump = 3000

// maxStep is how far a source's time stamp may move between two packets.
const maxStep = 60 * audio.Rate

// relay maps a source's packet into the flow: what to write, and false if it must
// not be sent (a duplicate, or older than the source's turn).
func (t *sender) relay(now time.Time, from *Stream, h *header, samples uint32) (seq uint16, ts uint32, marker, ok bool) {
	marker = h.marker
	d := int16(h.seq - t.high)
	switch {
	case t.from != any(from) || t.fromSSRC != h.ssrc || d > maxJump || d < -maxJump:
		t.rebase(now, from, h)
		marker = true
	case d == 0 || int16(h.seq-t.first) < 0:
		return 0, 0, false, false
	case d > 0:
		if step := int32(h.ts - t.lastIn); step > maxStep || step < -maxStep {
			t.tsOff = t.nextTS(now) - h.ts
		}
	}
	seq, ts = h.seq+t.seqOff, h.ts+t.tsOff
	if int16(h.seq-t.high) >= 0 {
		t.high, t.lastIn = h.seq, h.ts
		if t.high-t.first > maxJump {
			t.first = t.high - maxJump // keeps the comparison above within half a turn
		}
		t.seq = seq
		if end := ts + samples; int32(end-t.end) > 0 {
			t.end = end
		}
		t.at = now
	}
	return seq, ts, marker, true
}

func (t *sender) rebase(now time.Time, from *Stream, h *header) {
	t.pendN = 0
	t.seqOff = t.seq + 1 - h.seq
	t.tsOff = t.nextTS(now) - h.ts
	t.from, t.fromSSRC = from, h.ssrc
	t.first, t.high, t.lastIn = h.seq, h.seq, h.ts
	t.started, t.at = true, now
}

// skip leaves a source's packet out of the flow without a gap behind it.
func (t *sender) skip(from *Stream, h *header) {
	if t.from == any(from) && t.fromSSRC == h.ssrc && h.seq == t.high+1 {
		t.high, t.lastIn = h.seq, h.ts
		t.seqOff--
		t.first = h.seq + 1
	}
}

// made gives the place in the flow of a packet of our own making.
func (t *sender) made(now time.Time, from any, samples uint32) (seq uint16, ts uint32, marker bool) {
	ts = t.end
	if t.from != from || now.Sub(t.at) > maxLag {
		marker = true
		ts = t.nextTS(now)
		t.from = from
	}
	t.seq++
	t.started, t.at = true, now
	t.end = ts + samples
	return t.seq, ts, marker
}

// sendFrame sends a frame of A-law of our own making, or of a line, to the peer.
func (s *Stream) sendFrame(l *loop, from any, alaw []byte) {
	e := s.rtp
	t := &e.tx
	dst, ok := e.sendTo()
	if !ok {
		return
	}
	size := e.packetBytes
	if size == len(alaw) {
		s.sendMade(l, dst, from, alaw)
		return
	}
	if t.pendFrom != from {
		t.pendN, t.pendFrom = 0, from
	}
	n := t.pendN + copy(t.pend[t.pendN:], alaw)
	off := 0
	for ; n-off >= size; off += size {
		s.sendMade(l, dst, from, t.pend[off:off+size])
	}
	t.pendN = copy(t.pend[:], t.pend[off:n])
}

// sendRest sends what still waits for a longer packet, at a source's end.
func (s *Stream) sendRest(l *loop, from any) {
	t := &s.rtp.tx
	if dst, ok := s.rtp.sendTo(); ok && t.pendN > 0 && t.pendFrom == from {
		s.sendMade(l, dst, from, t.pend[:t.pendN])
	}
	t.pendN = 0
}

func (s *Stream) sendMade(l *loop, dst netip.AddrPort, from any, alaw []byte) {
	e := s.rtp
	c := e.remote.Codec
	seq, ts, marker := e.tx.made(l.now, from, uint32(len(alaw)))
	putRTP(l.out[:], marker, c.PT, seq, ts, e.tx.ssrc)
	payload := l.out[rtpHeader : rtpHeader+copy(l.out[rtpHeader:], alaw)]
	convert(payload, audio.ALaw, c.Law)
	e.write(l.out[:rtpHeader+len(payload)], dst)
}
