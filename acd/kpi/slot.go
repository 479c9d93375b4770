package kpi

import "time"

// SlotLength is the grain of all facts. Every time zone in use is whole quarters
// of an hour away from UTC, so a slot never straddles a local hour, the midnight of
// a place or a change of its clocks.
const SlotLength = 15 * time.Minute

// Slot is a quarter of an hour, counted from 1970 in UTC.
type Slot int64

// SlotOf returns the slot that t lies in.
func SlotOf(t time.Time) Slot {
	s, n := t.Unix(), int64(SlotLength/time.Second)
	if s < 0 && s%n != 0 {
		return Slot(s/n - 1)
	}
	return Slot(s / n)
}

// Start returns the slot's first instant, in UTC.
func (s Slot) Start() time.Time { return time.Unix(int64(s)*int64(SlotLength/time.Second), 0).UTC() }

// End returns the first instant after the slot.
func (s Slot) End() time.Time { return (s + 1).Start() }

// slotsPerBlock is how many slots are kept together: a day in UTC.
const slotsPerBlock = 96

// BlockOf returns the number of the kept block that t lies in: days since 1970 in
// UTC.
func BlockOf(t time.Time) int64 { return blockOf(SlotOf(t)) }

func blockOf(s Slot) int64 {
	if s < 0 && s%slotsPerBlock != 0 {
		return int64(s/slotsPerBlock) - 1
	}
	return int64(s / slotsPerBlock)
}

// Interval is a stretch of time; To is exclusive.
type Interval struct{ From, To time.Time }

// Has reports whether t lies in the interval.
func (i Interval) Has(t time.Time) bool { return !t.Before(i.From) && t.Before(i.To) }

// Length returns how long the interval is.
func (i Interval) Length() time.Duration { return i.To.Sub(i.From) }

// Day returns the local day that t lies in: 23 or 25 hours long where the clocks
// change.
func Day(t time.Time, loc *time.Location) Interval {
	y, m, d := t.In(loc).Date()
	return Interval{midnight(y, m, d, loc), midnight(y, m, d+1, loc)}
}

// midnight is the first instant of a local day, also where the clocks skip it.
func midnight(y int, m time.Month, d int, loc *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, loc)
	want := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Day()
	for t.Day() != want { // the hour does not exist: time.Date went back over midnight
		t = t.Add(SlotLength)
	}
	return t
}

// Days returns the local days from the one of from to the one before to's, or
// including it if to is not a midnight.
func Days(from, to time.Time, loc *time.Location) []Interval {
	var out []Interval
	for at := from; at.Before(to); {
		d := Day(at, loc)
		out = append(out, d)
		at = d.To
	}
	return out
}

// Cut cuts an interval into steps of a whole number of slots, as long as they
// last: a day of 25 hours has 50 half hours, and the one that comes twice by the
// clock stands there twice. The last step may be shorter.
func (i Interval) Cut(step time.Duration) []Interval {
	if step < SlotLength {
		step = SlotLength
	}
	step = step.Truncate(SlotLength)
	var out []Interval
	for at := i.From; at.Before(i.To); at = at.Add(step) {
		end := at.Add(step)
		if end.After(i.To) {
			end = i.To
		}
		out = append(out, Interval{at, end})
	}
	return out
}
