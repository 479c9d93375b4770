package ui_test

import (
	"bufio"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"centralino/board/health"
	"centralino/internal/office"
	"centralino/internal/store"
)

// failingCard fails from a moment on, when it is read and when it is written to.
type failingCard struct{ fails atomic.Pointer[error] }

func (c *failingCard) fault(operation string) error {
	if err := c.fails.Load(); err != nil && (operation == "read" || operation == "begin" || operation == "commit") {
		return *err
	}
	return nil
}

// newFailing starts a box and says how to let its card fail.
func newFailing(t *testing.T, claimed bool) (*rig, *failingCard) {
	c := &failingCard{}
	r := newRigOf(t, claimed, rigOf{now: time.Now, sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: time.Now()}), folder: t.TempDir(), disk: c.fault})
	t.Cleanup(func() { c.fails.Store(nil) })
	return r, c
}

// cookie is a browser that brings a session nobody has looked at.
func (r *rig) cookie(token string) *browser {
	b := r.as("")
	b.c.Jar, _ = cookiejar.New(nil)
	u, _ := url.Parse(r.http.URL)
	b.c.Jar.SetCookies(u, []*http.Cookie{{Name: "centralino", Value: token, Path: "/"}})
	return b
}

// A card that fails while the box runs logs nobody out: the technician sees what is wrong
// and what to do, whatever page he opens, and who can't be checked is told so.
func TestACardThatFailsLogsNobodyOut(t *testing.T) {
	for name, cause := range map[string]error{"is broken": store.ErrCorrupt, "fails": syscall.EIO} {
		t.Run("a card that "+name, func(t *testing.T) {
			r, card := newFailing(t, true)
			busy(r)
			in := map[string]*browser{}
			for role, who := range everybody {
				if who != "" {
					in[role] = r.as(who)
				}
			}
			program, other := r.program(tech, every), r.program(tech, every)
			r.with(program, http.MethodGet, "/api/v1/me").is(t, http.StatusForbidden) // good, but not for this
			leaves := r.as(tech)
			r.box.set(func(b *fakeBox) {
				b.faults = []health.Entry{{Kind: health.StorageFailed, Code: 2, Severity: health.Fault, Since: time.Now()}}
			})
			card.fails.Store(&cause)

			for role, b := range in {
				for _, path := range []string{"/", "/api/v1/home", "/api/v1/health", "/api/v1/system"} {
					b.get(path).is(t, http.StatusOK).lacks(t, `action="/login"`)
				}
				b.get("/").has(t, "Sulla memoria non si può scrivere.", "Sostituisci la scheda di memoria")
				for _, route := range r.server.Routes() {
					if route.Method != http.MethodGet || route.Who&mask(role) == 0 || strings.HasSuffix(route.Pattern, "/events") || route.Pattern == "/live" {
						continue
					}
					p := b.get(real(route.Pattern))
					if p.status == http.StatusUnauthorized || p.status == http.StatusInternalServerError || p.status == http.StatusInsufficientStorage ||
						p.url.Path == "/login" && route.Pattern != "/login" || p.url.Path == "/claim" && route.Pattern != "/claim" {
						t.Errorf("%s reads %s: %d at %s", role, route.Pattern, p.status, p.url)
					}
				}
			}
			for _, path := range []string{"/system", "/system/log", "/system/backup", "/lines", "/people", "/office"} {
				in["technician"].get(path).is(t, http.StatusOK)
			}
			in["technician"].get("/me").is(t, http.StatusServiceUnavailable).has(t, "I dati non si possono leggere", "Tina Tecnica")
			in["technician"].get("/api/v1/me").is(t, http.StatusServiceUnavailable).has(t, `"code":"E-STO-03"`, `"text":"I dati non si possono leggere`)

			// Who can't be checked.
			const unread = "Non si può controllare chi può entrare"
			unknown := r.cookie(strings.Repeat("x", 43))
			for _, b := range []*browser{unknown, r.as("")} {
				for _, path := range []string{"/", "/system", "/login", "/pair", "/claim", "/invite/AAAAA-AAAAA-AAAAA-AAAAA"} {
					b.get(path).is(t, http.StatusServiceUnavailable).has(t, unread, "E-STO-04").lacks(t, `action="/login"`, `action="/claim"`)
				}
				b.post("/login", url.Values{"name": {"tina"}, "password": {techPassword}}).is(t, http.StatusServiceUnavailable).has(t, unread).lacks(t, "non sono giusti")
				b.get("/ca.crt").is(t, http.StatusOK)
			}
			unknown.post("/logout", nil).is(t, http.StatusServiceUnavailable).has(t, unread)
			unknown.get("/api/v1/home").is(t, http.StatusServiceUnavailable).has(t, `"code":"E-STO-04"`, unread)
			unknown.lang = "en"
			unknown.get("/").has(t, "Who may come in can&#39;t be checked")
			r.as("").get("/api/v1/home").is(t, http.StatusUnauthorized) // he brings nothing
			if p := r.with(other, http.MethodGet, "/api/v1/people").is(t, http.StatusServiceUnavailable).has(t, `"code":"E-STO-04"`); p.head.Get("WWW-Authenticate") != "" {
				t.Errorf("a token that can't be looked up: %q", p.head)
			}
			r.with(program, http.MethodGet, "/api/v1/me").is(t, http.StatusForbidden)

			// Who leaves has left, also once the card is good again.
			leaves.post("/logout", nil)
			leaves.get("/api/v1/home").is(t, http.StatusUnauthorized)
			card.fails.Store(nil)
			in["technician"].get("/me").is(t, http.StatusOK)
			r.with(other, http.MethodGet, "/api/v1/me").is(t, http.StatusForbidden)
			if p := leaves.get("/"); p.url.Path != "/login" {
				t.Errorf("who has left is at %s", p.url)
			}
		})
	}
}

// A page lives also while the card fails: its stream is as good as the page.
func TestAPageLivesWhileTheCardFails(t *testing.T) {
	r, card := newFailing(t, true)
	b := r.as(tech)
	cause := error(store.ErrCorrupt)
	card.fails.Store(&cause)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.http.URL+"/live?page=home", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.c.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %+v", err, res)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for _, event := range []string{"event: alive", "event: patch"} {
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "event: ") {
		}
		if lines.Text() != event {
			t.Fatalf("%q, want %q", lines.Text(), event)
		}
	}
}

// A box whose accounts can't be read does not look like one that nobody has claimed, to
// whom the code and the button would open it.
func TestABoxThatCannotBeReadIsNotNobodys(t *testing.T) {
	for _, claimed := range []bool{true, false} {
		r, card := newFailing(t, claimed)
		code := r.server.Auth().ClaimCode()
		cause := error(store.ErrCorrupt)
		card.fails.Store(&cause)
		if _, err := r.server.Claimed(t.Context()); err == nil {
			t.Error("it is known whose the box is")
		}
		if got := r.server.ClaimCode(t.Context()); got != "" {
			t.Errorf("it offers the code %s", got)
		}
		form := url.Values{"code": {code}, "site": {"Studio"}, "name": {"Gina"}, "user": {"gina"}, "password": {"quattro gatti neri"}, "again": {"quattro gatti neri"}}
		r.as("").post("/claim", form).is(t, http.StatusServiceUnavailable).has(t, "E-STO-04")
		r.box.set(func(b *fakeBox) { b.pairing = time.Now().Add(10 * time.Minute) })
		form.Del("code")
		r.as("").post("/claim", form).is(t, http.StatusServiceUnavailable).has(t, "E-STO-04")
		r.as("").post("/pair", url.Values{"extension": {"201"}}).is(t, http.StatusServiceUnavailable).has(t, "E-STO-04").lacks(t, "sip:")
		card.fails.Store(nil)
		if got, err := r.server.Claimed(t.Context()); got != claimed || err != nil {
			t.Errorf("claimed: %v, %v", got, err)
		}
	}
}
