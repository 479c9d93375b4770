package sip

import (
	"strconv"
	"strings"
	"time"
)

// field is one header field with its canonical name and its value without
// surrounding space.
type field struct{ name, value string }

// message is what requests and responses share: header fields in order, body and
// the flow it came on. A message handed to a Handler or a callback is not changed
// by the stack any more and may be read from any goroutine.
type message struct {
	fields []field
	body   []byte
	flow   Flow
}

// Header returns the first field with that name (case and compact form do not
// matter), and whether there is one. A field that lists several values in one
// line is returned whole.
func (m *message) Header(name string) (string, bool) {
	name = canonical(name)
	for i := range m.fields {
		if m.fields[i].name == name {
			return m.fields[i].value, true
		}
	}
	return "", false
}

// Headers returns all values of that name in order; fields that RFC 3261 7.3
// defines as lists (Via, Contact, Route, Supported …) are split at their commas.
func (m *message) Headers(name string) []string {
	name = canonical(name)
	list := isList(name)
	var out []string
	for i := range m.fields {
		if m.fields[i].name != name {
			continue
		}
		if list {
			out = splitList(out, m.fields[i].value)
		} else {
			out = append(out, m.fields[i].value)
		}
	}
	return out
}

// HasHeader says whether a field of that name is there.
func (m *message) HasHeader(name string) bool {
	_, ok := m.Header(name)
	return ok
}

// HasOption says whether the option tag is listed in Supported, Require or
// another list header.
func (m *message) HasOption(header, tag string) bool {
	for _, v := range m.Headers(header) {
		if strings.EqualFold(v, tag) {
			return true
		}
	}
	return false
}

// AddHeader appends a field. Control characters in value become spaces, so data of
// any origin cannot inject further fields.
func (m *message) AddHeader(name, value string) {
	m.fields = append(m.fields, field{canonical(name), cleanValue(value)})
}

// SetHeader replaces all fields of that name by one, at the place of the first.
func (m *message) SetHeader(name, value string) {
	name = canonical(name)
	for i := range m.fields {
		if m.fields[i].name == name {
			m.fields[i].value = cleanValue(value)
			m.removeFrom(i+1, name)
			return
		}
	}
	m.AddHeader(name, value)
}

// RemoveHeader removes all fields of that name.
func (m *message) RemoveHeader(name string) { m.removeFrom(0, canonical(name)) }

func (m *message) removeFrom(i int, name string) {
	out := m.fields[:i]
	for _, f := range m.fields[i:] {
		if f.name != name {
			out = append(out, f)
		}
	}
	m.fields = out
}

func (m *message) prepend(name, value string) {
	m.fields = append(m.fields, field{})
	copy(m.fields[1:], m.fields)
	m.fields[0] = field{name, value}
}

// cleanValue keeps a value on its line.
func cleanValue(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return strings.Map(func(r rune) rune {
				if r < ' ' && r != '\t' || r == 0x7f {
					return ' '
				}
				return r
			}, s)
		}
	}
	return s
}

func (m *message) address(name string) Address {
	v, _ := m.Header(name)
	a, _ := ParseAddress(v)
	return a
}

// CallID returns the Call-ID.
func (m *message) CallID() string { v, _ := m.Header("Call-ID"); return v }

// From returns the From address, zero if it is missing or malformed.
func (m *message) From() Address { return m.address("From") }

// To returns the To address, zero if it is missing or malformed.
func (m *message) To() Address { return m.address("To") }

// CSeq returns number and method of CSeq.
func (m *message) CSeq() (uint32, string) {
	v, _ := m.Header("CSeq")
	n, method, _ := parseCSeq(v)
	return n, method
}

func parseCSeq(v string) (uint32, string, bool) {
	num, method, ok := strings.Cut(strings.ReplaceAll(v, "\t", " "), " ")
	n, err := strconv.ParseUint(num, 10, 32)
	method = strings.TrimSpace(method)
	return uint32(n), method, ok && err == nil && n < 1<<31 && isToken(method)
}

// Contacts returns the Contact addresses in order, malformed ones left out.
func (m *message) Contacts() []Address { return m.addresses("Contact") }

func (m *message) addresses(name string) []Address {
	values := m.Headers(name)
	if values == nil {
		return nil
	}
	out := make([]Address, 0, len(values))
	for _, v := range values {
		if a, err := ParseAddress(v); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// Expires returns the Expires header, and false when it is missing or malformed
// (RFC 3261 10.2.1.1: a malformed value counts as not given).
func (m *message) Expires() (time.Duration, bool) {
	v, ok := m.Header("Expires")
	n, err := strconv.ParseUint(v, 10, 32)
	return time.Duration(n) * time.Second, ok && err == nil
}

// Body returns the body; do not change it.
func (m *message) Body() []byte { return m.body }

// ContentType returns the media type in lower case without parameters.
func (m *message) ContentType() string {
	v, _ := m.Header("Content-Type")
	t, _, _ := strings.Cut(v, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// SetBody sets body and Content-Type; an empty body removes both. The bytes are
// kept, not copied. Content-Length is written by the wire.
func (m *message) SetBody(contentType string, b []byte) {
	m.body = b
	if len(b) == 0 {
		m.RemoveHeader("Content-Type")
		return
	}
	m.SetHeader("Content-Type", contentType)
}

// Flow returns where the message came from; zero for one that was made here.
func (m *message) Flow() Flow { return m.flow }

func (m *message) appendFields(b []byte) []byte {
	for i := range m.fields {
		b = append(append(b, m.fields[i].name...), ": "...)
		b = append(append(b, m.fields[i].value...), '\r', '\n')
	}
	b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(m.body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, m.body...)
}

// Request is a SIP request.
type Request struct {
	message
	method string
	uri    URI
	// contact is what LocalContact asked for; the wire writes it when the way is
	// known.
	contact *localContact
	urgent  bool // see SetUrgent
}

type localContact struct {
	user   string
	params Params
}

// LocalContact asks the wire to write Contact as <sip:user@our address towards the
// destination> with params behind it, when the request is sent.
func (r *Request) LocalContact(user string, params Params) {
	r.contact = &localContact{user, params}
}

// NewRequest makes a request with Max-Forwards 70 and nothing else; the stack adds
// Via when it is sent, and From, To, Call-ID and CSeq if they are missing.
func NewRequest(method string, uri URI) *Request {
	r := &Request{method: method, uri: uri}
	r.fields = make([]field, 0, 14)
	r.AddHeader("Max-Forwards", "70")
	return r
}

// Method returns the method as sent (methods are case sensitive).
func (r *Request) Method() string { return r.method }

// URI returns the Request-URI.
func (r *Request) URI() URI { return r.uri }

// SetURI replaces the Request-URI.
func (r *Request) SetURI(u URI) { r.uri = u }

// Clone returns a copy whose headers can be changed; the body is shared.
func (r *Request) Clone() *Request {
	c := *r
	c.fields = append(make([]field, 0, len(r.fields)+4), r.fields...)
	return &c
}

// String returns the request in wire form.
func (r *Request) String() string { return string(r.append(nil)) }

func (r *Request) append(b []byte) []byte {
	b = append(append(b, r.method...), ' ')
	b = r.uri.append(b)
	b = append(b, " SIP/2.0\r\n"...)
	return r.appendFields(b)
}

// Response is a SIP response.
type Response struct {
	message
	status int
	reason string
}

// NewResponse answers req: Via, From, To, Call-ID, CSeq are copied (RFC 3261
// 8.2.6), received and rport filled in (18.2.1, RFC 3581), Record-Route copied for
// what makes a dialog (12.1.1), Timestamp for 100. To gets a tag from 101 on, the
// same for every response to one request of the same sender. reason "" gives the
// standard phrase.
func NewResponse(req *Request, status int, reason string) *Response {
	if reason == "" {
		reason = ReasonPhrase(status)
	}
	resp := &Response{status: status, reason: cleanValue(reason)}
	resp.flow = req.flow
	resp.fields = make([]field, 0, 12)
	dialog := status > 100 && status < 300 && (req.method == INVITE || req.method == SUBSCRIBE || req.method == REFER || req.method == NOTIFY)
	first := true
	for _, f := range req.fields {
		switch f.name {
		case "Via":
			if first {
				first = false
				f.value = fillVia(f.value, req.flow)
			}
		case "From", "Call-ID", "CSeq":
		case "To":
			if status > 100 && !strings.Contains(f.value, "tag") {
				f.value = withTag(f.value, responseTag(req))
			}
		case "Record-Route":
			if !dialog {
				continue
			}
		case "Timestamp":
			if status != 100 {
				continue
			}
		default:
			continue
		}
		resp.fields = append(resp.fields, f)
	}
	return resp
}

// withTag adds a tag to a To value that has none.
func withTag(value, tag string) string {
	a, err := ParseAddress(value)
	if err != nil {
		return value + ";tag=" + tag
	}
	if a.Tag() != "" {
		return value
	}
	if strings.IndexByte(value, '<') < 0 || a.Params == "" {
		return value + ";tag=" + tag
	}
	return a.WithTag(tag).String()
}

// Status returns the status code.
func (r *Response) Status() int { return r.status }

// Reason returns the reason phrase.
func (r *Response) Reason() string { return r.reason }

// String returns the response in wire form.
func (r *Response) String() string { return string(r.append(nil)) }

func (r *Response) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, "SIP/2.0 "...), int64(r.status), 10)
	b = append(append(b, ' '), r.reason...)
	b = append(b, '\r', '\n')
	return r.appendFields(b)
}

// Method returns the method of CSeq: what the response answers.
func (r *Response) Method() string { _, m := r.CSeq(); return m }
