package ui

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/privacy"
	"centralino/ui/view"
)

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

func (v *visit) customerEraseForm() error {
	c, err := v.theCustomer()
	if err != nil {
		return err
	}
	m := v.customerModel(&c, privacy.CallDetail)
	calls, err := v.callsOf(&c, 0)
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
