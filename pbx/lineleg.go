package pbx

import (
	"context"
	"sync/atomic"
	"time"

	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/media"
	"centralino/pbx/route"
)

// lineCommand is how long a line driver may take to accept a command before the
// call counts it as out of order.
const lineCommand = 3 * time.Second

// lineLeg is a leg over a telephone line.
type lineLeg struct {
	owned
	id       journal.LegID
	lineID   office.ID
	line     hal.Line
	stream   *media.Stream
	incoming bool
	called   numbering.Caller
	off      bool        // off hook, or on the way there
	ended    atomic.Bool // read by the line's reader too
	cause    call.Cause
}

func (l *lineLeg) name() journal.LegID  { return l.id }
func (l *lineLeg) sound() *media.Stream { return l.stream }
func (l *lineLeg) ringing(bool)         {} // the exchange makes the caller's ringback

func (l *lineLeg) open() {
	l.stream = l.a.p.o.Plane.OpenLine(l.line, func(ev media.Event) { l.owner().post(mediaMail{l, ev}) })
}

func (l *lineLeg) answer() {
	l.open()
	l.off = true
	ctx, cancel := context.WithTimeout(l.a.p.commands, lineCommand)
	defer cancel()
	if err := l.line.Answer(ctx); err != nil {
		l.a.log.Warn("line did not answer", "line", l.lineID, "err", err)
		l.line.HangUp()
		l.gone(call.CauseFailed)
	}
}

func (l *lineLeg) hangUp(cause call.Cause, _ int) {
	if l.ended.Load() || l.cause != "" {
		return
	}
	l.cause = cause
	if !l.off {
		if cause == call.CausePreempted && l.pickUp() {
			return
		}
		l.gone(cause) // a line that rings cannot be refused: it rings on, unanswered
		return
	}
	l.line.HangUp()
}

// pickUp takes a ringing line off hook only to put it on again: there is no other
// way to get it for an emergency call.
func (l *lineLeg) pickUp() bool {
	ctx, cancel := context.WithTimeout(l.a.p.commands, lineCommand)
	defer cancel()
	l.off = l.line.Answer(ctx) == nil
	return l.off
}

func (l *lineLeg) abort() {
	if !l.ended.Load() {
		l.line.HangUp()
		l.finish()
	}
}

func (l *lineLeg) finish() journal.Quality {
	l.ended.Store(true)
	var q journal.Quality
	if l.stream != nil {
		q = quality(l.id, l.stream.Close())
		l.stream = nil
	}
	l.a.p.book.release(l.lineID, l.a.id)
	return q
}

func (l *lineLeg) gone(cause call.Cause) {
	if l.ended.Load() {
		return
	}
	if l.cause != "" {
		cause = l.cause
	}
	l.a.step(call.LegEnded{Leg: l.id, Cause: cause, Quality: l.finish()})
}

// lineMail is an event of a line for the call that holds it.
type lineMail struct {
	leg *lineLeg
	ev  hal.LineEvent
}

func (m lineMail) deliver(a *actor) {
	l := m.leg
	if a.passesOn(l, m) || l.ended.Load() {
		return
	}
	switch ev := m.ev.(type) {
	case hal.Answered:
		if l.cause != "" { // hung up meanwhile
			l.line.HangUp()
			return
		}
		l.a.p.book.answered(l.lineID, l.a.id, l.a.request.Device)
		l.a.step(call.LegAnswered{Leg: l.id, Presumed: ev.Presumed})
	case hal.Progress:
		if ev.Tone == hal.Ringback && !l.incoming {
			l.a.step(call.LegProgress{Leg: l.id})
		}
	case hal.DTMF:
		l.a.step(call.Digit{Leg: l.id, Digit: ev.Digit})
	case hal.RingStop:
		if !l.off {
			l.gone(call.CauseNormal)
		}
	case hal.Hangup:
		l.gone(call.LineCause(ev.Cause))
	case hal.StateChanged: // should the driver not have said how its call ended
		switch {
		case ev.State == hal.LineOutOfService:
			l.gone(call.CauseLineGone)
		case ev.State == hal.LineIdle && !l.off:
			l.gone(call.CauseNormal)
		}
	}
}

// dialLine dials on a telephone line.
func (a *actor) dialLine(x call.DialOut, cand route.Candidate, r *lineReader) bool {
	line := r.line
	l := &lineLeg{owned: in(a), id: a.newLegID(), lineID: cand.Line, line: line, off: true, called: presented(x.Out.Number.E164)}
	if !r.attach(l) { // it has just begun to ring
		l.finish()
		return false
	}
	l.open()
	ctx, cancel := context.WithTimeout(a.p.commands, lineCommand)
	defer cancel()
	if err := line.Dial(ctx, cand.Dial); err != nil {
		a.log.Warn("line did not dial", "line", cand.Line, "err", err)
		line.HangUp()
		l.finish()
		return false
	}
	a.legs = append(a.legs, l)
	a.step(call.LegStarted{Attempt: x.Attempt, Leg: l.id, Kind: journal.LegLine, Line: cand.Line})
	return true
}
