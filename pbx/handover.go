package pbx

import (
	"net/url"
	"slices"
	"strings"

	"centralino/internal/journal"
	"centralino/pbx/call"
	"centralino/pbx/sip"
)

// An attended transfer joins two calls of one telephone (RFC 5589 7): the call that is
// to go on asks the other one for its far leg, and gets it or a refusal. A leg is always
// in the list of one call or on its way to one that lives.

// wanted asks a call to give up the leg that talks with one of its own.
type wanted struct {
	by  *actor        // who asks
	leg journal.LegID // of the telephone, there
	own *sipLeg       // of the same telephone, here
}

// replaced finds the leg of a telephone that the Replaces header of its Refer-To names
// (RFC 3891 3); nil if there is none. ok: there is such a header.
func (p *PBX) replaced(by *sipLeg, to sip.URI) (l *sipLeg, ok bool) {
	var value string
	for field := range strings.SplitSeq(to.Headers, "&") {
		name, v, _ := strings.Cut(field, "=")
		if strings.EqualFold(name, "Replaces") {
			value, ok = v, true
		}
	}
	if !ok {
		return nil, false
	}
	value, err := url.PathUnescape(value)
	if err != nil {
		return nil, true
	}
	id, rest, _ := strings.Cut(value, ";")
	params := sip.Params(";" + rest)
	ours, _ := params.Get("to-tag")
	theirs, _ := params.Get("from-tag")
	p.mu.Lock()
	defer p.mu.Unlock()
	for range 2 { // some telephones write the tags as they see them
		if l := p.dialogLegs[strings.TrimSpace(id)+"|"+ours]; l != nil && l != by && l.tag() == theirs && l.device == by.device && theirs != "" {
			return l, true
		}
		ours, theirs = theirs, ours
	}
	return nil, true
}

// tag is the other side's, once it has answered. Called with the PBX's mu held.
func (l *sipLeg) tag() string {
	t, _ := l.rtag.Load().(string)
	return t
}

func (p *PBX) list(l *sipLeg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialogLegs[l.d.ID()] = l
}

func (p *PBX) unlist(l *sipLeg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.dialogLegs, l.d.ID())
}

// hand posts m to a call that lives; false if it does not any more, or is overloaded.
func (p *PBX) hand(to *actor, m mail) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls[to.id] != to {
		return false
	}
	select {
	case to.mail <- m:
		return true
	default:
		return false
	}
}

// askJoin asks the other call for its leg.
func (a *actor) askJoin() {
	w := a.wanted
	a.wanted = nil
	if w == nil || w.own.owner() == a || !a.p.hand(w.own.owner(), *w) {
		a.step(call.JoinRefused{})
	}
}

func (m wanted) deliver(a *actor) {
	if m.own.owner() != a { // it has gone to another call meanwhile
		m.refuse()
		return
	}
	a.wanted = &m
	rang := a.st.Phase() == call.Reaching
	a.step(call.GiveUp{Leg: m.own.name(), By: m.by.id})
	if a.wanted == nil {
		return
	}
	a.wanted = nil
	switch ends := a.st.Phase() == call.Ending; {
	case ends && rang: // whom he called here rings no more, and then from there
		a.after(func() { m.by.p.hand(m.by, callMail{call.JoinRefused{Call: a.id}}) })
	case ends:
		a.after(m.refuse)
	default:
		m.refuse()
	}
}

func (m wanted) refuse() { m.by.p.hand(m.by, callMail{call.JoinRefused{}}) }

// give hands a leg to the call that has asked for it.
func (a *actor) give(x call.Give) {
	l, w := a.leg(x.Leg), a.wanted
	if l == nil || w == nil {
		return
	}
	a.wanted = nil
	l.comesWith(a.whoIsAt(l))
	a.legs = slices.DeleteFunc(a.legs, func(o leg) bool { return o == l })
	l.moveTo(w.by)
	if !a.p.hand(w.by, given{l, x}) {
		l.moveTo(a) // its end is heard here
		a.legs = append(a.legs, l)
		l.hangUp(call.CauseTransferred, 0)
		a.freed(x)
	}
}

// freed tells the ACD that who was at a leg is in no call any more: none took him over.
func (a *actor) freed(x call.Give) {
	if x.Busy {
		a.p.people.free(x.Person)
	}
}

// given is a leg that another call has handed over.
type given struct {
	leg leg
	as  call.Give
}

func (m given) deliver(a *actor) {
	id := a.newLegID()
	m.leg.enter(id)
	a.legs = append(a.legs, m.leg)
	m.as.Leg = id
	a.step(call.Joined(m.as))
	early := a.early
	a.early = nil
	for _, e := range early {
		e.deliver(a)
	}
}

// passesOn brings what is for a leg that another call has taken to that call, and keeps
// it while the leg is on its way here.
func (a *actor) passesOn(l leg, m mail) bool {
	switch o := l.owner(); {
	case o != a:
		o.post(m)
		return true
	case l.hasMoved() && !slices.Contains(a.legs, l):
		a.early = append(a.early, m)
		return true
	}
	return false
}

// giveBack lets go of what was on its way to a call that is over, and that nothing can
// reach any more, and refuses what it has not answered.
func (a *actor) giveBack() {
	if w := a.wanted; w != nil && w.by != a {
		w.refuse()
	}
	for {
		select {
		case m := <-a.mail:
			switch m := m.(type) {
			case given:
				m.leg.abort()
				a.freed(m.as)
			case wanted:
				m.refuse()
			case arrival:
				m.leg.abort()
			}
		default:
			return
		}
	}
}

func (l *sipLeg) moveTo(a *actor) {
	shown := l.shown
	l.show(journal.LegEnded)
	l.shown = shown
	if l.line != "" {
		l.a.p.book.hand(l.line, l.a.id, a.id)
	}
	l.a = a
	l.moved.Store(true)
	l.at.Store(a)
}

func (l *sipLeg) enter(id journal.LegID) {
	l.id = id
	if st := l.shown; st != journal.LegEnded {
		l.shown = ""
		l.show(st)
	}
}

func (l *lineLeg) moveTo(a *actor) {
	l.a.p.book.hand(l.lineID, l.a.id, a.id)
	l.a = a
	l.moved.Store(true)
	l.at.Store(a)
}

func (l *lineLeg) enter(id journal.LegID) { l.id = id }
