// Package route decides where a call goes: Decide takes the office document, what
// was asked, the instant and the state of the lines, and returns one typed action
// with the reasons for people. The call's owner performs the action and may do
// nothing else; a page that explains or tries a call asks the very same function.
//
// It is pure: no I/O, no goroutine, no clock. Everything that a caller or a phone
// sends is data: it is compared, never interpreted, and no outside number ever
// stands in a trace (traces go to the journal).
package route

import (
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
)

// CallBackWindow is how long the line of an emergency call is kept for the call
// back of the emergency service, counted from the call's end.
const CallBackWindow = 30 * time.Minute

// Trust says how sure the box is of the phone that asks.
type Trust string

// Degrees of trust. An emergency call needs no more than TrustBinding.
const (
	TrustDigest  Trust = "digest"  // proved itself with its secret
	TrustBinding Trust = "binding" // LAN source with a current or expired registration, no fresh digest
	TrustNone    Trust = "none"    // not a phone of the box
)

// Request is what is asked: by a phone of the office (Device set) or by a line or
// trunk (Line set). Exactly one of the two is set; a request with neither is
// refused.
type Request struct {
	// From a phone.
	Device office.ID
	Trust  Trust

	// From a line or trunk.
	Line   office.ID
	Caller numbering.Caller // already normalised at the edge

	// Dialled is what the phone dialled (user part of the request URI), or the own
	// number that was called as the line reports it; empty where the line does not
	// tell.
	Dialled string
}

// State is what the decision needs to know of the lines now. A line that is
// missing is out of service.
type State struct {
	Lines map[office.ID]LineState
}

// LineState is one line or trunk now.
type LineState struct {
	InService bool
	Free      int        // channels on which a call could start
	Calls     []LineCall // calls that hold a channel, in any order
	// ReservedUntil keeps the line (one channel of it) for the call back after an
	// emergency call; zero for none. CallBack is the phone that called for help then.
	ReservedUntil time.Time
	CallBack      office.ID
	// NoDialTone: who dialled on it last, not long ago, found no dial tone. It comes
	// after the others.
	NoDialTone bool
}

// LineCall is a call that holds a channel of a line.
type LineCall struct {
	Call      journal.CallID
	Start     time.Time
	Emergency bool
	Ending    bool // is being ended for an emergency call, which gets its channel
	CallBack  bool // may be the emergency service that calls back
}

// Action is what to do: RingExtension, EnterQueue, EnterPath, DialOut, Feature or
// Refuse.
type Action interface {
	// Name stands in journal.CallRouted.
	Name() string
}

// RingExtension rings telephones of the office. Devices are enabled telephones
// without the one that asks, each to be rung at all of its contacts; People are
// their owners without repetition. At least one device is given.
type RingExtension struct {
	Extension office.ID // empty when a call from outside rings everybody
	Digits    string    // the extension's digits
	Target    office.Target
	People    []journal.SubjectID
	Devices   []office.ID
	// Then ring when none of Devices has answered after a while, Devices among them;
	// nil: nobody else.
	Then []office.ID
	// CallBack: the emergency service may be calling back.
	CallBack bool
}

// EnterQueue puts a caller of the office into a queue, whose group it names.
type EnterQueue struct {
	Extension office.ID
	Group     office.ID
}

// EnterPath starts a path at its first step.
type EnterPath struct {
	Path   office.ID
	Number office.ID // own number that was called, if known
}

// Candidate is a line to try, with what to dial or to send on it.
type Candidate struct {
	Line office.ID
	Dial string
}

// Preempt ends an ordinary call so that an emergency call gets its line: say
// Prompt to both ends of Call, end it, wait until Line is free, then use it. It is
// the first of the candidates, and no candidate after it is free now.
type Preempt struct {
	Call   journal.CallID
	Line   office.ID
	Prompt string
}

// DialOut calls an outside number: Candidates are tried in order until one is
// through; a line that refuses or turns out to be busy passes to the next. When
// all have failed the caller hears Exhausted. An ordinary DialOut has at least one
// candidate; an emergency one has none only if the office has no enabled line.
type DialOut struct {
	Number     numbering.Number
	Class      office.NumberClass
	Candidates []Candidate
	Emergency  bool
	Preempt    *Preempt // only when Emergency
	Exhausted  string   // prompt
}

// Feature is a feature code, dialled alone or followed by "*" and Args (digits
// and stars), or by one digit where the feature takes one.
type Feature struct {
	Feature office.Feature
	Args    string
}

// Refuse does not connect: Prompt is said where the phone takes early media, then
// Code is sent. Reason is the text id of the rule that refused.
type Refuse struct {
	Code   int // SIP status
	Prompt string
	Reason string
}

// Name names the action in the journal.
func (RingExtension) Name() string { return "ring" }

// Name names the action in the journal.
func (EnterQueue) Name() string { return "queue" }

// Name names the action in the journal.
func (EnterPath) Name() string { return "path" }

// Name names the action in the journal: "emergency" or "dial".
func (d DialOut) Name() string {
	if d.Emergency {
		return "emergency"
	}
	return "dial"
}

// Name names the action in the journal.
func (Feature) Name() string { return "feature" }

// Name names the action in the journal.
func (Refuse) Name() string { return "refuse" }

// Names of the built-in prompts (internal/audio) that an action may ask for.
const (
	PromptPreempt     = "emergency-preempt" // the call that is ended for an emergency call
	PromptNoEmergency = "emergency-no-line" // no line can carry it: use a mobile phone
	PromptLinesBusy   = "lines-busy"
	PromptNoLine      = "call-failed" // no line is in service
	PromptNotAllowed  = "not-allowed"
	PromptUnknown     = "unknown-number"
	PromptNobody      = "unavailable"
)

// Plan returns the dialling rules of the office. For a country without rules it
// is one that knows 112 and international numbers.
func Plan(doc *office.Document) numbering.Plan {
	p, _ := numbering.New(doc.Site.Country, doc.Site.AreaCode) // the error leaves a usable plan
	return p
}

// Decide says what happens to a request at an instant, and why. The same
// arguments always give the same answer; every request gets an action and at
// least one reason, the last of which names the action. doc must not be nil and
// is not changed.
//
// The order is: emergency number (from a phone of the box in any state, before
// every rule), feature code, extension, outside number by its class; from a line:
// call back after an emergency call, own number, the line's path, everybody. Nothing that comes in on a line ever
// goes out on one.
func Decide(doc *office.Document, req Request, at time.Time, st State) (Action, []journal.TraceStep) {
	d := decision{doc: doc, req: req, at: at, st: st, plan: Plan(doc)}
	var a Action
	switch {
	case req.Line != "" && req.Device == "":
		a = d.fromLine()
	case req.Device != "" && req.Line == "":
		a = d.fromPhone()
	default:
		a = d.refuse(400, "", "route.noSource", nil)
	}
	return a, d.trace
}
