package timesync

import (
	"errors"
	"time"
)

// Why a time that a person tells is not taken.
var (
	ErrServer   = errors.New("a time server tells the time")
	ErrEarly    = errors.New("the time is before the program was built")
	ErrLate     = errors.New("the time is further ahead than the program is in use")
	ErrNotATime = errors.New("no day and time")
	ErrSkipped  = errors.New("the clocks are set forward over that time")
)

// ByHand says by how much the clock is moved when a person says that it is t. A server's
// word counts for more, and no time is taken that the program cannot live in.
func ByHand(t, now, built time.Time, s State) (time.Duration, error) {
	switch {
	case s.Trusted:
		return 0, ErrServer
	case t.Before(built):
		return 0, ErrEarly
	case !Possible(t, built):
		return 0, ErrLate
	}
	return t.Round(0).Sub(now.Round(0)), nil
}

// ParseLocal reads a day and time of a zone as browsers write it, with seconds or without,
// or an instant of RFC 3339. A local time over which the clocks are set forward is
// ErrSkipped; of one that comes twice the first counts.
func ParseLocal(text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, form := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		wall, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		if wall.Year() < 1970 || wall.Year() > 9000 {
			return time.Time{}, ErrNotATime
		}
		return local(wall, zone)
	}
	return time.Time{}, ErrNotATime
}

// local is the first instant at which clocks of the zone show what wall shows in UTC.
func local(wall time.Time, zone *time.Location) (time.Time, error) {
	// The offsets before and after: no zone changes its clocks twice within two days.
	for _, near := range []time.Time{wall.Add(-24 * time.Hour), wall.Add(24 * time.Hour)} {
		_, offset := near.In(zone).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, there := at.Zone(); there == offset {
			return at, nil
		}
	}
	return time.Time{}, ErrSkipped
}
