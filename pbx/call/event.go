package call

import (
	"time"

	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/route"
)

// Event is something that happened to a call. The concrete types are listed in
// this file.
type Event interface{ callEvent() }

// Invited is the first event of a call that came by SIP: from a phone of the
// office (Kind LegPhone) or over a trunk (Kind LegTrunk). Request is what the
// caller asks for; the call answers with the action Decide.
type Invited struct {
	Leg     journal.LegID
	Kind    journal.LegKind
	Device  office.ID         // of a phone
	Line    office.ID         // of a trunk
	Person  journal.SubjectID // who uses the phone
	Caller  journal.SubjectID // pseudonym of an outside caller
	Dialled journal.SubjectID // pseudonym of what a phone dialled, should it be an outside number
	Request route.Request
}

// LineRang is the first and every further ring burst of a line (hal.Ring).
type LineRang struct {
	Leg     journal.LegID
	Line    office.ID
	N       int
	Request route.Request // Caller is filled in once it is known
}

// CallerKnown reports who calls on a ringing line.
type CallerKnown struct {
	Caller  journal.SubjectID
	Request route.Request
}

// Decided answers the action Decide.
type Decided struct {
	Action route.Action
	Trace  []journal.TraceStep
}

// LegStarted reports that an attempt's leg is being called. One attempt may
// start several legs: one for each contact of each phone.
type LegStarted struct {
	Attempt int
	Leg     journal.LegID
	Kind    journal.LegKind
	Device  office.ID
	Line    office.ID
	Person  journal.SubjectID
}

// AttemptStarted follows the last LegStarted of an attempt; Legs is how many
// there are. None means that nobody could be reached or no line was free.
type AttemptStarted struct {
	Attempt int
	Legs    int
	Reason  string // why none: "offline", "busy", "noLine"
}

// LegProgress reports that a called leg rings (Early: its audio can be heard).
type LegProgress struct {
	Leg   journal.LegID
	Early bool
}

// LegAnswered reports that a leg is through: a called one picked up, or the
// caller's own leg after Answer. Presumed: the line cannot know, and took the end of
// the ringback tone for it.
type LegAnswered struct {
	Leg      journal.LegID
	Presumed bool
}

// LegEnded reports that a leg is over, for whatever reason; it comes exactly once
// for each leg. Code is the SIP final response, 0 where there is none.
type LegEnded struct {
	Leg     journal.LegID
	Cause   Cause
	Code    int
	Quality journal.Quality
}

// Held and Resumed report that the person at a leg put the call on hold.
type Held struct{ Leg journal.LegID }

// Resumed reports the end of a hold.
type Resumed struct{ Leg journal.LegID }

// Digit reports a key pressed at a leg.
type Digit struct {
	Leg   journal.LegID
	Digit byte
}

// Played reports that what was played under this id is over.
type Played struct{ ID int }

// Tick reports that Deadline has passed.
type Tick struct{}

// Offer asks the call, which waits in a queue, to ring an agent.
type Offer struct {
	Offer journal.OfferID
	Agent journal.SubjectID
}

// OfferStopped asks to stop ringing for an offer.
type OfferStopped struct {
	Offer     journal.OfferID
	Elsewhere bool // another agent took the call: phones show no missed call
}

// OfferGranted tells that the agent who answered gets the call.
type OfferGranted struct{ Offer journal.OfferID }

// OfferDenied tells that the agent who answered was too late.
type OfferDenied struct{ Offer journal.OfferID }

// QueueLeft tells that the queue gave the call back: the path goes on.
type QueueLeft struct{ Reason string }

// Announced asks to tell a waiting caller his place in line (0: nothing of it) and
// how long he is expected to wait (High 0: nothing of it), or, if Periodic, to say
// the queue's own message.
type Announced struct {
	Position  int
	Low, High time.Duration
	Periodic  bool
}

// CallbackTaken answers the action AskCallback: whether the ACD has promised.
type CallbackTaken struct{ OK bool }

// Originated is the first event of a call that the box itself makes for a person
// of the office: his phones ring, then Dialled is called as if he had dialled it.
// With an Offer it calls back a caller of a queue: it goes on once the ACD has
// granted the offer, and reports what came of it.
type Originated struct {
	Person  journal.SubjectID
	Dialled string            // what he would dial
	To      journal.SubjectID // pseudonym of the number
	Offer   journal.OfferID
	Contact journal.ContactID // that is called back
	Queue   office.ID
}

// Referred reports that the person at a leg hands the other side on. Request is what
// he would dial for that at his telephone.
//
// Joins: he talks with somebody in another call, too, and wants to join the two; the
// call answers with the action AskJoin.
type Referred struct {
	Leg     journal.LegID
	Joins   bool
	Dialled journal.SubjectID // pseudonym of it, should it be an outside number
	Request route.Request
	other   journal.CallID // see JoinRefused
}

// Joined answers the action AskJoin: the leg of the other call is here.
type Joined Give

// JoinRefused answers it, too: the other call could not give it. Call is the one that
// has ended for it because nobody had answered there; empty if there is none.
type JoinRefused struct{ Call journal.CallID }

// GiveUp asks a call for the leg that talks with Leg, for the call By; it answers with the
// action Give, at once or not at all.
type GiveUp struct {
	Leg journal.LegID
	By  journal.CallID
}

// TransferDecided answers the action DecideTransfer.
type TransferDecided struct {
	Action route.Action
	Trace  []journal.TraceStep
}

// FeatureDone answers the action DoFeature: what to say to the person.
type FeatureDone struct{ Prompt string }

// Preempted ends an ordinary call because its line is needed for an emergency
// call: everybody hears a warning first.
type Preempted struct{}

// Shutdown ends the call in order because the box stops or a person ended it.
type Shutdown struct{ Cause Cause }

func (Invited) callEvent()         {}
func (LineRang) callEvent()        {}
func (CallerKnown) callEvent()     {}
func (Decided) callEvent()         {}
func (LegStarted) callEvent()      {}
func (AttemptStarted) callEvent()  {}
func (LegProgress) callEvent()     {}
func (LegAnswered) callEvent()     {}
func (LegEnded) callEvent()        {}
func (Held) callEvent()            {}
func (Resumed) callEvent()         {}
func (Digit) callEvent()           {}
func (Played) callEvent()          {}
func (Tick) callEvent()            {}
func (Offer) callEvent()           {}
func (OfferStopped) callEvent()    {}
func (OfferGranted) callEvent()    {}
func (OfferDenied) callEvent()     {}
func (QueueLeft) callEvent()       {}
func (Referred) callEvent()        {}
func (Joined) callEvent()          {}
func (JoinRefused) callEvent()     {}
func (GiveUp) callEvent()          {}
func (TransferDecided) callEvent() {}
func (FeatureDone) callEvent()     {}
func (Announced) callEvent()       {}
func (CallbackTaken) callEvent()   {}
func (Originated) callEvent()      {}
func (Preempted) callEvent()       {}
func (Shutdown) callEvent()        {}

// Cause says why a leg or a call ended. The text ids "cause.<Cause>" of ui/i18n
// say it to people.
type Cause string

// Why a leg or a call ended.
const (
	CauseNormal      Cause = "normal"      // somebody hung up after talking
	CauseAbandoned   Cause = "abandoned"   // the caller gave up before anybody answered
	CauseBusy        Cause = "busy"        // the called party is busy
	CauseNoAnswer    Cause = "noAnswer"    // nobody picked up in time
	CauseRejected    Cause = "rejected"    // the called party refused
	CauseOffline     Cause = "offline"     // no phone of the called party is registered
	CauseNoLine      Cause = "noLine"      // no line is free
	CauseNotAllowed  Cause = "notAllowed"  // the number may not be called
	CauseUnknown     Cause = "unknown"     // there is no such number
	CauseMediaLost   Cause = "mediaLost"   // audio stayed away
	CauseLineGone    Cause = "lineGone"    // the line's device was unplugged
	CauseElsewhere   Cause = "elsewhere"   // another phone answered
	CausePreempted   Cause = "preempted"   // ended for an emergency call
	CauseShutdown    Cause = "shutdown"    // the box stops
	CausePathEnd     Cause = "pathEnd"     // the path ended the call
	CauseFailed      Cause = "failed"      // the network or the phone gave an error
	CauseOverload    Cause = "overload"    // more events than the call could take
	CauseTransferred Cause = "transferred" // handed on
	CauseCallback    Cause = "callback"    // the caller was promised to be called back
	CauseTooLong     Cause = "tooLong"     // two outside parties whom nobody of the office hears have talked for hours
)

// lineCause maps a line's hang-up cause to ours.
func lineCause(c hal.HangupCause) Cause {
	switch c {
	case hal.CauseBusy:
		return CauseBusy
	case hal.CauseNoAnswer:
		return CauseNoAnswer
	case hal.CauseGone:
		return CauseLineGone
	case hal.CauseNoDial:
		return CauseFailed
	}
	return CauseNormal
}

// LineCause maps why a telephone line cleared to the cause of its leg's end.
func LineCause(c hal.HangupCause) Cause { return lineCause(c) }

// SIPCause maps a SIP final response to the cause of a called leg's end
// (RFC 3261 section 21, RFC 3398 section 8.2.6.1 in spirit).
func SIPCause(code int) Cause {
	switch code {
	case 486, 600:
		return CauseBusy
	case 480, 408, 487:
		return CauseNoAnswer
	case 603, 403, 401, 407:
		return CauseRejected
	case 404, 484, 410, 604:
		return CauseUnknown
	}
	return CauseFailed
}

// Code is the SIP response that tells a SIP caller this cause.
func (c Cause) Code() int {
	switch c {
	case CauseBusy:
		return 486
	case CauseNoAnswer, CauseOffline:
		return 480
	case CauseRejected:
		return 603
	case CauseNoLine, CauseOverload, CauseShutdown, CauseLineGone:
		return 503
	case CauseNotAllowed:
		return 403
	case CauseUnknown:
		return 404
	}
	return 480
}
