package dialog

import (
	"time"

	"centralino/pbx/sip"
)

// ringAgain is how often a provisional answer is repeated, before Timer C of any
// proxy on the way (RFC 3261 13.3.1.1).
const ringAgain = 60 * time.Second

// incoming makes the leg of a new INVITE.
func (a *Agent) incoming(tx sip.ServerTx, id Identity) {
	req := tx.Request()
	trying := sip.NewResponse(req, 100, "")
	_ = tx.Respond(trying)
	tagged := sip.NewResponse(req, 180, "").To()
	l := newLeg(a, req.CallID(), tagged.Tag())
	l.in, l.identity, l.invite, l.tx = true, id, req, tx
	l.state = ringing
	l.remote = req.Flow()
	l.dialog = answering(req, tagged)
	a.add(l)
	a.o.Incoming(l)
}

// response makes a response to an INVITE of the leg with what dialogs need.
func (l *Leg) response(req *sip.Request, code int, reason string, sdp []byte, headers []Header) *sip.Response {
	resp := sip.NewResponse(req, code, reason)
	if code < 300 {
		resp.AddHeader("Contact", ourContact(l.a.stack, req.Flow(), l.dialog.user))
		resp.AddHeader("Allow", sip.AllowedMethods)
	}
	for _, h := range headers {
		resp.AddHeader(h.Name, h.Value)
	}
	if len(sdp) > 0 {
		resp.SetBody("application/sdp", sdp)
	}
	return resp
}

// ourContact is the Contact of our response to what came on a flow.
func ourContact(stack *sip.Stack, f sip.Flow, user string) string {
	local := stack.LocalOf(f)
	u := sip.NewURI(user, local.Addr().String(), local.Port())
	if f.Transport() == sip.TCP {
		u.Params = ";transport=tcp"
	}
	return sip.Address{URI: u}.String()
}

// Ring sends a provisional response (180, 181, 182, 183) to an incoming INVITE,
// with sdp for early media or nil. It may be repeated; the latest one is sent
// again every 60 s so that no proxy's Timer C ends the call (RFC 3261 13.3.1.1).
func (l *Leg) Ring(code int, sdp []byte) {
	l.do(func() {
		if !l.in || l.state != ringing || code < 101 || code > 199 {
			return
		}
		l.ring = l.response(l.invite, code, "", sdp, nil)
		_ = l.tx.Respond(l.ring)
		l.ringLater()
	})
}

func (l *Leg) ringLater() {
	l.timers.stop("ring")
	l.timers["ring"] = l.a.stack.After(l.callID, ringAgain, func() {
		if l.state == ringing {
			_ = l.tx.Respond(l.ring)
			l.ringLater()
		}
	})
}

// Accept answers an incoming INVITE with 200 and sdp: the answer, or the offer if
// the INVITE had none. It is repeated after 0.5, 1, 2, 4, 4 … s until the ACK, for
// 32 s at most. headers are extra fields.
func (l *Leg) Accept(sdp []byte, headers ...Header) {
	l.do(func() {
		if !l.in || l.state != ringing {
			return
		}
		l.timers.stop("ring")
		l.state, l.sdp = accepted, sdp
		resp := l.response(l.invite, 200, "", sdp, headers)
		l.sessionTimer(l.invite, resp)
		l.sendOK(l.tx, resp)
	})
}

// Reject refuses an incoming INVITE with a final code 300 to 699. reason "" gives
// the standard phrase. The leg ends with Lost{Refused}.
func (l *Leg) Reject(code int, reason string, headers ...Header) {
	l.do(func() {
		if !l.in || l.state != ringing || code < 300 || code > 699 {
			return
		}
		_ = l.tx.Respond(l.response(l.invite, code, reason, nil, headers))
		l.finish(Lost{Refused})
	})
}

// cancelled takes the CANCEL of an unanswered INVITE.
func (l *Leg) cancelled(cancel *sip.Request) {
	if l.state != ringing {
		return
	}
	_ = l.tx.Respond(sip.NewResponse(l.invite, 487, ""))
	text, _, elsewhere := reasonOf(cancel.Headers("Reason"))
	l.finish(Cancelled{Reason: text, Elsewhere: elsewhere})
}

// repeater sends a 2xx again until its ACK comes (RFC 3261 13.3.1.4).
type repeater struct {
	tx       sip.ServerTx
	resp     *sip.Response
	seq      uint32 // CSeq number that the ACK carries
	interval time.Duration
	elapsed  time.Duration
}

const giveUp = 64 * sip.T1

// sendOK sends a 2xx to an INVITE or re-INVITE and watches for the ACK.
func (l *Leg) sendOK(tx sip.ServerTx, resp *sip.Response) {
	seq, _ := tx.Request().CSeq()
	l.ok = &repeater{tx: tx, resp: resp, seq: seq, interval: sip.T1}
	_ = tx.Respond(resp)
	l.okLater(sip.T1)
}

func (l *Leg) okLater(d time.Duration) {
	l.timers.stop("ok")
	r := l.ok
	l.timers["ok"] = l.a.stack.After(l.callID, d, func() {
		if l.ok != r || l.state == ended {
			return
		}
		r.elapsed += d
		if r.elapsed >= giveUp { // RFC 3261 13.3.1.4: end the session
			l.ok = nil
			l.sendBye("", func() {})
			l.finish(Lost{NoAck})
			return
		}
		_ = r.tx.Respond(r.resp)
		r.interval = min(2*r.interval, sip.T2)
		l.okLater(min(r.interval, giveUp-r.elapsed))
	})
}

// acked takes an ACK of the dialog.
func (l *Leg) acked(req *sip.Request) {
	l.heard(req.Flow())
	seq, _ := req.CSeq()
	if l.ok == nil || l.ok.seq != seq {
		return
	}
	l.ok = nil
	l.timers.stop("ok")
	first := l.state == accepted
	if first {
		l.state = up
	}
	if sdp := req.SDP(); first || sdp != nil {
		l.emit(Acked{sdp})
	}
	if l.bye != nil {
		l.hangUp(l.bye.reason)
		return
	}
	l.nextOffer()
}
