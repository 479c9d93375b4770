package sim

import (
	"slices"
	"time"

	"centralino/hal"
)

// LineMoment is what an exchange sees happen on a line.
type LineMoment string

// Moments of a line, in the order of an ordinary incoming call.
const (
	LineRings   LineMoment = "rings"   // the exchange begins to ring it
	LineOffHook LineMoment = "offHook" // the box's side closes the loop
	LineThrough LineMoment = "through" // sound can pass: a modem has told CONNECT and opened the voice stream
	LineFarGone LineMoment = "farGone" // the far party hangs up first; the box's side must find out
	LineOnHook  LineMoment = "onHook"  // the box's side opens the loop
)

// LineEvent is one moment of a line, stamped when the exchange saw it.
type LineEvent struct {
	At     time.Time
	Line   hal.LineID
	What   LineMoment
	Number string // of the far party, empty if there is none
}

// Watch calls f with every event of every line until stop is called: what a recorder
// at the exchange would write down, whatever the box makes of it. f must not block.
func (x *Exchange) Watch(f func(LineEvent)) (stop func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := &f
	x.watchers = append(x.watchers, w)
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.watchers = slices.DeleteFunc(slices.Clone(x.watchers), func(o *func(LineEvent)) bool { return o == w })
	}
}

// note tells the watchers. Called with the exchange locked.
func (l *ExLine) note(what LineMoment) {
	if len(l.x.watchers) == 0 {
		return
	}
	e := LineEvent{At: time.Now(), Line: l.id, What: what}
	if l.call != nil && l.call.party != nil {
		e.Number = l.call.party.number
	}
	for _, f := range l.x.watchers {
		l.x.later(func() { (*f)(e) })
	}
}

// through notes that sound can pass for the first time in a call.
func (l *ExLine) through() {
	l.x.do(func() {
		if l.call != nil && l.call.party != nil && l.call.party.state == PartyTalking && !l.call.through {
			l.call.through = true
			l.note(LineThrough)
		}
	})
}
