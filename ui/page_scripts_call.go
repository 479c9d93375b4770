package ui

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/cti"
	"centralino/ui/live"
	"centralino/ui/view"
)

// How long a person's place in the script of a call is kept, and how many of them.
const (
	walkLasts = 4 * time.Hour
	maxWalks  = 500
)

// walkKey names a person's place in the script of a call.
type walkKey struct {
	call journal.CallID
	who  journal.SubjectID
}

// callWalk is where a person stands in the script of a call.
type callWalk struct {
	walk    outcome.Walk
	wrong   []outcome.Wrong
	script  office.ID
	version int
}

// theirCall is what is known of a call whose customer, script and outcome are shown.
type theirCall struct {
	id    journal.CallID
	queue string
	party journal.SubjectID
	start time.Time
}

// theCall is the call of the address: one in which the reader took part, or any for
// who leads.
func (v *visit) theCall() (theirCall, error) {
	id := journal.CallID(v.r.PathValue("id"))
	events, err := v.s.d.Journal.CallEvents(v.ctx(), id)
	if err != nil {
		return theirCall{}, err
	}
	c := theirCall{id: id}
	var call journal.Call // as far as its events tell: the list of calls may not have it yet
	outward := false
	started := false
	joined := journal.CallID("") // whose party came into this one
	for _, e := range events {
		switch p := e.Payload.(type) {
		case journal.CallStarted:
			started, outward = p.Direction != journal.Internal && !p.Emergency, p.Direction == journal.Outbound
			c.start, call.From, call.To = e.Time, p.From, p.To
			if c.party = p.From; outward {
				c.party = p.To
			}
		case journal.CallCaller:
			if !outward {
				c.party = p.From
			}
		case journal.CallTransfer:
			if p.State == journal.TransferAsked && p.Call != "" {
				joined = p.Call
			}
		case journal.ContactQueued:
			c.queue = p.Queue
		}
	}
	if !started && joined != "" {
		if c.party, started, err = v.outsider(joined); err != nil {
			return c, err
		}
	}
	if v.s.d.Customers == nil || !started || !v.seesAll() && !tookPart(v.me.Person, &call, events) && !v.lives(id) {
		return c, errNotFound
	}
	return c, nil
}

// outsider is who was at the other end of a call from or to the outside; false if it was
// none.
func (v *visit) outsider(id journal.CallID) (journal.SubjectID, bool, error) {
	call, found, err := v.s.d.Journal.CallByID(v.ctx(), id)
	switch {
	case err != nil || !found || call.Emergency:
		return "", false, err
	case call.Direction == journal.Outbound:
		return call.To, true, nil
	}
	return call.From, call.Direction == journal.Inbound, nil
}

// lives says whether the call goes on at the reader's telephone.
func (v *visit) lives(id journal.CallID) bool {
	st := v.s.hub.State()
	c := st.Calls[id]
	if c == nil {
		return false
	}
	return c.Agent == v.me.Person || c.From == v.me.Person || slices.ContainsFunc(c.Legs, func(l live.Leg) bool { return l.Person == v.me.Person })
}

// afterCall is the page of a call's customer, script and outcome.
func (v *visit) afterCall() error {
	c, err := v.theCall()
	if err != nil {
		return err
	}
	back := "/calls/" + string(c.id) + "/after"
	r, err := v.regions(c, back)
	if err != nil {
		return err
	}
	page := view.AfterCall{Frame: v.frame(v.p.T("after.title")), Caller: cmp.Or(r.Who, v.name(privacy.CallDetail, c.party)), When: v.p.DateTime(c.start.In(v.s.zone())),
		Card: r.Card, Script: r.Script, Outcome: r.Outcome}
	return v.show(http.StatusOK, "aftercall", page)
}

// deskCard draws what stands on the desk for a call that rings, goes on or was just
// had: who calls, the card, the script, the outcome. Parts that stay empty are not
// shown.
func (v *visit) deskCard(c api.DeskCall) view.DeskRegions {
	if v.s.d.Customers == nil || c.ID == "" {
		return view.DeskRegions{}
	}
	if call := v.s.hub.State().Calls[journal.CallID(c.ID)]; call != nil && call.Direction == journal.Internal && call.Party == "" {
		return view.DeskRegions{} // within the office there is no outcome
	}
	whole := *v // a reader who leaves while it is drawn must not make it look empty
	whole.r = v.r.WithContext(context.WithoutCancel(v.ctx()))
	r, err := whole.regions(theirCall{id: journal.CallID(c.ID), queue: c.QueueID, party: journal.SubjectID(c.Subject)}, "/desk")
	if err != nil {
		v.s.d.Log.Error("desk without customer", "call", c.ID, "err", err)
		return view.DeskRegions{}
	}
	return r
}

// regions draws the three parts for a call.
func (v *visit) regions(c theirCall, back string) (view.DeskRegions, error) {
	var out view.DeskRegions
	card, found := outcome.Customer{}, false
	if isNumber(string(c.party)) {
		var err error
		if card, found, err = v.s.d.Customers.ByNumber(v.ctx(), c.party); err != nil {
			return out, err
		}
		if found {
			if card, err = v.s.d.Customers.ByID(v.ctx(), card.ID); err != nil {
				return out, err
			}
		} else {
			card.Numbers = []journal.SubjectID{c.party}
		}
		m := v.customerModel(&card, privacy.CallDetail)
		if m.Calls, err = v.customerCalls(&card, 4); err != nil {
			return out, err
		}
		m.Calls = slices.DeleteFunc(m.Calls, func(x api.CustomerCall) bool { return x.ID == string(c.id) })
		data := view.AfterCard{Card: m, URL: "/customers/" + m.ID, BackTo: back, Note: found}
		if back != "/desk" { // there it has its own place
			number, _ := v.s.d.People.Name(v.viewer(), privacy.CallDetail, c.party)
			data.Pop = v.popURL(c.id, c.queue, cti.Place{Number: number, Name: cmp.Or(m.Name, m.Company)})
		}
		if out.Known = cmp.Or(m.Name, m.Company); found {
			out.Who = v.customerTitle(&m)
		} else {
			data.Make = "/customers/new?number=" + url.QueryEscape(m.ID)
		}
		out.Language = card.Fields["lang"]
		if out.Card, err = v.part("aftercard", data); err != nil {
			return out, err
		}
	}
	kept, set, err := v.s.d.Customers.Of(v.ctx(), c.id)
	if err != nil {
		return out, err
	}
	walk, err := v.scriptRegion(c, &card, back, &out)
	if err != nil {
		return out, err
	}
	form := v.outcomeForm(c, back, kept, set, walk)
	if len(form.Options) > 1 {
		out.Outcome, err = v.part("afteroutcome", form)
	}
	return out, err
}

// part draws one part of the page after a call.
func (v *visit) part(name string, data any) (template.HTML, error) {
	b, err := v.s.views.Fragment(v.p, "aftercall", name, data)
	return template.HTML(b), err // drawn by html/template
}

// --- the script ----------------------------------------------------------------

// theirScript is the script of a call's queue, as it stood when the reader began it, its
// name, and where he stands in it; nil without one that can be followed.
func (v *visit) theirScript(c theirCall) (*outcome.Script, string, callWalk) {
	begun, has := v.s.walks.get(walkKey{c.id, v.me.Person})
	cur := v.s.d.Office.Current()
	doc, version := cur.Doc, cur.Version
	if has && begun.version != version {
		if old, err := v.s.d.Office.At(v.ctx(), begun.version); err == nil {
			doc, version = old, begun.version
		}
	}
	g := doc.GroupByID(office.ID(c.queue))
	if g == nil || g.Queue == nil {
		return nil, "", callWalk{}
	}
	sc := doc.ScriptByID(g.Queue.Script)
	if sc == nil || !scriptSound(doc, sc.Text) {
		return nil, "", callWalk{}
	}
	s, _ := outcome.Parse(sc.Text)
	if !has || begun.script != sc.ID {
		begun = callWalk{walk: s.Start(), script: sc.ID, version: version}
	}
	return s, sc.Name, begun
}

// scriptRegion draws the script and returns where the reader stands in it.
func (v *visit) scriptRegion(c theirCall, card *outcome.Customer, back string, out *view.DeskRegions) (callWalk, error) {
	s, name, w := v.theirScript(c)
	if s == nil {
		return w, nil
	}
	m := v.walkModel(s, w.walk, w.wrong, v.scriptValues(c, card))
	m.Name, m.Action, m.BackTo, m.Swap = name, "/calls/"+string(c.id)+"/script", back, "#afterscript"
	var err error
	out.Script, err = v.part("afterscript", m)
	return w, err
}

// scriptValues is what a script's text may name of the call.
func (v *visit) scriptValues(c theirCall, card *outcome.Customer) map[string]string {
	doc := v.doc()
	m := map[string]string{"customer": cmp.Or(card.Name, card.Company), "site": doc.Site.Name}
	if n, ok := v.s.d.People.Name(v.viewer(), privacy.CallDetail, c.party); ok {
		m["number"] = v.number(doc, numbering.E164(n))
	}
	if g := doc.GroupByID(office.ID(c.queue)); g != nil {
		m["queue"] = g.Name
	}
	if name, ok := v.s.d.People.Name(v.viewer(), privacy.Route, v.me.Person); ok {
		m["agent"] = name
	}
	return m
}

// callScript takes a step of a call's script.
func (v *visit) callScript() error {
	c, err := v.theCall()
	if err != nil {
		return err
	}
	s, _, w := v.theirScript(c)
	if s == nil {
		return errNotFound
	}
	w.walk, w.wrong = v.walkOn(s, w.walk)
	v.s.walks.put(walkKey{c.id, v.me.Person}, w)
	v.s.hub.Notify(live.Queues)
	back := cmp.Or(backTo(v.r.PostFormValue("back")), "/calls/"+string(c.id)+"/after")
	return v.goTo(back + "#afterscript")
}

// walkOn does what the form of a step asks for: back, a button, or on.
func (v *visit) walkOn(s *outcome.Script, w outcome.Walk) (outcome.Walk, []outcome.Wrong) {
	f := v.r.PostForm
	switch do := f.Get("do"); {
	case do == "restart":
		return s.Start(), nil
	case do == "back":
		return s.Back(w), nil
	default:
		in := outcome.Input{Answers: map[string]string{}, Read: f.Get("read") == "true", Button: -1}
		for name := range f {
			if field, ok := strings.CutPrefix(name, "answer:"); ok {
				in.Answers[field] = f.Get(name)
			}
		}
		if n, ok := strings.CutPrefix(do, "button:"); ok {
			if i, err := strconv.Atoi(n); err == nil {
				in.Button = i
			}
		}
		return s.Go(w, in)
	}
}

// walkModel describes where somebody stands in a script.
func (v *visit) walkModel(s *outcome.Script, w outcome.Walk, wrong []outcome.Wrong, values map[string]string) view.ScriptStep {
	w = s.Sane(w)
	m := view.ScriptStep{First: len(w.Trail) == 0, Done: w.Done()}
	fill := map[string]string{}
	for k, x := range values {
		fill[k] = x
	}
	for k, x := range w.Answers {
		fill[k] = x
	}
	labels := map[string]string{}
	for _, f := range s.Fields() {
		labels[f.Name] = f.Label
		if x := w.Answers[f.Name]; x != "" {
			if f.Type == outcome.TypeYesNo {
				x = v.p.T(x)
				fill[f.Name] = x
			}
			m.Answers = append(m.Answers, api.Labelled{Label: f.Label, Value: x})
		}
	}
	for _, x := range wrong {
		p := view.FieldProblem{Field: "answer:" + x.Field, Label: labels[x.Field], Text: v.p.Args(x.Code, x.Args)}
		if x.Field == "" {
			p.Field = "read"
		}
		m.Problems = append(m.Problems, p)
	}
	if w.Done() {
		m.Outcome = w.Outcome
		if o := outcome.Find(v.doc(), w.Outcome); o != nil {
			m.Outcome = o.Name
		}
		return m
	}
	st := s.StepByID(w.At)
	if st == nil {
		return m
	}
	m.Title, m.Automatic, m.MustRead, m.Read = st.Title, st.Automatic(), st.MustRead(), slices.Contains(w.Read, st.ID)
	for _, p := range st.Parts {
		x := view.StepPart{Kind: string(p.Kind), Lines: strings.Split(outcome.Fill(p.Text, fill), "\n")}
		if p.Kind == outcome.PartField {
			x.Field = v.answerField(p.Field, w.Answers[p.Field.Name], m.Problems)
		}
		m.Parts = append(m.Parts, x)
	}
	for _, i := range st.Buttons() {
		m.Buttons = append(m.Buttons, view.StepButton{At: i, Label: outcome.Fill(st.Branches[i].Label, fill)})
	}
	return m
}

// answerField is the widget of a script's field.
func (v *visit) answerField(f outcome.Field, value string, problems []view.FieldProblem) view.Field {
	w := view.Field{Name: "answer:" + f.Name, ID: "f-answer-" + f.Name, Label: f.Label, Type: "text", Value: value, Required: f.Required}
	switch f.Type {
	case outcome.TypeLong:
		w.Type = "long"
	case outcome.TypeNumber:
		w.Help = v.p.T("script.type.number")
		if f.Min != 0 || f.Max != 0 {
			w.Help = v.p.T("script.answer.range", "min", strconv.FormatFloat(f.Min, 'f', -1, 64), "max", strconv.FormatFloat(f.Max, 'f', -1, 64))
		}
	case outcome.TypePhone:
		w.Type = "phone"
	case outcome.TypeDate, outcome.TypeTime, outcome.TypeEmail:
		w.Type = string(f.Type)
	case outcome.TypeYesNo:
		w.Options = []view.Option{{Label: v.p.T("form.none"), Selected: value == ""}, {Value: "yes", Label: v.p.T("yes"), Selected: value == "yes"}, {Value: "no", Label: v.p.T("no"), Selected: value == "no"}}
	case outcome.TypeChoice:
		w.Options = []view.Option{{Label: v.p.T("form.none"), Selected: value == ""}}
		for _, c := range f.Choices {
			w.Options = append(w.Options, view.Option{Value: c, Label: c, Selected: c == value})
		}
	}
	for _, p := range problems {
		if p.Field == w.Name {
			w.Problem = p.Text
		}
	}
	return w
}

// --- the outcome ---------------------------------------------------------------

// outcomeForm is the form of a call's outcome: what is kept, else what the script's
// path proposes.
func (v *visit) outcomeForm(c theirCall, back string, kept outcome.Result, set bool, w callWalk) view.AfterOutcome {
	doc, now := v.doc(), v.s.d.Now()
	m := view.AfterOutcome{Call: string(c.id), BackTo: back}
	if g := doc.GroupByID(office.ID(c.queue)); g != nil {
		m.Queue = g.Name
	}
	chosen := ""
	if set {
		chosen, m.Note, m.Set = kept.Outcome, kept.Note, outcomeName(doc, kept.Outcome)
		if at := kept.When(); kept.Open() && !at.IsZero() {
			m.CallBack = at.In(v.s.zone()).Format(localTime)
		}
		m.ForQueue = kept.Task && kept.Owner == ""
	} else if w.walk.Done() {
		if o := outcome.Find(doc, w.walk.Outcome); o != nil {
			chosen, m.Preselected = string(o.ID), true
			if at := outcome.Proposed(*o, now); !at.IsZero() {
				m.CallBack = at.In(v.s.zone()).Format(localTime)
			}
		}
	}
	m.Options = append(m.Options, view.Option{Label: v.p.T("form.none"), Selected: chosen == ""})
	for _, o := range outcome.Allowed(doc, c.queue) {
		label := o.Name
		if o.Digit != "" {
			label += " (" + o.Digit + ")"
		}
		m.Options = append(m.Options, view.Option{Value: string(o.ID), Label: label, Selected: string(o.ID) == chosen})
	}
	return m
}

// callOutcome keeps the outcome of a call.
func (v *visit) callOutcome() error {
	c, err := v.theCall()
	if err != nil {
		return err
	}
	f := v.r.PostForm
	r := outcome.Result{Call: c.id, Subject: c.party, Queue: c.queue, Agent: v.me.Person, Owner: v.me.Person, Outcome: f.Get("outcome"), Note: strings.ReplaceAll(f.Get("note"), "\r\n", "\n")}
	if !isNumber(string(r.Subject)) {
		r.Subject = ""
	}
	if f.Get("owner") == "queue" {
		r.Owner = ""
	}
	if at := f.Get("callback"); at != "" {
		if r.CallBack, err = time.ParseInLocation(localTime, at, v.s.zone()); err != nil {
			return errBad
		}
	}
	if w, ok := v.s.walks.get(walkKey{c.id, v.me.Person}); ok {
		r.Script, r.Version, r.Answers = string(w.script), w.version, w.walk.Answers
	} else if before, had, err := v.s.d.Customers.Of(v.ctx(), c.id); err != nil {
		return err
	} else if had {
		r.Script, r.Version, r.Answers = before.Script, before.Version, before.Answers
	}
	_, err = v.s.d.Customers.Set(v.ctx(), r)
	switch {
	case errors.Is(err, outcome.ErrOutcome):
		v.flash("flash.outcome.none", "warn", 0)
	case errors.Is(err, outcome.ErrCallBack):
		v.flash("flash.outcome.callback", "warn", 0)
	case errors.Is(err, outcome.ErrLong):
		v.flash("flash.note.bad", "warn", 0)
	case err != nil:
		return err
	default:
		v.flash("flash.outcome.kept", "ok", 0)
		v.s.hub.Notify(live.Queues)
	}
	return v.goTo(cmp.Or(backTo(f.Get("back")), "/calls/"+string(c.id)+"/after"))
}
