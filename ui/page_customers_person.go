package ui

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// maxDossier is how many calls of each number an export holds.
const maxDossier = 500

// customerExport gives everything about one person to the manager: as a page to be
// read and printed, or as JSON. It is journalled, so it is a POST.
func (v *visit) customerExport() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	m, err := v.dossier(&c)
	if errors.Is(err, outcome.ErrForbidden) {
		return errDenied
	}
	if err != nil {
		return err
	}
	if v.r.PostFormValue("as") != "json" {
		return v.show(http.StatusOK, "dossier", view.Dossier{Frame: v.frame(v.p.T("dossier.title", "who", v.customerTitle(&m))), Card: m, At: v.s.d.Now()})
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return v.file("customer-"+v.s.d.Now().Format(time.DateOnly)+".json", "application/json", append(b, '\n'))
}

// dossier is everything about one person.
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
	if m.Calls, err = v.customerCalls(c, maxDossier); err != nil {
		return m, err
	}
	for i := range m.Notes { // who wrote it is a colleague's datum, not the customer's
		m.Notes[i].By = ""
	}
	for i := range m.Calls {
		m.Calls[i].Who = ""
	}
	return m, nil
}

func (v *visit) customerEraseForm() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	m := v.customerModel(&c, privacy.CallDetail)
	calls, err := v.customerCalls(&c, maxDossier)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "erase", view.Erase{Frame: v.frame(v.p.T("erase.title", "who", v.customerTitle(&m))), ID: cardID(&c), What: v.customerTitle(&m), Calls: len(calls)})
}

// customerErase deletes what is known of a person.
func (v *visit) customerErase() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	if v.r.PostFormValue("sure") != "true" {
		v.flash("flash.erase.unsure", "warn", 0)
		return v.goTo("/customers/" + cardID(&c) + "/erase")
	}
	err = v.s.d.Customers.Erase(v.ctx(), v.viewer(), cardID(&c))
	switch {
	case errors.Is(err, outcome.ErrForbidden):
		return errDenied
	case errors.Is(err, outcome.ErrTaken):
		v.flash("flash.customer.moved", "warn", 0)
		return v.goTo("/customers/" + cardID(&c))
	case err != nil:
		return err
	}
	v.flash("flash.erased", "ok", 0)
	return v.goTo("/customers")
}

// --- calls that customers asked for ------------------------------------------

// dueAhead is how far ahead the list of call-backs looks: further than one may lie.
const dueAhead = 2 * 366 * 24 * time.Hour

// dueCallBacks are the open call-backs of the reader's queues; who leads sees all.
func (v *visit) dueCallBacks() ([]outcome.Result, error) {
	book, err := v.book()
	if err != nil {
		return nil, err
	}
	all, err := book.Due(v.ctx(), v.s.d.Now().Add(dueAhead))
	if err != nil || v.seesAll() {
		return all, err
	}
	doc := v.doc()
	var mine []outcome.Result
	for _, r := range all {
		if r.Agent == v.me.Person || memberOf(doc, r.Queue, v.me.Person) {
			mine = append(mine, r)
		}
	}
	return mine, nil
}

func memberOf(doc *office.Document, queue string, who journal.SubjectID) bool {
	for _, g := range doc.GroupsOf(who) {
		if string(g.ID) == queue {
			return true
		}
	}
	return false
}

// callBacksModel describes them.
func (v *visit) callBacksModel() ([]api.CallBack, error) {
	list, err := v.dueCallBacks()
	if err != nil {
		return nil, err
	}
	doc, now := v.doc(), v.s.d.Now()
	out := []api.CallBack{}
	for _, r := range list {
		m := api.CallBack{Call: string(r.Call), Due: r.CallBack, Late: r.CallBack.Before(now), Asked: r.Time, Outcome: outcomeName(doc, r.Outcome), Note: r.Note,
			Number: v.name(privacy.CallDetail, r.Subject), Customer: string(r.Subject)}
		if g := doc.GroupByID(office.ID(r.Queue)); g != nil {
			m.Queue = g.Name
		}
		m.Name = m.Number
		if c, ok, err := v.s.d.Customers.ByNumber(v.ctx(), r.Subject); err != nil {
			return nil, err
		} else if ok {
			card := v.customerModel(&c, privacy.CallDetail)
			m.Customer, m.Name = c.ID, v.customerTitle(&card)
		}
		m.Taken, m.Mine, m.By = v.taker(r.Subject)
		out = append(out, m)
	}
	return out, nil
}

func (v *visit) callBacks() error {
	m, err := v.callBacksModel()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "callbacks", view.CallBacks{Frame: v.frame(v.p.T("callbacks.title")), List: m, Dial: v.s.d.Dial != nil, Tabs: v.tabs()})
}

func (v *visit) apiCallBacks() error {
	m, err := v.callBacksModel()
	if err != nil {
		return err
	}
	for i := range m { // pseudonyms of numbers stay in the box
		if !outcome.IsCustomer(m[i].Customer) {
			m[i].Customer = ""
		}
	}
	return v.json(m)
}

// theCallBack is the open call-back of the address, if it is on the reader's list.
func (v *visit) theCallBack() (outcome.Result, error) {
	list, err := v.dueCallBacks()
	if err != nil {
		return outcome.Result{}, err
	}
	for _, r := range list {
		if string(r.Call) == v.r.PathValue("id") {
			return r, nil
		}
	}
	return outcome.Result{}, errNotFound
}

// callBackDone takes a call-back off the list.
func (v *visit) callBackDone() error {
	r, err := v.theCallBack()
	if err != nil {
		return err
	}
	if _, err := v.s.d.Customers.Settle(v.ctx(), v.me.Person, r.Call); err != nil {
		return err
	}
	v.flash("flash.callback.done", "ok", 0)
	return v.goTo("/callbacks")
}

// callBackDial calls a customer who asked for it. Two people never call the same one.
func (v *visit) callBackDial() error {
	r, err := v.theCallBack()
	if err != nil {
		return err
	}
	if v.s.d.Dial == nil || r.Subject == "" {
		return errBad
	}
	if _, err := v.callParty(r.Subject); err != nil {
		return err
	}
	return v.goTo("/callbacks")
}
