package gpio

import (
	"context"
	"time"

	"centralino/hal"

	"periph.io/x/conn/v3/gpio"
)

// line is a pin whose edges the kernel notes with their time, until they are read: the
// last 16 of them.
type line interface {
	// next returns the level after the next edge and when that was, and false if there
	// was none for limit.
	next(limit time.Duration) (level gpio.Level, at time.Time, ok bool)
	// level reads the pin.
	level() (gpio.Level, error)
	// close gives the pin back; nothing could be done about an error.
	close()
}

// look is how often a button is read even without an edge, so that one lost edge
// is not a button stuck for ever, and how long Watch takes to end at most.
const look = 100 * time.Millisecond

type button struct {
	on   gpio.Level
	open func() (line, error)
}

// Watch reports the button's changes with the time at which the kernel saw them, however
// late they are read; a button that is held when Watch begins is reported at once. Contact
// bounce is passed on, board/button takes it away.
func (b *button) Watch(ctx context.Context) (<-chan hal.ButtonEdge, error) {
	l, err := b.open()
	if err != nil {
		return nil, err
	}
	// 16: more edges than a person makes in a second; see hal.Button.
	edges := make(chan hal.ButtonEdge, 16)
	go b.watch(ctx, l, edges)
	return edges, nil
}

func (b *button) watch(ctx context.Context, l line, edges chan<- hal.ButtonEdge) {
	defer close(edges)
	defer l.close()
	was := false
	tell := func(level gpio.Level, at time.Time) {
		if pressed := level == b.on; pressed != was {
			select {
			case edges <- hal.ButtonEdge{Pressed: pressed, At: at}:
				was = pressed
			default: // full: seen again at the next look
			}
		}
	}
	// A level that no edge explains counts when it is seen twice: its edge may have come
	// after the waiting, and is read then.
	for seen := true; ctx.Err() == nil; {
		if level, err := l.level(); err == nil && (level == b.on) != was {
			if seen {
				tell(level, time.Now())
			}
			seen = true
		} else {
			seen = false
		}
		began := time.Now()
		for level, at, ok := l.next(look); ok; level, at, ok = l.next(look) {
			tell(level, at)
			seen, began = false, time.Now()
			if ctx.Err() != nil {
				return
			}
		}
		if time.Since(began) < look/2 {
			select { // a pin that cannot wait must not spin
			case <-time.After(look / 10):
			case <-ctx.Done():
			}
		}
	}
}
