package ui_test

import (
	"context"
	"net/http"
	"testing"

	"centralino/internal/journal"
	"centralino/ui"
)

// stalling is a journal whose disk stalls: an end of a call comes after what follows it
// (see journal.Subscription).
type stalling struct{ ui.Journal }

func (s stalling) Subscribe(from uint64) ui.Subscription {
	return &overtaking{Subscription: s.Journal.Subscribe(from)}
}

type overtaking struct {
	ui.Subscription
	held, late *journal.Event
}

func (o *overtaking) Next(ctx context.Context) (journal.Event, error) {
	if e := o.late; e != nil {
		o.late = nil
		return *e, nil
	}
	e, err := o.Subscription.Next(ctx)
	if _, ended := e.Payload.(journal.CallEnded); err == nil && ended && o.held == nil {
		o.held = &e
		return o.Next(ctx)
	}
	o.held, o.late = nil, o.held
	return e, err
}

// TestCallsThatEndWhileTheDiskStalls: the end of a call that comes late ends it on the
// pages and for programs all the same.
func TestCallsThatEndWhileTheDiskStalls(t *testing.T) {
	r := newRig(t, true, func(d *ui.Deps) { d.Journal = stalling{d.Journal} })
	heard := r.listen(r.program(dario, every))
	r.log.Append("l-1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number(nobodys)})
	r.log.Append("l-1", journal.CallLeg{Leg: "a", Kind: journal.LegLine, State: journal.LegAnswered, Line: "line-1"})
	r.log.Append("l-1", journal.CallEnded{Cause: "hangup", By: "caller"})
	r.log.Append("", journal.AgentChanged{Agent: bruno, State: journal.AgentReady})
	r.log.Append("", journal.AgentChanged{Agent: carla, State: journal.AgentReady})
	r.settle()
	until(t, heard, "event: ended")
	r.as(dario).get("/api/v1/home").is(t, http.StatusOK).has(t, `"calls":[]`)
}
