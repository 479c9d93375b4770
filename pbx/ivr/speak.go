package ivr

import (
	"strconv"
	"strings"
	"time"
)

// maxSpoken is the largest number that the box can say as one word.
const maxSpoken = 60

// SpokenNumber names the sentences that say a whole number; none for what the box
// can't say (below 0, above 60).
func SpokenNumber(n int) []string {
	switch {
	case n < 0 || n > maxSpoken:
		return nil
	case n < 10:
		return []string{"digit-" + strconv.Itoa(n)}
	}
	return []string{"number-" + strconv.Itoa(n)}
}

// SpokenKeys names the sentences that read keys or a telephone number aloud, one by
// one; characters that are no keys are left out.
func SpokenKeys(keys string) []string {
	var out []string
	for _, c := range keys {
		switch {
		case c >= '0' && c <= '9':
			out = append(out, "digit-"+string(c))
		case c == '*':
			out = append(out, "key-star")
		case c == '#':
			out = append(out, "key-hash")
		}
	}
	return out
}

// SpokenPosition names the sentences that tell a waiting caller his place in line,
// counted from 1; none for a place that can't be said.
func SpokenPosition(position int) []string {
	if position == 1 {
		return []string{"position-next"}
	}
	n := SpokenNumber(position)
	if position < 1 || n == nil {
		return nil
	}
	return append(append([]string{"position"}, n...), "position-end")
}

// SpokenWait names the sentences that tell how long the wait is expected to be, in
// whole minutes: the low end rounded down and the high end up, so that what is said
// holds whenever low to high holds. None if there is nothing to say.
func SpokenWait(low, high time.Duration) []string {
	if high <= 0 || low < 0 || low > high {
		return nil
	}
	from, to := int(low/time.Minute), int((high+time.Minute-1)/time.Minute)
	switch {
	case from >= maxSpoken:
		return []string{"wait-hour"}
	case to > maxSpoken: // a range that wide says nothing
		return nil
	}
	minutes := func(names ...string) []string {
		return append(append(names, SpokenNumber(to)...), "wait-minutes")
	}
	switch {
	case from < 1 && to == 1:
		return []string{"wait-under", "wait-minute"}
	case from < 1:
		return minutes("wait-under")
	case from == to && to == 1:
		return []string{"wait-about", "wait-minute"}
	case from == to:
		return minutes("wait-about")
	}
	return minutes(append(append([]string{"wait-between"}, SpokenNumber(from)...), "wait-and")...)
}

// SpokenNotice names the sentences that tell from which country an operator answers
// (Italian law decree 83/2012 article 24-bis).
func SpokenNotice(country string) []string {
	return []string{"notice", "country-" + strings.ToLower(country)}
}
