package main

import (
	"centralino/acd"
	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/ui"
)

// PauseFor pauses an agent for a reason of the office's, or for the break from the
// screen.
func (a agents) PauseFor(p journal.SubjectID, reason string) error {
	var err error
	if reason == ui.BreakReason {
		_, err = a.b.acd.Break(p, engine.FromPage)
	} else {
		_, err = a.b.acd.Pause(p, engine.FromPage, acd.Reason(reason))
	}
	return err
}

// OtherWork sends an agent to other work.
func (a agents) OtherWork(p journal.SubjectID, reason string) error {
	_, err := a.b.acd.OtherWork(p, engine.FromPage, acd.Reason(reason))
	return err
}

// MoreWrapUp lengthens an agent's wrap-up.
func (a agents) MoreWrapUp(p journal.SubjectID) error {
	_, err := a.b.acd.ExtendWrapUp(p, engine.FromPage)
	return err
}
