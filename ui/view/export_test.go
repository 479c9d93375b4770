package view

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"centralino/board/led"
)

// Keyframe is one step of an animation.
type Keyframe struct {
	At  time.Duration
	Lit bool
}

// Keyframes reads the animation of a pattern from a style sheet.
func Keyframes(t *testing.T, css string, p led.Pattern) []Keyframe {
	t.Helper()
	class := lampClass(p)
	m := regexp.MustCompile(`\.` + class + ` i \{ animation: ` + class + ` (\d+)ms step-end infinite; \}\n@keyframes ` + class + ` \{(.*)\}\n`).FindStringSubmatch(css)
	if m == nil {
		t.Fatalf("no animation for %s", p)
	}
	ms, err := strconv.Atoi(m[1])
	if err != nil || time.Duration(ms)*time.Millisecond != p.Period() {
		t.Fatalf("%s repeats after %s ms", p, m[1])
	}
	var out []Keyframe
	for _, f := range regexp.MustCompile(`([0-9.]+)% \{ opacity: ([01]); \}`).FindAllStringSubmatch(m[2], -1) {
		part, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Keyframe{At: time.Duration(part / 100 * float64(p.Period())), Lit: f[2] == "1"})
	}
	return out
}
