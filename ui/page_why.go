package ui

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
)

// Reasons of candidates that do not keep an agent from being chosen; with any other
// one he was not free for the call. The words are the engine's.
const (
	notBest  = "not best"  // another one's key was smaller
	missedIt = "missed it" // let this call ring in vain more often
)

// wereFree are the reasons of those who were free for the call and came behind.
var wereFree = []string{"", notBest, missedIt, "over-qualified"}

// chosen derives from the stored candidates of an offer who had to get it: of those
// who were free the ones who had let the call ring in vain less often, of these the
// one with the smallest key, of equals the one who stands first, since candidates
// stand in their order. Strategies that ring everybody choose all who were free.
// False: nobody was free.
func chosen(o journal.ContactOffered) ([]journal.SubjectID, bool) {
	var best *journal.Candidate
	var all []journal.SubjectID
	for i := range o.Candidates {
		c := &o.Candidates[i]
		if c.Reason != "" && c.Reason != notBest {
			continue
		}
		if c.Reason == "" {
			all = append(all, c.Agent)
		}
		if best == nil || c.Key < best.Key {
			best = c
		}
	}
	switch {
	case best == nil:
		return nil, false
	case ringsAll(o.Strategy):
		return all, true
	}
	return []journal.SubjectID{best.Agent}, true
}

func ringsAll(strategy string) bool { return strategy == string(office.RingAll) }

// follows says whether an offer went to whom its stored candidates make it go. More
// agents may ring at once than are stored.
func follows(o journal.ContactOffered) bool {
	who, ok := chosen(o)
	if !ok {
		return false
	}
	const stored = 8
	return slices.Contains(who, o.Agent) || ringsAll(o.Strategy) && len(o.Candidates) >= stored
}

// keyWords puts into words what counted for an agent.
func (v *visit) keyWords(o journal.ContactOffered, key int64, at time.Time) string {
	switch office.Strategy(o.Strategy) {
	case office.LongestIdle, office.RingAll, office.Progressive:
		return v.p.T("why.key.idle", "time", v.p.Clock(max(0, at.Sub(time.UnixMicro(key))).Round(time.Second)))
	case office.LeastOccupied:
		return v.p.T("why.key.occupied", "percent", v.p.Float(float64(key/1000)/10))
	case office.FewestCalls:
		return v.p.T("why.key.calls", "calls", v.p.Float(float64(key*60/1e8)/10))
	case office.Ordered:
		return v.p.T("why.key.position", "n", v.p.Int(int(key)+1))
	case office.RoundRobin:
		if key == 0 {
			return v.p.T("why.key.next")
		}
		return v.p.T("why.key.turn", "n", v.p.Int(int(key)+1))
	case office.Random:
		return v.p.T("why.key.random")
	}
	return v.p.T("why.key.other", "key", v.p.Int(int(key)))
}

// strategyWords says what a strategy is called and what it means.
func (v *visit) strategyWords(s string) (name, rule string) {
	s = cmp.Or(s, string(office.LongestIdle))
	if !v.p.Has("why.rule." + s) {
		return s, v.p.T("why.rule.other")
	}
	return v.p.T("why.strategy." + s), v.p.T("why.rule." + s)
}

// candidateWhy is why an agent was chosen or not.
func (v *visit) candidateWhy(c journal.Candidate) string {
	key := "offer.reason." + cmp.Or(textID(c.Reason), "chosen")
	if !v.p.Has(key) {
		key = "offer.reason.other"
	}
	return v.p.T(key, "reason", c.Reason)
}

// textID makes a reason of the engine part of a text's id: "not best" is notBest.
func textID(reason string) string {
	var out []rune
	up := false
	for _, r := range reason {
		if r == ' ' {
			up = true
			continue
		}
		if up && r >= 'a' && r <= 'z' {
			r += 'A' - 'a'
		}
		up = false
		out = append(out, r)
	}
	return string(out)
}

// mayExplain says whether the reader may see why this agent was chosen or not: that
// tells what the agent did then.
func (v *visit) mayExplain(s journal.SubjectID) (name string, ok bool) {
	if !v.s.d.People.MaySeeState(v.viewer(), s) {
		return "", false
	}
	return v.s.d.People.Name(v.viewer(), privacy.Explain, s)
}

// offerWhy explains one offer.
func (v *visit) offerWhy(doc *office.Document, o journal.ContactOffered, at time.Time) api.OfferWhy {
	w := api.OfferWhy{Time: at, Queue: v.namer(doc, nil).object(office.KindGroup, o.Queue), Who: v.p.T("who.operator"),
		Follows: follows(o), Candidates: []api.CandidateWhy{}}
	w.Strategy, w.Rule = v.strategyWords(o.Strategy)
	if n, ok := v.mayExplain(o.Agent); ok {
		w.Who = n
	}
	var hidden []journal.Candidate
	for _, c := range o.Candidates {
		n, ok := v.mayExplain(c.Agent)
		if !ok {
			hidden = append(hidden, c)
			continue
		}
		why := api.CandidateWhy{Who: n, Chosen: c.Reason == "", Why: v.candidateWhy(c)}
		if slices.Contains(wereFree, c.Reason) {
			why.Key = v.keyWords(o, c.Key, at)
		}
		w.Candidates = append(w.Candidates, why)
	}
	w.Hidden = v.hiddenWhy(doc, o.Queue, hidden)
	return w
}

// hiddenWhy says of those who were considered and may not be shown how many were
// left out for which reason, where they are a whole team; else only that there were
// others.
func (v *visit) hiddenWhy(doc *office.Document, queue string, hidden []journal.Candidate) string {
	if len(hidden) == 0 {
		return ""
	}
	people := map[journal.SubjectID]bool{}
	for _, c := range hidden {
		people[c.Agent] = true
	}
	whole := slices.ContainsFunc(privacy.Teams(v.viewer(), privacy.Queues(doc)), func(t privacy.Team) bool {
		return slices.Equal(t.Groups, []string{queue}) && len(t.People) == len(people) &&
			!slices.ContainsFunc(t.People, func(s journal.SubjectID) bool { return !people[s] })
	})
	if !whole {
		return v.p.T("why.hidden")
	}
	counts := map[string]int{}
	for _, c := range hidden {
		counts[v.candidateWhy(c)]++
	}
	var words []string
	for why, n := range counts {
		words = append(words, v.p.N("offer.hidden", n)+": "+why)
	}
	slices.Sort(words)
	return v.p.List(words)
}

// candidates says in the story of a call why an offer went to whom it went.
func (v *visit) candidates(doc *office.Document, o journal.ContactOffered, at time.Time) []string {
	w := v.offerWhy(doc, o, at)
	out := []string{w.Rule}
	for _, c := range w.Candidates {
		line := c.Who + ": " + c.Why
		if c.Key != "" {
			line = v.p.T("why.candidate", "who", c.Who, "key", c.Key, "why", c.Why)
		}
		out = append(out, line)
	}
	if w.Hidden != "" {
		out = append(out, w.Hidden)
	}
	if !w.Follows {
		out = append(out, v.p.T("why.unsound"))
	}
	return out
}

// errStop ends a replay that has seen enough.
var errStop = errors.New("enough")

// explanation explains a call from its events.
func (v *visit) explanation(doc *office.Document, id journal.CallID, events []journal.Event) (api.Explanation, error) {
	out := api.Explanation{Call: string(id), Waits: []api.WaitWhy{}, Offers: []api.OfferWhy{}}
	at := map[journal.OfferID]int{}
	for _, e := range events {
		switch p := e.Payload.(type) {
		case journal.ContactOffered:
			at[p.Offer] = len(out.Offers)
			out.Offers = append(out.Offers, v.offerWhy(doc, p, e.Time))
		case journal.OfferEnded:
			if i, ok := at[p.Offer]; ok {
				out.Offers[i].Outcome = v.p.T("why.outcome."+string(p.Outcome), "who", out.Offers[i].Who)
			}
		}
	}
	for _, w := range waitsOf(events, v.s.d.Now()) {
		if err := v.around(&w); err != nil {
			return out, err
		}
		out.Waits = append(out.Waits, v.waitWhy(doc, &w))
	}
	return out, nil
}

// callEvents finds the call that a page is about. Somebody who sees only the own
// calls gets no other.
func (v *visit) callEvents() (journal.Call, []journal.Event, error) {
	id := journal.CallID(v.r.PathValue("id"))
	c, ok, err := v.s.d.Journal.CallByID(v.ctx(), id)
	if err != nil {
		return c, nil, err
	}
	if !ok {
		return c, nil, errNotFound
	}
	events, err := v.s.d.Journal.CallEvents(v.ctx(), id)
	if err != nil {
		return c, nil, err
	}
	if v.ownOnly() && !tookPart(v.me.Person, &c, events) {
		return c, nil, errNotFound
	}
	return c, events, nil
}

// apiWhy explains one call.
func (v *visit) apiWhy() error {
	c, events, err := v.callEvents()
	if err != nil {
		return err
	}
	w, err := v.explanation(v.doc(), c.ID, events)
	if err != nil {
		return err
	}
	return v.json(w)
}
