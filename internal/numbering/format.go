package numbering

import "strings"

// Form is how a number is written towards a line or trunk.
type Form string

// Forms of a dial string. The values are those of office.Trunk.NumberFormat.
const (
	FormE164     Form = "e164"     // +390212345678
	Form00       Form = "00"       // 00390212345678
	FormNational Form = "national" // 0212345678; foreign numbers with 00
)

// Dial writes n for a line. Short and emergency numbers are the same in every
// form; an unknown form is FormE164.
func (p Plan) Dial(n Number, f Form) string {
	if n.Short != "" || n.E164 == "" {
		return n.Short
	}
	digits := strings.TrimPrefix(string(n.E164), "+")
	switch f {
	case Form00:
		return "00" + digits
	case FormNational:
		if own, ok := p.national(n.E164); ok {
			return own
		}
		return "00" + digits
	default:
		return string(n.E164)
	}
}

// national returns the digits to dial within the country, and false for a number
// of another country.
func (p Plan) national(e E164) (string, bool) {
	if p.code == "" {
		return "", false
	}
	return strings.CutPrefix(string(e), "+"+p.code)
}

// ClassOf says which class an E.164 number is in, and false if it is not in the
// plan.
func (p Plan) ClassOf(e E164) (Class, bool) {
	n, err := p.Parse(string(e))
	return n.Class, err == nil && n.E164 == e
}

// Display writes a number for people, in groups: numbers of the own country in
// national form ("02 1234 5678", "333 123 4567"), foreign ones with their country
// code apart ("+44 2079460000"). It is never parsed again.
func (p Plan) Display(e E164) string {
	n, own := p.national(e)
	if !own {
		digits, plus := strings.CutPrefix(string(e), "+")
		if !plus {
			return string(e)
		}
		c := countryCodeLen(digits)
		if c >= len(digits) {
			return string(e)
		}
		return "+" + digits[:c] + " " + digits[c:]
	}
	head := 3
	if strings.HasPrefix(n, "0") {
		head = areaLen(n)
	}
	if head >= len(n) {
		return n
	}
	return n[:head] + " " + groups(n[head:])
}

// areaLen is the length of an Italian area code with its 0: 02 and 06 have two
// digits, those with 0, 1, 5 or 9 at the third place three, all others four.
func areaLen(n string) int {
	switch {
	case len(n) < 3 || n[1] == '2' || n[1] == '6':
		return 2
	case strings.IndexByte("0159", n[2]) >= 0:
		return 3
	default:
		return 4
	}
}

// groups cuts digits in threes, or in fours where that comes out even or leaves
// fewer pieces: "12345678" is "1234 5678", "1234567" is "123 4567".
func groups(s string) string {
	var parts []string
	for len(s) > 4 {
		cut := 3
		if len(s)%4 == 0 {
			cut = 4
		}
		parts = append(parts, s[:cut])
		s = s[cut:]
	}
	return strings.Join(append(parts, s), " ")
}

// countryCodeLen is the length of the country code that digits begin with (ITU-T
// E.164 list of assigned codes): 1 and 7 stand alone, the codes of this table
// have two digits, all others three.
func countryCodeLen(digits string) int {
	const two = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58" +
		" 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "
	switch {
	case digits == "":
		return 0
	case digits[0] == '1' || digits[0] == '7':
		return 1
	case len(digits) > 2 && strings.Contains(two, " "+digits[:2]+" "):
		return 2
	default:
		return 3
	}
}
