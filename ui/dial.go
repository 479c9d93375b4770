package ui

import (
	"context"
	"errors"

	"centralino/internal/journal"
)

// DialFunc calls an outside party for a person of the office: his phones ring, and
// once he has answered the party is called. It returns as soon as the call exists.
type DialFunc func(ctx context.Context, who, party journal.SubjectID) error

// Errors of a DialFunc that people can do something about; test with errors.Is.
var (
	ErrNoPhone    = errors.New("no phone of the person is registered")
	ErrNotAllowed = errors.New("the person may not call this number")
)

// callRings is how a call begins that could be made.
const callRings = "rings"

// ringUp calls a party for the reader and says how that went, as the last part of a
// text's id: callRings, or "nophone", "notallowed", "failed".
func (v *visit) ringUp(party journal.SubjectID) string {
	err := v.s.d.Dial(v.ctx(), v.me.Person, party)
	if err == nil {
		return callRings
	}
	v.s.d.Log.Warn("call a party for a person", "err", err)
	switch {
	case errors.Is(err, ErrNoPhone):
		return "nophone"
	case errors.Is(err, ErrNotAllowed):
		return "notallowed"
	}
	return "failed"
}

// dial calls a party and leaves the message that says how that went. It reports
// whether the call was made.
func (v *visit) dial(party journal.SubjectID) bool {
	how, tone := v.ringUp(party), "bad"
	if how == callRings {
		tone = "ok"
	}
	v.flash("flash.dial."+how, tone, 0)
	return how == callRings
}
