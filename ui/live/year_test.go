package live_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/acd/kpi"
	"centralino/acd/sim"
	"centralino/internal/journal"
	"centralino/internal/testbed"
	"centralino/ui/live"
)

var days = flag.Int("days", 2, "simulated days whose board, engine and report are compared")

// boards follow the events of an office in three ways: as the board does, as the reports
// do, and as the engine itself, which made them.
type boards struct {
	board  *live.State
	report *kpi.Fold
	seq    uint64
	looks  int
}

// look takes what the engine reported, and now and then, and each evening, compares.
func (b *boards) look(s *sim.Shift, r *engine.Result) error {
	if r == nil {
		return b.compare(s)
	}
	for i := range r.Events {
		e := &r.Events[i]
		b.seq++
		ev := journal.Event{Seq: b.seq, Time: e.At.Time(), Call: journal.CallID(e.Contact), Payload: e.Payload()}
		b.board.Apply(ev)
		b.report.Apply(ev)
	}
	if b.seq%97 != 0 {
		return nil
	}
	return b.compare(s)
}

func (b *boards) compare(s *sim.Shift) error {
	b.looks++
	var waiting, promised int
	for _, q := range s.Engine.Queues() {
		line, back := b.board.WaitingIn(string(q.Queue)), b.board.PromisedIn(string(q.Queue))
		waiting, promised = waiting+len(line), promised+len(back)
		for _, c := range q.Waiting {
			on := line
			if c.Callback {
				on = back
			}
			i := slices.IndexFunc(on, func(w *live.Contact) bool { return w.ID == c.Contact })
			if i < 0 {
				return fmt.Errorf("%v: the board lacks %+v", s.Now, c)
			}
			w := on[i]
			if !w.Arrival.Equal(c.Rank) || !c.Callback && !w.Since.Equal(c.Since) || len(w.Offers) > 0 != c.Ringing || w.Calling != c.Dialling || c.Callback && w.Tries != c.Tries {
				return fmt.Errorf("%v: on the board %+v, in the engine %+v", s.Now, w, c)
			}
			if c.Callback && c.Tries > 0 && !c.Dialling && !w.Next.Equal(c.NextTry) {
				return fmt.Errorf("%v: the board tries %s again at %v, the engine at %v", s.Now, w.ID, w.Next, c.NextTry)
			}
		}
		if len(line)+len(back) != len(q.Waiting) {
			return fmt.Errorf("%v: %d and %d on the board of %d", s.Now, len(line), len(back), len(q.Waiting))
		}
	}
	for _, a := range s.Engine.Agents() {
		if on := b.board.Agents[a.Agent]; on.State != a.State && (on.State != "" || a.State != journal.AgentLoggedOut) || on.Reason != string(a.Reason) && on.State != "" {
			return fmt.Errorf("%v: %s is %s (%s) on the board and %s (%s) in the engine", s.Now, a.Agent, on.State, on.Reason, a.State, a.Reason)
		}
	}
	if b.board.Odd > 0 {
		return fmt.Errorf("%v: %d events fit nothing", s.Now, b.board.Odd)
	}
	return b.compareReport(s.Now, waiting, promised)
}

// compareReport: who waits and is to be called by the report of the last days is who
// does on the board, since when, and whom the agents serve.
func (b *boards) compareReport(now time.Time, waiting, promised int) error {
	facts, _ := b.report.Facts(kpi.Interval{From: now.Add(-36 * time.Hour), To: now.Add(time.Second)}, now)
	oldest, shown := time.Time{}, time.Time{}
	for i := range facts.Visits {
		v := &facts.Visits[i]
		if !v.Open {
			continue
		}
		switch v.Result {
		case kpi.Waiting:
			waiting--
			if oldest.IsZero() || v.Arrived.Before(oldest) {
				oldest = v.Arrived
			}
		case kpi.Promised, kpi.Answered:
			w := b.board.Waiting[v.Contact]
			switch {
			case v.Result == kpi.Promised && !v.Reached, w != nil && !w.Promised.IsZero():
				promised--
			case w != nil: // his agent vanished
				waiting--
			}
		}
	}
	for _, w := range b.board.Waiting {
		if !w.Promised.IsZero() {
			continue
		}
		if v := facts.Visits; slices.ContainsFunc(v, func(x kpi.Visit) bool { return x.Contact == w.ID && x.Result != kpi.Waiting }) {
			continue
		}
		if shown.IsZero() || w.Since.Before(shown) {
			shown = w.Since
		}
	}
	if waiting != 0 || promised != 0 || !oldest.Equal(shown) {
		return fmt.Errorf("%v: %d wait and %d are promised a call more on the board than in the report; the oldest waits since %v and %v", now, waiting, promised, shown, oldest)
	}
	return nil
}

// TestBoardEqualsEngineAndReport plays days with call-backs, breaks and trouble. At many
// moments, and each evening, the board shows the lines, the promises and the agents as
// they stand in the engine, and counts them as the report does.
func TestBoardEqualsEngineAndReport(t *testing.T) {
	b := &boards{board: live.New(), report: kpi.NewFold(nil)}
	o := sim.Office{
		Seed: 20261122, Days: *days, Agents: 10, Handle: 240 * time.Second, Patience: 300 * time.Second,
		Queue: engine.Queue{Announce: 30 * time.Second, AnnounceFirst: true, SayPosition: true, SayWait: true, WrapUp: 10 * time.Second,
			MissesToPause: 2, Redial: 10 * time.Minute, CallbackRetry: 5 * time.Minute, MaxWait: 20 * time.Minute},
		Trouble: true, CallBack: 0.2, Dial: 8 * time.Second, Unheard: 0.3, Guard: 2 * time.Hour, Look: b.look,
	}
	for h, calls := range []float64{60, 110, 160, 200, 170, 110, 120, 150, 160, 120, 80, 60} {
		o.PerHour[8+h] = calls
	}
	o.Away[13] = 3
	r, err := o.Play()
	if err != nil {
		t.Fatal(err)
	}
	if r.CalledBack == 0 || r.Unreached == 0 || b.looks < 50 {
		t.Errorf("too little happened: %+v, looked %d times", r, b.looks)
	}
	testbed.Figure(t, fmt.Sprintf("simulated days whose board equals engine and report, looked at %d times", b.looks), *days, "days")
}
