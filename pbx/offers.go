package pbx

import (
	"centralino/internal/journal"
	"centralino/pbx/call"
)

// RingAgent makes the phones of an offer's agent ring for a waiting call. It never
// blocks; Queue.OfferAnswered or OfferFailed follows.
func (p *PBX) RingAgent(id journal.CallID, o journal.OfferID, agent journal.SubjectID) {
	p.mu.Lock()
	a := p.calls[id]
	if a != nil {
		p.offers[o] = a
	}
	p.mu.Unlock()
	if a == nil {
		p.o.Queue.OfferFailed(o, call.CauseAbandoned)
		return
	}
	a.post(callMail{call.Offer{Offer: o, Agent: agent}})
}

// StopRinging ends the ringing of an offer. Where the cause is CauseElsewhere the
// phones show no missed call.
func (p *PBX) StopRinging(o journal.OfferID, why call.Cause) {
	p.toOffer(o, call.OfferStopped{Offer: o, Elsewhere: why == call.CauseElsewhere})
}

// ConnectOffer joins caller and agent.
//
// Who is to be called back may still hear the promise being spoken: the call waits
// until he has hung up, since his line is busy before.
func (p *PBX) ConnectOffer(o journal.OfferID) {
	if before := p.callBefore(o); before != nil {
		before.after(func() { p.toOffer(o, call.OfferGranted{Offer: o}) })
		return
	}
	p.toOffer(o, call.OfferGranted{Offer: o})
}

// RefuseOffer hangs up on an agent who answered too late.
func (p *PBX) RefuseOffer(o journal.OfferID) { p.toOffer(o, call.OfferDenied{Offer: o}) }

// GiveBack lets the path of a call go on, which its queue does not want any more.
func (p *PBX) GiveBack(id journal.CallID, reason string) {
	if a := p.actor(id); a != nil {
		a.post(callMail{call.QueueLeft{Reason: reason}})
	}
}

func (p *PBX) toOffer(o journal.OfferID, ev call.Event) {
	p.mu.Lock()
	a := p.offers[o]
	delete(p.offers, o)
	delete(p.back, o)
	p.mu.Unlock()
	if a != nil {
		a.post(callMail{ev})
	}
}
