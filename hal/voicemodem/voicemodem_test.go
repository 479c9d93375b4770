package voicemodem_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"centralino/hal/sim"
	"centralino/hal/voicemodem"
)

func TestTry(t *testing.T) {
	for _, p := range sim.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := sim.NewExchange(sim.ExchangeOptions{})
				el := x.AddLine("l1", sim.LineOptions{Kind: p.Kind})
				ctx, stop := context.WithCancel(context.Background())
				defer stop()
				mo, err := sim.OpenPortModem(ctx, el, sim.ModemOptions{Profile: p, Stuck: true})
				if err != nil {
					t.Fatal(err)
				}
				l, err := voicemodem.New(voicemodem.Options{ID: "l1", Kind: p.Kind, Port: mo, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				go l.Run(ctx)
				start := time.Now()
				go func() {
					time.Sleep(10 * time.Second)
					t.Log(l.Device())
					pa, err := x.Ring("l1", sim.CallerSpec{Number: "0612345678"})
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(6 * time.Second)
					t.Log(l.Answer(ctx))
					time.Sleep(3 * time.Second)
					pa.Key("1")
					time.Sleep(1 * time.Second)
					pa.HangUp()
					time.Sleep(10 * time.Second)
					t.Log(len(pa.Heard()), l.Stats(), mo.Counts(), el.OffHook())
					t.Log(l.Dial(ctx, "0212345"))
					time.Sleep(15 * time.Second)
					l.HangUp()
					time.Sleep(5 * time.Second)
					t.Log(len(pa.Heard()), l.Stats(), mo.Counts(), el.OffHook())
					t.Logf("%q", mo.Received())
					stop()
					mo.Close()
				}()
				for ev := range l.Events() {
					t.Logf("%v %T %+v", time.Since(start), ev, ev)
				}
			})
		})
	}
}
