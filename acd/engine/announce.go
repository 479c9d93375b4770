package engine

import (
	"time"

	"centralino/acd/kpi"
)

// What is to be said to a caller.
const (
	sayPlace   = uint8(1 << iota) // position and wait
	sayMessage                    // the queue's periodic message
)

// maxSpoken is the longest wait that is told: beyond it the estimate is no promise.
const maxSpoken = time.Hour

// nextSay returns when something is to be said to a contact next, 0 if never. The
// times are multiples of the queue's intervals after the contact began to wait.
func (q *queue) nextSay(c *contact, now int64) int64 {
	return sooner(nextOf(c.since, int64(q.cfg.Announce), now), nextOf(c.since, int64(q.cfg.Periodic), now))
}

func nextOf(since, every, now int64) int64 {
	if every == 0 {
		return 0
	}
	return since + ((now-since)/every+1)*every
}

// passed reports whether a multiple of every after since lies after heard and not
// after now.
func passed(since, every, heard, now int64) bool {
	return every != 0 && (now-since)/every > (heard-since)/every
}

// heed notes what is to be said to a contact whose timer is due.
func (s *State) heed(i int32) {
	c := &s.contacts[i]
	if c.talks || c.virtual {
		return
	}
	q := &s.queues[c.queue]
	what := uint8(0)
	if passed(c.since, int64(q.cfg.Announce), c.heard, s.now) {
		what |= sayPlace
	}
	if passed(c.since, int64(q.cfg.Periodic), c.heard, s.now) {
		what |= sayMessage
	}
	c.heard = s.now
	s.say(i, what)
}

// say notes what is to be said to a contact when the command is through.
func (s *State) say(i int32, what uint8) {
	if what == 0 {
		return
	}
	if c := &s.contacts[i]; c.speak == 0 {
		s.speak = append(s.speak, i)
		c.speak = what
	} else {
		c.speak |= what
	}
}

// announce says what was noted to those who still wait and ring nowhere.
func (s *State) announce() {
	for _, i := range s.speak {
		c := &s.contacts[i]
		what := c.speak
		c.speak = 0
		if c.used && what != 0 && !c.talks && !c.virtual && len(c.offers) == 0 {
			s.tell(i, what)
		}
	}
	s.speak = s.speak[:0]
}

// tell says position and wait to a contact, and the queue's message. Position is
// the number of those served before him and himself. The wait is the range from
// the median to what nine of ten do not exceed, rounded up; it is never longer than
// the last that he was told, unless somebody ranks before him who did not then or
// fewer agents work. Nothing is said of it when too little is known, nor once he
// has waited longer than he was told.
func (s *State) tell(i int32, what uint8) {
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	var position, agents int32
	var low, high time.Duration
	if what&sayPlace != 0 && (q.cfg.SayPosition || q.cfg.SayWait) {
		var known bool
		position = s.position(i)
		low, high, agents, known = s.outlook(i)
		low, high = kpi.Spoken(low), kpi.Spoken(high)
		if c.said.high != 0 && !c.said.excused(position, agents) {
			high = min(high, time.Duration(c.said.high))
			low = min(low, high, time.Duration(c.said.low))
			known = known && s.now <= c.said.until
		}
		if !known || !q.cfg.SayWait || high > maxSpoken {
			low, high = 0, 0
		}
		if !q.cfg.SayPosition {
			position = 0
		}
	}
	if position != 0 || high != 0 {
		e := s.emit(ContactAnnounced)
		e.Contact, e.Queue, e.Position, e.Waited, e.Talked, e.Agents = c.id, q.cfg.ID, int(position), low, high, int(agents)
		s.heardOf(c, position, agents, int64(low), int64(high))
	}
	message := what&sayMessage != 0
	if position == 0 && high == 0 && !message {
		return
	}
	x := s.act(Announce)
	x.Contact, x.Queue, x.Position, x.Low, x.High, x.Periodic = c.id, q.cfg.ID, int(position), low, high, message
}

// heardOf takes note of what a caller was told, alive and in replay.
func (s *State) heardOf(c *contact, position, agents int32, low, high int64) {
	if high != 0 && (c.said.high == 0 || c.said.excused(position, agents)) {
		c.said.until = s.now + high
	}
	c.said.agents = agents
	if position != 0 {
		c.said.position = position
	}
	if high != 0 {
		c.said.low, c.said.high = low, high
	}
}

// excused reports whether a longer wait than was told has its reason: somebody
// ranks before him who did not, or an agent has gone.
func (t *told) excused(position, agents int32) bool {
	return t.position != 0 && position > t.position || agents < t.agents
}

// position returns the contact's place among those who wait in its queue, from 1.
func (s *State) position(i int32) int32 {
	n := int32(1)
	qi := s.contacts[i].queue
	for d := range s.contacts {
		if o := &s.contacts[d]; o.used && !o.talks && o.queue == qi && int32(d) != i && s.before(int32(d), i) {
			n++
		}
	}
	return n
}

// outlook estimates how long a waiting contact waits yet: the median and the time
// that nine of ten do not exceed. agents is how many work who may take it. Those
// who rank before it in other queues or rings count by the share of their agents
// whom they have in common with it.
func (s *State) outlook(i int32) (low, high time.Duration, agents int32, known bool) {
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	n, _ := q.ringAt(s.now - c.since)
	fit := q.rings[n].fit
	agents = int32(s.atWork.common(fit))
	if agents == 0 {
		return 0, 0, 0, false
	}
	ahead := kpi.Ahead{Agents: float64(agents)}
	for d := range s.contacts {
		o := &s.contacts[d]
		if !o.used || o.talks || int32(d) == i || !s.before(int32(d), i) {
			continue
		}
		share := 1.0
		if m, _ := s.queues[o.queue].ringAt(s.now - o.since); o.queue != c.queue || m != n {
			theirs := s.queues[o.queue].rings[m].fit
			all := s.atWork.common(theirs)
			if all == 0 {
				continue
			}
			share = float64(s.atWork.common2(theirs, fit)) / float64(all)
		}
		if o.virtual {
			ahead.Bound += share
		} else {
			ahead.Live += share
		}
	}
	low, high, known = q.pace.Wait(ahead)
	return low, high, agents, known
}
