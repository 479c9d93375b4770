package led

import (
	"time"

	"centralino/board"
)

// Dwell is how long a pattern is shown at least, so that states do not flicker. A
// more urgent state does not wait for it.
const Dwell = 3 * time.Second

// Shown is what one lamp shows since when: enough to draw its twin in step.
// State is empty while the lamp answers the button.
type Shown struct {
	Lamp    board.Lamp `json:"lamp"`
	State   State      `json:"state,omitempty"`
	Pattern Pattern    `json:"pattern"`
	Since   time.Time  `json:"since"`
}

// Answer is what the lamps show to whoever presses the button, before all states:
// Pattern on the lamps, for a time (0: until the next Answer).
type Answer struct {
	Lamps   []board.Lamp
	Pattern Pattern
	For     time.Duration
}

// Panel decides what the lamps show. It is pure: the caller says what time it is.
// The zero Panel shows nothing.
type Panel struct {
	lamps map[board.Lamp]*lamp
}

type lamp struct {
	wanted  Row
	shown   Shown
	answers []answer // the first one is shown while it lasts
}

type answer struct {
	Shown
	until time.Time // zero: until replaced
}

// NewPanel returns a dark panel.
func NewPanel() *Panel {
	p := &Panel{lamps: map[board.Lamp]*lamp{}}
	for _, l := range board.Lamps {
		p.lamps[l] = &lamp{shown: Shown{Lamp: l, Pattern: Pattern{Kind: Off}}}
	}
	return p
}

// Set says all states that a lamp has now; the most urgent is shown. No states
// leave the lamp as it is.
func (p *Panel) Set(name board.Lamp, now time.Time, states ...State) {
	l, row, ok := p.lamps[name], Row{}, false
	if l != nil {
		row, ok = Pick(name, states...)
	}
	if !ok {
		return
	}
	l.wanted = row
	l.settle(now)
}

// Reply shows answers to the button one after the other, in place of answers
// given before; none takes answers away.
func (p *Panel) Reply(now time.Time, answers ...Answer) {
	for name, l := range p.lamps {
		l.answers = l.answers[:0]
		from := now
		for _, a := range answers {
			until := time.Time{}
			if a.For > 0 {
				until = from.Add(a.For)
			}
			for _, on := range a.Lamps {
				if on == name {
					l.answers = append(l.answers, answer{Shown: Shown{Lamp: name, Pattern: a.Pattern, Since: from}, until: until})
				}
			}
			from = until
			if a.For <= 0 {
				break
			}
		}
	}
}

// settle moves from the shown to the wanted state where dwell allows it.
func (l *lamp) settle(now time.Time) {
	if l.wanted.State == l.shown.State || l.wanted.State == "" {
		return
	}
	urgent := rank(l.wanted.State) < rank(l.shown.State)
	if l.shown.State != "" && !urgent && now.Sub(l.shown.Since) < Dwell {
		return
	}
	if l.wanted.Pattern == l.shown.Pattern {
		l.shown.State = l.wanted.State // the same look: do not start anew
		return
	}
	l.shown = Shown{Lamp: l.shown.Lamp, State: l.wanted.State, Pattern: l.wanted.Pattern, Since: now}
}

// answer is the answer that a lamp gives now, if any; answers that are over are
// dropped.
func (l *lamp) answer(now time.Time) (answer, bool) {
	for len(l.answers) > 0 {
		a := l.answers[0]
		if a.until.IsZero() || now.Before(a.until) {
			return a, !now.Before(a.Since)
		}
		l.answers = l.answers[1:]
	}
	return answer{}, false
}

// At returns what every lamp shows at an instant, in the order of board.Lamps,
// and when that may change by itself at the latest (zero: never). Between, a
// lamp's own Pattern says when it is lit.
func (p *Panel) At(now time.Time) (shown []Shown, until time.Time) {
	sooner := func(t time.Time) {
		if t.After(now) && (until.IsZero() || t.Before(until)) {
			until = t
		}
	}
	for _, name := range board.Lamps {
		l := p.lamps[name]
		l.settle(now)
		if l.wanted.State != l.shown.State && l.wanted.State != "" {
			sooner(l.shown.Since.Add(Dwell))
		}
		a, answering := l.answer(now)
		if len(l.answers) > 0 {
			sooner(l.answers[0].Since)
			sooner(l.answers[0].until)
		}
		if answering {
			shown = append(shown, a.Shown)
		} else {
			shown = append(shown, l.shown)
		}
	}
	return shown, until
}

// Receipt answers a press at once.
func Receipt() []Answer {
	return []Answer{
		{Lamps: []board.Lamp{board.Status}, Pattern: Pattern{Kind: Fast}, For: time.Second},
		{Lamps: []board.Lamp{board.Status}, Pattern: Pattern{Kind: Off}},
	}
}

// Window counts the window in which the button is held: n flashes; 0 is between
// two windows, where letting go does nothing.
func Window(n int) []Answer {
	p := Pattern{Kind: Off}
	if n > 0 {
		p = Pattern{Kind: Code, N: n}
	}
	return []Answer{{Lamps: []board.Lamp{board.Status}, Pattern: p}}
}

// Armed asks for the second press of a factory reset: every lamp.
func Armed() []Answer {
	return []Answer{{Lamps: board.Lamps, Pattern: Pattern{Kind: Blink}}}
}

// NotHere says that what was asked for is not done by this program: a lamp test and
// number 9, "see the page".
func NotHere() []Answer { return LampTest(9) }

// LampTest lights everything and then, three times, the number of the worst
// fault (0: none).
func LampTest(code int) []Answer {
	test := []Answer{{Lamps: board.Lamps, Pattern: Pattern{Kind: Solid}, For: 2 * time.Second}}
	if code == 0 {
		return test
	}
	c := Pattern{Kind: Code, N: code}
	return append(test,
		Answer{Lamps: board.Lamps, Pattern: Pattern{Kind: Off}, For: time.Second},
		Answer{Lamps: []board.Lamp{board.Status}, Pattern: c, For: 3 * c.Period()})
}
