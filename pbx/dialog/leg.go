package dialog

import "centralino/pbx/sip"

// Leg is one INVITE dialog from its INVITE to its end. All methods may be called
// from any goroutine and never block; a command that does not fit the state is
// ignored (an Accept that crosses a CANCEL, a second Bye).
//
//	incoming:  trying ─Ring─▶ ringing ─Accept─▶ accepted ─ACK─▶ up ─Bye/BYE─▶ ended
//	              └─────Reject / CANCEL──────────▶ ended
//	outgoing:  calling ─1xx─▶ proceeding ─2xx─▶ up ─Bye/BYE─▶ ended
//	              └────Cancel────▶ cancelling ─487─▶ ended (a 2xx that crosses: ACK, BYE)
type Leg struct{}

// ID returns the leg's Call-ID with our tag: unique, for logs and maps.
func (l *Leg) ID() string { return "" }

// Incoming says whether the other side called.
func (l *Leg) Incoming() bool { return false }

// Identity returns who the INVITE was admitted as (incoming legs).
func (l *Leg) Identity() Identity { return Identity{} }

// Request returns the INVITE: the received one of an incoming leg, the first one
// sent of an outgoing leg. Do not change it.
func (l *Leg) Request() *sip.Request { return nil }

// Offer returns the SDP of an incoming INVITE, nil when it has none.
func (l *Leg) Offer() []byte { return nil }

// Remote returns the flow of the other side's latest message (zero before any).
func (l *Leg) Remote() sip.Flow { return sip.Flow{} }

// Listen sets the sink of events. The sink must not block; it may call commands.
// Events that came before Listen are given to it at once. For incoming legs call
// it in Options.Incoming.
func (l *Leg) Listen(on func(Event)) {}

// Ring sends a provisional response (180, 181, 182, 183) to an incoming INVITE,
// with sdp for early media or nil. It may be repeated; the latest one is sent
// again every 60 s so that no proxy's Timer C ends the call (RFC 3261 13.3.1.1).
func (l *Leg) Ring(code int, sdp []byte) {}

// Accept answers an incoming INVITE with 200 and sdp: the answer, or the offer if
// the INVITE had none. It is repeated at 0.5, 1, 2, 4, 4 … s until the ACK, for 32
// s at most. headers may add Contact-independent fields.
func (l *Leg) Accept(sdp []byte, headers ...Header) {}

// Reject refuses an incoming INVITE with a final code 300 to 699. reason "" gives
// the standard phrase. The leg ends with Lost{Refused}.
func (l *Leg) Reject(code int, reason string, headers ...Header) {}

// Cancel gives up an outgoing leg that is not answered. reason, if not empty, is
// sent as a Reason header; ElsewhereReason tells phones not to show a missed call.
// The leg ends with Failed (487), also when nothing comes back; a 2xx that crosses
// the CANCEL is acknowledged and ended with BYE, and reported as Failed 487 too.
func (l *Leg) Cancel(reason string) {}

// ElsewhereReason is the Reason value of a call that another phone took (RFC 3326).
const ElsewhereReason = `SIP;cause=200;text="Call completed elsewhere"`

// AnswerOffer sends the ACK with the answer to an offer that came in Accepted.
func (l *Leg) AnswerOffer(sdp []byte) {}

// Bye ends an answered leg; reason, if not empty, is the value of a Reason header
// (Q850Reason). On a leg that is not yet answered it does what Cancel or Reject
// (480) would do.
func (l *Leg) Bye(reason string) {}

// Reinvite offers a changed session. Glare (491) is tried again after the random
// wait of RFC 3261 14.1; one at a time, a further one waits for the first.
func (l *Leg) Reinvite(sdp []byte) {}

// AnswerReinvite answers Reinvited with 200 and sdp.
func (l *Leg) AnswerReinvite(sdp []byte) {}

// RejectReinvite answers Reinvited with a final code (488 …).
func (l *Leg) RejectReinvite(code int) {}

// SendDigit sends one DTMF digit by INFO (application/dtmf-relay), for peers
// without RFC 4733.
func (l *Leg) SendDigit(digit byte) {}

// Q850Reason returns a Reason value for a Q.850 cause (16 normal clearing, 17 user
// busy, 19 no answer, 34 no circuit …).
func Q850Reason(cause int, text string) string {
	return ""
}
