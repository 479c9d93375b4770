package media

import (
	"github.com/pion/rtp"

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

// parseRTP reads the header of b; scratch is used again and again, so that
// extensions and contributing sources allocate nothing. False: not RTP of version
// 2, cut off, or with impossible lengths.
func parseRTP(scratch *rtp.Header, b []byte) (h header, ok bool) {
	n, err := scratch.Unmarshal(b)
	if err != nil || scratch.Version != 2 || n > len(b) {
		return h, false
	}
	h = header{
		marker: scratch.Marker, pt: scratch.PayloadType, seq: scratch.SequenceNumber,
		ts: scratch.Timestamp, ssrc: scratch.SSRC, start: n, end: len(b),
	}
	if scratch.Padding {
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

// putRTP writes a plain header into b, which has room for rtpHeader octets.
func putRTP(b []byte, marker bool, pt uint8, seq uint16, ts, ssrc uint32) {
	h := rtp.Header{Version: 2, Marker: marker, PayloadType: pt, SequenceNumber: seq, Timestamp: ts, SSRC: ssrc}
	_, _ = h.MarshalTo(b) // fails only without room
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
