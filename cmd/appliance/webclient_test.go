package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"centralino/ui/api"
)

// web is a technician's browser in the box's own namespace.
type web struct {
	t *testing.T
	c *http.Client
}

// answer is a page as the browser ended up with it.
type answer struct {
	status int
	path   string
	body   string
}

const (
	webUser     = "tina"
	webPassword = "quattro gatti neri"
)

var claimLine = regexp.MustCompile(`Claim it with\s+(\S+)`)

// browser opens a browser that nobody has logged in with.
func (r *running) browser() *web {
	r.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	box := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 8080)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return r.net.Box().DialTCP(ctx, box) }
	w := &web{t: r.t, c: &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dial}}}
	r.t.Cleanup(w.c.CloseIdleConnections)
	return w
}

// claim makes the box the technician's with the one-time code that it printed, and
// logs in.
func (r *running) claim() *web {
	r.t.Helper()
	code := claimLine.FindStringSubmatch(r.proc.Output())
	if code == nil {
		r.t.Fatalf("the box printed no code:\n%s", r.proc.Output())
	}
	w := r.browser()
	a := w.post("/claim", url.Values{"code": {code[1]}, "site": {"Ufficio"}, "name": {"Tina Tecnica"},
		"user": {webUser}, "password": {webPassword}, "again": {webPassword}})
	if a.status != http.StatusOK || a.path != "/" {
		r.t.Fatalf("claim ends at %s with %d:\n%s", a.path, a.status, a.body)
	}
	return w
}

// logIn logs the technician in on a box that was claimed before.
func (r *running) logIn() *web {
	r.t.Helper()
	w := r.browser()
	if a := w.post("/login", url.Values{"name": {webUser}, "password": {webPassword}}); a.status != http.StatusOK || a.path != "/" {
		r.t.Fatalf("log in ends at %s with %d", a.path, a.status)
	}
	return w
}

func (w *web) get(path string) answer {
	w.t.Helper()
	resp, err := w.c.Get("http://10.77.0.1:8080" + path)
	return w.read(resp, err)
}

func (w *web) post(path string, form url.Values) answer {
	w.t.Helper()
	resp, err := w.c.PostForm("http://10.77.0.1:8080"+path, form)
	return w.read(resp, err)
}

func (w *web) read(resp *http.Response, err error) answer {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Request.URL.Path, string(b)}
}

// json reads a path of the API, for instance "lines".
func (w *web) json(path string, into any) {
	w.t.Helper()
	a := w.get("/api/v1/" + path)
	if a.status != http.StatusOK {
		w.t.Fatalf("GET /api/v1/%s: %d %s", path, a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		w.t.Fatalf("GET /api/v1/%s: %v in %s", path, err, a.body)
	}
}

// edit sends a form of settings and applies the draft that it makes. It returns
// where the browser is led then.
func (w *web) edit(path string, form url.Values) string {
	w.t.Helper()
	draft := w.post(path, form)
	if !strings.HasPrefix(draft.path, "/draft/") {
		w.t.Fatalf("POST %s with %v makes no draft but leads to %s (%d):\n%s", path, form, draft.path, draft.status, draft.body)
	}
	done := w.post(draft.path, nil)
	if done.status != http.StatusOK || strings.HasPrefix(done.path, "/draft/") {
		w.t.Fatalf("the draft of %s is not applied: %s (%d):\n%s", path, done.path, done.status, done.body)
	}
	return done.path
}

func (w *web) home() api.Home {
	w.t.Helper()
	var h api.Home
	w.json("home", &h)
	return h
}

// line is the present state of a line as pages show it.
func (w *web) line(id string) api.Line {
	w.t.Helper()
	for _, l := range w.home().Lines {
		if l.ID == id {
			return l
		}
	}
	w.t.Fatalf("the box shows no line %s", id)
	return api.Line{}
}

// queue is a queue's figures, by its id.
func (w *web) queue(id string) api.Queue {
	w.t.Helper()
	for _, q := range w.home().Queues {
		if q.ID == id {
			return q
		}
	}
	w.t.Fatalf("the box shows no queue %s", id)
	return api.Queue{}
}

// finished are the finished and running calls, newest first.
func (w *web) finished() []api.Call {
	w.t.Helper()
	var c api.Calls
	w.json("calls", &c)
	return c.Calls
}

// callStory is one call as the page tells it.
type callStory api.CallStory

func (w *web) story(id string) callStory {
	w.t.Helper()
	var c callStory
	w.json("calls/"+id, &c)
	return c
}

// says looks for a moment of the call with a text.
func (c callStory) says(text string) bool {
	for _, m := range c.Moments {
		if strings.Contains(m.Text, text) {
			return true
		}
	}
	return false
}

// quiet waits until no call is left in the box. The technician is not shown live
// calls within the office: the list of calls has those.
func (w *web) quiet(d time.Duration) {
	w.t.Helper()
	var left []string
	if !eventually(w.t, d, func() bool {
		left = nil
		for _, c := range w.home().Calls {
			left = append(left, c.ID)
		}
		for _, c := range w.finished() {
			if c.Outcome.ID == "running" {
				left = append(left, c.ID)
			}
		}
		return len(left) == 0
	}) {
		for _, id := range left {
			w.t.Errorf("a call is left: %s", w.get("/api/v1/calls/"+id).body)
		}
	}
}

// eventually asks every 50 ms until the answer is yes, for at most d.
func eventually(t *testing.T, d time.Duration, yes func() bool) bool {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	over := time.NewTimer(d)
	defer over.Stop()
	for {
		if yes() {
			return true
		}
		select {
		case <-tick.C:
		case <-over.C:
			return yes()
		case <-t.Context().Done():
			return false
		}
	}
}
