package ui_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"centralino/board/health"
	"centralino/internal/store"
	"centralino/ui"
	"centralino/ui/api"
)

func TestWhatWasRefusedStandsOnTheSystemPage(t *testing.T) {
	r := newRig(t, true, func(d *ui.Deps) {
		d.Refused = func() []ui.Refusal {
			return []ui.Refusal{{Where: "sip", What: "budget", Count: 1234}, {Where: "register", What: "password", Count: 0}}
		}
	})
	b := r.as(tech)
	b.get("/people/p-nobody").is(t, http.StatusNotFound)
	b.get("/nowhere").is(t, http.StatusNotFound)
	b.post("/people/new", url.Values{"name": {strings.Repeat("x", 100<<10)}}).is(t, http.StatusRequestEntityTooLarge)
	r.as(bruno).get("/people").is(t, http.StatusForbidden)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("passphrase", "a long passphrase")
	file, _ := form.CreateFormFile("file", "x.backup")
	_, _ = file.Write([]byte("no backup"))
	form.Close()
	req, _ := http.NewRequest(http.MethodPost, r.http.URL+"/system/restore", &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Origin", r.http.URL)
	b.send(req).is(t, http.StatusUnprocessableEntity)

	var m api.System
	if err := json.Unmarshal([]byte(b.get("/api/v1/system").body), &m); err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, x := range m.Refused {
		got[x.Where+" "+x.What] = x.Count
		if x.Word == "" || x.WhereWord == "" || strings.Contains(x.Word+x.WhereWord, "[") {
			t.Errorf("no words: %+v", x)
		}
	}
	for key, want := range map[string]uint64{"sip budget": 1234, "register password": 0, "page E-404": 2, "page E-413": 1, "page E-403": 1, "upload backup": 1} {
		if got[key] != want {
			t.Errorf("%s: %d, want %d (of %v)", key, got[key], want, got)
		}
	}
	b.get("/system").has(t, "Messaggi sopra il limite", "1234", "Backup che non si aprono")
}

func TestFaultThatIsOverIsReadByATechnician(t *testing.T) {
	var read []string
	var refuse error
	r := newRig(t, true, func(d *ui.Deps) {
		d.Acknowledge = func(kind string) error { read = append(read, kind); return refuse }
	})
	r.box.set(func(b *fakeBox) {
		b.faults = []health.Entry{{Kind: health.StorageFailed, Code: 2, Severity: health.Fault, Since: time.Now()}, {Kind: health.StorageRecovered, Code: 2, Severity: health.Warning, Since: time.Now()}}
	})
	r.as(dario).get("/system").has(t, "era danneggiato").lacks(t, "/read\"")
	r.as(dario).post("/system/faults/storage.recovered/read", nil).is(t, http.StatusForbidden)
	b := r.as(tech)
	b.get("/system").has(t, `action="/system/faults/storage.recovered/read"`).lacks(t, `storage.failed/read`)
	b.post("/system/faults/storage.failed/read", nil).is(t, http.StatusNotFound)
	b.post("/system/faults/nothing/read", nil).is(t, http.StatusNotFound)
	b.post("/system/faults/storage.recovered/read", nil).is(t, http.StatusOK).has(t, "Avviso tolto")
	refuse = store.ErrFull
	b.post("/system/faults/storage.recovered/read", nil).is(t, http.StatusInsufficientStorage).has(t, "La memoria non accetta la modifica")
	if strings.Join(read, " ") != "storage.recovered storage.recovered" {
		t.Errorf("read %v", read)
	}
}

// Every page says how it came: in the clear or encrypted, before and after logging in.
func TestEveryPageSaysHowItCame(t *testing.T) {
	r := newRig(t, true)
	for _, path := range []string{"/", "/people", "/lines", "/office", "/calls", "/versions", "/system", "/me", "/nowhere"} {
		r.as(tech).get(path).has(t, `id="connection"`, "Collegamento in chiaro (HTTP)").lacks(t, "Collegamento cifrato")
	}
	r.as("").get("/login").has(t, "Collegamento in chiaro (HTTP)")
	for path, login := range map[string]bool{"/": true, "/system": true, "/login": false} {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.Host, req.TLS = "localhost", &tls.ConnectionState{}
		req.Header.Set("Accept-Language", "it")
		if login {
			token := r.token(tech)
			req.AddCookie(&http.Cookie{Name: "__Host-centralino", Value: token})
		}
		w := httptest.NewRecorder()
		r.server.Handler().ServeHTTP(w, req)
		if s := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(s, "Collegamento cifrato (HTTPS)") || strings.Contains(s, "Collegamento in chiaro") {
			t.Errorf("%s over HTTPS: %d %s", path, w.Code, s)
		}
	}
}
