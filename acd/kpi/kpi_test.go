package kpi_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"centralino/acd/kpi"

	"pgregory.net/rapid"
)

// near says whether got is want, to the digits that want is printed with.
func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

// TestServiceLevelVariants uses the public example of Call Centre Helper and ICMI.
func TestServiceLevelVariants(t *testing.T) {
	c := kpi.Counts{Answered: 1000, AnsweredIn: 860, Abandoned: 60, AbandonedIn: 20, Short: 10}
	for _, w := range []struct {
		variant kpi.Variant
		percent float64
	}{
		{kpi.ICMI, 83.0}, {kpi.AnsweredOnly, 86.0}, {kpi.Strict, 81.1},
		{kpi.EarlyIgnored, 82.7}, {kpi.ShortForgiven, 82.1}, {kpi.ShortRemoved, 81.9},
	} {
		got, ok := c.Level(w.variant)
		if !ok || !near(got*100, w.percent, 0.05) {
			t.Errorf("%s: %.2f %%, want %.1f", w.variant, got*100, w.percent)
		}
	}
	if len(kpi.Variants) != 6 {
		t.Errorf("%d variants are listed", len(kpi.Variants))
	}
	if got, _ := c.AbandonRate(); !near(got, 50.0/1050, 1e-12) {
		t.Errorf("abandon rate %v", got)
	}
	if got, _ := c.AbandonRateWithShort(); !near(got, 60.0/1060, 1e-12) {
		t.Errorf("abandon rate with short ones %v", got)
	}
	c.WaitingPast = 50
	if got, _ := c.Level(kpi.ShortRemoved); !near(got, 860.0/1100, 1e-12) {
		t.Errorf("with 50 who wait too long: %v", got)
	}
}

func TestServiceLevelOfNothing(t *testing.T) {
	for _, v := range append(kpi.Variants, "made up") {
		if got, ok := (kpi.Counts{}).Level(v); ok {
			t.Errorf("%s: %v", v, got)
		}
	}
	if _, ok := (kpi.Counts{Answered: 5, AnsweredIn: 5}).Level("made up"); ok {
		t.Error("an unknown variant has a value")
	}
	if _, ok := (kpi.Counts{Abandoned: 3, Short: 3}).AbandonRate(); ok {
		t.Error("a rate of nobody")
	}
}

// TestErlangCGolden holds the values of the notes: the Call Centre Helper example
// and "360 calls, 4 minutes, 55 agents, 15 seconds".
func TestErlangCGolden(t *testing.T) {
	for _, g := range []struct {
		per30     float64
		handle    time.Duration
		agents    int
		threshold time.Duration
		b, c      float64
		level     float64 // percent
		asa       float64 // seconds
		occupancy float64 // percent
	}{
		{100, 180 * time.Second, 11, 20 * time.Second, 0.1632, 0.6821, 38.96, 122.78, 90.9},
		{100, 180 * time.Second, 12, 20 * time.Second, 0.1197, 0.4494, 64.02, 40.44, 83.3},
		{100, 180 * time.Second, 13, 20 * time.Second, 0.0843, 0.2853, 79.56, 17.12, 76.9},
		{100, 180 * time.Second, 14, 20 * time.Second, 0.0568, 0.1741, 88.84, 7.84, 71.4},
		{360, 240 * time.Second, 55, 15 * time.Second, 0.0384, 0.2387, 84.59, 8.18, 87.3},
	} {
		traffic := kpi.Traffic{PerHour: 2 * g.per30, Handle: g.handle}
		o, ok := traffic.Predict(g.agents, g.threshold)
		if !ok || !near(kpi.ErlangB(traffic.Load(), g.agents), g.b, 5e-5) || !near(o.Waits, g.c, 5e-5) ||
			!near(o.Level*100, g.level, 5e-3) || !near(o.Wait.Seconds(), g.asa, 5e-3) || !near(o.Occupancy*100, g.occupancy, 0.05) {
			t.Errorf("%v agents: B %.4f, %+v; want %+v", g.agents, kpi.ErlangB(traffic.Load(), g.agents), o, g)
		}
	}
}

// TestErlangAGolden holds the anchor of Mandelbaum and Zeltyn: 48 calls a minute
// of one minute, two minutes of patience, 50 agents.
func TestErlangAGolden(t *testing.T) {
	traffic := kpi.Traffic{PerHour: 48 * 60, Handle: time.Minute, Patience: 2 * time.Minute}
	o, _ := traffic.Predict(50, 20*time.Second)
	if !near(o.Abandons*100, 3.09, 5e-3) || !near(o.Wait.Seconds(), 3.71, 5e-3) || !near(o.Occupancy*100, 93.0, 0.05) {
		t.Errorf("%+v", o)
	}
	traffic.Patience = 0
	if o, _ := traffic.Predict(50, 0); !near(o.Wait.Seconds(), 20.83, 5e-3) {
		t.Errorf("by Erlang C: %+v", o)
	}
	for _, g := range []struct { // computed with the prototype of the notes
		load            float64
		handle          time.Duration
		agents          int
		patience        time.Duration
		abandons, waits float64
		wait            float64
		level           float64
	}{
		{10, 180 * time.Second, 12, 90 * time.Second, .0676, .2632, 6.09, .8411},
		{4, 240 * time.Second, 5, 120 * time.Second, .1273, .3271, 15.27, .7341},
		{25, 200 * time.Second, 26, 150 * time.Second, .0669, .4187, 10.03, .7588},
		{12, 180 * time.Second, 10, 60 * time.Second, .2440, .6011, 14.64, .5691},
	} {
		traffic := kpi.Traffic{PerHour: g.load * 3600 / g.handle.Seconds(), Handle: g.handle, Patience: g.patience}
		o, _ := traffic.Predict(g.agents, 20*time.Second)
		// The prototype integrated the level in coarser steps: its fourth digit is 1 higher.
		if !near(o.Abandons, g.abandons, 6e-5) || !near(o.Waits, g.waits, 6e-5) || !near(o.Wait.Seconds(), g.wait, 6e-3) || !near(o.Level, g.level, 12e-5) {
			t.Errorf("%+v, want %+v", o, g)
		}
		if level := levelByRungeKutta(traffic, g.agents, 20); !near(o.Level, level, 1e-8) {
			t.Errorf("level %v, by another method %v", o.Level, level)
		}
	}
}

// levelByRungeKutta computes the service level of Erlang A a second way: from the
// differential equations of the callers who wait, in small steps.
func levelByRungeKutta(t kpi.Traffic, n int, threshold float64) float64 {
	lambda, mu, theta := t.PerHour/3600, 1/t.Handle.Seconds(), 1/t.Patience.Seconds()
	const room = 200 // more never wait
	p := make([]float64, n+room)
	p[0] = 1
	sum := 1.0
	for k := 1; k < len(p); k++ {
		p[k] = p[k-1] * lambda / (float64(min(k, n))*mu + float64(max(k-n, 0))*theta)
		sum += p[k]
	}
	level := 0.0
	for k := range p {
		p[k] /= sum
		if k < n {
			level += p[k]
		}
	}
	x := append(p[n:], 0) // the last entry is those served
	slope := func(x []float64) []float64 {
		d := make([]float64, len(x))
		for q := range room {
			out := float64(n)*mu + float64(q)*theta
			d[q] -= (out + theta) * x[q]
			if q == 0 {
				d[room] += float64(n) * mu * x[0]
			} else {
				d[q-1] += out * x[q]
			}
		}
		return d
	}
	along := func(x, d []float64, h float64) []float64 {
		y := make([]float64, len(x))
		for i := range x {
			y[i] = x[i] + h*d[i]
		}
		return y
	}
	const steps = 1000
	h := threshold / steps
	for range steps {
		k1 := slope(x)
		k2 := slope(along(x, k1, h/2))
		k3 := slope(along(x, k2, h/2))
		k4 := slope(along(x, k3, h))
		for i := range x {
			x[i] += h / 6 * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i])
		}
	}
	return level + x[room]
}

// TestSmallCenters holds the table of the notes: 240 s handling, 80 % in 20 s,
// patience of 120 s on average.
func TestSmallCenters(t *testing.T) {
	for _, g := range []struct {
		perHour      float64
		byC          int
		levelC, occ  float64
		abandons, lA float64
		byA          int
	}{
		{10, 2, 85, 33, 7.2, 88, 3}, {20, 3, 84, 44, 6.2, 88, 4}, {30, 4, 85, 50, 5.2, 89, 5},
		{45, 5, 80, 60, 6.0, 87, 6}, {60, 7, 90, 57, 3.0, 93, 7}, {90, 9, 85, 67, 3.7, 91, 9},
		{120, 11, 81, 73, 4.1, 89, 11}, {180, 16, 85, 75, 2.8, 92, 15}, {240, 20, 82, 80, 3.1, 91, 19},
		{300, 25, 86, 80, 2.3, 93, 23}, {400, 32, 85, 83, 2.2, 93, 30},
	} {
		t.Run(fmt.Sprintf("%v calls an hour", g.perHour), func(t *testing.T) {
			target := kpi.Target{Level: 0.8, Threshold: 20 * time.Second}
			never := kpi.Traffic{PerHour: g.perHour, Handle: 240 * time.Second}
			c, _ := never.Agents(target)
			if c.Agents != g.byC || !near(c.Level*100, g.levelC, 0.53) || !near(c.Occupancy*100, g.occ, 0.5) {
				t.Errorf("by Erlang C %+v, want %+v", c, g)
			}
			impatient := never
			impatient.Patience = 120 * time.Second
			a, _ := impatient.Predict(g.byC, target.Threshold)
			if !near(a.Abandons*100, g.abandons, 0.05) || !near(a.Level*100, g.lA, 0.5) {
				t.Errorf("with as many, by Erlang A %+v, want %+v", a, g)
			}
			target.Abandons = 0.05
			if a, _ := impatient.Agents(target); a.Agents != g.byA {
				t.Errorf("by Erlang A %+v, want %d agents", a, g.byA)
			}
		})
	}
}

func TestExactChecks(t *testing.T) {
	for _, a := range []float64{0.2, 0.67, 0.95} {
		if got := kpi.ErlangB(a, 1); !near(got, a/(1+a), 1e-12) {
			t.Errorf("B(%v, 1) = %v", a, got)
		}
		if got := kpi.ErlangC(a, 1); !near(got, a, 1e-12) {
			t.Errorf("C(%v, 1) = %v", a, got)
		}
	}
	traffic := kpi.Traffic{PerHour: 200, Handle: 180 * time.Second}
	c, _ := traffic.Predict(13, 20*time.Second)
	traffic.Patience = 1e6 * time.Hour
	a, _ := traffic.Predict(13, 20*time.Second)
	if !near(a.Waits, c.Waits, 1e-4) || !near(a.Level, c.Level, 1e-4) || !near(a.Wait.Seconds(), c.Wait.Seconds(), 0.05) {
		t.Errorf("nobody loses patience: A %+v, C %+v", a, c)
	}
	traffic.Patience = time.Microsecond
	a, _ = traffic.Predict(13, 20*time.Second)
	if b := kpi.ErlangB(10, 13); !near(a.Abandons, b, 1e-4) {
		t.Errorf("nobody waits: %v hang up, B is %v", a.Abandons, b)
	}
	traffic.Patience = traffic.Handle // then the number of callers is Poisson
	a, _ = traffic.Predict(13, 0)
	p, below := math.Exp(-10), 0.0
	for k := range 13 {
		below += p
		p *= 10 / float64(k+1)
	}
	if !near(a.Waits, 1-below, 1e-9) || !near(a.Level, below, 1e-9) {
		t.Errorf("patience like handling: waits %v, want %v", a.Waits, 1-below)
	}
	if got := kpi.Lines(10, 0.01); got != 18 {
		t.Errorf("10 erlang at 1 %% lost: %d lines", got)
	}
	if _, ok := (kpi.Traffic{PerHour: 200, Handle: 180 * time.Second}).Predict(10, 0); ok {
		t.Error("10 agents for 10 erlang of patient callers")
	}
	if _, ok := (kpi.Traffic{PerHour: 1e9, Handle: time.Hour}).Agents(kpi.Target{Level: 0.8}); ok {
		t.Error("a thousand agents for anything")
	}
}

// TestMoreAgentsAreNeverWorse checks that figures are probabilities and improve
// with every agent.
func TestMoreAgentsAreNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		traffic := kpi.Traffic{
			PerHour:  rapid.Float64Range(0.5, 900).Draw(t, "calls"),
			Handle:   time.Duration(rapid.IntRange(10, 900).Draw(t, "handle")) * time.Second,
			Patience: time.Duration(rapid.IntRange(1, 900).Draw(t, "patience")) * time.Second,
		}
		threshold := time.Duration(rapid.IntRange(0, 120).Draw(t, "threshold")) * time.Second
		last := kpi.Outlook{Waits: 1, Abandons: 1}
		for n := 1; n < 60; n += 7 {
			o, ok := traffic.Predict(n, threshold)
			if !ok {
				t.Fatalf("no outlook for %d", n)
			}
			const e = 1e-9
			for _, p := range []float64{o.Waits, o.Abandons, o.Level, o.Occupancy} {
				if p < -e || p > 1+e || math.IsNaN(p) {
					t.Fatalf("%d agents: %+v", n, o)
				}
			}
			if o.Waits > last.Waits+e || o.Abandons > last.Abandons+e || o.Level < last.Level-e {
				t.Fatalf("%d agents: %+v, fewer: %+v", n, o, last)
			}
			if handled := traffic.Load() * (1 - o.Abandons); !near(handled, o.Occupancy*float64(n), 1e-6*(1+handled)) {
				t.Fatalf("%d agents: %v erlang handled, %v busy", n, handled, o.Occupancy*float64(n))
			}
			last = o
		}
	})
}

func BenchmarkErlangA(b *testing.B) {
	traffic := kpi.Traffic{PerHour: 400, Handle: 240 * time.Second, Patience: 120 * time.Second}
	for b.Loop() {
		traffic.Predict(30, 20*time.Second)
	}
}
