package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

// Streams of `go test -json`, shortened.
const (
	passes    = `{"Action":"pass","Package":"p","Test":"TestA","Elapsed":1}` + "\n"
	heardWell = `{"Action":"pass","Package":"p","Test":"TestHeard","Elapsed":2}` + "\n"
	heardBad  = `{"Action":"output","Package":"p","Test":"TestHeard","Output":"    x_test.go:1: hears nothing\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestHeard","Elapsed":2}` + "\n"
	killedBad = `{"Action":"fail","Package":"p","Test":"TestKilled/lane_1","Elapsed":2}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestKilled","Elapsed":2}` + "\n"
	pkgFails  = `{"Action":"fail","Package":"p","Elapsed":3}` + "\n"
	pkgPasses = `{"Action":"pass","Package":"p","Elapsed":3}` + "\n"
	endsWell  = `{"Action":"exit","Code":0}` + "\n"
	endsBadly = `{"Action":"exit","Code":1}` + "\n"
	panics    = `{"Action":"output","Package":"p","Test":"TestHeard","Output":"panic: runtime error: index out of range\n"}` + "\n"
	timesOut  = `{"Action":"output","Package":"p","Test":"TestHeard","Output":"panic: test timed out after 12m0s\n"}` + "\n"
	skips     = `{"Action":"output","Package":"p","Test":"TestS","Output":"=== RUN   TestS\n"}` + "\n" + `{"Action":"output","Package":"p","Test":"TestS","Output":"    need.go:1: left out: sipp is not installed\n"}` + "\n" + `{"Action":"output","Package":"p","Test":"TestS","Output":"--- SKIP: TestS (0.00s)\n"}` + "\n" + `{"Action":"skip","Package":"p","Test":"TestS"}` + "\n"
	partly    = `{"Action":"output","Package":"p","Test":"TestA","Output":"    x_test.go:2: left out: the second half\n"}` + "\n"
	noBuild   = `{"Action":"build-output","ImportPath":"p","Output":"x.go:1: undefined\n"}` + "\n" + `{"Action":"build-fail","ImportPath":"p"}` + "\n" + pkgFails
)

// Which failures may run once more.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		code         int
		again        []string
	}{
		{"all passed", passes + pkgPasses + endsWell, allPassed, nil},
		{"what is judged by ear failed", passes + heardBad + pkgFails + endsBadly, mayRunAgain, []string{"TestHeard"}},
		{"another test failed", killedBad + pkgFails + endsBadly, failed, []string{"TestKilled"}},
		{"both failed", heardBad + killedBad + pkgFails + endsBadly, failed, []string{"TestHeard", "TestKilled"}},
		{"what is judged by ear panicked", panics + heardBad + pkgFails + endsBadly, failed, []string{"TestHeard"}},
		{"the time limit came", timesOut + heardBad + pkgFails + endsBadly, failed, []string{"TestHeard"}},
		{"the package failed and none of its tests did", passes + pkgFails + endsBadly, failed, nil},
		{"it does not build", noBuild + endsBadly, failed, nil},
		{"one package by ear, another without a reason", heardBad + pkgFails + strings.ReplaceAll(pkgFails, `"p"`, `"q"`) + endsBadly, failed, []string{"TestHeard"}},
		{"something that is no event", "signal: killed\n" + passes + endsWell, failed, nil},
		{"go test ends badly and no test does", passes + endsBadly, failed, nil},
		{"go test says nothing of its end", passes, failed, nil},
		{"go test was killed", heardBad + `{"Action":"exit","Code":137}`, failed, []string{"TestHeard"}},
	} {
		r := newReader(io.Discard)
		if err := r.read(strings.NewReader(c.stream)); err != nil {
			t.Fatal(err)
		}
		if got := r.verdict([]string{"TestHeard"}, nil); got != c.code || !slices.Equal(r.failedTests(), c.again) {
			t.Errorf("%s: code %d with %v, want %d with %v", c.name, got, r.failedTests(), c.code, c.again)
		}
	}
}

// A test that must pass is not green by being left out or by not being there.
func TestMustPass(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		code         int
	}{
		{"it passes", passes + pkgPasses + endsWell, allPassed},
		{"it is left out", strings.ReplaceAll(skips, "TestS", "TestA") + pkgPasses + endsWell, failed},
		{"it is not there", pkgPasses + endsWell, failed},
		{"only a part of it passes", strings.ReplaceAll(passes, "TestA", "TestA/part") + pkgPasses + endsWell, failed},
	} {
		r := newReader(io.Discard)
		if err := r.read(strings.NewReader(c.stream)); err != nil {
			t.Fatal(err)
		}
		if got := r.verdict(nil, []string{"TestA"}); got != c.code {
			t.Errorf("%s: code %d, want %d", c.name, got, c.code)
		}
	}
}

// What a person reads.
func TestOutput(t *testing.T) {
	var out strings.Builder
	r := newReader(&out)
	stream := `{"Action":"output","Package":"p","Test":"TestA","Output":"    chatter\n"}` + "\n" + partly + passes + skips + heardBad + pkgFails
	if err := r.read(strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, "chatter") || !strings.Contains(s, "hears nothing") || !strings.Contains(s, "FAIL  p") {
		t.Errorf("printed:\n%s", s)
	}
	if want := []string{"p TestA: x_test.go:2: left out: the second half", "p TestS: need.go:1: left out: sipp is not installed"}; !slices.Equal(r.skipped, want) {
		t.Errorf("left out: %q", r.skipped)
	}
}
