package ui

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// listedContacts is how many contacts behind a number are listed at once.
const listedContacts = 500

// contactsModel is the contacts behind a number.
func (v *visit) contactsModel(purpose privacy.Purpose) (api.Contacts, error) {
	q := v.r.URL.Query()
	out := api.Contacts{Count: q.Get("count"), Contacts: []api.Contact{}}
	if v.s.d.Reports == nil {
		return out, errNotFound
	}
	var at [2]time.Time
	for i, name := range []string{"from", "to"} {
		sec, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil || sec < 0 || sec > 1<<37 {
			return out, errBad
		}
		at[i] = time.Unix(sec, 0)
	}
	b := report.Behind{Interval: kpi.Interval{From: at[0], To: at[1]}, Queue: q.Get("queue"), Count: kpi.Count(out.Count), Outcome: q.Get("outcome")}
	if !b.Count.Known() || !b.From.Before(b.To) || b.Length() > longestReport*24*time.Hour {
		return out, errBad
	}
	facts, err := v.s.d.Reports.Facts(v.ctx(), b.Interval)
	if err != nil {
		return out, err
	}
	doc := v.doc()
	visits := b.Contacts(facts.Visits, report.RulesOf(doc))
	slices.SortFunc(visits, inOrder)
	out.From, out.To, out.All = b.From, b.To, len(visits)
	if visits, err = visitsAfter(visits, q.Get("after")); err != nil {
		return out, err
	}
	if len(visits) > listedContacts {
		visits = visits[:listedContacts]
		out.Next = visitCursor(&visits[listedContacts-1])
	}
	w := words{p: v.p, doc: doc}
	if b.Queue != "" {
		out.Queue = w.queue(b.Queue)
	}
	name := v.s.namesFor(reading{v.p, v.viewer(), purpose}, doc)
	for i := range visits {
		x := &visits[i]
		out.Contacts = append(out.Contacts, api.Contact{Call: string(x.Contact), At: x.Arrived, Queue: w.queue(x.Queue), Caller: name(x.Caller),
			Result: v.resultState(x.Result), Waited: x.Waited.Seconds(), Talked: x.Talked.Seconds()})
	}
	return out, nil
}

// inOrder is the order of contacts behind a number: the oldest first. No two are alike.
func inOrder(a, b kpi.Visit) int {
	return cmp.Or(a.Arrived.Compare(b.Arrived), cmp.Compare(a.Contact, b.Contact), cmp.Compare(a.Queue, b.Queue))
}

// visitCursor names a place in that order.
func visitCursor(x *kpi.Visit) string {
	return cursor(fmt.Sprintf("%d %s %s", x.Arrived.UnixNano(), x.Contact, x.Queue))
}

// visitsAfter are the contacts behind a place; all where it is empty.
func visitsAfter(visits []kpi.Visit, place string) ([]kpi.Visit, error) {
	if place == "" {
		return visits, nil
	}
	var at int64
	var x kpi.Visit
	if n, err := fmt.Sscanf(fromCursor(place), "%d %s %s", &at, &x.Contact, &x.Queue); err != nil || n != 3 {
		return nil, errBad
	}
	x.Arrived = time.Unix(0, at)
	i, found := slices.BinarySearchFunc(visits, x, inOrder)
	if found {
		i++
	}
	return visits[i:], nil
}

// resultState is a contact's fate in a word.
func (v *visit) resultState(r kpi.Result) api.State {
	tone := api.ToneWarn
	switch r {
	case kpi.Answered:
		tone = api.ToneOK
	case kpi.Abandoned:
		tone = api.ToneBad
	case kpi.Waiting:
		tone = api.ToneBusy
	}
	return api.State{ID: r.String(), Word: v.p.T("report.result." + r.String()), Tone: tone}
}

func (v *visit) reportContacts() error {
	m, err := v.contactsModel(privacy.CallDetail)
	if err != nil {
		return err
	}
	page := view.Contacts{Frame: v.frame(v.p.T("report.contacts.title")), Contacts: m, What: v.p.T("report.count." + m.Count)}
	page.First, page.More = v.pager(m.Next, "after", "from", "to", "queue", "count", "outcome")
	return v.show(http.StatusOK, "contacts", page)
}

func (v *visit) apiContacts() error {
	m, err := v.contactsModel(privacy.Export)
	if err != nil {
		return err
	}
	return v.jsonList(m, m.Next)
}
