package ui

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
	"centralino/ui/api"
	"centralino/ui/view"
)

// whose are the open call-backs of the reader's queues and his own, and what else is to
// be done: by him, or by any of his queue. Who leads sees all.
func (v *visit) whose() outcome.Whose {
	if v.seesAll() {
		return outcome.Whose{All: true}
	}
	w := outcome.Whose{Person: v.me.Person}
	for _, g := range v.doc().GroupsOf(v.me.Person) {
		w.Queues = append(w.Queues, string(g.ID))
	}
	return w
}

// follows are the first of them, and how many there are.
func (v *visit) follows() (list []outcome.Result, total int, err error) {
	book, err := v.book()
	if err != nil {
		return nil, 0, err
	}
	return book.Open(v.ctx(), v.whose())
}

func memberOf(doc *office.Document, queue string, who journal.SubjectID) bool {
	for _, g := range doc.GroupsOf(who) {
		if string(g.ID) == queue {
			return true
		}
	}
	return false
}

// followModels describes what is open.
func (v *visit) followModels(list []outcome.Result) ([]api.CallBack, error) {
	out := []api.CallBack{}
	for i := range list {
		m, err := v.followModel(&list[i])
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (v *visit) followModel(r *outcome.Result) (api.CallBack, error) {
	doc, at := v.doc(), r.When()
	m := api.CallBack{Call: string(r.Call), Task: r.Task, Due: at, Late: !at.IsZero() && at.Before(v.s.d.Now()), Asked: r.Time, Outcome: outcomeName(doc, r.Outcome), Note: r.Note,
		Number: v.name(privacy.CallDetail, r.Subject), Customer: string(r.Subject), Subject: string(r.Subject)}
	if g := doc.GroupByID(office.ID(r.Queue)); g != nil {
		m.Queue = g.Name
	}
	m.Name = m.Number
	c, ok, err := v.s.d.Customers.ByNumber(v.ctx(), r.Subject)
	if err != nil {
		return m, err
	}
	if ok {
		card := v.customerModel(&c, privacy.CallDetail)
		m.Customer, m.Name = c.ID, v.customerTitle(&card)
	}
	switch {
	case !r.Task:
	case r.Owner == v.me.Person:
		m.Owner = v.p.T("callbacks.owner.me")
	case r.Owner != "":
		m.Owner = v.name(privacy.CallDetail, r.Owner)
	default:
		m.Owner = v.p.T("callbacks.owner.queue")
	}
	m.Taken, m.Mine, m.By = v.taker(r.Subject)
	return m, nil
}

// today is what the reader has to do today: what is late, falls due before midnight or
// has no date, and how much of it is late.
func (v *visit) today() (list []outcome.Result, late int) {
	if v.s.d.Customers == nil || !v.may("GET /callbacks") {
		return nil, 0
	}
	all, _, err := v.follows()
	if err != nil {
		v.s.d.Log.Error("what is due today", "err", err)
		return nil, 0
	}
	now := v.s.d.Now()
	midnight := kpi.Day(now, v.s.zone()).To
	for _, r := range all {
		at := r.When()
		if at.Before(midnight) {
			list = append(list, r)
		}
		if !at.IsZero() && at.Before(now) {
			late++
		}
	}
	return list, late
}

// dueOnDesk is how much of what is due today the desk lists.
const dueOnDesk = 10

// deskDue fills in what is due today.
func (v *visit) deskDue(page *view.Desk) {
	list, _ := v.today()
	page.All = len(list)
	models, err := v.followModels(list[:min(len(list), dueOnDesk)])
	if err != nil {
		v.s.d.Log.Error("what is due today", "err", err)
		return
	}
	page.Due = view.Follows{List: models, Dial: v.s.d.Dial != nil, Back: "/desk"}
	page.Desk.Due = withoutNumbers(models)
}

// withoutNumbers leaves pseudonyms of numbers out, which stay in the box.
func withoutNumbers(list []api.CallBack) []api.CallBack {
	out := slices.Clone(list)
	for i := range out {
		if !outcome.IsCustomer(out[i].Customer) {
			out[i].Customer = ""
		}
	}
	return out
}

func (v *visit) callBacks() error {
	page, err := v.callBacksPage()
	if err != nil {
		return err
	}
	page.Frame = v.frame(v.p.T("callbacks.title"))
	page.Live = "/live?page=callbacks"
	return v.show(http.StatusOK, "callbacks", page)
}

// callBacksPage is the page without its frame.
func (v *visit) callBacksPage() (view.CallBacks, error) {
	list, total, err := v.follows()
	if err != nil {
		return view.CallBacks{}, err
	}
	m, err := v.followModels(list)
	page := view.CallBacks{Follows: view.Follows{List: m, Dial: v.s.d.Dial != nil, Back: "/callbacks"}, Tabs: v.tabs()}
	if total > len(list) {
		page.First, page.All = len(list), total
	}
	return page, err
}

func (v *visit) apiCallBacks() error { return v.followsAfter(v.r.URL.Query().Get("after")) }

// followsAfter answers with the part of the list that comes behind a cursor, with the
// first one if it is empty.
func (v *visit) followsAfter(after string) error {
	var list []outcome.Result
	var more bool
	if after == "" {
		first, total, err := v.follows()
		if err != nil {
			return err
		}
		list, more = first, total > len(first)
	} else {
		book, err := v.book()
		if err != nil {
			return err
		}
		last, err := followAt(after)
		if err != nil {
			return err
		}
		if list, more, err = book.OpenAfter(v.ctx(), v.whose(), last); err != nil {
			return err
		}
	}
	m, err := v.followModels(list)
	if err != nil {
		return err
	}
	if more {
		v.goesOn("/api/v1/callbacks", "after", followCursor(&list[len(list)-1]))
	}
	return v.json(withoutNumbers(m))
}

// followCursor names a place in the list: its date, when it was set, and its call.
func followCursor(r *outcome.Result) string {
	return cursor(fmt.Sprintf("%d %d %s", store.Nanos(r.When()), r.Time.UnixNano(), r.Call))
}

// followAt reads what followCursor wrote.
func followAt(text string) (outcome.Result, error) {
	var due, set int64
	r := outcome.Result{}
	if n, err := fmt.Sscanf(fromCursor(text), "%d %d %s", &due, &set, &r.Call); err != nil || n != 3 || due < 0 {
		return r, errBad
	}
	r.CallBack, r.Time = store.Instant(due), time.Unix(0, set)
	return r, nil
}

// theFollow is what is open after a call, if it is on the reader's list.
func (v *visit) theFollow(call string) (outcome.Result, error) {
	book, err := v.book()
	if err != nil {
		return outcome.Result{}, err
	}
	list, err := book.OpenOf(v.ctx(), v.whose(), journal.CallID(call), "")
	if err != nil || len(list) == 0 {
		return outcome.Result{}, cmp.Or(err, error(errNotFound))
	}
	return list[0], nil
}

// settleFollow takes what is open after a call off the list.
func (v *visit) settleFollow(call string) error {
	r, err := v.theFollow(call)
	if err != nil {
		return err
	}
	_, err = v.s.d.Customers.Settle(v.ctx(), v.me.Person, r.Call)
	return err
}

func (v *visit) callBackDone() error {
	if err := v.settleFollow(v.r.PathValue("id")); err != nil {
		return err
	}
	v.flash("flash.callback.done", "ok", 0)
	return v.goTo(safePath(cmp.Or(v.r.PostFormValue("back"), "/callbacks")))
}

func (v *visit) apiCallBackDone() error {
	if err := v.settleFollow(v.r.PostFormValue("call")); err != nil {
		return err
	}
	return v.followsAfter("")
}

// callBackDial calls a customer who asked for it. Two people never call the same one.
func (v *visit) callBackDial() error {
	r, err := v.theFollow(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if v.s.d.Dial == nil || r.Subject == "" {
		return errBad
	}
	if _, err := v.callParty(r.Subject); err != nil {
		return err
	}
	return v.goTo(safePath(cmp.Or(v.r.PostFormValue("back"), "/callbacks")))
}
