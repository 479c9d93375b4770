package sim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"centralino/acd/engine"
	"centralino/acd/sim"
	"centralino/internal/journal"
	"centralino/internal/testbed"
)

// ledger keeps what the engine reported since the last evening, as the journal
// does, and folds it each evening into an engine that knows nothing else.
type ledger struct {
	last   []byte // the state of the evening before
	events []engine.Event
	kinds  map[engine.EventKind]int
}

func (l *ledger) look(s *sim.Shift, r *engine.Result) error {
	if r != nil {
		for i := range r.Events {
			e, ok := engine.FromPayload(r.Events[i].Payload(), r.Events[i].At.Time())
			if !ok {
				return fmt.Errorf("event %d has no payload", r.Events[i].Kind)
			}
			e.Candidates = slices.Clone(e.Candidates)
			l.events = append(l.events, e)
			l.kinds[e.Kind]++
		}
		return nil
	}
	fresh, err := engine.New(s.Config, s.Now)
	if err != nil {
		return err
	}
	if l.last != nil {
		var d engine.Dump
		if err := json.Unmarshal(l.last, &d); err != nil {
			return err
		}
		fresh.Load(&d)
	}
	for i := range l.events {
		fresh.Fold(&l.events[i])
	}
	got, err := json.Marshal(fresh.Dump(s.Now))
	if err != nil {
		return err
	}
	want, err := json.Marshal(s.Engine.Dump(s.Now))
	if err != nil {
		return err
	}
	if string(got) != string(want) {
		return fmt.Errorf("folded\n%s\nlive\n%s", got, want)
	}
	l.last, l.events = want, l.events[:0]
	return nil
}

// TestDaysOfTroubleFold plays days in which everything happens that happens in an
// office, and each evening compares the living engine with the fold of its events.
func TestDaysOfTroubleFold(t *testing.T) {
	o := profile()
	o.Trouble, o.CallBack, o.Dial, o.Unheard, o.Guard = true, 0.2, 8*second, 0.3, 2*60*60*second
	o.Queue.WrapUp, o.Queue.MissesToPause, o.Queue.Redial = 10*second, 2, 10*60*second
	o.Queue.LastAgent, o.Queue.CallbackRetry, o.Queue.MaxWait = 20*second, 5*60*second, 20*60*second
	l := &ledger{kinds: map[engine.EventKind]int{}}
	o.Look = l.look
	r, err := o.Play()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d days: %d callers, %d served (%d called back), %d abandoned, %d not reached, %d breaks; waits kept %.1f %%; %v",
		o.Days, r.Callers, r.Served, r.CalledBack, r.Abandoned, r.Unreached, r.Breaks, 100*float64(r.Kept)/float64(r.Told), l.kinds)
	testbed.Figure(t, "simulated days with trouble whose fold equals the living state", o.Days, "days")
	for kind := engine.AgentChanged; kind <= engine.BreakProposed; kind++ {
		if l.kinds[kind] == 0 {
			t.Errorf("%s never happened", journal.Kind(kindOf(kind)))
		}
	}
}

func kindOf(k engine.EventKind) journal.Kind {
	e := engine.Event{Kind: k}
	return e.Payload().JournalKind()
}

// TestOfficesRepeat: the same seed gives the same days.
func TestOfficesRepeat(t *testing.T) {
	for seed, want := range map[uint64]uint64{1: 0x5e17d0a5c77497fd, 2: 0x1a7fa12b0f1eb1cb} { // changes only with the rules
		o := profile()
		o.Days, o.Seed, o.Trouble, o.CallBack = 1, seed, true, 0.1
		r, err := o.Play()
		if err != nil {
			t.Fatal(err)
		}
		if r.Hash != want {
			t.Errorf("seed %d gives %#x, not %#x", seed, r.Hash, want)
		}
	}
}
