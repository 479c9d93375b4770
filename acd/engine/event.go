package engine

import (
	"slices"
	"time"

	"centralino/internal/journal"
)

// EventKind says what an Event reports: one of the ACD's payloads of the journal.
type EventKind uint8

// Kinds of event, each named like its payload.
const (
	AgentChanged EventKind = iota + 1
	ContactQueued
	ContactOffered
	OfferEnded
	ContactConnected
	ContactEnded
	ContactAnnounced
	CallbackPromised
	CallbackTried
	BreakProposed
)

// Outcomes of a contact.
const (
	Served    = "served"    // talked to an agent
	Abandoned = "abandoned" // the caller hung up while waiting
	Overflow  = "overflow"  // the queue gave it back to its path
	Restarted = "restart"   // the box restarted
	Unreached = "unreached" // was called back as often as the queue does, in vain
	Merged    = "merged"    // the same caller's other contact took its place
)

// Instant is a time in ns since 1970, UTC; 0 is none.
type Instant int64

// InstantOf returns the instant of a time, 0 of the zero time.
func InstantOf(t time.Time) Instant { return Instant(instant(t)) }

// Time returns the time of an instant, the zero time of 0.
func (t Instant) Time() time.Time { return stamp(int64(t)) }

// Event is something that happened, flat so that it costs no allocation. Payload
// turns it into what the journal keeps, FromPayload back. Candidates belong to
// the engine and are valid until the next command.
type Event struct {
	Kind    EventKind
	Urgent  bool
	Outside bool
	Gone    bool
	At      Instant
	Contact ContactID
	Queue   QueueID
	Agent   AgentID
	Caller  journal.SubjectID
	Offer   OfferID

	State       journal.AgentStateName
	Asked       journal.AgentStateName
	Reason      Reason // also Again of ContactQueued
	AskedReason Reason
	Misses      int     // also Try of CallbackTried
	Until       Instant // also KeepUntil of ContactQueued, Next of CallbackTried
	Idle        Instant
	Owes        ContactID // also Call of CallbackTried
	Extended    bool
	Screen      Instant
	Left        Instant

	Arrival    Instant
	Deadline   Instant // also Due of BreakProposed
	Strategy   Strategy
	Candidates []journal.Candidate
	Outcome    string        // of the offer or the contact, Result of CallbackTried
	Waited     time.Duration // also Low of ContactAnnounced
	Talked     time.Duration // also High of ContactAnnounced
	Position   int
	Agents     int
}

// Payload returns what the journal keeps of e. It shares nothing with e.
func (e *Event) Payload() journal.Payload {
	switch e.Kind {
	case AgentChanged:
		return journal.AgentChanged{
			Agent: e.Agent, State: e.State, Reason: string(e.Reason), Misses: e.Misses,
			Until: e.Until.Time(), Idle: e.Idle.Time(), Asked: e.Asked, AskedReason: string(e.AskedReason),
			Outside: e.Outside, Gone: e.Gone, Owes: e.Owes, Extended: e.Extended, Screen: e.Screen.Time(), Left: e.Left.Time(),
		}
	case ContactQueued:
		return journal.ContactQueued{
			Contact: e.Contact, Queue: string(e.Queue), Arrival: e.Arrival.Time(),
			Caller: e.Caller, Urgent: e.Urgent, Again: string(e.Reason), Keep: e.Agent, KeepUntil: e.Until.Time(),
		}
	case ContactOffered:
		return journal.ContactOffered{
			Contact: e.Contact, Queue: string(e.Queue), Offer: e.Offer, Agent: e.Agent,
			Deadline: e.Deadline.Time(), Strategy: string(e.Strategy), Candidates: slices.Clone(e.Candidates),
		}
	case OfferEnded:
		return journal.OfferEnded{
			Contact: e.Contact, Offer: e.Offer, Agent: e.Agent, Outcome: journal.OfferOutcome(e.Outcome),
		}
	case ContactConnected:
		return journal.ContactConnected{
			Contact: e.Contact, Queue: string(e.Queue), Agent: e.Agent, Offer: e.Offer, Waited: e.Waited,
		}
	case ContactAnnounced:
		return journal.ContactAnnounced{
			Contact: e.Contact, Queue: string(e.Queue), Position: e.Position, Low: e.Waited, High: e.Talked, Agents: e.Agents,
		}
	case CallbackPromised:
		return journal.CallbackPromised{Contact: e.Contact, Queue: string(e.Queue), Caller: e.Caller, Arrival: e.Arrival.Time()}
	case CallbackTried:
		return journal.CallbackTried{
			Contact: e.Contact, Queue: string(e.Queue), Agent: e.Agent, Call: journal.CallID(e.Owes), Try: e.Misses,
			Result: e.Outcome, Next: e.Until.Time(),
		}
	case BreakProposed:
		return journal.BreakProposed{Agent: e.Agent, Due: e.Deadline.Time()}
	default:
		return journal.ContactEnded{
			Contact: e.Contact, Queue: string(e.Queue), Agent: e.Agent, Outcome: e.Outcome,
			Reason: string(e.Reason), Waited: e.Waited, Talked: e.Talked,
		}
	}
}

// FromPayload turns a payload that the journal stamped with at into an event, and
// reports false for payloads that are not of the ACD.
func FromPayload(p journal.Payload, at time.Time) (Event, bool) {
	switch p := p.(type) {
	case journal.AgentChanged:
		return Event{
			Kind: AgentChanged, At: InstantOf(at), Agent: p.Agent, State: p.State, Reason: Reason(p.Reason),
			Misses: p.Misses, Until: InstantOf(p.Until), Idle: InstantOf(p.Idle), Asked: p.Asked,
			AskedReason: Reason(p.AskedReason), Outside: p.Outside, Gone: p.Gone,
			Owes: p.Owes, Extended: p.Extended, Screen: InstantOf(p.Screen), Left: InstantOf(p.Left),
		}, true
	case journal.ContactQueued:
		return Event{
			Kind: ContactQueued, At: InstantOf(at), Contact: p.Contact, Queue: QueueID(p.Queue),
			Arrival: InstantOf(p.Arrival), Caller: p.Caller, Urgent: p.Urgent, Reason: Reason(p.Again),
			Agent: p.Keep, Until: InstantOf(p.KeepUntil),
		}, true
	case journal.ContactOffered:
		return Event{
			Kind: ContactOffered, At: InstantOf(at), Contact: p.Contact, Queue: QueueID(p.Queue), Offer: p.Offer,
			Agent: p.Agent, Deadline: InstantOf(p.Deadline), Strategy: Strategy(p.Strategy), Candidates: p.Candidates,
		}, true
	case journal.OfferEnded:
		return Event{
			Kind: OfferEnded, At: InstantOf(at), Contact: p.Contact, Offer: p.Offer, Agent: p.Agent,
			Outcome: string(p.Outcome),
		}, true
	case journal.ContactConnected:
		return Event{
			Kind: ContactConnected, At: InstantOf(at), Contact: p.Contact, Queue: QueueID(p.Queue),
			Agent: p.Agent, Offer: p.Offer, Waited: p.Waited,
		}, true
	case journal.ContactEnded:
		return Event{
			Kind: ContactEnded, At: InstantOf(at), Contact: p.Contact, Queue: QueueID(p.Queue), Agent: p.Agent,
			Outcome: p.Outcome, Reason: Reason(p.Reason), Waited: p.Waited, Talked: p.Talked,
		}, true
	case journal.ContactAnnounced:
		return Event{
			Kind: ContactAnnounced, At: InstantOf(at), Contact: p.Contact, Queue: QueueID(p.Queue),
			Position: p.Position, Waited: p.Low, Talked: p.High, Agents: p.Agents,
		}, true
	case journal.CallbackPromised:
		return Event{
			Kind: CallbackPromised, At: InstantOf(at), Contact: p.Contact, Queue: QueueID(p.Queue), Caller: p.Caller, Arrival: InstantOf(p.Arrival),
		}, true
	case journal.CallbackTried:
		return Event{
			Kind: CallbackTried, At: InstantOf(at), Contact: p.Contact, Queue: QueueID(p.Queue), Agent: p.Agent,
			Owes: ContactID(p.Call), Misses: p.Try, Outcome: p.Result, Until: InstantOf(p.Next),
		}, true
	case journal.BreakProposed:
		return Event{Kind: BreakProposed, At: InstantOf(at), Agent: p.Agent, Deadline: InstantOf(p.Due)}, true
	}
	return Event{}, false
}

// emit adds an event and returns it to be filled in. What lies behind the events of the
// present command is empty: begin sees to it.
func (s *State) emit(kind EventKind) *Event {
	n := len(s.res.Events)
	if n < cap(s.res.Events) {
		s.res.Events = s.res.Events[:n+1]
	} else {
		s.res.Events = append(s.res.Events, Event{})
	}
	e := &s.res.Events[n]
	e.Kind = kind
	e.At = Instant(s.now)
	return e
}

// act adds an action and returns it to be filled in, as emit does.
func (s *State) act(kind ActionKind) *Action {
	n := len(s.res.Actions)
	if n < cap(s.res.Actions) {
		s.res.Actions = s.res.Actions[:n+1]
	} else {
		s.res.Actions = append(s.res.Actions, Action{})
	}
	x := &s.res.Actions[n]
	x.Kind = kind
	return x
}
