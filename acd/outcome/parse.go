package outcome

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// typeWords are the words of a type, in the languages of the pages.
var typeWords = map[string]FieldType{
	"text": TypeText, "testo": TypeText, "long": TypeLong, "lungo": TypeLong, "number": TypeNumber, "numero": TypeNumber,
	"date": TypeDate, "data": TypeDate, "time": TypeTime, "ora": TypeTime, "phone": TypePhone, "telefono": TypePhone,
	"email": TypeEmail, "yesno": TypeYesNo, "sino": TypeYesNo,
}

// operators of a condition, the longer ones first.
var operators = []string{"!=", "<=", ">=", "=", "<", ">"}

// parser reads a text line by line.
type parser struct {
	s        *Script
	line     int
	fields   int
	problems []Problem
	lost     bool // what follows belongs to no step
}

// Parse reads a script. It never fails: what it does not understand becomes a
// Problem and is left out. Lint judges what was understood.
func Parse(text string) (*Script, []Problem) {
	p := &parser{s: &Script{byID: map[string]int{}}}
	if len(text) > MaxText {
		p.problem(ProblemLong, "max", strconv.Itoa(MaxText))
		text = text[:MaxText]
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	for line := range strings.Lines(text) {
		p.line++
		p.read(strings.TrimRight(line, "\r\n\t "))
	}
	if len(p.s.Steps) == 0 && len(p.problems) == 0 {
		p.problem(ProblemEmpty)
	}
	for i := range p.s.Steps {
		tidy(&p.s.Steps[i])
	}
	return p.s, p.problems
}

func (p *parser) problem(code string, args ...string) {
	p.problems = append(p.problems, Problem{Line: max(p.line, 1), Code: code, Args: pairs(args)})
}

// pairs makes a map of names and values in turn; nil of none.
func pairs(args []string) map[string]string {
	if len(args) == 0 {
		return nil
	}
	m := make(map[string]string, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		m[args[i]] = args[i+1]
	}
	return m
}

// read takes one line.
func (p *parser) read(line string) {
	t := strings.TrimSpace(line)
	if strings.HasPrefix(t, "[") {
		p.step(t)
		return
	}
	if strings.HasPrefix(t, "//") || p.lost {
		return
	}
	if len(p.s.Steps) == 0 {
		if t != "" {
			p.problem(ProblemBefore)
			p.lost = true
		}
		return
	}
	st := &p.s.Steps[len(p.s.Steps)-1]
	switch {
	case strings.HasPrefix(t, "?"):
		p.field(st, t[1:])
	case strings.HasPrefix(t, "->"):
		p.branch(st, t)
	case strings.HasPrefix(t, ">"):
		p.branch(st, t[1:])
	case strings.HasPrefix(t, "="):
		p.end(st, t[1:])
	case strings.HasPrefix(t, "!"):
		p.text(st, PartReadout, strings.TrimSpace(t[1:]))
	case strings.HasPrefix(t, `\`):
		p.text(st, PartText, strings.TrimSpace(t[1:]))
	default:
		p.text(st, PartText, t)
	}
}

func (p *parser) step(t string) {
	p.lost = false
	id, title, ok := strings.Cut(t[1:], "]")
	id = strings.TrimSpace(id)
	switch {
	case !ok || !isName(id):
		p.problem(ProblemStepForm)
		p.lost = true
	case len(p.s.Steps) >= MaxSteps:
		p.problem(ProblemMany, "max", strconv.Itoa(MaxSteps))
		p.lost = true
	default:
		if _, twice := p.s.byID[id]; twice {
			p.problem(ProblemStepTwice, "step", id)
			p.lost = true
			return
		}
		p.s.byID[id] = len(p.s.Steps)
		p.s.Steps = append(p.s.Steps, Step{ID: id, Title: strings.TrimSpace(title), Line: p.line})
	}
}

// text adds to the text before it, if that is of the same kind.
func (p *parser) text(st *Step, kind PartKind, t string) {
	if n := len(st.Parts); n > 0 && st.Parts[n-1].Kind == kind && kind == PartText {
		st.Parts[n-1].Text += "\n" + t
		return
	}
	if t != "" {
		st.Parts = append(st.Parts, Part{Kind: kind, Text: t, Line: p.line})
	}
}

// tidy takes the blank lines off the ends of texts.
func tidy(st *Step) {
	for i := range st.Parts {
		st.Parts[i].Text = strings.TrimSpace(st.Parts[i].Text)
	}
	st.Parts = slices.DeleteFunc(st.Parts, func(x Part) bool { return x.Kind != PartField && x.Text == "" })
}

// field reads " name* type min..max: Label" or " name (a | b): Label".
func (p *parser) field(st *Step, t string) {
	spec, label := t, ""
	cut := strings.IndexByte(t, ':')
	if open := strings.IndexByte(t, '('); open >= 0 && open < cut {
		end := strings.IndexByte(t, ')')
		cut = -1
		if end > open {
			if c := strings.IndexByte(t[end:], ':'); c >= 0 {
				cut = end + c
			}
		}
	}
	if cut < 0 {
		p.problem(ProblemFieldForm)
		return
	}
	spec, label = t[:cut], strings.TrimSpace(t[cut+1:])
	name, rest, _ := strings.Cut(strings.TrimSpace(spec), " ")
	if i := strings.IndexByte(name, '('); i > 0 {
		name, rest = name[:i], name[i:]+" "+rest
	}
	rest = strings.TrimSpace(rest)
	f := Field{Label: label, Type: TypeText}
	f.Name, f.Required = strings.CutSuffix(name, "*")
	if !isName(f.Name) || label == "" {
		p.problem(ProblemFieldForm)
		return
	}
	if p.fields++; p.fields > MaxFields {
		p.problem(ProblemMany, "max", strconv.Itoa(MaxFields))
		return
	}
	if p.typed(&f, rest) {
		st.Parts = append(st.Parts, Part{Kind: PartField, Field: f, Line: p.line})
	}
}

// typed reads the type and range of a field.
func (p *parser) typed(f *Field, rest string) bool {
	if strings.HasPrefix(rest, "(") {
		inner, after, ok := strings.Cut(rest[1:], ")")
		if !ok || strings.TrimSpace(after) != "" {
			p.problem(ProblemFieldForm)
			return false
		}
		f.Type = TypeChoice
		for c := range strings.SplitSeq(inner, "|") {
			c = strings.TrimSpace(c)
			if c == "" || slices.Contains(f.Choices, c) {
				p.problem(ProblemChoices)
				return false
			}
			f.Choices = append(f.Choices, c)
		}
		if len(f.Choices) < 2 {
			p.problem(ProblemChoices)
			return false
		}
		return true
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return true
	}
	typ, ok := typeWords[words[0]]
	if !ok {
		p.problem(ProblemType, "type", words[0])
		return false
	}
	f.Type = typ
	if len(words) == 1 {
		return true
	}
	low, high, ok := strings.Cut(words[1], "..")
	lo, err1 := strconv.ParseFloat(low, 64)
	hi, err2 := strconv.ParseFloat(high, 64)
	ranged := typ == TypeNumber || typ == TypeText || typ == TypeLong
	bad := err1 != nil || err2 != nil || math.IsNaN(lo) || math.IsNaN(hi) || math.IsInf(lo, 0) || math.IsInf(hi, 0) || lo > hi
	if len(words) > 2 || !ok || !ranged || bad || typ != TypeNumber && (lo < 0 || hi < 1) {
		p.problem(ProblemRange, "value", strings.Join(words[1:], " "))
		return false
	}
	f.Min, f.Max = lo, hi
	return true
}

// branch reads "label -> step", "field op value -> step" or "-> step".
func (p *parser) branch(st *Step, t string) {
	i := strings.LastIndex(t, "->")
	if i < 0 {
		p.problem(ProblemBranchForm)
		return
	}
	how, to := strings.TrimSpace(t[:i]), strings.TrimSpace(t[i+2:])
	b := Branch{Line: p.line}
	if out, ends := strings.CutPrefix(to, "="); ends {
		if b.Outcome = strings.TrimSpace(out); b.Outcome == "" {
			p.problem(ProblemBranchForm)
			return
		}
	} else if !isName(to) {
		p.problem(ProblemBranchForm)
		return
	} else {
		b.To = to
	}
	if how != "" {
		if c := condition(how); c != nil {
			b.Cond = c
		} else {
			b.Label = strings.Trim(how, `"`)
			if b.Label == "" {
				p.problem(ProblemBranchForm)
				return
			}
		}
	}
	st.Branches = append(st.Branches, b)
}

// condition reads "name op value"; nil if the text is none.
func condition(t string) *Cond {
	i := strings.IndexAny(t, "=!<>")
	if i <= 0 {
		return nil
	}
	name := strings.TrimSpace(t[:i])
	if !isName(name) {
		return nil
	}
	for _, op := range operators {
		if rest, ok := strings.CutPrefix(t[i:], op); ok {
			return &Cond{Field: name, Op: op, Value: strings.TrimSpace(rest)}
		}
	}
	return nil
}

func (p *parser) end(st *Step, t string) {
	t = strings.TrimSpace(t)
	switch {
	case t == "":
		p.problem(ProblemBranchForm)
	case st.Outcome != "":
		p.problem(ProblemEndTwice)
	default:
		st.Outcome, st.outLine = t, p.line
	}
}
