package auth_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/ui/auth"
)

// cardErrors are what a card says that fails while the box runs.
var cardErrors = map[string]error{"fails": syscall.EIO, "is broken": store.ErrCorrupt, "is in use": store.ErrBusy, "says what nobody knows": io.ErrUnexpectedEOF}

// What can't be read is not known: nobody is logged out by it, no password wrong, no
// invitation void, and the box is not nobody's.
func TestWhatCannotBeReadIsNotKnown(t *testing.T) {
	for name, card := range cardErrors {
		t.Run("a card that "+name, func(t *testing.T) {
			d := newDesk(t)
			d.account(t, "p-o", "olga")
			token, _, err := d.Open(t.Context(), "p-o", lan)
			if err != nil {
				t.Fatal(err)
			}
			program, _ := d.token(t, "events")
			code, _, err := d.Invite(t.Context(), "p-t", "p-t")
			if err != nil {
				t.Fatal(err)
			}
			again := d.restart(t) // it has read nothing yet
			d.setCard(card)
			for what, ask := range map[string]func() error{
				"a session":                   func() error { _, err := again.Session(t.Context(), token, true); return err },
				"a token":                     func() error { _, err := again.Token(t.Context(), lan, program); return err },
				"the holder of a token":       func() error { _, err := again.Holder(t.Context(), program); return err },
				"a right password":            func() error { _, _, err := again.Login(t.Context(), lan, "olga", good); return err },
				"one with the extension":      func() error { _, _, err := again.Login(t.Context(), lan, "201", good); return err },
				"a wrong password":            func() error { _, _, err := again.Login(t.Context(), lan, "olga", "wrong wrong"); return err },
				"the present password":        func() error { return again.CheckPassword(t.Context(), "p-o", lan, good) },
				"an invitation":               func() error { _, err := again.Invited(t.Context(), lan, code); return err },
				"whether the box is claimed":  func() error { _, err := again.Claimed(t.Context()); return err },
				"a claim with the right code": func() error { return again.MayClaim(t.Context(), lan, again.ClaimCode()) },
				"a user name":                 func() error { _, err := again.LoginOf(t.Context(), "p-o"); return err },
				"the sessions of a person":    func() error { _, err := again.Sessions(t.Context(), "p-o"); return err },
				"the tokens of a person":      func() error { _, err := again.Tokens(t.Context(), "p-o"); return err },
				"ending sessions":             func() error { _, err := again.EndSessions(t.Context(), "p-o", "p-t", "", ""); return err },
			} {
				if err := ask(); !errors.Is(err, auth.ErrUnread) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if bad := slices.DeleteFunc(slices.Clone(d.record), func(s string) bool { return s != "login.refused" && s != "token.refused" && s != "claim.refused" }); len(bad) > 0 {
				t.Errorf("counted as guesses: %v", bad)
			}
			// The window of the button opens nothing either.
			d.pairing = d.clock().Add(time.Minute)
			if err := again.MayClaim(t.Context(), lan, ""); !errors.Is(err, auth.ErrUnread) {
				t.Errorf("before the box: %v", err)
			}
			d.setCard(nil)
			if _, err := again.Session(t.Context(), token, true); err != nil {
				t.Errorf("once it can be read again: %v", err)
			}
			if _, err := again.Token(t.Context(), lan, program); err != nil {
				t.Errorf("once it can be read again, a token: %v", err)
			}
		})
	}
}

// restart is the box after a start: its disk, and nothing in memory.
func (d *desk) restart(t *testing.T) *auth.Auth {
	t.Helper()
	again, err := auth.New(auth.Options{DB: d.db, Now: d.clock, Office: func() *office.Document { return d.doc },
		PairingUntil: func() time.Time { return d.pairing }, Record: func(e journal.AccessEvent) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.record = append(d.record, e.What)
		}})
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// Who was in before the card failed stays in, and not longer than on a good card.
func TestWhoWasInStaysInWhileNothingCanBeRead(t *testing.T) {
	type box struct {
		*desk
		t              *testing.T
		token, program string
		made           auth.Token
	}
	session := func(b *box) bool { _, err := b.Session(b.t.Context(), b.token, true); return err == nil }
	program := func(b *box) bool { _, err := b.Token(b.t.Context(), lan, b.program); return err == nil }
	for _, c := range []struct {
		name    string
		before  func(b *box) // the card is good
		then    func(b *box) // it is not
		session bool
		program bool
	}{
		{"at once", nil, nil, true, true},
		{"a session that was only opened", func(b *box) {
			b.token, _, _ = b.Open(b.t.Context(), "p-o", lan)
		}, nil, true, true},
		{"an operator who looks in once an hour: a day is as long as ever", nil, func(b *box) {
			for range 24 {
				b.later(time.Hour)
				session(b)
			}
		}, true, true},
		{"an operator who is away overnight", nil, func(b *box) { b.later(15 * time.Hour) }, false, true},
		{"an operator who never leaves: a week", nil, func(b *box) {
			for range 24 * 7 {
				b.later(time.Hour)
				session(b)
			}
		}, false, true},
		{"the token's year is over", nil, func(b *box) { b.later(auth.TokenYear) }, false, false},
		{"logged out before", func(b *box) { must(b.t, b.Logout(b.t.Context(), b.token)) }, nil, false, true},
		{"logged out", nil, func(b *box) { must(b.t, b.Logout(b.t.Context(), b.token)) }, false, true},
		{"a new password before", func(b *box) { b.account(b.t, "p-o", "olga") }, nil, false, true},
		{"a new password that is not taken", nil, func(b *box) {
			if err := b.SetPassword(b.t.Context(), "p-o", "olga", "sette nani verdi"); err == nil {
				b.t.Error("it is taken")
			}
		}, true, true},
		{"ended before", func(b *box) {
			_, err := b.EndSessions(b.t.Context(), "p-o", "p-t", "", "")
			must(b.t, err)
		}, nil, false, true},
		{"ended", nil, func(b *box) {
			if n, err := b.EndSessions(b.t.Context(), "p-o", "p-t", "", ""); n != 1 || !errors.Is(err, auth.ErrUnread) {
				b.t.Errorf("%d ended, %v: there may be others", n, err)
			}
		}, false, true},
		{"revoked before", func(b *box) {
			_, err := b.RevokeToken(b.t.Context(), b.made.ID, "", "p-t")
			must(b.t, err)
		}, nil, true, false},
		{"revoked", nil, func(b *box) {
			if ok, err := b.RevokeToken(b.t.Context(), b.made.ID, "p-t", "p-t"); ok || !errors.Is(err, auth.ErrUnread) {
				b.t.Errorf("by somebody else: %v %v", ok, err)
			}
			if ok, err := b.RevokeToken(b.t.Context(), b.made.ID, "p-o", "p-t"); !ok || err != nil {
				b.t.Errorf("%v %v", ok, err)
			}
		}, true, false},
		{"twenty further sessions before: the oldest went", func(b *box) {
			b.later(time.Minute)
			for range 20 {
				_, _, err := b.Open(b.t.Context(), "p-o", lan)
				must(b.t, err)
			}
		}, nil, false, true},
		{"left the office", nil, func(b *box) { b.doc = &office.Document{} }, false, false},
		{"the account was forgotten before", func(b *box) { must(b.t, b.Forget(b.t.Context(), "p-o")) }, nil, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &box{desk: newDesk(t), t: t}
			b.account(t, "p-o", "olga")
			var err error
			b.token, _, err = b.Open(t.Context(), "p-o", lan)
			must(b.t, err)
			b.program, b.made = b.desk.token(t, "events")
			if !session(b) || !program(b) {
				t.Fatal("not in")
			}
			if c.before != nil {
				c.before(b)
			}
			b.setCard(store.ErrCorrupt)
			if c.then != nil {
				c.then(b)
			}
			if got := session(b); got != c.session {
				t.Errorf("logged in: %v", got)
			}
			if got := program(b); got != c.program {
				t.Errorf("the program is in: %v", got)
			}
			// What ended meanwhile stays so when the card is good again, and what did not goes on.
			b.setCard(nil)
			for range 2 {
				if got := session(b); got != c.session {
					t.Errorf("on a good card, logged in: %v", got)
				}
				if got := program(b); got != c.program {
					t.Errorf("on a good card, the program is in: %v", got)
				}
				must(b.t, b.Sweep(t.Context()))
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("on a good card: %v", err)
	}
}

// What is remembered is bounded: a thousand sessions and no more.
func TestNotMoreIsRememberedThanThereIsRoomFor(t *testing.T) {
	d := newDesk(t)
	var tokens []string
	for i := range 1100 {
		who := journal.SubjectID(fmt.Sprintf("p-%d", i)) // each person has few sessions
		d.doc.People = append(d.doc.People, office.Person{ID: who, Role: office.RoleOperator})
		token, _, err := d.Open(t.Context(), who, lan)
		must(t, err)
		tokens = append(tokens, token)
		d.later(time.Second)
	}
	d.setCard(syscall.EIO)
	known := 0
	for i, token := range tokens {
		_, err := d.Session(t.Context(), token, false)
		if err == nil {
			known++
		} else if !errors.Is(err, auth.ErrUnread) || i >= 100 {
			t.Fatalf("session %d: %v", i, err)
		}
	}
	if known != 1000 {
		t.Errorf("%d are remembered", known)
	}
}
