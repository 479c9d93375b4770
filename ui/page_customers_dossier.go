package ui

import (
	"cmp"
	"maps"
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

// given is one answer by keys after a call.
type given struct {
	at    time.Time // of the call
	month string    // of the answer
	said  journal.SurveyAnswered
}

// addSurveys adds what the person answered by keys after calls. Who reads the answer of
// one call knows what its agent was told. So while the gate is closed answers stand
// without their calls, under months that are over, as in the results of surveys; and as
// many months are put together as it takes until the answer may be of one of five people
// who talked with him in that queue. What is of fewer is left out (the copy must not harm
// the rights of others: GDPR article 15 paragraph 4).
func (v *visit) addSurveys(m *api.Customer, doc *office.Document, calls []journal.Call) error {
	open := v.s.d.People.Open(v.viewer())
	answers, agents, err := v.answersOf(calls)
	if err != nil {
		return err
	}
	now := v.s.d.Now().UTC()
	over := now.Format(monthForm)
	later, few := false, false
	for i := range answers {
		g := &answers[i]
		x := api.SurveyGiven{Month: g.month, Survey: g.said.Survey, Answer: g.said.Answer}
		sv := doc.SurveyByID(office.ID(g.said.Survey))
		x.Question = v.surveyQuestion(doc, sv, g.said.Question)
		if sv != nil {
			x.Survey = sv.Name
		}
		switch {
		case open:
			x.Time = g.at
		case g.month >= over:
			later = true
			continue
		default:
			months, ok := v.amongMany(agents[g.said.Queue], g.month, over)
			if !ok {
				few = true
				continue
			}
			x.Month = months
		}
		m.Surveys = append(m.Surveys, x)
	}
	slices.SortStableFunc(m.Surveys, func(a, b api.SurveyGiven) int {
		return cmp.Or(strings.Compare(b.Month, a.Month), b.Time.Compare(a.Time), strings.Compare(a.Survey, b.Survey), strings.Compare(a.Question, b.Question), strings.Compare(a.Answer, b.Answer))
	})
	for _, x := range []struct {
		so  bool
		key string
	}{{!open && len(m.Surveys) > 0, "dossier.left.surveyCalls"}, {few, "dossier.left.surveyFew"}, {later, "dossier.left.surveyMonth"}} {
		if x.so {
			m.LeftOut = append(m.LeftOut, v.p.T(x.key))
		}
	}
	return nil
}

// monthForm is how months are written; they sort as text.
const monthForm = "2006-01"

// talkedIn are the people who talked with somebody in the calls of a queue, by month.
type talkedIn map[string][]journal.SubjectID

// answersOf reads what was answered after calls, and who had talked in them, by queue.
func (v *visit) answersOf(calls []journal.Call) ([]given, map[string]talkedIn, error) {
	var answers []given
	agents := map[string]talkedIn{}
	for i := range calls {
		events, err := v.s.d.Journal.CallEvents(v.ctx(), calls[i].ID)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range events {
			month := e.Time.UTC().Format(monthForm)
			switch p := e.Payload.(type) {
			case journal.SurveyAnswered:
				answers = append(answers, given{calls[i].Start, month, p})
			case journal.ContactConnected:
				if agents[p.Queue] == nil {
					agents[p.Queue] = talkedIn{}
				}
				agents[p.Queue][month] = append(agents[p.Queue][month], p.Agent)
			}
		}
	}
	return answers, agents, nil
}

// amongMany puts the months before a month together, the oldest first, as soon as five
// people have talked in them, and returns the stretch that a month belongs to:
// "2026-03", or "2026-01/2026-03". It is always the same one; false while it is not whole.
func (v *visit) amongMany(agents talkedIn, month, before string) (string, bool) {
	var people []journal.SubjectID
	from := ""
	for _, m := range slices.Sorted(maps.Keys(agents)) {
		if m >= before {
			break
		}
		from = cmp.Or(from, m)
		people = append(people, agents[m]...)
		if !privacy.AmongMany(v.viewer(), people) {
			continue
		}
		if month >= from && month <= m {
			if from == m {
				return m, true
			}
			return from + "/" + m, true
		}
		people, from = nil, ""
	}
	return "", false
}
