package call

import (
	"time"

	"centralino/internal/journal"
	"centralino/pbx/ivr"
)

// talk joins the caller and the called leg.
func (s *State) talk(l *leg) {
	c := s.caller()
	s.partner = l
	s.phase = Talking
	s.joined = s.now
	clear(s.timers)
	s.collecting = 0
	s.transfer = transfer{}
	s.do(Connect{A: c.id, B: l.id})
	s.log(journal.CallBridged{A: c.id, B: l.id})
	if c.outside() && l.outside() && !s.emergency && !c.help && !l.help {
		s.arm(timerLength, s.now.Add(outsideLimit))
	}
	switch {
	case s.dir != journal.Outbound || s.origin.offer != 0 || s.dialled == "" || s.emergency || s.handed > 0:
	case l.presumed:
		s.arm(timerReached, s.now.Add(reachedAfter))
	default:
		s.reached()
	}
}

// reached tells the ACD that the party called by hand has answered.
func (s *State) reached() {
	s.do(PartyReached{Person: s.person, Party: s.dialled})
}

// surelyReached tells it of a party whose answer is only presumed so far: who hands him on
// has talked with him.
func (s *State) surelyReached() {
	if _, presumed := s.timers[timerReached]; presumed {
		s.disarm(timerReached)
		s.reached()
	}
}

// stopTalk stops counting talk time and tells the ACD, once.
func (s *State) stopTalk() {
	if !s.joined.IsZero() {
		s.talked += s.now.Sub(s.joined)
		s.joined = time.Time{}
	}
	if s.queue.served != "" {
		s.queue.served = ""
		s.do(TalkEnded{})
	}
}

// other returns the leg that talks with l, nil if none.
func (s *State) other(l *leg) *leg {
	switch {
	case s.phase != Talking || l == nil:
		return nil
	case l == s.partner:
		return s.caller()
	case l == s.caller():
		return s.partner
	}
	return nil
}

// held lets the other side hear music while the person at leg id is away.
func (s *State) held(id journal.LegID) {
	l := s.leg(id)
	if l == nil || l.state != legUp {
		return
	}
	l.state = legHeld
	s.logLeg(l, journal.LegHeld, "", 0)
	s.holdMusic(l)
}

// holdMusic lets the partner of a leg on hold hear music.
func (s *State) holdMusic(held *leg) {
	if o := s.other(held); o.up() && o.state != legHeld {
		s.do(PlayLoop{Leg: o.id, What: Sound{OnHold: true, Lang: s.lang()}})
	}
}

// resumed joins both again, unless the other side holds too.
func (s *State) resumed(id journal.LegID) {
	l := s.leg(id)
	if l == nil || l.state != legHeld {
		return
	}
	l.state = legUp
	s.logLeg(l, journal.LegResumed, "", 0)
	o := s.other(l)
	switch {
	case o == nil:
	case o.state == legHeld:
		s.do(PlayLoop{Leg: l.id, What: Sound{OnHold: true, Lang: s.lang()}})
	default:
		s.do(Connect{A: s.caller().id, B: s.partner.id})
	}
}

// preempted says the warning to everybody who can hear it and then ends the call.
func (s *State) preempted() {
	if s.emergency || s.phase == Ending || s.phase == Over {
		return
	}
	if s.phase == Saying && s.saying.cause == CausePreempted {
		return
	}
	s.stopTalk()
	s.leaveQueue()
	s.closeAttempts()
	s.path = nil
	for _, l := range s.legs {
		if l.live() && l != s.caller() && l != s.partner {
			s.drop(l, CausePreempted)
		}
	}
	heard, warning := false, Sound{Builtin: promptPreempt, Lang: s.lang()}
	for _, l := range []*leg{s.caller(), s.partner} {
		if l.up() {
			s.playID++
			heard = true
			s.do(Play{Leg: l.id, ID: s.playID, What: warning})
		}
	}
	if !heard {
		s.end(CausePreempted, "box")
		return
	}
	s.phase = Saying
	clear(s.timers)
	s.saying = saying{id: s.playID, cause: CausePreempted, by: "box"}
	s.arm(timerSaying, s.now.Add(s.sayFor(warning, warningLimit, warningMost)))
}

// sayFor is how long a sentence may take: its own length and a second for the way,
// within bounds.
func (s *State) sayFor(what Sound, least, most time.Duration) time.Duration {
	if s.length == nil {
		return least
	}
	return min(max(least, s.length(what)+time.Second), most)
}

// say says one last sentence of the box to the caller and then ends the call.
func (s *State) say(prompt string, cause Cause, by string) {
	if prompt == "" {
		s.end(cause, by)
		return
	}
	s.sayLast(s.sentence(prompt), cause, by)
}

// sayLast says something last to the caller and then ends the call. A phone that
// has not been answered hears it as early media and gets the final code then.
func (s *State) sayLast(what Sound, cause Cause, by string) {
	c := s.caller()
	if !c.live() || (!c.up() && c.kind != journal.LegPhone) {
		s.end(cause, by)
		return
	}
	if !c.up() && !c.early {
		c.early = true
		s.do(Ringing{Leg: c.id, Early: true})
	}
	s.closeAttempts()
	s.phase = Saying
	clear(s.timers)
	s.playID++
	s.saying = saying{id: s.playID, cause: cause, by: by}
	s.do(Play{Leg: c.id, ID: s.playID, What: what})
	s.arm(timerSaying, s.now.Add(s.sayFor(what, sayLimit, sayMost)))
}

// said ends the call after its last sentence.
func (s *State) said() {
	if s.phase == Saying {
		s.end(s.saying.cause, s.saying.by)
	}
}

// played goes on after what was played.
func (s *State) played(id int) {
	switch {
	case s.phase == Saying && id == s.saying.id:
		s.said()
	case s.phase == Joining:
		s.joinHeard(id)
	case s.phase == Surveying:
		s.surveyHeard(id)
	case s.phase == Following && s.room.playing != 0 && id == s.room.playing:
		s.roomHeard()
	case s.phase == Following && s.path != nil && id == s.playID:
		s.lead(ivr.PlayDone{ID: s.ivrPlay})
	}
}

// lang is the language of what the caller hears.
func (s *State) lang() string {
	if s.person != "" {
		for _, p := range s.doc.People {
			if p.ID == s.person && p.Language != "" {
				return p.Language
			}
		}
	}
	return s.doc.Site.Language
}
