package report

import (
	"slices"
	"time"

	"centralino/acd/kpi"
)

// Profile is what came at which time of the day, over all days of a stretch: the same
// contacts as in the report by intervals, for a drawing. It is of queues, not of people.
type Profile struct {
	Step   time.Duration
	Target float64 // of the service level, 0 to 1
	Slots  []Slot  // without gaps from the first with a contact to the last; empty: nobody came
}

// Slot is one step of the clock.
type Slot struct {
	Minute                  int // after midnight by the clock of the office
	Offered, Answered, Lost int
	Level                   float64 // 0 to 1
	Judged                  bool    // there is a level
}

// Profile makes the profile of a queue, of all where it is empty, for a stretch of whole
// days. The hour that comes twice when the clocks go back is one.
func (s *Source) Profile(queue string, days kpi.Interval, step time.Duration) Profile {
	p := Profile{Step: step, Target: s.target(queue)}
	minutes := int(step / time.Minute)
	if minutes < 1 {
		return p
	}
	at := map[int][]kpi.Visit{}
	for _, v := range arrivals(s.visits(queue), days) {
		t := v.Arrived.In(s.zone)
		n := (t.Hour()*60 + t.Minute()) / minutes
		at[n] = append(at[n], v)
	}
	if len(at) == 0 {
		return p
	}
	first, last := 24*60, 0
	for n := range at {
		first, last = min(first, n), max(last, n)
	}
	for n := first; n <= last; n++ {
		in := at[n]
		slices.SortStableFunc(in, func(a, b kpi.Visit) int { return a.Arrived.Compare(b.Arrived) })
		f := kpi.Sum(in, s.rules)
		level, judged := f.Level(kpi.ShortRemoved)
		p.Slots = append(p.Slots, Slot{Minute: n * minutes, Offered: f.Offered, Answered: f.Answered, Lost: f.Abandoned - f.Short, Level: level, Judged: judged})
	}
	return p
}
