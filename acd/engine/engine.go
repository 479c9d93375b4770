// Package engine decides which agent a waiting call is offered to. It is a pure
// state machine: State.Apply takes one command and the instant at which it came
// and returns what happened (events for the journal) and what the switch has to
// do (actions); the next instant at which something happens by itself is data
// (Deadline). It knows no clock, starts no goroutine and draws no randomness but
// from its seed, so the same commands always lead to the same decisions, and the
// events alone restore the state (Fold). It allocates nothing per decision.
//
// The life of a contact and of an agent:
//
//	Enqueue ─► waiting ─► offered ─► talking ─► ended (served)
//	              ▲  │       │  │       │
//	              │  │       │  │       └─ TalkLost: back to waiting, same place
//	              └──┼───────┘  └─ caller gone: ended (abandoned)
//	   no answer,    └─ caller gone: ended (abandoned)
//	   same place       max wait, queue empty or removed: ended (overflow), path goes on
//	                    AskCallback: waits on, to be called back (see callback.go)
//
//	loggedOut ─Login─► ready ─► offered ─► talking ─► wrapUp ─► ready
//	    ▲                │ ▲        │                   │
//	    └─Logout         │ └─Ready──┴─ missed N times ─►paused ◄─ asked, from the
//	                     └─ AgentBusy ─► busy            end of talk and wrapUp on,
//	                                                     or his break is due (breaks.go)
//
// Other work is like paused. A contact seeks an agent in a lane: a ring of its queue,
// which widens as it waits, or that of the one agent it is kept for (queue.go).
package engine

import (
	"errors"
	"time"

	"centralino/internal/journal"
)

// Errors of commands. They are values without details, so that a refused command
// costs no allocation; the caller knows what he asked.
var (
	ErrNotAgent  = errors.New("acd: not an agent of any queue")
	ErrLoggedOut = errors.New("acd: agent is logged out")
	ErrNoQueue   = errors.New("acd: no such queue")
	ErrStray     = errors.New("acd: late, doubled or unknown") // nothing was changed
	ErrCommand   = errors.New("acd: unknown kind of command")
)

// State is the whole call distribution of one box. Use New. It has one owner and
// is not safe for concurrent use.
type State struct {
	now       int64 // ns since 1970 of the last command; never goes back
	seed      uint64
	lastOffer OfferID

	agents    []agent
	agentAt   map[AgentID]int32
	queues    []queue
	order     []int32 // slots of the configured queues, in their order
	queueAt   map[QueueID]int32
	lastQueue int32     // see queueOf
	contacts  []contact // slots; free ones are listed in free
	free      []int32
	contactAt contactTable
	offerAt   offerTable

	ready    slots // agents who may be offered a contact now
	longest  int32 // the first of those in a line by how long they are idle, -1 if there is none
	shortest int32 // the last of them
	loggedIn slots
	atWork   slots  // agents who take calls, now or when they are through with what they do
	own      []lane // by agent: contacts that are kept for him
	wanted   slots  // agents whose lane is not empty
	seeking  int    // contacts in any lane
	crew     bool   // somebody has logged in or out, or the office changed: see leaveEmpty

	guard    guard
	watch    []int32 // agents whose break is near and not proposed
	virtuals int     // contacts to be called back
	kept     int     // contacts that are or were kept for an agent
	speak    []int32 // contacts to whom something is to be said
	sorted   []int32

	served  memo[journal.SubjectID, service]
	left    memo[line, formerly]
	carried memo[ContactID, int64] // rank of contacts that left a queue
	held    memo[journal.SubjectID, hold]

	timers    timerHeap
	folded    bool // Fold was used: indexes must be rebuilt before the next command
	replaying bool // Fold was used and no command came yet

	res   Result
	cands []journal.Candidate

	top [maxCandidates]ranked // for candidates
}

// New returns the engine of an office with these queues, with everybody logged
// out and nobody waiting.
func New(cfg Config, now time.Time) (*State, error) {
	s := &State{
		seed:      cfg.Seed,
		longest:   -1,
		shortest:  -1,
		now:       now.UnixNano(),
		agentAt:   map[AgentID]int32{},
		queueAt:   map[QueueID]int32{},
		contactAt: newContactTable(),
		served:    newMemo[journal.SubjectID, service](servedLimit),
		left:      newMemo[line, formerly](leftLimit),
		carried:   newMemo[ContactID, int64](carriedLimit),
		held:      newMemo[journal.SubjectID, hold](heldLimit),
	}
	if _, err := s.Configure(cfg, now); err != nil {
		return nil, err
	}
	return s, nil
}

// Apply carries out one command at the instant now, after everything whose
// deadline has passed by then (Restart: before it). An instant before the last one
// counts as the last one. The command is not kept. The result is valid until the next call.
func (s *State) Apply(cmd *Command, now time.Time) Result {
	s.begin(now)
	if cmd.Kind == Restart { // what was due while the box was off did not happen
		s.restart(instant(cmd.Arrival))
	}
	s.pass()
	s.res.Err = s.command(cmd)
	s.finish()
	return s.res
}

// finish draws the consequences of what has changed.
func (s *State) finish() {
	if s.crew {
		s.leaveEmpty()
	}
	s.dispatch()
	if len(s.watch) > 0 {
		s.proposeBreaks()
	}
	if len(s.speak) > 0 {
		s.announce()
	}
}

// Deadline returns when the next Tick is due, and false if nothing is pending.
func (s *State) Deadline() (time.Time, bool) {
	s.rebuild()
	if len(s.timers) == 0 {
		return time.Time{}, false
	}
	return stamp(s.timers[0].at), true
}

// Salvage returns what a command that panicked had decided so far, and makes the
// engine build its indexes anew before the next one.
func (s *State) Salvage() Result {
	s.folded = true
	return s.res
}

// begin starts a new result.
func (s *State) begin(now time.Time) {
	ns := now.UnixNano()
	if s.replaying {
		s.endReplay(ns)
	}
	if s.folded {
		s.rebuild()
	}
	s.now = max(s.now, ns)
	s.res.Events = s.res.Events[:0]
	s.res.Actions = s.res.Actions[:0]
	s.res.Err = nil
	s.cands = s.cands[:0]
}

// pass carries out what is due.
func (s *State) pass() {
	for len(s.timers) > 0 && s.timers[0].at <= s.now {
		ref := s.timers[0].ref
		if ref.isContact() {
			s.heed(ref.slot())
			s.reopen(ref.slot())
		} else {
			s.agentDue(ref.slot())
		}
	}
}

func (s *State) command(cmd *Command) error {
	switch cmd.Kind {
	case Tick, Restart:
		return nil
	case Enqueue:
		return s.enqueue(cmd)
	case Abandon:
		return s.abandon(cmd.Contact)
	case Accept:
		return s.accept(cmd.Offer)
	case Decline:
		return s.decline(cmd.Offer, journal.OfferRefused)
	case Fail:
		return s.decline(cmd.Offer, journal.OfferFailed)
	case TalkEnded:
		return s.talkEnded(cmd)
	case TalkLost:
		return s.talkLost(cmd.Contact)
	case AgentBusy, AgentFree, PhoneGone, PhoneBack:
		s.level(cmd.Agent, cmd.Kind)
		return nil
	case Login, Logout, Pause, Ready, OtherWork, Extend:
		return s.wish(cmd)
	case OutcomeKnown:
		return s.outcomeKnown(cmd)
	case AskCallback:
		return s.askCallback(cmd)
	case Exit:
		return s.exit(cmd.Contact)
	case CancelCallback:
		return s.cancelCallback(cmd)
	case CallbackResult:
		return s.callbackResult(cmd)
	case WaitOn:
		return s.waitOn(cmd.Contact)
	case TakeCaller:
		return s.takeCaller(cmd)
	case GiveCaller:
		return s.giveCaller(cmd)
	case Reached:
		return s.reached(cmd)
	}
	return ErrCommand
}

// stamp turns an instant of the engine into a time.
func stamp(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// instant turns a time into an instant of the engine.
func instant(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
