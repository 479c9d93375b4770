package auth

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
)

const (
	sqlAccountByLogin = `SELECT person, hash FROM auth_account WHERE login = ?`
	sqlAccountOf      = `SELECT login FROM auth_account WHERE person = ?`
	sqlHashOf         = `SELECT login, hash FROM auth_account WHERE person = ?`
	sqlPutSession     = `INSERT INTO auth_session (token, person, created, seen, expires, source) VALUES (?, ?, ?, ?, ?, ?)`
	sqlTrimSessions   = `DELETE FROM auth_session WHERE person = ? AND token NOT IN
		(SELECT token FROM auth_session WHERE person = ? ORDER BY seen DESC, rowid DESC LIMIT ?) RETURNING token`
	sqlSession      = `SELECT person, created, seen, expires FROM auth_session WHERE token = ?`
	sqlSeen         = `UPDATE auth_session SET seen = ? WHERE token = ?`
	sqlDropSession  = `DELETE FROM auth_session WHERE token = ?`
	sqlSweepSession = `DELETE FROM auth_session WHERE expires < ? OR seen < ?`
	sqlSweepInvite  = `DELETE FROM auth_invite WHERE expires < ?`
	sqlPutInvite    = `INSERT INTO auth_invite (token, person, expires) VALUES (?, ?, ?)
		ON CONFLICT (person) DO UPDATE SET token = excluded.token, expires = excluded.expires`
	sqlInvite      = `SELECT person, expires FROM auth_invite WHERE token = ?`
	sqlDropAccount = `DELETE FROM auth_account WHERE person = ?`
)

// Statements lists every statement, so that a test can prepare each.
func Statements() []string {
	return []string{sqlPutAccount, sqlAccounts, sqlLoginOwner, sqlDropSessions, sqlDropInvite, sqlAccountByLogin, sqlAccountOf, sqlHashOf,
		sqlPutSession, sqlTrimSessions, sqlSession, sqlSeen, sqlDropSession, sqlSweepSession, sqlSweepInvite,
		sqlPutInvite, sqlInvite, sqlDropAccount, sqlSessionsOf,
		sqlPutToken, sqlCountTokens, sqlTokens, sqlToken, sqlUsedToken, sqlDropToken, sqlDropTokens, sqlSweepToken}
}

// Login checks name and password from source and opens a session. name is the
// user name, or the extension of a person. It returns the session's token, which
// is shown to the browser once and kept only as its SHA-256.
func (a *Auth) Login(ctx context.Context, source netip.Addr, name, password string) (string, Session, error) {
	now := a.o.Now()
	name, err := a.loginName(ctx, name)
	if err != nil {
		return "", Session{}, fmt.Errorf("log in: %w", err)
	}
	src, acc := sourceKey(source), "account:"+name
	if d := max(a.bySource.wait(src, now), a.byAccount.wait(acc, now)); d > 0 {
		return "", Session{}, &WaitError{For: d}
	}
	var person, hash string
	err = a.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlAccountByLogin, name).Scan(&person, &hash)
	})
	unknown := errors.Is(err, sql.ErrNoRows)
	if err != nil && !unknown {
		return "", Session{}, fmt.Errorf("log in: %w", err)
	}
	if unknown {
		hash = noAccount
	}
	right, err := a.hash.verify(ctx, hash, password)
	if err != nil {
		return "", Session{}, fmt.Errorf("log in: %w", err)
	}
	p := a.o.Office().PersonByID(journal.SubjectID(person))
	if unknown || !right || p == nil {
		a.bySource.fail(src, now)
		a.byAccount.fail(acc, now)
		a.o.Record(journal.AccessEvent{What: "login.refused", Who: journal.SubjectID(person), Source: "page"})
		return "", Session{}, ErrWrong
	}
	a.bySource.forget(src)
	a.byAccount.forget(acc)
	return a.Open(ctx, p.ID, source)
}

// loginName turns what was typed into a user name: digits are an extension. Empty: it
// can be none.
func (a *Auth) loginName(ctx context.Context, name string) (string, error) {
	clean, err := CleanLogin(name)
	if err != nil {
		return "", nil
	}
	r, ok := a.o.Office().Resolve(clean)
	if !ok || r.Extension == nil || r.Extension.Target.Kind != office.TargetPerson {
		return clean, nil
	}
	login, err := a.LoginOf(ctx, journal.SubjectID(r.Extension.Target.ID))
	return cmp.Or(login, clean), err
}

// LoginOf returns a person's user name, empty if there is no account.
func (a *Auth) LoginOf(ctx context.Context, person journal.SubjectID) (string, error) {
	var login string
	err := a.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlAccountOf, string(person)).Scan(&login)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return login, err
}

// CheckPassword says whether password is the person's present one, for changing
// it: ErrWrong where it is not or the person has no account (any more). Wrong ones
// count against source.
func (a *Auth) CheckPassword(ctx context.Context, person journal.SubjectID, source netip.Addr, password string) error {
	now := a.o.Now()
	src := sourceKey(source)
	if d := a.bySource.wait(src, now); d > 0 {
		return &WaitError{For: d}
	}
	var login, hash string
	err := a.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlHashOf, string(person)).Scan(&login, &hash)
	})
	if errors.Is(err, sql.ErrNoRows) {
		a.bySource.fail(src, now)
		return ErrWrong
	}
	if err != nil {
		return fmt.Errorf("check password: %w", err)
	}
	right, err := a.hash.verify(ctx, hash, password)
	if err == nil && !right {
		a.bySource.fail(src, now)
		return ErrWrong
	}
	return err
}

// Open opens a session for a person who has proved to be that person. Where the disk
// refuses, the session lasts until the program ends.
func (a *Auth) Open(ctx context.Context, person journal.SubjectID, source netip.Addr) (string, Session, error) {
	token, now := newToken(), a.o.Now()
	key := digest(token)
	s := Session{Person: person, Key: keyName(key), Created: now, Expires: now.Add(AbsoluteMax)}
	if p := a.o.Office().PersonByID(person); p != nil {
		s.Role = p.Role
	}
	var trimmed [][32]byte
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, sqlPutSession, key[:], string(person), now.Unix(), now.Unix(), s.Expires.Unix(), sourceKey(source)); err != nil {
			return err
		}
		var err error
		trimmed, err = trimSessions(ctx, tx, person)
		return err
	})
	switch {
	case store.Refused(err):
		a.keepInMemory(key, s, source)
	case err != nil:
		return "", Session{}, fmt.Errorf("open session: %w", err)
	default:
		a.forget(trimmed...)
		a.rememberNew(key, s)
	}
	a.o.Record(journal.AccessEvent{What: "login", Who: person, Source: "page"})
	return token, s, nil
}

// trimSessions deletes a person's oldest sessions above maxSessions and returns which.
func trimSessions(ctx context.Context, tx *sql.Tx, person journal.SubjectID) (gone [][32]byte, err error) {
	rows, err := tx.QueryContext(ctx, sqlTrimSessions, string(person), string(person), maxSessions)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var token []byte
		if err := rows.Scan(&token); err != nil {
			return nil, err
		}
		gone = append(gone, [32]byte(token))
	}
	return gone, rows.Err()
}

// Session returns the session of a token. ErrNoSession if there is none, it expired, or
// its person left the office; ErrUnread if the database can't be read and the session was
// not seen since the start. With touch it counts as a sign of life.
func (a *Auth) Session(ctx context.Context, token string, touch bool) (Session, error) {
	if len(token) != 43 {
		return Session{}, ErrNoSession
	}
	key := digest(token)
	if s, ok := a.fromMemory(key, touch); ok {
		return s, nil
	}
	m, err := a.look(ctx, key, a.sessions, readSession)
	if err != nil {
		return Session{}, err
	}
	now := a.o.Now()
	p := a.o.Office().PersonByID(m.person)
	if p == nil || !now.Before(m.expires) || now.Sub(m.seen) > idleOf(p.Role) {
		return Session{}, ErrNoSession
	}
	if touch {
		a.touch(ctx, key, now)
	}
	return Session{Person: p.ID, Role: p.Role, Key: keyName(key), Created: m.created, Expires: m.expires}, nil
}

// readSession reads a session of the disk.
func readSession(ctx context.Context, tx *sql.Tx, key [32]byte) (kept, error) {
	var person string
	var created, seen, expires int64
	err := tx.QueryRowContext(ctx, sqlSession, key[:]).Scan(&person, &created, &seen, &expires)
	return kept{person: journal.SubjectID(person), created: time.Unix(created, 0), seen: time.Unix(seen, 0), expires: time.Unix(expires, 0)}, err
}

func idleOf(r office.Role) time.Duration {
	if r == office.RoleTechnician || r == office.RoleManager {
		return IdleChief
	}
	return IdleOthers
}

// touch writes "seen" at most once a minute per session.
func (a *Auth) touch(ctx context.Context, key [32]byte, now time.Time) {
	a.mu.Lock()
	m := a.sessions[key] // nil: it ended meanwhile
	due := m != nil && (now.Sub(m.seen) >= seenInterval || now.Before(m.seen))
	if due {
		m.seen = now
	}
	a.mu.Unlock()
	if !due {
		return
	}
	// A disk that refuses must not log people out: the sign of life counts as long as the
	// program runs, and Sweep writes it when the disk takes it.
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(sqlSeen, now.Unix(), key[:])
		return err
	})
	a.owe(key, err != nil)
}

// Logout ends a session; where the disk refuses, until the program ends.
func (a *Auth) Logout(ctx context.Context, token string) error {
	key := digest(token)
	if a.forgetInMemory(key) {
		return nil
	}
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlDropSession, key[:])
		return err
	})
	if err == nil {
		a.forget(key)
		return nil
	}
	if _, unknown := a.Session(ctx, token, false); unknown == nil { // anybody may ask with any token
		a.end(key)
	}
	if store.Refused(err) {
		return nil
	}
	return err
}

// Invite makes a one-time code with which a person sets a password; an older one
// of the same person stops working.
func (a *Auth) Invite(ctx context.Context, person, by journal.SubjectID) (code string, expires time.Time, err error) {
	code = newInvite()
	expires = a.o.Now().Add(InviteLasts)
	key := digest(tidyCode(code))
	err = a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlPutInvite, key[:], string(person), expires.Unix())
		return err
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("invite: %w", err)
	}
	a.o.Record(journal.AccessEvent{What: "invite", Who: by, About: person, Source: "page"})
	return code, expires, nil
}

// newInvite returns 100 random bits as four groups of five characters.
func newInvite() string { return newCode() + "-" + newCode() }

// Invited returns whom an invitation is for. Unknown codes count against source.
func (a *Auth) Invited(ctx context.Context, source netip.Addr, code string) (journal.SubjectID, error) {
	now, src := a.o.Now(), sourceKey(source)
	if d := a.bySource.wait(src, now); d > 0 {
		return "", &WaitError{For: d}
	}
	key := digest(tidyCode(code))
	var person string
	var expires int64
	err := a.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlInvite, key[:]).Scan(&person, &expires)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look up invitation: %w", err)
	}
	if err != nil || now.Unix() >= expires || a.o.Office().PersonByID(journal.SubjectID(person)) == nil {
		a.bySource.fail(src, now)
		return "", ErrInvite
	}
	return journal.SubjectID(person), nil
}

// Sweep deletes what expired, and the sessions and tokens whose end the disk did not take
// before; signs of life that it did not take are written.
// Call it every few minutes.
func (a *Auth) Sweep(ctx context.Context) error {
	now := a.o.Now()
	a.mu.Lock()
	for _, list := range []map[[32]byte]*kept{a.inMemory, a.sessions} {
		maps.DeleteFunc(list, func(_ [32]byte, m *kept) bool { return !now.Before(m.expires) || now.Sub(m.seen) > IdleOthers })
	}
	maps.DeleteFunc(a.tokens, func(_ [32]byte, m *kept) bool { return !now.Before(m.expires) })
	ended, owed := slices.Collect(maps.Keys(a.ended)), map[[32]byte]time.Time{}
	for key, m := range a.sessions {
		if m.owed {
			owed[key] = m.seen
		}
	}
	a.mu.Unlock()
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if err := errors.Join(dropEnded(tx, ended), payOwed(tx, owed)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlSweepSession, now.Unix(), now.Add(-IdleOthers).Unix()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlSweepToken, now.Add(-overTokens).Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, sqlSweepInvite, now.Unix())
		return err
	})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, key := range ended {
		delete(a.ended, key)
	}
	for key, seen := range owed {
		if m := a.sessions[key]; m != nil && m.seen.Equal(seen) {
			m.owed = false
		}
	}
	return nil
}
