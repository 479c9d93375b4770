package ui

import (
	"context"
	"errors"

	"centralino/internal/journal"
)

// DialFunc calls an outside party for a person of the office: his phones ring, and
// once he has answered the party is called. It returns as soon as the call exists, with
// the call's id.
type DialFunc func(ctx context.Context, who, party journal.SubjectID) (journal.CallID, error)

// Errors of a DialFunc that people can do something about; test with errors.Is.
var (
	ErrNoPhone    = errors.New("no phone of the person is registered")
	ErrNotAllowed = errors.New("the person may not call this number")
)

// callRings is how a call begins that could be made.
const callRings = "rings"

// ringUp calls a party for the reader and says how that went, as the last part of a
// text's id: callRings with the call, or "nophone", "notallowed", "failed".
func (v *visit) ringUp(party journal.SubjectID) (how string, call journal.CallID) {
	call, err := v.s.d.Dial(v.ctx(), v.me.Person, party)
	if err == nil {
		return callRings, call
	}
	v.s.d.Log.Warn("call a party for a person", "err", err)
	switch {
	case errors.Is(err, ErrNoPhone):
		return "nophone", ""
	case errors.Is(err, ErrNotAllowed):
		return "notallowed", ""
	}
	return "failed", ""
}

// callParty takes a party on the reader, calls it, and leaves the message that says how
// that went, as the last part of a text's id.
func (v *visit) callParty(party journal.SubjectID) (how string, err error) {
	how, _, err = v.takeAndRing(party)
	switch {
	case err != nil:
	case how == callRings:
		v.flash("flash.dial.rings", "ok", 0)
	case how == callTaken:
		v.flash("flash.callback.taken", "warn", 0)
	case how == callTalks, how == callBusy:
		v.flash("flash.recall."+how, "warn", 0)
	default:
		v.flash("flash.dial."+how, "bad", 0)
	}
	return how, err
}
