package pbx

import (
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/dialog"
	"centralino/pbx/media"
	"centralino/pbx/sdp"
)

// sipLeg is a leg over SIP. Its media is always between the peer and the box.
type sipLeg struct {
	owned
	id     journal.LegID
	kind   journal.LegKind
	line   office.ID        // the trunk whose channel it holds, empty for a phone
	device office.ID        // the phone, empty for a trunk
	shown  journal.LegState // what its phone's lamp was told
	urgent bool             // of a call for help
	called numbering.Caller // whom a trunk's leg called
	rtag   atomic.Value     // the peer's tag (string), once it is known
	d      *dialog.Leg
	stream *media.Stream
	sid    uint64           // of our session descriptions
	local  *sdp.Description // our latest
	offer  *sdp.Description // the peer's, not answered yet
	agreed bool
	held   bool
	up     bool
	ended  bool
	cause  call.Cause // why we hung up, empty if we did not
}

func (l *sipLeg) name() journal.LegID  { return l.id }
func (l *sipLeg) sound() *media.Stream { return l.stream }

// open gives the leg an RTP port on the address that the peer sees us at.
func (l *sipLeg) open(local netip.Addr) error {
	s, err := l.a.p.o.Plane.OpenRTP(media.RTPOptions{
		Bind: local, Near: l.a.anySound(), Urgent: l.urgent,
		On: func(ev media.Event) { l.owner().post(mediaMail{l, ev}) },
	})
	if err != nil {
		return err
	}
	l.stream, l.sid = s, rand.Uint64()>>2
	return nil
}

// anySound is the media of the call's first leg that has some, or nil.
func (a *actor) anySound() *media.Stream {
	for _, l := range a.legs {
		if s := l.sound(); s != nil {
			return s
		}
	}
	return nil
}

// show tells what the phone does now to those who watch it.
func (l *sipLeg) show(st journal.LegState) {
	if l.device == "" || l.shown == st || l.shown == journal.LegEnded || l.shown == "" && st == journal.LegEnded {
		return
	}
	l.shown = st
	l.a.p.o.PhoneLeg(l.a.id, l.id, l.device, st)
}

func (l *sipLeg) ours(d sdp.Direction) sdp.Local {
	return sdp.Local{ID: l.sid, RTP: l.stream.Local(), Direction: d}
}

// agree applies what was negotiated.
func (l *sipLeg) agree(g sdp.Agreed) {
	l.agreed = true
	var signalled netip.Addr
	if l.d != nil {
		signalled = l.d.Remote().Remote().Addr()
	}
	l.stream.SetRemote(media.RemoteOf(g, signalled))
}

// answerSDP answers the peer's offer, or makes ours when it sent none. nil means
// that there is no agreement.
func (l *sipLeg) answerSDP() []byte {
	if l.agreed && l.offer == nil && l.local != nil {
		return l.local.Marshal() // as it was in the early answer
	}
	if l.offer == nil {
		l.local = sdp.MakeOffer(l.local, l.ours(sdp.SendRecv))
		return l.local.Marshal()
	}
	answer, g, err := sdp.Answer(l.local, l.offer, l.ours(sdp.SendRecv))
	if err != nil {
		return nil
	}
	l.local, l.offer = answer, nil
	l.agree(g)
	l.held = g.Held
	return answer.Marshal()
}

func (l *sipLeg) ringing(early bool) {
	if early && (l.offer != nil || l.agreed) {
		if body := l.answerSDP(); body != nil {
			l.d.Ring(183, body)
			return
		}
	}
	l.d.Ring(180, nil)
}

func (l *sipLeg) answer() {
	body := l.answerSDP()
	if body == nil {
		l.hangUp(call.CauseFailed, 488)
		return
	}
	l.up = true
	l.d.Accept(body)
	l.watch()
	l.a.step(call.LegAnswered{Leg: l.id})
}

func (l *sipLeg) hangUp(cause call.Cause, code int) {
	if l.ended || l.cause != "" {
		return
	}
	l.cause = cause
	switch {
	case l.up:
		l.d.Bye(byeReason(cause))
	case l.d.Incoming():
		if code == 0 {
			code = cause.Code()
		}
		l.d.Reject(code, "")
	case cause == call.CauseElsewhere:
		l.d.Cancel(dialog.ElsewhereReason)
	default:
		l.d.Cancel("")
	}
}

// byeReason says why we hang up where it is not the other side's doing.
func byeReason(c call.Cause) string {
	switch c {
	case call.CausePreempted:
		return dialog.Q850Reason(8, "Preemption")
	case call.CauseMediaLost:
		return dialog.Q850Reason(41, "Media lost")
	case call.CauseShutdown:
		return dialog.Q850Reason(41, "Shutting down")
	}
	return dialog.Q850Reason(16, "Normal call clearing")
}

func (l *sipLeg) abort() {
	if !l.ended {
		l.hangUp(call.CauseShutdown, 0)
		l.finish()
	}
}

// finish closes the media and returns its figures.
func (l *sipLeg) finish() journal.Quality {
	l.ended = true
	l.show(journal.LegEnded)
	if l.line != "" {
		l.a.p.book.release(l.line, l.a.id)
	}
	if l.d != nil {
		l.a.p.unlist(l)
	}
	if l.stream == nil {
		return journal.Quality{}
	}
	q := quality(l.id, l.stream.Close())
	l.stream = nil
	return q
}

// gone reports the leg's end, once.
func (l *sipLeg) gone(cause call.Cause, code int) {
	if l.ended {
		return
	}
	if l.cause != "" {
		cause = l.cause
	}
	q := l.finish()
	l.a.step(call.LegEnded{Leg: l.id, Cause: cause, Code: code, Quality: q})
}

// holdProbe is how often a phone that holds its call is asked whether it is still
// there: it need not send any sound. Two misses end the call, five minutes after the
// phone has gone.
const holdProbe = 2 * time.Minute

// watch asks the peer for signs of life while it holds the call.
func (l *sipLeg) watch() {
	every := holdProbe
	if !l.held {
		every = 0
	}
	l.d.Probe(every)
}

// silent ends a leg whose audio stays away, unless it is on hold: then watch does.
func (l *sipLeg) silent() {
	if l.ended || l.held || !l.up {
		return
	}
	l.d.Bye(byeReason(call.CauseMediaLost))
	l.cause = call.CauseMediaLost
	l.gone(call.CauseMediaLost, 0)
}

// dialogMail is an event of a leg's dialog.
type dialogMail struct {
	leg *sipLeg
	ev  dialog.Event
}

func (m dialogMail) deliver(a *actor) {
	if !a.passesOn(m.leg, m) && !m.leg.ended {
		m.leg.handle(m.ev)
	}
}

func (l *sipLeg) handle(ev dialog.Event) {
	switch e := ev.(type) {
	case dialog.Progress:
		l.progress(e)
	case dialog.Accepted:
		l.accepted(e)
	case dialog.Failed:
		cause := call.SIPCause(e.Code)
		if e.Code == 408 && e.Response == nil { // not the called party: the server says nothing
			cause = call.CauseFailed
		}
		l.gone(cause, e.Code)
	case dialog.Cancelled:
		l.gone(call.CauseNormal, 0)
	case dialog.Acked:
		l.acked(e.SDP)
	case dialog.Reinvited:
		l.reinvited(e)
	case dialog.Digit:
		l.a.step(call.Digit{Leg: l.id, Digit: e.Digit})
	case dialog.Refer:
		l.referred(e)
	case dialog.Ended:
		l.gone(call.CauseNormal, 0)
	case dialog.Lost:
		l.gone(call.CauseFailed, 0)
	}
}

func (l *sipLeg) progress(e dialog.Progress) {
	early := false
	if e.SDP != nil && !l.agreed {
		early = l.takeAnswer(e.SDP)
	}
	if e.Code >= 180 {
		if l.shown == "" {
			l.show(journal.LegRinging)
		}
		l.a.step(call.LegProgress{Leg: l.id, Early: (early || l.agreed) && l.kind == journal.LegTrunk})
	}
}

// takeAnswer reads the peer's answer to our offer.
func (l *sipLeg) takeAnswer(body []byte) bool {
	answer, err := sdp.Parse(body)
	var g sdp.Agreed
	if err == nil {
		g, err = sdp.Accept(l.local, answer)
	}
	if err != nil {
		l.a.p.badAnswers.Add(1)
		return false
	}
	l.agree(g)
	l.hold(g.Held)
	return true
}

// hold tells the call when the peer's wish to be on hold has changed.
func (l *sipLeg) hold(held bool) {
	if held == l.held {
		return
	}
	l.held = held
	l.watch()
	if held {
		l.a.step(call.Held{Leg: l.id})
	} else {
		l.a.step(call.Resumed{Leg: l.id})
	}
}

func (l *sipLeg) accepted(e dialog.Accepted) {
	if e.SDP != nil && !l.takeAnswer(e.SDP) || !l.agreed {
		l.up = true
		l.hangUp(call.CauseFailed, 0)
		return
	}
	l.up = true
	l.rtag.Store(e.Response.To().Tag())
	l.show(journal.LegAnswered)
	if l.cause != "" { // it answered while we hung up
		l.d.Bye("")
		return
	}
	if l.line != "" {
		l.a.p.book.answered(l.line, l.a.id, l.a.request.Device)
	}
	l.a.step(call.LegAnswered{Leg: l.id})
}

// acked takes the answer to an offer of ours that went in a 200; a leg that never
// gets any is ended.
func (l *sipLeg) acked(body []byte) {
	if body == nil && !l.agreed || body != nil && !l.takeAnswer(body) {
		l.hangUp(call.CauseFailed, 0)
	}
}

// reinvited changes the session: hold, resume, another address or codec.
func (l *sipLeg) reinvited(e dialog.Reinvited) {
	if e.SDP == nil {
		l.local = sdp.MakeOffer(l.local, l.ours(sdp.SendRecv))
		l.d.AnswerReinvite(l.local.Marshal())
		return
	}
	offer, err := sdp.Parse(e.SDP)
	if err != nil {
		l.d.RejectReinvite(sdp.Status(err))
		return
	}
	answer, g, err := sdp.Answer(l.local, offer, l.ours(sdp.SendRecv))
	if err != nil {
		l.d.RejectReinvite(sdp.Status(err))
		return
	}
	l.local = answer
	l.agree(g)
	l.d.AnswerReinvite(answer.Marshal())
	l.hold(g.Held)
}
