package office_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"centralino/internal/office"
	"centralino/internal/testbed"
)

// TestOwnZones compares each time zone inside the program with Go's own, over years
// that no government changes any more.
func TestOwnZones(t *testing.T) {
	if *update {
		packZones(t)
		t.Skip("packed anew; run again")
	}
	n := 0
	for name, rules := range office.OwnZones {
		n++
		own, err := time.LoadLocationFromTZData(name, rules)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		gos, err := time.LoadLocation(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for at := time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC); at.Year() < 2024; at = at.AddDate(0, 0, 30) {
			if a, b := at.In(own).Format(time.RFC1123Z), at.In(gos).Format(time.RFC1123Z); a != b {
				t.Errorf("%s: %s, Go says %s (-update reads Go's files again)", name, a, b)
				break
			}
		}
	}
	if n < 500 {
		t.Errorf("only %d zones", n)
	}
}

func TestOwnZone(t *testing.T) {
	for _, name := range []string{"Europe/Rome", "Europe/San_Marino", "Africa/Abidjan", "Zulu"} {
		loc, err := office.OwnZone(name)
		if err != nil || loc.String() != name {
			t.Errorf("%s is %v, %v", name, loc, err)
		}
	}
	for _, name := range []string{"Europe/Nowhere", "Europe", "", "../etc/passwd", "Europe/Rome 1", "\n"} {
		if loc, err := office.OwnZone(name); err == nil {
			t.Errorf("%q is %v", name, loc)
		}
	}
}

// packZones makes zoneinfo.gz of the time zones of the Go that runs the test.
func packZones(t *testing.T) {
	all, err := zip.OpenReader(filepath.Join(testbed.GoEnv(t, "GOROOT"), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is one
	for _, f := range all.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		rules, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(z, "%s %d\n%s", f.Name, len(rules), rules)
	}
	if err := errors.Join(z.Close(), os.WriteFile("zoneinfo.gz", packed.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkOwnZone(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := office.OwnZone("Europe/Rome"); err != nil {
			b.Fatal(err)
		}
	}
}
