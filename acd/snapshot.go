package acd

import (
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// Snapshot is the state of the ACD at one instant; immutable.
type Snapshot struct {
	At     time.Time
	Queues []QueueStatus // in the order of the office document
	Agents []AgentStatus // members of any queue, by id
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
}

// WaitingCall is one caller in line.
type WaitingCall struct {
	Call    journal.CallID
	Since   time.Time // when he entered this queue
	Ringing bool      // at an agent, at this moment
	Urgent  bool
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
}

// Agent returns the status of one agent, and false if he is in no queue.
func (s *Snapshot) Agent(id journal.SubjectID) (AgentStatus, bool) {
	for i := range s.Agents {
		if s.Agents[i].Agent == id {
			return s.Agents[i], true
		}
	}
	return AgentStatus{}, false
}
