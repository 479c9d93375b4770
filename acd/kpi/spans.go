package kpi

import (
	"time"

	"centralino/internal/journal"
)

// perSlot calls do with each slot that lies between from and to, and with how much
// of it does.
func perSlot(from, to time.Time, do func(s Slot, d time.Duration)) {
	if !to.After(from) || to.Sub(from) > longestSpan {
		return
	}
	for s := SlotOf(from); from.Before(to); s++ {
		end := s.End()
		if end.After(to) {
			end = to
		}
		do(s, end.Sub(from))
		from = end
	}
}

// engage notes whose call an agent has.
func (f *Fold) engage(id journal.SubjectID, queue string) *agentNow {
	a := f.agent(id)
	a.queue = queue
	return a
}

// agent returns what an agent does; one never heard of is logged out.
func (f *Fold) agent(id journal.SubjectID) *agentNow {
	a := f.agents[id]
	if a == nil {
		a = &agentNow{state: journal.AgentLoggedOut}
		f.agents[id] = a
	}
	return a
}

func (f *Fold) agentChanged(p journal.AgentChanged, at time.Time) {
	a := f.agent(p.Agent)
	f.bookAgent(p.Agent, a, at)
	a.state, a.reason, a.since = p.State, "", at
	if p.State == journal.AgentPaused || p.State == journal.AgentOtherWork {
		a.reason = p.Reason
	}
}

// queueOf is whose time the agent's state is.
func (a *agentNow) queueOf() string {
	switch a.state {
	case journal.AgentOffered, journal.AgentTalking, journal.AgentWrapUp:
		return a.queue
	}
	return ""
}

// bookAgent books an agent's state up to an instant.
func (f *Fold) bookAgent(id journal.SubjectID, a *agentNow, at time.Time) {
	if a.state != journal.AgentLoggedOut {
		perSlot(a.since, at, func(s Slot, d time.Duration) {
			b := f.block(blockOf(s))
			b.agents[agentKey{s, id, a.state, a.queueOf(), a.reason}] += d
			b.dirty = true
		})
		if a.state == journal.AgentWrapUp && at.After(a.since) && at.Sub(a.since) <= longestSpan && a.served != (visitKey{}) {
			if v := f.visit(a.served.contact, a.served.queue); v != nil {
				v.Wrap += at.Sub(a.since)
			}
		}
	}
	a.since = at
}

func (f *Fold) callStarted(id journal.CallID, p journal.CallStarted, at time.Time) {
	if f.calls[id] != nil {
		return
	}
	c := &callNow{legs: map[journal.LegID]string{}}
	f.calls[id] = c
	if p.Direction == journal.Inbound && p.Line != "" {
		c.legs[""] = p.Line
		f.occupy(p.Line, 1, at)
		f.line(SlotOf(at), p.Line).In++
		f.line(SlotOf(at), "").In++
	}
}

func (f *Fold) leg(id journal.CallID, p journal.CallLeg, at time.Time) {
	c := f.calls[id]
	if c == nil || p.Line == "" && c.legs[p.Leg] == "" {
		return
	}
	line, known := c.legs[p.Leg]
	if first, ok := c.legs[""]; !known && ok && first == p.Line { // the leg that it came in on
		delete(c.legs, "")
		c.legs[p.Leg], line, known = first, first, true
	}
	switch {
	case p.State == journal.LegEnded && known:
		delete(c.legs, p.Leg)
		f.occupy(line, -1, at)
	case p.State != journal.LegEnded && !known:
		c.legs[p.Leg] = p.Line
		f.occupy(p.Line, 1, at)
		if p.Moved {
			break // it counts in the call that it was made in
		}
		f.line(SlotOf(at), p.Line).Out++
		f.line(SlotOf(at), "").Out++
	}
}

// callEnded frees what the call still occupies. A restart writes the ends of calls
// when the box is up again: they ended when it died.
func (f *Fold) callEnded(id journal.CallID, p journal.CallEnded, at time.Time) {
	if p.Cause == "restart" {
		if f.died.IsZero() {
			f.died = f.at
		}
		at = f.died
	}
	f.hungUp(id, p.By)
	if c := f.calls[id]; c != nil {
		for _, line := range c.legs {
			f.occupy(line, -1, at)
		}
		delete(f.calls, id)
	}
}

// occupy takes or frees one channel of a line.
func (f *Fold) occupy(line string, n int, at time.Time) {
	for _, id := range []string{line, ""} {
		l := f.lines[id]
		if l == nil {
			l = &lineNow{since: at}
			f.lines[id] = l
		}
		if f.overtaken && n < 0 && l.busy > 0 && at.Before(l.since) { // what was booked meanwhile is taken back
			perSlot(at, l.since, func(s Slot, d time.Duration) { f.line(s, id).Busy -= d })
		} else {
			f.bookLine(id, l, at)
		}
		l.busy = max(0, l.busy+n)
		if l.busy > 0 {
			u := f.line(SlotOf(at), id)
			u.Peak = max(u.Peak, l.busy)
		}
	}
}

// bookLine books a line's use up to an instant.
func (f *Fold) bookLine(id string, l *lineNow, at time.Time) {
	if l.busy > 0 {
		perSlot(l.since, at, func(s Slot, d time.Duration) {
			u := f.line(s, id)
			u.Busy += d * time.Duration(l.busy)
			u.Peak = max(u.Peak, l.busy)
		})
	}
	l.since = at
}

func (f *Fold) line(s Slot, id string) *LineUse {
	b := f.block(blockOf(s))
	b.dirty = true
	k := lineKey{s, id}
	u := b.lines[k]
	if u == nil {
		u = &LineUse{Slot: s, Line: id}
		b.lines[k] = u
	}
	return u
}
