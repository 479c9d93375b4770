package main

import (
	"testing"
	"testing/synctest"
	"time"

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
