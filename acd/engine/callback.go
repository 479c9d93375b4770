package engine

import (
	"errors"
	"time"

	"centralino/internal/journal"
)

// A contact that is to be called back:
//
//	waiting ─AskCallback─► virtual ─its turn─► offered ─agent answers─► dialling ─► talking
//	                          ▲  ▲                │ no answer               │
//	                          │  └────────────────┘                         │
//	                          └── busy, no answer, failed: not before Retry ┘
//	                              the last try: ended (unreached)
//
// It keeps its rank. Nobody is called twice at once, whatever the queue, nor while
// he is on the line himself; when that call is served, the promise of the same queue
// has been kept (merged). Nobody is called while a person has taken him (taken.go).

// Errors of promises to call back.
var (
	ErrNoCaller = errors.New("acd: nobody knows whom to call back")
	ErrHisTurn  = errors.New("acd: an agent is being called for him")
)

func (s *State) askCallback(cmd *Command) error {
	i, waits := s.find(cmd.Contact)
	if !waits {
		qi, ok := s.queueOf(cmd.Queue)
		switch {
		case cmd.Queue == "":
			return ErrStray
		case !ok || !s.queues[qi].live:
			return ErrNoQueue
		case cmd.Caller == "":
			return ErrNoCaller
		case s.calling(qi, cmd.Caller):
			return ErrHisTurn
		}
		if err := s.enqueue(cmd); err != nil {
			return err
		}
		i, _ = s.find(cmd.Contact)
	}
	c := &s.contacts[i]
	caller, before := cmd.Caller, c.caller
	if caller == "" {
		caller = before
	}
	switch {
	case c.talks || c.virtual:
		return ErrStray
	case caller == "":
		return ErrNoCaller
	case len(c.offers) > 0 || s.calling(c.queue, caller):
		return ErrHisTurn
	}
	c.caller = caller
	s.merge(c.queue, i, ReasonSuperseded)
	c = &s.contacts[i]
	q := &s.queues[c.queue]
	e := s.emit(CallbackPromised)
	e.Contact, e.Queue, e.Caller, e.Arrival = c.id, q.cfg.ID, c.caller, Instant(c.key)
	s.promised(c)
	s.siblings(caller, -1)
	if before != caller {
		s.siblings(before, -1)
	}
	return nil
}

// calling reports whether somebody is being called for another contact in a queue
// at this moment.
func (s *State) calling(qi int32, caller journal.SubjectID) bool {
	if s.virtuals == 0 {
		return false
	}
	for n := range s.contacts {
		if c := &s.contacts[n]; c.used && c.dialling && c.queue == qi && c.caller == caller {
			return true
		}
	}
	return false
}

// promised makes a contact virtual, alive and in replay.
func (s *State) promised(c *contact) {
	q := &s.queues[c.queue]
	q.pace.Waited(time.Duration(s.now-c.since), false)
	c.virtual, c.tries, c.nextTry, c.settled = true, 0, s.now+int64(PromiseRest), ""
	q.virtual++
	s.virtuals++
}

func (s *State) cancelCallback(cmd *Command) error {
	i, ok := s.find(cmd.Contact)
	if !ok || !s.contacts[i].virtual || s.contacts[i].dialling {
		return ErrStray
	}
	if cmd.By != "" {
		s.settled(&s.contacts[i], cmd, ReasonCancelled)
	}
	s.endWaiting(i, Merged, ReasonCancelled)
	return nil
}

// waitOn makes a contact that was promised a call wait on the line, by its rank.
func (s *State) waitOn(id ContactID) error {
	i, ok := s.find(id)
	if !ok || !s.contacts[i].virtual {
		return ErrStray
	}
	c := &s.contacts[i]
	return s.enqueue(&Command{Kind: Enqueue, Contact: id, Queue: s.queues[c.queue].cfg.ID, Caller: c.caller, Urgent: c.urgent})
}

// merge ends what else waits virtually for the caller of contact i in a queue.
func (s *State) merge(qi, i int32, why Reason) {
	caller := s.contacts[i].caller
	if s.virtuals == 0 || caller == "" {
		return
	}
	for n := range s.contacts {
		c := &s.contacts[n]
		if int32(n) != i && c.used && c.virtual && !c.dialling && c.queue == qi && c.caller == caller {
			s.endWaiting(int32(n), Merged, why)
		}
	}
}

// blocked reports whether a virtual contact must not be called now because its
// caller is on the line or is being called for another one.
func (s *State) blocked(i int32) bool {
	caller := s.contacts[i].caller
	for n := range s.contacts {
		c := &s.contacts[n]
		if int32(n) != i && c.used && c.caller == caller && (!c.virtual || c.dialling || len(c.offers) > 0) {
			return true
		}
	}
	return false
}

// siblings looks anew at what waits virtually for a caller, but for one contact,
// after another contact of his has come, gone or changed.
func (s *State) siblings(caller journal.SubjectID, but int32) {
	if s.virtuals == 0 || caller == "" {
		return
	}
	for n := range s.contacts {
		i := int32(n)
		c := &s.contacts[i]
		if i == but || !c.used || !c.virtual || c.dialling || c.caller != caller {
			continue
		}
		if len(c.offers) > 0 && s.blocked(i) {
			for len(s.contacts[i].offers) > 0 {
				ai := s.contacts[i].offers[0]
				s.stopRing(ai, ReasonCalledIn)
				s.endOffer(ai, journal.OfferWithdrawn)
				s.settle(ai)
			}
		}
		s.reopen(i)
	}
}

// dial makes the agent who took the offer of a virtual contact wait for it.
func (s *State) dial(ci, ai int32) {
	c, a := &s.contacts[ci], &s.agents[ai]
	c.dialling, c.agent = true, ai
	a.phase, a.deadline, a.misses = dialling, s.now+int64(DialLimit), 0
}

// callbackResult carries out what the switch reports of an attempt.
func (s *State) callbackResult(cmd *Command) error {
	i, ok := s.find(cmd.Contact)
	if !ok || !s.contacts[i].dialling {
		return ErrStray
	}
	s.dialled(i, cmd.Result, cmd.Call)
	return nil
}

// dialled ends an attempt: in a talk, or with the contact back in its place, or
// given up. The call is empty where nobody told of one.
func (s *State) dialled(ci int32, result string, call journal.CallID) {
	switch result {
	case DialAnswered, DialBusy, DialNoAnswer:
	default:
		result = DialFailed
	}
	c := &s.contacts[ci]
	q := &s.queues[c.queue]
	ai := c.agent
	a := &s.agents[ai]
	limit := int32(q.cfg.CallbackTries)
	if limit == 0 {
		limit = DefaultTries
	}
	retry := int64(q.cfg.CallbackRetry)
	if retry == 0 {
		retry = int64(DefaultRetry)
	}
	e := s.emit(CallbackTried)
	e.Contact, e.Queue, e.Agent, e.Misses, e.Outcome, e.Owes = c.id, q.cfg.ID, a.id, int(c.tries)+1, result, ContactID(call)
	if result == DialAnswered {
		s.tried(c, 0)
		s.join(ci, ai)
		return
	}
	outcome, why := Unreached, Reason("")
	if m, ok := s.served.get(c.caller); ok && m.queue == c.queue && m.at >= a.deadline-int64(DialLimit) {
		outcome, why = Merged, ReasonCalledIn // he called himself meanwhile
	}
	if c.settled != "" {
		outcome, why = Merged, c.settled // somebody else has reached him meanwhile, or he wants it no more
	}
	last := c.tries+1 >= limit || !q.live || why != ""
	next := int64(0)
	if !last {
		next = s.now + retry
	}
	e.Until = Instant(next)
	s.tried(c, next)
	s.unlink(ai)
	if a.asked != noState {
		s.takeAsked(a)
	}
	s.settle(ai)
	if last {
		s.endWaiting(ci, outcome, why)
		return
	}
	s.reopen(ci)
	s.siblings(s.contacts[ci].caller, ci)
}

// tried counts an attempt, alive and in replay.
func (s *State) tried(c *contact, next int64) {
	c.tries++
	c.nextTry = next
	c.dialling, c.agent = false, -1
}
