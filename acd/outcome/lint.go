package outcome

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"centralino/internal/office"
)

// Check parses and lints a script of an office. Outcomes are known by id or by name.
func Check(text string, doc *office.Document) []Problem {
	s, problems := Parse(text)
	problems = append(problems, Lint(s, func(name string) bool { return Find(doc, name) != nil })...)
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems
}

// Find returns the office's outcome of that id, else of that name (capitals do not
// matter); nil if there is none.
func Find(doc *office.Document, name string) *office.Outcome {
	for i := range doc.Outcomes {
		if string(doc.Outcomes[i].ID) == name {
			return &doc.Outcomes[i]
		}
	}
	for i := range doc.Outcomes {
		if strings.EqualFold(strings.TrimSpace(doc.Outcomes[i].Name), strings.TrimSpace(name)) {
			return &doc.Outcomes[i]
		}
	}
	return nil
}

// Lint judges a parsed script: every way from the start must lead to an outcome that
// exists, whatever is answered. outcome says which outcomes there are.
func Lint(s *Script, outcome func(name string) bool) []Problem {
	l := &linter{s: s, fields: map[string]Field{}, outcome: outcome}
	for i := range s.Steps {
		l.collect(&s.Steps[i])
	}
	for i := range s.Steps {
		l.step(&s.Steps[i])
	}
	if len(s.Steps) > 0 {
		l.graph()
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return l.problems
}

type linter struct {
	s        *Script
	fields   map[string]Field
	outcome  func(string) bool
	problems []Problem
}

func (l *linter) add(line int, code string, args ...string) {
	warning := code == ProblemUnreachable || code == ProblemShadowed
	l.problems = append(l.problems, Problem{Line: line, Code: code, Args: pairs(args), Warning: warning})
}

// collect learns the fields of a step; the same name must be asked the same way.
func (l *linter) collect(st *Step) {
	for _, p := range st.Parts {
		if p.Kind != PartField {
			continue
		}
		if f, twice := l.fields[p.Field.Name]; twice {
			if f.Type != p.Field.Type || !slices.Equal(f.Choices, p.Field.Choices) {
				l.add(p.Line, ProblemFieldTwice, "field", f.Name)
			}
			continue
		}
		l.fields[p.Field.Name] = p.Field
	}
}

// step judges what can be seen on one step alone.
func (l *linter) step(st *Step) {
	for _, p := range st.Parts {
		for _, name := range placeholders(p.Text + " " + p.Field.Label) {
			if _, ok := l.fields[name]; !ok && !slices.Contains(Known, name) {
				l.add(p.Line, ProblemPlaceholder, "name", name)
			}
		}
	}
	always := false
	for _, b := range st.Branches {
		if b.To != "" && l.s.StepByID(b.To) == nil {
			l.add(b.Line, ProblemTarget, "step", b.To)
		}
		if b.Outcome != "" && !l.outcome(b.Outcome) {
			l.add(b.Line, ProblemOutcome, "outcome", b.Outcome)
		}
		if b.Cond != nil {
			l.cond(b)
		}
		if b.Label == "" {
			if always {
				l.add(b.Line, ProblemShadowed)
			}
			always = always || b.Cond == nil
		}
	}
	if st.Outcome != "" {
		if !l.outcome(st.Outcome) {
			l.add(st.outLine, ProblemOutcome, "outcome", st.Outcome)
		}
		if always {
			l.add(st.outLine, ProblemShadowed)
		}
	}
	if !l.leads(st) {
		l.add(st.Line, ProblemDeadEnd, "step", st.ID)
	}
}

// cond judges a condition: its field must exist and its value be one that can be.
func (l *linter) cond(b Branch) {
	f, ok := l.fields[b.Cond.Field]
	if !ok {
		l.add(b.Line, ProblemField, "field", b.Cond.Field)
		return
	}
	ordered := b.Cond.Op != "=" && b.Cond.Op != "!="
	v := b.Cond.Value
	good := true
	switch f.Type {
	case TypeChoice:
		good = !ordered && (v == "" && !f.Required || slices.Contains(f.Choices, v))
	case TypeYesNo:
		good = !ordered && (v == "" && !f.Required || yesNo(v) != "")
	case TypeNumber:
		_, err := strconv.ParseFloat(strings.ReplaceAll(v, ",", "."), 64)
		good = err == nil || v == "" && !ordered
	case TypeDate, TypeTime:
		good = v == "" && !ordered || v != "" && checkField(f, v) == ""
	default:
		good = !ordered
	}
	if !good {
		l.add(b.Line, ProblemValue, "field", f.Name, "value", b.Cond.Op+" "+v)
	}
}

// leads says whether a step can always be left: by a button, otherwise, by its
// outcome, or because its conditions cover every answer.
func (l *linter) leads(st *Step) bool {
	if st.Outcome != "" {
		return true
	}
	covered := map[string]map[string]bool{}
	for _, b := range st.Branches {
		if b.Cond == nil {
			return true // a button, or otherwise
		}
		if b.Cond.Op == "=" {
			if covered[b.Cond.Field] == nil {
				covered[b.Cond.Field] = map[string]bool{}
			}
			v := b.Cond.Value
			if l.fields[b.Cond.Field].Type == TypeYesNo && v != "" {
				v = yesNo(v)
			}
			covered[b.Cond.Field][v] = true
		}
	}
	for name, have := range covered {
		f := l.fields[name]
		all := slices.Clone(f.Choices)
		if f.Type == TypeYesNo {
			all = []string{"yes", "no"}
		}
		if !f.Required {
			all = append(all, "")
		}
		if len(all) > 1 && !slices.ContainsFunc(all, func(v string) bool { return !have[v] }) {
			return true
		}
	}
	return false
}

// next returns the steps that a step leads to.
func (l *linter) next(st *Step) []int {
	var out []int
	for _, b := range st.Branches {
		if i, ok := l.s.byID[b.To]; ok && b.To != "" {
			out = append(out, i)
		}
	}
	return out
}

// graph judges the whole: what is reached, from where an outcome can be reached, and
// what has been asked when it is needed.
func (l *linter) graph() {
	n := len(l.s.Steps)
	reached, ends := make([]bool, n), make([]bool, n)
	queue := []int{0}
	reached[0] = true
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, to := range l.next(&l.s.Steps[at]) {
			if !reached[to] {
				reached[to] = true
				queue = append(queue, to)
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range l.s.Steps {
			st := &l.s.Steps[i]
			end := st.Outcome != "" || slices.ContainsFunc(st.Branches, func(b Branch) bool { return b.Outcome != "" }) ||
				slices.ContainsFunc(l.next(st), func(to int) bool { return ends[to] })
			if end && !ends[i] {
				ends[i], changed = true, true
			}
		}
	}
	for i := range l.s.Steps {
		st := &l.s.Steps[i]
		switch {
		case !reached[i]:
			l.add(st.Line, ProblemUnreachable, "step", st.ID)
		case !ends[i] && l.leads(st):
			l.add(st.Line, ProblemNoOutcome, "step", st.ID)
		}
	}
	l.asked(reached)
}

// asked finds conditions on fields that no way to them has asked.
func (l *linter) asked(reached []bool) {
	before := make([]map[string]bool, len(l.s.Steps)) // fields that some way has asked on arrival
	for i := range before {
		before[i] = map[string]bool{}
	}
	here := func(i int) map[string]bool {
		m := map[string]bool{}
		for k := range before[i] {
			m[k] = true
		}
		for _, f := range l.s.Steps[i].Fields() {
			m[f.Name] = true
		}
		return m
	}
	for changed := true; changed; {
		changed = false
		for i := range l.s.Steps {
			if !reached[i] {
				continue
			}
			m := here(i)
			for _, to := range l.next(&l.s.Steps[i]) {
				for k := range m {
					if !before[to][k] {
						before[to][k], changed = true, true
					}
				}
			}
		}
	}
	for i := range l.s.Steps {
		m := here(i)
		for _, b := range l.s.Steps[i].Branches {
			if b.Cond == nil || !reached[i] {
				continue
			}
			if _, exists := l.fields[b.Cond.Field]; exists && !m[b.Cond.Field] {
				l.add(b.Line, ProblemLate, "field", b.Cond.Field)
			}
		}
	}
}
