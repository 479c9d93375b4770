package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// sheet collects the figures.
type sheet struct {
	lines []line
	notes []string
}

// line is one figure, which should not be above its goal.
type line struct {
	what, detail string
	measured
	goal float64
	unit string
}

// noGoal stands for a goal where there is none; 0 is a goal.
const noGoal = -1

// add puts down a figure.
func (s *sheet) add(what string, m measured, goal float64, unit, detail string) {
	s.lines = append(s.lines, line{what: what, detail: detail, measured: m, goal: goal, unit: unit})
}

func (s *sheet) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// heading says when, what and where.
func (s *sheet) heading(o options) {
	model := "unknown"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for _, l := range strings.Split(string(b), "\n") {
			if name, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	commit := "unknown"
	if b, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		commit = strings.TrimSpace(string(b))
	}
	fmt.Printf("%s, commit %s, %s, %d cores, %s/%s, %s\n", time.Now().Format("2006-01-02 15:04"), commit, model,
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// print writes the table, as Markdown, and says whether all goals were reached.
func (s *sheet) print(w io.Writer) error {
	var missed, missing bool
	fmt.Fprintf(w, "\n| figure | measured | goal | |\n| --- | --- | --- | --- |\n")
	for _, l := range s.lines {
		value, goal, mark := number(l.value)+" "+l.unit, "", ""
		if l.goal >= 0 {
			goal, mark = "<= "+number(l.goal)+" "+l.unit, "reached"
		}
		switch {
		case !l.ok:
			value, mark, missing = disturbed, "measure again", true
		case l.goal >= 0 && l.value > l.goal:
			mark, missed = "NOT reached", true
		}
		if l.detail != "" {
			value = strings.TrimSpace(value) + " (" + l.detail + ")"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", l.what, strings.TrimSpace(value), strings.TrimSpace(goal), mark)
	}
	for _, n := range s.notes {
		fmt.Fprintf(w, "\nNote: %s\n", n)
	}
	switch {
	case missed:
		return errGoal
	case missing:
		return errDisturbed
	}
	return nil
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// disturbed stands for a figure that has no clean round behind it.
const disturbed = "disturbed"

// median of the values; 0 for none.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// brief is a window's figures in one line.
func (r row) brief() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v", r["label"], r["kind"])
	for _, k := range []string{"calls", "rate", "failed", "up", "loss", "delay_us_p50", "p99", "gen_late_p99", "cpu_s_per_call_min", "kib_per_call",
		"cpu_ms_per_call", "pdd_p50_ms", "pdd_p99_ms", "retrans", "per_s", "p50_ms", "p99_ms", "cpu_ms_per_reg", "served", "busy_share", "lost_percent",
		"free_to_ring_p50_ms", "cpu_ms_per_served", "rss_kib", "steal", "rec_any_per_s"} {
		if v, ok := r[k].(float64); ok {
			fmt.Fprintf(&b, " %s=%s", k, number(v))
		}
	}
	return b.String()
}
