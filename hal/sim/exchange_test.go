package sim_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
)

func TestDirectLineTakesACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := sim.NewExchange(sim.ExchangeOptions{})
		x.AddLine("l1", sim.LineOptions{})
		d := x.DirectLine("l1")
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		go d.Run(ctx)
		p, err := x.Ring("l1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(6 * time.Second)
			d.Answer(ctx)
			time.Sleep(3 * time.Second)
			p.Key("1")
			time.Sleep(time.Second)
			p.HangUp()
			time.Sleep(5 * time.Second)
			stop()
		}()
		for ev := range d.Events() {
			t.Logf("%T %+v", ev, ev)
			_ = hal.Hangup{}
		}
		t.Log(len(p.Heard()))
	})
}
