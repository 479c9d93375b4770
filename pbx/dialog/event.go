package dialog

import (
	"time"

	"centralino/pbx/sip"
)

// Event is one thing that happened on a leg. After Failed, Cancelled, Ended or
// Lost nothing more comes: exactly one of these four ends every leg.
type Event interface{ dialogEvent() }

type (
	// Progress is a provisional answer to our INVITE (101 to 199). SDP is nil
	// where it carries none; an answer in a 183 is the answer to our offer.
	Progress struct {
		Code int
		SDP  []byte
		Tag  string // of the other side
	}
	// Accepted: our INVITE was answered 2xx; the ACK has been sent, unless the
	// INVITE had no offer: then SDP is the offer and AnswerOffer sends the ACK.
	// SDP is nil when the 2xx has none because an early answer was given before.
	Accepted struct {
		SDP      []byte
		Response *sip.Response
	}
	// Failed ends a leg that we called: final answer 300 to 699, 408 for a
	// limit or no answer, 503 when sending failed, 487 after our Cancel.
	Failed struct {
		Code       int
		Reason     string        // phrase
		Q850       int           // cause of a Reason header, 0 if none
		RetryAfter time.Duration // of 503, 486, 480 …; 0 if none
		Contacts   []sip.Address // of 3xx
		Response   *sip.Response // nil when nothing was received
	}
	// Cancelled ends an incoming leg whose caller gave up before the answer; 487
	// has been sent. Elsewhere: its Reason says that another took the call (RFC
	// 3326, SIP cause 200).
	Cancelled struct {
		Reason    string // value of the Reason header, if any
		Elsewhere bool
	}
	// Acked: the ACK for our 2xx came; the incoming leg is up. SDP is the answer
	// when we made the offer in the 2xx. It also comes for a re-INVITE whose 2xx
	// carried our offer.
	Acked struct{ SDP []byte }
	// Reinvited: the other side wants to change the session; SDP is its offer, nil
	// when it asks for ours. AnswerReinvite or RejectReinvite must follow; after
	// 10 s without, 500 is sent.
	Reinvited struct {
		SDP    []byte
		Update bool // came as UPDATE, which must be answered without asking anybody
	}
	// ReinviteAccepted: our Reinvite was answered; SDP is the answer.
	ReinviteAccepted struct{ SDP []byte }
	// ReinviteFailed: the session stays as it was. 491 has been tried again
	// before; 408 and 481 end the leg with Lost instead.
	ReinviteFailed struct{ Code int }
	// Digit is a DTMF digit from INFO (application/dtmf-relay or dtmf).
	Digit struct {
		Digit    byte // '0'-'9', '*', '#', 'A'-'D'
		Duration time.Duration
	}
	// Refer: the other side asks for a transfer. By is who it has proved to be.
	// AnswerRefer must follow; after 10 s without, 500 is sent.
	Refer struct {
		To sip.Address
		By Identity
	}
	// Notified: how a transfer that we have asked for goes (Leg.Refer).
	Notified struct {
		Code int
		Last bool
	}
	// Ended: the other side sent BYE, answered 200 already.
	Ended struct {
		Reason string // value of the Reason header, if any
		Q850   int
	}
	// Lost ends a leg without the other side: no ACK for our 2xx, no answer
	// within the dialog (BYE has been sent), or our own Bye is done. Cause says
	// which.
	Lost struct{ Cause Cause }
)

// Cause of a Lost leg.
type Cause string

// Causes of Lost.
const (
	NoAck   Cause = "no ACK"    // 64*T1 after the 2xx; BYE was sent
	NoPeer  Cause = "no answer" // 408 or 481 within the dialog; BYE was sent
	ByeSent Cause = "hung up"   // our Bye; sent when it was answered or gave up
	Refused Cause = "rejected"  // our Reject of an incoming leg
)

func (Progress) dialogEvent()         {}
func (Accepted) dialogEvent()         {}
func (Failed) dialogEvent()           {}
func (Cancelled) dialogEvent()        {}
func (Acked) dialogEvent()            {}
func (Reinvited) dialogEvent()        {}
func (ReinviteAccepted) dialogEvent() {}
func (ReinviteFailed) dialogEvent()   {}
func (Digit) dialogEvent()            {}
func (Refer) dialogEvent()            {}
func (Notified) dialogEvent()         {}
func (Ended) dialogEvent()            {}
func (Lost) dialogEvent()             {}
