package ui

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"centralino/acd/outcome"
	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/view"
)

// scriptProblems says in words what is wrong with a script.
func (v *visit) scriptProblems(doc *office.Document, text string) []api.ScriptProblem {
	out := []api.ScriptProblem{}
	for _, p := range outcome.Check(text, doc) {
		out = append(out, api.ScriptProblem{Line: p.Line, Text: v.p.Args(p.Code, p.Args), Warning: p.Warning})
	}
	return out
}

// scriptCheck is what a draft is judged by besides the office's own rules: a script
// that was changed, or whose outcomes were, must lead everybody to an outcome. Scripts
// that were wrong before do not keep other changes from being made.
func scriptCheck(before, after *office.Document) []office.Problem {
	var out []office.Problem
	for i := range after.Scripts {
		sc := &after.Scripts[i]
		was := before.ScriptByID(sc.ID)
		known := map[string]bool{}
		if was != nil && was.Text == sc.Text {
			for _, p := range outcome.Check(was.Text, before) {
				known[p.Code+p.Args["outcome"]] = true
			}
		}
		for _, p := range outcome.Check(sc.Text, after) {
			if known[p.Code+p.Args["outcome"]] {
				continue
			}
			args := map[string]string{"line": ""}
			for k, a := range p.Args {
				args[k] = a
			}
			out = append(out, office.Problem{Kind: office.KindScript, Object: string(sc.ID), Field: "text", Code: p.Code, Args: args, Warning: p.Warning})
		}
	}
	return out
}

// scriptsModel lists the scripts with what is wrong with them.
func (v *visit) scriptsModel() []api.ScriptState {
	doc := v.doc()
	out := []api.ScriptState{}
	for i := range doc.Scripts {
		sc := &doc.Scripts[i]
		s, _ := outcome.Parse(sc.Text)
		m := api.ScriptState{ID: string(sc.ID), Name: sc.Name, Steps: len(s.Steps), Queues: []string{}, Problems: v.scriptProblems(doc, sc.Text)}
		for j := range doc.Groups {
			if g := &doc.Groups[j]; g.Queue != nil && g.Queue.Script == sc.ID {
				m.Queues = append(m.Queues, g.Name)
			}
		}
		out = append(out, m)
	}
	return out
}

func (v *visit) scripts() error {
	page := view.Scripts{Frame: v.frame(v.p.T("scripts.title")), Scripts: v.scriptsModel(), Tabs: v.tabs()}
	if v.may("POST /scripts/{id}") {
		page.New = "/scripts/new"
	}
	return v.show(http.StatusOK, "scripts", page)
}

func (v *visit) apiScripts() error { return v.json(v.scriptsModel()) }

// theScript is the script of the address; "new" is one that does not stand yet.
func (v *visit) theScript() (office.Script, error) {
	id := v.r.PathValue("id")
	if id == "new" {
		return office.Script{}, nil
	}
	sc := v.doc().ScriptByID(office.ID(id))
	if sc == nil {
		return office.Script{}, errNotFound
	}
	return *sc, nil
}

func (v *visit) script() error {
	sc, err := v.theScript()
	if err != nil {
		return err
	}
	page := view.Script{Name: sc.Name, Text: sc.Text}
	if typed := v.typed(); typed != nil {
		page.Name, page.Text = typed.Get("name"), typed.Get("text")
	}
	if sc.ID == "" && page.Text == "" {
		page.Text = v.scriptExample()
	}
	return v.showScript(http.StatusOK, sc.ID, page)
}

// scriptExample is what a new script begins with.
func (v *visit) scriptExample() string {
	text := v.p.T("scripts.example")
	if list := v.doc().Outcomes; len(list) > 0 {
		return strings.ReplaceAll(text, "OUTCOME", list[0].Name)
	}
	return text
}

func (v *visit) showScript(status int, id office.ID, page view.Script) error {
	doc := v.doc()
	page.ID = string(id)
	title := page.Name
	if id == "" {
		page.ID, title = "new", v.p.T("scripts.new")
	}
	page.Frame = v.frame(title)
	page.Edit = v.may("POST /scripts/{id}")
	page.Problems = v.scriptProblems(doc, page.Text)
	s, _ := outcome.Parse(page.Text)
	page.Steps = len(s.Steps)
	for _, o := range doc.Outcomes {
		page.Outcomes = append(page.Outcomes, view.Pair{Label: o.Name, Value: string(o.ID)})
	}
	return v.show(status, "script", page)
}

// scriptWrite takes the form: with "do" equal to "check" it says what is wrong, else
// the change goes its way as any change of the office.
func (v *visit) scriptWrite() error {
	sc, err := v.theScript()
	if err != nil {
		return err
	}
	name := strings.TrimSpace(v.r.PostFormValue("name"))
	text := strings.TrimRight(strings.ReplaceAll(v.r.PostFormValue("text"), "\r\n", "\n"), "\n ")
	page := view.Script{Name: name, Text: text}
	if v.r.PostFormValue("do") == "check" {
		return v.showScript(http.StatusOK, sc.ID, page)
	}
	id := sc.ID
	if id == "" {
		if id, err = v.s.d.Office.NewID(v.ctx(), office.KindScript); err != nil {
			return err
		}
	}
	n := &draft{title: v.p.T("draft.edit", "what", v.p.T("kind.script")), note: "edit", back: v.r.URL.RequestURI(), values: v.r.PostForm, done: "/scripts/" + string(id)}
	n.edit = func(doc *office.Document) []office.Problem {
		var bad []office.Problem
		if sc.ID == "" && doc.ScriptByID(id) == nil {
			bad = doc.Add(office.KindScript, string(id))
		}
		return slices.Concat(bad, doc.Set(office.KindScript, string(id), "name", name), doc.Set(office.KindScript, string(id), "text", text))
	}
	problems, err := v.propose(n)
	if err != nil || len(problems) == 0 {
		return err
	}
	names := v.namer(v.doc(), nil)
	for _, p := range problems {
		if p.Field == "name" || !strings.HasPrefix(p.Code, "script.") {
			page.Wrong = append(page.Wrong, view.FieldProblem{Field: p.Field, Label: v.fieldLabel(office.KindScript, p.Field), Text: v.problemText(names, p)})
		}
	}
	return v.showScript(http.StatusUnprocessableEntity, sc.ID, page)
}

// --- trying a script ---------------------------------------------------------

// scriptTry goes through a script without a call; where it stands comes back from the
// browser and is not trusted.
func (v *visit) scriptTry() error {
	sc, err := v.theScript()
	if err == nil && sc.ID == "" {
		err = errNotFound
	}
	if err != nil {
		return err
	}
	s, _ := outcome.Parse(sc.Text)
	w := s.Start()
	var wrong []outcome.Wrong
	if raw := v.r.PostFormValue("walk"); raw != "" {
		var sent outcome.Walk
		if json.Unmarshal([]byte(raw), &sent) != nil {
			return errBad
		}
		w, wrong = v.walkOn(s, sent)
	}
	m := v.walkModel(s, w, wrong, nil)
	m.Name, m.Action = sc.Name, "/scripts/"+string(sc.ID)+"/try"
	b, err := json.Marshal(w)
	if err != nil {
		return err
	}
	m.Swap = string(b)
	if !scriptSound(v.doc(), sc.Text) {
		m.Broken = v.scriptProblems(v.doc(), sc.Text)
	}
	m.Frame = v.frame(v.p.T("scripts.try", "name", sc.Name))
	return v.show(http.StatusOK, "scripttry", m)
}

// scriptSound says whether a script can be followed: nothing but warnings.
func scriptSound(doc *office.Document, text string) bool {
	return !slices.ContainsFunc(outcome.Check(text, doc), func(p outcome.Problem) bool { return !p.Warning })
}
