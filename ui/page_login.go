package ui

import (
	"cmp"
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/auth"
	"centralino/ui/view"
)

// safePath keeps a path of our own to go back to; anything else becomes "/".
func safePath(p string) string {
	u, err := url.Parse(p)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n") {
		return "/"
	}
	return p
}

func escapePath(p string) string { return url.QueryEscape(safePath(p)) }

func (v *visit) loginForm() error {
	switch {
	case v.me.Person != "":
		return v.goTo("/")
	case v.unread != nil:
		return v.unread
	}
	claimed, err := v.s.auth.Claimed(v.ctx())
	if err != nil {
		return err
	}
	if !claimed {
		return v.goTo("/claim")
	}
	return v.show(http.StatusOK, "login", view.Login{Frame: v.frame(v.p.T("login.title")), Next: safePath(v.r.URL.Query().Get("next")), Pair: v.s.auth.AtBox(v.atBox())})
}

func (v *visit) login() error {
	name := strings.TrimSpace(v.r.PostFormValue("name"))
	token, _, err := v.s.auth.Login(v.ctx(), v.source, name, v.r.PostFormValue("password"))
	var wait *auth.WaitError
	page := view.Login{Frame: v.frame(v.p.T("login.title")), Name: name, Next: safePath(v.r.PostFormValue("next"))}
	switch {
	case errors.As(err, &wait):
		v.w.Header().Set("Retry-After", v.seconds(wait.For))
		page.Problem = v.p.N("login.wait", int(wait.For/time.Second)+1)
		return v.show(http.StatusTooManyRequests, "login", page)
	case errors.Is(err, auth.ErrWrong):
		page.Problem = v.p.T("login.wrong")
		return v.show(http.StatusUnauthorized, "login", page)
	case err != nil:
		return err
	}
	v.setCookie(v.cookieName(), token, auth.AbsoluteMax)
	return v.goTo(page.Next)
}

func (v *visit) seconds(d time.Duration) string { return v.p.Int(int(d/time.Second) + 1) }

func (v *visit) logout() error {
	err := v.s.auth.Logout(v.ctx(), v.cookie(v.cookieName()))
	v.setCookie(v.cookieName(), "", -time.Second)
	if err != nil {
		return err
	}
	return v.goTo("/login")
}

// --- claim -----------------------------------------------------------------

func (v *visit) claimPage() (view.Claim, error) {
	claimed, err := v.s.auth.Claimed(v.ctx())
	if err != nil {
		return view.Claim{}, err
	}
	reset := v.s.auth.ResetOpen(v.atBox())
	c := view.Claim{Reset: reset && claimed, Open: reset || v.s.auth.AtBox(v.atBox())}
	if claimed && !reset {
		return c, auth.ErrClaimed
	}
	title := "claim.title"
	if c.Reset {
		title = "claim.reset.title"
	}
	c.Frame = v.frame(v.p.T(title))
	c.Site = v.doc().Site.Name
	c.Country = v.workCountries(cmp.Or(v.r.PostFormValue("country"), v.doc().CountryOf("")))
	return c, nil
}

// workCountries lists where the people of an office may work.
func (v *visit) workCountries(chosen string) []view.Option {
	var out []view.Option
	for _, country := range office.Countries() {
		out = append(out, view.Option{Value: country, Label: v.p.T("choice.site.workCountry." + country), Selected: country == chosen})
	}
	return out
}

func (v *visit) claimForm() error {
	c, err := v.claimPage()
	if errors.Is(err, auth.ErrClaimed) {
		return v.goTo("/login")
	}
	if err != nil {
		return err
	}
	c.Code = v.r.URL.Query().Get("code")
	return v.show(http.StatusOK, "claim", c)
}

// claim makes the first technician, or sets a technician's password anew while the
// button's reset window is open.
func (v *visit) claim() error {
	c, err := v.claimPage()
	if errors.Is(err, auth.ErrClaimed) {
		return v.goTo("/login")
	}
	if err != nil {
		return err
	}
	f := v.r.PostForm
	c.Code, c.Name, c.User, c.Site = f.Get("code"), strings.TrimSpace(f.Get("name")), f.Get("user"), strings.TrimSpace(f.Get("site"))
	bad := func(field, label, text string) {
		c.Problems = append(c.Problems, view.FieldProblem{Field: field, Label: v.p.T(label), Text: v.p.T(text)})
	}
	if err := v.s.auth.MayClaim(v.ctx(), v.atBox(), c.Code); err != nil {
		switch {
		case errors.Is(err, auth.ErrWrongCode):
			bad("code", "claim.code", "claim.code.wrong")
		case errors.Is(err, auth.ErrNotOpen):
			bad("code", "claim.code", "claim.code.missing")
		default:
			return err
		}
		return v.show(http.StatusForbidden, "claim", c)
	}
	user, err := auth.CleanLogin(c.User)
	if err != nil {
		bad("user", "claim.user", "user.form")
	}
	if !c.Reset && !goodName(c.Name) {
		bad("name", "claim.name", "name.form")
	}
	country := f.Get("country")
	if country != "" && !slices.Contains(office.Countries(), country) {
		bad("country", "claim.country", "claim.country.unknown")
	}
	hash := v.newPassword(user, f, &c.Problems)
	if len(c.Problems) > 0 {
		return v.show(http.StatusUnprocessableEntity, "claim", c)
	}
	var person journal.SubjectID
	if c.Reset {
		person, err = v.resetTechnician(user, hash)
	} else {
		person, err = v.firstTechnician(c, country, user, hash)
	}
	if errors.Is(err, errNoTechnician) {
		bad("user", "claim.user", "claim.reset.unknown")
		return v.show(http.StatusUnprocessableEntity, "claim", c)
	}
	if errors.Is(err, auth.ErrClaimed) { // somebody else was faster
		return v.goTo("/login")
	}
	if err != nil {
		return err
	}
	token, _, err := v.s.auth.Open(v.ctx(), person, v.source)
	if err != nil {
		return err
	}
	v.setCookie(v.cookieName(), token, auth.AbsoluteMax)
	if c.Reset {
		v.flash("flash.reset", "ok", 0)
	} else {
		v.flash("flash.claimed", "ok", 0)
	}
	return v.goTo("/")
}

// newPassword reads a new password twice and hashes it; problems are added to the
// list.
func (v *visit) newPassword(user string, f url.Values, problems *[]view.FieldProblem) string {
	pw := f.Get("password")
	add := func(field, label, text string) {
		*problems = append(*problems, view.FieldProblem{Field: field, Label: v.p.T(label), Text: v.p.T(text)})
	}
	switch err := auth.CheckNewPassword(user, pw); {
	case errors.Is(err, auth.ErrPasswordShort):
		add("password", "password.new", "password.short")
	case errors.Is(err, auth.ErrPasswordLong):
		add("password", "password.new", "password.long")
	case err != nil:
		add("password", "password.new", "password.easy")
	case pw != f.Get("again"):
		add("again", "password.again", "password.differs")
	}
	if len(*problems) > 0 {
		return ""
	}
	hash, err := v.s.auth.HashPassword(v.ctx(), user, pw)
	if err != nil {
		add("password", "password.new", "login.busy")
	}
	return hash
}

// firstTechnician makes a technician of the one who claims, names the office and the
// country that its people work in (empty: that of the site), and gives him an account,
// all in one version.
func (v *visit) firstTechnician(c view.Claim, country, user, hash string) (journal.SubjectID, error) {
	cur := v.s.d.Office.Current()
	doc := cur.Doc.Clone()
	id := privacy.NewPerson()
	if p := doc.Add(office.KindPerson, string(id)); len(p) > 0 {
		return "", &office.Invalid{Problems: p}
	}
	if p := doc.Set(office.KindPerson, string(id), "role", string(office.RoleTechnician)); len(p) > 0 {
		return "", &office.Invalid{Problems: p}
	}
	if c.Site != "" {
		if p := doc.Set(office.KindSite, "", "name", c.Site); len(p) > 0 {
			return "", &office.Invalid{Problems: p}
		}
	}
	if country != "" && country != doc.CountryOf("") {
		if p := doc.Set(office.KindSite, "", "workCountry", country); len(p) > 0 {
			return "", &office.Invalid{Problems: p}
		}
	}
	_, err := v.s.d.Office.Apply(v.ctx(), office.Edit{Base: cur.Version, Doc: doc, By: id, Note: "claim",
		With: both(v.s.auth.StageClaim(), v.s.d.People.StageName(id, c.Name), v.s.auth.StageAccount(id, user, hash))})
	if err != nil {
		return "", err
	}
	v.s.d.Journal.Append("", journal.AccessEvent{What: "claim", Who: id, Source: "page"})
	if v.s.d.Claimed != nil {
		v.s.d.Claimed()
	}
	return id, nil
}

var errNoTechnician = errors.New("no technician has this user name")

// resetTechnician gives an existing technician a new password.
func (v *visit) resetTechnician(user, hash string) (journal.SubjectID, error) {
	for _, p := range v.doc().People {
		login, err := v.s.auth.LoginOf(v.ctx(), p.ID)
		if err != nil {
			return "", err
		}
		if p.Role != office.RoleTechnician || login != user {
			continue
		}
		if err := v.s.d.DB.Write(v.ctx(), v.s.auth.StageAccount(p.ID, user, hash)); err != nil {
			return "", err
		}
		v.s.auth.CloseReset()
		v.s.d.Journal.Append("", journal.AccessEvent{What: "password.reset", Who: p.ID, Source: "button"})
		return p.ID, nil
	}
	return "", errNoTechnician
}

// both runs several writes in one transaction.
func both(writes ...func(tx *sql.Tx) error) func(tx *sql.Tx) error {
	return func(tx *sql.Tx) error {
		for _, w := range writes {
			if w == nil {
				continue
			}
			if err := w(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

// goodName says whether a name may be a person's: 1 to 80 characters, no control
// characters.
func goodName(s string) bool {
	n := len([]rune(s))
	return n >= 1 && n <= 80 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 })
}

// --- invitations -----------------------------------------------------------

func (v *visit) inviteForm() error {
	return v.show(http.StatusOK, "setpassword", view.SetPassword{Frame: v.frame(v.p.T("invite.title"))})
}

func (v *visit) inviteLink() error { return v.invited(v.r.PathValue("code")) }
func (v *visit) inviteCode() error { return v.invited(v.r.PostFormValue("code")) }

// invited shows the form for the password to who has a good code.
func (v *visit) invited(code string) error {
	person, err := v.s.auth.Invited(v.ctx(), v.source, code)
	if errors.Is(err, auth.ErrInvite) {
		return v.badInvite()
	}
	if err != nil {
		return err
	}
	page, err := v.setPasswordPage(person, code)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "setpassword", page)
}

func (v *visit) badInvite() error {
	page := view.SetPassword{Frame: v.frame(v.p.T("invite.title")), Problems: []view.FieldProblem{
		{Field: "code", Label: v.p.T("invite.code"), Text: v.p.T("invite.wrong")}}}
	return v.show(http.StatusForbidden, "setpassword", page)
}

func (v *visit) setPasswordPage(person journal.SubjectID, code string) (view.SetPassword, error) {
	// Who holds the code is that person.
	name, _ := v.s.d.People.Name(privacy.Viewer{Subject: person}, privacy.Account, person)
	login, err := v.s.auth.LoginOf(v.ctx(), person)
	if login == "" {
		login = suggestLogin(name)
	}
	return view.SetPassword{Frame: v.frame(v.p.T("invite.title")), Code: code, Name: name, User: login}, err
}

// suggestLogin makes a user name of a name: "Anna Bianchi" -> "anna.bianchi".
func suggestLogin(name string) string {
	plain := strings.NewReplacer("à", "a", "è", "e", "é", "e", "ì", "i", "ò", "o", "ù", "u", "'", "", "’", "").Replace(strings.ToLower(name))
	login, err := auth.CleanLogin(strings.Join(strings.Fields(plain), "."))
	if err != nil {
		return ""
	}
	return login
}

func (v *visit) inviteSet() error {
	f := v.r.PostForm
	person, err := v.s.auth.Invited(v.ctx(), v.source, f.Get("code"))
	if errors.Is(err, auth.ErrInvite) {
		return v.badInvite()
	}
	if err != nil {
		return err
	}
	page, err := v.setPasswordPage(person, f.Get("code"))
	if err != nil {
		return err
	}
	page.User = f.Get("user")
	user, err := auth.CleanLogin(page.User)
	if err != nil {
		page.Problems = append(page.Problems, view.FieldProblem{Field: "user", Label: v.p.T("claim.user"), Text: v.p.T("user.form")})
	}
	hash := v.newPassword(user, f, &page.Problems)
	if len(page.Problems) == 0 {
		err = v.s.d.DB.Write(v.ctx(), both(v.s.auth.StageInvited(person, f.Get("code")), v.s.auth.StageAccount(person, user, hash)))
		if errors.Is(err, auth.ErrInvite) { // used meanwhile
			return v.badInvite()
		}
		if errors.Is(err, auth.ErrLoginTaken) {
			page.Problems = append(page.Problems, view.FieldProblem{Field: "user", Label: v.p.T("claim.user"), Text: v.p.T("user.taken")})
		} else if err != nil {
			return err
		}
	}
	if len(page.Problems) > 0 {
		return v.show(http.StatusUnprocessableEntity, "setpassword", page)
	}
	v.s.d.Journal.Append("", journal.AccessEvent{What: "password.set", Who: person, Source: "page"})
	token, _, err := v.s.auth.Open(v.ctx(), person, v.source)
	if err != nil {
		return err
	}
	v.setCookie(v.cookieName(), token, auth.AbsoluteMax)
	v.flash("flash.password", "ok", 0)
	return v.goTo("/")
}
