package acd

import (
	"time"

	"centralino/acd/engine"
)

// clock drives the engine: it starts at the wall clock and from there follows the
// monotonic clock, so that a step of the wall clock (first NTP answer, a user who
// sets the time) changes no wait. What leaves the engine is translated to the
// wall clock.
type clock struct {
	wall   func() time.Time
	began  time.Time     // monotonic
	base   time.Time     // wall clock at began, without monotonic reading: with it no step would show
	offset time.Duration // wall clock minus engine's clock; Run's alone
}

// stepped is how far the wall clock must be off before it counts as a step.
const stepped = 500 * time.Millisecond

func newClock(wall func() time.Time) clock {
	return clock{wall: wall, began: time.Now(), base: wall().Round(0)}
}

// now is the engine's time.
func (c *clock) now() time.Time { return c.base.Add(time.Since(c.began)) }

// check looks whether the wall clock has stepped since it was last looked at.
func (c *clock) check(now time.Time) (moved bool) {
	off := c.wall().Sub(now)
	if d := off - c.offset; d > -stepped && d < stepped {
		return false
	}
	c.offset = off
	return true
}

// outside translates the engine's time to the wall clock.
func (c *clock) outside(t time.Time) time.Time {
	if t.IsZero() || c.offset == 0 {
		return t
	}
	return t.Add(c.offset)
}

// shift is outside for what the engine writes into events.
func (c *clock) shift(t engine.Instant) engine.Instant {
	if t == 0 {
		return 0
	}
	return t + engine.Instant(c.offset)
}

// engine translates a time of the wall clock to the engine's, by what the two
// differ now.
func (c *clock) engine(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.now().Add(-c.wall().Sub(t))
}
