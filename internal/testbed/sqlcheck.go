package testbed

import (
	"context"
	"database/sql"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"centralino/internal/store"
)

// PrepareAll prepares every SQL constant of a package: each string constant whose
// name begins with "sql" in the Go files of folder dir (tests left out). It returns
// how many there were; a statement that does not prepare against db's schema fails
// the test.
func PrepareAll(t testing.TB, db *store.DB, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range spec.Names {
				if !strings.HasPrefix(name.Name, "sql") || i >= len(spec.Values) {
					continue
				}
				lit, ok := spec.Values[i].(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					t.Errorf("%s: %s is not one plain string", file, name.Name)
					continue
				}
				n++
				query, err := strconv.Unquote(lit.Value)
				if err == nil {
					err = prepare(db, query)
				}
				if err != nil {
					t.Errorf("%s: %s: %v", file, name.Name, err)
				}
			}
			return true
		})
	}
	return n
}

func prepare(db *store.DB, query string) error {
	return db.Write(context.Background(), func(tx *sql.Tx) error {
		s, err := tx.Prepare(query)
		if err != nil {
			return err
		}
		return s.Close()
	})
}
