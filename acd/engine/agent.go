package engine

import (
	"hash/fnv"
	"time"

	"centralino/internal/journal"
)

// phase says whether an agent is engaged with a contact.
type phase uint8

const (
	idle     phase = iota
	ringing        // an offer rings at his phones
	dialling       // has taken the offer of somebody who is being called back
	talking        // with the contact
)

// agent is what the engine knows of one agent. The exported states are computed
// from it by view.
type agent struct {
	id       AgentID // what every decision reads of everybody comes first
	retryAt  int64   // no offers before
	phase    phase
	loggedIn bool
	away     state // paused or other work, noState if neither
	watched  bool  // is in State.watch
	stayed   bool  // stays, when last looked at
	queues   int32 // how many queues he is a member of
	next     int32 // who is free less long, -1 if nobody; see State.longest
	prev     int32
	timer    int32
	standing
	shown agentView // what the journal says

	since    int64 // shown.state or reason since
	contact  int32 // slot, -1 if idle
	offer    OfferID
	deadline int64     // of the offer or the dialling
	server   int32     // slot of the queue of his last talk, -1 if none
	work     *workload // apart, so that agents lie close together
	proposed int64     // limit for which the break was proposed

	pause     Reason // why he is away
	loggedWhy Reason // why logged out
	hash      uint64 // of id, for Random
}

// standing is what is known of an agent and repeated by the journal at each change, as
// long as he is logged in.
type standing struct {
	idle      int64 // waits for a contact since
	wrapUntil int64
	screen    int64 // at the screen since, see guard; also when he is logged out, like left
	left      int64 // off it since, 0 if he is there
	outside   bool  // in a call outside of the queues
	gone      bool  // no phone reachable
	extended  bool  // wrapUntil was
	asked     state
	misses    int32
	askedWhy  Reason
	owes      ContactID // the talk or wrap-up is of this contact, whose outcome must be told
}

// agentView is everything about an agent that the journal repeats at each change.
type agentView struct {
	state  state
	reason Reason
	standing
}

// view names the agent's state. What comes first in this order hides the rest:
// logged out, talking, offered (also while somebody is being called back), paused
// or other work, phone unreachable, busy, wrap-up, ready.
func (a *agent) view() agentView {
	v := agentView{standing: a.standing}
	if !a.loggedIn {
		v.standing = a.loggedOut()
	}
	v.state, v.reason = a.appears()
	return v
}

// loggedOut is what is repeated of an agent who is logged out.
func (a *agent) loggedOut() standing { return standing{screen: a.screen, left: a.left} }

// appears returns the state that view names, and its reason.
func (a *agent) appears() (state, Reason) {
	switch {
	case !a.loggedIn:
		return stateLoggedOut, a.loggedWhy
	case a.phase == talking:
		return stateTalking, ""
	case a.phase == ringing || a.phase == dialling:
		return stateOffered, ""
	case a.away != noState:
		return a.away, a.pause
	case a.gone:
		return statePaused, ReasonUnreachable
	case a.outside:
		return stateBusy, ""
	case a.wrapUntil != 0:
		return stateWrapUp, ""
	}
	return stateReady, ""
}

// free reports whether the agent may be offered a contact.
func (a *agent) free() bool {
	return a.stays() && a.queues > 0 && a.phase == idle && !a.outside && a.wrapUntil == 0 && a.retryAt == 0
}

// stays reports whether the agent takes calls, now or when he is through with what
// he does.
func (a *agent) stays() bool { return a.loggedIn && a.away == noState && !a.gone }

// engaged reports whether the agent is with a contact that must not be taken from
// him.
func (a *agent) engaged() bool { return a.phase == talking || a.phase == dialling }

// agentSlot returns the slot of an agent and makes one if there is none.
func (s *State) agentSlot(id AgentID) int32 {
	if i, ok := s.agentAt[id]; ok {
		return i
	}
	i := int32(len(s.agents))
	h := fnv.New64a()
	h.Write([]byte(id))
	a := agent{id: id, hash: h.Sum64(), contact: -1, timer: -1, server: -1, work: &workload{}}
	a.shown = a.view()
	s.agents = append(s.agents, a)
	s.agentAt[id] = i
	s.own = append(s.own, nil)
	for _, set := range []*slots{&s.ready, &s.loggedIn, &s.atWork, &s.wanted} {
		set.grow(len(s.agents))
	}
	for q := range s.queues {
		for r := range s.queues[q].rings {
			s.queues[q].rings[r].fit.grow(len(s.agents))
		}
	}
	return i
}

// settle makes indexes and timer agree with the agent, and reports his state if
// it changed. It is called after every change of an agent.
func (s *State) settle(i int32) {
	a := &s.agents[i]
	s.guard.mark(a, s.now)
	if s.guard.every != 0 {
		s.guard.enforce(a, s.now)
		s.guard.mark(a, s.now)
	}
	s.index(i)
	if due := s.dueOf(a); due != 0 || a.timer >= 0 {
		s.setTimer(agentRef(i), due)
	}
	if s.guard.every != 0 {
		s.watchBreak(i)
	}
	state, reason := a.appears()
	same := state == a.shown.state && reason == a.shown.reason
	if a.loggedIn {
		if same && a.standing == a.shown.standing {
			return
		}
		s.show(a, state, reason)
		a.shown.standing = a.standing
	} else {
		if same && a.loggedOut() == a.shown.standing {
			return
		}
		s.show(a, state, reason)
		a.shown.standing = a.loggedOut()
	}
	v := &a.shown
	e := s.emit(AgentChanged)
	e.Agent, e.State, e.Reason, e.Misses = a.id, v.state.name(), v.reason, int(v.misses)
	e.Until, e.Idle = Instant(v.wrapUntil), Instant(v.idle)
	e.Asked, e.AskedReason, e.Outside, e.Gone = v.asked.name(), v.askedWhy, v.outside, v.gone
	e.Owes, e.Extended, e.Screen, e.Left = v.owes, v.extended, Instant(v.screen), Instant(v.left)
}

// index puts the agent into the sets he belongs to. When he goes or comes, those
// who are kept for him seek another agent, or him again.
func (s *State) index(i int32) {
	a := &s.agents[i]
	if free := a.free(); free != s.ready.has(i) {
		s.lineUp(i, free)
	}
	stays := a.stays()
	if stays == a.stayed && a.loggedIn == s.loggedIn.has(i) {
		return
	}
	a.stayed = stays
	s.crew = true
	s.loggedIn.put(i, a.loggedIn)
	s.atWork.put(i, stays)
	if s.kept == 0 {
		return
	}
	for ci := range s.contacts {
		if c := &s.contacts[ci]; c.keep == i && c.used && !c.talks {
			s.track(int32(ci))
		}
	}
}

// lineUp puts an agent into the line of those who are free or takes him out. Most
// stand at its end, because they have just become free, or at its beginning, because
// what rang at all of them was withdrawn.
func (s *State) lineUp(i int32, free bool) {
	s.ready.put(i, free)
	a := &s.agents[i]
	if !free {
		*s.after(a.prev) = a.next
		*s.ahead(a.next) = a.prev
		return
	}
	prev := s.shortest
	if s.longest >= 0 && s.idleLonger(a, &s.agents[s.longest]) {
		prev = -1
	}
	for prev >= 0 && s.idleLonger(a, &s.agents[prev]) {
		prev = s.agents[prev].prev
	}
	a.prev, a.next = prev, *s.after(prev)
	*s.after(prev), *s.ahead(a.next) = i, i
}

// idleLonger says whether a stands before b in the line of those who are free.
func (s *State) idleLonger(a, b *agent) bool {
	if a.idle != b.idle {
		return a.idle < b.idle
	}
	return a.id < b.id
}

// after is where it says who follows agent i in the line; -1 is its beginning.
func (s *State) after(i int32) *int32 {
	if i < 0 {
		return &s.longest
	}
	return &s.agents[i].next
}

// ahead is where it says who precedes agent i in the line; -1 is its end.
func (s *State) ahead(i int32) *int32 {
	if i < 0 {
		return &s.shortest
	}
	return &s.agents[i].prev
}

// show makes this the agent's state from now on and books the time until now on the
// state before.
func (s *State) show(a *agent, state state, reason Reason) {
	login := state != stateLoggedOut && a.shown.state == stateLoggedOut
	if login || state.class() != a.shown.state.class() {
		a.work.book(a.shown.state.class(), s.now)
	}
	if login {
		a.work.login(s.now)
	}
	if state != a.shown.state || reason != a.shown.reason {
		if a.shown.state == stateWrapUp && a.server >= 0 {
			s.queues[a.server].pace.Wrapped(time.Duration(s.now - a.since))
		}
		a.since = s.now
	}
	a.shown.state, a.shown.reason = state, reason
}

// dueOf returns the next instant at which something happens to the agent by itself.
func (s *State) dueOf(a *agent) int64 {
	at := sooner(a.wrapUntil, a.retryAt)
	if a.phase == ringing || a.phase == dialling {
		at = sooner(at, a.deadline)
	}
	if s.guard.every != 0 {
		at = sooner(at, s.guard.due(a, s.now))
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
	switch {
	case a.phase == dialling && a.deadline <= s.now:
		s.dialled(a.contact, DialFailed, "")
		return
	case a.phase == ringing && a.deadline <= s.now:
		s.declined(i, journal.OfferMissed)
		return
	case a.phase == ringing:
		if limit := s.guard.limit(a); limit != 0 && limit <= s.now {
			s.withdrawFrom(i, ReasonBreak)
		}
	}
	s.settle(i)
}

// endWrapUp makes the agent idle since at, or what he asked to be.
func (s *State) endWrapUp(a *agent, at int64) {
	a.wrapUntil, a.extended, a.owes = 0, false, ""
	a.idle = at
	s.takeAsked(a)
}

// takeAsked makes the agent what he asked to be.
func (s *State) takeAsked(a *agent) {
	to, why := a.asked, a.askedWhy
	a.asked, a.askedWhy = noState, ""
	switch to {
	case noState:
	case stateLoggedOut:
		s.logOut(a, why)
	default:
		a.away, a.pause = to, why
	}
}

// logOut makes an idle agent logged out.
func (s *State) logOut(a *agent, why Reason) {
	a.loggedIn, a.loggedWhy = false, why
	a.away, a.pause, a.wrapUntil, a.misses, a.idle = noState, "", 0, 0, 0
	a.asked, a.askedWhy, a.extended, a.owes = noState, "", false, ""
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
