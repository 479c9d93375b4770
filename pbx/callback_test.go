package pbx_test

import (
	"context"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// reservedUntil is until when the box keeps a line for a call back.
func (w *world) reservedUntil(line office.ID) time.Time {
	return w.pbx.Lines().Lines[line].ReservedUntil
}

func TestLineIsKeptForTheCallBackOnlyWhereHelpAnswered(t *testing.T) {
	inWorld(t, func(w *world) {
		w.exchange.OnDial(func(id hal.LineID, _ string) sim.DialOutcome {
			if id == "line-1" {
				return sim.DialOutcome{Result: sim.IsBusy}
			}
			return sim.DialOutcome{Delay: time.Second}
		})
		c := helped(t, w, "dev-1", 40*time.Second)
		c.HangUp()
		pass(5 * time.Second)
		if at := w.reservedUntil("line-1"); !at.IsZero() {
			t.Errorf("the line on which nobody answered is kept until %s", at)
		}
		if left := time.Until(w.reservedUntil("line-2")); left < 29*time.Minute || left > 30*time.Minute {
			t.Errorf("the line of the emergency call is kept for %s", left)
		}
	})
}

// past is a journal read at the start.
type past struct {
	calls  []journal.Call
	events map[journal.CallID][]journal.Event
}

func (p past) Calls(_ context.Context, q journal.CallQuery) ([]journal.Call, journal.CallCursor, error) {
	if q.Before.First == 0 && len(p.calls) > 1 { // two pages
		return p.calls[:1], journal.CallCursor{First: 7}, nil
	}
	if q.Before.First == 7 {
		return p.calls[1:], journal.CallCursor{}, nil
	}
	return p.calls, journal.CallCursor{}, nil
}

func (p past) CallEvents(_ context.Context, id journal.CallID) ([]journal.Event, error) {
	return p.events[id], nil
}

func TestCallBackWindowOutlivesARestart(t *testing.T) {
	leg := func(id journal.LegID, st journal.LegState, line string, ago time.Duration) journal.Event {
		return journal.Event{Time: time.Now().Add(-ago), Payload: journal.CallLeg{Leg: id, Line: line, State: st}}
	}
	ended := func(ago time.Duration) journal.Event {
		return journal.Event{Time: time.Now().Add(-ago), Payload: journal.CallEnded{}}
	}
	cases := []struct {
		name      string
		emergency bool
		events    func() []journal.Event
		want      time.Duration // kept from now on
	}{
		{"ended ten minutes ago", true, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegAnswered, "line-1", 20*time.Minute), leg("b", journal.LegEnded, "line-1", 10*time.Minute), ended(10 * time.Minute)}
		}, 20 * time.Minute},
		{"cut off by the restart: counts from it", true, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegAnswered, "line-1", 20*time.Minute), ended(0)}
		}, 30 * time.Minute},
		{"never answered", true, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegRinging, "line-1", 20*time.Minute), leg("b", journal.LegEnded, "line-1", time.Minute), ended(time.Minute)}
		}, 0},
		{"an ordinary call", false, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegAnswered, "line-1", 20*time.Minute), leg("b", journal.LegEnded, "line-1", time.Minute), ended(time.Minute)}
		}, 0},
		{"ended forty minutes ago", true, func() []journal.Event {
			return []journal.Event{leg("b", journal.LegAnswered, "line-1", time.Hour), leg("b", journal.LegEnded, "line-1", 40*time.Minute), ended(40 * time.Minute)}
		}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := past{calls: []journal.Call{{ID: "other"}, {ID: "call", Emergency: c.emergency}},
					events: map[journal.CallID][]journal.Event{"call": c.events()}}
				if err := w.pbx.Remember(context.Background(), p); err != nil {
					t.Fatal(err)
				}
				w.pbx.SetLines(nil) // a line's settings change
				w.pbx.SetLines([]hal.Line{w.lines[0], w.lines[1]})
				if got := max(0, time.Until(w.reservedUntil("line-1"))); got != c.want {
					t.Errorf("kept for %s, want %s", got, c.want)
				}
			})
		})
	}
}
