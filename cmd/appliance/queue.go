package main

import (
	"time"

	"centralino/acd"
	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/pbx/call"
)

// exchange is what the ACD calls: the switch, which is made after it.
type exchange struct{ pbx *pbx.PBX }

func (x *exchange) Ring(o acd.Offer) { x.pbx.RingAgent(o.Call, o.ID, o.Agent) }

func (x *exchange) StopRing(o journal.OfferID, why acd.Reason) {
	cause := call.CauseNoAnswer
	if why == engine.ReasonElsewhere {
		cause = call.CauseElsewhere
	}
	x.pbx.StopRinging(o, cause)
}

func (x *exchange) Connect(o journal.OfferID) { x.pbx.ConnectOffer(o) }
func (x *exchange) Refuse(o journal.OfferID)  { x.pbx.RefuseOffer(o) }

func (x *exchange) Leave(c journal.CallID, why acd.Reason) { x.pbx.GiveBack(c, string(why)) }

func (x *exchange) Announce(c journal.CallID, a acd.Announcement) {
	x.pbx.Announce(c, call.Announced{Position: a.Position, Low: a.Low, High: a.High, Periodic: a.Periodic})
}

func (x *exchange) CallBack(o acd.Offer, caller journal.SubjectID) {
	x.pbx.CallBack(pbx.CallbackOffer{Offer: o.ID, Call: o.Call, Queue: o.Queue, Agent: o.Agent, Caller: caller})
}

// queues is what the switch calls: the ACD. Kept hears whom somebody has reached by
// hand; it must not block.
type queues struct {
	*acd.ACD
	kept func(party, by journal.SubjectID)
}

func (q queues) Reached(party, person journal.SubjectID, in journal.CallID) {
	q.ACD.Reached(party, person, in)
	q.kept(party, person)
}

func (q queues) Enqueue(id journal.CallID, queue office.ID, caller journal.SubjectID, since time.Time) error {
	return q.ACD.Enqueue(acd.Entry{Call: id, Queue: queue, Caller: caller, Arrival: since})
}

func (q queues) AskCallback(id journal.CallID, queue office.ID, caller journal.SubjectID) error {
	return q.ACD.AskCallbackAt(id, queue, caller)
}

func (q queues) OfferFailed(o journal.OfferID, why call.Cause) {
	failure := acd.FailedRefused
	if why == call.CauseOffline || why == call.CauseFailed {
		failure = acd.FailedUnreachable
	}
	q.ACD.OfferFailed(o, failure)
}
