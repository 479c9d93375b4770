package auth

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"net/netip"
	"time"

	"centralino/internal/journal"
	"centralino/internal/store"
)

// maxInMemory bounds the sessions that a disk which refuses leaves in memory; the
// one that was used least recently goes.
const maxInMemory = 50

// kept is a session that could not be written: it lasts as long as the program runs.
type kept struct {
	person                 journal.SubjectID
	created, seen, expires time.Time
	source                 string
}

// refuses reports an error of the disk, as against one of what was asked for: a
// person must still be able to log in and see what is wrong.
func refuses(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly) || errors.Is(err, store.ErrIO)
}

// keepInMemory keeps a session that the disk did not take.
func (a *Auth) keepInMemory(key [32]byte, s Session, source netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.inMemory) >= maxInMemory {
		var oldest [32]byte
		var at time.Time
		for k, m := range a.inMemory {
			if at.IsZero() || m.seen.Before(at) {
				oldest, at = k, m.seen
			}
		}
		delete(a.inMemory, oldest)
	}
	a.inMemory[key] = &kept{person: s.Person, created: s.Created, seen: s.Created, expires: s.Expires, source: sourceKey(source)}
}

// fromMemory returns a session that is kept in memory, as Session does.
func (a *Auth) fromMemory(key [32]byte, touch bool) (Session, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.inMemory[key]
	if m == nil {
		return Session{}, false
	}
	now := a.o.Now()
	p := a.o.Office().PersonByID(m.person)
	if p == nil || !now.Before(m.expires) || now.Sub(m.seen) > idleOf(p.Role) {
		delete(a.inMemory, key)
		return Session{}, false
	}
	if touch {
		m.seen = now
	}
	return Session{Person: p.ID, Role: p.Role, Key: keyName(key), Created: m.created, Expires: m.expires}, true
}

// forgetInMemory ends sessions in memory: all of a person's, or the one of key.
func (a *Auth) forgetInMemory(person journal.SubjectID, key [32]byte) (found bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, m := range a.inMemory {
		if k == key || person != "" && m.person == person {
			delete(a.inMemory, k)
			found = true
		}
	}
	return found
}

// end makes a session or token of the disk count no more although it can't be deleted
// yet: Sweep does that when the disk takes it. Those on the disk bound how many
// these can be, as a disk that refuses takes no new ones.
func (a *Auth) end(key [32]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended[key] = true
}

// dropEnded deletes from the disk the sessions and tokens whose end it did not take.
func dropEnded(tx *sql.Tx, ended [][32]byte) error {
	for _, key := range ended {
		for _, drop := range []string{sqlDropSession, sqlDropToken} {
			if _, err := tx.Exec(drop, key[:]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Auth) hasEnded(key [32]byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended[key]
}

// keyName names a session within the box.
func keyName(key [32]byte) string { return hex.EncodeToString(key[:8]) }
