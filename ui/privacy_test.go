package ui_test

import (
	"bufio"
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// configuring are the routes on which people are set up: there names stand for who
// may set up, without state or figures.
var configuring = []string{"/people", "/phones", "/office", "/edit", "/delete", "/draft", "/versions", "/search", "/lines", "/tokens",
	"/api/v1/tokens", "/api/v1/people", "/api/v1/phones", "/api/v1/office", "/api/v1/versions", "/api/v1/search", "/api/v1/lines", "/api/v1/schema"}

// stream reads an event stream for a moment, until its first drawing is complete.
func (b *browser) stream(path string, until func(string) bool) string {
	b.r.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 8*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.r.http.URL+path, nil)
	if err != nil {
		b.r.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", b.lang)
	res, err := b.c.Do(req)
	if err != nil {
		b.r.t.Fatal(err)
	}
	defer res.Body.Close()
	var all strings.Builder
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		all.WriteString(in.Text() + "\n")
		if until(all.String()) {
			return all.String()
		}
	}
	b.r.t.Fatalf("stream %s ended with %d: %s", path, res.StatusCode, all.String())
	return ""
}

// walk reads every GET route as one person and calls see with what came.
func walk(r *rig, who journal.SubjectID, see func(path, body string)) {
	b := r.as(who)
	for _, route := range r.server.Routes() {
		if route.Method != http.MethodGet {
			continue
		}
		if route.Pattern == "/api/v1/events" {
			continue // answers for ever; it has its own tests
		}
		if route.Pattern == "/live" {
			for _, page := range []string{"home", "lines", "line&id=line-1"} {
				p := "/live?page=" + page
				last := map[string]string{"home": `"id":"lines"`, "lines": `"id":"lineslist"`, "line&id=line-1": `"id":"linestate"`}[page]
				if page != "home" && !strings.HasPrefix(string(who), "p-tech") && who != dario {
					continue // refused: the table's test
				}
				see(p, b.stream(p, func(s string) bool { return strings.Contains(s, last) }))
			}
			continue
		}
		path := real(route.Pattern)
		see(path, b.get(path).body)
		if path == "/calls/c-0" || path == "/api/v1/calls/c-0" {
			for _, other := range []string{"c-1", "c-2", "c-3", "c-4", "c-5", "c-8", "c-9"} {
				p := strings.Replace(path, "c-0", other, 1)
				see(p, b.get(p).body)
			}
		}
	}
}

// TestCallsWithinTheOfficeAreTheirPartiesOwn: that two colleagues talk to each other
// stands on nobody else's board.
func TestCallsWithinTheOfficeAreTheirPartiesOwn(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	for who, want := range map[journal.SubjectID]bool{tech: false, anna: false, bruno: false, carla: true, dario: true} {
		got := strings.Contains(r.as(who).get("/api/v1/home").body, `"c-4"`)
		if got != want {
			t.Errorf("%s sees the call of Dario and Carla: %v", who, got)
		}
	}
}

func isConfiguring(path string) bool {
	for _, c := range configuring {
		if path == c || strings.HasPrefix(path, c+"/") || strings.HasPrefix(path, c+"?") {
			return true
		}
	}
	return false
}

// TestNobodySeesAnotherPersonsStateOrFigures walks route by route, with the gate
// closed: what would name another person is nowhere but where people are set up.
func TestNobodySeesAnotherPersonsStateOrFigures(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	marks := map[journal.SubjectID][]string{ // what would give a person away
		anna: {"Anna", "p-sample-anna", "device-1"}, bruno: {"Bruno", "p-sample-bruno", "device-2"},
		carla: {"Carla", "p-sample-carla", "device-3"}, dario: {"Dario", "p-sample-dario", "device-4"},
	}
	for _, who := range []journal.SubjectID{tech, dario, anna, bruno, carla} {
		walk(r, who, func(path, body string) {
			for about, list := range marks {
				leads := who == anna && (path == "/office" || strings.HasPrefix(path, "/edit/")) // members of groups, skills
				if about == who || (who == tech || who == dario) && isConfiguring(path) || leads {
					continue
				}
				digits := map[journal.SubjectID]string{anna: "201", bruno: "202", carla: "203", dario: "204"}[about]
				if m := regexp.MustCompile(`[^0-9:]` + digits + `[^0-9:]`).FindStringIndex(body); m != nil {
					t.Errorf("%s reads %s and learns the extension of %s: …%s…", who, path, about, body[max(0, m[0]-80):min(len(body), m[1]+80)])
				}
				for _, m := range list {
					if strings.Contains(path, m) { // what one asked for stands in the page's own address
						continue
					}
					if i := strings.Index(body, m); i >= 0 {
						t.Errorf("%s reads %s and learns of %s: …%s…", who, path, about, body[max(0, i-80):min(len(body), i+80)])
					}
				}
			}
		})
	}
}

// counting are the pages that show how many agents are free and what calls are on:
// what they may say of single people is the test's above.
var counting = []string{"/", "/reports", "/api/v1/reports", "/recall", "/api/v1/recall", "/plan", "/api/v1/plan", "/api/v1/home", "/desk", "/api/v1/desk", "/board", "/api/v1/board", "/live", "/calls", "/api/v1/calls", "/system/log", "/api/v1/log",
	"/login", "/claim", "/invite"} // these lead home, or count tries

var clocks = regexp.MustCompile(`data-now="[0-9.]+"|"now":"[^"]*"|data-since="[0-9.]+"|[0-9]+:[0-9]{2}(:[0-9]{2})?|(?s:<section class="card flush" id="refused">.*?</section>)|"refused":\[.*?\]|(?s:<section class="card flush" id="sessions">.*?</section>)|"sessions":\[.*?\]`) // the walk itself is refused here and there, and logs in

// TestPagesOfSettingUpTellNothingOfWhatPeopleDo: names stand there, and nothing on them
// changes when colleagues log in, pause, talk or miss calls.
func TestPagesOfSettingUpTellNothingOfWhatPeopleDo(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	read := func(who journal.SubjectID) map[string]string {
		pages := map[string]string{}
		walk(r, who, func(path, body string) {
			for _, c := range counting {
				if path == c || c != "/" && (strings.HasPrefix(path, c+"/") || strings.HasPrefix(path, c+"?")) {
					return
				}
			}
			pages[path] = clocks.ReplaceAllString(body, "")
		})
		return pages
	}
	before := map[journal.SubjectID]map[string]string{tech: read(tech), dario: read(dario), anna: read(anna)}
	for i, a := range []journal.SubjectID{bruno, carla} {
		call := journal.CallID("c-more-" + string(a))
		r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390255559999")})
		r.log.Append(call, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1", Arrival: time.Now()})
		r.log.Append(call, journal.ContactOffered{Contact: journal.ContactID(call), Queue: "group-1", Offer: journal.OfferID(40 + i), Agent: a})
		r.log.Append(call, journal.OfferEnded{Contact: journal.ContactID(call), Offer: journal.OfferID(40 + i), Agent: a, Outcome: journal.OfferMissed})
		r.log.Append(call, journal.CallEnded{Cause: "abandoned", By: "caller", Total: 77 * time.Second})
		for _, s := range []journal.AgentStateName{journal.AgentLoggedOut, journal.AgentBusy, journal.AgentReady, journal.AgentPaused} {
			r.log.Append("", journal.AgentChanged{Agent: a, State: s, Reason: "missed"})
		}
	}
	r.log.Append("", journal.AgentChanged{Agent: carla, State: journal.AgentLoggedOut})
	for r.server.Live().Agents[carla].State != journal.AgentLoggedOut {
		select {
		case <-t.Context().Done():
			t.Fatal("the events never came")
		case <-time.After(5 * time.Millisecond):
		}
	}
	for who, pages := range before {
		after := read(who)
		if len(pages) < 20 {
			t.Fatalf("only %d pages were read", len(pages))
		}
		for path, was := range pages {
			if got := after[path]; got != was {
				i := 0
				for i < min(len(was), len(got)) && was[i] == got[i] {
					i++
				}
				t.Errorf("%s sees on %s that somebody did something: …%s… was …%s…", who, path, got[max(0, i-80):min(len(got), i+80)], was[max(0, i-80):min(len(was), i+80)])
			}
		}
	}
}

// TestAgreementOpensTheGate shows that the walk above would have seen something.
func TestAgreementOpensTheGate(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	if err := r.people.Record(context.Background(), privacy.Viewer{Subject: dario, Role: office.RoleManager}, privacy.Agreement{Kind: privacy.UnionDeal, Date: "2026-03-01"}); err != nil {
		t.Fatal(err)
	}
	seen := func(who journal.SubjectID) map[string]bool {
		m := map[string]bool{}
		walk(r, who, func(path, body string) {
			if strings.Contains(body, "Bruno") {
				m[path] = true
			}
		})
		return m
	}
	leader := seen(anna)
	for _, path := range []string{"/", "/api/v1/home", "/live?page=home", "/calls/c-0", "/api/v1/calls/c-0"} {
		if !leader[path] {
			t.Errorf("with an agreement the leader does not see Bruno on %s (%v)", path, leader)
		}
	}
	if operator := seen(carla); len(operator) > 0 {
		t.Errorf("an operator sees a colleague in spite of all: %v", operator)
	}
}

func TestOperatorsReadTheirOwnCallsOnly(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	r.as(bruno).get("/calls/c-0").is(t, http.StatusOK).has(t, "Bruno Bianchi")
	r.as(carla).get("/calls/c-0").is(t, http.StatusNotFound)
	r.as(carla).get("/api/v1/calls").lacks(t, "c-0", "c-9")
	r.as(carla).get("/api/v1/calls?number=0298765432").lacks(t, "c-0")
}
