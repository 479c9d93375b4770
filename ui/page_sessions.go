package ui

import (
	"errors"
	"net/http"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// sessionModels lists the reader's own open sessions.
func (v *visit) sessionModels() ([]api.OpenSession, error) {
	list, err := v.s.auth.Sessions(v.ctx(), v.me.Person)
	if err != nil {
		return nil, err
	}
	out := []api.OpenSession{}
	for _, s := range list {
		out = append(out, api.OpenSession{Key: s.Key, Created: s.Created, Seen: s.Seen, Source: s.Source, Here: s.Key == v.me.Key})
	}
	return out, nil
}

// mySessions ends one of the reader's own sessions, or all but the one that asks.
func (v *visit) mySessions() error {
	if _, err := v.s.auth.EndSessions(v.ctx(), v.me.Person, v.me.Person, v.r.PostFormValue("key"), v.me.Key); err != nil {
		return err
	}
	v.flash("flash.sessions", "ok", 0)
	return v.goTo("/me")
}

// mayEnd says whether the reader may end a person's sessions: as with invitations,
// a technician's are a technician's.
func (v *visit) mayEnd(p *office.Person) bool {
	return v.may("POST /people/{id}/sessions") && (p.Role != office.RoleTechnician || v.me.Role == office.RoleTechnician)
}

// personSessions ends all sessions of a person. When and where somebody was logged in
// is not shown: that would be a state.
func (v *visit) personSessions() error {
	p := v.doc().PersonByID(journal.SubjectID(v.r.PathValue("id")))
	if p == nil {
		return errNotFound
	}
	if !v.mayEnd(p) {
		return errDenied
	}
	keep := ""
	if p.ID == v.me.Person {
		keep = v.me.Key
	}
	if _, err := v.s.auth.EndSessions(v.ctx(), p.ID, v.me.Person, "", keep); err != nil {
		return err
	}
	v.flash("flash.sessions", "ok", 0)
	return v.goTo("/people/" + string(p.ID))
}

// apiMe is the reader's own page as JSON.
func (v *visit) apiMe() error {
	p := v.doc().PersonByID(v.me.Person)
	if p == nil {
		return errNotFound
	}
	var page view.MyPage
	err := v.myLooks(&page)
	if err != nil {
		return err
	}
	m := api.Me{Looks: page.Looks, Open: page.Open}
	if m.Person, err = v.accountModel(v.doc(), p, privacy.Account); err != nil {
		return err
	}
	if m.Sessions, err = v.sessionModels(); err != nil {
		return err
	}
	if m.Tokens, err = v.tokenModels(v.me.Person); err != nil {
		return err
	}
	return v.json(m)
}

// apiPrivacy is the recorded agreement as JSON.
func (v *visit) apiPrivacy() error {
	a := v.s.d.People.Agreement()
	m := api.Privacy{Kind: string(a.Kind), Date: a.Date, Note: a.Note, Record: []api.Agreement{}}
	if a.SetBy != "" {
		m.By = v.name(privacy.Account, a.SetBy)
	}
	record, err := v.agreementsRecord()
	if err != nil {
		return err
	}
	for _, r := range record {
		m.Record = append(m.Record, api.Agreement{Title: r.Title, Text: r.Text})
	}
	return v.json(m)
}

// --- people who left ---------------------------------------------------------

// leftOnes lists who left the office and whose name is kept, for who may erase it.
func (v *visit) leftOnes() []view.Item {
	var out []view.Item
	for _, id := range v.s.d.People.Left(v.viewer()) {
		out = append(out, view.Item{Title: v.name(privacy.Configure, id), Text: v.p.T("people.left.erase"), URL: "/people/" + string(id) + "/erase"})
	}
	return out
}

// whoLeft is the person of the address: one who left and whose name is kept.
func (v *visit) whoLeft() (journal.SubjectID, error) {
	id := v.r.PathValue("id")
	for _, s := range v.s.d.People.Left(v.viewer()) {
		if string(s) == id {
			return s, nil
		}
	}
	return "", errNotFound
}

func (v *visit) eraseNameForm() error {
	who, err := v.whoLeft()
	if err != nil {
		return err
	}
	name := v.name(privacy.Configure, who)
	return v.show(http.StatusOK, "erasename", view.Erase{Frame: v.frame(v.p.T("erase.title", "who", name)), ID: string(who), What: name})
}

// eraseName deletes the name of somebody who left, and the account. The journal keeps
// the pseudonym and stays whole.
func (v *visit) eraseName() error {
	who, err := v.whoLeft()
	if err != nil {
		return err
	}
	if v.r.PostFormValue("sure") != "true" {
		v.flash("flash.erase.unsure", "warn", 0)
		return v.goTo("/people/" + string(who) + "/erase")
	}
	if err := v.s.forgetChoices(v.ctx(), who); err != nil {
		return err
	}
	if err := v.s.auth.Forget(v.ctx(), who); err != nil {
		return err
	}
	if err := v.s.d.People.Erase(v.ctx(), v.viewer(), who); errors.Is(err, privacy.ErrInUse) || errors.Is(err, privacy.ErrUnknown) {
		return errNotFound
	} else if err != nil {
		return err
	}
	v.flash("flash.erased", "ok", 0)
	return v.goTo("/people")
}

// erasable is the page on which the outside number of a call may be erased; empty if
// there is none, or the reader may not.
func (v *visit) erasable(c *journal.Call) string {
	if v.s.d.Customers == nil || !v.may("GET /customers/{id}/erase") {
		return ""
	}
	for _, s := range []journal.SubjectID{c.From, c.To} {
		if s == "" || isPerson(s) {
			continue
		}
		if _, known := v.s.d.People.Name(v.viewer(), privacy.CallDetail, s); known {
			return "/customers/" + string(s) + "/erase"
		}
	}
	return ""
}
