package kpi_test

import (
	"math"
	"testing"
	"time"

	"centralino/acd/kpi"

	"pgregory.net/rapid"
)

// seen is a pace that has seen so many calls of one length, whose callers waited
// and never hung up.
func seen(calls int, talk, waited time.Duration) kpi.Pace {
	var p kpi.Pace
	for range calls {
		p.Waited(waited, false)
		p.Served(talk - talk/4)
		p.Wrapped(talk / 4)
	}
	return p
}

func TestLittleIsKnownAtFirst(t *testing.T) {
	for _, c := range []struct {
		what  string
		calls int
		ahead kpi.Ahead
		known bool
	}{
		{"nobody has called yet", 0, kpi.Ahead{Agents: 3}, false},
		{"a few have called", 4, kpi.Ahead{Agents: 3}, false},
		{"ten have called", 10, kpi.Ahead{Agents: 3}, true},
		{"nobody works", 10, kpi.Ahead{Live: 2}, false},
	} {
		p := seen(c.calls, time.Minute, time.Second)
		if _, _, known := p.Wait(c.ahead); known != c.known {
			t.Errorf("%s: known is %v", c.what, known)
		}
	}
}

// TestFirstInLineWaitsForTheFirstToGetFree: with patient callers the wait of the
// first in line is exponential, of mean handling time through agents: its median is
// ln 2, what nine of ten do not exceed ln 10 of that.
func TestFirstInLineWaitsForTheFirstToGetFree(t *testing.T) {
	p := seen(2000, 200*time.Second, time.Hour)
	if got := p.Handle().Seconds(); math.Abs(got-200) > 5 { // the prior of 240 s has not quite gone
		t.Errorf("handling time %v", p.Handle())
	}
	low, high, known := p.Wait(kpi.Ahead{Agents: 4})
	mean := p.Handle().Seconds() / 4
	if !known || math.Abs(low.Seconds()/(mean*math.Ln2)-1) > 0.03 || math.Abs(high.Seconds()/(mean*math.Ln10)-1) > 0.03 {
		t.Errorf("from %v to %v, mean %.0f s", low, high, mean)
	}
}

// TestWaitGrowsWithTheLine. That it shrinks with the agents is no law: what is told
// is the wait of those who are served in the end, and with more agents the patient
// ones among the late are, too.
func TestWaitGrowsWithTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := seen(rapid.IntRange(6, 200).Draw(t, "calls"), time.Duration(rapid.IntRange(10, 900).Draw(t, "talk"))*time.Second, time.Minute)
		for range rapid.IntRange(0, 50).Draw(t, "impatient") {
			p.Waited(time.Minute, true)
		}
		a := kpi.Ahead{
			Agents: float64(rapid.IntRange(1, 60).Draw(t, "agents")),
			Live:   float64(rapid.IntRange(0, 300).Draw(t, "live")), Bound: float64(rapid.IntRange(0, 20).Draw(t, "bound")),
		}
		low, high, known := p.Wait(a)
		if !known || low < 0 || high < low {
			t.Fatalf("from %v to %v, %v", low, high, known)
		}
		more := a
		more.Live++
		if _, h, _ := p.Wait(more); h < high {
			t.Fatalf("one more ahead: %v instead of %v", h, high)
		}
		bound := a
		bound.Live, bound.Bound = 0, a.Live+a.Bound
		if _, h, _ := p.Wait(bound); h < high {
			t.Fatalf("if those ahead stay: %v instead of %v", h, high)
		}
	})
}

// TestThePastFades: after a change of pace a hundred calls outweigh all before.
func TestThePastFades(t *testing.T) {
	p := seen(1000, 600*time.Second, 0)
	for range 150 {
		p.Served(100 * time.Second)
	}
	if h := p.Handle(); h > 170*time.Second {
		t.Errorf("handling time %v", h)
	}
	for range 200 {
		p.Waited(30*time.Second, true)
	}
	if d := p.Patience(); d > 40*time.Second {
		t.Errorf("patience %v", d)
	}
}

func TestWaitsAreRoundedUpToWhatOneSays(t *testing.T) {
	for in, want := range map[time.Duration]time.Duration{
		0: 0, time.Second: 30 * time.Second, 30 * time.Second: 30 * time.Second, 31 * time.Second: time.Minute,
		4*time.Minute + 59*time.Second: 5 * time.Minute, 5*time.Minute + time.Second: 6 * time.Minute, -time.Second: 0,
	} {
		if got := kpi.Spoken(in); got != want {
			t.Errorf("%v is said as %v, want %v", in, got, want)
		}
	}
}
