package arch_test

import (
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"centralino/internal/testbed"
)

// licences are the licences that code we link may have, by the words that only
// they hold. The first row that fits counts.
var licences = []struct {
	name  string
	words []string
}{
	{"Apache-2.0", []string{"Apache License", "Version 2.0"}},
	{"MPL-2.0", []string{"Mozilla Public License", "2.0"}},
	{"ISC", []string{"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice"}},
	{"0BSD", []string{"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted."}},
	{"MIT", []string{"Permission is hereby granted, free of charge, to any person obtaining a copy"}},
	{"BSD", []string{"Redistribution and use in source and binary forms, with or without modification, are permitted"}},
	{"Unlicense", []string{"This is free and unencumbered software released into the public domain"}},
}

// exceptions are modules whose licence is found otherwise, with the reason.
var exceptions = map[string]string{}

// copyleft are files with the text of a GPL in modules that we link, which yet may be
// there, by module and path within it, with the reason.
var copyleft = map[string]string{
	"modernc.org/libc testdata/nsz.repo.hu/libc-test/src/math/crlibm/COPYING": "a test suite in a testdata folder, which Go builds nothing of",
}

var spaces = regexp.MustCompile(`\s+`)

func licenceOf(text string) string {
	text = spaces.ReplaceAllString(text, " ")
	if isGPL(text) {
		return "" // also where the text names another licence beside it
	}
	for _, l := range licences {
		fits := true
		for _, w := range l.words {
			fits = fits && strings.Contains(text, w)
		}
		if fits {
			return l.name
		}
	}
	return ""
}

// gpl is how the texts of the GPL, LGPL and AGPL begin, in capitals; those of other
// licences name them otherwise.
var gpl = regexp.MustCompile(`GNU (LESSER |LIBRARY |AFFERO )?GENERAL PUBLIC LICENSE`)

func isGPL(text string) bool { return gpl.MatchString(spaces.ReplaceAllString(text, " ")) }

// gplFiles lists files of a module, in all of its folders, that are named like a
// licence and hold the text of a GPL.
func gplFiles(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		name := strings.ToUpper(filepath.Base(path))
		if err != nil || e.IsDir() || !licenceFile.MatchString(name) {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && isGPL(string(b)) {
			rel, _ := filepath.Rel(dir, path)
			found = append(found, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Errorf("%s: %v", dir, err)
	}
	return found
}

var licenceFile = regexp.MustCompile(`LICEN[CS]E|COPYING|COPYRIGHT|^[AL]?GPL`)

// TestLicences reads the licence of every module that the box or its tests link,
// for every architecture that the box is built for.
func TestLicences(t *testing.T) {
	dirs := map[string]string{}
	for _, arch := range []string{"amd64", "arm64", "arm"} {
		for path, dir := range testbed.LinkedModules(t, arch) {
			dirs[path] = dir
		}
	}
	var paths []string
	for p := range dirs {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	if len(paths) < 10 {
		t.Fatalf("only %d modules: %v", len(paths), paths)
	}
	for _, p := range paths {
		for _, file := range gplFiles(t, dirs[p]) {
			if copyleft[p+" "+file] == "" {
				t.Errorf("%s: %s is the text of a GPL", p, file)
			}
		}
		if exceptions[p] != "" {
			continue
		}
		var names []string
		entries, err := os.ReadDir(dirs[p])
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		found := ""
		for _, e := range entries {
			name := strings.ToUpper(e.Name())
			if e.IsDir() || !(strings.HasPrefix(name, "LICEN") || strings.HasPrefix(name, "COPYING") || strings.HasPrefix(name, "UNLICENSE")) {
				continue
			}
			names = append(names, e.Name())
			b, err := os.ReadFile(filepath.Join(dirs[p], e.Name()))
			if err != nil {
				t.Error(err)
				continue
			}
			if l := licenceOf(string(b)); l != "" && found == "" {
				found = l
			}
		}
		if found == "" {
			t.Errorf("%s: no licence of the list in %v", p, names)
		}
		t.Logf("%-10s %s", found, p)
	}
}

func TestLicenceOf(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"GPL", "GNU GENERAL PUBLIC LICENSE\nVersion 3", ""},
		{"MIT over line ends", "Permission is hereby granted, free of charge, to any\n person obtaining a copy of", "MIT"},
		{"own words", "You may use this if you are nice.", ""},
	} {
		if got := licenceOf(c.text); got != c.want {
			t.Errorf("%s is taken for %q", c.name, got)
		}
	}
}
