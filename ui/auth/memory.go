package auth

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"maps"
	"net/netip"
	"time"

	"centralino/internal/journal"
)

// A person must still be able to log in when the disk refuses, and who is logged in must
// stay so when it can't be read: that is when somebody has to see what is wrong.

// Bounds of what is kept in memory; the one that was used least recently goes.
const (
	maxInMemory   = 50   // sessions that a disk which refuses leaves here alone
	maxRemembered = 1000 // of those on the disk: fifty people with twenty each
)

// kept is a session or a token in memory: all there is of it, or what was read of it. It
// lasts as long as the program runs at most.
type kept struct {
	person                 journal.SubjectID
	created, seen, expires time.Time
	source                 string // of one that the disk did not take
	scopes                 Scopes // of a token
	day                    string // on which a token was used last
	owed                   bool   // the disk did not take seen: Sweep tries again
}

// makeRoom lets the one that was used least recently go if there are so many.
func makeRoom(list map[[32]byte]*kept, most int) {
	if len(list) < most {
		return
	}
	var oldest [32]byte
	var at time.Time
	first := true
	for k, m := range list {
		if first || m.seen.Before(at) {
			oldest, at, first = k, m.seen, false
		}
	}
	delete(list, oldest)
}

// keepInMemory keeps a session that the disk did not take.
func (a *Auth) keepInMemory(key [32]byte, s Session, source netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	makeRoom(a.inMemory, maxInMemory)
	a.inMemory[key] = &kept{person: s.Person, created: s.Created, seen: s.Created, expires: s.Expires, source: sourceKey(source)}
}

// rememberNew remembers a session that the disk has just taken.
func (a *Auth) rememberNew(key [32]byte, s Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	makeRoom(a.sessions, maxRemembered)
	a.sessions[key] = &kept{person: s.Person, created: s.Created, seen: s.Created, expires: s.Expires}
}

// fromMemory returns a session that is in memory alone, as Session does.
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

// look reads a session or a token and remembers it in list; where it can't be read, what
// is remembered counts. ErrNoSession if there is none or it ended, ErrUnread if nobody
// knows. A sign of life that the disk did not take counts, too.
func (a *Auth) look(ctx context.Context, key [32]byte, list map[[32]byte]*kept, row func(context.Context, *sql.Tx, [32]byte) (kept, error)) (kept, error) {
	a.mu.Lock()
	ended, endings := a.ended[key], a.endings
	a.mu.Unlock()
	if ended {
		return kept{}, ErrNoSession
	}
	var found kept
	err := a.read(ctx, func(tx *sql.Tx) (err error) {
		found, err = row(ctx, tx, key)
		return err
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	m := list[key]
	switch {
	case errors.Is(err, sql.ErrNoRows):
		delete(list, key)
		return kept{}, ErrNoSession
	case err != nil && m == nil:
		return kept{}, err
	case err != nil:
		return *m, nil
	case m != nil:
		if m.seen.After(found.seen) {
			found.seen = m.seen
		}
		found.day, found.owed = m.day, m.owed
		*m = found
	case endings == a.endings: // else it may have ended since it was read
		makeRoom(list, maxRemembered)
		list[key] = &found
	}
	return found, nil
}

// remembered are a person's sessions that count while the disk can't be read.
func (a *Auth) remembered(person journal.SubjectID) (out []OpenSession) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, list := range []map[[32]byte]*kept{a.sessions, a.inMemory} {
		for key, m := range list {
			if m.person == person {
				out = append(out, OpenSession{Key: keyName(key), token: key})
			}
		}
	}
	return out
}

// rememberedToken is the token of this id that counts while the disk can't be read, of
// this person alone where owner is not empty; the zero Token if there is none.
func (a *Auth) rememberedToken(id string, owner journal.SubjectID) (key [32]byte, t Token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, m := range a.tokens {
		if keyName(key) == id && (owner == "" || m.person == owner) {
			return key, Token{ID: id, Person: m.person}
		}
	}
	return key, t
}

// forgetInMemory ends a session that is in memory alone, and says whether it was.
func (a *Auth) forgetInMemory(key [32]byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inMemory[key] == nil {
		return false
	}
	delete(a.inMemory, key)
	return true
}

// forgetSessions ends all of a person's sessions in memory: those on the disk have ended.
func (a *Auth) forgetSessions(person journal.SubjectID) {
	a.forgetOf(person, a.sessions, a.inMemory)
}

func (a *Auth) forgetOf(person journal.SubjectID, lists ...map[[32]byte]*kept) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.endings++
	for _, list := range lists {
		maps.DeleteFunc(list, func(_ [32]byte, m *kept) bool { return m.person == person })
	}
}

// forget remembers sessions and tokens no more that have ended on the disk.
func (a *Auth) forget(keys ...[32]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(keys)
}

func (a *Auth) drop(keys [][32]byte) {
	a.endings++
	for _, key := range keys {
		delete(a.sessions, key)
		delete(a.tokens, key)
	}
}

// end makes a session or token of the disk count no more although it can't be deleted
// yet: Sweep does that when the disk takes it. Those on the disk bound how many
// these can be, as a disk that refuses takes no new ones.
func (a *Auth) end(key [32]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended[key] = true
	a.drop([][32]byte{key})
}

// owe notes whether the disk still has to take a session's last sign of life.
func (a *Auth) owe(key [32]byte, owed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.sessions[key]; m != nil {
		m.owed = owed
	}
}

// payOwed writes the signs of life that the disk did not take.
func payOwed(tx *sql.Tx, owed map[[32]byte]time.Time) error {
	for key, seen := range owed {
		if _, err := tx.Exec(sqlSeen, seen.Unix(), key[:]); err != nil {
			return err
		}
	}
	return nil
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
