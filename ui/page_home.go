package ui

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"centralino/acd/report"
	"centralino/board/health"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/live"
	"centralino/ui/view"
)

func (v *visit) home() error {
	page := v.homePage()
	page.Frame = v.frame(v.p.T("home.title"))
	page.Live = "/live?page=home"
	return v.show(http.StatusOK, "home", page)
}

func (v *visit) apiHome() error   { return v.json(v.homeModel()) }
func (v *visit) apiHealth() error { return v.json(v.healthModel()) }

// homePage is the page without its frame: what the live fragments need.
func (v *visit) homePage() view.Home {
	page := view.Home{Home: v.homeModel()}
	if v.mayRecall() {
		page.Recall = &view.RecallItems{Recall: v.recallModel(report.Wish{}, recallOnHome), Back: "/"}
	}
	return page
}

func (v *visit) homeModel() api.Home {
	st, doc := v.s.hub.State(), v.doc()
	h := api.Home{
		Now: v.s.d.Now(), Health: v.healthModel(), Lamps: v.lampModels(), Lines: v.lineModels(),
		Calls: []api.LiveCall{}, Queues: []api.Queue{},
	}
	h.Site = doc.Site.Name
	due, late := v.today()
	h.Due, h.Late = len(due), late
	if len(doc.Schedules) > 0 {
		m := v.hoursModel(doc, &doc.Schedules[0])
		h.Hours = &api.Hours{Name: m.Name, State: m.State, Until: m.Until}
		if m.Until.Sub(h.Now) > 7*24*time.Hour { // of no interest today
			h.Hours.Until = time.Time{}
		}
	}
	for _, c := range st.CallList() {
		if v.mayFollow(st, c) {
			h.Calls = append(h.Calls, v.liveCall(st, c))
		}
	}
	teams := v.teams(st, doc)
	for i := range doc.Groups {
		if g := &doc.Groups[i]; g.Mode == office.GroupQueue {
			h.Queues = append(h.Queues, v.queueModel(st, g, teamOf(teams, g.ID)))
			if slices.Contains(g.Members, v.me.Person) {
				a := v.agent(st, v.me.Person)
				h.Me = &a
			}
		}
	}
	return h
}

// mayFollow says whether the reader may see that this call is going on. Who only
// answers sees the office's traffic as everybody in the room does; a call within
// the office is of interest to its two parties alone.
func (v *visit) mayFollow(st *live.State, c *live.Call) bool {
	if c.Direction != journal.Internal {
		return true
	}
	return c.Emergency || c.From == v.me.Person || c.To == v.me.Person ||
		v.s.d.People.MaySeeState(v.viewer(), c.From) && (c.To == "" || v.s.d.People.MaySeeState(v.viewer(), c.To))
}

// liveCall describes a call in progress. That somebody of the office talks is that
// person's state: the name stands here only if the gate lets the state be seen.
func (v *visit) liveCall(st *live.State, c *live.Call) api.LiveCall {
	phase := st.Phase(c)
	m := api.LiveCall{ID: string(c.ID), Direction: string(c.Direction), Started: c.Started, Emergency: c.Emergency,
		Phase: api.State{ID: string(phase), Word: v.p.T("phase." + string(phase)), Tone: phaseTones[phase]}}
	doc := v.doc()
	if l := doc.LineByID(office.ID(c.Line)); l != nil {
		m.Line = l.Name
	}
	if phase == live.Guided {
		if p := doc.PathByID(office.ID(c.Path)); p != nil {
			m.Step = p.Name
		}
	}
	if w := st.Waiting[journal.ContactID(c.ID)]; w != nil {
		if g := doc.GroupByID(office.ID(w.Queue)); g != nil {
			m.Step = g.Name
		}
	}
	from := c.From
	switch {
	case !c.Left:
	case c.Party != "":
		from = c.Party
	case c.Direction == journal.Outbound:
		from = cmp.Or(talksTo(c), from)
	}
	m.Caller = v.liveParty(from)
	if c.From == "" && phase == live.Ringing { // the network tells it after the first ring
		m.Caller = v.p.T("who.yet")
	}
	switch {
	case c.Direction == journal.Outbound && c.To != "":
		m.Called = v.liveParty(c.To)
	case c.Emergency:
		m.Called = c.Dialled
	case c.Agent != "":
		m.Called = v.liveParty(c.Agent)
	case talksTo(c) != "":
		m.Called = v.liveParty(talksTo(c))
	case phase == live.Guided || phase == live.Queued || phase == live.Ringing && c.Direction == journal.Inbound:
		m.Called = doc.Site.Name
	default:
		m.Called = v.liveParty(c.To)
	}
	m.Called = cmp.Or(m.Called, v.p.T("who.unknown"))
	return m
}

// talksTo is the person of the office on an answered leg, other than who began.
func talksTo(c *live.Call) journal.SubjectID {
	for _, l := range c.Legs {
		if l.Person != "" && l.Person != c.From && l.State != journal.LegRinging {
			return l.Person
		}
	}
	return ""
}

// liveParty names one side of a live call.
func (v *visit) liveParty(s journal.SubjectID) string {
	if isPerson(s) && !v.s.d.People.MaySeeState(v.viewer(), s) {
		return v.p.T("who.operator")
	}
	return v.name(privacy.LiveState, s)
}

var phaseTones = map[live.Phase]api.Tone{
	live.Ringing: api.ToneWarn, live.Guided: api.ToneOff, live.Queued: api.ToneWarn, live.Offered: api.ToneWarn,
	live.Talking: api.ToneOK, live.HoldPhase: api.ToneBusy, live.Emergency: api.ToneBad,
}

// queueModel describes a queue as team, which the gate made, shows it.
func (v *visit) queueModel(st *live.State, g *office.Group, team *privacy.TeamView) api.Queue {
	q := api.Queue{ID: string(g.ID), Name: g.Name, Agents: []api.Agent{}}
	if waiting := st.WaitingIn(string(g.ID)); len(waiting) > 0 {
		q.Waiting, q.Oldest = len(waiting), oldest(waiting)
	}
	if team == nil {
		return q
	}
	if q.Counted = team.Counted && len(team.Groups) == 1; q.Counted {
		n := team.Counts
		q.Free = n[journal.AgentReady]
		q.Talking = n[journal.AgentTalking] + n[journal.AgentOffered] + n[journal.AgentBusy]
		q.Paused = n[journal.AgentPaused] + n[journal.AgentWrapUp] + n[journal.AgentOtherWork]
		q.Away = n[journal.AgentLoggedOut]
	}
	for _, a := range team.Agents {
		if slices.Contains(g.Members, a.Subject) {
			q.Agents = append(q.Agents, api.Agent{ID: string(a.Subject), Name: a.Name, State: v.agentState(a.State), Since: st.Agents[a.Subject].Since})
		}
	}
	slices.SortFunc(q.Agents, func(a, b api.Agent) int { return cmp.Compare(a.Name, b.Name) })
	return q
}

// agent is a person's own state.
func (v *visit) agent(st *live.State, who journal.SubjectID) api.Agent {
	a := st.Agents[who]
	return api.Agent{ID: string(who), Name: v.name(privacy.LiveState, who), State: v.agentState(cmp.Or(a.State, journal.AgentLoggedOut)), Since: a.Since}
}

func (v *visit) agentState(s journal.AgentStateName) api.State {
	tones := map[journal.AgentStateName]api.Tone{
		journal.AgentLoggedOut: api.ToneOff, journal.AgentReady: api.ToneOK, journal.AgentOffered: api.ToneWarn,
		journal.AgentTalking: api.ToneBusy, journal.AgentWrapUp: api.ToneWarn, journal.AgentPaused: api.ToneWarn, journal.AgentBusy: api.ToneBusy,
		journal.AgentOtherWork: api.ToneBusy,
	}
	return api.State{ID: string(s), Word: v.p.T("agent." + string(s)), Tone: tones[s]}
}

func (v *visit) lampModels() []api.Lamp {
	out := []api.Lamp{}
	for _, l := range v.s.d.Lamps() {
		m := api.Lamp{Name: v.p.T("lamp.name." + string(l.Lamp)), Pattern: string(l.Pattern.Kind), Code: l.Pattern.N, State: string(l.State)}
		if m.Word = v.p.T("led.answer"); l.State != "" {
			m.Word = v.p.T("led." + string(l.State))
		}
		out = append(out, m)
	}
	return out
}

func (v *visit) healthModel() api.Health {
	h := api.Health{Faults: []api.Fault{}}
	for _, f := range v.s.d.Faults() {
		if f.By != "" { // its cause is in the list
			continue
		}
		subject := v.objectName(f.Subject)
		args := map[string]string{"subject": cmp.Or(subject, f.Subject), "object": cmp.Or(subject, f.Subject)}
		h.Faults = append(h.Faults, api.Fault{Code: string(f.Kind), Number: f.Code, Subject: subject, Since: f.Since, Warning: f.Severity == health.Warning, Over: health.Over(f.Kind),
			Title: v.p.Args(f.Title(), args), Effect: v.p.Args(f.Effect(), args), Action: v.p.Args(f.Action(), args)})
	}
	h.OK = len(h.Faults) == 0
	return h
}

// objectName is the name of an object of the office by its id, empty if it is none.
func (v *visit) objectName(id string) string {
	if id == "" {
		return ""
	}
	return v.namer(v.doc(), nil).any(id)
}

// --- lines as they stand ---------------------------------------------------

var lineTones = map[string]api.Tone{
	"outOfService": api.ToneBad, "idle": api.ToneOK, "ringing": api.ToneWarn, "answering": api.ToneWarn, "dialing": api.ToneBusy,
	"active": api.ToneBusy, "clearing": api.ToneOff, "registered": api.ToneOK, "registering": api.ToneWarn, "failed": api.ToneBad,
	"disabled": api.ToneOff, "unknown": api.ToneOff,
}

func (v *visit) lineModels() []api.Line {
	doc := v.doc()
	out := []api.Line{}
	for i := range doc.Lines {
		out = append(out, v.lineModel(doc, &doc.Lines[i]))
	}
	return out
}

// deviceWords names the device of a line: model, dialect and port, as far as they are
// known.
func (v *visit) deviceWords(s LineStatus) string {
	dialect := s.Dialect
	if key := "choice.line.dialect." + dialect; dialect != "" && v.p.Has(key) {
		dialect = v.p.T(key)
	}
	return strings.Join(slices.DeleteFunc([]string{s.Model, dialect, s.Port}, func(w string) bool { return w == "" }), ", ")
}

// lineModel describes a line with its state: the driver's own view, else what the
// journal said last.
func (v *visit) lineModel(doc *office.Document, l *office.Line) api.Line {
	st := v.s.hub.State()
	m := api.Line{ID: string(l.ID), Name: l.Name, Kind: string(l.Kind), KindWord: v.p.T("line.kind." + string(l.Kind)),
		Channels: max(1, l.Channels), Emergency: l.Emergency, Disabled: l.Disabled}
	state := "unknown"
	if j, ok := st.Lines[string(l.ID)]; ok {
		state, m.Reason, m.Since = j.State, j.Reason, j.Since
	}
	for _, s := range v.s.d.Lines() {
		if s.ID == l.ID {
			state, m.Reason, m.Device = s.State, s.Reason, v.deviceWords(s)
			if !s.Since.IsZero() {
				m.Since = s.Since
			}
		}
	}
	m.ReasonWord = m.Reason
	if key := "line.reason." + m.Reason; m.Reason != "" && v.p.Has(key) {
		m.ReasonWord = v.p.T(key)
	}
	if l.Disabled {
		state = "disabled"
	}
	if lineTones[state] == "" {
		state = "unknown"
	}
	m.State = api.State{ID: state, Word: v.p.T("line.state." + state), Tone: lineTones[state]}
	if l.Trunk != nil {
		m.Server = l.Trunk.Server
	}
	for _, c := range st.Calls {
		if c.Line == string(l.ID) || slices.ContainsFunc(c.Legs, func(x live.Leg) bool { return x.Line == string(l.ID) }) {
			m.Calls++
		}
	}
	for i := range doc.Numbers {
		if doc.Numbers[i].Line == l.ID {
			m.Numbers = append(m.Numbers, v.number(doc, doc.Numbers[i].Number))
		}
	}
	return m
}

// --- one's own page --------------------------------------------------------

func (v *visit) myPage() error { return v.myPageWith(http.StatusOK, view.MyPage{}) }

// myPageWith shows the page with what a form left on it.
func (v *visit) myPageWith(status int, page view.MyPage) error {
	p := v.doc().PersonByID(v.me.Person)
	if p == nil {
		return errNotFound
	}
	page.Frame = v.frame(v.p.T("me.title"))
	var err error
	if page.Person, err = v.accountModel(v.doc(), p, privacy.Account); err != nil {
		return err
	}
	if err := v.myTokens(&page); err != nil {
		return err
	}
	if page.Sessions, err = v.sessionModels(); err != nil {
		return err
	}
	if err := v.myLooks(&page); err != nil {
		return err
	}
	return v.show(status, "me", page)
}

func (v *visit) myPassword() error {
	f := v.r.PostForm
	login, err := v.s.auth.LoginOf(v.ctx(), v.me.Person)
	if err != nil {
		return err
	}
	var problems []view.FieldProblem
	if err := v.s.auth.CheckPassword(v.ctx(), v.me.Person, v.source, f.Get("old")); err != nil {
		if !isWrong(err) {
			return err
		}
		problems = append(problems, view.FieldProblem{Field: "old", Label: v.p.T("password.old"), Text: v.p.T("password.wrong")})
	}
	hash := v.newPassword(login, f, &problems)
	if len(problems) > 0 {
		return v.myPageWith(http.StatusUnprocessableEntity, view.MyPage{Problems: problems})
	}
	if err := v.s.d.DB.Write(v.ctx(), v.s.auth.StageAccount(v.me.Person, login, hash)); err != nil {
		return err
	}
	v.s.d.Journal.Append("", journal.AccessEvent{What: "password.set", Who: v.me.Person, Source: "page"})
	return v.newSession("flash.password", "/me")
}

// myState answers the buttons of the first page.
func (v *visit) myState() error {
	return v.changeState("/")
}
