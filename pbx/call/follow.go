package call

import (
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/ivr"
)

// followPath lets the path's interpreter lead the call.
func (s *State) followPath(path office.ID) {
	st := ivr.Start(s.doc, path)
	s.path = &st
	s.phase = Following
	s.lead(ivr.Started{})
}

// lead steps the interpreter and performs what it asks for.
func (s *State) lead(ev ivr.Event) {
	if s.path == nil || s.phase != Following {
		return
	}
	next, acts := s.path.Handle(ev, s.now)
	s.path = &next
	var trace []journal.TraceStep
	for _, a := range acts {
		if e, ok := a.(ivr.Explain); ok {
			trace = append(trace, e.Step)
		}
	}
	if len(trace) > 0 {
		s.log(journal.CallRouted{Action: "path", Trace: trace})
	}
	for _, a := range acts {
		s.perform(a)
	}
}

// perform turns an action of the interpreter into ours.
func (s *State) perform(a ivr.Action) {
	c := s.caller()
	switch a := a.(type) {
	case ivr.Note:
		s.log(a.Step)
	case ivr.Play:
		s.playID++
		s.ivrPlay = a.ID
		s.hear(Play{Leg: c.id, ID: s.playID, What: Sound{Prompt: a.Prompt, Builtin: a.Builtin, Audio: a.Audio, Lang: a.Language}})
	case ivr.StopPlay:
		s.playID++ // a Played that is on its way counts no more
		s.hear(StopPlay{Leg: c.id})
	case ivr.Collect:
		s.collecting, s.collectFor = a.ID, a.For
		s.arm(timerPath, s.now.Add(a.For))
	case ivr.StartMusic:
		s.hear(PlayLoop{Leg: c.id, What: Sound{Prompt: a.Prompt, Audio: a.Audio, OnHold: true, Lang: s.lang()}})
	case ivr.EnterQueue:
		s.enterQueue(a.Group)
		s.offerKey()
	case ivr.OfferCallback:
		s.offerCallback(a.Group)
	case ivr.RingGroup:
		s.ringFor(attempt{why: forPath}, Ring{People: a.Members})
		s.arm(timerRing, s.now.Add(a.For))
	case ivr.RingPerson:
		s.ringFor(attempt{why: forPath, person: true}, Ring{People: []journal.SubjectID{a.Person}})
		s.arm(timerRing, s.now.Add(a.For))
	case ivr.End:
		s.end(CausePathEnd, "box")
	}
}

// hear makes the caller hear something, after his leg has been taken.
func (s *State) hear(a Action) {
	c := s.caller()
	if c.up() {
		s.do(a)
		return
	}
	if len(s.onAnswer) > 0 {
		if _, stop := a.(StopPlay); stop {
			s.onAnswer = s.onAnswer[:0]
		}
	}
	s.onAnswer = append(s.onAnswer, a)
	s.answer(c)
}

// ringFor rings people for the path; a caller whose leg is through hears ringback.
func (s *State) ringFor(a attempt, r Ring) {
	if c := s.caller(); c.up() {
		s.do(PlayLoop{Leg: c.id, What: Sound{Tone: "ringback"}})
	}
	s.reach(a, r)
}

// digit passes a caller's key to the path; while people talk keys are theirs.
func (s *State) digit(e Digit) {
	c := s.caller()
	if c == nil || e.Leg != c.id {
		return
	}
	switch {
	case s.phase == Surveying:
		s.surveyKey(e.Digit)
		return
	case s.phase == Following && (s.queue.group != "" || s.room.phase != roomMusic):
		s.roomKey(e.Digit)
		return
	case s.phase != Following || s.path == nil:
		return
	}
	s.disarm(timerPath)
	collecting := s.collecting
	s.collecting = 0
	before := *s.path
	s.lead(ivr.Digit{Digit: e.Digit})
	if s.path != nil && *s.path == before && collecting != 0 { // the key meant nothing
		s.collecting = collecting
		s.arm(timerPath, s.now.Add(s.collectFor))
	}
}

func (s *State) pathTimeout() {
	id := s.collecting
	s.collecting = 0
	s.lead(ivr.Timeout{ID: id})
}
