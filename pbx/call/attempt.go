package call

import (
	"centralino/internal/journal"
	"centralino/pbx/ivr"
	"centralino/pbx/route"
)

// purpose says what an attempt is for, and so what happens when nobody answers.
type purpose string

const (
	forExtension purpose = "extension" // a phone dialled it: refusal
	forPath      purpose = "path"      // the path goes on
	forOffer     purpose = "offer"     // the ACD is told
	forDial      purpose = "dial"      // the next line is tried, then refusal
	forOrigin    purpose = "origin"    // the person for whom the box makes the call
	forTransfer  purpose = "transfer"  // whom the caller was handed on to: he who did so is called back
	forRecall    purpose = "recall"    // he who handed the caller on: where the call was before
)

// attempt is one try to reach somebody: a set of legs of which the first to
// answer wins.
type attempt struct {
	id      int
	why     purpose
	offer   journal.OfferID
	agent   journal.SubjectID
	person  bool // path: a person and not a group
	out     route.DialOut
	started bool // every leg has been announced
	winner  *leg
	over    bool
	late    bool  // its time is over
	last    Cause // of the legs that ended
	code    int
}

// reach starts an attempt with the given first action.
func (s *State) reach(a attempt, act Action) *attempt {
	a.id = len(s.attempts) + 1
	p := &a
	s.attempts = append(s.attempts, p)
	switch r := act.(type) {
	case Ring:
		r.Attempt = p.id
		s.do(r)
	case DialOut:
		r.Attempt = p.id
		s.do(r)
	}
	if s.phase == Arriving || s.phase == Originating && a.why == forDial {
		s.phase = Reaching
	}
	return p
}

// dial reaches an outside number.
func (s *State) dial(out route.DialOut) {
	if c := s.caller(); c.up() { // he does not hear the called line's own tone
		s.do(PlayLoop{Leg: c.id, What: Sound{Tone: "ringback"}})
	}
	s.reach(attempt{why: forDial, out: out}, DialOut{Out: out})
	limit := dialLimit
	if out.Emergency {
		limit += emergencyWait
	}
	s.arm(timerRing, s.now.Add(limit))
}

func (s *State) attempt(id int) *attempt {
	if id < 1 || id > len(s.attempts) {
		return nil
	}
	return s.attempts[id-1]
}

func (s *State) attemptOf(o journal.OfferID) *attempt {
	for _, a := range s.attempts {
		if a.why == forOffer && a.offer == o {
			return a
		}
	}
	return nil
}

func (s *State) legStarted(e LegStarted) {
	a := s.attempt(e.Attempt)
	if a == nil {
		return
	}
	l := s.addLeg(&leg{id: e.Leg, kind: e.Kind, device: e.Device, line: e.Line, person: e.Person,
		attempt: a.id, state: legCalling})
	if a.over || s.phase == Ending || s.phase == Over {
		s.drop(l, CauseElsewhere)
		return
	}
	if a.why != forOffer {
		s.occupy(l)
	}
}

func (s *State) attemptStarted(e AttemptStarted) {
	a := s.attempt(e.Attempt)
	if a == nil || a.over {
		return
	}
	a.started = true
	if e.Legs == 0 {
		a.last = noLegsCause(a.why, e.Reason)
	}
	s.settle(a)
}

func noLegsCause(why purpose, reason string) Cause {
	switch {
	case reason == "busy":
		return CauseBusy
	case why == forDial, reason == "noLine":
		return CauseNoLine
	}
	return CauseOffline
}

// legProgress passes ringing on to the caller: as 180, or as early media where a
// single called leg has some. Never both.
func (s *State) legProgress(e LegProgress) {
	l := s.leg(e.Leg)
	if !l.live() || l.up() || l.attempt == 0 {
		return
	}
	if l.state != legRinging {
		l.state = legRinging
		s.logLeg(l, journal.LegRinging, "", 0)
	}
	a, c := s.attempt(l.attempt), s.caller()
	if a.why == forTransfer || a.why == forRecall {
		s.transferRings(a, l, e.Early)
		return
	}
	if s.origin.on && e.Early && a.why == forDial && !a.over && c.up() && !l.early {
		l.early = true
		s.do(Connect{A: c.id, B: l.id})
		return
	}
	if a.over || !c.live() || c.up() || c.kind == journal.LegLine {
		return
	}
	if e.Early && a.why == forDial {
		if !l.early {
			l.early, c.early = true, true
			s.do(Ringing{Leg: c.id, Early: true})
			s.do(Connect{A: c.id, B: l.id})
		}
		return
	}
	if c.state == legCalling && !c.early {
		c.state = legRinging
		s.do(Ringing{Leg: c.id})
	}
}

func (s *State) legAnswered(e LegAnswered) {
	l := s.leg(e.Leg)
	if !l.live() || l.up() || l.hungUp { // what is being hung up answers no more
		return
	}
	if l == s.caller() {
		s.logLeg(l, journal.LegAnswered, "", 0)
		s.callerUp(l)
		return
	}
	a := s.attempt(l.attempt)
	l.state, l.presumed = legUp, e.Presumed
	s.logLeg(l, journal.LegAnswered, "", 0)
	if a == nil || a.over || a.winner != nil {
		s.drop(l, CauseElsewhere)
		return
	}
	a.winner = l
	s.dropOthers(a, l)
	if a.why == forOffer {
		s.do(OfferAnswered{a.offer})
		return
	}
	a.over = true
	s.disarm(timerRing)
	switch a.why {
	case forOrigin:
		s.originUp(l)
	case forTransfer, forRecall:
		s.transferUp(a, l)
	default:
		s.won(l)
	}
}

// closeAttempts makes every attempt meaningless: the call comes to its end.
func (s *State) closeAttempts() {
	for _, a := range s.attempts {
		a.over = true
	}
}

// won joins the caller with the leg that answered, taking the caller's leg first
// if need be.
func (s *State) won(l *leg) {
	c := s.caller()
	if s.origin.on {
		s.originThrough(l)
		return
	}
	if c.up() {
		s.talk(l)
		return
	}
	s.awaiting = l
	s.answer(c)
}

// dropOthers stops the ringing of an attempt's other legs; their phones show no
// missed call.
func (s *State) dropOthers(a *attempt, winner *leg) {
	for _, l := range s.legs {
		if l.attempt == a.id && l != winner {
			s.drop(l, CauseElsewhere)
		}
	}
}

// attemptLost handles the end of a called leg that does not talk.
func (s *State) attemptLost(l *leg, e LegEnded) {
	a := s.attempt(l.attempt)
	if a == nil || a.over {
		if s.awaiting == l {
			s.awaiting = nil
			s.end(CauseAbandoned, "called")
		}
		return
	}
	if a.winner == l { // answered, and gone before the ACD could join them: see offerGranted
		return
	}
	if e.Cause != CauseElsewhere && (a.last == "" || telling[e.Cause] > telling[a.last]) {
		a.last, a.code = e.Cause, e.Code
	}
	s.settle(a)
}

// telling ranks the causes of phones that failed by how much they tell the caller.
var telling = map[Cause]int{CauseBusy: 4, CauseRejected: 3, CauseNoAnswer: 2, CauseUnknown: 1}

// settle ends an attempt once none of its legs can answer any more.
func (s *State) settle(a *attempt) {
	if a.over || !a.started || a.winner != nil {
		return
	}
	for _, l := range s.legs {
		if l.attempt == a.id && l.live() && !l.hungUp {
			return
		}
	}
	if a.last == "" {
		a.last = CauseOffline
	}
	a.over = true
	s.unreached(a)
}

// unreached goes on after an attempt that nobody answered.
func (s *State) unreached(a *attempt) {
	switch a.why {
	case forOffer:
		s.do(OfferFailed{Offer: a.offer, Reason: a.last})
		if s.origin.on {
			s.origin.settled = true
			s.end(a.last, "called")
		}
	case forOrigin:
		s.disarm(timerRing)
		s.end(a.last, "called")
	case forPath:
		s.disarm(timerRing)
		if a.person {
			s.lead(ivr.PersonUnanswered{Reason: string(a.last)})
		} else {
			s.lead(ivr.GroupUnanswered{Reason: string(a.last)})
		}
	case forTransfer:
		if a.out.Candidates != nil && s.nextLine(a) {
			s.transfer.rung = false
			return
		}
		s.disarm(timerRing)
		s.transferFailed(a.last, a.code)
	case forRecall:
		s.disarm(timerRing)
		s.goHome(a.last)
	case forDial:
		if s.nextLine(a) {
			return
		}
		s.disarm(timerRing)
		if a.last == CauseNoLine || a.last == CauseLineGone || a.last == CauseFailed {
			s.say(a.out.Exhausted, a.last, "box")
			return
		}
		s.giveUp(a.last, a.code)
	case forExtension:
		s.disarm(timerRing)
		if then := s.then; then != nil {
			s.then = nil
			s.reach(attempt{why: forExtension}, Ring{Devices: then})
			s.arm(timerRing, s.now.Add(ringLimit))
			return
		}
		s.giveUp(a.last, a.code)
	}
}

// nextLine tries the remaining lines after one that would not carry the call. A
// call for help tries them whatever the first one said (a provider's refusal or
// busy tone is not the last word), and asks on where none remains of those that
// were free at first.
func (s *State) nextLine(a *attempt) bool {
	switch {
	case a.last == CauseNoLine || a.late || len(s.attempts)-s.dials >= dialTries:
		return false
	case a.last != CauseFailed && a.last != CauseLineGone && !a.out.Emergency:
		return false
	}
	used := make(map[string]bool)
	for _, l := range s.legs {
		if l.attempt > s.dials {
			used[string(l.line)] = true
		}
	}
	out := a.out
	out.Candidates = nil
	for _, c := range a.out.Candidates {
		if !used[string(c.Line)] {
			out.Candidates = append(out.Candidates, c)
		}
	}
	if len(out.Candidates) == 0 && !out.Emergency {
		return false
	}
	s.ringBack(a)
	s.reach(attempt{why: a.why, out: out}, DialOut{Out: out})
	return true
}

// ringBack lets the caller hear that it still rings, where he has heard the far end of a
// line that has failed.
func (s *State) ringBack(a *attempt) {
	c := s.caller()
	for _, l := range s.legs {
		if l.attempt == a.id && l.early && (c.up() || c.early) {
			s.do(PlayLoop{Leg: c.id, What: Sound{Tone: "ringback"}})
			return
		}
	}
}

// giveUp ends a call whose called party could not be reached. A caller whose leg
// is already through hears busy tone first, because no code can tell him.
func (s *State) giveUp(cause Cause, code int) {
	c := s.caller()
	if s.origin.on {
		s.say(unreachedPrompt[cause], cause, "called")
		return
	}
	if c.up() {
		s.phase = Saying
		s.playID++
		s.saying = saying{id: s.playID, cause: cause, by: "box"}
		s.do(PlayLoop{Leg: c.id, What: Sound{Tone: "busy"}})
		s.arm(timerSaying, s.now.Add(refuseTone))
		return
	}
	if c.code == 0 && toldOn[code] {
		c.code = code
	}
	s.end(cause, "called")
}

// unreachedPrompt tells who asked the box to dial why nobody is there.
var unreachedPrompt = map[Cause]string{
	CauseBusy: "busy", CauseRejected: "busy", CauseNoAnswer: "unavailable", CauseUnknown: route.PromptUnknown,
	CauseFailed: route.PromptNoLine, CauseNoLine: route.PromptLinesBusy,
}

// toldOn are the final responses of a called party that the caller gets as they
// are. The others concern our own request (401, 488, 503 …) and would tell the
// caller's phone something false of the box.
var toldOn = map[int]bool{403: true, 404: true, 410: true, 480: true, 484: true, 486: true, 600: true, 603: true, 604: true}

// ringTimeout gives up an attempt that rings too long.
func (s *State) ringTimeout() {
	for _, a := range s.attempts {
		if a.over || a.why == forOffer {
			continue
		}
		a.last, a.code = CauseNoAnswer, 0
		a.started = true
		a.late = true
		for _, l := range s.legs {
			if l.attempt == a.id {
				s.drop(l, CauseNoAnswer)
			}
		}
		s.settle(a)
	}
}
