package trunk

import (
	"strings"

	"centralino/internal/numbering"
	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// Invite prepares a call to a number as it is to be dialled on this trunk. own is
// our number to show, or empty: then the provider shows the trunk's. From is the
// trunk's account, as providers want it; our number stands in
// P-Asserted-Identity and P-Preferred-Identity (RFC 3325 9.1, 9.2: a provider that
// does not trust us takes the second).
func (t *Trunk) Invite(dial string, own numbering.E164) dialog.InviteOptions {
	t.mu.RLock()
	current, routes := t.current, t.routes
	t.mu.RUnlock()
	o := dialog.InviteOptions{
		URI:         sip.NewURI(dial, t.domain, 0),
		From:        sip.Address{URI: t.aor()},
		ContactUser: t.token,
		Authorize:   t.Authorize,
	}
	o.To = sip.Address{URI: o.URI}
	if t.user == "" {
		o.From.URI = sip.NewURI(t.shown(own), t.domain, 0)
	}
	if own != "" {
		id := sip.Address{URI: sip.NewURI(t.shown(own), t.domain, 0)}.String()
		o.Headers = append(o.Headers, dialog.Header{Name: "P-Asserted-Identity", Value: id},
			dialog.Header{Name: "P-Preferred-Identity", Value: id})
	}
	for _, r := range routes { // RFC 3608 5
		o.Headers = append(o.Headers, dialog.Header{Name: "Route", Value: r})
	}
	o.Dest = t.firstHop(current, routes)
	return o
}

// firstHop is the server in use, unless the service route begins elsewhere.
func (t *Trunk) firstHop(current server, routes []string) sip.Destination {
	if len(routes) > 0 {
		if a, err := sip.ParseAddress(routes[0]); err == nil && !t.matchesHost(a.URI.Host) {
			return sip.URITarget(a.URI)
		}
	}
	if current.addr.IsValid() {
		return current.target
	}
	return t.target
}

// shown writes an own number in the trunk's format.
func (t *Trunk) shown(own numbering.E164) string {
	return t.o.Plan.Dial(numbering.Number{E164: own}, numbering.Form(t.o.Config.NumberFormat))
}

// Matches says whether a request comes from the trunk's provider: it calls the
// contact that only the registrar was told (and that nobody can work out who does
// not have the trunk's password), or it comes from one of the addresses of the
// trunk's server and does not call another trunk's contact.
func (t *Trunk) Matches(req *sip.Request) bool {
	user := req.URI().User
	if strings.HasPrefix(user, tokenPrefix) {
		return user == t.token && (t.o.Secret != "" || t.Exempt(req.Flow().Remote()))
	}
	return t.Exempt(req.Flow().Remote())
}

// Caller returns the calling number as the provider presents it, "anonymous" for
// one that is withheld, and the number that was called, empty if the request does
// not say it. Both are text from outside, to be read by internal/numbering.
func (t *Trunk) Caller(req *sip.Request) (caller, called string) {
	return calling(req), t.called(req)
}

// calling reads P-Asserted-Identity, which a provider vouches for, then From.
// Privacy "id" withholds it (RFC 3323, 3325 9.3).
func calling(req *sip.Request) string {
	from := req.From().URI
	for _, p := range req.Headers("Privacy") {
		for _, v := range strings.Split(p, ";") {
			if v = strings.ToLower(strings.TrimSpace(v)); v == "id" || v == "user" || v == "header" {
				return "anonymous"
			}
		}
	}
	if strings.EqualFold(from.Host, "anonymous.invalid") {
		return "anonymous"
	}
	for _, v := range req.Headers("P-Asserted-Identity") {
		if a, err := sip.ParseAddress(v); err == nil {
			if n := number(a.URI); n != "" {
				return n
			}
		}
	}
	return number(from)
}

// called reads P-Called-Party-ID (RFC 7315 4.2), the Request-URI unless it is our
// contact or account, then To.
func (t *Trunk) called(req *sip.Request) string {
	if v, ok := req.Header("P-Called-Party-ID"); ok {
		if a, err := sip.ParseAddress(v); err == nil {
			if n := number(a.URI); n != "" {
				return n
			}
		}
	}
	if n := number(req.URI()); n != "" && n != t.token && n != t.user {
		return n
	}
	if n := number(req.To().URI); n != "" && n != t.token {
		return n
	}
	if t.user != "" && number(req.URI()) == t.user {
		return t.user
	}
	return ""
}

// number is the user part without the parameters that may stand in it (RFC 3261
// 19.1.6: "+39021;phone-context=…").
func number(u sip.URI) string {
	n, _, _ := strings.Cut(u.Username(), ";")
	return n
}
