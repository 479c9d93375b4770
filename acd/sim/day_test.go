package sim_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/acd/sim"
	"centralino/internal/testbed"
)

var days = flag.Int("days", 3, "simulated days of an office")

// profile is the day of the notes: 60 to 200 calls an hour, ten agents, seven of
// them over lunch.
func profile() sim.Office {
	o := sim.Office{
		Seed: 20261122, Days: *days, Agents: 10, Handle: 240 * second, Patience: 300 * second,
		Queue: engine.Queue{Announce: 30 * second, AnnounceFirst: true, SayPosition: true, SayWait: true},
	}
	for h, calls := range []float64{60, 110, 160, 200, 170, 110, 120, 150, 160, 120, 80, 60} {
		o.PerHour[8+h] = calls
	}
	o.Away[13] = 3
	return o
}

// TestWaitsToldAreKept: of the waits told to callers who were then served, 85 to
// 95 in a hundred are kept.
func TestWaitsToldAreKept(t *testing.T) {
	o := profile()
	o.Days = max(*days, 20)
	r, err := o.Play()
	if err != nil {
		t.Fatal(err)
	}
	kept := float64(r.Kept) / float64(r.Told)
	t.Logf("%d callers, %d served, %d abandoned", r.Callers, r.Served, r.Abandoned)
	testbed.Figure(t, fmt.Sprintf("waits told in %d simulated days and kept, of %d", o.Days, r.Told), fmt.Sprintf("%.1f", 100*kept), "%")
	if kept < 0.85 || kept > 0.95 {
		t.Errorf("%.1f %% kept", 100*kept)
	}
}

// TestCallingBackHardlyDelaysTheOthers: one caller in five asks to be called back.
// The others wait at most two in a hundred longer than if he had stayed on the line.
func TestCallingBackHardlyDelaysTheOthers(t *testing.T) {
	o := profile()
	o.Days = max(*days, 20)
	o.CallBack, o.Dial = 0.2, 8*second
	mean := map[bool]time.Duration{}
	for _, onLine := range []bool{true, false} {
		o.OnLine = onLine
		r, err := o.Play()
		if err != nil {
			t.Fatal(err)
		}
		mean[onLine] = r.Waits / time.Duration(r.Live)
		t.Logf("on the line %v: %d live callers waited %v on average, %d called back, %d served, %d abandoned", onLine, r.Live, mean[onLine], r.CalledBack, r.Served, r.Abandoned)
	}
	d := 100 * (float64(mean[false])/float64(mean[true]) - 1)
	testbed.Figure(t, "mean wait of the others when one caller in five is called back instead of staying on the line", fmt.Sprintf("%+.1f", d), "%")
	if d > 2 {
		t.Errorf("%.1f %% longer", d)
	}
}
