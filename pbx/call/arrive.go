package call

import (
	"strings"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/route"
)

// invited begins a call that came by SIP.
func (s *State) invited(e Invited) {
	if len(s.legs) > 0 {
		return
	}
	s.request, s.person = e.Request, e.Person
	s.first = s.addLeg(&leg{id: e.Leg, kind: e.Kind, device: e.Device, line: e.Line, person: e.Person, state: legCalling})
	s.dir = journal.Internal
	from := e.Person
	if e.Kind == journal.LegTrunk {
		s.dir, from = journal.Inbound, e.Caller
	}
	// The journal learns of the call with the decision: only then its direction
	// and whether the dialled digits may be written are known.
	s.from, s.dialled = from, e.Dialled
	s.do(Decide{Request: e.Request})
}

// lineRang begins a call on a line, or counts its further rings.
func (s *State) lineRang(e LineRang) {
	if len(s.legs) == 0 {
		s.request = e.Request
		s.dir = journal.Inbound
		s.first = s.addLeg(&leg{id: e.Leg, kind: journal.LegLine, line: e.Line, state: legCalling})
		s.start(journal.CallStarted{Direction: journal.Inbound, Line: string(e.Line)})
		s.arm(timerCaller, s.now.Add(callerWait))
	}
	if s.phase != Arriving {
		return
	}
	if e.Request.Caller.Number != "" || e.Request.Caller.Presentation != "" {
		s.request.Caller = e.Request.Caller
	}
	if e.Request.Dialled != "" {
		s.request.Dialled = e.Request.Dialled
	}
	if e.N >= s.ringsWanted(e.Line) {
		s.decideLine()
	}
}

// ringsWanted is how many ring bursts a line lets pass before the box acts.
func (s *State) ringsWanted(line office.ID) int {
	for _, l := range s.doc.Lines {
		if l.ID == line && l.RingsBeforeAnswer > 0 {
			return l.RingsBeforeAnswer
		}
	}
	return 2
}

func (s *State) callerKnown(e CallerKnown) {
	if len(s.legs) == 0 || s.phase == Ending || s.phase == Over {
		return
	}
	s.request.Caller = e.Request.Caller
	if e.Caller != "" && s.from == "" { // also after the decision, which may not wait for it
		s.from = e.Caller
		s.log(journal.CallCaller{From: e.Caller})
	}
}

// decideLine asks where a ringing line's call goes, once its caller had time to
// be known.
func (s *State) decideLine() {
	if s.phase != Arriving {
		return
	}
	s.disarm(timerCaller)
	s.do(Decide{Request: s.request})
}

// start writes the call's beginning, once.
func (s *State) start(p journal.CallStarted) {
	if s.logged {
		return
	}
	s.logged = true
	s.log(p)
}

// decided performs the decision about an arriving call.
func (s *State) decided(e Decided) {
	c := s.caller()
	if s.phase != Arriving && s.phase != Originating || !c.live() {
		return
	}
	s.announce(e.Action)
	s.log(journal.CallRouted{Action: e.Action.Name(), Trace: e.Trace})
	switch a := e.Action.(type) {
	case route.RingExtension:
		s.occupy(c)
		c.help = a.CallBack
		s.then = a.Then
		s.reach(attempt{why: forExtension}, Ring{People: a.People, Devices: a.Devices})
		if s.then == nil {
			s.arm(timerRing, s.now.Add(ringLimit))
		} else {
			s.arm(timerRing, s.now.Add(ringFirst))
		}
	case route.EnterQueue:
		s.occupy(c)
		s.enterQueueDirectly(a.Group)
	case route.EnterPath:
		s.occupy(c)
		s.followPath(a.Path)
	case route.DialOut:
		s.occupy(c)
		s.emergency = a.Emergency
		s.dial(a)
	case route.Feature:
		s.feature(a)
	case route.Refuse:
		s.refuse(a)
	}
}

// announce writes CallStarted of a SIP call with what the decision made of it.
func (s *State) announce(a route.Action) {
	if s.logged {
		return
	}
	p := journal.CallStarted{Direction: s.dir, Line: string(s.caller().line), From: s.from}
	switch a := a.(type) {
	case route.RingExtension:
		p.Extension, p.Dialled = a.Digits, a.Digits
		if len(a.People) == 1 {
			p.To = a.People[0]
		}
	case route.EnterQueue, route.EnterPath:
		if s.dir == journal.Internal {
			p.Dialled = s.request.Dialled
		}
	case route.DialOut:
		s.dir = journal.Outbound
		p.Direction, p.Emergency = s.dir, a.Emergency
		p.To = s.dialled
	case route.Feature:
		// The code alone: what follows it may be an outside number.
		p.Dialled = numbering.Clean(s.request.Dialled)
		if a.Args != "" {
			p.Dialled = strings.TrimSuffix(strings.TrimSuffix(p.Dialled, a.Args), "*")
		}
	}
	s.start(p)
}

// feature answers the phone and performs a feature code for the person.
func (s *State) feature(a route.Feature) {
	c := s.caller()
	s.phase = Saying
	s.saying = saying{id: -1, cause: CauseNormal, by: "box"}
	s.arm(timerFeature, s.now.Add(featureLimit))
	f := DoFeature{Feature: a.Feature, Person: s.person, Args: a.Args}
	if c.up() {
		s.do(f)
		return
	}
	s.onAnswer = append(s.onAnswer[:0], f)
	s.answer(c)
}

// featureDone says how it went.
func (s *State) featureDone(prompt string) {
	if s.phase != Saying || s.saying.id != -1 {
		return
	}
	if prompt == "" {
		s.disarm(timerFeature)
		s.do(Echo{Leg: s.caller().id})
		s.arm(timerSaying, s.now.Add(echoLimit))
		return
	}
	s.say(prompt, CauseNormal, "box")
}

// refuse does not connect. A line that only rings is left ringing, so that its
// caller pays nothing and the next ring can be decided anew.
func (s *State) refuse(a route.Refuse) {
	c := s.caller()
	if c.kind == journal.LegLine && !c.up() {
		return
	}
	c.code = a.Code
	s.say(a.Prompt, refusalCause(a.Code), "box")
}

func refusalCause(code int) Cause {
	switch code {
	case 403:
		return CauseNotAllowed
	case 404, 484:
		return CauseUnknown
	case 480:
		return CauseOffline
	case 503:
		return CauseNoLine
	case 486:
		return CauseBusy
	}
	return CauseFailed
}

// answer takes the caller's leg.
func (s *State) answer(c *leg) {
	if c.up() || c.answering {
		return
	}
	c.answering = true
	s.do(Answer{Leg: c.id})
	s.arm(timerAnswer, s.now.Add(answerLimit))
}

// callerUp goes on once the caller's leg is through.
func (s *State) callerUp(c *leg) {
	c.state = legUp
	s.disarm(timerAnswer)
	if s.answered.IsZero() {
		s.answered = s.now
		var by journal.SubjectID
		if s.awaiting != nil {
			by = s.awaiting.person
		}
		s.log(journal.CallAnswered{By: by})
	}
	if l := s.awaiting; l != nil {
		s.awaiting = nil
		if l.up() {
			s.talk(l)
			return
		}
	}
	waiting := s.onAnswer
	s.onAnswer = nil
	s.acts = append(s.acts, waiting...)
}
