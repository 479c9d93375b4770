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

// line is one figure. Goal 0 means that there is none; Over asks for no more than
// the goal.
type line struct {
	what, figure string
	value, goal  float64
	unit         string
}

// add puts down a figure that should not be above its goal (0: none).
func (s *sheet) add(what string, value, goal float64, unit, detail string) {
	s.lines = append(s.lines, line{what: what, figure: detail, value: value, goal: goal, unit: unit})
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

// print writes the table, as Markdown.
func (s *sheet) print(w io.Writer) {
	fmt.Fprintf(w, "\n| figure | measured | goal | |\n| --- | --- | --- | --- |\n")
	for _, l := range s.lines {
		goal, mark := "", ""
		if l.goal > 0 {
			goal, mark = "<= "+number(l.goal)+" "+l.unit, "reached"
			if l.value > l.goal {
				mark = "NOT reached"
				if strings.Contains(l.figure, disturbed) {
					mark = "machine disturbed: measure again"
				}
			}
		}
		detail := l.figure
		if detail != "" {
			detail = " (" + detail + ")"
		}
		fmt.Fprintf(w, "| %s | %s %s%s | %s | %s |\n", l.what, number(l.value), l.unit, detail, strings.TrimSpace(goal), mark)
	}
	for _, n := range s.notes {
		fmt.Fprintf(w, "\nNote: %s\n", n)
	}
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

// disturbed is said of a figure that has no clean window behind it.
const disturbed = "disturbed"

// again says whether another turn is needed after those so far: all that were
// asked for, and up to two more while no window was clean.
func again(turn, rounds int, rows []row) bool {
	return turn < rounds || turn < rounds+2 && !slices.ContainsFunc(rows, row.clean)
}

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

// figure is the median of a key over the windows that count, or over all if none
// does, and how many counted.
func figure(rows []row, key string) (value float64, detail string) {
	var good, all []float64
	for _, r := range rows {
		all = append(all, r.num(key))
		if r.clean() {
			good = append(good, r.num(key))
		}
	}
	if len(good) == 0 {
		return median(all), fmt.Sprintf("median of %d %s windows", len(all), disturbed)
	}
	return median(good), fmt.Sprintf("median of %d clean windows of %d", len(good), len(all))
}

// ratio is the median of the quotients of neighbours: the clean ones if there are
// any.
func ratio(a, b []row, key string) (value float64, detail string) {
	var good, all, left, right []float64
	for i := range min(len(a), len(b)) {
		x, y := a[i].num(key), b[i].num(key)
		if y == 0 {
			continue
		}
		all = append(all, x/y)
		left, right = append(left, x), append(right, y)
		if a[i].clean() && b[i].clean() {
			good = append(good, x/y)
		}
	}
	pick, what := good, "clean"
	if len(good) == 0 {
		pick, what = all, disturbed
	}
	return median(pick), fmt.Sprintf("%s against %s, %d %s pairs of %d", number(median(left)), number(median(right)), len(pick), what, len(all))
}

// brief is a window's figures in one line.
func (r row) brief() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v", r["label"], r["kind"])
	for _, k := range []string{"calls", "rate", "failed", "up", "loss", "delay_us_p50", "p99", "gen_late_p99", "cpu_s_per_call_min", "kib_per_call",
		"cpu_ms_per_call", "pdd_p50_ms", "pdd_p99_ms", "retrans", "per_s", "p50_ms", "p99_ms", "cpu_ms_per_reg", "served", "busy_share",
		"free_to_ring_p50_ms", "cpu_ms_per_served", "rss_kib", "steal", "first_register_ms", "rec_any_per_s"} {
		if v, ok := r[k].(float64); ok {
			fmt.Fprintf(&b, " %s=%s", k, number(v))
		}
	}
	return b.String()
}
