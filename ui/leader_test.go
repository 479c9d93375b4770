package ui_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// A leader changes what the schema gives to leaders, on the same forms, and nothing
// else whatever is sent.
func TestLeadersChangeWhatTheSchemaGivesThem(t *testing.T) {
	r := newRig(t, true)
	b := r.as(anna)
	b.get("/office").is(t, http.StatusOK).has(t, `href="/edit/group/group-1"`).lacks(t, `href="/edit/site"`, `href="/edit/path/`, `/new"`, `href="/office/privacy"`, `href="/prompts"`)
	b.get("/edit/group/group-1").is(t, http.StatusOK).lacks(t, "/delete/")
	for _, path := range []string{"/edit/path/path-closed", "/edit/group/new", "/edit/schedule/new", "/edit/person/" + string(tech), "/edit/line/line-1", "/edit/prompt/prompt-menu"} {
		b.get(path).is(t, http.StatusForbidden)
		b.post(path, url.Values{"name": {"x"}}).is(t, http.StatusForbidden)
	}
	b.get("/search?q=telefono").lacks(t, "/phones/", "/people/", "Bruno")
	b.get("/search?q=bruno").lacks(t, "Bruno Bianchi")
	b.get("/search?q=assistenza").lacks(t, "/edit/path/")
	before := r.office.Current().Doc.GroupByID("group-1")
	members := slices.DeleteFunc(slices.Clone(before.Members), func(m journal.SubjectID) bool { return m == carla })
	if len(members) == len(before.Members) {
		t.Fatal("Carla is no member to begin with")
	}
	form := url.Values{"name": {"Gruppo di Anna"}, "mode": {string(before.Mode)}, "members": {}}
	for _, m := range members {
		form.Add("members", string(m))
	}
	p := b.post("/edit/group/group-1", form).is(t, http.StatusOK)
	if !strings.HasPrefix(p.url.Path, "/draft/") {
		t.Fatalf("no draft: %s", p.url)
	}
	r.as(dario).post(p.url.Path, nil).has(t, "Versioni") // somebody else's draft is not there
	b.post(p.url.Path, nil).is(t, http.StatusOK)
	after := r.office.Current().Doc.GroupByID("group-1")
	if !slices.Equal(after.Members, members) || after.Name != before.Name {
		t.Errorf("after the change: %q %v, want %q %v", after.Name, after.Members, before.Name, members)
	}
	// Skills of a person are the leader's, the name is not.
	p = b.post("/edit/person/"+string(bruno), url.Values{"name:person": {"Bruno Rinominato"}, "role": {"technician"}})
	if strings.HasPrefix(p.url.Path, "/draft/") {
		b.post(p.url.Path, nil)
	}
	if who := r.office.Current().Doc.PersonByID(bruno); who.Role != office.RoleOperator {
		t.Errorf("a leader made Bruno a %s", who.Role)
	}
	r.as(dario).get("/people").lacks(t, "Rinominato")
}
