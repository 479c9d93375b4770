package pbx

import (
	"sync"
	"time"

	"centralino/internal/journal"
	"centralino/pbx/call"
)

// RingAgent makes the phones of an offer's agent ring for a waiting call. It never
// blocks; Queue.OfferAnswered or OfferFailed follows.
func (p *PBX) RingAgent(id journal.CallID, o journal.OfferID, agent journal.SubjectID) {
	p.mu.Lock()
	a, before := p.calls[id], p.rang[agent]
	if a != nil {
		p.offers[o] = a
		p.rang[agent] = a
	}
	p.mu.Unlock()
	if a == nil {
		p.o.Queue.OfferFailed(o, call.CauseAbandoned)
		return
	}
	m := callMail{call.Offer{Offer: o, Agent: agent}}
	if before == nil || before == a {
		a.post(m)
		return
	}
	// The call that rang there before may have been told to stop a moment ago. It
	// passes the offer on when it has done so: the phone gets the CANCEL first.
	h := &handOver{p: p, offer: o, to: a, m: m}
	time.AfterFunc(handOverWait, h.pass)
	before.post(h)
}

// handOverWait is how long an offer waits for the call that rang the phones before.
const handOverWait = 50 * time.Millisecond

// handOver is an offer for another call, which is to come after everything that this
// one has been told before.
type handOver struct {
	p     *PBX
	offer journal.OfferID
	to    *actor
	m     mail
	once  sync.Once
}

func (h *handOver) deliver(*actor) { h.pass() }

// pass hands the offer over unless it has been taken back meanwhile: the word of that
// has gone straight to the call, which did not know the offer yet.
func (h *handOver) pass() {
	h.once.Do(func() {
		h.p.mu.Lock()
		defer h.p.mu.Unlock()
		if h.p.offers[h.offer] == h.to { // still held while posting: a later word comes after
			h.to.post(h.m)
		}
	})
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
	if p.lost(o) {
		return
	}
	if before := p.callBefore(o); before != nil {
		before.after(func() { p.ConnectOffer(o) }) // should the agent be gone by then, it answers for him
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
