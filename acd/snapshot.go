package acd

import (
	"slices"
	"strings"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// Snapshot is the state of the ACD at one instant; immutable.
type Snapshot struct {
	At     time.Time     // when it was made; Since of all that did not change is before
	Queues []QueueStatus // in the order of the office document
	Agents []AgentStatus // members of any queue, by id

	version uint64
}

// QueueStatus is what a queue looks like. The counts are of its members.
type QueueStatus struct {
	Queue   office.ID
	Waiting []WaitingCall // in the order in which they are served; includes those that ring at an agent
	Talking int           // contacts of this queue that talk to an agent
	Agents  AgentCounts
}

// AgentCounts counts members of a queue by what they do.
type AgentCounts struct {
	LoggedIn int // all below together
	Free     int // ready for a call
	Offered  int
	Talking  int
	WrapUp   int
	Paused   int // includes those whose phone cannot be reached
	Busy     int // in calls outside of the queues
	Other    int // at other work
}

// WaitingCall is one caller in line.
type WaitingCall struct {
	Call    journal.CallID
	Since   time.Time // when he entered this queue
	Ringing bool      // at an agent, at this moment
	Urgent  bool

	Callback bool      // not on the line: he is called back in his turn
	Dialling bool      // and that is being done
	Tries    int       // attempts so far
	NextTry  time.Time // no attempt before; zero: in his turn
}

// AgentStatus is what an agent does.
type AgentStatus struct {
	Agent  journal.SubjectID
	State  journal.AgentStateName
	Reason Reason                 // of a pause or logout
	Asked  journal.AgentStateName // paused or logged out, once the present talk is over; else empty
	Since  time.Time
	Until  time.Time      // end of wrap-up; else zero
	Misses int            // offers missed in a row
	Call   journal.CallID // offered or talking
	Queues []office.ID

	Owes     journal.CallID // whose outcome he has yet to tell before he can end his wrap-up; else empty
	Extended bool           // the wrap-up has been lengthened
	BreakDue time.Time      // when he must take his break at the latest; zero while he has it
	Proposed bool           // that break was proposed to him
}

// Agent returns the status of one agent, and false if he is in no queue.
func (s *Snapshot) Agent(id journal.SubjectID) (AgentStatus, bool) {
	i, ok := slices.BinarySearchFunc(s.Agents, id, func(a AgentStatus, id journal.SubjectID) int {
		return strings.Compare(string(a.Agent), string(id))
	})
	if ok {
		return s.Agents[i], true
	}
	return AgentStatus{}, false
}

// Snapshot returns what the ACD looks like now: never older than the last event
// that reached the journal. It is shared and must not be changed. Times are of the
// wall clock. It names people by pseudonym and reaches pages only through
// internal/privacy.
func (a *ACD) Snapshot() *Snapshot {
	s := a.published.Load()
	if !a.started.Load() || s.version == a.version.Load() {
		return s
	}
	look := make(chan *Snapshot, 1) // one answer, taken or not
	a.mail.put(letter{look: look})
	select {
	case s = <-look:
		return s
	case <-a.done:
		return a.published.Load()
	}
}

// publish makes a snapshot of the engine, if anything has changed since the last.
func (a *ACD) publish() {
	version := a.version.Load()
	if s := a.published.Load(); s != nil && s.version == version {
		return
	}
	s := &Snapshot{version: version, At: a.clock.outside(a.clock.now())}
	for _, v := range a.engine.Agents() {
		s.Agents = append(s.Agents, a.status(&v))
	}
	for _, q := range a.engine.Queues() {
		s.Queues = append(s.Queues, a.queueStatus(&q, s))
	}
	a.published.Store(s)
}

func (a *ACD) status(v *engine.AgentView) AgentStatus {
	st := AgentStatus{
		Agent: v.Agent, State: v.State, Reason: v.Reason, Asked: v.Asked,
		Since: a.clock.outside(v.Since), Until: a.clock.outside(v.Until),
		Misses: v.Misses, Call: journal.CallID(v.Contact),
		Owes: journal.CallID(v.Owes), Extended: v.Extended, BreakDue: a.clock.outside(v.BreakDue), Proposed: v.Proposed,
	}
	for _, q := range v.Queues {
		st.Queues = append(st.Queues, office.ID(q))
	}
	return st
}

func (a *ACD) queueStatus(v *engine.QueueView, s *Snapshot) QueueStatus {
	st := QueueStatus{Queue: office.ID(v.Queue), Talking: v.Talking}
	for _, c := range v.Waiting {
		st.Waiting = append(st.Waiting, WaitingCall{
			Call: journal.CallID(c.Contact), Since: a.clock.outside(c.Since), Ringing: c.Ringing, Urgent: c.Urgent,
			Callback: c.Callback, Dialling: c.Dialling, Tries: c.Tries, NextTry: a.clock.outside(c.NextTry),
		})
	}
	for _, m := range v.Members {
		if agent, ok := s.Agent(m); ok {
			st.Agents.count(agent.State)
		}
	}
	return st
}

func (c *AgentCounts) count(state journal.AgentStateName) {
	if state == journal.AgentLoggedOut {
		return
	}
	c.LoggedIn++
	switch state {
	case journal.AgentReady:
		c.Free++
	case journal.AgentOffered:
		c.Offered++
	case journal.AgentTalking:
		c.Talking++
	case journal.AgentWrapUp:
		c.WrapUp++
	case journal.AgentPaused:
		c.Paused++
	case journal.AgentBusy:
		c.Busy++
	case journal.AgentOtherWork:
		c.Other++
	}
}
