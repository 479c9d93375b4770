package voicemodem

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestKeysHeardTwiceAreToldOnce(t *testing.T) {
	const ms = time.Millisecond
	type heard struct {
		who   int
		digit byte
		at    time.Duration
	}
	for _, c := range []struct {
		name  string
		heard []heard
		want  string
	}{
		{"only we hear", []heard{{ours, '1', 0}}, "1"},
		{"only the modem hears", []heard{{theirs, '1', 0}}, "1"},
		{"we hear first", []heard{{ours, '1', 0}, {theirs, '1', 40 * ms}}, "1"},
		{"the modem hears first", []heard{{theirs, '1', 0}, {ours, '1', 40 * ms}}, "1"},
		{"the same key twice, both hear both", []heard{{ours, '1', 0}, {theirs, '1', 60 * ms}, {ours, '1', 160 * ms}, {theirs, '1', 220 * ms}}, "11"},
		{"the same key twice, the modem is late", []heard{{ours, '1', 0}, {ours, '1', 160 * ms}, {theirs, '1', 200 * ms}, {theirs, '1', 360 * ms}}, "11"},
		{"two keys crosswise", []heard{{ours, '1', 0}, {ours, '2', 160 * ms}, {theirs, '1', 170 * ms}, {theirs, '2', 300 * ms}}, "12"},
		{"the same key again a second later", []heard{{ours, '1', 0}, {theirs, '1', 1000 * ms}}, "11"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k keys
			start, got := time.Unix(0, 0), ""
			for _, h := range c.heard {
				if k.hear(h.who, h.digit, start.Add(h.at)) {
					got += string(h.digit)
				}
			}
			if got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// Whoever hears all presses, however late the other one is within its limit, each
// press is told once and in order.
func TestKeysInAnyOrderOfHearing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pressed := rapid.StringMatching(`[0-9]{1,20}`).Draw(t, "keys")
		lag := time.Duration(rapid.IntRange(0, 300).Draw(t, "lag")) * time.Millisecond
		var k keys
		at, got := time.Unix(0, 0), ""
		const apart = 150 * time.Millisecond
		next := 0
		for i := range len(pressed) {
			for ; next < i && at.Add(apart*time.Duration(next)).Add(lag).Before(at.Add(apart*time.Duration(i))); next++ {
				if k.hear(theirs, pressed[next], at.Add(apart*time.Duration(next)).Add(lag)) {
					t.Fatalf("the modem's late report of key %d was told again", next)
				}
			}
			if k.hear(ours, pressed[i], at.Add(apart*time.Duration(i))) {
				got += pressed[i : i+1]
			}
		}
		if got != pressed {
			t.Fatalf("pressed %s, told %s", pressed, got)
		}
	})
}
