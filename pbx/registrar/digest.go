package registrar

import (
	"crypto/md5" //nolint:gosec // RFC 2617: what phones can do
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash/maphash"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"centralino/pbx/sip"
)

// credentials are the fields of an Authorization header (RFC 7616 3.4).
type credentials struct {
	username, realm, nonce, uri, response string
	algorithm, cnonce, qop, nc            string
}

// identity is who sent a request, proven by its digest.
type identity struct {
	username string
	account  Account
	repeat   bool // a retransmission of a request that was seen already
}

// maxField bounds each field of credentials.
const maxField = 1024

// parseCredentials reads an Authorization value; false if it is no Digest or
// malformed.
func parseCredentials(v string) (c credentials, ok bool) {
	const scheme = "digest "
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) {
		return c, false
	}
	rest := v[len(scheme):]
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			return c, c.username != "" && c.nonce != "" && c.response != ""
		}
		eq := strings.IndexByte(rest, '=')
		if eq < 0 {
			return c, false
		}
		name := strings.TrimSpace(rest[:eq])
		var value string
		if value, rest, ok = paramValue(strings.TrimLeft(rest[eq+1:], " \t")); !ok || len(value) > maxField {
			return c, false
		}
		if f := c.field(name); f != nil {
			if *f != "" {
				return c, false // twice
			}
			*f = value
		}
	}
}

func (c *credentials) field(name string) *string {
	switch strings.ToLower(name) {
	case "username":
		return &c.username
	case "realm":
		return &c.realm
	case "nonce":
		return &c.nonce
	case "uri":
		return &c.uri
	case "response":
		return &c.response
	case "algorithm":
		return &c.algorithm
	case "cnonce":
		return &c.cnonce
	case "qop":
		return &c.qop
	case "nc":
		return &c.nc
	}
	return nil
}

// paramValue reads a token or quoted-string from the head of s.
func paramValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		return strings.TrimSpace(s[:end]), s[end:], true
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			v := s[1:i]
			if strings.IndexByte(v, '\\') >= 0 {
				v = unescaped(v)
			}
			return v, s[i+1:], true
		}
	}
	return "", "", false
}

func unescaped(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// authenticate checks the credentials of a request; aor is the user that it
// speaks for, whose account decides the algorithm of a first challenge.
func (r *Registrar) authenticate(req *sip.Request, now time.Time, aor string) (identity, *sip.Response) {
	var c credentials
	found := false
	for _, v := range req.Headers("Authorization") {
		if c, found = parseCredentials(v); found && c.realm == r.o.Realm {
			break
		}
		found = false
	}
	if !found {
		return identity{}, r.challenge(req, now, r.algorithm(req, aor), false)
	}
	account, known := r.o.Account(c.username)
	if !known || account.Disabled {
		account, known = Account{Secret: r.dummy}, false
	}
	algorithm := normalAlgorithm(account.Algorithm)
	source := req.Flow().Remote().Addr().Unmap()
	right := r.matches(c, account.Secret, algorithm, req) && known
	if r.brake.closed(source, c.username, now) && !r.boundFrom(account, req) {
		r.count.Braked.Add(1)
		return identity{}, r.challenge(req, now, algorithm, false)
	}
	if !right {
		r.count.WrongPassword.Add(1)
		if r.brake.failed(source, c.username, now) {
			r.o.OnBackoff(source, c.username)
		}
		return identity{}, r.challenge(req, now, algorithm, false)
	}
	nc, _ := strconv.ParseUint(c.nc, 16, 32)
	v := r.nonce.take(c.nonce, source, uint32(nc), requestHash(req, c), now)
	switch v {
	case stale:
		r.count.Stale.Add(1)
		return identity{}, r.challenge(req, now, algorithm, true)
	case replay:
		r.count.Replayed.Add(1)
		return identity{}, r.challenge(req, now, algorithm, true)
	}
	r.brake.passed(source, c.username)
	return identity{username: c.username, account: account, repeat: v == repeat}, nil
}

// boundFrom says whether the account has a current binding from the request's
// address: such a phone is never braked.
func (r *Registrar) boundFrom(a Account, req *sip.Request) bool {
	now, ip := r.o.Now(), req.Flow().Remote().Addr().Unmap()
	r.mu.RLock()
	defer r.mu.RUnlock()
	d := r.devices[a.Device]
	if d == nil {
		return false
	}
	for _, b := range d.bindings {
		if b.live(now) && b.Source.Addr() == ip {
			return true
		}
	}
	return false
}

// algorithm is that of a first challenge. Within a call that a phone was called in it
// speaks for its Contact, whose user may be any.
func (r *Registrar) algorithm(req *sip.Request, aor string) string {
	a, ok := r.o.Account(aor)
	if !ok {
		a, ok = r.o.Account(r.boundAs(aor, req.Flow().Remote().Addr().Unmap()))
	}
	if !ok {
		return MD5
	}
	return normalAlgorithm(a.Algorithm)
}

// boundAs is the account that has a binding with this user in its Contact from an
// address; empty for none.
func (r *Registrar) boundAs(contact string, ip netip.Addr) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, d := range r.devices {
		for _, b := range d.bindings {
			if b.Source.Addr() == ip && b.URI.Username() == contact {
				return b.Username
			}
		}
	}
	return ""
}

func normalAlgorithm(s string) string {
	if strings.EqualFold(s, SHA256) {
		return SHA256
	}
	return MD5
}

// challenge is the one answer to everybody who is not known: one challenge, as
// some phones give up at the sight of a second one that they can't do.
func (r *Registrar) challenge(req *sip.Request, now time.Time, algorithm string, isStale bool) *sip.Response {
	r.count.Challenged.Add(1)
	resp := sip.NewResponse(req, 401, "")
	nonce := r.nonce.issue(req.Flow().Remote().Addr().Unmap(), now)
	v := `Digest realm="` + r.o.Realm + `", nonce="` + nonce + `", algorithm=` + algorithm + `, qop="auth"`
	if isStale {
		v += ", stale=true"
	}
	resp.AddHeader("WWW-Authenticate", v)
	return resp
}

// matches computes the response of RFC 7616 3.4.1 (RFC 2617 for MD5) and compares
// in constant time. The digest-uri must name the user that the request is for, so
// that credentials for one number can't be used for another.
func (r *Registrar) matches(c credentials, secret, algorithm string, req *sip.Request) bool {
	if c.algorithm != "" && !strings.EqualFold(c.algorithm, algorithm) {
		return false
	}
	sum := md5Hex
	if algorithm == SHA256 {
		sum = sha256Hex
	}
	var buf [512]byte
	var ha1, ha2, want [64]byte
	b := append(append(append(buf[:0], c.username...), ':'), c.realm...)
	b = append(append(b, ':'), secret...)
	h1 := sum(ha1[:], b)
	b = append(append(append(buf[:0], req.Method()...), ':'), c.uri...)
	h2 := sum(ha2[:], b)
	b = append(append(append(buf[:0], h1...), ':'), c.nonce...)
	switch c.qop {
	case "auth":
		b = append(append(b, ':'), c.nc...)
		b = append(append(b, ':'), c.cnonce...)
		b = append(b, ":auth"...)
	case "": // RFC 2069: such a nonce is good for one request
	default:
		return false
	}
	b = append(append(b, ':'), h2...)
	if subtle.ConstantTimeCompare(sum(want[:], b), []byte(c.response)) != 1 {
		return false
	}
	if c.qop != "" {
		if nc, err := strconv.ParseUint(c.nc, 16, 32); err != nil || nc == 0 || c.cnonce == "" {
			return false
		}
	}
	uri, err := sip.ParseURI(c.uri)
	return err == nil && uri.Username() == req.URI().Username()
}

func md5Hex(out, b []byte) []byte {
	s := md5.Sum(b) //nolint:gosec // see the import
	hex.Encode(out, s[:])
	return out[:2*len(s)]
}

func sha256Hex(out, b []byte) []byte {
	s := sha256.Sum256(b)
	hex.Encode(out, s[:])
	return out[:2*len(s)]
}

var hashSeed = maphash.MakeSeed()

func secretHash(secret string) uint64 { return maphash.String(hashSeed, secret) }

// requestHash tells a retransmission from a new request with stolen credentials.
func requestHash(req *sip.Request, c credentials) uint64 {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	via, _ := req.Header("Via")
	contact, _ := req.Header("Contact")
	expires, _ := req.Header("Expires")
	cseq, _ := req.Header("CSeq")
	for _, s := range [...]string{req.Method(), via, contact, expires, req.CallID(), cseq, c.nc, c.response} {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}
