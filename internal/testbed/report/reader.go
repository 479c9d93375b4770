package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Exit codes.
const (
	allPassed   = 0
	failed      = 1
	mayRunAgain = 3
)

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output and build-fail
	Test       string
	Elapsed    float64
	Output     string
	Code       int // of exit, which the script adds: how go test itself ended
}

// place names a test within its package; Test is empty for the package itself.
type place struct{ pkg, test string }

// top is the test that a subtest belongs to.
func (p place) top() string {
	name, _, _ := strings.Cut(p.test, "/")
	return name
}

// reader folds the events.
type reader struct {
	out     io.Writer
	said    map[place][]string // output of what has not ended yet, and of what skipped
	failed  []place            // in the order of their end
	passed  map[string]bool    // names of tests
	skipped []string           // "package test: why"
	ended   bool               // by a panic, a time limit or os.Exit: nothing may run again
	strange int                // lines that are no events
	exit    int                // exit code of go test; -1 while it is not known
}

func newReader(out io.Writer) *reader {
	return &reader{out: out, said: map[place][]string{}, passed: map[string]bool{}, exit: -1}
}

func (r *reader) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			r.strange++
			fmt.Fprintln(r.out, lines.Text())
			continue
		}
		r.see(e)
	}
	return lines.Err()
}

func (r *reader) see(e event) {
	at := place{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.failed = append(r.failed, place{pkg: e.ImportPath})
	case "output":
		if early(e.Output) {
			r.ended = true
		}
		if !frame(e.Output) {
			r.said[at] = append(r.said[at], e.Output)
		}
	case "skip":
		if at.test != "" {
			r.skipped = append(r.skipped, fmt.Sprintf("%s %s: %s", e.Package, at.test, why(r.said[at])))
		}
		delete(r.said, at)
	case "pass":
		if at.test == "" {
			fmt.Fprintf(r.out, "ok    %s %.1fs\n", e.Package, e.Elapsed)
		}
		r.pass(at)
	case "fail":
		r.fail(at, e.Elapsed)
	case "exit":
		r.exit = e.Code
	}
}

// pass takes note of a test that passed, and of what it says it has left out.
func (r *reader) pass(at place) {
	r.passed[at.test] = true
	for _, l := range r.said[at] {
		if strings.Contains(l, leftOut) {
			r.skipped = append(r.skipped, fmt.Sprintf("%s %s: %s", at.pkg, at.test, strings.TrimSpace(l)))
		}
	}
	delete(r.said, at)
}

// leftOut stands in a line by which a test tells what of it was not done.
const leftOut = ": left out: "

// fail prints what a failed test or package said. Of a package that ended early,
// what its unfinished tests said stands with it.
func (r *reader) fail(at place, elapsed float64) {
	r.failed = append(r.failed, at)
	if at.test != "" {
		fmt.Fprintf(r.out, "--- FAIL: %s %s (%.1fs)\n%s", at.pkg, at.test, elapsed, strings.Join(r.said[at], ""))
		delete(r.said, at)
		return
	}
	var open []place
	for p := range r.said {
		if p.pkg == at.pkg {
			open = append(open, p)
		}
	}
	slices.SortFunc(open, func(a, b place) int { return strings.Compare(a.test, b.test) })
	for _, p := range open {
		if p.test != "" {
			fmt.Fprintf(r.out, "--- unfinished: %s %s\n", p.pkg, p.test)
		}
		fmt.Fprint(r.out, strings.Join(r.said[p], ""))
		delete(r.said, p)
	}
	fmt.Fprintf(r.out, "FAIL  %s %.1fs\n", at.pkg, elapsed)
}

// verdict is the exit code. A package fails with its tests; one that fails without
// a failed test, or before the end, allows no second run.
func (r *reader) verdict(ear, must []string) int {
	for _, name := range must {
		if !r.passed[name] {
			return failed
		}
	}
	if len(r.failed) == 0 {
		if r.strange > 0 || r.exit != 0 {
			return failed
		}
		return allPassed
	}
	byTests := map[string]bool{}
	for _, p := range r.failed {
		if p.test != "" {
			byTests[p.pkg] = true
		}
	}
	for _, p := range r.failed {
		if p.test == "" && !byTests[p.pkg] || p.test != "" && !slices.Contains(ear, p.top()) {
			return failed
		}
	}
	if r.ended || r.strange > 0 || r.exit != 1 {
		return failed
	}
	return mayRunAgain
}

// failedTests names the failed tests, without subtests.
func (r *reader) failedTests() []string {
	var names []string
	for _, p := range r.failed {
		if p.test != "" && !slices.Contains(names, p.top()) {
			names = append(names, p.top())
		}
	}
	return names
}

var earlyEnd = regexp.MustCompile(`^(panic: |fatal error: |SIGSEGV|SIGQUIT|exit status [^1]|FAIL\t\S+ \[)|test timed out|WARNING: DATA RACE`)

// early says whether a line of output tells of an early end.
func early(line string) bool { return earlyEnd.MatchString(line) }

// frame says whether a line is of the frame that `go test -v` puts around tests.
func frame(line string) bool {
	line = strings.TrimLeft(line, " ")
	for _, p := range []string{"=== ", "--- PASS", "--- FAIL", "--- SKIP", "PASS\n", "FAIL\n", "ok  \t", "FAIL\t", "?   \t"} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}

// why is the reason that a test gives for being left out: its last words.
func why(said []string) string {
	for _, l := range slices.Backward(said) {
		if l = strings.TrimSpace(l); l != "" {
			return l
		}
	}
	return "no reason given"
}
