// Package button turns presses of the box's one button into gestures. Reader is
// pure: it is told edges and the time; Run is the only goroutine, started by the
// caller, and reads a hal.Button.
//
// Held for      window   letting go asks for
//
//	 < 1 s                Press: lamp test, then the code of the worst fault; also
//	                      the presence that a page asks for
//	 3 to 6 s     1       Pair: ten minutes for claiming the box from its page
//	 8 to 12 s    2       Restart: orderly, calls finish first
//	15 to 20 s    3       ResetPassword of the administrator
//
// Between the windows and above 20 s nothing happens. FactoryReset exists only
// from power-on: held while the box starts for at least 10 s, let go, pressed
// again within 5 s. No single long press destroys anything.
package button

import (
	"context"
	"fmt"
	"time"

	"centralino/hal"
)

// Gesture is what a person asks for with the button.
type Gesture string

// The gestures.
const (
	Press         Gesture = "press"
	Pair          Gesture = "pair"
	Restart       Gesture = "restart"
	ResetPassword Gesture = "resetPassword"
	FactoryReset  Gesture = "factoryReset"
)

// window is a stretch of holding in which letting go means something; both ends
// belong to it.
type window struct {
	from, to time.Duration
	gesture  Gesture
}

// windows are counted 1, 2, 3 on the STATUS lamp.
var windows = []window{
	{3 * time.Second, 6 * time.Second, Pair},
	{8 * time.Second, 12 * time.Second, Restart},
	{15 * time.Second, 20 * time.Second, ResetPassword},
}

const (
	pressMax     = time.Second            // a press is shorter
	debounce     = 20 * time.Millisecond  // a level counts once it has stood so long
	powerOnHold  = 10 * time.Second       // held through the start at least
	powerOnAgain = 5 * time.Second        // and pressed again within
	powerOnFirst = 500 * time.Millisecond // an edge as early as this was there before
)

// Hint says what the lamp should show: the press was seen (Pressed), the window in
// which the button is held (Window 1 to 3, 0 between windows), or that it was let
// go (Released).
type Hint struct {
	Kind   HintKind
	Window int
}

// HintKind is the kind of a Hint.
type HintKind string

// Kinds of hint.
const (
	Pressed  HintKind = "pressed"
	Held     HintKind = "held"
	Released HintKind = "released"
	Armed    HintKind = "armed" // power-on: let go, pressing again within 5 s resets
)

// Reader reads gestures from edges. The zero Reader waits for a press; NewReader
// makes one that also knows power-on.
//
//	up ──edge down, 20 ms──▶ down ──edge up, 20 ms──▶ up, gesture by how long
//	start with the button down ──▶ held ──let go after 10 s──▶ armed ──down within 5 s──▶ FactoryReset
type Reader struct {
	raw     bool      // level of the last edge
	rawAt   time.Time // when it came
	down    bool      // debounced level
	downAt  time.Time
	shown   int // hint window last given
	powerOn bool
	started time.Time // zero: power-on is not known
	armed   time.Time // power-on: let go at; zero otherwise
}

// NewReader returns a reader for a box that was switched on at this instant. For a
// start of the program alone use the zero Reader: no factory reset then.
func NewReader(on time.Time) *Reader { return &Reader{started: on} }

// Edge takes a change of the raw level. What follows from it comes from Tick.
func (r *Reader) Edge(pressed bool, at time.Time) (Gesture, []Hint) {
	g, h := r.Tick(at)
	if pressed != r.raw {
		r.raw, r.rawAt = pressed, at
	}
	return g, h
}

// Tick moves the time on and returns the gesture that is complete, if any, and
// the hints for the lamp. Next says when to call it without an edge.
func (r *Reader) Tick(now time.Time) (Gesture, []Hint) {
	var g Gesture
	var hints []Hint
	if r.raw != r.down && now.Sub(r.rawAt) >= debounce {
		r.down = r.raw
		if r.down {
			g, hints = r.pressed()
		} else {
			g, hints = r.released(r.rawAt.Sub(r.downAt))
		}
	}
	if r.down && r.raw && !r.powerOn {
		if w := r.window(now); w != r.shown {
			r.shown = w
			hints = append(hints, Hint{Kind: Held, Window: w})
		}
	}
	if !r.armed.IsZero() && r.raw == r.down && now.Sub(r.armed) > powerOnAgain {
		r.armed = time.Time{}
		hints = append(hints, Hint{Kind: Released})
	}
	return g, hints
}

// pressed begins a press at rawAt.
func (r *Reader) pressed() (Gesture, []Hint) {
	r.downAt, r.shown = r.rawAt, 0
	if !r.armed.IsZero() {
		again := r.rawAt.Sub(r.armed) <= powerOnAgain
		r.armed = time.Time{}
		if again {
			r.powerOn = true // letting go of this press means nothing more
			return FactoryReset, nil
		}
	}
	r.powerOn = !r.started.IsZero() && r.rawAt.Sub(r.started) <= powerOnFirst
	return "", []Hint{{Kind: Pressed}}
}

// released ends a press.
func (r *Reader) released(held time.Duration) (Gesture, []Hint) {
	if r.powerOn {
		r.powerOn = false
		first := !r.started.IsZero() && r.downAt.Sub(r.started) <= powerOnFirst
		if first && held >= powerOnHold {
			r.armed = r.rawAt
			return "", []Hint{{Kind: Armed}}
		}
		return "", []Hint{{Kind: Released}}
	}
	return gestureOf(held), []Hint{{Kind: Released}}
}

// gestureOf is what letting go after a time asks for; empty for nothing.
func gestureOf(held time.Duration) Gesture {
	if held < pressMax {
		return Press
	}
	for _, w := range windows {
		if held >= w.from && held <= w.to {
			return w.gesture
		}
	}
	return ""
}

// window is the number of the window in which the button is held now, 0 for
// none.
func (r *Reader) window(now time.Time) int {
	held := now.Sub(r.downAt)
	for i, w := range windows {
		if held >= w.from && held <= w.to {
			return i + 1
		}
	}
	return 0
}

// Next says when after now Tick has something to do without an edge; zero for
// never. A level that has stood long enough by the time of its edge may have been read
// late, and edges after it are then still to be read: it counts once nothing more came for
// a while.
func (r *Reader) Next(now time.Time) time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if r.raw != r.down {
		sooner(r.rawAt.Add(debounce))
		if next.IsZero() {
			next = now.Add(debounce)
		}
	}
	if r.down && r.raw && !r.powerOn {
		for _, w := range windows {
			sooner(r.downAt.Add(w.from))
			sooner(r.downAt.Add(w.to + 1))
		}
	}
	if !r.armed.IsZero() {
		sooner(r.armed.Add(powerOnAgain + 1))
	}
	return next
}

// Options of Run.
type Options struct {
	Button  hal.Button
	Gesture func(Gesture) // called from Run's goroutine; must not block
	Hint    func(Hint)    // the same; nil for nobody
	// PoweredOn is true where the computer was switched on just now, and not only
	// this program started: only then is there a factory reset.
	PoweredOn bool
}

// Run reads the button until ctx ends or the button is gone.
func Run(ctx context.Context, o Options) error {
	edges, err := o.Button.Watch(ctx)
	if err != nil {
		return fmt.Errorf("watch button: %w", err)
	}
	r := &Reader{}
	if o.PoweredOn {
		r = NewReader(time.Now())
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var g Gesture
		var hints []Hint
		now := time.Now()
		wait := time.Hour
		if next := r.Next(now); !next.IsZero() {
			wait = next.Sub(now)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-edges:
			if !ok {
				return nil
			}
			g, hints = r.Edge(e.Pressed, e.At)
		case <-timer.C:
			g, hints = r.Tick(time.Now())
		}
		for _, h := range hints {
			if o.Hint != nil {
				o.Hint(h)
			}
		}
		if g != "" {
			o.Gesture(g)
		}
	}
}
