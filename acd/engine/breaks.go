package engine

import (
	"math"
)

// guard sees to it that nobody works at the screen longer than every without being
// away from it for length (Italian legislative decree 81/2008 article 175: 15
// minutes in 120). Who is logged in and not on a break is at the screen. The break
// is proposed before the limit, at the moment that harms callers least, and at the
// latest when a twelfth of every is left (at 110 minutes of 120): there is time yet
// to end a call and go. At the limit the agent is paused, after his call and its
// wrap-up if he has one, and cannot go back before length is over.
type guard struct {
	every   int64 // 0: no guard
	length  int64
	reasons map[Reason]PauseRule
}

// isBreak reports whether somebody paused or at other work for this reason is off
// the screen.
func (g *guard) isBreak(why Reason) bool { return why == ReasonBreak || g.reasons[why].Break }

// atScreen reports whether the agent's time counts.
func (g *guard) atScreen(a *agent) bool {
	return a.loggedIn && (a.away == noState || !g.isBreak(a.pause))
}

// mark keeps account of an agent who comes to the screen or leaves it: screen is
// since when he would be there had he never left it for less than length, left is
// when he left it.
func (g *guard) mark(a *agent, now int64) {
	on := g.atScreen(a)
	switch {
	case on && a.screen != 0 && a.left == 0:
	case on && a.screen == 0:
		a.screen = now
	case on && a.left != 0:
		if now-a.left >= g.length {
			a.screen = now
		} else {
			a.screen += now - a.left
		}
		a.left = 0
	case !on && a.left == 0 && a.screen != 0:
		a.left = now
	}
}

// wasOff books the time in which the box was off as time off the screen.
func (g *guard) wasOff(a *agent, from, to int64) {
	if a.screen == 0 || a.left != 0 || to <= from {
		return
	}
	if to-from >= g.length {
		a.screen = to
	} else {
		a.screen += to - from
	}
}

// limit returns when the agent must be on a break, 0 if never.
func (g *guard) limit(a *agent) int64 {
	if g.every == 0 || a.left != 0 || a.screen == 0 || !a.loggedIn {
		return 0
	}
	return a.screen + g.every
}

// holds reports whether an agent on a break that was due may not end it yet.
func (g *guard) holds(a *agent, now int64) bool {
	return g.every != 0 && a.loggedIn && a.left != 0 && now-a.left < g.length && a.left-a.screen >= g.every
}

// enforce sends an agent who is past his limit on his break, or makes him ask for
// it if he is engaged. He does not ring.
func (g *guard) enforce(a *agent, now int64) {
	limit := g.limit(a)
	if limit == 0 || now < limit || a.phase == ringing {
		return
	}
	if a.engaged() || a.wrapUntil != 0 {
		if a.asked == noState || a.asked != stateLoggedOut && !g.isBreak(a.askedWhy) {
			a.asked, a.askedWhy = statePaused, ReasonBreak
		}
		return
	}
	a.away, a.pause = statePaused, ReasonBreak
}

// proposal are the stages in which a break is proposed, each with a less good moment,
// by the part of every that is left then: at 100 minutes of 120 where nobody waits,
// somebody else is free and nobody else is about to go; at 105 where nobody waits; at
// 110 anyhow. It begins before 110 so that those who came together go one after the
// other as far as callers let them, and not all at the limit.
var proposal = [...]int64{6, 8, 12}

// stage returns how far the proposal of an agent's break has come, -1 if it is not
// time yet or made already, and when the next stage is (0: none).
func (g *guard) stage(a *agent, now int64) (stage int, next int64) {
	limit := g.limit(a)
	if limit == 0 || a.proposed == limit {
		return -1, 0
	}
	for n, part := range proposal {
		if at := limit - g.every/part; now < at {
			return n - 1, at
		}
	}
	return len(proposal) - 1, 0
}

// due returns when something happens to the agent because of his break.
func (g *guard) due(a *agent, now int64) int64 {
	limit := g.limit(a)
	if limit == 0 {
		return 0
	}
	if limit <= now {
		limit = 0
	}
	_, next := g.stage(a, now)
	return sooner(limit, next)
}

// proposeBreaks looks at those whose break is near. Earlier limits go first.
func (s *State) proposeBreaks() {
	if s.guard.every == 0 {
		return
	}
	for {
		best, when := int32(-1), int64(math.MaxInt64)
		n := 0
		for _, ai := range s.watch {
			a := &s.agents[ai]
			stage, _ := s.guard.stage(a, s.now)
			if stage < 0 {
				a.watched = false
				continue
			}
			s.watch[n] = ai
			n++
			if limit := s.guard.limit(a); s.goodMoment(ai, stage) && (limit < when || limit == when && ai < best) {
				best, when = ai, limit
			}
		}
		s.watch = s.watch[:n]
		if best < 0 {
			return
		}
		a := &s.agents[best]
		a.proposed = when
		e := s.emit(BreakProposed)
		e.Agent, e.Deadline = a.id, Instant(when)
		s.setTimer(agentRef(best), s.dueOf(a))
	}
}

// goodMoment says whether the break of an agent may be proposed now.
func (s *State) goodMoment(ai int32, stage int) bool {
	if stage == len(proposal)-1 {
		return true
	}
	for _, qi := range s.order {
		q := &s.queues[qi]
		if !q.all().has(ai) {
			continue
		}
		if q.inside > 0 {
			return false
		}
		if stage > 0 {
			continue
		}
		spare := false
		for _, other := range q.order {
			if other == ai {
				continue
			}
			b := &s.agents[other]
			limit := s.guard.limit(b)
			if limit != 0 && b.proposed == limit {
				return false // he goes first
			}
			spare = spare || b.free() && q.all().has(other)
		}
		if !spare {
			return false
		}
	}
	return true
}

// watchBreak takes an agent to those whose break is near, if it is.
func (s *State) watchBreak(ai int32) {
	a := &s.agents[ai]
	if a.watched {
		return
	}
	if stage, _ := s.guard.stage(a, s.now); stage >= 0 {
		a.watched = true
		s.watch = append(s.watch, ai)
	}
}
