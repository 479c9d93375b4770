package auth

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/store"
)

// Scope is one thing that a token is good for.
type Scope string

// Scopes of tokens.
const (
	ScopeEvents    Scope = "events"    // hears what happens to calls
	ScopeDial      Scope = "dial"      // calls customers who called or asked
	ScopeCustomers Scope = "customers" // reads their cards, and who is to be called back
)

// AllScopes lists what a token can be good for.
func AllScopes() []Scope { return []Scope{ScopeEvents, ScopeDial, ScopeCustomers} }

// Scopes is a set of scopes as it is kept: "dial events". Empty: not a token.
type Scopes string

// Has says whether a scope is in the set.
func (s Scopes) Has(one Scope) bool { return slices.Contains(strings.Fields(string(s)), string(one)) }

// List returns the set in the order of AllScopes.
func (s Scopes) List() []Scope {
	return slices.DeleteFunc(AllScopes(), func(one Scope) bool { return !s.Has(one) })
}

// ScopesOf makes a set; false if a word is no scope, or if there is none.
func ScopesOf(words []string) (Scopes, bool) {
	for _, w := range words {
		if !slices.Contains(AllScopes(), Scope(w)) {
			return "", false
		}
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(words)))
	return Scopes(strings.Join(sorted, " ")), len(sorted) > 0
}

// Limits of tokens.
const (
	TokenYear     = 365 * 24 * time.Hour // a token lasts so long by default, and at most
	MaxTokens     = 20                   // per person
	overTokens    = 30 * 24 * time.Hour  // so long one that is over stays on the list
	tokenPrefix   = "ctk_"               // says to people and to secret scanners what it is
	tokenLength   = len(tokenPrefix) + 43
	maxTokenName  = 60 // characters
	tokenIDLength = 16
)

// Errors of tokens that a person or a program can do something about.
var (
	ErrToken     = errors.New("the token is unknown, revoked or over")
	ErrTokens    = errors.New("the person has too many tokens")
	ErrTokenForm = errors.New("a token needs a name, a scope and an end within a year")
)

// Token is a person's token as lists show it: not the token itself, which only its
// maker saw.
type Token struct {
	ID      string // names it within the box
	Person  journal.SubjectID
	Name    string
	Scopes  Scopes
	Created time.Time
	Expires time.Time
	Used    string // the last day in the office's time, "2026-03-01"; empty: never
}

// NewToken is what a token shall be.
type NewToken struct {
	Person journal.SubjectID
	Name   string
	Scopes Scopes
	Lasts  time.Duration
}

const (
	sqlPutToken    = `INSERT INTO auth_token (token, id, person, name, scopes, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)`
	sqlCountTokens = `SELECT count(*) FROM auth_token WHERE person = ?`
	sqlTokens      = `SELECT token, id, person, name, scopes, created, expires, used FROM auth_token`
	sqlToken       = `SELECT person, scopes, created, expires FROM auth_token WHERE token = ?`
	sqlUsedToken   = `UPDATE auth_token SET used = ? WHERE token = ?`
	sqlDropToken   = `DELETE FROM auth_token WHERE token = ?`
	sqlDropTokens  = `DELETE FROM auth_token WHERE person = ?`
	sqlSweepToken  = `DELETE FROM auth_token WHERE expires < ?`
)

// tokenTable keeps tokens by their SHA-256.
var tokenTable = []string{
	`CREATE TABLE auth_token (
		token   BLOB PRIMARY KEY,
		id      TEXT NOT NULL UNIQUE,
		person  TEXT NOT NULL,
		name    TEXT NOT NULL,
		scopes  TEXT NOT NULL,
		created INTEGER NOT NULL,
		expires INTEGER NOT NULL,
		used    TEXT NOT NULL DEFAULT ''
	) STRICT`,
	`CREATE INDEX auth_token_person ON auth_token (person)`,
}

// MakeToken gives a person a token. Its text is returned this once and kept only as its
// SHA-256. ErrTokenForm, ErrTokens, or an error of the disk.
func (a *Auth) MakeToken(ctx context.Context, n NewToken) (string, Token, error) {
	n.Name = strings.TrimSpace(n.Name)
	scopes, ok := ScopesOf(strings.Fields(string(n.Scopes)))
	if size := len([]rune(n.Name)); !ok || size == 0 || size > maxTokenName || n.Lasts <= 0 || n.Lasts > TokenYear {
		return "", Token{}, ErrTokenForm
	}
	text, now := tokenPrefix+newToken(), a.o.Now()
	key := digest(text)
	t := Token{ID: keyName(key), Person: n.Person, Name: n.Name, Scopes: scopes, Created: now, Expires: now.Add(n.Lasts)}
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		var have int
		if err := tx.QueryRowContext(ctx, sqlCountTokens, string(n.Person)).Scan(&have); err != nil {
			return err
		}
		if have >= MaxTokens {
			return ErrTokens
		}
		_, err := tx.ExecContext(ctx, sqlPutToken, key[:], t.ID, string(t.Person), t.Name, string(t.Scopes), t.Created.Unix(), t.Expires.Unix())
		return err
	})
	if err != nil {
		return "", Token{}, fmt.Errorf("make token: %w", err)
	}
	a.o.Record(journal.AccessEvent{What: "token.made", Who: n.Person, Source: "page"})
	return text, t, nil
}

// Token returns who stands behind a token and what it is good for: a Session with
// Scopes and the role that the person has now. ErrToken; ErrUnread if the database can't be
// read and the token was not seen since the start; or a WaitError where a source
// sent too many that are wrong: then one that was good before is looked at still, so
// that a program which was never told of its token's end keeps nobody else waiting.
func (a *Auth) Token(ctx context.Context, source netip.Addr, text string) (Session, error) {
	now, src := a.o.Now(), sourceKey(source)
	if d := a.byToken.wait(src, now); d > 0 && !a.goodBefore(text) {
		return Session{}, &WaitError{For: d}
	}
	s, err := a.holder(ctx, text)
	switch {
	case errors.Is(err, ErrToken):
		a.byToken.fail(src, now)
		a.forget(digest(text))
		a.o.Record(journal.AccessEvent{What: "token.refused", Who: s.Person, Source: "api"})
		return Session{}, ErrToken
	case err != nil:
		return Session{}, fmt.Errorf("look up token: %w", err)
	}
	a.useToken(ctx, digest(text), now)
	return s, nil
}

// Holder is Token for a program that has come in already: it neither counts nor marks
// the token as used.
func (a *Auth) Holder(ctx context.Context, text string) (Session, error) { return a.holder(ctx, text) }

// holder reads who has a token. With ErrToken the person of a token that is over may be
// known.
func (a *Auth) holder(ctx context.Context, text string) (Session, error) {
	if len(text) != tokenLength || !strings.HasPrefix(text, tokenPrefix) {
		return Session{}, ErrToken
	}
	key := digest(text)
	m, err := a.look(ctx, key, a.tokens, readToken)
	if errors.Is(err, ErrNoSession) {
		return Session{}, ErrToken
	}
	if err != nil {
		return Session{}, err
	}
	p := a.o.Office().PersonByID(m.person)
	if p == nil || !a.o.Now().Before(m.expires) {
		return Session{Person: m.person}, ErrToken
	}
	return Session{Person: p.ID, Role: p.Role, Key: keyName(key), Scopes: m.scopes, Created: m.created, Expires: m.expires}, nil
}

// readToken reads a token of the disk.
func readToken(ctx context.Context, tx *sql.Tx, key [32]byte) (kept, error) {
	var person, scopes string
	var created, expires int64
	err := tx.QueryRowContext(ctx, sqlToken, key[:]).Scan(&person, &scopes, &created, &expires)
	return kept{person: journal.SubjectID(person), scopes: Scopes(scopes), created: time.Unix(created, 0), expires: time.Unix(expires, 0)}, err
}

// goodBefore says whether a token was good since the program started.
func (a *Auth) goodBefore(text string) bool {
	key := digest(text)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tokens[key] != nil
}

// useToken writes the day on which a token was used, once a day. A disk that refuses
// keeps nobody out.
func (a *Auth) useToken(ctx context.Context, key [32]byte, now time.Time) {
	day := now.In(a.o.Office().Site.Location()).Format(time.DateOnly)
	a.mu.Lock()
	m := a.tokens[key] // nil: it ended meanwhile
	due := m != nil && m.day != day
	if m != nil {
		m.day, m.seen = day, now
	}
	a.mu.Unlock()
	if !due {
		return
	}
	_ = a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlUsedToken, day, key[:])
		return err
	})
}

// Tokens lists the tokens of a person, or of everybody who is in the office where
// person is empty; those that are over stay for a month. The newest first.
func (a *Auth) Tokens(ctx context.Context, person journal.SubjectID) ([]Token, error) {
	var out []Token
	err := a.eachToken(ctx, func(_ [32]byte, t Token) {
		if (person == "" || t.Person == person) && a.o.Office().PersonByID(t.Person) != nil {
			out = append(out, t)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	slices.SortFunc(out, func(x, y Token) int { return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(x.ID, y.ID)) })
	return out, nil
}

func (a *Auth) eachToken(ctx context.Context, f func(key [32]byte, t Token)) error {
	return a.read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlTokens)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var raw []byte
			var created, expires int64
			var t Token
			if err := rows.Scan(&raw, &t.ID, &t.Person, &t.Name, &t.Scopes, &created, &expires, &t.Used); err != nil {
				return err
			}
			var key [32]byte
			if copy(key[:], raw); a.hasEnded(key) {
				continue
			}
			t.Created, t.Expires = time.Unix(created, 0).UTC(), time.Unix(expires, 0).UTC()
			f(key, t)
		}
		return rows.Err()
	})
}

// RevokeToken ends the token of this id, of this person alone where owner is not empty,
// and says whether there was one. It is journalled with who did it. Where the disk
// refuses it counts no more until the program ends.
func (a *Auth) RevokeToken(ctx context.Context, id string, owner, by journal.SubjectID) (bool, error) {
	if len(id) != tokenIDLength {
		return false, nil
	}
	var key [32]byte
	var found Token
	err := a.eachToken(ctx, func(k [32]byte, t Token) {
		if t.ID == id && (owner == "" || t.Person == owner) {
			key, found = k, t
		}
	})
	if errors.Is(err, ErrUnread) { // those that were seen are the ones that work
		key, found = a.rememberedToken(id, owner)
	}
	if found.ID == "" {
		return false, err
	}
	err = a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlDropToken, key[:])
		return err
	})
	switch {
	case store.Refused(err):
		a.end(key)
	case err != nil:
		return false, fmt.Errorf("revoke token: %w", err)
	}
	a.forget(key)
	a.o.Record(journal.AccessEvent{What: "token.revoked", Who: by, About: found.Person, Source: "page"})
	return true, nil
}
