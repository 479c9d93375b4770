package ui

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"centralino/internal/office"
	"centralino/ui/view"
)

// spansPerDay is how many stretches of opening hours the form offers a day.
const spansPerDay = 2

// menuKeys are the keys of a telephone, in the order of the form.
var menuKeys = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "*", "#"}

// needed are fields that the schema can't call required, since they belong to one
// kind of line alone, but that a form that shows them needs.
var needed = map[string]bool{"trunk.server": true, "trunk.user": true}

// widget makes the form's widget of a field with its present text.
func (v *visit) widget(names namer, f office.Field, text string) view.Field {
	w := view.Field{Name: f.Name, ID: "f-" + strings.ReplaceAll(f.Name, ".", "-"), Label: v.p.T(f.Label()), Help: v.p.T(f.Help()),
		Type: "text", Value: text, Required: f.Required || needed[f.Name], ReadOnly: !v.mayEdit(f.Role), Min: f.Min, Max: f.Max}
	if e := f.ExampleText(); e != "" {
		w.Example = v.p.T(e)
	}
	if f.Unit != "" {
		w.Unit = v.p.T(f.Unit)
	}
	switch f.Type {
	case office.TypeLong, office.TypeDates:
		w.Type = "long"
	case office.TypeNumber, office.TypeDuration:
		w.Type = "number"
	case office.TypeSwitch:
		w.Type = "switch"
	case office.TypeChoice:
		w.Options = v.choiceOptions(f, text)
	case office.TypeChoices:
		w.Type = "choices"
		have := strings.Fields(text)
		for _, c := range f.Choices {
			w.Options = append(w.Options, view.Option{Value: c, Label: v.choice(f, c), Selected: slices.Contains(have, c)})
		}
	case office.TypeRef:
		w.Options = names.refs(f, text, !f.Required)
	case office.TypeRefs:
		v.refsWidget(&w, names, f, text)
	case office.TypeTarget:
		w.Options = names.targets(text, !f.Required)
	case office.TypePhone:
		w.Type = "phone"
	case office.TypeSecret:
		w.Type, w.Value = "secret", ""
		if text != "" {
			w.Help += " " + v.p.T("form.secret.keep")
		}
	case office.TypeHours:
		w.Type, w.Rows = "hours", []view.Row{{Label: w.Label, Spans: spans(f.Name, text)}}
		if f.Name != "week.1" { // said once is enough
			w.Help = ""
		}
	case office.TypeKeys:
		w.Type = "rows"
		have := pairsOf(text)
		for _, k := range menuKeys {
			w.Rows = append(w.Rows, view.Row{Name: f.Name + ":" + k, Label: v.p.T("menu.key", "key", k),
				Options: names.refs(office.Field{Refs: []office.Kind{office.KindPath}}, have[k], true)})
		}
	case office.TypeLevels:
		w.Type, w.Rows = "rows", v.levelRows(names, f, text)
	case office.TypeRings:
		w.Type, w.Rows = "rows", v.ringRows(names, f, text)
	case office.TypeSteps:
		w.Type, w.Rows = "rows", v.stepRows(names, f, text)
	case office.TypeOverride:
		w.Type, w.Rows = "rows", v.overrideRows(f, text)
	case office.TypeTexts:
		w.Type = "rows"
		have := pairsOf(text)
		for _, lang := range []string{"it", "en"} {
			w.Rows = append(w.Rows, view.Row{Name: f.Name + ":" + lang, Label: v.p.T("lang." + lang), Value: have[lang]})
		}
	}
	return w
}

// localTime is how a browser writes a day and time without a zone.
const localTime = "2006-01-02T15:04"

// overrideRows asks for a state and until when it holds.
func (v *visit) overrideRows(f office.Field, text string) []view.Row {
	state, until, _ := strings.Cut(text, " until ")
	row := view.Row{Name: f.Name + ":state", Label: v.p.T("override.state"), Options: []view.Option{{Label: v.p.T("override.none"), Selected: state == ""}}}
	for _, d := range dayStates {
		row.Options = append(row.Options, view.Option{Value: string(d), Label: v.p.T("day." + string(d)), Selected: state == string(d)})
	}
	if t, err := time.Parse(time.RFC3339, until); err == nil {
		until = t.In(v.s.zone()).Format(localTime)
	}
	return []view.Row{row, {Name: f.Name + ":until", Label: v.p.T("override.until"), Type: "datetime-local", Value: until}}
}

// refsWidget offers several objects: boxes to tick where order means nothing
// (people), else one list per place.
func (v *visit) refsWidget(w *view.Field, names namer, f office.Field, text string) {
	have := strings.Fields(text)
	if slices.Contains(f.Refs, office.KindPerson) {
		w.Type = "members"
		for _, o := range names.refs(f, "", false) {
			o.Selected = slices.Contains(have, o.Value)
			w.Options = append(w.Options, o)
		}
		return
	}
	w.Type = "rows"
	for i := range max(3, len(have)+1) {
		chosen := ""
		if i < len(have) {
			chosen = have[i]
		}
		w.Rows = append(w.Rows, view.Row{Name: f.Name + ":" + strconv.Itoa(i), Label: v.p.T("form.place", "n", i+1), Options: names.refs(f, chosen, true)})
	}
}

// choice is the word of one of a field's choices.
func (v *visit) choice(f office.Field, value string) string {
	for _, key := range []string{"choice." + string(f.Kind) + "." + f.Name + "." + value, "choice." + f.Name[strings.LastIndexByte(f.Name, '.')+1:] + "." + value, "choice." + value} {
		if v.p.Has(key) {
			return v.p.T(key)
		}
	}
	return value
}

func (v *visit) choiceOptions(f office.Field, text string) []view.Option {
	var out []view.Option
	if !f.Required && !slices.Contains(f.Choices, "") {
		out = append(out, view.Option{Label: v.p.T("form.none"), Selected: text == ""})
	}
	for _, c := range f.Choices {
		if c == text || !slices.Contains(f.Unbuilt, c) {
			out = append(out, view.Option{Value: c, Label: v.choice(f, c), Selected: c == text})
		}
	}
	return out
}

// refs lists the objects that a field may refer to.
func (n namer) refs(f office.Field, chosen string, none bool) []view.Option {
	var out []view.Option
	if none || chosen == "" {
		out = append(out, view.Option{Label: n.v.p.T("form.none"), Selected: chosen == ""})
	}
	for _, k := range f.Refs {
		group := ""
		if len(f.Refs) > 1 {
			group = n.v.p.T("kinds." + string(k))
		}
		for _, id := range n.doc.IDs(k) {
			out = append(out, view.Option{Value: id, Label: n.object(k, id), Group: group, Selected: id == chosen})
		}
	}
	return out
}

// targets lists everything that an extension may reach.
func (n namer) targets(chosen string, none bool) []view.Option {
	var out []view.Option
	if none || chosen == "" {
		out = append(out, view.Option{Label: n.v.p.T("form.none"), Selected: chosen == ""})
	}
	for _, k := range []office.Kind{office.KindPerson, office.KindGroup, office.KindPath, office.KindDevice} {
		for _, id := range n.doc.IDs(k) {
			value := string(k) + ":" + id
			out = append(out, view.Option{Value: value, Label: n.object(k, id), Group: n.v.p.T("kinds." + string(k)), Selected: value == chosen})
		}
	}
	return out
}

// spans splits "09:00-13:00 14:00-18:00" into the form's pairs of times.
func spans(field, text string) []view.Span {
	out := make([]view.Span, spansPerDay)
	for i := range out {
		n := field + ":" + strconv.Itoa(i)
		out[i] = view.Span{FromName: n + ":from", ToName: n + ":to"}
	}
	for i, s := range strings.Fields(text) {
		from, to, _ := strings.Cut(s, "-")
		if i == len(out) {
			n := field + ":" + strconv.Itoa(i)
			out = append(out, view.Span{FromName: n + ":from", ToName: n + ":to"})
		}
		if to == "24:00" {
			to = "00:00" // the browser's clock has no 24:00; read back as midnight at the end
		}
		out[i].From, out[i].To = from, to
	}
	return out
}

// pairsOf reads lines of "key=value".
func pairsOf(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if k, val, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			m[k] = val
		}
	}
	return m
}

// posted says whether a form carries a field at all. A box that is not ticked
// sends nothing, so these count as carried always.
func posted(f office.Field, form url.Values) bool {
	switch f.Type {
	case office.TypeSwitch, office.TypeChoices:
		return true
	case office.TypeRefs:
		return true
	case office.TypeHours, office.TypeKeys, office.TypeSteps, office.TypeTexts, office.TypeOverride, office.TypeLevels, office.TypeRings:
		for name := range form {
			if strings.HasPrefix(name, f.Name+":") {
				return true
			}
		}
		return false
	}
	return form.Has(f.Name)
}

// readField turns what a form sent for a field into the text of office.Set. have is
// the present text, for what the form does not show.
func readField(f office.Field, form url.Values, have string, zone *time.Location) string {
	get := func(name string) string { return strings.TrimSpace(strings.ReplaceAll(form.Get(name), "\r\n", "\n")) }
	switch f.Type {
	case office.TypeSwitch:
		return strconv.FormatBool(form.Get(f.Name) == "true")
	case office.TypeChoices:
		var out []string
		for _, c := range f.Choices {
			if slices.Contains(form[f.Name], c) {
				out = append(out, c)
			}
		}
		return strings.Join(out, " ")
	case office.TypeRefs:
		return readRefs(f, form, have)
	case office.TypeHours:
		var out []string
		for i := range 8 {
			n := f.Name + ":" + strconv.Itoa(i)
			from, to := get(n+":from"), get(n+":to")
			if from == "" && to == "" {
				continue
			}
			if to == "00:00" {
				to = "24:00"
			}
			out = append(out, cmp.Or(from, "?")+"-"+cmp.Or(to, "?"))
		}
		return strings.Join(out, " ")
	case office.TypeKeys:
		var out []string
		for _, k := range menuKeys {
			if p := get(f.Name + ":" + k); p != "" {
				out = append(out, k+"="+p)
			}
		}
		slices.Sort(out)
		return strings.Join(out, "\n")
	case office.TypeTexts:
		var out []string
		for _, lang := range []string{"en", "it"} {
			if t := get(f.Name + ":" + lang); t != "" {
				out = append(out, lang+"="+strings.Join(strings.Fields(t), " "))
			}
		}
		return strings.Join(out, "\n")
	case office.TypeSteps:
		return readSteps(f, form)
	case office.TypeLevels:
		return readLevels(f, form)
	case office.TypeRings:
		return readRings(f, form)
	case office.TypeOverride:
		state, until := get(f.Name+":state"), get(f.Name+":until")
		if state == "" {
			return ""
		}
		_, was, _ := strings.Cut(have, " until ")
		if t, err := time.Parse(time.RFC3339, was); err == nil && t.In(zone).Format(localTime) == until {
			return state + " until " + was // the form shows no seconds: keep them
		}
		if t, err := time.ParseInLocation(localTime, until, zone); err == nil {
			until = t.UTC().Format(time.RFC3339)
		}
		return state + " until " + cmp.Or(until, "?")
	}
	return get(f.Name)
}

// readRefs keeps the present order of those that stay and adds the new ones behind.
func readRefs(f office.Field, form url.Values, have string) string {
	var sent []string
	if slices.Contains(f.Refs, office.KindPerson) {
		sent = form[f.Name]
	} else {
		for i := range 64 {
			if s := strings.TrimSpace(form.Get(f.Name + ":" + strconv.Itoa(i))); s != "" && !slices.Contains(sent, s) {
				sent = append(sent, s)
			}
		}
		return strings.Join(sent, " ")
	}
	var out []string
	for _, h := range strings.Fields(have) {
		if slices.Contains(sent, h) {
			out = append(out, h)
		}
	}
	for _, s := range sent {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}
