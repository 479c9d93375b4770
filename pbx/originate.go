package pbx

import (
	"errors"
	"fmt"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"
)

// Errors of Originate; test with errors.Is.
var (
	ErrNoNumber   = errors.New("pbx: the number is not known")
	ErrNoPhone    = errors.New("pbx: no phone of the person is registered")
	ErrNotAllowed = errors.New("pbx: the person may not call this number")
	ErrClosing    = errors.New("pbx: the box is stopping")
)

// Called says whom Originate calls: a number, or the pseudonym of one.
type Called struct {
	Number  numbering.E164
	Subject journal.SubjectID
}

// number resolves whom to call.
func (p *PBX) number(to Called) (numbering.E164, journal.SubjectID) {
	if to.Number == "" && to.Subject != "" {
		return p.o.Names.NumberForRouting(to.Subject), to.Subject
	}
	return to.Number, p.o.Names.Number(to.Number)
}

// Originate calls a number for a person of the office: his phones ring, and once he
// has answered the number is called by the rules that hold when he dials it. It
// returns as soon as the call exists; the journal tells what becomes of it under
// that id. A number that he may not call or that is none is refused before anything
// rings, and so are emergency numbers, which a person dials himself.
func (p *PBX) Originate(person journal.SubjectID, to Called) (journal.CallID, error) {
	n, subject := p.number(to)
	if n == "" {
		return "", ErrNoNumber
	}
	doc := p.o.Office()
	devices := doc.DevicesOf(person)
	var rings *office.Device
	for _, d := range devices {
		if len(p.o.Phones.Contacts(d.ID)) > 0 {
			rings = d
			break
		}
	}
	if rings == nil {
		return "", ErrNoPhone
	}
	action, _ := route.Decide(doc, route.Request{Device: rings.ID, Trust: route.TrustDigest, Dialled: string(n)}, p.o.Now(), p.routeState())
	switch r := action.(type) {
	case route.DialOut:
		if r.Emergency {
			return "", ErrNotAllowed
		}
	case route.Refuse:
		if r.Code == 403 || r.Code == 404 || r.Code == 484 {
			return "", fmt.Errorf("%w: %s", ErrNotAllowed, r.Reason)
		}
	default:
		return "", ErrNotAllowed
	}
	a := p.newActor()
	if a == nil {
		return "", ErrClosing
	}
	a.post(origination{ev: call.Originated{Person: person, Dialled: string(n), To: subject}, number: n})
	return a.id, nil
}

// CallbackOffer is an offer whose caller was promised to be called back.
type CallbackOffer struct {
	Offer  journal.OfferID
	Call   journal.CallID // under which the caller waits
	Queue  office.ID
	Agent  journal.SubjectID
	Caller journal.SubjectID
}

// CallBack makes the phones of an offer's agent ring; ConnectOffer makes it call the
// caller. Queue.OfferAnswered or OfferFailed follows, and after ConnectOffer
// CallbackResult, exactly once. It never blocks.
func (p *PBX) CallBack(o CallbackOffer) {
	a := p.newActor()
	if a == nil {
		p.o.Queue.OfferFailed(o.Offer, call.CauseShutdown)
		return
	}
	p.mu.Lock()
	p.offers[o.Offer], p.back[o.Offer] = a, o.Call
	p.mu.Unlock()
	a.post(origination{name: o.Call, ev: call.Originated{
		Person: o.Agent, To: o.Caller, Offer: o.Offer, Contact: journal.ContactID(o.Call), Queue: o.Queue,
	}})
}

// origination begins a call that the box makes.
type origination struct {
	ev     call.Originated
	name   journal.CallID
	number numbering.E164 // of Originate; CallBack looks it up here, since that may wait
}

func (m origination) deliver(a *actor) {
	if m.name != "" {
		a.name = m.name
		m.number = a.p.o.Names.NumberForRouting(m.ev.To)
		m.ev.Dialled = string(m.number)
	}
	a.request.Caller = numbering.Caller{Number: m.number, Presentation: numbering.Presented}
	a.step(m.ev)
}
