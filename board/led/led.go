// Package led turns states of the box into blink patterns. One table (Table) says
// which pattern every state of every lamp has, and drives the lamps on the pins,
// their twin on the page and the legend. Patterns are pure functions of time;
// Panel decides purely what is shown; Driver's Run is the only goroutine, started
// by the caller, and the only place that sets a lamp.
//
// The language (the meaning is in the pattern, colour only repeats it):
//
//	OFF      no power, not fitted
//	SOLID    normal, ready
//	BREATHE  working on it, wait
//	WINK     normal, calls in progress
//	PULSE    deliberately idle
//	BLINK    needs a person
//	DOUBLE   fault: calls are affected
//	CODE n   fault number n, after a short press
//	FAST     receipt for a button press
package led

import (
	"fmt"
	"strings"
	"time"
)

// Kind is the kind of a pattern.
type Kind string

// Kinds of pattern.
const (
	Off     Kind = "OFF"
	Solid   Kind = "SOLID"
	Breathe Kind = "BREATHE"
	Wink    Kind = "WINK"
	Pulse   Kind = "PULSE"
	Blink   Kind = "BLINK"
	Double  Kind = "DOUBLE"
	Code    Kind = "CODE"
	Fast    Kind = "FAST"
)

// Pattern is a kind with its number (only Code has one, 1 to 9).
type Pattern struct {
	Kind Kind `json:"kind"`
	N    int  `json:"n,omitempty"`
}

// String is the pattern's name, "CODE 3".
func (p Pattern) String() string {
	if p.Kind == Code {
		return fmt.Sprintf("%s %d", p.Kind, p.N)
	}
	return string(p.Kind)
}

// phases are how long the lamp is lit and dark in turn, beginning lit; the
// pattern repeats after the last. A pattern that is not here is dark for ever.
var phases = map[Kind][]time.Duration{
	Solid:   {time.Hour},
	Breathe: {time.Second, time.Second},
	Wink:    {1900 * time.Millisecond, 100 * time.Millisecond},
	Pulse:   {100 * time.Millisecond, 1900 * time.Millisecond},
	Blink:   {250 * time.Millisecond, 250 * time.Millisecond},
	Double:  {150 * time.Millisecond, 150 * time.Millisecond, 150 * time.Millisecond, time.Second},
	Fast:    {50 * time.Millisecond, 50 * time.Millisecond},
}

const (
	codeFlash = 250 * time.Millisecond
	codeDark  = 2 * time.Second
)

// phases returns the lit and dark stretches of the pattern.
func (p Pattern) phases() []time.Duration {
	if p.Kind != Code {
		return phases[p.Kind]
	}
	out := make([]time.Duration, 0, 18)
	for range min(max(p.N, 1), 9) {
		out = append(out, codeFlash, codeFlash)
	}
	out[len(out)-1] = codeDark
	return out
}

// Period is the time after which the pattern repeats; 0 for one that never
// changes.
func (p Pattern) Period() time.Duration {
	ph := p.phases()
	if len(ph) < 2 {
		return 0
	}
	var sum time.Duration
	for _, d := range ph {
		sum += d
	}
	return sum
}

// At says whether the lamp is lit t after the pattern began, and how long that
// lasts; a lasting 0 means for ever.
func (p Pattern) At(t time.Duration) (lit bool, lasts time.Duration) {
	period := p.Period()
	if period == 0 {
		return p.Kind == Solid, 0
	}
	t %= period
	if t < 0 {
		t += period
	}
	lit = true
	for _, d := range p.phases() {
		if t < d {
			return lit, d - t
		}
		t -= d
		lit = !lit
	}
	return false, 0
}

// Timeline draws the pattern from its beginning, one character every 50 ms: # for
// lit, . for dark.
func (p Pattern) Timeline(length time.Duration) string {
	var b strings.Builder
	for t := time.Duration(0); t < length; t += 50 * time.Millisecond {
		if lit, _ := p.At(t); lit {
			b.WriteByte('#')
		} else {
			b.WriteByte('.')
		}
	}
	return b.String()
}
