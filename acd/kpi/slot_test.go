package kpi_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"centralino/acd/kpi"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// TestLocalDays: days of 23 and 25 hours, and one whose midnight does not exist.
func TestLocalDays(t *testing.T) {
	for _, c := range []struct {
		name, zone string
		noon       string
		hours      float64
		halves     int
	}{
		{"an ordinary day", "Europe/Rome", "2026-11-22T12:00:00Z", 24, 48},
		{"the clocks go forward: 23 hours", "Europe/Rome", "2026-03-29T12:00:00Z", 23, 46},
		{"the clocks go back: 25 hours", "Europe/Rome", "2026-10-25T12:00:00Z", 25, 50},
		{"the clocks skip midnight", "America/Santiago", "2026-09-06T16:00:00Z", 23, 46},
		{"the clocks change by half an hour", "Australia/Lord_Howe", "2026-10-04T02:00:00Z", 23.5, 47},
		{"three quarters away from UTC", "Asia/Kathmandu", "2026-11-22T06:00:00Z", 24, 48},
	} {
		loc := zone(t, c.zone)
		noon, err := time.Parse(time.RFC3339, c.noon)
		if err != nil {
			t.Fatal(err)
		}
		d := kpi.Day(noon, loc)
		if !d.Has(noon) || d.Length().Hours() != c.hours {
			t.Errorf("%s: %v to %v", c.name, d.From, d.To)
		}
		if d.From.Day() != noon.In(loc).Day() || d.From.Add(-time.Second).Day() == d.From.Day() {
			t.Errorf("%s: begins at %v", c.name, d.From)
		}
		halves := d.Cut(30 * time.Minute)
		if len(halves) != c.halves || len(d.Cut(15*time.Minute)) != 2*c.halves {
			t.Errorf("%s: %d half hours", c.name, len(halves))
		}
		for i, h := range halves {
			if h.Length() != 30*time.Minute || i > 0 && !h.From.Equal(halves[i-1].To) {
				t.Errorf("%s: half hour %d is %v to %v", c.name, i, h.From, h.To)
			}
			if !kpi.SlotOf(h.From).Start().Equal(h.From) {
				t.Errorf("%s: %v is within a slot", c.name, h.From)
			}
		}
		week := kpi.Days(d.From, d.To.AddDate(0, 0, 6), loc)
		if len(week) != 7 || !week[0].From.Equal(d.From) || !week[1].From.Equal(d.To) {
			t.Errorf("%s: a week of %d days", c.name, len(week))
		}
	}
}

func TestSlotsBefore1970(t *testing.T) {
	at := time.Date(1969, 12, 31, 23, 59, 0, 0, time.UTC)
	if s := kpi.SlotOf(at); s != -1 || s.End().Unix() != 0 || kpi.BlockOf(at) != -1 {
		t.Errorf("slot %d, block %d", s, kpi.BlockOf(at))
	}
}
