package kpi

import (
	"time"

	"centralino/internal/journal"
)

// Result says what became of a contact in one queue. Its values are kept on disk
// and never change.
type Result uint8

// Results.
const (
	Waiting    Result = iota // still in line
	Answered                 // an agent talked or talks to the caller
	Abandoned                // the caller hung up while waiting
	Overflowed               // the queue gave the caller back to his path
	Promised                 // the caller left the line for a promise to be called back
	_                        // was "closed", which no queue ever said
	Restarted                // lost when the box restarted
)

var resultNames = [...]string{Waiting: "waiting", Answered: "answered", Abandoned: "abandoned", Overflowed: "overflowed", Promised: "promised", Restarted: "restarted"}

// String names the result by a text id.
func (r Result) String() string {
	if int(r) < len(resultNames) && resultNames[r] != "" {
		return resultNames[r]
	}
	return "waiting"
}

// Merged is the Reason of a visit whose caller called himself before he was called
// back: his later contact stands for him.
const Merged = "merged"

// HandedOn is the Reason of a visit whose talk ended because the agent handed the caller
// on.
const HandedOn = "transferred"

// Consulted is HandedOn after the agent had talked with who takes the caller.
const Consulted = "transferred attended"

// ByHand is why a promise to call back was settled that somebody of the office kept.
const ByHand = "by hand"

// Visit is one contact in one queue. Coming back to the same queue is the same
// visit; another queue is another one. It belongs to the slot of its arrival.
type Visit struct {
	Contact journal.ContactID
	Queue   string
	Caller  journal.SubjectID // empty: hidden
	Agent   journal.SubjectID // who talked, the last if several
	Arrived time.Time
	Waited  time.Duration // until answered first, else until the end; grows no more once Result is not Waiting
	Talked  time.Duration // with hold; what is over of it
	Wrap    time.Duration // wrap-up after it
	Result  Result
	Open    bool   // still waits, talks or has a promise that was not kept
	Urgent  bool   // overtakes
	Reached bool   // of Promised: the caller was reached
	ByHand  bool   // of Reached: outside of the queue, so no agent's talk of it is known
	ByAgent bool   // the agent ended the talk, not the caller, who may have gone on elsewhere
	Reason  string // why the queue gave the contact up
	Outcome string // id of the office's outcome, by the agent's word

	Back   journal.CallID // of Reached: the call in which he was, where it is known
	BackIn time.Duration  // of Reached: how long after Arrived

	// Before is how long ago the same caller's contact before this one came; 0 if
	// that is more than RepeatWithin or the caller is hidden.
	Before time.Duration
	Misses int // offers that rang in vain
	Kept   int // spoken wait ranges that held
	Broken int // … that did not

	base  time.Duration // waited before it came back to the queue
	since time.Time     // waits since
	stale bool          // open since before the last start
}

// RepeatWithin is how close two contacts of one caller make the second a repeat.
const RepeatWithin = 24 * time.Hour

// AgentTime is how long an agent was in a state within one slot. Queue is whose
// call it was, Reason the pause's, both where the state has one.
type AgentTime struct {
	Slot   Slot
	Agent  journal.SubjectID
	State  journal.AgentStateName
	Queue  string
	Reason string
	Time   time.Duration
}

// LineUse is the use of one line within one slot; the empty Line is all of them
// together.
type LineUse struct {
	Slot Slot
	Line string
	Busy time.Duration // of all its channels
	In   int           // calls that came in it
	Out  int           // calls that went out in it
	Peak int           // channels busy at once, at most
}

// Said is an outcome of a conversation that was not in a queue, or that the fold no
// longer held when it was said first: it belongs to the slot in which it was said.
type Said struct {
	Call    journal.CallID
	Queue   string
	Agent   journal.SubjectID
	Outcome string
	At      time.Time
}

// Facts is what happened in a stretch of time. Visits are in order of arrival;
// times and uses are in order of slots.
type Facts struct {
	Interval
	Now    time.Time // until when waits and states that go on are counted
	Visits []Visit
	Agents []AgentTime
	Lines  []LineUse
	Said   []Said
}

// Rule is how a queue is judged.
type Rule struct {
	Threshold time.Duration // of the service level
	Short     time.Duration // who gives up sooner does not count
	Target    float64       // share that the service level should reach
}

// DefaultRule is that of a queue that says nothing: 80 % within 20 s, and who gives
// up within 5 s does not count.
var DefaultRule = Rule{Threshold: 20 * time.Second, Short: 5 * time.Second, Target: 0.8}
