package engine

import (
	"errors"
)

// Errors of what agents ask.
var (
	ErrNotOver  = errors.New("acd: the break is not over")
	ErrOutcome  = errors.New("acd: the outcome of the call is not told yet")
	ErrNoWrapUp = errors.New("acd: no wrap-up that could be lengthened")
)

// wish carries out what an agent asked for.
func (s *State) wish(cmd *Command) error {
	i, ok := s.agentAt[cmd.Agent]
	if !ok || s.agents[i].queues == 0 {
		return ErrNotAgent
	}
	a := &s.agents[i]
	if !a.loggedIn && cmd.Kind != Login && cmd.Kind != Logout {
		return ErrLoggedOut
	}
	if cmd.Source == FromPhone {
		a.gone = false
	}
	var err error
	held := s.guard.holds(a, s.now) && !s.guard.isBreak(cmd.Reason)
	switch cmd.Kind {
	case Login:
		if !a.loggedIn {
			a.loggedIn, a.loggedWhy, a.misses, a.idle = true, "", 0, s.now
			if s.guard.holds(a, s.now) {
				a.away, a.pause = statePaused, ReasonBreak
			}
		}
	case Ready:
		err = s.makeReady(a)
	case Pause, OtherWork:
		if held {
			err = ErrNotOver
			break
		}
		to, otherwise := statePaused, ReasonCode
		if cmd.Kind == OtherWork {
			to, otherwise = stateOtherWork, ReasonWork
		} else if s.guard.reasons[cmd.Reason].Work {
			to = stateOtherWork
		}
		s.stopWork(i, to, reasonOf(cmd, otherwise))
	case Logout:
		s.stopWork(i, stateLoggedOut, reasonOf(cmd, ReasonCode))
	case Extend:
		err = s.extend(a)
	}
	s.settle(i)
	return err
}

// reasonOf returns the reason that the agent gave, or one that says how he asked.
func reasonOf(cmd *Command, otherwise Reason) Reason {
	switch {
	case cmd.Reason != "" && cmd.Reason != ReasonUnreachable: // the latter is not for people to give
		return cmd.Reason
	case otherwise == ReasonCode && cmd.Source == FromPage:
		return ReasonPage
	}
	return otherwise
}

// makeReady ends pause, other work and wrap-up, and takes back what was asked.
func (s *State) makeReady(a *agent) error {
	switch {
	case s.guard.holds(a, s.now):
		return ErrNotOver
	case a.wrapUntil != 0 && a.owes != "":
		return ErrOutcome
	}
	a.away, a.pause, a.asked, a.askedWhy, a.misses = noState, "", noState, "", 0
	if a.wrapUntil != 0 {
		s.endWrapUp(a, s.now)
	}
	return nil
}

// extend lengthens the wrap-up, once.
func (s *State) extend(a *agent) error {
	if a.wrapUntil == 0 || a.extended || a.server < 0 {
		return ErrNoWrapUp
	}
	more := int64(s.queues[a.server].cfg.WrapUpMore)
	if more == 0 {
		return ErrNoWrapUp
	}
	a.wrapUntil += more
	a.extended = true
	return nil
}

// outcomeKnown takes note that an agent owes no outcome for a contact any more.
func (s *State) outcomeKnown(cmd *Command) error {
	i, ok := s.agentAt[cmd.Agent]
	if !ok || cmd.Contact == "" || s.agents[i].owes != cmd.Contact {
		return ErrStray
	}
	s.agents[i].owes = ""
	s.settle(i)
	return nil
}

// stopWork pauses the agent, sends him to other work or logs him out: at once, but
// with a contact only after the talk and its wrap-up, and in a wrap-up whose outcome
// is owed only after that.
func (s *State) stopWork(i int32, to state, why Reason) {
	a := &s.agents[i]
	if !a.loggedIn {
		return
	}
	if a.engaged() || a.wrapUntil != 0 && a.owes != "" {
		a.asked, a.askedWhy = to, why
		return
	}
	s.withdrawFrom(i, ReasonAgentGone)
	if a.wrapUntil != 0 {
		a.asked, a.askedWhy = noState, ""
		s.endWrapUp(a, s.now)
	}
	if to == stateLoggedOut {
		s.logOut(a, why)
		return
	}
	a.away, a.pause = to, why
}
