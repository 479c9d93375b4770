package engine

import "time"

// queue is one queue with its waiting contacts.
type queue struct {
	cfg     Queue
	live    bool    // configured; a deleted queue stays while its talks last
	fit     slots   // agents who are members
	order   []int32 // the same in the order of configuration
	place   []int32 // position in order by agent slot, -1 for others
	par     parallel
	open    []int32 // heap of contacts that seek an agent
	inside  int     // contacts waiting, ringing or not
	talking int
	last    AgentID // who was offered a contact last
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

// before says whether contact a ranks before contact b: urgent ones first, then
// by rank key, then by id.
func (s *State) before(a, b int32) bool {
	x, y := &s.contacts[a], &s.contacts[b]
	if x.urgent != y.urgent {
		return x.urgent
	}
	if x.key != y.key {
		return x.key < y.key
	}
	return x.id < y.id
}

// push adds a contact to those of q that seek an agent.
func (s *State) push(q *queue, i int32) {
	q.open = append(q.open, i)
	s.openUp(q, len(q.open)-1)
}

// pull takes a contact out of them.
func (s *State) pull(q *queue, i int32) {
	pos := int(s.contacts[i].heap)
	last := len(q.open) - 1
	s.contacts[i].heap = -1
	moved := q.open[last]
	q.open = q.open[:last]
	if pos < last {
		q.open[pos] = moved
		s.openDown(q, s.openUp(q, pos))
	}
}

func (s *State) openUp(q *queue, i int) int {
	h := q.open
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(h[i], h[parent]) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		s.contacts[h[i]].heap = int32(i)
		i = parent
	}
	s.contacts[h[i]].heap = int32(i)
	return i
}

func (s *State) openDown(q *queue, i int) {
	h := q.open
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && s.before(h[child+1], h[child]) {
			child++
		}
		if !s.before(h[child], h[i]) {
			break
		}
		h[i], h[child] = h[child], h[i]
		s.contacts[h[i]].heap = int32(i)
		i = child
	}
	s.contacts[h[i]].heap = int32(i)
}
