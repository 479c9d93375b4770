package office

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// check judges a text by its field alone: required, length, range, choices, form.
func check(f Field, text string) *fault {
	if f.Required && strings.TrimSpace(text) == "" {
		return &fault{code: ProblemRequired}
	}
	if text == "" {
		return nil
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unprintable(f.Type, r) }) {
		return &fault{code: ProblemControl}
	}
	switch f.Type {
	case TypeNumber, TypeDuration:
		return checkNumber(f, text)
	case TypeSwitch:
		if text != "true" && text != "false" {
			return &fault{code: ProblemSwitch}
		}
	case TypeChoice:
		if !slices.Contains(f.Choices, text) {
			return &fault{ProblemChoice, map[string]string{"value": text}}
		}
	case TypeChoices:
		for _, w := range strings.Fields(text) {
			if !slices.Contains(f.Choices, w) {
				return &fault{ProblemChoice, map[string]string{"value": w}}
			}
		}
	case TypePhone:
		if !validE164(text) {
			return &fault{code: ProblemPhone}
		}
	case TypeText, TypeLong, TypeSecret, TypeTexts, TypeSteps, TypeDates, TypeLevels, TypeRings:
		return checkLength(f, text)
	}
	return nil
}

// oneLine are the types whose text has no line ends.
var oneLine = []FieldType{TypeText, TypeNumber, TypeChoice, TypeRef, TypePhone, TypeSecret, TypeTarget, TypeHours, TypeOverride, TypeTime}

// unprintable says whether a character can't stand in a text: controls, and what
// turns the direction of writing.
func unprintable(t FieldType, r rune) bool {
	if r == '\n' || r == '\r' || r == '\t' {
		return slices.Contains(oneLine, t)
	}
	return unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

func checkNumber(f Field, text string) *fault {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return &fault{code: ProblemNumber}
	}
	switch {
	case f.Min == 0 && f.Max == 0:
	case n < f.Min:
		return &fault{ProblemSmall, map[string]string{"min": strconv.FormatInt(f.Min, 10)}}
	case n > f.Max:
		return &fault{ProblemLarge, map[string]string{"max": strconv.FormatInt(f.Max, 10)}}
	}
	return nil
}

func checkLength(f Field, text string) *fault {
	n := int64(utf8.RuneCountInString(text))
	switch {
	case f.Min == 0 && f.Max == 0:
	case n < f.Min:
		return &fault{ProblemShort, map[string]string{"min": strconv.FormatInt(f.Min, 10)}}
	case n > f.Max:
		return &fault{ProblemLong, map[string]string{"max": strconv.FormatInt(f.Max, 10)}}
	}
	return nil
}

// validE164 accepts a plus sign and 3 to 15 digits that begin with a country code
// (ITU-T E.164 section 6).
func validE164(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && len(digits) >= 3 && len(digits) <= 15 && digits[0] != '0' && onlyDigits(digits)
}

func onlyDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// validUsername accepts the user part of a SIP address without escapes (RFC 3261
// section 25.1, unreserved characters).
func validUsername(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return s != ""
}

// validHost accepts a host name or address with an optional port; it does not ask
// whether it exists.
func validHost(s string) bool {
	if rest, ok := strings.CutPrefix(s, "["); ok { // IPv6
		addr, port, ok := strings.Cut(rest, "]")
		return ok && strings.Trim(addr, "0123456789abcdefABCDEF:.") == "" && addr != "" && (port == "" || validPort(port))
	}
	host, port, hasPort := strings.Cut(s, ":")
	if hasPort && !validPort(":"+port) {
		return false
	}
	for _, label := range strings.Split(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	return true
}

func validPort(s string) bool {
	digits, ok := strings.CutPrefix(s, ":")
	n, err := strconv.Atoi(digits)
	return ok && err == nil && n > 0 && n < 65536
}
