package journal_test

import (
	"context"
	"database/sql"
	"testing"

	"centralino/internal/journal"
)

// out are calls that went out, with the legs that tell their line.
var out = []struct {
	id   journal.CallID
	what string
	legs []journal.CallLeg
	line string
}{
	{"c1", "answered on a trunk", []journal.CallLeg{{Leg: "a", Kind: journal.LegPhone, State: journal.LegAnswered, Device: "device-1"},
		{Leg: "b", Kind: journal.LegTrunk, State: journal.LegRinging, Line: "trunk"}, {Leg: "b", Kind: journal.LegTrunk, State: journal.LegAnswered, Line: "trunk"},
		{Leg: "b", Kind: journal.LegTrunk, State: journal.LegEnded, Line: "trunk"}}, "trunk"},
	{"c2", "the first line would not carry it", []journal.CallLeg{{Leg: "b", State: journal.LegEnded, Line: "line-1"},
		{Leg: "c", State: journal.LegAnswered, Line: "line-2"}, {Leg: "c", State: journal.LegEnded, Line: "line-2"}}, "line-2"},
	{"c3", "answered, then a leg that was late ends", []journal.CallLeg{{Leg: "c", State: journal.LegAnswered, Line: "line-2"}, {Leg: "b", State: journal.LegEnded, Line: "line-1"}}, "line-2"},
	{"c4", "busy at once", []journal.CallLeg{{Leg: "b", State: journal.LegEnded, Line: "line-1"}}, "line-1"},
	{"c5", "never reached a line", nil, ""},
}

func appendOut(b *box) {
	for _, c := range out {
		b.Append(c.id, journal.CallStarted{Direction: journal.Outbound, From: "p-1"})
		for _, l := range c.legs {
			b.Append(c.id, l)
		}
		b.Append(c.id, journal.CallEnded{Cause: "normal"})
	}
}

func wantLines(t *testing.T, l *journal.Log) {
	t.Helper()
	for _, c := range out {
		if got, ok, err := l.CallByID(context.Background(), c.id); err != nil || !ok || got.Line != c.line {
			t.Errorf("%s: line %q, want %q (%v)", c.what, got.Line, c.line, err)
		}
	}
}

// TestCallsThatGoOutNameTheirLine: the one that carried them, and they are found by it.
func TestCallsThatGoOutNameTheirLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		appendOut(b)
		if err := b.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		wantLines(t, b.Log)
		calls, _, err := b.Calls(context.Background(), journal.CallQuery{Line: "line-2"})
		if err != nil || len(calls) != 2 {
			t.Errorf("%d calls over line-2, want 2 (%v)", len(calls), err)
		}
	})
}

// TestCallsOfBeforeNameTheirLine: an older box's list is filled from its journal.
func TestCallsOfBeforeNameTheirLine(t *testing.T) {
	ctx := context.Background()
	bubble(t, func(t *testing.T) {
		b := start(t, tempDir(t))
		defer b.stop()
		appendOut(b)
		if err := b.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if err := b.db.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE calls SET line = ''`)
			if err == nil {
				_, err = tx.Exec(journal.Migrations()[1].SQL[0])
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		wantLines(t, b.Log)
	})
}
