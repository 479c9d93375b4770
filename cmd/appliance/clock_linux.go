package main

import (
	"context"
	"errors"
	"time"

	"centralino/board/boot"
	"centralino/board/timesync"
	"centralino/ui"
)

// boardClock is the clock of a board of its own, which the first process keeps.
type boardClock struct{ b *box }

// clock is the clock that the page may set, nil where that is another program's.
func (b *box) clock() ui.Clock {
	switch {
	case b.opt.seams.hand != nil:
		return b.opt.seams.hand
	case boot.OnBoard():
		return boardClock{b}
	}
	return nil
}

// Known is what the first process reported last.
func (c boardClock) Known() timesync.State {
	r, err := boot.ReadReport()
	if err != nil {
		return timesync.State{}
	}
	return r.Clock
}

// The first process sets the clock once it has waited for the time servers that it asks
// just then: handTime at most. It is looked at each handLook.
const (
	handTime = 15 * time.Second
	handLook = 50 * time.Millisecond
)

var errClockStays = errors.New("the first process has not set the clock")

// Set has the first process set the clock.
func (c boardClock) Set(ctx context.Context, t time.Time) error {
	before := c.Known()
	by, err := timesync.ByHand(t, c.b.now(), builtAt(), before)
	if err != nil {
		return err
	}
	if err := boot.MoveClock(by); err != nil {
		return err
	}
	ctx, done := context.WithTimeout(ctx, handTime)
	defer done()
	look := time.NewTicker(handLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return errClockStays
		case <-look.C:
		}
		switch st := c.Known(); {
		case st.Trusted:
			return timesync.ErrServer
		case !st.Hand.IsZero() && !st.Hand.Equal(before.Hand):
			c.b.clockTrusted.Store(true)
			return nil
		}
	}
}
