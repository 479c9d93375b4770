package sim_test

import (
	"testing"
	"time"

	"centralino/hal/sim"

	"github.com/google/go-cmp/cmp"
)

// Who watches the exchange is told what happened on the line and when, once each, and
// nothing after he has stopped.
func TestWatch(t *testing.T) {
	onExchange(t, sim.LineOptions{}, func(t *testing.T, x *sim.Exchange, d *sim.Line, _ *listener) {
		type seen struct {
			after  time.Duration
			what   sim.LineMoment
			number string
		}
		start := time.Now()
		var got []seen
		stop := x.Watch(func(e sim.LineEvent) {
			got = append(got, seen{e.At.Sub(start).Round(500 * time.Millisecond), e.What, e.Number})
		})
		far, err := x.Ring("line", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		d.Answer(t.Context())
		wait(4 * time.Second)
		far.HangUp()
		wait(time.Second)
		d.HangUp()
		wait(time.Second)
		want := []seen{{0, sim.LineRings, "0612345678"}, {time.Second, sim.LineOffHook, "0612345678"}, {time.Second, sim.LineThrough, "0612345678"},
			{5 * time.Second, sim.LineFarGone, "0612345678"}, {6 * time.Second, sim.LineOnHook, ""}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(seen{})); diff != "" {
			t.Error(diff)
		}
		stop()
		if _, err := x.Ring("line", sim.CallerSpec{}); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if len(got) != len(want) {
			t.Errorf("told of %d moments after it has stopped", len(got)-len(want))
		}
	})
}
