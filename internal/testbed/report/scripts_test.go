package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The script of `make test` with a Go command of our own: what it runs again, what it
// prints, and how it ends.
func TestScript(t *testing.T) {
	self := build(t)
	ear := strings.NewReplacer("TestHeard", "TestHoldAndResume") // which is on the script's list
	for _, c := range []struct {
		name, first, second string // streams of the whole box
		says, hides         []string
		code                int
	}{
		{"all passed", passes + pkgPasses, "", []string{"nothing was left out"}, []string{"once more"}, 0},
		{"by ear, then well", heardBad + pkgFails, heardWell + pkgPasses, []string{"once more: TestHoldAndResume"}, nil, 0},
		{"by ear, then another one is well", heardBad + pkgFails, passes + pkgPasses, []string{"did not pass: TestHoldAndResume"}, nil, 1},
		{"by ear, twice", heardBad + pkgFails, heardBad + pkgFails, []string{"once more"}, nil, 1},
		{"in part", partly + passes + pkgPasses, "", []string{"1 test was left out, whole or in part", "the second half"}, nil, 0},
		{"killed", killedBad + pkgFails, passes + pkgPasses, []string{"TestKilled"}, []string{"once more"}, 1},
		{"panic", panics + heardBad + pkgFails, passes + pkgPasses, []string{"panic: "}, []string{"once more"}, 1},
		{"left out", skips + passes + pkgPasses, "", []string{"left out: sipp", "1 test was left out"}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			write("go.stream", ear.Replace(c.first))
			write("go.second", ear.Replace(c.second))
			// The stand-in: each run of the whole box takes the next stream.
			write("go", fmt.Sprintf(`#!/bin/bash
case "$1 $*" in
  list*) echo p ;;
  build*) cp %q "${@: -2:1}" ;;
  test*cmd/appliance*) cat "$0.stream"; ! grep -q '"fail"' "$0.stream"; e=$?; mv "$0.second" "$0.stream"; exit $e ;;
  test*) echo '{"Action":"pass","Package":"room"}' ;;
esac
`, self))
			write("gofmt", "#!/bin/bash\n")
			cmd := exec.Command("bash", "../test.sh")
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "EAR=TestKilled") // nobody widens the list
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d (%v), want %d:\n%s", code, err, c.code, out)
			}
			for _, s := range c.says {
				if !strings.Contains(string(out), s) {
					t.Errorf("does not say %q:\n%s", s, out)
				}
			}
			for _, s := range c.hides {
				if strings.Contains(string(out), s) {
					t.Errorf("says %q:\n%s", s, out)
				}
			}
		})
	}
}

func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// The script of `make verify` with a Go command of our own: it ends well only if each
// part has run a test and none has failed.
func TestVerifyScript(t *testing.T) {
	const ran = "--- PASS: TestA (1.00s)\\n    a_test.go:1: FIGURE\\tkills\\t7\\ttimes\\nok  \\tp\\t1.0s\\n"
	for _, c := range []struct {
		name, says, part string // what go test says of each part, and of one
		partFails        bool
		want             string
		code             int
	}{
		{"all run well", ran, ran, false, "| kills | 7 | times |", 0},
		{"one fails", ran, "--- FAIL: TestA (1.00s)\\nFAIL\\n", true, "| tests that failed | 1 | tests |", 1},
		{"one does not build", ran, "x.go:1: undefined\\n", true, "x.go:1: undefined", 1},
		{"one runs nothing", ran, "testing: warning: no tests to run\\nok  \\tp\\t1.0s [no tests to run]\\n", false, "no test ran", 1},
		{"one is left out", ran, "--- SKIP: TestA (1.00s)\\n    a_test.go:1: left out\\nok  \\tp\\t1.0s\\n", false, "| tests that were left out | 1 | tests |", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			script := fmt.Sprintf("#!/bin/bash\ncase \"$*\" in *TestSoak*) printf -- '%s'; exit %d ;; esac\nprintf -- '%s'\n",
				c.part, map[bool]int{true: 1}[c.partFails], c.says)
			if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("bash", "../verify.sh")
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.want) {
				t.Errorf("exit code %d (%v), want %d and %q:\n%s", code, err, c.code, c.want, out)
			}
		})
	}
}
