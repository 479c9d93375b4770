package ui

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/view"
)

// What one press of the button is good for.
const (
	maxPaired  = 20 // phones
	maxGuesses = 30 // extensions behind which there is no free phone
)

// pairings counts what was asked for in the button's present window.
type pairings struct {
	mu      sync.Mutex
	until   time.Time // of the window that is counted
	given   map[office.ID]bool
	guesses int
}

// take reports whether one more phone may be paired in the window that ends at until; a
// phone counts once. An empty one is a wrong guess.
func (p *pairings) take(until time.Time, phone office.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.until.Equal(until) {
		p.until, p.given, p.guesses = until, map[office.ID]bool{}, 0
	}
	switch {
	case p.guesses >= maxGuesses, phone != "" && !p.given[phone] && len(p.given) == maxPaired:
		return false
	case phone == "":
		p.guesses++
	default:
		p.given[phone] = true
	}
	return true
}

// atBox is where the reader counts as standing before the box from, if he does. Who comes
// by way of a proxy may be anywhere.
func (v *visit) atBox() netip.Addr {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "Via"} {
		if v.r.Header.Get(h) != "" {
			return netip.Addr{}
		}
	}
	return v.source
}

// pairPage is the page without what was typed. Where the box is nobody's the way is to
// claim it.
func (v *visit) pairPage() (page view.PairPhone, claimed bool, err error) {
	claimed, err = v.s.auth.Claimed(v.ctx())
	return view.PairPhone{Frame: v.frame(v.p.T("pair.title")), Open: v.s.auth.AtBox(v.atBox())}, claimed, err
}

func (v *visit) pairForm() error {
	page, claimed, err := v.pairPage()
	switch {
	case err != nil:
		return err
	case !claimed:
		return v.goTo("/claim")
	}
	return v.show(http.StatusOK, "pair", page)
}

// pair gives a phone that is not connected a new password, and its account to somebody who
// has held the box's button and knows the phone's extension. Nobody's name is told. A phone
// that is off has to be paired again then: two do not share an account.
func (v *visit) pair() error {
	page, claimed, err := v.pairPage()
	switch {
	case err != nil:
		return err
	case !claimed:
		return v.goTo("/claim")
	case !page.Open:
		return v.show(http.StatusConflict, "pair", page)
	}
	page.Extension = strings.TrimSpace(v.r.PostFormValue("extension"))
	bad := func(status int, text string) error {
		v.s.refused.add("page", "pair")
		page.Problems = []view.FieldProblem{{Field: "extension", Label: v.p.T("pair.extension"), Text: v.p.T(text)}}
		return v.show(status, "pair", page)
	}
	phone := office.ID("")
	if d := v.freePhone(page.Extension); d != nil {
		phone = d.ID
	}
	switch {
	case !v.s.pairings.take(v.s.d.PairingUntil(), phone):
		return bad(http.StatusTooManyRequests, "pair.many")
	case phone == "":
		return bad(http.StatusUnprocessableEntity, "pair.none")
	}
	cur := v.s.d.Office.Current()
	doc := cur.Doc.Clone()
	ref, write := v.s.d.Secrets.Stage(office.NewSecret())
	if problems := doc.Set(office.KindDevice, string(phone), "secret", string(ref)); len(problems) > 0 {
		return errBad
	}
	if _, err := v.s.d.Office.Apply(v.ctx(), office.Edit{Base: cur.Version, Doc: doc, Note: "pair", With: write}); err != nil {
		return err
	}
	if page.Account, err = v.account(doc.DeviceByID(phone), "pair"); err != nil {
		return err
	}
	return v.show(http.StatusOK, "pair", page)
}

// freePhone is the phone behind an extension on which nobody can be reached now, the
// first of several; nil if there is none.
func (v *visit) freePhone(digits string) *office.Device {
	doc := v.doc()
	online := map[office.ID]bool{}
	for _, s := range v.s.d.Phones() {
		online[s.Device] = true
	}
	for i := range doc.Extensions {
		x := &doc.Extensions[i]
		if x.Digits != digits {
			continue
		}
		list := doc.DevicesOf(journal.SubjectID(x.Target.ID))
		if x.Target.Kind == office.TargetDevice {
			list = []*office.Device{doc.DeviceByID(office.ID(x.Target.ID))}
		} else if x.Target.Kind != office.TargetPerson {
			list = nil
		}
		for _, d := range list {
			if d != nil && !d.Disabled && !online[d.ID] {
				return d
			}
		}
	}
	return nil
}

// account is a phone's account with its password; that it was shown is journalled. source
// says by which way.
func (v *visit) account(d *office.Device, source string) (*view.Account, error) {
	password, ok := v.s.d.Secrets.Get(d.Secret)
	if !ok {
		return nil, &refusal{http.StatusConflict, "E-SECRET"}
	}
	server := v.sipServer()
	uri := "sip:" + url.PathEscape(d.Username) + ":" + url.PathEscape(password) + "@" + server
	v.s.d.Journal.Append("", journal.AccessEvent{What: "secret.shown", Who: v.me.Person, About: d.Owner, Source: source})
	return &view.Account{Server: server, Username: d.Username, Password: password, URI: uri, QR: qrCode(uri)}, nil
}
