// Package call decides what happens in one call: events of its legs, its path and
// its queue in, actions out. It owns the state of one call and nothing else; the
// owner goroutine in package pbx feeds it and performs its actions. It is pure: no
// I/O, no goroutine, no clock.
//
// Media is always anchored in the box, so a call never sees SDP: each leg makes its
// own offer/answer with the box, and the call only says who hears whom.
package call

import (
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/ivr"
	"centralino/pbx/route"
)

// Phase is where a call stands.
//
//	            Decided                    LegAnswered
//	arriving ─────────────▶ reaching ───────────────────▶ talking
//	   │  ▲                  ▲  │ nobody              ▲      │ agent hangs up
//	   │  └─ line rings on   │  ▼                     │      ├───▶ surveying
//	   ├────────────────▶ following (path, queue) ─▶ joining │       │
//	   ├────────────────▶ saying (refusal, feature)          │ a leg ends
//	   └────────────────────────┴──────▶ ending ◀────────────┴───────┘──▶ over
//
// arriving: a line rings, or an INVITE waits for its decision. A call that the box
// makes for a person begins as originating, which ends like arriving once he has
// answered. reaching: phones or a line are being called, for who was handed on, too:
// talking leads there by a transfer (transfer.go). following: the path's
// interpreter leads. joining: notice and whisper are heard before caller and agent
// are. surveying: the caller answers questions by keys. saying: a last sentence is
// said. Preempted leads from any of them to saying.
//
// Only arriving, following, surveying and talking may be without a deadline. What ends
// them then: the line stops ringing, what is played comes to its end or the ACD gives
// the call back, the same again, and one of the two hangs up. Offers, too, are the
// ACD's to end, those to call somebody back among them (originating).
type Phase string

// The phases of a call.
const (
	Arriving    Phase = "arriving"
	Originating Phase = "originating"
	Joining     Phase = "joining"
	Surveying   Phase = "surveying"
	Reaching    Phase = "reaching"
	Following   Phase = "following"
	Talking     Phase = "talking"
	Saying      Phase = "saying"
	Ending      Phase = "ending"
	Over        Phase = "over"
)

// Setup is what a call needs to know from its start.
type Setup struct {
	ID  journal.CallID
	Doc *office.Document // the snapshot that was current when the call began
	// Length is how long a sound takes to be said; nil: nobody knows.
	Length func(Sound) time.Duration
}

// State is one call. It is not safe for concurrent use.
type State struct {
	id      journal.CallID
	doc     *office.Document
	length  func(Sound) time.Duration
	phase   Phase
	dir     journal.Direction
	request route.Request
	person  journal.SubjectID // who calls, of the office

	now      time.Time
	started  time.Time
	answered time.Time // zero until the caller's leg is through
	joined   time.Time // zero while nobody talks
	talked   time.Duration

	first     *leg // the caller's
	legs      []*leg
	attempts  []*attempt
	dials     int  // attempts before the first of the number that is dialled now
	partner   *leg // the leg that talks with the caller
	emergency bool
	then      []office.ID // telephones that ring when those that ring now do not answer

	path     *ivr.State
	queue    queueState
	contact  journal.ContactID // under which the ACD knows the call
	room     room
	joining  joining
	survey   survey
	origin   origin
	transfer transfer
	home     Home
	handed   int      // how often somebody was handed on
	turned   bool     // who stands as the caller was called at first
	onAnswer []Action // wait for the caller's leg to be through
	awaiting *leg     // answered; is joined once the caller's leg is through
	from     journal.SubjectID
	dialled  journal.SubjectID // pseudonym of the outside number dialled
	came     time.Time         // when the caller came to the queue whose place he keeps

	saying     saying
	playID     int // of the latest Play
	ivrPlay    int // its name in the path
	collecting int // the path's Collect that waits for a key, 0 for none
	collectFor time.Duration
	timers     map[timer]time.Time
	ending     Cause
	endedBy    string
	acts       []Action
	logged     bool // CallStarted stands in the journal
}

// queueState is the call's place in the ACD.
type queueState struct {
	group  office.ID // waits here, empty for no queue
	served office.ID // an agent of this queue talks with the caller; TalkEnded is due
}

// saying is what happens once the last sentence is over.
type saying struct {
	id    int
	cause Cause
	by    string
}

// timer names one deadline of a call.
type timer string

const (
	timerCaller  timer = "caller"  // wait for caller ID
	timerRing    timer = "ring"    // reaching somebody
	timerAnswer  timer = "answer"  // our own leg going off hook
	timerSaying  timer = "saying"  // a sentence that never ends
	timerEnd     timer = "end"     // legs that do not end
	timerFeature timer = "feature" // a feature that does not answer
	timerPath    timer = "path"    // the interpreter's own deadline
	timerKeys    timer = "keys"    // a key or an answer that our own question waits for
	timerJoin    timer = "join"    // notice and whisper that never end
	timerReached timer = "reached" // a talk after an answer that was only presumed
	timerLength  timer = "length"  // a talk of two who are both outside
)

// New returns a call that has not begun.
func New(o Setup) *State {
	return &State{id: o.ID, contact: journal.ContactID(o.ID), doc: o.Doc, length: o.Length, phase: Arriving, timers: make(map[timer]time.Time, 4)}
}

// ID returns the call's name.
func (s *State) ID() journal.CallID { return s.id }

// Phase returns where the call stands.
func (s *State) Phase() Phase { return s.phase }

// Emergency says whether this is an emergency call; such a call is never
// preempted.
func (s *State) Emergency() bool { return s.emergency }

// Started returns when the call began.
func (s *State) Started() time.Time { return s.started }

// Deadline returns when a Tick is due, and false when none is.
func (s *State) Deadline() (time.Time, bool) {
	var first time.Time
	for _, at := range s.timers {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, !first.IsZero()
}

// Handle takes one event and returns the actions to perform, in order. The slice
// is valid until the next Handle. Events that come too late or make no sense in
// the present phase change nothing.
func (s *State) Handle(ev Event, now time.Time) []Action {
	s.now = now
	s.acts = s.acts[:0]
	if s.started.IsZero() {
		s.started = now
	}
	if s.phase == Over {
		return nil
	}
	s.handle(ev)
	return s.acts
}

// Abort ends the call at once; its owner lets go of legs that do not end by
// themselves. The actions are to be performed like those of Handle.
func (s *State) Abort(cause Cause, now time.Time) []Action {
	s.now = now
	s.acts = s.acts[:0]
	if s.phase == Over {
		return nil
	}
	s.end(cause, "box")
	s.finish()
	return s.acts
}

func (s *State) handle(ev Event) {
	switch e := ev.(type) {
	case Invited:
		s.invited(e)
	case LineRang:
		s.lineRang(e)
	case CallerKnown:
		s.callerKnown(e)
	case Decided:
		s.decided(e)
	case LegStarted:
		s.legStarted(e)
	case AttemptStarted:
		s.attemptStarted(e)
	case LegProgress:
		s.legProgress(e)
	case LegAnswered:
		s.legAnswered(e)
	case LegEnded:
		s.legEnded(e)
	case Held:
		s.held(e.Leg)
	case Resumed:
		s.resumed(e.Leg)
	case Digit:
		s.digit(e)
	case Played:
		s.played(e.ID)
	case Offer:
		s.offered(e)
	case OfferStopped:
		s.offerStopped(e)
	case OfferGranted:
		s.offerGranted(e.Offer)
	case OfferDenied:
		s.offerDenied(e.Offer)
	case QueueLeft:
		s.queueLeft(e.Reason)
	case FeatureDone:
		s.featureDone(e.Prompt)
	case Referred:
		s.referred(e)
	case TransferDecided:
		s.transferDecided(e)
	case Joined:
		s.takeOver(e)
	case JoinRefused:
		s.joinRefused(e.Call)
	case GiveUp:
		s.letGo(e)
	case Announced:
		s.announced(e)
	case CallbackTaken:
		s.callbackTaken(e.OK)
	case Originated:
		s.originated(e)
	case Preempted:
		s.preempted()
	case Shutdown:
		s.end(e.Cause, "box")
	case Tick:
		s.tick()
	}
}

func (s *State) do(a Action)               { s.acts = append(s.acts, a) }
func (s *State) log(p journal.Payload)     { s.do(Log{p}) }
func (s *State) arm(t timer, at time.Time) { s.timers[t] = at }
func (s *State) disarm(t timer)            { delete(s.timers, t) }

// tick handles every deadline that has passed, in a fixed order.
func (s *State) tick() {
	for _, t := range []timer{timerEnd, timerSaying, timerFeature, timerAnswer, timerRing, timerCaller, timerPath, timerJoin, timerKeys, timerReached, timerLength} {
		at, ok := s.timers[t]
		if !ok || s.now.Before(at) {
			continue
		}
		s.disarm(t)
		s.expired(t)
	}
}

func (s *State) expired(t timer) {
	switch t {
	case timerEnd:
		s.finish()
	case timerSaying, timerFeature:
		s.said()
	case timerAnswer:
		s.end(CauseFailed, "box")
	case timerRing:
		s.ringTimeout()
	case timerCaller:
		s.decideLine()
	case timerPath:
		s.pathTimeout()
	case timerJoin:
		s.joinNow()
	case timerKeys:
		s.keysTimeout()
	case timerReached:
		s.reached()
	case timerLength:
		s.end(CauseTooLong, "box")
	}
}

// caller returns the leg that began the call; nil before there is one.
func (s *State) caller() *leg { return s.first }

func (s *State) leg(id journal.LegID) *leg {
	for _, l := range s.legs {
		if l.id == id {
			return l
		}
	}
	return nil
}
