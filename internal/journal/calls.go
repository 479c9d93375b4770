package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Call is one line of the list of calls: a fold of the journal that is kept in
// the same transaction as its events.
type Call struct {
	ID        CallID
	First     uint64 // sequence number of CallStarted
	Start     time.Time
	Direction Direction
	Line      string // it came in on, or went out on last
	From, To  SubjectID
	Extension string
	Dialled   string
	Emergency bool
	Answered  time.Time // zero: never
	By        SubjectID // who answered, if a person
	Ended     time.Time // zero: still up
	Cause     string
	Talk      time.Duration
	Total     time.Duration
}

// CallQuery selects calls, newest first.
type CallQuery struct {
	Before  CallCursor // page on from here; zero: from the newest
	Since   time.Time  // zero: no limit
	Subject SubjectID  // only calls from him, to him, or answered by him
	Line    string     // only calls over this line
	Limit   int        // 1 to 500; 50 if 0
}

// CallCursor is a place in the list of calls: where the next page begins.
type CallCursor struct{ First uint64 }

const (
	sqlCallStarted = `INSERT INTO calls (first, id, start, direction, line, caller, called, extension, dialled, emergency)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
	// The line of a call that goes out is the one that carried it, or was tried last.
	sqlCallLine     = `UPDATE calls SET line = ?1 WHERE id = ?2 AND ended = 0 AND (line = '' OR direction = 'out' AND ?3)`
	sqlCallCaller   = `UPDATE calls SET caller = ? WHERE id = ?`
	sqlCallServed   = `UPDATE calls SET answerer = ? WHERE id = ? AND ended = 0`
	sqlCallAnswered = `UPDATE calls SET answered = iif(answered = 0, ?, answered),
	answerer = iif(? <> '', ?, answerer) WHERE id = ?`
	sqlCallEnded = `UPDATE calls SET ended = ?, cause = ?, talk = ?, total = ? WHERE id = ? AND ended = 0`

	sqlCallByID = `SELECT first, id, start, direction, line, caller, called, extension, dialled, emergency,
	answered, answerer, ended, cause, talk, total FROM calls WHERE id = ?`
	sqlCallsPage = `SELECT first, id, start, direction, line, caller, called, extension, dialled, emergency,
	answered, answerer, ended, cause, talk, total FROM calls
	WHERE first < ? AND start >= ? ORDER BY first DESC LIMIT ?`
	sqlCallsOfLine = `SELECT first, id, start, direction, line, caller, called, extension, dialled, emergency,
	answered, answerer, ended, cause, talk, total FROM calls
	WHERE first < ? AND start >= ? AND line = ? AND line <> '' ORDER BY first DESC LIMIT ?`
	sqlCallsOfSubject = `SELECT first, id, start, direction, line, caller, called, extension, dialled, emergency,
	answered, answerer, ended, cause, talk, total FROM calls
	WHERE first < ?1 AND start >= ?2 AND first IN (
		SELECT first FROM calls WHERE caller = ?3 AND caller <> '' UNION
		SELECT first FROM calls WHERE called = ?3 AND called <> '' UNION
		SELECT first FROM calls WHERE answerer = ?3 AND answerer <> '')
	AND (?4 = '' OR line = ?4) ORDER BY first DESC LIMIT ?5`
	sqlCallEvents = `SELECT seq, time, trusted, call, kind, payload, hash FROM events
	WHERE call = ? AND call <> '' ORDER BY seq LIMIT 5000`
	sqlBegan = `SELECT seq FROM events WHERE call = ? AND call <> '' ORDER BY seq LIMIT 1`
)

// fold keeps the list of calls.
func (s statements) fold(ev Event) error {
	at := ev.Time.UnixNano()
	var err error
	switch p := ev.Payload.(type) {
	case CallStarted:
		_, err = s.started.Exec(int64(ev.Seq), string(ev.Call), at, string(p.Direction), p.Line,
			string(p.From), string(p.To), p.Extension, p.Dialled, p.Emergency)
	case CallCaller:
		_, err = s.caller.Exec(string(p.From), string(ev.Call))
	case CallLeg:
		if p.Line != "" {
			_, err = s.line.Exec(p.Line, string(ev.Call), p.State != LegEnded)
		}
	case CallAnswered:
		_, err = s.answered.Exec(at, string(p.By), string(p.By), string(ev.Call))
	case ContactConnected: // the box answered before, so that the caller could wait
		_, err = s.served.Exec(string(p.Agent), string(ev.Call))
	case CallEnded:
		_, err = s.ended.Exec(at, p.Cause, int64(p.Talk), int64(p.Total), string(ev.Call))
	}
	if err != nil {
		return fmt.Errorf("list of calls, event %d: %w", ev.Seq, err)
	}
	return nil
}

// Calls returns one page of calls that are on disk, newest first, and the cursor of
// the next page (zero: no more).
func (l *Log) Calls(ctx context.Context, q CallQuery) ([]Call, CallCursor, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	before, since := int64(1<<62), int64(0)
	if q.Before.First != 0 {
		before = int64(q.Before.First)
	}
	if !q.Since.IsZero() {
		since = q.Since.UnixNano()
	}
	query, args := sqlCallsPage, []any{before, since, limit + 1}
	switch {
	case q.Subject != "":
		query, args = sqlCallsOfSubject, []any{before, since, string(q.Subject), q.Line, limit + 1}
	case q.Line != "":
		query, args = sqlCallsOfLine, []any{before, since, q.Line, limit + 1}
	}
	calls, err := l.queryCalls(ctx, query, args...)
	if err != nil {
		return nil, CallCursor{}, fmt.Errorf("list calls: %w", err)
	}
	if len(calls) <= limit {
		return calls, CallCursor{}, nil
	}
	calls = calls[:limit]
	return calls, CallCursor{First: calls[limit-1].First}, nil
}

// CallByID returns one call; false if there is none of that name.
func (l *Log) CallByID(ctx context.Context, id CallID) (Call, bool, error) {
	calls, err := l.queryCalls(ctx, sqlCallByID, string(id))
	if err != nil {
		return Call{}, false, fmt.Errorf("call %s: %w", id, err)
	}
	if len(calls) == 0 {
		return Call{}, false, nil
	}
	return calls[0], true, nil
}

// CallEvents returns the events of one call that are on disk, in order, at most
// 5000.
func (l *Log) CallEvents(ctx context.Context, id CallID) ([]Event, error) {
	var out []Event
	err := l.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlCallEvents, string(id))
		if err != nil {
			return err
		}
		out, err = readEvents(rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("events of call %s: %w", id, err)
	}
	return out, nil
}

// Began returns the sequence number of a call's first event as a transaction sees it, 0
// if there is none. Of two calls the one with the smaller number came first; their names
// and times say so only as long as nobody sets the wall clock back.
func Began(tx *sql.Tx, call CallID) (seq uint64, err error) {
	err = tx.QueryRow(sqlBegan, string(call)).Scan(&seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("first event of call %s: %w", call, err)
	}
	return seq, nil
}

func (l *Log) queryCalls(ctx context.Context, query string, args ...any) ([]Call, error) {
	var out []Call
	err := l.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			c, err := scanCall(rows)
			if err != nil {
				return err
			}
			out = append(out, c)
		}
		return rows.Err()
	})
	return out, err
}

func scanCall(rows *sql.Rows) (Call, error) {
	var c Call
	var start, answered, ended int64
	err := rows.Scan(&c.First, &c.ID, &start, &c.Direction, &c.Line, &c.From, &c.To, &c.Extension, &c.Dialled,
		&c.Emergency, &answered, &c.By, &ended, &c.Cause, &c.Talk, &c.Total)
	c.Start, c.Answered, c.Ended = instant(start), instant(answered), instant(ended)
	return c, err
}

// instant is a time of the disk; 0 is no time.
func instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// readEvents reads rows of (seq, time, trusted, call, kind, payload, hash) and
// closes them.
func readEvents(rows *sql.Rows) ([]Event, error) {
	var out []Event
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, r.event())
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

func scanRow(rows *sql.Rows) (row, error) {
	var r row
	var hash []byte
	if err := rows.Scan(&r.seq, &r.nanos, &r.trusted, &r.call, &r.kind, &r.payload, &hash); err != nil {
		return r, err
	}
	copy(r.hash[:], hash)
	return r, nil
}

func (r row) event() Event {
	return Event{
		Seq: r.seq, Time: time.Unix(0, r.nanos).UTC(), ClockTrusted: r.trusted, Call: CallID(r.call),
		Payload: Decode(Kind(r.kind), r.payload), Hash: r.hash,
	}
}
