package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/ui/api"
)

// TestTheStateAgreesEverywhere: whether an operator changes the own state by a code on
// the telephone, on the page or by the API, the distribution, the page, the API and the
// first page say the same of it.
func TestTheStateAgreesEverywhere(t *testing.T) {
	s := startStaffed(t)
	const bruno = journal.SubjectID("p-sample-bruno")
	r, phone := s.readers[string(bruno)], s.phones[1]
	code := func(digits string) func() {
		return func() {
			t.Helper()
			c, err := phone.Dial(digits)
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-c.End():
			case <-limit(t, 30*time.Second).Done():
				t.Fatalf("the code %s never ends", digits)
			}
		}
	}
	page := func(do string) func() { return func() { r.post("/desk/state", url.Values{"do": {do}}) } }
	program := func(do string) func() { return func() { r.post("/api/v1/desk/state", url.Values{"do": {do}}) } }
	words := map[journal.AgentStateName]string{journal.AgentReady: "libero", journal.AgentPaused: "in pausa", journal.AgentLoggedOut: "assente", journal.AgentOtherWork: "altro lavoro"}
	for _, step := range []struct {
		what   string
		do     func()
		state  journal.AgentStateName
		reason string
	}{
		{"login by code", code("*70"), journal.AgentReady, ""},
		{"pause on the page", page("pause"), journal.AgentPaused, "page"},
		{"ready by the API", program("ready"), journal.AgentReady, ""},
		{"pause by code", code("*72"), journal.AgentPaused, "code"},
		{"ready on the page", page("ready"), journal.AgentReady, ""},
		{"break by code", code("*76"), journal.AgentPaused, "break"},
		{"ready by code", code("*73"), journal.AgentReady, ""},
		{"break on the page", page("pause:break"), journal.AgentPaused, "break"},
		{"other work by the API", program("other"), journal.AgentOtherWork, "work"},
		{"ready by code from other work", code("*73"), journal.AgentReady, ""},
		{"logout by the API", program("logout"), journal.AgentLoggedOut, ""},
		{"login on the page", page("login"), journal.AgentReady, ""},
		{"logout by code", code("*71"), journal.AgentLoggedOut, ""},
	} {
		step.do()
		var desk api.Desk
		agrees := func() bool {
			a, ok := s.b.acd.Snapshot().Agent(bruno)
			if !ok || a.State != step.state || step.reason != "" && string(a.Reason) != step.reason {
				return false
			}
			if err := json.Unmarshal([]byte(r.get("/api/v1/desk")), &desk); err != nil {
				t.Fatal(err)
			}
			return desk.State.ID == string(step.state)
		}
		if !eventually(t, 5*time.Second, agrees) {
			a, _ := s.b.acd.Snapshot().Agent(bruno)
			t.Fatalf("%s: the distribution says %s (%s), the API %s; want %s (%s)", step.what, a.State, a.Reason, desk.State.ID, step.state, step.reason)
		}
		badge := ">" + words[step.state] + "</span>"
		if body := r.get("/desk"); !strings.Contains(body, badge) {
			t.Errorf("%s: the desk does not say %q", step.what, words[step.state])
		}
		var home api.Home
		if err := json.Unmarshal([]byte(r.get("/api/v1/home")), &home); err != nil {
			t.Fatal(err)
		}
		if home.Me == nil || home.Me.State.ID != string(step.state) {
			t.Errorf("%s: the first page says %+v", step.what, home.Me)
		}
	}
}
