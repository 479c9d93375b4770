package store

import (
	"errors"
	"sync"
	"time"
)

// unreadOver is how long no read may have failed before that is over: what can't be read
// may stand in a corner that few ask for.
const unreadOver = 10 * time.Minute

// unreadWatch knows whether the disk fails when it is read.
type unreadWatch struct {
	failed chan struct{} // capacity 1: a read failed; full means that Run knows already
	told   []func(cause string)

	mu    sync.Mutex
	cause string    // of the last one
	at    time.Time // when it was
	on    bool      // they were told
}

// OnUnread registers who is told when the disk fails to give what is read (ErrIO), and,
// with an empty cause, when none has failed for ten minutes. It is called from Run and
// must not block. Register before Run.
func (db *DB) OnUnread(told func(cause string)) { db.unread.told = append(db.unread.told, told) }

// readFailed is failed for a read.
func (db *DB) readFailed(err error) error {
	err = db.failed(err)
	if errors.Is(err, ErrIO) {
		u := &db.unread
		u.mu.Lock()
		u.cause, u.at = err.Error(), time.Now()
		u.mu.Unlock()
		select {
		case u.failed <- struct{}{}:
		default:
		}
	}
	return err
}

// tell tells of a read that failed, once, or that none has failed for long.
func (u *unreadWatch) tell() {
	u.mu.Lock()
	cause, fails := u.cause, !u.at.IsZero() && time.Since(u.at) < unreadOver
	changed := fails != u.on
	u.on = fails
	u.mu.Unlock()
	if !changed {
		return
	}
	if !fails {
		cause = ""
	}
	for _, told := range u.told {
		told(cause)
	}
}
