package auth

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"centralino/internal/journal"
	"centralino/internal/store"
)

const sqlSessionsOf = `SELECT token, created, seen, expires, source FROM auth_session WHERE person = ?`

// OpenSession is one of a person's logins as its owner may see it.
type OpenSession struct {
	Key     string // as Session.Key
	Created time.Time
	Seen    time.Time // last sign of life, written once a minute at most
	Source  string    // address, or the network of a host with IPv6

	token [32]byte // hash
}

// Sessions lists a person's open sessions, the one that was used last first.
func (a *Auth) Sessions(ctx context.Context, person journal.SubjectID) ([]OpenSession, error) {
	p := a.o.Office().PersonByID(person)
	if p == nil {
		return nil, nil
	}
	now, idle := a.o.Now(), idleOf(p.Role)
	var out []OpenSession
	err := a.read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, sqlSessionsOf, string(person))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var token []byte
			var created, seen, expires int64
			var s OpenSession
			if err := rows.Scan(&token, &created, &seen, &expires, &s.Source); err != nil {
				return err
			}
			copy(s.token[:], token)
			s.Created, s.Seen = time.Unix(created, 0).UTC(), time.Unix(seen, 0).UTC()
			if now.Unix() < expires && now.Sub(s.Seen) <= idle && !a.hasEnded(s.token) {
				out = append(out, s)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	a.mu.Lock()
	for token, m := range a.inMemory {
		if m.person == person && now.Before(m.expires) && now.Sub(m.seen) <= idle {
			out = append(out, OpenSession{Created: m.created.UTC(), Seen: m.seen.UTC(), Source: m.source, token: token})
		}
	}
	a.mu.Unlock()
	for i := range out {
		out[i].Key = keyName(out[i].token)
	}
	slices.SortFunc(out, func(x, y OpenSession) int { return cmp.Or(y.Seen.Compare(x.Seen), cmp.Compare(x.Key, y.Key)) })
	return out, nil
}

// Forget deletes the account, sessions, tokens and invitation of a person: the user name may
// be a name.
func (a *Auth) Forget(ctx context.Context, person journal.SubjectID) error {
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{sqlDropAccount, sqlDropSessions, sqlDropTokens, sqlDropInvite} {
			if _, err := tx.ExecContext(ctx, q, string(person)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget account: %w", err)
	}
	a.forgetOf(person, a.sessions, a.inMemory, a.tokens)
	return nil
}

// EndSessions ends a person's session of this key, or all of them but keep (both may
// be empty), and returns how many ended. It is journalled with who did it. Where the
// disk refuses, they count no more until the program ends. Where it can't be read, those
// end that somebody can use, and ErrUnread says that there may be more.
func (a *Auth) EndSessions(ctx context.Context, person, by journal.SubjectID, key, keep string) (int, error) {
	open, unread := a.Sessions(ctx, person)
	if unread != nil && !errors.Is(unread, ErrUnread) {
		return 0, unread
	}
	if unread != nil {
		open = a.remembered(person)
	}
	open = slices.DeleteFunc(open, func(s OpenSession) bool { return key != "" && s.Key != key || key == "" && s.Key == keep })
	if len(open) == 0 {
		return 0, unread
	}
	if key != "" { // there is but one
		unread = nil
	}
	err := a.o.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, s := range open {
			if _, err := tx.ExecContext(ctx, sqlDropSession, s.token[:]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !store.Refused(err) {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	for _, s := range open {
		switch {
		case a.forgetInMemory(s.token):
		case err != nil:
			a.end(s.token)
		default:
			a.forget(s.token)
		}
	}
	a.o.Record(journal.AccessEvent{What: "session.end", Who: by, About: person, Source: "page"})
	return len(open), unread
}
