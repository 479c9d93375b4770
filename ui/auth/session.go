package auth

import (
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
)

const (
	sqlAccountByLogin = `SELECT person, hash FROM auth_account WHERE login = ?`
	sqlAccountOf      = `SELECT login FROM auth_account WHERE person = ?`
	sqlHashOf         = `SELECT login, hash FROM auth_account WHERE person = ?`
	sqlPutSession     = `INSERT INTO auth_session (token, person, created, seen, expires, source) VALUES (?, ?, ?, ?, ?, ?)`
	sqlTrimSessions   = `DELETE FROM auth_session WHERE person = ? AND token NOT IN
		(SELECT token FROM auth_session WHERE person = ? ORDER BY seen DESC, rowid DESC LIMIT ?)`
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
	name = a.loginName(ctx, name)
	src, acc := sourceKey(source), "account:"+name
	if d := max(a.bySource.wait(src, now), a.byAccount.wait(acc, now)); d > 0 {
		return "", Session{}, &WaitError{For: d}
	}
	var person, hash string
	err := a.o.DB.Read(ctx, func(tx *sql.Tx) error {
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

// loginName turns what was typed into a user name: digits are an extension.
func (a *Auth) loginName(ctx context.Context, name string) string {
	clean, err := CleanLogin(name)
	if err != nil {
		return ""
	}
	r, ok := a.o.Office().Resolve(clean)
	if !ok || r.Extension == nil || r.Extension.Target.Kind != office.TargetPerson {
		return clean
	}
	if login, err := a.LoginOf(ctx, journal.SubjectID(r.Extension.Target.ID)); err == nil && login != "" {
		return login
	}
	return clean
}

// LoginOf returns a person's user name, empty if there is no account.
func (a *Auth) LoginOf(ctx context.Context, person journal.SubjectID) (string, error) {
	var login string
	err := a.o.DB.Read(ctx, func(tx *sql.Tx) error {
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
	err := a.o.DB.Read(ctx, func(tx *sql.Tx) error {
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
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, sqlPutSession, key[:], string(person), now.Unix(), now.Unix(), s.Expires.Unix(), sourceKey(source)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, sqlTrimSessions, string(person), string(person), maxSessions)
		return err
	})
	switch {
	case refuses(err):
		a.keepInMemory(key, s, source)
	case err != nil:
		return "", Session{}, fmt.Errorf("open session: %w", err)
	}
	a.o.Record(journal.AccessEvent{What: "login", Who: person, Source: "page"})
	return token, s, nil
}

// Session returns the session of a token; false if there is none, it expired, or
// its person left the office. With touch it counts as a sign of life.
func (a *Auth) Session(ctx context.Context, token string, touch bool) (Session, bool) {
	if len(token) != 43 {
		return Session{}, false
	}
	key := digest(token)
	if s, ok := a.fromMemory(key, touch); ok || a.hasEnded(key) {
		return s, ok
	}
	var person string
	var created, seen, expires int64
	err := a.o.DB.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlSession, key[:]).Scan(&person, &created, &seen, &expires)
	})
	if err != nil {
		return Session{}, false
	}
	now := a.o.Now()
	p := a.o.Office().PersonByID(journal.SubjectID(person))
	if p == nil || now.Unix() >= expires || now.Sub(time.Unix(seen, 0)) > idleOf(p.Role) {
		return Session{}, false
	}
	if touch {
		a.touch(ctx, key, now)
	}
	return Session{Person: p.ID, Role: p.Role, Key: keyName(key),
		Created: time.Unix(created, 0), Expires: time.Unix(expires, 0)}, true
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
	last, known := a.seen[key]
	due := !known || now.Sub(last) >= seenInterval || now.Before(last)
	if due {
		a.seen[key] = now
	}
	a.mu.Unlock()
	if !due {
		return
	}
	// A disk that refuses must not log people out; the session ends a little early.
	_ = a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(sqlSeen, now.Unix(), key[:])
		return err
	})
}

// Logout ends a session; where the disk refuses, until the program ends.
func (a *Auth) Logout(ctx context.Context, token string) error {
	key := digest(token)
	a.mu.Lock()
	delete(a.seen, key)
	a.mu.Unlock()
	if a.forgetInMemory("", key) {
		return nil
	}
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlDropSession, key[:])
		return err
	})
	if refuses(err) {
		if _, ok := a.Session(ctx, token, false); ok { // anybody may ask with any token
			a.end(key)
		}
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
	err := a.o.DB.Read(ctx, func(tx *sql.Tx) error {
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

// Sweep deletes what expired, and the sessions and tokens whose end the disk did not take before.
// Call it every few minutes.
func (a *Auth) Sweep(ctx context.Context) error {
	now := a.o.Now()
	a.mu.Lock()
	for k, t := range a.seen {
		if now.Sub(t) > seenInterval {
			delete(a.seen, k)
		}
	}
	for k, m := range a.inMemory {
		if !now.Before(m.expires) || now.Sub(m.seen) > IdleOthers {
			delete(a.inMemory, k)
		}
	}
	ended := slices.Collect(maps.Keys(a.ended))
	a.mu.Unlock()
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if err := dropEnded(tx, ended); err != nil {
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
	return nil
}
