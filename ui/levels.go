package ui

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"centralino/internal/office"
	"centralino/ui/view"
)

// topLevel is the highest level of a skill, maxRings how many rings a form offers.
const (
	topLevel = 9
	maxRings = 10
)

// levelRows asks for a level of every skill.
func (v *visit) levelRows(names namer, f office.Field, text string) []view.Row {
	have := pairsOf(text)
	var rows []view.Row
	for _, id := range names.doc.IDs(office.KindSkill) {
		rows = append(rows, view.Row{Name: f.Name + ":" + id, Label: names.object(office.KindSkill, id), Options: v.countOptions(topLevel, have[id])})
	}
	return rows
}

// countOptions offers none and the numbers from 1 to top.
func (v *visit) countOptions(top int, chosen string) []view.Option {
	out := []view.Option{{Label: v.p.T("form.none"), Selected: chosen == ""}}
	for n := 1; n <= top; n++ {
		s := strconv.Itoa(n)
		out = append(out, view.Option{Value: s, Label: s, Selected: s == chosen})
	}
	return out
}

// readLevels turns the form of levels into its text.
func readLevels(f office.Field, form url.Values) string {
	var out []string
	for name := range form {
		if id, ok := strings.CutPrefix(name, f.Name+":"); ok && form.Get(name) != "" {
			out = append(out, id+"="+strings.TrimSpace(form.Get(name)))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// ringAfters are the waits that the form of rings offers, in seconds.
var ringAfters = []string{"10", "15", "20", "30", "45", "60", "90", "120", "180", "240", "300", "600"}

// partsOf reads the named parts of one line of a text form, "after=30 lower=1".
func partsOf(line string) map[string]string {
	parts := map[string]string{}
	for w := range strings.FieldsSeq(line) {
		if k, val, ok := strings.Cut(w, "="); ok {
			parts[k] = val
		}
	}
	return parts
}

// ringRows asks for the rings of a queue: those there are, and one empty one.
func (v *visit) ringRows(names namer, f office.Field, text string) []view.Row {
	var rows []view.Row
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if lines[0] != "" {
		lines = append(lines, "")
	}
	for i, line := range lines[:min(len(lines), maxRings)] {
		parts := partsOf(line)
		name := f.Name + ":" + strconv.Itoa(i)
		row := view.Row{Name: name, Label: v.p.T("step.ring.after"), Options: []view.Option{{Label: v.p.T("form.none"), Selected: line == ""}}}
		afters := ringAfters
		if a := parts["after"]; a != "" && !slices.Contains(afters, a) {
			afters = append(slices.Clone(afters), a)
		}
		for _, a := range afters {
			row.Options = append(row.Options, view.Option{Value: a, Label: a + " " + v.p.T("unit.seconds"), Selected: a == parts["after"]})
		}
		without := names.refs(office.Field{Refs: []office.Kind{office.KindSkill}}, parts["without"], true)
		if w := parts["without"]; strings.Contains(w, ",") {
			without = append(without, view.Option{Value: w, Label: names.list(w), Selected: true})
		}
		row.More = []view.Row{
			{Name: name + ":lower", Label: v.p.T("step.ring.lower"), Options: v.countOptions(topLevel-1, parts["lower"])},
			{Name: name + ":without", Label: v.p.T("step.ring.without"), Options: without},
			{Name: name + ":group", Label: v.p.T("step.ring.group"), Options: names.refs(office.Field{Refs: []office.Kind{office.KindGroup}}, parts["group"], true)},
		}
		rows = append(rows, row)
	}
	return rows
}

// list names several objects by their ids, "skill-1,skill-2".
func (n namer) list(ids string) string {
	var words []string
	for _, id := range strings.Split(ids, ",") {
		words = append(words, cmp.Or(n.any(id), id))
	}
	return n.v.p.List(words)
}

// readRings turns the form of rings into its text.
func readRings(f office.Field, form url.Values) string {
	var out []string
	for i := range maxRings {
		name := f.Name + ":" + strconv.Itoa(i)
		after := strings.TrimSpace(form.Get(name))
		if after == "" {
			continue
		}
		line := "after=" + after
		for _, p := range []string{"lower", "without", "group"} {
			if val := strings.TrimSpace(form.Get(name + ":" + p)); val != "" {
				line += " " + p + "=" + val
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// ringLine says in words what one ring does.
func (v *visit) ringLine(n namer, line string) string {
	parts := partsOf(line)
	words := []string{v.p.T("step.ring.words", "seconds", parts["after"])}
	if l := parts["lower"]; l != "" {
		words = append(words, v.p.T("step.ring.lower")+" "+l)
	}
	if w := parts["without"]; w != "" {
		words = append(words, v.p.T("step.ring.without")+" "+n.list(w))
	}
	if g := parts["group"]; g != "" {
		words = append(words, v.p.T("step.ring.group")+" "+cmp.Or(n.any(g), g))
	}
	return strings.Join(words, ", ")
}
