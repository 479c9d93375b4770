// Package kpi computes the figures of a call center. Fold makes facts of the
// journal's events (what became of each contact, what agents did and which lines
// were busy, by quarters of an hour), Sum makes figures of facts, with service
// levels in all their variants, and Traffic tells how many agents or lines a
// traffic needs by Erlang B, C and A.
//
// It is pure: it knows no clock, no disk and nobody's name. What it says of single
// agents is by pseudonym and must pass internal/privacy before anybody sees it.
package kpi

// Counts is what happened to the contacts of a queue in a stretch of time.
type Counts struct {
	Answered    int // talked to an agent
	AnsweredIn  int // of these, answered within the threshold
	Abandoned   int // hung up while waiting
	AbandonedIn int // of these, within the threshold
	Short       int // of Abandoned, within the limit below which they count as mistakes (5 s)
	WaitingPast int // still waiting, and longer than the threshold
}

// Variant is a way to compute the service level. They differ by several points on
// the same day, so a figure is never shown without its variant.
type Variant string

// Variants of the service level. The formula stands in Level.
const (
	ShortRemoved  Variant = "shortRemoved"  // our default: short abandons do not count, who waits too long counts already
	ICMI          Variant = "icmi"          // answered or abandoned within the threshold, of all
	AnsweredOnly  Variant = "answeredOnly"  // of those answered; flatters
	Strict        Variant = "strict"        // answered within, of all
	EarlyIgnored  Variant = "earlyIgnored"  // abandons within the threshold do not count
	ShortForgiven Variant = "shortForgiven" // short abandons count as answered
)

// Variants lists all of them, the default first.
var Variants = []Variant{ShortRemoved, ICMI, AnsweredOnly, Strict, EarlyIgnored, ShortForgiven}

// Level returns the service level between 0 and 1, and false if there was nothing
// to judge or the variant is unknown.
func (c Counts) Level(v Variant) (float64, bool) {
	good, all := c.AnsweredIn, c.Answered+c.Abandoned
	switch v {
	case ShortRemoved:
		all += c.WaitingPast - c.Short
	case ICMI:
		good += c.AbandonedIn
	case AnsweredOnly:
		all = c.Answered
	case Strict:
	case EarlyIgnored:
		all = c.Answered + c.Abandoned - c.AbandonedIn
	case ShortForgiven:
		good += c.Short
	default:
		return 0, false
	}
	if all <= 0 {
		return 0, false
	}
	return float64(good) / float64(all), true
}

// AbandonRate returns the share of contacts that hung up while waiting, without
// short abandons, and false if there were none.
func (c Counts) AbandonRate() (float64, bool) {
	return c.abandonRate(c.Short)
}

// AbandonRateWithShort returns the same with short abandons.
func (c Counts) AbandonRateWithShort() (float64, bool) {
	return c.abandonRate(0)
}

func (c Counts) abandonRate(short int) (float64, bool) {
	all := c.Answered + c.Abandoned - short
	if all <= 0 {
		return 0, false
	}
	return float64(c.Abandoned-short) / float64(all), true
}
