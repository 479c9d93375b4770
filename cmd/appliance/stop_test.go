package main

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A disk that hangs does not keep the program: closing is given up and that is said.
// What all steps may take together is less than the limit.
func TestClosingThatHangs(t *testing.T) {
	if sum := partsWait + lastEvent + closeWait; sum >= stopLimit {
		t.Errorf("the steps of stopping may take %v, all of it %v", sum, stopLimit)
	}
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		b := &box{log: slog.New(slog.NewTextHandler(&said, nil)), journalDone: make(chan error), stopJournal: func() {}}
		began := time.Now()
		b.closeWithin(closeWait)
		if took := time.Since(began); took != closeWait || !strings.Contains(said.String(), "left to the system") {
			t.Errorf("closing took %v and said %q", took, said.String())
		}
		b.journalDone <- nil // the disk comes back
		synctest.Wait()
	})
}
