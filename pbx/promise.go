package pbx

import (
	"centralino/internal/journal"
	"centralino/pbx/call"
)

// Announce tells a waiting call where it stands.
func (p *PBX) Announce(id journal.CallID, e call.Announced) {
	if a := p.actor(id); a != nil {
		a.post(callMail{e})
	}
}

// askCallback asks the ACD in the background, because the answer waits for the
// disk. Where the call is over before a refusal its place in line is given up.
func (a *actor) askCallback(x call.AskCallback) {
	caller := a.p.o.Names.Number(x.Number)
	a.asked = true
	a.p.wg.Go(func() {
		err := a.p.o.Queue.AskCallback(a.id, x.Group, caller)
		if err != nil {
			a.log.Warn("a call back was not promised", "err", err)
		}
		a.post(taken{err == nil})
		if err != nil {
			<-a.done // not before: the call may still wait
			a.p.o.Queue.Abandon(a.id)
		}
	})
}

// taken is the ACD's answer about a call back.
type taken struct{ ok bool }

func (m taken) deliver(a *actor) {
	if !m.ok {
		a.asked = false
	}
	a.step(call.CallbackTaken{OK: m.ok})
}

// lost answers for a call back whose agent was gone before the ACD's word reached
// him. (Should it reach a call that is ending at this moment, the ACD's own limit
// ends the attempt.)
func (p *PBX) lost(o journal.OfferID) bool {
	p.mu.Lock()
	back, a := p.back[o], p.offers[o]
	if back != "" && a == nil {
		delete(p.back, o)
	}
	p.mu.Unlock()
	if back == "" || a != nil {
		return false
	}
	p.o.Queue.CallbackResult(back, "", call.ResultFailed)
	return true
}

// forgetBack drops an offer to call back that came to nothing.
func (p *PBX) forgetBack(o journal.OfferID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.back, o)
}

// callBefore is the call in which the caller of an offer was promised to be called
// back, while it lasts.
func (p *PBX) callBefore(o journal.OfferID) *actor {
	p.mu.Lock()
	defer p.mu.Unlock()
	if back := p.back[o]; back != "" {
		return p.calls[back]
	}
	return nil
}
