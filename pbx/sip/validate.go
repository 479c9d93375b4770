package sip

import (
	"errors"
	"strconv"
	"strings"
)

// refusal is the answer that validation gives to a request.
type refusal struct {
	status int
	reason string
	header field // one extra field, if named
}

var methods = map[string]bool{
	INVITE: true, ACK: true, BYE: true, CANCEL: true, REGISTER: true, OPTIONS: true, INFO: true,
	UPDATE: true, PRACK: true, REFER: true, NOTIFY: true, SUBSCRIBE: true, MESSAGE: true, PUBLISH: true,
}

// AllowedMethods is what we list in Allow.
const AllowedMethods = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, REFER, NOTIFY, REGISTER, SUBSCRIBE"

// AllowedEvents is what we list in Allow-Events (RFC 6665 8.2.2).
const AllowedEvents = "dialog"

// extensions are the option tags that Require may ask for.
var extensions = map[string]bool{"timer": true, "outbound": true, "path": true, "norefersub": true}

func bad(reason string) *refusal { return &refusal{status: 400, reason: "Bad Request: " + reason} }

// validate checks what RFC 3261 8.2, RFC 4475 and RFC 5118 ask of a request before
// anybody looks at it. nil means: go on.
func validate(r *Request) *refusal {
	if f := checkOnce(r); f != nil {
		return f
	}
	if f := checkVias(r); f != nil {
		return f
	}
	if f := checkIdentity(r); f != nil {
		return f
	}
	if f := checkURI(r); f != nil {
		return f
	}
	if f := checkForward(r); f != nil {
		return f
	}
	if !methods[r.method] {
		return &refusal{501, "", field{"Allow", AllowedMethods}}
	}
	if f := checkRequire(r); f != nil {
		return f
	}
	return checkBody(r)
}

// checkOnce refuses fields that may stand once only and stand twice (RFC 4475
// 3.3.8): nobody could say which one counts.
func checkOnce(r *Request) *refusal {
	var seen [32]string
	n := 0
	for i := range r.fields {
		name := r.fields[i].name
		if known[name] != single {
			continue
		}
		for _, s := range seen[:n] {
			if s == name {
				return bad(name + " twice")
			}
		}
		if n < len(seen) {
			seen[n] = name
			n++
		}
	}
	return nil
}

func checkVias(r *Request) *refusal {
	first := true
	for i := range r.fields {
		if r.fields[i].name != "Via" {
			continue
		}
		first = false
		value := r.fields[i].value
		if strings.IndexByte(value, ',') < 0 {
			if _, ok := parseVia(value); !ok {
				return bad("Via")
			}
			continue
		}
		for _, v := range splitList(nil, value) {
			if _, ok := parseVia(v); !ok {
				return bad("Via")
			}
		}
	}
	if first {
		return bad("no Via")
	}
	return nil
}

// checkIdentity checks what names the request: From, To, Call-ID, CSeq.
func checkIdentity(r *Request) *refusal {
	for _, name := range [...]string{"From", "To"} {
		v, ok := r.Header(name)
		if !ok {
			return bad("no " + name)
		}
		a, err := ParseAddress(v)
		if err != nil || a.Star {
			return bad(name)
		}
		if r.method == REGISTER && name == "To" && !isSIP(a.URI.Scheme) && a.URI.Scheme != "tel" {
			return bad("To is no SIP address of record") // RFC 3261 10.2, RFC 4475 3.3.4
		}
	}
	id := r.CallID()
	if id == "" || strings.ContainsAny(id, " \t") {
		return bad("Call-ID")
	}
	v, ok := r.Header("CSeq")
	if !ok {
		return bad("no CSeq")
	}
	if _, method, ok := parseCSeq(v); !ok {
		return bad("CSeq")
	} else if method != r.method {
		return bad("CSeq of another method")
	}
	return nil
}

func isSIP(scheme string) bool { return scheme == "sip" || scheme == "sips" }

func checkURI(r *Request) *refusal {
	switch r.uri.Scheme {
	case "sip", "tel":
	default: // sips too: there is no TLS here, so it could not be kept secure
		return &refusal{status: 416}
	}
	if r.uri.Headers != "" {
		return bad("header fields in the Request-URI") // RFC 3261 19.1.1, RFC 4475 3.1.2.11
	}
	for _, v := range r.Headers("Contact") {
		if a, err := ParseAddress(v); err != nil || a.Star && r.method != REGISTER {
			return bad("Contact")
		}
	}
	for _, name := range [...]string{"Record-Route", "Route"} {
		for _, v := range r.Headers(name) {
			if a, err := ParseAddress(v); err != nil || !isSIP(a.URI.Scheme) {
				return bad(name)
			}
		}
	}
	return nil
}

// checkForward reads Max-Forwards. Its absence is taken as 70 (RFC 2543 senders).
// A B2BUA may not carry on what has no hops left (RFC 7332 4), but what ends here
// is answered (RFC 4475 3.3.11).
func checkForward(r *Request) *refusal {
	v, ok := r.Header("Max-Forwards")
	if !ok {
		return nil
	}
	n, err := strconv.ParseUint(v, 10, 8)
	if err != nil {
		return bad("Max-Forwards")
	}
	if n == 0 && r.method == INVITE && r.To().Tag() == "" {
		return &refusal{status: 483}
	}
	return nil
}

// checkRequire answers 420 with what is not understood (RFC 3261 8.2.2.3).
func checkRequire(r *Request) *refusal {
	if r.method == ACK || r.method == CANCEL || !r.HasHeader("Require") {
		return nil
	}
	var missing []string
	for _, tag := range r.Headers("Require") {
		if !extensions[strings.ToLower(tag)] {
			missing = append(missing, tag)
		}
	}
	if missing == nil {
		return nil
	}
	return &refusal{420, "", field{"Unsupported", strings.Join(missing, ", ")}}
}

// checkBody answers bodies that nobody here could read (RFC 3261 8.2.3) and offers
// whose sender would not take our answer (RFC 4475 3.3.15).
func checkBody(r *Request) *refusal {
	if len(r.body) > 0 {
		if v, ok := r.Header("Content-Encoding"); ok && !strings.EqualFold(v, "identity") {
			return &refusal{415, "", field{"Accept-Encoding", "identity"}}
		}
		t := r.ContentType()
		if t == "" && r.method != ACK {
			return bad("body without Content-Type")
		}
		session := r.method == INVITE || r.method == UPDATE || r.method == PRACK
		if session && t != "application/sdp" && !strings.HasPrefix(t, "multipart/") {
			return &refusal{415, "", field{"Accept", "application/sdp"}}
		}
	}
	if r.method != INVITE || !r.HasHeader("Accept") {
		return nil
	}
	for _, v := range r.Headers("Accept") {
		t, _, _ := strings.Cut(strings.ToLower(v), ";")
		switch strings.TrimSpace(t) {
		case "application/sdp", "application/*", "*/*":
			return nil
		}
	}
	return &refusal{status: 406}
}

// refuseUnparsed chooses the answer to a request that could only be picked.
func refuseUnparsed(raw []byte, cause error) *refusal {
	if errors.Is(cause, errVersion) {
		return &refusal{status: 505}
	}
	line, _, _ := strings.Cut(string(raw[:min(len(raw), maxLine)]), "\r\n")
	parts := strings.Split(line, " ")
	if len(parts) == 3 {
		if !strings.EqualFold(parts[2], "SIP/2.0") && strings.HasPrefix(parts[2], "SIP/") {
			return &refusal{status: 505}
		}
		if u, err := ParseURI(parts[1]); err == nil && !isSIP(u.Scheme) && u.Scheme != "tel" {
			return &refusal{status: 416}
		}
	}
	switch {
	case errors.Is(cause, errLength):
		return bad("Content-Length")
	case errors.Is(cause, errLimit):
		return &refusal{status: 513}
	}
	return bad("syntax")
}

// answer makes the response of a refusal.
func (f *refusal) answer(r *Request) *Response {
	resp := NewResponse(r, f.status, f.reason)
	if f.header.name != "" {
		resp.AddHeader(f.header.name, f.header.value)
	}
	return resp
}
