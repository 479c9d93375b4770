package i18n

import "strings"

// elided are the Italian articles, alone and grown together with a preposition, and how
// they are written before a number that is read with a vowel at its beginning.
var elided = []struct{ whole, short string }{
	{"il ", "l'"}, {"al ", "all'"}, {"dal ", "dall'"}, {"del ", "dell'"}, {"nel ", "nell'"}, {"sul ", "sull'"},
}

// elide writes the article at the end of text as it stands before a vowel; text that
// ends in no article comes back as it is.
func elide(text string) string {
	for _, e := range elided {
		before, ok := strings.CutSuffix(text, e.whole)
		if ok && (before == "" || strings.HasSuffix(before, " ") || strings.HasSuffix(before, "(")) {
			return before + e.short
		}
	}
	return text
}

// beginsWithVowel reports whether v begins with a number that Italians read with a vowel
// first: otto, ottanta, ottocento, ottomila, undici, undicimila, and uno where it counts
// ("l'1,5 %") but not where it is the first of a month ("il 1 novembre").
func beginsWithVowel(v string) bool {
	n := 0
	for n < len(v) && '0' <= v[n] && v[n] <= '9' {
		n++
	}
	switch digits := v[:n]; {
	case n == 0:
		return false
	case digits == "1":
		rest := v[n:]
		return strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, " %") || strings.HasPrefix(rest, "\u00a0%")
	}
	return v[0] == '8' || v[:n] == "11"
}
