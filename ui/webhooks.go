package ui

import (
	"errors"
	"net/http"
	"strconv"

	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/cti"
	"centralino/ui/view"
)

// webhooksModel is how the webhooks do, with their last deliveries. No number and no
// name stands in a delivery.
func (v *visit) webhooksModel() ([]api.Webhook, error) {
	if v.s.d.Webhooks == nil {
		return nil, errNotFound
	}
	out := []api.Webhook{}
	for _, w := range v.doc().Webhooks {
		st, err := v.s.d.Webhooks.Status(v.ctx(), w.ID)
		if err != nil {
			return nil, err
		}
		list, err := v.s.d.Webhooks.Attempts(v.ctx(), w.ID)
		if err != nil {
			return nil, err
		}
		m := api.Webhook{ID: string(w.ID), Name: w.Name, URL: w.URL, Events: append([]string{}, w.Events...), Failing: st.Failing, Waiting: st.Waiting, Sent: st.Sent, Lost: st.Lost, Attempts: []api.HookedSent{}}
		_, m.Signed = v.s.d.Secrets.Get(w.Secret)
		m.State = v.hookState(&w, st)
		for _, a := range list {
			m.Attempts = append(m.Attempts, v.hooked(a))
		}
		out = append(out, m)
	}
	return out, nil
}

func (v *visit) hookState(w *office.Webhook, st cti.Status) api.State {
	id, tone := "ok", api.ToneOK
	switch {
	case w.Off:
		id, tone = "off", api.ToneOff
	case st.Stopped:
		id, tone = "stopped", api.ToneBad
	case !st.Failing.IsZero():
		id, tone = "failing", api.ToneWarn
	case st.Sent == 0:
		id, tone = "new", api.ToneOff
	}
	return api.State{ID: id, Word: v.p.T("webhook.state." + id), Tone: tone}
}

func (v *visit) hooked(a cti.Attempt) api.HookedSent {
	m := api.HookedSent{Time: a.Time, Event: v.p.T("webhook.event." + string(a.Kind)), Call: string(a.Call), Try: a.Try, Status: a.Status, Took: a.Took.Seconds()}
	switch {
	case a.OK():
		m.Result = api.State{ID: "ok", Word: v.p.T("webhook.taken", "status", strconv.Itoa(a.Status)), Tone: api.ToneOK}
	case a.Status != 0:
		m.Result = api.State{ID: "refused", Word: v.p.T("webhook.refused", "status", strconv.Itoa(a.Status)), Tone: api.ToneBad}
	default:
		m.Result = api.State{ID: a.Cause, Word: v.p.T("webhook.cause." + a.Cause), Tone: api.ToneBad}
	}
	if a.Kind == cti.Test {
		m.Call = ""
	}
	return m
}

func (v *visit) webhooks() error {
	m, err := v.webhooksModel()
	if err != nil {
		return err
	}
	page := view.Webhooks{Frame: v.frame(v.p.T("webhooks.title")), Hooks: m, Edit: v.mayTouch(v.doc(), subject{kind: office.KindWebhook})}
	if page.Edit {
		page.New = "/edit/webhook/new"
	}
	return v.show(http.StatusOK, "webhooks", page)
}

func (v *visit) apiWebhooks() error {
	m, err := v.webhooksModel()
	if err != nil {
		return err
	}
	return v.json(m)
}

// webhookDo sends a test, or lets a stopped webhook go on.
func (v *visit) webhookDo() error {
	w := v.doc().WebhookByID(office.ID(v.r.PathValue("id")))
	if v.s.d.Webhooks == nil || w == nil {
		return errNotFound
	}
	do, done := v.s.d.Webhooks.Try, "flash.webhook.tried"
	switch v.r.PostFormValue("do") {
	case "try":
	case "again":
		do, done = v.s.d.Webhooks.Again, "flash.webhook.again"
	default:
		return errBad
	}
	switch err := do(v.ctx(), w.ID); {
	case errors.Is(err, cti.ErrOff):
		v.flash("flash.webhook.off", "warn", 0)
	case errors.Is(err, cti.ErrTooMany):
		v.flash("flash.webhook.many", "warn", 0)
	case err != nil:
		return err
	default:
		v.flash(done, "ok", 0)
	}
	return v.goTo("/webhooks")
}
