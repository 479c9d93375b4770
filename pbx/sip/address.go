package sip

import (
	"errors"
	"strings"
)

// Address is a name-addr or addr-spec with its header parameters, as in From, To,
// Contact, Route, Refer-To (RFC 3261 20.10).
type Address struct {
	Display string // without quotes and escapes; any text
	URI     URI
	Params  Params // parameters of the header field: ";tag=…", ";expires=…"
	Star    bool   // Contact: *
}

var errAddress = errors.New("malformed address")

// ParseAddress reads one address. Parameters after a URI without angle brackets
// belong to the header field (RFC 3261 20).
func ParseAddress(s string) (Address, error) {
	var a Address
	s = strings.TrimSpace(s)
	if s == "*" {
		a.Star = true
		return a, nil
	}
	open := openBracket(s)
	if open < 0 {
		uri, params, _ := cutAt(s, ';')
		u, err := ParseURI(strings.TrimSpace(uri))
		if err != nil {
			return a, err
		}
		if strings.ContainsAny(uri, ",?") {
			return a, errAddress // RFC 3261 20.10: such a URI needs angle brackets
		}
		a.URI, a.Params = u, Params(params)
		return a, validParams(a.Params)
	}
	display := strings.TrimSpace(s[:open])
	if !validDisplay(display) {
		return a, errAddress
	}
	a.Display = unquote(display)
	end := strings.IndexByte(s[open:], '>')
	if end < 0 {
		return a, errAddress
	}
	u, err := ParseURI(s[open+1 : open+end])
	if err != nil {
		return a, err
	}
	a.URI = u
	tail := strings.TrimSpace(s[open+end+1:])
	if tail != "" && tail[0] != ';' {
		return a, errAddress
	}
	a.Params = Params(tail)
	return a, validParams(a.Params)
}

// openBracket finds the "<" that starts the URI, outside of quotes; -1 if none.
func openBracket(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			return i
		}
	}
	return -1
}

// validDisplay accepts a quoted-string or any text without a quote: many phones
// send display names without quotes that are no tokens (RFC 4475 3.1.2.6 advises
// to be generous).
func validDisplay(s string) bool {
	if strings.IndexByte(s, '"') < 0 {
		return true
	}
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	for i := 1; i < len(s)-1; i++ {
		switch s[i] {
		case '\\':
			i++
			if i == len(s)-1 {
				return false
			}
		case '"':
			return false
		}
	}
	return true
}

// validParams refuses empty parameters, unbalanced quotes and names that are no
// tokens.
func validParams(p Params) error {
	rest := strings.TrimSpace(string(p))
	for rest != "" {
		var item string
		item, rest = nextParam(rest)
		name, value, _ := strings.Cut(item, "=")
		if name = strings.TrimSpace(name); !isToken(name) {
			return errAddress
		}
		if value = strings.TrimSpace(value); strings.HasPrefix(value, `"`) && !validDisplay(value) {
			return errAddress
		}
	}
	return nil
}

// String returns the address in wire form, always with angle brackets.
func (a Address) String() string {
	if a.Star {
		return "*"
	}
	b := make([]byte, 0, 96)
	if a.Display != "" {
		b = append(append(b, quote(a.Display)...), ' ')
	}
	b = append(b, '<')
	b = a.URI.append(b)
	b = append(b, '>')
	return string(append(b, a.Params...))
}

// Tag returns the tag parameter.
func (a Address) Tag() string {
	t, _ := a.Params.Get("tag")
	return t
}

// WithTag returns a with the tag set.
func (a Address) WithTag(tag string) Address {
	a.Params = a.Params.With("tag", tag)
	return a
}

// splitList splits a header value at commas outside of quotes and angle brackets.
func splitList(out []string, s string) []string {
	quoted, angle, start := false, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			if item := strings.TrimSpace(s[start:i]); item != "" {
				out = append(out, item)
			}
			start = i + 1
		}
	}
	if item := strings.TrimSpace(s[start:]); item != "" {
		out = append(out, item)
	}
	return out
}
