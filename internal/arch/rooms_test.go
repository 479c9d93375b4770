package arch_test

import (
	"bytes"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// pure are the rooms that decide and touch nothing.
var pure = []string{"pbx/call", "pbx/route", "pbx/ivr", "pbx/sdp", "acd/engine", "acd/kpi", "internal/audio", "internal/numbering"}

// impure are what a pure room may not import; net/netip is a value.
var impure = []string{"net", "os", "sync", "log", "syscall", "unsafe", "context", "math/rand", "crypto/rand", "database", "io/fs", "io/ioutil", "runtime"}

// clock are the functions of package time that read the clock or make a timer.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// TestPureRooms: no I/O, no goroutine, no clock.
func TestPureRooms(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range files(t) {
		if f.test || !slices.ContainsFunc(pure, func(r string) bool { return under(f.room, r) }) {
			continue
		}
		seen[f.room] = true
		for _, imp := range f.imports {
			if imp == "net/netip" {
				continue
			}
			for _, no := range impure {
				if under(imp, no) {
					t.Errorf("%s imports %s, but %s is a pure room", f.path, imp, f.room)
				}
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine in a pure room", f.line(n.Pos()))
			case *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
				t.Errorf("%s uses a channel in a pure room", f.line(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
					t.Errorf("%s uses time.%s in a pure room", f.line(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
	}
	for _, r := range pure {
		if slices.Contains(plan, r) && !seen[r] {
			t.Logf("pure room %s is not built yet", r)
		}
	}
}

// TestPackageComments: every room says in the file that is named like it what it
// owns; the comment begins the godoc way.
func TestPackageComments(t *testing.T) {
	rooms, of := roomFiles(t)
	for _, r := range rooms {
		first := path.Join(r, path.Base(r)+".go")
		if under(r, "cmd") {
			first = path.Join(r, "main.go")
		}
		found := false
		for _, f := range of[r] {
			if f.path != first {
				if !f.test && f.ast.Doc != nil && len(f.ast.Doc.Text()) > 0 {
					t.Errorf("%s has a package comment; it belongs into %s", f.path, first)
				}
				continue
			}
			found = true
			want := "Package " + f.ast.Name.Name + " "
			if f.ast.Name.Name == "main" {
				want = "Command "
			}
			if doc := f.ast.Doc.Text(); !strings.HasPrefix(doc, want) || len(doc) < 80 {
				t.Errorf("%s: the package comment does not begin with %q or says too little", f.path, want)
			}
		}
		if !found {
			t.Errorf("%s is missing: the first file of a room is named like it", first)
		}
	}
}

// maxLines is what a file of code may have. Longer ones are tables of data, with
// the reason.
const maxLines = 600

var longTables = map[string]string{}

func TestSizes(t *testing.T) {
	for _, f := range files(t) {
		n := bytes.Count(f.src, []byte("\n"))
		if !f.test && n > maxLines && longTables[f.path] == "" {
			t.Errorf("%s has %d lines, more than %d", f.path, n, maxLines)
		}
	}
}

// TestNames: no room and no file is called by what says nothing.
func TestNames(t *testing.T) {
	empty := []string{"util", "utils", "common", "helper", "helpers", "base", "misc", "manager", "types", "models", "shared", "lib"}
	for _, f := range files(t) {
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
		for _, n := range []string{name, path.Base(f.room), f.ast.Name.Name} {
			if slices.Contains(empty, n) {
				t.Errorf("%s: %q says nothing", f.path, n)
			}
		}
	}
}

// TestTestsDoNotSleep: time in tests is virtual.
func TestTestsDoNotSleep(t *testing.T) {
	for _, f := range files(t) {
		if !f.test || slices.Contains(f.imports, "testing/synctest") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && s.Sel.Name == "Sleep" {
					t.Errorf("%s sleeps outside of a synctest bubble", f.line(s.Pos()))
				}
			}
			return true
		})
	}
}
