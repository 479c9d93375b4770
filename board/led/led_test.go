package led_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/board"
	"centralino/board/led"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", name, d)
	}
}

// TestTimelines prints every pattern as a timeline, one character for 50 ms.
func TestTimelines(t *testing.T) {
	var b strings.Builder
	for _, k := range []led.Kind{led.Off, led.Solid, led.Breathe, led.Wink, led.Pulse, led.Blink, led.Double, led.Fast} {
		fmt.Fprintf(&b, "%-8s %s\n", k, led.Pattern{Kind: k}.Timeline(5*time.Second))
	}
	for n := 1; n <= 9; n++ {
		p := led.Pattern{Kind: led.Code, N: n}
		fmt.Fprintf(&b, "%-8s %s\n", p, p.Timeline(p.Period()))
	}
	golden(t, "patterns.txt", b.String())
}

// TestTable prints the table of lamps.
func TestTable(t *testing.T) {
	var b strings.Builder
	for _, r := range led.Table {
		fmt.Fprintf(&b, "%-7s %-16s %s\n", r.Lamp, r.State, r.Pattern)
	}
	golden(t, "table.txt", b.String())
}

// look is what an eye takes from a lamp that it watches for a while: how often it
// came on, and the longest light and dark.
type look struct {
	flashes             int
	longest, longestOff time.Duration
	lit                 time.Duration
}

func watch(p led.Pattern, from, length time.Duration) look {
	const tick = 10 * time.Millisecond
	var l look
	var run time.Duration
	was, first := false, true
	for t := from; t < from+length; t += tick {
		on, _ := p.At(t)
		if on != was || first {
			run = 0
			if on && !first {
				l.flashes++
			}
		}
		first = false
		was = on
		run += tick
		if on {
			l.lit += tick
			l.longest = max(l.longest, run)
		} else {
			l.longestOff = max(l.longestOff, run)
		}
	}
	return l
}

// alike reports that an eye could take one for the other: as many flashes but
// for one cut at the edge, and neither light nor dark longer by more than 80 ms.
func alike(a, b look) bool {
	near := func(x, y time.Duration) bool { return max(x, y)-min(x, y) <= 80*time.Millisecond }
	d := a.flashes - b.flashes
	return d >= -1 && d <= 1 && near(a.longest, b.longest) && near(a.longestOff, b.longestOff)
}

// TestNoTwoLookAlike: of the lasting patterns of one lamp no two can be taken for
// each other within 2.5 s, from whatever moment one looks.
func TestNoTwoLookAlike(t *testing.T) {
	of := map[board.Lamp][]led.Pattern{}
	for _, l := range board.Lamps {
		seen := map[led.Pattern]bool{{Kind: led.Off}: true}
		of[l] = []led.Pattern{{Kind: led.Off}}
		for _, r := range led.Table {
			if r.Lamp == l && !seen[r.Pattern] {
				seen[r.Pattern] = true
				of[l] = append(of[l], r.Pattern)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		ps := of[rapid.SampledFrom(board.Lamps).Draw(t, "lamp")]
		a := rapid.IntRange(0, len(ps)-1).Draw(t, "a")
		b := rapid.IntRange(0, len(ps)-1).Draw(t, "b")
		if a == b {
			return
		}
		from := func(name string) time.Duration {
			return time.Duration(rapid.IntRange(0, 500).Draw(t, name)) * 10 * time.Millisecond
		}
		x, y := watch(ps[a], from("from a"), 2500*time.Millisecond), watch(ps[b], from("from b"), 2500*time.Millisecond)
		if alike(x, y) {
			t.Fatalf("%s and %s look alike: %+v %+v", ps[a], ps[b], x, y)
		}
	})
}

// TestCodesCount: watched for a whole period after its dark stretch, a code shows
// exactly its number of flashes and then two seconds of dark, which no lasting
// pattern of the lamp has.
func TestCodesCount(t *testing.T) {
	for n := 1; n <= 9; n++ {
		p := led.Pattern{Kind: led.Code, N: n}
		// From within the dark stretch, so that each flash begins in sight.
		l := watch(p, p.Period()-2*time.Second, p.Period())
		if l.flashes != n || l.longest != 250*time.Millisecond || l.longestOff < 2*time.Second {
			t.Errorf("%s looks like %+v", p, l)
		}
	}
	for _, r := range led.Table {
		if l := watch(r.Pattern, 0, 10*time.Second); r.Pattern.Kind != led.Off && l.longestOff >= 2*time.Second {
			t.Errorf("%s is dark for two seconds", r.Pattern)
		}
	}
}

// TestPatternLaws: At agrees with itself: what it says lasts, lasts.
func TestPatternLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := led.Pattern{
			Kind: rapid.SampledFrom([]led.Kind{led.Off, led.Solid, led.Breathe, led.Wink, led.Pulse, led.Blink, led.Double, led.Code, led.Fast, "odd", ""}).Draw(t, "kind"),
			N:    rapid.IntRange(-3, 12).Draw(t, "n"),
		}
		at := time.Duration(rapid.Int64Range(-1e10, 1e11).Draw(t, "at"))
		lit, lasts := p.At(at)
		if lasts == 0 {
			return
		}
		if still, _ := p.At(at + lasts - 1); still != lit {
			t.Fatalf("%s at %v does not last %v", p, at, lasts)
		}
		if other, _ := p.At(at + lasts); other == lit {
			t.Fatalf("%s at %v lasts longer than %v", p, at, lasts)
		}
	})
}

// TestTexts: the legend has a text for every state and pattern in both languages.
func TestTexts(t *testing.T) {
	for _, lang := range []string{"it", "en"} {
		b, err := os.ReadFile("../../ui/i18n/rules." + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(b, &texts); err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, r := range led.Table {
			want["led."+string(r.State)] = true
		}
		for _, k := range []led.Kind{led.Off, led.Solid, led.Breathe, led.Wink, led.Pulse, led.Blink, led.Double, led.Code, led.Fast} {
			want["led.pattern."+strings.ToLower(string(k))] = true
		}
		for id := range want {
			if texts[id] == "" {
				t.Errorf("%s: no text for %s", lang, id)
			}
		}
		for id := range texts {
			if strings.HasPrefix(id, "led.") && !want[id] {
				t.Errorf("%s: text %s is not used", lang, id)
			}
		}
	}
}
