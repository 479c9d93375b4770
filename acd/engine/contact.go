package engine

import (
	"slices"

	"centralino/internal/journal"
)

// contact is one caller in a queue or in a talk that came from one.
type contact struct {
	id       ContactID
	hash     uint32 // of id, see contactTable
	caller   journal.SubjectID
	queue    int32
	used     bool
	urgent   bool
	talks    bool
	virtual  bool  // not on the line: to be called back in his turn
	dialling bool  // virtual, and an agent waits while the switch calls
	speak    uint8 // what is to be said to him: sayPlace, sayMessage
	key      int64 // rank: arrival minus bonus; never changes
	since    int64 // waits or talks since
	waited   int64 // ns waited before since
	talked   int64 // ns talked before since
	round    int64 // when the first of the present offers was made
	offers   []int32
	missed   []miss
	agent    int32 // who talks or waits for the dialling, -1 if nobody
	lane     int32 // where he seeks an agent, noLane if he does not
	heap     int32 // position in that lane's heap, -1 if no agent is sought
	timer    int32

	keep      int32 // the agent he is kept for, -1 if none
	keepUntil int64
	heard     int64 // announcements are done until
	said      told
	tries     int32
	nextTry   int64  // is not called before
	settled   Reason // why the promise was settled while he was being called; empty: it stands
}

// told is what a caller was told last.
type told struct {
	position, agents int32
	low, high        int64
	until            int64 // the first such promise that nothing has excused since holds until
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

// newContact takes a slot for an id that has this hash. Slices of an earlier contact are used again.
func (s *State) newContact(id ContactID, hash uint32) int32 {
	var i int32
	if n := len(s.free); n > 0 {
		i = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		i = int32(len(s.contacts))
		s.contacts = append(s.contacts, contact{})
	}
	c := &s.contacts[i]
	offers, missed := c.offers[:0], c.missed[:0]
	*c = contact{}
	c.id, c.hash, c.used, c.offers, c.missed = id, hash, true, offers, missed
	c.agent, c.lane, c.heap, c.timer, c.keep = -1, noLane, -1, -1, -1
	s.contactAt.put(i, hash)
	return i
}

func (s *State) freeContact(i int32) {
	c := &s.contacts[i]
	s.contactAt.drop(i, c.hash)
	if c.keep >= 0 {
		s.kept--
	}
	c.used, c.id, c.caller = false, "", ""
	s.free = append(s.free, i)
}

func (s *State) enqueue(cmd *Command) error {
	if cmd.Contact == "" || cmd.Bonus < 0 {
		return ErrStray
	}
	qi, ok := s.queueOf(cmd.Queue)
	ok = ok && s.queues[qi].live
	brought, old := s.carried.get(cmd.Contact)
	hash := s.contactAt.hash(cmd.Contact)
	if i, inside := s.contactAt.get(s.contacts, cmd.Contact, hash); inside {
		c := &s.contacts[i]
		brought, old = c.key, true
		switch {
		case c.dialling, ok && c.queue == qi && !c.virtual:
			return ErrStray // doubled
		case c.talks: // given on to another queue
			s.endTalk(i, Served, "")
		case c.virtual: // the promise is off: he is on the line after all
			s.endWaiting(i, Merged, ReasonSuperseded)
		default:
			s.endWaiting(i, Overflow, ReasonSuperseded)
		}
	}
	if !ok {
		l := s.act(Leave)
		l.Contact, l.Queue, l.Reason = cmd.Contact, cmd.Queue, ReasonNoQueue
		return ErrNoQueue
	}
	if s.crew {
		s.leaveEmpty() // before he is among them
	}
	q := &s.queues[qi]
	arrival := s.now
	if at := instant(cmd.Arrival); at != 0 && at < s.now {
		arrival = at
	}
	key := arrival - int64(cmd.Bonus) - int64(q.cfg.Bonus)
	if old {
		key = min(key, brought)
	}
	key = min(key, s.formerPlace(qi, cmd.Caller))
	i := s.newContact(cmd.Contact, hash)
	c := &s.contacts[i]
	c.caller, c.queue, c.urgent, c.since, c.heard = cmd.Caller, qi, cmd.Urgent || q.cfg.Urgent, s.now, s.now
	c.key = key
	s.keepFor(c)
	q.inside++
	s.emitQueued(c, "")
	s.entered(c)
	if cmd.Kind == AskCallback { // he does not wait on the line
		return nil
	}
	if why := s.unwanted(i); why != "" {
		s.leave(i, why)
		return nil
	}
	if q.cfg.AnnounceFirst {
		s.say(i, sayPlace)
	}
	if s.virtuals > 0 {
		s.siblings(c.caller, i)
	}
	s.reopen(i)
	return nil
}

// formerPlace returns the rank of a caller who hung up while he waited, was cut off
// by a restart, or is to be called back, in the same queue; the far future if there
// is none.
func (s *State) formerPlace(qi int32, caller journal.SubjectID) int64 {
	key := int64(1<<63 - 1)
	if caller == "" {
		return key
	}
	if p, ok := s.left.get(line{qi, caller}); ok {
		within := int64(s.queues[qi].cfg.Redial)
		if p.cut {
			within = max(within, int64(RestartRedial))
		}
		if s.now-p.at <= within {
			key = p.key
		}
	}
	if s.virtuals > 0 {
		for i := range s.contacts {
			if c := &s.contacts[i]; c.used && c.virtual && c.queue == qi && c.caller == caller {
				key = min(key, c.key)
			}
		}
	}
	return key
}

// entered forgets what was remembered for a contact that has entered its queue,
// alive and in replay.
func (s *State) entered(c *contact) {
	s.carried.drop(c.id)
	if c.caller != "" {
		s.left.drop(line{c.queue, c.caller})
	}
}

// keepFor keeps the contact for the agent who served the caller last, if the queue
// wants that.
func (s *State) keepFor(c *contact) {
	q := &s.queues[c.queue]
	if q.cfg.LastAgent == 0 || c.caller == "" {
		return
	}
	m, ok := s.served.get(c.caller)
	age := int64(q.cfg.LastAgentOf)
	if age == 0 {
		age = int64(DefaultLastAgentOf)
	}
	if !ok || s.now-m.at > age {
		return
	}
	ai, ok := s.agentAt[m.agent]
	if !ok || !q.all().has(ai) || !s.agents[ai].stays() {
		return
	}
	c.keep, c.keepUntil = ai, s.now+int64(q.cfg.LastAgent)
	s.kept++
}

// unwanted says why the queue does not take a contact that has just entered, empty
// if it does.
func (s *State) unwanted(i int32) Reason {
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	switch {
	case q.cfg.RefuseEmpty && !s.loggedIn.meets(q.all()):
		return ReasonNoAgent
	case c.urgent:
	case q.cfg.MaxLength > 0 && q.inside-q.virtual > q.cfg.MaxLength:
		return ReasonMaxLength
	case q.cfg.MaxExpected > 0 && !s.ready.meets(q.rings[0].fit):
		if low, _, _, known := s.outlook(i); known && low > q.cfg.MaxExpected {
			return ReasonExpected
		}
	}
	return ""
}

func (s *State) emitQueued(c *contact, again Reason) {
	e := s.emit(ContactQueued)
	e.Contact, e.Queue, e.Caller, e.Urgent = c.id, s.queues[c.queue].cfg.ID, c.caller, c.urgent
	e.Arrival, e.Reason = Instant(c.key), again
	if c.keep >= 0 {
		e.Agent, e.Until = s.agents[c.keep].id, Instant(c.keepUntil)
	}
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
	if d := s.queues[c.queue].cfg.MaxWait; d > 0 && !c.virtual {
		return c.since + int64(d)
	}
	return 0
}

// track makes the lanes and the contact's timer agree with a waiting contact. A
// contact past its limit gets no new offers; those that ring may still be taken.
func (s *State) track(i int32) {
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	due := s.waitLimit(c)
	room, widen := q.room(c, s.now)
	lane, laneDue := s.laneFor(c)
	switch {
	case c.virtual && c.dialling:
		room, due = false, 0
	case c.virtual && max(c.nextTry, s.heldUntil(c.caller)) > s.now:
		room, due = false, max(c.nextTry, s.heldUntil(c.caller))
	case c.virtual:
		room = room && !s.blocked(i)
		due = sooner(widen, laneDue)
	case due == 0 || due > s.now:
		due = sooner(sooner(due, widen), sooner(laneDue, q.nextSay(c, s.now)))
	case len(c.offers) > 0:
		room, due = false, 0
	default:
		room = false
	}
	if c.heap >= 0 && (!room || c.lane != lane) {
		s.pull(i)
	}
	if room && c.heap < 0 {
		s.push(i, lane)
	}
	if due != 0 || c.timer >= 0 {
		s.setTimer(contactRef(i), due)
	}
}

// sooner returns the smaller of two instants, of which 0 is never.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// leave gives a waiting contact that rings nowhere back to its path.
func (s *State) leave(i int32, why Reason) {
	if c := &s.contacts[i]; !c.virtual {
		l := s.act(Leave)
		l.Contact, l.Queue, l.Reason = c.id, s.queues[c.queue].cfg.ID, why
	}
	s.endWaiting(i, Overflow, why)
}

// leaveEmpty lets callers go on whose queue has lost the last of those who were
// logged in.
func (s *State) leaveEmpty() {
	s.crew = false
	for _, qi := range s.order {
		q := &s.queues[qi]
		was := q.manned
		q.manned = s.loggedIn.meets(q.all())
		if !q.cfg.LeaveEmpty || !was || q.manned || q.inside == q.virtual {
			continue
		}
		s.sorted = s.sortedWaiting(s.sorted[:0], qi)
		for _, ci := range s.sorted {
			if c := &s.contacts[ci]; c.used && !c.virtual && len(c.offers) == 0 {
				s.leave(ci, ReasonNoAgent)
			}
		}
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
