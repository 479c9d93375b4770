package arch_test

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// onTop is what stands in the checkout's first folder beside dot-files and dot-folders.
var onTop = []string{"cmd", "hal", "pbx", "acd", "ui", "board", "image", "internal", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE"}

// TestTopFolders: the named folders are the visible architecture. What git does not
// keep does not count.
func TestTopFolders(t *testing.T) {
	ignored, err := os.ReadFile(root + "/.gitignore")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		name := e.Name()
		seen[name] = true
		if !strings.HasPrefix(name, ".") && !slices.Contains(onTop, name) && !slices.Contains(strings.Fields(string(ignored)), "/"+name+"/") {
			t.Errorf("%s stands beside the folders of the plan", name)
		}
	}
	for _, name := range onTop {
		if !seen[name] && name != "image" { // which is not built yet
			t.Errorf("%s is missing", name)
		}
	}
}

// TestTablesAreTheirRoomsOwn: a room reads and writes its own tables and asks the
// others; above all the table behind the pseudonyms is read by internal/privacy alone.
func TestTablesAreTheirRoomsOwn(t *testing.T) {
	made := regexp.MustCompile(`CREATE TABLE (?:IF NOT EXISTS )?([a-z]+_[a-z_]+)`)
	owner := map[string]string{}
	each := func(f file, do func(text string, at token.Pos)) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				do(text, lit.Pos())
			}
			return true
		})
	}
	for _, f := range files(t) {
		if !f.test {
			each(f, func(text string, _ token.Pos) {
				for _, m := range made.FindAllStringSubmatch(text, -1) {
					owner[m[1]] = f.room
				}
			})
		}
	}
	if owner["privacy_subjects"] != "internal/privacy" || len(owner) < 15 {
		t.Fatalf("tables and their rooms: %v", owner)
	}
	word := regexp.MustCompile(`[a-z]+(?:_[a-z]+)+`)
	for _, f := range files(t) {
		if f.test {
			continue
		}
		each(f, func(text string, at token.Pos) {
			for _, w := range word.FindAllString(text, -1) {
				if o := owner[w]; o != "" && o != f.room {
					t.Errorf("%s names the table %s of %s", f.line(at), w, o)
				}
			}
		})
	}
}
