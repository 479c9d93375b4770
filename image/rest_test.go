//go:build imagetest

package main

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// What a box at rest may cost.
const (
	memoryMost = 160 // MiB of the whole guest
	writesMost = 50  // MB a day
)

// written is what the box has written to its card so far.
type written struct {
	Octets  int64 `json:"wr_bytes"`
	Writes  int64 `json:"wr_operations"`
	Flushes int64 `json:"flush_operations"`
}

func (m *machine) written(t *testing.T) written {
	t.Helper()
	var disks []struct {
		Device string
		Stats  written
	}
	m.ask(t, "query-blockstats", nil, &disks)
	for _, d := range disks {
		if d.Device == "disk" {
			return d.Stats
		}
	}
	t.Fatalf("no disk in %+v", disks)
	return written{}
}

var memoryTold = regexp.MustCompile(`memory total=\d+ available=(\d+)`)

// rest waits until what was begun is done, and counts what an office at night costs: a
// telephone is registered, nobody calls.
func (o *office) rest(t *testing.T) {
	g := o.in(t)
	settled := time.Minute
	g.watch(settled, nil)
	first, began := g.written(t), time.Now()
	last := first
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for time.Since(began) < *idleFor {
		<-tick.C
		now := g.written(t)
		if now != last {
			t.Logf("%3.0f s: %d octets in %d writes, %d flushes", time.Since(began).Seconds(), now.Octets-last.Octets, now.Writes-last.Writes, now.Flushes-last.Flushes)
		}
		last = now
	}
	day := float64(last.Octets-first.Octets) / 1e6 * float64(24*time.Hour) / float64(time.Since(began))
	testbed.Figure(t, "QEMU: written to the card by a box at rest", strconv.FormatFloat(day, 'f', 1, 64), "MB a day")
	if day > writesMost {
		t.Errorf("at rest %.1f MB a day are written to the card", day)
	}
	told := memoryTold.FindAllStringSubmatch(g.Output(), -1)
	if told == nil {
		t.Fatalf("the memory was not told:\n%s", g.Output())
	}
	available, _ := strconv.Atoi(told[len(told)-1][1])
	testbed.Figure(t, "QEMU: memory of the whole guest at rest", memory-available, "MiB")
	if memory-available > memoryMost {
		t.Errorf("the guest uses %d MiB", memory-available)
	}
}
