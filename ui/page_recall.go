package ui

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/live"
	"centralino/ui/view"
)

// recallOnHome is how many people to call back the home page lists.
const recallOnHome = 5

// recallWish reads whom the list shall hold.
func (v *visit) recallWish() report.Wish {
	q := v.r.URL.Query()
	return report.Wish{Closed: q.Get("closed") == "on", Unanswered: q.Get("unanswered") == "on"}
}

// ownQueue says whether callers of a queue are the reader's to call: his own queues', and
// those of none; who leads has all.
func (v *visit) ownQueue(doc *office.Document, queue string) bool {
	return queue == "" || v.seesAll() || memberOf(doc, queue, v.me.Person)
}

// recalls are the people to call back whom the reader may see, with their tries.
func (v *visit) recalls(w report.Wish) []report.Missed {
	doc := v.doc()
	return slices.DeleteFunc(v.s.d.Reports.Recalls(w), func(m report.Missed) bool {
		return !slices.ContainsFunc(m.Tries, func(t report.Try) bool { return v.ownQueue(doc, t.Queue) })
	})
}

// recallModel is the list of people to call back; most limits it, 0 does not.
func (v *visit) recallModel(w report.Wish, most int) api.Recall {
	list := v.recalls(w)
	out := api.Recall{Promises: v.promises(), People: []api.ToRecall{}, All: len(list), Call: v.s.d.Dial != nil}
	out.Closed = v.beside(list, report.Wish{Closed: true})
	out.Unanswered = v.beside(list, report.Wish{Unanswered: true})
	if most > 0 {
		list = list[:min(len(list), most)]
		out.Promises = out.Promises[:min(len(out.Promises), most)]
	}
	doc := v.doc()
	names := words{p: v.p, doc: doc}
	for i := range list {
		m := &list[i]
		m.Tries = slices.DeleteFunc(m.Tries, func(t report.Try) bool { return !v.ownQueue(doc, t.Queue) })
		last := m.Last()
		one := api.ToRecall{ID: string(m.Caller), Caller: v.name(privacy.CallDetail, m.Caller), Dial: v.dialled(m.Caller), Last: last.At, Why: v.p.T("recall.why." + last.Why),
			Longest: m.Waited().Seconds(), Tries: []api.LostCall{}}
		one.Taken, one.Mine, one.By = v.taker(m.Caller)
		for _, t := range m.Tries {
			c := api.LostCall{Call: string(t.Call), At: t.At, Why: v.p.T("recall.why." + t.Why), Waited: t.Waited.Seconds()}
			if t.Queue != "" {
				c.Queue = names.queue(t.Queue)
			}
			one.Tries = append(one.Tries, c)
		}
		one.Queue = one.Tries[len(one.Tries)-1].Queue
		out.People = append(out.People, one)
	}
	return out
}

// beside counts the people whom a wish adds to a list.
func (v *visit) beside(list []report.Missed, w report.Wish) int {
	on := map[journal.SubjectID]bool{}
	for i := range list {
		on[list[i].Caller] = true
	}
	n := 0
	for _, m := range v.recalls(w) {
		if !on[m.Caller] {
			n++
		}
	}
	return n
}

// dialled is a caller's number as a telephone takes it, if the reader may have it.
func (v *visit) dialled(caller journal.SubjectID) string {
	n, _ := v.s.d.People.Name(v.viewer(), privacy.Route, caller)
	return n
}

// taker says whether a person has taken a caller, whether that is the reader, and else
// who it is, as far as the gate tells.
func (v *visit) taker(caller journal.SubjectID) (taken, mine bool, who string) {
	if v.s.d.Reports == nil {
		return false, false, ""
	}
	by := v.s.d.Reports.Holder(caller)
	if by == "" || by == v.me.Person {
		return by != "", by != "", ""
	}
	return true, false, v.name(privacy.CallDetail, by)
}

// promises are the callers whom the reader's queues have promised to call back.
func (v *visit) promises() []api.Promise {
	st, doc, now := v.s.hub.State(), v.doc(), v.s.d.Now()
	today, known := v.factsToday()
	out := []api.Promise{}
	for i := range doc.Groups {
		g := &doc.Groups[i]
		if g.Mode != office.GroupQueue || !v.ownQueue(doc, string(g.ID)) {
			continue
		}
		var visits []kpi.Visit
		if known {
			visits = visitsOf(today.Visits, string(g.ID))
		}
		waiting := st.WaitingIn(string(g.ID))
		for n, w := range st.PromisedIn(string(g.ID)) {
			m := api.Promise{Call: string(w.ID), ID: string(w.Caller), Caller: v.name(privacy.CallDetail, w.Caller), Dial: v.dialled(w.Caller), Queue: g.Name,
				Since: w.Promised, Tries: w.Tries, Late: now.Sub(w.Promised) > lateCallback}
			if w.Next.After(now) {
				m.Next = w.Next
			}
			m.Taken, m.Mine, m.By = v.taker(w.Caller)
			m.State = v.promiseState(w, &m)
			ahead := 0
			for _, x := range waiting {
				if x.Arrival.Before(w.Arrival) {
					ahead++
				}
			}
			if low, ok := waitBehind(st, string(g.ID), visits, ahead, n); ok && (m.State.ID == "waiting" || m.State.ID == "later") {
				m.Expected = now.Add(low).Truncate(time.Minute)
				if m.Next.After(m.Expected) {
					m.Expected = m.Next
				}
			}
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b api.Promise) int { return a.Since.Compare(b.Since) })
	return out
}

func (v *visit) promiseState(w *live.Contact, m *api.Promise) api.State {
	state := api.State{ID: "waiting", Tone: api.ToneWarn}
	switch {
	case w.Calling:
		state = api.State{ID: "calling", Tone: api.ToneBusy}
	case len(w.Offers) > 0:
		state = api.State{ID: "ringing", Tone: api.ToneBusy}
	case m.Taken:
		state = api.State{ID: "taken", Tone: api.ToneBusy}
	case !m.Next.IsZero():
		state = api.State{ID: "later", Tone: api.ToneOff}
	}
	state.Word = v.p.T("recall.state." + state.ID)
	return state
}

// mayRecall says whether the reader may see the list.
func (v *visit) mayRecall() bool { return v.s.d.Reports != nil && v.may("GET /recall") }

func (v *visit) recall() error {
	if v.s.d.Reports == nil {
		return errNotFound
	}
	page := v.recallPage()
	page.Frame = v.frame(v.p.T("recall.title"))
	page.Live = "/live?page=recall"
	if q := v.r.URL.RawQuery; q != "" {
		page.Live += "&" + q
	}
	return v.show(http.StatusOK, "recall", page)
}

// recallPage is the page without its frame.
func (v *visit) recallPage() view.Recall {
	w := v.recallWish()
	return view.Recall{Recall: v.recallModel(w, 0), Closed: w.Closed, Unanswered: w.Unanswered, Now: v.s.d.Now()}
}

func (v *visit) apiRecall() error {
	if v.s.d.Reports == nil {
		return errNotFound
	}
	return v.json(v.recallModel(v.recallWish(), 0))
}

// onMyList says whether a caller is on a list of the reader's: not served, promised a
// call, with a call-back that he asked for, or taken by the reader.
func (v *visit) onMyList(caller journal.SubjectID) (bool, error) {
	if v.s.d.Reports.Holder(caller) == v.me.Person {
		return true, nil
	}
	for _, m := range v.recalls(report.Wish{Closed: true, Unanswered: true}) {
		if m.Caller == caller {
			return true, nil
		}
	}
	for _, p := range v.promises() {
		if p.ID == string(caller) {
			return true, nil
		}
	}
	if v.s.d.Customers == nil {
		return false, nil
	}
	due, err := v.s.d.Customers.OpenOf(v.ctx(), v.whose(), "", caller)
	return len(due) > 0, err
}

// How somebody could not be taken, beside the ways in which a call can fail.
const (
	callTaken = "taken" // somebody else has him
	callTalks = "talks" // he is on a call with the office
	callBusy  = "busy"  // he waits on the line, or an agent is being rung for him
	callYours = "yours" // he is the reader's, who calls from the telephone
)

// takeAndRing takes a caller on the reader and calls him: of two people who ask, from
// whatever lists, one is refused. Where the call can't be made others may try at once,
// unless the reader had him before.
func (v *visit) takeAndRing(caller journal.SubjectID) (how string, call journal.CallID, err error) {
	mine := false
	if r := v.s.d.Reports; r != nil {
		mine = r.Holder(caller) == v.me.Person
		switch err := r.Take(v.ctx(), caller, v.me.Person); {
		case errors.Is(err, report.ErrTaken):
			return callTaken, "", nil
		case errors.Is(err, report.ErrOnCall):
			return callTalks, "", nil
		case errors.Is(err, report.ErrBusy):
			return callBusy, "", nil
		case err != nil:
			return "", "", err
		}
	}
	if v.s.d.Dial == nil {
		return callYours, "", nil
	}
	how, call = v.ringUp(caller)
	if how != callRings && !mine && v.s.d.Reports != nil {
		if err := v.s.d.Reports.Done(v.ctx(), caller, v.me.Person, "returned"); err != nil {
			v.s.d.Log.Warn("give a caller back", "err", err)
		}
	}
	return how, call, nil
}

// takeRecall makes the reader the one who calls somebody back and begins the call.
// It returns the text that tells how that went.
func (v *visit) takeRecall() (flash, tone string, err error) {
	if v.s.d.Reports == nil {
		return "", "", errNotFound
	}
	caller := journal.SubjectID(v.r.PostFormValue("caller"))
	if !isNumber(string(caller)) {
		return "", "", errBad
	}
	if on, err := v.onMyList(caller); err != nil || !on {
		return recallRefused(cmp.Or(err, report.ErrNotOpen))
	}
	how, _, err := v.takeAndRing(caller)
	switch {
	case err != nil:
		return "", "", err
	case how == callRings:
		return "flash.dial.rings", "ok", nil
	case how == callYours:
		return "flash.recall.yours", "ok", nil
	case how == callTaken, how == callTalks, how == callBusy:
		return "flash.recall." + how, "warn", nil
	}
	return "flash.recall." + how, "bad", nil
}

// doneRecall closes what the reader took, or takes somebody off the list.
func (v *visit) doneRecall() (flash, tone string, err error) {
	if v.s.d.Reports == nil {
		return "", "", errNotFound
	}
	caller, why := journal.SubjectID(v.r.PostFormValue("caller")), v.r.PostFormValue("why")
	switch why {
	case "reached", "gaveUp", "noNeed", "returned":
	default:
		return "", "", errBad
	}
	if on, err := v.onMyList(caller); err != nil || !on {
		return recallRefused(cmp.Or(err, report.ErrNotOpen))
	}
	if why != "returned" && v.s.d.Reports.Holder(caller) != v.me.Person && v.promisedElsewhere(caller) {
		return recallRefused(report.ErrTaken) // it would end what other queues have promised him
	}
	if err := v.s.d.Reports.Done(v.ctx(), caller, v.me.Person, why); err != nil {
		return recallRefused(err)
	}
	if why == "returned" {
		return "flash.recall.returned", "ok", nil
	}
	return "flash.recall.done", "ok", nil
}

// promisedElsewhere says whether a queue that is not the reader's has promised a caller
// to call him.
func (v *visit) promisedElsewhere(caller journal.SubjectID) bool {
	st, doc := v.s.hub.State(), v.doc()
	return slices.ContainsFunc(doc.Groups, func(g office.Group) bool {
		return g.Mode == office.GroupQueue && !v.ownQueue(doc, string(g.ID)) &&
			slices.ContainsFunc(st.PromisedIn(string(g.ID)), func(w *live.Contact) bool { return w.Caller == caller })
	})
}

// recallRefused is the text that tells why somebody can't be taken or closed.
func recallRefused(err error) (flash, tone string, _ error) {
	switch {
	case errors.Is(err, report.ErrTaken):
		return "flash.recall.taken", "warn", nil
	case errors.Is(err, report.ErrBusy):
		return "flash.recall.busy", "warn", nil
	case errors.Is(err, report.ErrNotOpen):
		return "flash.recall.gone", "ok", nil
	}
	return "", "", err
}

// thenBack leaves the message and goes back to where the button was.
func (v *visit) thenBack(flash, tone string, err error) error {
	if err != nil {
		return err
	}
	v.flash(flash, tone, 0)
	return v.goTo(safePath(cmp.Or(v.r.PostFormValue("back"), "/recall")))
}

func (v *visit) recallTake() error   { return v.thenBack(v.takeRecall()) }
func (v *visit) recallDone() error   { return v.thenBack(v.doneRecall()) }
func (v *visit) recallCancel() error { return v.thenBack(v.cancelPromise()) }

// cancelPromise takes a promise to call back out of its queue, in the reader's name.
func (v *visit) cancelPromise() (flash, tone string, err error) {
	if v.s.d.Reports == nil {
		return "", "", errNotFound
	}
	call := v.r.PostFormValue("call")
	if !slices.ContainsFunc(v.promises(), func(p api.Promise) bool { return p.Call == call }) {
		return recallRefused(report.ErrNotOpen)
	}
	if err := v.s.d.Reports.Cancel(v.ctx(), journal.CallID(call), v.me.Person); err != nil {
		return recallRefused(err)
	}
	return "flash.recall.cancelled", "ok", nil
}

// thenJSON answers a refusal by its status, else with the list as it is now.
func (v *visit) thenJSON(flash, _ string, err error) error {
	refused := dialRefused[strings.TrimPrefix(flash, "flash.recall.")]
	switch {
	case err != nil:
		return err
	case refused != nil:
		return refused
	case flash == "flash.recall.gone":
		return errNotFound
	}
	return v.json(v.recallModel(report.Wish{}, 0))
}

func (v *visit) apiRecallTake() error   { return v.thenJSON(v.takeRecall()) }
func (v *visit) apiRecallDone() error   { return v.thenJSON(v.doneRecall()) }
func (v *visit) apiRecallCancel() error { return v.thenJSON(v.cancelPromise()) }
