package boot

import (
	"time"

	"centralino/board/timesync"
)

// keepEvery is how often the time is written down, for a start without a network.
const keepEvery = time.Hour

// lastTime decides which time is written down for the next start, and when.
//
// A clock that begins at the latest time that has surely passed is never ahead: what it
// shows later has passed, too, also while no server tells the time. So in an office without
// one no day comes twice. A battery is believed that goes on from a time that was written
// down: it was set when that was known, for the kernel sets it with the clock and begins by
// it. Of one that nobody ever set, all that it shows may be wrong.
type lastTime struct {
	sure    bool // what the clock shows has passed
	battery bool // by a battery that is believed
	kept    time.Time
}

// begin returns the time that the clock has to be set to, zero if it shows that or more.
func (l *lastTime) begin(now, built, kept time.Time) (set time.Time) {
	l.kept = now
	if t := timesync.Floor(now, built, kept); t.After(now) {
		l.sure, set = true, t
	} else if !kept.IsZero() && timesync.Possible(now, built) && !now.Before(kept) {
		l.sure, l.battery = true, true
	}
	return set
}

// due reports that the time should be written down.
func (l *lastTime) due(now time.Time) bool { return l.sure && now.Sub(l.kept) >= keepEvery }
