package call

import (
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/ivr"
)

// joining is what is said to both sides before they hear each other.
type joining struct {
	waiting []int // ids of what is still being said
	notice  int   // id of what tells the customer the operator's country, 0 for none
	country string
}

// join lets the customer hear the notice of the agent's country, and then both each
// other. The agent hears what the queue whispers, or what the customer hears: so he
// knows when to speak.
func (s *State) join(l *leg, agent journal.SubjectID) {
	s.partner = l
	clear(s.timers)
	s.collecting, s.room = 0, room{}
	s.joining = joining{}
	customer, hears := s.caller(), []Sound(nil)
	agents := l
	if s.origin.on {
		customer, agents = l, s.caller()
		hears = spoken(s.doc.Site.Language, []string{"callback-hello"})
	}
	queue := s.queue.served
	if s.says(queue) {
		s.joining.country = s.doc.CountryOf(agent)
		hears = append(hears, spoken(s.doc.Site.Language, ivr.SpokenNotice(s.joining.country))...)
	}
	s.phase = Joining
	if id := s.playJoining(customer, hears); s.joining.country != "" {
		s.joining.notice = id
	}
	if p, ok := s.prompt(s.rules(queue).Whisper); ok && !s.origin.on {
		hears = []Sound{p}
	}
	s.playJoining(agents, hears)
	if len(s.joining.waiting) == 0 {
		s.joinNow()
		return
	}
	s.arm(timerJoin, s.now.Add(joinLimit))
}

// says reports whether a queue's callers hear the operator's country: those from
// outside do (law decree 83/2012 article 24-bis), colleagues know.
func (s *State) says(queue office.ID) bool {
	return s.doc.Site.ACDNotice && !s.rules(queue).NoNotice && (s.dir != journal.Internal || s.caller().outside())
}

// playJoining says something to one side and returns its id, 0 for nothing.
func (s *State) playJoining(l *leg, row []Sound) int {
	if len(row) == 0 {
		return 0 // goes on with the music
	}
	s.playID++
	s.joining.waiting = append(s.joining.waiting, s.playID)
	s.do(Play{Leg: l.id, ID: s.playID, What: row[0], Then: row[1:]})
	return s.playID
}

// joinHeard joins both once each has heard everything.
func (s *State) joinHeard(id int) {
	rest := s.joining.waiting[:0]
	for _, w := range s.joining.waiting {
		if w != id {
			rest = append(rest, w)
		}
	}
	s.joining.waiting = rest
	if id == s.joining.notice && id != 0 {
		s.joining.notice = 0
		s.log(journal.NoticeSaid{Contact: s.contact, Queue: string(s.queue.served), Country: s.joining.country})
	}
	if len(rest) == 0 {
		s.joinNow()
	}
}

// joinNow lets both hear each other.
func (s *State) joinNow() {
	if s.phase != Joining {
		return
	}
	s.joining = joining{}
	s.talk(s.partner)
	s.musicOnHold() // somebody pressed hold meanwhile
}

// joinLost goes on where the called side vanished before it was joined: a caller
// waits on in his place, a customer who was called back has hung up.
func (s *State) joinLost(cause Cause) {
	s.joining = joining{}
	if s.origin.on {
		s.end(cause, "called")
		return
	}
	s.disarm(timerJoin)
	s.backInLine()
}
