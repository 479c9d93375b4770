package boot

import (
	"testing"
	"time"
)

func TestTimeThatIsKeptForTheNextStart(t *testing.T) {
	built := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name      string
		now, kept time.Time
		set       time.Time
		due       bool // an hour later, without a word of a server
		battery   bool
	}{
		{"a board without a clock, for the first time", time.Unix(0, 0), time.Time{}, built, true, false},
		{"a board without a clock, again", time.Unix(0, 0), built.AddDate(0, 3, 0), built.AddDate(0, 3, 0), true, false},
		{"a battery has kept the time", built.AddDate(0, 5, 0), built.AddDate(0, 3, 0), time.Time{}, true, true},
		{"a battery that nobody has set shows something", built.AddDate(0, 5, 0), time.Time{}, time.Time{}, false, false},
		{"a battery has kept a time in which nobody uses the program", built.AddDate(25, 0, 0), built.AddDate(0, 3, 0), time.Time{}, false, false},
		{"a battery goes after what cannot have been", built.AddDate(0, 5, 0), built.AddDate(900, 0, 0), time.Time{}, false, false},
		{"a battery has kept a time that cannot be", built.AddDate(0, 2, 0), built.AddDate(0, 3, 0), built.AddDate(0, 3, 0), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l lastTime
			set := l.begin(c.now, built, c.kept)
			if !set.Equal(c.set) {
				t.Errorf("the clock is set to %v, not %v", set, c.set)
			}
			if early, late := l.due(c.now.Add(keepEvery-time.Second)), l.due(c.now.Add(keepEvery)); early || late != c.due {
				t.Errorf("to be written down before an hour: %v, after it: %v", early, late)
			}
			if l.battery != c.battery {
				t.Errorf("a battery is believed: %v", l.battery)
			}
			l.sure = true // a server tells the time
			if !l.due(c.now.Add(keepEvery)) {
				t.Error("a server's time is not written down")
			}
		})
	}
}
