package call

import (
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/route"
)

// origin is a call that the box makes for a person of the office.
//
//	ringing him ──answers──▶ (granted) ──▶ dialling ──▶ through
//
// With an offer it calls a queue's caller back; then the ACD hears exactly once
// what came of it: OfferFailed before OfferAnswered, CallbackResult once granted.
// Where the call is over before it is granted its owner answers for it.
type origin struct {
	on      bool
	dialled string
	offer   journal.OfferID // 0: click to dial
	queue   office.ID
	granted bool
	settled bool // the ACD has been told
}

// originated begins with the person's own phones.
func (s *State) originated(e Originated) {
	if s.phase != Arriving || len(s.legs) > 0 || s.origin.on {
		return
	}
	s.phase = Originating
	s.dir = journal.Outbound
	s.person, s.from, s.dialled = e.Person, e.Person, e.To
	s.origin = origin{on: true, dialled: e.Dialled, offer: e.Offer, queue: e.Queue}
	if e.Contact != "" {
		s.contact = e.Contact
	}
	s.start(journal.CallStarted{Direction: s.dir, From: e.Person, To: e.To})
	a, show := attempt{why: forOrigin}, ""
	if e.Offer != 0 {
		a.why, a.offer, show = forOffer, e.Offer, s.shows(e.Queue)
	} else {
		s.arm(timerRing, s.now.Add(ringLimit))
	}
	s.reach(a, Ring{People: []journal.SubjectID{e.Person}, Show: show})
}

// originUp makes the phone that answered the caller's, and asks for the way out.
func (s *State) originUp(l *leg) {
	s.first = l
	l.attempt = 0
	l.ofQueue = s.origin.offer != 0
	s.request = route.Request{Device: l.device, Trust: route.TrustDigest, Dialled: s.origin.dialled}
	s.do(Decide{Request: s.request})
}

// originGranted goes on once the ACD has given the agent the caller to call back.
func (s *State) originGranted(o journal.OfferID) {
	a := s.attemptOf(o)
	if s.origin.granted || s.origin.settled || a == nil {
		return
	}
	s.origin.granted = true
	a.over = true
	if s.phase != Originating { // he has hung up meanwhile
		s.tellResult(ResultFailed)
		return
	}
	if !a.winner.up() || a.winner.hungUp {
		s.end(CauseFailed, "called")
		return
	}
	s.originUp(a.winner)
}

// originStopped ends the ringing of an offer to call back, or sends an agent away
// who answered too late.
func (s *State) originStopped(cause Cause) {
	if !s.origin.granted {
		s.origin.settled = true
		s.end(cause, "box")
	}
}

// originThrough joins the person with the number that has answered.
func (s *State) originThrough(l *leg) {
	if s.answered.IsZero() {
		s.answered = s.now
		s.log(journal.CallAnswered{By: s.person})
	}
	if s.origin.offer == 0 {
		s.talk(l)
		return
	}
	s.tellResult(ResultAnswered)
	s.queue = queueState{served: s.origin.queue}
	s.join(l, s.person)
}

// tellResult tells the ACD once what came of calling back.
func (s *State) tellResult(result string) {
	if s.origin.offer != 0 && !s.origin.settled {
		s.origin.settled = true
		s.do(CallbackResult{Result: result})
	}
}

// originEnds settles a call back that comes to its end.
func (s *State) originEnds(cause Cause) {
	o := &s.origin
	switch {
	case !o.on || o.offer == 0 || o.settled:
	case o.granted:
		s.tellResult(callbackResult(cause))
	case s.attemptOf(o.offer).winner != nil: // the ACD's decision about his answer is on its way
	default:
		o.settled = true
		s.do(OfferFailed{Offer: o.offer, Reason: cause})
	}
}

// callbackResult is how the ACD calls an end.
func callbackResult(cause Cause) string {
	switch cause {
	case CauseBusy, CauseRejected:
		return ResultBusy
	case CauseNoAnswer, CauseOffline:
		return ResultNoAnswer
	}
	return ResultFailed
}
