package i18n_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/acd/outcome"
	"centralino/board/health"
	"centralino/board/led"
	"centralino/internal/office"
	"centralino/ui/cti"
	"centralino/ui/i18n"
)

func load(t *testing.T) *i18n.Catalogue {
	t.Helper()
	c, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var placeholder = regexp.MustCompile(`\{[a-zA-Z]+\}`)

func TestLanguagesSayTheSame(t *testing.T) {
	c := load(t)
	it, en := c.Printer("it"), c.Printer("en")
	for _, pair := range [][2]*i18n.Printer{{it, en}, {en, it}} {
		for _, k := range pair[0].Keys() {
			if !pair[1].Has(k) {
				t.Errorf("%q is missing in %s", k, pair[1].Lang())
			}
			if strings.TrimSpace(pair[0].Raw(k)) == "" {
				t.Errorf("%q is empty in %s", k, pair[0].Lang())
			}
			if stem, ok := strings.CutSuffix(k, ".one"); ok && !pair[0].Has(stem+".other") {
				t.Errorf("%q has no other form", stem)
			}
		}
	}
	for _, k := range it.Keys() {
		a, b := placeholder.FindAllString(it.Raw(k), -1), placeholder.FindAllString(en.Raw(k), -1)
		slices.Sort(a)
		slices.Sort(b)
		if a, b := slices.Compact(a), slices.Compact(b); !slices.Equal(a, b) {
			t.Errorf("%q: placeholders %v and %v", k, a, b)
		}
	}
}

// families are keys that are made at run time from a prefix.
var families = []string{"month.", "boardname.", "weekday.", "role.", "agent.", "phase.", "line.kind.", "line.state.", "line.reason.", "lamp.name.", "legend.", "led.", "kind.", "kinds.", "edit.new.", "edit.help.",
	"day.", "step.", "step.kind.", "group.mode.", "privacy.kind.", "version.note.", "outcome.", "story.", "cause.", "offer.reason.", "log.level.", "phone.", "error.", "flash.", "diff.",
	"search.words.", "report.", "recall.why.", "recall.state.", "lang.", "field.", "choice.", "problem.", "fault.", "route.", "transfer.", "ivr.", "call.", "trunk.", "acd.", "emergency.", "unit.", "refused.", "desk.reason.", "board.level.", "looks.what.", "desk.asked.", "why.strategy.", "why.rule.", "why.tried.", "why.outcome.", "why.end.", "prompts.source.", "webhook.", "script.", "import.as.", "import.reject.", "import.delimiter.", "customer.wrong.", "update.phase.", "update.slot.", "update.outcome.", "update.refused.", "update.check.", "rescue.why.", "rescue.done.", "tokens.scope.", "desk.pop."}

var quoted = regexp.MustCompile("\"([a-zA-Z][a-zA-Z0-9-]*(?:\\.[a-zA-Z0-9_-]+)+)\"")

// TestEveryTextIsUsed and its reverse: no key without a use, no use without a text.
func TestEveryTextIsUsedAndEveryUseHasAText(t *testing.T) {
	p := load(t).Printer("it")
	used := map[string]string{}
	for _, pattern := range []string{"../*.go", "../*/*.go", "../view/*.html", "../view/pages/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range quoted.FindAllStringSubmatch(string(b), -1) {
				used[m[1]] = f
			}
			for _, m := range regexp.MustCompile(`(?:\{|\()(?:t|n) "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
				if k := m[1]; !p.Has(k) && !p.Has(k+".one") && !strings.HasSuffix(k, ".") {
					t.Errorf("%s uses %q, which has no text", f, k)
				}
			}
			for _, m := range regexp.MustCompile(`\bp\.(?:T|N|Args)\("([^"]+)"\s*[,)]`).FindAllStringSubmatch(string(b), -1) {
				if k := m[1]; !p.Has(k) && !p.Has(k+".one") {
					t.Errorf("%s uses %q, which has no text", f, k)
				}
			}
		}
	}
	for _, k := range p.Keys() {
		stem := strings.TrimSuffix(strings.TrimSuffix(k, ".one"), ".other")
		_, direct := used[k]
		_, plural := used[stem]
		if !strings.Contains(k, ".") { // yes, no
			continue
		}
		family := slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(k, f) })
		if !direct && !plural && !family {
			t.Errorf("%q is never used", k)
		}
	}
}

// TestTextsOfTheTables: what other rooms name by text id is there.
func TestTextsOfTheTables(t *testing.T) {
	p := load(t).Printer("it")
	need := func(k string) {
		if !p.Has(k) {
			t.Errorf("%q has no text", k)
		}
	}
	for _, f := range office.Schema() {
		need(f.Label())
		need(f.Help())
		if f.Example {
			need(f.ExampleText())
		}
		if f.Unit != "" {
			need(f.Unit)
		}
		for _, c := range f.Choices {
			if !p.Has(f.ChoiceText(c)) {
				need("choice." + c)
			}
		}
	}
	for _, c := range office.ProblemCodes() {
		need(c)
	}
	for _, k := range office.Kinds() {
		need("kind." + string(k))
		need("kinds." + string(k))
	}
	for _, r := range health.Kinds {
		e := health.Entry{Kind: r.Kind}
		need(e.Title())
		need(e.Effect())
		need(e.Action())
	}
	for _, r := range led.Table {
		need("led." + string(r.State))
	}
	for _, c := range slices.Concat(outcome.ProblemCodes(), outcome.WrongCodes(), outcome.CardCodes(), outcome.RejectCodes()) {
		need(c)
	}
	for _, c := range cti.Causes() {
		need("webhook.cause." + c)
	}
	for _, k := range append(cti.Kinds(), cti.Test) {
		need("webhook.event." + string(k))
	}
}

func TestChoice(t *testing.T) {
	c := load(t)
	for _, x := range []struct{ wish, header, want string }{
		{"", "", "it"}, {"", "it-IT,it;q=0.9,en;q=0.8", "it"}, {"", "en-GB,en;q=0.9", "en"}, {"", "de-DE,de", "en"}, {"", "de,it;q=0.5", "it"},
		{"en", "it", "en"}, {"xx", "it", "it"}, {"", "*;;;q=x", "it"}, {"", strings.Repeat("en,", 200), "it"},
		{"", "EN-us", "en"}, {"", "en;q=0.5, it ; q=0.7", "it"}, {"", "de;q=0.9,fr;q=0", "en"}, {"", "fr,en;q=0.2,it;q=0.2", "en"},
		{"", "it;q=0", "it"}, {"", "en;q=0,it;q=0.1", "it"}, {"", "en;q=NaN,it;q=-1", "it"}, {"", "it;x=1,en;Q=0.3", "en"}, {"", ",;,-", "it"},
	} {
		if got := c.Choose(x.wish, x.header).Lang(); got != x.want {
			t.Errorf("wish %q, header %.20q: %s, want %s", x.wish, x.header, got, x.want)
		}
	}
}

func TestWriting(t *testing.T) {
	c := load(t)
	it, en := c.Printer("it"), c.Printer("en")
	at := time.Date(2026, 11, 2, 9, 5, 7, 0, time.UTC)
	for _, x := range []struct{ got, want string }{
		{it.Date(at), "2 novembre 2026"}, {en.Date(at), "2 November 2026"}, {it.Seconds(at), "09:05:07"},
		{it.Day("2026-11-02"), "2 novembre 2026"}, {en.Day("soon"), "soon"}, {it.Clock(65 * time.Second), "1:05"}, {it.Clock(3725 * time.Second), "1:02:05"}, {it.Clock(-time.Second), "0:00"},
		{it.Int(1234567), "1.234.567"}, {en.Int(-1234), "-1,234"}, {en.Int(999), "999"}, {it.Float(1.25), "1,2"}, {en.Float(1.25), "1.2"},
		{it.N("form.problems", 1), "C'è una cosa da correggere"}, {it.N("form.problems", 3), "Ci sono 3 cose da correggere"}, {en.N("form.problems", 0), "0 things need correcting"},
		{it.List([]string{"a", "b", "c"}), "a, b e c"}, {en.List([]string{"a"}), "a"}, {en.List(nil), ""}, {it.Weekday(time.Sunday), "domenica"},
		{it.T("no.such.key"), "[no.such.key]"}, {it.Fill("{a}{b}{c", map[string]string{"a": "{b}", "b": "x"}), "{b}x{c"},
	} {
		if x.got != x.want {
			t.Errorf("%q, want %q", x.got, x.want)
		}
	}
}

func TestItalianArticlesAgreeWithNumbers(t *testing.T) {
	c := load(t)
	for _, x := range []struct{ text, value, want string }{
		{"fino al {v}", "8 novembre 2026", "fino all'8 novembre 2026"},
		{"fino al {v}", "11 novembre 2026", "fino all'11 novembre 2026"},
		{"fino al {v}", "1 novembre 2026", "fino al 1 novembre 2026"},
		{"fino al {v}", "18 novembre 2026", "fino al 18 novembre 2026"},
		{"registrato il {v}", "08/11/2026 14:03", "registrato il 08/11/2026 14:03"},
		{"il {v} in più", "83,5\u00a0%", "l'83,5\u00a0% in più"},
		{"(il {v})", "1,5\u00a0%", "(l'1,5\u00a0%)"},
		{"invece del {v}.", "11.200", "invece dell'11.200."},
		{"chiamata al {v}", "112", "chiamata al 112"},
		{"mail {v}", "8", "mail 8"},
		{"il {v}", "otto", "il otto"},
		{"{v}", "8", "8"},
		{"il {v}", "", "il "},
	} {
		if got := c.Printer("it").Fill(x.text, map[string]string{"v": x.value}); got != x.want {
			t.Errorf("%q, want %q", got, x.want)
		}
	}
	if got := c.Printer("en").Fill("il {v}", map[string]string{"v": "8"}); got != "il 8" {
		t.Errorf("English got an Italian article: %q", got)
	}
}
