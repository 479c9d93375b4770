package engine

import (
	"slices"
	"time"

	"centralino/internal/journal"
)

// Configure makes the engine work by cfg from now on. Contacts keep their places
// and waits; those of a queue that is gone leave it. What rings at somebody who is
// no longer a member is withdrawn and offered anew. Who is in no queue any more is
// logged out, after his talk and wrap-up if he has one. The error is a *ConfigError, and then
// nothing has changed. Configuring the same twice does nothing the second time.
func (s *State) Configure(cfg Config, now time.Time) (Result, error) {
	if err := cfg.Check(); err != nil {
		return Result{}, err
	}
	s.begin(now)
	s.pass()
	for i := range s.queues {
		s.queues[i].live = false
	}
	s.order = s.order[:0]
	for i := range cfg.Queues {
		s.setQueue(&cfg.Queues[i])
	}
	for i := range s.agents {
		s.agents[i].queues = 0
	}
	for _, qi := range s.order {
		for _, ai := range s.queues[qi].order {
			s.agents[ai].queues++
		}
	}
	s.settleContacts()
	for i := range s.agents {
		s.settleMember(int32(i))
	}
	s.dispatch()
	return s.res, nil
}

// setQueue takes over the rules and members of one queue.
func (s *State) setQueue(cfg *Queue) {
	qi := s.queueSlot(cfg.ID)
	s.order = append(s.order, qi)
	for _, m := range cfg.Members {
		s.agentSlot(m)
	}
	q := &s.queues[qi]
	q.cfg = *cfg
	q.cfg.Members = slices.Clone(cfg.Members)
	q.live = true
	q.par = strategies[cfg.Strategy]
	q.order = q.order[:0]
	q.place = slices.Repeat([]int32{-1}, len(s.agents))
	clear(q.fit)
	for n, m := range cfg.Members {
		ai := s.agentAt[m]
		q.order = append(q.order, ai)
		q.place[ai] = int32(n)
		q.fit.set(ai)
	}
}

// queueSlot returns the slot of a queue and makes one, not configured, if there
// is none.
func (s *State) queueSlot(id QueueID) int32 {
	if i, ok := s.queueAt[id]; ok {
		return i
	}
	i := int32(len(s.queues))
	s.queues = append(s.queues, queue{cfg: Queue{ID: id}})
	s.queues[i].fit.grow(len(s.agents))
	s.queueAt[id] = i
	return i
}

// settleContacts withdraws offers to agents who are no longer members, lets the
// contacts of deleted queues leave and applies new limits to the others.
func (s *State) settleContacts() {
	for ai := range s.agents {
		a := &s.agents[ai]
		if a.phase != ringing {
			continue
		}
		q := &s.queues[s.contacts[a.contact].queue]
		if q.live && !q.fit.has(int32(ai)) {
			s.withdraw(int32(ai), ReasonRemoved)
		}
	}
	for ci := range s.contacts {
		c := &s.contacts[ci]
		switch {
		case !c.used || c.talks:
		case !s.queues[c.queue].live:
			s.leave(int32(ci), ReasonRemoved)
		default:
			s.reopen(int32(ci))
		}
	}
}

// settleMember logs an agent out who is in no queue any more.
func (s *State) settleMember(ai int32) {
	a := &s.agents[ai]
	if a.loggedIn && a.queues == 0 {
		if a.phase == talking || a.wrapUntil != 0 {
			a.asked, a.askedWhy = journal.AgentLoggedOut, ReasonRemoved
		} else {
			s.withdrawFrom(ai, ReasonRemoved)
			s.logOut(a, ReasonRemoved)
		}
	}
	s.settle(ai)
}
