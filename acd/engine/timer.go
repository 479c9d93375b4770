package engine

// ref names the owner of a timer: an agent's or a contact's slot.
type ref int32

func agentRef(slot int32) ref   { return ref(slot << 1) }
func contactRef(slot int32) ref { return ref(slot<<1 | 1) }
func (r ref) isContact() bool   { return r&1 == 1 }
func (r ref) slot() int32       { return int32(r >> 1) }

// timer is one deadline. Every agent and every contact has at most one.
type timer struct {
	at  int64
	ref ref
}

// timerHeap is a binary heap, earliest first; ties go by owner, so that the order
// is always the same. Owners know their position (agent.timer, contact.timer),
// -1 if they have none.
type timerHeap []timer

func (s *State) timerPos(r ref) *int32 {
	if r.isContact() {
		return &s.contacts[r.slot()].timer
	}
	return &s.agents[r.slot()].timer
}

// setTimer sets, moves or (at == 0) removes the timer of r.
func (s *State) setTimer(r ref, at int64) {
	pos := *s.timerPos(r)
	switch {
	case at == 0 && pos < 0:
	case at == 0:
		s.removeTimer(int(pos))
	case pos < 0:
		s.timers = append(s.timers, timer{})
		s.timerUp(len(s.timers)-1, timer{at, r})
	case s.timers[pos].at != at:
		s.putTimer(int(pos), timer{at, r})
	}
}

func (s *State) removeTimer(i int) {
	last := len(s.timers) - 1
	*s.timerPos(s.timers[i].ref) = -1
	moved := s.timers[last]
	s.timers = s.timers[:last]
	if i < last {
		s.putTimer(i, moved)
	}
}

func (t timer) before(o timer) bool {
	if t.at != o.at {
		return t.at < o.at
	}
	return t.ref < o.ref
}

// putTimer puts t where it belongs, given a gap at i.
func (s *State) putTimer(i int, t timer) {
	if i > 0 && t.before(s.timers[(i-1)/2]) {
		s.timerUp(i, t)
	} else {
		s.timerDown(i, t)
	}
}

// timerUp puts t into the gap at i or above it.
func (s *State) timerUp(i int, t timer) {
	h := s.timers
	for i > 0 {
		parent := (i - 1) / 2
		if !t.before(h[parent]) {
			break
		}
		h[i] = h[parent]
		*s.timerPos(h[i].ref) = int32(i)
		i = parent
	}
	h[i] = t
	*s.timerPos(t.ref) = int32(i)
}

// timerDown puts t into the gap at i or below it.
func (s *State) timerDown(i int, t timer) {
	h := s.timers
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(t) {
			break
		}
		h[i] = h[child]
		*s.timerPos(h[i].ref) = int32(i)
		i = child
	}
	h[i] = t
	*s.timerPos(t.ref) = int32(i)
}
