package engine

import (
	"time"

	"centralino/internal/journal"
)

// Identifiers of the engine are those of the journal.
type (
	// AgentID names an agent by pseudonym.
	AgentID = journal.SubjectID
	// ContactID names a contact; it is the id of the call that entered the queue.
	ContactID = journal.ContactID
	// OfferID names one offer of one contact to one agent. It never repeats.
	OfferID = journal.OfferID
	// QueueID names a queue: the id of its group in the office document.
	QueueID string
)

// CommandKind says what a Command reports or asks for.
type CommandKind uint8

// Kinds of command, with the fields of Command that count.
const (
	// Tick only lets deadlines pass that are due. Every command does that first.
	Tick CommandKind = iota
	// Enqueue puts a contact in a queue: Contact, Queue, Caller, Bonus, Arrival, Urgent.
	Enqueue
	// Abandon reports that the caller is gone, in whatever state: Contact. It is
	// harmless when the contact has ended already.
	Abandon
	// Accept reports that the agent took the offer: Offer.
	Accept
	// Decline reports that the agent refused the offer or his phone is busy: Offer.
	Decline
	// Fail reports that no phone of the agent could be rung: Offer.
	Fail
	// TalkEnded reports that agent and caller no longer talk: Contact; Reason is
	// ReasonTransferred or ReasonConsulted where the agent has handed the caller on, who keeps his place
	// for the next queue.
	TalkEnded
	// TalkLost reports that the agent's side vanished while they talked and the
	// caller is still there: Contact. The contact returns to its place.
	TalkLost
	// AgentBusy reports that the agent is in a call outside of the queues: Agent.
	// It is a level, not a count.
	AgentBusy
	// AgentFree reports that no call outside of the queues is left: Agent.
	AgentFree
	// PhoneGone reports that no phone of the agent can be reached: Agent.
	PhoneGone
	// PhoneBack reports that a phone of the agent can be reached again: Agent.
	PhoneBack
	// Login, Logout, Pause, Ready, OtherWork and Extend are asked by the agent:
	// Agent, Source, and Reason for Pause (ReasonBreak: the break) and OtherWork.
	// Extend lengthens his wrap-up.
	Login
	Logout
	Pause
	Ready
	OtherWork
	Extend
	// OutcomeKnown reports that the agent has told how the conversation went:
	// Agent, Contact.
	OutcomeKnown
	// AskCallback makes of a caller in line one who is called back in his turn:
	// Contact, and Caller if he is to be called at another number. With Queue it takes
	// one who does not wait (any more), whatever the queue's limits.
	AskCallback
	// CancelCallback takes such a promise back: Contact, By if a person does so.
	CancelCallback
	// CallbackResult reports how the attempt went for which an agent took the
	// offer: Contact, Result.
	CallbackResult
	// Restart ends what cannot have survived a restart: every contact on the line,
	// every offer, every talk, as of Arrival, when the box was last known to run.
	// Who is to be called back stays in line. Given once after a replay.
	Restart
	// Exit reports that a caller in line has left it by a key and goes on in another
	// path: Contact.
	Exit
	// WaitOn takes a promise to call back from a caller who is on the line after all:
	// Contact. He waits in his place.
	WaitOn
	// TakeCaller takes a caller on somebody who will call him by hand, for TakenFor:
	// Caller, By. Refused while he is on the line, or an agent rings or dials for him.
	TakeCaller
	// GiveCaller ends that: Caller, By, Reason (GiveReached and its sisters).
	GiveCaller
	// Reached reports that a call to a caller was answered which the engine did not
	// make: Caller, By, Call. He is free and every promise to call him back is kept.
	Reached
)

// Results of an attempt to call back. Any other counts as DialFailed.
const (
	DialAnswered = "answered"
	DialBusy     = "busy"
	DialNoAnswer = "noAnswer"
	DialFailed   = "failed"
)

// Source says where an agent asked from. An agent who asks from a phone has a
// reachable phone.
type Source string

// Sources of an agent's wish.
const (
	FromPhone Source = "phone"
	FromPage  Source = "page"
)

// Command is one input of the engine. Which fields count depends on Kind.
type Command struct {
	Kind    CommandKind
	Urgent  bool // sorts before every contact that is not urgent
	Contact ContactID
	Queue   QueueID
	Agent   AgentID
	Offer   OfferID
	Caller  journal.SubjectID // who calls, if known
	Source  Source
	Reason  Reason
	Result  string
	By      journal.SubjectID // of TakeCaller, GiveCaller, Reached, CancelCallback: the person
	Call    journal.CallID    // of CallbackResult and Reached: the attempt, empty if no call came of it
	Bonus   time.Duration     // how much earlier than it arrived the contact ranks, not negative
	Arrival time.Time         // when the contact arrived, if not now (it comes from another queue)
}

// Reason is a text id that says why something happened to an agent, an offer or a
// contact.
type Reason string

// Reasons given by the engine.
const (
	ReasonMissed      Reason = "missed"            // paused after missed offers; offer's deadline passed
	ReasonRefused     Reason = "refused"           // paused after refused offers
	ReasonFailed      Reason = "failed"            // paused after offers that reached no phone
	ReasonLost        Reason = "lost"              // agent vanished in the middle of a talk
	ReasonUnreachable Reason = "phone unreachable" // no phone of the agent is registered
	ReasonCode        Reason = "code"              // asked by feature code
	ReasonPage        Reason = "page"              // asked on the page
	ReasonRemoved     Reason = "removed"           // no longer member of a queue; queue deleted
	ReasonRestart     Reason = "restart"           // the box restarted
	ReasonBreak       Reason = "break"             // time off the screen, asked or due
	ReasonWork        Reason = "work"              // other work without a reason of the office's

	ReasonElsewhere   Reason = "answered elsewhere"   // another agent was faster
	ReasonCallerGone  Reason = "caller gone"          // the caller hung up
	ReasonAgentGone   Reason = "agent gone"           // the agent paused, logged out or took another call
	ReasonMaxWait     Reason = "max wait"             // the contact waited as long as the queue allows
	ReasonMaxLength   Reason = "max length"           // the queue was full
	ReasonNoQueue     Reason = "no queue"             // there is no such queue
	ReasonSuperseded  Reason = "superseded"           // the same contact entered another queue, or was promised a call anew
	ReasonNoAgent     Reason = "no agent"             // no agent of the queue is logged in
	ReasonExpected    Reason = "max expected"         // the wait would have been longer than the queue allows
	ReasonCalledIn    Reason = "called in"            // who was to be called back has called and was served
	ReasonExit        Reason = "exit key"             // the caller pressed a key that leads out of the queue
	ReasonCancelled   Reason = "cancelled"            // the promise to call back was taken back
	ReasonTransferred Reason = "transferred"          // the agent has handed the caller on
	ReasonConsulted   Reason = "transferred attended" // … after they had talked
	ReasonByHand      Reason = "by hand"              // somebody has called him outside of the queue
)
