package rescue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"centralino/board/boot"
	"centralino/internal/store"
	"centralino/ui/i18n"
	"centralino/ui/rescue"
)

// box is a box in trouble: what was done to it.
type box struct {
	*rescue.Page
	now  time.Time
	open time.Time
	err  error
	did  []string
}

const code = "ABCDE-FGHJK"

func newBox(t *testing.T, trouble boot.Trouble, code string) *box {
	t.Helper()
	b := &box{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	var err error
	b.Page, err = rescue.New(rescue.Options{Trouble: trouble, Detail: "mount: <bad> magic", Names: func() []string { return []string{"centralino.local"} }, Code: code,
		Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler), Open: func() time.Time { return b.open },
		Restore: func(_ context.Context, r io.Reader, passphrase string) error {
			got, err := io.ReadAll(r)
			b.did = append(b.did, fmt.Sprintf("restore %q with %q", got, passphrase))
			return errors.Join(err, b.err)
		},
		Reset:   func(context.Context) error { b.did = append(b.did, "reset"); return b.err },
		Restart: func() { b.did = append(b.did, "restart") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *box) do(method, path string, body io.Reader, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://192.168.1.20"+path, body)
	r.RemoteAddr = "192.168.1.7:1234"
	r.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w
}

func (b *box) reset(code, sure string) *httptest.ResponseRecorder {
	return b.do(http.MethodPost, "/reset", strings.NewReader(url.Values{"code": {code}, "sure": {sure}}.Encode()))
}

// upload sends a backup; fields are names and values in order.
func (b *box) upload(fields ...string) *httptest.ResponseRecorder {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "file" {
			_ = m.WriteField(fields[i], fields[i+1])
			continue
		}
		w, _ := m.CreateFormFile("file", "backup")
		_, _ = io.WriteString(w, fields[i+1])
	}
	m.Close()
	return b.do(http.MethodPost, "/restore", &body, func(r *http.Request) { r.Header.Set("Content-Type", m.FormDataContentType()) })
}

func text(t *testing.T, key string) string {
	t.Helper()
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return html.EscapeString(texts.Printer("en").T(key))
}

func TestPageSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		trouble boot.Trouble
		able    bool
	}{{boot.NoDisk, false}, {boot.Worn, false}, {boot.NoPartition, true}, {boot.Damaged, true}, {boot.NoData, true}} {
		b := newBox(t, c.trouble, code)
		w := b.do(http.MethodGet, "/", nil)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, text(t, "rescue.why."+string(c.trouble))) || !strings.Contains(body, "mount: &lt;bad&gt; magic") {
			t.Errorf("%s: %d %s", c.trouble, w.Code, body)
		}
		if able := strings.Contains(body, `action="/reset"`) && strings.Contains(body, `action="/restore"`); able != c.able {
			t.Errorf("%s: restore and reset are offered: %v", c.trouble, able)
		}
		if strings.Contains(body, code) {
			t.Errorf("%s: the page tells the code", c.trouble)
		}
		if w := b.reset(code, "true"); (w.Code == http.StatusOK) != c.able {
			t.Errorf("%s: reset %d, did %v", c.trouble, w.Code, b.did)
		}
	}
	b := newBox(t, boot.Damaged, code)
	if w := b.do(http.MethodGet, "/", nil, func(r *http.Request) { r.Header.Set("Accept-Language", "it-IT") }); !strings.Contains(w.Body.String(), `lang="it"`) {
		t.Error("no Italian")
	}
	if w := b.do(http.MethodGet, "/desk", nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
		t.Errorf("another page: %d", w.Code)
	}
}

func TestWhoMayWipeTheBox(t *testing.T) {
	for _, c := range []struct {
		name   string
		code   string // on the card
		typed  string
		sure   string
		open   time.Duration // of the button's window, from now
		status int
		says   string
	}{
		{"nobody without a proof", code, "", "true", 0, http.StatusForbidden, "rescue.wrong.proof"},
		{"nobody with a wrong code", code, "ABCDE-FGHJL", "true", 0, http.StatusForbidden, "claim.code.wrong"},
		{"nobody with an empty code where there is none", "", " - ", "true", 0, http.StatusForbidden, "claim.code.wrong"},
		{"nobody who does not say that he is sure", code, code, "", 0, http.StatusUnprocessableEntity, "rescue.wrong.sure"},
		{"nobody after the window has closed", "", "", "true", -time.Second, http.StatusForbidden, "rescue.wrong.proof"},
		{"who reads the card", code, "abcde fghjk", "true", 0, http.StatusOK, "rescue.done.reset"},
		{"who holds the button", "", "", "true", time.Minute, http.StatusOK, "rescue.done.reset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t, boot.Damaged, c.code)
			if c.open != 0 {
				b.open = b.now.Add(c.open)
			}
			w := b.reset(c.typed, c.sure)
			did := strings.Join(b.did, " ")
			if w.Code != c.status || !strings.Contains(w.Body.String(), text(t, c.says)) || (did == "reset restart") != (c.status == http.StatusOK) || c.status != http.StatusOK && did != "" {
				t.Errorf("%d, did %q:\n%s", w.Code, did, w.Body)
			}
		})
	}
}

func TestGuessingIsSlow(t *testing.T) {
	b := newBox(t, boot.Damaged, code)
	b.reset("AAAAA-AAAAA", "true")
	if w := b.reset(code, "true"); w.Code != http.StatusTooManyRequests || len(b.did) > 0 {
		t.Errorf("at once after a wrong code: %d %v", w.Code, b.did)
	}
	b.now = b.now.Add(3 * time.Second)
	if w := b.reset(code, "true"); w.Code != http.StatusOK {
		t.Errorf("a moment later: %d", w.Code)
	}
}

func TestWhoIsNotHeard(t *testing.T) {
	b := newBox(t, boot.Damaged, code)
	for name, change := range map[string]func(*http.Request){
		"somebody on the internet":     func(r *http.Request) { r.RemoteAddr = "203.0.113.9:80" },
		"a page elsewhere by its name": func(r *http.Request) { r.Host = "evil.example" },
		"a form of another page":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
	} {
		body := strings.NewReader(url.Values{"code": {code}, "sure": {"true"}}.Encode())
		if w := b.do(http.MethodPost, "/reset", body, change); w.Code < 400 || len(b.did) > 0 {
			t.Errorf("%s: %d %v", name, w.Code, b.did)
		}
	}
	if w := b.do(http.MethodGet, "/", nil, func(r *http.Request) { r.Host = "centralino.local:80" }); w.Code != http.StatusOK {
		t.Errorf("by its own name: %d", w.Code)
	}
}

func TestRestore(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		err    error
		status int
		says   string
		did    string
	}{
		{"a backup", []string{"code", code, "passphrase", "segreta", "sure", "true", "file", "backup"}, nil, http.StatusOK, "rescue.done.restore", `restore "backup" with "segreta" restart`},
		{"with a wrong passphrase", []string{"code", code, "passphrase", "x", "sure", "true", "file", "backup"}, store.ErrPassword, http.StatusUnprocessableEntity, "restore.refused", `restore "backup" with "x"`},
		{"that does not fit into memory", []string{"code", code, "passphrase", "x", "sure", "true", "file", "backup"}, store.ErrFull, http.StatusUnprocessableEntity, "rescue.wrong.large", `restore "backup" with "x"`},
		{"onto a card that fails", []string{"code", code, "passphrase", "x", "sure", "true", "file", "backup"}, errors.New("input/output error"), http.StatusUnprocessableEntity, "rescue.wrong.disk", `restore "backup" with "x"`},
		{"without a code", []string{"passphrase", "x", "sure", "true", "file", "backup"}, nil, http.StatusForbidden, "rescue.wrong.proof", ""},
		{"whose code comes after the file", []string{"passphrase", "x", "sure", "true", "file", "backup", "code", code}, nil, http.StatusForbidden, "rescue.wrong.proof", ""},
		{"by somebody who is not sure", []string{"code", code, "passphrase", "x", "file", "backup"}, nil, http.StatusUnprocessableEntity, "rescue.wrong.sure", ""},
		{"without a passphrase", []string{"code", code, "sure", "true", "file", "backup"}, nil, http.StatusUnprocessableEntity, "restore.nofile", ""},
		{"without a file", []string{"code", code, "passphrase", "x", "sure", "true"}, nil, http.StatusUnprocessableEntity, "restore.nofile", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t, boot.Damaged, code)
			b.err = c.err
			w := b.upload(c.fields...)
			if did := strings.Join(b.did, " "); w.Code != c.status || !strings.Contains(w.Body.String(), text(t, c.says)) || did != c.did {
				t.Errorf("%d, did %q:\n%s", w.Code, did, w.Body)
			}
		})
	}
	b := newBox(t, boot.Damaged, code)
	if w := b.do(http.MethodPost, "/restore", strings.NewReader("a=b")); w.Code != http.StatusUnprocessableEntity || len(b.did) > 0 {
		t.Errorf("another form: %d %v", w.Code, b.did)
	}
}

func TestItIsDoneOnce(t *testing.T) {
	b := newBox(t, boot.Damaged, code)
	b.reset(code, "true")
	b.reset(code, "true")
	b.upload("code", code, "passphrase", "x", "sure", "true", "file", "backup")
	b.do(http.MethodPost, "/restart", nil)
	if did := strings.Join(b.did, " "); did != "reset restart" {
		t.Errorf("did %s", did)
	}
	c := newBox(t, boot.NoDisk, "")
	if w := c.do(http.MethodPost, "/restart", nil); w.Code != http.StatusOK || strings.Join(c.did, " ") != "restart" {
		t.Errorf("restart: %d %v", w.Code, c.did)
	}
}

func TestSeen(t *testing.T) {
	b := newBox(t, boot.Damaged, code)
	first := b.Seen()
	b.now = b.now.Add(time.Hour)
	if !b.Seen().Equal(first) {
		t.Error("nobody looked")
	}
	if b.do(http.MethodGet, "/", nil); !b.Seen().Equal(b.now) {
		t.Errorf("seen %v", b.Seen())
	}
}
