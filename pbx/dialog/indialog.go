package dialog

import (
	"strconv"
	"time"

	"centralino/pbx/sip"
)

// inDialog takes a request of the other side within the dialog; by is who has sent it
// where that was asked.
func (l *Leg) inDialog(tx sip.ServerTx, by Identity) {
	req := tx.Request()
	l.heard(req.Flow())
	seq, _ := req.CSeq()
	if seq < l.dialog.remoteSeq || l.state == ended { // RFC 3261 12.2.2
		code := 500
		if l.state == ended {
			code = 481
		}
		_ = tx.Respond(sip.NewResponse(req, code, ""))
		return
	}
	l.dialog.remoteSeq = seq
	switch req.Method() {
	case sip.BYE:
		l.byeCame(tx)
	case sip.INVITE, sip.UPDATE:
		l.askedFor(tx)
	case sip.OPTIONS:
		_ = tx.Respond(capabilities(req))
	case sip.INFO:
		l.info(tx)
	case sip.REFER:
		l.referCame(tx, by)
	case sip.NOTIFY:
		l.notified(tx)
	case sip.PRACK: // no reliable provisional
		_ = tx.Respond(sip.NewResponse(req, 481, ""))
	case sip.SUBSCRIBE:
		_ = tx.Respond(badEvent(req))
	default:
		resp := sip.NewResponse(req, 405, "")
		resp.AddHeader("Allow", sip.AllowedMethods)
		_ = tx.Respond(resp)
	}
}

func (l *Leg) byeCame(tx sip.ServerTx) {
	req := tx.Request()
	_ = tx.Respond(sip.NewResponse(req, 200, ""))
	if l.in && l.state == ringing { // a BYE for an early dialog (RFC 3261 15.1.2)
		_ = l.tx.Respond(sip.NewResponse(l.invite, 487, ""))
	}
	text, q850, _ := reasonOf(req.Headers("Reason"))
	switch l.state {
	case ending:
		l.finish(Lost{ByeSent})
	case calling, cancelling: // the INVITE's own answer ends it
	default:
		l.finish(Ended{Reason: text, Q850: q850})
	}
}

// Bye ends an answered leg; reason, if not empty, is the value of a Reason header
// (Q850Reason). On a leg that is not yet answered it does what Cancel or Reject
// (480) would do.
func (l *Leg) Bye(reason string) {
	l.do(func() {
		switch l.state {
		case calling:
			l.cancel(reason)
		case ringing:
			var h []Header
			if reason != "" {
				h = []Header{{"Reason", reason}}
			}
			_ = l.tx.Respond(l.response(l.invite, 480, "", nil, h))
			l.finish(Lost{Refused})
		case accepted:
			if l.bye == nil {
				l.bye = &byeWanted{reason}
			}
		case up:
			l.hangUp(reason)
		}
	})
}

// hangUp sends BYE and ends the leg when it is answered or gives up. An offer in a
// 2xx that was never answered gets its ACK first.
func (l *Leg) hangUp(reason string) {
	l.state = ending
	l.ok = nil
	l.timers.stop("ok")
	l.timers.stop("offer")
	if l.call != nil {
		if ack, known := l.call.acks[l.dialog.rtag]; known && ack == nil {
			seq, _ := l.call.req.CSeq()
			l.sendAck(seq, nil)
		}
	}
	l.sendBye(reason, func() { l.finish(Lost{ByeSent}) })
}

func (l *Leg) sendBye(reason string, done func()) {
	req := l.newRequest(sip.BYE)
	if reason != "" {
		req.AddHeader("Reason", reason)
	}
	l.send(req, func(*sip.Response, error) { done() })
}

// newRequest makes the next request within the dialog.
func (l *Leg) newRequest(method string) *sip.Request {
	l.dialog.localSeq++
	r := l.dialog.request(method, l.dialog.localSeq, l.callID)
	r.SetUrgent() // a dialog that stands is not left hanging because others flood
	return r
}

// send sends a request within the dialog; on gets the final result once, for
// INVITE also repeats of 2xx. A challenge is answered once where the leg has
// credentials.
func (l *Leg) send(req *sip.Request, on func(*sip.Response, error)) {
	var authorize func(*sip.Response, *sip.Request) bool
	if l.call != nil {
		authorize = l.call.o.Authorize
	}
	l.sendTry(req, authorize, on, 1)
}

func (l *Leg) sendTry(req *sip.Request, authorize func(*sip.Response, *sip.Request) bool, on func(*sip.Response, error), tries int) {
	_, err := l.a.stack.Send(req, l.dialog.way(l.Remote()), func(resp *sip.Response, err error) {
		switch {
		case err == nil && resp.Status() < 200:
			return
		case err == nil && (resp.Status() == 401 || resp.Status() == 407) && tries < 3 && authorize != nil:
			next := req.Clone()
			next.RemoveHeader("Via")
			l.dialog.localSeq++
			next.SetHeader("CSeq", strconv.FormatUint(uint64(l.dialog.localSeq), 10)+" "+req.Method())
			if authorize(resp, next) {
				l.sendTry(next, authorize, on, tries+1)
				return
			}
		}
		on(resp, err)
	})
	if err != nil {
		l.a.stack.Queue(l.callID, func() { on(nil, err) })
	}
}

// missedProbes is how many questions in a row stay without an answer before a leg ends.
const missedProbes = 2

// Probe asks the other side every so often by OPTIONS whether it is still there (RFC
// 3261 11, 12.2.1): a peer that neither sends sound nor wants any may be gone without
// a word. After two questions in a row without an answer, or with 408 or 481, BYE is
// sent and the leg ends with Lost. 0 ends the asking.
func (l *Leg) Probe(every time.Duration) {
	l.do(func() {
		l.probes++
		l.timers.stop("probe")
		if every > 0 {
			l.probeLater(every, 0)
		}
	})
}

func (l *Leg) probeLater(every time.Duration, missed int) {
	turn := l.probes
	l.timers["probe"] = l.a.stack.After(l.callID, every, func() {
		if l.state != up { // its ACK is waited for, or its end
			l.probeLater(every, missed)
			return
		}
		l.send(l.newRequest(sip.OPTIONS), func(resp *sip.Response, err error) {
			if l.state != up || l.probes != turn {
				return
			}
			switch {
			case err == nil && resp.Status() != 408 && resp.Status() != 481:
				l.probeLater(every, 0)
			case missed+1 < missedProbes:
				l.probeLater(every, missed+1)
			default:
				l.sendBye("", func() {})
				l.finish(Lost{NoPeer})
			}
		})
	})
}

// Session timers (RFC 4028). We never ask for one. Who asks refreshes himself; only
// when the other side insists (refresher=uas with Require) do we refresh, at half of
// the interval.

// sessionTimer answers Session-Expires of req in its 2xx.
func (l *Leg) sessionTimer(req *sip.Request, resp *sip.Response) {
	v, ok := req.Header("Session-Expires")
	if !ok || !req.HasOption("Supported", "timer") && !req.HasOption("Require", "timer") {
		return
	}
	seconds := RetryAfter(v)
	if seconds < 90*time.Second {
		return
	}
	_, params, _ := cut(v)
	refresher, _ := params.Get("refresher")
	if refresher == "uas" {
		if !req.HasOption("Require", "timer") {
			return // as one who does not know session timers
		}
		l.refreshEvery(seconds)
	} else {
		refresher = "uac"
		resp.AddHeader("Require", "timer")
	}
	resp.AddHeader("Session-Expires", strconv.Itoa(int(seconds/time.Second))+";refresher="+refresher)
}

func cut(v string) (string, sip.Params, bool) {
	for i := range len(v) {
		if v[i] == ';' {
			return v[:i], sip.Params(v[i:]), true
		}
	}
	return v, "", false
}

// refreshFrom takes up the refresher's part when a 2xx to our INVITE gives it to us.
func (l *Leg) refreshFrom(resp *sip.Response) {
	v, ok := resp.Header("Session-Expires")
	if !ok {
		return
	}
	_, params, _ := cut(v)
	if r, _ := params.Get("refresher"); r == "uac" {
		if d := RetryAfter(v); d >= 90*time.Second {
			l.refreshEvery(d)
		}
	}
}

// refreshEvery renews the session at half of the interval by an UPDATE or re-INVITE
// that changes nothing.
func (l *Leg) refreshEvery(d time.Duration) {
	l.timers.stop("session")
	l.timers["session"] = l.a.stack.After(l.callID, d/2, func() {
		if l.state == up && l.offer == nil && l.asked == nil && l.next == nil {
			l.offer = &renewal{sdp: l.sdp, silent: true, expires: d}
			l.sendOffer()
		}
		l.refreshEvery(d)
	})
}
