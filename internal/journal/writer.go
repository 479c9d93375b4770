package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"centralino/internal/store"
)

const (
	maxBatch   = 512                    // rows of one commit
	stallAfter = time.Second            // a commit that takes longer is a stall
	retryFirst = 100 * time.Millisecond // after a refusal; doubles up to retryLast
	retryLast  = 3 * time.Second
	drainTries = 3 // commits that may fail when Run ends
	nothingDue = time.Hour
	sqlInsert  = `INSERT INTO events (seq, time, trusted, call, kind, payload, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`
	sqlPromise = `SAVEPOINT promise`
	sqlKept    = `RELEASE promise`
	sqlNotKept = `ROLLBACK TO promise`
)

// statements are what the writer runs for each event.
type statements struct {
	insert, started, line, caller, answered, served, ended *sql.Stmt
}

func prepare(db *store.DB) (statements, error) {
	var s statements
	for _, p := range []struct {
		to    **sql.Stmt
		query string
	}{
		{&s.insert, sqlInsert}, {&s.started, sqlCallStarted}, {&s.line, sqlCallLine}, {&s.caller, sqlCallCaller},
		{&s.answered, sqlCallAnswered}, {&s.served, sqlCallServed}, {&s.ended, sqlCallEnded},
	} {
		var err error
		if *p.to, err = db.Prepare(p.query); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Run writes what is appended until ctx ends, then what is left. It returns nil,
// or what kept the rest from being written.
func (l *Log) Run(ctx context.Context) error {
	var pause time.Duration // after a refusal; 0 while the disk takes what comes
	for ctx.Err() == nil {
		if pause > 0 {
			sleep(ctx, nil, pause)
		} else if due := l.due(); due > 0 {
			sleep(ctx, l.wake, due)
			continue
		}
		if err := l.commit(); err != nil {
			pause = min(max(2*pause, retryFirst), retryLast)
			l.o.Log.Error("journal not written", "cause", err, "retry", pause)
			l.setStalled(true, err.Error())
			continue
		}
		pause = 0
		l.setStalled(false, "")
	}
	var err error
	for range drainTries {
		err = nil
		for l.due() < nothingDue && err == nil {
			err = l.commit()
		}
		if err == nil {
			return nil
		}
		err = fmt.Errorf("write the rest of the journal: %w", err)
	}
	return err
}

// sleep waits for a reminder, the time, or the end of ctx.
func sleep(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// due says how long the next commit may wait; nothingDue if there is nothing to
// write.
func (l *Log) due() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.pending) == 0:
		return nothingDue
	case len(l.pending) >= l.o.BatchRows, len(l.waiters) > 0:
		return 0
	}
	for _, it := range l.pending {
		if it.result != nil {
			return 0
		}
	}
	return max(0, time.Until(l.pending[0].at.Add(l.o.BatchDelay)))
}

// setStalled tells subscribers and the fault list about a change.
func (l *Log) setStalled(stalled bool, reason string) {
	l.mu.Lock()
	changed := l.stalled != stalled
	l.stalled = stalled
	if changed {
		l.notifyLocked()
	}
	l.mu.Unlock()
	if changed {
		l.o.Fault(stalled, reason)
	}
}

// outcome is what became of one item of a batch.
type outcome struct {
	ev  Event
	err error // of a promise that was not kept
}

// commit writes the oldest events in one transaction. If the disk refuses, the
// promises among them fail and the rest stays for the next try.
func (l *Log) commit() error {
	l.mu.Lock()
	n := min(len(l.pending), maxBatch)
	batch := l.pending[:n:n]
	l.taken = n
	l.mu.Unlock()
	if n == 0 {
		return nil
	}
	slow := time.AfterFunc(stallAfter, func() { l.setStalled(true, "a commit takes more than a second") })
	outcomes, head, err := l.write(batch)
	slow.Stop()

	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = 0
	if err != nil {
		for _, it := range batch {
			if it.result != nil {
				it.result <- err
				it.refuse(GapRefused)
			}
		}
		l.mergeLocked() // or promises that are made again and again fill the memory
		l.notifyLocked()
		return err
	}
	l.head = head
	written := make([]Event, n)
	for i, it := range batch {
		written[i] = outcomes[i].ev
		if it.result != nil {
			it.result <- outcomes[i].err
		}
	}
	rest := copy(l.pending, l.pending[n:])
	clear(l.pending[rest:])
	l.pending = l.pending[:rest]
	if rest < l.o.QueueRows {
		l.dropAt = l.o.QueueRows
	}
	l.keepLocked(written)
	return nil
}

// write writes a batch; it returns what became of each item and the new head of
// the chain.
func (l *Log) write(batch []*item) ([]outcome, [32]byte, error) {
	outcomes := make([]outcome, 0, len(batch))
	head := l.head
	err := l.o.DB.Write(context.Background(), func(tx *sql.Tx) error {
		w := batchWriter{tx: tx, s: l.stmts.in(tx), head: head}
		for _, it := range batch {
			out := outcome{ev: it.ev}
			if it.write != nil {
				var err error
				if out.err, err = l.keepPromise(tx, it.write); err != nil {
					return err
				}
				if out.err != nil {
					out.ev = refused(it.ev, GapRefused)
				}
			}
			if err := w.append(&out.ev); err != nil {
				return err
			}
			outcomes = append(outcomes, out)
		}
		head = w.head
		return nil
	})
	return outcomes, head, err
}

// refused is an event that became a Gap.
func refused(ev Event, why GapReason) Event {
	it := item{ev: ev}
	it.refuse(why)
	return it.ev
}

// keepPromise runs a promise's write so that its failure undoes it alone. refusal
// is why it failed; err means that the whole transaction is lost.
func (l *Log) keepPromise(tx *sql.Tx, write func(*sql.Tx) error) (refusal, err error) {
	if _, err := tx.Exec(sqlPromise); err != nil {
		return nil, err
	}
	refusal = l.o.DB.Undoable(func() error { return protect(tx, write) })
	if store.Refused(refusal) {
		return nil, refusal
	}
	if refusal != nil {
		if _, err := tx.Exec(sqlNotKept); err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(sqlKept)
	return refusal, err
}

// protect turns a panic of a promise's write into its error: the journal goes on.
func protect(tx *sql.Tx, write func(*sql.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write with event: panic: %v", p)
		}
	}()
	return write(tx)
}

// in binds the statements to a transaction.
func (s statements) in(tx *sql.Tx) statements {
	return statements{
		insert: tx.Stmt(s.insert), started: tx.Stmt(s.started), line: tx.Stmt(s.line), caller: tx.Stmt(s.caller),
		answered: tx.Stmt(s.answered), served: tx.Stmt(s.served), ended: tx.Stmt(s.ended),
	}
}

// batchWriter appends rows to the chain within one transaction.
type batchWriter struct {
	tx    *sql.Tx
	s     statements
	head  [32]byte
	chain chain
}

// append writes an event, its hash and its part in the list of calls. An event
// that can't be encoded becomes a Gap.
func (w *batchWriter) append(ev *Event) error {
	payload, err := Encode(ev.Payload)
	if ended, ok := ev.Payload.(CallEnded); ok && err != nil {
		ended.Quality = nil // a figure that is no number must not hide the end
		ev.Payload = ended
		payload, err = Encode(ended)
	}
	if err != nil {
		*ev = refused(*ev, GapUnwritable)
		if payload, err = Encode(ev.Payload); err != nil {
			return err
		}
	}
	r := row{
		seq: ev.Seq, nanos: ev.Time.UnixNano(), trusted: ev.ClockTrusted,
		call: string(ev.Call), kind: string(ev.Payload.JournalKind()), payload: payload,
	}
	w.head = w.chain.next(w.head, r)
	ev.Hash = w.head
	if _, err := w.s.insert.Exec(int64(r.seq), r.nanos, r.trusted, r.call, r.kind, r.payload, w.head[:]); err != nil {
		return fmt.Errorf("event %d: %w", r.seq, err)
	}
	return w.s.fold(*ev)
}
