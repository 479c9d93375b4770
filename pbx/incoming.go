package pbx

import (
	"net/netip"
	"strings"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/dialog"
	"centralino/pbx/route"
	"centralino/pbx/sdp"
	"centralino/pbx/sip"
)

// admit decides who sends an INVITE: a trunk's provider, a phone with its digest,
// or, for an emergency number, a phone whose binding is known at that source
// (then no fresh digest is asked: a call for help is not refused because a
// password changed).
func (p *PBX) admit(req *sip.Request) (dialog.Identity, *sip.Response) {
	for _, t := range p.o.Trunks() {
		if t.Matches(req) {
			return dialog.Identity{Trunk: t.Line()}, nil
		}
	}
	if req.Method() == sip.INVITE && p.isEmergency(dialled(req)) {
		if dev, known := p.o.Phones.KnownSource(req.Flow().Remote()); known {
			return dialog.Identity{Device: dev, ByBinding: true}, nil
		}
	}
	dev, answer := p.o.Phones.Authenticate(req)
	if answer != nil {
		return dialog.Identity{}, answer
	}
	return dialog.Identity{Device: dev}, nil
}

// known says whether a phone of the box is or was at an address.
func (p *PBX) known(from netip.AddrPort) bool {
	_, known := p.o.Phones.KnownSource(from)
	return known
}

// dialled is what a phone dialled: the user part of the Request-URI with its
// escapes resolved and without the parameters that may stand in it (RFC 3261
// 19.1.2, 19.1.6).
func dialled(req *sip.Request) string {
	number, _, _ := strings.Cut(req.URI().Username(), ";")
	return number
}

// isEmergency says whether a dialled string is an emergency number with or
// without the outside-line prefix.
func (p *PBX) isEmergency(dialled string) bool {
	doc := p.o.Office()
	plan := route.Plan(doc)
	s := numbering.Clean(dialled)
	if plan.IsEmergency(s) {
		return true
	}
	n := len(doc.Outbound.Prefix)
	return n > 0 && len(s) > n && s[:n] == doc.Outbound.Prefix && plan.IsEmergency(s[n:])
}

// forHelp says whether an INVITE is a call for help or, over a trunk that is kept for
// it, may be the emergency service's call back.
func (p *PBX) forHelp(d *dialog.Leg) bool {
	if trunk := d.Identity().Trunk; trunk != "" {
		return p.book.keeps(trunk)
	}
	return p.isEmergency(dialled(d.Request()))
}

// incoming begins a call that came by SIP.
func (p *PBX) incoming(d *dialog.Leg) {
	if p.drains() && !p.forHelp(d) {
		d.Listen(func(dialog.Event) {})
		d.Reject(503, "", dialog.Header{Name: "Retry-After", Value: "30"})
		return
	}
	var offer *sdp.Description
	if body := d.Offer(); body != nil {
		var err error
		if offer, err = sdp.Parse(body); err != nil {
			d.Listen(func(dialog.Event) {})
			d.Reject(sdp.Status(err), "")
			return
		}
	}
	a := p.newActor()
	if a == nil {
		d.Listen(func(dialog.Event) {})
		d.Reject(503, "")
		return
	}
	l := &sipLeg{owned: in(a), id: legName(0), d: d, kind: journal.LegPhone, device: d.Identity().Device, offer: offer}
	l.rtag.Store(d.Request().From().Tag())
	p.list(l)
	a.post(arrival{l})
	d.Listen(func(ev dialog.Event) { l.owner().post(dialogMail{l, ev}) })
}

// arrival hands the first leg of a SIP call to its actor.
type arrival struct{ leg *sipLeg }

func (m arrival) deliver(a *actor) {
	l := m.leg
	a.legs = append(a.legs, l)
	req, who := l.d.Request(), l.d.Identity()
	l.urgent = a.p.forHelp(l.d)
	if err := l.open(a.p.localFor(req.Flow())); err != nil {
		a.log.Error("no RTP port", "err", err)
		l.d.Reject(503, "")
		l.finish()
		a.over = true
		return
	}
	if who.Trunk != "" {
		a.fromTrunk(l, req, who.Trunk)
		return
	}
	l.show(journal.LegAnswered)
	trust := route.TrustDigest
	if who.ByBinding {
		trust = route.TrustBinding
	}
	var person journal.SubjectID
	if dev := a.doc.DeviceByID(who.Device); dev != nil {
		person = dev.Owner
	}
	number := dialled(req)
	a.step(call.Invited{Leg: l.id, Kind: journal.LegPhone, Device: who.Device, Person: person,
		Dialled: a.outsideSubject(number),
		Request: route.Request{Device: who.Device, Trust: trust, Dialled: number}})
}

// outsideSubject is the pseudonym of an outside number that was dialled; digits
// that are none have none.
func (a *actor) outsideSubject(dialled string) journal.SubjectID {
	s := numbering.Clean(dialled)
	if n := len(a.doc.Outbound.Prefix); n > 0 && len(s) > n && s[:n] == a.doc.Outbound.Prefix {
		s = s[n:]
	}
	num, err := route.Plan(a.doc).Parse(s)
	if err != nil || num.E164 == "" {
		return ""
	}
	return a.p.o.Names.Number(num.E164)
}

func (a *actor) fromTrunk(l *sipLeg, req *sip.Request, line office.ID) {
	l.kind = journal.LegTrunk
	a.p.book.take(line, a.id, true)
	l.line = line
	var caller, called string
	for _, t := range a.p.o.Trunks() {
		if t.Line() == line {
			caller, called = t.Caller(req)
		}
	}
	r := route.Request{Line: line, Caller: route.Plan(a.doc).Caller(caller), Dialled: called}
	a.request = r
	a.step(call.Invited{Leg: l.id, Kind: journal.LegTrunk, Line: line, Caller: a.callerSubject(), Request: r})
}
