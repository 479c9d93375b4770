package numbering

import "strings"

// Presentation says whether a caller's number is known and, if not, why.
type Presentation string

// Presentations (ITU-T Q.731, ETSI EN 300 659-3 "P" and "O").
const (
	Presented   Presentation = "presented"
	Restricted  Presentation = "restricted"  // the caller withheld it
	Unavailable Presentation = "unavailable" // the network does not tell it, or it makes no sense
)

// Caller is who calls, as far as the network tells. Number is set only for
// Presented, except for callers with a short number (customer services), which
// stand in Short.
type Caller struct {
	Number       E164
	Short        string
	Presentation Presentation
}

// Caller normalises what a line or trunk reports as the caller's number: the
// national format of telephone lines ("0612345678", "3331234567"), +39…, 0039…,
// 39… without a plus as some trunks send it, foreign numbers after + or 00, the
// words that stand for a withheld number, and the caller-ID codes "P" and "O".
// Anything else is Unavailable: text from outside is never kept as a number.
func (p Plan) Caller(raw string) Caller {
	s := Clean(strings.TrimSpace(raw))
	switch strings.ToLower(s) {
	case "p", "anonymous", "restricted", "private", "withheld", "anonimo", "riservato":
		return Caller{Presentation: Restricted}
	case "", "o", "unknown", "unavailable":
		return Caller{Presentation: Unavailable}
	}
	if p.IsEmergency(s) {
		return Caller{Short: s, Presentation: Presented}
	}
	n, err := p.Parse(s)
	if err != nil && p.code != "" && onlyDigits(s) && strings.HasPrefix(s, p.code) {
		n, err = p.parseInternational(s)
	}
	if err != nil {
		return Caller{Presentation: Unavailable}
	}
	return Caller{Number: n.E164, Short: n.Short, Presentation: Presented}
}

// Own normalises the number of ours that was called, as a line or trunk reports
// it. Besides everything that Caller takes, ISDN exchanges leave out the leading
// 0 or the whole area code; candidates are returned in the order in which they
// should be looked up among the office's numbers, and none where raw holds no
// digits.
func (p Plan) Own(raw string) []E164 {
	s := Clean(strings.TrimSpace(raw))
	var out []E164
	add := func(n Number, err error) {
		if err == nil && n.E164 != "" {
			for _, e := range out {
				if e == n.E164 {
					return
				}
			}
			out = append(out, n.E164)
		}
	}
	add(p.Parse(s))
	if s == "" || !onlyDigits(s) || p.code == "" {
		return out
	}
	if strings.HasPrefix(s, p.code) {
		add(p.parseInternational(s))
	}
	add(p.parseNational("0" + s))
	if p.area != "" {
		add(p.parseNational(p.area + s))
	}
	return out
}
