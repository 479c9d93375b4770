package engine

import (
	"slices"
	"time"

	"centralino/internal/journal"
)

// contact is one caller in a queue or in a talk that came from one.
type contact struct {
	id     ContactID
	caller journal.SubjectID
	queue  int32
	used   bool
	urgent bool
	talks  bool
	key    int64 // rank: arrival minus bonus; never changes
	since  int64 // waits or talks since
	waited int64 // ns waited before since
	talked int64 // ns talked before since
	round  int64 // when the first of the present offers was made
	offers []int32
	missed []miss
	agent  int32 // who talks, -1 if nobody
	heap   int32 // position in the queue's heap, -1 if no agent is sought
	timer  int32
}

// miss counts how often an agent let the contact ring in vain.
type miss struct{ agent, n int32 }

func (c *contact) misses(agent int32) int32 {
	for _, m := range c.missed {
		if m.agent == agent {
			return m.n
		}
	}
	return 0
}

func (c *contact) addMiss(agent int32) {
	for i := range c.missed {
		if c.missed[i].agent == agent {
			c.missed[i].n++
			return
		}
	}
	c.missed = append(c.missed, miss{agent, 1})
}

// newContact takes a slot. Slices of an earlier contact are used again.
func (s *State) newContact(id ContactID) int32 {
	var i int32
	if n := len(s.free); n > 0 {
		i = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		i = int32(len(s.contacts))
		s.contacts = append(s.contacts, contact{})
	}
	c := &s.contacts[i]
	*c = contact{id: id, used: true, agent: -1, heap: -1, timer: -1, offers: c.offers[:0], missed: c.missed[:0]}
	s.contactAt[id] = i
	return i
}

func (s *State) freeContact(i int32) {
	c := &s.contacts[i]
	delete(s.contactAt, c.id)
	c.used, c.id, c.caller = false, "", ""
	s.free = append(s.free, i)
}

func (s *State) enqueue(cmd *Command) error {
	if cmd.Contact == "" || cmd.Bonus < 0 {
		return ErrStray
	}
	qi, ok := s.queueAt[cmd.Queue]
	ok = ok && s.queues[qi].live
	if old, inside := s.contactAt[cmd.Contact]; inside {
		c := &s.contacts[old]
		switch {
		case ok && c.queue == qi:
			return ErrStray // doubled
		case c.talks: // given on to another queue
			s.endTalk(old, Served, "")
		default:
			s.endWaiting(old, Overflow, ReasonSuperseded)
		}
	}
	if !ok {
		l := s.act(Leave)
		l.Contact, l.Queue, l.Reason = cmd.Contact, cmd.Queue, ReasonNoQueue
		return ErrNoQueue
	}
	q := &s.queues[qi]
	arrival := s.now
	if at := instant(cmd.Arrival); at != 0 && at < s.now {
		arrival = at
	}
	full := q.cfg.MaxLength > 0 && q.inside >= q.cfg.MaxLength && !cmd.Urgent
	i := s.newContact(cmd.Contact)
	c := &s.contacts[i]
	c.caller, c.queue, c.urgent, c.since = cmd.Caller, qi, cmd.Urgent, s.now
	c.key = arrival - int64(cmd.Bonus) - int64(q.cfg.Bonus)
	q.inside++
	s.emitQueued(c, "")
	if full {
		s.leave(i, ReasonMaxLength)
		return nil
	}
	s.reopen(i)
	return nil
}

func (s *State) emitQueued(c *contact, again Reason) {
	e := s.emit(ContactQueued)
	e.Contact, e.Queue, e.Caller, e.Urgent = c.id, s.queues[c.queue].cfg.ID, c.caller, c.urgent
	e.Arrival, e.Reason = stamp(c.key), again
}

// reopen seeks an agent for a waiting contact, or lets it leave when it has
// waited long enough and nobody rings any more.
func (s *State) reopen(i int32) {
	c := &s.contacts[i]
	if limit := s.waitLimit(c); limit != 0 && limit <= s.now && len(c.offers) == 0 {
		s.leave(i, ReasonMaxWait)
		return
	}
	s.track(i)
}

// waitLimit returns until when the contact may wait, 0 for ever.
func (s *State) waitLimit(c *contact) int64 {
	if d := s.queues[c.queue].cfg.MaxWait; d > 0 {
		return c.since + int64(d)
	}
	return 0
}

// track makes the queue's heap and the contact's timer agree with the contact. A
// contact past its limit gets no new offers; those that ring may still be taken.
func (s *State) track(i int32) {
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	due := s.waitLimit(c)
	room, widen := q.room(c, s.now)
	switch {
	case due == 0 || due > s.now:
		if widen != 0 && (due == 0 || widen < due) {
			due = widen
		}
	case len(c.offers) > 0:
		room, due = false, 0
	default:
		room = false
	}
	if room && c.heap < 0 {
		s.push(q, i)
	}
	if !room && c.heap >= 0 {
		s.pull(q, i)
	}
	s.setTimer(contactRef(i), due)
}

// leave gives a waiting contact that rings nowhere back to its path.
func (s *State) leave(i int32, why Reason) {
	c := &s.contacts[i]
	l := s.act(Leave)
	l.Contact, l.Queue, l.Reason = c.id, s.queues[c.queue].cfg.ID, why
	s.endWaiting(i, Overflow, why)
}

// endWaiting ends a contact that does not talk, and withdraws its offers.
func (s *State) endWaiting(i int32, outcome string, why Reason) {
	stop := ReasonCallerGone
	if why != "" {
		stop = why
	}
	for c := &s.contacts[i]; len(c.offers) > 0; {
		s.withdraw(c.offers[len(c.offers)-1], stop)
	}
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	if c.heap >= 0 {
		s.pull(q, i)
	}
	s.setTimer(contactRef(i), 0)
	q.inside--
	e := s.emit(ContactEnded)
	e.Contact, e.Queue, e.Outcome, e.Reason = c.id, q.cfg.ID, outcome, why
	e.Waited, e.Talked = time.Duration(c.waited+s.now-c.since), time.Duration(c.talked)
	s.freeContact(i)
}

func (s *State) abandon(id ContactID) error {
	i, ok := s.contactAt[id]
	if !ok {
		return ErrStray
	}
	if s.contacts[i].talks {
		s.endTalk(i, Served, "")
		return nil
	}
	s.endWaiting(i, Abandoned, "")
	return nil
}

func (s *State) talkEnded(id ContactID) error {
	i, ok := s.contactAt[id]
	if !ok || !s.contacts[i].talks {
		return ErrStray
	}
	s.endTalk(i, Served, "")
	return nil
}

// endTalk ends a contact that talks; the agent goes to wrap-up.
func (s *State) endTalk(i int32, outcome string, why Reason) {
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	ai := c.agent
	q.talking--
	e := s.emit(ContactEnded)
	e.Contact, e.Queue, e.Agent, e.Outcome, e.Reason = c.id, q.cfg.ID, s.agents[ai].id, outcome, why
	e.Waited, e.Talked = time.Duration(c.waited), time.Duration(c.talked+s.now-c.since)
	s.freeContact(i)
	s.unlink(ai)
	a := &s.agents[ai]
	if wrap := int64(q.cfg.WrapUp); wrap > 0 && outcome == Served {
		a.wrapUntil = s.now + wrap
	} else {
		s.endWrapUp(a, s.now)
	}
	s.settle(ai)
}

// unlink ends the agent's part in a contact.
func (s *State) unlink(ai int32) {
	a := &s.agents[ai]
	delete(s.offerAt, a.offer)
	a.phase, a.contact, a.offer, a.deadline = idle, -1, 0, 0
}

// talkLost puts a contact whose agent vanished back to its place, and pauses the
// agent until he says that he is ready.
func (s *State) talkLost(id ContactID) error {
	i, ok := s.contactAt[id]
	if !ok || !s.contacts[i].talks {
		return ErrStray
	}
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	ai := c.agent
	c.talked += s.now - c.since
	c.talks, c.agent, c.since = false, -1, s.now
	q.talking--
	q.inside++
	s.emitQueued(c, ReasonLost)
	s.unlink(ai)
	a := &s.agents[ai]
	a.pause = ReasonLost
	s.endWrapUp(a, s.now)
	s.settle(ai)
	if !q.live {
		s.leave(i, ReasonRemoved)
		return nil
	}
	s.reopen(i)
	return nil
}

// restart ends everything that cannot have survived the box: contacts, offers,
// talks and outside calls. Agents keep being logged in or paused. Nobody waited,
// talked or worked any more after the box died.
func (s *State) restart(died int64) {
	now := s.now
	if died == 0 || died > now {
		died = now
	}
	for i := range s.contacts {
		c := &s.contacts[i]
		if !c.used {
			continue
		}
		c.since += now - max(died, c.since) // the time in between does not count
		if c.talks {
			s.endTalk(int32(i), Restarted, ReasonRestart)
		} else {
			s.endWaiting(int32(i), Restarted, ReasonRestart)
		}
	}
	for i := range s.agents {
		a := &s.agents[i]
		a.work.book(a.shown.state, died)
		a.work.upto = now
		a.outside = false
		s.settle(int32(i))
	}
}

// sortedWaiting appends the slots of the queue's waiting contacts to dst in the
// order in which they are served.
func (s *State) sortedWaiting(dst []int32, qi int32) []int32 {
	for i := range s.contacts {
		if c := &s.contacts[i]; c.used && !c.talks && c.queue == qi {
			dst = append(dst, int32(i))
		}
	}
	slices.SortFunc(dst, func(a, b int32) int {
		switch {
		case s.before(a, b):
			return -1
		case s.before(b, a):
			return 1
		}
		return 0
	})
	return dst
}
