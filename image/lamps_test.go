//go:build imagetest

package main

import (
	"math"
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
	seen := map[byte]bool{}
	g.hold(400*time.Millisecond, func(levels byte) { seen[levels&(1<<statusPin)] = true })
	if len(seen) != 2 {
		t.Errorf("STATUS does not flash while the button is down: %v", seen)
	}
	lit, longest := time.Time{}, time.Duration(0)
	g.watch(4*time.Second, func(levels byte) {
		switch {
		case levels&allLamps != allLamps:
			lit = time.Time{}
		case lit.IsZero():
			lit = time.Now()
		default:
			longest = max(longest, time.Since(lit))
		}
	})
	t.Logf("after a short press all lamps are lit for %.2f s", longest.Seconds())
	if longest < 1500*time.Millisecond {
		t.Error("the lamp test does not light all lamps for two seconds")
	}
	if !strings.Contains(g.Output(), "gesture=press") {
		t.Error("the press is not in the log")
	}
	g.until(time.Minute, "the lamps' answer is over", func() bool { return !o.answering() })
	for try := 1; ; try++ {
		before := o.shown()
		var samples [3][]bool
		g.watch(8*time.Second, func(levels byte) {
			for i := range samples {
				samples[i] = append(samples[i], levels&(1<<i) != 0)
			}
		})
		if after := o.shown(); after != before && try < 4 {
			t.Logf("the lamps changed meanwhile: %v, %v", before, after)
			continue
		}
		for i, p := range before {
			o.compare(t, board.Lamps[i], p, samples[i])
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

// compare judges how much of the time a lamp was lit and how often it changed.
func (o *office) compare(t *testing.T, lamp board.Lamp, p led.Pattern, samples []bool) {
	t.Helper()
	lit, changes := 0, 0
	for i, on := range samples {
		if on {
			lit++
		}
		if i > 0 && on != samples[i-1] {
			changes++
		}
	}
	share := float64(lit) / float64(len(samples))
	drawn := p.Timeline(8 * time.Second)
	wantShare := float64(strings.Count(drawn, "#")) / float64(len(drawn))
	wantChanges := strings.Count(drawn, "#.") + strings.Count(drawn, ".#")
	t.Logf("%s, %v on the page: lit %.0f %% of the time (drawn %.0f %%), %d changes (drawn %d), %d looks", lamp, p, 100*share, 100*wantShare, changes, wantChanges, len(samples))
	if math.Abs(share-wantShare) > 0.15 || math.Abs(float64(changes-wantChanges)) > 2+0.3*float64(wantChanges) {
		t.Errorf("%s does not show %v", lamp, p)
	}
}
