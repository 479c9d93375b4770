package boot

import "time"

// The first process judges the serving program by these times.
const (
	startTime = 10 * time.Minute // until its first word; a large database may have to be looked through
	silent    = time.Minute      // a program that says nothing for so long hangs
	dumpTime  = 20 * time.Second // for saying on a slow console where it hangs
	settled   = time.Minute      // one that was well for so long failed anew, not again
	calm      = 10 * time.Minute // after so long its failures are nobody's worry any more
	firstWait = 250 * time.Millisecond
	longWait  = 30 * time.Second
	trialTime = 5 * time.Minute  // until the first word of a version on trial
	trialOver = 15 * time.Minute // a version that is not committed by then is not kept
	// withoutData are failures in a row, because of the data, after which the rescue page
	// is served: a restart of the box would not mend them.
	withoutData = 4
	hopeless    = 12 // failures in a row after which the whole box restarts: about four minutes
)

// child is what is known of the serving program.
type child struct {
	pid      int // 0: it does not run
	started  time.Time
	beat     time.Time // its last word; zero: none yet
	told     time.Time // when it was last told to end because it hangs; zero: it was not
	kills    int       // how often it was killed since then
	failures int       // in a row
	restarts int       // not asked for, since it last ran calm
	noData   int       // failures in a row because of the data
	trial    bool      // of a version that is not committed: it has one attempt
}

// verdict says what happens next.
type verdict struct {
	after    time.Duration // until the program is started again
	reboot   bool          // the box restarts or switches off instead
	how      int           // ExitReboot, ExitTry or ExitPowerOff
	hopeless bool          // because the program keeps failing
	rescue   bool          // the rescue page is served from now on: the program cannot use its data
}

// ended takes note that the program ended by itself and says what to do about it.
func (c *child) ended(code int, now time.Time) verdict {
	var ran time.Duration // while it was well; a start that hangs does not count
	if !c.beat.IsZero() {
		ran = c.beat.Sub(c.started)
	}
	c.pid, c.beat, c.told, c.kills = 0, time.Time{}, time.Time{}, 0
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
	if c.noData++; code != ExitData {
		c.noData = 0
	}
	if c.noData >= withoutData {
		return verdict{after: firstWait, rescue: true}
	}
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

// remedy is what is done against a program that hangs.
type remedy string

const (
	noRemedy remedy = ""
	abort    remedy = "abort" // it says where it hangs and ends
	kill     remedy = "kill"
	restart  remedy = "restart" // of the box: it can't be killed
)

// maxKills are two minutes in which the kernel may let a program go that waits for a card.
const maxKills = 6

// hangs says what to do about a program that runs and does not say that it is well:
// first it is asked, then it is killed. What the kernel does not let go, as where the card
// hangs, only a restart of the box ends.
func (c *child) hangs(now time.Time) remedy {
	switch {
	case c.pid == 0:
		return noRemedy
	case c.beat.IsZero() && now.Sub(c.started) < c.patience(), !c.beat.IsZero() && now.Sub(c.beat) < silent:
		return noRemedy
	case c.told.IsZero():
		c.told = now
		return abort
	case now.Sub(c.told) < dumpTime:
	case c.kills < maxKills:
		c.told = now
		c.kills++
		return kill
	default:
		return restart
	}
	return noRemedy
}

// patience is how long the program may take until its first word.
func (c *child) patience() time.Duration {
	if c.trial {
		return trialTime
	}
	return startTime
}
