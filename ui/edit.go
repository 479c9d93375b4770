package ui

import (
	"cmp"
	"database/sql"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/view"
)

type writer = func(tx *sql.Tx) error

// singles are the kinds of which there is one, without an id.
var singles = map[office.Kind]bool{office.KindSite: true, office.KindOutbound: true, office.KindMail: true, office.KindCodes: true}

// subject is what a form is about.
type subject struct {
	kind office.Kind
	id   string // empty for singles and new objects
	make bool   // a new object
}

// subject reads the kind and id of the address; new objects are made by "new".
func (v *visit) subject(doc *office.Document) (subject, error) {
	s := subject{kind: office.Kind(v.r.PathValue("kind")), id: v.r.PathValue("id")}
	if singles[s.kind] {
		if s.id != "" {
			return s, errNotFound
		}
		return s, nil
	}
	if !slices.Contains(kinds, s.kind) || s.id == "" {
		return s, errNotFound
	}
	if s.id == "new" {
		// People are made with their extension by a form of their own.
		if s.kind == office.KindPerson {
			return s, errNotFound
		}
		s.id, s.make = "", true
		return s, nil
	}
	if !slices.Contains(doc.IDs(s.kind), s.id) {
		return s, errNotFound
	}
	return s, nil
}

// mayEdit says whether the person's role reaches the role that a field asks for.
func (v *visit) mayEdit(r office.Role) bool {
	rank := map[office.Role]int{office.RoleOperator: 1, office.RoleLeader: 2, office.RoleManager: 3, office.RoleTechnician: 4}
	return rank[v.me.Role] >= rank[cmp.Or(r, office.RoleTechnician)]
}

// mayTouch says whether the person may change this object at all: a manager does
// not change a technician.
func (v *visit) mayTouch(doc *office.Document, s subject) bool {
	if s.kind == office.KindPerson && v.me.Role != office.RoleTechnician {
		p := doc.PersonByID(journal.SubjectID(s.id))
		return p == nil || p.Role != office.RoleTechnician
	}
	for _, f := range office.Fields(s.kind) {
		if v.mayEdit(f.Role) {
			return true
		}
	}
	return false
}

// mayMake says whether the person may make and delete objects of a kind: leaders
// change a few fields of what there is.
func (v *visit) mayMake(k office.Kind) bool {
	return v.may("POST /delete/{kind}/{id}") && v.mayTouch(v.doc(), subject{kind: k})
}

// editURL is the address of an object's page or form, empty where the reader may
// change nothing of it.
func (v *visit) editURL(doc *office.Document, k office.Kind, id string) string {
	if !v.mayTouch(doc, subject{kind: k, id: id}) || v.me.Role == office.RoleLeader && k == office.KindPrompt {
		return ""
	}
	return objectURL(k, id)
}

// fields are the fields of a form about s: the schema's, without those that do not
// apply to the object.
func (v *visit) fields(doc *office.Document, s subject) []office.Field {
	var out []office.Field
	for _, f := range office.Fields(s.kind) {
		if !skipField(doc, s, f.Name) {
			out = append(out, f)
		}
	}
	return out
}

// skipField leaves out what does not apply: the trunk's fields of telephone lines,
// the serial port's of trunks, the queue's of ring groups, names of recordings.
func skipField(doc *office.Document, s subject, name string) bool {
	if s.kind == office.KindGroup {
		g := doc.GroupByID(office.ID(s.id))
		return g != nil && g.Mode != office.GroupQueue && strings.HasPrefix(name, "queue.")
	}
	if s.kind == office.KindPrompt {
		return name == "audio" // recordings are uploaded, not typed
	}
	l := doc.LineByID(office.ID(s.id))
	if s.kind != office.KindLine || l == nil {
		return false
	}
	trunk := strings.HasPrefix(name, "trunk.")
	port := name == "port" || name == "dialect" || name == "rings"
	return l.Kind == office.LineTrunk && port || l.Kind != office.LineTrunk && trunk
}

// editDoc is the document that a form starts from: the one in force, with a fresh
// object in it when one is being made. The object's id is then a place holder.
func (v *visit) editDoc(s *subject) (*office.Document, error) {
	doc := v.doc()
	if !s.make {
		return doc, nil
	}
	doc = doc.Clone()
	s.id = string(s.kind) + "-new"
	if p := doc.Add(s.kind, s.id); len(p) > 0 {
		return nil, &office.Invalid{Problems: p}
	}
	q := v.r.URL.Query()
	if k := q.Get("kind"); s.kind == office.KindLine && office.Offers(office.KindLine, "kind", k) {
		doc.Set(s.kind, s.id, "kind", k)
	}
	if o := q.Get("owner"); o != "" && s.kind == office.KindDevice {
		doc.Set(s.kind, s.id, "owner", o)
	}
	if s.kind == office.KindDevice {
		doc.Set(s.kind, s.id, "username", freeUsername(doc, freeExtension(doc)))
	}
	return doc, nil
}

func (v *visit) editForm() error {
	s, err := v.subject(v.doc())
	if err != nil {
		return err
	}
	if !v.mayTouch(v.doc(), s) || s.make && !v.mayMake(s.kind) {
		return errDenied
	}
	return v.showEdit(http.StatusOK, s, v.typed(), nil)
}

// showEdit draws the form, with what was typed (values) where there is something.
func (v *visit) showEdit(status int, s subject, values url.Values, problems []office.Problem) error {
	doc, err := v.editDoc(&s)
	if err != nil {
		return err
	}
	names := v.namer(doc, nil)
	page := view.Edit{Kind: string(s.kind), Object: s.id, New: s.make, Action: v.r.URL.RequestURI(), Back: v.backFrom(s)}
	if s.make {
		page.Head = v.p.T("edit.new." + string(s.kind))
	} else {
		page.Head = v.p.T("kind." + string(s.kind))
		if s.id != "" {
			page.Head = names.object(s.kind, s.id)
			if v.mayMake(s.kind) {
				page.Delete = "/delete/" + string(s.kind) + "/" + s.id
			}
		}
	}
	if v.p.Has("edit.help." + string(s.kind)) {
		page.Help = v.p.T("edit.help." + string(s.kind))
	}
	page.Frame = v.frame(page.Head)
	if s.kind == office.KindPerson {
		page.Fields = append(page.Fields, v.nameField(s, values, problems))
	}
	known := map[string]bool{"name:person": true}
	for _, f := range v.fields(doc, s) {
		text, _ := doc.Get(s.kind, s.id, f.Name)
		if values != nil {
			text = readField(f, values, text, v.s.zone())
		}
		w := v.widget(names, f, text)
		w.ReadOnly = w.ReadOnly || f.Fixed && !s.make
		if s.kind == office.KindLine && f.Name == "port" {
			v.suggestPorts(&w, doc, s.id)
		}
		w.Problem = v.fieldProblem(names, problems, s, f.Name)
		known[f.Name] = true
		if f.Expert && w.Problem == "" {
			page.Expert = append(page.Expert, w)
		} else {
			page.Fields = append(page.Fields, w)
		}
	}
	for _, p := range problems {
		base := baseField(p.Field, known)
		if p.Kind == s.kind && (p.Object == s.id || p.Object == "" || s.make) && base != "" {
			page.Problems = append(page.Problems, view.FieldProblem{Field: base, Label: v.fieldLabelOf(s.kind, base), Text: v.problemText(names, p)})
			continue
		}
		page.Others = append(page.Others, names.titled(p.Kind, p.Object)+": "+v.problemText(names, p))
	}
	return v.show(status, "edit", page)
}

// fieldLabelOf is fieldLabel, with the name of a person, which is no field of the
// document.
func (v *visit) fieldLabelOf(k office.Kind, name string) string {
	if name == "name:person" {
		return v.p.T("people.name")
	}
	return v.fieldLabel(k, name)
}

// baseField finds the form's field that a problem's field belongs to ("steps.2" ->
// "steps"); empty if none.
func baseField(name string, known map[string]bool) string {
	for name != "" {
		if known[name] {
			return name
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return ""
		}
		name = name[:i]
	}
	return ""
}

func (v *visit) fieldProblem(names namer, problems []office.Problem, s subject, field string) string {
	var texts []string
	for _, p := range problems {
		if p.Kind == s.kind && (p.Object == s.id || p.Object == "" || s.make) && (p.Field == field || strings.HasPrefix(p.Field, field+".")) {
			texts = append(texts, v.problemText(names, p))
		}
	}
	return strings.Join(texts, " ")
}

// problemText says in words what is wrong; ids in the arguments become names.
func (v *visit) problemText(names namer, p office.Problem) string {
	args := map[string]string{}
	for k, a := range p.Args {
		args[k] = cmp.Or(names.any(a), a)
	}
	return v.p.Args(p.Code, args)
}

// nameField is the name of a person: it stands beside the document.
func (v *visit) nameField(s subject, values url.Values, problems []office.Problem) view.Field {
	f := view.Field{Name: "name:person", ID: "f-name:person", Type: "text", Label: v.p.T("people.name"), Help: v.p.T("people.name.help"),
		Required: true, ReadOnly: !v.mayMake(s.kind), Value: v.namer(v.doc(), nil).person(journal.SubjectID(s.id))}
	if values != nil {
		f.Value = values.Get(f.Name)
	}
	for _, p := range problems {
		if p.Field == f.Name {
			f.Problem = v.p.Args(p.Code, p.Args)
		}
	}
	return f
}

// backFrom is where a form leads back to.
func (v *visit) backFrom(s subject) string {
	switch {
	case s.make && s.kind == office.KindLine:
		return "/lines"
	case s.make && s.kind == office.KindDevice:
		if o := v.r.URL.Query().Get("owner"); o != "" {
			return safePath("/people/" + o)
		}
		return "/people"
	case v.me.Role == office.RoleLeader: // the object's own page is not for leaders
		return "/office"
	case s.kind == office.KindPerson, s.kind == office.KindDevice, s.kind == office.KindLine, s.kind == office.KindPrompt && !s.make:
		return objectURL(s.kind, s.id)
	}
	return "/office"
}

// edit takes a form: into a draft, or back to the form with what is wrong.
func (v *visit) edit() error {
	s, err := v.subject(v.doc())
	if err != nil {
		return err
	}
	if !v.mayTouch(v.doc(), s) || s.make && !v.mayMake(s.kind) {
		return errDenied
	}
	n := &draft{note: "edit", back: v.r.URL.RequestURI(), values: v.r.PostForm, done: v.backFrom(s), names: map[journal.SubjectID]string{}}
	object := s
	if s.make {
		id, err := v.s.d.Office.NewID(v.ctx(), s.kind)
		if err != nil {
			return err
		}
		object.id = string(id)
		n.done = cmp.Or(map[office.Kind]string{office.KindLine: "/lines/" + object.id, office.KindDevice: "/phones/" + object.id, office.KindPrompt: "/prompts/" + object.id}[s.kind], "/office")
	}
	var writes []writer
	form := v.r.PostForm
	staged := map[string]string{} // secret fields that were typed
	for _, f := range office.Fields(s.kind) {
		if f.Type != office.TypeSecret || !v.mayEdit(f.Role) {
			continue
		}
		typed := form.Get(f.Name)
		if typed == "" && s.make && s.kind == office.KindDevice {
			typed = office.NewSecret()
		}
		if typed != "" {
			ref, write := v.s.d.Secrets.Stage(typed)
			staged[f.Name], writes = string(ref), append(writes, write)
		}
	}
	if s.kind == office.KindPerson && v.mayMake(s.kind) {
		problems, write := v.rename(s, form, n)
		if len(problems) > 0 {
			return v.showEdit(http.StatusUnprocessableEntity, s, form, problems)
		}
		writes = append(writes, write)
	}
	n.with = both(writes...)
	n.edit = v.formChange(object, form, staged)
	n.title = v.p.T("draft.edit", "what", v.p.T("kind."+string(s.kind)))
	problems, err := v.propose(n)
	if err != nil || len(problems) == 0 {
		return err
	}
	return v.showEdit(http.StatusUnprocessableEntity, s, form, problems)
}

// rename reads the name of a person; write keeps it with the change.
func (v *visit) rename(s subject, form url.Values, n *draft) ([]office.Problem, writer) {
	id := journal.SubjectID(s.id)
	name := strings.TrimSpace(form.Get("name:person"))
	if !goodName(name) {
		return []office.Problem{{Kind: s.kind, Object: s.id, Field: "name:person", Code: "name.form"}}, nil
	}
	if name == v.namer(v.doc(), nil).person(id) {
		return nil, nil
	}
	n.names[id], n.renamed = name, true
	return nil, v.s.d.People.StageName(id, name)
}

// formChange is the edit that a form asks for. Fields that the person may not
// change keep their value, whatever was sent.
func (v *visit) formChange(s subject, form url.Values, staged map[string]string) change {
	return func(doc *office.Document) []office.Problem {
		if s.make {
			if p := doc.Add(s.kind, s.id); len(p) > 0 {
				return p
			}
		}
		var problems []office.Problem
		for _, f := range office.Fields(s.kind) {
			if !v.mayEdit(f.Role) || f.Fixed && !s.make {
				continue
			}
			if skipField(doc, s, f.Name) {
				continue
			}
			have, _ := doc.Get(s.kind, s.id, f.Name)
			text := have
			if f.Type == office.TypeSecret {
				if ref, ok := staged[f.Name]; ok {
					text = ref
				}
			} else if posted(f, form) {
				text = readField(f, form, have, v.s.zone())
			}
			if s.kind == office.KindPerson && f.Name == "role" && !slices.Contains(v.grantable(), office.Role(text)) {
				problems = append(problems, office.Problem{Kind: s.kind, Object: s.id, Field: f.Name, Code: "people.role.denied"})
				continue
			}
			if text != have && slices.Contains(f.Unbuilt, text) {
				problems = append(problems, office.Problem{Kind: s.kind, Object: s.id, Field: f.Name, Code: office.ProblemChoice, Args: map[string]string{"value": v.choice(f, text)}})
				continue
			}
			if text != have {
				problems = append(problems, doc.Set(s.kind, s.id, f.Name, text)...)
			}
		}
		return problems
	}
}

// pathInt reads a number of the address.
func pathInt(r *http.Request, name string) (int, error) { return strconv.Atoi(r.PathValue(name)) }

// --- delete ----------------------------------------------------------------

func (v *visit) deleteForm() error {
	doc := v.doc()
	s, err := v.subject(doc)
	if err != nil || s.make || singles[s.kind] {
		return errNotFound
	}
	if !v.mayTouch(doc, s) {
		return errDenied
	}
	names := v.namer(doc, nil)
	what := names.titled(s.kind, s.id)
	page := view.Delete{Frame: v.frame(v.p.T("delete.title", "what", what)), What: what, Action: v.r.URL.Path, Back: v.backFrom(s)}
	draft := doc.Clone()
	if problems := removeWith(draft, s); len(problems) > 0 {
		page.Uses = v.uses(doc, s.kind, s.id)
	} else {
		for _, also := range goesWith(doc, s) {
			page.Also = append(page.Also, names.titled(also.kind, also.id))
		}
	}
	return v.show(http.StatusOK, "delete", page)
}

// goesWith lists what is deleted together with an object: extensions and phones of
// a person.
func goesWith(doc *office.Document, s subject) []subject {
	var out []subject
	if s.kind != office.KindPerson && s.kind != office.KindDevice && s.kind != office.KindGroup {
		return nil
	}
	for _, e := range doc.ExtensionsOf(office.Target{Kind: office.TargetKind(s.kind), ID: s.id}) {
		out = append(out, subject{kind: office.KindExtension, id: string(e.ID)})
	}
	if s.kind == office.KindPerson {
		for i := range doc.Devices {
			if string(doc.Devices[i].Owner) == s.id {
				out = append(out, subject{kind: office.KindDevice, id: string(doc.Devices[i].ID)})
			}
		}
	}
	return out
}

// removeWith takes an object and what goes with it out of a draft.
func removeWith(doc *office.Document, s subject) []office.Problem {
	var problems []office.Problem
	for _, also := range goesWith(doc, s) {
		problems = append(problems, doc.Remove(also.kind, also.id)...)
	}
	return append(problems, doc.Remove(s.kind, s.id)...)
}

func (v *visit) delete() error {
	doc := v.doc()
	s, err := v.subject(doc)
	if err != nil || s.make || singles[s.kind] {
		return errNotFound
	}
	if !v.mayTouch(doc, s) || s.kind == office.KindPerson && s.id == string(v.me.Person) {
		return errDenied
	}
	back := map[office.Kind]string{office.KindPerson: "/people", office.KindDevice: "/people", office.KindLine: "/lines"}[s.kind]
	n := &draft{title: v.p.T("draft.delete", "what", v.namer(doc, nil).titled(s.kind, s.id)), note: "delete", back: v.backFrom(s), done: cmp.Or(back, "/office"),
		edit: func(d *office.Document) []office.Problem { return removeWith(d, s) }}
	// The account stays until the name is erased, so that undo brings it all
	// back: who is not in the document can't log in.
	problems, err := v.propose(n)
	if err == nil && len(problems) > 0 {
		return v.goTo("/delete/" + string(s.kind) + "/" + s.id)
	}
	return err
}

// uses lists in words who refers to an object.
func (v *visit) uses(doc *office.Document, k office.Kind, id string) []view.Use {
	var out []view.Use
	names := v.namer(doc, nil)
	for _, u := range doc.UsedBy(k, id) {
		if u.Kind == k && u.Object == id {
			continue
		}
		out = append(out, view.Use{Text: names.titled(u.Kind, u.Object) + ", " + v.fieldLabel(u.Kind, u.Field), URL: objectURL(u.Kind, u.Object)})
	}
	return out
}
