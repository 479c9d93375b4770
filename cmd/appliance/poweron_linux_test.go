package main

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/boot"
	"centralino/board/led"
	"centralino/hal"
)

func TestButtonWhileTheBoxIsSwitchedOn(t *testing.T) {
	const now = time.Millisecond // the button was held before anybody looked
	for _, c := range []struct {
		name    string
		edges   []time.Duration // pressed, let go, pressed
		fails   bool
		code    int
		renewed bool
		took    time.Duration // at most
	}{
		{name: "nobody holds it: the box does not wait", took: 300 * time.Millisecond},
		{name: "held for a moment", edges: []time.Duration{now, 2 * time.Second}, took: 3 * time.Second},
		{name: "held for ten seconds: the address by DHCP", edges: []time.Duration{now, 11 * time.Second}, code: boot.ExitNetwork, took: 17 * time.Second},
		{name: "and pressed again: everything is taken away", edges: []time.Duration{now, 11 * time.Second, 14 * time.Second}, code: boot.ExitRenewed, renewed: true, took: 15 * time.Second},
		{name: "pressed again too late: the address by DHCP", edges: []time.Duration{now, 11 * time.Second, 17 * time.Second}, code: boot.ExitNetwork, took: 17 * time.Second},
		{name: "held too short and pressed again", edges: []time.Duration{now, 9 * time.Second, 11 * time.Second}, took: 10 * time.Second},
		{name: "a button that is stuck", edges: []time.Duration{now}, took: 62 * time.Second},
		{name: "pressed after the start only", edges: []time.Duration{600 * time.Millisecond, 12 * time.Second, 14 * time.Second}, took: 13 * time.Second},
		{name: "the card cannot be written", edges: []time.Duration{now, 11 * time.Second, 14 * time.Second}, fails: true, renewed: true, took: 15 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &simButton{edges: make(chan hal.ButtonEdge, 16)}
				began := time.Now()
				var hand sync.WaitGroup
				hand.Go(func() {
					for i, at := range c.edges {
						time.Sleep(time.Until(began.Add(at)))
						b.edge(i%2 == 0)
					}
				})
				renewed := false
				code := readPowerOn(t.Context(), b, led.NewDriver(led.Options{}), func() error {
					renewed = true
					if c.fails {
						return errors.New("input/output error")
					}
					return nil
				}, slog.New(slog.DiscardHandler))
				took := time.Since(began)
				hand.Wait()
				if code != c.code || renewed != c.renewed || took > c.took {
					t.Errorf("code %d, taken away %v, after %v", code, renewed, took)
				}
			})
		})
	}
}
