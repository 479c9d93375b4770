package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How long for clean rounds is tried: so many times as many rounds as are asked for,
// and not longer than partLimit for one part.
const (
	tries     = 3
	partLimit = 5 * time.Minute
)

// mostSteal is the share of time that the host may take of a clean window.
const mostSteal = 0.03

// round is one turn of each box: the windows of the load generator, by who was
// measured.
type round map[string]row

// clean says whether every window of a round counts: neighbours compare only then.
func (r round) clean() bool {
	for _, w := range r {
		if !w.clean() {
			return false
		}
	}
	return true
}

// series are the clean rounds of a part.
type series struct {
	clean []round
	tried int
}

// collect takes turns until there are as many clean rounds as were asked for, or
// tries and time are used up.
func (w *world) collect(ctx context.Context, rounds int, turn func(i int) (round, error)) (series, error) {
	var s series
	end := time.Now().Add(partLimit)
	for s.wants(rounds, time.Now().After(end)) {
		r, err := turn(s.tried)
		if err != nil {
			return s, err
		}
		s.tried++
		if r.clean() {
			s.clean = append(s.clean, r)
		} else {
			fmt.Printf("   round %d was disturbed\n", s.tried)
		}
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
	}
	return s, nil
}

// wants says whether another turn is needed and allowed.
func (s series) wants(rounds int, late bool) bool {
	return len(s.clean) < rounds && s.tried < tries*rounds && (s.tried == 0 || !late)
}

func (s series) String() string {
	return fmt.Sprintf("%d clean of %d rounds", len(s.clean), s.tried)
}

// measured is a figure, or that there is none since the machine was disturbed.
type measured struct {
	value float64
	ok    bool
}

// sure is a figure that other work on the machine does not change.
func sure(v float64) measured { return measured{v, true} }

// values are those of a key over the clean rounds that have it: what was not measured
// is missing and not zero.
func (s series) values(who, key string) []float64 {
	var v []float64
	for _, r := range s.clean {
		if r[who].has(key) {
			v = append(v, r[who].num(key))
		}
	}
	return v
}

// figure is the median of a key over the clean rounds.
func (s series) figure(who, key string) measured {
	v := s.values(who, key)
	return measured{median(v), len(v) > 0}
}

// worst is the largest value of a key over the clean rounds: for what may not happen.
func (s series) worst(who, key string) measured {
	v := s.values(who, key)
	if len(v) == 0 {
		return measured{}
	}
	return sure(slices.Max(v))
}

// ratio is the median of the quotients of neighbours, and what it is of.
func (s series) ratio(who, other, key string) (m measured, detail string) {
	var all, left, right []float64
	for _, r := range s.clean {
		x, y := r[who].num(key), r[other].num(key)
		if r[who].has(key) && y > 0 {
			all, left, right = append(all, x/y), append(left, x), append(right, y)
		}
	}
	return measured{median(all), len(all) > 0}, fmt.Sprintf("%s against %s", number(median(left)), number(median(right)))
}

// stealing begins to watch how much of the time the host takes; the returned
// function says the share so far.
func stealing() func() float64 {
	steal, total := stat()
	return func() float64 {
		s, t := stat()
		if t <= total {
			return 0
		}
		return (s - steal) / (t - total)
	}
}

// stat reads stolen and all time from /proc/stat (proc_stat(5)), in ticks.
func stat() (steal, total float64) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	for i, f := range strings.Fields(line) {
		if v, err := strconv.ParseFloat(f, 64); err == nil && i <= 8 {
			total += v
			if i == 8 {
				steal = v
			}
		}
	}
	return steal, total
}

// How a run ends when nothing went wrong but the figures.
var (
	errGoal      = errors.New("goals are not reached")
	errDisturbed = errors.New("figures are missing: the machine was disturbed, measure again")
)
