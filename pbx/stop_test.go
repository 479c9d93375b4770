package pbx_test

import (
	"context"
	"testing"
	"time"

	"centralino/hal"
	"centralino/hal/sim"
	"centralino/internal/journal"
)

// deafLine is a line whose driver answers no command in time.
type deafLine struct{ hal.Line }

func (deafLine) Answer(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestStopDoesNotWaitForADriverThatDoesNotAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		w.stopWithin = time.Second
		w.pbx.SetLines([]hal.Line{deafLine{w.lines[0]}})
		if _, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"}); err != nil {
			t.Fatal(err)
		}
		for !w.pbxAnswers() {
			pass(50 * time.Millisecond)
		}
	})
}

// pbxAnswers says whether a call has been decided, whose line is then taken at once.
func (w *world) pbxAnswers() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.events {
		if _, ok := p.(journal.CallRouted); ok {
			return true
		}
	}
	return false
}

func TestBeforeARestartOnlyCallsForHelpBegin(t *testing.T) {
	inWorld(t, func(w *world) {
		talk := w.talking("202", "dev-1")[0]
		w.pbx.Drain()
		c, err := w.phones["dev-3"].Dial("201")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "refusal", c.End(), time.Second)
		if c.Code != 503 {
			t.Errorf("refused with %d", c.Code)
		}
		caller, err := w.exchange.Ring("line-1", sim.CallerSpec{Number: "0612345678"})
		if err != nil {
			t.Fatal(err)
		}
		pass(15 * time.Second)
		select {
		case <-caller.Answered():
			t.Error("a line was answered")
		case <-talk.End():
			t.Error("the call under way ended")
		default:
		}
		caller.HangUp()
		helped(t, w, "dev-3", 20*time.Second).HangUp()
		talk.HangUp()
		pass(time.Second)
	})
}
