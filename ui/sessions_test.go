package ui_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

func TestPeopleEndTheirOwnSessions(t *testing.T) {
	r := newRig(t, true)
	here, there, third := r.as(bruno), r.as(bruno), r.as(bruno)
	p := here.get("/me").is(t, http.StatusOK).has(t, `id="sessions"`, "192.168.1.9", "Chiudi tutti gli altri")
	keys := regexp.MustCompile(`name="key" value="([0-9a-f]+)"`).FindAllStringSubmatch(p.body, -1)
	if len(keys) != 2 {
		t.Fatalf("%d sessions can be ended, want the other two:\n%s", len(keys), p.body)
	}
	r.as(carla).post("/me/sessions", url.Values{"key": {keys[0][1]}})
	there.get("/me").has(t, `id="sessions"`) // a key of somebody else's does nothing
	here.post("/me/sessions", url.Values{"key": {keys[0][1]}}).is(t, http.StatusOK).has(t, "Accessi chiusi")
	alive := 0
	for _, b := range []*browser{there, third} {
		if b.get("/me").url.Path == "/me" {
			alive++
		}
	}
	if alive != 1 {
		t.Fatalf("%d of the other two sessions are alive, want one", alive)
	}
	here.post("/me/sessions", nil).is(t, http.StatusOK).lacks(t, "Chiudi tutti gli altri")
	for _, b := range []*browser{there, third} {
		if got := b.get("/me").url.Path; got != "/login" {
			t.Errorf("an ended session is at %s", got)
		}
	}
	here.get("/api/v1/me").has(t, `"here":true`, `"name":"Bruno Bianchi"`)
}

func TestChiefsEndSomebodysSessions(t *testing.T) {
	r := newRig(t, true)
	his, hers := r.as(bruno), r.as(tech)
	manager := r.as(dario)
	manager.post("/people/"+string(bruno)+"/sessions", nil).is(t, http.StatusOK).has(t, "Accessi chiusi")
	if got := his.get("/me").url.Path; got != "/login" {
		t.Errorf("Bruno is at %s still", got)
	}
	manager.post("/people/"+string(tech)+"/sessions", nil).is(t, http.StatusForbidden)
	manager.post("/people/p-nobody/sessions", nil).is(t, http.StatusNotFound)
	hers.get("/people/"+string(tech)).is(t, http.StatusOK).has(t, "/sessions")
	manager.get("/people/"+string(tech)).lacks(t, "/sessions")
	hers.post("/people/"+string(tech)+"/sessions", nil).is(t, http.StatusOK)
	hers.get("/me").is(t, http.StatusOK).has(t, `id="sessions"`) // not the one that asks
}

// A manager erases the name of somebody who left: it is gone from every page, the
// account too, and the journal's chain is whole.
func TestNameOfSomebodyWhoLeftIsErased(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	ctx := context.Background()
	if err := r.server.Auth().SetPassword(ctx, carla, "carla.verdi", "otto lune piene"); err != nil {
		t.Fatal(err)
	}
	manager := r.as(dario)
	path := "/people/" + string(carla) + "/erase"
	manager.get(path).is(t, http.StatusNotFound) // she is here
	manager.post(path, url.Values{"sure": {"true"}}).is(t, http.StatusNotFound)
	leave(t, r, carla)
	r.as(tech).get("/people").lacks(t, "Carla Verdi", path)
	r.as(tech).get(path).is(t, http.StatusForbidden)
	manager.get("/people").has(t, "Carla Verdi", path)
	manager.get(path).is(t, http.StatusOK).has(t, "Carla Verdi", "sparisc")
	manager.post(path, nil).has(t, "Conferma che vuoi cancellare", "Carla Verdi")
	manager.post(path, url.Values{"sure": {"true"}}).is(t, http.StatusOK).has(t, "Cancellato").lacks(t, "Carla Verdi")
	manager.post(path, url.Values{"sure": {"true"}}).is(t, http.StatusNotFound)
	for _, route := range r.server.Routes() {
		if route.Method == http.MethodGet && route.Who&mask("manager") != 0 && route.Pattern != "/live" && route.Pattern != "/api/v1/events" {
			manager.get(real(route.Pattern)).lacks(t, "Carla Verdi", "carla.verdi")
		}
	}
	wholeChain(t, r)
	if login, err := r.server.Auth().LoginOf(ctx, carla); login != "" || err != nil {
		t.Errorf("her account is %q still (%v)", login, err)
	}
	if name, ok := r.people.Name(privacy.Viewer{Subject: dario, Role: office.RoleManager}, privacy.Configure, carla); ok {
		t.Errorf("the gate says %q", name)
	}
}

// leave takes a person out of the office with all that is hers.
func leave(t *testing.T, r *rig, who journal.SubjectID) {
	t.Helper()
	cur := r.office.Current()
	doc := cur.Doc.Clone()
	gone := func(id journal.SubjectID) bool { return id == who }
	keepPeople := doc.People[:0]
	for _, p := range doc.People {
		if !gone(p.ID) {
			keepPeople = append(keepPeople, p)
		}
	}
	doc.People = keepPeople
	keepDevices := doc.Devices[:0]
	for _, d := range doc.Devices {
		if !gone(d.Owner) {
			keepDevices = append(keepDevices, d)
		}
	}
	doc.Devices = keepDevices
	keepExtensions := doc.Extensions[:0]
	for _, e := range doc.Extensions {
		if e.Target.ID != string(who) {
			keepExtensions = append(keepExtensions, e)
		}
	}
	doc.Extensions = keepExtensions
	for i := range doc.Groups {
		members, _ := doc.Get(office.KindGroup, string(doc.Groups[i].ID), "members")
		if strings.Contains(members, string(who)) {
			doc.Set(office.KindGroup, string(doc.Groups[i].ID), "members", strings.Join(strings.Fields(strings.ReplaceAll(members, string(who), "")), " "))
		}
	}
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: tech}); err != nil {
		t.Fatal(err)
	}
}

func TestACallLeadsToErasingItsNumber(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	m := regexp.MustCompile(`/customers/n-[^/"]+/erase`)
	p := r.as(dario).get("/calls/c-0").is(t, http.StatusOK)
	link := m.FindString(p.body)
	if link == "" {
		t.Fatalf("no way to erase the number:\n%s", p.body)
	}
	for _, who := range []journal.SubjectID{tech, anna, bruno} {
		r.as(who).get("/calls/c-0").lacks(t, link)
	}
	r.as(dario).post(link, url.Values{"sure": {"true"}}).is(t, http.StatusOK).has(t, "Cancellato")
	r.as(dario).get("/calls/c-0").is(t, http.StatusOK).lacks(t, link)
	wholeChain(t, r)
}

// wholeChain checks that nothing in the journal was changed.
func wholeChain(t *testing.T, r *rig) {
	t.Helper()
	if rows, bad, err := r.log.Verify(context.Background()); err != nil || bad != nil || rows == 0 {
		t.Errorf("the chain of %d rows: %v, %v", rows, bad, err)
	}
}

// What protects passwords of phones and trunks, and what does not, stands on their
// pages for everybody who sees them.
func TestPagesSayHowPasswordsAreKept(t *testing.T) {
	r := newRig(t, true)
	r.as(tech).get("/phones/device-1").has(t, "file di chiave")
	r.as(dario).get("/phones/device-1").has(t, "file di chiave")
	r.as(tech).get("/api/v1/office/privacy").is(t, http.StatusOK).has(t, `"kind":""`, `"record":[`)
}
