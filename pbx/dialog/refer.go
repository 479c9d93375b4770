package dialog

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"centralino/pbx/sip"
)

// Transfers (RFC 3515): the other side asks by REFER that its place in the call be
// taken by somebody else, and hears by NOTIFY how that goes. What it hears may come
// after the end of its leg, since the subscription that its REFER has made is a usage
// of its own (RFC 5057 4.1). One transfer is under way at a time.

// referral is a REFER of the other side.
type referral struct {
	tx     sip.ServerTx // until it is answered
	event  string       // of our NOTIFY: refer, and which one after the first
	silent bool         // nobody wants to hear how it goes (RFC 4488)
	over   bool         // the last NOTIFY was sent, or the subscription is gone
}

// referAnswer is how long the owner may take to answer a REFER.
const referAnswer = 10 * time.Second

// referSubscription is how long the other side hears how its transfer goes; the owner
// ends it before (RFC 3515 2.4.7).
const referSubscription = 10 * time.Minute

// referCame takes a REFER within the dialog, sent by whom the agent has admitted it as.
func (l *Leg) referCame(tx sip.ServerTx, by Identity) {
	req := tx.Request()
	v, ok := req.Header("Refer-To")
	to, err := sip.ParseAddress(v)
	switch {
	case !ok || err != nil || to.Star: // RFC 3515 2.4.1: exactly one
		_ = tx.Respond(sip.NewResponse(req, 400, "Bad Request: Refer-To"))
		return
	case l.state != up && l.state != accepted:
		_ = tx.Respond(sip.NewResponse(req, 481, ""))
		return
	case l.refer != nil && !l.refer.over:
		_ = tx.Respond(sip.NewResponse(req, 491, ""))
		return
	}
	seq, _ := req.CSeq()
	r := &referral{tx: tx, event: "refer"}
	if l.refer != nil { // RFC 3515 2.4.6
		r.event += ";id=" + strconv.FormatUint(uint64(seq), 10)
	}
	if v, ok := req.Header("Refer-Sub"); ok {
		value, _, _ := strings.Cut(v, ";")
		r.silent = strings.EqualFold(strings.TrimSpace(value), "false")
	}
	l.refer = r
	l.timers["refer"] = l.a.stack.After(l.callID, referAnswer, func() { l.answerRefer(500, "") })
	l.emit(Refer{To: to, By: by})
}

// AnswerRefer answers the REFER that came last: 202, or with a code of 300 and above why
// it is refused. The other side then hears that it is being tried.
func (l *Leg) AnswerRefer(code int, reason string) {
	l.do(func() { l.answerRefer(code, reason) })
}

func (l *Leg) answerRefer(code int, reason string) {
	r := l.refer
	if r == nil || r.tx == nil {
		return
	}
	l.timers.stop("refer")
	tx := r.tx
	r.tx = nil
	req := tx.Request()
	resp := sip.NewResponse(req, code, reason)
	if code/100 != 2 {
		r.over = true
		_ = tx.Respond(resp)
		return
	}
	resp.AddHeader("Contact", ourContact(l.a.stack, req.Flow(), l.dialog.user))
	if r.silent {
		resp.AddHeader("Refer-Sub", "false")
	}
	_ = tx.Respond(resp)
	l.tellRefer(100, false)
}

// refuseRefer answers a REFER that the end of the leg has overtaken.
func (l *Leg) refuseRefer() {
	if r := l.refer; r != nil && r.tx != nil {
		_ = r.tx.Respond(sip.NewResponse(r.tx.Request(), 481, ""))
		r.tx, r.over = nil, true
	}
}

// TellRefer tells the other side how its transfer goes: the status of what has been
// called in its place, and whether that is the last word. It does so after the leg's
// end, too.
func (l *Leg) TellRefer(code int, last bool) {
	l.a.stack.Queue(l.callID, func() { l.tellRefer(code, last) })
}

func (l *Leg) tellRefer(code int, last bool) {
	r := l.refer
	if r == nil || r.tx != nil || r.over {
		return
	}
	r.over = last
	if r.silent {
		return
	}
	req := l.newRequest(sip.NOTIFY)
	req.AddHeader("Event", r.event)
	state := "active;expires=" + strconv.Itoa(int(referSubscription/time.Second))
	if last {
		state = "terminated;reason=noresource"
	}
	req.AddHeader("Subscription-State", state)
	req.SetBody("message/sipfrag;version=2.0", fmt.Appendf(nil, "SIP/2.0 %d %s\r\n", code, sip.ReasonPhrase(code)))
	l.send(req, func(resp *sip.Response, err error) {
		if err != nil || resp.Status() >= 300 { // the telephone has forgotten its transfer
			r.over = true
		}
	})
}

// Refer asks the other side to take its call elsewhere: to is what it is to call. It is
// told by Notified what comes of it; Code of the first one is that of the answer to the
// REFER. authorize is as in InviteOptions.
func (l *Leg) Refer(to sip.Address, authorize func(challenge *sip.Response, req *sip.Request) bool, headers ...Header) {
	l.do(func() {
		if l.state != up {
			return
		}
		req := l.newRequest(sip.REFER)
		req.AddHeader("Refer-To", to.String())
		for _, h := range headers {
			req.AddHeader(h.Name, h.Value)
		}
		l.referring = true
		l.sendTry(req, authorize, func(resp *sip.Response, err error) {
			code := 408
			if err == nil {
				code = resp.Status()
			}
			l.referring = l.referring && code/100 == 2
			l.emit(Notified{Code: code, Last: code/100 != 2})
		}, 1)
	})
}

// notified takes a NOTIFY within the dialog: of a REFER of ours, else of nothing.
func (l *Leg) notified(tx sip.ServerTx) {
	req := tx.Request()
	event, _ := req.Header("Event")
	state, _ := req.Header("Subscription-State")
	code := 0
	if _, err := fmt.Sscanf(string(req.Body()[:min(len(req.Body()), 32)]), "SIP/2.0 %d", &code); err != nil ||
		!l.referring || !strings.HasPrefix(event, "refer") {
		_ = tx.Respond(sip.NewResponse(req, 481, ""))
		return
	}
	_ = tx.Respond(sip.NewResponse(req, 200, ""))
	last := strings.HasPrefix(state, "terminated")
	l.referring = l.referring && !last
	l.emit(Notified{Code: code, Last: last})
}
