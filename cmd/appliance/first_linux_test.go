package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/boot"
	"centralino/board/health"
)

// A program that failed once tells nobody; one that failed again does until it has stayed
// up.
func TestRestartsOfTheProgramAreAFaultThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := health.NewMonitor(nil)
		for _, step := range []struct{ restarts, want int }{{0, 0}, {1, 0}, {2, 1}, {3, 1}, {0, 0}} {
			programRestarts(faults, step.restarts)
			time.Sleep(6 * time.Minute)
			programRestarts(faults, step.restarts) // the report is read again and again
			if got := faults.All(); len(got) != step.want {
				t.Errorf("after %d restarts: %+v", step.restarts, got)
			}
		}
	})
}

// What centralino.txt gets wrong is told by the lamp, number 3, and by the page, each line
// by itself, however often the report is read; a data partition that is not kept is a fault.
func TestWhatCannotBeUsedAtTheStartIsTold(t *testing.T) {
	_, wrong := boot.ParseSettings("nome = ufficio\nindirizzo = 192.168.1.300/24\npassword = 1234\n")
	for _, c := range []struct {
		name     string
		problems []boot.Problem
		want     string
		code     int
	}{
		{"nothing", nil, "", 0},
		{"two lines of centralino.txt", wrong, "network.settings 2, network.settings 3", 3},
		{"a repair that was good", []boot.Problem{{Kind: boot.ProblemRepaired}}, "", 0},
		{"data that are not kept, and a line", append([]boot.Problem{{Kind: boot.ProblemData}}, wrong[1:]...), "storage.failed data, network.settings 3", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults := health.NewMonitor(nil)
			for range 3 {
				startProblems(faults, c.problems)
			}
			var got []string
			for _, e := range faults.All() {
				got = append(got, string(e.Kind)+" "+e.Subject)
			}
			worst, _ := faults.Worst()
			if s := strings.Join(got, ", "); s != c.want || worst.Code != c.code {
				t.Errorf("%q, the lamp counts %d, want %q and %d", s, worst.Code, c.want, c.code)
			}
		})
	}
}

// Whoever restarts the box by its button may have a reason that lies below the program.
func TestButtonRestartsTheWholeComputerOfABoard(t *testing.T) {
	for onboard, want := range map[string]nextStep{"": programAnew, "1": computerAnew} {
		t.Setenv("CENTRALINO_ONBOARD", onboard)
		if got := wholeRestart(); got != want {
			t.Errorf("on a board %q: %d follows, want %d", onboard, got, want)
		}
	}
}
