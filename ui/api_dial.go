package ui

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

// Why a program's wish to call is refused.
var (
	errDialForm   = &refusal{http.StatusBadRequest, "E-DIAL-FORM"}
	errDialNumber = &refusal{http.StatusUnprocessableEntity, "E-DIAL-NUMBER"}
	errDialNever  = &refusal{http.StatusForbidden, "E-DIAL-NEVER"}
	errDialFrom   = &refusal{http.StatusForbidden, "E-DIAL-FROM"}
)

// dialRefused is the answer for each way in which a call could not be begun.
var dialRefused = map[string]*refusal{
	callTaken:    {http.StatusConflict, "E-TAKEN"},
	callTalks:    {http.StatusConflict, "E-ONCALL"},
	callBusy:     {http.StatusConflict, "E-DIAL-BUSY"},
	"nophone":    {http.StatusConflict, "E-DIAL-PHONE"},
	"notallowed": {http.StatusForbidden, "E-DIAL-RIGHT"},
	"failed":     {http.StatusServiceUnavailable, "E-DIAL-FAILED"},
}

// apiDial is click to dial for programs, with the checks and the effects of the pages'
// buttons: the caller is taken on the reader, whose phones ring.
func (v *visit) apiDial() error {
	w, err := readDial(v.r)
	if err != nil {
		return err
	}
	if v.s.d.Dial == nil || v.s.d.Customers == nil {
		return errNotFound
	}
	if w.From != "" && !v.ownPhone(w.From) {
		return errDialFrom
	}
	party, err := v.dialParty(w)
	if err != nil {
		return err
	}
	how, call, err := v.takeAndRing(party)
	if err != nil {
		return err
	}
	if how != callRings {
		return cmp.Or(dialRefused[how], dialRefused["failed"])
	}
	return v.json(api.Dialled{Call: string(call)})
}

// readDial reads a wish from a body of JSON, or from a form.
func readDial(r *http.Request) (api.DialWish, error) {
	var w api.DialWish
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		in := json.NewDecoder(r.Body)
		in.DisallowUnknownFields()
		if err := in.Decode(&w); err != nil {
			var big *http.MaxBytesError
			if errors.As(err, &big) {
				return w, err
			}
			return w, errDialForm
		}
		if _, err := in.Token(); !errors.Is(err, io.EOF) {
			return w, errDialForm
		}
	default: // a form was read on the way in
		w = api.DialWish{Number: r.PostForm.Get("number"), Contact: r.PostForm.Get("contact"), From: r.PostForm.Get("from")}
	}
	w.Number, w.Contact, w.From = strings.TrimSpace(w.Number), strings.TrimSpace(w.Contact), strings.TrimSpace(w.From)
	if (w.Number == "") == (w.Contact == "") || len(w.Number)+len(w.Contact)+len(w.From) > 200 {
		return w, errDialForm
	}
	return w, nil
}

// ownPhone says whether a text names an extension or a phone of the reader.
func (v *visit) ownPhone(text string) bool {
	doc, me := v.doc(), v.me.Person
	return slices.ContainsFunc(doc.ExtensionsOf(office.Target{Kind: office.TargetPerson, ID: string(me)}), func(e *office.Extension) bool { return e.Digits == text }) ||
		slices.ContainsFunc(doc.DevicesOf(me), func(d *office.Device) bool { return string(d.ID) == text || d.Username == text })
}

// dialParty finds whom a wish means: somebody whose card the reader may look at, or who
// is on a list of the reader's, and who called or asked to be called.
func (v *visit) dialParty(w api.DialWish) (journal.SubjectID, error) {
	parties, err := v.wished(w)
	if err != nil {
		return "", err
	}
	for _, s := range parties {
		if v.s.d.Reports != nil {
			if on, err := v.onMyList(s); err != nil || on {
				return s, err
			}
		}
	}
	card := outcome.Customer{Numbers: parties}
	if w.Number != "" {
		if card, _, err = cardOf(v.ctx(), v.s.d.Customers, parties[0]); err != nil {
			return "", err
		}
	}
	if may, err := v.mayCard(card.Numbers); err != nil {
		return "", err
	} else if !may {
		return "", errNotFound
	}
	if i := slices.IndexFunc(parties, v.asked); i >= 0 {
		return parties[i], nil
	}
	return "", errDialNever
}

// wished are the outside numbers that a wish may mean, as pseudonyms, whoever the reader
// is.
func (v *visit) wished(w api.DialWish) ([]journal.SubjectID, error) {
	switch {
	case w.Number != "":
		s, ok := v.subjectOf(v.doc(), w.Number)
		if !ok {
			return nil, errDialNumber
		}
		return []journal.SubjectID{s}, nil
	case outcome.IsCustomer(w.Contact):
		c, err := v.s.d.Customers.ByID(v.ctx(), w.Contact)
		if errors.Is(err, outcome.ErrUnknown) {
			return nil, errNotFound
		}
		return c.Numbers, err
	}
	c, ok, err := v.s.d.Journal.CallByID(v.ctx(), journal.CallID(w.Contact))
	if err != nil {
		return nil, err
	}
	other := c.From
	if c.Direction == journal.Outbound {
		other = c.To
	}
	if !ok || !isNumber(string(other)) {
		return nil, errNotFound
	}
	return []journal.SubjectID{other}, nil
}
