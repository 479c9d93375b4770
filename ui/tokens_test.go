package ui_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/ui"
	"centralino/ui/auth"
)

// every is all that a token can be good for.
const every = auth.Scopes("customers dial events")

// program makes a token of a person's.
func (r *rig) program(who journal.SubjectID, scopes auth.Scopes) string {
	r.t.Helper()
	text, _, err := r.server.Auth().MakeToken(context.Background(), auth.NewToken{Person: who, Name: "CRM", Scopes: scopes, Lasts: auth.TokenYear})
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

// with asks for a route as a program.
func (r *rig) with(token, method, path string, change ...func(*http.Request)) page {
	r.t.Helper()
	req, err := http.NewRequest(method, r.http.URL+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for _, c := range change {
		c(req)
	}
	b := r.as("")
	b.c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b.send(req)
}

// TestTokensOpenWhatTheyAreFor tries every route with tokens of every role and scope: a
// page never opens, a route of the API only for its scope and the owner's role.
func TestTokensOpenWhatTheyAreFor(t *testing.T) {
	for role, who := range everybody {
		if who == "" {
			continue
		}
		t.Run(role, func(t *testing.T) {
			r := newRig(t, true)
			busy(r)
			for _, scopes := range []auth.Scopes{every, "events", "dial", "customers"} {
				token := r.program(who, scopes)
				for _, route := range r.server.Routes() {
					if route.Pattern == "/api/v1/events" && scopes.Has(route.Scope) && route.Who&mask(role) != 0 {
						continue // answers for ever; the stream has its own test
					}
					tryToken(t, r, route, token, scopes, route.Who&mask(role) != 0)
				}
			}
		})
	}
}

// tryToken asks for one route with a token.
func tryToken(t *testing.T, r *rig, route ui.Route, token string, scopes auth.Scopes, role bool) {
	t.Helper()
	p := r.with(token, route.Method, real(route.Pattern))
	api := strings.HasPrefix(route.Pattern, "/api/v1/")
	open := route.Scope == "any" || route.Scope != "" && scopes.Has(route.Scope)
	switch {
	case !api && (p.status != http.StatusBadRequest || !strings.Contains(p.body, "E-TOKEN-PAGE")):
		t.Errorf("%s %s is no place for a token: status %d", route.Method, route.Pattern, p.status)
	case !api:
	case !open && (p.status != http.StatusForbidden || !strings.Contains(p.head.Get("WWW-Authenticate"), "insufficient_scope")):
		t.Errorf("%s %s with %s: status %d, %q", route.Method, route.Pattern, scopes, p.status, p.head.Get("WWW-Authenticate"))
	case open && (p.status == http.StatusForbidden) == role, p.status == http.StatusUnauthorized:
		t.Errorf("%s %s with %s: status %d, role allowed %v", route.Method, route.Pattern, scopes, p.status, role)
	}
	if len(p.head.Values("Set-Cookie")) > 0 {
		t.Errorf("%s %s gives a program a cookie", route.Method, route.Pattern)
	}
}

// TestATokenReadsWhatItsOwnerReads: the gate takes a program for its owner.
func TestATokenReadsWhatItsOwnerReads(t *testing.T) {
	r := furnished(t)
	for role, who := range everybody {
		for _, route := range r.server.Routes() {
			if who == "" || route.Method != http.MethodGet || route.Scope == "" || route.Who&mask(role) == 0 || route.Pattern == "/api/v1/events" {
				continue
			}
			own := r.as(who).get(real(route.Pattern))
			token := r.with(r.program(who, every), http.MethodGet, real(route.Pattern), func(q *http.Request) { q.Header.Set("Accept-Language", "it") })
			if token.status != own.status || token.body != own.body {
				t.Errorf("%s reads %s: %d %s\nhis program: %d %s", role, route.Pattern, own.status, own.body, token.status, token.body)
			}
		}
	}
}

func TestTokensThatComeInAWrongWay(t *testing.T) {
	r := newRig(t, true)
	token := r.program(dario, "customers")
	set := func(name, value string) func(*http.Request) {
		return func(q *http.Request) { q.Header.Set(name, value) }
	}
	for _, c := range []struct {
		name, path string
		change     func(*http.Request)
		status     int
		code       string
	}{
		{"it is good", "/api/v1/customers", func(*http.Request) {}, http.StatusOK, `"customers"`},
		{"the scheme in small letters", "/api/v1/customers", set("Authorization", "bearer "+token), http.StatusOK, `"customers"`},
		{"with a language of its own", "/api/v1/customers", set("Cookie", "lang=en"), http.StatusOK, `"customers"`},
		{"beside a login", "/api/v1/customers", set("Cookie", "centralino="+r.token(dario)), http.StatusBadRequest, "E-TOKEN-MIX"},
		{"beside a login that is over", "/api/v1/customers", set("Cookie", "__Host-centralino=x"), http.StatusBadRequest, "E-TOKEN-MIX"},
		{"on a page", "/customers", func(*http.Request) {}, http.StatusBadRequest, "E-TOKEN-PAGE"},
		{"where nothing is", "/nowhere", func(*http.Request) {}, http.StatusBadRequest, "E-TOKEN-PAGE"},
		{"where nothing of the API is", "/api/v1/nothing", func(*http.Request) {}, http.StatusNotFound, "E-404"},
		{"on a style sheet", "/assets/app.css", func(*http.Request) {}, http.StatusBadRequest, "E-TOKEN-PAGE"},
		{"twice", "/api/v1/customers", func(q *http.Request) { q.Header.Add("Authorization", "Bearer "+token) }, http.StatusUnauthorized, "E-TOKEN"},
		{"as another scheme's", "/api/v1/customers", set("Authorization", "Basic "+token), http.StatusUnauthorized, "E-401"},
		{"from another site", "/api/v1/dial", set("Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "E-ORIGIN"},
	} {
		method := http.MethodGet
		if c.code == "E-ORIGIN" {
			method = http.MethodPost
		}
		if p := r.with(token, method, c.path, c.change); p.status != c.status || !strings.Contains(p.body, c.code) {
			t.Errorf("%s: %d %s", c.name, p.status, p.body)
		}
	}
	// Wrong ones are refused, then slowed down; in an address a token is nothing.
	r = newRig(t, true)
	good := r.program(dario, "customers")
	r.as("").get("/api/v1/customers?access_token="+good).is(t, http.StatusUnauthorized).has(t, "E-401")
	for i, wrong := range []string{"", "x", "ctk_" + strings.Repeat("A", 43), good[:len(good)-1], good + "A", strings.Repeat("z", 9000)} {
		p := r.with(wrong, http.MethodGet, "/api/v1/customers")
		if i < 4 && (p.status != http.StatusUnauthorized || !strings.Contains(p.head.Get("WWW-Authenticate"), "invalid_token")) {
			t.Errorf("%.50q: %d %q", wrong, p.status, p.head.Get("WWW-Authenticate"))
		}
		if i >= 4 && (p.status != http.StatusTooManyRequests || p.head.Get("Retry-After") == "") {
			t.Errorf("guess %d: %d", i, p.status)
		}
	}
	r.with(good, http.MethodGet, "/api/v1/nothing").is(t, http.StatusTooManyRequests)
	r.as(dario).get("/api/v1/customers").is(t, http.StatusOK) // at the same computer
	r.as(tech).get("/api/v1/system").has(t, `"what":"E-TOKEN","whereWord"`, `"what":"E-429"`)
}

// TestAPersonsTokens: made with the password, shown once, revoked by the owner or by who
// runs the office.
func TestAPersonsTokens(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	form := url.Values{"name": {"CRM <b>"}, "scope": {"events", "dial"}, "lasts": {"365"}, "password": {techPassword}}
	but := func(field string, values ...string) url.Values {
		f := url.Values{}
		for k, v := range form {
			f[k] = v
		}
		f[field] = values
		return f
	}
	b.get("/me").has(t, "I miei programmi", `<option value="365" selected`)
	b.post("/me/tokens", but("password", "sbagliata di molto")).is(t, http.StatusUnprocessableEntity).has(t, "CRM &lt;b&gt;", `value="dial" checked`).lacks(t, "ctk_")
	b.post("/me/tokens", but("scope")).is(t, http.StatusUnprocessableEntity).has(t, "scegli almeno una voce").lacks(t, "ctk_")
	b.post("/me/tokens", but("scope", "everything")).is(t, http.StatusUnprocessableEntity).lacks(t, "ctk_")
	b.post("/me/tokens", but("name", "")).is(t, http.StatusUnprocessableEntity).has(t, "da 1 a 60 caratteri")
	b.post("/me/tokens", but("name", "x\x00y")).is(t, http.StatusUnprocessableEntity)
	b.post("/me/tokens", but("lasts", "36500")).is(t, http.StatusBadRequest)
	p := b.post("/me/tokens", form).is(t, http.StatusOK).has(t, "copialo adesso", "CRM &lt;b&gt;", "sapere quando ci sono chiamate", "mai usato")
	token := regexp.MustCompile(`ctk_[A-Za-z0-9_-]{43}`).FindString(p.body)
	if token == "" {
		t.Fatal("the token is not shown")
	}
	b.get("/me").has(t, "CRM &lt;b&gt;").lacks(t, "ctk_")
	r.with(token, http.MethodGet, "/api/v1/openapi.json").is(t, http.StatusOK)
	b.get("/me").has(t, "usato l’ultima volta")
	b.get("/api/v1/me").has(t, `"name":"CRM \u003cb\u003e"`, `"scopes":["events","dial"]`, `"used":"2`).lacks(t, "ctk_")

	// Who runs the office sees whose it is and may revoke it; not when it was used.
	manager := r.as(dario)
	list := manager.get("/tokens").is(t, http.StatusOK).has(t, "Tina Tecnica", "CRM &lt;b&gt;", "chiamare con un clic").lacks(t, "ctk_", "usato")
	manager.get("/api/v1/tokens").has(t, `"owner":"Tina Tecnica"`).lacks(t, `"used"`, "ctk_")
	manager.get("/people").has(t, `href="/tokens"`)
	path := regexp.MustCompile(`/tokens/[0-9a-f]{16}/revoke`).FindString(list.body)
	for _, who := range []journal.SubjectID{anna, bruno} {
		r.as(who).get("/tokens").is(t, http.StatusForbidden)
		r.as(who).post(path, nil).is(t, http.StatusForbidden)
		r.as(who).post("/me"+path, nil).is(t, http.StatusNotFound)
	}
	manager.post("/tokens/0000000000000000/revoke", nil).is(t, http.StatusNotFound)
	manager.post(path, nil).is(t, http.StatusOK).has(t, "Token revocato", "Nessuno ha creato un token")
	r.with(token, http.MethodGet, "/api/v1/openapi.json").is(t, http.StatusUnauthorized)
	b.post("/me"+path, nil).is(t, http.StatusNotFound)

	own := r.program(bruno, "events")
	mine := regexp.MustCompile(`/me/tokens/[0-9a-f]{16}/revoke`).FindString(r.as(bruno).get("/me").body)
	r.as(bruno).post(mine, nil).is(t, http.StatusOK).has(t, "Token revocato")
	r.with(own, http.MethodGet, "/api/v1/openapi.json").is(t, http.StatusUnauthorized)
	if err := r.log.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := journalled(t, r, "token."); !slices.Equal(got, []string{"token.made p-tech", "token.revoked p-sample-dario p-tech", "token.refused", "token.made p-sample-bruno", "token.revoked p-sample-bruno p-sample-bruno", "token.refused"}) {
		t.Errorf("journalled %q", got)
	}
}

// journalled lists what the journal has of access, by a prefix.
func journalled(t *testing.T, r *rig, prefix string) []string {
	t.Helper()
	var out []string
	err := r.log.Replay(context.Background(), 0, func(e journal.Event) error {
		if p, ok := e.Payload.(journal.AccessEvent); ok && strings.HasPrefix(p.What, prefix) {
			out = append(out, strings.TrimSpace(p.What+" "+string(p.Who)+" "+string(p.About)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// listen opens the event stream with a token and returns the lines that come, until it
// ends.
func (r *rig) listen(token string) <-chan string {
	r.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	r.t.Cleanup(stop)
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, r.http.URL+"/api/v1/events", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		r.t.Fatalf("status %d", res.StatusCode)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for in := bufio.NewScanner(res.Body); in.Scan(); {
			lines <- in.Text()
		}
	}()
	return lines
}

// until reads lines up to one that has a text, and fails the test if none comes.
func until(t *testing.T, lines <-chan string, text string) {
	t.Helper()
	for l := range lines {
		if strings.Contains(l, text) {
			return
		}
	}
	t.Fatalf("%q never came", text)
}

// TestAProgramHearsUntilItsTokenIsRevoked: at once, not at the next sign of life; so
// where its owner leaves, or may no more.
func TestAProgramHearsUntilItsTokenIsRevoked(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"it is revoked": func(r *rig) {
			list, err := r.server.Auth().Tokens(context.Background(), bruno)
			if err != nil || len(list) != 1 {
				r.t.Fatal(list, err)
			}
			r.as(dario).post("/tokens/"+list[0].ID+"/revoke", nil).is(r.t, http.StatusOK)
		},
		"its owner leaves": func(r *rig) { leave(r.t.(*testing.T), r, bruno) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, true)
			token := r.program(bruno, "events")
			lines := r.listen(token)
			until(t, lines, "event: alive")
			r.log.Append("c-7", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390255551234")})
			r.log.Append("c-7", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegRinging, Person: bruno})
			until(t, lines, "+390255551234")
			began := time.Now()
			end(r)
			until(t, lines, "data: token")
			if took := time.Since(began); took > 5*time.Second { // the next sign of life would come after 15
				t.Errorf("it heard on for %v", took)
			}
			for l := range lines {
				if l != "" {
					t.Errorf("after the end it heard %q", l)
				}
			}
			r.with(token, http.MethodGet, "/api/v1/events").is(t, http.StatusUnauthorized)
		})
	}
}
