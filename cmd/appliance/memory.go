package main

import (
	"bufio"
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// boundMemory keeps the program's own memory below half of the board's: near that
// the collector works harder instead of the kernel ending the program. What
// GOMEMLIMIT says counts instead.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if total := boardMemory(); total > 0 {
		debug.SetMemoryLimit(total / 2)
	}
}

// boardMemory is the machine's memory in octets, 0 if the kernel does not say.
func boardMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "MemTotal:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

const (
	quietLook = 20 * time.Second // how often it is looked after
	spare     = 8 << 20          // octets that are not worth a collection
)

// returnMemory gives back to the system what a rush of calls or messages has left
// unused, in moments without calls, until ctx ends. Without it that would take
// minutes on a box that rests.
func returnMemory(ctx context.Context, calls func() int) {
	t := time.NewTicker(quietLook)
	defer t.Stop()
	held := uint64(0) // after the last return
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if calls() > 0 || heldMemory() < held+spare {
			continue
		}
		debug.FreeOSMemory()
		held = heldMemory()
	}
}

// heldMemory is what the program holds of the system's memory.
func heldMemory() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
