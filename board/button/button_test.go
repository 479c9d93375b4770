package button_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/button"
	"centralino/hal"

	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// want says, in its own words, what letting go after a time asks for.
func want(held time.Duration) button.Gesture {
	s := held.Seconds()
	switch {
	case s < 1:
		return button.Press
	case s >= 3 && s <= 6:
		return button.Pair
	case s >= 8 && s <= 12:
		return button.Restart
	case s >= 15 && s <= 20:
		return button.ResetPassword
	}
	return ""
}

// hold presses and lets go, with Tick whenever Next asks for it, and returns
// gestures and hints as words.
func hold(r *button.Reader, from time.Time, held time.Duration) string {
	var out []string
	take := func(g button.Gesture, hs []button.Hint) {
		for _, h := range hs {
			if h.Kind == button.Held {
				out = append(out, fmt.Sprint("held", h.Window))
			} else {
				out = append(out, string(h.Kind))
			}
		}
		if g != "" {
			out = append(out, "="+string(g))
		}
	}
	now := from
	run := func(until time.Time) {
		for next := r.Next(now); !next.IsZero() && !next.After(until); next = r.Next(now) {
			now = next
			take(r.Tick(now))
		}
		now = until
	}
	take(r.Edge(true, from))
	run(from.Add(held))
	take(r.Edge(false, now))
	run(now.Add(time.Second))
	return strings.Join(out, " ")
}

func TestGestures(t *testing.T) {
	for _, c := range []struct {
		held time.Duration
		want string
	}{
		{10 * time.Millisecond, ""},
		{100 * time.Millisecond, "pressed released =press"},
		{999 * time.Millisecond, "pressed released =press"},
		{time.Second, "pressed released"},
		{2999 * time.Millisecond, "pressed released"},
		{3 * time.Second, "pressed held1 released =pair"},
		{6 * time.Second, "pressed held1 released =pair"},
		{7 * time.Second, "pressed held1 held0 released"},
		{10 * time.Second, "pressed held1 held0 held2 released =restart"},
		{13 * time.Second, "pressed held1 held0 held2 held0 released"},
		{18 * time.Second, "pressed held1 held0 held2 held0 held3 released =resetPassword"},
		{20001 * time.Millisecond, "pressed held1 held0 held2 held0 held3 held0 released"},
		{time.Minute, "pressed held1 held0 held2 held0 held3 held0 released"},
	} {
		t.Run(c.held.String(), func(t *testing.T) {
			if got := hold(&button.Reader{}, t0, c.held); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestAnyHold: for any time held, with any bouncing at both ends, exactly the
// gesture of the table comes, and never a factory reset.
func TestAnyHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		held := time.Duration(rapid.IntRange(50, 30_000).Draw(t, "ms")) * time.Millisecond
		r := &button.Reader{}
		if rapid.Bool().Draw(t, "fresh from power-on") {
			r = button.NewReader(t0.Add(-time.Minute))
		}
		var got []button.Gesture
		take := func(g button.Gesture, _ []button.Hint) {
			if g != "" {
				got = append(got, g)
			}
		}
		bounce := func(at time.Time, to bool) time.Time {
			for range rapid.IntRange(0, 3).Draw(t, "bounces") {
				take(r.Edge(to, at))
				at = at.Add(time.Duration(rapid.IntRange(1, 9).Draw(t, "ms")) * time.Millisecond)
				take(r.Edge(!to, at))
				at = at.Add(time.Duration(rapid.IntRange(1, 9).Draw(t, "ms")) * time.Millisecond)
			}
			take(r.Edge(to, at))
			return at
		}
		down := bounce(t0, true)
		for now := down; now.Before(down.Add(held)); now = now.Add(100 * time.Millisecond) {
			take(r.Tick(now))
		}
		up := bounce(down.Add(held), false)
		take(r.Tick(up.Add(time.Second)))
		w := want(up.Sub(down))
		if w == "" && len(got) == 0 || len(got) == 1 && got[0] == w {
			return
		}
		t.Fatalf("held %v: %v, want %q", up.Sub(down), got, w)
	})
}

func TestFactoryReset(t *testing.T) {
	for _, c := range []struct {
		name       string
		powered    time.Duration // before the first press
		held       time.Duration
		again      time.Duration // after letting go
		knowsPower bool
		want       string
	}{
		{"held through the start, let go, pressed again", 0, 11 * time.Second, 2 * time.Second, true, "pressed armed =factoryReset released"},
		{"pressed again too late", 0, 11 * time.Second, 6 * time.Second, true, "pressed armed released pressed released =press"},
		{"not held long enough", 0, 9 * time.Second, 2 * time.Second, true, "pressed released pressed released =press"},
		{"pressed only after the start", 2 * time.Second, 11 * time.Second, 2 * time.Second, true, "pressed held1 held0 held2 released =restart pressed released =press"},
		{"only the program was started", 0, 11 * time.Second, 2 * time.Second, false, "pressed held1 held0 held2 released =restart pressed released =press"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &button.Reader{}
			if c.knowsPower {
				r = button.NewReader(t0)
			}
			first := t0.Add(c.powered)
			got := hold(r, first, c.held)
			if late := first.Add(c.held).Add(c.again); c.again > 5*time.Second {
				_, hs := r.Tick(late)
				for _, h := range hs {
					got += " " + string(h.Kind)
				}
			}
			got += " " + hold(r, first.Add(c.held+c.again), 100*time.Millisecond)
			if got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

type fake chan hal.ButtonEdge

func (f fake) Watch(context.Context) (<-chan hal.ButtonEdge, error) { return f, nil }

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edges := make(fake, 16)
		var got []string
		start := time.Now()
		note := func(what string) { got = append(got, fmt.Sprintf("%v %s", time.Since(start), what)) }
		done := make(chan error)
		go func() {
			done <- button.Run(t.Context(), button.Options{
				Button:  edges,
				Gesture: func(g button.Gesture) { note(string(g)) },
				Hint:    func(h button.Hint) { note(fmt.Sprint(h.Kind, h.Window)) },
			})
		}()
		edges <- hal.ButtonEdge{Pressed: true, At: time.Now()}
		time.Sleep(9 * time.Second)
		edges <- hal.ButtonEdge{At: time.Now()}
		time.Sleep(time.Second)
		close(edges)
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := "20ms pressed0|3s held1|6.000000001s held0|8s held2|9.02s released0|9.02s restart"
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("%s\nwant %s", s, want)
		}
	})
}

// TestRunReadsLate: on a computer that has no time an edge is read long after it came. It
// still counts, and for the time at which it came.
func TestRunReadsLate(t *testing.T) {
	type edge struct {
		pressed  bool
		at, read time.Duration // since the beginning
	}
	const ms = time.Millisecond
	for _, c := range []struct {
		name  string
		edges []edge
		want  button.Gesture
	}{
		{"let go, read 30 ms late", []edge{{true, 0, 0}, {false, 4000 * ms, 4030 * ms}}, button.Pair},
		{"pressed and let go, both read 30 ms late", []edge{{true, 0, 30 * ms}, {false, 4000 * ms, 4030 * ms}}, button.Pair},
		{"let go within the window, read after it", []edge{{true, 0, 0}, {false, 5900 * ms, 7000 * ms}}, button.Pair},
		{"a short press read when it is over", []edge{{true, 0, 2000 * ms}, {false, 200 * ms, 2000 * ms}}, button.Press},
		{"it bounces, and each edge is read 10 ms after the one before",
			[]edge{{true, 0, 100 * ms}, {false, 2 * ms, 110 * ms}, {true, 5 * ms, 120 * ms}, {false, 4000 * ms, 4100 * ms}, {true, 4002 * ms, 4110 * ms}, {false, 4004 * ms, 4120 * ms}}, button.Pair},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				edges := make(fake, 16)
				var got []button.Gesture
				start := time.Now()
				done := make(chan error)
				go func() {
					done <- button.Run(t.Context(), button.Options{Button: edges, Gesture: func(g button.Gesture) { got = append(got, g) }})
				}()
				for _, e := range c.edges {
					time.Sleep(time.Until(start.Add(e.read)))
					edges <- hal.ButtonEdge{Pressed: e.pressed, At: start.Add(e.at)}
				}
				time.Sleep(time.Second)
				close(edges)
				if err := <-done; err != nil {
					t.Error(err)
				}
				if len(got) != 1 || got[0] != c.want {
					t.Errorf("%v, want %v", got, c.want)
				}
			})
		})
	}
}
