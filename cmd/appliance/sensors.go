package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"centralino/board"
	"centralino/board/health"
)

// sensors look at the computer itself, at what the kernel shows under root ("/sys"),
// and raise and clear the faults that they see.
type sensors struct {
	root   string // empty: there is nothing to see, as on a simulated board
	board  board.Board
	faults *health.Monitor
	hasNet func() bool // an address other than loopback
	// trusted says whether the clock is known to be right, as far as somebody looks.
	trusted func() bool
	tick    func() // called at each look, for what changes with the hour
	now     func() time.Time
}

// sensorsEvery is how often they look: faults need seconds anyway before they count.
const sensorsEvery = 5 * time.Second

// Run looks until ctx ends.
func (s *sensors) Run(ctx context.Context) error {
	every := sensorsEvery
	if s.root == "" {
		every = time.Minute // the hours alone
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		s.look()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

func (s *sensors) look() {
	s.tick()
	if s.root == "" {
		return
	}
	s.set(health.TemperatureHigh, s.hot())
	s.set(health.Undervoltage, s.sagging())
	s.set(health.NetworkCable, s.unplugged())
	s.set(health.NetworkAddress, !s.hasNet())
	s.set(health.ClockUntrusted, !s.trusted() || s.now().Before(builtAt()))
}

// written is when this program's source was written, or a little before: no clock that
// goes right shows an earlier time.
var written = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// builtAt is the time of the last change in the program, as far as it was built into it.
var builtAt = sync.OnceValue(func() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return written
	}
	for _, s := range info.Settings {
		if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil && at.After(written) {
			return at
		}
	}
	return written
})

// sensors are those of the computer that the box is.
func (b *box) sensors() *sensors {
	s := &sensors{root: "/sys", board: b.front.board, faults: b.front.faults, tick: b.front.show, now: b.now, trusted: b.clockTrusted.Load, hasNet: func() bool {
		a := addresses()
		return len(a) > 0 && !a[0].IsLoopback()
	}}
	if b.opt.sim {
		s.root = ""
	}
	return s
}

func (s *sensors) set(k health.Kind, seen bool) {
	if seen {
		s.faults.Raise(k, "")
	} else {
		s.faults.Clear(k, "")
	}
}

// hot reads the board's thermal zone, in thousandths of a degree Celsius. A board
// without one is never hot.
func (s *sensors) hot() bool {
	z := s.board.Thermal
	if z.Zone == "" {
		return false
	}
	m, ok := s.number("class/thermal", z.Zone, "temp")
	return ok && m >= z.Warn*1000
}

// sagging reads the alarm of the Raspberry Pi's firmware (hwmon driver rpi_volt).
func (s *sensors) sagging() bool {
	names, _ := filepath.Glob(filepath.Join(s.root, "class/hwmon/*/name"))
	for _, name := range names {
		if b, err := os.ReadFile(name); err != nil || strings.TrimSpace(string(b)) != "rpi_volt" {
			continue
		}
		if n, ok := s.number("class/hwmon", filepath.Base(filepath.Dir(name)), "in0_lcrit_alarm"); ok && n != 0 {
			return true
		}
	}
	return false
}

// unplugged says that there are sockets for network cables and no cable is in any.
// Interfaces that are no device (bridges, containers' ends) or are radio do not count.
func (s *sensors) unplugged() bool {
	ifs, _ := filepath.Glob(filepath.Join(s.root, "class/net/*/device"))
	sockets := 0
	for _, dev := range ifs {
		dir := filepath.Dir(dev)
		if _, err := os.Stat(filepath.Join(dir, "wireless")); err == nil {
			return false // the box may be on the radio network
		}
		n, ok := s.number("class/net", filepath.Base(dir), "carrier")
		if ok && n == 1 {
			return false
		}
		sockets++
	}
	return sockets > 0
}

func (s *sensors) number(path ...string) (int, bool) {
	b, err := os.ReadFile(filepath.Join(append([]string{s.root}, path...)...))
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	return n, err == nil
}

// freshAfter is how soon after the computer was switched on the program must have
// started for the button to know a factory reset.
const freshAfter = 2 * time.Minute

// switchedOn says whether the computer was switched on just now, by the kernel's
// uptime file.
func switchedOn(uptime string) bool {
	b, err := os.ReadFile(uptime)
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(string(b), " ")
	s, err := strconv.ParseFloat(first, 64)
	return err == nil && s < freshAfter.Seconds()
}
