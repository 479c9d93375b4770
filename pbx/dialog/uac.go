package dialog

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"centralino/pbx/sip"
)

// outgoing is the attempt of a leg that we call.
type outgoing struct {
	o        InviteOptions
	tx       sip.ClientTx
	req      *sip.Request
	attempts int
	limited  bool                // Limit passed
	acks     map[string]*sentAck // by remote tag, for repeated 2xx; nil: not yet sent
}

// sentAck is an ACK and where it went.
type sentAck struct {
	req *sip.Request
	way sip.Destination
}

func (l *Leg) keepAck(tag string, req *sip.Request, way sip.Destination) {
	l.call.acks[tag] = &sentAck{req, way}
	_ = l.a.stack.SendAck(req.Clone(), way)
}

// timerC bounds a call that nobody answers (RFC 3261 16.6 item 11).
const timerC = 3 * time.Minute

// Invite calls one target and returns its leg at once. Forking to several targets
// is several legs; the caller cancels the others. Of a target that forks itself
// the first 2xx wins, others get ACK and BYE.
func (a *Agent) Invite(o InviteOptions) *Leg {
	if o.To == (sip.Address{}) {
		o.To = sip.Address{URI: o.URI}
	}
	if o.Dest == nil {
		o.Dest = sip.URITarget(o.URI)
	}
	if o.Limit == 0 {
		o.Limit = timerC
	}
	id := ""
	if f, ok := o.Dest.(sip.Flow); ok {
		id = a.stack.NewCallID(f)
	} else {
		id = sip.NewCallID()
	}
	l := newLeg(a, id, sip.NewTag())
	l.on = o.On
	l.state = calling
	l.sdp = o.SDP
	l.dialog = dialogState{
		local: o.From.WithTag(l.localTag).String(), remote: o.To.String(),
		localSeq: 1, user: o.ContactUser, target: o.URI,
	}
	if f, ok := o.Dest.(sip.Flow); ok {
		l.dialog.dest = f
	}
	l.call = &outgoing{o: o, acks: make(map[string]*sentAck)}
	l.invite = l.newInvite()
	a.add(l)
	l.do(func() {
		l.timers["limit"] = a.stack.After(l.callID, o.Limit, func() {
			if l.state == calling {
				l.call.limited = true
				l.cancel("")
			}
		})
		if o.Silence > 0 {
			l.timers["silence"] = a.stack.After(l.callID, o.Silence, l.unheard)
		}
		l.sendInvite(l.invite.Clone())
	})
	return l
}

// unheard gives up a server that has not said a word. Should it answer after all,
// the call there is ended.
func (l *Leg) unheard() {
	if l.state == calling && l.Remote().IsZero() {
		l.cancel("")
		l.finish(Failed{Code: 408, Reason: "nothing heard"})
	}
}

func (l *Leg) newInvite() *sip.Request {
	o := &l.call.o
	r := l.dialog.request(sip.INVITE, l.dialog.localSeq, l.callID)
	r.AddHeader("Allow", sip.AllowedMethods)
	if o.Urgent {
		r.SetUrgent()
	}
	for _, h := range o.Headers {
		if strings.EqualFold(h.Name, "Max-Forwards") {
			r.SetHeader(h.Name, h.Value)
			continue
		}
		r.AddHeader(h.Name, h.Value)
	}
	if len(o.SDP) > 0 {
		r.SetBody("application/sdp", o.SDP)
	}
	return r
}

func (l *Leg) sendInvite(req *sip.Request) {
	l.call.attempts++
	l.call.req = req
	tx, err := l.a.stack.Send(req, l.call.o.Dest, l.inviteResult)
	if err != nil {
		l.finish(Failed{Code: 503, Reason: err.Error()})
		return
	}
	l.call.tx = tx
}

// inviteResult takes each answer to our INVITE, also after the leg has ended: a
// late 2xx must get ACK and BYE.
func (l *Leg) inviteResult(resp *sip.Response, err error) {
	switch {
	case err != nil:
		l.inviteError(err)
	case resp.Status()/100 == 2:
		l.heard(resp.Flow())
		l.inviteOK(resp)
	case l.state != calling && l.state != cancelling:
	case resp.Status() < 200:
		l.heard(resp.Flow())
		if resp.Status() > 100 && l.state == calling {
			l.emit(Progress{resp.Status(), resp.SDP(), resp.To().Tag()})
		}
	default:
		l.heard(resp.Flow())
		l.inviteFailed(resp)
	}
}

func (l *Leg) inviteError(err error) {
	switch {
	case l.state == cancelling && l.call.limited:
		l.finish(Failed{Code: 408, Reason: "no answer"})
	case l.state == cancelling:
		l.finish(Failed{Code: 487, Reason: "cancelled"})
	case errors.Is(err, sip.ErrTimeout):
		l.finish(Failed{Code: 408, Reason: err.Error()})
	case l.state == calling:
		l.finish(Failed{Code: 503, Reason: err.Error()})
	}
}

func (l *Leg) inviteFailed(resp *sip.Response) {
	code := resp.Status()
	if l.state == calling && (code == 401 || code == 407) && l.tryAgain(resp) {
		return
	}
	f := Failed{Code: code, Reason: resp.Reason(), Contacts: resp.Contacts(), Response: resp}
	if l.state == cancelling && code == 487 && l.call.limited {
		f.Code, f.Reason = 408, "no answer"
	}
	_, f.Q850, _ = reasonOf(resp.Headers("Reason"))
	if v, ok := resp.Header("Retry-After"); ok {
		f.RetryAfter = RetryAfter(v)
	}
	l.finish(f)
}

// RetryAfter reads the seconds of RFC 3261 20.33, at most a day; 0 if there are none.
func RetryAfter(v string) time.Duration {
	end := 0
	for end < len(v) && v[end] >= '0' && v[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(v[:end])
	if err != nil {
		return 0
	}
	return time.Duration(min(n, 86400)) * time.Second
}

// tryAgain sends the INVITE with credentials, if the caller has any.
func (l *Leg) tryAgain(challenge *sip.Response) bool {
	if l.call.o.Authorize == nil || l.call.attempts >= 3 {
		return false
	}
	next := l.call.req.Clone()
	next.RemoveHeader("Via")
	l.dialog.localSeq++
	next.SetHeader("CSeq", strconv.FormatUint(uint64(l.dialog.localSeq), 10)+" INVITE")
	if !l.call.o.Authorize(challenge, next) {
		return false
	}
	l.sendInvite(next)
	return true
}

// inviteOK takes a 2xx: the first makes the dialog, repeats get their ACK again,
// those of other forks and those that cross our CANCEL get ACK and BYE.
func (l *Leg) inviteOK(resp *sip.Response) {
	tag := resp.To().Tag()
	if ack, again := l.call.acks[tag]; again {
		if ack != nil {
			_ = l.a.stack.SendAck(ack.req.Clone(), ack.way)
		}
		return
	}
	d := l.dialog
	to, _ := resp.Header("To")
	d.remote, d.rtag = to, tag
	d.routes = reversed(recordRoutes(resp.Headers("Record-Route")))
	d.refresh(resp.Contacts())
	seq, _ := l.call.req.CSeq()
	if l.state != calling {
		l.endFork(d, seq, resp)
		if l.state == cancelling {
			code := 487
			if l.call.limited {
				code = 408
			}
			l.finish(Failed{Code: code, Reason: "answered while cancelled", Response: resp})
		}
		return
	}
	l.timers.stop("limit")
	l.dialog = d
	l.dialog.localSeq = seq
	l.state = up
	l.call.acks[tag] = nil
	sdp := resp.SDP()
	if l.call.o.SDP != nil {
		l.sendAck(seq, nil)
	}
	l.refreshFrom(resp)
	l.emit(Accepted{sdp, resp})
}

// sendAck acknowledges the 2xx of our INVITE with that CSeq number.
func (l *Leg) sendAck(seq uint32, sdp []byte) {
	ack := l.dialog.request(sip.ACK, seq, l.callID)
	for _, name := range [...]string{"Authorization", "Proxy-Authorization"} {
		for _, v := range l.call.req.Headers(name) { // RFC 3261 22.1
			ack.AddHeader(name, v)
		}
	}
	if len(sdp) > 0 {
		ack.SetBody("application/sdp", sdp)
	}
	l.keepAck(l.dialog.rtag, ack, l.dialog.way(l.Remote()))
}

// endFork acknowledges and ends a dialog that nobody wants.
func (l *Leg) endFork(d dialogState, seq uint32, resp *sip.Response) {
	ack := d.request(sip.ACK, seq, l.callID)
	way := d.way(resp.Flow())
	l.keepAck(d.rtag, ack, way)
	_, _ = l.a.stack.Send(d.request(sip.BYE, seq+1, l.callID), way, func(*sip.Response, error) {})
}

// AnswerOffer sends the ACK with the answer to an offer that came in Accepted.
func (l *Leg) AnswerOffer(sdp []byte) {
	l.do(func() {
		if l.in || l.state != up || l.call == nil || l.call.o.SDP != nil || l.call.acks[l.dialog.rtag] != nil {
			return
		}
		l.sdp = sdp
		seq, _ := l.call.req.CSeq()
		l.sendAck(seq, sdp)
	})
}

// Cancel gives up an outgoing leg that is not answered. reason, if not empty, is
// sent as a Reason header; ElsewhereReason tells phones not to show a missed call.
// The leg ends with Failed, also when nothing comes back; a 2xx that crosses the
// CANCEL is acknowledged and ended with BYE, and reported as Failed 487 too. When
// the answer has been there first (Accepted may still be on its way to the owner),
// Cancel does what Bye does.
func (l *Leg) Cancel(reason string) {
	l.do(func() {
		if !l.in && l.state == up {
			l.hangUp(reason)
			return
		}
		l.cancel(reason)
	})
}

func (l *Leg) cancel(reason string) {
	if l.in || l.state != calling {
		return
	}
	l.state = cancelling
	l.timers.stop("limit")
	if l.call.tx != nil {
		l.call.tx.Cancel(reason)
	}
}
