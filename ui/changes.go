package ui

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/ui/api"
)

// changes writes a difference in words: one entry per object that came or went,
// with its fields as parts, and one per field that changed. Names of what went are
// taken from before, all others from after.
func (v *visit) changes(before, after *office.Document, list []office.Change, names map[journal.SubjectID]string) []api.Change {
	was, is := v.namer(before, names), v.namer(after, names)
	out := []api.Change{}
	whole := map[string]int{} // object -> its entry in out
	for _, c := range list {
		n := is
		if c.Op == office.Removed {
			n = was
		}
		key := string(c.Kind) + "\x00" + c.ID
		if c.Field == "" && c.Op != office.Changed {
			out = append(out, api.Change{Op: opWord(c.Op), Object: n.titled(c.Kind, c.ID)})
			whole[key] = len(out) - 1
			continue
		}
		m := api.Change{Op: opWord(c.Op), Object: n.titled(c.Kind, c.ID), Field: v.fieldLabel(c.Kind, c.Field),
			From: v.valueWords(was, c.Kind, c.Field, c.From), To: v.valueWords(is, c.Kind, c.Field, c.To)}
		if i, ok := whole[key]; ok {
			out[i].Parts = append(out[i].Parts, m)
			continue
		}
		if c.Kind != office.KindPerson && c.Field != "" {
			m.Op = "mod"
		}
		if c.Field == "members" {
			m.From, m.To = v.memberWords(was, is, c)
		}
		out = append(out, m)
	}
	return out
}

func opWord(op office.ChangeOp) string {
	switch op {
	case office.Added:
		return "add"
	case office.Removed:
		return "del"
	}
	return "mod"
}

// memberWords names only those who came and those who left a list.
func (v *visit) memberWords(was, is namer, c office.Change) (string, string) {
	old, now := strings.Fields(c.From), strings.Fields(c.To)
	var left, came []string
	for _, id := range old {
		if !slices.Contains(now, id) {
			left = append(left, was.person(journal.SubjectID(id)))
		}
	}
	for _, id := range now {
		if !slices.Contains(old, id) {
			came = append(came, is.person(journal.SubjectID(id)))
		}
	}
	if len(left)+len(came) == 0 { // only the order changed
		return v.valueWords(was, c.Kind, c.Field, c.From), v.valueWords(is, c.Kind, c.Field, c.To)
	}
	return v.p.List(left), v.p.List(came)
}

// renames are the people whose name is changed by a draft without being in the
// document's difference.
func (v *visit) renames(n *draft) []api.Change {
	var out []api.Change
	for id, name := range n.names {
		old := v.namer(v.doc(), nil).person(id)
		out = append(out, api.Change{Op: "mod", Object: v.p.T("kind.person") + " " + old, Field: v.p.T("people.name"), From: old, To: name})
	}
	return out
}

// valueWords writes a field's text for people.
func (v *visit) valueWords(n namer, k office.Kind, field, text string) string {
	f, ok := office.FieldOf(k, field)
	if !ok {
		base, _, _ := strings.Cut(field, ".")
		if f, ok = office.FieldOf(k, base); !ok {
			return cmp.Or(n.any(text), text)
		}
	}
	return v.fieldWords(n, f, text)
}

// recordingWords names the recordings of a prompt: language and the first digits
// of their content's hash, by which two can be told apart.
func (v *visit) recordingWords(text string) string {
	have := pairsOf(text)
	var words []string
	for _, lang := range slices.Sorted(maps.Keys(have)) {
		words = append(words, v.p.T("prompts.recording", "lang", v.p.T("lang."+lang), "id", have[lang][:min(8, len(have[lang]))]))
	}
	return strings.Join(words, ", ")
}

// fieldWords writes the text of a field of the schema for people.
func (v *visit) fieldWords(n namer, f office.Field, text string) string {
	if text == "" {
		return ""
	}
	switch f.Type {
	case office.TypeSwitch:
		if text == "true" {
			return v.p.T("yes")
		}
		return v.p.T("no")
	case office.TypeChoice:
		return v.choice(f, text)
	case office.TypeChoices:
		var words []string
		for _, c := range strings.Fields(text) {
			words = append(words, v.choice(f, c))
		}
		return v.p.List(words)
	case office.TypeNumber, office.TypeDuration:
		if f.Unit != "" {
			return text + " " + v.p.T(f.Unit)
		}
	case office.TypeRef:
		return cmp.Or(n.any(text), text)
	case office.TypeRefs:
		var words []string
		for _, id := range strings.Fields(text) {
			words = append(words, cmp.Or(n.any(id), id))
		}
		return v.p.List(words)
	case office.TypeTarget:
		_, id, _ := strings.Cut(text, ":")
		return cmp.Or(n.any(id), text)
	case office.TypePhone:
		return v.number(n.doc, numbering.E164(text))
	case office.TypeSecret:
		return "••••••••"
	case office.TypeOverride:
		state, until, _ := strings.Cut(text, " until ")
		if t, err := time.Parse(time.RFC3339, until); err == nil {
			return v.p.T("override.words", "state", v.p.T("day."+state), "time", v.p.DateTime(t.In(v.s.zone())))
		}
	case office.TypeHours:
		return strings.ReplaceAll(strings.ReplaceAll(text, "-", "–"), " ", ", ")
	case office.TypeKeys:
		var words []string
		for line := range strings.Lines(text) {
			key, id, _ := strings.Cut(strings.TrimSpace(line), "=")
			words = append(words, key+" → "+cmp.Or(n.any(id), id))
		}
		return strings.Join(words, ", ")
	case office.TypeLevels:
		var words []string
		for line := range strings.Lines(text) {
			id, level, _ := strings.Cut(strings.TrimSpace(line), "=")
			words = append(words, cmp.Or(n.any(id), id)+" "+level)
		}
		return strings.Join(words, ", ")
	case office.TypeRings:
		var words []string
		for line := range strings.Lines(text) {
			words = append(words, v.ringLine(n, line))
		}
		return strings.Join(words, "; ")
	case office.TypeSteps:
		var words []string
		for line := range strings.Lines(text) {
			words = append(words, v.stepLine(n, strings.TrimSpace(line)))
		}
		return strings.Join(words, " → ")
	case office.TypeTexts:
		if f.Kind == office.KindPrompt && f.Name == "audio" {
			return v.recordingWords(text)
		}
		return strings.ReplaceAll(text, "\n", "; ")
	case office.TypeDates, office.TypeLong:
		return strings.ReplaceAll(text, "\n", "; ")
	}
	return text
}
