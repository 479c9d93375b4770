package main

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
)

// Who was reached just before the box stops is written down, also whom the end found on
// the way to the disk; a disk that hangs keeps the box for a moment only.
func TestWhoWasReachedIsWrittenDownAtTheEnd(t *testing.T) {
	start := func() *afterCalls {
		return &afterCalls{b: &box{log: slog.New(slog.NewTextHandler(io.Discard, nil))}, reached: make(chan reached, manyReached)}
	}
	t.Run("those that wait and the one under way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := start()
			ctx, stop := context.WithCancel(t.Context())
			var got []journal.SubjectID
			done := make(chan struct{})
			go func() {
				defer close(done)
				a.keepWord(ctx, func(ctx context.Context, _, party journal.SubjectID) error {
					select {
					case <-time.After(100 * time.Millisecond):
						got = append(got, party)
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				})
			}()
			for _, p := range []journal.SubjectID{"n-1", "n-2", "n-3"} {
				a.kept(p, "p-anna")
			}
			time.Sleep(50 * time.Millisecond)
			stop()
			<-done
			if slices.Sort(got); !slices.Equal(got, []journal.SubjectID{"n-1", "n-2", "n-3"}) {
				t.Errorf("written down: %v", got)
			}
		})
	})
	t.Run("a disk that hangs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := start()
			ctx, stop := context.WithCancel(t.Context())
			stop()
			for range manyReached {
				a.kept("n-1", "p-anna")
			}
			began := time.Now()
			a.keepWord(ctx, func(ctx context.Context, _, _ journal.SubjectID) error {
				<-ctx.Done()
				return ctx.Err()
			})
			if took := time.Since(began); took != lastReached {
				t.Errorf("the end took %v", took)
			}
		})
	})
}
