package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// What the table says of a figure and how the run ends.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		name string
		m    measured
		goal float64
		says string
		err  error
	}{
		{"below its goal", sure(0.3), 0.5, "| x | 0.3 ms | <= 0.5 ms | reached |", nil},
		{"above its goal", sure(0.6), 0.5, "| x | 0.6 ms | <= 0.5 ms | NOT reached |", errGoal},
		{"nothing may be lost and nothing was", sure(0), 0, "| x | 0 ms | <= 0 ms | reached |", nil},
		{"nothing may be lost and something was", sure(0.01), 0, "| x | 0.01 ms | <= 0 ms | NOT reached |", errGoal},
		{"without a goal", sure(7), noGoal, "| x | 7 ms |  |  |", nil},
		{"no clean round", measured{}, 0.5, "| x | disturbed | <= 0.5 ms | measure again |", errDisturbed},
		{"no clean round and no goal", measured{}, noGoal, "| x | disturbed |  | measure again |", errDisturbed},
	} {
		var s sheet
		var out strings.Builder
		s.add("x", c.m, c.goal, "ms", "")
		if err := s.print(&out); !errors.Is(err, c.err) || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %v in\n%s", c.name, err, out.String())
		}
	}
}

// Only clean rounds count, and a disturbed one is repeated within bounds.
func TestSeries(t *testing.T) {
	quiet := round{"box": {"p99": 2.0, "cpu": 3.0, "steal": 0.01}, "bare": {"cpu": 6.0}}
	loud := round{"box": {"p99": 90.0, "steal": 0.2}, "bare": {"cpu": 1.0}}
	late := round{"box": {"p99": 90.0, "gen_late_p99": 9000.0}}
	neighbour := round{"box": {"p99": 90.0}, "bare": {"steal": 0.5}}
	var s series
	for _, r := range []round{loud, quiet, late, neighbour, quiet} {
		s.tried++
		if r.clean() {
			s.clean = append(s.clean, r)
		}
	}
	if s.String() != "2 clean of 5 rounds" {
		t.Errorf("series of %v", s)
	}
	if m := s.figure("box", "p99"); !m.ok || m.value != 2 {
		t.Errorf("median %v", m)
	}
	if m, d := s.ratio("box", "bare", "cpu"); !m.ok || m.value != 0.5 || d != "3 against 6" {
		t.Errorf("ratio %v of %s", m, d)
	}
	if m := (series{}).worst("box", "p99"); m.ok {
		t.Errorf("worst of nothing is %v", m)
	}
	for _, m := range []measured{s.figure("box", "nobody says"), s.worst("box", "nobody says"), s.figure("nobody", "p99")} {
		if m.ok {
			t.Errorf("what was not measured is %v", m.value)
		}
	}
	if m, _ := s.ratio("none", "bare", "cpu"); m.ok {
		t.Errorf("the ratio of what was not measured is %v", m.value)
	}
	for _, c := range []struct {
		clean, tried int
		late, want   bool
	}{
		{0, 0, false, true}, {0, 0, true, true}, {3, 3, false, false}, {2, 3, false, true},
		{2, 3, true, false}, {0, 8, false, true}, {0, 9, false, false},
	} {
		if got := (series{clean: make([]round, c.clean), tried: c.tried}).wants(3, c.late); got != c.want {
			t.Errorf("%+v wants another: %v", c, got)
		}
	}
}

// The kit's talk times are 2 s in the mean only in the long run.
func TestBestServedIsNearTheNominalIdeal(t *testing.T) {
	for _, c := range []struct {
		counted time.Duration
		want    int // of five a second
	}{{25 * time.Second, 120}, {time.Minute, 294}, {4 * time.Minute, 1210}} {
		if got := bestServed(10, 2*time.Second, 5*time.Second, c.counted); got != c.want {
			t.Errorf("%s: %d calls, want %d", c.counted, got, c.want)
		}
	}
}
