package call

import (
	"centralino/internal/journal"
	"centralino/internal/office"
)

// leg is one side of a call as the call sees it.
//
//	calling ──▶ ringing ──▶ up ⇄ held ──▶ ended
//	    └───────────┴────────┴──────────────▲
type leg struct {
	id        journal.LegID
	kind      journal.LegKind
	line      office.ID
	device    office.ID
	person    journal.SubjectID
	home      Home // of who came from another call: see Give
	attempt   int  // 0: the caller's leg
	state     legState
	hungUp    bool // we have asked for its end
	code      int  // SIP code for its refusal, 0: by cause
	answering bool // Answer was asked for
	early     bool // its audio is connected before it answered
	presumed  bool // that it answered is only presumed
	ofQueue   bool // an agent's leg in a call of his queue
	busy      bool // PersonBusy was said for it
	help      bool // calls back whoever has called for help
	quality   journal.Quality
}

type legState string

const (
	legCalling legState = "calling"
	legRinging legState = "ringing"
	legUp      legState = "up"
	legHeld    legState = "held"
	legEnded   legState = "ended"
)

func (l *leg) live() bool { return l != nil && l.state != legEnded }
func (l *leg) up() bool   { return l != nil && (l.state == legUp || l.state == legHeld) }

// outside says whether nobody of the office is at the leg.
func (l *leg) outside() bool { return l.kind != journal.LegPhone }

func (s *State) addLeg(l *leg) *leg {
	s.legs = append(s.legs, l)
	return l
}

// logLeg writes a leg's change.
func (s *State) logLeg(l *leg, st journal.LegState, cause Cause, code int) {
	s.log(journal.CallLeg{Leg: l.id, Kind: l.kind, State: st, Line: string(l.line),
		Device: string(l.device), Person: l.person, Cause: string(cause), SIPCode: code})
}

// occupy tells the ACD that the leg's person is in a call outside of queues.
func (s *State) occupy(l *leg) {
	if l.person == "" || l.busy || l.ofQueue {
		return
	}
	l.busy = true
	s.do(PersonBusy{l.person})
}

func (s *State) release(l *leg) {
	if l.busy {
		l.busy = false
		s.do(PersonFree{l.person})
	}
}

// drop asks for a leg's end, once.
func (s *State) drop(l *leg, cause Cause) {
	if !l.live() || l.hungUp {
		return
	}
	l.hungUp = true
	s.do(HangUp{Leg: l.id, Cause: cause, Code: l.code})
}

// legEnded takes a leg out of the call and lets the call go on accordingly.
func (s *State) legEnded(e LegEnded) {
	l := s.leg(e.Leg)
	if !l.live() {
		return
	}
	l.state = legEnded
	l.quality = e.Quality
	l.quality.Leg = l.id
	s.release(l)
	s.logLeg(l, journal.LegEnded, e.Cause, e.Code)
	switch {
	case s.phase == Ending:
		s.finishIfBare()
	case l == s.transfer.by:
		s.referrerGone()
	case l == s.caller():
		s.callerGone(e.Cause)
	case l == s.partner && s.phase == Joining:
		s.joinLost(e.Cause)
	case l == s.partner:
		s.partnerGone(e.Cause)
	case l.attempt != 0:
		s.attemptLost(l, e)
	}
}

// callerGone ends the call: the one who began it is away. Who was called back is asked
// his queue's questions before.
func (s *State) callerGone(cause Cause) {
	if s.beginSurvey(cause) { // an agent who called back
		return
	}
	by := "caller"
	if s.survey.of != nil && s.origin.on || s.turned { // who was called stands in his place
		by = "called"
	}
	switch cause {
	case CauseMediaLost, CauseLineGone, CauseFailed, CauseOverload:
		by = "box"
	case CauseNormal, CauseNoAnswer:
		switch {
		case s.room.phase == roomAsking: // he has confirmed it: the promise is on its way
			cause = CauseCallback
		case s.phase == Saying:
			cause = s.saying.cause
		case (s.partner == nil || s.phase == Joining && !s.origin.on) && s.talked == 0 && s.joined.IsZero():
			cause = CauseAbandoned
		}
	}
	s.end(cause, by)
}

// partnerGone ends the talk, and with it the call.
func (s *State) partnerGone(cause Cause) {
	by := "called"
	switch cause {
	case CauseMediaLost, CauseFailed:
		if s.queue.served != "" && s.caller().up() && !s.origin.on {
			s.backInLine()
			return
		}
		by = "box"
	case CauseLineGone, CauseOverload:
		by = "box"
	}
	if s.beginSurvey(cause) {
		return
	}
	if s.phase == Saying { // it hung up during the last sentence
		cause, by = s.saying.cause, s.saying.by
	}
	s.end(cause, by)
}

// end begins the call's end: everything still up is hung up, and the call is over
// once every leg has ended or endLimit has passed.
func (s *State) end(cause Cause, by string) {
	if s.phase == Ending || s.phase == Over {
		return
	}
	s.originEnds(cause)
	s.transferOver(487)
	s.stopTalk()
	s.phase = Ending
	s.ending, s.endedBy = cause, by
	s.awaiting, s.onAnswer = nil, nil
	clear(s.timers)
	s.leaveQueue()
	s.closeAttempts()
	for _, l := range s.legs {
		s.drop(l, cause)
	}
	s.arm(timerEnd, s.now.Add(endLimit))
	s.finishIfBare()
}

func (s *State) finishIfBare() {
	for _, l := range s.legs {
		if l.live() {
			return
		}
	}
	s.finish()
}

// finish writes the call's end, exactly once, and lets go of it.
func (s *State) finish() {
	if s.phase == Over {
		return
	}
	s.stopTalk()
	s.phase = Over
	clear(s.timers)
	var q []journal.Quality
	for _, l := range s.legs {
		s.release(l)
		if l.quality.Received+l.quality.Sent > 0 {
			q = append(q, l.quality)
		}
	}
	if s.logged {
		s.log(journal.CallEnded{Cause: string(s.ending), By: s.endedBy, Talk: s.talked,
			Total: s.now.Sub(s.started), Quality: q})
	}
	s.do(Finish{})
}
