//go:build imagetest

package main

import (
	"strings"
	"testing"
	"time"

	"centralino/board"
	"centralino/board/led"
	"centralino/ui/api"
)

// The pins of the board, as board.Boards has them.
const (
	statusPin = 0
	allLamps  = 1<<statusPin | 1<<1 | 1<<2
	buttonPin = 4
)

// lamps presses the button shortly, and compares pins and page.
func (o *office) lamps(t *testing.T) {
	g := o.in(t)
	pressed := g.press()
	g.until(time.Minute, "the lamps' answer is over", func() bool { return !o.answering() })
	longest := time.Duration(0)
	for _, s := range g.stretches(t, allLamps, pressed, time.Now()) {
		if s.lit == allLamps {
			longest = max(longest, s.length())
		}
	}
	t.Logf("after a short press all lamps are lit for %.2f s", longest.Seconds())
	if longest < 1500*time.Millisecond || longest > 4*time.Second && o.shown() != [3]led.Pattern{{Kind: led.Solid}, {Kind: led.Solid}, {Kind: led.Solid}} {
		t.Error("the lamp test does not light all lamps for two seconds")
	}
	o.compareLamps(t)
}

// compareLamps holds the lamps on the pins to those of the page.
func (o *office) compareLamps(t *testing.T) {
	t.Helper()
	o.until(time.Minute, "the lamps' answer is over", func() bool { return !o.answering() })
	const length = 12 * time.Second // the slowest pattern that is no number is seen six times
	for try := 1; ; try++ {
		from, before := time.Now(), o.shown()
		o.rests(length)
		if after := o.shown(); after != before && try < 4 {
			t.Logf("the lamps changed meanwhile: %v, %v", before, after)
			continue
		}
		for i, p := range before {
			compareLamp(t, board.Lamps[i], p, o.stretches(t, 1<<i, from, from.Add(length)))
		}
		return
	}
}

// shown are the patterns that the page shows.
func (o *office) shown() (p [3]led.Pattern) {
	o.t.Helper()
	for i, l := range o.home().Lamps {
		p[i] = led.Pattern{Kind: led.Kind(l.Pattern), N: l.Code}
	}
	return p
}

// answering reports lamps that answer the button.
func (o *office) answering() bool {
	for _, l := range o.home().Lamps {
		if l.State == "" {
			return true
		}
	}
	return false
}

func (o *office) home() api.Home {
	o.t.Helper()
	var h api.Home
	o.api("home", &h)
	if len(h.Lamps) != len(board.Lamps) {
		o.t.Fatalf("lamps %+v", h.Lamps)
	}
	return h
}

// compareLamp holds what a lamp did to a pattern: of all patterns that there are it must be
// nearest to this one. A slow machine sets a lamp late, or not at all where its time was
// over; so it may differ in a tenth of the time.
func compareLamp(t *testing.T, lamp board.Lamp, p led.Pattern, did []stretch) {
	t.Helper()
	var drawn strings.Builder
	for at := did[0].from; at.Before(did[len(did)-1].to); at = at.Add(lampStep) {
		for len(did) > 1 && !at.Before(did[0].to) {
			did = did[1:]
		}
		if did[0].lit != 0 {
			drawn.WriteByte('#')
		} else {
			drawn.WriteByte('.')
		}
	}
	apart := differs(drawn.String(), p)
	t.Logf("%s, %v on the page; the pin differs in %.1f %% of the time: %s", lamp, p, 100*apart, drawn.String())
	if apart > 0.1 {
		t.Errorf("%s does not show %v", lamp, p)
	}
	for _, other := range patterns() {
		if near := differs(drawn.String(), other); other != p && near <= apart {
			t.Errorf("%s shows %v rather than %v: it differs from that in %.1f %%", lamp, other, p, 100*near)
		}
	}
}

// lampStep is how far apart led.Pattern.Timeline draws.
const lampStep = 50 * time.Millisecond

// differs says in which share of the time a lamp did something else than a pattern, which
// may have begun at any time.
func differs(drawn string, p led.Pattern) float64 {
	period := int(p.Period() / lampStep)
	line := p.Timeline(time.Duration(period+len(drawn)) * lampStep)
	least := len(drawn)
	for from := range period + 1 {
		n := 0
		for i := range drawn {
			if drawn[i] != line[from+i] {
				n++
			}
		}
		least = min(least, n)
	}
	return float64(least) / float64(len(drawn))
}

// patterns are all that lamps may show.
func patterns() []led.Pattern {
	all := []led.Pattern{{Kind: led.Fast}}
	seen := map[led.Kind]bool{}
	for _, r := range led.Table {
		if !seen[r.Pattern.Kind] {
			seen[r.Pattern.Kind] = true
			all = append(all, r.Pattern)
		}
	}
	for n := 1; n <= 9; n++ {
		all = append(all, led.Pattern{Kind: led.Code, N: n})
	}
	return all
}
