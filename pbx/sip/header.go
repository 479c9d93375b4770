package sip

import "strings"

// compact forms of RFC 3261 20 and of RFC 3515, 3892, 3841, 4028, 6665, 8224.
var compact = [26]string{
	'a' - 'a': "Accept-Contact",
	'b' - 'a': "Referred-By",
	'c' - 'a': "Content-Type",
	'd' - 'a': "Request-Disposition",
	'e' - 'a': "Content-Encoding",
	'f' - 'a': "From",
	'i' - 'a': "Call-ID",
	'j' - 'a': "Reject-Contact",
	'k' - 'a': "Supported",
	'l' - 'a': "Content-Length",
	'm' - 'a': "Contact",
	'o' - 'a': "Event",
	'r' - 'a': "Refer-To",
	's' - 'a': "Subject",
	't' - 'a': "To",
	'u' - 'a': "Allow-Events",
	'v' - 'a': "Via",
	'x' - 'a': "Session-Expires",
	'y' - 'a': "Identity",
}

// kind of header field by RFC 3261 7.3.1: may it occur once only, is it a
// comma-separated list.
type kind uint8

const (
	plain kind = iota
	single
	list
)

// known holds the header fields with a meaning of their own.
var known = map[string]kind{
	"Accept": list, "Accept-Contact": list, "Accept-Encoding": list, "Accept-Language": list,
	"Alert-Info": list, "Allow": list, "Allow-Events": list, "Authentication-Info": plain,
	"Authorization": plain, "Call-ID": single, "Call-Info": list, "Contact": list,
	"Content-Disposition": single, "Content-Encoding": list, "Content-Language": list,
	"Content-Length": single, "Content-Type": single, "CSeq": single, "Date": single,
	"Diversion": list, "Error-Info": list, "Event": single, "Expires": single, "From": single,
	"History-Info": list, "Identity": plain, "In-Reply-To": list, "Max-Forwards": single,
	"MIME-Version": single, "Min-Expires": single, "Min-SE": single, "Organization": single,
	"P-Asserted-Identity": list, "P-Preferred-Identity": list, "Path": list, "Priority": single,
	"Privacy": plain, "Proxy-Authenticate": plain, "Proxy-Authorization": plain,
	"Proxy-Require": list, "RAck": single, "RSeq": single, "Reason": list, "Record-Route": list,
	"Refer-To": single, "Referred-By": single, "Reject-Contact": list, "Remote-Party-ID": list,
	"Replaces": single, "Reply-To": single, "Request-Disposition": list, "Require": list,
	"Retry-After": single, "Route": list, "Server": single, "Service-Route": list,
	"Session-Expires": single, "SIP-ETag": single, "SIP-If-Match": single, "Subject": single,
	"Subscription-State": single, "Supported": list, "Timestamp": single, "To": single,
	"Unsupported": list, "User-Agent": single, "Via": list, "WWW-Authenticate": plain,
	"Warning": list,
}

// lowerNames finds the canonical name of a known field by its lower-case form.
var lowerNames = func() map[string]string {
	m := make(map[string]string, len(known))
	for name := range known {
		m[strings.ToLower(name)] = name
	}
	return m
}()

// canonical returns the name under which a field is kept: compact forms expanded,
// known names in their standard case, others as they are in lower case words
// joined as sent.
func canonical(name string) string {
	if len(name) == 1 {
		if c := name[0] | 0x20; c >= 'a' && c <= 'z' && compact[c-'a'] != "" {
			return compact[c-'a']
		}
	}
	if _, ok := known[name]; ok {
		return name
	}
	var buf [40]byte
	if len(name) > len(buf) {
		return strings.ToLower(name)
	}
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	if full, ok := lowerNames[string(buf[:len(name)])]; ok {
		return full
	}
	return title(name)
}

// title writes an unknown name as Words-Like-This, so that it is found whatever
// case it was sent in.
func title(name string) string {
	b := []byte(name)
	up := true
	for i, c := range b {
		switch {
		case up && c >= 'a' && c <= 'z':
			b[i] = c &^ 0x20
		case !up && c >= 'A' && c <= 'Z':
			b[i] = c | 0x20
		}
		up = c == '-'
	}
	if string(b) == name {
		return name
	}
	return string(b)
}

func isList(name string) bool { return known[name] == list }

// phrases of RFC 3261 21 and later.
var phrases = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
	200: "OK", 202: "Accepted", 204: "No Notification",
	300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy", 380: "Alternative Service",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
	410: "Gone", 412: "Conditional Request Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
	415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
	422: "Session Interval Too Small", 423: "Interval Too Brief", 428: "Use Identity Header", 429: "Provide Referrer Identity",
	430: "Flow Failed", 433: "Anonymity Disallowed", 439: "First Hop Lacks Outbound Support", 440: "Max-Breadth Exceeded",
	469: "Bad Info Package", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
	483: "Too Many Hops", 484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated",
	488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 493: "Undecipherable", 494: "Security Agreement Required",
	500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Server Time-out",
	505: "Version Not Supported", 513: "Message Too Large", 580: "Precondition Failed",
	600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable", 607: "Unwanted",
}

// ReasonPhrase returns the standard phrase of a status code, "Unknown" for one that
// has none.
func ReasonPhrase(status int) string {
	if p, ok := phrases[status]; ok {
		return p
	}
	return "Unknown"
}
