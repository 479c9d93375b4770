package pbx

import (
	"context"
	"sync"

	"centralino/hal"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"
)

// lineReader reads one telephone line's events, begins a call when it rings, and
// passes everything else to the call that holds the line.
type lineReader struct {
	p    *PBX
	line hal.Line
	id   office.ID
	stop context.CancelFunc // guarded by PBX.mu

	mu  sync.Mutex
	leg *lineLeg // the call's leg on this line

	ignore bool         // the present ringing has been dealt with
	caller hal.CallerID // of the present ringing
	known  bool
	called string
}

// reader finds the reader of a line, nil if the line is no more.
func (p *PBX) reader(id office.ID) *lineReader {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readers[id]
}

// attach makes l the leg that gets the line's events; false if another has it.
func (r *lineReader) attach(l *lineLeg) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leg != nil && !r.leg.over() {
		return false
	}
	r.leg = l
	return true
}

func (r *lineReader) current() *lineLeg {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leg != nil && r.leg.over() {
		r.leg = nil
	}
	return r.leg
}

func (l *lineLeg) over() bool {
	select {
	case <-l.owner().done:
		return true
	default:
		return l.ended.Load()
	}
}

// run reads until the line's events end or ctx does.
func (r *lineReader) run(ctx context.Context) {
	events := r.line.Events()
	for {
		select {
		case ev, ok := <-events:
			if !ok {
				return
			}
			r.handle(ev)
		case <-ctx.Done():
			r.rest(events)
			return
		}
	}
}

// rest passes on what a line still reports while the box stops, or that was taken away,
// so that its call can end in order; it returns when the call that has its leg is over.
func (r *lineReader) rest(events <-chan hal.LineEvent) {
	l := r.current()
	if l == nil {
		return
	}
	for {
		owner := l.owner()
		select {
		case ev, ok := <-events:
			if !ok {
				return
			}
			l.owner().post(lineMail{l, ev})
		case <-owner.done:
			if l.owner() == owner { // else another call has taken the leg over
				return
			}
		}
	}
}

func (r *lineReader) handle(ev hal.LineEvent) {
	switch e := ev.(type) {
	case hal.StateChanged:
		r.state(e)
		return
	case hal.CallerID:
		r.caller, r.known = e, true
		if l := r.current(); l != nil && l.incoming {
			l.owner().post(callMail{r.callerKnown()})
		}
		return
	case hal.Ring:
		r.rang(e)
		return
	case hal.RingStop:
		r.ignore, r.known, r.called = false, false, ""
	}
	if l := r.current(); l != nil {
		if _, answered := ev.(hal.Answered); answered || !l.incoming {
			r.dialed(ev)
		}
		l.owner().post(lineMail{l, ev})
	}
}

// dialed tells what an event of an outgoing call, or an answer, says about the line's
// dial tone. Silence says nothing: a dead line is silent too.
func (r *lineReader) dialed(ev hal.LineEvent) {
	switch e := ev.(type) {
	case hal.Hangup:
		if e.Cause == hal.CauseNoDial || e.Cause == hal.CauseBusy {
			r.dialTone(e.Cause == hal.CauseBusy)
		}
	case hal.Progress:
		if e.Tone == hal.Ringback || e.Tone == hal.BusyTone {
			r.dialTone(true)
		}
	case hal.Answered:
		r.dialTone(true)
	}
}

func (r *lineReader) dialTone(there bool) {
	r.p.book.dialTone(r.id, there)
	r.p.o.DialTone(r.id, there)
}

func (r *lineReader) state(e hal.StateChanged) {
	switch e.State { // the ringing is over; the next may come while the line is being cleared
	case hal.LineIdle, hal.LineClearing, hal.LineOutOfService:
		r.ignore, r.known, r.called = false, false, ""
	}
	if l := r.current(); l != nil {
		l.owner().post(lineMail{l, e})
	}
	r.p.o.Journal.Append("", journal.LineChanged{Line: string(r.id), State: string(e.State), Reason: e.Reason})
	r.p.book.setState(r.id, e.State)
}

// rang begins a call at the first ring that no call has, or counts on. A line that
// rings is not dead: who found no dial tone on it dialled as its caller took it.
func (r *lineReader) rang(e hal.Ring) {
	if e.Called != "" {
		r.called = e.Called
	}
	l := r.current()
	if l == nil && !r.ignore {
		l = r.arrived()
	}
	if l == nil || l.incoming {
		r.dialTone(true)
	}
	if l != nil && l.incoming {
		l.owner().post(ringMail{l, call.LineRang{Line: r.id, N: e.N, Request: r.request()}})
		if r.known && e.N == 1 {
			l.owner().post(callMail{r.callerKnown()})
		}
	}
}

// arrived begins a call, unless another has just taken the line or the box closes;
// it returns who has the line now, nil for nobody.
func (r *lineReader) arrived() *lineLeg {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leg != nil && !r.leg.over() {
		return r.leg
	}
	if r.p.drains() && !r.p.book.keeps(r.id) {
		return nil // it rings on, and after the restart somebody takes it
	}
	a := r.p.newActor()
	if a == nil {
		return nil
	}
	r.leg = &lineLeg{owned: in(a), id: legName(0), lineID: r.id, line: r.line, incoming: true}
	r.ignore = true
	a.post(lineArrival{r.leg})
	return r.leg
}

// request is what the ringing line asks for, as far as it is known.
func (r *lineReader) request() route.Request {
	req := route.Request{Line: r.id, Dialled: r.called}
	if r.known {
		plan := route.Plan(r.p.o.Office())
		switch {
		case r.caller.Restricted:
			req.Caller = plan.Caller("P")
		case r.caller.Unknown:
			req.Caller = plan.Caller("O")
		default:
			req.Caller = plan.Caller(r.caller.Number)
		}
	}
	return req
}

func (r *lineReader) callerKnown() call.CallerKnown {
	req := r.request()
	ev := call.CallerKnown{Request: req}
	if req.Caller.Number != "" {
		ev.Caller = r.p.o.Names.Number(req.Caller.Number)
	}
	return ev
}

// ringMail is a ring burst of a line that a call has; the call knows its leg's name.
type ringMail struct {
	leg *lineLeg
	ev  call.LineRang
}

func (m ringMail) deliver(a *actor) {
	if !a.passesOn(m.leg, m) {
		m.ev.Leg = m.leg.id
		a.step(m.ev)
	}
}

// lineArrival hands the first leg of a line's call to its actor.
type lineArrival struct{ leg *lineLeg }

func (m lineArrival) deliver(a *actor) {
	a.legs = append(a.legs, m.leg)
	a.p.book.take(m.leg.lineID, a.id, false)
}
