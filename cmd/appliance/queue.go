package main

import (
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

// Announce and CallBack are not known to the switch yet: the caller hears music, the
// offer is missed.
func (x *exchange) Announce(journal.CallID, acd.Announcement) {}
func (x *exchange) CallBack(acd.Offer, journal.SubjectID)     {}

// queues is what the switch calls: the ACD.
type queues struct{ *acd.ACD }

func (q queues) Enqueue(id journal.CallID, queue office.ID, caller journal.SubjectID) error {
	return q.ACD.Enqueue(acd.Entry{Call: id, Queue: queue, Caller: caller})
}

func (q queues) OfferFailed(o journal.OfferID, why call.Cause) {
	failure := acd.FailedRefused
	if why == call.CauseOffline || why == call.CauseFailed {
		failure = acd.FailedUnreachable
	}
	q.ACD.OfferFailed(o, failure)
}

// feature performs a feature code and names the sentence that tells how it went.
func (b *box) feature(f office.Feature, person journal.SubjectID, _ string) string {
	var err error
	done := ""
	switch f {
	case office.FeatureLogin:
		_, err = b.acd.Login(person, engine.FromPhone)
		done = "login-ok"
	case office.FeatureLogout:
		_, err = b.acd.Logout(person, engine.FromPhone)
		done = "logout-ok"
	case office.FeaturePause:
		_, err = b.acd.Pause(person, engine.FromPhone, engine.ReasonCode)
		done = "paused"
	case office.FeatureReady:
		_, err = b.acd.Ready(person, engine.FromPhone)
		done = "ready"
	case office.FeatureEcho:
		return ""
	case office.FeatureStatus:
		return b.statusPrompt()
	default:
		return "unknown-number"
	}
	if err != nil {
		return "not-allowed"
	}
	return done
}
