package gpio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
)

// pinLine is a pin whose level is as its edges say, at times since the beginning. What the
// kernel noted is read when the program has time: not before free. The edges of mute are
// not noted at all.
type pinLine struct {
	start  time.Time
	edges  []pinEdge
	mute   map[int]bool
	free   time.Duration
	read   int // of edges
	closed bool
}

type pinEdge struct {
	at    time.Duration
	level gpio.Level
}

func (l *pinLine) next(limit time.Duration) (gpio.Level, time.Time, bool) {
	time.Sleep(time.Until(l.start.Add(l.free)))
	for l.read < len(l.edges) && l.mute[l.read] {
		l.read++
	}
	if l.read < len(l.edges) {
		if e := l.edges[l.read]; time.Until(l.start.Add(e.at)) < limit {
			time.Sleep(time.Until(l.start.Add(e.at)))
			l.read++
			return e.level, l.start.Add(e.at), true
		}
	}
	time.Sleep(limit)
	return false, time.Time{}, false
}

func (l *pinLine) level() (gpio.Level, error) {
	level := gpio.High // a button to ground, at rest
	for _, e := range l.edges {
		if time.Since(l.start) >= e.at {
			level = e.level
		}
	}
	return level, nil
}

func (l *pinLine) close() { l.closed = true }

// lineOf puts a line in the place of the kernel's.
func lineOf(l line) *Pins {
	p := pins(&gpiotest.Pin{N: "GPIO23"})
	p.watch = func(string, gpio.Pull) (line, error) { return l, nil }
	return p
}

func TestButton(t *testing.T) {
	const ms, down, up = time.Millisecond, gpio.Low, gpio.High
	for _, c := range []struct {
		name string
		line pinLine
		want string // edges with their times, and when they were told
	}{
		{"pressed and let go", pinLine{edges: []pinEdge{{250 * ms, down}, {4250 * ms, up}}}, "down 250ms (250ms), up 4.25s (4.25s)"},
		{"read late", pinLine{edges: []pinEdge{{250 * ms, down}, {4250 * ms, up}}, free: 7 * time.Second}, "down 250ms (7s), up 4.25s (7s)"},
		{"a short press, read when it is over", pinLine{edges: []pinEdge{{250 * ms, down}, {330 * ms, up}}, free: 500 * ms}, "down 250ms (500ms), up 330ms (500ms)"},
		{"held at the start, needed for the factory reset", pinLine{edges: []pinEdge{{-time.Hour, down}, {4250 * ms, up}}, mute: map[int]bool{0: true}}, "down 0s (0s), up 4.25s (4.25s)"},
		{"an edge that the kernel did not note is seen at the second look",
			pinLine{edges: []pinEdge{{250 * ms, down}, {4250 * ms, up}}, mute: map[int]bool{0: true}}, "down 400ms (400ms), up 4.25s (4.25s)"},
		{"it bounces", pinLine{edges: []pinEdge{{250 * ms, down}, {252 * ms, up}, {253 * ms, down}}}, "down 250ms (250ms), up 252ms (252ms), down 253ms (253ms)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.line.start = time.Now()
				b, err := lineOf(&c.line).Button(Pin{"GPIO23", Low})
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
				defer stop()
				edges, err := b.Watch(ctx)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for e := range edges { // closed in the end
					word := map[bool]string{true: "down", false: "up"}[e.Pressed]
					got = append(got, fmt.Sprintf("%s %v (%v)", word, e.At.Sub(c.line.start), time.Since(c.line.start)))
				}
				if s := strings.Join(got, ", "); s != c.want {
					t.Errorf("%s, want %s", s, c.want)
				}
				if !c.line.closed {
					t.Error("the pin is not given back")
				}
			})
		})
	}
}

// TestButtonNobodyReads: what finds no room is told once there is some.
func TestButtonNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pinLine{start: time.Now()}
		for n := range 17 { // one more than there is room for
			l.edges = append(l.edges, pinEdge{time.Duration(n+1) * 10 * time.Millisecond, n%2 != 0})
		}
		b, err := lineOf(l).Button(Pin{"GPIO23", Low})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		edges, err := b.Watch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		for range 16 {
			<-edges
		}
		if e := <-edges; !e.Pressed {
			t.Errorf("in the end it is %+v", e)
		}
		stop()
		for range edges { // closed in the end
		}
	})
}

// brokenLine answers nothing, at once.
type brokenLine struct{ asked int }

func (l *brokenLine) next(time.Duration) (gpio.Level, time.Time, bool) {
	l.asked++
	return false, time.Time{}, false
}
func (l *brokenLine) level() (gpio.Level, error) { return false, errors.New("gone") }
func (l *brokenLine) close()                     {}

// TestButtonOfABrokenPin: it is never pressed, and does not keep the processor busy.
func TestButtonOfABrokenPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &brokenLine{}
		b, err := lineOf(l).Button(Pin{"GPIO23", Low})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		edges, err := b.Watch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for e := range edges {
			t.Errorf("told %+v", e)
		}
		if l.asked > 101 {
			t.Errorf("asked %d times in a second", l.asked)
		}
	})
}

func TestButtonThatCannotBeWatched(t *testing.T) {
	refused := errors.New("in use")
	for _, c := range []struct {
		level Level
		pull  gpio.Pull
	}{{Low, gpio.PullUp}, {High, gpio.PullDown}} {
		p := pins(&gpiotest.Pin{N: "GPIO23"})
		p.watch = func(name string, pull gpio.Pull) (line, error) {
			if name != "GPIO23" || pull != c.pull {
				t.Errorf("watched is %s with %v", name, pull)
			}
			return nil, refused
		}
		b, err := p.Button(Pin{"GPIO23", c.level})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Watch(t.Context()); !errors.Is(err, refused) {
			t.Errorf("watched: %v", err)
		}
	}
}
