package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/health"
)

// A wall clock that is set, while the box runs or while it is off, costs no phone: phones
// that registered once can be called for as long as they were granted.
func TestAClockThatIsSetLosesNoPhone(t *testing.T) {
	t.Parallel()
	o := options{data: t.TempDir()}
	var clock simClock
	o.seams.now = clock.now
	synctest.Test(t, func(t *testing.T) {
		set := func(offset time.Duration) { clock.offset.Store(int64(offset)) }
		reached := func(w *bubbleBox, when string) {
			t.Helper()
			time.Sleep(2 * time.Minute)
			if n := len(w.registrar.Online()); n != len(w.phones) {
				t.Errorf("%s: %d of %d phones can be reached", when, n, len(w.phones))
			}
			if slices.Contains(w.faulty(), string(health.NoPhones)) {
				t.Errorf("%s: %v", when, w.faulty())
			}
			w.talk(w.phones[0], "202")
		}
		const days = 24 * time.Hour
		set(-300 * days) // a box without a battery, before it hears what time it is
		runBubble(t, o, diskFine, func(w *bubbleBox) {
			for _, p := range w.phones {
				w.register(p)
			}
			reached(w, "with a wrong clock")
			set(0)
			reached(w, "the clock is set right")
			set(-300 * days)
			reached(w, "the clock is set back")
			set(0)
		})
		runBubble(t, o, diskFine, func(w *bubbleBox) { reached(w, "after a restart with the right clock") })
		set(2 * time.Hour)
		runBubble(t, o, diskFine, func(w *bubbleBox) {
			reached(w, "after a restart with a clock that is two hours ahead")
			set(0)
			reached(w, "which is set back")
		})
		set(-5 * days)
		runBubble(t, o, diskFine, func(w *bubbleBox) { reached(w, "after a restart with a clock that is behind") })
	})
}
