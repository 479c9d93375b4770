package ivr_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/internal/audio/prompts"
	"centralino/internal/office"
	"centralino/pbx/ivr"
)

func said(t interface{ Errorf(string, ...any) }, lang string, names []string) string {
	var words []string
	for _, n := range names {
		text := prompts.Text(lang, n)
		if text == "" {
			t.Errorf("the box can't say %q in %s", n, lang)
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

func TestSpokenWait(t *testing.T) {
	const m, s = time.Minute, time.Second
	for _, tt := range []struct {
		name      string
		low, high time.Duration
		it, en    string
	}{
		{"a range", 2 * m, 5 * m, "L'attesa prevista è tra due e cinque minuti.", "The expected wait is between two and five minutes."},
		{"a range between the minutes is widened", 2*m + 10*s, 4*m + 10*s, "L'attesa prevista è tra due e cinque minuti.", "The expected wait is between two and five minutes."},
		{"less than a minute", 10 * s, 50 * s, "L'attesa prevista è di meno di un minuto.", "The expected wait is less than a minute."},
		{"from nothing to a minute and a bit", 0, 61 * s, "L'attesa prevista è di meno di due minuti.", "The expected wait is less than two minutes."},
		{"one minute sharp", m, m, "L'attesa prevista è di circa un minuto.", "The expected wait is about a minute."},
		{"three minutes sharp", 3 * m, 3 * m, "L'attesa prevista è di circa tre minuti.", "The expected wait is about three minutes."},
		{"up to an hour", 50 * m, 60 * m, "L'attesa prevista è tra cinquanta e sessanta minuti.", "The expected wait is between fifty and sixty minutes."},
		{"up to more than an hour, which would be no help", 50 * m, 90 * m, "", ""},
		{"more than an hour", 70 * m, 90 * m, "L'attesa prevista supera un'ora.", "The expected wait is more than an hour."},
		{"nothing known", 0, 0, "", ""},
		{"nonsense", 5 * m, 2 * m, "", ""},
	} {
		names := ivr.SpokenWait(tt.low, tt.high)
		if got := said(t, "it", names); got != tt.it {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.it)
		}
		if got := said(t, "en", names); got != tt.en {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.en)
		}
	}
}

func TestSpokenPosition(t *testing.T) {
	for n, want := range map[int]string{
		-1: "", 0: "", 1: "Siete il prossimo in attesa.", 2: "Siete il numero due in attesa.",
		21: "Siete il numero ventuno in attesa.", 60: "Siete il numero sessanta in attesa.", 61: "",
	} {
		if got := said(t, "it", ivr.SpokenPosition(n)); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestSpokenKeys(t *testing.T) {
	if got, want := said(t, "it", ivr.SpokenKeys("+39 02-1*#")), "tre nove zero due uno asterisco cancelletto"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEveryCountryOfTheOfficeCanBeSaid(t *testing.T) {
	for _, c := range office.Countries() {
		for _, lang := range prompts.Languages() {
			said(t, lang, ivr.SpokenNotice(c))
		}
	}
	if got, want := said(t, "it", ivr.SpokenNotice("AL")), "L'operatore risponde dall'Albania."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever is announced, there is a sentence for it in each language.
func TestAnnouncementsCanBeSaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := time.Duration(rapid.Int64Range(-1, int64(3*time.Hour)).Draw(t, "low"))
		high := time.Duration(rapid.Int64Range(-1, int64(3*time.Hour)).Draw(t, "high"))
		names := slices.Concat(ivr.SpokenWait(low, high), ivr.SpokenPosition(rapid.IntRange(-2, 500).Draw(t, "position")),
			ivr.SpokenNumber(rapid.IntRange(-2, 500).Draw(t, "n")))
		for _, lang := range prompts.Languages() {
			said(t, lang, names)
		}
	})
}
