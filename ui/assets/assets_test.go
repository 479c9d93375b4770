package assets_test

import (
	"bytes"
	"compress/gzip"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func zipped(t *testing.T, s string) int {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

func TestSizes(t *testing.T) {
	js, css := read(t, "live.js"), read(t, "app.css")
	if n := strings.Count(js, "\n"); n > 300 {
		t.Errorf("the script has %d lines, 300 are allowed", n)
	}
	if n := zipped(t, js); n > 4<<10 {
		t.Errorf("the script has %d octets compressed, 4096 are allowed", n)
	}
	if n := zipped(t, css); n > 10<<10 {
		t.Errorf("the style sheet has %d octets compressed, 10240 are allowed", n)
	}
	for _, bad := range []string{"eval(", "innerHTML", "document.write", "http://", "https://", "Function("} {
		if strings.Contains(js, bad) {
			t.Errorf("the script uses %s", bad)
		}
	}
}

// tokens reads the style sheet's colours for the light and the dark scheme.
func tokens(t *testing.T) map[string][2][3]float64 {
	t.Helper()
	out := map[string][2][3]float64{}
	hex := func(s string) (c [3]float64) {
		for i := range 3 {
			n, err := strconv.ParseUint(s[2*i:2*i+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c[i] = float64(n) / 255
		}
		return c
	}
	css := read(t, "app.css")
	token := regexp.MustCompile(`--([a-z0-9-]+): #([0-9a-f]{6});`)
	light, dark, ok := strings.Cut(css, "@media screen and (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark scheme")
	}
	for _, m := range token.FindAllStringSubmatch(light, -1) {
		out[m[1]] = [2][3]float64{hex(m[2]), hex(m[2])}
	}
	for _, m := range token.FindAllStringSubmatch(dark, -1) {
		v, known := out[m[1]]
		if !known {
			t.Errorf("--%s has no light value", m[1])
		}
		v[1] = hex(m[2])
		out[m[1]] = v
	}
	return out
}

// contrast is the contrast ratio of WCAG 2.2 (section 1.4.3).
func contrast(a, b [3]float64) float64 {
	lum := func(c [3]float64) float64 {
		for i, x := range c {
			if x <= 0.04045 {
				c[i] = x / 12.92
			} else {
				c[i] = math.Pow((x+0.055)/1.055, 2.4)
			}
		}
		return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2]
	}
	x, y := lum(a), lum(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestColoursHaveContrast(t *testing.T) {
	c := tokens(t)
	check := func(front, back string, least float64) {
		t.Helper()
		f, ok1 := c[front]
		b, ok2 := c[back]
		if !ok1 || !ok2 {
			t.Errorf("no token %s or %s", front, back)
			return
		}
		for i, scheme := range []string{"light", "dark"} {
			if got := contrast(f[i], b[i]); got < least {
				t.Errorf("%s: %s on %s has %.2f:1, want %.1f:1", scheme, front, back, got, least)
			}
		}
	}
	for _, back := range []string{"bg", "surface", "surface-2", "accent-soft", "ok-soft", "warn-soft", "bad-soft", "info-soft"} {
		check("ink", back, 7)
	}
	for _, back := range []string{"bg", "surface", "surface-2", "accent-soft", "warn-soft", "bad-soft", "ok-soft", "info-soft"} {
		check("ink-2", back, 4.5)
	}
	for _, name := range []string{"accent", "accent-2", "ok", "warn", "bad", "info"} {
		check(name, "surface", 4.5)
		check(name, "surface-2", 4.5)
		check(name, "bg", 4.5)
	}
	for _, name := range []string{"ok", "warn", "bad", "info"} {
		check(name, name+"-soft", 4.5)
	}
	check("accent-2", "accent-soft", 4.5)
	check("accent", "accent-soft", 4.5)
	check("on-accent", "accent", 4.5)
	check("on-accent", "accent-2", 4.5)
	check("line-2", "surface", 3) // borders of fields (1.4.11)
	check("line-2", "bg", 3)
}
