package office

import (
	"slices"
	"time"
)

// horizon is how far ahead StateAt looks for a change.
const horizon = 400 // days

// StateAt says what a schedule says at an instant and the next instant at which it
// says something else (zero: not within 400 days). It is a function of the local
// wall clock, so on the day that the clocks go back an hour's state comes twice.
// It never fails: an unknown time zone counts as Europe/Rome, then as UTC, and
// spans that make no sense count for nothing.
func StateAt(s Schedule, site Site, t time.Time) (DayState, time.Time) {
	loc := site.Location()
	now := s.at(site, loc, t)
	day := t.In(loc)
	for range horizon {
		for _, c := range s.changes(day, loc) {
			if c.After(t) && s.at(site, loc, c) != now {
				return now, c
			}
		}
		day = time.Date(day.Year(), day.Month(), day.Day()+1, 12, 0, 0, 0, loc)
	}
	return now, time.Time{}
}

// at evaluates one instant.
func (s Schedule) at(site Site, loc *time.Location, t time.Time) DayState {
	if s.Override != nil && t.Before(s.Override.Until) {
		return s.Override.State
	}
	local := t.In(loc)
	if e := s.exception(local); e != nil {
		return spanState(e.Spans, local)
	}
	if s.Holidays && IsHoliday(site, local) {
		return Holiday
	}
	return spanState(s.Week[local.Weekday()], local)
}

// exception returns the exception of a date.
func (s Schedule) exception(local time.Time) *Exception {
	if len(s.Exceptions) == 0 {
		return nil
	}
	date := local.Format(time.DateOnly)
	return first(s.Exceptions, func(e *Exception) bool { return e.Date == date })
}

// spanState says what the spans of a day say at a local time: open within one,
// break between two, closed otherwise.
func spanState(spans []Span, local time.Time) DayState {
	minute := local.Hour()*60 + local.Minute()
	before, after := false, false
	for _, p := range spans {
		switch {
		case p.From >= p.To || p.From < 0 || p.To > 24*60:
		case minute < p.From:
			after = true
		case minute < p.To:
			return Open
		default:
			before = true
		}
	}
	if before && after {
		return Break
	}
	return Closed
}

// changes returns, in order, every instant of a local day at which the state may
// change: its midnight, the ends of its spans, the end of the override, and a
// change of the clocks. A wall clock time that comes twice counts twice, one that
// does not come is covered by the change of the clocks.
func (s Schedule) changes(day time.Time, loc *time.Location) []time.Time {
	noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, loc)
	start, end := noon.Add(-15*time.Hour), noon.Add(15*time.Hour)
	offsets := []int{offset(start), offset(end)}
	var out []time.Time
	if offsets[0] != offsets[1] {
		if _, change := start.ZoneBounds(); change.In(loc).YearDay() == noon.YearDay() {
			out = append(out, change)
		}
	}
	spans := s.Week[noon.Weekday()]
	if e := s.exception(noon); e != nil {
		spans = e.Spans
	}
	minutes := []int{0, 24 * 60}
	for _, p := range spans {
		minutes = append(minutes, p.From, p.To)
	}
	wallNoon := time.Date(noon.Year(), noon.Month(), noon.Day(), 0, 0, 0, 0, time.UTC)
	for _, m := range minutes {
		wall := wallNoon.Add(time.Duration(m) * time.Minute)
		for _, o := range offsets {
			at := wall.Add(-time.Duration(o) * time.Second)
			if offset(at.In(loc)) == o {
				out = append(out, at)
			}
		}
	}
	if s.Override != nil {
		out = append(out, s.Override.Until)
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

func offset(t time.Time) int {
	_, o := t.Zone()
	return o
}

// italianHolidays are the fixed public holidays of Italy (law 260/1949, law
// 336/2000 for 2 June, decree 792/1985 for 6 January).
var italianHolidays = map[string]bool{
	"01-01": true, "01-06": true, "04-25": true, "05-01": true, "06-02": true, "08-15": true,
	"11-01": true, "12-08": true, "12-25": true, "12-26": true,
}

// saintFrancis is a holiday again from 2026 on (law 151/2025).
const (
	saintFrancis      = "10-04"
	saintFrancisSince = 2026
)

// IsHoliday says whether a local date is a public holiday at the site: the
// country's, with Easter and Easter Monday, and the patron saint's day. Of a
// country that is not known only the patron saint's day counts.
func IsHoliday(site Site, local time.Time) bool {
	date := local.Format("01-02")
	if site.PatronDay != "" && date == site.PatronDay {
		return true
	}
	if site.Country != "IT" {
		return false
	}
	if italianHolidays[date] || date == saintFrancis && local.Year() >= saintFrancisSince {
		return true
	}
	easter := Easter(local.Year())
	return date == easter.Format("01-02") || date == easter.AddDate(0, 0, 1).Format("01-02")
}

// Easter returns Easter Sunday of a year in the Gregorian calendar (anonymous
// algorithm, Nature 1876; Meeus, Astronomical Algorithms, chapter 8).
func Easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 19*l) / 433
	month := (h + l - 7*m + 90) / 25
	day := (h + l - 7*m + 33*month + 19) % 32
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}
