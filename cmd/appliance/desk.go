package main

import (
	"centralino/acd"
	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/ui"
)

// agents lets people log in and pause from the page.
type agents struct{ b *box }

func (a agents) Login(p journal.SubjectID) error {
	_, err := a.b.acd.Login(p, engine.FromPage)
	return err
}

func (a agents) Logout(p journal.SubjectID) error {
	_, err := a.b.acd.Logout(p, engine.FromPage)
	return err
}

func (a agents) Pause(p journal.SubjectID) error {
	_, err := a.b.acd.Pause(p, engine.FromPage, engine.ReasonPage)
	return err
}

func (a agents) Ready(p journal.SubjectID) error {
	_, err := a.b.acd.Ready(p, engine.FromPage)
	return err
}

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
