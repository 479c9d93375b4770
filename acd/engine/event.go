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
	CallbackSettled
	RecallTaken
	RecallDone
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
	Agent   AgentID // also By of CallbackSettled, RecallTaken, RecallDone
	Offer   OfferID
	Reason  Reason    // also Again of ContactQueued
	Misses  int       // also Try of CallbackTried
	Until   Instant   // also KeepUntil of ContactQueued, Next of CallbackTried
	Owes    ContactID // also Call of CallbackTried and CallbackSettled
	AgentPart
	ContactPart
}

// AgentPart is what AgentChanged alone says; whoever emits it sets all of it.
type AgentPart struct {
	State       journal.AgentStateName
	Asked       journal.AgentStateName
	AskedReason Reason
	Idle        Instant
	Screen      Instant
	Left        Instant
	Extended    bool
}

// ContactPart is what AgentChanged does not say.
type ContactPart struct {
	Caller     journal.SubjectID
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
	case CallbackSettled:
		return journal.CallbackSettled{Contact: e.Contact, Queue: string(e.Queue), By: e.Agent, Call: journal.CallID(e.Owes), Why: string(e.Reason)}
	case RecallTaken:
		return journal.RecallTaken{Caller: e.Caller, By: e.Agent, Until: e.Until.Time()}
	case RecallDone:
		return journal.RecallDone{Caller: e.Caller, By: e.Agent, Why: string(e.Reason)}
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
	e := Event{At: InstantOf(at)}
	switch p := p.(type) {
	case journal.AgentChanged:
		e.Kind, e.Agent, e.State, e.Reason, e.Misses = AgentChanged, p.Agent, p.State, Reason(p.Reason), p.Misses
		e.Until, e.Idle, e.Asked, e.AskedReason = InstantOf(p.Until), InstantOf(p.Idle), p.Asked, Reason(p.AskedReason)
		e.Outside, e.Gone, e.Owes, e.Extended = p.Outside, p.Gone, p.Owes, p.Extended
		e.Screen, e.Left = InstantOf(p.Screen), InstantOf(p.Left)
	case journal.ContactQueued:
		e.Kind, e.Contact, e.Queue, e.Arrival = ContactQueued, p.Contact, QueueID(p.Queue), InstantOf(p.Arrival)
		e.Caller, e.Urgent, e.Reason = p.Caller, p.Urgent, Reason(p.Again)
		e.Agent, e.Until = p.Keep, InstantOf(p.KeepUntil)
	case journal.ContactOffered:
		e.Kind, e.Contact, e.Queue, e.Offer = ContactOffered, p.Contact, QueueID(p.Queue), p.Offer
		e.Agent, e.Deadline, e.Strategy, e.Candidates = p.Agent, InstantOf(p.Deadline), Strategy(p.Strategy), p.Candidates
	case journal.OfferEnded:
		e.Kind, e.Contact, e.Offer, e.Agent, e.Outcome = OfferEnded, p.Contact, p.Offer, p.Agent, string(p.Outcome)
	case journal.ContactConnected:
		e.Kind, e.Contact, e.Queue = ContactConnected, p.Contact, QueueID(p.Queue)
		e.Agent, e.Offer, e.Waited = p.Agent, p.Offer, p.Waited
	case journal.ContactEnded:
		e.Kind, e.Contact, e.Queue, e.Agent = ContactEnded, p.Contact, QueueID(p.Queue), p.Agent
		e.Outcome, e.Reason, e.Waited, e.Talked = p.Outcome, Reason(p.Reason), p.Waited, p.Talked
	case journal.ContactAnnounced:
		e.Kind, e.Contact, e.Queue = ContactAnnounced, p.Contact, QueueID(p.Queue)
		e.Position, e.Waited, e.Talked, e.Agents = p.Position, p.Low, p.High, p.Agents
	case journal.CallbackPromised:
		e.Kind, e.Contact, e.Queue = CallbackPromised, p.Contact, QueueID(p.Queue)
		e.Caller, e.Arrival = p.Caller, InstantOf(p.Arrival)
	case journal.CallbackTried:
		e.Kind, e.Contact, e.Queue, e.Agent = CallbackTried, p.Contact, QueueID(p.Queue), p.Agent
		e.Owes, e.Misses, e.Outcome, e.Until = ContactID(p.Call), p.Try, p.Result, InstantOf(p.Next)
	case journal.BreakProposed:
		e.Kind, e.Agent, e.Deadline = BreakProposed, p.Agent, InstantOf(p.Due)
	case journal.CallbackSettled:
		e.Kind, e.Contact, e.Queue = CallbackSettled, p.Contact, QueueID(p.Queue)
		e.Agent, e.Owes, e.Reason = p.By, ContactID(p.Call), Reason(p.Why)
	case journal.RecallTaken:
		e.Kind, e.Caller, e.Agent, e.Until = RecallTaken, p.Caller, p.By, InstantOf(p.Until)
	case journal.RecallDone:
		e.Kind, e.Caller, e.Agent, e.Reason = RecallDone, p.Caller, p.By, Reason(p.Why)
	default:
		return Event{}, false
	}
	return e, true
}

// emit adds an event and returns it to be filled in. Its place has held another one:
// of the two parts only that can be in use which is of that one's kind.
func (s *State) emit(kind EventKind) *Event {
	n := len(s.res.Events)
	if n < cap(s.res.Events) {
		s.res.Events = s.res.Events[:n+1]
	} else {
		s.res.Events = append(s.res.Events, Event{})
	}
	e := &s.res.Events[n]
	switch {
	case e.Kind != AgentChanged:
		e.ContactPart = ContactPart{}
	case kind != AgentChanged:
		e.AgentPart = AgentPart{}
	}
	e.Kind, e.Urgent, e.Outside, e.Gone, e.At = kind, false, false, false, Instant(s.now)
	e.Contact, e.Queue, e.Agent, e.Offer = "", "", "", 0
	e.Reason, e.Misses, e.Until, e.Owes = "", 0, 0, ""
	return e
}

// act adds an action and returns it to be filled in.
func (s *State) act(kind ActionKind) *Action {
	n := len(s.res.Actions)
	if n < cap(s.res.Actions) {
		s.res.Actions = s.res.Actions[:n+1]
		s.res.Actions[n] = Action{}
	} else {
		s.res.Actions = append(s.res.Actions, Action{})
	}
	x := &s.res.Actions[n]
	x.Kind = kind
	return x
}
