package update

import (
	"errors"
	"fmt"
)

// Reason says why an update was refused or given up. Its text for people has the id
// "update.refused." + Reason.
type Reason string

// Reasons. Those before Busy are about the bundle, the others about the box.
const (
	NotABundle Reason = "notABundle" // another file
	Unsigned   Reason = "unsigned"   // no signature
	ForeignKey Reason = "foreignKey" // signed by a key that this box does not trust
	Tampered   Reason = "tampered"   // the signature does not fit the manifest
	Malformed  Reason = "malformed"  // signed, but the manifest makes no sense
	Damaged    Reason = "damaged"    // a block is not what the manifest says
	Truncated  Reason = "truncated"  // it ends too early
	Trailing   Reason = "trailing"   // it goes on after its end
	WrongBoard Reason = "wrongBoard" // for another computer
	Older      Reason = "older"      // an earlier release, and the button was not pressed
	TooLarge   Reason = "tooLarge"   // does not fit into the slot

	Busy     Reason = "busy"     // another update is under way
	NoSlots  Reason = "noSlots"  // this box has no slots to update
	NotSound Reason = "notSound" // the present version has not proved itself yet
	NoKeys   Reason = "noKeys"   // the box was built without keys
	NoSpace  Reason = "noSpace"  // the data partition cannot hold the bundle
	NoBackup Reason = "noBackup" // the database could not be copied
	BadDisk  Reason = "disk"     // reading or writing a slot failed
	Medium   Reason = "medium"   // what was written does not read back
	Stopped  Reason = "stopped"  // somebody called it off
)

// Reasons lists all, for the tables of texts.
var Reasons = []Reason{NotABundle, Unsigned, ForeignKey, Tampered, Malformed, Damaged, Truncated, Trailing, WrongBoard, Older, TooLarge,
	Busy, NoSlots, NotSound, NoKeys, NoSpace, NoBackup, BadDisk, Medium, Stopped}

// Refusal is the error of everything in this package that a person should read.
type Refusal struct {
	Reason Reason
	Detail string // for the log: which block, which board; never shown as it is
	Err    error  // the cause, if another part failed
}

// Error tells reason, detail and cause.
func (r *Refusal) Error() string {
	s := "update refused: " + string(r.Reason)
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Unwrap is the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// ReasonOf finds the reason in an error; empty if it has none.
func ReasonOf(err error) Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func refuse(why Reason, format string, args ...any) error {
	return &Refusal{Reason: why, Detail: fmt.Sprintf(format, args...)}
}
