package ui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
)

// dossier is everything about one person. What is a colleague's datum rather than the
// customer's is not in it, and LeftOut says so.
func (v *visit) dossier(c *outcome.Customer) (api.Customer, error) {
	d, err := v.s.d.Customers.Export(v.ctx(), v.viewer(), cardID(c))
	if err != nil {
		return api.Customer{}, err
	}
	if d.Card.ID != "" {
		c = &d.Card
	}
	m := v.customerModel(c, privacy.Export)
	doc := v.doc()
	m.Numbers = []string{}
	for _, n := range d.Numbers {
		m.Numbers = append(m.Numbers, v.number(doc, numbering.E164(n)))
	}
	calls, err := v.callsOf(c, 0)
	if err != nil {
		return m, err
	}
	known := map[journal.CallID]bool{}
	for i := range calls {
		known[calls[i].ID] = true
		m.Calls = append(m.Calls, v.customerCall(doc, &calls[i], d.Results))
	}
	for i := range d.Results { // told of a call that his numbers no longer lead to
		r := &d.Results[i]
		if known[r.Call] {
			continue
		}
		call, found, err := v.s.d.Journal.CallByID(v.ctx(), r.Call)
		if err != nil {
			return m, err
		}
		if !found {
			call = journal.Call{ID: r.Call, Start: r.Time, Ended: r.Time}
		}
		m.Calls = append(m.Calls, v.customerCall(doc, &call, d.Results))
	}
	slices.SortStableFunc(m.Calls, func(a, b api.CustomerCall) int { return b.Start.Compare(a.Start) })
	if len(m.Notes)+len(m.Calls) > 0 {
		m.LeftOut = append(m.LeftOut, v.p.T("dossier.left.people"))
	}
	for i := range m.Notes {
		m.Notes[i].By = ""
	}
	for i := range m.Calls {
		m.Calls[i].Who = ""
	}
	return m, v.addSurveys(&m, doc, calls)
}

// callsOf are the calls of a card's numbers, the newest first: so many of them at most,
// 0 for all.
func (v *visit) callsOf(c *outcome.Customer, limit int) ([]journal.Call, error) {
	var calls []journal.Call
	seen := map[journal.CallID]bool{} // from one of his numbers to the other
	for _, s := range c.Numbers {
		q := journal.CallQuery{Subject: s, Limit: limit}
		if limit == 0 {
			q.Limit = callsAtOnce
		}
		for {
			list, next, err := v.s.d.Journal.Calls(v.ctx(), q)
			if err != nil {
				return nil, err
			}
			for i := range list {
				if !seen[list[i].ID] {
					seen[list[i].ID] = true
					calls = append(calls, list[i])
				}
			}
			if limit != 0 || next == (journal.CallCursor{}) {
				break
			}
			q.Before = next
		}
	}
	slices.SortFunc(calls, func(a, b journal.Call) int { return b.Start.Compare(a.Start) })
	if limit != 0 {
		calls = calls[:min(len(calls), limit)]
	}
	return calls, nil
}

// callsAtOnce is how many calls of a number are read at once.
const callsAtOnce = 500

// addSurveys adds what the person answered by keys after calls. Who reads the answer of
// one call knows what its agent was told: so while the gate is closed answers stand
// without their calls, under their month, and not before that is over, as in the
// results of surveys.
func (v *visit) addSurveys(m *api.Customer, doc *office.Document, calls []journal.Call) error {
	open := v.s.d.People.Open(v.viewer())
	now := v.s.d.Now().UTC()
	thisMonth := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	later := false
	for i := range calls {
		events, err := v.s.d.Journal.CallEvents(v.ctx(), calls[i].ID)
		if err != nil {
			return err
		}
		for _, e := range events {
			p, ok := e.Payload.(journal.SurveyAnswered)
			if !ok {
				continue
			}
			sv := doc.SurveyByID(office.ID(p.Survey))
			x := api.SurveyGiven{Month: e.Time.UTC().Format("2006-01"), Survey: p.Survey, Question: v.surveyQuestion(doc, sv, p.Question), Answer: p.Answer}
			if sv != nil {
				x.Survey = sv.Name
			}
			switch {
			case open:
				x.Time = calls[i].Start
			case !e.Time.Before(thisMonth):
				later = true
				continue
			}
			m.Surveys = append(m.Surveys, x)
		}
	}
	slices.SortStableFunc(m.Surveys, func(a, b api.SurveyGiven) int {
		return cmp.Or(strings.Compare(b.Month, a.Month), b.Time.Compare(a.Time), strings.Compare(a.Survey, b.Survey), strings.Compare(a.Question, b.Question), strings.Compare(a.Answer, b.Answer))
	})
	if !open && len(m.Surveys) > 0 {
		m.LeftOut = append(m.LeftOut, v.p.T("dossier.left.surveyCalls"))
	}
	if later {
		m.LeftOut = append(m.LeftOut, v.p.T("dossier.left.surveyMonth"))
	}
	return nil
}
