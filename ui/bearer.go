package ui

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"centralino/ui/auth"
)

// A program comes with a token of its owner in the header Authorization: Bearer (RFC
// 6750 section 2.1), under /api/v1 alone. Browsers add no such header by themselves, so
// a token takes nothing away from what protects forms; a request that brings a login's
// cookie as well is refused, for nobody could say who asks.

// apiRoot is where tokens are good for something.
const apiRoot = "/api/v1/"

// anyScope opens a route to every token.
const anyScope auth.Scope = "any"

// scopeError says that a token is good, but not for this.
type scopeError struct{ needs auth.Scope }

func (e *scopeError) Error() string { return "the token is not for this: " + string(e.needs) }

// The refusals of tokens that came in a wrong way.
var (
	errTokenPlace = &refusal{http.StatusBadRequest, "E-TOKEN-PAGE"}
	errTokenMixed = &refusal{http.StatusBadRequest, "E-TOKEN-MIX"}
)

// opensTo says whether the scopes of a token open a route; a login's are empty.
func (r *Route) opensTo(scopes auth.Scopes) bool {
	return scopes == "" || r.Scope == anyScope || r.Scope != "" && scopes.Has(r.Scope)
}

// bearer reads the token of a request. Headers of other schemes are none of ours.
func bearer(r *http.Request) (text string, ok bool) {
	for _, h := range r.Header.Values("Authorization") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(h), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		if ok { // two of them: neither
			return "", true
		}
		text, ok = strings.TrimSpace(rest), true
	}
	return text, ok
}

// byToken finds out whose program asks.
func (v *visit) byToken() (auth.Session, error) {
	switch {
	case !strings.HasPrefix(v.r.URL.Path, apiRoot):
		return auth.Session{}, errTokenPlace
	case slices.ContainsFunc(v.r.Cookies(), func(c *http.Cookie) bool { return c.Name == cookiePlain || c.Name == cookieSecure }):
		return auth.Session{}, errTokenMixed
	}
	return v.s.auth.Token(v.ctx(), v.source, v.token)
}

// challenge tells a program what is wrong with its token (RFC 6750 section 3).
func (v *visit) challenge(err error) {
	var scope *scopeError
	var wait *auth.WaitError
	value := ""
	switch {
	case errors.Is(err, auth.ErrToken):
		value = `error="invalid_token"`
	case errors.As(err, &scope):
		value = `error="insufficient_scope"`
		if scope.needs != "" {
			value += `, scope="` + string(scope.needs) + `"`
		}
	case v.barred != nil && !errors.As(err, &wait) && !errors.Is(err, auth.ErrUnread):
		value = `error="invalid_request"`
	default:
		return
	}
	v.w.Header().Set("WWW-Authenticate", `Bearer realm="centralino", `+value)
}
