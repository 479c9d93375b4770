package outcome_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"centralino/acd/outcome"
	"centralino/internal/office"
)

// faultScript is a script as an office would write it.
const faultScript = `// Written for the repair shop
[hello] Saluto
Buongiorno, {site}, sono {agent}.
In che cosa posso aiutarla?
! Questa telefonata riguarda il suo impianto.
? reason* (guasto | fattura | altro): Perché chiama
> reason = guasto -> fault
> reason = fattura -> bill
> Non ha tempo -> = Da richiamare
-> other

[fault] Guasto
? since data: Da quando
? parts* numero 1..9: Quanti pezzi
? warm sino: Il motore è caldo
> parts > 3 -> = outcome-big
= outcome-fixed

[bill] Fattura
\> Fattura per {customer}
? mail email: Indirizzo
= outcome-fixed

[other] Altro
Di che si tratta?
? what testo 3..20: In breve
> Fatto -> = outcome-fixed
> Richiamare -> = Da richiamare
`

func doc() *office.Document {
	d := office.Empty()
	d.Outcomes = []office.Outcome{
		{ID: "outcome-fixed", Name: "Risolto", Next: office.OutcomeClosed},
		{ID: "outcome-big", Name: "Lavoro grande", Next: office.OutcomeTask},
		{ID: "outcome-later", Name: "Da richiamare", Next: office.OutcomeCallBack, After: 1},
	}
	return d
}

func TestAScriptIsReadAsItIsWritten(t *testing.T) {
	s, problems := outcome.Parse(faultScript)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(s.Steps) != 4 || s.Steps[0].ID != "hello" || s.Steps[0].Title != "Saluto" || s.Steps[0].Line != 2 {
		t.Fatalf("steps: %+v", s.Steps)
	}
	hello := s.Steps[0]
	want := []outcome.Part{
		{Kind: outcome.PartText, Text: "Buongiorno, {site}, sono {agent}.\nIn che cosa posso aiutarla?", Line: 3},
		{Kind: outcome.PartReadout, Text: "Questa telefonata riguarda il suo impianto.", Line: 5},
		{Kind: outcome.PartField, Field: outcome.Field{Name: "reason", Label: "Perché chiama", Type: outcome.TypeChoice, Required: true, Choices: []string{"guasto", "fattura", "altro"}}, Line: 6},
	}
	if d := cmp.Diff(want, hello.Parts); d != "" {
		t.Error(d)
	}
	wantWays := []outcome.Branch{
		{Cond: &outcome.Cond{Field: "reason", Op: "=", Value: "guasto"}, To: "fault", Line: 7},
		{Cond: &outcome.Cond{Field: "reason", Op: "=", Value: "fattura"}, To: "bill", Line: 8},
		{Label: "Non ha tempo", Outcome: "Da richiamare", Line: 9},
		{To: "other", Line: 10},
	}
	if d := cmp.Diff(wantWays, hello.Branches); d != "" {
		t.Error(d)
	}
	if f := s.Steps[1].Fields()[1]; f.Type != outcome.TypeNumber || f.Min != 1 || f.Max != 9 || !f.Required {
		t.Errorf("field: %+v", f)
	}
	if s.Steps[2].Parts[0].Text != "> Fattura per {customer}" {
		t.Errorf("escaped text: %q", s.Steps[2].Parts[0].Text)
	}
	if got := outcome.Check(faultScript, doc()); len(got) > 0 {
		t.Errorf("the linter complains: %v", got)
	}
}

func TestWhatIsWrongWithAScript(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing at all", "", "1 script.empty"},
		{"text before the first step", "Hello\n[a] A\n= outcome-fixed", "1 script.before"},
		{"a step without a name", "[] A\n[b] B\n= outcome-fixed", "1 script.stepForm"},
		{"a step with a capital", "[A] A", "1 script.stepForm"},
		{"a step twice: the second is left out", "[a] A\n= outcome-fixed\n[a] B\n= nothing", "3 script.stepTwice step=a"},
		{"a field without a label", "[a] A\n? name text\n= outcome-fixed", "2 script.fieldForm"},
		{"a field of an unknown type", "[a] A\n? name colour: Colour\n= outcome-fixed", "2 script.type type=colour"},
		{"one choice is no choice", "[a] A\n? x (one): X\n= outcome-fixed", "2 script.choices"},
		{"a range upside down", "[a] A\n? x number 9..1: X\n= outcome-fixed", "2 script.range value=9..1"},
		{"a date has no range", "[a] A\n? x date 1..9: X\n= outcome-fixed", "2 script.range value=1..9"},
		{"a way that leads nowhere", "[a] A\n> Done\n= outcome-fixed", "2 script.branchForm"},
		{"an outcome twice", "[a] A\n= outcome-fixed\n= outcome-big", "3 script.endTwice"},
		{"a dead end", "[a] A\nSay something", "1 script.deadEnd step=a"},
		{"a dead end behind a way", "[a] A\n-> b\n[b] B", "1 script.noOutcome step=a; 3 script.deadEnd step=b"},
		{"conditions that do not cover all", "[a] A\n? x* (one | two): X\n> x = one -> = outcome-fixed", "1 script.deadEnd step=a"},
		{"conditions that cover all choices", "[a] A\n? x* (one | two): X\n> x = one -> = outcome-fixed\n> x = two -> = outcome-big", ""},
		{"all choices, but it need not be answered", "[a] A\n? x (one | two): X\n> x = one -> = outcome-fixed\n> x = two -> = outcome-big", "1 script.deadEnd step=a"},
		{"all choices and no answer", "[a] A\n? x (one | two): X\n> x = one -> = outcome-fixed\n> x = two -> = outcome-big\n> x = -> = outcome-big", ""},
		{"yes and no", "[a] A\n? x* yesno: X\n> x = sì -> = outcome-fixed\n> x = no -> = outcome-big", ""},
		{"a circle", "[a] A\n-> b\n[b] B\n-> a", "1 script.noOutcome step=a; 3 script.noOutcome step=b"},
		{"a circle with a button out", "[a] A\n-> b\n[b] B\n> Stop -> = outcome-fixed\n-> a", ""},
		{"an unknown step", "[a] A\n-> c\n= outcome-fixed", "2 script.target step=c; 3 script.shadowed"},
		{"an unknown outcome", "[a] A\n= Sold", "2 script.outcome outcome=Sold"},
		{"an outcome by its name", "[a] A\n= risolto", ""},
		{"a step that nobody reaches", "[a] A\n= outcome-fixed\n[b] B\n= outcome-fixed", "3 script.unreachable step=b"},
		{"a condition on no field", "[a] A\n> x = 1 -> = outcome-fixed\n= outcome-fixed", "2 script.field field=x"},
		{"a condition on a field that comes later", "[a] A\n> x = 1 -> = outcome-fixed\n-> b\n[b] B\n? x text: X\n= outcome-fixed", "2 script.late field=x"},
		{"a condition on a field that came before", "[a] A\n? x text: X\n-> b\n[b] B\n> x = 1 -> = outcome-fixed\n= outcome-fixed", ""},
		{"a value that is no choice", "[a] A\n? x* (one | two): X\n> x = three -> = outcome-fixed\n= outcome-fixed", "3 script.value field=x value== three"},
		{"choices have no order", "[a] A\n? x* (one | two): X\n> x < two -> = outcome-fixed\n= outcome-fixed", "3 script.value field=x value=< two"},
		{"the same field in two ways", "[a] A\n? x text: X\n? x number: X\n= outcome-fixed", "3 script.fieldTwice field=x"},
		{"an unknown place holder", "[a] A\nHello {nobody}\n= outcome-fixed", "2 script.placeholder name=nobody"},
		{"a way behind one that is always taken", "[a] A\n-> b\n-> b\n[b] B\n= outcome-fixed", "3 script.shadowed"},
		{"too long", "[a] A\n" + strings.Repeat("x", outcome.MaxText) + "\n= outcome-fixed", "1 script.deadEnd step=a; 1 script.long max=40960"},
	} {
		var got []string
		for _, p := range outcome.Check(c.text, doc()) {
			s := fmt.Sprintf("%d %s", p.Line, p.Code)
			for _, k := range slices.Sorted(maps.Keys(p.Args)) {
				s += " " + k + "=" + p.Args[k]
			}
			got = append(got, s)
		}
		slices.Sort(got)
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}

func TestProblemsAreOfTheList(t *testing.T) {
	if codes := outcome.ProblemCodes(); len(slices.Compact(slices.Sorted(slices.Values(codes)))) != len(codes) {
		t.Error("a code stands twice")
	}
}

func TestGoingThroughAScript(t *testing.T) {
	s, _ := outcome.Parse(faultScript)
	type step struct {
		in    outcome.Input
		at    string
		wrong string
	}
	auto := func(read bool, answers ...string) outcome.Input {
		m := map[string]string{}
		for i := 0; i < len(answers); i += 2 {
			m[answers[i]] = answers[i+1]
		}
		return outcome.Input{Answers: m, Read: read, Button: -1}
	}
	for _, c := range []struct {
		name    string
		steps   []step
		outcome string
	}{
		{"the readout and the answer are asked for", []step{{auto(false), "hello", "reason script.answer.required, script.answer.read"}}, ""},
		{"an answer that is no choice", []step{{auto(true, "reason", "x"), "hello", "reason script.answer.choice"}}, ""},
		{"a button interrupts without answers", []step{{outcome.Input{Button: 2}, "", ""}}, "Da richiamare"},
		{"a place that is no button goes on by itself", []step{{outcome.Input{Button: 0}, "hello", "reason script.answer.required, script.answer.read"}}, ""},
		{"a condition leads on", []step{{auto(true, "reason", "guasto"), "fault", ""}, {auto(false, "parts", "4"), "", ""}}, "outcome-big"},
		{"numbers are compared as numbers", []step{{auto(true, "reason", "guasto"), "fault", ""}, {auto(false, "parts", "3,0", "warm", "Sì"), "", ""}}, "outcome-fixed"},
		{"a number out of its range", []step{{auto(true, "reason", "guasto"), "fault", ""}, {auto(false, "parts", "12"), "fault", "parts script.answer.range"}}, ""},
		{"otherwise, and a step with buttons only", []step{{auto(true, "reason", "altro"), "other", ""}, {auto(false), "other", "script.answer.button"}, {outcome.Input{Button: 1}, "", ""}}, "Da richiamare"},
		{"a button does not keep a wrong answer", []step{{auto(true, "reason", "altro"), "other", ""}, {outcome.Input{Button: 0, Answers: map[string]string{"what": "ab"}}, "other", "what script.answer.short"}}, ""},
	} {
		w := s.Start()
		for i, st := range c.steps {
			var wrong []outcome.Wrong
			w, wrong = s.Go(w, st.in)
			var got []string
			for _, x := range wrong {
				got = append(got, strings.TrimSpace(x.Field+" "+x.Code))
			}
			if w.At != st.at || strings.Join(got, ", ") != st.wrong {
				t.Errorf("%s, step %d: at %q, wrong %q; want %q, %q", c.name, i, w.At, got, st.at, st.wrong)
			}
		}
		if w.Outcome != c.outcome || w.Done() != (c.outcome != "") {
			t.Errorf("%s: outcome %q, want %q", c.name, w.Outcome, c.outcome)
		}
	}
}

func TestGoingBackKeepsTheAnswers(t *testing.T) {
	s, _ := outcome.Parse(faultScript)
	w, _ := s.Go(s.Start(), outcome.Input{Answers: map[string]string{"reason": "guasto"}, Read: true, Button: -1})
	w, _ = s.Go(w, outcome.Input{Answers: map[string]string{"parts": "2"}, Button: -1})
	if !w.Done() || w.Answers["parts"] != "2" {
		t.Fatalf("%+v", w)
	}
	w = s.Back(w)
	if w.At != "fault" || w.Done() || w.Answers["parts"] != "2" {
		t.Errorf("back: %+v", w)
	}
	w = s.Back(s.Back(w))
	if w.At != "hello" || !slices.Contains(w.Read, "hello") {
		t.Errorf("back at the start: %+v", w)
	}
}

func TestAWalkFromABrowserIsNotTrusted(t *testing.T) {
	s, _ := outcome.Parse(faultScript)
	w := s.Sane(outcome.Walk{At: "nowhere", Trail: []string{"hello", "evil"}, Answers: map[string]string{"parts": "99", "evil": "x", "warm": "yes"}, Read: []string{"hello", "evil"}, Outcome: "outcome-x"})
	want := outcome.Walk{At: "hello", Answers: map[string]string{"warm": "yes"}, Read: []string{"hello"}}
	if d := cmp.Diff(want, w); d != "" {
		t.Error(d)
	}
}

func TestFillingIn(t *testing.T) {
	v := map[string]string{"customer": "Rossi <b>", "parts": "3"}
	for in, want := range map[string]string{
		"Signor {customer}, {parts} pezzi": "Signor Rossi <b>, 3 pezzi", "{queue}": "…", "{": "{", "{}": "{}", "{ parts}": "{ parts}", "a{b": "a{b", "{{parts}}": "{3}",
	} {
		if got := outcome.Fill(in, v); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// scripts draws scripts of a few steps that refer to each other at random.
func scripts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		n := rapid.IntRange(1, 6).Draw(t, "steps")
		target := func() string {
			if rapid.IntRange(0, 3).Draw(t, "end") == 0 {
				return "= outcome-fixed"
			}
			return fmt.Sprintf("s%d", rapid.IntRange(0, n).Draw(t, "to"))
		}
		for i := range n {
			fmt.Fprintf(&b, "[s%d] Step\n", i)
			if rapid.Bool().Draw(t, "field") {
				fmt.Fprintf(&b, "? f%d%s (a | b): F\n", i, rapid.SampledFrom([]string{"", "*"}).Draw(t, "star"))
				if rapid.Bool().Draw(t, "cond") {
					fmt.Fprintf(&b, "> f%d = a -> %s\n> f%d = b -> %s\n", i, target(), i, target())
				}
			}
			if rapid.Bool().Draw(t, "read") {
				b.WriteString("! Read this\n")
			}
			if rapid.Bool().Draw(t, "button") {
				fmt.Fprintf(&b, "> Press -> %s\n", target())
			}
			if rapid.Bool().Draw(t, "way") {
				fmt.Fprintf(&b, "-> %s\n", target())
			} else if rapid.Bool().Draw(t, "ends") {
				b.WriteString("= outcome-fixed\n")
			}
		}
		return b.String()
	})
}

// TestALintedScriptNeverStrandsAnybody: where the linter is content, every step can be
// left whatever was answered, and somebody who presses on ends in an outcome.
func TestALintedScriptNeverStrandsAnybody(t *testing.T) {
	clean := 0
	rapid.Check(t, func(t *rapid.T) {
		text := scripts().Draw(t, "text")
		if len(outcome.Check(text, doc())) > 0 {
			return
		}
		clean++
		s, _ := outcome.Parse(text)
		w := s.Start()
		for range 200 {
			st := s.StepByID(w.At)
			if st == nil {
				break
			}
			answers := map[string]string{}
			for _, f := range st.Fields() {
				if v := rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "answer"); v != "" || !f.Required {
					answers[f.Name] = v
				} else {
					answers[f.Name] = "a"
				}
			}
			button := -1
			if bs := st.Buttons(); len(bs) > 0 && (!st.Automatic() || rapid.Bool().Draw(t, "press")) {
				button = rapid.SampledFrom(bs).Draw(t, "which")
			}
			next, wrong := s.Go(w, outcome.Input{Answers: answers, Read: true, Button: button})
			if bs := st.Buttons(); len(wrong) == 1 && wrong[0].Code == outcome.WrongButton && len(bs) > 0 {
				next, wrong = s.Go(w, outcome.Input{Answers: answers, Read: true, Button: bs[0]}) // a person sees them
			}
			if len(wrong) > 0 {
				t.Fatalf("stranded at %s with %v: %v\n%s", w.At, answers, wrong, text)
			}
			w = next
		}
		if w.At == "" && !w.Done() {
			t.Fatalf("ended without an outcome\n%s", text)
		}
	})
	if clean == 0 {
		t.Error("no script was clean: the property says nothing")
	}
}

func FuzzScript(f *testing.F) {
	f.Add(faultScript, "hello", "reason", "guasto", 0)
	f.Add("[a] A\n? x* (a|b): X: y\n> x=a->= o\n", "a", "x", "a", -1)
	f.Add("[a]\n?x number 1..2:X\n->a", "b", "", "", 5)
	f.Fuzz(func(t *testing.T, text, at, field, value string, button int) {
		s, _ := outcome.Parse(text)
		outcome.Check(text, doc())
		for i := range s.Steps {
			if s.StepByID(s.Steps[i].ID) != &s.Steps[i] {
				t.Fatalf("step %q is not found by its name", s.Steps[i].ID)
			}
		}
		w := outcome.Walk{At: at, Answers: map[string]string{field: value}, Trail: []string{at, field}}
		for range 3 {
			w, _ = s.Go(w, outcome.Input{Answers: map[string]string{field: value}, Read: true, Button: button})
			if w.At != "" && s.StepByID(w.At) == nil {
				t.Fatalf("the walk is at %q, which does not exist", w.At)
			}
		}
		s.Back(w)
		outcome.Fill(text, map[string]string{field: value})
	})
}
