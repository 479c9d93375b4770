package boot

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// end is how a process ended.
type end struct {
	pid    int
	code   int // -1: by a signal
	signal string
}

// reap buries every process that ends and tells of it.
func reap(to chan<- end) {
	died := make(chan os.Signal, 1) // one word for any number of deaths
	signal.Notify(died, syscall.SIGCHLD)
	go func() { // ends with the machine
		for range died {
			for {
				var st syscall.WaitStatus
				pid, err := syscall.Wait4(-1, &st, syscall.WNOHANG, nil)
				if err == syscall.EINTR {
					continue
				}
				if err != nil || pid <= 0 {
					break
				}
				e := end{pid: pid, code: st.ExitStatus()}
				if st.Signaled() {
					e.code, e.signal = -1, st.Signal().String()
				}
				to <- e
			}
		}
	}()
}

// start starts the serving program with a pipe for its heartbeat.
func (f *first) start() {
	args := f.o.Serve
	if f.report.Trouble != NoTrouble {
		args = f.o.Rescue
	}
	f.tell()
	pid, beat, err := f.fork(args)
	now := time.Now()
	f.child.pid, f.child.started, f.child.beat, f.child.told = pid, now, time.Time{}, time.Time{}
	if err != nil {
		f.log.Error("start the program", "err", err)
		f.notStarted(now)
		return
	}
	go func() { // ends with the child, which alone holds the other end
		defer beat.Close()
		hear(beat, func() { f.beats <- pid }, func(by time.Duration) {
			select {
			case f.hand <- by:
			default: // the one before is not done yet; who wished it sees no change and says so
			}
		})
	}()
}

// notStarted counts a failure of a program that could not be started: it is tried again,
// or the box restarts.
func (f *first) notStarted(now time.Time) {
	v := f.child.ended(-1, now)
	if v.reboot {
		f.restart(v)
	}
	f.again.Reset(v.after)
}

// startPowerOn starts the program that reads the button while the box is switched on. The
// function that it returns waits for its end and says what it was.
func (f *first) startPowerOn() (asked func() int) {
	if len(f.o.PowerOn) == 0 {
		return func() int { return 0 }
	}
	pid, beat, err := f.fork(f.o.PowerOn)
	if err != nil {
		f.log.Error("read the button", "err", err)
		return func() int { return 0 }
	}
	_ = beat.Close() // it says nothing
	return func() int { return f.await(pid, powerOnTime) }
}

// powerOnTime is how long the button may be held while the box is switched on, with what
// is done then.
const powerOnTime = 5 * time.Minute

func (f *first) fork(args []string) (int, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer w.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		r.Close()
		return 0, nil, err
	}
	defer null.Close()
	console := os.Stderr.Fd()
	env := []string{"HOME=/", "TMPDIR=/tmp", "PATH=/", HeartbeatEnv + "=3", onBoardEnv + "=1"}
	pid, err := syscall.ForkExec(Init, append([]string{Init}, args...), &syscall.ProcAttr{
		Dir: "/", Env: env, Files: []uintptr{null.Fd(), console, console, w.Fd()},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		r.Close()
		return 0, nil, err
	}
	return pid, r, nil
}

// The child has so long for ending its calls in order, of which it takes five seconds at
// most, and so long for going once it is killed. Writing everything to the card may take
// writeTime; the watchdog is fed meanwhile.
const (
	stopTime  = 8 * time.Second
	killTime  = 3 * time.Second
	writeTime = time.Minute
)

// stop ends the program, writes everything to the card and restarts the machine or
// switches it off. It does not return.
func (f *first) stop(how int) {
	f.log.Warn("the box stops", "how", how)
	survive(f.log, "stop", f.endProgram)
	f.whileFed("let the card go", writeTime, f.letGo)
	f.log.Warn("good-bye")
	halt(how)
	select {} // the kernel takes it from here
}

// endProgram ends the program and takes the box's name back.
func (f *first) endProgram() {
	if pid := f.child.pid; pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGTERM)
		if !f.gone(pid, stopTime) {
			f.log.Error("the program does not end in time and is killed")
			_ = syscall.Kill(pid, syscall.SIGKILL)
			f.gone(pid, killTime)
		}
	}
	f.unname()
}

// gone waits until a process has ended, and says false if it takes longer than limit.
func (f *first) gone(pid int, limit time.Duration) bool {
	over := time.NewTimer(limit)
	defer over.Stop()
	for {
		select {
		case e := <-f.ends:
			if e.pid == pid {
				return true
			}
		case <-f.beats:
		case <-f.net:
		case <-f.names:
		case <-f.clock:
		case <-over.C:
			return false
		}
	}
}

// letGo writes down what there is to be written and lets the card go.
func (f *first) letGo() {
	if f.last.sure && f.report.dataKept() {
		f.writeClock(time.Now())
	}
	unix.Sync()
	for _, place := range []string{Data, Selector} {
		if err := unix.Unmount(place, 0); err != nil && err != unix.EINVAL {
			f.log.Error("unmount", "place", place, "err", err)
			_ = unix.Mount("", place, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
		}
	}
}

// whileFed does something slow and feeds the watchdog meanwhile, for limit at most. It
// reports whether that was enough; what has not ended by then is left behind.
func (f *first) whileFed(what string, limit time.Duration, do func()) bool {
	done := make(chan struct{})
	go func() { // a card that hangs keeps it; the machine stops then
		defer close(done)
		survive(f.log, what, do)
	}()
	t, over := time.NewTicker(tick), time.NewTimer(limit)
	defer t.Stop()
	defer over.Stop()
	for {
		f.watchdog.feed()
		select {
		case <-done:
			return true
		case <-t.C:
		case <-over.C:
			f.log.Error("the card takes too long", "what", what)
			return false
		}
	}
}

// halt does what reboot(2) does. The firmware of a Raspberry Pi reads the argument.
func halt(how int) {
	switch how {
	case ExitPowerOff:
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case ExitTry:
		arg := append([]byte("0 tryboot"), 0)
		restart2(arg)
	}
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}

// servers are the time servers that the network and the technician name; without any,
// those of the public pool of the box's country.
type servers struct {
	mu   sync.Mutex
	list []string
}

var publicServers = []string{"0.it.pool.ntp.org", "1.it.pool.ntp.org", "2.it.pool.ntp.org"}

func (s *servers) set(list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(list) == 0 {
		list = publicServers
	}
	s.list = list
}

func (s *servers) get() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list
}

// Heartbeat returns how the serving program tells the first process that it is well, and
// false when it has no first process of ours above it.
func Heartbeat() (func(), bool) {
	fd, err := strconv.Atoi(os.Getenv(HeartbeatEnv))
	if err != nil {
		return nil, false
	}
	if unix.SetNonblock(fd, true) != nil {
		return nil, false
	}
	return func() { _, _ = unix.Write(fd, []byte{wordWell}) }, true
}

// MoveClock asks the first process to move the clock by a person's wish. Whether it does
// shows in the report, as Clock.Hand.
func MoveClock(by time.Duration) error {
	fd, err := strconv.Atoi(os.Getenv(HeartbeatEnv))
	if err != nil {
		return fmt.Errorf("no first process: %w", err)
	}
	if _, err := unix.Write(fd, moveWord(by)); err != nil { // at once or not at all (PIPE_BUF)
		return fmt.Errorf("ask the first process to move the clock: %w", err)
	}
	return nil
}

// OnBoard reports a serving program that the first process started.
func OnBoard() bool { return os.Getenv(onBoardEnv) != "" }
