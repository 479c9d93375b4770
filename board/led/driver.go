package led

import (
	"context"
	"sync"
	"time"

	"centralino/board"
	"centralino/hal"
)

// Options of a Driver.
type Options struct {
	// LEDs are the lamps that are fitted; a lamp that is missing is only drawn.
	LEDs map[board.Lamp]hal.LED
	// On is told whenever what is shown changes, from Run's goroutine; it must not
	// block. nil for nobody.
	On func([]Shown)
}

// Driver plays the panel on the lamps. Its methods may be called from any
// goroutine at any time, also before Run.
type Driver struct {
	o    Options
	wake chan struct{} // capacity 1: one pending look at the panel is enough

	mu    sync.Mutex // guards the fields below; never held while a lamp is set
	panel *Panel
	shown []Shown
}

// NewDriver returns a driver that shows nothing yet.
func NewDriver(o Options) *Driver {
	d := &Driver{o: o, wake: make(chan struct{}, 1), panel: NewPanel()}
	d.shown, _ = d.panel.At(time.Now())
	return d
}

// Set says all states that a lamp has now.
func (d *Driver) Set(lamp board.Lamp, states ...State) {
	d.change(func(now time.Time) { d.panel.Set(lamp, now, states...) })
}

// Reply shows answers to the button, in place of those given before; none goes
// back to the states.
func (d *Driver) Reply(answers ...Answer) {
	d.change(func(now time.Time) { d.panel.Reply(now, answers...) })
}

func (d *Driver) change(f func(now time.Time)) {
	d.mu.Lock()
	f(time.Now())
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default: // Run will look anyway
	}
}

// Shown returns what the lamps show, for their twin on the page.
func (d *Driver) Shown() []Shown {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.shown
}

// Run lights the lamps until ctx ends, then darkens them. A lamp that cannot be
// set is left alone until its next change.
func (d *Driver) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	lit := map[board.Lamp]bool{}
	defer func() {
		for _, l := range d.o.LEDs {
			_ = l.Set(false) // going dark is best effort
		}
	}()
	for {
		timer.Reset(d.play(time.Now(), lit))
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-timer.C:
		}
	}
}

// play sets the lamps for now and returns when to look again, at most a minute.
func (d *Driver) play(now time.Time, lit map[board.Lamp]bool) time.Duration {
	d.mu.Lock()
	shown, until := d.panel.At(now)
	changed := !same(shown, d.shown)
	d.shown = shown
	d.mu.Unlock()
	if changed && d.o.On != nil {
		d.o.On(shown)
	}
	next := time.Minute
	if !until.IsZero() {
		next = min(next, until.Sub(now))
	}
	for _, s := range shown {
		led := d.o.LEDs[s.Lamp]
		if led == nil {
			continue
		}
		on, lasts := s.Pattern.At(now.Sub(s.Since))
		if was, known := lit[s.Lamp]; !known || was != on {
			_ = led.Set(on) // a lamp that cannot be lit never disturbs anything
			lit[s.Lamp] = on
		}
		if lasts > 0 {
			next = min(next, lasts)
		}
	}
	return next
}

func same(a, b []Shown) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
