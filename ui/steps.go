package ui

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/view"
)

// maxSteps is how many steps the form of a path may send.
const maxSteps = 40

// stepParts reads one line of a path's text form, "hours schedule=x closed=y".
func stepParts(line string) (kind string, parts map[string]string) {
	if words := strings.Fields(line); len(words) > 0 {
		kind = words[0]
	}
	return kind, partsOf(line)
}

// stepKinds says which part names what a step of a kind is about.
var stepKinds = []struct {
	kind office.StepKind
	part string
	of   office.Kind
}{
	{office.StepHours, "schedule", office.KindSchedule},
	{office.StepMessage, "prompt", office.KindPrompt},
	{office.StepMenu, "menu", office.KindMenu},
	{office.StepGroup, "group", office.KindGroup},
	{office.StepPerson, "person", office.KindPerson},
	{office.StepGoto, "path", office.KindPath},
	{office.StepCallback, "group", office.KindGroup},
	{office.StepEnd, "prompt", office.KindPrompt},
}

// stepRows makes the form of a path's steps: one list per step and two empty ones.
func (v *visit) stepRows(names namer, f office.Field, text string) []view.Row {
	var lines []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	var rows []view.Row
	for i := range min(len(lines)+2, maxSteps) {
		name := f.Name + ":" + strconv.Itoa(i)
		kind, parts := "", map[string]string{}
		if i < len(lines) {
			kind, parts = stepParts(lines[i])
		}
		row := view.Row{Name: name, Label: v.p.T("step.nth", "n", i+1), Options: v.stepOptions(names, kind, parts)}
		path := office.Field{Refs: []office.Kind{office.KindPath}}
		for _, d := range dayStates {
			row.More = append(row.More, view.Row{Name: name + ":" + string(d), Class: "if-hours", Label: v.p.T("step.if", "state", v.p.T("day."+string(d))),
				Options: names.refs(path, parts[string(d)], true)})
		}
		ring := view.Row{Name: name + ":ring", Class: "if-ring", Label: v.p.T("step.ring"), Options: []view.Option{{Label: v.p.T("step.ring.standard"), Selected: parts["ring"] == ""}}}
		for _, s := range []string{"10", "15", "20", "30", "45", "60", "90", "120"} {
			ring.Options = append(ring.Options, view.Option{Value: s, Label: s + " " + v.p.T("unit.seconds"), Selected: parts["ring"] == s})
		}
		if r := parts["ring"]; r != "" && !anySelected(ring.Options) {
			ring.Options = append(ring.Options, view.Option{Value: r, Label: r + " " + v.p.T("unit.seconds"), Selected: true})
		}
		row.More = append(row.More, ring)
		rows = append(rows, row)
	}
	return rows
}

func anySelected(list []view.Option) bool {
	for _, o := range list {
		if o.Selected {
			return true
		}
	}
	return false
}

// stepOptions lists everything that a step can do, grouped by kind.
func (v *visit) stepOptions(names namer, kind string, parts map[string]string) []view.Option {
	out := []view.Option{{Label: v.p.T("form.none"), Selected: kind == ""}}
	for _, k := range stepKinds {
		group := v.p.T("step.kind." + string(k.kind))
		if k.kind == office.StepEnd {
			out = append(out, view.Option{Value: "end", Label: v.p.T("step.end.silent"), Group: group, Selected: kind == "end" && parts["prompt"] == ""})
		}
		for _, id := range names.doc.IDs(k.of) {
			if k.kind == office.StepCallback && names.doc.GroupByID(office.ID(id)).Queue == nil {
				continue // only a queue calls back
			}
			out = append(out, view.Option{Value: string(k.kind) + " " + k.part + "=" + id, Label: group + ": " + names.object(k.of, id), Group: group,
				Selected: kind == string(k.kind) && parts[k.part] == id})
		}
	}
	return out
}

// readSteps turns the form of a path into its text.
func readSteps(f office.Field, form url.Values) string {
	var out []string
	for i := range maxSteps {
		name := f.Name + ":" + strconv.Itoa(i)
		line := strings.TrimSpace(form.Get(name))
		if line == "" {
			continue
		}
		part := func(p string) {
			if val := strings.TrimSpace(form.Get(name + ":" + p)); val != "" {
				line += " " + p + "=" + val
			}
		}
		switch kind, _ := stepParts(line); office.StepKind(kind) {
		case office.StepHours:
			for _, d := range dayStates {
				part(string(d))
			}
		case office.StepGroup, office.StepPerson:
			part("ring")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// stepLine says in words what one line of a path's text form does.
func (v *visit) stepLine(n namer, line string) string {
	kind, parts := stepParts(line)
	s := office.Step{Kind: office.StepKind(kind), Schedule: office.ID(parts["schedule"]), Prompt: office.ID(parts["prompt"]), Menu: office.ID(parts["menu"]),
		Group: office.ID(parts["group"]), Person: journal.SubjectID(parts["person"]), Path: office.ID(parts["path"]), On: map[office.DayState]office.ID{}}
	if sec, err := strconv.Atoi(parts["ring"]); err == nil {
		s.Ring = time.Duration(sec) * time.Second
	}
	for _, d := range dayStates {
		if to := parts[string(d)]; to != "" {
			s.On[d] = office.ID(to)
		}
	}
	m := v.stepModel(n, &s)
	if len(m.Branches) > 0 && s.Kind == office.StepHours {
		return m.Text + " (" + strings.Join(m.Branches, ", ") + ")"
	}
	return m.Text
}
