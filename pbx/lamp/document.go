package lamp

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"

	"centralino/pbx/sip"
)

// contentType of what watchers get.
const contentType = "application/dialog-info+xml"

// document is the body of a NOTIFY (RFC 4235 4): always the full state, with the one
// dialog that stands for all, and never who is at its other end.
func document(n notice, entity string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="`)
	b.WriteString(strconv.FormatUint(uint64(n.version), 10))
	b.WriteString(`" state="full" entity="`)
	_ = xml.EscapeText(&b, []byte(entity)) // a buffer takes everything
	b.WriteString("\">\n<dialog id=\"" + strconv.FormatUint(uint64(n.dialog), 10) + `"`)
	if n.state == Blinking {
		b.WriteString(` direction="recipient"`)
	}
	b.WriteString("><state>" + string(n.state) + "</state></dialog>\n</dialog-info>\n")
	return b.Bytes()
}

// event is what an Event field asks for (RFC 6665 8.2.1).
type event struct {
	id  string // to be repeated in each NOTIFY
	one bool   // of one dialog only (RFC 4235 3.2)
}

// parseEvent reads an Event field; false if it is not the dialog package or cannot be
// read. Parameters of others (";sla") are left alone.
func parseEvent(v string) (event, bool) {
	name, params, _ := strings.Cut(v, ";")
	if !strings.EqualFold(strings.TrimSpace(name), sip.AllowedEvents) {
		return event{}, false
	}
	p := sip.Params(";" + params)
	var e event
	e.id, _ = p.Get("id")
	for _, r := range []byte(e.id) {
		if r <= ' ' || r >= 0x7f || strings.IndexByte(`;,"\=`, r) >= 0 || len(e.id) > 128 {
			return event{}, false
		}
	}
	e.one = p.Has("call-id") || p.Has("to-tag") || p.Has("from-tag")
	return e, true
}

// accepts says whether an Accept field lets our documents through (RFC 3261 20.1); no
// field at all does.
func accepts(values []string) bool {
	for _, v := range values {
		kind, params, _ := strings.Cut(v, ";")
		q, given := sip.Params(";" + params).Get("q")
		if f, err := strconv.ParseFloat(q, 64); given && err == nil && f == 0 {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case contentType, "application/*", "*/*":
			return true
		}
	}
	return len(values) == 0
}
