package office

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxRings of one queue.
const maxRings = 10

// formatRings writes one ring a line: "after=30 lower=1 without=skill-1 group=group-2".
func formatRings(rings []Ring) string {
	var b strings.Builder
	for _, r := range rings {
		b.WriteString("after=" + strconv.FormatFloat(r.After.Seconds(), 'f', -1, 64))
		if r.Lower != 0 {
			b.WriteString(" lower=" + strconv.Itoa(r.Lower))
		}
		if len(r.Without) > 0 {
			b.WriteString(" without=" + strings.ReplaceAll(joinWords(r.Without), " ", ","))
		}
		if r.Group != "" {
			b.WriteString(" group=" + string(r.Group))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// parseRings reads the rings of a queue. Each comes later than the one before.
func parseRings(text string) ([]Ring, *fault) {
	var out []Ring
	for _, l := range lines(text) {
		r, ok := parseRing(l)
		if !ok || len(out) == maxRings {
			return nil, &fault{ProblemRing, map[string]string{"value": l}}
		}
		if len(out) > 0 && r.After <= out[len(out)-1].After {
			return nil, &fault{code: ProblemRingOrder}
		}
		out = append(out, r)
	}
	return out, nil
}

func parseRing(l string) (Ring, bool) {
	var r Ring
	seen := map[string]bool{}
	for _, w := range strings.Fields(l) {
		name, value, ok := strings.Cut(w, "=")
		if !ok || value == "" || seen[name] || !r.put(name, value) {
			return r, false
		}
		seen[name] = true
	}
	return r, seen["after"] && len(seen) > 1 // a ring that gives way in nothing is none
}

// put writes one part of a ring; false if the value can't be.
func (r *Ring) put(name, value string) bool {
	n, err := strconv.Atoi(value)
	switch name {
	case "after":
		r.After = time.Duration(n) * time.Second
		return err == nil && n >= 1 && n <= 7200
	case "lower":
		r.Lower = n
		return err == nil && n >= 1 && n < maxLevel
	case "without":
		for _, id := range strings.Split(value, ",") {
			if id == "" || slices.Contains(r.Without, ID(id)) {
				return false
			}
			r.Without = append(r.Without, ID(id))
		}
		return true
	case "group":
		r.Group = ID(value)
		return true
	}
	return false
}
