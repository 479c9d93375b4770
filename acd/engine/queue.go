package engine

import (
	"time"

	"centralino/acd/kpi"
)

// queue is one queue with its waiting contacts.
type queue struct {
	cfg     Queue
	live    bool    // configured; a deleted queue stays while its talks last
	rings   []ring  // at least one; each admits whom the one before admits, and more
	order   []int32 // members, and those whom rings add, in the order of configuration
	place   []int32 // position in order by agent slot, -1 for others
	grade   []int32 // by agent slot: first ring that admits him, then how much more he can do than is needed
	par     parallel
	byIdle  bool // the strategy's key is how long an agent is idle
	flat    bool // all have the same grade
	inside  int  // contacts waiting, ringing or not, on the line or not
	virtual int  // of these, those to be called back
	talking int
	manned  bool    // somebody was logged in when leaveEmpty last looked
	last    AgentID // who was offered a contact last
	pace    kpi.Pace
}

// ring is who may take a contact that has waited long enough, and who waits so.
type ring struct {
	after int64
	fit   slots
	open  lane // contacts that seek an agent
}

// all is everybody who may ever take a contact of the queue.
func (q *queue) all() slots { return q.rings[len(q.rings)-1].fit }

// ringAt returns the ring of a contact that has waited so long, and after how long
// a wait the next one is its (0: never).
func (q *queue) ringAt(waited int64) (n int32, next int64) {
	for n = int32(len(q.rings)) - 1; n > 0 && q.rings[n].after > waited; n-- {
		next = q.rings[n].after
	}
	return n, next
}

// room reports whether one more agent may ring for the contact now, and when the
// answer to that changes by itself (0: it does not).
func (q *queue) room(c *contact, now int64) (more bool, changes int64) {
	n := int64(len(c.offers))
	switch q.par {
	case everybody:
		return true, 0
	case steps:
		step, every := int64(max(q.cfg.Step, 1)), int64(q.cfg.Every)
		if every == 0 {
			every = int64(5 * time.Second)
		}
		if n == 0 {
			return true, 0
		}
		passed := (now - c.round) / every
		if n < step*(passed+1) {
			return true, 0
		}
		return false, c.round + n/step*every
	default:
		return n == 0, 0
	}
}

// seeker is a contact in a lane with what decides about its rank, so that a lane is
// kept in order without looking at the contacts.
type seeker struct {
	key    int64
	slot   int32
	urgent bool
}

func (s *State) seeker(i int32) seeker {
	c := &s.contacts[i]
	return seeker{c.key, i, c.urgent}
}

// lane is a binary heap of seekers, the first in rank first.
type lane []seeker

// before says whether contact a ranks before contact b: urgent ones first, then
// by rank key, then by id.
func (s *State) before(a, b int32) bool { return s.first(s.seeker(a), s.seeker(b)) }

func (s *State) first(a, b seeker) bool {
	if a.urgent != b.urgent {
		return a.urgent
	}
	if a.key != b.key {
		return a.key < b.key
	}
	return s.contacts[a.slot].id < s.contacts[b.slot].id
}

// A contact that seeks an agent stands in the lane of its queue's ring, or, while it
// is kept for one agent, in that agent's own.

const (
	noLane  = int32(-2)
	ownLane = int32(-1)
)

// laneFor returns the lane in which a waiting contact seeks an agent, and when that
// changes by itself (0: it does not).
func (s *State) laneFor(c *contact) (lane int32, changes int64) {
	q := &s.queues[c.queue]
	if c.keep >= 0 && s.now < c.keepUntil && s.agents[c.keep].stays() && c.misses(c.keep) == 0 && q.all().has(c.keep) {
		return ownLane, c.keepUntil
	}
	lane, next := q.ringAt(s.now - c.since)
	if next != 0 {
		next += c.since
	}
	return lane, next
}

// laneOf returns the lane that the contact stands in.
func (s *State) laneOf(c *contact) *lane {
	if c.lane == ownLane {
		return &s.own[c.keep]
	}
	return &s.queues[c.queue].rings[c.lane].open
}

// push makes a contact seek an agent in a lane.
func (s *State) push(i, lane int32) {
	c := &s.contacts[i]
	c.lane = lane
	s.seeking++
	h := s.laneOf(c)
	*h = append(*h, seeker{})
	s.rise(*h, len(*h)-1, seeker{c.key, i, c.urgent})
	if lane == ownLane {
		s.wanted.set(c.keep)
	}
}

// pull makes it seek no more.
func (s *State) pull(i int32) {
	c := &s.contacts[i]
	s.seeking--
	p := s.laneOf(c)
	h := *p
	pos, last := int(c.heap), len(h)-1
	c.heap = -1
	moved := h[last]
	h = h[:last]
	*p = h
	if pos < last {
		if pos > 0 && s.first(moved, h[(pos-1)/2]) {
			s.rise(h, pos, moved)
		} else {
			s.sink(h, pos, moved)
		}
	}
	if c.lane == ownLane && last == 0 {
		s.wanted.clear(c.keep)
	}
	c.lane = noLane
}

// rise puts x into the gap at i or above it.
func (s *State) rise(h lane, i int, x seeker) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.first(x, h[parent]) {
			break
		}
		h[i] = h[parent]
		s.contacts[h[i].slot].heap = int32(i)
		i = parent
	}
	h[i] = x
	s.contacts[x.slot].heap = int32(i)
}

// sink puts x into the gap at i or below it.
func (s *State) sink(h lane, i int, x seeker) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && s.first(h[child+1], h[child]) {
			child++
		}
		if !s.first(h[child], x) {
			break
		}
		h[i] = h[child]
		s.contacts[h[i].slot].heap = int32(i)
		i = child
	}
	h[i] = x
	s.contacts[x.slot].heap = int32(i)
}
