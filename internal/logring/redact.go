package logring

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBytes is the most that a message or a value takes in the log.
const MaxBytes = 512

// minDigits is the shortest run of digits that is taken for an outside number;
// extensions, ports, codes and years are shorter.
const minDigits = 6

// minSubject is the shortest id of a pseudonym behind its prefix.
const minSubject = 4

// Safe makes a text fit for the log: Subjects, Mask, then Escape.
func Safe(s string) string { return Escape(Mask(Subjects(s))) }

// Subjects replaces pseudonyms of people ("p-…") and of outside numbers ("n-…") by
// their first letter and asterisks: who reads the log can look up a pseudonym where
// people are set up, and would learn from the log what they did. A path that ends
// in one is cut short in the same way.
func Subjects(s string) string {
	var b strings.Builder
	last := 0
	for i := 0; i+minSubject < len(s); i++ {
		if s[i] != 'p' && s[i] != 'n' || s[i+1] != '-' || i > 0 && word(s[i-1]) {
			continue
		}
		end := i + 2
		for end < len(s) && (s[end] >= 'a' && s[end] <= 'z' || digit(s[end]) || s[end] == '-') {
			end++
		}
		if end-i-2 < minSubject {
			continue
		}
		b.WriteString(s[last : i+2])
		b.WriteString("***")
		last, i = end, end-1
	}
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
}

// Escape cuts s to MaxBytes and writes everything that could move a cursor, turn
// the reading direction or end a line as an escape, and bytes that are not UTF-8
// too. The result is at most MaxBytes long.
func Escape(s string) string {
	if len(s) <= MaxBytes && plain(s) {
		return s
	}
	const more = "…"
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		piece := s[i : i+n]
		switch {
		case r == utf8.RuneError && n == 1:
			piece = fmt.Sprintf(`\x%02x`, s[i])
		case r == '\n':
			piece = `\n`
		case r == '\r':
			piece = `\r`
		case r == '\t':
			piece = `\t`
		case hidden(r) && r < 0x100:
			piece = fmt.Sprintf(`\x%02x`, r)
		case hidden(r):
			piece = fmt.Sprintf(`\u%04x`, r)
		}
		if b.Len()+len(piece) > MaxBytes-len(more) && (i+n < len(s) || b.Len()+len(piece) > MaxBytes) {
			b.WriteString(more)
			break
		}
		b.WriteString(piece)
		i += n
	}
	return b.String()
}

func plain(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if hidden(r) {
			return false
		}
	}
	return true
}

// hidden reports a rune that is not seen as a character of its own: controls,
// format characters (with the bidirectional ones), line separators.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// Mask replaces numbers of outside parties by dots and their last three digits:
// runs of at least six digits, also in groups with single spaces or dashes, with
// or without a plus, that do not belong to a word or an identifier.
func Mask(s string) string {
	var b strings.Builder
	last := 0
	for i := 0; i < len(s); {
		if !digit(s[i]) || i > 0 && word(s[i-1]) {
			i++
			continue
		}
		end, digits := run(s, i)
		if digits >= minDigits && (end == len(s) || !word(s[end])) {
			tail := strings.Map(func(r rune) rune {
				if r < '0' || r > '9' {
					return -1
				}
				return r
			}, s[i:end])
			b.WriteString(s[last:i])
			b.WriteString("***")
			b.WriteString(tail[len(tail)-3:])
			last = end
		}
		i = end
	}
	if last == 0 {
		return s
	}
	b.WriteString(s[last:])
	return b.String()
}

// run returns the end of the digits that begin at i, single spaces and dashes
// between them included, and how many digits they are.
func run(s string, i int) (end, digits int) {
	for end = i; i < len(s); i++ {
		switch {
		case digit(s[i]):
			digits++
			end = i + 1
		case (s[i] == ' ' || s[i] == '-') && i+1 < len(s) && digit(s[i+1]):
		default:
			return end, digits
		}
	}
	return end, digits
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// word reports a byte that makes digits beside it part of a name: "p-0a12",
// "line_1", "x123456".
func word(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-' || digit(c) || c >= utf8.RuneSelf
}
