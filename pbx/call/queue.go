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
	s.hear(EnterQueue{Group: group})
}

// enterQueueDirectly is for a caller of the office who dialled a queue.
func (s *State) enterQueueDirectly(group office.ID) {
	s.phase = Following
	s.hear(PlayLoop{Leg: s.caller().id, What: Sound{OnHold: true, Lang: s.lang()}})
	s.enterQueue(group)
}

// inQueue says whether offers may come: the ACD has been told, which waits for the
// caller's leg.
func (s *State) inQueue() bool {
	return s.queue.group != "" && s.phase == Following && s.caller().up()
}

// leaveQueue tells the ACD that the caller waits no more.
func (s *State) leaveQueue() {
	if s.queue.group == "" {
		return
	}
	s.queue.group = ""
	for _, a := range s.attempts {
		if a.why == forOffer {
			s.stopAttempt(a, CauseAbandoned)
		}
	}
	s.do(LeaveQueue{})
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
	s.reach(attempt{why: forOffer, offer: e.Offer, agent: e.Agent}, Ring{People: []journal.SubjectID{e.Agent}})
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
	s.stopAttempt(a, cause)
}

// offerGranted joins caller and agent. The ACD counts them as talking from now on,
// so it has to hear if that is not so: the caller may be gone, or the agent, who
// hung up as soon as he had answered; then the caller goes on waiting.
func (s *State) offerGranted(o journal.OfferID) {
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
	s.talk(l)
}

func (s *State) offerDenied(o journal.OfferID) {
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
	for _, a := range s.attempts {
		if a.why == forOffer {
			s.stopAttempt(a, CauseElsewhere)
		}
	}
	if s.path == nil {
		s.say(promptNobody, CauseNoAnswer, "box")
		return
	}
	s.lead(ivr.QueueLeft{Reason: reason})
}

// backInLine returns the caller to his place after his agent's phone vanished in
// the middle of the talk.
func (s *State) backInLine() {
	s.talked += s.now.Sub(s.joined)
	s.joined, s.partner = time.Time{}, nil
	s.phase = Following
	s.queue = queueState{group: s.queue.served}
	s.do(TalkLost{})
	s.do(PlayLoop{Leg: s.caller().id, What: Sound{OnHold: true, Lang: s.lang()}})
}
