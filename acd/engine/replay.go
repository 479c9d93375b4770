package engine

import "centralino/internal/journal"

// Fold takes an event of an earlier run and brings the state to where it was
// after it. Give all events of the journal in order, after New and before the
// first command; then Restart if the calls did not survive, and Configure once
// more, in case the office was changed behind the journal. Events that do not fit
// (a damaged journal) are taken as far as they make sense. When the journal ends
// in the future because the clock was wrong, the first command moves the whole
// state back.
func (s *State) Fold(e *Event) {
	if !s.replaying {
		s.replaying, s.now = true, e.At.UnixNano()
	}
	s.folded = true
	s.now = max(s.now, e.At.UnixNano())
	switch e.Kind {
	case AgentChanged:
		s.foldAgent(e)
	case ContactQueued:
		s.foldQueued(e)
	case ContactOffered:
		s.foldOffered(e)
	case OfferEnded:
		s.foldOfferEnded(e)
	case ContactConnected:
		s.foldConnected(e)
	case ContactEnded:
		if ci, ok := s.contactAt[e.Contact]; ok {
			s.detach(ci)
			s.freeContact(ci)
		}
	}
}

func (s *State) foldAgent(e *Event) {
	a := &s.agents[s.agentSlot(e.Agent)]
	v := agentView{
		state: e.State, reason: e.Reason, misses: int32(e.Misses), until: instant(e.Until),
		idle: instant(e.Idle), asked: e.Asked, askedWhy: e.AskedReason, outside: e.Outside, gone: e.Gone,
	}
	a.loggedIn = v.state != journal.AgentLoggedOut
	a.loggedWhy, a.pause = "", ""
	switch {
	case !a.loggedIn:
		a.loggedWhy = v.reason
	case v.state == journal.AgentPaused && v.reason != ReasonUnreachable:
		a.pause = v.reason
	}
	a.misses, a.wrapUntil, a.idle = v.misses, v.until, v.idle
	a.asked, a.askedWhy, a.outside, a.gone = v.asked, v.askedWhy, v.outside, v.gone
	s.show(a, v)
}

func (s *State) foldQueued(e *Event) {
	ci, ok := s.contactAt[e.Contact]
	if !ok {
		ci = s.newContact(e.Contact)
	}
	c := &s.contacts[ci]
	if c.talks {
		c.talked += s.now - c.since
	}
	s.detach(ci)
	c.queue = s.queueSlot(e.Queue)
	c.caller, c.urgent, c.key, c.since = e.Caller, e.Urgent, e.Arrival.UnixNano(), s.now
}

// detach frees the agents of a contact.
func (s *State) detach(ci int32) {
	c := &s.contacts[ci]
	if c.talks {
		s.unlink(c.agent)
		c.talks, c.agent = false, -1
	}
	for _, ai := range c.offers {
		s.unlink(ai)
	}
	c.offers = c.offers[:0]
}

func (s *State) foldOffered(e *Event) {
	s.lastOffer = max(s.lastOffer, e.Offer)
	ci, ok := s.contactAt[e.Contact]
	if !ok {
		return
	}
	ai := s.agentSlot(e.Agent)
	c, a := &s.contacts[ci], &s.agents[ai]
	if c.talks || a.phase != idle {
		return
	}
	if len(c.offers) == 0 {
		c.round = s.now
	}
	c.offers = append(c.offers, ai)
	a.phase, a.contact, a.offer, a.deadline = ringing, ci, e.Offer, e.Deadline.UnixNano()
	s.offerAt[e.Offer] = ai
	s.queues[c.queue].last = e.Agent
}

func (s *State) foldOfferEnded(e *Event) {
	ai, ok := s.offerAt[e.Offer]
	if !ok || s.agents[ai].phase != ringing {
		return
	}
	outcome := journal.OfferOutcome(e.Outcome)
	if outcome == journal.OfferAccepted {
		return // ContactConnected follows
	}
	a := &s.agents[ai]
	c := &s.contacts[a.contact]
	s.dropOffer(c, ai)
	s.unlink(ai)
	switch outcome {
	case journal.OfferMissed:
		c.addMiss(ai)
	case journal.OfferRefused, journal.OfferFailed:
		c.addMiss(ai)
		a.retryAt = s.now + int64(RetryDelay)
	}
}

func (s *State) foldConnected(e *Event) {
	ai, ok := s.offerAt[e.Offer]
	if !ok || s.agents[ai].phase != ringing {
		return
	}
	a := &s.agents[ai]
	ci := a.contact
	c := &s.contacts[ci]
	s.dropOffer(c, ai)
	s.detach(ci)
	c.waited += s.now - c.since
	c.talks, c.agent, c.since = true, ai, s.now
	a.phase, a.deadline = talking, 0
	a.work.calls++
}

// endReplay lets the engine's clock go on at now.
func (s *State) endReplay(now int64) {
	if !s.replaying {
		return
	}
	s.replaying = false
	ahead := s.now - now
	if ahead <= 0 {
		return
	}
	back := func(at *int64) {
		if *at != 0 {
			*at -= ahead
		}
	}
	for i := range s.agents {
		a := &s.agents[i]
		for _, at := range []*int64{&a.wrapUntil, &a.retryAt, &a.idle, &a.deadline, &a.since, &a.shown.until, &a.shown.idle} {
			back(at)
		}
		a.work.forget(now)
	}
	for i := range s.contacts {
		c := &s.contacts[i]
		for _, at := range []*int64{&c.key, &c.since, &c.round} {
			back(at)
		}
	}
	s.now = now
	s.folded = true
}

// rebuild makes all indexes anew from agents and contacts, after Fold.
func (s *State) rebuild() {
	if !s.folded {
		return
	}
	s.folded = false
	s.timers = s.timers[:0]
	for qi := range s.queues {
		q := &s.queues[qi]
		q.open, q.inside, q.talking = q.open[:0], 0, 0
	}
	for ai := range s.agents {
		a := &s.agents[ai]
		a.timer = -1
		if a.retryAt <= s.now {
			a.retryAt = 0
		}
		s.ready.clear(int32(ai))
		if a.free() {
			s.ready.set(int32(ai))
		}
		s.setTimer(agentRef(int32(ai)), a.due())
	}
	for ci := range s.contacts {
		c := &s.contacts[ci]
		c.heap, c.timer = -1, -1
		switch q := &s.queues[c.queue]; {
		case !c.used:
		case c.talks && c.agent < 0: // a dump that does not fit together
			c.talks = false
			q.inside++
			s.track(int32(ci))
		case c.talks:
			q.talking++
		default:
			q.inside++
			s.track(int32(ci))
		}
	}
}
