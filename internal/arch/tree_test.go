package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the checkout, seen from this folder.
const root = "../.."

const module = "centralino"

// file is one Go file of the checkout.
type file struct {
	path    string // from the root, "pbx/route/route.go"
	room    string // its folder, "pbx/route"
	test    bool
	src     []byte
	ast     *ast.File
	fset    *token.FileSet
	imports []string
}

func (f file) line(p token.Pos) string {
	return f.path + ":" + strconv.Itoa(f.fset.Position(p).Line)
}

// goFiles parses all Go files of the checkout, once. It reads them itself and does
// not ask the go command, so that the test cache knows what was read.
var goFiles = sync.OnceValues(func() ([]file, error) {
	var out []file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(rel), src: src, fset: token.NewFileSet(), test: strings.HasSuffix(p, "_test.go")}
		f.room = path.Dir(f.path)
		if f.ast, err = parser.ParseFile(f.fset, p, src, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return err
		}
		for _, i := range f.ast.Imports {
			s, _ := strconv.Unquote(i.Path.Value)
			f.imports = append(f.imports, s)
		}
		out = append(out, f)
		return nil
	})
	return out, err
})

func files(t *testing.T) []file {
	t.Helper()
	fs, err := goFiles()
	if err != nil {
		t.Fatal(err)
	}
	if len(fs) < 50 {
		t.Fatalf("only %d Go files were found: the test looks in the wrong place", len(fs))
	}
	return fs
}

// roomFiles groups the files by room, the rooms sorted.
func roomFiles(t *testing.T) (rooms []string, of map[string][]file) {
	of = map[string][]file{}
	for _, f := range files(t) {
		of[f.room] = append(of[f.room], f)
	}
	for r := range of {
		rooms = append(rooms, r)
	}
	sort.Strings(rooms)
	return rooms, of
}

// under reports whether a room is a folder or stands below it.
func under(room, folder string) bool { return room == folder || strings.HasPrefix(room, folder+"/") }
