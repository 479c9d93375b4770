package sip

import (
	"bytes"
	"strings"
)

// SDP returns the session description of the body: the whole body when it is
// application/sdp, the first such part when it is multipart (RFC 5621), else nil.
func (m *message) SDP() []byte {
	v, _ := m.Header("Content-Type")
	t := m.ContentType()
	switch {
	case len(m.body) == 0:
		return nil
	case t == "application/sdp":
		return m.body
	case strings.HasPrefix(t, "multipart/"):
		_, params, _ := cutAt(v, ';')
		boundary, _ := Params(params).Get("boundary")
		return sdpPart(m.body, boundary)
	}
	return nil
}

// sdpPart finds the first part with application/sdp between boundaries.
func sdpPart(body []byte, boundary string) []byte {
	if boundary == "" || len(boundary) > 70 {
		return nil
	}
	mark := []byte("--" + boundary)
	for _, part := range bytes.Split(body, mark) {
		head, content, ok := bytes.Cut(bytes.TrimPrefix(part, []byte("\r\n")), []byte("\r\n\r\n"))
		if !ok {
			continue
		}
		for _, line := range unfold(head) {
			name, value, _ := strings.Cut(line, ":")
			media, _, _ := strings.Cut(value, ";")
			if canonical(strings.TrimSpace(name)) == "Content-Type" && strings.EqualFold(strings.TrimSpace(media), "application/sdp") {
				return bytes.TrimSuffix(content, []byte("\r\n"))
			}
		}
	}
	return nil
}
