package timesync

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Move moves the kernel's clock by an offset and tells the kernel that it is right, so
// that it sets a battery clock that there is, too (adjtimex(2)).
func Move(offset time.Duration) error {
	if abs(offset) >= step {
		if err := SetClock(time.Now().Add(offset)); err != nil {
			return err
		}
	} else {
		// Below a second, in the integer of the machine's own width.
		slow := unix.Timex{Modes: unix.ADJ_OFFSET_SINGLESHOT, Offset: unix.NsecToTimeval(abs(offset).Nanoseconds()).Usec}
		if offset < 0 {
			slow.Offset = -slow.Offset
		}
		if _, err := unix.Adjtimex(&slow); err != nil {
			return fmt.Errorf("correct the clock by %v: %w", offset, err)
		}
	}
	right := unix.Timex{Modes: unix.ADJ_STATUS | unix.ADJ_MAXERROR | unix.ADJ_ESTERROR}
	if _, err := unix.Adjtimex(&right); err != nil {
		return fmt.Errorf("tell the kernel that the clock is right: %w", err)
	}
	return nil
}

// SetClock sets the kernel's clock.
func SetClock(t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return fmt.Errorf("set the clock to %v: %w", t.UTC(), err)
	}
	return nil
}
