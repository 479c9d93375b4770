package boot

import "time"

// The first process judges the serving program by these times.
const (
	startTime = 10 * time.Minute // until its first word; a large database may have to be looked through
	silent    = time.Minute      // a program that says nothing for so long hangs
	settled   = time.Minute      // one that ran so long failed anew, not again
	calm      = 10 * time.Minute // after so long its failures are nobody's worry any more
	firstWait = 250 * time.Millisecond
	longWait  = 30 * time.Second
	trialTime = 5 * time.Minute  // until the first word of a version on trial
	trialOver = 15 * time.Minute // a version that is not committed by then is not kept
	hopeless  = 12               // failures in a row after which the whole box restarts: about four minutes
)

// child is what is known of the serving program.
type child struct {
	pid      int // 0: it does not run
	started  time.Time
	beat     time.Time // its last word; zero: none yet
	failures int       // in a row
	restarts int       // not asked for, since it last ran calm
	trial    bool      // of a version that is not committed: it has one attempt
}

// verdict says what happens next.
type verdict struct {
	after    time.Duration // until the program is started again
	reboot   bool          // the box restarts or switches off instead
	how      int           // ExitReboot, ExitTry or ExitPowerOff
	hopeless bool          // because the program keeps failing
}

// ended takes note that the program ended by itself and says what to do about it.
func (c *child) ended(code int, now time.Time) verdict {
	ran := now.Sub(c.started)
	c.pid, c.beat = 0, time.Time{}
	switch code {
	case ExitReboot, ExitTry, ExitPowerOff:
		return verdict{reboot: true, how: code}
	}
	if c.trial {
		return verdict{reboot: true, how: ExitReboot}
	}
	if ran >= settled {
		c.failures = 0
	}
	if ran >= calm {
		c.restarts = 0
	}
	c.failures++
	c.restarts++
	if c.failures >= hopeless {
		return verdict{reboot: true, how: ExitReboot, hopeless: true}
	}
	wait := longWait
	if c.failures < 8 {
		wait = min(longWait, firstWait<<(c.failures-1))
	}
	return verdict{after: wait}
}

// calms forgets the failures of a program that has run well for long, and reports whether
// there were any.
func (c *child) calms(now time.Time) bool {
	if c.pid == 0 || c.restarts == 0 || now.Sub(c.started) < calm {
		return false
	}
	c.restarts = 0
	return true
}

// hangs reports a program that runs and does not say that it is well.
func (c *child) hangs(now time.Time) bool {
	switch {
	case c.pid == 0:
		return false
	case c.beat.IsZero() && c.trial:
		return now.Sub(c.started) >= trialTime
	case c.beat.IsZero():
		return now.Sub(c.started) >= startTime
	}
	return now.Sub(c.beat) >= silent
}
