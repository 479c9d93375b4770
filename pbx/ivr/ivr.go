// Package ivr interprets a call's path: opening hours, messages, menus, groups,
// persons, as the office document describes them. A State and an Event give the
// next State and the Actions to perform; the call's owner performs them and says
// what came of them.
//
// It is pure: no I/O, no goroutine, no clock; a State is a value and may be kept,
// copied and tried out. It cannot fail: an object that is missing is left out
// with a reason, a call that nothing is left for rings everybody and then hears
// that nobody can answer, and a path that would go in circles is ended.
package ivr

import (
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// Event is what happened: Started, PlayDone, Digit, Timeout, GroupUnanswered,
// QueueLeft, PersonUnanswered, CallbackDeclined, Connected or HungUp.
type Event interface{ event() }

// Started begins the path; the first event, once.
type Started struct{}

// PlayDone reports that the prompt of Play with this ID has been said. The end of
// an earlier prompt is ignored.
type PlayDone struct{ ID int }

// Digit is a key of the caller: 0-9, *, #, A-D. It counts also while a prompt is
// being said.
type Digit struct{ Digit byte }

// Timeout reports that the time of Collect with this ID has passed without a key.
type Timeout struct{ ID int }

// GroupUnanswered reports that a ring group did not answer in its time or had
// nobody to ring. Reason is a short word for the trace.
type GroupUnanswered struct{ Reason string }

// QueueLeft reports that the queue gave the call back ("maxWait", "full",
// "noAgents", "closed").
type QueueLeft struct{ Reason string }

// PersonUnanswered reports that a person did not answer, is busy or not
// reachable.
type PersonUnanswered struct{ Reason string }

// CallbackDeclined reports that the caller is not to be called back: he did not want
// it, or it could not be promised.
type CallbackDeclined struct{ Reason string }

// Connected reports that somebody talks with the caller: the path is over and
// asks for nothing more.
type Connected struct{}

// HungUp reports that the caller is gone.
type HungUp struct{}

func (Started) event()          {}
func (PlayDone) event()         {}
func (Digit) event()            {}
func (Timeout) event()          {}
func (GroupUnanswered) event()  {}
func (QueueLeft) event()        {}
func (PersonUnanswered) event() {}
func (CallbackDeclined) event() {}
func (Connected) event()        {}
func (HungUp) event()           {}

// Action is what the call's owner has to do, in order: Note, Explain, Play,
// StopPlay, Collect, StartMusic, EnterQueue, OfferCallback, RingGroup, RingPerson or End.
type Action interface{ action() }

// Note is for the journal.
type Note struct{ Step journal.CallStep }

// Explain is a reason for the call's trace (text ids "ivr.…").
type Explain struct{ Step journal.TraceStep }

// Play says a prompt and answers with PlayDone of the same ID. It replaces what
// is being said or played. A prompt that cannot be found or read is answered with
// PlayDone at once.
type Play struct {
	ID       int
	Prompt   office.ID // empty for a sentence of the box itself
	Builtin  string    // name in internal/audio, where there is no uploaded audio
	Audio    string    // sha256 of the uploaded audio, or empty
	Language string
}

// StopPlay ends what is being said: the caller pressed a key.
type StopPlay struct{}

// Collect waits for a key and answers with Digit, or with Timeout of the same ID
// after For.
type Collect struct {
	ID  int
	For time.Duration
}

// StartMusic plays music until the next Play, StopPlay or connection. Prompt is
// empty for the built-in music.
type StartMusic struct {
	Prompt office.ID
	Audio  string
}

// EnterQueue hands the call to the ACD, which connects it or gives it back with
// QueueLeft. Music has been started.
type EnterQueue struct{ Group office.ID }

// OfferCallback asks the caller whether he wants to be called back in the turn of a
// queue. If he does the call comes to its end; else CallbackDeclined follows.
type OfferCallback struct{ Group office.ID }

// RingGroup rings everybody at once for a time and answers with Connected or
// GroupUnanswered.
type RingGroup struct {
	Group   office.ID // empty when everybody of the office is rung for want of a path
	Members []journal.SubjectID
	For     time.Duration
}

// RingPerson rings a person's telephones for a time and answers with Connected or
// PersonUnanswered.
type RingPerson struct {
	Person journal.SubjectID
	For    time.Duration
}

// End hangs up. It comes once and is the last action of a path that nobody
// answered; what had to be said has been said.
type End struct{ Reason string }

func (Note) action()          {}
func (Explain) action()       {}
func (Play) action()          {}
func (StopPlay) action()      {}
func (Collect) action()       {}
func (StartMusic) action()    {}
func (EnterQueue) action()    {}
func (OfferCallback) action() {}
func (RingGroup) action()     {}
func (RingPerson) action()    {}
func (End) action()           {}

// Why a path ended (End.Reason).
const (
	EndStep     = "end"      // the path's own end step
	EndPath     = "pathEnd"  // steps ran out
	EndTooLong  = "tooLong"  // MaxSteps without a choice of the caller
	EndNoAnswer = "noAnswer" // everybody was rung for want of a path
)

// Defaults where the office does not say.
const (
	MaxSteps    = 100 // steps without a choice of the caller in between
	RingTime    = 25 * time.Second
	MenuTimeout = 5 * time.Second
	MenuTries   = 3
)

// State is where a call stands in its path. The zero State is over; Start makes
// one that waits for Started.
//
//	           Started      PlayDone                Digit, Timeout
//	waiting ─────────▶ saying ───────▶ (next step)    ┌────────┐
//	                      ╲                           ▼        │
//	                       ╲─▶ menu: saying ──PlayDone─▶ collecting
//	                        ╲─▶ queued, ringing ──unanswered──▶ (next step)
//	   any ── Connected, HungUp, End ──▶ over
type State struct {
	doc   *office.Document
	phase phase
	path  office.ID
	step  int
	tries int    // times the present menu was said
	ids   int    // last ID given to Play or Collect
	steps int    // steps since the caller last chose something
	ended string // End reason once what is being said is over
}

type phase int

const (
	over phase = iota
	waiting
	saying     // message: goes on at PlayDone
	hinting    // "wrong key": the menu is said again at PlayDone
	menuSaying // menu prompt: keys count
	collecting // menu prompt over: keys count, time runs
	queued
	offeringCallback
	ringingGroup
	ringingPerson
	ringingAll
	closing // last words: End at PlayDone
)

// Start prepares a path of this version of the office. doc is only read and must
// not change while the State is in use.
func Start(doc *office.Document, path office.ID) State {
	return State{doc: doc, phase: waiting, path: path}
}

// Over reports that the path asks for nothing more.
func (s State) Over() bool { return s.phase == over }

// At says where the call stands, for pages: the path and the number of its step.
func (s State) At() (path office.ID, step int) { return s.path, s.step }
