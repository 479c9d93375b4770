package arch_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"centralino/internal/testbed"
)

// textFiles calls f with every text file of the checkout that is ours.
func textFiles(t *testing.T, f func(path string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			switch {
			case p == root:
			case strings.HasPrefix(d.Name(), ".") && d.Name() != ".ci", rel == "data", rel == "bin", rel == "prompts-build":
				return fs.SkipDir
			}
			return nil
		}
		if d.Name() == "go.sum" || !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if bytes.IndexByte(b, 0) < 0 {
			f(rel, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingUnfinished: marks of unfinished work belong into issues.
func TestNothingUnfinished(t *testing.T) {
	marks := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	for _, f := range files(t) {
		for _, g := range f.ast.Comments {
			if m := marks.FindString(g.Text()); m != "" {
				t.Errorf("%s: %s", f.line(g.Pos()), m)
			}
		}
	}
}

// TestNoMachinePaths: nothing in the checkout knows where it lies, who built it
// or where the modules come from.
func TestNoMachinePaths(t *testing.T) {
	places := []string{"/wo" + "rk/[a-z.]", "/ho" + "me/[a-z]", "/ro" + "ot/", "/Use" + "rs/"}
	for _, proxy := range regexp.MustCompile(`https?://([^/,| ]+)`).FindAllStringSubmatch(testbed.GoEnv(t, "GOPROXY"), -1) {
		places = append(places, regexp.QuoteMeta(proxy[1]))
	}
	bad := regexp.MustCompile(strings.Join(places, "|"))
	textFiles(t, func(path string, text []byte) {
		if strings.Contains(path, "testdata/") {
			return // outside messages are kept as they came
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if m := bad.Find(line); m != nil {
				t.Errorf("%s:%d holds %q", path, i+1, m)
			}
		}
	})
}
