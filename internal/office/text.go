package office

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"centralino/internal/journal"
)

func joinWords[S ~string](list []S) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return strings.Join(out, " ")
}

func splitWords[S ~string](text string) []S {
	var out []S
	for _, w := range strings.Fields(text) {
		out = append(out, S(w))
	}
	return out
}

// lines returns the lines of a text that are not empty, trimmed.
func lines(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func formatMinute(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

// parseMinute reads "09:30" as minutes since midnight; "24:00" is the end of a day.
func parseMinute(s string) (int, bool) {
	hh, mm, ok := strings.Cut(s, ":")
	h, err1 := strconv.Atoi(hh)
	m, err2 := strconv.Atoi(mm)
	if !ok || err1 != nil || err2 != nil || len(hh) > 2 || len(mm) != 2 || h < 0 || h > 24 || m < 0 || m > 59 || h == 24 && m != 0 {
		return 0, false
	}
	return h*60 + m, true
}

func formatSpans(spans []Span) string {
	out := make([]string, len(spans))
	for i, s := range spans {
		out[i] = formatMinute(s.From) + "-" + formatMinute(s.To)
	}
	return strings.Join(out, " ")
}

// parseSpans reads the hours of one day; spans come in order and do not overlap.
func parseSpans(text string) ([]Span, *fault) {
	var out []Span
	for _, w := range strings.Fields(strings.ReplaceAll(text, "–", "-")) {
		from, to, ok := strings.Cut(w, "-")
		a, ok1 := parseMinute(from)
		b, ok2 := parseMinute(to)
		if !ok || !ok1 || !ok2 {
			return nil, &fault{ProblemHours, map[string]string{"value": w}}
		}
		out = append(out, Span{a, b})
	}
	return out, checkSpans(out)
}

func checkSpans(spans []Span) *fault {
	last := 0
	for i, s := range spans {
		if s.From < last || i > 0 && s.From == last || s.To <= s.From || s.To > 24*60 {
			return &fault{ProblemHoursOrder, map[string]string{"value": formatSpans(spans[i : i+1])}}
		}
		last = s.To
	}
	return nil
}

func formatExceptions(list []Exception) string {
	var b strings.Builder
	for _, e := range list {
		b.WriteString(e.Date)
		if len(e.Spans) > 0 {
			b.WriteString(" " + formatSpans(e.Spans))
		}
		if e.Name != "" {
			b.WriteString(" " + e.Name)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// parseExceptions reads one line a date: the date, its spans, its name.
func parseExceptions(text string) ([]Exception, *fault) {
	var out []Exception
	seen := map[string]bool{}
	for _, l := range lines(text) {
		date, rest, _ := strings.Cut(l, " ")
		if _, err := time.Parse(time.DateOnly, date); err != nil || seen[date] {
			return nil, &fault{ProblemDate, map[string]string{"value": date}}
		}
		seen[date] = true
		e := Exception{Date: date}
		words := strings.Fields(rest)
		for len(words) > 0 {
			spans, bad := parseSpans(words[0])
			if bad != nil && bad.code == ProblemHoursOrder {
				return nil, bad
			}
			if bad != nil {
				break // the name begins here
			}
			e.Spans = append(e.Spans, spans...)
			words = words[1:]
		}
		if bad := checkSpans(e.Spans); bad != nil {
			return nil, bad
		}
		e.Name = strings.Join(words, " ")
		out = append(out, e)
	}
	return out, nil
}

func formatOverride(o *Override) string {
	if o == nil {
		return ""
	}
	return string(o.State) + " until " + o.Until.Format(time.RFC3339)
}

func parseOverride(text string) (*Override, *fault) {
	if strings.TrimSpace(text) == "" {
		return nil, nil // no override is a value
	}
	w := strings.Fields(text)
	if len(w) != 3 || w[1] != "until" || !slices.Contains(dayStates, w[0]) {
		return nil, &fault{code: ProblemOverride}
	}
	t, err := time.Parse(time.RFC3339, w[2])
	if err != nil {
		return nil, &fault{code: ProblemOverride}
	}
	return &Override{State: DayState(w[0]), Until: t}, nil
}

// formatMap writes one "key=value" a line, sorted by key.
func formatMap[K, V ~string](m map[K]V) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(string(k) + "=" + string(m[k]) + "\n")
	}
	return b.String()
}

func parseMap[K, V ~string](text string) (map[K]V, *fault) {
	var out map[K]V
	for _, l := range lines(text) {
		k, v, ok := strings.Cut(l, "=")
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		if !ok || k == "" || v == "" {
			return nil, &fault{ProblemPair, map[string]string{"value": l}}
		}
		if _, twice := out[K(k)]; twice {
			return nil, &fault{ProblemDuplicate, map[string]string{"value": k}}
		}
		if out == nil {
			out = map[K]V{}
		}
		out[K(k)] = V(v)
	}
	return out, nil
}

func formatTarget(t Target) string {
	if t == (Target{}) {
		return ""
	}
	return string(t.Kind) + ":" + t.ID
}

func parseTarget(text string) (Target, *fault) {
	if text == "" {
		return Target{}, nil
	}
	kind, id, ok := strings.Cut(text, ":")
	if !ok || targetKinds[TargetKind(kind)] == "" || id == "" {
		return Target{}, &fault{ProblemTarget, map[string]string{"value": text}}
	}
	return Target{TargetKind(kind), id}, nil
}

// formatSteps writes one step a line: its kind and what counts for it.
func formatSteps(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(string(s.Kind))
		part := func(name, value string) {
			if value != "" {
				b.WriteString(" " + name + "=" + value)
			}
		}
		part("schedule", string(s.Schedule))
		for _, state := range dayStates {
			part(state, string(s.On[DayState(state)]))
		}
		part("menu", string(s.Menu))
		part("group", string(s.Group))
		part("person", string(s.Person))
		if s.Ring != 0 {
			part("ring", strconv.FormatFloat(s.Ring.Seconds(), 'f', -1, 64))
		}
		part("path", string(s.Path))
		part("prompt", string(s.Prompt))
		b.WriteByte('\n')
	}
	return b.String()
}

// stepParts says which parts a step of each kind may have; the first is needed
// unless the kind is end.
var stepParts = map[StepKind][]string{
	StepHours:    {"schedule", "open", "break", "closed", "holiday"},
	StepMessage:  {"prompt"},
	StepMenu:     {"menu"},
	StepGroup:    {"group", "ring"},
	StepPerson:   {"person", "ring"},
	StepGoto:     {"path"},
	StepCallback: {"group"},
	StepEnd:      {"prompt"},
}

func parseSteps(text string) ([]Step, *fault) {
	var out []Step
	for _, l := range lines(text) {
		s, ok := parseStep(l)
		if !ok {
			return nil, &fault{ProblemStep, map[string]string{"value": l}}
		}
		out = append(out, s)
	}
	return out, nil
}

func parseStep(l string) (Step, bool) {
	w := strings.Fields(l)
	s := Step{Kind: StepKind(w[0])}
	parts, ok := stepParts[s.Kind]
	if !ok {
		return s, false
	}
	seen := map[string]bool{}
	for _, p := range w[1:] {
		name, value, ok := strings.Cut(p, "=")
		if !ok || value == "" || seen[name] || !slices.Contains(parts, name) || !s.put(name, value) {
			return s, false
		}
		seen[name] = true
	}
	return s, seen[parts[0]] || s.Kind == StepEnd
}

// put writes one part of a step; false if the value can't be.
func (s *Step) put(name, value string) bool {
	switch name {
	case "schedule":
		s.Schedule = ID(value)
	case "menu":
		s.Menu = ID(value)
	case "group":
		s.Group = ID(value)
	case "person":
		s.Person = journal.SubjectID(value)
	case "path":
		s.Path = ID(value)
	case "prompt":
		s.Prompt = ID(value)
	case "ring":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 3600 {
			return false
		}
		s.Ring = time.Duration(n) * time.Second
	default: // a state of the hours
		if s.On == nil {
			s.On = map[DayState]ID{}
		}
		s.On[DayState(name)] = ID(value)
	}
	return true
}
