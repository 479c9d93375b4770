package call

import (
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/ivr"
	"centralino/pbx/route"
)

// Action is something the owner of a call does for it. Actions are performed in
// order; what they bring comes back as events.
type Action interface{ callAction() }

// Decide asks for the route of a request; Decided follows at once.
type Decide struct{ Request route.Request }

// Ringing tells the caller's leg that somebody is being called: 180, or 183 when
// Early (the audio of Leg's partner is connected at the same time, so the phone
// makes no ringback of its own; RFC 3960).
type Ringing struct {
	Leg   journal.LegID
	Early bool
}

// Answer takes the caller's leg: off hook, or 200. LegAnswered follows.
type Answer struct{ Leg journal.LegID }

// HangUp ends a leg in whatever state it is: CANCEL, BYE, a final response with
// Cause's code, or on hook. LegEnded follows.
type HangUp struct {
	Leg   journal.LegID
	Cause Cause
	Code  int // final SIP response for an unanswered caller, 0: Cause.Code
}

// Ring starts an attempt to reach people's phones, all at once. LegStarted and
// AttemptStarted follow at once.
type Ring struct {
	Attempt int
	People  []journal.SubjectID
	Devices []office.ID
	Show    string // what the phones show beside the caller, for instance the queue's name
}

// DialOut starts an attempt over a line: seizes the first free candidate and
// dials. For an emergency call that finds none it goes on with what the office has
// now, other lines than those tried before, and waits for one that a preempted
// call gives back.
type DialOut struct {
	Attempt int
	Out     route.DialOut
}

// Connect lets two legs hear each other.
type Connect struct{ A, B journal.LegID }

// Play lets a leg hear something once, and what is in Then right after it;
// Played{ID} follows at the end of all.
type Play struct {
	Leg  journal.LegID
	ID   int
	What Sound
	Then []Sound
}

// PlayLoop lets a leg hear music or a tone until something else comes.
type PlayLoop struct {
	Leg  journal.LegID
	What Sound
}

// StopPlay makes a leg hear silence.
type StopPlay struct{ Leg journal.LegID }

// Echo lets a leg hear itself.
type Echo struct{ Leg journal.LegID }

// Sound is something to hear: a prompt of the office by id, a built-in sentence,
// or a tone. Exactly one of the fields is set.
type Sound struct {
	Prompt  office.ID
	Audio   string // sha256 of the prompt's uploaded audio, if any
	Builtin string
	Tone    string // "busy", "congestion", "ringback"
	OnHold  bool   // built-in music, unless Prompt names another
	Lang    string
}

// EnterQueue hands the caller to a queue of the ACD, in which he stands as one who came
// Since; zero: now, or where the ACD knows that he came.
type EnterQueue struct {
	Group office.ID
	Since time.Time
}

// ExitQueue tells the ACD that the caller has chosen another path by a key.
type ExitQueue struct{}

// AskCallback asks the ACD to promise the caller that he is called back at Number in
// his turn; CallbackTaken follows. From here on the place in line lives without the
// call: LeaveQueue comes only after a refusal. Group is given where the caller does
// not wait in its queue.
type AskCallback struct {
	Number numbering.E164
	Group  office.ID
}

// CallbackResult tells the ACD what came of calling back.
type CallbackResult struct{ Result string }

// Results of a CallbackResult.
const (
	ResultAnswered = "answered"
	ResultBusy     = "busy"
	ResultNoAnswer = "noAnswer"
	ResultFailed   = "failed"
)

// LeaveQueue tells the ACD that the caller is gone.
type LeaveQueue struct{}

// OfferAnswered tells the ACD that a phone of the offer's agent picked up.
type OfferAnswered struct{ Offer journal.OfferID }

// OfferFailed tells the ACD that an offer came to nothing.
type OfferFailed struct {
	Offer  journal.OfferID
	Reason Cause
}

// TalkEnded tells the ACD that caller and agent no longer talk.
type TalkEnded struct{}

// TalkLost tells the ACD that the agent's phone vanished while the caller is still
// there and waits again.
type TalkLost struct{}

// PersonBusy and PersonFree tell the ACD that a person is in a call that is not
// of a queue.
type PersonBusy struct{ Person journal.SubjectID }

// PersonFree ends a PersonBusy.
type PersonFree struct{ Person journal.SubjectID }

// PartyReached tells the ACD that the person of an outgoing call talks to the party
// whom he called by hand, once: at the answer, or, where the line can only presume one,
// as soon as the talk has outlasted an announcement of the network. Calls that the ACD
// asked for have a CallbackResult.
type PartyReached struct {
	Person journal.SubjectID
	Party  journal.SubjectID
}

// TalkHandedOn tells the ACD that the agent has handed his caller on: his talk is over,
// and the caller keeps his place should he come to a queue again.
type TalkHandedOn struct{ Attended bool }

// DecideTransfer asks for the route of what somebody hands the other side on to;
// TransferDecided follows at once. Who calls does not change by it.
type DecideTransfer struct{ Request route.Request }

// AskJoin asks the call that somebody wants to join with this one for the leg that he
// talks with there; Joined or JoinRefused follows.
type AskJoin struct{ Leg journal.LegID }

// Give hands a leg, which talks, over to the call that has asked for it. It is that
// call's from now on.
type Give struct {
	Leg    journal.LegID
	Kind   journal.LegKind
	Device office.ID
	Line   office.ID
	Person journal.SubjectID
	Held   bool
	Busy   bool // the ACD has been told that he is in a call outside of queues
	Help   bool // he calls back whoever has called for help
	Home   Home
	Call   journal.CallID // which gives it
}

// Home is where a caller goes whom nobody takes who handed him on, or was handed to: to
// the queue in which an agent served him, as one who came Since, or on in his path. With
// neither a last sentence is said.
type Home struct {
	Queue office.ID
	Since time.Time
	Path  *ivr.State
}

func (h Home) none() bool { return h.Queue == "" && h.Path == nil }

// AnswerRefer answers who asks to hand the other side on: 202, or the SIP code that
// says why not.
type AnswerRefer struct {
	Leg  journal.LegID
	Code int
}

// TellRefer tells him how it goes, also after the end of his leg: as SIP would tell one
// who calls. Last is the last word.
type TellRefer struct {
	Leg  journal.LegID
	Code int
	Last bool
}

// Front makes a leg the caller's: telephones that ring from now on show who is there.
type Front struct{ Leg journal.LegID }

// DoFeature performs a feature code for the person at the phone; FeatureDone
// follows.
type DoFeature struct {
	Feature office.Feature
	Person  journal.SubjectID
	Args    string
}

// Log appends to the journal under this call.
type Log struct{ Payload journal.Payload }

// Finish ends the call's life; no event is handled after it.
type Finish struct{}

func (Decide) callAction()         {}
func (Ringing) callAction()        {}
func (Answer) callAction()         {}
func (HangUp) callAction()         {}
func (Ring) callAction()           {}
func (DialOut) callAction()        {}
func (Connect) callAction()        {}
func (Play) callAction()           {}
func (PlayLoop) callAction()       {}
func (StopPlay) callAction()       {}
func (Echo) callAction()           {}
func (EnterQueue) callAction()     {}
func (LeaveQueue) callAction()     {}
func (OfferAnswered) callAction()  {}
func (OfferFailed) callAction()    {}
func (TalkEnded) callAction()      {}
func (TalkLost) callAction()       {}
func (PersonBusy) callAction()     {}
func (PersonFree) callAction()     {}
func (PartyReached) callAction()   {}
func (TalkHandedOn) callAction()   {}
func (DecideTransfer) callAction() {}
func (AskJoin) callAction()        {}
func (Give) callAction()           {}
func (AnswerRefer) callAction()    {}
func (TellRefer) callAction()      {}
func (Front) callAction()          {}
func (DoFeature) callAction()      {}
func (ExitQueue) callAction()      {}
func (AskCallback) callAction()    {}
func (CallbackResult) callAction() {}
func (Log) callAction()            {}
func (Finish) callAction()         {}

// The times a call allows.
const (
	ringLimit     = 60 * time.Second // a phone rings inside the office
	ringFirst     = 20 * time.Second // a phone rings before others do, too
	dialLimit     = 90 * time.Second // an outside number rings
	callerWait    = 6 * time.Second  // a line's caller ID may take one ring period
	answerLimit   = 10 * time.Second // a line takes to go off hook
	endLimit      = 3 * time.Second  // legs take to end
	warningLimit  = 4 * time.Second  // the warning before a preempted call ends
	warningMost   = 8 * time.Second  // however long it is: somebody waits for the line
	sayLimit      = 20 * time.Second // a sentence takes to be said
	sayMost       = time.Minute      // however long it is
	echoLimit     = 60 * time.Second
	refuseTone    = 5 * time.Second // busy tone after a refusal that cannot be signalled
	featureLimit  = 15 * time.Second
	emergencyWait = 15 * time.Second // an emergency call waits for its line
	joinLimit     = 15 * time.Second // the notice and the whisper take before two are joined
	keyWait       = 8 * time.Second  // a key may take after a question of the box
	numberWait    = 10 * time.Second // the next digit of a number may take
	promiseLimit  = 10 * time.Second // the ACD takes to promise a call back
	transferRing  = 30 * time.Second // a phone rings to which somebody was handed on, and then the one that did so
	outsideLimit  = 4 * time.Hour    // two parties talk who are both outside: nobody of the office hears that they do
	reachedAfter  = 20 * time.Second // a talk takes where the line only presumes that somebody answered
)

// dialTries bounds how often a call is dialled, over one line after the other.
const dialTries = 12

// WarningMost is how long the warning of a preempted call may take.
const WarningMost = warningMost

// EmergencyWait is how long DialOut may wait for a line.
const EmergencyWait = emergencyWait

// Built-in sentences that a call itself says.
const (
	promptPreempt = route.PromptPreempt
	promptNobody  = route.PromptNobody
)
