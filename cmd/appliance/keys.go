package main

import (
	"context"
	"fmt"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/pbx/lamp"
)

// openKeys makes the lamps of the phones' keys.
func (b *box) openKeys() error {
	var err error
	b.keys, err = lamp.New(lamp.Options{
		Stack: b.stack, Phones: b.registrar, Office: func() *office.Document { return b.office.Current().Doc },
		MaySee: func(viewer, of journal.SubjectID) bool {
			return b.people.MaySeeState(privacy.Viewer{Subject: viewer}, of)
		},
		Now: b.now, Store: lamp.NewSQLStore(b.db), Log: b.log,
	})
	if err != nil {
		return fmt.Errorf("open lamps of phones: %w", err)
	}
	return nil
}

// runKeys shows the agents as they were when the box stopped; what changes from now
// on the lamps hear with the journal.
func (b *box) runKeys(ctx context.Context) error {
	var list []journal.AgentChanged
	for _, a := range b.acd.Snapshot().Agents {
		list = append(list, journal.AgentChanged{Agent: a.Agent, State: a.State, Reason: string(a.Reason), Asked: a.Asked, Owes: journal.ContactID(a.Owes)})
	}
	b.keys.Remember(list)
	for _, a := range b.acd.Snapshot().Agents {
		if a.Proposed {
			b.keys.Break(journal.BreakProposed{Agent: a.Agent, Due: a.BreakDue})
		}
	}
	return b.keys.Run(ctx)
}
