package boot

import (
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// A card may be slow, hang, or hold what nobody expected: the watchdog is fed as long as
// there is hope, and the first process goes on.
func TestWatchdogIsFedWhileTheCardIsSlow(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func()
		done bool
		took time.Duration
		told string
	}{
		{"a repair that takes its time", func() { time.Sleep(40 * time.Second) }, true, 40 * time.Second, ""},
		{"a card that hangs", func() { time.Sleep(time.Hour) }, false, time.Minute, "takes too long what=repair"},
		{"a panic", func() { panic("a record that nobody expected") }, true, 0, "what=repair panic="},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				defer w.Close()
				var said strings.Builder
				log := slog.New(&kernelLog{mu: &sync.Mutex{}, w: &said})
				f := &first{log: log, watchdog: &watchdog{dev: w, log: log}}
				began := time.Now()
				if done, took := f.whileFed("repair", time.Minute, c.do), time.Since(began); done != c.done || took != c.took {
					t.Errorf("done %v after %v, want %v after %v", done, took, c.done, c.took)
				}
				if !strings.Contains(said.String(), c.told) {
					t.Errorf("told: %s", said.String())
				}
				fed, err := unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ)
				if least := max(1, int(c.took/tick)); err != nil || fed < least {
					t.Errorf("the watchdog was fed %d times, %v, want %d at least", fed, err, least)
				}
				time.Sleep(time.Hour) // what was left behind ends, too
			})
		})
	}
}
