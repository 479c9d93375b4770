package arch_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// catalogue reads all texts of a language: <lang>.json and *.<lang>.json.
func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "ui/i18n/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		if base := filepath.Base(name); base != lang+".json" && !strings.HasSuffix(base, "."+lang+".json") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(b, &texts); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for k, v := range texts {
			if _, twice := all[k]; twice {
				t.Errorf("%s stands twice in %s", k, lang)
			}
			all[k] = v
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d texts in %s", len(all), lang)
	}
	return all
}

var placeholder = regexp.MustCompile(`\{[a-zA-Z]+\}`)

func placeholders(s string) []string {
	p := placeholder.FindAllString(s, -1)
	slices.Sort(p)
	return slices.Compact(p)
}

// TestTranslations: every text stands in both languages, is not empty and fills in
// the same things.
func TestTranslations(t *testing.T) {
	it, en := catalogue(t, "it"), catalogue(t, "en")
	for k, v := range it {
		e, ok := en[k]
		switch {
		case !ok:
			t.Errorf("%s is not in English", k)
		case strings.TrimSpace(v) == "" || strings.TrimSpace(e) == "":
			t.Errorf("%s is empty", k)
		case !slices.Equal(placeholders(v), placeholders(e)):
			t.Errorf("%s fills in %v in Italian and %v in English", k, placeholders(v), placeholders(e))
		}
	}
	for k := range en {
		if _, ok := it[k]; !ok {
			t.Errorf("%s is not in Italian", k)
		}
	}
}

// uses find text ids that stand whole in code: in Go the calls T("…") and N("…") and
// the messages that a page leaves for the next one, in templates t "…" and n "…".
var uses = []struct {
	ext  string
	text *regexp.Regexp
}{
	{".go", regexp.MustCompile(`\.(T|N)\("([a-zA-Z0-9.]+)"[,)]`)},
	{".go", regexp.MustCompile(`(["])(flash\.[a-zA-Z0-9.]+[a-zA-Z0-9])"`)},
	{".html", regexp.MustCompile(`[({ ](t|n) "([a-zA-Z0-9.]+)"`)},
}

// TestTextsExist: every text that code asks for exists.
func TestTextsExist(t *testing.T) {
	texts := catalogue(t, "it")
	found := 0
	textFiles(t, func(path string, text []byte) {
		if !strings.HasPrefix(path, "ui/") || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, u := range uses {
			if !strings.HasSuffix(path, u.ext) {
				continue
			}
			for _, m := range u.text.FindAllStringSubmatch(string(text), -1) {
				found++
				key := m[2]
				want := []string{key}
				if strings.ToLower(m[1]) == "n" {
					want = []string{key + ".one", key + ".other"}
				}
				for _, k := range want {
					if _, ok := texts[k]; !ok {
						t.Errorf("%s asks for the text %s, which does not exist", path, k)
					}
				}
			}
		}
	})
	if found == 0 {
		t.Error("no text is used anywhere: the test looks in the wrong place")
	}
}

// TestNoStrayText: templates hold no words of their own; every word that a person
// reads comes from the catalogues.
func TestNoStrayText(t *testing.T) {
	action := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	script := regexp.MustCompile(`(?s)<(script|style|svg).*?</(script|style|svg)>|<!--.*?-->`)
	tag := regexp.MustCompile(`(?s)<[^>]*>`)
	word := regexp.MustCompile(`\pL{3,}`)
	entity := regexp.MustCompile(`&[a-z]+;`)
	own := []string{"Italiano", "English", "UDP", "TCP"} // the same in every language
	textFiles(t, func(path string, text []byte) {
		if !strings.HasPrefix(path, "ui/") || !strings.HasSuffix(path, ".html") {
			return
		}
		s := action.ReplaceAllString(string(text), " ")
		s = script.ReplaceAllString(s, " ")
		s = entity.ReplaceAllString(tag.ReplaceAllString(s, " "), " ")
		w := slices.DeleteFunc(word.FindAllString(s, -1), func(w string) bool { return slices.Contains(own, w) })
		if len(w) > 0 {
			t.Errorf("%s holds words that are in no catalogue: %v", path, fmt.Sprint(w[:min(len(w), 8)]))
		}
	})
}
