package outcome

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Limits of a script's text. What goes beyond is a problem, never an error.
const (
	MaxText   = 40 << 10 // octets
	MaxSteps  = 200
	MaxFields = 100 // of a whole script
	maxTrail  = 500 // steps that a walk remembers for going back
)

// Script is a parsed script. It is immutable; parse anew what was edited.
//
// The text form is made of lines. What a line begins with says what it is:
//
//	[id] Title                 a step; the first one is the start
//	! Text                     must be read to the customer, word by word
//	? name* type: Label        a field; * makes it required
//	? name (one | two): Label  a field with choices
//	> Label -> id              a button that leads to another step
//	> name = value -> id       goes there by itself if the answer fits
//	-> id                      goes there otherwise
//	= outcome                  the path ends here with this outcome
//	// Text                    a remark that nobody sees
//	\ Text                     text that begins with one of these signs
//
// All else is text to be said. A way on may also end the path at once: "-> = outcome".
// Types are text, long, number, date, time, phone, email and yesno, with a range where
// it makes sense ("number 1..10", "text 2..40" for the length). Conditions compare with
// =, !=, <, >, <= and >=. {name} in a text stands for an answer, and {customer},
// {number}, {queue}, {site}, {agent} for what the call knows.
type Script struct {
	Steps []Step
	byID  map[string]int
}

// Step is one page of a script.
type Step struct {
	ID, Title string
	Line      int // in the text, from 1
	Parts     []Part
	Branches  []Branch
	Outcome   string // the path ends here; empty: it does not
	outLine   int
}

// PartKind says what stands at a place of a step.
type PartKind string

// Kinds of part.
const (
	PartText    PartKind = "text"
	PartReadout PartKind = "readout" // must be read out and confirmed
	PartField   PartKind = "field"
)

// Part is one thing on the page of a step.
type Part struct {
	Kind  PartKind
	Text  string // of text and readout
	Field Field  // of a field
	Line  int
}

// FieldType is what a field takes.
type FieldType string

// Types of field.
const (
	TypeText   FieldType = "text"
	TypeLong   FieldType = "long"
	TypeNumber FieldType = "number"
	TypeDate   FieldType = "date" // 2026-03-01
	TypeTime   FieldType = "time" // 15:04
	TypePhone  FieldType = "phone"
	TypeEmail  FieldType = "email"
	TypeYesNo  FieldType = "yesno" // "yes" or "no"
	TypeChoice FieldType = "choice"
)

// Field asks for one answer. Min and Max bound a number's value or a text's length in
// characters; where both are 0 nothing is bound.
type Field struct {
	Name, Label string
	Type        FieldType
	Required    bool
	Choices     []string
	Min, Max    float64
}

// Branch is one way on. With a Label it is a button; with a Cond it is taken by
// itself; with neither it is taken otherwise. It leads to a step or to an outcome.
type Branch struct {
	Label   string
	Cond    *Cond
	To      string
	Outcome string
	Line    int
}

// Cond compares the answer to a field.
type Cond struct{ Field, Op, Value string }

// Problem is one thing that is wrong with a script. Code is a text id of ui/i18n,
// Args fill its placeholders.
type Problem struct {
	Line    int               `json:"line"`
	Code    string            `json:"code"`
	Args    map[string]string `json:"args,omitempty"`
	Warning bool              `json:"warning,omitempty"`
}

// Problem codes with their arguments.
const (
	ProblemLong        = "script.long"        // max
	ProblemMany        = "script.many"        // max
	ProblemEmpty       = "script.empty"       //
	ProblemBefore      = "script.before"      // something before the first step
	ProblemStepForm    = "script.stepForm"    // no "[id] Title"
	ProblemStepTwice   = "script.stepTwice"   // step
	ProblemFieldForm   = "script.fieldForm"   // no "? name type: Label"
	ProblemFieldTwice  = "script.fieldTwice"  // field: asked twice in different ways
	ProblemType        = "script.type"        // type
	ProblemRange       = "script.range"       // value
	ProblemChoices     = "script.choices"     // fewer than two choices, or one twice
	ProblemBranchForm  = "script.branchForm"  // a way on without its "-> id"
	ProblemEndTwice    = "script.endTwice"    // a second outcome in one step
	ProblemTarget      = "script.target"      // step: there is no such step
	ProblemOutcome     = "script.outcome"     // outcome: there is no such outcome
	ProblemField       = "script.field"       // field: there is no such field
	ProblemValue       = "script.value"       // field, value: no answer can be this
	ProblemLate        = "script.late"        // field: not asked before it is needed
	ProblemDeadEnd     = "script.deadEnd"     // step: nothing leads on
	ProblemNoOutcome   = "script.noOutcome"   // step: no way from here ends in an outcome
	ProblemUnreachable = "script.unreachable" // step: warning
	ProblemShadowed    = "script.shadowed"    // warning: a way on behind one that is always taken
	ProblemPlaceholder = "script.placeholder" // name
)

// ProblemCodes lists every code, for the test of translations.
func ProblemCodes() []string {
	return []string{
		ProblemLong, ProblemMany, ProblemEmpty, ProblemBefore, ProblemStepForm, ProblemStepTwice, ProblemFieldForm,
		ProblemFieldTwice, ProblemType, ProblemRange, ProblemChoices, ProblemBranchForm, ProblemEndTwice, ProblemTarget,
		ProblemOutcome, ProblemField, ProblemValue, ProblemLate, ProblemDeadEnd, ProblemNoOutcome, ProblemUnreachable,
		ProblemShadowed, ProblemPlaceholder,
	}
}

// Known is what a text may name beside its own fields.
var Known = []string{"customer", "number", "queue", "site", "agent"}

// StepByID returns a step, nil if there is none.
func (s *Script) StepByID(id string) *Step {
	i, ok := s.byID[id]
	if !ok {
		return nil
	}
	return &s.Steps[i]
}

// Fields returns every field once, by name, in order of the text.
func (s *Script) Fields() []Field {
	var out []Field
	seen := map[string]bool{}
	for i := range s.Steps {
		for _, f := range s.Steps[i].Fields() {
			if !seen[f.Name] {
				seen[f.Name] = true
				out = append(out, f)
			}
		}
	}
	return out
}

// Fields returns the fields of a step in order.
func (s *Step) Fields() []Field {
	var out []Field
	for _, p := range s.Parts {
		if p.Kind == PartField {
			out = append(out, p.Field)
		}
	}
	return out
}

// MustRead says whether the step has something that must be read out.
func (s *Step) MustRead() bool {
	return slices.ContainsFunc(s.Parts, func(p Part) bool { return p.Kind == PartReadout })
}

// Buttons returns the step's branches that are buttons, by their place in Branches.
func (s *Step) Buttons() []int {
	var out []int
	for i, b := range s.Branches {
		if b.Label != "" {
			out = append(out, i)
		}
	}
	return out
}

// Automatic says whether the step can be left without a button.
func (s *Step) Automatic() bool {
	return s.Outcome != "" || slices.ContainsFunc(s.Branches, func(b Branch) bool { return b.Label == "" })
}

// Outcomes lists the outcomes that the script names, each once, sorted.
func (s *Script) Outcomes() []string {
	set := map[string]bool{}
	for i := range s.Steps {
		if o := s.Steps[i].Outcome; o != "" {
			set[o] = true
		}
		for _, b := range s.Steps[i].Branches {
			if b.Outcome != "" {
				set[b.Outcome] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Fill puts values in the place of {name}; what has none becomes an ellipsis, so that
// nobody reads a name of ours to a customer.
func Fill(text string, values map[string]string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 {
			break
		}
		n := strings.IndexByte(text[i:], '}')
		if n < 0 || !isName(text[i+1:i+n]) {
			b.WriteString(text[:i+1])
			text = text[i+1:]
			continue
		}
		b.WriteString(text[:i])
		b.WriteString(cmp.Or(values[text[i+1:i+n]], "…"))
		text = text[i+n+1:]
	}
	b.WriteString(text)
	return b.String()
}

// placeholders returns the names that stand in braces.
func placeholders(text string) []string {
	var out []string
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 {
			return out
		}
		text = text[i+1:]
		if n := strings.IndexByte(text, '}'); n >= 0 && isName(text[:n]) {
			out = append(out, text[:n])
			text = text[n+1:]
		}
	}
}

// isName says whether a text can name a step, a field or an outcome: small letters,
// digits, "-" and "_", a letter first, at most 40.
func isName(s string) bool {
	if s == "" || len(s) > 40 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
