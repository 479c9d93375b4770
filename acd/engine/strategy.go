package engine

import (
	"centralino/internal/journal"
)

// maxCandidates bounds what an offer keeps to explain itself.
const maxCandidates = 8

// Reasons of candidates that were not chosen; those in another state than ready
// give the state's name.
const (
	notBest    = "not best"         // another agent's key is smaller
	missedIt   = "missed it"        // has let this contact ring in vain more often
	leftAlone  = "left alone"       // refused a moment ago
	overSkill  = "over-qualified"   // another agent can do less beyond what is needed, or was admitted earlier
	notSkilled = "lacks a skill"    // what the queue needs at present
	notHis     = "kept for another" // the contact is kept for the agent who served the caller last
)

// dispatch offers contacts to free agents until no contact is left that a free
// agent may take: always the first contact in rank that has such an agent.
func (s *State) dispatch() {
	for s.seeking > 0 && !s.ready.empty() {
		best := seeker{slot: -1}
		for qi := range s.queues {
			q := &s.queues[qi]
			if q.inside == 0 {
				continue
			}
			for ri := range q.rings {
				r := &q.rings[ri]
				if len(r.open) > 0 && (best.slot < 0 || s.first(r.open[0], best)) && s.ready.meets(r.fit) {
					best = r.open[0]
				}
			}
		}
		for ai := s.wanted.next(s.ready, 0); ai >= 0; ai = s.wanted.next(s.ready, ai+1) {
			if own := s.own[ai]; best.slot < 0 || s.first(own[0], best) {
				best = own[0]
			}
		}
		if best.slot < 0 {
			return
		}
		s.place(best.slot)
	}
}

// place offers the contact to the free agents that its queue's strategy wants, or
// to the one it is kept for.
func (s *State) place(ci int32) {
	c := &s.contacts[ci]
	q := &s.queues[c.queue]
	if c.lane == ownLane {
		s.offer(ci, c.keep, s.candidatesKept(c, q))
		return
	}
	fit := q.rings[c.lane].fit
	cands, first := s.candidates(ci, q, fit)
	if q.par == everybody {
		for ai := s.ready.next(fit, 0); ai >= 0; ai = s.ready.next(fit, ai+1) {
			s.offer(ci, ai, cands)
		}
		return
	}
	s.offer(ci, first, cands)
}

// ranked is a free agent with what decides about him.
type ranked struct {
	agent  int32
	misses int32
	grade  int32
	key    int64
}

// candidates lists the agents considered for a contact: those who will ring
// first, then the other free ones by rank, then other members with their state,
// maxCandidates in all; with RingAll more may ring than are listed. first is the
// best free agent.
func (s *State) candidates(ci int32, q *queue, fit slots) (list []journal.Candidate, first int32) {
	if q.byIdle && q.flat && len(s.contacts[ci].missed) == 0 {
		return s.candidatesByIdle(q, fit)
	}
	top := &s.top
	listed := 0
	if q.byIdle {
		listed = s.rankByIdle(top, ci, q, fit)
	} else {
		listed = s.rankByKey(top, ci, q, fit)
	}
	n := 1
	if q.par == everybody {
		n = listed
	}
	list = s.room()
	for i := range top[:listed] {
		r, cand := &top[i], &list[i]
		cand.Agent, cand.Key, cand.Reason = s.agents[r.agent].id, r.key, ""
		if i >= n {
			switch cand.Reason = notBest; {
			case r.misses > top[0].misses:
				cand.Reason = missedIt
			case r.grade > top[0].grade:
				cand.Reason = overSkill
			}
		}
	}
	if listed < maxCandidates {
		listed += s.losers(list[listed:maxCandidates], q, fit)
	}
	return s.take(listed), top[0].agent
}

// candidatesByIdle does the same where nothing counts but how long an agent is idle:
// those who are free stand in that order already.
func (s *State) candidatesByIdle(q *queue, fit slots) (list []journal.Candidate, first int32) {
	list = s.room()
	n, others := 0, ""
	if q.par != everybody {
		others = notBest
	}
	why := ""
	for ai := s.longest; ai >= 0 && n < maxCandidates; {
		a := &s.agents[ai]
		if fit.has(ai) {
			if n == 0 {
				first = ai
			}
			list[n] = journal.Candidate{Agent: a.id, Key: a.idle / 1000, Reason: why}
			why = others
			n++
		}
		ai = a.next
	}
	if n < maxCandidates {
		n += s.losers(list[n:], q, fit)
	}
	return s.take(n), first
}

// room returns place for the candidates of one offer, take those that it got.
func (s *State) room() []journal.Candidate {
	n := len(s.cands)
	if n+maxCandidates > cap(s.cands) { // what was taken before keeps its old array
		s.cands = make([]journal.Candidate, 0, max(2*cap(s.cands), 16*maxCandidates))
		n = 0
	}
	return s.cands[n : n+maxCandidates]
}

func (s *State) take(n int) []journal.Candidate {
	start := len(s.cands)
	s.cands = s.cands[:start+n]
	return s.cands[start : start+n : start+n]
}

// rankByKey fills top with the first of those who are free and fit, by rank, and
// returns how many there are.
func (s *State) rankByKey(top *[maxCandidates]ranked, ci int32, q *queue, fit slots) (n int) {
	c := &s.contacts[ci]
	for ai := s.ready.next(fit, 0); ai >= 0; ai = s.ready.next(fit, ai+1) {
		r := ranked{ai, c.misses(ai), q.grade[ai], s.key(q, ai)}
		i := n
		for i > 0 && s.better(r, top[i-1]) {
			i--
		}
		n = insert(top, n, i, r)
	}
	return n
}

// rankByIdle does the same for a strategy whose key is how long an agent is idle:
// those who are free stand in that order already.
func (s *State) rankByIdle(top *[maxCandidates]ranked, ci int32, q *queue, fit slots) (n int) {
	c := &s.contacts[ci]
	for ai := s.longest; ai >= 0; ai = s.agents[ai].next {
		if !fit.has(ai) {
			continue
		}
		r := ranked{ai, c.misses(ai), q.grade[ai], s.agents[ai].idle / 1000}
		i := n
		for i > 0 && (r.misses < top[i-1].misses || r.misses == top[i-1].misses && r.grade < top[i-1].grade) {
			i--
		}
		n = insert(top, n, i, r)
	}
	return n
}

// insert puts r at place i of the n in top, and returns how many there are then.
func insert(top *[maxCandidates]ranked, n, i int, r ranked) int {
	if i == maxCandidates {
		return n
	}
	n = min(n+1, maxCandidates)
	copy(top[i+1:n], top[i:])
	top[i] = r
	return n
}

// losers fills list with members of the queue who are not free, in their order, and
// returns how many there are. Who is free is written, too, and then written over: to
// guess who it is takes longer.
func (s *State) losers(list []journal.Candidate, q *queue, fit slots) (n int) {
	for _, ai := range q.order {
		if n == len(list) {
			break
		}
		s.agents[ai].loser(&list[n], s.key(q, ai), fit.has(ai))
		n += 1 - int(fit[ai>>6]&s.ready[ai>>6]>>(ai&63)&1)
	}
	return n
}

// loser says why an agent of the queue is not asked.
func (a *agent) loser(cand *journal.Candidate, key int64, fits bool) {
	cand.Agent, cand.Key, cand.Reason = a.id, key, a.shown.state.unasked()
	if !fits {
		cand.Reason = notSkilled
	}
}

// candidatesKept lists the agent the contact is kept for, and others.
func (s *State) candidatesKept(c *contact, q *queue) []journal.Candidate {
	list := s.room()
	list[0] = journal.Candidate{Agent: s.agents[c.keep].id, Key: s.key(q, c.keep)}
	n := 1
	for _, ai := range q.order {
		if n == maxCandidates {
			break
		}
		if ai == c.keep {
			continue
		}
		s.agents[ai].loser(&list[n], s.key(q, ai), q.all().has(ai))
		if s.ready.has(ai) && q.all().has(ai) {
			list[n].Reason = notHis
		}
		n++
	}
	return s.take(n)
}

// better says whether x is taken before y.
func (s *State) better(x, y ranked) bool {
	if x.misses != y.misses {
		return x.misses < y.misses
	}
	if x.grade != y.grade {
		return x.grade < y.grade
	}
	if x.key != y.key {
		return x.key < y.key
	}
	a, b := &s.agents[x.agent], &s.agents[y.agent]
	if a.idle != b.idle {
		return a.idle < b.idle
	}
	return a.id < b.id
}

// key is the agent's key in the queue's strategy; see Strategy. The most frequent one is near at hand.
func (s *State) key(q *queue, ai int32) int64 {
	if q.byIdle {
		return s.agents[ai].idle / 1000
	}
	return s.keyBy(q, ai)
}

func (s *State) keyBy(q *queue, ai int32) int64 {
	a := &s.agents[ai]
	switch q.cfg.Strategy {
	case LeastOccupied:
		a.work.book(a.shown.state.class(), s.now)
		return a.work.occupancy()
	case FewestCalls:
		a.work.book(a.shown.state.class(), s.now)
		return a.work.callRate()
	case Ordered:
		return int64(q.place[ai])
	case RoundRobin:
		n := int64(len(q.order))
		last := int64(-1)
		if li, ok := s.agentAt[q.last]; ok && int(li) < len(q.place) {
			last = int64(q.place[li])
		}
		return (int64(q.place[ai]) - last - 1 + n) % n
	case Random:
		return int64(mix(s.seed^mix(uint64(s.lastOffer)+1)^a.hash) >> 11)
	}
	return 0
}

// mix is the finaliser of SplitMix64: every bit of x moves every bit of the result.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
