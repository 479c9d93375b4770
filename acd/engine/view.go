package engine

import (
	"cmp"
	"slices"
	"time"

	"centralino/internal/journal"
)

// AgentView is what an agent does.
type AgentView struct {
	Agent    AgentID
	State    journal.AgentStateName
	Reason   Reason
	Asked    journal.AgentStateName // what he will be after the talk and wrap-up, empty if nothing
	Since    time.Time              // of State and Reason
	Until    time.Time              // end of wrap-up, zero if none
	Misses   int
	Contact  ContactID // offered or talking
	Offer    OfferID
	Owes     ContactID // whose outcome he has yet to tell, empty if none
	Extended bool      // the wrap-up has been lengthened
	BreakDue time.Time // when he must take his break at the latest; zero while he is off the screen
	Proposed bool      // that break was proposed

	Queues []QueueID // he is a member of, in the order of the office
}

// ContactView is one waiting contact.
type ContactView struct {
	Contact ContactID
	Since   time.Time // waits since
	Rank    time.Time
	Ringing bool
	Urgent  bool

	Callback bool      // not on the line: to be called back
	Dialling bool      // and an agent waits while the switch calls
	Tries    int       // attempts so far
	NextTry  time.Time // not before; zero: in his turn
}

// QueueView is what a queue looks like.
type QueueView struct {
	Queue   QueueID
	Waiting []ContactView // in the order in which they are served
	Talking int
	Members []AgentID
}

// Agent returns the view of one agent, and false if he is in no queue.
func (s *State) Agent(id AgentID) (AgentView, bool) {
	i, ok := s.agentAt[id]
	if !ok || s.agents[i].queues == 0 {
		return AgentView{}, false
	}
	a := &s.agents[i]
	v := a.view()
	w := AgentView{
		Agent: a.id, State: v.state.name(), Reason: v.reason, Asked: v.asked.name(), Since: stamp(a.since),
		Until: stamp(v.wrapUntil), Misses: int(v.misses), Offer: a.offer, Owes: v.owes, Extended: v.extended,
	}
	if limit := s.guard.limit(a); limit != 0 {
		w.BreakDue, w.Proposed = stamp(limit), a.proposed == limit
	}
	if a.contact >= 0 {
		w.Contact = s.contacts[a.contact].id
	}
	for _, qi := range s.order {
		if q := &s.queues[qi]; int(i) < len(q.place) && q.place[i] >= 0 {
			w.Queues = append(w.Queues, q.cfg.ID)
		}
	}
	return w, true
}

// Agents returns the views of all members of any queue, by id.
func (s *State) Agents() []AgentView {
	list := make([]AgentView, 0, len(s.agents))
	for i := range s.agents {
		if v, ok := s.Agent(s.agents[i].id); ok {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b AgentView) int { return cmp.Compare(a.Agent, b.Agent) })
	return list
}

// Queues returns the views of all configured queues in the order of the office.
func (s *State) Queues() []QueueView {
	list := make([]QueueView, 0, len(s.order))
	var waiting []int32
	for _, qi := range s.order {
		q := &s.queues[qi]
		v := QueueView{Queue: q.cfg.ID, Talking: q.talking, Members: slices.Clone(q.cfg.Members)}
		waiting = s.sortedWaiting(waiting[:0], qi)
		for _, ci := range waiting {
			c := &s.contacts[ci]
			v.Waiting = append(v.Waiting, ContactView{
				Contact: c.id, Since: stamp(c.since), Rank: stamp(c.key), Ringing: len(c.offers) > 0, Urgent: c.urgent,
				Callback: c.virtual, Dialling: c.dialling, Tries: int(c.tries), NextTry: stamp(c.nextTry),
			})
		}
		list = append(list, v)
	}
	return list
}
