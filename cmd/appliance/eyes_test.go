package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/pbxtest"
	"centralino/ui"
)

// reader is one person's browser without a window, on a box in this process.
type reader struct {
	t    *testing.T
	who  string
	base string
	c    *http.Client
}

func newReader(t *testing.T, who, base string) *reader {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, who: who, base: base, c: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
	t.Cleanup(r.c.CloseIdleConnections)
	return r
}

func (r *reader) get(path string) string {
	r.t.Helper()
	resp, err := r.c.Get(r.base + path)
	return r.body(path, resp, err)
}

func (r *reader) post(path string, form url.Values) string {
	r.t.Helper()
	resp, err := r.c.PostForm(r.base+path, form)
	return r.body(path, resp, err)
}

func (r *reader) body(path string, resp *http.Response, err error) string {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s at %s: %v", r.who, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatalf("%s at %s: %v", r.who, path, err)
	}
	return string(b)
}

// stream reads an event stream until a part of the page has come.
func (r *reader) stream(path, last string) string {
	r.t.Helper()
	ctx, stop := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.c.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var all strings.Builder
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		all.WriteString(in.Text() + "\n")
		if resp.StatusCode != http.StatusOK || strings.Contains(all.String(), `"id":"`+last+`"`) {
			return all.String()
		}
	}
	return all.String()
}

var inviteLink = regexp.MustCompile(`/invite/[A-Z2-7-]{23}`)

// staffed is the sample office with everybody at his page and telephone and a call
// that Anna has taken, while another has been.
type staffed struct {
	b       *box
	tech    *reader
	readers map[string]*reader // by the person's id
	phones  []*pbxtest.Phone
}

func startStaffed(t *testing.T) *staffed {
	t.Helper()
	desk := newDesk(t)
	b := desk.here(nil, "-http", desk.addr(1, 8080).String())
	s := &staffed{b: b, readers: map[string]*reader{}, tech: newReader(t, "the technician", desk.url(""))}
	s.tech.post("/claim", url.Values{"code": {b.pages.ClaimCode(t.Context())}, "name": {"Tina Tecnica"}, "user": {webTechnician},
		"password": {webTechnicianPassword}, "again": {webTechnicianPassword}})
	doc := b.office.Current().Doc
	for i, person := range []string{"p-sample-anna", "p-sample-bruno", "p-sample-carla", "p-sample-dario"} {
		link := inviteLink.FindString(s.tech.post("/people/"+person+"/invite", nil))
		r := newReader(t, person, desk.url(""))
		r.get(link)
		r.post("/invite/set", url.Values{"code": {strings.TrimPrefix(link, "/invite/")}, "user": {person}, "password": {"dieci pere dolci"}, "again": {"dieci pere dolci"}})
		s.readers[person] = r
		secret, _ := b.secrets.Get(doc.Devices[i].Secret)
		p := desk.phone(byte(11+i), doc.Devices[i].Username, secret)
		if err := p.Register(limit(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
		s.phones = append(s.phones, p)
	}
	return s
}

// ring makes a call from outside and waits until somebody has taken it.
func (s *staffed) ring(t *testing.T, line string, phone int) *pbxtest.Call {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	if !eventually(t, 20*time.Second, func() bool {
		return slices.ContainsFunc(s.b.lineStates.list(), func(l ui.LineStatus) bool { return string(l.ID) == line && l.State == "idle" })
	}) {
		t.Fatalf("%s never is idle", line)
	}
	go s.b.simulateCall(ctx, controlRequest{Do: "ring", Line: line, From: "0612345678", Keys: "111", EndMS: 120000}, func(string) {})
	if !eventually(t, 90*time.Second, func() bool { return s.phones[phone].Current() != nil }) {
		t.Fatal("the call reaches nobody")
	}
	c := s.phones[phone].Current()
	select {
	case <-c.Up():
	case <-limit(t, 10*time.Second).Done():
		t.Fatal("the call is not answered")
	}
	return c
}

// Nobody reads another person's name, state or figures anywhere but where people are
// set up: walked route by route over the real box, as everybody, during a call.
func TestNobodyReadsAColleagueOnTheRealBox(t *testing.T) {
	t.Parallel()
	s := startStaffed(t)
	s.readers["p-sample-bruno"].post("/me/state", url.Values{"do": {"login"}})
	s.ring(t, "line-1", 1).HangUp()
	s.readers["p-sample-bruno"].post("/me/state", url.Values{"do": {"pause"}})
	s.readers["p-sample-anna"].post("/me/state", url.Values{"do": {"login"}})
	s.ring(t, "line-2", 0)

	marks := map[string][]string{"p-sample-anna": nil, "p-sample-bruno": nil, "p-sample-carla": nil, "p-sample-dario": nil}
	doc := s.b.office.Current().Doc
	for i, person := range []string{"p-sample-anna", "p-sample-bruno", "p-sample-carla", "p-sample-dario"} {
		first, _, _ := strings.Cut(strings.TrimPrefix(doc.Devices[i].Name, "Telefono "), " ")
		marks[person] = []string{first, person, string(doc.Devices[i].ID)}
	}
	calls := callIDs(s.tech.get("/api/v1/calls"))
	if len(calls) != 2 {
		t.Fatalf("there are %d calls, want 2", len(calls))
	}
	seen := 0
	for person, r := range s.readers {
		role := doc.PersonByID(journal.SubjectID(person)).Role
		for _, path := range s.paths(calls) {
			setsUp := role == office.RoleManager && configures(path) ||
				role == office.RoleLeader && (path == "/office" || strings.HasPrefix(path, "/edit/"))
			body := s.read(r, path)
			for about, list := range marks {
				if about == person {
					seen += strings.Count(body, list[0])
					continue
				}
				for _, m := range list {
					if i := strings.Index(body, m); i >= 0 && !setsUp && !strings.Contains(path, m) {
						t.Errorf("%s (%s) reads %s and learns of %s: …%s…", person, role, path, about, body[max(0, i-100):min(len(body), i+100)])
					}
				}
			}
		}
	}
	if seen == 0 {
		t.Error("nobody sees even the own name: the walk looks at the wrong pages")
	}
	// The technician sets people up, but sees no states or calls of theirs either, and
	// nobody in the log.
	s.b.log.Info("acd: refused", "agent", "p-sample-bruno")
	for _, path := range append(s.paths(calls), "/system/log?level=DEBUG", "/api/v1/log?level=DEBUG", "/system/log?call="+calls[0]) {
		body := s.read(s.tech, path)
		for about, list := range marks {
			for _, m := range list {
				if i := strings.Index(body, m); i >= 0 && !configures(path) && !strings.Contains(path, m) {
					t.Errorf("the technician reads %s and learns of %s: …%s…", path, about, body[max(0, i-100):min(len(body), i+100)])
				}
			}
		}
	}
}

func callIDs(json string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`"id":"([0-9a-z]{12,})"`).FindAllStringSubmatch(json, -1) {
		out = append(out, m[1])
	}
	return out
}

func (s *staffed) read(r *reader, path string) string {
	if rest, ok := strings.CutPrefix(path, "/live?page="); ok {
		return r.stream(path, map[string]string{"home": "lines", "lines": "lineslist", "line&id=line-1": "linestate"}[rest])
	}
	return r.get(path)
}

// configures says whether a path is one on which people and telephones are set up.
func configures(path string) bool {
	return slices.ContainsFunc([]string{"/people", "/phones", "/office", "/edit", "/delete", "/draft", "/versions", "/search", "/lines", "/prompts", "/live?page=line",
		"/api/v1/people", "/api/v1/phones", "/api/v1/office", "/api/v1/versions", "/api/v1/search", "/api/v1/lines", "/api/v1/prompts"},
		func(c string) bool { return strings.HasPrefix(path, c) })
}

// paths are all that can be read, with ids that exist, from the route table.
func (s *staffed) paths(calls []string) []string {
	out := []string{"/live?page=home", "/live?page=lines", "/live?page=line&id=line-1", "/search?q=anna", "/search?q=202", "/api/v1/search?q=telefono", "/calls?number=0612345678", "/calls?line=line-1"}
	for _, route := range s.b.pages.Routes() {
		if route.Method != http.MethodGet || strings.HasPrefix(route.Pattern, "/live") || route.Pattern == "/api/v1/events" {
			continue
		}
		ids := []string{"none"}
		switch {
		case strings.Contains(route.Pattern, "/people/{id}"):
			ids = []string{"p-sample-anna", "p-sample-bruno"}
		case strings.Contains(route.Pattern, "/phones/{id}"):
			ids = []string{"device-1", "device-2"}
		case strings.Contains(route.Pattern, "/calls/{id}"):
			ids = calls
		case strings.Contains(route.Pattern, "/lines/{id}"):
			ids = []string{"line-1", "line-2"}
		case strings.Contains(route.Pattern, "{kind}/{id}"):
			ids = []string{"group-1", "device-1", "p-sample-bruno"}
		}
		for _, id := range ids {
			kind := map[string]string{"g": "group", "d": "device", "p": "person"}[id[:1]]
			out = append(out, strings.NewReplacer("{$}", "", "{n}", "2", "{id}", id, "{kind}", kind, "{name}", "none", "{code}", "AAAAA").Replace(route.Pattern))
		}
	}
	return out
}
