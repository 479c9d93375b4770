package engine_test

import (
	"fmt"
	"slices"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
)

// This part of the observer knows the rules of queues: skills and rings, callers
// kept for an agent, calls back, announcements, breaks.

// grade tells how an agent stands in the contact's queue: the first ring that
// admits him, times 100, and what he can do beyond the queue's needs; -1 if none
// admits him.
func (o *observer) grade(c *seenContact, a engine.AgentID) int {
	q := o.queue(c.queue)
	needs := map[engine.SkillID]int{}
	for s, n := range q.Needs {
		needs[s] = n
	}
	members := slices.Clone(q.Members)
	meets := func() bool {
		for s, n := range needs {
			if o.cfg.Skills[a][s] < n {
				return false
			}
		}
		return slices.Contains(members, a)
	}
	for ring := 0; ; ring++ {
		if meets() {
			return ring*100 + o.excess(q, a)
		}
		if ring == len(q.Rings) {
			return -1
		}
		r := q.Rings[ring]
		for s := range needs {
			needs[s] -= r.Lower
		}
		for _, s := range r.Without {
			delete(needs, s)
		}
		members = append(members, r.Members...)
	}
}

func (o *observer) excess(q *engine.Queue, a engine.AgentID) (n int) {
	for s, level := range o.cfg.Skills[a] {
		for i := range o.cfg.Queues {
			if o.cfg.Queues[i].Needs[s] > 0 {
				n += max(level-q.Needs[s], 0)
				break
			}
		}
	}
	return n
}

// fits says whether an agent may take a contact at t.
func (o *observer) fits(c *seenContact, a engine.AgentID, t time.Time) bool {
	q := o.queue(c.queue)
	if q == nil {
		return false
	}
	g := o.grade(c, a)
	if k := c.keep; k != "" && t.Before(c.keepUntil) && o.stays(k) && c.missed[k] == 0 && o.grade(c, k) >= 0 {
		return a == k
	}
	ring := 0
	for ring < len(q.Rings) && t.Sub(c.since) >= q.Rings[ring].After {
		ring++
	}
	return g >= 0 && g/100 <= ring
}

func (o *observer) stays(id engine.AgentID) bool {
	a := o.agent(id)
	switch a.state {
	case journal.AgentLoggedOut, journal.AgentPaused, journal.AgentOtherWork:
		return false
	}
	return !a.gone
}

// anybodyIn says whether anybody is logged in who may ever take a contact of q.
func (o *observer) anybodyIn(q *engine.Queue) bool {
	for id, a := range o.agents {
		if a.state != journal.AgentLoggedOut && o.grade(&seenContact{queue: q.ID}, id) >= 0 {
			return true
		}
	}
	return false
}

// onTheLine says whether the caller of a virtual contact is on the line or being
// called for another one.
func (o *observer) onTheLine(c *seenContact) bool {
	for _, other := range o.contacts {
		if other != c && other.caller == c.caller && (!other.virtual || other.dialling || len(other.offers) > 0) {
			return true
		}
	}
	return false
}

// keptRightly checks that a contact is kept for whoever served the caller last.
func (o *observer) keptRightly(e *engine.Event) error {
	q := o.queue(e.Queue)
	m, ok := o.served[e.Caller]
	age := q.LastAgentOf
	if age == 0 {
		age = engine.DefaultLastAgentOf
	}
	want := engine.AgentID("")
	if ok && q.LastAgent > 0 && e.Caller != "" && e.At.Time().Sub(m.at) <= age && o.stays(m.agent) && o.grade(o.contacts[e.Contact], m.agent) >= 0 {
		want = m.agent
	}
	if e.Agent != want {
		return fmt.Errorf("kept for %q, served last by %q", e.Agent, want)
	}
	return nil
}

// place returns the rank that a contact must get that enters now.
func (o *observer) place(cmd *engine.Command, old *seenContact) time.Time {
	q := o.queue(cmd.Queue)
	rank := o.last
	if !cmd.Arrival.IsZero() && cmd.Arrival.Before(rank) {
		rank = cmd.Arrival
	}
	rank = rank.Add(-cmd.Bonus - q.Bonus)
	earlier := func(t time.Time) {
		if t.Before(rank) {
			rank = t
		}
	}
	if old != nil {
		earlier(old.rank)
	}
	if at, ok := o.carried[cmd.Contact]; ok {
		earlier(at)
	}
	if p, ok := o.places[seenLine{cmd.Queue, cmd.Caller}]; ok && cmd.Caller != "" {
		within := q.Redial
		if p.cut {
			within = max(within, engine.RestartRedial)
		}
		if o.last.Sub(p.at) <= within {
			earlier(p.rank)
		}
	}
	for id, c := range o.contacts {
		if id != cmd.Contact && c.virtual && c.queue == cmd.Queue && c.caller == cmd.Caller {
			earlier(c.rank)
		}
	}
	return rank
}

// announced checks position and promise.
func (o *observer) announced(e *engine.Event) error {
	c := o.contacts[e.Contact]
	if c == nil || c.talks || c.virtual || len(c.offers) > 0 {
		return fmt.Errorf("told to somebody who does not wait: %+v", c)
	}
	place := 1
	overtaken := false
	for id, other := range o.contacts {
		if other == c || other.queue != c.queue || other.talks || !before(other, c, id, e.Contact) {
			continue
		}
		place++
		overtaken = overtaken || other.seq > c.toldSeq
	}
	if e.Position != 0 && e.Position != place {
		return fmt.Errorf("position is %d", place)
	}
	if c.told.Position != 0 && e.Position > c.told.Position && !overtaken {
		return fmt.Errorf("position was %d and nobody came before", c.told.Position)
	}
	if e.Waited > e.Talked {
		return fmt.Errorf("range from %v to %v", e.Waited, e.Talked)
	}
	if c.told.Talked != 0 && (e.Talked > c.told.Talked || e.Talked != 0 && e.Waited > c.told.Waited) && !overtaken && e.Agents >= c.told.Agents {
		return fmt.Errorf("told %v before, with %d agents", c.told.Talked, c.told.Agents)
	}
	last := c.told
	c.told, c.toldSeq = *e, len(o.log)
	if e.Talked == 0 {
		c.told.Talked, c.told.Waited = last.Talked, last.Waited
	}
	if e.Position == 0 {
		c.told.Position = last.Position
	}
	return nil
}

func (o *observer) promised(e *engine.Event) error {
	c := o.contacts[e.Contact]
	if c == nil || c.talks || c.virtual || len(c.offers) > 0 || e.Caller == "" || !e.Arrival.Time().Equal(c.rank) {
		return fmt.Errorf("promised to %+v", c)
	}
	c.caller = e.Caller
	for id, other := range o.contacts {
		if other != c && other.virtual && other.queue == c.queue && other.caller == c.caller {
			return fmt.Errorf("promised to %s already", id)
		}
	}
	c.virtual, c.tries, c.next, c.settled = true, 0, e.At.Time().Add(engine.PromiseRest), ""
	return nil
}

// seenHold is who has taken a caller.
type seenHold struct {
	by    journal.SubjectID
	until time.Time
}

// holder is who has taken a caller at t, empty for nobody.
func (o *observer) holder(caller journal.SubjectID, t time.Time) journal.SubjectID {
	if h := o.held[caller]; h.until.After(t) {
		return h.by
	}
	return ""
}

func (o *observer) taken(e *engine.Event) error {
	if by := o.holder(e.Caller, e.At.Time()); e.Caller == "" || e.Agent == "" || by != "" && by != e.Agent {
		return fmt.Errorf("taken while %q has him", by)
	}
	for id, c := range o.contacts {
		if c.caller == e.Caller && (!c.virtual || c.dialling || len(c.offers) > 0) {
			return fmt.Errorf("taken while %s is on the line or being called", id)
		}
	}
	if !e.Until.Time().Equal(e.At.Time().Add(engine.TakenFor)) {
		return fmt.Errorf("taken until %v", e.Until.Time())
	}
	o.held[e.Caller] = seenHold{e.Agent, e.Until.Time()}
	return nil
}

// given: only who has taken a caller gives him back, or an answered call does.
func (o *observer) given(e *engine.Event) error {
	by := o.holder(e.Caller, e.At.Time())
	switch e.Reason {
	case engine.ReasonCalledIn:
		if by == "" {
			return fmt.Errorf("nobody had taken him")
		}
	case engine.GiveReached:
	default:
		if by != "" && by != e.Agent {
			return fmt.Errorf("%s has taken him", by)
		}
	}
	delete(o.held, e.Caller)
	return nil
}

func (o *observer) settled(e *engine.Event) error {
	c := o.contacts[e.Contact]
	if c == nil || !c.virtual || c.settled != "" || e.Agent == "" {
		return fmt.Errorf("settled what is no promise: %+v", c)
	}
	c.settled = e.Reason
	return nil
}

// checkTaken: no phone rings to call back a caller whom a person has taken, and a
// promise that was settled is gone, but while its call is being made.
func (o *observer) checkTaken() error {
	for id, c := range o.contacts {
		if by := o.holder(c.caller, o.last); c.virtual && by != "" && (c.dialling || len(c.offers) > 0) {
			return fmt.Errorf("%s is called back while %s has taken him", id, by)
		}
		if c.virtual && c.settled != "" && !c.dialling {
			return fmt.Errorf("%s was settled (%s) and stays in line", id, c.settled)
		}
	}
	return nil
}

func (o *observer) tried(e *engine.Event) error {
	c := o.contacts[e.Contact]
	if c == nil || !c.dialling || c.agent != e.Agent {
		return fmt.Errorf("tried what is not being called: %+v", c)
	}
	c.tries++
	if e.Misses != c.tries {
		return fmt.Errorf("try %d is called %d", c.tries, e.Misses)
	}
	c.dialling, c.next = false, e.Until.Time()
	if e.Outcome == engine.DialAnswered {
		c.virtual = false
		return nil
	}
	c.agent = ""
	q := o.queue(c.queue)
	if q == nil {
		return nil
	}
	limit, retry := q.CallbackTries, q.CallbackRetry
	if limit == 0 {
		limit = engine.DefaultTries
	}
	if retry == 0 {
		retry = engine.DefaultRetry
	}
	if m := o.served[c.caller]; c.settled != "" || m.queue == c.queue && !m.at.Before(c.dialled) {
		if !e.Until.Time().IsZero() {
			return fmt.Errorf("is called again though he was served meanwhile")
		}
		return nil
	}
	if want := c.tries >= limit; want != e.Until.Time().IsZero() || !want && !e.Until.Time().Equal(e.At.Time().Add(retry)) {
		return fmt.Errorf("try %d of %d, next %v", c.tries, limit, e.Until.Time())
	}
	return nil
}

// wrapUpKept checks that nobody leaves a wrap-up whose outcome he owes before its
// time.
func (o *observer) wrapUpKept(a *seenAgent, e *engine.Event) error {
	if a.state != journal.AgentWrapUp || a.owes == "" || e.Owes == a.owes || !e.At.Time().Before(a.until) {
		return nil
	}
	if e.State != journal.AgentWrapUp {
		return fmt.Errorf("left wrap-up without the outcome of %s", a.owes)
	}
	return nil
}

// screenTime keeps account of breaks by the state alone and compares.
func (o *observer) screenTime(a *seenAgent, e *engine.Event) error {
	isBreak := (e.State == journal.AgentPaused || e.State == journal.AgentOtherWork) &&
		(e.Reason == engine.ReasonBreak || o.cfg.Reasons[e.Reason].Break)
	on := e.State != journal.AgentLoggedOut && !isBreak
	switch {
	case on && a.screen.IsZero():
		a.screen = e.At.Time()
	case on && !a.off.IsZero():
		if d := e.At.Time().Sub(a.off); d >= o.cfg.BreakFor {
			a.screen = e.At.Time()
		} else {
			a.screen = a.screen.Add(d)
		}
		a.off = time.Time{}
	case !on && a.off.IsZero() && !a.screen.IsZero():
		a.off = e.At.Time()
	}
	if !a.screen.Equal(e.Screen.Time()) || !a.off.Equal(e.Left.Time()) {
		return fmt.Errorf("at the screen since %v, off since %v; says %v and %v", a.screen, a.off, e.Screen.Time(), e.Left.Time())
	}
	return nil
}

// limit returns when an agent must be on a break, zero if never.
func (o *observer) limit(id engine.AgentID) time.Time {
	a := o.agent(id)
	if o.cfg.BreakEvery == 0 || a.screen.IsZero() || !a.off.IsZero() {
		return time.Time{}
	}
	return a.screen.Add(o.cfg.BreakEvery)
}

// checkBreaks: a twelfth before the limit everybody has been asked to go, and past it
// nobody does anything but end his present call.
func (o *observer) checkBreaks() error {
	for id, a := range o.agents {
		limit := o.limit(id)
		if a.state == journal.AgentLoggedOut || limit.IsZero() {
			continue
		}
		if !o.last.Before(limit.Add(-o.cfg.BreakEvery/12)) && !a.asked.Equal(limit) {
			return fmt.Errorf("no break was proposed to %s, due at %v", id, limit)
		}
		if !o.last.Before(limit) && o.engagement(id) == "" && a.until.IsZero() {
			return fmt.Errorf("%s is %s and should be on a break since %v", id, a.state, limit)
		}
	}
	return nil
}

func (o *observer) proposed(e *engine.Event) error {
	limit := o.limit(e.Agent)
	if !e.Deadline.Time().Equal(limit) {
		return fmt.Errorf("limit is %v", limit)
	}
	if e.At.Time().Before(limit.Add(-o.cfg.BreakEvery / 6)) {
		return fmt.Errorf("too early")
	}
	o.agent(e.Agent).asked = limit
	return nil
}

func (o *observer) checkQueues(s *engine.State) error {
	for _, q := range s.Queues() {
		n := 0
		for _, c := range o.contacts {
			if c.queue == q.Queue && !c.talks {
				n++
			}
		}
		if n != len(q.Waiting) {
			return fmt.Errorf("queue %s shows %d waiting of %d", q.Queue, len(q.Waiting), n)
		}
		for _, w := range q.Waiting {
			c := o.contacts[w.Contact]
			if w.Callback != c.virtual || w.Dialling != c.dialling || w.Tries != c.tries || w.Ringing != (len(c.offers) > 0) {
				return fmt.Errorf("%s is shown as %+v and is %+v", w.Contact, w, c)
			}
		}
		for i := 1; i < n; i++ {
			a, b := q.Waiting[i-1].Contact, q.Waiting[i].Contact
			if !before(o.contacts[a], o.contacts[b], a, b) {
				return fmt.Errorf("queue %s shows %s before %s", q.Queue, a, b)
			}
		}
	}
	return nil
}
