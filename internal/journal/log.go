package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"centralino/internal/store"
)

// Options of a Log. DB, Now, Trusted and Log are required.
type Options struct {
	DB      *store.DB
	Now     func() time.Time // wall clock
	Trusted func() bool      // whether that clock is known to be right
	Log     *slog.Logger
	Version string // of the program, for BoxStarted
	Board   string // for BoxStarted
	// Repaired is how the file system was repaired before this start, for BoxStarted.
	Repaired Repair

	// Fault is told when the disk refuses the journal (raised, with the reason)
	// and when it takes it again. It must not block. Nil: nobody is told.
	Fault func(raised bool, reason string)

	BatchDelay time.Duration // an ordinary event waits this long at most for its commit; 100 ms if 0
	BatchRows  int           // rows that are committed without waiting longer; 64 if 0
	QueueRows  int           // events kept in memory before details are dropped; 16384 if 0
}

// Log is the journal. It implements Appender; its methods may be called from any
// goroutine.
//
// While the disk refuses or stalls, events stay in memory and calls go on. Above
// QueueRows the oldest details go first (decision traces, steps, line and phone
// states), above twice that legs, bridges, offers and agent states, above four
// times all but ends of calls and office versions, which are never dropped. Each
// hole is written as a Gap when the disk takes rows again.
type Log struct {
	o     Options
	stmts statements
	wake  chan struct{} // capacity 1: a reminder to look at pending; full means one is there already

	mu      sync.Mutex // guards all below; held for moments, never over the disk
	next    uint64     // sequence number of the next event
	pending []*item    // not yet on disk, in order; Gap items may cover several numbers
	taken   int        // how many of pending the writer is writing: not to be touched
	recent  []Event    // the newest events on disk, for subscribers
	durable uint64     // sequence number of the last event on disk
	stalled bool       // the disk refuses or takes longer than a second
	dropAt  int        // length of pending at which dropping is tried next
	waiters []waiter
	subs    map[*Subscription]struct{}

	head [32]byte // hash of the last event on disk; only the writer's goroutine
}

// item is an event on its way to the disk.
type item struct {
	ev     Event
	at     time.Time // when it was appended, on the timers' clock
	write  func(tx *sql.Tx) error
	result chan error // capacity 1: the outcome of a promise; nil for ordinary events
}

// held says whether subscribers see the event only once it is on disk.
func (it *item) held() bool {
	if it.result != nil {
		return true
	}
	_, ended := it.ev.Payload.(CallEnded)
	return ended
}

// waiter is told when everything up to seq is on disk.
type waiter struct {
	seq  uint64
	done chan struct{} // closed
}

func (o Options) check() (Options, error) {
	if o.DB == nil || o.Now == nil || o.Trusted == nil || o.Log == nil {
		return o, errors.New("journal: DB, Now, Trusted and Log are required")
	}
	if o.Fault == nil {
		o.Fault = func(bool, string) {}
	}
	if o.BatchDelay == 0 {
		o.BatchDelay = 100 * time.Millisecond
	}
	if o.BatchRows == 0 {
		o.BatchRows = 64
	}
	if o.QueueRows == 0 {
		o.QueueRows = 16384
	}
	return o, nil
}

// Append implements Appender. The payload must not be changed afterwards. Without
// a running Run the event stays in memory.
func (l *Log) Append(call CallID, p Payload) {
	l.add(&item{ev: Event{Call: call, Payload: p}})
}

// add gives items their places in the journal, one after the other.
func (l *Log) add(items ...*item) {
	at, now, trusted := time.Now(), l.o.Now().Round(0).UTC(), l.o.Trusted()
	wake := false
	l.mu.Lock()
	for _, it := range items {
		it.at, it.ev.Time, it.ev.ClockTrusted = at, now, trusted
		it.ev.Seq = l.next
		l.next++
		l.pending = append(l.pending, it)
		if len(l.pending) >= l.dropAt {
			l.dropLocked()
		}
		wake = wake || it.result != nil || len(l.pending) == 1 || len(l.pending) == l.o.BatchRows
	}
	l.notifyLocked()
	l.mu.Unlock()
	if wake {
		l.remind()
	}
}

func (l *Log) remind() {
	select {
	case l.wake <- struct{}{}:
	default: // a reminder is there already
	}
}

// AppendSync appends a promise: it returns when the event is on disk. An error
// means that it is not and will not be. Subscribers see it only then.
func (l *Log) AppendSync(ctx context.Context, call CallID, p Payload) (seq uint64, err error) {
	return l.AppendWith(ctx, call, p, nil)
}

// AppendWith appends an event and runs write in the same transaction: both are on
// disk or neither. write must not use the Log or the DB; an error of it is
// returned as it is. Without a running Run it waits for ctx.
func (l *Log) AppendWith(ctx context.Context, call CallID, p Payload, write func(tx *sql.Tx) error) (seq uint64, err error) {
	it := promise(Entry{call, p, write})
	result := it.result
	l.add(it)
	if err := l.kept(ctx, it, result); err != nil {
		return 0, fmt.Errorf("append %s: %w", p.JournalKind(), err)
	}
	return it.ev.Seq, nil
}

// Entry is an event and what is written in the same transaction with it; a nil Write
// writes nothing.
type Entry struct {
	Call    CallID
	Payload Payload
	Write   func(tx *sql.Tx) error
}

// AppendAllWith is AppendWith for events that come together: they follow each other in
// the journal and share a commit, as far as one takes them, instead of waiting for one
// each. Every entry is kept, or not, for itself; errs has the outcome of each in order,
// nil for what is on disk.
func (l *Log) AppendAllWith(ctx context.Context, entries []Entry) (errs []error) {
	items, results := make([]*item, len(entries)), make([]chan error, len(entries))
	for i, e := range entries {
		items[i] = promise(e)
		results[i] = items[i].result
	}
	l.add(items...)
	errs = make([]error, len(entries))
	for i, e := range entries {
		if err := l.kept(ctx, items[i], results[i]); err != nil {
			errs[i] = fmt.Errorf("append %s: %w", e.Payload.JournalKind(), err)
		}
	}
	return errs
}

func promise(e Entry) *item {
	return &item{ev: Event{Call: e.Call, Payload: e.Payload}, write: e.Write, result: make(chan error, 1)}
}

// kept waits for the outcome of a promise; result is the item's own, which it loses with
// its end.
func (l *Log) kept(ctx context.Context, it *item, result <-chan error) error {
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		if l.withdraw(it) {
			return ctx.Err()
		}
		return <-result // being written: the outcome is a moment away
	}
}

// withdraw turns a promise that is not being written into a Gap; false if it is
// being written or has its result.
func (l *Log) withdraw(it *item) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pending[l.taken:] {
		if p == it {
			p.refuse(GapRefused)
			l.notifyLocked()
			return true
		}
	}
	return false
}

// refuse makes the item a Gap of its own number.
func (it *item) refuse(why GapReason) {
	kind := it.ev.Payload.JournalKind()
	it.ev.Payload = Gap{From: it.ev.Seq, To: it.ev.Seq, Reason: why, Kinds: map[Kind]int{kind: 1}}
	it.ev.Call = ""
	it.write, it.result = nil, nil
}

// Flush returns when everything appended before is on disk.
func (l *Log) Flush(ctx context.Context) error {
	l.mu.Lock()
	if l.durable+1 >= l.next {
		l.mu.Unlock()
		return nil
	}
	w := waiter{seq: l.next - 1, done: make(chan struct{})}
	l.waiters = append(l.waiters, w)
	l.mu.Unlock()
	l.remind()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop appends BoxStopped and waits until everything is on disk or ctx ends. Run
// must still be running; it ends with its own context.
func (l *Log) Stop(ctx context.Context, reason string) error {
	_, err := l.AppendSync(ctx, "", BoxStopped{Reason: reason})
	return err
}

// Durable returns the sequence number of the last event on disk.
func (l *Log) Durable() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable
}

// Stalled says whether the disk refuses the journal or takes too long.
func (l *Log) Stalled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stalled
}
