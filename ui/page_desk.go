package ui

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/live"
	"centralino/ui/view"
)

// desk shows the operator's own page.
func (v *visit) desk() error {
	page := v.deskPage()
	page.Frame = v.frame(v.p.T("desk.title"))
	page.Live, page.Awake = "/live?page=desk", page.Pop.Auto
	if page.Pop.Auto { // the one window is found again only by a page that may keep hold of it
		v.w.Header().Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
	}
	return v.show(http.StatusOK, "desk", page)
}

func (v *visit) apiDesk() error { return v.json(v.deskPage().Desk) }

// deskPage is the page without its frame.
func (v *visit) deskPage() view.Desk {
	page := view.Desk{Desk: v.deskModel()}
	v.deskDue(&page)
	d := &page.Desk
	if d.Call == nil {
		v.deskPop(&page, "")
		return page
	}
	page.Regions = v.deskCard(*d.Call)
	v.deskPop(&page, page.Regions.Known)
	d.Call.Caller = cmp.Or(page.Regions.Who, d.Call.Caller)
	if lang := page.Regions.Language; v.p.Has("lang." + lang) {
		d.Call.Language = v.p.T("lang." + lang)
	}
	return page
}

// deskModel is what the operator sees of himself.
func (v *visit) deskModel() api.Desk {
	st, doc, me := v.s.hub.State(), v.doc(), v.me.Person
	a := st.Agents[me]
	state := cmp.Or(a.State, journal.AgentLoggedOut)
	d := api.Desk{Now: v.s.d.Now(), State: v.agentState(state), Since: a.Since, Do: []api.Action{}, Queues: []api.DeskQueue{}}
	for i := range doc.Groups {
		g := &doc.Groups[i]
		if g.Mode != office.GroupQueue || !slices.Contains(g.Members, me) {
			continue
		}
		d.Member = true
		q := api.DeskQueue{Name: g.Name}
		if waiting := st.WaitingIn(string(g.ID)); len(waiting) > 0 {
			q.Waiting, q.Oldest = len(waiting), oldest(waiting)
		}
		d.Queues = append(d.Queues, q)
	}
	d.Reason = v.pauseWords(doc, state, a.Reason)
	d.Notes = v.deskNotes(doc, &a, state)
	if state == journal.AgentWrapUp {
		d.Until = a.Until
	}
	d.Call = v.deskCall(st, doc, &a, state)
	if d.Member {
		d.Do = v.deskActions(doc, &a, state)
		d.Break = v.deskBreak(doc, &a, state)
		d.Today, d.Before = v.ownFigures(doc)
	}
	d.Watched = v.agreementWords("desk.watched")
	return d
}

// oldest is since when the one waits who has waited longest.
func oldest(waiting []*live.Contact) time.Time {
	return slices.MinFunc(waiting, func(a, b *live.Contact) int { return a.Since.Compare(b.Since) }).Since
}

// pauseWords says why the operator takes no calls.
func (v *visit) pauseWords(doc *office.Document, state journal.AgentStateName, reason string) string {
	if reason == "" || state == journal.AgentReady {
		return ""
	}
	if name := reasonName(doc, reason); name != "" {
		return name
	}
	if key := "desk.reason." + textID(reason); v.p.Has(key) {
		return v.p.T(key)
	}
	return ""
}

// reasonName is the name of one of the office's pause reasons, empty if it is none.
func reasonName(doc *office.Document, reason string) string {
	if r := doc.ReasonByID(office.ID(reason)); r != nil {
		return r.Name
	}
	return ""
}

// deskNotes says what else is to be known: what follows the call, and what keeps calls
// away.
func (v *visit) deskNotes(doc *office.Document, a *live.Agent, state journal.AgentStateName) []string {
	var out []string
	if a.Asked != "" {
		out = append(out, v.p.T("desk.asked."+string(a.Asked)))
	}
	if a.Gone && state != journal.AgentLoggedOut {
		out = append(out, v.p.T("desk.gone"))
	}
	if a.Owes != "" && a.Served.Outcome == "" {
		out = append(out, v.p.T("desk.owes"))
	}
	return out
}

// deskCall is the operator's call: what rings or is talked with, else what the
// wrap-up is of.
func (v *visit) deskCall(st *live.State, doc *office.Document, a *live.Agent, state journal.AgentStateName) *api.DeskCall {
	for _, w := range st.Waiting {
		if slices.Contains(offeredTo(w), v.me.Person) {
			c := v.queueCall(doc, w.Call, w.Queue, w.Caller, live.Offered)
			c.Phase.Word = v.p.T("desk.rings")
			c.Waiting, c.Waited = w.Since, v.s.d.Now().Sub(w.Since).Seconds()
			o := v.offerWhy(doc, w.Offered, v.s.d.Now())
			c.Why = append(c.Why, o.Rule)
			for _, own := range w.Offered.Candidates {
				if own.Agent == v.me.Person {
					c.Why = append(c.Why, v.p.T("desk.you", "key", v.keyWords(w.Offered, own.Key, v.s.d.Now())))
				}
			}
			v.fromCall(st, doc, c)
			return c
		}
	}
	s := &a.Served
	if s.Call != "" && (s.Ended.IsZero() && state == journal.AgentTalking || state == journal.AgentWrapUp) {
		c := v.queueCall(doc, s.Call, s.Queue, s.Caller, live.Talking)
		if state == journal.AgentWrapUp {
			c.Phase = v.agentState(state)
		} else {
			c.Since = s.Since
		}
		c.Waited, c.Outcome = s.Waited.Seconds(), outcomeName(doc, s.Outcome)
		v.fromCall(st, doc, c)
		return c
	}
	return v.ownCall(st)
}

// ownCall is a call of the operator that is not of a queue.
func (v *visit) ownCall(st *live.State) *api.DeskCall {
	for _, call := range st.CallList() {
		if (call.From != v.me.Person || call.Left) && talksTo(call) != v.me.Person {
			continue
		}
		m := v.liveCall(st, call)
		c := &api.DeskCall{ID: m.ID, Phase: m.Phase, Caller: m.Caller, Line: m.Line, Since: call.Bridged}
		other := call.From
		switch {
		case call.Left && call.Party != "":
			other = call.Party
		case other == v.me.Person, call.Direction == journal.Outbound:
			c.Caller, other = m.Called, call.To
		}
		if other != "" && !isPerson(other) {
			c.Subject = string(other)
		}
		return c
	}
	return nil
}

// offeredTo lists at whom a contact rings.
func offeredTo(w *live.Contact) []journal.SubjectID {
	return slices.Collect(maps.Values(w.Offers))
}

// queueCall describes a call of a queue. Who calls is the caller's number, until the
// pages of customers know a name.
func (v *visit) queueCall(doc *office.Document, id journal.CallID, queue string, caller journal.SubjectID, phase live.Phase) *api.DeskCall {
	c := &api.DeskCall{ID: string(id), QueueID: queue, Phase: api.State{ID: string(phase), Word: v.p.T("phase." + string(phase)), Tone: phaseTones[phase]}}
	if g := doc.GroupByID(office.ID(queue)); g != nil {
		c.Queue = g.Name
	}
	c.Caller = v.name(privacy.LiveState, caller)
	c.Subject = string(caller)
	if caller != "" {
		c.Number = c.Caller
	}
	if lang := doc.Site.Language; v.p.Has("lang." + lang) {
		c.Language = v.p.T("lang." + lang)
	}
	return c
}

// fromCall adds what the call itself tells.
func (v *visit) fromCall(st *live.State, doc *office.Document, c *api.DeskCall) {
	call := st.Calls[journal.CallID(c.ID)]
	if call == nil {
		return
	}
	if l := doc.LineByID(office.ID(call.Line)); l != nil {
		c.Line = l.Name
	}
	if c.Subject == "" && call.From != "" {
		c.Subject, c.Caller = string(call.From), v.name(privacy.LiveState, call.From)
		c.Number = c.Caller
	}
}

// answersQueue says whether the reader is a member of any queue.
func (v *visit) answersQueue() bool {
	return isAgent(v.doc(), v.me.Person)
}

// isAgent says whether somebody is a member of any queue.
func isAgent(doc *office.Document, who journal.SubjectID) bool {
	return slices.ContainsFunc(doc.GroupsOf(who), func(g *office.Group) bool { return g.Mode == office.GroupQueue })
}
