package engine

import (
	"hash/fnv"

	"centralino/internal/journal"
)

// phase says whether an agent is engaged with a contact.
type phase uint8

const (
	idle    phase = iota
	ringing       // an offer rings at his phones
	talking       // with the contact
)

// agent is what the engine knows of one agent. The exported states are computed
// from it by view.
type agent struct {
	id     AgentID
	hash   uint64 // of id, for Random
	queues int32  // how many queues he is a member of

	loggedIn  bool
	outside   bool   // in a call outside of the queues
	gone      bool   // no phone reachable
	pause     Reason // why paused, empty if not
	loggedWhy Reason // why logged out
	asked     journal.AgentStateName
	askedWhy  Reason
	misses    int32
	wrapUntil int64
	retryAt   int64 // no offers before
	idle      int64 // waits for a contact since

	phase    phase
	contact  int32 // slot, -1 if idle
	offer    OfferID
	deadline int64 // of the offer

	shown agentView // what the journal says
	since int64     // shown.state or reason since
	timer int32
	work  *workload // apart, so that agents lie close together
}

// agentView is everything about an agent that the journal repeats at each change.
type agentView struct {
	state    journal.AgentStateName
	asked    journal.AgentStateName
	reason   Reason
	askedWhy Reason
	misses   int32
	outside  bool
	gone     bool
	until    int64
	idle     int64
}

// view names the agent's state. What comes first in this order hides the rest:
// logged out, talking, offered, paused, phone unreachable, busy, wrap-up, ready.
func (a *agent) view() agentView {
	if !a.loggedIn {
		return agentView{state: journal.AgentLoggedOut, reason: a.loggedWhy}
	}
	v := agentView{
		state: journal.AgentReady, asked: a.asked, askedWhy: a.askedWhy, misses: a.misses,
		outside: a.outside, gone: a.gone, until: a.wrapUntil, idle: a.idle,
	}
	switch {
	case a.phase == talking:
		v.state = journal.AgentTalking
	case a.phase == ringing:
		v.state = journal.AgentOffered
	case a.pause != "":
		v.state, v.reason = journal.AgentPaused, a.pause
	case a.gone:
		v.state, v.reason = journal.AgentPaused, ReasonUnreachable
	case a.outside:
		v.state = journal.AgentBusy
	case a.wrapUntil != 0:
		v.state = journal.AgentWrapUp
	}
	return v
}

// free reports whether the agent may be offered a contact.
func (a *agent) free() bool {
	return a.loggedIn && a.queues > 0 && a.phase == idle && a.pause == "" && !a.gone &&
		!a.outside && a.wrapUntil == 0 && a.retryAt == 0
}

// agentSlot returns the slot of an agent and makes one if there is none.
func (s *State) agentSlot(id AgentID) int32 {
	if i, ok := s.agentAt[id]; ok {
		return i
	}
	i := int32(len(s.agents))
	h := fnv.New64a()
	h.Write([]byte(id))
	a := agent{id: id, hash: h.Sum64(), contact: -1, timer: -1, work: &workload{}}
	a.shown = a.view()
	s.agents = append(s.agents, a)
	s.agentAt[id] = i
	s.ready.grow(len(s.agents))
	for q := range s.queues {
		s.queues[q].fit.grow(len(s.agents))
	}
	return i
}

// settle makes indexes and timer agree with the agent, and reports his state if
// it changed. It is called after every change of an agent.
func (s *State) settle(i int32) {
	a := &s.agents[i]
	if a.free() {
		s.ready.set(i)
	} else {
		s.ready.clear(i)
	}
	s.setTimer(agentRef(i), a.due())
	v := a.view()
	if v == a.shown {
		return
	}
	s.show(a, v)
	e := s.emit(AgentChanged)
	e.Agent, e.State, e.Reason, e.Misses = a.id, v.state, v.reason, int(v.misses)
	e.Until, e.Idle = stamp(v.until), stamp(v.idle)
	e.Asked, e.AskedReason, e.Outside, e.Gone = v.asked, v.askedWhy, v.outside, v.gone
}

// show takes v as the agent's state from now on and books the time until now on
// the state before.
func (s *State) show(a *agent, v agentView) {
	a.work.book(a.shown.state, s.now)
	if v.state != journal.AgentLoggedOut && a.shown.state == journal.AgentLoggedOut {
		a.work.login(s.now)
	}
	if v.state != a.shown.state || v.reason != a.shown.reason {
		a.since = s.now
	}
	a.shown = v
}

// due returns the next instant at which something happens to the agent by itself.
func (a *agent) due() int64 {
	at := a.wrapUntil
	if a.retryAt != 0 && (at == 0 || a.retryAt < at) {
		at = a.retryAt
	}
	if a.phase == ringing && (at == 0 || a.deadline < at) {
		at = a.deadline
	}
	return at
}

// agentDue carries out what is due at the agent.
func (s *State) agentDue(i int32) {
	a := &s.agents[i]
	if a.retryAt != 0 && a.retryAt <= s.now {
		a.retryAt = 0
	}
	if a.wrapUntil != 0 && a.wrapUntil <= s.now {
		s.endWrapUp(a, a.wrapUntil)
	}
	if a.phase == ringing && a.deadline <= s.now {
		s.declined(i, journal.OfferMissed)
		return
	}
	s.settle(i)
}

// endWrapUp makes the agent idle since at, or what he asked to be.
func (s *State) endWrapUp(a *agent, at int64) {
	a.wrapUntil = 0
	a.idle = at
	switch a.asked {
	case journal.AgentPaused:
		a.pause = a.askedWhy
	case journal.AgentLoggedOut:
		s.logOut(a, a.askedWhy)
	}
	a.asked, a.askedWhy = "", ""
}

// logOut makes an idle agent logged out.
func (s *State) logOut(a *agent, why Reason) {
	a.loggedIn, a.loggedWhy = false, why
	a.pause, a.wrapUntil, a.misses, a.idle = "", 0, 0, 0
	a.asked, a.askedWhy = "", ""
}

// level takes a level about an agent from the switch. Unknown people get a slot:
// they may become members while the level holds.
func (s *State) level(id AgentID, kind CommandKind) {
	if id == "" {
		return
	}
	i := s.agentSlot(id)
	a := &s.agents[i]
	switch kind {
	case AgentBusy:
		a.outside = true
		s.withdrawFrom(i, ReasonAgentGone)
	case AgentFree:
		a.outside = false
	case PhoneGone:
		a.gone = true
		s.withdrawFrom(i, ReasonUnreachable)
	case PhoneBack:
		a.gone = false
	}
	s.settle(i)
}

// wish carries out what an agent asked for.
func (s *State) wish(cmd *Command) error {
	i, ok := s.agentAt[cmd.Agent]
	if !ok || s.agents[i].queues == 0 {
		return ErrNotAgent
	}
	a := &s.agents[i]
	if !a.loggedIn && (cmd.Kind == Pause || cmd.Kind == Ready) {
		return ErrLoggedOut
	}
	why := cmd.Reason
	if why == "" || why == ReasonUnreachable { // the latter is not for people to give
		why = ReasonCode
		if cmd.Source == FromPage {
			why = ReasonPage
		}
	}
	if cmd.Source == FromPhone {
		a.gone = false
	}
	switch cmd.Kind {
	case Login:
		if !a.loggedIn {
			a.loggedIn, a.loggedWhy, a.misses, a.idle = true, "", 0, s.now
		}
	case Ready:
		a.pause, a.asked, a.askedWhy, a.misses = "", "", "", 0
		if a.wrapUntil != 0 {
			s.endWrapUp(a, s.now)
		}
	case Pause:
		s.stopWork(i, journal.AgentPaused, why)
	case Logout:
		s.stopWork(i, journal.AgentLoggedOut, why)
	}
	s.settle(i)
	return nil
}

// stopWork pauses the agent or logs him out: at once, but in a talk only after
// it and its wrap-up.
func (s *State) stopWork(i int32, to journal.AgentStateName, why Reason) {
	a := &s.agents[i]
	if !a.loggedIn {
		return
	}
	if a.phase == talking {
		a.asked, a.askedWhy = to, why
		return
	}
	s.withdrawFrom(i, ReasonAgentGone)
	if a.wrapUntil != 0 {
		a.asked, a.askedWhy = "", ""
		s.endWrapUp(a, s.now)
	}
	if to == journal.AgentPaused {
		a.pause = why
		return
	}
	s.logOut(a, why)
}
