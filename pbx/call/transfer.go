package call

import (
	"cmp"
	"slices"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/ivr"
	"centralino/pbx/route"
)

// A person at a telephone hands the other side on (RFC 3515). The call goes on under
// its name; who is handed on is its caller from then on.
//
//	          rings, answers, queue or path,
//	asked ───────────── he hangs up ─────────▶ handed on ──answers──▶ (talking)
//	  │ nobody                                    │ nobody               ▲
//	  ▼                                           ▼                      │
//	(talking as before)                      called back ──he answers────┘
//	                                              │ nobody
//	                                              ▼
//	                                           at home
//
// asked: his leg stands, so that what fails at once costs nobody anything. handed on:
// his leg is over and so is his talk. called back: his telephone rings again. home is
// where the call would have gone without him: to its queue, in its place, on in its
// path, or a last sentence is said. The caller is never dropped.
//
// He may hand on to what he could dial himself, by his own rights and no others, but
// not to emergency numbers: the rescue service sees this office and calls back the
// telephone that called, so whoever needs help dials at the telephone where he is.
type transfer struct {
	on       bool
	ask      *Referred         // waits for its decision
	by       *leg              // who hands on, until his leg is over
	leg      journal.LegID     // that leg
	device   office.ID         // where he is called back …
	person   journal.SubjectID // … and who he is
	attended bool
	handed   bool
	told     bool // he has heard the last word
	rung     bool

	first, partner *leg // as they talked
	speaks         journal.SubjectID
	turned         bool
}

// maxHanded bounds how often one call is handed on.
const maxHanded = 50

// Why somebody may not hand on; text ids. Beside them stand those of package route.
const (
	whyNotTalking = "transfer.notTalking"
	whyHelp       = "transfer.help"      // the call is one for help
	whyEmergency  = "transfer.emergency" // an emergency number
	whySelf       = "transfer.self"      // one of the two who talk
	whyNotATarget = "transfer.noTarget"  // a feature code
	whyTooOften   = "transfer.tooOften"
)

// referred asks where the other side is to go, or refuses.
func (s *State) referred(e Referred) {
	l := s.leg(e.Leg)
	if !l.live() || l.hungUp {
		return
	}
	o := s.other(l)
	switch {
	case o == nil || !l.up() || !o.up() || o.hungUp || l.kind != journal.LegPhone || s.transfer.ask != nil:
		s.refuseTransfer(l, 603, whyNotTalking)
	case s.emergency:
		s.refuseTransfer(l, 403, whyHelp)
	case s.handed >= maxHanded:
		s.refuseTransfer(l, 603, whyTooOften)
	case e.Joins:
		s.transfer = transfer{ask: &e}
		s.do(AskJoin{l.id})
	case s.meets(e.Request.Dialled, l) || s.meets(e.Request.Dialled, o):
		s.refuseTransfer(l, 403, whySelf)
	default:
		s.transfer = transfer{ask: &e}
		s.do(DecideTransfer{e.Request})
	}
}

// meets says whether an extension is that of a leg's own person or telephone.
func (s *State) meets(dialled string, l *leg) bool {
	r, ok := s.doc.Resolve(numbering.Clean(dialled))
	if !ok || r.Extension == nil {
		return false
	}
	switch t := r.Extension.Target; t.Kind {
	case office.TargetPerson:
		return l.person != "" && t.ID == string(l.person)
	case office.TargetDevice:
		return l.device != "" && t.ID == string(l.device)
	}
	return false
}

func (s *State) refuseTransfer(l *leg, code int, why string) {
	s.do(AnswerRefer{Leg: l.id, Code: code})
	s.log(journal.CallTransfer{State: journal.TransferRefused, Leg: l.id, By: l.person, Why: why})
}

// transferDecided begins to hand on.
func (s *State) transferDecided(e TransferDecided) {
	ask := s.transfer.ask
	if ask == nil {
		return
	}
	s.transfer = transfer{}
	l := s.leg(ask.Leg)
	o := s.other(l)
	if o == nil || !l.up() || !o.up() || l.hungUp || o.hungUp {
		if l.live() && !l.hungUp {
			s.refuseTransfer(l, 603, whyNotTalking)
		}
		return
	}
	p := journal.CallTransfer{State: journal.TransferAsked, Leg: l.id, By: l.person, Action: e.Action.Name(), Call: ask.other}
	switch a := e.Action.(type) {
	case route.RingExtension:
		p.Dialled = a.Digits
		if len(a.People) == 1 {
			p.To = a.People[0]
		}
	case route.EnterQueue:
		p.Object = string(a.Group)
	case route.EnterPath:
		p.Object = string(a.Path)
	case route.DialOut:
		if a.Emergency {
			s.refuseTransfer(l, 403, whyEmergency)
			return
		}
		p.To = ask.Dialled
	case route.Refuse:
		s.refuseTransfer(l, a.Code, a.Reason)
		return
	default:
		s.refuseTransfer(l, 403, whyNotATarget)
		return
	}
	s.do(AnswerRefer{Leg: l.id, Code: 202})
	s.log(p)
	s.log(journal.CallRouted{Action: e.Action.Name(), Trace: slices.Concat([]journal.TraceStep{{Rule: "transfer.by", Object: cmp.Or(string(l.person), string(l.device))}}, e.Trace)})
	s.turn(l, o)
	s.seek(e.Action)
}

// turn makes o, with whom l has talked, the call's caller, who hears music.
func (s *State) turn(l, o *leg) {
	s.surelyReached()
	s.transfer = transfer{on: true, by: l, leg: l.id, device: l.device, person: l.person,
		first: s.first, partner: s.partner, speaks: s.person, turned: s.turned}
	s.handed++
	s.turned = s.turned || o != s.first
	s.first, s.partner, s.person = o, nil, o.person
	l.attempt, o.attempt = 0, 0
	s.then, s.room = nil, room{}
	s.phase = Reaching
	clear(s.timers)
	s.do(Front{o.id})
}

// seek calls whom the caller is handed on to.
func (s *State) seek(a route.Action) {
	c := s.caller()
	s.dials = len(s.attempts)
	switch a := a.(type) {
	case route.RingExtension:
		s.do(PlayLoop{Leg: c.id, What: Sound{OnHold: true, Lang: s.lang()}})
		s.reach(attempt{why: forTransfer}, Ring{People: a.People, Devices: a.Devices})
		s.arm(timerRing, s.now.Add(transferRing))
	case route.DialOut:
		s.do(PlayLoop{Leg: c.id, What: Sound{OnHold: true, Lang: s.lang()}})
		s.reach(attempt{why: forTransfer, out: a}, DialOut{Out: a})
		s.arm(timerRing, s.now.Add(dialLimit))
	case route.EnterQueue:
		s.handOn(200, true)
		s.enterQueueDirectly(a.Group)
	case route.EnterPath:
		s.handOn(200, true)
		s.home, s.transfer = Home{}, transfer{}
		s.followPath(a.Path)
	}
}

// handOn ends the part of who hands on; code 0 tells him nothing more.
func (s *State) handOn(code int, last bool) {
	t := &s.transfer
	if t.handed {
		return
	}
	t.handed = true
	served := s.queue.served
	led := s.first == t.first || s.origin.on // the queue's caller is handed on, and not its agent
	s.home = s.homeOf(s.first, s.first == t.first, led)
	s.path, s.queue, s.origin = nil, queueState{}, origin{}
	s.stopTalk()
	s.occupy(s.first) // before the ACD may offer an agent the next caller
	switch {
	case served != "" && led:
		s.do(TalkHandedOn{Attended: t.attended})
	case served != "":
		s.do(TalkEnded{})
	}
	s.log(journal.CallTransfer{State: journal.TransferHanded, Leg: t.leg, By: t.person})
	if code != 0 {
		s.tell(code, last)
	}
	s.drop(t.by, CauseTransferred)
}

// homeOf is the home of who is at a leg, with whom somebody has talked who hands him on.
// caller: the call's path is his; led: its queue, too.
func (s *State) homeOf(o *leg, caller, led bool) Home {
	h, path := o.home, (*ivr.State)(nil)
	if caller {
		path = s.path
		if !s.home.none() {
			h = s.home
		}
	}
	switch {
	case s.queue.served != "" && led:
		return Home{Queue: s.queue.served, Since: cmp.Or(h.Since, s.came), Path: path}
	case h.none() && path != nil && !path.Over():
		return Home{Path: path}
	}
	return h
}

// tell lets who hands on hear how it goes.
func (s *State) tell(code int, last bool) {
	if t := &s.transfer; t.on && !t.told {
		t.told = last
		s.do(TellRefer{Leg: t.leg, Code: code, Last: last})
	}
}

// transferOver tells him that the call has come to its end.
func (s *State) transferOver(code int) { s.tell(code, true) }

// referrerGone: he has hung up, which telephones may do as soon as they have asked.
func (s *State) referrerGone() {
	s.transfer.by = nil
	if s.phase == Reaching {
		s.handOn(0, false)
	}
}

// transferRings: a telephone or the far end of a line rings.
func (s *State) transferRings(a *attempt, l *leg, early bool) {
	c := s.caller()
	if a.over || l.hungUp || !c.up() {
		return
	}
	if !s.transfer.rung {
		s.transfer.rung = true
		s.handOn(180, false)
		s.do(PlayLoop{Leg: c.id, What: Sound{Tone: "ringback"}})
	}
	if early && a.out.Candidates != nil && !l.early {
		l.early = true
		s.do(Connect{A: c.id, B: l.id})
	}
}

// transferUp joins the caller with who has taken him.
func (s *State) transferUp(a *attempt, l *leg) {
	state := journal.TransferAnswered
	if a.why == forRecall {
		state = journal.TransferReturned
	}
	s.handOn(0, false)
	s.tell(200, true)
	s.log(journal.CallTransfer{State: state, Leg: l.id, By: l.person})
	s.talk(l)
	s.musicOnHold()
}

// musicOnHold lets each side hear music whose other side holds.
func (s *State) musicOnHold() {
	for _, side := range []*leg{s.caller(), s.partner} {
		if side.state == legHeld {
			s.holdMusic(side)
		}
	}
}

// transferFailed goes on where nobody takes whom somebody has handed on.
func (s *State) transferFailed(cause Cause, code int) {
	t := &s.transfer
	s.log(journal.CallTransfer{State: journal.TransferFailed, Leg: t.leg, By: t.person, Why: "cause." + string(cause)})
	if code == 0 {
		code = cause.Code()
	}
	s.tell(code, true)
	if !t.handed && t.by.up() && !t.by.hungUp {
		s.turnBack()
		return
	}
	s.handOn(0, false)
	s.recall()
}

// turnBack lets the two talk as before.
func (s *State) turnBack() {
	t := s.transfer
	s.first, s.partner, s.person, s.turned = t.first, t.partner, t.speaks, t.turned
	s.transfer = transfer{}
	s.phase = Talking
	clear(s.timers)
	s.do(Front{s.first.id})
	s.do(Connect{A: s.first.id, B: s.partner.id})
	s.musicOnHold()
}

// recall rings who has handed the caller on.
func (s *State) recall() {
	t := &s.transfer
	s.phase = Reaching
	s.log(journal.CallTransfer{State: journal.TransferBack, Leg: t.leg, By: t.person})
	s.do(PlayLoop{Leg: s.caller().id, What: Sound{Tone: "ringback"}})
	r := Ring{Devices: []office.ID{t.device}, Show: s.recallShown()}
	if t.person != "" {
		r.People = []journal.SubjectID{t.person}
	}
	s.reach(attempt{why: forRecall}, r)
	s.arm(timerRing, s.now.Add(transferRing))
}

// recallShown is what his telephone shows beside the caller.
func (s *State) recallShown() string {
	if p := s.doc.PersonByID(s.transfer.person); p != nil && p.Language == "en" || (p == nil || p.Language == "") && s.doc.Site.Language == "en" {
		return "Returned"
	}
	return "Ritorno"
}

// goHome leads the caller where he would have gone without who handed him on.
func (s *State) goHome(cause Cause) {
	h := s.home
	s.home, s.transfer = Home{}, transfer{}
	s.path = h.Path
	if g := s.doc.GroupByID(h.Queue); g != nil && g.Mode == office.GroupQueue {
		s.phase = Following
		s.hear(PlayLoop{Leg: s.caller().id, What: s.music(h.Queue)})
		s.enterQueue(h.Queue)
		s.offerKey()
		return
	}
	if h.Path != nil {
		s.phase = Following
		before := *h.Path
		s.lead(ivr.PersonUnanswered{Reason: string(cause)})
		if s.path != nil && *s.path == before {
			s.lead(ivr.GroupUnanswered{Reason: string(cause)})
		}
		if s.phase != Following || s.path == nil || *s.path != before {
			return
		}
		s.path = nil
	}
	s.say(promptNobody, cause, "box")
}
