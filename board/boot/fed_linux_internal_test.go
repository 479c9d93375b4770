package boot

import (
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/network"

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

// A panic while the data partition is opened must not let the program begin anew, as
// nobody's box: the rescue page is served.
func TestPanicWhileTheDataPartitionIsOpened(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(f *first)
		want  Trouble
		kept  bool
		opens bool
	}{
		{"it opens", func(*first) {}, NoTrouble, true, true},
		{"it does not open", func(f *first) { f.report.Trouble = Damaged }, Damaged, true, true},
		{"a panic", func(*first) { panic("a superblock that nobody expected") }, NoData, false, true},
		{"it hangs", func(*first) { time.Sleep(2 * time.Hour) }, NoTrouble, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &first{log: slog.New(slog.DiscardHandler)}
				if ok := f.opens(func() { c.do(f) }); ok != c.opens || f.report.Trouble != c.want || f.report.dataKept() != c.kept {
					t.Errorf("opens %v, trouble %q, kept %v", ok, f.report.Trouble, f.report.dataKept())
				}
				time.Sleep(2 * time.Hour) // what was left behind ends, too
			})
		})
	}
}

// A card that fails may take longer to tell of a trial than the watchdog waits.
func TestWatchdogIsFedUntilATrialIsKnown(t *testing.T) {
	for _, c := range []struct {
		name  string
		trial func() bool
		want  bool
		fed   int
	}{
		{"there is none", nil, false, 0},
		{"the card is slow", func() bool { time.Sleep(40 * time.Second); return true }, true, 20},
		{"the card hangs", func() bool { time.Sleep(time.Hour); return true }, false, 30},
		{"a panic", func() bool { panic("a slot that nobody expected") }, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				defer w.Close()
				log := slog.New(slog.DiscardHandler)
				f := &first{o: Options{Trial: c.trial}, log: log, watchdog: &watchdog{dev: w, log: log}}
				if got := f.tried(); got != c.want {
					t.Errorf("on trial: %v", got)
				}
				if fed, err := unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ); err != nil || fed < c.fed {
					t.Errorf("the watchdog was fed %d times, %v, want %d at least", fed, err, c.fed)
				}
				time.Sleep(time.Hour) // what was left behind ends, too
			})
		})
	}
}

// A panic of the first process may come between the program's end and what follows it: the
// end is found out, and a program that is not started again counts as one that fails, so
// that the box restarts in the end instead of being left without one.
func TestPanicKeepsNoBoxWithoutItsProgram(t *testing.T) {
	const nobody = 1 << 30 // more than a pid can be
	f := &first{log: slog.New(slog.DiscardHandler), ends: make(chan end, 8), again: time.NewTimer(time.Hour)}
	f.child = child{pid: nobody, started: time.Now().Add(-time.Hour)}
	f.look()
	select {
	case e := <-f.ends:
		if e.pid != nobody || e.code != -1 {
			t.Errorf("ended is %+v", e)
		}
	default:
		t.Error("its end is not found out")
	}
	f.child, f.net = child{}, make(chan network.State, 1)
	for range 3 {
		f.net <- network.State{} // there is nobody to give it a name
		survive(f.log, "first process", f.loop)
	}
	if f.child.failures != 3 || !f.again.Stop() {
		t.Errorf("%d failures, or it is not tried again", f.child.failures)
	}
}
