package ui

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"centralino/internal/journal"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/auth"
	"centralino/ui/view"
)

// tokenLasts are the lives that a token can be given, in days; the longest is chosen
// where nothing is.
var tokenLasts = []int{30, 90, 365}

// tokenModels lists a person's tokens; everybody's, with whose they are, where person is
// empty. When a program was last at work stands on its owner's list alone: that would be
// a state.
func (v *visit) tokenModels(person journal.SubjectID) ([]api.Token, error) {
	list, err := v.s.auth.Tokens(v.ctx(), person)
	if err != nil {
		return nil, err
	}
	out := []api.Token{}
	for _, t := range list {
		m := api.Token{ID: t.ID, Name: t.Name, Created: t.Created, Expires: t.Expires, Over: !v.s.d.Now().Before(t.Expires)}
		for _, s := range t.Scopes.List() {
			m.Scopes = append(m.Scopes, string(s))
			m.Words = append(m.Words, v.p.T("tokens.scope."+string(s)))
		}
		if person == "" {
			m.Owner = v.name(privacy.Configure, t.Person)
		} else if day, err := time.ParseInLocation(time.DateOnly, t.Used, v.s.zone()); err == nil {
			m.Used, m.Day = t.Used, day
		}
		out = append(out, m)
	}
	return out, nil
}

// myTokens fills in the reader's tokens and what the form for a new one offers.
func (v *visit) myTokens(page *view.MyPage) error {
	var err error
	if page.Tokens, err = v.tokenModels(v.me.Person); err != nil {
		return err
	}
	f, lasts := v.r.PostForm, strconv.Itoa(slices.Max(tokenLasts))
	if len(page.NewToken.Problems) == 0 {
		f = nil
	} else if f.Get("lasts") != "" {
		lasts = f.Get("lasts")
	}
	for _, s := range auth.AllScopes() {
		page.NewToken.Scopes = append(page.NewToken.Scopes, view.Option{Value: string(s), Label: v.p.T("tokens.scope." + string(s)), Selected: slices.Contains(f["scope"], string(s))})
	}
	for _, days := range tokenLasts {
		value := strconv.Itoa(days)
		page.NewToken.Lasts = append(page.NewToken.Lasts, view.Option{Value: value, Label: v.p.N("tokens.days", days), Selected: value == lasts})
	}
	return nil
}

// makeToken makes a token of the reader's own and shows it, this once. The password is
// asked for: whoever finds a browser open must not go away with a year's access.
func (v *visit) makeToken() error {
	f := v.r.PostForm
	form := view.TokenForm{Name: f.Get("name")}
	bad := func(field, label, text string) {
		form.Problems = append(form.Problems, view.FieldProblem{Field: "token-" + field, Label: v.p.T(label), Text: text})
	}
	scopes, ok := auth.ScopesOf(f["scope"])
	if !ok {
		bad("scope", "tokens.scopes", v.p.T("tokens.scopes.none"))
	}
	if !goodName(form.Name) || len([]rune(form.Name)) > 60 {
		bad("name", "tokens.name", v.p.T("tokens.name.form"))
	}
	days, err := strconv.Atoi(f.Get("lasts"))
	if err != nil || !slices.Contains(tokenLasts, days) {
		return errBad
	}
	if err := v.s.auth.CheckPassword(v.ctx(), v.me.Person, v.source, f.Get("password")); err != nil {
		if !isWrong(err) {
			return err
		}
		bad("password", "password.old", v.p.T("password.wrong"))
	}
	if len(form.Problems) > 0 {
		return v.myPageWith(http.StatusUnprocessableEntity, view.MyPage{NewToken: form})
	}
	text, _, err := v.s.auth.MakeToken(v.ctx(), auth.NewToken{Person: v.me.Person, Name: form.Name, Scopes: scopes, Lasts: time.Duration(days) * 24 * time.Hour})
	switch {
	case errors.Is(err, auth.ErrTokens):
		bad("name", "tokens.name", v.p.N("tokens.toomany", auth.MaxTokens))
		return v.myPageWith(http.StatusConflict, view.MyPage{NewToken: form})
	case errors.Is(err, auth.ErrTokenForm):
		return errBad
	case err != nil:
		return err
	}
	return v.myPageWith(http.StatusOK, view.MyPage{Made: text})
}

// revokeMine ends a token of the reader's own.
func (v *visit) revokeMine() error { return v.endToken(v.me.Person, "/me#tokens") }

// revokeToken ends anybody's.
func (v *visit) revokeToken() error { return v.endToken("", "/tokens") }

func (v *visit) endToken(owner journal.SubjectID, back string) error {
	found, err := v.s.auth.RevokeToken(v.ctx(), v.r.PathValue("id"), owner, v.me.Person)
	switch {
	case err != nil:
		return err
	case !found:
		return errNotFound
	}
	v.flash("flash.token.revoked", "ok", 0)
	return v.goTo(back)
}

func (v *visit) tokens() error {
	list, err := v.tokenModels("")
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "tokens", view.Tokens{Frame: v.frame(v.p.T("tokens.all")), Tokens: list})
}

func (v *visit) apiTokens() error {
	list, err := v.tokenModels("")
	if err != nil {
		return err
	}
	return v.json(list)
}
