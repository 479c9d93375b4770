package testbed

import (
	"testing"
	"time"
)

// What counts as a disturbed machine, by made-up readings of four a second.
func TestDisturbed(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		steal func(second float64) float64 // share of that second
		load  float64
		from  time.Duration
		want  calm
	}{
		{"nothing taken", func(float64) float64 { return 0 }, 1, 0, quiet},
		{"a percent all the time", func(float64) float64 { return 0.01 }, 1, 0, quiet},
		{"four percent all the time", func(float64) float64 { return 0.04 }, 1, 0, disturbed},
		{"a fifth all the time", func(float64) float64 { return 0.2 }, 1, 0, starved},
		{"half a second once", func(s float64) float64 { return map[bool]float64{true: 0.5}[s >= 30 && s < 31] }, 1, 0, disturbed},
		{"half a second before the talk", func(s float64) float64 { return map[bool]float64{true: 0.5}[s >= 30 && s < 31] }, 1, 35 * time.Second, quiet},
		{"too many programs", func(float64) float64 { return 0 }, 1000, 0, disturbed},
	} {
		var l machineLog
		var steal float64
		for i := range 240 {
			at := time.Duration(i) * machineTick
			steal += 50 * c.steal(at.Seconds()) // 200 ticks a second on two cores
			l.add(reading{at: begin.Add(at), steal: steal, total: 50 * float64(i+1), load: c.load})
		}
		if got, state := l.since(begin.Add(c.from)); got != c.want {
			t.Errorf("%s: %v, %s", c.name, got, state)
		}
	}
	if got, _ := new(machineLog).since(begin); got != quiet {
		t.Error("a machine that nobody watched is not quiet")
	}
	if _, ok := readMachine(); !ok {
		t.Error("this machine cannot be read")
	}
}
