package call

import (
	"centralino/internal/journal"
)

// An attended transfer (RFC 5589 7): a person talks in two calls and joins the others.
// The call in which he asks goes on with the far leg of the other one, which ends.

// joinRefused goes on as if he had dialled whom he talks with, or calls, there.
func (s *State) joinRefused(ended journal.CallID) {
	ask := s.transfer.ask
	if ask == nil || !ask.Joins {
		return
	}
	again := *ask
	again.Joins, again.other = false, ended
	s.transfer = transfer{}
	s.referred(again)
}

// takeOver joins the leg that has come with the one that stays.
func (s *State) takeOver(e Joined) {
	n := s.addLeg(&leg{id: e.Leg, kind: e.Kind, device: e.Device, line: e.Line, person: e.Person, state: legUp, busy: e.Busy, help: e.Help, home: e.Home})
	if e.Held {
		n.state = legHeld
	}
	ask := s.transfer.ask
	var l *leg
	if ask != nil {
		l = s.leg(ask.Leg)
	}
	o := s.other(l)
	if ask == nil || !ask.Joins || o == nil || !l.up() || !o.up() || l.hungUp || o.hungUp {
		s.drop(n, CauseTransferred) // one of the two has hung up meanwhile
		return
	}
	s.do(AnswerRefer{Leg: l.id, Code: 202})
	s.log(journal.CallTransfer{State: journal.TransferAsked, Leg: l.id, By: l.person, Attended: true, To: e.Person, Call: e.Call})
	s.log(journal.CallLeg{Leg: n.id, Kind: n.kind, State: journal.LegAnswered, Line: string(n.line), Device: string(n.device), Person: n.person, Moved: true})
	s.turn(l, o)
	s.transfer.attended = true
	s.handOn(200, true)
	s.occupy(n)
	s.log(journal.CallTransfer{State: journal.TransferAnswered, Leg: n.id, By: n.person, Attended: true})
	s.talk(n)
	s.musicOnHold()
}

// letGo hands over the leg with which a person talks here, and ends. Whom he only calls
// so far rings no more: he is called from the other call.
func (s *State) letGo(e GiveUp) {
	l := s.leg(e.Leg)
	if !l.live() || l.hungUp || s.emergency || s.transfer.ask != nil { // asked both ways at once
		return
	}
	o := s.other(l)
	handed := journal.CallTransfer{State: journal.TransferHanded, Leg: l.id, By: l.person, Attended: true, Call: e.By}
	if o == nil || !l.up() || !o.up() || o.hungUp {
		if s.phase == Reaching && l == s.caller() {
			s.log(handed)
			s.end(CauseTransferred, "caller")
		}
		return
	}
	s.log(handed)
	by := "called"
	if l == s.caller() {
		by = "caller"
	}
	s.surelyReached()
	s.occupy(o)
	led := o == s.caller() || s.origin.on
	home := s.homeOf(o, o == s.caller(), led)
	if home.Path != nil { // this call may go on with its own
		path := *home.Path
		home.Path = &path
	}
	if s.queue.served != "" && led {
		s.queue.served = ""
		s.do(TalkHandedOn{Attended: true})
	}
	s.stopTalk() // of an agent whom his queue's caller takes to somebody
	s.do(Give{Leg: o.id, Kind: o.kind, Device: o.device, Line: o.line, Person: o.person, Held: o.state == legHeld, Busy: o.busy, Help: o.help, Home: home, Call: s.id})
	o.state, o.busy = legEnded, false
	s.logLeg(o, journal.LegEnded, CauseTransferred, 0)
	s.end(CauseTransferred, by)
}
