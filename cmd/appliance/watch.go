package main

import (
	"context"
	"errors"
	"fmt"

	"centralino/hal/sim"
)

// watchedAhead is how many moments of lines may wait for a watcher that reads slowly:
// a minute of the busiest lines. More ends the watch, so that it never lacks one.
const watchedAhead = 1024

// watchExchange tells what the simulated exchange sees on its lines, one moment a
// line of text: nanoseconds since 1970, line, moment and the far party's number. It
// ends with ctx.
func (b *box) watchExchange(ctx context.Context, say func(string)) error {
	if b.exchange == nil {
		return errNoExchange
	}
	seen, slow := make(chan sim.LineEvent, watchedAhead), make(chan struct{}, 1) // one word that it is full
	stop := b.exchange.Watch(func(e sim.LineEvent) {
		select {
		case seen <- e:
		default:
			select {
			case slow <- struct{}{}:
			default:
			}
		}
	})
	defer stop()
	say("watching")
	for {
		select {
		case e := <-seen:
			say(fmt.Sprintf("%d %s %s %s", e.At.UnixNano(), e.Line, e.What, e.Number))
		case <-slow:
			return errors.New("whoever watches the exchange reads too slowly")
		case <-ctx.Done():
			return nil
		}
	}
}
