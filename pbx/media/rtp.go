package media

import (
	"encoding/binary"

	"centralino/internal/audio"
)

// rtpHeader is the length of a header without CSRCs and extension.
const rtpHeader = 12

// maxPtimeBytes is the longest payload that we make: 60 ms.
const maxPtimeBytes = 480

// header is what is needed of an RTP header (RFC 3550 section 5.1), and where the
// payload stands.
type header struct {
	marker     bool
	pt         uint8
	seq        uint16
	ts, ssrc   uint32
	start, end int
}

// parseRTP reads the header of b. False: not RTP of version 2, cut off, or with
// impossible lengths.
func parseRTP(b []byte) (h header, ok bool) {
	if len(b) < rtpHeader || b[0]>>6 != 2 {
		return h, false
	}
	h = header{
		marker: b[1]&0x80 != 0,
		pt:     b[1] & 0x7f,
		seq:    binary.BigEndian.Uint16(b[2:]),
		ts:     binary.BigEndian.Uint32(b[4:]),
		ssrc:   binary.BigEndian.Uint32(b[8:]),
		start:  rtpHeader + 4*int(b[0]&0x0f),
		end:    len(b),
	}
	if b[0]&0x10 != 0 { // extension
		if h.start+4 > len(b) {
			return h, false
		}
		h.start += 4 + 4*int(binary.BigEndian.Uint16(b[h.start+2:]))
	}
	if h.start > h.end {
		return h, false
	}
	if b[0]&0x20 != 0 { // padding
		pad := 0
		if h.end > h.start {
			pad = int(b[h.end-1])
		}
		if pad == 0 || h.start+pad > h.end {
			return h, false
		}
		h.end -= pad
	}
	return h, true
}

// putRTP writes a plain header into b.
func putRTP(b []byte, marker bool, pt uint8, seq uint16, ts, ssrc uint32) {
	_ = b[rtpHeader-1]
	b[0] = 0x80
	b[1] = pt
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}

// payload kinds of what is received.
type payloadKind uint8

const (
	unknownPayload payloadKind = iota
	audioPayload
	eventPayload
)

// classify says what a payload type means on a stream with remote r.
func (r *Remote) classify(pt uint8) (payloadKind, audio.Law) {
	event := r.RecvDTMF
	if event == 0 {
		event = r.DTMF
	}
	switch {
	case event != 0 && pt == event:
		return eventPayload, r.Codec.Law
	case r.RecvPT != 0 && pt == r.RecvPT, pt == r.Codec.PT:
		return audioPayload, r.Codec.Law
	case pt == 8:
		return audioPayload, audio.ALaw
	case pt == 0:
		return audioPayload, audio.MuLaw
	}
	return unknownPayload, audio.ALaw
}

// convert turns payload from one law into the other, in place.
func convert(payload []byte, from, to audio.Law) {
	switch {
	case from == to:
	case from == audio.ALaw:
		audio.ALawToMuLaw(payload, payload)
	default:
		audio.MuLawToALaw(payload, payload)
	}
}
