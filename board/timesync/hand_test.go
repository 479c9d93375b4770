package timesync_test

import (
	"errors"
	"testing"
	"time"

	"centralino/board/timesync"
)

func rome(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestTimeThatAPersonTells(t *testing.T) {
	built := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	now := built.AddDate(0, 1, 0)
	for _, c := range []struct {
		name string
		t    time.Time
		s    timesync.State
		want time.Duration
		err  error
	}{
		{"the clock goes after", now.Add(26 * time.Hour), timesync.State{}, 26 * time.Hour, nil},
		{"the clock goes before", now.Add(-time.Hour), timesync.State{}, -time.Hour, nil},
		{"a second time", now.Add(time.Minute), timesync.State{Hand: now}, time.Minute, nil},
		{"a battery has kept the time wrongly", now.Add(time.Minute), timesync.State{Battery: true}, time.Minute, nil},
		{"the moment at which the program was built", built, timesync.State{}, built.Sub(now), nil},
		{"before the program was built", built.Add(-time.Second), timesync.State{}, 0, timesync.ErrEarly},
		{"when nobody uses it any more", built.AddDate(20, 0, 0), timesync.State{}, 0, timesync.ErrLate},
		{"farther than a duration reaches", built.AddDate(900, 0, 0), timesync.State{}, 0, timesync.ErrLate},
		{"a server tells the time", now.Add(time.Hour), timesync.State{Trusted: true}, 0, timesync.ErrServer},
	} {
		if got, err := timesync.ByHand(c.t, now, built, c.s); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %v %v, want %v %v", c.name, got, err, c.want, c.err)
		}
	}
}

func TestLocalTimeAsItIsTyped(t *testing.T) {
	zone := rome(t)
	at := func(hour, minute, second int) time.Time {
		return time.Date(2026, 11, 22, hour, minute, second, 0, time.UTC)
	}
	for _, c := range []struct {
		name, text string
		want       time.Time
		err        error
	}{
		{"a browser's field", "2026-11-22T23:45", at(22, 45, 0), nil},
		{"with seconds", "2026-11-22T23:45:07", at(22, 45, 7), nil},
		{"typed into a plain field", "2026-11-22 23:45", at(22, 45, 0), nil},
		{"an instant", "2026-11-22T23:45:07Z", at(23, 45, 7), nil},
		{"an instant of another zone", "2026-11-22T23:45:07-05:00", at(28, 45, 7), nil},
		{"in summer", "2027-07-01T12:00", time.Date(2027, 7, 1, 10, 0, 0, 0, time.UTC), nil},
		{"the hour that is left out", "2027-03-28T02:30", time.Time{}, timesync.ErrSkipped},
		{"just before it", "2027-03-28T01:59:59", time.Date(2027, 3, 28, 0, 59, 59, 0, time.UTC), nil},
		{"just after it", "2027-03-28T03:00", time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC), nil},
		{"of the hour that comes twice the first", "2027-10-31T02:30", time.Date(2027, 10, 31, 0, 30, 0, 0, time.UTC), nil},
		{"after both", "2027-10-31T03:00", time.Date(2027, 10, 31, 2, 0, 0, 0, time.UTC), nil},
		{"an instant tells which of both", "2027-10-31T02:30:00+01:00", time.Date(2027, 10, 31, 1, 30, 0, 0, time.UTC), nil},
		{"nothing", "", time.Time{}, timesync.ErrNotATime},
		{"a day without a time", "2026-11-22", time.Time{}, timesync.ErrNotATime},
		{"a day that there is not", "2026-02-30T12:00", time.Time{}, timesync.ErrNotATime},
		{"a year that nobody writes", "0001-01-01T00:00", time.Time{}, timesync.ErrNotATime},
	} {
		if got, err := timesync.ParseLocal(c.text, zone); !got.Equal(c.want) || !errors.Is(err, c.err) {
			t.Errorf("%s: %v %v, want %v %v", c.name, got, err, c.want, c.err)
		}
	}
}

// What is read as a local time is shown as the same.
func FuzzParseLocal(f *testing.F) {
	for _, s := range []string{"2026-11-22T23:45", "2027-03-28T02:30", "2027-10-31T02:30", "1970-01-01T00:00:00", "x"} {
		f.Add(s)
	}
	zone := rome(f)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := timesync.ParseLocal(text, zone)
		if wall, e := time.Parse("2006-01-02T15:04", text); e == nil && err == nil && got.In(zone).Format("2006-01-02T15:04") != wall.Format("2006-01-02T15:04") {
			t.Errorf("%q is read as %v", text, got)
		}
	})
}
