//go:build imagetest

package main

import (
	"fmt"
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

// longest is how long writes are counted at most: in the short form one write that comes
// once an hour can look like a day's worth.
const longest = 5 * time.Minute

// rest waits until what was begun is done, and counts what an office at night costs: a
// telephone is registered, nobody calls.
func (o *office) rest(t *testing.T) {
	g := o.in(t)
	t.Logf("until now the box has written %.1f MB", float64(g.written(t).Octets)/1e6)
	g.rests(time.Minute)
	first, began := g.written(t), time.Now()
	last, counted, day := first, time.Duration(0), 0.0
	for counted < *idleFor || day > writesMost && counted < longest {
		g.rests(10 * time.Second)
		now := g.written(t)
		counted = time.Since(began)
		if now != last {
			t.Logf("%3.0f s: %d octets in %d writes, %d flushes", counted.Seconds(), now.Octets-last.Octets, now.Writes-last.Writes, now.Flushes-last.Flushes)
		}
		last, day = now, float64(now.Octets-first.Octets)/1e6*float64(24*time.Hour)/float64(counted)
	}
	testbed.Figure(t, fmt.Sprintf("QEMU: written to the card by a box at rest, counted over %.0f s", counted.Seconds()), strconv.FormatFloat(day, 'f', 1, 64), "MB a day")
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
