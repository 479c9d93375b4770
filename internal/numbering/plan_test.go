package numbering_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"centralino/internal/numbering"

	"pgregory.net/rapid"
)

// italian is the Italian set, written again on purpose: the table must not be
// able to change without this test.
var italian = []string{"112", "113", "114", "115", "117", "118"}

// TestEmergencyIsExact walks every string of up to six digits: the six numbers
// and no other are emergency numbers.
func TestEmergencyIsExact(t *testing.T) {
	p := milan(t)
	found := map[string]bool{}
	buf := make([]byte, 0, 6)
	var walk func()
	walk = func() {
		if p.IsEmergency(string(buf)) {
			found[string(buf)] = true
		}
		if len(buf) == cap(buf) {
			return
		}
		for d := byte('0'); d <= '9'; d++ {
			buf = append(buf, d)
			walk()
			buf = buf[:len(buf)-1]
		}
	}
	walk()
	if len(found) != len(italian) {
		t.Errorf("emergency numbers found: %v", found)
	}
	for _, n := range italian {
		if !found[n] {
			t.Errorf("%s is not an emergency number", n)
		}
	}
}

// planNumber draws a national number of any decade, with an emergency number
// planted somewhere in half of the cases.
func planNumber(t *rapid.T) string {
	heads := []string{"0", "02", "011", "0112", "06", "3", "33", "800", "803", "840", "848", "199", "178", "899", "892", "55", "70",
		"1", "11", "116", "12", "15", "18", "4", "45", "10", "00", "0039", "+39", "+", "+1", "0044"}
	s := rapid.SampledFrom(heads).Draw(t, "head")
	tail := rapid.StringMatching(`[0-9]{0,11}`).Draw(t, "tail")
	if rapid.Bool().Draw(t, "plant") {
		at := rapid.IntRange(0, len(tail)).Draw(t, "at")
		tail = tail[:at] + rapid.SampledFrom(italian).Draw(t, "planted") + tail[at:]
	}
	return s + tail
}

func TestPlanProperties(t *testing.T) {
	p := milan(t)
	rapid.Check(t, func(t *rapid.T) {
		s := planNumber(t)
		n, err := p.Parse(s)
		if (n.Class == numbering.Emergency) != slices.Contains(italian, s) {
			t.Fatalf("%q is taken for %q", s, n.Class)
		}
		if err != nil {
			return
		}
		if !slices.Contains(numbering.Classes(), n.Class) {
			t.Fatalf("%q has the class %q", s, n.Class)
		}
		if n.Class == numbering.Emergency {
			return
		}
		if p.IsEmergency(n.Short) || p.IsEmergency(string(n.E164)) {
			t.Fatalf("%q parses to the emergency number %q", s, n)
		}
		// Every form reads back as the same number and none dials an emergency
		// number.
		for _, f := range []numbering.Form{numbering.FormE164, numbering.Form00, numbering.FormNational, "nonsense"} {
			dial := p.Dial(n, f)
			if p.IsEmergency(dial) {
				t.Fatalf("%q is dialled as emergency %q", s, dial)
			}
			if back, err := p.Parse(dial); err != nil || back != n {
				t.Fatalf("%q written %s is %q and reads back as %q, %v", s, f, dial, back, err)
			}
		}
		if n.E164 != "" {
			if c := p.Caller(string(n.E164)); c.Number != n.E164 {
				t.Fatalf("%q as a caller is %+v", n.E164, c)
			}
			if d := strings.ReplaceAll(p.Display(n.E164), " ", ""); !strings.HasSuffix(string(n.E164), strings.TrimPrefix(d, "+")) {
				t.Fatalf("%q is displayed as %q", n.E164, p.Display(n.E164))
			}
			if c, ok := p.ClassOf(n.E164); !ok || c != n.Class {
				t.Fatalf("class of %q is %q, of its E.164 %q", s, n.Class, c)
			}
		}
	})
}

// TestNoEmergencySubstring is the fault that a peer's product has: with these
// numbers inside, 56 in 100 numbers of Turin would go to the emergency service.
func TestNoEmergencySubstring(t *testing.T) {
	p := milan(t)
	for i := range 100_000 {
		s := fmt.Sprintf("011%07d", i*97+7)
		n, err := p.Parse(s)
		if err != nil || n.Class != numbering.National {
			t.Fatalf("%s: %v %v", s, n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"112", "0112", "+39112", "0212345678", "P", "anonymous", "+", "00", "10", "\x00", "１１２"} {
		f.Add(s)
	}
	p, _ := numbering.New("IT", "02")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := p.Parse(s)
		if (err == nil) == (n == numbering.Number{}) {
			t.Fatalf("Parse(%q) = %+v, %v", s, n, err)
		}
		if (n.Class == numbering.Emergency) != slices.Contains(italian, numbering.Clean(s)) {
			t.Fatalf("Parse(%q) = %+v", s, n)
		}
		for _, e := range append(p.Own(s), p.Caller(s).Number) {
			if len(e) > 16 || strings.Trim(string(e), "+0123456789") != "" {
				t.Fatalf("%q gives the number %q", s, e)
			}
			p.Display(e)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	p := milan(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Parse("0212345678"); err != nil {
			b.Fatal(err)
		}
	}
}
