package dialog

import (
	"centralino/pbx/sip"
)

// Stateless implements sip.Handler.
func (a *Agent) Stateless(req *sip.Request) *sip.Response {
	if a.subscribes(req) {
		return a.admit(req, a.o.Subscriptions.Admit)
	}
	if within(req) {
		if l := a.find(req); l == nil || !l.knows(req) {
			return sip.NewResponse(req, 481, "")
		}
		if req.Method() == sip.REFER { // it makes calls: whoever asks proves who he is
			return a.admit(req, a.o.Admit)
		}
		return nil
	}
	if req.Method() == sip.INVITE {
		if len(req.Contacts()) > 1 {
			return sip.NewResponse(req, 400, "Bad Request: several Contacts")
		}
		return a.admit(req, a.o.Admit)
	}
	if a.o.Stateless != nil {
		if resp := a.o.Stateless(req); resp != nil {
			return resp
		}
	}
	switch req.Method() {
	case sip.OPTIONS:
		return capabilities(req)
	case sip.REFER:
		return sip.NewResponse(req, 603, "")
	case sip.SUBSCRIBE:
		return badEvent(req)
	case sip.BYE, sip.PRACK, sip.UPDATE, sip.INFO, sip.NOTIFY:
		return sip.NewResponse(req, 481, "")
	}
	if a.o.Other == nil {
		resp := sip.NewResponse(req, 405, "")
		resp.AddHeader("Allow", sip.AllowedMethods)
		return resp
	}
	return nil
}

// within says whether a request belongs to a dialog. A REGISTER never does, though
// some phones repeat the To tag of a 401 in it.
func within(req *sip.Request) bool {
	return req.Method() != sip.REGISTER && req.To().Tag() != ""
}

// subscribes says whether a request is for who keeps subscriptions.
func (a *Agent) subscribes(req *sip.Request) bool {
	return req.Method() == sip.SUBSCRIBE && a.o.Subscriptions != nil && a.find(req) == nil
}

// badEvent refuses a subscription to what is not told here (RFC 6665 8.3.2).
func badEvent(req *sip.Request) *sip.Response {
	resp := sip.NewResponse(req, 489, "")
	resp.AddHeader("Allow-Events", sip.AllowedEvents)
	return resp
}

// admit decides about a new INVITE, a REFER or a SUBSCRIBE by who, nil for everybody; the
// identity waits for Request, which follows at once.
func (a *Agent) admit(req *sip.Request, who func(*sip.Request) (Identity, *sip.Response)) *sip.Response {
	a.mu.Lock()
	closed := a.closed
	a.mu.Unlock()
	if closed {
		resp := sip.NewResponse(req, 503, "")
		resp.AddHeader("Retry-After", "30")
		return resp
	}
	var id Identity
	if who != nil {
		var resp *sip.Response
		if id, resp = who(req); resp != nil {
			return resp
		}
	}
	a.mu.Lock()
	a.admitted[req] = id
	a.mu.Unlock()
	return nil
}

// capabilities answers OPTIONS (RFC 3261 11.2).
func capabilities(req *sip.Request) *sip.Response {
	resp := sip.NewResponse(req, 200, "")
	resp.AddHeader("Allow", sip.AllowedMethods)
	resp.AddHeader("Allow-Events", sip.AllowedEvents)
	resp.AddHeader("Accept", "application/sdp")
	resp.AddHeader("Supported", "timer")
	return resp
}

// Request implements sip.Handler.
func (a *Agent) Request(tx sip.ServerTx) {
	req := tx.Request()
	if a.subscribes(req) {
		a.o.Subscriptions.Subscribe(tx, a.identity(req))
		return
	}
	if within(req) {
		var by Identity
		if req.Method() == sip.REFER {
			by = a.identity(req)
		}
		if l := a.find(req); l != nil {
			l.inDialog(tx, by)
			return
		}
		_ = tx.Respond(sip.NewResponse(req, 481, ""))
		return
	}
	if req.Method() != sip.INVITE {
		a.o.Other(tx)
		return
	}
	a.incoming(tx, a.identity(req))
}

// identity is what admit found out, once.
func (a *Agent) identity(req *sip.Request) Identity {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := a.admitted[req]
	delete(a.admitted, req)
	return id
}

// Ack implements sip.Handler. An ACK of an unknown dialog belongs to a stateless
// refusal and is dropped.
func (a *Agent) Ack(req *sip.Request) {
	if l := a.find(req); l != nil && l.knows(req) {
		l.acked(req)
	}
}

// Cancel implements sip.Handler.
func (a *Agent) Cancel(tx sip.ServerTx, cancel *sip.Request) {
	a.mu.Lock()
	l := a.byTx[tx]
	a.mu.Unlock()
	if l != nil {
		l.cancelled(cancel)
		return
	}
	_ = tx.Respond(sip.NewResponse(tx.Request(), 487, ""))
}
