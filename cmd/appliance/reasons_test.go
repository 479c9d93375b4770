package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"centralino/ui/i18n"
)

// Every reason for which a line or trunk is out of service has words on its page.
// Only here drivers, trunks and pages are known.
func TestEveryReasonOfALineHasWords(t *testing.T) {
	reasons := []string{"unplugged"} // of the simulated line
	for file, prefix := range map[string]string{"../../hal/voicemodem/reasons.go": "Reason", "../../pbx/trunk/trunk.go": "Cause"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		before := len(reasons)
		ast.Inspect(parsed, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(v.Names[0].Name, prefix) || len(v.Values) != 1 {
				return true
			}
			if lit, ok := v.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				reasons = append(reasons, text)
			}
			return true
		})
		if len(reasons)-before < 9 {
			t.Errorf("only %d reasons found in %s", len(reasons)-before, file)
		}
	}
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"it", "en"} {
		for _, r := range reasons {
			if !texts.Printer(lang).Has("line.reason." + r) {
				t.Errorf("%s has no words for the reason %q", lang, r)
			}
		}
	}
}
