package sip

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// via is one Via value (RFC 3261 20.42).
type via struct {
	transport string // as sent
	host      string
	port      uint16
	params    Params
}

const magicCookie = "z9hG4bK"

// parseVia reads the first Via value of a field. It returns false for what has no
// protocol, no host, or a port that is none.
func parseVia(s string) (via, bool) {
	var v via
	name, rest, ok1 := strings.Cut(s, "/")
	version, rest, ok2 := strings.Cut(rest, "/")
	if !ok1 || !ok2 || !strings.EqualFold(strings.TrimSpace(name), "SIP") || strings.TrimSpace(version) != "2.0" {
		return v, false
	}
	rest = strings.TrimLeft(rest, " \t")
	end := strings.IndexAny(rest, " \t")
	if end < 0 {
		return v, false
	}
	v.transport = rest[:end]
	hostport, params, _ := cutAt(rest[end:], ';')
	hostport = strings.TrimSpace(hostport)
	if i := strings.IndexByte(hostport, ':'); i > 0 && hostport[0] != '[' && strings.ContainsAny(hostport, " \t") {
		hostport = strings.TrimSpace(hostport[:i]) + ":" + strings.TrimSpace(hostport[i+1:])
	}
	var err error
	if v.host, v.port, err = splitHostPort(hostport); err != nil || !isToken(v.transport) {
		return v, false
	}
	v.params = Params(params)
	return v, validParams(v.params) == nil
}

// topVia returns the first Via value and the text of it.
func (m *message) topVia() (via, string, bool) {
	field, ok := m.Header("Via")
	if !ok {
		return via{}, "", false
	}
	text := field
	if strings.IndexByte(field, ',') >= 0 {
		if values := splitList(nil, field); len(values) > 0 {
			text = values[0]
		}
	}
	v, ok := parseVia(text)
	return v, text, ok
}

// branch returns the branch parameter, "" for an RFC 2543 message.
func (v via) branch() string {
	b, _ := v.params.Get("branch")
	if len(b) <= len(magicCookie) || !strings.EqualFold(b[:len(magicCookie)], magicCookie) {
		return ""
	}
	return b
}

// fillVia puts received and rport into the first Via of a request's field (RFC
// 3261 18.2.1, RFC 3581 4).
func fillVia(value string, f Flow) string {
	if f.IsZero() {
		return value
	}
	text, rest := value, ""
	if strings.IndexByte(value, ',') >= 0 {
		if values := splitList(nil, value); len(values) > 1 {
			text, rest = values[0], ", "+strings.Join(values[1:], ", ")
		}
	}
	v, ok := parseVia(text)
	if !ok {
		return value
	}
	src := f.remote.Addr()
	rport, has := v.params.Get("rport")
	params := v.params
	if has && rport == "" {
		params = params.With("rport", strconv.Itoa(int(f.remote.Port())))
	}
	if a, err := netip.ParseAddr(v.host); has || err != nil || a != src {
		params = params.With("received", src.String())
	}
	if params == v.params {
		return value
	}
	head, _, _ := cutAt(text, ';')
	return strings.TrimSpace(head) + string(params) + rest
}

// secret makes tags and branches of this process unguessable.
var secret = func() (b [32]byte) { _, _ = rand.Read(b[:]); return }()

// responseTag derives the To tag of every response to req from what identifies
// the request, so that stateless answers to repeats carry the same tag (RFC 3261
// 8.2.7).
func responseTag(req *Request) string {
	var buf [512]byte
	b := append(buf[:0], secret[:]...)
	_, top, _ := req.topVia()
	from, _ := req.Header("From")
	for _, s := range [...]string{req.CallID(), from, top} {
		b = append(append(b, s...), 0)
	}
	b, _ = req.flow.remote.AppendBinary(b)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// NewTag returns a random tag for From and To (RFC 3261 19.3).
func NewTag() string { return randomHex(8) }

// NewCallID returns a random Call-ID; it names no host (RFC 3261 8.1.1.4).
func NewCallID() string { return randomHex(16) }

// newBranch returns a branch of RFC 3261 17.1.1.1.
func newBranch() string { return magicCookie + randomHex(10) }

func randomHex(n int) string {
	var b [16]byte
	_, _ = rand.Read(b[:n])
	return hex.EncodeToString(b[:n])
}
