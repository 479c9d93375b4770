package ui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
)

var reNext = regexp.MustCompile(`^<(/[^>]*)>; rel="next"$`)

// whole reads a list of JSON from its beginning, and on as long as the header Link says
// where it goes on. It returns the named field of every row, under key if the answer is
// an object, and in how many parts they came.
func (b *browser) whole(path, key, field string) (rows []string, parts int) {
	t := b.r.t
	t.Helper()
	for path != "" {
		p := b.get(path).is(t, http.StatusOK)
		list := json.RawMessage(p.body)
		next := ""
		if key != "" {
			var m map[string]json.RawMessage
			if err := json.Unmarshal(list, &m); err != nil {
				t.Fatal(err)
			}
			list = m[key]
			_ = json.Unmarshal(m["next"], &next)
		}
		var part []map[string]any
		if err := json.Unmarshal(list, &part); err != nil {
			t.Fatal(err)
		}
		for _, row := range part {
			rows = append(rows, fmt.Sprint(row[field]))
		}
		from := path
		path = ""
		if m := reNext.FindStringSubmatch(p.head.Get("Link")); m != nil {
			path = m[1]
		}
		if key != "" && (next == "") != (path == "") {
			t.Errorf("%s: next is %q in the body, %q in the header", from, next, path)
		}
		if parts++; parts > 50 {
			t.Fatalf("%s goes on for ever", path)
		}
	}
	return rows, parts
}

// TestListsGoOn: whatever the API cuts says where it goes on, and by that everything is
// found once, in order.
func TestListsGoOn(t *testing.T) {
	r := furnished(t)
	morning(r, 600, 1)
	for i := range 60 {
		r.card(outcome.Customer{Name: fmt.Sprintf("Cliente %03d", i)}, numbering.E164(fmt.Sprintf("+3902900%04d", i)))
	}
	const promises = 2010
	party := r.people.Pseudonym(nobodys)
	var wg sync.WaitGroup
	for n := range 30 {
		wg.Go(func() {
			for i := n; i < promises; i += 30 {
				x := outcome.Result{Call: journal.CallID(fmt.Sprintf("p-%04d", i)), Agent: bruno, Outcome: "outcome-8"}
				if i == 0 {
					x.Subject = party
				}
				if _, err := r.book.Set(context.Background(), x); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 40 { // versions
		cur := r.office.Current()
		doc := cur.Doc.Clone()
		doc.Site.Name = fmt.Sprint("Studio ", i)
		if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: dario}); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	b := r.as(dario)
	day := r.deps.Now().Unix()
	contacts := fmt.Sprintf("/api/v1/reports/contacts?from=%d&to=%d&count=offered", day-86400, day+86400)
	for _, c := range []struct {
		path, key, field string
		least, parts     int
	}{
		{"/api/v1/calls", "calls", "id", 601, 13}, {"/api/v1/callbacks", "", "call", promises, 3}, {"/api/v1/customers", "customers", "id", 60, 2},
		{contacts, "contacts", "call", 601, 2}, {"/api/v1/versions", "", "version", 41, 2}, {"/api/v1/me/looks", "", "time", 0, 1},
	} {
		rows, parts := b.whole(c.path, c.key, c.field)
		seen := map[string]bool{}
		for _, x := range rows {
			seen[x] = true
		}
		if len(seen) != len(rows) || len(rows) < c.least || parts != c.parts {
			t.Errorf("%s: %d rows, %d of them different, in %d parts; want at least %d in %d", c.path, len(rows), len(seen), parts, c.least, c.parts)
		}
	}
	var all struct{ All int }
	if err := json.Unmarshal([]byte(b.get(contacts).body), &all); err != nil || all.All < 601 {
		t.Errorf("all %+v, %v", all, err)
	}
	page := b.get(strings.Replace(contacts, "/api/v1", "", 1)).has(t, "Altri contatti")
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(page.body)
	if next == nil {
		t.Fatal("the page does not go on")
	}
	b.get(strings.ReplaceAll(next[1], "&amp;", "&")).is(t, http.StatusOK).has(t, "All’inizio").lacks(t, "Altri contatti")
	b.get("/callbacks").has(t, "i primi 1.000 di 2.010")

	first := b.get("/api/v1/callbacks")
	if answer := r.as(dario).post("/api/v1/callbacks/done", map[string][]string{"call": {"p-0000"}}); answer.head.Get("Link") == "" || !strings.HasPrefix(answer.head.Get("Link"), "</api/v1/callbacks?after=") {
		t.Errorf("after one is done it goes on at %q", answer.head.Get("Link"))
	}
	var doc any
	if err := json.Unmarshal([]byte(b.get("/api/v1/openapi.json").body), &doc); err != nil || dig(doc, "paths", "/api/v1/callbacks/done", "post", "responses", "200", "headers", "Link") == nil {
		t.Errorf("nothing says that it goes on: %v", err)
	}
	if strings.Contains(first.head.Get("Link"), string(party)) {
		t.Error("a place in a list names a number")
	}
	for _, bad := range []string{"/api/v1/callbacks?after=x", "/api/v1/callbacks?after=MSAy", contacts + "&after=x"} {
		b.get(bad).is(t, http.StatusBadRequest)
	}
	if link := r.as(carla).get("/api/v1/callbacks").is(t, http.StatusOK).head.Get("Link"); link != "" {
		t.Errorf("who has nothing to do is led on to %s", link)
	}
}
