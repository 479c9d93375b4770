package view

import (
	"fmt"
	"strings"
	"time"

	"centralino/board/led"
)

// lampPatterns are all patterns that a lamp can show.
func lampPatterns() []led.Pattern {
	out := []led.Pattern{{Kind: led.Off}, {Kind: led.Solid}, {Kind: led.Breathe}, {Kind: led.Wink}, {Kind: led.Pulse},
		{Kind: led.Blink}, {Kind: led.Double}, {Kind: led.Fast}}
	for n := 1; n <= 9; n++ {
		out = append(out, led.Pattern{Kind: led.Code, N: n})
	}
	return out
}

// lampClass is the class of a pattern: "led-wink", "led-code-3".
func lampClass(p led.Pattern) string {
	c := "led-" + strings.ToLower(string(p.Kind))
	if p.Kind == led.Code {
		c += fmt.Sprintf("-%d", min(max(p.N, 1), 9))
	}
	return c
}

// LampStyles is the part of the style sheet that makes the lamps' twin blink: made
// from the patterns of board/led, so that page and box can't disagree. BREATHE is
// drawn softly, as a lamp with a dimmer would show it.
func LampStyles() string {
	var b strings.Builder
	b.WriteString("@layer parts {\n")
	for _, p := range lampPatterns() {
		class, period := lampClass(p), p.Period()
		if period == 0 {
			if lit, _ := p.At(0); lit {
				fmt.Fprintf(&b, ".%s i { opacity: 1; }\n", class)
			}
			continue
		}
		timing := "step-end"
		if p.Kind == led.Breathe {
			timing = "ease-in-out"
		}
		fmt.Fprintf(&b, ".%s i { animation: %s %dms %s infinite; }\n@keyframes %s {", class, class, period.Milliseconds(), timing, class)
		for t := time.Duration(0); t < period; {
			lit, lasts := p.At(t)
			opacity := "0"
			if lit {
				opacity = "1"
			}
			fmt.Fprintf(&b, " %s { opacity: %s; }", percent(t, period), opacity)
			t += lasts
		}
		first := "0"
		if lit, _ := p.At(0); lit {
			first = "1"
		}
		fmt.Fprintf(&b, " 100%% { opacity: %s; } }\n", first)
	}
	b.WriteString("}\n")
	return b.String()
}

func percent(t, period time.Duration) string {
	s := fmt.Sprintf("%.3f", 100*float64(t)/float64(period))
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + "%"
}
