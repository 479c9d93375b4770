package outcome

import (
	"cmp"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Walk is where somebody stands in a script. It is plain data that may come back from
// a browser: a place that the script does not have starts anew.
type Walk struct {
	At      string            `json:"at"` // step; empty once it has ended
	Trail   []string          `json:"trail,omitempty"`
	Answers map[string]string `json:"answers,omitempty"`
	Read    []string          `json:"read,omitempty"`    // steps whose readouts were confirmed
	Outcome string            `json:"outcome,omitempty"` // preselected by the path that was taken
}

// Input is what was done on one step. Button is the place of a button in Branches, or
// -1 to go on by itself.
type Input struct {
	Answers map[string]string
	Read    bool // the readouts were read
	Button  int
}

// Wrong is what is wrong with an answer; Code is a text id. Field is "" for the
// readouts and for a step that asks for a button.
type Wrong struct {
	Field, Code string
	Args        map[string]string
}

// Codes of Wrong.
const (
	WrongRequired = "script.answer.required"
	WrongNumber   = "script.answer.number"
	WrongRange    = "script.answer.range" // min, max
	WrongShort    = "script.answer.short" // min
	WrongLong     = "script.answer.long"  // max
	WrongDate     = "script.answer.date"
	WrongTime     = "script.answer.time"
	WrongPhone    = "script.answer.phone"
	WrongEmail    = "script.answer.email"
	WrongChoice   = "script.answer.choice"
	WrongRead     = "script.answer.read"   // the readouts must be confirmed
	WrongButton   = "script.answer.button" // one of the buttons must be pressed
)

// WrongCodes lists every code, for the test of translations.
func WrongCodes() []string {
	return []string{WrongRequired, WrongNumber, WrongRange, WrongShort, WrongLong, WrongDate, WrongTime, WrongPhone,
		WrongEmail, WrongChoice, WrongRead, WrongButton}
}

// maxAnswer is how many characters any answer may have.
const maxAnswer = 2000

// Start returns a walk at the first step; at no step if the script has none.
func (s *Script) Start() Walk {
	if len(s.Steps) == 0 {
		return Walk{}
	}
	return Walk{At: s.Steps[0].ID}
}

// Sane returns w with what does not belong to the script taken out: unknown steps,
// fields and answers. A walk at no step of the script starts anew, with its answers.
func (s *Script) Sane(w Walk) Walk {
	out := Walk{At: w.At, Outcome: w.Outcome, Answers: map[string]string{}}
	known := map[string]Field{}
	for _, f := range s.Fields() {
		known[f.Name] = f
	}
	for k, v := range w.Answers {
		if f, ok := known[k]; ok && v != "" && checkField(f, v) == "" {
			out.Answers[k] = v
		}
	}
	here := func(id string) bool { return s.StepByID(id) != nil }
	for _, id := range w.Trail {
		if here(id) && len(out.Trail) < maxTrail {
			out.Trail = append(out.Trail, id)
		}
	}
	for _, id := range w.Read {
		if here(id) && !slices.Contains(out.Read, id) {
			out.Read = append(out.Read, id)
		}
	}
	if out.Outcome != "" && slices.Contains(s.Outcomes(), out.Outcome) {
		out.At = ""
		return out
	}
	out.Outcome = ""
	if !here(out.At) {
		out.At, out.Trail = s.Start().At, nil
	}
	return out
}

// Go leaves the present step. A button leaves it as it is, since conversations are
// interrupted; going on by itself asks for every required answer and for the
// readouts. With something wrong the walk stays where it is and keeps the good
// answers.
func (s *Script) Go(w Walk, in Input) (Walk, []Wrong) {
	w = s.Sane(w)
	st := s.StepByID(w.At)
	if st == nil {
		return w, nil
	}
	button := in.Button >= 0 && in.Button < len(st.Branches) && st.Branches[in.Button].Label != ""
	var wrong []Wrong
	for _, f := range st.Fields() {
		v := Normal(f, in.Answers[f.Name])
		code := ""
		switch {
		case v != "":
			code = checkField(f, v)
		case f.Required && !button:
			code = WrongRequired
		}
		switch {
		case code != "":
			wrong = append(wrong, Wrong{Field: f.Name, Code: code, Args: bounds(f)})
		case v == "":
			delete(w.Answers, f.Name)
		default:
			w.Answers[f.Name] = v
		}
	}
	if in.Read && st.MustRead() && !slices.Contains(w.Read, st.ID) {
		w.Read = append(w.Read, st.ID)
	}
	if st.MustRead() && !slices.Contains(w.Read, st.ID) && !button {
		wrong = append(wrong, Wrong{Code: WrongRead})
	}
	if len(wrong) > 0 {
		return w, wrong
	}
	if button {
		return s.leave(w, st.Branches[in.Button]), nil
	}
	for _, b := range st.Branches {
		if b.Label == "" && (b.Cond == nil || s.holds(*b.Cond, w.Answers)) {
			return s.leave(w, b), nil
		}
	}
	if st.Outcome != "" {
		return s.leave(w, Branch{Outcome: st.Outcome}), nil
	}
	return w, []Wrong{{Code: WrongButton}}
}

func (s *Script) leave(w Walk, b Branch) Walk {
	w.Trail = append(slices.Clone(w.Trail), w.At)
	if len(w.Trail) > maxTrail {
		w.Trail = w.Trail[len(w.Trail)-maxTrail:]
	}
	if b.Outcome != "" {
		w.At, w.Outcome = "", b.Outcome
		return w
	}
	if s.StepByID(b.To) != nil {
		w.At = b.To
	}
	return w
}

// Back returns to the step before; answers stay.
func (s *Script) Back(w Walk) Walk {
	w = s.Sane(w)
	n := len(w.Trail)
	if n == 0 {
		return w
	}
	w.At, w.Trail, w.Outcome = w.Trail[n-1], slices.Clone(w.Trail[:n-1]), ""
	return w
}

// Done says whether the walk has ended in an outcome.
func (w Walk) Done() bool { return w.At == "" && w.Outcome != "" }

// holds judges a condition by the answers given so far; an answer that was not given
// is "".
func (s *Script) holds(c Cond, answers map[string]string) bool {
	have := answers[c.Field]
	var f Field
	for _, x := range s.Fields() {
		if x.Name == c.Field {
			f = x
		}
	}
	want := Normal(f, c.Value)
	order := strings.Compare(have, want)
	if f.Type == TypeNumber {
		a, err1 := strconv.ParseFloat(have, 64)
		b, err2 := strconv.ParseFloat(want, 64)
		if err1 != nil || err2 != nil {
			return c.Op == "=" && have == want || c.Op == "!=" && have != want
		}
		order = cmp.Compare(a, b)
	} else if f.Type == TypeText || f.Type == TypeLong || f.Type == TypeEmail {
		if strings.EqualFold(have, want) {
			order = 0
		}
	}
	switch c.Op {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	}
	if have == "" {
		return false
	}
	switch c.Op {
	case "<":
		return order < 0
	case ">":
		return order > 0
	case "<=":
		return order <= 0
	}
	return order >= 0
}

// Normal writes an answer in the one form that is kept: trimmed, a number with a
// point, yes and no in English.
func Normal(f Field, v string) string {
	v = strings.TrimSpace(v)
	switch f.Type {
	case TypeNumber:
		return strings.ReplaceAll(v, ",", ".")
	case TypeYesNo:
		return cmp.Or(yesNo(v), v)
	}
	return v
}

func yesNo(v string) string {
	switch strings.ToLower(v) {
	case "yes", "si", "sì", "true":
		return "yes"
	case "no", "false":
		return "no"
	}
	return ""
}

// checkField says what is wrong with an answer; "" if nothing is.
func checkField(f Field, v string) string {
	n := utf8.RuneCountInString(v)
	if n > maxAnswer {
		return WrongLong
	}
	if f.Type != TypeLong && strings.ContainsFunc(v, unicode.IsControl) {
		return WrongChoice
	}
	switch f.Type {
	case TypeText, TypeLong:
		if f.Max > 0 && n > int(f.Max) {
			return WrongLong
		}
		if n < int(f.Min) {
			return WrongShort
		}
	case TypeNumber:
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || x != x {
			return WrongNumber
		}
		if (f.Min != 0 || f.Max != 0) && (x < f.Min || x > f.Max) {
			return WrongRange
		}
	case TypeDate:
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return WrongDate
		}
	case TypeTime:
		if _, err := time.Parse("15:04", v); err != nil {
			return WrongTime
		}
	case TypePhone:
		digits := strings.Map(func(r rune) rune {
			if strings.ContainsRune(" -.()", r) {
				return -1
			}
			return r
		}, strings.TrimPrefix(v, "+"))
		if len(digits) < 3 || len(digits) > 18 || strings.Trim(digits, "0123456789") != "" {
			return WrongPhone
		}
	case TypeEmail:
		if a, err := mail.ParseAddress(v); err != nil || a.Address != v {
			return WrongEmail
		}
	case TypeYesNo:
		if v != "yes" && v != "no" {
			return WrongChoice
		}
	case TypeChoice:
		if !slices.Contains(f.Choices, v) {
			return WrongChoice
		}
	}
	return ""
}

func bounds(f Field) map[string]string {
	if f.Min == 0 && f.Max == 0 {
		return map[string]string{"min": "1", "max": strconv.Itoa(maxAnswer)}
	}
	return map[string]string{"min": strconv.FormatFloat(f.Min, 'f', -1, 64), "max": strconv.FormatFloat(f.Max, 'f', -1, 64)}
}
