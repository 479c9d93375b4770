package engine

import (
	"time"

	"centralino/internal/journal"
)

// ActionKind says what the switch has to do.
type ActionKind uint8

// Kinds of action, with the fields of Action that count.
const (
	// RingAgent makes the agent's phones ring: Offer, Contact, Queue, Agent, Deadline.
	RingAgent ActionKind = iota + 1
	// StopRing makes them stop: Offer, Contact, Agent, Reason.
	StopRing
	// Connect joins the caller and the agent who took the offer: Offer, Contact, Agent.
	Connect
	// Refuse hangs up on an agent whose answer came too late: Offer.
	Refuse
	// Leave gives the call back to its path: Contact, Queue, Reason.
	Leave
	// CallBack makes the agent's phones ring like RingAgent, for a caller who is
	// then called: Offer, Contact, Queue, Agent, Caller, Deadline. When the agent has
	// answered, Connect tells to call; CallbackResult is the answer.
	CallBack
	// Announce tells a waiting caller: Contact, Queue, Position, Low and High (0:
	// do not say), Periodic (the queue's message).
	Announce
)

// Action is one order to the switch.
type Action struct {
	Kind     ActionKind
	Offer    OfferID
	Contact  ContactID
	Queue    QueueID
	Agent    AgentID
	Deadline Instant
	Reason   Reason

	Caller    journal.SubjectID
	Position  int
	Low, High time.Duration
	Periodic  bool
}

// Result is what one command led to. Events and Actions are in the order in which
// they happened. Both slices, and the candidates within, belong to the engine and
// are valid until the next command.
type Result struct {
	Events  []Event
	Actions []Action
	Err     error // why the command was not carried out, nil if it was
}
