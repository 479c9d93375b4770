package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// URI is a SIP, SIPS or tel URI, or any other scheme kept as Opaque text. All
// parts are in wire form (escapes not resolved), so String gives back what
// ParseURI read. URIs compare with ==; Equal applies RFC 3261 19.1.4.
type URI struct {
	Scheme   string // "sip", "sips", "tel", … in lower case
	User     string // as on the wire; Username resolves escapes; the number of a tel URI
	Password string
	Host     string // name, IPv4, or IPv6 without brackets; in lower case as sent
	Port     uint16 // 0 = not given
	Params   Params // ";transport=tcp;lr"
	Headers  string // after "?", as on the wire
	Opaque   string // everything after the colon of an unknown scheme
}

// Errors of ParseURI that need their own answer (RFC 3261 21.4.14).
var (
	errURI       = errors.New("malformed URI")
	errURIScheme = errors.New("malformed URI scheme")
)

// ParseURI reads a URI (RFC 3261 25.1, RFC 3966 for tel). It refuses control
// characters, spaces, angle brackets, bad ports and bad IPv6 literals. Unknown
// schemes are accepted as Opaque.
func ParseURI(s string) (URI, error) {
	var u URI
	if s == "" || len(s) > maxLine {
		return u, errURI
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return u, errURI
		}
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !validScheme(scheme) {
		return u, errURIScheme
	}
	u.Scheme = strings.ToLower(scheme)
	switch u.Scheme {
	case "sip", "sips":
		return u, u.parseSIP(rest)
	case "tel":
		number, params, _ := cutAt(rest, ';')
		if number == "" {
			return u, errURI
		}
		u.User, u.Params = number, Params(params)
		return u, nil
	}
	u.Opaque = rest
	return u, nil
}

func validScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(s[i]))) {
			return false
		}
	}
	return s != ""
}

// cutAt splits s before the first sep, which stays at the head of the second part.
func cutAt(s string, sep byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, sep); i >= 0 {
		return s[:i], s[i:], true
	}
	return s, "", false
}

func (u *URI) parseSIP(s string) error {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		u.User, u.Password, _ = strings.Cut(s[:at], ":")
		if u.User == "" || strings.IndexByte(u.User, '@') >= 0 || strings.IndexByte(u.Password, '@') >= 0 {
			return errURI
		}
		s = s[at+1:]
	}
	end := strings.IndexAny(s, ";?")
	hostport, tail := s, ""
	if end >= 0 {
		hostport, tail = s[:end], s[end:]
	}
	var err error
	if u.Host, u.Port, err = splitHostPort(hostport); err != nil {
		return err
	}
	params, headers, found := cutAt(tail, '?')
	if found {
		headers = headers[1:]
	}
	u.Params, u.Headers = Params(params), headers
	if !escapesValid(u.User) || !escapesValid(u.Password) || !escapesValid(params) || !escapesValid(headers) {
		return errURI
	}
	return nil
}

// splitHostPort reads host[:port] of RFC 3261 25.1. Brackets of an IPv6 literal
// are taken off.
func splitHostPort(s string) (string, uint16, error) {
	var host, port string
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, errURI
		}
		host, port = s[1:end], s[end+1:]
		if _, err := parseIPv6(host); err != nil {
			return "", 0, errURI
		}
	} else {
		host, port, _ = cutAt(s, ':')
		if !validHost(host) {
			return "", 0, errURI
		}
	}
	if port == "" {
		return host, 0, nil
	}
	n, err := strconv.ParseUint(port[1:], 10, 16)
	if port[0] != ':' || err != nil || n == 0 {
		return "", 0, errURI
	}
	return host, uint16(n), nil
}

// parseIPv6 reads an IPv6 literal; it tolerates the three colons before an
// embedded IPv4 address that the ABNF of RFC 3261 wrongly allowed (RFC 5118 4.10).
func parseIPv6(s string) (netip.Addr, error) {
	if strings.Contains(s, ".") {
		s = strings.Replace(s, ":::", "::", 1)
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is6() {
		return netip.Addr{}, errURI
	}
	return a, nil
}

func validHost(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			continue
		}
		return false
	}
	return s != ""
}

func escapesValid(s string) bool {
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			return true
		}
		if len(s) < i+3 || !isHex(s[i+1]) || !isHex(s[i+2]) {
			return false
		}
		s = s[i+3:]
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// String returns the URI in wire form.
func (u URI) String() string {
	return string(u.append(make([]byte, 0, 64)))
}

func (u URI) append(b []byte) []byte {
	b = append(append(b, u.Scheme...), ':')
	if u.Opaque != "" {
		return append(b, u.Opaque...)
	}
	if u.User != "" {
		b = append(b, u.User...)
		if u.Password != "" {
			b = append(append(b, ':'), u.Password...)
		}
		if u.Scheme != "tel" {
			b = append(b, '@')
		}
	}
	b = appendHost(b, u.Host)
	if u.Port != 0 {
		b = strconv.AppendUint(append(b, ':'), uint64(u.Port), 10)
	}
	b = append(b, u.Params...)
	if u.Headers != "" {
		b = append(append(b, '?'), u.Headers...)
	}
	return b
}

func appendHost(b []byte, host string) []byte {
	if strings.IndexByte(host, ':') >= 0 {
		return append(append(append(b, '['), host...), ']')
	}
	return append(b, host...)
}

// Username returns the user part with its escapes resolved.
func (u URI) Username() string { return unescape(u.User) }

// Transport returns the transport parameter in lower case, "" if there is none.
func (u URI) Transport() string {
	t, _ := u.Params.Get("transport")
	return strings.ToLower(t)
}

// IsZero says whether u is the empty URI.
func (u URI) IsZero() bool { return u == URI{} }

// NewURI returns sip:user@host[:port]. user is data of any origin and is escaped;
// user may be empty, port 0.
func NewURI(user, host string, port uint16) URI {
	return URI{Scheme: "sip", User: escapeUser(user), Host: host, Port: port}
}

// Equal compares two URIs by RFC 3261 19.1.4: host and scheme without case, user
// with case and escapes resolved, port and user, ttl, method, maddr and transport
// parameters must agree, other parameters only when both have them.
func (u URI) Equal(v URI) bool {
	if u == v {
		return true
	}
	if u.Scheme != v.Scheme || u.Opaque != v.Opaque || u.Port != v.Port ||
		!strings.EqualFold(u.Host, v.Host) || u.Username() != v.Username() ||
		u.Password != v.Password || u.Headers != v.Headers {
		return false
	}
	return paramsAgree(u.Params, v.Params) && paramsAgree(v.Params, u.Params)
}

func paramsAgree(a, b Params) bool {
	for name, value := range a.All() {
		other, ok := b.Get(name)
		switch strings.ToLower(name) {
		case "user", "ttl", "method", "maddr", "transport":
			if !ok {
				return false
			}
		}
		if ok && !strings.EqualFold(unescape(other), unescape(value)) {
			return false
		}
	}
	return true
}

func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			b = append(b, byte(n))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

// escapeUser writes data as the user part of a URI (unreserved and
// user-unreserved of RFC 3261 25.1 stay).
func escapeUser(s string) string {
	const keep = "-_.!~*'()&=+$,;?/"
	clean := true
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte(keep, s[i]) < 0 {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if isAlnum(s[i]) || strings.IndexByte(keep, s[i]) >= 0 {
			b.WriteByte(s[i])
			continue
		}
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
