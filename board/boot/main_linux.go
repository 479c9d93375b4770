package boot

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"centralino/board/network"
	"centralino/board/timesync"

	"golang.org/x/sys/unix"
)

// first is the first process. Main's goroutine alone touches it.
type first struct {
	o        Options
	log      *slog.Logger
	report   Report
	settings Settings
	child    child
	watchdog *watchdog
	again    *time.Timer // runs while the child waits for its next start
	last     lastTime    // on the data partition
	writing  atomic.Bool // it is being written
	servers  *servers    // of time, for the clock's goroutine
	namer    *network.Announcer
	unname   func()    // takes the box's name back and waits for it, shortly
	measured time.Time // when the memory was last looked at
	free     int       // MiB of it that were told last
	begun    time.Time // when the first process began

	ends    chan end // capacity 8: more children than that never end at once
	beats   chan int // pid of a child that is well; unbuffered
	signals chan os.Signal
	power   chan struct{} // the power button; unbuffered
	net     chan network.State
	names   chan string
	clock   chan timesync.State
	hand    chan time.Duration // a person's wish for the clock; capacity 1: a second one waits for the first
}

// tick is how often the first process looks after everything.
const tick = 2 * time.Second

// restTime is after how long the memory of a box at rest is told, for the log. It is
// looked at each memoryEvery and told again when it changed by memoryStep MiB.
const (
	restTime    = 20 * time.Second
	memoryEvery = time.Minute
	memoryStep  = 8
)

// Main brings the box up and keeps it up. It never returns: at the end the machine
// restarts or is switched off.
func Main(o Options) {
	f := &first{o: o, ends: make(chan end, 8), beats: make(chan int), signals: make(chan os.Signal, 8), // more signals say nothing new
		begun: time.Now(), power: make(chan struct{}), net: make(chan network.State), names: make(chan string), clock: make(chan timesync.State), hand: make(chan time.Duration, 1), servers: &servers{}}
	f.mountSystem()
	f.log = slog.New(newKernelLog())
	f.log.Info("first process", "built", o.Built.UTC().Format(time.RFC3339))
	f.prepare()
	ctx := context.Background() // what runs beside lasts until the machine stops
	asked := f.startPowerOn()   // beside the modules: starting a program takes as long as they do
	modules := f.loadModules()
	f.beside("modules", func() { modules.follow(ctx) })
	if _, err := os.Stat(watchdogDevice); err == nil { // from here on the box is not left hanging
		f.watchdog = openWatchdog(f.o.Watch, f.log)
	}
	if !f.opens(func() { f.openData(asked) }) {
		halt(ExitReboot)
		select {}
	}
	own := f.report.Disk
	f.beside("sticks", func() { followSticks(ctx, own, f.log) })
	f.setClock()
	if f.watchdog == nil {
		f.watchdog = openWatchdog(f.o.Watch, f.log) // its driver may have needed its time
	}
	f.startNetwork(ctx)
	f.beside("power button", func() { readPower(ctx, f.power) })
	if f.child.trial = f.tried(); f.child.trial {
		f.log.Warn("this version is on trial")
	}
	for {
		survive(f.log, "first process", f.loop)
		time.Sleep(panicWait)
	}
}

// openTime is how long the data partition may take to be found, repaired and opened: the
// repair of a large card that is worn takes long. A card that hangs costs a restart.
const openTime = time.Hour

// tried asks whether this version is on trial. A card that fails may take long to tell; one
// that does not tell at all keeps no box from starting.
func (f *first) tried() bool {
	told := make(chan bool, 1) // the one answer
	if f.o.Trial == nil || !f.whileFed("look for a trial", writeTime, func() { told <- f.o.Trial() }) {
		return false
	}
	select {
	case trial := <-told:
		return trial
	default: // a panic
		return false
	}
}

// opens opens the data partition by do, and says false if that hangs. After a panic in it
// nobody knows what is in use: the rescue page is served, because the program might begin
// anew there, as nobody's box.
func (f *first) opens(do func()) bool {
	opened := false
	if !f.whileFed("open the data partition", openTime, func() { do(); opened = true }) {
		return false
	}
	if !opened {
		f.log.Error("the data partition was not opened: the box serves its rescue page")
		f.report.Trouble = NoData
		f.report.Problems = append(f.report.Problems, dataProblem(errNotOpened))
	}
	return true
}

var errNotOpened = errors.New("opening it was stopped by a panic")

// prepare sets what the kernel leaves to the first process.
func (f *first) prepare() {
	signal.Notify(f.signals, syscall.SIGTERM, syscall.SIGINT, unix.SIGPWR)
	reap(f.ends)
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) // Ctrl-Alt-Del is a wish, sent as SIGINT
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 65536, Max: 65536}); err != nil {
		f.log.Warn("limit of open files", "err", err)
	}
	if err := (network.System{}).Up("lo"); err != nil {
		f.log.Error("switch loopback on", "err", err)
	}
	f.settings = Settings{Name: DefaultName}
	f.log.Info("the system is in memory", "read-only", readOnly("/"))
}

// startNetwork begins to look for an address and for the time.
func (f *first) startNetwork(ctx context.Context) {
	if err := unix.Sethostname([]byte(f.settings.Name)); err != nil {
		f.log.Error("set the name", "name", f.settings.Name, "err", err)
	}
	f.servers.set(f.settings.Net.NTP)
	f.startName(ctx)
	f.beside("network", func() {
		_ = network.Run(ctx, network.Options{Kernel: network.System{}, Settings: f.settings.Net, Host: f.settings.Name,
			Now: time.Now, Log: f.log, Changed: func(s network.State) { f.net <- s }})
	})
	var d net.Dialer
	f.beside("clock", func() {
		_ = timesync.Run(ctx, timesync.Options{Servers: f.servers.get, Now: time.Now, Built: f.o.Built, Set: timesync.Move, Hand: f.hand, Log: f.log,
			Dial:    func(ctx context.Context, address string) (net.Conn, error) { return d.DialContext(ctx, "udp", address) },
			Changed: func(s timesync.State) { f.clock <- s }})
	})
}

// panicWait is after how long something starts again whose goroutine panicked.
const panicWait = 5 * time.Second

// beside runs something in a goroutine that lasts until the machine stops. A panic in it
// would be the kernel's: it is told, and what panicked begins anew.
func (f *first) beside(name string, run func()) {
	go func() {
		for {
			survive(f.log, name, run)
			time.Sleep(panicWait)
		}
	}()
}

// nameWait is how long the box takes leave of its neighbours.
const nameWait = 500 * time.Millisecond

// startName gives the box its name.local.
func (f *first) startName(ctx context.Context) {
	ctx, end := context.WithCancel(ctx)
	ended := make(chan struct{}, 1) // one word that it has taken leave
	f.namer = network.NewAnnouncer(network.NameOptions{Name: f.settings.Name, Port: 80, Open: network.JoinNames, Now: time.Now, Log: f.log,
		Changed: func(name string) {
			select {
			case f.names <- name:
			case <-ctx.Done():
			}
		}})
	f.beside("name", func() {
		_ = f.namer.Run(ctx)
		select {
		case ended <- struct{}{}:
		default:
		}
	})
	f.unname = func() {
		end()
		limit := time.NewTimer(nameWait)
		defer limit.Stop()
		select {
		case <-ended:
		case <-limit.C:
		}
	}
}

// loop starts the program and looks after it until the machine stops. It may be called
// again after a panic of its own.
func (f *first) loop() {
	t := time.NewTicker(tick)
	defer t.Stop()
	switch {
	case f.again == nil:
		f.again = time.NewTimer(0)
	case f.child.pid == 0: // a panic came between
		f.notStarted(time.Now())
	}
	for {
		select {
		case <-f.again.C:
			f.start()
		case e := <-f.ends:
			f.ended(e)
		case pid := <-f.beats:
			if pid == f.child.pid {
				f.child.beat = time.Now()
			}
		case s := <-f.net:
			f.report.Network = s
			f.namer.Set(s)
			f.servers.set(s.NTP)
			f.writeResolv(s)
			f.tell()
		case name := <-f.names:
			f.report.Name = name
			f.tell()
		case s := <-f.clock:
			f.report.Clock, f.last.sure = s, true
			f.keepClock()
			f.tell()
		case s := <-f.signals:
			f.log.Warn("signal", "signal", s.String())
			if s == syscall.SIGINT {
				f.stop(ExitReboot)
			} else {
				f.stop(ExitPowerOff)
			}
		case <-f.power:
			f.log.Warn("power button")
			f.stop(ExitPowerOff)
		case <-t.C:
			f.look()
		}
	}
}

// look feeds the watchdog and ends a program that hangs: with its dump on the console
// it starts anew.
func (f *first) look() {
	f.watchdog.feed()
	now := time.Now()
	f.lookAtTrial(now)
	switch f.child.hangs(now) {
	case abort:
		f.log.Error("the program does not answer; it is ended and started again", "pid", f.child.pid)
		f.signal(syscall.SIGABRT)
	case kill:
		f.signal(syscall.SIGKILL)
	case restart:
		f.log.Error("the program cannot be killed: the box restarts", "pid", f.child.pid)
		f.stop(ExitReboot)
	}
	if f.child.calms(now) {
		f.report.Restarts = 0
		f.tell()
	}
	if f.child.pid != 0 && now.Sub(f.child.started) >= restTime && now.Sub(f.measured) >= memoryEvery {
		f.measured = now
		if total, free := memory(); free-f.free >= memoryStep || f.free-free >= memoryStep {
			f.free = free
			f.log.Info("memory", "total", total, "available", free)
		}
	}
	if f.last.due(now) {
		f.keepClock()
	}
}

// signal sends the program a signal. One that is gone has ended, although a panic of ours
// has kept its end from being handled.
func (f *first) signal(s syscall.Signal) {
	if syscall.Kill(f.child.pid, s) != syscall.ESRCH {
		return
	}
	select {
	case f.ends <- end{pid: f.child.pid, code: -1, signal: "unknown"}:
	default: // full: said again at the next look
	}
}

// lookAtTrial ends a trial: once the version was committed, or when that takes too long.
func (f *first) lookAtTrial(now time.Time) {
	if !f.child.trial {
		return
	}
	f.child.trial = f.o.Trial()
	switch {
	case !f.child.trial:
		f.log.Info("this version is committed")
	case now.Sub(f.begun) >= trialOver:
		f.log.Error("this version is not committed in time")
		f.stop(ExitReboot)
	}
}

// restart restarts the box or switches it off.
func (f *first) restart(v verdict) {
	if v.hopeless && f.o.Hopeless != nil {
		survive(f.log, "find another version", func() { v.how = f.o.Hopeless() })
	}
	f.stop(v.how)
}

func (f *first) ended(e end) {
	if e.pid != f.child.pid || e.pid == 0 {
		return // a stranger's child that was left to us
	}
	f.lookAtTrial(time.Now()) // it may have been committed since
	v := f.child.ended(e.code, time.Now())
	if v.reboot {
		f.log.Warn("the program ended: the box restarts", "code", e.code, "signal", e.signal, "failures", f.child.failures, "on trial", f.child.trial)
		f.restart(v)
	}
	if v.rescue && f.report.Trouble == NoTrouble && len(f.o.Rescue) > 0 {
		f.log.Error("the program cannot use its data: the box serves its rescue page")
		f.report.Trouble = NoData
		f.report.Problems = append(f.report.Problems, Problem{Kind: ProblemData})
	}
	f.report.Restarts = f.child.restarts
	f.log.Error("the program ended", "code", e.code, "signal", e.signal, "again in", v.after)
	f.tell()
	f.again.Reset(v.after)
}

// setClock lets the clock begin at the latest time that has surely passed.
func (f *first) setClock() {
	var kept time.Time
	if b, err := os.ReadFile(filepath.Join(Data, ClockFile)); err == nil && len(b) < 64 {
		kept, _ = time.Parse(time.RFC3339, string(b))
	}
	if t := f.last.begin(time.Now(), f.o.Built, kept); !t.IsZero() {
		if err := timesync.SetClock(t); err != nil {
			f.last.sure = false
			f.log.Error("the clock", "err", err)
		}
	}
	f.report.Clock.Battery = f.last.battery
	f.log.Info("clock at start", "battery", f.last.battery, "now", time.Now().UTC().Format(time.RFC3339), "kept", !kept.IsZero())
}

// keepClock has the time written down, by a goroutine of its own: a card that hangs must
// not keep the first process.
func (f *first) keepClock() {
	f.last.kept = time.Now()
	if f.report.dataKept() && f.writing.CompareAndSwap(false, true) {
		go func() {
			defer f.writing.Store(false)
			f.writeClock(time.Now())
		}()
	}
}

// writeClock writes the time down. A power cut leaves the old time or the new one.
func (f *first) writeClock(t time.Time) {
	if err := replaceFile(filepath.Join(Data, ClockFile), []byte(t.UTC().Format(time.RFC3339))); err != nil {
		f.log.Warn("keep the time", "err", err)
	}
}
