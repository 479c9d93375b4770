package ui

import (
	"cmp"
	"errors"
	"net/http"

	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/view"
)

// recallOnHome is how many people to call back the home page lists.
const recallOnHome = 5

// recallWish reads whom the list shall hold.
func (v *visit) recallWish() report.Wish {
	q := v.r.URL.Query()
	return report.Wish{Closed: q.Get("closed") == "on", Unanswered: q.Get("unanswered") == "on"}
}

// recallModel is the list of people to call back; most limits it, 0 does not.
func (v *visit) recallModel(w report.Wish, most int) api.Recall {
	list := v.s.d.Reports.Recalls(w)
	out := api.Recall{People: []api.ToRecall{}, All: len(list), Call: v.s.d.Dial != nil}
	if most > 0 {
		list = list[:min(len(list), most)]
	}
	doc := v.doc()
	names := words{p: v.p, doc: doc}
	for i := range list {
		m := &list[i]
		last := m.Last()
		one := api.ToRecall{ID: string(m.Caller), Caller: v.name(privacy.CallDetail, m.Caller), Last: last.At, Why: v.p.T("recall.why." + last.Why),
			Longest: m.Waited().Seconds(), Taken: m.By != "", Mine: m.By != "" && m.By == v.me.Person, Tries: []api.LostCall{}}
		if n, ok := v.s.d.People.Name(v.viewer(), privacy.Route, m.Caller); ok {
			one.Dial = n
		}
		if one.Taken && !one.Mine {
			one.By = v.name(privacy.CallDetail, m.By)
		}
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
	if err := v.s.d.Reports.Take(v.ctx(), caller, v.me.Person); err != nil {
		return recallRefused(err)
	}
	if v.s.d.Dial == nil {
		return "flash.recall.yours", "ok", nil
	}
	how := v.ringUp(caller)
	if how == callRings {
		return "flash.dial.rings", "ok", nil
	}
	if err := v.s.d.Reports.Done(v.ctx(), caller, v.me.Person, "returned"); err != nil {
		v.s.d.Log.Warn("give a recall back", "err", err)
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
	if err := v.s.d.Reports.Done(v.ctx(), caller, v.me.Person, why); err != nil {
		return recallRefused(err)
	}
	if why == "returned" {
		return "flash.recall.returned", "ok", nil
	}
	return "flash.recall.done", "ok", nil
}

// recallRefused is the text that tells why somebody can't be taken or closed.
func recallRefused(err error) (flash, tone string, _ error) {
	switch {
	case errors.Is(err, report.ErrTaken):
		return "flash.recall.taken", "warn", nil
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

func (v *visit) recallTake() error { return v.thenBack(v.takeRecall()) }
func (v *visit) recallDone() error { return v.thenBack(v.doneRecall()) }

// thenJSON answers a refusal by its status, else with the list as it is now.
func (v *visit) thenJSON(flash, _ string, err error) error {
	switch {
	case err != nil:
		return err
	case flash == "flash.recall.taken":
		return &refusal{http.StatusConflict, "E-TAKEN"}
	case flash == "flash.recall.gone":
		return errNotFound
	}
	return v.json(v.recallModel(report.Wish{}, 0))
}

func (v *visit) apiRecallTake() error { return v.thenJSON(v.takeRecall()) }
func (v *visit) apiRecallDone() error { return v.thenJSON(v.doneRecall()) }
