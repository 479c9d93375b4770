package engine

import (
	"time"

	"centralino/internal/journal"
)

// offer reserves agent ai for contact ci and makes him ring.
func (s *State) offer(ci, ai int32, cands []journal.Candidate) {
	c, a := &s.contacts[ci], &s.agents[ai]
	q := &s.queues[c.queue]
	ring := q.cfg.RingTime
	if ring == 0 {
		ring = DefaultRingTime
	}
	s.lastOffer++
	if len(c.offers) == 0 {
		c.round = s.now
	}
	c.offers = append(c.offers, ai)
	a.phase, a.contact, a.offer, a.deadline = ringing, ci, s.lastOffer, s.now+int64(ring)
	s.offerAt.put(s.lastOffer, ai)
	q.last = a.id

	deadline := Instant(a.deadline)
	e := s.emit(ContactOffered)
	e.Contact, e.Queue, e.Offer, e.Agent = c.id, q.cfg.ID, a.offer, a.id
	e.Deadline, e.Strategy, e.Candidates = deadline, q.cfg.Strategy, cands
	kind := RingAgent
	if c.virtual {
		kind = CallBack
	}
	r := s.act(kind)
	r.Offer, r.Contact, r.Queue, r.Agent, r.Deadline, r.Caller = a.offer, c.id, q.cfg.ID, a.id, deadline, c.caller
	s.settle(ai)
	s.reopen(ci)
	if c.virtual {
		s.siblings(c.caller, ci)
	}
}

// endOffer ends the offer that rings at agent ai without a talk and returns the
// contact's slot. The caller settles the agent and reopens the contact.
func (s *State) endOffer(ai int32, outcome journal.OfferOutcome) int32 {
	a := &s.agents[ai]
	ci := a.contact
	c := &s.contacts[ci]
	e := s.emit(OfferEnded)
	e.Contact, e.Offer, e.Agent, e.Outcome = c.id, a.offer, a.id, string(outcome)
	s.dropOffer(c, ai)
	s.unlink(ai)
	if c.virtual {
		s.siblings(c.caller, ci)
	}
	return ci
}

func (s *State) dropOffer(c *contact, ai int32) {
	for n, other := range c.offers {
		if other == ai {
			copy(c.offers[n:], c.offers[n+1:])
			c.offers = c.offers[:len(c.offers)-1]
			return
		}
	}
}

// withdraw takes the offer that rings at agent ai back; it is not a miss.
func (s *State) withdraw(ai int32, why Reason) int32 {
	s.stopRing(ai, why)
	ci := s.endOffer(ai, journal.OfferWithdrawn)
	s.settle(ai)
	return ci
}

// withdrawFrom withdraws what rings at an agent, if anything, and seeks another
// agent for it.
func (s *State) withdrawFrom(ai int32, why Reason) {
	if s.agents[ai].phase != ringing {
		return
	}
	s.stopRing(ai, why)
	s.reopen(s.endOffer(ai, journal.OfferWithdrawn))
}

func (s *State) stopRing(ai int32, why Reason) {
	a := &s.agents[ai]
	x := s.act(StopRing)
	x.Offer, x.Contact, x.Agent, x.Reason = a.offer, s.contacts[a.contact].id, a.id, why
}

// decline ends an offer that the switch reports as refused or failed.
func (s *State) decline(o OfferID, outcome journal.OfferOutcome) error {
	ai, ok := s.offerAt.get(o)
	if !ok || s.agents[ai].phase != ringing {
		return ErrStray
	}
	s.declined(ai, outcome)
	return nil
}

// declined counts a miss at the agent, pauses him if it was one too many, and
// puts the contact back to its place. Where several ring at once, a contact counts
// as one miss of each who let it ring to the end, however often it rings, and the
// last one who could still take it is not paused.
func (s *State) declined(ai int32, outcome journal.OfferOutcome) {
	a := &s.agents[ai]
	c := &s.contacts[a.contact]
	q := &s.queues[c.queue]
	limit := q.cfg.MissesToPause
	together := q.par != one
	why := ReasonMissed
	switch outcome {
	case journal.OfferMissed:
		s.stopRing(ai, ReasonMissed)
	case journal.OfferRefused:
		why = ReasonRefused
		a.retryAt = s.now + int64(RetryDelay)
	default:
		why = ReasonFailed
		a.retryAt = s.now + int64(RetryDelay)
	}
	ci := s.endOffer(ai, outcome)
	if !together || c.misses(ai) == 0 {
		a.misses++
	}
	c.addMiss(ai)
	if limit > 0 && int(a.misses) >= limit && !(together && s.alone(ai, q)) {
		a.away, a.pause = statePaused, why
	}
	s.settle(ai)
	s.reopen(ci)
}

// accept makes a talk of an offer, if it still stands, and withdraws the others.
func (s *State) accept(o OfferID) error {
	ai, ok := s.offerAt.get(o)
	if !ok {
		s.act(Refuse).Offer = o
		return ErrStray
	}
	a := &s.agents[ai]
	if a.phase != ringing {
		return ErrStray // doubled: he talks by this offer
	}
	ci := a.contact
	c := &s.contacts[ci]
	q := &s.queues[c.queue]
	e := s.emit(OfferEnded)
	e.Contact, e.Offer, e.Agent, e.Outcome = c.id, o, a.id, string(journal.OfferAccepted)
	s.dropOffer(c, ai)
	x := s.act(Connect)
	x.Offer, x.Contact, x.Queue, x.Agent = o, c.id, q.cfg.ID, a.id
	if c.virtual { // from here on nobody else calls him
		s.dial(ci, ai)
	}
	for len(c.offers) > 0 {
		s.withdraw(c.offers[len(c.offers)-1], ReasonElsewhere)
	}
	if c.heap >= 0 {
		s.pull(ci)
	}
	if c.virtual {
		s.settle(ai)
		s.track(ci)
		return nil
	}
	s.join(ci, ai)
	return nil
}

// join makes agent and contact talk.
func (s *State) join(ci, ai int32) {
	c, a := &s.contacts[ci], &s.agents[ai]
	q := &s.queues[c.queue]
	if c.timer >= 0 {
		s.setTimer(contactRef(ci), 0)
	}
	e := s.emit(ContactConnected)
	e.Contact, e.Queue, e.Agent, e.Offer = c.id, q.cfg.ID, a.id, a.offer
	e.Waited = time.Duration(c.waited + s.now - c.since)
	s.joined(ci, ai)
	if q.cfg.MustOutcome {
		a.owes = c.id
	}
	s.settle(ai)
	if s.heldUntil(c.caller) != 0 {
		s.given(c.caller, "", ReasonCalledIn)
	}
	if s.virtuals > 0 {
		s.merge(c.queue, ci, ReasonCalledIn)
		s.siblings(c.caller, ci)
	}
}

// joined takes note that a contact talks to an agent, alive and in replay.
func (s *State) joined(ci, ai int32) {
	c, a := &s.contacts[ci], &s.agents[ai]
	q := &s.queues[c.queue]
	if c.virtual {
		c.virtual = false
		q.virtual--
		s.virtuals--
	} else {
		q.pace.Waited(time.Duration(s.now-c.since), false)
	}
	c.waited += s.now - c.since
	c.talks, c.dialling, c.agent, c.since = true, false, ai, s.now
	q.inside--
	q.talking++
	a.phase, a.deadline, a.misses, a.server = talking, 0, 0, c.queue
	a.work.calls++
	if c.caller != "" {
		s.served.put(c.caller, service{a.id, s.now, c.queue})
	}
}

// alone reports whether nobody but the agent could take a contact of the queue,
// now or when he is through with what he does.
func (s *State) alone(ai int32, q *queue) bool {
	fit := q.all()
	for other := s.atWork.next(fit, 0); other >= 0; other = s.atWork.next(fit, other+1) {
		if other != ai {
			return false
		}
	}
	return true
}
