// Package rescue is the page of a box that cannot use its data: it says what is wrong and
// lets somebody who stands before the box restore a backup or begin anew. It needs no
// database and no office. It never changes anything for somebody who neither held the
// button nor knows the one-time code that stands on the card.
//
// It starts no goroutine; whoever serves its Handler does.
package rescue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"centralino/board/boot"
	"centralino/internal/store"
	"centralino/ui/assets"
	"centralino/ui/auth"
	"centralino/ui/i18n"
	"centralino/ui/view"
)

// Options of a Page. All functions but Restart may take long; they are never called twice
// at once.
type Options struct {
	Trouble boot.Trouble
	Detail  string          // the system's own words; may be empty
	Names   func() []string // of the box, beside its addresses
	Code    string          // one-time code on the card; empty: there is none
	Now     func() time.Time
	Log     *slog.Logger

	// Open tells until when the window lasts that the button has opened.
	Open func() time.Time
	// Restore reads a backup and checks all of it before it puts it onto an empty data
	// partition. Reset makes that partition empty.
	Restore func(ctx context.Context, backup io.Reader, passphrase string) error
	Reset   func(ctx context.Context) error
	// Restart starts the box anew, a moment later.
	Restart func()
}

// Limits of what the page takes.
const (
	maxForm   = 16 << 10
	maxField  = 1 << 10
	maxBackup = 512 << 20
	tryEvery  = 3 * time.Second // after a wrong code nobody may try another one for so long
)

// Page is the rescue page. Its methods may be called from any goroutine.
type Page struct {
	o      Options
	texts  *i18n.Catalogue
	assets *assets.Set
	views  *view.Views
	h      http.Handler

	acting sync.Mutex // held by whoever restores or resets

	mu    sync.Mutex
	done  string    // what was done, of the texts "rescue.done."; the box restarts
	wrong time.Time // when a wrong code was given last
	seen  time.Time // when somebody last asked for the page
}

// New checks the options.
func New(o Options) (*Page, error) {
	if o.Trouble == boot.NoTrouble || o.Now == nil || o.Log == nil || o.Open == nil || o.Names == nil || o.Restore == nil || o.Reset == nil || o.Restart == nil {
		return nil, errors.New("rescue: an option is missing")
	}
	p := &Page{o: o, seen: o.Now()}
	var err error
	if p.texts, err = i18n.Load(); err != nil {
		return nil, err
	}
	if p.assets, err = assets.New(view.LampStyles()); err != nil {
		return nil, err
	}
	p.views = view.New(p.texts, p.assets.URL, func() *time.Location { return time.UTC })
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", func(w http.ResponseWriter, r *http.Request) { p.assets.Serve(w, r, r.PathValue("name")) })
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) })
	mux.HandleFunc("POST /language", p.language)
	mux.HandleFunc("POST /restart", p.restart)
	mux.HandleFunc("POST /restore", p.restore)
	mux.HandleFunc("POST /reset", p.reset)
	p.h = p.guard(http.NewCrossOriginProtection().Handler(mux))
	return p, nil
}

// Handler is the page.
func (p *Page) Handler() http.Handler { return p.h }

// Seen tells when somebody last asked for the page; the time of New if nobody did.
func (p *Page) Seen() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// guard answers browsers of the office's network alone, by the box's own names, and sets
// what every answer carries.
func (p *Page) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !auth.OnLAN(from.Addr()) || !p.known(r.Host) {
			http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
			return
		}
		p.mu.Lock()
		p.seen = p.o.Now()
		p.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// known reports a name by which the box is called, or an address.
func (p *Page) known(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return slices.ContainsFunc(append([]string{"localhost"}, p.o.Names()...), func(n string) bool { return strings.EqualFold(n, host) })
}

// Able reports troubles in which the data partition can be made anew.
func Able(t boot.Trouble) bool { return t != boot.NoDisk && t != boot.Worn }

// answer draws the page; problem is a text id, empty for none.
func (p *Page) answer(w http.ResponseWriter, r *http.Request, status int, problem string) {
	lang := ""
	if c, err := r.Cookie("lang"); err == nil {
		lang = c.Value
	}
	words := p.texts.Choose(lang, r.Header.Get("Accept-Language"))
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	now := p.o.Now()
	page := view.Rescue{Frame: view.Frame{Title: words.T("rescue.title"), Path: "/", Now: now}, Why: words.T("rescue.why." + string(p.o.Trouble)),
		Detail: p.o.Detail, Able: Able(p.o.Trouble), Open: now.Before(p.o.Open()), Code: p.o.Code != ""}
	if done != "" {
		page.Done = words.T("rescue.done." + done)
	}
	if problem != "" {
		page.Problem = words.T(problem)
	}
	b, err := p.views.Page(words, "rescue", page)
	if err != nil {
		p.o.Log.Error("draw the rescue page", "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func (p *Page) show(w http.ResponseWriter, r *http.Request) { p.answer(w, r, http.StatusOK, "") }

func (p *Page) language(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	http.SetCookie(w, &http.Cookie{Name: "lang", Value: p.texts.Printer(r.PostFormValue("lang")).Lang(), Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// restart needs no proof: a box that serves nobody loses nothing by it.
func (p *Page) restart(w http.ResponseWriter, r *http.Request) {
	if !p.acting.TryLock() {
		p.answer(w, r, http.StatusConflict, "rescue.wrong.busy")
		return
	}
	defer p.acting.Unlock()
	p.finish(w, r, "restart")
}

// finish says that something was done, and restarts the box.
func (p *Page) finish(w http.ResponseWriter, r *http.Request, what string) {
	p.mu.Lock()
	first := p.done == ""
	if first {
		p.done = what
	}
	p.mu.Unlock()
	p.answer(w, r, http.StatusOK, "")
	if first {
		p.o.Log.Warn("the box restarts", "after", what)
		p.o.Restart()
	}
}

// refusal is why something is not done: the answer's status and a text id.
type refusal struct {
	status int
	text   string
}

// may says why somebody may not do something, nil if he may: he has held the button, or
// knows the code; and has said that he is sure.
func (p *Page) may(code, sure string) *refusal {
	if !Able(p.o.Trouble) {
		return &refusal{http.StatusForbidden, "rescue.wrong.card"}
	}
	if sure != "true" {
		return &refusal{http.StatusUnprocessableEntity, "rescue.wrong.sure"}
	}
	now := p.o.Now()
	if now.Before(p.o.Open()) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case strings.TrimSpace(code) == "":
		return &refusal{http.StatusForbidden, "rescue.wrong.proof"}
	case !p.wrong.IsZero() && now.Sub(p.wrong) < tryEvery:
		return &refusal{http.StatusTooManyRequests, "rescue.wrong.wait"}
	case p.o.Code == "" || !auth.SameCode(code, p.o.Code):
		p.wrong = now
		p.o.Log.Warn("a wrong code on the rescue page")
		return &refusal{http.StatusForbidden, "claim.code.wrong"}
	}
	return nil
}

// reset makes the data partition empty.
func (p *Page) reset(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p.act(w, r, "reset", func() (*refusal, error) {
		if no := p.may(r.PostFormValue("code"), r.PostFormValue("sure")); no != nil {
			return no, nil
		}
		return nil, p.o.Reset(context.WithoutCancel(r.Context())) // also if the browser goes away
	})
}

// act does one thing at a time and says how it went.
func (p *Page) act(w http.ResponseWriter, r *http.Request, what string, do func() (*refusal, error)) {
	if !p.acting.TryLock() {
		p.answer(w, r, http.StatusConflict, "rescue.wrong.busy")
		return
	}
	defer p.acting.Unlock()
	p.mu.Lock()
	done := p.done != ""
	p.mu.Unlock()
	if done { // the box is about to restart
		p.answer(w, r, http.StatusOK, "")
		return
	}
	no, err := do()
	switch {
	case no != nil:
		p.answer(w, r, no.status, no.text)
	case err != nil:
		p.o.Log.Error("rescue", "what", what, "err", err)
		p.answer(w, r, http.StatusUnprocessableEntity, textOf(err))
	default:
		p.finish(w, r, what)
	}
}

// textOf names the sentence for what went wrong.
func textOf(err error) string {
	switch {
	case errors.Is(err, store.ErrPassword), errors.Is(err, store.ErrNoBackup), errors.Is(err, store.ErrRefused), errors.Is(err, store.ErrNewer):
		return "restore.refused"
	case errors.Is(err, store.ErrFull):
		return "rescue.wrong.large"
	case errors.Is(err, errForm):
		return "restore.nofile"
	}
	return "rescue.wrong.disk"
}

// errForm is a form without what it needs.
var errForm = errors.New("the form lacks something")

// restore takes a backup. The fields stand before the file, so that what is not allowed is
// refused before it is read.
func (p *Page) restore(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBackup)
	p.act(w, r, "restore", func() (*refusal, error) {
		mr, err := r.MultipartReader()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errForm, err)
		}
		fields := map[string]string{}
		for {
			part, err := mr.NextPart()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errForm, err)
			}
			if part.FormName() == "file" {
				if no := p.may(fields["code"], fields["sure"]); no != nil {
					return no, nil
				}
				if part.FileName() == "" || fields["passphrase"] == "" {
					return nil, errForm
				}
				return nil, p.o.Restore(context.WithoutCancel(r.Context()), part, fields["passphrase"])
			}
			b, err := io.ReadAll(io.LimitReader(part, maxField))
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errForm, err)
			}
			fields[part.FormName()] = string(b)
		}
	})
}
