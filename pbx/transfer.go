package pbx

import (
	"strings"

	"centralino/internal/numbering"
	"centralino/pbx/call"
	"centralino/pbx/dialog"
	"centralino/pbx/route"
	"centralino/pbx/sip"
)

// referred passes on that a telephone hands its other side on. Only the telephone itself
// may, by its digest: a REFER makes calls. A trunk may not, nor may anybody ask for what
// is no number of the box.
func (l *sipLeg) referred(e dialog.Refer) {
	to := e.To.URI
	if l.device == "" || e.By.Device != l.device || to.Scheme != "sip" || to.Params.Has("method") && !invites(to.Params) {
		l.d.AnswerRefer(603, "")
		return
	}
	other, joins := l.a.p.replaced(l, to)
	if joins {
		if other == nil { // of nobody, or not his own
			l.d.AnswerRefer(603, "")
			return
		}
		l.a.wanted = &wanted{by: l.a, leg: l.id, own: other}
	}
	number, _, _ := strings.Cut(to.Username(), ";")
	l.a.step(call.Referred{Leg: l.id, Joins: joins, Dialled: l.a.outsideSubject(number),
		Request: route.Request{Device: l.device, Trust: route.TrustDigest, Dialled: number}})
}

// invites says whether a URI's method parameter asks for a call (RFC 3261 19.1.1).
func invites(p sip.Params) bool {
	m, _ := p.Get("method")
	return strings.EqualFold(m, sip.INVITE)
}

// presented is an outside number that was called, as a telephone shows a caller.
func presented(n numbering.E164) numbering.Caller {
	if n == "" {
		return numbering.Caller{}
	}
	return numbering.Caller{Number: n, Presentation: numbering.Presented}
}

// performTransfer does what handing on asks for; false if that is something else.
func (a *actor) performTransfer(act call.Action) bool {
	switch x := act.(type) {
	case call.DecideTransfer:
		action, trace := route.Decide(a.doc, x.Request, a.p.o.Now(), a.p.routeState())
		a.step(call.TransferDecided{Action: action, Trace: trace})
	case call.AnswerRefer:
		if l, ok := a.leg(x.Leg).(*sipLeg); ok {
			l.d.AnswerRefer(x.Code, "")
		}
	case call.TellRefer:
		if l, ok := a.leg(x.Leg).(*sipLeg); ok {
			l.d.TellRefer(x.Code, x.Last)
		}
	case call.AskJoin:
		a.askJoin()
	case call.Give:
		a.give(x)
	case call.Front:
		a.front(a.leg(x.Leg))
	default:
		return false
	}
	return true
}

// front makes who is at a leg the one whom telephones show from now on.
func (a *actor) front(l leg) {
	if a.request.Line != "" {
		a.arrived = a.request
	}
	if l != nil {
		a.request = a.whoIsAt(l)
	}
}

// whoIsAt is the request of who is at a leg, as it came in with him if he came from
// outside, whichever call that was.
func (a *actor) whoIsAt(l leg) route.Request {
	switch l := l.(type) {
	case *sipLeg:
		switch {
		case l.device != "":
			return route.Request{Device: l.device}
		case !l.d.Incoming():
			return route.Request{Caller: l.called}
		}
	case *lineLeg:
		if !l.incoming {
			return route.Request{Caller: l.called}
		}
	}
	switch {
	case l.hasMoved():
		return l.cameWith()
	case a.request.Line != "":
		return a.request
	}
	return a.arrived
}
