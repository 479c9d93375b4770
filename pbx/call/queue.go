package call

import (
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/ivr"
)

// enterQueue hands the caller, who hears music, to the ACD.
func (s *State) enterQueue(group office.ID) {
	s.queue = queueState{group: group}
	s.contact = journal.ContactID(s.id) // who was called back has had another one
	if s.came.IsZero() || s.handed == 0 {
		s.came = s.now
	}
	s.hear(EnterQueue{Group: group, Since: s.caller().home.Since})
}

// rules are the rules of a queue; an empty set for one that is gone.
func (s *State) rules(group office.ID) *office.QueueRules {
	if g := s.doc.GroupByID(group); g != nil && g.Queue != nil {
		return g.Queue
	}
	return &office.QueueRules{}
}

// music is what who waits in a queue hears.
func (s *State) music(group office.ID) Sound {
	m := Sound{OnHold: true, Lang: s.lang()}
	if p := s.doc.PromptByID(s.rules(group).Music); p != nil {
		m.Prompt, m.Audio = p.ID, p.Audio[m.Lang]
	}
	return m
}

// enterQueueDirectly is for a caller of the office who dialled a queue.
func (s *State) enterQueueDirectly(group office.ID) {
	s.phase = Following
	s.hear(PlayLoop{Leg: s.caller().id, What: s.music(group)})
	s.enterQueue(group)
	s.offerKey()
}

// inQueue says whether offers may come: the ACD has been told, which waits for the
// caller's leg.
func (s *State) inQueue() bool {
	return s.queue.group != "" && s.phase == Following && s.caller().up()
}

// leaveQueue tells the ACD that the caller waits no more; who has confirmed a call
// back keeps his place.
func (s *State) leaveQueue() {
	if s.queue.group == "" {
		return
	}
	s.queue.group = ""
	s.stopOffers(CauseAbandoned)
	if s.room.phase != roomAsking {
		s.do(LeaveQueue{})
	}
}

// exitQueue tells it that he has chosen something else.
func (s *State) exitQueue() {
	s.queue.group = ""
	s.stopOffers(CauseAbandoned)
	s.do(ExitQueue{})
}

// stopOffers stops the ringing of every offer.
func (s *State) stopOffers(cause Cause) {
	for _, a := range s.attempts {
		if a.why == forOffer {
			s.stopAttempt(a, cause)
		}
	}
}

// stopAttempt ends an attempt that has become needless.
func (s *State) stopAttempt(a *attempt, cause Cause) {
	if a.over {
		return
	}
	a.over = true
	for _, l := range s.legs {
		if l.attempt == a.id && l != s.partner {
			s.drop(l, cause)
		}
	}
}

func (s *State) offered(e Offer) {
	if !s.inQueue() {
		s.do(OfferFailed{Offer: e.Offer, Reason: CauseAbandoned})
		return
	}
	s.reach(attempt{why: forOffer, offer: e.Offer, agent: e.Agent}, Ring{People: []journal.SubjectID{e.Agent}, Show: s.shows(s.queue.group)})
}

// shows is what an agent's phone shows for a call of a queue beside the caller.
func (s *State) shows(group office.ID) string {
	if g := s.doc.GroupByID(group); g != nil && g.Queue != nil && g.Queue.WhisperName {
		return g.Name
	}
	return ""
}

func (s *State) offerStopped(e OfferStopped) {
	a := s.attemptOf(e.Offer)
	if a == nil {
		return
	}
	cause := CauseNoAnswer
	if e.Elsewhere {
		cause = CauseElsewhere
	}
	if s.origin.on {
		s.originStopped(cause)
		return
	}
	s.stopAttempt(a, cause)
}

// offerGranted joins caller and agent. The ACD counts them as talking from now on,
// so it has to hear if that is not so: the caller may be gone, or the agent, who
// hung up as soon as he had answered; then the caller goes on waiting.
func (s *State) offerGranted(o journal.OfferID) {
	if s.origin.on {
		s.originGranted(o)
		return
	}
	a := s.attemptOf(o)
	switch {
	case s.queue.served != "": // nothing new
		return
	case !s.inQueue():
		s.do(TalkEnded{})
		return
	case a == nil || !a.winner.up() || a.winner.hungUp:
		if a != nil {
			a.over = true
		}
		s.do(TalkLost{})
		return
	}
	l := a.winner
	a.over = true
	s.queue = queueState{served: s.queue.group}
	for _, other := range s.attempts {
		if other != a && other.why == forOffer {
			s.stopAttempt(other, CauseElsewhere)
		}
	}
	s.join(l, a.agent)
}

func (s *State) offerDenied(o journal.OfferID) {
	if s.origin.on {
		s.originStopped(CauseElsewhere)
		return
	}
	if a := s.attemptOf(o); a != nil {
		s.stopAttempt(a, CauseElsewhere)
	}
}

// queueLeft lets the path go on after the queue gave the call back.
func (s *State) queueLeft(reason string) {
	if !s.inQueue() {
		return
	}
	s.queue = queueState{}
	s.stopOffers(CauseElsewhere)
	s.disarm(timerKeys)
	s.room = room{}
	if s.path == nil {
		if s.transfer.on {
			s.transferFailed(CauseNoAnswer, 0)
			return
		}
		s.say(promptNobody, CauseNoAnswer, "box")
		return
	}
	s.lead(ivr.QueueLeft{Reason: reason})
}

// backInLine returns the caller to his place after his agent's phone vanished in
// the middle of the talk.
func (s *State) backInLine() {
	if !s.joined.IsZero() {
		s.talked += s.now.Sub(s.joined)
	}
	s.joined, s.partner = time.Time{}, nil
	s.phase = Following
	s.queue = queueState{group: s.queue.served}
	s.do(TalkLost{})
	s.do(PlayLoop{Leg: s.caller().id, What: s.music(s.queue.group)})
}
