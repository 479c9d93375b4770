package store_test

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/store"
)

// A disk that fails when it is read is told at once and once, and that it does no more
// when none has failed for ten minutes.
func TestADiskThatFailsWhenItIsReadIsTold(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		o := options(folder)
		o.Readers = store.OneConnection
		var fails atomic.Pointer[error]
		o.Fault = func(operation string) error {
			if err := fails.Load(); operation == "read" && err != nil {
				return *err
			}
			return nil
		}
		db, _, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		db.OnUnread(func(cause string) { told = append(told, cause) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- db.Run(ctx) }()
		read := func() error { return db.Read(t.Context(), func(*sql.Tx) error { return nil }) }
		step := func(card error, d time.Duration, want int) {
			t.Helper()
			fails.Store(nil)
			if card != nil {
				fails.Store(&card)
			}
			if err := read(); card != nil && err == nil {
				t.Error("it was read")
			}
			time.Sleep(d)
			synctest.Wait()
			if len(told) != want {
				t.Errorf("told %q, want %d", told, want)
			}
		}
		step(nil, time.Hour, 0)
		step(syscall.EIO, time.Millisecond, 1)
		step(syscall.EIO, 9*time.Minute, 1)
		step(syscall.EIO, 9*time.Minute, 1)
		step(nil, 2*time.Minute, 2)
		step(errors.New("asked wrongly"), time.Minute, 2)
		step(syscall.EIO, time.Minute, 3)
		if len(told) == 3 && (told[0] == "" || told[1] != "" || told[2] == "") {
			t.Errorf("told %q", told)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
	})
}
