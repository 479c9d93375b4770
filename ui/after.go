package ui

import (
	"encoding/base64"
	"errors"
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
	"centralino/ui/view"
)

// How long an operator may still look at the card of somebody he talked with.
const ownLately = 12 * time.Hour

// tabs are the pages about customers that the reader may open.
func (v *visit) tabs() []view.Tab {
	var out []view.Tab
	for _, x := range []struct{ url, label string }{
		{"/customers", "customers.title"}, {"/callbacks", "callbacks.title"}, {"/import", "import.title"},
		{"/surveys", "surveys.title"}, {"/scripts", "scripts.title"}, {"/webhooks", "webhooks.title"},
	} {
		if v.opens(x.url) {
			out = append(out, view.Tab{URL: x.url, Label: v.p.T(x.label), Current: v.r.URL.Path == x.url})
		}
	}
	return out
}

// book is the customers' cards; without them their pages do not exist.
func (v *visit) book() (*outcome.Book, error) {
	if v.s.d.Customers == nil {
		return nil, errNotFound
	}
	return v.s.d.Customers, nil
}

// seesAll says whether the reader may look at every card: who leads. A technician and
// an operator see those whom they talk with.
func (v *visit) seesAll() bool {
	return v.me.Role == office.RoleManager || v.me.Role == office.RoleLeader
}

// lately are the outside parties of the reader's own calls: those that go on, and
// those of the last hours.
func (v *visit) lately() (map[journal.SubjectID]bool, error) {
	out := map[journal.SubjectID]bool{}
	st := v.s.hub.State()
	for _, c := range st.Calls {
		for _, l := range c.Legs {
			if l.Person == v.me.Person {
				out[c.From], out[c.To], out[c.Party] = true, true, true
			}
		}
		if c.Agent == v.me.Person || c.From == v.me.Person {
			out[c.From], out[c.To] = true, true
		}
	}
	for _, w := range st.Waiting {
		if slices.Contains(offeredTo(w), v.me.Person) {
			out[w.Caller] = true
		}
	}
	if s := st.Agents[v.me.Person].Served; s.Ended.IsZero() || v.s.d.Now().Sub(s.Ended) < ownLately {
		out[s.Caller] = true
	}
	calls, _, err := v.s.d.Journal.Calls(v.ctx(), journal.CallQuery{Subject: v.me.Person, Since: v.s.d.Now().Add(-ownLately), Limit: 200})
	if err != nil {
		return nil, err
	}
	for _, c := range calls {
		out[c.From], out[c.To] = true, true
	}
	delete(out, "")
	delete(out, v.me.Person)
	return out, nil
}

// mayCard says whether the reader may look at a card with these numbers: who leads
// always, others if they talk or talked with the customer, or if a call-back to him is
// on their list.
func (v *visit) mayCard(numbers []journal.SubjectID) (bool, error) {
	if v.seesAll() {
		return true, nil
	}
	mine, err := v.lately()
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(numbers, func(s journal.SubjectID) bool { return mine[s] }) {
		return true, nil
	}
	book, err := v.book()
	if err != nil {
		return false, err
	}
	for _, s := range numbers {
		if due, err := book.OpenOf(v.ctx(), v.whose(), "", s); err != nil || len(due) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// theCustomer reads the card of the address, or the number without one, if the reader
// may look at it.
func (v *visit) theCustomer() (outcome.Customer, error) {
	book, err := v.book()
	if err != nil {
		return outcome.Customer{}, err
	}
	id := v.r.PathValue("id")
	var c outcome.Customer
	switch {
	case outcome.IsCustomer(id):
		c, err = book.ByID(v.ctx(), id)
		if errors.Is(err, outcome.ErrUnknown) {
			return c, errNotFound
		}
	case isNumber(id):
		if card, ok, found := book.ByNumber(v.ctx(), journal.SubjectID(id)); found != nil || ok {
			if err = found; err == nil {
				c, err = book.ByID(v.ctx(), card.ID)
			}
		} else if _, known := v.s.d.People.Name(v.viewer(), privacy.CallDetail, journal.SubjectID(id)); !known {
			return c, errNotFound
		} else {
			c = outcome.Customer{Numbers: []journal.SubjectID{journal.SubjectID(id)}}
		}
	default:
		return c, errNotFound
	}
	if err != nil {
		return c, err
	}
	may, err := v.mayCard(c.Numbers)
	if err == nil && !may {
		err = errNotFound
	}
	return c, err
}

// isNumber tells an outside number's pseudonym.
func isNumber(id string) bool { return strings.HasPrefix(id, "n-") }

// cardID is how a card, or a number without one, is called in addresses.
func cardID(c *outcome.Customer) string {
	if c.ID == "" && len(c.Numbers) > 0 {
		return string(c.Numbers[0])
	}
	return c.ID
}

// customerModel describes a card as the reader may see it, without its calls.
func (v *visit) customerModel(c *outcome.Customer, purpose privacy.Purpose) api.Customer {
	m := api.Customer{ID: cardID(c), Card: c.ID != "", Name: c.Name, Company: c.Company, Numbers: []string{}, Changed: c.Changed}
	doc := v.doc()
	for _, s := range c.Numbers {
		if n, ok := v.s.d.People.Name(v.viewer(), purpose, s); ok {
			m.Numbers = append(m.Numbers, v.number(doc, numbering.E164(n)))
		}
	}
	m.Fields = labelled(c.Fields)
	for _, n := range c.Notes {
		x := api.CustomerNote{Time: n.Time, Text: n.Text}
		if n.By != "" {
			x.By = v.name(privacy.CallDetail, n.By)
		}
		m.Notes = append(m.Notes, x)
	}
	for _, o := range c.Origins {
		m.Origins = append(m.Origins, api.Origin{Source: o.Source, Date: o.Date, Time: o.Time})
	}
	return m
}

// labelled puts a map in order.
func labelled(m map[string]string) []api.Labelled {
	var out []api.Labelled
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, api.Labelled{Label: k, Value: m[k]})
	}
	return out
}

// customerTitle is how a card is called.
func (v *visit) customerTitle(m *api.Customer) string {
	switch {
	case m.Name != "" && m.Company != "":
		return m.Name + ", " + m.Company
	case m.Name+m.Company != "":
		return m.Name + m.Company
	case len(m.Numbers) > 0:
		return m.Numbers[0]
	}
	return v.p.T("who.erased")
}

// historyCalls is how many calls a card shows.
const historyCalls = 50

// customerCalls are the calls of a card with their outcomes, the newest first.
func (v *visit) customerCalls(c *outcome.Customer, limit int) ([]api.CustomerCall, error) {
	book, err := v.book()
	if err != nil {
		return nil, err
	}
	results, err := book.History(v.ctx(), cardID(c))
	if err != nil {
		return nil, err
	}
	calls, err := v.callsOf(c, limit)
	if err != nil {
		return nil, err
	}
	doc := v.doc()
	var out []api.CustomerCall
	for i := range calls {
		out = append(out, v.customerCall(doc, &calls[i], results))
	}
	return out, nil
}

func (v *visit) customerCall(doc *office.Document, c *journal.Call, results []outcome.Result) api.CustomerCall {
	m := api.CustomerCall{ID: string(c.ID), Start: c.Start, Direction: string(c.Direction), State: v.outcome(c), Talk: c.Talk.Seconds()}
	i := slices.IndexFunc(results, func(r outcome.Result) bool { return r.Call == c.ID })
	if i < 0 {
		return m
	}
	r := &results[i]
	if g := doc.GroupByID(office.ID(r.Queue)); g != nil {
		m.Queue = g.Name
	}
	m.Outcome, m.Note = outcomeName(doc, r.Outcome), r.Note
	if r.Open() {
		m.CallBack, m.Task = r.CallBack, r.Task
	}
	if name, ok := v.s.d.People.Name(v.viewer(), privacy.CallDetail, r.Agent); ok {
		m.Who = name
	}
	m.Answers = v.answerWords(r)
	return m
}

// outcomeName is an outcome's name; its id once it is deleted.
func outcomeName(doc *office.Document, id string) string {
	if o := doc.OutcomeByID(office.ID(id)); o != nil {
		return o.Name
	}
	return id
}

// answerWords writes the answers of a script under the labels that it had then.
func (v *visit) answerWords(r *outcome.Result) []api.Labelled {
	if len(r.Answers) == 0 {
		return nil
	}
	labels := map[string]outcome.Field{}
	if s := v.scriptOf(r.Script, r.Version); s != nil {
		for _, f := range s.Fields() {
			labels[f.Name] = f
		}
	}
	var out []api.Labelled
	for _, k := range slices.Sorted(maps.Keys(r.Answers)) {
		label, value := k, r.Answers[k]
		if f, ok := labels[k]; ok {
			label = f.Label
			if f.Type == outcome.TypeYesNo {
				value = v.p.T(value)
			}
		}
		out = append(out, api.Labelled{Label: label, Value: value})
	}
	return out
}

// scriptOf parses a script as it stood in a version of the office; nil if it did not.
func (v *visit) scriptOf(id string, version int) *outcome.Script {
	doc := v.doc()
	if cur := v.s.d.Office.Current(); version != 0 && version != cur.Version {
		old, err := v.s.d.Office.At(v.ctx(), version)
		if err != nil {
			return nil
		}
		doc = old
	}
	sc := doc.ScriptByID(office.ID(id))
	if sc == nil {
		return nil
	}
	s, _ := outcome.Parse(sc.Text)
	return s
}

// cursor hides a card's id in an address; it is opaque and not secret.
func cursor(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

func fromCursor(s string) string {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(b)
}
