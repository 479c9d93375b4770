package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"centralino/pbx/media"
	"centralino/pbx/registrar"
	"centralino/pbx/sip"
	"centralino/ui/i18n"
)

// Every cause that the switch writes into the journal has words on the pages. Only
// here both are known.
func TestEveryCauseHasWords(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../pbx/call/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	causes := []string{"restart"} // of the journal, for calls that a power cut ended
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "Cause" {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			causes = append(causes, text)
		}
		return true
	})
	if len(causes) < 15 {
		t.Fatalf("only %d causes found", len(causes))
	}
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"it", "en"} {
		for _, c := range causes {
			if !texts.Printer(lang).Has("cause." + c) {
				t.Errorf("%s has no words for the cause %q", lang, c)
			}
		}
	}
}

// Every kind of refused input has words, and each is counted once.
func TestEveryRefusalHasWords(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range refusals(counted{sip: &sip.Counters{}, registrar: &registrar.Counters{}, media: &media.Counters{}}) {
		key := "refused." + r.Where + "." + r.What
		if seen[key] {
			t.Errorf("%s comes twice", key)
		}
		seen[key] = true
		for _, lang := range []string{"it", "en"} {
			if p := texts.Printer(lang); !p.Has(key) || !p.Has("refused.where."+r.Where) {
				t.Errorf("%s has no words for %s", lang, key)
			}
		}
	}
}
