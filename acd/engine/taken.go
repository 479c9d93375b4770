package engine

import (
	"errors"
	"time"

	"centralino/internal/journal"
)

// Somebody of the office may take a caller on himself, to call him by hand, from
// whatever list or none. There is one such reservation per caller:
//
//	free ─TakeCaller─► taken by one person ─GiveCaller, Reached, TakenFor over─► free
//	                                        he calls in and is served
//
// While it holds nobody else gets it, and the engine does not call him back by itself.
// An answered call to him, made by whomever, keeps every promise to call him back.

// TakenFor is how long a caller stays taken by who took him last.
const TakenFor = 15 * time.Minute

// ErrTaken says that somebody else has taken the caller.
var ErrTaken = errors.New("acd: somebody else calls him")

// How somebody gives a caller back (GiveCaller).
const (
	GiveReached  Reason = "reached"  // they have talked: promises are kept
	GiveNoNeed   Reason = "noNeed"   // he wants no call any more: promises are taken back
	GiveGaveUp   Reason = "gaveUp"   // he was not reached; promises stand
	GiveReturned Reason = "returned" // others may try; promises stand
)

// hold is who has taken a caller, and until when.
type hold struct {
	by    journal.SubjectID
	until int64
}

// heldLimit is how many callers are remembered as taken: more than a box has seats.
const heldLimit = 1 << 10

// heldUntil returns until when a caller is taken, 0 if he is not.
func (s *State) heldUntil(caller journal.SubjectID) int64 {
	if h, ok := s.held.get(caller); ok && h.until > s.now {
		return h.until
	}
	return 0
}

func (s *State) takeCaller(cmd *Command) error {
	if cmd.Caller == "" || cmd.By == "" {
		return ErrStray
	}
	if h, ok := s.held.get(cmd.Caller); ok && h.until > s.now && h.by != cmd.By {
		return ErrTaken
	}
	for n := range s.contacts {
		if c := &s.contacts[n]; c.used && c.caller == cmd.Caller && (!c.virtual || c.dialling || len(c.offers) > 0) {
			return ErrHisTurn
		}
	}
	h := hold{cmd.By, s.now + int64(TakenFor)}
	e := s.emit(RecallTaken)
	e.Caller, e.Agent, e.Until = cmd.Caller, h.by, Instant(h.until)
	s.held.put(cmd.Caller, h)
	s.siblings(cmd.Caller, -1)
	return nil
}

// giveCaller ends a reservation, or settles what was promised to a caller whom nobody
// has taken.
func (s *State) giveCaller(cmd *Command) error {
	h, taken := s.held.get(cmd.Caller)
	taken = taken && h.until > s.now
	switch {
	case cmd.Caller == "", !taken && cmd.Reason == GiveReturned:
		return ErrStray
	case taken && h.by != cmd.By:
		return ErrTaken
	}
	s.given(cmd.Caller, cmd.By, cmd.Reason)
	switch cmd.Reason {
	case GiveReached:
		s.settlePromises(cmd, ReasonByHand)
	case GiveNoNeed:
		s.settlePromises(cmd, ReasonCancelled)
	}
	s.siblings(cmd.Caller, -1)
	return nil
}

// reached takes note that somebody of the office talks to a caller whom he called.
func (s *State) reached(cmd *Command) error {
	if cmd.Caller == "" {
		return ErrStray
	}
	if s.heldUntil(cmd.Caller) != 0 {
		s.given(cmd.Caller, cmd.By, GiveReached)
	}
	s.settlePromises(cmd, ReasonByHand)
	return nil
}

func (s *State) given(caller, by journal.SubjectID, why Reason) {
	e := s.emit(RecallDone)
	e.Caller, e.Agent, e.Reason = caller, by, why
	s.held.drop(caller)
}

// settlePromises ends every promise to call a caller back. One whose call is being made
// ends with that, if it comes to nothing.
func (s *State) settlePromises(cmd *Command, why Reason) {
	if s.virtuals == 0 {
		return
	}
	for n := range s.contacts {
		c := &s.contacts[n]
		if !c.used || !c.virtual || c.settled != "" || c.caller != cmd.Caller {
			continue
		}
		s.settled(c, cmd, why)
		if c.dialling {
			c.settled = why
			continue
		}
		s.endWaiting(int32(n), Merged, why)
	}
}

// settled tells who settles a promise, and by which call.
func (s *State) settled(c *contact, cmd *Command, why Reason) {
	e := s.emit(CallbackSettled)
	e.Contact, e.Queue, e.Agent, e.Owes, e.Reason = c.id, s.queues[c.queue].cfg.ID, cmd.By, ContactID(cmd.Call), why
}

// foldSettled: the promise ends by an event of its own unless its call is being made.
func (s *State) foldSettled(e *Event) {
	if ci, ok := s.find(e.Contact); ok && s.contacts[ci].dialling {
		s.contacts[ci].settled = e.Reason
	}
}

// foldTaken takes over a reservation of an earlier run; until is missing in old ones.
func (s *State) foldTaken(e *Event) {
	until := int64(e.Until)
	if until == 0 {
		until = s.now + int64(TakenFor)
	}
	s.held.put(e.Caller, hold{e.Agent, until})
}
