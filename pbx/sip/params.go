package sip

import (
	"iter"
	"strings"
)

// Params are the parameters of a URI or header field in wire form, each with its
// leading semicolon: ";tag=abc;lr". The zero value has none. They compare with ==.
type Params string

// All walks the parameters in order; quotes around values are taken off.
func (p Params) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		rest := string(p)
		for rest != "" {
			var item string
			item, rest = nextParam(rest)
			name, value, _ := strings.Cut(item, "=")
			name = strings.TrimSpace(name)
			if name != "" && !yield(name, unquote(strings.TrimSpace(value))) {
				return
			}
		}
	}
}

// nextParam splits the first parameter off s, minding quoted strings.
func nextParam(s string) (item, rest string) {
	s = strings.TrimPrefix(s, ";")
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// Get returns the value of the parameter with that name (case does not matter);
// the value of a parameter without "=" is "".
func (p Params) Get(name string) (string, bool) {
	for n, v := range p.All() {
		if strings.EqualFold(n, name) {
			return v, true
		}
	}
	return "", false
}

// Has says whether the parameter is there.
func (p Params) Has(name string) bool {
	_, ok := p.Get(name)
	return ok
}

// With returns p with the parameter set; an empty value gives ";name". A value
// that is not a token is quoted.
func (p Params) With(name, value string) Params {
	p = p.Without(name)
	if value == "" {
		return p + Params(";"+name)
	}
	if !isParamValue(value) {
		value = quote(value)
	}
	return p + Params(";"+name+"="+value)
}

// Without returns p without the parameter.
func (p Params) Without(name string) Params {
	if !p.Has(name) {
		return p
	}
	var b strings.Builder
	rest := string(p)
	for rest != "" {
		var item string
		item, rest = nextParam(rest)
		n, _, _ := strings.Cut(item, "=")
		if n = strings.TrimSpace(n); n != "" && !strings.EqualFold(n, name) {
			b.WriteByte(';')
			b.WriteString(item)
		}
	}
	return Params(b.String())
}

func isParamValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isTokenChar(c) && strings.IndexByte("[]:/&$@?", c) < 0 {
			return false
		}
	}
	return true
}

// isTokenChar says whether c may stand in a token (RFC 3261 25.1).
func isTokenChar(c byte) bool {
	return isAlnum(c) || strings.IndexByte("-.!%*_+`'~", c) >= 0
}

func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenChar(s[i]) {
			return false
		}
	}
	return s != ""
}

// quote writes data as a quoted-string; control characters become spaces.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == 0x7f {
			c = ' '
		}
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}

// unquote takes quotes and escapes off a quoted-string; other text stays.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}
