// Package auth says who is looking at the pages: the claim of a new box,
// passwords, sessions, one-time invitations and the back-off against guessing. It
// owns the tables auth_account, auth_session, auth_invite and auth_token. Roles are
// not kept here: they stand in the office document, so that a change of role counts
// at once. It starts no goroutine; Sweep is called from time to time.
package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
)

// Lifetimes of sessions and invitations.
const (
	// A technician or manager may change the box: shorter.
	IdleChief    = 2 * time.Hour
	AbsoluteMax  = 7 * 24 * time.Hour
	IdleOthers   = 14 * time.Hour // a working day with its breaks
	InviteLasts  = 72 * time.Hour
	seenInterval = time.Minute // how often "last seen" is written
	maxSessions  = 20          // per person; the oldest goes
)

// Errors a person can do something about.
var (
	ErrWrong      = errors.New("name or password is wrong")
	ErrClaimed    = errors.New("the box is claimed already")
	ErrNotOpen    = errors.New("the box can't be claimed now")
	ErrWrongCode  = errors.New("the code is wrong")
	ErrInvite     = errors.New("the invitation is unknown, used or too old")
	ErrLoginTaken = errors.New("this user name is taken")
	ErrLoginForm  = errors.New("a user name has 2 to 40 letters, digits, dots or dashes")

	// ErrNoSession: nobody is logged in by this token (any more).
	ErrNoSession = errors.New("the session is unknown, ended or too old")
	// ErrUnread: the database can't be read, so that nobody knows. It is no answer: not
	// that somebody is logged out, nor that a password is wrong or the box nobody's.
	ErrUnread = errors.New("who may come in can't be read")
)

// WaitError says that guessing goes too fast.
type WaitError struct{ For time.Duration }

func (e *WaitError) Error() string { return fmt.Sprintf("too many attempts, wait %s", e.For) }

// Options of an Auth; all but ClaimCode are required.
type Options struct {
	DB     *store.DB
	Now    func() time.Time
	Office func() *office.Document
	// PairingUntil tells until when the button's window lasts.
	PairingUntil func() time.Time
	// ClaimCode is the one-time code of a box that belongs to nobody; empty: one is made.
	ClaimCode string
	// Record journals a login, a refusal, a claim.
	Record func(journal.AccessEvent)
}

// Auth checks who somebody is. Its methods may be called from any goroutine.
type Auth struct {
	o         Options
	hash      *hasher
	bySource  *backoff
	byAccount *backoff
	byToken   *backoff // of its own: a program's old token keeps nobody from logging in
	claimCode string

	mu         sync.Mutex
	resetUntil time.Time
	inMemory   map[[32]byte]*kept // sessions that the disk did not take
	sessions   map[[32]byte]*kept // of those that it has, what was read since the start
	tokens     map[[32]byte]*kept // the same of tokens
	ended      map[[32]byte]bool  // sessions and tokens whose end it did not take
	endings    uint64             // how often something ended: what was read before is not remembered after
}

// Session is one login of one person, or one of his programs with a token.
type Session struct {
	Person  journal.SubjectID
	Role    office.Role
	Key     string // names the session within the box, not the token
	Scopes  Scopes // what a token is good for; empty for a login
	Created time.Time
	Expires time.Time // absolute
}

// Migrations are the tables of this package.
func Migrations() []store.Migration {
	return []store.Migration{{Domain: "auth", Version: 1, SQL: []string{
		`CREATE TABLE auth_account (
			person  TEXT PRIMARY KEY,
			login   TEXT NOT NULL UNIQUE,
			hash    TEXT NOT NULL,
			changed INTEGER NOT NULL
		) STRICT`,
		`CREATE TABLE auth_session (
			token   BLOB PRIMARY KEY,
			person  TEXT NOT NULL,
			created INTEGER NOT NULL,
			seen    INTEGER NOT NULL,
			expires INTEGER NOT NULL,
			source  TEXT NOT NULL
		) STRICT`,
		`CREATE INDEX auth_session_person ON auth_session (person)`,
		`CREATE TABLE auth_invite (
			token   BLOB PRIMARY KEY,
			person  TEXT NOT NULL UNIQUE,
			expires INTEGER NOT NULL
		) STRICT`,
	}}, {Domain: "auth", Version: 2, SQL: tokenTable}}
}

// New checks the options.
func New(o Options) (*Auth, error) {
	if o.DB == nil || o.Now == nil || o.Office == nil || o.PairingUntil == nil || o.Record == nil {
		return nil, errors.New("auth: an option is missing")
	}
	a := &Auth{o: o, hash: newHasher(), bySource: newBackoff(15 * time.Minute), byAccount: newBackoff(time.Minute), byToken: newBackoff(15 * time.Minute),
		claimCode: cmp.Or(o.ClaimCode, newCode()), inMemory: map[[32]byte]*kept{}, sessions: map[[32]byte]*kept{}, tokens: map[[32]byte]*kept{},
		ended: map[[32]byte]bool{}}
	return a, nil
}

// newToken returns 32 random bytes as text.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// SameCode compares what a person typed with a code.
func SameCode(typed, code string) bool {
	return subtle.ConstantTimeCompare([]byte(tidyCode(typed)), []byte(tidyCode(code))) == 1
}

// NewCode returns a code to be read and typed: 50 random bits as "ABCDE-FGHJK".
func NewCode() string { return newCode() }

// newCode returns 50 random bits as "ABCDE-FGHJK", to be read and typed.
func newCode() string {
	b := make([]byte, 7)
	rand.Read(b)
	s := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
	return s[:5] + "-" + s[5:10]
}

// tidyCode undoes what people do to a code when they type it: lower case, spaces,
// a dash more or less, 0 for O, 1 for I.
func tidyCode(s string) string {
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToUpper(r); {
		case r == '0':
			return 'O'
		case r == '1':
			return 'I'
		case r >= 'A' && r <= 'Z' || r >= '2' && r <= '7':
			return r
		}
		return -1
	}, s)
}

func digest(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// CleanLogin returns a user name in its one form, or ErrLoginForm.
func CleanLogin(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if n := len([]rune(s)); n < 2 || n > 40 {
		return "", ErrLoginForm
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_@", r) {
			return "", ErrLoginForm
		}
	}
	return s, nil
}

// read reads of the database: nil, sql.ErrNoRows, or an error that is ErrUnread.
func (a *Auth) read(ctx context.Context, fn func(tx *sql.Tx) error) error {
	err := a.o.DB.Read(ctx, fn)
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnread, err)
}

// Claimed reports whether anybody has an account. With ErrUnread nobody knows.
func (a *Auth) Claimed(ctx context.Context) (bool, error) {
	var n int
	err := a.read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, sqlAccounts).Scan(&n)
	})
	return n > 0, err
}

// ClaimCode is the one-time code that serve prints while the box is unclaimed. It
// lasts as long as the program runs, if no other one was given, and ends with the claim.
func (a *Auth) ClaimCode() string { return a.claimCode }

// AtBox reports whether somebody at source counts as standing before the box: its
// button has opened the window and the browser is on the LAN.
func (a *Auth) AtBox(source netip.Addr) bool {
	return OnLAN(source) && a.o.Now().Before(a.o.PairingUntil())
}

// OpenReset opens the window in which a technician's password may be set anew
// from the LAN (button held 15 to 20 s).
func (a *Auth) OpenReset(lasts time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.resetUntil = a.o.Now().Add(lasts)
	a.o.Record(journal.AccessEvent{What: "reset.open", Source: "button"})
}

// ResetOpen reports whether that window is open for a browser at source.
func (a *Auth) ResetOpen(source netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return OnLAN(source) && a.o.Now().Before(a.resetUntil)
}

// CloseReset ends that window: a password was set anew.
func (a *Auth) CloseReset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.resetUntil = time.Time{}
}

// StageClaim returns the write that makes a claim fail with ErrClaimed if somebody
// else was faster; it goes first in the claim's transaction.
func (a *Auth) StageClaim() func(tx *sql.Tx) error {
	return func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRow(sqlAccounts).Scan(&n); err != nil {
			return fmt.Errorf("look for accounts: %w", err)
		}
		if n > 0 {
			return ErrClaimed
		}
		return nil
	}
}

// StageInvited returns the write that makes the use of an invitation fail with
// ErrInvite if it was used or replaced meanwhile; it goes first in the transaction
// that gives the account.
func (a *Auth) StageInvited(person journal.SubjectID, code string) func(tx *sql.Tx) error {
	key, now := digest(tidyCode(code)), a.o.Now().Unix()
	return func(tx *sql.Tx) error {
		var who string
		var expires int64
		err := tx.QueryRow(sqlInvite, key[:]).Scan(&who, &expires)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (who != string(person) || now >= expires) {
			return ErrInvite
		}
		return err
	}
}

// MayClaim says whether source may claim the box now with this code (which may be
// empty while the window is open). It counts wrong codes.
func (a *Auth) MayClaim(ctx context.Context, source netip.Addr, code string) error {
	claimed, err := a.Claimed(ctx)
	switch {
	case err != nil:
		return err
	case a.ResetOpen(source):
		return nil
	case claimed:
		return ErrClaimed
	case a.AtBox(source):
		return nil
	case strings.TrimSpace(code) == "":
		return ErrNotOpen
	}
	now := a.o.Now()
	if d := a.bySource.wait(sourceKey(source), now); d > 0 {
		return &WaitError{For: d}
	}
	if !SameCode(code, a.claimCode) {
		a.bySource.fail(sourceKey(source), now)
		a.o.Record(journal.AccessEvent{What: "claim.refused", Source: "page"})
		return ErrWrongCode
	}
	return nil
}

// HashPassword checks and hashes a new password.
func (a *Auth) HashPassword(ctx context.Context, login, password string) (string, error) {
	if err := CheckNewPassword(login, password); err != nil {
		return "", err
	}
	return a.hash.hash(ctx, password)
}

const (
	sqlPutAccount = `INSERT INTO auth_account (person, login, hash, changed) VALUES (?, ?, ?, ?)
		ON CONFLICT (person) DO UPDATE SET login = excluded.login, hash = excluded.hash, changed = excluded.changed`
	sqlAccounts     = `SELECT count(*) FROM auth_account`
	sqlLoginOwner   = `SELECT person FROM auth_account WHERE login = ?`
	sqlDropSessions = `DELETE FROM auth_session WHERE person = ?`
	sqlDropInvite   = `DELETE FROM auth_invite WHERE person = ?`
)

// StageAccount returns the write that gives a person an account, for Edit.With or
// a transaction of its own. Sessions and invitations of the person end.
func (a *Auth) StageAccount(person journal.SubjectID, login, hash string) func(tx *sql.Tx) error {
	now := a.o.Now().Unix()
	return func(tx *sql.Tx) error {
		var owner string
		err := tx.QueryRow(sqlLoginOwner, login).Scan(&owner)
		switch {
		case errors.Is(err, sql.ErrNoRows), err == nil && owner == string(person):
		case err != nil:
			return fmt.Errorf("look up user name: %w", err)
		case a.o.Office().PersonByID(journal.SubjectID(owner)) != nil:
			return ErrLoginTaken
		default: // its owner left the office
			if _, err := tx.Exec(sqlDropAccount, owner); err != nil {
				return fmt.Errorf("free user name: %w", err)
			}
		}
		if _, err := tx.Exec(sqlPutAccount, string(person), login, hash, now); err != nil {
			return fmt.Errorf("keep account: %w", err)
		}
		if _, err := tx.Exec(sqlDropSessions, string(person)); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		a.o.DB.AfterCommit(func() { a.forgetSessions(person) })
		_, err = tx.Exec(sqlDropInvite, string(person))
		return err
	}
}

// SetPassword gives a person a new password and ends all of the person's sessions.
func (a *Auth) SetPassword(ctx context.Context, person journal.SubjectID, login, password string) error {
	login, err := CleanLogin(login)
	if err != nil {
		return err
	}
	hash, err := a.HashPassword(ctx, login, password)
	if err != nil {
		return err
	}
	if err := a.o.DB.Write(ctx, a.StageAccount(person, login, hash)); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	a.o.Record(journal.AccessEvent{What: "password.set", Who: person, Source: "page"})
	return nil
}
