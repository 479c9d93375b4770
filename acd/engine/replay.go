package engine

import (
	"slices"

	"centralino/internal/journal"
)

// Fold takes an event of an earlier run and brings the state to where it was
// after it. Give all events of the journal in order, after New and before the
// first command; then Restart if the calls did not survive, and Configure once
// more, in case the office was changed behind the journal. Events that do not fit
// (a damaged journal) are taken as far as they make sense. When the journal ends
// in the future because the clock was wrong, the first command moves the whole
// state back.
func (s *State) Fold(e *Event) {
	if !s.replaying {
		s.replaying, s.now = true, int64(e.At)
	}
	s.folded = true
	s.now = max(s.now, int64(e.At))
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
		s.foldEnded(e)
	case ContactAnnounced:
		if ci, ok := s.find(e.Contact); ok {
			s.heardOf(&s.contacts[ci], int32(e.Position), int32(e.Agents), int64(e.Waited), int64(e.Talked))
		}
	case CallbackPromised:
		if ci, ok := s.find(e.Contact); ok && !s.contacts[ci].talks && !s.contacts[ci].virtual {
			s.contacts[ci].caller = e.Caller
			s.promised(&s.contacts[ci])
		}
	case CallbackTried:
		s.foldTried(e)
	case CallbackSettled:
		s.foldSettled(e)
	case RecallTaken:
		s.foldTaken(e)
	case RecallDone:
		s.held.drop(e.Caller)
	case BreakProposed:
		s.agents[s.agentSlot(e.Agent)].proposed = int64(e.Deadline)
	}
}

func (s *State) foldEnded(e *Event) {
	ci, ok := s.find(e.Contact)
	if !ok {
		return
	}
	c := &s.contacts[ci]
	if c.talks {
		s.hungUp(c, e.Outcome, e.Reason)
	} else {
		s.closed(c, e.Outcome, e.Reason)
	}
	s.detach(ci)
	s.freeContact(ci)
}

func (s *State) foldTried(e *Event) {
	ci, ok := s.find(e.Contact)
	if !ok || !s.contacts[ci].dialling {
		return
	}
	c := &s.contacts[ci]
	if ai := c.agent; e.Outcome != DialAnswered {
		s.unlink(ai)
		s.tried(c, int64(e.Until))
		return
	}
	ai := c.agent // ContactConnected follows
	s.tried(c, 0)
	c.dialling, c.agent = true, ai
}

func (s *State) foldAgent(e *Event) {
	a := &s.agents[s.agentSlot(e.Agent)]
	v := agentView{state: stateOf(e.State), reason: e.Reason, standing: standing{
		misses: int32(e.Misses), wrapUntil: int64(e.Until),
		idle: int64(e.Idle), asked: stateOf(e.Asked), askedWhy: e.AskedReason, outside: e.Outside, gone: e.Gone,
		owes: e.Owes, extended: e.Extended, screen: int64(e.Screen), left: int64(e.Left),
	}}
	a.loggedIn = v.state != stateLoggedOut
	a.loggedWhy, a.away, a.pause = "", noState, ""
	switch {
	case !a.loggedIn:
		a.loggedWhy = v.reason
	case v.state == stateOtherWork, v.state == statePaused && v.reason != ReasonUnreachable:
		a.away, a.pause = v.state, v.reason
	}
	a.standing = v.standing
	s.show(a, v.state, v.reason)
	a.shown.standing = v.standing
}

func (s *State) foldQueued(e *Event) {
	ci, ok := s.find(e.Contact)
	if !ok {
		ci = s.newContact(e.Contact, s.contactAt.hash(e.Contact))
	}
	c := &s.contacts[ci]
	if c.talks && e.Reason != "" {
		ai := c.agent
		s.backInLine(c)
		s.unlink(ai)
		return
	}
	s.detach(ci)
	c.virtual = false
	c.queue = s.queueSlot(e.Queue)
	c.caller, c.urgent, c.key, c.since = e.Caller, e.Urgent, int64(e.Arrival), s.now
	if e.Agent != "" {
		c.keep, c.keepUntil = s.agentSlot(e.Agent), int64(e.Until)
	}
	s.entered(c)
}

// detach frees the agents of a contact.
func (s *State) detach(ci int32) {
	c := &s.contacts[ci]
	if c.agent >= 0 {
		s.unlink(c.agent)
		c.talks, c.dialling, c.agent = false, false, -1
	}
	for _, ai := range c.offers {
		s.unlink(ai)
	}
	c.offers = c.offers[:0]
}

func (s *State) foldOffered(e *Event) {
	s.lastOffer = max(s.lastOffer, e.Offer)
	ci, ok := s.find(e.Contact)
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
	a.phase, a.contact, a.offer, a.deadline = ringing, ci, e.Offer, int64(e.Deadline)
	s.offerAt.put(e.Offer, ai)
	s.queues[c.queue].last = e.Agent
}

func (s *State) foldOfferEnded(e *Event) {
	ai, ok := s.offerAt.get(e.Offer)
	if !ok || s.agents[ai].phase != ringing {
		return
	}
	outcome := journal.OfferOutcome(e.Outcome)
	a := &s.agents[ai]
	c := &s.contacts[a.contact]
	if outcome == journal.OfferAccepted {
		if c.virtual {
			s.dropOffer(c, ai)
			s.dial(a.contact, ai)
		}
		return // else ContactConnected follows
	}
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
	ai, ok := s.offerAt.get(e.Offer)
	if !ok || s.agents[ai].phase != ringing && s.agents[ai].phase != dialling {
		return
	}
	ci := s.agents[ai].contact
	c := &s.contacts[ci]
	s.dropOffer(c, ai)
	for _, other := range c.offers { // of a journal with holes
		s.unlink(other)
	}
	c.offers = c.offers[:0]
	s.joined(ci, ai)
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
		for _, at := range []*int64{
			&a.wrapUntil, &a.retryAt, &a.idle, &a.deadline, &a.since, &a.screen, &a.left, &a.proposed,
			&a.shown.wrapUntil, &a.shown.idle, &a.shown.screen, &a.shown.left,
		} {
			back(at)
		}
		a.work.forget(now)
	}
	for i := range s.contacts {
		c := &s.contacts[i]
		for _, at := range []*int64{&c.key, &c.since, &c.round, &c.keepUntil, &c.nextTry, &c.said.until} {
			back(at)
		}
	}
	s.served.each(func(_ journal.SubjectID, m *service) { back(&m.at) })
	s.left.each(func(_ line, m *formerly) { back(&m.at); back(&m.key) })
	s.carried.each(func(_ ContactID, key *int64) { back(key) })
	s.held.each(func(_ journal.SubjectID, h *hold) { back(&h.until) })
	s.now = now
	s.folded = true
}

// mend frees agents and contacts whose parts do not fit together, as after a journal
// with holes.
func (s *State) mend() {
	for ai := range s.agents {
		a := &s.agents[ai]
		if a.phase == idle {
			continue
		}
		c := &s.contacts[a.contact]
		fits := c.used && c.agent == int32(ai)
		switch a.phase {
		case ringing:
			fits = c.used && slices.Contains(c.offers, int32(ai))
		case dialling:
			fits = fits && c.dialling
		case talking:
			fits = fits && c.talks
		}
		if !fits {
			s.unlink(int32(ai))
		}
	}
	for ci := range s.contacts {
		c := &s.contacts[ci]
		c.offers = slices.DeleteFunc(c.offers, func(ai int32) bool {
			return s.agents[ai].phase != ringing || s.agents[ai].contact != int32(ci)
		})
		if ai := c.agent; ai < 0 || s.agents[ai].contact != int32(ci) {
			c.agent, c.talks, c.dialling = -1, false, false
		}
	}
}

// rebuild makes all indexes anew from agents and contacts, after Fold.
func (s *State) rebuild() {
	if !s.folded {
		return
	}
	s.folded = false
	s.mend()
	s.timers = s.timers[:0]
	s.watch, s.speak, s.virtuals, s.kept, s.seeking, s.crew = s.watch[:0], s.speak[:0], 0, 0, 0, false
	for qi := range s.queues {
		q := &s.queues[qi]
		for ri := range q.rings {
			q.rings[ri].open = q.rings[ri].open[:0]
		}
		q.inside, q.virtual, q.talking = 0, 0, 0
	}
	clear(s.wanted)
	s.longest, s.shortest = -1, -1
	for ai := range s.agents {
		a := &s.agents[ai]
		a.timer = -1
		if a.retryAt <= s.now {
			a.retryAt = 0
		}
		s.own[ai] = s.own[ai][:0]
		a.stayed, a.watched = a.stays(), false
		s.ready.clear(int32(ai))
		if a.free() {
			s.lineUp(int32(ai), true)
		}
		s.loggedIn.put(int32(ai), a.loggedIn)
		s.atWork.put(int32(ai), a.stayed)
		s.setTimer(agentRef(int32(ai)), s.dueOf(a))
		if s.guard.every != 0 {
			s.watchBreak(int32(ai))
		}
	}
	for qi := range s.queues {
		s.queues[qi].manned = s.loggedIn.meets(s.queues[qi].all())
	}
	for ci := range s.contacts {
		c := &s.contacts[ci]
		c.heap, c.lane, c.timer, c.heard, c.speak = -1, noLane, -1, s.now, 0
		if !c.used {
			continue
		}
		if c.keep >= 0 {
			s.kept++
		}
		q := &s.queues[c.queue]
		if c.talks {
			q.talking++
			continue
		}
		q.inside++
		if c.virtual {
			q.virtual++
			s.virtuals++
		}
	}
	for ci := range s.contacts {
		if c := &s.contacts[ci]; c.used && !c.talks {
			s.track(int32(ci))
		}
	}
}
