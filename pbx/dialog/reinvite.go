package dialog

import (
	"errors"
	"strconv"
	"time"

	"centralino/pbx/sip"
)

// renewal is our re-INVITE under way.
type renewal struct {
	sdp     []byte
	tries   int
	silent  bool          // a session refresh: nobody asked for it
	expires time.Duration // Session-Expires of a refresh
	ack     *sip.Request  // for repeats of its 2xx
}

// asked is a re-INVITE or UPDATE of the other side that waits for its answer.
type asked struct {
	tx     sip.ServerTx
	update bool
}

// askLimit is how long the owner may take to answer Reinvited.
const askLimit = 10 * time.Second

// Reinvite offers a changed session. Glare (491) is tried again after the random
// wait of RFC 3261 14.1; one at a time: a further one waits, the latest counts.
func (l *Leg) Reinvite(sdp []byte) {
	l.do(func() {
		if l.state != up && l.state != accepted {
			return
		}
		l.next = sdp
		l.nextOffer()
	})
}

// nextOffer sends the waiting offer when nothing else is under way.
func (l *Leg) nextOffer() {
	if l.next == nil || l.state != up || l.offer != nil || l.asked != nil || l.ok != nil {
		return
	}
	l.offer = &renewal{sdp: l.next}
	l.next = nil
	l.sendOffer()
}

func (l *Leg) sendOffer() {
	o := l.offer
	o.tries++
	req := l.newRequest(sip.INVITE)
	req.AddHeader("Allow", sip.AllowedMethods)
	if o.expires > 0 {
		req.AddHeader("Supported", "timer")
		req.AddHeader("Session-Expires", strconv.Itoa(int(o.expires/time.Second))+";refresher=uac")
	}
	req.SetBody("application/sdp", o.sdp)
	l.send(req, func(resp *sip.Response, err error) { l.offerResult(o, resp, err) })
}

func (l *Leg) offerResult(o *renewal, resp *sip.Response, err error) {
	if err == nil && resp.Status()/100 == 2 {
		l.offerOK(o, resp)
		return
	}
	if l.offer != o || l.state != up {
		return
	}
	code := 408
	if err == nil {
		code = resp.Status()
	} else if !errors.Is(err, sip.ErrTimeout) {
		code = 503
	}
	switch {
	case code == 491 && o.tries < 4:
		l.timers["offer"] = l.a.stack.After(l.callID, l.glareWait(), func() {
			if l.state == up && l.offer == o {
				l.sendOffer()
			}
		})
		return
	case code == 408 || code == 481 || err != nil: // RFC 3261 12.2.1.2, 14.1
		l.offer = nil
		l.sendBye("", func() {})
		l.finish(Lost{NoPeer})
		return
	}
	l.offer = nil
	if !o.silent {
		l.emit(ReinviteFailed{code})
	}
	l.nextOffer()
}

// glareWait is the random wait of RFC 3261 14.1: the owner of the Call-ID 2.1 to 4
// s, the other side 0 to 2 s, in steps of 10 ms.
func (l *Leg) glareWait() time.Duration {
	if l.in {
		return time.Duration(l.a.o.Random(201)) * 10 * time.Millisecond
	}
	return 2100*time.Millisecond + time.Duration(l.a.o.Random(191))*10*time.Millisecond
}

// offerOK acknowledges the 2xx of a re-INVITE, repeats too, whatever has become of
// the leg.
func (l *Leg) offerOK(o *renewal, resp *sip.Response) {
	way := l.dialog.way(l.Remote())
	if o.ack != nil {
		_ = l.a.stack.SendAck(o.ack.Clone(), way)
		return
	}
	l.heard(resp.Flow())
	l.dialog.refresh(resp.Contacts())
	seq, _ := resp.CSeq()
	o.ack = l.dialog.request(sip.ACK, seq, l.callID)
	_ = l.a.stack.SendAck(o.ack.Clone(), l.dialog.way(l.Remote()))
	if l.offer != o || l.state != up {
		return
	}
	l.offer = nil
	l.sdp = o.sdp
	if !o.silent {
		l.emit(ReinviteAccepted{resp.SDP()})
	}
	l.nextOffer()
}

// askedFor takes a re-INVITE or UPDATE (RFC 3261 14.2, RFC 3311 5.2).
func (l *Leg) askedFor(tx sip.ServerTx) {
	req := tx.Request()
	update := req.Method() == sip.UPDATE
	sdp := req.SDP()
	switch {
	case update && sdp == nil: // a session refresh or a connected-line note
		l.dialog.refresh(req.Contacts())
		resp := l.response(req, 200, "", nil, nil)
		l.sessionTimer(req, resp)
		_ = tx.Respond(resp)
		return
	case l.asked != nil: // RFC 3261 14.2: two at once
		resp := sip.NewResponse(req, 500, "")
		resp.AddHeader("Retry-After", strconv.FormatInt(l.a.o.Random(11), 10))
		_ = tx.Respond(resp)
		return
	case l.offer != nil || l.ok != nil || l.state != up:
		_ = tx.Respond(sip.NewResponse(req, 491, ""))
		return
	}
	if !update {
		_ = tx.Respond(sip.NewResponse(req, 100, ""))
	}
	l.asked = &asked{tx, update}
	l.timers["asked"] = l.a.stack.After(l.callID, askLimit, func() { l.refuseAsked(500) })
	l.emit(Reinvited{sdp, update})
}

func (l *Leg) refuseAsked(code int) {
	if l.asked == nil {
		return
	}
	tx := l.asked.tx
	l.asked = nil
	l.timers.stop("asked")
	_ = tx.Respond(sip.NewResponse(tx.Request(), code, ""))
}

// AnswerReinvite answers Reinvited with 200 and sdp: the answer, or our offer when
// Reinvited had none.
func (l *Leg) AnswerReinvite(sdp []byte) {
	l.do(func() {
		if l.asked == nil || l.state != up {
			return
		}
		q := l.asked
		l.asked = nil
		l.timers.stop("asked")
		req := q.tx.Request()
		l.dialog.refresh(req.Contacts())
		l.sdp = sdp
		resp := l.response(req, 200, "", sdp, nil)
		l.sessionTimer(req, resp)
		if q.update {
			_ = q.tx.Respond(resp)
			l.nextOffer()
			return
		}
		l.sendOK(q.tx, resp)
	})
}

// RejectReinvite answers Reinvited with a final code (488 …). The session stays as
// it was.
func (l *Leg) RejectReinvite(code int) {
	l.do(func() {
		l.refuseAsked(code)
		l.nextOffer()
	})
}
