package ui

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/live"
	"centralino/ui/view"
)

// teams is what the reader may see of the people who answer the queues.
func (v *visit) teams(st *live.State, doc *office.Document) []privacy.TeamView {
	groups := privacy.Queues(doc)
	teams := v.s.d.People.Board(v.viewer(), groups, func(s journal.SubjectID) journal.AgentStateName {
		return cmp.Or(st.Agents[s].State, journal.AgentLoggedOut)
	})
	if !v.s.d.People.Open(v.viewer()) && v.s.members.moved(v.ctx(), v.s.d.Office, v.s.d.Now()) {
		for i := range teams {
			teams[i].Counted, teams[i].Counts, teams[i].Size = false, nil, 0
		}
	}
	return teams
}

// teamOf finds the team that a queue belongs to.
func teamOf(teams []privacy.TeamView, queue office.ID) *privacy.TeamView {
	i := slices.IndexFunc(teams, func(t privacy.TeamView) bool { return slices.Contains(t.Groups, string(queue)) })
	if i < 0 {
		return nil
	}
	return &teams[i]
}

func (v *visit) board() error {
	page := view.Board{Board: v.boardModel(), Frame: v.frame(v.p.T("board.title"))}
	page.Live = "/live?page=board"
	return v.show(http.StatusOK, "board", page)
}

func (v *visit) apiBoard() error { return v.json(v.boardModel()) }

// boardModel is the queues as they stand and went today.
func (v *visit) boardModel() api.Board {
	st, doc, now := v.s.hub.State(), v.doc(), v.s.d.Now()
	b := api.Board{Now: now, Queues: []api.QueueTile{}, Teams: []api.TeamTile{}, Alarms: []api.Alarm{}}
	today, known := v.factsToday()
	teams := v.teams(st, doc)
	for i := range doc.Groups {
		g := &doc.Groups[i]
		if g.Mode != office.GroupQueue || g.Queue == nil {
			continue
		}
		q := v.queueTile(st, doc, g)
		var visits []kpi.Visit
		if known {
			visits = visitsOf(today.Visits, string(g.ID))
			v.tileFigures(&q, g, visits)
			v.expected(&q, st, visits)
		}
		b.Queues = append(b.Queues, q)
		b.Alarms = append(b.Alarms, v.alarms(doc, g, &q, visits, teams)...)
	}
	for i := range teams {
		b.Teams = append(b.Teams, v.teamTile(st, doc, &teams[i]))
	}
	slices.SortStableFunc(b.Alarms, func(a, c api.Alarm) int {
		switch {
		case a.Bad == c.Bad:
			return 0
		case a.Bad:
			return -1
		}
		return 1
	})
	if v.s.d.People.Open(v.viewer()) {
		b.Open = v.agreementWords("board.open")
	}
	return b
}

// queueTile is a queue as it stands now.
func (v *visit) queueTile(st *live.State, doc *office.Document, g *office.Group) api.QueueTile {
	q := api.QueueTile{ID: string(g.ID), Name: g.Name, State: v.queueState(doc, g), Levels: []api.ServiceLevel{}}
	if waiting := st.WaitingIn(string(g.ID)); len(waiting) > 0 {
		q.Waiting, q.Oldest = len(waiting), oldest(waiting)
	}
	for _, w := range st.PromisedIn(string(g.ID)) {
		q.Promised++
		if v.s.d.Now().Sub(w.Promised) > lateCallback {
			q.AtRisk++
		}
	}
	return q
}

// lateCallback is how old a promise to call back may be before it is at risk.
const lateCallback = time.Hour

// ruleOf is how a queue is judged.
func ruleOf(g *office.Group) kpi.Rule {
	r := kpi.DefaultRule
	r.Threshold = cmp.Or(g.Queue.Threshold, r.Threshold)
	r.Short = cmp.Or(g.Queue.ShortAbandon, r.Short)
	if g.Queue.Target > 0 {
		r.Target = float64(g.Queue.Target) / 100
	}
	return r
}

func visitsOf(all []kpi.Visit, queue string) []kpi.Visit {
	var out []kpi.Visit
	for i := range all {
		if all[i].Queue == queue {
			out = append(out, all[i])
		}
	}
	return out
}

// tileFigures is how a queue went today.
func (v *visit) tileFigures(q *api.QueueTile, g *office.Group, visits []kpi.Visit) {
	rule := ruleOf(g)
	f := kpi.Sum(visits, kpi.Rules{q.ID: rule})
	q.Known, q.Threshold, q.Target = true, rule.Threshold.Seconds(), 100*rule.Target
	q.Answered, q.Lost = f.Answered, f.Abandoned-f.Short
	for _, variant := range kpi.Variants {
		if level, ok := f.Level(variant); ok {
			q.Levels = append(q.Levels, api.ServiceLevel{Variant: string(variant), Name: v.p.T("board.level." + string(variant)), Percent: 100 * level})
		}
	}
}

// recentWaits is how far back waits say how long one waits now.
const recentWaits = 30 * time.Minute

// expected is how long a caller who comes now has to wait in the median: as long as
// those of the last half hour while nobody waits, else by who waits, how many
// conversations go on and how long they took today. It is made of calls alone, so
// that it tells nothing of what people do besides.
func (v *visit) expected(q *api.QueueTile, st *live.State, visits []kpi.Visit) {
	var recent []kpi.Visit
	for i := range visits {
		if x := &visits[i]; x.Result != kpi.Waiting && v.s.d.Now().Sub(x.Arrived) < recentWaits {
			recent = append(recent, *x)
		}
	}
	if q.Waiting == 0 {
		if f := kpi.Sum(recent, nil); f.Answered > 0 {
			s := f.P50.Seconds()
			q.Expected = &s
		}
		return
	}
	if low, ok := waitBehind(st, q.ID, visits, q.Waiting, q.Promised); ok {
		s := kpi.Spoken(low).Seconds()
		q.Expected = &s
	}
}

// waitBehind is how long it takes in the median until who comes after so many, on the
// line and to be called back, has his turn, as today's conversations went; false if too
// little is known.
func waitBehind(st *live.State, queue string, visits []kpi.Visit, waiting, promised int) (time.Duration, bool) {
	var pace kpi.Pace
	for i := range visits {
		x := &visits[i]
		if x.Result == kpi.Waiting {
			continue
		}
		pace.Waited(x.Waited, x.Result == kpi.Abandoned)
		if x.Result == kpi.Answered && !x.Open {
			pace.Served(x.Talked)
			pace.Wrapped(x.Wrap)
		}
	}
	talking := 0
	for _, a := range st.Agents {
		if a.Served.Queue == queue && a.Served.Ended.IsZero() {
			talking++
		}
	}
	low, _, ok := pace.Wait(kpi.Ahead{Agents: float64(max(1, talking)), Live: float64(waiting), Bound: float64(promised)})
	return low, ok
}

// teamTile is a team as the gate shows it.
func (v *visit) teamTile(st *live.State, doc *office.Document, t *privacy.TeamView) api.TeamTile {
	m := api.TeamTile{Queues: []string{}, Counted: t.Counted, Size: t.Size, Counts: []api.StateCount{}, Agents: []api.Agent{}}
	for _, id := range t.Groups {
		if g := doc.GroupByID(office.ID(id)); g != nil {
			m.Queues = append(m.Queues, g.Name)
		}
	}
	if t.Counted {
		for _, s := range boardStates {
			m.Counts = append(m.Counts, api.StateCount{State: v.agentState(s), N: t.Counts[s]})
		}
	}
	for _, a := range t.Agents {
		m.Agents = append(m.Agents, api.Agent{ID: string(a.Subject), Name: a.Name, State: v.agentState(a.State), Since: st.Agents[a.Subject].Since})
	}
	slices.SortFunc(m.Agents, func(a, b api.Agent) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return m
}

// boardStates are the states in the order of the page.
var boardStates = []journal.AgentStateName{journal.AgentReady, journal.AgentOffered, journal.AgentTalking, journal.AgentWrapUp,
	journal.AgentBusy, journal.AgentOtherWork, journal.AgentPaused, journal.AgentLoggedOut}

// queueState says whether a queue is open: by the opening hours of the paths that lead
// to it; open if any of them is, or none has hours.
func (v *visit) queueState(doc *office.Document, g *office.Group) api.State {
	var best *view.Hours
	for _, id := range schedulesBefore(doc, g.ID) {
		if s := doc.ScheduleByID(id); s != nil {
			h := v.hoursModel(doc, s)
			if best == nil || h.State.ID == string(office.Open) {
				best = &h
			}
		}
	}
	if best == nil {
		return api.State{ID: string(office.Open), Word: v.p.T("day." + string(office.Open)), Tone: api.ToneOK}
	}
	return best.State
}

// schedulesBefore lists the opening hours that paths look at from which a call may get
// into a group.
func schedulesBefore(doc *office.Document, group office.ID) []office.ID {
	leads := map[office.ID]bool{}
	for more := true; more; {
		more = false
		for i := range doc.Paths {
			p := &doc.Paths[i]
			if !leads[p.ID] && slices.ContainsFunc(p.Steps, func(s office.Step) bool { return stepLeads(doc, &s, group, leads) }) {
				leads[p.ID], more = true, true
			}
		}
	}
	var out []office.ID
	for i := range doc.Paths {
		if p := &doc.Paths[i]; leads[p.ID] {
			for _, s := range p.Steps {
				if s.Schedule != "" && !slices.Contains(out, s.Schedule) {
					out = append(out, s.Schedule)
				}
			}
		}
	}
	return out
}

// stepLeads says whether a step puts a call in a group, or into a path that does.
func stepLeads(doc *office.Document, s *office.Step, group office.ID, leads map[office.ID]bool) bool {
	if s.Group == group || leads[s.Path] {
		return true
	}
	for _, to := range s.On {
		if leads[to] {
			return true
		}
	}
	m := doc.MenuByID(s.Menu)
	if m == nil {
		return false
	}
	for _, to := range m.Keys {
		if leads[to] {
			return true
		}
	}
	return leads[m.Else]
}
