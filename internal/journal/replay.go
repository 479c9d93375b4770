package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Recovery tells what Open found.
type Recovery struct {
	Head      uint64   // sequence number of the last event on disk, before anything was added
	Unclean   bool     // there was a last run and it did not end with BoxStopped
	OpenCalls []CallID // calls that had no end; each got CallEnded with cause "restart"
	Bad       *BadRow  // not nil: the newest rows of the chain do not verify; the journal goes on
}

const (
	sqlHead     = `SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1`
	sqlLastBox  = `SELECT kind FROM events WHERE kind IN ('box.started', 'box.stopped') ORDER BY seq DESC LIMIT 1`
	sqlOpenCall = `SELECT c.id, c.start, coalesce((SELECT max(e.time) FROM events e WHERE e.call = c.id AND e.call <> ''), c.start)
	FROM calls c WHERE c.ended = 0 ORDER BY c.first`
	sqlPage    = `SELECT seq, time, trusted, call, kind, payload, hash FROM events WHERE seq >= ? ORDER BY seq LIMIT ?`
	sqlRowHash = `SELECT seq, hash FROM events WHERE seq < ? ORDER BY seq DESC LIMIT 1`
)

// checkedAtStart is how many of the newest rows Open verifies.
const checkedAtStart = 500

// Open reads the journal's head, ends the calls that the last run left open and
// appends BoxStarted. What is appended later is written by Run.
func Open(ctx context.Context, o Options) (*Log, Recovery, error) {
	var rec Recovery
	o, err := o.check()
	if err != nil {
		return nil, rec, err
	}
	l := &Log{o: o, wake: make(chan struct{}, 1), dropAt: o.QueueRows, subs: map[*Subscription]struct{}{}}
	if l.stmts, err = prepare(o.DB); err != nil {
		return nil, rec, fmt.Errorf("open journal: %w", err)
	}
	var ends []*item
	err = o.DB.Read(ctx, func(tx *sql.Tx) error {
		if rec.Head, l.head, err = lastRow(ctx, tx, sqlHead); err != nil {
			return err
		}
		if rec.Unclean, err = endedUnclean(ctx, tx); err != nil {
			return err
		}
		ends, err = openCalls(ctx, tx)
		return err
	})
	if err != nil {
		return nil, rec, fmt.Errorf("open journal: %w", err)
	}
	from := uint64(1)
	if rec.Head > checkedAtStart {
		from = rec.Head - checkedAtStart
	}
	if _, rec.Bad, err = verify(ctx, l.o.DB.Read, from); err != nil {
		return nil, rec, fmt.Errorf("open journal: %w", err)
	}
	l.durable, l.next = rec.Head, rec.Head+1
	for _, it := range ends {
		rec.OpenCalls = append(rec.OpenCalls, it.ev.Call)
		l.add(it)
	}
	l.Append("", BoxStarted{Version: o.Version, Board: o.Board, Unclean: rec.Unclean, Repaired: o.Repaired})
	for l.Durable()+1 < l.next {
		if err := l.commit(); err != nil {
			// A full disk must not keep the box from starting: Run tries again.
			o.Log.Error("journal not written at start", "cause", err)
			break
		}
	}
	return l, rec, nil
}

func lastRow(ctx context.Context, tx *sql.Tx, query string, args ...any) (seq uint64, hash [32]byte, err error) {
	var b []byte
	err = tx.QueryRowContext(ctx, query, args...).Scan(&seq, &b)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, hash, nil
	}
	copy(hash[:], b)
	return seq, hash, err
}

func endedUnclean(ctx context.Context, tx *sql.Tx) (bool, error) {
	var kind Kind
	err := tx.QueryRowContext(ctx, sqlLastBox).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return kind == BoxStarted{}.JournalKind(), err
}

// openCalls makes the end of each call that has none: it lasted until its last
// event, as far as anybody knows.
func openCalls(ctx context.Context, tx *sql.Tx) ([]*item, error) {
	rows, err := tx.QueryContext(ctx, sqlOpenCall)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*item
	for rows.Next() {
		var id CallID
		var start, last int64
		if err := rows.Scan(&id, &start, &last); err != nil {
			return nil, err
		}
		total := max(0, time.Duration(last-start))
		out = append(out, &item{ev: Event{Call: id, Payload: CallEnded{Cause: "restart", By: "box", Total: total}}})
	}
	return out, rows.Err()
}

// page reads events from disk: those from seq on, at most limit.
func (l *Log) page(ctx context.Context, from uint64, limit int) ([]Event, error) {
	var out []Event
	err := l.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlPage, int64(from), limit)
		if err != nil {
			return err
		}
		out, err = readEvents(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read journal from %d: %w", from, err)
	}
	return out, nil
}

// Replay calls fn for every event on disk from seq on (Gaps too), in order, up to
// the one that is last when Replay is called. An error of fn stops it and is
// returned.
func (l *Log) Replay(ctx context.Context, from uint64, fn func(Event) error) error {
	last := l.Durable()
	for from <= last {
		events, err := l.page(ctx, from, 2*pageRows)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		for _, ev := range events {
			if ev.Seq > last {
				return nil
			}
			if err := fn(ev); err != nil {
				return err
			}
		}
		from = events[len(events)-1].Seq + 1
	}
	return nil
}

// BadRow names the first row at which the chain breaks.
type BadRow struct {
	Seq    uint64
	Reason BadReason
}

// BadReason says how the chain breaks.
type BadReason string

// How a chain breaks.
const (
	BadHash    BadReason = "hash"    // the row, or the one before it, was changed
	BadMissing BadReason = "missing" // rows before this one are missing
)

func (b *BadRow) Error() string {
	return fmt.Sprintf("journal chain breaks at event %d: %s", b.Seq, b.Reason)
}

// Verify recomputes the whole chain on disk. It returns how many rows it read and
// the first bad one, nil if there is none. It reads in pages and disturbs nobody.
func (l *Log) Verify(ctx context.Context) (rows int, bad *BadRow, err error) {
	return verify(ctx, l.o.DB.Read, 1)
}

// CheckRestored accepts the journal in a database of a backup if its chain is
// whole; for store.Options.CheckRestored.
func CheckRestored(ctx context.Context, conn *sql.DB) error {
	read := func(ctx context.Context, fn func(tx *sql.Tx) error) error {
		tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer tx.Rollback() // nothing was written
		return fn(tx)
	}
	_, bad, err := verify(ctx, read, 1)
	if err == nil && bad != nil {
		err = bad
	}
	return err
}

// verify recomputes the chain from a row on.
func verify(ctx context.Context, read func(context.Context, func(*sql.Tx) error) error, from uint64) (int, *BadRow, error) {
	var c chain
	var previous [32]byte
	var last uint64
	err := read(ctx, func(tx *sql.Tx) (err error) {
		last, previous, err = lastRow(ctx, tx, sqlRowHash, int64(from))
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("verify journal: %w", err)
	}
	n := 0
	for {
		var page []row
		err := read(ctx, func(tx *sql.Tx) (err error) {
			page, err = readRows(ctx, tx, last+1)
			return err
		})
		if err != nil {
			return n, nil, fmt.Errorf("verify journal after %d: %w", last, err)
		}
		if len(page) == 0 {
			return n, nil, nil
		}
		for _, r := range page {
			n++
			if r.first() != last+1 {
				return n, &BadRow{Seq: r.seq, Reason: BadMissing}, nil
			}
			if c.next(previous, r) != r.hash {
				return n, &BadRow{Seq: r.seq, Reason: BadHash}, nil
			}
			previous, last = r.hash, r.seq
		}
	}
}

// first is the first number that a row covers.
func (r row) first() uint64 {
	if g, ok := Decode(Kind(r.kind), r.payload).(Gap); ok && Kind(r.kind) == g.JournalKind() {
		return g.From
	}
	return r.seq
}

func readRows(ctx context.Context, tx *sql.Tx, from uint64) ([]row, error) {
	rows, err := tx.QueryContext(ctx, sqlPage, int64(from), 2*pageRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
