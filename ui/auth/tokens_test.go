package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/ui/auth"
)

// token makes one for the operator.
func (d *desk) token(t testing.TB, scopes auth.Scopes) (string, auth.Token) {
	t.Helper()
	text, tok, err := d.MakeToken(t.Context(), auth.NewToken{Person: "p-o", Name: "CRM", Scopes: scopes, Lasts: auth.TokenYear})
	if err != nil {
		t.Fatal(err)
	}
	return text, tok
}

// count is how often something was journalled.
func (d *desk) count(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(d.record), func(s string) bool { return s != what }))
}

func TestATokenStandsForItsOwner(t *testing.T) {
	d := newDesk(t)
	text, made := d.token(t, "events dial")
	if !strings.HasPrefix(text, "ctk_") || len(text) != 47 {
		t.Errorf("the token is %q", text)
	}
	s, err := d.Token(t.Context(), lan, text)
	if err != nil || s.Person != "p-o" || s.Role != office.RoleOperator || !s.Scopes.Has(auth.ScopeDial) || s.Scopes.Has(auth.ScopeCustomers) {
		t.Errorf("it stands for %+v, %v", s, err)
	}
	if _, err := d.Session(t.Context(), text, false); err == nil {
		t.Error("a token is taken for a login")
	}
	list, err := d.Tokens(t.Context(), "p-o")
	if err != nil || len(list) != 1 || list[0].ID != made.ID || list[0].Used != "2026-03-02" || !list[0].Expires.Equal(made.Expires.Truncate(time.Second)) {
		t.Errorf("the list is %+v, %v", list, err)
	}
	if d.count("token.made") != 1 || d.count("token.refused") != 0 {
		t.Errorf("journalled %v", d.record)
	}

	// The role is the one that the owner has now.
	d.doc = &office.Document{People: []office.Person{{ID: "p-o", Role: office.RoleManager}}}
	if s, _ := d.Token(t.Context(), lan, text); s.Role != office.RoleManager {
		t.Errorf("it acts as %s", s.Role)
	}
	d.doc = &office.Document{}
	if _, err := d.Token(t.Context(), lan, text); !errors.Is(err, auth.ErrToken) {
		t.Errorf("the token of somebody who left: %v", err)
	}
	if list, _ := d.Tokens(t.Context(), ""); len(list) != 0 {
		t.Errorf("tokens of somebody who left are listed: %+v", list)
	}
}

func TestTokensThatMayBeMade(t *testing.T) {
	d := newDesk(t)
	for name, n := range map[string]auth.NewToken{
		"without a name":       {Person: "p-o", Name: "  ", Scopes: "dial", Lasts: time.Hour},
		"with a long name":     {Person: "p-o", Name: strings.Repeat("è", 61), Scopes: "dial", Lasts: time.Hour},
		"good for nothing":     {Person: "p-o", Name: "x", Lasts: time.Hour},
		"good for all":         {Person: "p-o", Name: "x", Scopes: "everything", Lasts: time.Hour},
		"without an end":       {Person: "p-o", Name: "x", Scopes: "dial"},
		"for more than a year": {Person: "p-o", Name: "x", Scopes: "dial", Lasts: auth.TokenYear + 1},
	} {
		if _, _, err := d.MakeToken(t.Context(), n); !errors.Is(err, auth.ErrTokenForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range auth.MaxTokens {
		d.token(t, "dial")
	}
	if _, _, err := d.MakeToken(t.Context(), auth.NewToken{Person: "p-o", Name: "x", Scopes: "dial", Lasts: time.Hour}); !errors.Is(err, auth.ErrTokens) {
		t.Errorf("one too many: %v", err)
	}
	if _, _, err := d.MakeToken(t.Context(), auth.NewToken{Person: "p-t", Name: "x", Scopes: "dial", Lasts: time.Hour}); err != nil {
		t.Errorf("somebody else's first: %v", err)
	}
}

// A token that was revoked is dead at once and for ever, also where the disk is full.
func TestARevokedTokenIsDead(t *testing.T) {
	for _, full := range []bool{false, true} {
		d := newDesk(t)
		text, made := d.token(t, "events")
		if _, err := d.Token(t.Context(), lan, text); err != nil {
			t.Fatal(err)
		}
		if ok, err := d.RevokeToken(t.Context(), made.ID, "p-t", "p-t"); ok || err != nil {
			t.Errorf("somebody revokes another person's token as his own: %v", err)
		}
		if ok, err := d.RevokeToken(t.Context(), "nothing", "", "p-t"); ok || err != nil {
			t.Errorf("an unknown one: %v", err)
		}
		if full {
			d.setDisk(store.ErrFull)
		}
		if ok, err := d.RevokeToken(t.Context(), made.ID, "", "p-t"); !ok || err != nil {
			t.Fatalf("full %v: %v", full, err)
		}
		check := func(when string) {
			t.Helper()
			if _, err := d.Holder(t.Context(), text); err == nil {
				t.Errorf("full %v, %s: it works", full, when)
			}
			if list, _ := d.Tokens(t.Context(), ""); len(list) != 0 {
				t.Errorf("full %v, %s: it is listed", full, when)
			}
		}
		check("revoked")
		if ok, _ := d.RevokeToken(t.Context(), made.ID, "", "p-t"); ok {
			t.Errorf("full %v: it is revoked twice", full)
		}
		d.setDisk(nil)
		if err := d.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("swept")
		if d.count("token.revoked") != 1 {
			t.Errorf("journalled %v", d.record)
		}
	}
}

func TestATokenEndsWithItsYear(t *testing.T) {
	d := newDesk(t)
	text, _ := d.token(t, "events")
	d.later(auth.TokenYear - time.Second)
	if _, err := d.Token(t.Context(), lan, text); err != nil {
		t.Errorf("on its last day: %v", err)
	}
	d.later(time.Second)
	if _, err := d.Token(t.Context(), lan, text); !errors.Is(err, auth.ErrToken) {
		t.Errorf("after a year: %v", err)
	}
	if list, _ := d.Tokens(t.Context(), "p-o"); len(list) != 1 {
		t.Error("its owner does not learn why it works no more")
	}
	d.later(31 * 24 * time.Hour)
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, _ := d.Tokens(t.Context(), "p-o"); len(list) != 0 {
		t.Error("it is listed for ever")
	}
}

// Guessing is slowed down and counted; programs that are in keep working, and so do
// people who log in from the same computer.
func TestGuessingTokens(t *testing.T) {
	d := newDesk(t)
	d.account(t, "p-o", "olga")
	in, _ := d.token(t, "events")
	other, made := d.token(t, "events")
	if _, err := d.Token(t.Context(), lan, in); err != nil {
		t.Fatal(err)
	}
	if ok, err := d.RevokeToken(t.Context(), made.ID, "", "p-t"); !ok || err != nil {
		t.Fatal(err)
	}
	var wait *auth.WaitError
	refused := 0
	for range 1000 { // a program that was not told
		if _, err := d.Token(t.Context(), lan, other); errors.Is(err, auth.ErrToken) {
			refused++
		} else if !errors.As(err, &wait) {
			t.Fatal(err)
		}
		d.later(time.Second)
	}
	if refused > 15 || d.count("token.refused") != refused {
		t.Errorf("%d guesses were looked at in a quarter of an hour, %d journalled", refused, d.count("token.refused"))
	}
	if _, err := d.Token(t.Context(), lan, other); !errors.As(err, &wait) {
		t.Errorf("the next guess: %v", err)
	}
	if _, err := d.Token(t.Context(), lan, in); err != nil {
		t.Errorf("a program that was in before: %v", err)
	}
	if _, _, err := d.Login(t.Context(), lan, "olga", good); err != nil {
		t.Errorf("a person at the same computer: %v", err)
	}
	// One that was good before and is not any more is a guess, too.
	list, _ := d.Tokens(t.Context(), "")
	if ok, err := d.RevokeToken(t.Context(), list[0].ID, "", "p-t"); !ok || err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(t.Context(), lan, in); !errors.As(err, &wait) {
		t.Errorf("one that was revoked meanwhile: %v", err)
	}
	if _, err := d.Token(t.Context(), world, in); !errors.Is(err, auth.ErrToken) {
		t.Errorf("from elsewhere: %v", err)
	}
}

func TestScopesAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.SampledFrom([]string{"events", "dial", "customers"})).Draw(t, "words")
		s, ok := auth.ScopesOf(words)
		if ok != (len(words) > 0) {
			t.Fatalf("%v: %v", words, ok)
		}
		for _, one := range auth.AllScopes() {
			if want := slices.Contains(words, string(one)); s.Has(one) != want || slices.Contains(s.List(), one) != want {
				t.Fatalf("%v has %s: %v", words, one, s)
			}
		}
	})
}
