// Package sdp negotiates the audio of a call: session descriptions (RFC 8866)
// read and written, and the offer/answer rules (RFC 3264, RFC 6337) as pure
// functions on values. A Description that was returned or passed in is never
// changed afterwards. Nothing here runs, opens or waits.
//
// The box speaks G.711 in both laws and telephone-event (RFC 4733). Other media
// (video, T.38) are refused with port 0, unknown attributes are ignored.
package sdp

import (
	"errors"
	"net/netip"
)

// Direction is what a side does with a stream (RFC 8866 section 6.7), from its
// own point of view. The zero value counts as SendRecv.
type Direction string

// The directions.
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

// Sends reports whether this side sends.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly || d == "" }

// Receives reports whether this side receives.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly || d == "" }

// Reverse is the same stream from the other side's point of view.
func (d Direction) Reverse() Direction { return direction(d.Receives(), d.Sends()) }

func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

// and is the direction that both allow, from the same point of view.
func (d Direction) and(e Direction) Direction {
	return direction(d.Sends() && e.Sends(), d.Receives() && e.Receives())
}

// Codec is one RTP payload format of an m-line.
type Codec struct {
	PT    uint8
	Name  string // as registered: "PCMA", "PCMU", "telephone-event"; compared without case
	Clock int    // 8000
	Fmtp  string // parameters, "0-15" for telephone-event
}

// What the box supports, in its order of preference.
var (
	PCMA           = Codec{PT: 8, Name: "PCMA", Clock: 8000}
	PCMU           = Codec{PT: 0, Name: "PCMU", Clock: 8000}
	TelephoneEvent = Codec{PT: 101, Name: "telephone-event", Clock: 8000, Fmtp: "0-15"}
)

// Media is one m-line.
type Media struct {
	Kind      string   // "audio", "video", "image", …
	Port      uint16   // 0: refused or switched off
	Proto     string   // "RTP/AVP"
	Formats   []string // as written
	Codecs    []Codec  // of an RTP m-line, in order; formats that cannot be told are left out
	Addr      netip.Addr
	Host      string         // the connection address where it is a name and not an address
	RTCP      netip.AddrPort // from a=rtcp (RFC 3605); invalid: the port after RTP
	Direction Direction
	Ptime     int // ms, 0 if not said
}

// held reports whether the side that wrote m does not want to hear anything: an
// address of all zeros (RFC 2543) or in the .invalid domain (RFC 6157).
func (m *Media) held() bool {
	return m.Addr.IsValid() && m.Addr.IsUnspecified() || isInvalidDomain(m.Host)
}

// Origin is the o= line. ID and Version are decimal digits of any length.
type Origin struct {
	User    string
	ID      string
	Version string
	Addr    netip.Addr // of our own descriptions; not kept when reading
}

// Description is one session description.
type Description struct {
	Origin Origin
	Media  []Media
}

// Errors of this package wrap one of these. A malformed body is answered with
// 400, a description that cannot be agreed with 488.
var (
	ErrMalformed     = errors.New("malformed session description")
	ErrNotAcceptable = errors.New("session description not acceptable")
)

// Status is the SIP response code that err calls for: 400 or 488, and 0 if err is
// nil or not of this package.
func Status(err error) int {
	switch {
	case errors.Is(err, ErrMalformed):
		return 400
	case errors.Is(err, ErrNotAcceptable):
		return 488
	}
	return 0
}

// Local is what we want to offer or answer.
type Local struct {
	ID        uint64         // session id of the first description of a dialog; below 2^63
	RTP       netip.AddrPort // our RTP port; RTCP is the port after it
	Direction Direction      // what we want: SendOnly to hold, RecvOnly while we have nothing to say
	Codecs    []Codec        // nil: PCMA, PCMU, telephone-event
	Ptime     int            // ms, 0: 20
}

// Agreed is what both sides settled on, from our point of view.
type Agreed struct {
	RTP, RTCP netip.AddrPort // where the peer wants it; RTP is the zero address while we are held the old way
	Codec     Codec          // what we send, with the peer's payload type
	RecvPT    uint8          // payload type of the same codec as we receive it
	DTMF      uint8          // payload type of telephone-event as we send it, 0 if the peer has none
	RecvDTMF  uint8          // and as we receive it
	Ptime     int            // ms that the peer wants in a packet
	Direction Direction      // ours
	Held      bool           // the peer put us on hold: it does not want to hear us
}

// Parse reads a description. What is wrong in it is told by an error that wraps
// ErrMalformed.
func Parse(body []byte) (*Description, error) { return parse(body) }

// MakeOffer writes our offer. Previous is our last description in this dialog,
// offer or answer, or nil for the first: the m-lines keep their places and the
// origin its version, raised by one only if something changed (RFC 3264 section 8).
func MakeOffer(previous *Description, l Local) *Description { return makeOffer(previous, l) }

// Answer writes our answer to the peer's offer. The codec is the first of the
// offer that l has (the order is the offerer's). Previous is our last
// description in this dialog, or nil. The error wraps ErrNotAcceptable when no
// audio stream of the offer can be used.
func Answer(previous, offer *Description, l Local) (*Description, Agreed, error) {
	return makeAnswer(previous, offer, l)
}

// Accept reads the peer's answer to our offer. The error wraps ErrNotAcceptable
// when the answer refused the audio or does not fit the offer.
func Accept(offer, answer *Description) (Agreed, error) { return accept(offer, answer) }
