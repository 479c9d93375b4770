package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
	"centralino/ui/api"
	"centralino/ui/auth"
	"centralino/ui/i18n"
	"centralino/ui/view"
)

// visit is one request on its way through a route: who asks, in which language,
// and how to answer.
type visit struct {
	s      *Server
	w      http.ResponseWriter
	r      *http.Request
	p      *i18n.Printer
	me     auth.Session // zero: nobody
	token  string       // with which a program came instead of a login
	barred error        // why the token lets nobody in
	unread error        // not nil: who is logged in can't be read (auth.ErrUnread)
	route  *Route
	source netip.Addr
}

// refusal is an error that a person gets as a page: an HTTP status and a code
// with texts in ui/i18n.
type refusal struct {
	status int
	code   string
}

func (e *refusal) Error() string { return fmt.Sprintf("%d %s", e.status, e.code) }

// The common refusals.
var (
	errNotFound = &refusal{http.StatusNotFound, "E-404"}
	errBad      = &refusal{http.StatusBadRequest, "E-400"}
	errDenied   = &refusal{http.StatusForbidden, "E-403"}
	errFull     = &refusal{http.StatusServiceUnavailable, "E-503"}
)

func (v *visit) ctx() context.Context { return v.r.Context() }

// viewer is who looks, for the gate.
func (v *visit) viewer() privacy.Viewer {
	return privacy.Viewer{Subject: v.me.Person, Role: v.me.Role}
}

func (v *visit) doc() *office.Document { return v.s.d.Office.Current().Doc }

// secure reports whether the request came by HTTPS.
func (v *visit) secure() bool { return v.r.TLS != nil }

// Cookie names: the one for HTTPS can't be set or read over HTTP.
const (
	cookiePlain  = "centralino"
	cookieSecure = "__Host-centralino"
	cookieLang   = "lang"
	cookieFlash  = "flash"
)

func (v *visit) cookieName() string {
	if v.secure() {
		return cookieSecure
	}
	return cookiePlain
}

func (v *visit) setCookie(name, value string, age time.Duration) {
	http.SetCookie(v.w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: v.secure(), SameSite: http.SameSiteStrictMode})
}

func (v *visit) cookie(name string) string {
	c, err := v.r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// --- answers ---------------------------------------------------------------

// show answers with a page. data must embed view.Frame, filled by frame.
func (v *visit) show(status int, page string, data any) error {
	b, err := v.s.views.Page(v.p, page, data)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Vary", "Accept-Language, Cookie")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b)
	return nil
}

// json answers with data.
func (v *visit) json(data any) error {
	b, err := json.Marshal(api.Whole(data))
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	_, _ = v.w.Write(append(b, '\n'))
	return nil
}

// jsonList answers with a part of a list. next is the cursor of the next part, empty where
// the list ends here: its address stands in the header Link (RFC 8288).
func (v *visit) jsonList(data any, next string) error {
	v.goesOn(v.r.URL.Path, v.route.Cursor, next)
	return v.json(data)
}

// goesOn says where a list goes on: at path with what was asked for, and with the cursor.
func (v *visit) goesOn(path, cursor, next string) {
	if next == "" {
		return
	}
	q := v.r.URL.Query()
	q.Set(cursor, next)
	v.w.Header().Set("Link", "<"+path+"?"+q.Encode()+`>; rel="next"`)
}

// file answers with a file to be kept. name is ours and needs no escaping.
func (v *visit) file(name, kind string, body []byte) error {
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = v.w.Write(body)
	return nil
}

// goTo sends the browser on (303: by GET).
func (v *visit) goTo(where string) error {
	http.Redirect(v.w, v.r, where, http.StatusSeeOther)
	return nil
}

// flash leaves a message for the next page. Only ids and numbers go into the
// cookie: "key|tone|undo".
func (v *visit) flash(key, tone string, undo int) {
	v.setCookie(cookieFlash, url.QueryEscape(fmt.Sprintf("%s|%s|%d", key, tone, undo)), time.Minute)
}

func (v *visit) takeFlash() *view.Flash {
	raw, err := url.QueryUnescape(v.cookie(cookieFlash))
	if err != nil || raw == "" {
		return nil
	}
	v.setCookie(cookieFlash, "", -time.Second)
	f := strings.Split(raw, "|")
	if len(f) != 3 || !strings.HasPrefix(f[0], "flash.") || !v.p.Has(f[0]) || f[1] != "ok" && f[1] != "warn" && f[1] != "bad" {
		return nil
	}
	var undo int
	if _, err := fmt.Sscanf(f[2], "%d", &undo); err != nil || !v.may("POST /versions/{n}/undo") {
		undo = 0
	}
	return &view.Flash{Tone: f[1], Text: v.p.T(f[0]), Undo: undo}
}

// frame fills what stands around a page.
func (v *visit) frame(title string) view.Frame {
	f := view.Frame{Title: title, Path: v.r.URL.Path, Now: v.s.d.Now(), Secure: v.secure()}
	if v.me.Person == "" {
		return f
	}
	name := v.name(privacy.Account, v.me.Person)
	f.Me = &view.Me{Name: name, Initials: initials(name), Role: v.me.Role, RoleWord: v.p.T("role." + string(v.me.Role))}
	f.Flash = v.takeFlash()
	for _, n := range navigation {
		if v.opens(n.url) {
			cur := v.r.URL.Path == n.url || n.url != "/" && strings.HasPrefix(v.r.URL.Path, n.url+"/")
			for _, also := range n.also {
				cur = cur || strings.HasPrefix(v.r.URL.Path, also)
			}
			f.Nav = append(f.Nav, view.NavItem{URL: n.url, Icon: n.icon, Label: v.p.T(n.label), Current: cur})
		}
	}
	return f
}

var navigation = []struct {
	url, icon, label string
	also             []string
}{
	{"/", "home", "home.title", nil},
	{"/desk", "phone", "desk.title", nil},
	{"/board", "queue", "board.title", nil},
	{"/people", "people", "people.title", []string{"/phones/", "/edit/person/", "/edit/device/", "/tokens"}},
	{"/lines", "line", "lines.title", []string{"/edit/line/"}},
	{"/office", "office", "office.title", []string{"/prompts", "/edit/prompt/"}},
	{"/calls", "calls", "calls.title", nil},
	{"/recall", "in", "recall.title", nil},
	{"/reports", "chart", "reports.title", []string{"/plan"}},
	{"/customers", "book", "customers.title", []string{"/import", "/surveys", "/scripts", "/edit/script/", "/edit/survey/", "/edit/outcome/"}},
	{"/callbacks", "clock", "callbacks.title", nil},
	{"/versions", "version", "versions.title", []string{"/draft/"}},
	{"/system", "system", "system.title", nil},
}

// opens says whether the reader finds something on a page that stands in a menu.
func (v *visit) opens(page string) bool {
	switch {
	case page == "/":
		return true
	case page == "/desk" && !v.answersQueue():
		return false
	}
	return v.may("GET "+page) && v.s.offers(page)
}

// offers says whether the box was built with what a page shows.
func (s *Server) offers(page string) bool {
	switch page {
	case "/recall", "/reports", "/plan":
		return s.d.Reports != nil
	case "/customers", "/callbacks", "/import":
		return s.d.Customers != nil
	case "/surveys":
		return s.d.Surveys != nil
	case "/webhooks":
		return s.d.Webhooks != nil
	}
	return true
}

// may says whether the person may use a route, by its "METHOD /pattern".
func (v *visit) may(route string) bool {
	for i := range v.s.routes {
		r := &v.s.routes[i]
		if r.Method+" "+r.Pattern == route {
			return r.Who.allows(v.me)
		}
	}
	return false
}

// --- names -----------------------------------------------------------------

// name is how the reader may see a subject; a place holder where the gate refuses.
func (v *visit) name(p privacy.Purpose, s journal.SubjectID) string {
	if s == "" {
		return v.p.T("who.unknown")
	}
	if n, ok := v.s.d.People.Name(v.viewer(), p, s); ok && n != "" {
		if !isPerson(s) {
			return v.number(v.doc(), numbering.E164(n))
		}
		return n
	}
	if isPerson(s) {
		return v.p.T("who.operator")
	}
	return v.p.T("who.erased")
}

// isPerson tells a person's pseudonym from an outside number's.
func isPerson(s journal.SubjectID) bool { return strings.HasPrefix(string(s), "p-") }

// initials are the first letters of the first and last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	var out []rune
	for i, w := range words {
		if i == 0 || i == len(words)-1 {
			out = append(out, unicode.ToUpper([]rune(w)[0]))
		}
	}
	return string(out)
}

// --- refusals --------------------------------------------------------------

// fail answers an error of a route.
func (v *visit) fail(err error) {
	var ref *refusal
	var wait *auth.WaitError
	var tooBig *http.MaxBytesError
	v.challenge(err)
	switch {
	case errors.Is(err, auth.ErrToken):
		v.refuse(http.StatusUnauthorized, "E-TOKEN")
	case errors.As(err, new(*scopeError)):
		v.refuse(http.StatusForbidden, "E-SCOPE")
	case errors.As(err, &ref):
		v.refuse(ref.status, ref.code)
	case errors.As(err, &wait):
		v.w.Header().Set("Retry-After", fmt.Sprint(int(wait.For/time.Second)+1))
		v.refuse(http.StatusTooManyRequests, "E-429")
	case errors.As(err, &tooBig):
		v.refuse(http.StatusRequestEntityTooLarge, "E-413")
	case errors.Is(err, auth.ErrBusy):
		v.refuse(http.StatusServiceUnavailable, "E-503")
	case v.ctx().Err() != nil:
		// Nobody is there to be told.
	case errors.Is(err, auth.ErrUnread) && v.me.Person == "":
		v.s.d.Log.Warn("who asks can't be read", "path", v.r.URL.Path, "err", err)
		v.refuse(http.StatusServiceUnavailable, "E-STO-04")
	case errors.Is(err, auth.ErrUnread), v.r.Method != http.MethodPost && store.Refused(err):
		v.s.d.Log.Warn("the disk can't be read", "path", v.r.URL.Path, "err", err)
		v.refuse(http.StatusServiceUnavailable, "E-STO-03")
	case store.Refused(err):
		v.s.d.Log.Warn("the disk refuses a change", "path", v.r.URL.Path, "err", err)
		v.refuse(http.StatusInsufficientStorage, "E-STO-02")
	default:
		v.s.d.Log.Error("page failed", "path", v.r.URL.Path, "err", err)
		v.refuse(http.StatusInternalServerError, "E-500")
	}
}

func (v *visit) refuse(status int, code string) {
	v.s.refused.add("page", code)
	if strings.HasPrefix(v.r.URL.Path, "/api/") {
		v.jsonError(status, code, v.p.T("error."+code+".text"))
		return
	}
	e := view.Error{Frame: v.frame(v.p.T("error." + code + ".text")), Status: status, Code: code,
		Text: v.p.T("error." + code + ".text"), Action: v.p.T("error." + code + ".action")}
	if err := v.show(status, "error", e); err != nil {
		http.Error(v.w, code, status)
	}
}

// jsonError answers a program that what it asked for is not to be had.
func (v *visit) jsonError(status int, code, text string) {
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	b, _ := json.Marshal(api.Error{Code: code, Text: text}) // two strings
	_, _ = v.w.Write(append(b, '\n'))
}

// refuse answers outside of a route.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	v := &visit{s: s, w: w, r: r, p: s.texts.Choose("", r.Header.Get("Accept-Language")), source: remoteAddr(r.RemoteAddr)}
	v.refuse(status, code)
}

// isWrong says that a password was wrong, as against that it could not be checked.
func isWrong(err error) bool { return errors.Is(err, auth.ErrWrong) }

// newSession gives the person a fresh session, after all others were ended, and
// goes on with a message.
func (v *visit) newSession(flash, where string) error {
	if err := v.freshSession(); err != nil {
		return err
	}
	v.flash(flash, "ok", 0)
	return v.goTo(where)
}

// freshSession gives the person a session that begins now.
func (v *visit) freshSession() error {
	token, _, err := v.s.auth.Open(v.ctx(), v.me.Person, v.source)
	if err != nil {
		return err
	}
	v.setCookie(v.cookieName(), token, auth.AbsoluteMax)
	return nil
}
