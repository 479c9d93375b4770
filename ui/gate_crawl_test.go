package ui_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/ui"
	"centralino/ui/cti"
)

// ask is one request: a GET, or the POST of a form.
type ask struct {
	path  string
	form  string // of a POST, as it is sent; "-" for an empty one; "" for a GET
	again bool   // when the forms were sent
	token bool   // by a program of the reader's, with a token that is good for everything
}

// key names a request among the answers; it begins with the path.
func (a ask) key() string {
	switch {
	case a.form != "":
		return a.path + " POST " + a.form
	case a.token:
		return "token " + a.path
	case a.again:
		return a.path + " again"
	}
	return a.path
}

// notSent are forms that the curious reader leaves alone: they end his login, open the
// gate, take away what is to be read, answer with something drawn by lot, or ask for a
// file. All others are sent.
var notSent = []string{"/logout", "/language", "/login", "/claim", "/pair", "/invite", "/invite/set", "/me/password", "/me/sessions",
	"/people/{id}/invite", "/people/{id}/sessions", "/people/{id}/erase", "/customers/{id}/erase", "/office/privacy", "/draft/{id}", "/draft/{id}/drop",
	"/versions/{n}/undo", "/phones/{id}/account", "/phones/{id}/secret", "/system/backup", "/system/restore", "/system/update", "/system/update/stick",
	"/system/update/cancel", "/system/restart", "/import", "/prompts/{id}/{lang}", "/webhooks/{id}", "/api/v1/update", "/me/tokens", "/me/tokens/{id}/revoke", "/tokens/{id}/revoke"}

// curious is somebody who reads all that he can reach: every route with what it takes,
// the links and forms of the answers that he got, streams and files.
type curious struct {
	t     *testing.T
	box   *played
	lot   *rand.Rand
	most  int // requests of one route, beside those that are always made
	who   journal.SubjectID
	login string
	token string // of a program
	mux   *http.ServeMux
	table map[string]ui.Route // of GET, by pattern

	mu    sync.Mutex // guards what streams write as well
	read  map[string]string
	asked []ask
	known map[string]bool
	taken map[string]int // found requests by route
	found []ask          // not asked yet
	posts []ask
}

// newCurious logs somebody in.
func (b *played) newCurious(t *testing.T, who journal.SubjectID, lot *rand.Rand, most int) *curious {
	c := &curious{t: t, box: b, lot: lot, most: most, who: who, login: b.token(who), mux: http.NewServeMux(),
		table: map[string]ui.Route{}, read: map[string]string{}, known: map[string]bool{}, taken: map[string]int{}}
	for _, route := range b.server.Routes() {
		c.mux.HandleFunc(route.Method+" "+route.Pattern, func(http.ResponseWriter, *http.Request) {})
		if route.Method == http.MethodGet {
			c.table[route.Pattern] = route
		}
	}
	return c
}

// route is the pattern of the table that answers a request, "" if none does.
func (c *curious) route(a ask) string {
	method := http.MethodGet
	if a.form != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, "http://localhost"+a.path, nil)
	if err != nil {
		return ""
	}
	_, pattern := c.mux.Handler(req)
	_, pattern, _ = strings.Cut(pattern, " ")
	return pattern
}

// explore reads everything, and returns what was asked for, in order.
func (c *curious) explore(w *world) []ask {
	for _, p := range c.starts(w) {
		c.get(ask{path: p})
	}
	c.variants(w)
	for len(c.found) > 0 {
		a := c.found[0]
		c.found = c.found[1:]
		c.get(a)
	}
	for _, a := range slices.Clone(c.asked) {
		if route := c.table[c.route(a)]; route.Scope != "" && route.Method == http.MethodGet {
			c.get(ask{path: a.path, token: true})
		}
	}
	c.streams()
	for _, a := range c.posts {
		c.post(a)
	}
	for _, p := range []string{"/", "/desk", "/board", "/recall", "/callbacks", "/calls", "/surveys", "/reports?what=team", "/reports?what=people"} {
		c.get(ask{path: p, again: true})
	}
	return c.asked
}

// repeat asks the same again, of another box.
func (c *curious) repeat(asked []ask) {
	streams := false
	for _, a := range asked {
		if a.form != "" && !streams {
			streams = true
			c.streams()
		}
		if a.form != "" {
			c.post(a)
		} else {
			c.get(a)
		}
	}
	if !streams {
		c.streams()
	}
}

// starts is an address of every route that is read, and of some calls.
func (c *curious) starts(w *world) []string {
	var out []string
	calls := w.calls()
	c.lot.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	for _, route := range c.box.server.Routes() {
		if route.Method != http.MethodGet || strings.HasPrefix(route.Pattern, "/assets") || isStream(route.Pattern) {
			continue
		}
		if strings.Contains(route.Pattern, "/calls/{id}") {
			for _, call := range calls[:min(len(calls), c.most)] {
				out = append(out, strings.Replace(route.Pattern, "{id}", string(call), 1))
			}
			continue
		}
		out = append(out, real(route.Pattern))
	}
	for i := range c.box.cards {
		out = append(out, "/customers/"+cardName(i))
	}
	return append(out, "/customers/"+string(c.box.callers[3]))
}

// cardName is how a card is called in requests and answers: its id is drawn by lot, and
// another one in each box.
func cardName(i int) string { return fmt.Sprint("k-card", i) }

// real puts the ids of a box into a request.
func (b *played) real(s string) string {
	for i, id := range b.cards {
		s = strings.ReplaceAll(s, cardName(i), id)
	}
	return s
}

// plain takes what differs by chance out of an answer.
func (b *played) plain(s string) string {
	for i, id := range b.cards {
		s = strings.ReplaceAll(s, id, cardName(i))
	}
	s = escaped.Replace(s)
	for _, r := range chance {
		s = r.ReplaceAllLiteralString(s, "")
	}
	return s
}

// escaped are the letters that JSON writes in other ways: else they would stand before a
// name like a part of it.
var escaped = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\n`, "\n", `\t`, "\t", `\"`, `"`)

func isStream(path string) bool {
	return path == "/live" || strings.HasPrefix(path, "/live?") || path == "/api/v1/events"
}

// variants finds what the table says that routes take, with values that lead somewhere:
// some of them, drawn by lot.
func (c *curious) variants(w *world) {
	pick := func(list ...string) string { return oneOf(c.lot, list...) }
	days := []string{"2026-01-26", "2026-02-24", "2026-03-01", "2026-03-02"}
	queues := append(queueIDs(w.sample.Doc), "")
	var calls []string
	for _, call := range w.calls() {
		calls = append(calls, string(call))
	}
	people := w.people()
	who := people[c.lot.IntN(len(people))]
	digits := w.digits(who)
	counts := []string{"offered", "answered", "handled", "lost", "judged", "unserved", "promised", "reached", "waiting"}
	at := func(day string) string {
		d, _ := time.Parse(time.DateOnly, day)
		return strconv.FormatInt(d.Unix(), 10)
	}
	values := map[string]func() string{
		"what": func() string {
			return pick("day", "interval", "queue", "outcome", "unserved", "lines", "team", "people")
		},
		"queue": func() string { return pick(queues...) }, "step": func() string { return pick("15", "30") },
		"as": func() string { return pick("csv", "pdf") }, "comma": func() string { return pick("", "comma") },
		"count": func() string { return pick(counts...) }, "outcome": func() string { return pick("", "outcome-1", "outcome-2") },
		"line": func() string { return pick("", "line-1", "line-2") }, "number": func() string { return pick(callerNumber(0), callerNumber(3), digits) },
		"q":    func() string { return pick(w.sample.Names[who], string(who), digits, callerNumber(1), "ditta") },
		"call": func() string { return pick(calls...) }, "closed": func() string { return pick("", "on") }, "unanswered": func() string { return pick("", "on") },
		"weekday": func() string { return pick("", "0", "1", "2") }, "text": func() string { return pick("", string(who)) }, "level": func() string { return "" },
	}
	extra := map[string][]string{ // what pages take that do not say so
		"/reports": {"what", "from", "to", "queue", "step"}, "/reports/file": {"what", "from", "to", "queue", "step", "as", "comma"}, "/reports/queuelog": {"from", "to"},
		"/reports/contacts": {"from", "to", "queue", "count", "outcome"}, "/plan": {"queue", "weekday"}, "/calls": {"line", "number"}, "/customers": {"q"}, "/search": {"q"},
		"/recall": {"closed", "unanswered"}, "/system/log": {"text", "call"},
	}
	for _, route := range c.box.server.Routes() {
		names := append(slices.Clone(route.Query), extra[route.Pattern]...)
		if route.Method != http.MethodGet || len(names) == 0 {
			continue
		}
		n := c.most
		if strings.Contains(route.Pattern, "reports") {
			n *= 3
		}
		for range n {
			q := url.Values{}
			for _, name := range names {
				if f := values[name]; f != nil {
					q.Set(name, f())
				}
			}
			if slices.Contains(names, "from") {
				from := c.lot.IntN(len(days))
				to := from + c.lot.IntN(len(days)-from)
				q.Set("from", days[from])
				q.Set("to", days[to])
				if slices.Contains(names, "count") {
					q.Set("from", at(days[from]))
					q.Set("to", at("2026-03-03"))
				}
			}
			c.find(ask{path: route.Pattern + "?" + q.Encode()}, true)
		}
	}
	for _, what := range []string{"queue", "interval", "day", "team", "people", "lines"} { // always read
		for _, span := range []string{"&from=2026-01-26&to=2026-03-01", "&from=2026-03-01", ""} {
			c.find(ask{path: "/reports?what=" + what + span}, true)
			c.find(ask{path: "/api/v1/reports?what=" + what + span}, true)
		}
	}
	for _, file := range []string{"as=csv", "as=pdf"} {
		c.find(ask{path: "/reports/file?what=people&from=2026-01-26&to=2026-03-01&" + file}, true)
		c.find(ask{path: "/reports/file?what=queue&from=2026-01-26&to=2026-03-01&" + file}, true)
	}
	c.find(ask{path: "/reports/queuelog?from=2026-01-26&to=2026-03-01"}, true)
	for i := range c.box.cards {
		c.find(ask{path: "/customers/" + cardName(i) + "/export", form: "as=json"}, true)
	}
}

// find notes a request, once; of links and forms only some of each route are followed.
func (c *curious) find(a ask, always bool) {
	pattern := c.route(a)
	if pattern == "" || c.known[a.key()] || isStream(a.path) || strings.HasPrefix(a.path, "/assets") || a.form != "" && slices.Contains(notSent, pattern) {
		return
	}
	kind := pattern
	if a.form != "" {
		kind = "POST " + pattern
	}
	if !always {
		if c.taken[kind] >= c.most {
			return
		}
		c.taken[kind]++
	}
	c.known[a.key()] = true
	if a.form != "" {
		c.posts = append(c.posts, a)
	} else {
		c.found = append(c.found, a)
	}
}

var (
	reLink   = regexp.MustCompile(`href="(/[^"#]*)[^"]*"`)
	reForm   = regexp.MustCompile(`(?s)<form ([^>]*)>(.*?)</form>`)
	reButton = regexp.MustCompile(`<button ([^>]*)>`)
	reChoice = regexp.MustCompile(`<option value="([^"]*)"`)
	reJSON   = regexp.MustCompile(`"(?:contacts|url)":"(/[^"]*)"`)
)

// look finds the links and forms of an answer.
func (c *curious) look(body string) {
	for _, m := range reLink.FindAllStringSubmatch(body, -1) {
		c.find(ask{path: html.UnescapeString(m[1])}, false)
	}
	for _, m := range reJSON.FindAllStringSubmatch(body, -1) {
		c.find(ask{path: m[1]}, false)
	}
	for _, m := range reForm.FindAllStringSubmatch(body, -1) {
		a := attrs(m[1])
		if !strings.HasPrefix(a["action"], "/") || a["enctype"] != "" {
			continue
		}
		form := c.fill(m[2])
		if a["method"] == "post" {
			c.find(ask{path: a["action"], form: form}, false)
		} else {
			c.find(ask{path: a["action"] + "?" + form}, false)
		}
	}
}

// fill fills a form as it stands, with a choice by lot in each list and for the button.
func (c *curious) fill(form string) string {
	q := url.Values{}
	for _, m := range reInput.FindAllStringSubmatch(form, -1) {
		a := attrs(m[1])
		if a["type"] == "checkbox" && !strings.Contains(m[1], " checked") && c.lot.IntN(2) == 0 || a["name"] == "" {
			continue
		}
		q.Add(a["name"], a["value"])
	}
	for _, m := range reSelect.FindAllStringSubmatch(form, -1) {
		if o := reChoice.FindAllStringSubmatch(m[2], -1); len(o) > 0 {
			q.Add(attrs(m[1])["name"], html.UnescapeString(oneOf(c.lot, o...)[1]))
		}
	}
	for _, m := range reTextarea.FindAllStringSubmatch(form, -1) {
		q.Add(attrs(m[1])["name"], html.UnescapeString(m[2]))
	}
	if b := reButton.FindAllStringSubmatch(form, -1); len(b) > 0 {
		if a := attrs(oneOf(c.lot, b...)[1]); a["name"] != "" {
			q.Set(a["name"], a["value"])
		}
	}
	if len(q) == 0 {
		return "-"
	}
	return q.Encode()
}

func (c *curious) get(a ask) {
	c.asked = append(c.asked, a)
	c.known[a.key()] = true
	c.keep(a, c.send(a, http.MethodGet, a.path, ""))
}

// post sends a form and follows to where it leads.
func (c *curious) post(a ask) {
	c.asked = append(c.asked, a)
	rec := c.send(a, http.MethodPost, a.path, strings.TrimSuffix(a.form, "-"))
	c.box.settle() // the pages follow the journal a little later
	if to := rec.head.Get("Location"); to != "" {
		after := c.send(a, http.MethodGet, to, "")
		c.keep(a, after)
		return
	}
	c.keep(a, rec)
}

// send sends a request, and ends a stream once it has fallen silent.
func (c *curious) send(a ask, method, path, form string) *tape {
	ctx, stop := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer stop()
	req := httptest.NewRequestWithContext(ctx, method, "http://localhost"+c.box.real(path), strings.NewReader(c.box.real(form)))
	if a.token {
		if c.token == "" { // after the pages, which tell of it
			c.token = c.box.program(c.who, every)
		}
		req.Header.Set("Authorization", "Bearer "+c.token)
	} else {
		req.AddCookie(&http.Cookie{Name: "centralino", Value: c.login})
	}
	req.Header.Set("Accept-Language", "it")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "http://localhost")
	}
	if path == "/api/v1/events" {
		req.Header.Set("Last-Event-ID", "1")
	}
	rec := &tape{head: http.Header{}, stop: stop}
	c.box.server.Handler().ServeHTTP(rec, req)
	return rec
}

// keep keeps an answer as the text that people can read in it.
func (c *curious) keep(a ask, rec *tape) {
	if rec.status >= http.StatusInternalServerError && rec.status != http.StatusServiceUnavailable {
		c.t.Errorf("%s: status %d", a.key(), rec.status)
	}
	body := rec.body.String()
	if strings.HasPrefix(rec.head.Get("Content-Type"), "application/pdf") {
		body = pdfText(c.t, rec.body.Bytes())
	}
	body = c.box.plain(body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read[a.key()] = body
	if rec.status < http.StatusBadRequest {
		c.look(body)
	}
	if m := reNext.FindStringSubmatch(rec.head.Get("Link")); m != nil {
		c.find(ask{path: m[1]}, false)
	}
}

// streams reads all streams until each has fallen silent, side by side, by part.
func (c *curious) streams() {
	var paths []string
	for _, page := range ui.LivePages() {
		paths = append(paths, "/live?page="+page+"&id=line-1")
	}
	paths = append(paths, "/live?page=phone&id=device-1", "/api/v1/events")
	var wg sync.WaitGroup
	for _, p := range paths {
		wg.Go(func() {
			rec := c.send(ask{}, http.MethodGet, p, "")
			c.mu.Lock()
			defer c.mu.Unlock()
			for part := range strings.SplitSeq(rec.body.String(), "\n\n") {
				if m := rePart.FindStringSubmatch(part); m != nil {
					c.read[p+" "+m[1]] = c.box.plain(part)
				}
			}
		})
	}
	wg.Wait()
}

var rePart = regexp.MustCompile(`data: \{"id":"(\w+)"`)

// chance is what differs between two boxes by chance: tickets of drafts, ports, the
// reader's own logins, ids of new cards.
var chance = []*regexp.Regexp{
	regexp.MustCompile(`draft[-/=][A-Za-z0-9_-]+`), regexp.MustCompile(`http://127\.0\.0\.1:\d+`), regexp.MustCompile(`k-[a-z2-7]{16}`),
	regexp.MustCompile(`(?s)<section class="card flush" id="sessions">.*?</section>`), regexp.MustCompile(`"sessions":\[.*?\]`),
}

var (
	rePDFStream = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`)
	rePDFText   = regexp.MustCompile(`\(((?:\\.|[^\\)])*)\) ?Tj`)
)

// pdfText is what stands on the pages of a PDF.
func pdfText(t *testing.T, file []byte) string {
	t.Helper()
	var b strings.Builder
	for _, m := range rePDFStream.FindAllSubmatch(file, -1) {
		in, err := zlib.NewReader(bytes.NewReader(m[1]))
		if err != nil {
			continue // fonts
		}
		text, _ := io.ReadAll(in)
		for _, s := range rePDFText.FindAllSubmatch(text, -1) {
			b.Write(s[1])
			b.WriteByte('\n')
		}
	}
	if b.Len() == 0 {
		t.Error("nothing stands in a PDF")
	}
	return b.String()
}

// letters are the reports that are sent by mail, of each day, with their files.
func (b *played) letters(t *testing.T) map[string]string {
	t.Helper()
	doc := b.office.Current().Doc
	out := map[string]string{}
	for i := range doc.Reports {
		for _, day := range append(slices.Clone(worldDays), worldStart) {
			l, err := b.server.Letter(t.Context(), &doc.Reports[i], kpi.Day(day, doc.Site.Location()))
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprint("letter ", doc.Reports[i].ID, " ", day.Format(time.DateOnly))
			out[key] = l.Subject + "\n" + l.Body
			for _, f := range l.Files {
				text := string(f.Body)
				if f.Kind == "application/pdf" {
					text = pdfText(t, f.Body)
				}
				out[key+" "+f.Name] = text
			}
		}
	}
	return out
}

// posted is what webhooks were told, once all of it has arrived.
func (b *played) posted(t *testing.T) map[string]string {
	t.Helper()
	doc, want := b.office.Current().Doc, 0
	st := cti.New()
	err := b.deps.Journal.Replay(t.Context(), 1, func(e journal.Event) error {
		if out, ok := st.Apply(e); ok {
			if _, ok := cti.Fill(out, doc, b.people, cti.Program, "export"); ok {
				want++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	late := time.After(30 * time.Second)
	for waits := true; waits && len(b.posts.all()) < want; {
		select {
		case <-late:
			waits = false
		case <-time.After(5 * time.Millisecond):
		}
	}
	out := map[string]string{}
	for i, body := range b.posts.all() {
		out[fmt.Sprint("webhook ", i)] = body
	}
	if len(out) < want {
		t.Errorf("webhooks got %d events of %d", len(out), want)
	}
	return out
}

// tape records an answer. A stream ends once it has said all and falls silent.
type tape struct {
	head   http.Header
	status int
	body   bytes.Buffer
	stop   func()
	quiet  *time.Timer
	mu     sync.Mutex
	gone   bool // the reader has hung up: what is drawn now is drawn for nobody
}

func (r *tape) Header() http.Header { return r.head }
func (r *tape) WriteHeader(status int) {
	r.status = status
}

func (r *tape) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return 0, http.ErrHandlerTimeout
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(b)
}

// Flush hangs up a little after the last part.
func (r *tape) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.quiet == nil {
		r.quiet = time.AfterFunc(streamQuiet, func() {
			r.mu.Lock()
			r.gone = true
			r.mu.Unlock()
			r.stop()
		})
		return
	}
	r.quiet.Reset(streamQuiet)
}

const streamQuiet = 100 * time.Millisecond

func (r *tape) SetWriteDeadline(time.Time) error { return nil }
func (r *tape) SetReadDeadline(time.Time) error  { return nil }
