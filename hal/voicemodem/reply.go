package voicemodem

import "strings"

// maxReply bounds one line of a modem's answer; what is longer is cut.
const maxReply = 256

// tokenKind tells what the modem said in command state.
type tokenKind uint8

const (
	tokenText   tokenKind = iota // a line of information
	tokenResult                  // a result code that can end a command
	tokenRing                    // RING, with the called number if it was told
	tokenCaller                  // a line of caller ID
	tokenNote                    // RINGING and other lines that end nothing
	tokenCode                    // a DLE code outside of a stream
)

// token is one thing that the modem said in command state.
type token struct {
	kind tokenKind
	text string // of result: the normalised code; of ring: the called number
	code byte
}

// parser cuts what the modem says in command state into tokens. The zero value is
// ready. Octets that no modem sends as text are dropped and counted: they are samples
// that came too late, or noise.
type parser struct {
	line    []byte
	escaped bool
	dropped uint64 // octets, and those beyond maxReply
}

// parse calls emit for every token that src completes. When emit returns false,
// parse stops and returns what it has not looked at: after CONNECT that is the
// beginning of the stream.
func (p *parser) parse(src []byte, emit func(token) bool) (rest []byte) {
	for i, b := range src {
		if p.escaped {
			p.escaped = false
			if b != dle && !emit(token{kind: tokenCode, code: b}) {
				return src[i+1:]
			}
			continue
		}
		switch {
		case b == dle:
			p.escaped = true
		case b == '\r' || b == '\n':
			t, ok := p.take()
			if !ok {
				continue
			}
			if !emit(t) {
				rest = src[i+1:]
				if len(rest) > 0 && b == '\r' && rest[0] == '\n' {
					rest = rest[1:]
				}
				return rest
			}
		case b >= 0x20 && b < 0x7f && len(p.line) < maxReply:
			p.line = append(p.line, b)
		default:
			p.dropped++
		}
	}
	return nil
}

// take ends the line.
func (p *parser) take() (token, bool) {
	s := strings.TrimSpace(string(p.line))
	p.line = p.line[:0]
	if s == "" {
		return token{}, false
	}
	return classify(s), true
}

// results maps what modems write to one spelling each.
var results = map[string]string{
	"OK": "OK", "ERROR": "ERROR", "CONNECT": "CONNECT", "VCON": "VCON", "VOICE": "VCON",
	"NO CARRIER": "NO CARRIER", "BUSY": "BUSY", "NO ANSWER": "NO ANSWER",
	"NO DIALTONE": "NO DIALTONE", "NO DIAL TONE": "NO DIALTONE",
}

// classify says what a line means.
func classify(s string) token {
	up := strings.ToUpper(s)
	if r, ok := results[up]; ok {
		return token{kind: tokenResult, text: r}
	}
	switch {
	case strings.HasPrefix(up, "CONNECT "):
		return token{kind: tokenResult, text: "CONNECT"}
	case up == "RING":
		return token{kind: tokenRing}
	case strings.HasPrefix(up, "RING/"):
		return token{kind: tokenRing, text: strings.TrimSpace(s[len("RING/"):])}
	case up == "RINGING" || up == "RUNG" || strings.HasPrefix(up, "DRON") || strings.HasPrefix(up, "DROF"):
		return token{kind: tokenNote, text: up}
	}
	if _, _, ok := callerField(s); ok {
		return token{kind: tokenCaller, text: s}
	}
	return token{kind: tokenText, text: s}
}
