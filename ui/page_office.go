package ui

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

func (v *visit) apiOffice() error { return v.json(v.doc()) }

// apiSchema answers with the settings' schema in the reader's language.
func (v *visit) apiSchema() error {
	out := []api.Field{}
	for _, f := range office.Schema() {
		m := api.Field{Kind: string(f.Kind), Name: f.Name, Type: string(f.Type), Label: v.p.T(f.Label()), Help: v.p.T(f.Help()),
			Min: f.Min, Max: f.Max, Default: f.Default, Role: string(cmp.Or(f.Role, office.RoleTechnician)), Required: f.Required, Fixed: f.Fixed, Expert: f.Expert}
		if e := f.ExampleText(); e != "" {
			m.Example = v.p.T(e)
		}
		if f.Unit != "" {
			m.Unit = v.p.T(f.Unit)
		}
		for _, c := range f.Offered() {
			key := f.ChoiceText(c)
			if !v.p.Has(key) {
				key = "choice." + c
			}
			m.Choices = append(m.Choices, api.Choice{Value: c, Label: v.p.T(key)})
		}
		for _, k := range f.Refs {
			m.Refs = append(m.Refs, string(k))
		}
		out = append(out, m)
	}
	return v.json(out)
}

func (v *visit) office() error {
	doc := v.doc()
	page := view.Office{Frame: v.frame(v.p.T("office.title")), Edit: v.mayMake(office.KindPath)}
	names := v.namer(doc, nil)
	var sections []view.Section
	for i := range doc.Paths {
		page.Paths = append(page.Paths, v.pathModel(names, &doc.Paths[i]))
	}
	for i := range doc.Schedules {
		page.Hours = append(page.Hours, v.hoursModel(doc, &doc.Schedules[i]))
	}
	for _, s := range []struct {
		kind office.Kind
		icon string
		text func(id string) string
	}{
		{office.KindGroup, "queue", func(id string) string {
			g := doc.GroupByID(office.ID(id))
			return v.p.T("group.mode."+string(g.Mode)) + ", " + v.p.N("group.members", len(g.Members))
		}},
		{office.KindMenu, "menu", func(id string) string {
			text, _ := doc.Get(office.KindMenu, id, "keys")
			return v.valueWords(names, office.KindMenu, "keys", text)
		}},
		{office.KindNumber, "hash", func(id string) string {
			text, _ := doc.Get(office.KindNumber, id, "path")
			return names.object(office.KindPath, text)
		}},
		{office.KindExtension, "hash", func(id string) string { return names.target(doc.ExtensionByID(office.ID(id)).Target) }},
		{office.KindPrompt, "voice", func(id string) string { return doc.PromptByID(office.ID(id)).Texts[v.p.Lang()] }},
		{office.KindProfile, "key", nil},
		{office.KindSkill, "user", nil},
		{office.KindReason, "pause", nil},
		{office.KindOutcome, "ok", nil},
		{office.KindScript, "list", nil},
		{office.KindSurvey, "voice", nil},
		{office.KindWebhook, "bell", nil},
		{office.KindReport, "list", nil},
	} {
		sec := view.Section{Kind: string(s.kind), Title: v.p.T("kinds." + string(s.kind)), Help: v.p.T("kinds." + string(s.kind) + ".none"), Icon: s.icon}
		if s.kind == office.KindPrompt && v.may("GET /prompts") {
			sec.All = "/prompts"
		}
		if v.mayMake(s.kind) {
			sec.New = "/edit/" + string(s.kind) + "/new"
		}
		for _, id := range doc.IDs(s.kind) {
			sec.Chips = s.text == nil || s.kind == office.KindExtension || s.kind == office.KindNumber || s.kind == office.KindPrompt
			item := view.Item{Title: names.object(s.kind, id), URL: v.editURL(doc, s.kind, id)}
			if s.text != nil {
				item.Text = s.text(id)
			}
			sec.Items = append(sec.Items, item)
		}
		sections = append(sections, sec)
	}
	whole := view.Section{Kind: "site", Title: v.p.T("office.whole"), Icon: "pin"}
	for _, it := range []struct {
		route string
		view.Item
	}{
		{"GET /edit/{kind}", view.Item{Title: cmp.Or(doc.Site.Name, v.p.T("kind.site")), Text: v.p.T("office.site.help"), URL: "/edit/site"}},
		{"GET /edit/{kind}", view.Item{Title: v.p.T("kind.outbound"), Text: v.p.T("office.outbound.help"), URL: "/edit/outbound"}},
		{"GET /edit/{kind}", view.Item{Title: v.p.T("kind.codes"), Text: v.p.T("office.codes.help"), URL: "/edit/codes"}},
		{"GET /edit/{kind}", view.Item{Title: v.p.T("kind.mail"), Text: v.p.T("office.mail.help"), URL: "/edit/mail"}},
		{"GET /office/privacy", view.Item{Title: v.p.T("privacy.title"), Text: v.p.T("office.privacy.help"), URL: "/office/privacy"}},
	} {
		if v.may(it.route) {
			whole.Items = append(whole.Items, it.Item)
		}
	}
	for i, s := range sections {
		if i%2 == 1 {
			page.Left = append(page.Left, s)
		} else {
			page.Right = append(page.Right, s)
		}
	}
	if len(whole.Items) > 0 {
		page.Right = append([]view.Section{whole}, page.Right...)
	}
	return v.show(http.StatusOK, "office", page)
}

// pathModel writes a path as readable steps.
func (v *visit) pathModel(n namer, p *office.Path) view.Path {
	m := view.Path{ID: string(p.ID), Name: p.Name, URL: v.editURL(v.doc(), office.KindPath, string(p.ID))}
	var used []string
	for _, u := range n.doc.UsedBy(office.KindPath, string(p.ID)) {
		if u.Kind == office.KindNumber || u.Kind == office.KindLine {
			used = append(used, n.object(u.Kind, u.Object))
		}
	}
	m.Used = v.p.List(used)
	for i := range p.Steps {
		m.Steps = append(m.Steps, v.stepModel(n, &p.Steps[i]))
	}
	return m
}

// dayStates in the order of the pages.
var dayStates = []office.DayState{office.Open, office.Break, office.Closed, office.Holiday}

// stepModel says in words what a step does.
func (v *visit) stepModel(n namer, s *office.Step) view.Step {
	m := view.Step{Text: v.p.T("step."+string(s.Kind),
		"schedule", n.object(office.KindSchedule, string(s.Schedule)), "prompt", n.object(office.KindPrompt, string(s.Prompt)),
		"menu", n.object(office.KindMenu, string(s.Menu)), "group", n.object(office.KindGroup, string(s.Group)),
		"person", n.person(s.Person), "path", n.object(office.KindPath, string(s.Path)), "seconds", int(s.Ring/time.Second))}
	if s.Kind == office.StepEnd && s.Prompt == "" {
		m.Text = v.p.T("step.end.silent")
	}
	if s.Kind == office.StepHours {
		for _, d := range dayStates {
			if to := s.On[d]; to != "" {
				m.Branches = append(m.Branches, v.p.T("step.branch", "state", v.p.T("day."+string(d)), "path", n.object(office.KindPath, string(to))))
			}
		}
	}
	if s.Kind == office.StepMenu {
		if menu := n.doc.MenuByID(s.Menu); menu != nil {
			for _, k := range menuKeys {
				if to := menu.Keys[k]; to != "" {
					m.Branches = append(m.Branches, v.p.T("step.key", "key", k, "path", n.object(office.KindPath, string(to))))
				}
			}
			if menu.Else != "" {
				m.Branches = append(m.Branches, v.p.T("step.else", "path", n.object(office.KindPath, string(menu.Else))))
			}
		}
	}
	return m
}

// hoursModel writes a schedule as a table, with what it says now.
func (v *visit) hoursModel(doc *office.Document, s *office.Schedule) view.Hours {
	state, until := office.StateAt(*s, doc.Site, v.s.d.Now())
	tones := map[office.DayState]api.Tone{office.Open: api.ToneOK, office.Break: api.ToneWarn, office.Closed: api.ToneOff, office.Holiday: api.ToneOff}
	m := view.Hours{Name: s.Name, URL: v.editURL(v.doc(), office.KindSchedule, string(s.ID)), Until: until,
		State: api.State{ID: string(state), Word: v.p.T("day." + string(state)), Tone: tones[state]}}
	for i := range 7 {
		day := time.Weekday((i + 1) % 7)
		var spans []string
		for _, sp := range s.Week[day] {
			spans = append(spans, clockOf(sp.From)+"–"+clockOf(sp.To))
		}
		m.Days = append(m.Days, view.Pair{Label: v.p.Weekday(day), Value: cmp.Or(strings.Join(spans, ", "), v.p.T("day.closed"))})
	}
	if s.Holidays {
		m.Notes = append(m.Notes, v.p.T("hours.holidays"))
	}
	for _, e := range s.Exceptions {
		var spans []string
		for _, sp := range e.Spans {
			spans = append(spans, clockOf(sp.From)+"–"+clockOf(sp.To))
		}
		m.Notes = append(m.Notes, e.Date+" "+e.Name+": "+cmp.Or(strings.Join(spans, ", "), v.p.T("day.closed")))
	}
	return m
}

// clockOf writes minutes since midnight as a time.
func clockOf(min int) string {
	return pad(min/60) + ":" + pad(min%60)
}

func pad(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// --- the agreement that opens the gate --------------------------------------

func (v *visit) privacyPage(a privacy.Agreement) (view.Privacy, error) {
	page := view.Privacy{Frame: v.frame(v.p.T("privacy.title")), Kind: string(a.Kind), Date: a.Date, Note: a.Note, Set: a.Set, Edit: v.me.Role == office.RoleManager}
	if a.SetBy != "" {
		page.By = v.name(privacy.Account, a.SetBy)
	}
	for _, k := range []privacy.AgreementKind{privacy.NoAgreement, privacy.UnionDeal, privacy.Authorisation, privacy.NoEmployees} {
		page.Kinds = append(page.Kinds, view.Option{Value: string(k), Label: v.p.T("privacy.kind." + cmp.Or(string(k), "none")), Selected: k == a.Kind})
	}
	var err error
	page.Record, err = v.agreementsRecord()
	return page, err
}

func (v *visit) privacyForm() error {
	page, err := v.privacyPage(v.s.d.People.Agreement())
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "privacy", page)
}

// privacySet records the agreement. It is the employer's declaration: a manager's,
// not the technician's.
func (v *visit) privacySet() error {
	f := v.r.PostForm
	a := privacy.Agreement{Kind: privacy.AgreementKind(f.Get("kind")), Date: f.Get("date"), Note: strings.TrimSpace(f.Get("note")), Set: v.s.d.Now(), SetBy: v.me.Person}
	var problems []view.FieldProblem
	switch a.Kind {
	case privacy.NoAgreement:
		a.Date, a.Note = "", ""
	case privacy.UnionDeal, privacy.Authorisation, privacy.NoEmployees:
		if _, err := time.Parse(time.DateOnly, a.Date); err != nil {
			problems = append(problems, view.FieldProblem{Field: "date", Label: v.p.T("privacy.date"), Text: v.p.T("privacy.date.missing")})
		}
	default:
		return errBad
	}
	if len([]rune(a.Note)) > 200 {
		return errBad
	}
	if len(problems) > 0 {
		page, err := v.privacyPage(a)
		if err != nil {
			return err
		}
		page.Kind, page.Problems = string(v.s.d.People.Agreement().Kind), problems
		return v.show(http.StatusUnprocessableEntity, "privacy", page)
	}
	if err := v.s.d.People.Record(v.ctx(), v.viewer(), a); err != nil {
		return err
	}
	v.flash("flash.privacy", "ok", 0)
	return v.goTo("/office/privacy")
}
