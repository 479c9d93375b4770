package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"centralino/internal/testbed"
	"centralino/ui"

	"github.com/google/go-cmp/cmp"
)

var anew = flag.Bool("update", false, "make golden files anew")

// TestLicencesOnThePageAreThoseOfTheModules keeps licences.json.gz true.
func TestLicencesOnThePageAreThoseOfTheModules(t *testing.T) {
	t.Parallel()
	want := []ui.Licence{{Module: "Go", Version: "standard library and runtime", Name: "BSD-3-Clause", Text: goLicence(t)}}
	for _, m := range testbed.ShippedModules(t) {
		texts := licenceTexts(t, m.Dir)
		want = append(want, ui.Licence{Module: m.Path, Version: m.Version, Name: licenceName(texts[0]), Text: strings.Join(texts, "\n\n")})
	}
	if *anew {
		b, err := json.MarshalIndent(want, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is one
		_, err = z.Write(append(b, '\n'))
		if err := errors.Join(err, z.Close(), os.WriteFile("licences.json.gz", packed.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want, linkedLicences()); d != "" {
		t.Errorf("licences.json.gz is not what is linked (go test -run Licences -update makes it anew):\n%.2000s", d)
	}
}

func goLicence(t *testing.T) string {
	b, err := os.ReadFile(filepath.Join(testbed.GoEnv(t, "GOROOT"), "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// licenceTexts reads the licence files of a module, its own first.
func licenceTexts(t *testing.T, dir string) []string {
	var texts []string
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "NOTICE*"} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, n := range names {
			if b, err := os.ReadFile(n); err == nil {
				texts = append(texts, strings.TrimSpace(string(b)))
			}
		}
	}
	if len(texts) == 0 {
		t.Fatalf("%s has no licence file", filepath.Base(dir))
	}
	return texts
}

// licenceName tells the licence by words that only it holds; internal/arch checks
// that it is on the allowed list.
func licenceName(text string) string {
	flat := strings.Join(strings.Fields(text), " ")
	for _, l := range []struct{ words, name string }{
		{"Apache License", "Apache-2.0"},
		{"Mozilla Public License", "MPL-2.0"},
		{"Permission is hereby granted, free of charge", "MIT"},
		{"Neither the name", "BSD-3-Clause"},
		{"Redistribution and use in source and binary forms", "BSD-2-Clause"},
		{"Permission to use, copy, modify", "ISC"},
	} {
		if strings.Contains(flat, l.words) {
			return l.name
		}
	}
	return "see text"
}
