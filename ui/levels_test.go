package ui_test

import (
	"net/url"
	"strings"
	"testing"

	"centralino/internal/office"
)

// What a browser sends back unchanged changes nothing, also of the fields with rows of
// their own; and what is chosen there is kept.
func TestFormOfSkillsAndRings(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	apply := func(path string, change map[string]string) {
		t.Helper()
		form := readForm(t, b.get(path).body)
		for k, v := range change {
			form.Set(k, v)
		}
		p := b.post(path, form)
		if !strings.HasPrefix(p.url.Path, "/draft/") {
			t.Fatalf("%s with %v leads to %s: %s", path, change, p.url.Path, p.body)
		}
		b.post(p.url.Path, nil)
	}
	get := func(kind, id, field string) string {
		t.Helper()
		text, ok := r.office.Current().Doc.Get(office.Kind(kind), id, field)
		if !ok {
			t.Fatalf("no %s of %s", field, id)
		}
		return strings.TrimSpace(text)
	}
	apply("/edit/person/p-sample-anna", map[string]string{"skills:skill-1": "4"})
	if got := get("person", "p-sample-anna", "skills"); got != "skill-1=4" {
		t.Errorf("skills %q", got)
	}
	apply("/edit/group/group-1", map[string]string{"queue.needs:skill-1": "3", "queue.rings:0": "30", "queue.rings:0:lower": "1", "queue.exits:0": "path-admin", "queue.strategy": "roundRobin"})
	apply("/edit/group/group-1", map[string]string{"queue.rings:1": "60", "queue.rings:1:without": "skill-1", "queue.rings:1:group": "group-2"})
	for field, want := range map[string]string{
		"queue.needs": "skill-1=3", "queue.rings": "after=30 lower=1\nafter=60 without=skill-1 group=group-2",
		"queue.exits": "0=path-admin", "queue.strategy": "roundRobin", "queue.lastAgentOf": "30",
	} {
		if got := get("group", "group-1", field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	p := b.post("/edit/path/path-queue", url.Values{"name": {"Assistenza"}, "steps:0": {"group group=group-1"}, "steps:1": {"callback group=group-1"}, "steps:2": {"end"}})
	if !strings.HasPrefix(p.url.Path, "/draft/") {
		t.Fatalf("a step that offers to call back: %s", p.body)
	}
	b.post(p.url.Path, nil)
	if got := get("path", "path-queue", "steps"); got != "group group=group-1\ncallback group=group-1\nend" {
		t.Errorf("steps %q", got)
	}
}
