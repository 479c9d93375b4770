package testbed

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The machine below the tests: how much of the time its host took away and how many
// programs wanted to run, sampled while phones talk. What is real time is judged
// with it in view.
const (
	machineTick = 250 * time.Millisecond
	machineKept = 15 * time.Minute

	// A machine is disturbed when the host took more than stealMean of the whole
	// time or more than stealSecond of any second, or when more than loadPerCore
	// programs a core wanted to run.
	stealMean   = 0.02
	stealMost   = 0.10 // beyond it sound in real time cannot be had: the machine is starved
	stealSecond = 0.15
	loadPerCore = 4.0
)

// reading is one look at /proc/stat and /proc/loadavg.
type reading struct {
	at           time.Time
	steal, total float64 // ticks since the start of the machine
	load         float64 // mean of the last minute
}

// machineLog holds the readings of the last machineKept.
type machineLog struct {
	mu       sync.Mutex
	readings []reading
}

var (
	machine      machineLog
	machineWatch sync.Once
)

// watchMachine begins to sample. Its goroutine lives as long as the test's process.
func watchMachine() {
	machineWatch.Do(func() {
		go func() {
			for tick := time.NewTicker(machineTick); ; <-tick.C {
				if r, ok := readMachine(); ok {
					machine.add(r)
				}
			}
		}()
	})
}

func (l *machineLog) add(r reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readings = append(l.readings, r)
	if len(l.readings) > int(machineKept/machineTick) {
		l.readings = append(l.readings[:0], l.readings[len(l.readings)/4:]...)
	}
}

// calm says how far sound can be judged that was made on the machine.
type calm int

const (
	quiet calm = iota
	disturbed
	starved // the host took more than stealMost of the whole time
)

func (c calm) String() string { return [...]string{"quiet", "disturbed", "starved"}[c] }

// Machine says in words how the machine was since from, which a phone must have been
// started before, and whether it was quiet: only then real time can be judged strictly.
// Of one that was starved not much of real time can be judged at all.
func Machine(from time.Time) (still, hungry bool, words string) {
	was, words := machine.since(from)
	return was == quiet, was == starved, words
}

// since says how the machine was in the time since from, and what was seen. Of a
// machine that nobody watched nothing is known: it counts as quiet.
func (l *machineLog) since(from time.Time) (calm, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.readings
	for len(seen) > 1 && seen[1].at.Before(from) {
		seen = seen[1:]
	}
	if len(seen) < 2 {
		return quiet, "machine not watched"
	}
	mean, worst, load := stolen(seen[0], seen[len(seen)-1]), 0.0, 0.0
	for i, begin := 1, 0; i < len(seen); i++ {
		for seen[i].at.Sub(seen[begin].at) > time.Second && begin < i-1 {
			begin++
		}
		if seen[i].at.Sub(seen[begin].at) > time.Second/2 {
			worst = max(worst, stolen(seen[begin], seen[i]))
		}
		load = max(load, seen[i].load)
	}
	word := quiet
	switch {
	case mean > stealMost:
		word = starved
	case mean > stealMean || worst > stealSecond || load > loadPerCore*float64(runtime.NumCPU()):
		word = disturbed
	}
	return word, fmt.Sprintf("machine %s: %.1f %% of the time stolen, %.0f %% in the worst second, load %.1f on %d cores", word, 100*mean, 100*worst, load, runtime.NumCPU())
}

// stolen is the share of time that the host took between two readings.
func stolen(a, b reading) float64 {
	if b.total <= a.total {
		return 0
	}
	return (b.steal - a.steal) / (b.total - a.total)
}

// readMachine takes a reading; false where there is no such /proc.
func readMachine() (reading, bool) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return reading{}, false
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return reading{}, false
	}
	r := reading{at: time.Now()}
	for i, s := range f[1:9] { // user nice system idle iowait irq softirq steal (proc_stat(5))
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return reading{}, false
		}
		r.total += v
		if i == 7 {
			r.steal = v
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(load), " ")
		r.load, _ = strconv.ParseFloat(first, 64)
	}
	return r, true
}

// ThreadTime returns for how long the calling thread has had a core. Lock the
// goroutine to its thread around what is measured. It goes on by nanoseconds and
// leaves out what other processes took; what the host took only where the kernel is
// told of it.
func ThreadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
