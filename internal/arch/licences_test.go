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

var spaces = regexp.MustCompile(`\s+`)

func licenceOf(text string) string {
	text = spaces.ReplaceAllString(text, " ")
	if strings.Contains(text, "GNU GENERAL PUBLIC LICENSE") || strings.Contains(text, "GNU LESSER GENERAL PUBLIC LICENSE") || strings.Contains(text, "GNU AFFERO") {
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
