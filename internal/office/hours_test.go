package office_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"centralino/internal/office"
)

var milan = office.Site{Country: "IT", TimeZone: "Europe/Rome", PatronDay: "12-07"}

func rome(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// weekdays is an office that is open from 9 to 13 and from 14 to 18.
func weekdays() office.Schedule {
	s := office.Schedule{ID: "schedule-1", Name: "Orario", Holidays: true}
	for d := time.Monday; d <= time.Friday; d++ {
		s.Week[d] = []office.Span{{From: 9 * 60, To: 13 * 60}, {From: 14 * 60, To: 18 * 60}}
	}
	return s
}

func TestStateAt(t *testing.T) {
	loc := rome(t)
	s := weekdays()
	s.Exceptions = []office.Exception{
		{Date: "2026-12-24", Name: "Vigilia", Spans: []office.Span{{From: 540, To: 720}}},
		{Date: "2026-08-17", Name: "Ferie"},
		{Date: "2026-12-25", Name: "We work at Christmas", Spans: []office.Span{{From: 600, To: 660}}},
	}
	until := func(y int, m time.Month, d, h, min int) time.Time { return time.Date(y, m, d, h, min, 0, 0, loc) }
	for _, tt := range []struct {
		name  string
		at    time.Time
		state office.DayState
		until time.Time
	}{
		{"Monday morning: open until lunch", until(2026, 3, 2, 9, 0), office.Open, until(2026, 3, 2, 13, 0)},
		{"lunch is a break, not closed", until(2026, 3, 2, 13, 0), office.Break, until(2026, 3, 2, 14, 0)},
		{"the last second of the day", until(2026, 3, 2, 17, 59).Add(59 * time.Second), office.Open, until(2026, 3, 2, 18, 0)},
		{"the evening lasts until the morning", until(2026, 3, 2, 18, 0), office.Closed, until(2026, 3, 3, 9, 0)},
		{"Friday evening lasts until Monday", until(2026, 3, 6, 18, 0), office.Closed, until(2026, 3, 9, 9, 0)},
		{"Easter Monday is a holiday all day", until(2026, 4, 6, 10, 0), office.Holiday, until(2026, 4, 7, 0, 0)},
		{"Easter Sunday runs into Easter Monday", until(2026, 4, 5, 10, 0), office.Holiday, until(2026, 4, 7, 0, 0)},
		{"the patron saint's day, and the Immaculate next day", until(2026, 12, 7, 10, 0), office.Holiday, until(2026, 12, 9, 0, 0)},
		{"an exception shortens a day", until(2026, 12, 24, 11, 0), office.Open, until(2026, 12, 24, 12, 0)},
		{"an exception without hours closes", until(2026, 8, 17, 11, 0), office.Closed, until(2026, 8, 18, 9, 0)},
		{"an exception opens on a holiday", until(2026, 12, 25, 10, 30), office.Open, until(2026, 12, 25, 11, 0)},
		{"4 October was an ordinary Saturday in 2025", until(2025, 10, 4, 10, 0), office.Closed, until(2025, 10, 6, 9, 0)},
		{"4 October is a holiday in 2027", until(2027, 10, 4, 10, 0), office.Holiday, until(2027, 10, 5, 0, 0)},
	} {
		state, end := office.StateAt(s, milan, tt.at)
		if state != tt.state || !end.Equal(tt.until) {
			t.Errorf("%s: %s until %v, want %s until %v", tt.name, state, end.In(loc), tt.state, tt.until)
		}
	}
}

func TestOverrideEndsByItself(t *testing.T) {
	loc := rome(t)
	s := weekdays()
	night := time.Date(2026, 3, 2, 22, 0, 0, 0, loc)
	s.Override = &office.Override{State: office.Open, Until: time.Date(2026, 3, 2, 23, 0, 0, 0, loc)}
	if state, end := office.StateAt(s, milan, night); state != office.Open || !end.Equal(s.Override.Until) {
		t.Errorf("%s until %v", state, end)
	}
	if state, _ := office.StateAt(s, milan, s.Override.Until); state != office.Closed {
		t.Errorf("after the override: %s", state)
	}
	s.Override.Until = time.Date(2026, 3, 3, 10, 0, 0, 0, loc) // ends while it is open anyway
	if state, end := office.StateAt(s, milan, night); state != office.Open || !end.Equal(time.Date(2026, 3, 3, 13, 0, 0, 0, loc)) {
		t.Errorf("override that ends within hours: %s until %v", state, end)
	}
}

func TestStateAtNeverFails(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	always := office.Schedule{}
	for i := range always.Week {
		always.Week[i] = []office.Span{{From: 0, To: 1440}}
	}
	if state, end := office.StateAt(always, office.Site{}, at); state != office.Open || !end.IsZero() {
		t.Errorf("always open: %s until %v", state, end)
	}
	broken := office.Schedule{Exceptions: []office.Exception{{Date: "yesterday"}}, Holidays: true}
	broken.Week[1] = []office.Span{{From: 600, To: 500}, {From: -5, To: -1}, {From: 2000, To: 3000}}
	if state, _ := office.StateAt(broken, office.Site{TimeZone: "Mars/Olympus", PatronDay: "99-99", Country: "IT"}, at); state != office.Closed {
		t.Errorf("nonsense: %s", state)
	}
}

// oracle is a second opinion: it draws each day as 1440 states.
type oracle struct {
	s    office.Schedule
	site office.Site
	date string
	day  [1440]office.DayState
}

func (o *oracle) at(local time.Time) office.DayState {
	if date := local.Format(time.DateOnly); date != o.date {
		o.date = date
		o.draw(local)
	}
	return o.day[local.Hour()*60+local.Minute()]
}

func (o *oracle) draw(local time.Time) {
	spans := o.s.Week[int(local.Weekday())]
	special := false
	for _, e := range o.s.Exceptions {
		if e.Date == o.date && !special {
			spans, special = e.Spans, true
		}
	}
	holiday := !special && o.s.Holidays && slices.Contains(oracleHolidays(o.site, local.Year()), o.date)
	first, last := 1440, -1
	for m := range o.day {
		o.day[m] = office.Closed
		for _, p := range spans {
			if p.From <= m && m < p.To {
				o.day[m] = office.Open
				first, last = min(first, m), max(last, m)
			}
		}
	}
	for m := range o.day {
		switch {
		case holiday:
			o.day[m] = office.Holiday
		case first < m && m < last && o.day[m] != office.Open:
			o.day[m] = office.Break
		}
	}
}

// easterDates from the tables of the Catholic church, 2020 to 2050.
var easterDates = []string{
	"2020-04-12", "2021-04-04", "2022-04-17", "2023-04-09", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28",
	"2028-04-16", "2029-04-01", "2030-04-21", "2031-04-13", "2032-03-28", "2033-04-17", "2034-04-09", "2035-03-25",
	"2036-04-13", "2037-04-05", "2038-04-25", "2039-04-10", "2040-04-01", "2041-04-21", "2042-04-06", "2043-03-29",
	"2044-04-17", "2045-04-09", "2046-03-25", "2047-04-14", "2048-04-05", "2049-04-18", "2050-04-10",
}

func oracleHolidays(site office.Site, year int) []string {
	var out []string
	for _, d := range []string{"01-01", "01-06", "04-25", "05-01", "06-02", "08-15", "11-01", "12-08", "12-25", "12-26", site.PatronDay} {
		out = append(out, fmt.Sprintf("%d-%s", year, d))
	}
	if year > 2025 {
		out = append(out, fmt.Sprintf("%d-10-04", year))
	}
	easter := easterDates[year-2020]
	next, _ := time.Parse(time.DateOnly, easter)
	return append(out, easter, next.Add(24*time.Hour).Format(time.DateOnly))
}

func TestHolidays2020To2050(t *testing.T) {
	for day := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC); day.Year() <= 2050; day = day.AddDate(0, 0, 1) {
		want := slices.Contains(oracleHolidays(milan, day.Year()), day.Format(time.DateOnly))
		if got := office.IsHoliday(milan, day); got != want {
			t.Errorf("%s: holiday %v, want %v", day.Format(time.DateOnly), got, want)
		}
	}
}

// TestChangesAgainstOracle walks from change to change over ten years and compares
// with a look at every minute. Some spans lie in the hours that the clock skips or
// repeats.
func TestChangesAgainstOracle(t *testing.T) {
	loc := rome(t)
	night := weekdays()
	night.Week[time.Sunday] = []office.Span{{From: 30, To: 150}, {From: 165, To: 200}}
	night.Week[time.Saturday] = []office.Span{{From: 1380, To: 1440}}
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		for range 20 {
			d := time.Date(2020+r.IntN(10), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, loc)
			night.Exceptions = append(night.Exceptions, office.Exception{Date: d.Format(time.DateOnly), Spans: []office.Span{{From: r.IntN(700), To: 700 + r.IntN(740)}}})
		}
	}
	for name, s := range map[string]office.Schedule{"office hours": weekdays(), "nights, odd hours, exceptions": night} {
		at := time.Date(2020, 1, 1, 0, 0, 0, 0, loc)
		end := time.Date(2030, 1, 1, 0, 0, 0, 0, loc)
		second := oracle{s: s, site: milan}
		state, until := office.StateAt(s, milan, at)
		for ; at.Before(end); at = at.Add(time.Minute) {
			if !until.IsZero() && !at.Before(until) {
				if !at.Equal(until) {
					t.Fatalf("%s: change at %v is not on a minute", name, until)
				}
				before := state
				if state, until = office.StateAt(s, milan, at); state == before {
					t.Fatalf("%s: no change at %v", name, at)
				}
			}
			if want := second.at(at.In(loc)); state != want {
				t.Fatalf("%s: at %v (until %v) it is %s, want %s", name, at.In(loc), until, state, want)
			}
		}
	}
}

func BenchmarkStateAt(b *testing.B) {
	s, at := weekdays(), time.Date(2026, 3, 6, 19, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		office.StateAt(s, milan, at)
	}
}
