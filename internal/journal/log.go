package journal

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"centralino/internal/store"
)

// Options of a Log. All but the limits are required.
type Options struct {
	DB      *store.DB
	Now     func() time.Time // wall clock
	Trusted func() bool      // whether that clock is known to be right
	Log     *slog.Logger
	Version string // of the program, for BoxStarted
	Board   string // for BoxStarted

	// Fault is told when the disk refuses the journal (raised, with the reason)
	// and when it takes it again. It must not block. Nil: nobody is told.
	Fault func(raised bool, reason string)

	BatchDelay time.Duration // an ordinary event waits this long at most for its commit; 100 ms if 0
	BatchRows  int           // rows that are committed without waiting longer; 64 if 0
	QueueRows  int           // events kept in memory while the disk refuses, see Log; 16384 if 0
}

// Recovery tells what Open found.
type Recovery struct {
	Head      uint64   // sequence number of the last event on disk, before anything was added
	Unclean   bool     // the last run did not end with BoxStopped
	OpenCalls []CallID // calls that had no end; each got CallEnded with cause "restart"
}

// Subscription reads the journal from a place on and then follows it.
type Subscription struct{}

// Open reads the journal's head, ends the calls that the last run left open and
// appends BoxStarted. Nothing is written by Append until Run runs.
func Open(ctx context.Context, o Options) (*Log, Recovery, error) { panic("thin") }

// Log is the journal. It implements Appender.
type Log struct{}

// Run writes what is appended until ctx ends, then writes what is left.
func (l *Log) Run(ctx context.Context) error { panic("thin") }

// Stop appends BoxStopped and waits until everything is on disk or ctx ends.
// Run must still be running.
func (l *Log) Stop(ctx context.Context, reason string) error { panic("thin") }

// Append implements Appender. The payload must not be changed afterwards.
func (l *Log) Append(call CallID, p Payload) { panic("thin") }

// AppendSync appends a promise: it returns when the event is on disk. An error
// means that it is not and will not be.
func (l *Log) AppendSync(ctx context.Context, call CallID, p Payload) (seq uint64, err error) {
	panic("thin")
}

// AppendWith appends an event and runs write in the same transaction: both are on
// disk or neither. write must not use the Log.
func (l *Log) AppendWith(ctx context.Context, call CallID, p Payload, write func(tx *sql.Tx) error) (seq uint64, err error) {
	panic("thin")
}

// Flush returns when everything appended before is on disk.
func (l *Log) Flush(ctx context.Context) error { panic("thin") }

// Subscribe follows the journal: first every event from seq on (1: all), then
// what comes, in order. from 0 means only what comes from now on. Nothing is lost
// however slow the reader is.
func (l *Log) Subscribe(from uint64) *Subscription { panic("thin") }

// Next waits for the next event.
func (s *Subscription) Next(ctx context.Context) (Event, error) { panic("thin") }

// Close ends the subscription. It may be called again.
func (s *Subscription) Close() {}
