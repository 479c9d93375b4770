package ui_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"centralino/internal/journal"
	"centralino/ui"
)

var rewrite = flag.Bool("update", false, "rewrite golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Fatalf("%s differs (go test -update rewrites it); got:\n%s", path, got)
	}
}

var everybody = map[string]journal.SubjectID{"nobody": "", "technician": tech, "manager": dario, "leader": anna, "operator": bruno}

// mask is the set of a role's name.
func mask(role string) ui.Access {
	return map[string]ui.Access{"nobody": ui.Anybody, "technician": ui.Technician, "manager": ui.Manager, "leader": ui.Leader, "operator": ui.Operator}[role]
}

// real fills a pattern with ids that exist.
func real(pattern string) string {
	switch {
	case strings.HasPrefix(pattern, "/people/"):
		return strings.NewReplacer("{id}", string(anna)).Replace(pattern)
	case strings.HasPrefix(pattern, "/phones/"):
		return strings.NewReplacer("{id}", "device-1").Replace(pattern)
	case strings.HasPrefix(pattern, "/lines/"):
		return strings.NewReplacer("{id}", "line-1").Replace(pattern)
	case strings.HasSuffix(pattern, "/reports/contacts"):
		return pattern + "?from=1&to=2&count=offered"
	case pattern == "/edit/{kind}":
		return "/edit/site"
	case strings.HasPrefix(pattern, "/edit/"), strings.HasPrefix(pattern, "/delete/"):
		return strings.NewReplacer("{kind}", "group", "{id}", "group-1").Replace(pattern)
	case strings.HasPrefix(pattern, "/prompts/"):
		return strings.NewReplacer("{id}", "prompt-menu", "{lang}", "it").Replace(pattern)
	case strings.Contains(pattern, "/calls/"):
		return strings.NewReplacer("{id}", "c-0").Replace(pattern)
	}
	return strings.NewReplacer("{$}", "", "{n}", "1", "{id}", "none", "{name}", "none", "{code}", "AAAAA").Replace(pattern)
}

func TestRouteTableIsTheOneThatWasReviewed(t *testing.T) {
	r := newRig(t, true)
	var b strings.Builder
	for _, route := range r.server.Routes() {
		var who []string
		for _, role := range []string{"technician", "manager", "leader", "operator"} {
			if route.Who&mask(role) != 0 {
				who = append(who, role)
			}
		}
		if route.Who&ui.Anybody != 0 {
			who = []string{"anybody"}
		}
		if route.Scope != "" {
			who = append(who, "token:"+string(route.Scope))
		}
		fmt.Fprintf(&b, "%-4s %-28s %s\n", route.Method, route.Pattern, strings.Join(who, " "))
	}
	golden(t, "routes.txt", b.String())
}

// TestEveryRouteKeepsOutWhoIsNotInTheTable tries every route as everybody, each on
// a box of its own: what one of them got wrong keeps nobody else waiting.
func TestEveryRouteKeepsOutWhoIsNotInTheTable(t *testing.T) {
	for role, who := range everybody {
		t.Run(role, func(t *testing.T) {
			r := newRig(t, true)
			busy(r)
			for _, route := range r.server.Routes() {
				if (route.Pattern == "/live" || route.Pattern == "/api/v1/events") && who != "" {
					continue // answers for ever; the stream has its own tests
				}
				tryRoute(t, r, route, role, who)
			}
		})
	}
}

// tryRoute asks for one route as who, with an empty form.
func tryRoute(t *testing.T, r *rig, route ui.Route, role string, who journal.SubjectID) {
	t.Helper()
	b := r.as(who) // anew each time: some routes log out
	b.c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var p page
	if route.Method == http.MethodGet {
		p = b.get(real(route.Pattern))
	} else {
		p = b.post(real(route.Pattern), url.Values{})
	}
	toLogin := p.status == http.StatusSeeOther && strings.HasPrefix(p.head.Get("Location"), "/login")
	allowed := route.Who&ui.Anybody != 0 || who != "" && route.Who&mask(role) != 0
	if route.Pattern == "/logout" || route.Pattern == "/claim" || route.Pattern == "/login" && who == "" {
		toLogin = false // these lead there when they succeed
	}
	refused := p.status == http.StatusUnauthorized || p.status == http.StatusForbidden || toLogin
	// Rights inside of a route: invitations and logins may be refused for what was
	// sent.
	inner := route.Pattern == "/login" || strings.HasPrefix(route.Pattern, "/invite")
	if refused == allowed && !(allowed && inner) {
		t.Errorf("%s %s as %s: status %d, allowed %v", route.Method, route.Pattern, role, p.status, allowed)
	}
	if p.status >= 500 && p.status != http.StatusServiceUnavailable {
		t.Errorf("%s %s as %s: status %d", route.Method, route.Pattern, role, p.status)
	}
	if !refused && !allowed {
		t.Errorf("%s %s as %s went through", route.Method, route.Pattern, role)
	}
}

func TestWhatIsNotInTheTableDoesNotExist(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	for _, path := range []string{"/nowhere", "/api/v1/nothing", "/assets/../ui.go", "/assets/app.css", "/people/p-nobody", "/phones/x", "/lines/x",
		"/edit/site/x", "/edit/person/new", "/edit/nothing/x", "/edit/line", "/delete/site/x", "/delete/line/new", "/calls/x", "/versions/0", "/versions/99", "/versions/abc", "/draft/x/"} {
		b.get(path).is(t, http.StatusNotFound)
	}
	req, _ := http.NewRequest(http.MethodDelete, r.http.URL+"/people", nil)
	if p := b.send(req); p.status != http.StatusMethodNotAllowed && p.status != http.StatusForbidden {
		t.Errorf("DELETE: status %d", p.status)
	}
	b.get("/api/v1/nothing").has(t, `"code":"E-404"`)
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	r := newRig(t, true)
	for _, path := range []string{"/", "/login", "/nowhere", "/api/v1/home", "/system"} {
		p := r.as(tech).get(path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
		} {
			if got := p.head.Get(name); got != want {
				t.Errorf("%s %s: %q", path, name, got)
			}
		}
		p.lacks(t, "<script>", " style=", "<style", " onclick=", "javascript:")
	}
}

func TestRequestsFromElsewhere(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	send := func(change func(*http.Request)) int {
		req, err := http.NewRequest(http.MethodPost, r.http.URL+"/logout", strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		return b.send(req).status
	}
	if got := send(func(q *http.Request) { q.Header.Set("Origin", "http://evil.example") }); got != http.StatusForbidden {
		t.Errorf("foreign Origin: %d", got)
	}
	if got := send(func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site") }); got != http.StatusForbidden {
		t.Errorf("cross-site: %d", got)
	}
	for host, want := range map[string]int{
		"evil.example": http.StatusMisdirectedRequest, "centralino.local.evil.example": http.StatusMisdirectedRequest, "": http.StatusBadRequest,
		"centralino.local": http.StatusOK, "CENTRALINO.local:8080": http.StatusOK, "192.168.1.20": http.StatusOK, "[fe80::1]:80": http.StatusOK, "localhost:1": http.StatusOK, "centralino.local.": http.StatusOK,
	} {
		req, _ := http.NewRequest(http.MethodGet, r.http.URL+"/system", nil)
		req.Host = host
		if host == "" {
			continue // net/http refuses it before us
		}
		if got := b.send(req).status; got != want {
			t.Errorf("host %q: %d, want %d", host, got, want)
		}
	}
}

func TestBodiesHaveALimit(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	b.post("/people/new", url.Values{"name": {strings.Repeat("x", 100<<10)}}).is(t, http.StatusRequestEntityTooLarge)
	b.post("/people/new", url.Values{"name": {strings.Repeat("x", 1000)}}).is(t, http.StatusUnprocessableEntity)
	req, _ := http.NewRequest(http.MethodPost, r.http.URL+"/people/new", strings.NewReader("%zz=%"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.send(req).is(t, http.StatusBadRequest)
}

func TestAssetsAreKeptForEver(t *testing.T) {
	r := newRig(t, true)
	b := r.as("")
	body := b.get("/login").body
	i := strings.Index(body, "/assets/app-")
	if i < 0 {
		t.Fatal("no style sheet")
	}
	path := body[i : i+strings.IndexByte(body[i:], '"')]
	p := b.get(path).is(t, http.StatusOK)
	if got := p.head.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("Cache-Control %q", got)
	}
	p.has(t, "@layer", "@keyframes led-wink")
	req, _ := http.NewRequest(http.MethodGet, r.http.URL+path, nil)
	req.Header.Set("Accept-Encoding", "gzip")
	if p := b.send(req); p.head.Get("Content-Encoding") != "gzip" || len(p.body) > 12<<10 {
		t.Errorf("encoding %q, %d octets", p.head.Get("Content-Encoding"), len(p.body))
	}
}
