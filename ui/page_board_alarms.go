package ui

import (
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
)

// When a board raises an alarm.
const (
	longWait    = 3  // times the threshold that somebody waits already
	enoughCalls = 10 // judged today before the service level says anything
	lastHour    = time.Hour
)

// alarms says what wants to be looked at in a queue, each with one thing to do. They
// speak of the queue, never of a person.
func (v *visit) alarms(doc *office.Document, g *office.Group, q *api.QueueTile, visits []kpi.Visit, teams []privacy.TeamView) []api.Alarm {
	var out []api.Alarm
	add := func(id string, bad bool, text, proposal, url string) {
		out = append(out, api.Alarm{ID: id + "-" + q.ID, Queue: q.Name, Text: text, Proposal: proposal, URL: url, Bad: bad})
	}
	rule := ruleOf(g)
	if waits := v.s.d.Now().Sub(q.Oldest); q.Waiting > 0 && waits > longWait*rule.Threshold {
		proposal, url := v.proposeHelp(doc, g, q, visits, teams)
		add("wait", true, v.p.T("board.alarm.wait", "queue", q.Name, "time", v.p.Clock(waits.Round(time.Second))), proposal, url)
	}
	if q.AtRisk > 0 {
		add("promise", true, v.p.N("board.alarm.promise", q.AtRisk, "queue", q.Name), v.p.T("board.do.recall"), v.page("/recall"))
	}
	f := kpi.Sum(visits, kpi.Rules{q.ID: rule})
	if level, ok := f.Level(kpi.ShortRemoved); ok && f.Answered+f.Abandoned >= enoughCalls && level < rule.Target {
		proposal, url := v.proposeLevel(g, visits)
		add("level", false, v.p.T("board.alarm.level", "queue", q.Name, "level", v.p.Int(int(100*level)), "target", v.p.Int(int(100*rule.Target))), proposal, url)
	}
	return out
}

// page is a page's address if the reader may open it.
func (v *visit) page(path string) string {
	if v.opens(path) {
		return path
	}
	return ""
}

// rulesURL is where the rules of a queue are set, if the reader may.
func (v *visit) rulesURL(g *office.Group) string {
	if v.may("GET /edit/{kind}/{id}") {
		return objectURL(office.KindGroup, string(g.ID))
	}
	return ""
}

// proposeHelp is what to do while people wait: ask those who are free elsewhere, as far
// as that may be counted; else offer to call back; else how many it takes.
func (v *visit) proposeHelp(doc *office.Document, g *office.Group, q *api.QueueTile, visits []kpi.Visit, teams []privacy.TeamView) (text, url string) {
	for i := range teams {
		t := &teams[i]
		if t.Counted && len(t.Groups) == 1 && t.Groups[0] != q.ID && t.Counts[journal.AgentReady] > 1 {
			if other := doc.GroupByID(office.ID(t.Groups[0])); other != nil {
				return v.p.T("board.do.help", "queue", other.Name), v.rulesURL(g)
			}
		}
	}
	if g.Queue.CallbackKey == "" {
		return v.p.T("board.do.callback"), v.rulesURL(g)
	}
	return v.proposeLevel(g, visits)
}

// proposeLevel is how many people the last hour's traffic takes to reach the target, by Erlang A:
// whole people, from which nobody can tell how long a conversation took.
func (v *visit) proposeLevel(g *office.Group, visits []kpi.Visit) (text, url string) {
	rule := ruleOf(g)
	since := v.s.d.Now().Add(-lastHour)
	var recent []kpi.Visit
	for i := range visits {
		if visits[i].Arrived.After(since) {
			recent = append(recent, visits[i])
		}
	}
	f := kpi.Sum(recent, kpi.Rules{string(g.ID): rule})
	patience, ok := kpi.Patience(visits)
	if !ok {
		patience = 2 * time.Minute
	}
	if f.Offered > 0 && f.AHT > 0 {
		traffic := kpi.Traffic{PerHour: float64(f.Offered), Handle: f.AHT, Patience: patience}
		if need, ok := traffic.Agents(kpi.Target{Threshold: rule.Threshold, Level: rule.Target}); ok {
			return v.p.N("board.do.agents", need.Agents), v.page("/reports")
		}
	}
	return v.p.T("board.do.look"), v.page("/reports")
}
