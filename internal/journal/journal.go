// Package journal is the append-only event log of the box: the only truth about
// what happened. Events are hash-chained and written to SQLite in batches by one
// goroutine; live boards and reports are folds of it.
package journal

import "time"

// Event is one entry. Seq starts at 1 and has no gaps. Time is UTC; ClockTrusted
// is false while the box did not know the time. Call is empty for events that
// belong to no call. Hash is SHA-256 over the previous hash and the canonical
// bytes of this event.
type Event struct {
	Seq          uint64
	Time         time.Time
	ClockTrusted bool
	Call         CallID
	Payload      Payload
	Hash         [32]byte
}

// Appender takes events. Append never waits for the disk and never fails for the
// caller: order is the order of calls, the write follows within 100 ms. The
// event reaches subscribers at once, but a finished call (CallEnded) only after
// it is on disk.
type Appender interface {
	Append(call CallID, p Payload)
}
