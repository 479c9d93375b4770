package pbx

import (
	"context"
	"fmt"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/route"
)

// Past is what the switch reads of the journal at its start; *journal.Log is one.
type Past interface {
	Calls(ctx context.Context, q journal.CallQuery) ([]journal.Call, journal.CallCursor, error)
	CallEvents(ctx context.Context, id journal.CallID) ([]journal.Event, error)
}

// longestHelp is how long ago an emergency call may have begun whose call back is
// still awaited.
const longestHelp = 12 * time.Hour

// Remember keeps the lines of the emergency calls that were answered before the box
// was restarted: their call back may come within route.CallBackWindow of their end.
// A call that the restart itself ended counts from the restart. It is called before
// Run.
func (p *PBX) Remember(ctx context.Context, past Past) error {
	q := journal.CallQuery{Since: p.o.Now().Add(-longestHelp), Limit: 500}
	for {
		calls, next, err := past.Calls(ctx, q)
		if err != nil {
			return fmt.Errorf("look for emergency calls: %w", err)
		}
		for i := range calls {
			if !calls[i].Emergency {
				continue
			}
			events, err := past.CallEvents(ctx, calls[i].ID)
			if err != nil {
				return fmt.Errorf("read emergency call %s: %w", calls[i].ID, err)
			}
			phone, lines := helpedBy(events)
			for line, end := range lines {
				p.book.reserve(line, kept{end.Add(route.CallBackWindow), phone})
			}
		}
		if next == (journal.CallCursor{}) {
			return nil
		}
		q.Before = next
	}
}

// helpedBy finds the phone of an emergency call, and the lines on which it was answered
// with the time when it was over there.
func helpedBy(events []journal.Event) (phone office.ID, ended map[office.ID]time.Time) {
	up := make(map[journal.LegID]office.ID)
	ended = make(map[office.ID]time.Time)
	for _, e := range events {
		switch p := e.Payload.(type) {
		case journal.CallLeg:
			if p.Device != "" {
				phone = office.ID(p.Device)
			}
			if p.Line != "" && p.State == journal.LegAnswered {
				up[p.Leg] = office.ID(p.Line)
			}
			if line, was := up[p.Leg]; was && p.State == journal.LegEnded {
				ended[line] = e.Time
				delete(up, p.Leg)
			}
		case journal.CallEnded: // by a restart: the legs' own ends are missing
			for _, line := range up {
				ended[line] = e.Time
			}
		}
	}
	return phone, ended
}
