package engine

import (
	"slices"
	"time"
)

// Configure makes the engine work by cfg from now on. Contacts keep their places
// and waits; those of a queue that is gone leave it. What rings at somebody who may
// no longer take it is withdrawn and offered anew. Who is in no queue any more is
// logged out, after his talk and wrap-up if he has one. The error is a *ConfigError, and then
// nothing has changed. Configuring the same twice does nothing the second time.
func (s *State) Configure(cfg Config, now time.Time) (Result, error) {
	if err := cfg.Check(); err != nil {
		return Result{}, err
	}
	s.begin(now)
	s.pass()
	s.crew = true
	s.guard = guard{every: int64(cfg.BreakEvery), length: int64(cfg.BreakFor), reasons: cfg.Reasons}
	for i := range s.queues {
		s.queues[i].live = false
	}
	s.order = s.order[:0]
	needed := neededSkills(cfg.Queues)
	for i := range cfg.Queues {
		s.setQueue(&cfg.Queues[i], cfg.Skills, needed)
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
	s.finish()
	return s.res, nil
}

// neededSkills returns the skills that any queue needs.
func neededSkills(queues []Queue) []SkillID {
	var list []SkillID
	for i := range queues {
		for skill := range queues[i].Needs {
			if !slices.Contains(list, skill) {
				list = append(list, skill)
			}
		}
	}
	return list
}

// setQueue takes over the rules and members of one queue. Contacts that seek an
// agent in it are placed anew by settleContacts.
func (s *State) setQueue(cfg *Queue, skills map[AgentID]map[SkillID]int, needed []SkillID) {
	qi := s.queueSlot(cfg.ID)
	s.order = append(s.order, qi)
	for ci := range s.contacts {
		if c := &s.contacts[ci]; c.queue == qi && c.heap >= 0 {
			s.pull(int32(ci))
		}
	}
	for _, m := range cfg.Members {
		s.agentSlot(m)
	}
	for i := range cfg.Rings {
		for _, m := range cfg.Rings[i].Members {
			s.agentSlot(m)
		}
	}
	q := &s.queues[qi]
	q.cfg = *cfg
	q.cfg.Members = slices.Clone(cfg.Members)
	q.live = true
	q.par = strategies[cfg.Strategy]
	q.byIdle = cfg.Strategy == LongestIdle || cfg.Strategy == Progressive || cfg.Strategy == RingAll
	q.order = q.order[:0]
	q.place = slices.Repeat([]int32{-1}, len(s.agents))
	q.grade = make([]int32, len(s.agents))
	q.rings = make([]ring, len(cfg.Rings)+1)
	for i := range q.rings {
		q.rings[i].fit.grow(len(s.agents))
	}
	w := widening{s: s, q: q, skills: skills, needed: needed, needs: make(map[SkillID]int, len(cfg.Needs))}
	for skill, level := range cfg.Needs {
		w.needs[skill] = level
	}
	w.admit(0, cfg.Members)
	for i := range cfg.Rings {
		r := &cfg.Rings[i]
		q.rings[i+1].after = int64(r.After)
		for skill := range w.needs {
			w.needs[skill] -= r.Lower
		}
		for _, skill := range r.Without {
			delete(w.needs, skill)
		}
		w.admit(int32(i+1), r.Members)
	}
	q.flat = flat(q.order, q.grade)
}

// flat reports whether all have the same grade.
func flat(order, grade []int32) bool {
	for _, ai := range order {
		if grade[ai] != grade[order[0]] {
			return false
		}
	}
	return true
}

// widening is a queue being set, ring by ring.
type widening struct {
	s      *State
	q      *queue
	skills map[AgentID]map[SkillID]int
	needed []SkillID
	needs  map[SkillID]int // of the present ring
}

// maxExcess bounds how much more than needed an agent counts as able to do, so that
// the ring stands above it in a grade.
const maxExcess = 1<<20 - 1

// admit adds members to the queue's list and admits to ring n everybody who meets
// its needs.
func (w *widening) admit(n int32, members []AgentID) {
	q := w.q
	for _, m := range members {
		if ai := w.s.agentAt[m]; q.place[ai] < 0 {
			q.place[ai] = int32(len(q.order))
			q.order = append(q.order, ai)
		}
	}
	for _, ai := range q.order {
		if n > 0 && q.rings[n-1].fit.has(ai) {
			q.rings[n].fit.set(ai)
			continue
		}
		has := w.skills[w.s.agents[ai].id]
		meets := true
		for skill, level := range w.needs {
			meets = meets && has[skill] >= level
		}
		if !meets {
			continue
		}
		excess := 0
		for _, skill := range w.needed {
			excess += max(has[skill]-max(q.cfg.Needs[skill], 0), 0)
		}
		q.rings[n].fit.set(ai)
		q.grade[ai] = n<<20 | int32(min(excess, maxExcess))
	}
}

// queueOf returns the slot of a queue. Most commands name the queue of the last.
func (s *State) queueOf(id QueueID) (slot int32, ok bool) {
	if s.lastQueue < int32(len(s.queues)) && s.queues[s.lastQueue].cfg.ID == id {
		return s.lastQueue, true
	}
	if slot, ok = s.queueAt[id]; ok {
		s.lastQueue = slot
	}
	return slot, ok
}

// queueSlot returns the slot of a queue and makes one, not configured, if there
// is none.
func (s *State) queueSlot(id QueueID) int32 {
	if i, ok := s.queueAt[id]; ok {
		return i
	}
	i := int32(len(s.queues))
	s.queues = append(s.queues, queue{cfg: Queue{ID: id}, rings: make([]ring, 1)})
	s.queues[i].rings[0].fit.grow(len(s.agents))
	s.queueAt[id] = i
	return i
}

// settleContacts withdraws offers to agents who may not take them any more, lets
// the contacts of deleted queues leave and applies new rules to the others.
func (s *State) settleContacts() {
	for ai := range s.agents {
		a := &s.agents[ai]
		if a.phase != ringing {
			continue
		}
		c := &s.contacts[a.contact]
		q := &s.queues[c.queue]
		if n, _ := q.ringAt(s.now - c.since); q.live && !q.rings[n].fit.has(int32(ai)) && (c.keep != int32(ai) || !q.all().has(int32(ai))) {
			s.withdraw(int32(ai), ReasonRemoved)
		}
	}
	for ci := range s.contacts {
		c := &s.contacts[ci]
		switch {
		case !c.used || c.talks || c.dialling:
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
		if a.engaged() || a.wrapUntil != 0 {
			a.asked, a.askedWhy = stateLoggedOut, ReasonRemoved
		} else {
			s.withdrawFrom(ai, ReasonRemoved)
			s.logOut(a, ReasonRemoved)
		}
	}
	s.settle(ai)
}
