package engine

import (
	"cmp"
	"slices"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
)

// Dump is everything of the state that must survive a restart, in an order that
// is always the same: two engines that would decide alike have equal dumps.
type Dump struct {
	At        time.Time
	LastOffer OfferID
	Agents    []AgentDump
	Contacts  []ContactDump
	Last      map[QueueID]AgentID  `json:",omitempty"` // offered to last, by queue
	Pace      map[QueueID]kpi.Pace `json:",omitempty"`
	Served    []ServedDump         `json:",omitempty"` // the oldest first, as all that follows
	Left      []LeftDump           `json:",omitempty"`
	Carried   []CarriedDump        `json:",omitempty"`
	Held      []HeldDump           `json:",omitempty"`
}

// ServedDump is who served a caller last.
type ServedDump struct {
	Caller journal.SubjectID
	Agent  AgentID
	Queue  QueueID
	At     time.Time
}

// LeftDump is the place of a caller who left the line of a queue.
type LeftDump struct {
	Queue  QueueID
	Caller journal.SubjectID
	Rank   time.Time
	At     time.Time
	Cut    bool `json:",omitempty"` // by a restart
}

// HeldDump is who has taken a caller.
type HeldDump struct {
	Caller journal.SubjectID
	By     journal.SubjectID
	Until  time.Time
}

// CarriedDump is the place of a contact that a queue gave back to its path.
type CarriedDump struct {
	Contact ContactID
	Rank    time.Time
}

// AgentDump is an agent in a Dump; those logged out without a trace are left out.
type AgentDump struct {
	Agent    AgentID
	State    journal.AgentStateName
	Reason   Reason                 `json:",omitempty"`
	Since    time.Time              `json:",omitzero"`
	Misses   int32                  `json:",omitempty"`
	Until    time.Time              `json:",omitzero"`
	Idle     time.Time              `json:",omitzero"`
	Retry    time.Time              `json:",omitzero"`
	Asked    journal.AgentStateName `json:",omitempty"`
	AskedWhy Reason                 `json:",omitempty"`
	Outside  bool                   `json:",omitempty"`
	Gone     bool                   `json:",omitempty"`
	Contact  ContactID              `json:",omitempty"`
	Offer    OfferID                `json:",omitempty"`
	Deadline time.Time              `json:",omitzero"`
	Served   QueueID                `json:",omitempty"` // of the last talk
	Owes     ContactID              `json:",omitempty"`
	Extended bool                   `json:",omitempty"`
	Screen   time.Time              `json:",omitzero"`
	Left     time.Time              `json:",omitzero"`
	Proposed time.Time              `json:",omitzero"`
	Calls    int64                  `json:",omitempty"`
	Open     time.Duration          `json:",omitempty"` // logged in and not paused since login
	Busy     []int32                `json:",omitempty"` // ms of talk and wrap-up, by minute of the hour
	Avail    []int32                `json:",omitempty"` // ms logged in and not paused, by minute of the hour
}

// ContactDump is a contact in a Dump.
type ContactDump struct {
	Contact ContactID
	Queue   QueueID
	Caller  journal.SubjectID `json:",omitempty"`
	Urgent  bool              `json:",omitempty"`
	Rank    time.Time
	Since   time.Time
	Round   time.Time         `json:",omitzero"` // of the offers that stand
	Talks   bool              `json:",omitempty"`
	Waited  time.Duration     `json:",omitempty"`
	Talked  time.Duration     `json:",omitempty"`
	Offers  []OfferID         `json:",omitempty"`
	Missed  map[AgentID]int32 `json:",omitempty"`

	Keep      AgentID       `json:",omitempty"`
	KeepUntil time.Time     `json:",omitzero"`
	Position  int32         `json:",omitempty"` // told last, as what follows
	Agents    int32         `json:",omitempty"`
	Low       time.Duration `json:",omitempty"`
	High      time.Duration `json:",omitempty"`
	Promised  time.Time     `json:",omitzero"`
	Virtual   bool          `json:",omitempty"`
	Dialling  bool          `json:",omitempty"`
	Tries     int32         `json:",omitempty"`
	NextTry   time.Time     `json:",omitzero"`
	Settled   bool          `json:",omitempty"`
	Why       Reason        `json:",omitempty"` // of Settled; empty in what was kept before it was known: by hand
}

// Dump returns the state as it is at the instant at, without changing it. Load is
// its reverse.
func (s *State) Dump(at time.Time) Dump {
	now := max(s.now, at.UnixNano())
	d := Dump{At: stamp(now), LastOffer: s.lastOffer, Last: map[QueueID]AgentID{}, Pace: map[QueueID]kpi.Pace{}}
	for i := range s.agents {
		if a := &s.agents[i]; a.since != 0 {
			d.Agents = append(d.Agents, s.dumpAgent(a, now))
		}
	}
	for i := range s.contacts {
		if c := &s.contacts[i]; c.used {
			d.Contacts = append(d.Contacts, s.dumpContact(c))
		}
	}
	for i := range s.queues {
		if q := &s.queues[i]; q.last != "" {
			d.Last[q.cfg.ID] = q.last
		}
		if q := &s.queues[i]; q.pace != (kpi.Pace{}) {
			d.Pace[q.cfg.ID] = q.pace
		}
	}
	s.served.each(func(caller journal.SubjectID, m *service) {
		d.Served = append(d.Served, ServedDump{caller, m.agent, s.queues[m.queue].cfg.ID, stamp(m.at)})
	})
	s.left.each(func(at line, m *formerly) {
		d.Left = append(d.Left, LeftDump{s.queues[at.queue].cfg.ID, at.caller, stamp(m.key), stamp(m.at), m.cut})
	})
	s.carried.each(func(id ContactID, key *int64) { d.Carried = append(d.Carried, CarriedDump{id, stamp(*key)}) })
	s.held.each(func(caller journal.SubjectID, h *hold) {
		if h.until > now {
			d.Held = append(d.Held, HeldDump{caller, h.by, stamp(h.until)})
		}
	})
	slices.SortFunc(d.Agents, func(a, b AgentDump) int { return cmp.Compare(a.Agent, b.Agent) })
	slices.SortFunc(d.Contacts, func(a, b ContactDump) int { return cmp.Compare(a.Contact, b.Contact) })
	return d
}

func (s *State) dumpAgent(a *agent, now int64) AgentDump {
	w := *a.work
	w.book(a.shown.state.class(), now)
	v := a.view()
	d := AgentDump{
		Agent: a.id, State: v.state.name(), Reason: v.reason, Since: stamp(a.since), Misses: v.misses,
		Until: stamp(v.wrapUntil), Idle: stamp(v.idle), Asked: v.asked.name(), AskedWhy: v.askedWhy,
		Outside: v.outside, Gone: v.gone, Offer: a.offer, Deadline: stamp(a.deadline),
		Calls: w.calls, Open: time.Duration(w.open),
		Owes: v.owes, Extended: v.extended, Screen: stamp(v.screen), Left: stamp(v.left), Proposed: stamp(a.proposed),
	}
	if a.server >= 0 {
		d.Served = s.queues[a.server].cfg.ID
	}
	if w.sumOpen > 0 {
		d.Busy, d.Avail = make([]int32, len(w.minutes)), make([]int32, len(w.minutes))
		for i, m := range w.minutes {
			d.Busy[i], d.Avail[i] = m.busy, m.avail
		}
	}
	if a.retryAt > now {
		d.Retry = stamp(a.retryAt)
	}
	if a.contact >= 0 {
		d.Contact = s.contacts[a.contact].id
	}
	return d
}

func (s *State) dumpContact(c *contact) ContactDump {
	d := ContactDump{
		Contact: c.id, Queue: s.queues[c.queue].cfg.ID, Caller: c.caller, Urgent: c.urgent,
		Rank: stamp(c.key), Since: stamp(c.since), Talks: c.talks,
		Waited: time.Duration(c.waited), Talked: time.Duration(c.talked),
		Position: c.said.position, Agents: c.said.agents, Low: time.Duration(c.said.low), High: time.Duration(c.said.high), Promised: stamp(c.said.until),
		Virtual: c.virtual, Dialling: c.dialling, Tries: c.tries, NextTry: stamp(c.nextTry), Settled: c.settled != "", Why: c.settled,
	}
	if c.keep >= 0 {
		d.Keep, d.KeepUntil = s.agents[c.keep].id, stamp(c.keepUntil)
	}
	if len(c.offers) > 0 {
		d.Round = stamp(c.round)
	}
	for _, ai := range c.offers {
		d.Offers = append(d.Offers, s.agents[ai].offer)
	}
	slices.Sort(d.Offers)
	for _, m := range c.missed {
		if d.Missed == nil {
			d.Missed = map[AgentID]int32{}
		}
		d.Missed[s.agents[m.agent].id] = m.n
	}
	return d
}

// Load takes over a dump, after New and before Fold.
func (s *State) Load(d *Dump) {
	s.replaying, s.folded = true, true
	s.now = d.At.UnixNano()
	s.lastOffer = d.LastOffer
	for i := range d.Contacts {
		s.loadContact(&d.Contacts[i])
	}
	for i := range d.Agents {
		s.loadAgent(&d.Agents[i])
	}
	for i := range s.contacts {
		slices.SortFunc(s.contacts[i].offers, func(a, b int32) int { return cmp.Compare(s.agents[a].offer, s.agents[b].offer) })
	}
	for q, last := range d.Last {
		s.queues[s.queueSlot(q)].last = last
	}
	for q, pace := range d.Pace {
		s.queues[s.queueSlot(q)].pace = pace
	}
	for _, m := range d.Served {
		s.served.put(m.Caller, service{m.Agent, instant(m.At), s.queueSlot(m.Queue)})
	}
	for _, m := range d.Left {
		s.left.put(line{s.queueSlot(m.Queue), m.Caller}, formerly{instant(m.Rank), instant(m.At), m.Cut})
	}
	for _, m := range d.Carried {
		s.carried.put(m.Contact, instant(m.Rank))
	}
	for _, m := range d.Held {
		s.held.put(m.Caller, hold{m.By, instant(m.Until)})
	}
}

func (s *State) loadContact(d *ContactDump) {
	if _, ok := s.find(d.Contact); ok || d.Contact == "" {
		return
	}
	qi := s.queueSlot(d.Queue)
	c := &s.contacts[s.newContact(d.Contact, s.contactAt.hash(d.Contact))]
	c.queue, c.caller, c.urgent, c.talks = qi, d.Caller, d.Urgent, d.Talks
	c.key, c.since, c.round = instant(d.Rank), instant(d.Since), instant(d.Round)
	c.waited, c.talked = int64(d.Waited), int64(d.Talked)
	c.said = told{d.Position, d.Agents, int64(d.Low), int64(d.High), instant(d.Promised)}
	c.virtual, c.dialling, c.tries, c.nextTry, c.settled = d.Virtual, d.Dialling, d.Tries, instant(d.NextTry), d.Why
	if d.Settled && d.Why == "" {
		c.settled = ReasonByHand
	}
	if d.Keep != "" {
		c.keep, c.keepUntil = s.agentSlot(d.Keep), instant(d.KeepUntil)
	}
	for agent, n := range d.Missed {
		c.missed = append(c.missed, miss{s.agentSlot(agent), n})
	}
}

func (s *State) loadAgent(d *AgentDump) {
	ai := s.agentSlot(d.Agent)
	a := &s.agents[ai]
	s.foldAgent(&Event{
		Agent: d.Agent, Reason: d.Reason, Misses: int(d.Misses), Until: InstantOf(d.Until), Outside: d.Outside, Gone: d.Gone, Owes: d.Owes,
		AgentPart: AgentPart{
			State: d.State, Asked: d.Asked, AskedReason: d.AskedWhy, Idle: InstantOf(d.Idle),
			Extended: d.Extended, Screen: InstantOf(d.Screen), Left: InstantOf(d.Left),
		},
	})
	a.since, a.retryAt, a.proposed = instant(d.Since), instant(d.Retry), instant(d.Proposed)
	if d.Served != "" {
		a.server = s.queueSlot(d.Served)
	}
	*a.work = workload{upto: s.now, calls: d.Calls, open: int64(d.Open)}
	if len(d.Busy) == 60 && len(d.Avail) == 60 {
		for i := range d.Busy {
			a.work.minutes[i] = worked{d.Busy[i], d.Avail[i]}
			a.work.sumBusy += int64(d.Busy[i])
			a.work.sumOpen += int64(d.Avail[i])
		}
	}
	ci, ok := s.find(d.Contact)
	if !ok || d.Offer == 0 {
		return
	}
	c := &s.contacts[ci]
	a.contact, a.offer, a.deadline = ci, d.Offer, instant(d.Deadline)
	s.offerAt.put(d.Offer, ai)
	switch {
	case c.talks:
		a.phase, c.agent = talking, ai
		return
	case c.dialling:
		a.phase, c.agent = dialling, ai
		return
	}
	a.phase = ringing
	c.offers = append(c.offers, ai)
}
