package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/pbx/pbxtest"
	"centralino/ui/api"
)

// TestTheStateAgreesEverywhere: whether an operator changes the own state by a code on
// the telephone, by the key of a lamp (which dials the code that it watches), on the
// page or by the API, the distribution, the page, the API, the first page and the lamps
// of the own telephone say the same of it; those of another telephone say nothing.
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
	var lamps, others []*pbxtest.Lamp
	for _, number := range []string{"*70", "*71", "*72", "*73", "*76", "*721"} {
		for _, w := range []struct {
			p    *pbxtest.Phone
			list *[]*pbxtest.Lamp
		}{{phone, &lamps}, {s.phones[0], &others}} {
			l, err := w.p.Watch(limit(t, 10*time.Second), number)
			if err != nil {
				t.Fatal(err)
			}
			*w.list = append(*w.list, l)
		}
	}
	lit := func() string {
		var list []string
		for i, l := range lamps {
			st, err := l.State()
			if err != nil {
				t.Fatal(err)
			}
			if st == "confirmed" {
				list = append(list, []string{"login", "logout", "pause", "ready", "break", "reason"}[i])
			}
		}
		return strings.Join(list, " ")
	}
	page := func(do string) func() { return func() { r.post("/desk/state", url.Values{"do": {do}}) } }
	program := func(do string) func() { return func() { r.post("/api/v1/desk/state", url.Values{"do": {do}}) } }
	reason := string(s.b.office.Current().Doc.ReasonByDigit("1").ID)
	words := map[journal.AgentStateName]string{journal.AgentReady: "libero", journal.AgentPaused: "in pausa", journal.AgentLoggedOut: "assente", journal.AgentOtherWork: "altro lavoro"}
	for _, step := range []struct {
		what   string
		do     func()
		state  journal.AgentStateName
		reason string
		lit    string // lamps of the own telephone
	}{
		{"login by code", code("*70"), journal.AgentReady, "", "login ready"},
		{"pause on the page", page("pause"), journal.AgentPaused, "page", "login pause"},
		{"ready by the API", program("ready"), journal.AgentReady, "", "login ready"},
		{"pause by code", code("*72"), journal.AgentPaused, "code", "login pause"},
		{"ready on the page", page("ready"), journal.AgentReady, "", "login ready"},
		{"break by code", code("*76"), journal.AgentPaused, "break", "login pause break"},
		{"ready by code", code("*73"), journal.AgentReady, "", "login ready"},
		{"break on the page", page("pause:break"), journal.AgentPaused, "break", "login pause break"},
		{"other work by the API", program("other"), journal.AgentOtherWork, "work", "login"},
		{"ready by code from other work", code("*73"), journal.AgentReady, "", "login ready"},
		{"logout by the API", program("logout"), journal.AgentLoggedOut, "", "logout"},
		{"login on the page", page("login"), journal.AgentReady, "", "login ready"},
		{"pause with a reason by the key of a lamp", code("*721"), journal.AgentPaused, reason, "login pause reason"},
		{"pause with a reason on the page", page("pause:" + reason), journal.AgentPaused, reason, "login pause reason"},
		{"logout by code", code("*71"), journal.AgentLoggedOut, "", "logout"},
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
			return desk.State.ID == string(step.state) && lit() == step.lit
		}
		if !eventually(t, 5*time.Second, agrees) {
			a, _ := s.b.acd.Snapshot().Agent(bruno)
			t.Fatalf("%s: the distribution says %s (%s), the API %s, lamps %q; want %s (%s), %q", step.what, a.State, a.Reason, desk.State.ID, lit(), step.state, step.reason, step.lit)
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
	for i, l := range others {
		if n := l.Notices(); n != 1 {
			t.Errorf("lamp %d of another telephone was told %d times", i, n)
		}
	}
}
