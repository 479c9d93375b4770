package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTestsByEar keeps true the list of tests that `make test` may run once more: each
// is judged by AssertHears, and none is about kills, damage, floods, emergencies,
// exits or the whole-box simulation, where a second chance would hide a fault.
func TestTestsByEar(t *testing.T) {
	script, err := os.ReadFile("../testbed/test.sh")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?s)EAR="(.*?)"`).FindSubmatch(script)
	if m == nil {
		t.Fatal("the script has no list")
	}
	listed := strings.Fields(strings.ReplaceAll(string(m[1]), "\\\n", " "))
	slices.Sort(listed)
	var heard []string
	files, _ := filepath.Glob("../../cmd/appliance/*_test.go")
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && strings.HasPrefix(fn.Name.Name, "Test") && calls(fn, "AssertHears") {
				heard = append(heard, fn.Name.Name)
			}
		}
	}
	slices.Sort(heard)
	if !slices.Equal(listed, heard) {
		t.Errorf("test.sh lists %v, AssertHears judges %v", listed, heard)
	}
	never := regexp.MustCompile(`^Test(Killed|WholeBox|Emergency|.*Burst|.*Damage|Exit|FullDisk|.*Stops$)`)
	for _, name := range listed {
		if never.MatchString(name) {
			t.Errorf("%s may never run once more", name)
		}
	}
}

func calls(fn *ast.FuncDecl, name string) bool {
	found := false
	ast.Inspect(fn, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			found = true
		}
		return !found
	})
	return found
}
