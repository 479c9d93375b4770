package cti

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
)

// Migrations are the tables of what waits to be sent.
func Migrations() []store.Migration {
	return []store.Migration{{Domain: "cti", Version: 1, SQL: []string{
		`CREATE TABLE cti_follow (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	seq INTEGER NOT NULL, -- last event of the journal that was translated
	state BLOB NOT NULL   -- calls under way
) STRICT`,
		`CREATE TABLE cti_queue (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	hook TEXT NOT NULL,
	call TEXT NOT NULL,
	event BLOB NOT NULL, -- by pseudonym; filled when it is sent
	made INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	due INTEGER NOT NULL
) STRICT`,
		`CREATE INDEX cti_queue_call ON cti_queue (hook, call, id)`,
		`CREATE INDEX cti_queue_due ON cti_queue (hook, due)`,
		`CREATE TABLE cti_hooks (
	hook TEXT PRIMARY KEY,
	address TEXT NOT NULL, -- that it had: another one begins afresh
	fails INTEGER NOT NULL,
	since INTEGER NOT NULL,
	stopped INTEGER NOT NULL,
	sent INTEGER NOT NULL,
	lost INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
		`CREATE TABLE cti_sent (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	hook TEXT NOT NULL,
	time INTEGER NOT NULL,
	kind TEXT NOT NULL,
	call TEXT NOT NULL,
	try INTEGER NOT NULL,
	status INTEGER NOT NULL, -- of HTTP; 0: no answer
	took INTEGER NOT NULL,   -- nanoseconds
	cause TEXT NOT NULL
) STRICT`,
		`CREATE INDEX cti_sent_hook ON cti_sent (hook, id)`,
	}}}
}

const (
	sqlFollow    = `SELECT seq, state FROM cti_follow WHERE id = 1`
	sqlSetFollow = `INSERT INTO cti_follow (id, seq, state) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, state = excluded.state`
	sqlUnfollow  = `DELETE FROM cti_follow`
	sqlEnqueue   = `INSERT INTO cti_queue (hook, call, event, made, tries, due) VALUES (?, ?, ?, ?, 0, ?)`
	// Of each call only the first that waits may go: order per call. Nothing is due after
	// ?4, unless the clock was set back.
	sqlNext = `SELECT id, event, made, tries FROM cti_queue q WHERE hook = ?1 AND (due <= ?2 OR due > ?4)
	AND NOT EXISTS (SELECT 1 FROM cti_queue e WHERE e.hook = q.hook AND e.call = q.call AND e.id < q.id) ORDER BY due, id LIMIT ?3`
	sqlNextDue = `SELECT coalesce(min(due), 0) FROM cti_queue q WHERE hook = ?1
	AND NOT EXISTS (SELECT 1 FROM cti_queue e WHERE e.hook = q.hook AND e.call = q.call AND e.id < q.id)`
	sqlWaiting = `SELECT count(*) FROM cti_queue WHERE hook = ?`
	sqlGone    = `DELETE FROM cti_queue WHERE id = ?`
	sqlAgain   = `UPDATE cti_queue SET tries = tries + 1, due = ? WHERE id = ?`
	sqlAllDue  = `UPDATE cti_queue SET due = ? WHERE hook = ?`
	sqlClear   = `DELETE FROM cti_queue WHERE hook = ?`
	sqlHook    = `SELECT address, fails, since, stopped, sent, lost FROM cti_hooks WHERE hook = ?`
	sqlPutHook = `INSERT INTO cti_hooks (hook, address, fails, since, stopped, sent, lost) VALUES (?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (hook) DO UPDATE SET address = excluded.address, fails = excluded.fails, since = excluded.since, stopped = excluded.stopped, sent = excluded.sent, lost = excluded.lost`
	sqlHookNames  = `SELECT hook FROM cti_hooks UNION SELECT hook FROM cti_queue`
	sqlDropHook   = `DELETE FROM cti_hooks WHERE hook = ?`
	sqlDropSent   = `DELETE FROM cti_sent WHERE hook = ?`
	sqlNoteSent   = `INSERT INTO cti_sent (hook, time, kind, call, try, status, took, cause) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	sqlForgetSent = `DELETE FROM cti_sent WHERE hook = ?1 AND id <= (SELECT id FROM cti_sent WHERE hook = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`
	sqlLastSent   = `SELECT time, kind, call, try, status, took, cause FROM cti_sent WHERE hook = ? ORDER BY id DESC LIMIT ?`
)

// Limits of what waits for one webhook.
const (
	maxWaiting = 10000 // events; more are lost and counted
	keptSent   = 50    // attempts that are remembered
	together   = 4     // deliveries at once to one webhook, of different calls
)

// waiting is one event on its way.
type waiting struct {
	id    int64
	event Event
	made  time.Time
	tries int
}

// hookState is how a webhook does.
type hookState struct {
	address    string
	fails      int       // attempts in a row that failed
	since      time.Time // of the first of them
	stopped    bool      // given up until somebody says again
	rest       time.Time // nothing is tried before; not kept
	asked      bool      // … because the receiver asked for it
	sent, lost int
}

// restUntil lets a webhook rest, if it does not rest for longer already. What stands
// farther ahead than a rest can last was set by a clock that was set back since.
func (h *hookState) restUntil(at time.Time, asked bool, now time.Time, farthest time.Duration) {
	if left := h.rest.Sub(now); left <= at.Sub(now) || left > farthest {
		h.rest, h.asked = at, asked
	}
}

// isFault says whether people should look after the webhook.
func (h hookState) isFault(now time.Time) bool {
	return h.stopped || h.fails > 0 && now.Sub(h.since) >= faultAfter
}

// readFollow returns where translating goes on; false if it begins with what comes.
func readFollow(ctx context.Context, db *store.DB) (*State, bool, error) {
	var seq int64
	var state []byte
	err := db.Read(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, sqlFollow).Scan(&seq, &state) })
	if errors.Is(err, sql.ErrNoRows) {
		return New(), false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read place in the journal: %w", err)
	}
	s, err := Resume(state)
	if err != nil {
		return New(), false, nil // what is lost are calls of the last moment
	}
	s.Seq = uint64(seq)
	return s, true, nil
}

// post is one event for one webhook.
type post struct {
	hook  office.ID
	event Event
}

// enqueue keeps events for their webhooks together with the place in the journal.
func (s *Sender) enqueue(ctx context.Context, posts []post, st *State) error {
	state, err := st.Keep()
	if err != nil {
		return err
	}
	now := s.o.Now().UnixNano()
	lost := map[office.ID]int{}
	err = s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		clear(lost)
		count := map[office.ID]int{}
		for _, p := range posts {
			if _, ok := count[p.hook]; !ok {
				n := 0
				if err := tx.QueryRow(sqlWaiting, string(p.hook)).Scan(&n); err != nil {
					return err
				}
				count[p.hook] = n
			}
			if count[p.hook] >= maxWaiting {
				lost[p.hook]++
				continue
			}
			count[p.hook]++
			b, err := json.Marshal(p.event)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(sqlEnqueue, string(p.hook), string(p.event.Call), b, now, now); err != nil {
				return err
			}
		}
		_, err := tx.Exec(sqlSetFollow, int64(st.Seq), state)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep events for other programs: %w", err)
	}
	for hook, n := range lost {
		s.change(hook, func(h *hookState) { h.lost += n })
	}
	return nil
}

// next returns what may be sent now, the earliest first.
func (s *Sender) next(ctx context.Context, hook office.ID, limit int) ([]waiting, error) {
	var out []waiting
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error {
		now := s.o.Now()
		rows, err := tx.QueryContext(ctx, sqlNext, string(hook), now.UnixNano(), limit, now.Add(s.farthest()).UnixNano())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var w waiting
			var event []byte
			var made int64
			if err := rows.Scan(&w.id, &event, &made, &w.tries); err != nil {
				return err
			}
			if err := json.Unmarshal(event, &w.event); err != nil {
				return err
			}
			w.made = store.Instant(made)
			out = append(out, w)
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	if err != nil {
		return nil, fmt.Errorf("read what waits for %s: %w", hook, err)
	}
	return out, nil
}

// due says when the next event may go; zero if none waits.
func (s *Sender) due(ctx context.Context, hook office.ID) (time.Time, error) {
	var at int64
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, sqlNextDue, string(hook)).Scan(&at) })
	if err != nil {
		return time.Time{}, fmt.Errorf("read what waits for %s: %w", hook, err)
	}
	return store.Instant(at), nil
}

// Attempt is one try to deliver an event, for people. It holds no number and no name.
type Attempt struct {
	Time   time.Time
	Kind   Kind
	Call   journal.CallID
	Try    int // from 1
	Status int // of HTTP; 0: no answer
	Took   time.Duration
	Cause  string // why there was none, one of Causes

	wait time.Duration // the receiver asked to be left alone so long
}

// OK says whether the event was taken.
func (a Attempt) OK() bool { return a.Status >= 200 && a.Status < 300 }

// gone lets go of an event.
func (s *Sender) gone(ctx context.Context, w waiting) error {
	err := s.o.DB.Write(ctx, func(tx *sql.Tx) error { _, err := tx.Exec(sqlGone, w.id); return err })
	if err != nil {
		return fmt.Errorf("let go of event %d: %w", w.event.Seq, err)
	}
	return nil
}

// tried keeps what became of an attempt, and what follows for the event.
func (s *Sender) tried(ctx context.Context, hook office.ID, w waiting, a Attempt, retry time.Time) error {
	err := s.o.DB.Write(context.WithoutCancel(ctx), func(tx *sql.Tx) error { // what was taken must not go out again
		if retry.IsZero() {
			if _, err := tx.Exec(sqlGone, w.id); err != nil {
				return err
			}
		} else if _, err := tx.Exec(sqlAgain, retry.UnixNano(), w.id); err != nil {
			return err
		}
		if _, err := tx.Exec(sqlNoteSent, string(hook), a.Time.UnixNano(), string(a.Kind), string(a.Call), a.Try, a.Status, int64(a.Took), a.Cause); err != nil {
			return err
		}
		if _, err := tx.Exec(sqlForgetSent, string(hook), keptSent); err != nil {
			return err
		}
		return putHook(tx, hook, s.state(hook))
	})
	if err != nil {
		return fmt.Errorf("keep attempt at %s: %w", hook, err)
	}
	return nil
}

func putHook(tx *sql.Tx, hook office.ID, h hookState) error {
	stopped := 0
	if h.stopped {
		stopped = 1
	}
	_, err := tx.Exec(sqlPutHook, string(hook), h.address, h.fails, store.Nanos(h.since), stopped, h.sent, h.lost)
	return err
}

// Attempts returns the last tries of a webhook, the newest first.
func (s *Sender) Attempts(ctx context.Context, hook office.ID) ([]Attempt, error) {
	out := []Attempt{}
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlLastSent, string(hook), keptSent)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Attempt
			var at int64
			if err := rows.Scan(&at, &a.Kind, &a.Call, &a.Try, &a.Status, &a.Took, &a.Cause); err != nil {
				return err
			}
			a.Time = store.Instant(at)
			out = append(out, a)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read attempts at %s: %w", hook, err)
	}
	return out, nil
}

func (s *Sender) waitingFor(ctx context.Context, hook office.ID) (int, error) {
	n := 0
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, sqlWaiting, string(hook)).Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count what waits for %s: %w", hook, err)
	}
	return n, nil
}

// drop lets go of what waits for a webhook that was stopped.
func (s *Sender) drop(ctx context.Context, hook office.ID) {
	err := s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec(sqlClear, string(hook)); err != nil {
			return err
		}
		return putHook(tx, hook, s.state(hook))
	})
	if err != nil {
		s.complain(ctx, hook, err)
	}
}
