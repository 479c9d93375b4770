package sip

import (
	"bytes"
	"strings"
)

// pick reads what is needed to answer a request that the parser refused: method,
// Via fields, From, To, Call-ID, CSeq, whatever their inner form. It returns false
// for what is no request, for ACK, and when one of them is missing or senseless,
// since then nobody could match the answer.
func pick(b []byte, flow Flow) (*Request, bool) {
	end := bytes.Index(b, []byte("\n\r\n"))
	if end < 0 {
		if end = bytes.Index(b, []byte("\n\n")); end < 0 {
			end = len(b)
		}
	}
	lines := unfold(b[:end])
	if len(lines) < 6 {
		return nil, false
	}
	method, _, _ := strings.Cut(strings.TrimLeft(lines[0], " \t"), " ")
	if !isToken(method) || method == ACK || strings.HasPrefix(strings.ToUpper(lines[0]), "SIP/") {
		return nil, false
	}
	r := &Request{method: method}
	r.flow = flow
	seen := make(map[string]bool, 5)
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		name = canonical(strings.TrimSpace(name))
		switch name {
		case "Via", "From", "To", "Call-ID", "CSeq":
		default:
			continue
		}
		value = strings.TrimSpace(value)
		if !ok || value == "" || len(value) > 2048 || seen[name] && name != "Via" {
			continue
		}
		seen[name] = true
		r.fields = append(r.fields, field{name, cleanValue(value)})
	}
	if len(seen) < 5 || !strings.Contains(r.via(), "/") {
		return nil, false
	}
	return r, true
}

func (m *message) via() string { v, _ := m.Header("Via"); return v }

// unfold splits header bytes into lines, joining continuation lines.
func unfold(b []byte) []string {
	var out []string
	for line := range strings.SplitSeq(string(b), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if len(out) > 1 && line != "" && (line[0] == ' ' || line[0] == '\t') {
			out[len(out)-1] += " " + strings.TrimSpace(line)
			continue
		}
		out = append(out, line)
	}
	return out
}
