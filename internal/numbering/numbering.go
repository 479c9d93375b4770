// Package numbering says what a string of digits means: it turns what a person
// dialled, or what a line reported as the caller, into E.164 once, at the edge of
// the box, with the country's dialling rules. It knows the Italian numbering plan
// (AGCOM resolution 8/15/CIR with its annex) as a table, and the emergency
// numbers of a country as a data set that nobody edits.
//
// It is pure: no I/O, no state, no goroutine, no clock. It never changes a digit
// that it does not understand; such a string is an error, not a guess.
package numbering

import (
	"errors"
	"fmt"
	"strings"
)

// Class is a class of dialled numbers. The values are those of
// office.NumberClass, which stands above this package (a test there and in
// pbx/route keeps them equal).
type Class string

// Classes of number. Where the plan leaves a doubt about the price, the dearer
// class is given.
const (
	Emergency     Class = "emergency"
	National      Class = "national"      // geographic and nomadic, also local
	Mobile        Class = "mobile"        // 3…
	Freephone     Class = "freephone"     // 800, 803
	Shared        Class = "shared"        // 840, 841, 847, 848, 199, 178, 70x
	International Class = "international" // any other country
	Premium       Class = "premium"       // 89x, 0878, 144, 166, 43 to 49; abroad: satellites, +979
	Service       Class = "service"       // short numbers: 1xx, 12xx, 15xx, 116xxx, 40 to 42
)

// Classes lists every class.
func Classes() []Class {
	return []Class{Emergency, National, Mobile, Freephone, Shared, International, Premium, Service}
}

// Number is what a dialled string means. Exactly one of E164 and Short is set:
// short numbers exist only inside their country and are dialled as they stand.
type Number struct {
	E164  E164
	Short string
	Class Class
}

// String is the number in its one stored form, for maps and comparisons.
func (n Number) String() string {
	if n.Short != "" {
		return n.Short
	}
	return string(n.E164)
}

// Why a dialled string is not a number of the plan. MissingArea is the type of
// the fifth reason.
var (
	ErrEmpty         = errors.New("no digits dialled")
	ErrNotDigits     = errors.New("something other than digits dialled")
	ErrLength        = errors.New("too few or too many digits")
	ErrCarrierPrefix = errors.New("carrier selection prefix 10xx is not supported")
	ErrNotInPlan     = errors.New("number is not in the numbering plan")
	ErrCountry       = errors.New("no numbering plan for this country")
)

// MissingArea reports digits that could be a subscriber's number without its
// area code, which has to be dialled in Italy even within one town. With is the
// same with the site's area code, for a suggestion; it is never dialled by itself.
type MissingArea struct{ With string }

func (m *MissingArea) Error() string { return "area code missing" }

// Plan is the dialling rules at one place. The zero Plan knows the European
// emergency number and international numbers only.
type Plan struct {
	country   string // ISO 3166-1 alpha-2
	code      string // country calling code, "39"
	area      string // with its leading 0, "02"
	emergency []string
	ranges    []span
}

// New returns the rules of a country for a site with this area code (with its
// leading 0; empty where unknown). For a country without a plan it returns
// ErrCountry together with a usable Plan that knows 112 and international
// numbers. Italy's rules hold for San Marino and the Vatican as seen from Italian
// lines.
func New(country, area string) (Plan, error) {
	p := Plan{country: strings.ToUpper(country), area: digitsOf(area)}
	c, ok := countries[p.country]
	if !ok {
		return p, fmt.Errorf("%w: %q", ErrCountry, country)
	}
	p.code, p.emergency, p.ranges = c.code, c.emergency, c.ranges
	return p, nil
}

// Clean removes the visual separators of RFC 3966 section 3 (space, "-", ".",
// "(" and ")"), which carry no meaning, and nothing else.
func Clean(s string) string {
	if strings.IndexAny(s, " -.()") < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()", r) {
			return -1
		}
		return r
	}, s)
}

// IsEmergency reports whether dialled is exactly one of the country's emergency
// numbers: the complete string, nothing before it and nothing after it. Whoever
// uses an outside-line prefix asks once with and once without it.
func (p Plan) IsEmergency(dialled string) bool {
	for _, n := range p.EmergencyNumbers() {
		if dialled == n {
			return true
		}
	}
	return false
}

// EmergencyNumbers lists the emergency numbers of the plan's country in
// ascending order. The caller must not change it.
func (p Plan) EmergencyNumbers() []string {
	if p.emergency == nil {
		return europe
	}
	return p.emergency
}

// Parse says what a person at a phone of the office dialled, after the
// outside-line prefix was taken off: a national number with its area code, a
// mobile, special or short number, or an international one after 00 or +. A
// number of the own country may also be given after +39 or 0039. Visual
// separators are ignored. The error is one of the Err values or *MissingArea.
func (p Plan) Parse(dialled string) (Number, error) {
	s := Clean(dialled)
	if s == "" || s == "+" {
		return Number{}, ErrEmpty
	}
	if p.IsEmergency(s) {
		return Number{Short: s, Class: Emergency}, nil
	}
	rest, plus := strings.CutPrefix(s, "+")
	if !onlyDigits(rest) {
		return Number{}, ErrNotDigits
	}
	if !plus {
		rest, plus = strings.CutPrefix(s, "00")
	}
	if plus {
		return p.parseInternational(rest)
	}
	return p.parseNational(s)
}

// parseInternational takes digits with their country code. Numbers of the own
// country that exist only inside it (short numbers) are not reachable this way.
func (p Plan) parseInternational(digits string) (Number, error) {
	if p.code != "" && strings.HasPrefix(digits, p.code) {
		n, err := p.parseNational(digits[len(p.code):])
		if err == nil && n.Short != "" {
			return Number{}, ErrNotInPlan
		}
		return n, err
	}
	if digits == "" || digits[0] == '0' {
		return Number{}, ErrNotInPlan
	}
	if len(digits) < 7 || len(digits) > 15 {
		return Number{}, ErrLength
	}
	class := International
	for _, c := range dearCodes {
		if strings.HasPrefix(digits, c) {
			class = Premium
		}
	}
	return Number{E164: E164("+" + digits), Class: class}, nil
}

// parseNational takes a national significant number or a short number.
func (p Plan) parseNational(digits string) (Number, error) {
	if p.ranges == nil {
		return Number{}, ErrNotInPlan
	}
	if strings.HasPrefix(digits, "10") {
		return Number{}, ErrCarrierPrefix
	}
	known := false
	for _, r := range p.ranges {
		if !strings.HasPrefix(digits, r.prefix) {
			continue
		}
		known = true
		if len(digits) < r.min || len(digits) > r.max {
			continue
		}
		n := Number{Class: r.class}
		if r.short {
			n.Short = digits
		} else {
			n.E164 = E164("+" + p.code + digits)
		}
		return n, nil
	}
	if len(digits) >= 5 && len(digits) <= 8 && digits[0] != '0' && p.area != "" {
		return Number{}, &MissingArea{With: p.area + digits}
	}
	if known {
		return Number{}, ErrLength
	}
	return Number{}, ErrNotInPlan
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
