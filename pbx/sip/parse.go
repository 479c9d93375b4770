package sip

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"
)

// maxLine is the longest line taken: start line or header field.
const maxLine = 8192

// splitter is sipgo's parser with a header table that interprets nothing: it
// checks the start line, splits and unfolds the fields. Their values are read here
// when they are needed, because sipgo's own readers let too much through.
var splitter = sipgo.NewParser(sipgo.WithHeadersParsers(map[string]sipgo.HeaderParser{}))

var (
	errMessage = errors.New("not a SIP message")
	errVersion = errors.New("SIP version is not 2.0")
)

// ParseRequest reads one whole request, for tests and tools. It does not validate
// beyond what is needed to read it.
func ParseRequest(b []byte) (*Request, error) {
	req, resp, err := parse(b, Flow{})
	if err != nil {
		return nil, err
	}
	if resp != nil {
		return nil, fmt.Errorf("%w: a response", errMessage)
	}
	return req, nil
}

// ParseResponse reads one whole response.
func ParseResponse(b []byte) (*Response, error) {
	req, resp, err := parse(b, Flow{})
	if err != nil {
		return nil, err
	}
	if req != nil {
		return nil, fmt.Errorf("%w: a request", errMessage)
	}
	return resp, nil
}

// parse reads one message whose body is everything behind the empty line. The
// bytes of b are not kept.
func parse(b []byte, flow Flow) (*Request, *Response, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil, fmt.Errorf("%w: no end of header", errMessage)
	}
	msg, _, err := splitter.ParseHeaders(b[:end+4], false)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errMessage, err)
	}
	m := message{flow: flow}
	if body := b[end+4:]; len(body) > 0 {
		m.body = bytes.Clone(body)
	}
	switch p := msg.(type) {
	case *sipgo.Request:
		m.take(p.Headers())
		line := string(b[:bytes.IndexByte(b, '\r')])
		parts := strings.Split(line, " ")
		uri, err := ParseURI(parts[1])
		if err != nil {
			return nil, nil, err
		}
		if p.SipVersion != "SIP/2.0" && !strings.EqualFold(p.SipVersion, "SIP/2.0") {
			return nil, nil, errVersion
		}
		return &Request{message: m, method: parts[0], uri: uri}, nil, nil
	case *sipgo.Response:
		m.take(p.Headers())
		if !strings.EqualFold(p.SipVersion, "SIP/2.0") {
			return nil, nil, errVersion
		}
		if p.StatusCode < 100 || p.StatusCode > 699 {
			return nil, nil, fmt.Errorf("%w: status %d", errMessage, p.StatusCode)
		}
		return nil, &Response{message: m, status: p.StatusCode, reason: p.Reason}, nil
	}
	return nil, nil, errMessage
}

// take copies sipgo's fields; Content-Length is dropped, since the body's length
// is what counts from here.
func (m *message) take(headers []sipgo.Header) {
	m.fields = make([]field, 0, len(headers)+2)
	for _, h := range headers {
		if name := canonical(h.Name()); name != "Content-Length" {
			m.fields = append(m.fields, field{name, h.Value()})
		}
	}
}
