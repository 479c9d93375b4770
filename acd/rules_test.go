package acd_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"centralino/acd"
	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"

	"github.com/google/go-cmp/cmp"
)

// disk is a journal in memory whose flushes are counted and may fail.
type disk struct {
	*book
	flushed int
	fail    error
}

func (d *disk) Flush(context.Context) error {
	d.flushed++
	return d.fail
}

func startOn(t *testing.T, log acd.Journal, b *book, doc *office.Document) *rig {
	t.Helper()
	r := &rig{t: t, x: &exchange{}, book: b}
	b.now = r.now
	var err error
	if r.ACD, err = acd.New(acd.Options{Switch: r.x, Journal: log, Office: doc, Now: r.now}); err != nil {
		t.Fatal(err)
	}
	r.run()
	return r
}

func (r *rig) call(id journal.CallID, caller journal.SubjectID) {
	r.t.Helper()
	if err := r.Enqueue(acd.Entry{Call: id, Queue: "sales", Caller: caller}); err != nil {
		r.t.Fatal(err)
	}
}

func TestCallBackInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{book: &book{}}
		r := startOn(t, d, d.book, &office.Document{Groups: []office.Group{queue("sales", nil, "anna")}})
		defer r.stop()
		r.call("c1", "n-1")
		r.call("c2", "")
		if err := r.AskCallback("c2"); !errors.Is(err, acd.ErrNoCaller) {
			t.Errorf("promised a call to nobody: %v", err)
		}
		if err := r.AskCallback("c9"); !errors.Is(err, acd.ErrNotWaiting) {
			t.Errorf("promised a call to a stranger: %v", err)
		}
		if err := r.AskCallback("c1"); err != nil || d.flushed != 1 {
			t.Errorf("promise: %v, on disk %d times", err, d.flushed)
		}
		r.Abandon("c1")
		time.Sleep(time.Minute)
		w := r.Snapshot().Queues[0].Waiting
		if len(w) != 2 || w[0].Call != "c1" || !w[0].Callback || w[1].Callback {
			t.Errorf("waiting %+v", w)
		}
		r.login("anna")
		r.want("ring anna to call n-1 back, offer 1 of c1")
		if err := r.AskCallback("c1"); !errors.Is(err, acd.ErrNotWaiting) {
			t.Errorf("promised twice: %v", err)
		}
		r.OfferAnswered(1)
		r.want("connect 1")
		r.CallbackResult("c1", "out-1", acd.DialNoAnswer)
		r.want("ring anna for c2, offer 2")
		r.Abandon("c2")
		time.Sleep(10 * time.Minute)
		r.want("stop 2 (caller gone); ring anna to call n-1 back, offer 3 of c1")
		r.OfferAnswered(3)
		r.CallbackResult("c1", "out-2", acd.DialAnswered)
		time.Sleep(time.Minute)
		r.TalkEnded("c1")
		r.want("connect 3")
		last := r.book.all()
		ended, _ := last[len(last)-2].Payload.(journal.ContactEnded)
		if ended.Contact != "c1" || ended.Outcome != engine.Served || ended.Talked != time.Minute {
			t.Errorf("ended as %+v", ended)
		}
		var tries []string
		for _, e := range last {
			if p, ok := e.Payload.(journal.CallbackTried); ok {
				tries = append(tries, string(p.Call)+" "+p.Result)
			}
		}
		if !slices.Equal(tries, []string{"out-1 noAnswer", "out-2 answered"}) {
			t.Errorf("the journal tells of the tries %q", tries)
		}
	})
}

// TestWhoIsTakenIsNotCalledBack: while a person has a caller no agent rings for him; what
// a person does about a promise stands in the journal with his name.
func TestWhoIsTakenIsNotCalledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{book: &book{}}
		r := startOn(t, d, d.book, &office.Document{Groups: []office.Group{queue("sales", nil, "anna")}})
		defer r.stop()
		for _, id := range []journal.CallID{"c1", "c2", "c3"} {
			if err := r.AskCallbackAt(id, "sales", journal.SubjectID("n-"+id)); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []journal.SubjectID{"n-c1", "n-c2", "n-c3"} {
			if err := r.Take(id, "p-boss"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		r.login("anna")
		r.want("")
		if err := r.Take("n-c1", "p-anna"); !errors.Is(err, acd.ErrTaken) {
			t.Errorf("taken by two: %v", err)
		}
		r.Reached("n-c1", "p-boss", "out-1")
		if err := r.CancelCallback("c2", "p-boss"); err != nil {
			t.Error(err)
		}
		if err := r.Give("n-c3", "p-boss", "returned"); err != nil {
			t.Error(err)
		}
		r.want("ring anna to call n-c3 back, offer 1 of c3")
		if err := r.Take("n-c3", "p-boss"); !errors.Is(err, acd.ErrHisTurn) {
			t.Errorf("taken while an agent is rung for him: %v", err)
		}
		if err := r.Give("n-c3", "p-boss", "returned"); !errors.Is(err, acd.ErrNotWaiting) {
			t.Errorf("returned by who has him not: %v", err)
		}
		var settled []string
		for _, e := range r.book.all() {
			if p, ok := e.Payload.(journal.CallbackSettled); ok {
				settled = append(settled, fmt.Sprint(p.Contact, " ", p.By, " ", p.Call, " ", p.Why))
			}
		}
		if d := cmp.Diff([]string{"c1 p-boss out-1 by hand", "c2 p-boss  cancelled"}, settled); d != "" {
			t.Error(d)
		}
	})
}

func TestAPromiseThatIsNotOnDiskIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{book: &book{}, fail: errors.New("disk full")}
		r := startOn(t, d, d.book, &office.Document{Groups: []office.Group{queue("sales", nil, "anna")}})
		defer r.stop()
		r.call("c1", "n-1")
		time.Sleep(time.Second)
		r.call("c2", "n-2")
		if err := r.AskCallback("c1"); !errors.Is(err, d.fail) {
			t.Errorf("promised: %v", err)
		}
		if err := r.AskCallbackAt("c3", "sales", "n-3"); !errors.Is(err, d.fail) {
			t.Errorf("promised to who does not wait: %v", err)
		}
		synctest.Wait()
		if err := r.CancelCallback("c1", "p-1"); !errors.Is(err, acd.ErrNotWaiting) {
			t.Errorf("cancelled: %v", err)
		}
		var line []string // who waited waits on, in his place
		for _, w := range r.Snapshot().Queues[0].Waiting {
			line = append(line, fmt.Sprint(w.Call, " ", w.Callback))
		}
		if d := cmp.Diff([]string{"c1 false", "c2 false"}, line); d != "" {
			t.Error(d)
		}
		r.login("anna")
		r.want("ring anna for c1, offer 1")
	})
}

// TestRulesOfTheOfficeReachTheEngine sets each rule and sees that it works.
func TestRulesOfTheOfficeReachTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := func(q *office.QueueRules) {
			q.Strategy, q.WrapUp, q.WrapUpMore, q.MustOutcome = office.Ordered, 30*time.Second, time.Minute, true
			q.JoinEmpty, q.LeaveEmpty = false, true
			q.Needs = map[office.ID]int{"skill-1": 2}
			q.Rings = []office.Ring{{After: 20 * time.Second, Lower: 2, Group: "others"}}
			q.LastAgent, q.SayPosition, q.Announce = time.Minute, true, 10*time.Second
		}
		doc := &office.Document{
			Groups: []office.Group{
				queue("sales", rules, "anna", "bruno"),
				{ID: "others", Mode: office.GroupRing, Members: []journal.SubjectID{"carla"}},
			},
			People: []office.Person{
				{ID: "anna", Skills: map[office.ID]int{"skill-1": 2}},
				{ID: "bruno", Skills: map[office.ID]int{"skill-1": 1}},
			},
			Reasons: []office.PauseReason{{ID: "reason-1", Work: true}, {ID: "reason-2", Break: true}},
			Site:    office.Site{BreakEvery: time.Hour, BreakFor: 10 * time.Minute},
		}
		b := &book{}
		r := startOn(t, b, b, doc)
		defer r.stop()
		r.call("c0", "n-1")
		r.want("leave c0 (no agent)")
		r.login("bruno", "carla")
		r.call("c1", "n-1")
		r.want("") // they may take it later
		time.Sleep(20 * time.Second)
		r.want("tell c1: 1, 0s to 0s, message false; ring bruno for c1, offer 1")
		if _, err := r.Pause("bruno", engine.FromPage, "reason-1"); err != nil {
			t.Fatal(err)
		}
		r.want("stop 1 (agent gone); ring carla for c1, offer 2")
		r.OfferAnswered(2)
		r.TalkEnded("c1")
		r.want("connect 2")
		if _, err := r.Ready("carla", engine.FromPage); !errors.Is(err, acd.ErrOutcome) {
			t.Errorf("ready without the outcome: %v", err)
		}
		r.OutcomeKnown("carla", "c1")
		if _, err := r.Ready("carla", engine.FromPage); err != nil {
			t.Error(err)
		}
		if a, _ := r.Snapshot().Agent("bruno"); a.State != journal.AgentOtherWork {
			t.Errorf("bruno %+v", a)
		}
		if _, err := r.Ready("bruno", engine.FromPage); err != nil {
			t.Error(err)
		}
		r.call("c2", "n-1")
		r.want("ring carla for c2, offer 3") // who served him last, though Bruno comes first
		r.Abandon("c2")
		if _, err := r.Logout("bruno", engine.FromPage); err != nil {
			t.Error(err)
		}
		r.call("c3", "")
		if _, err := r.Logout("carla", engine.FromPage); err != nil {
			t.Error(err)
		}
		r.want("stop 3 (caller gone); leave c3 (no agent)")
	})
}

func TestBreakGuardAndWrapUpOfAnAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := func(q *office.QueueRules) { q.WrapUp, q.WrapUpMore, q.MustOutcome = 30*time.Second, time.Minute, true }
		doc := &office.Document{
			Groups:  []office.Group{queue("sales", rules, "anna")},
			Reasons: []office.PauseReason{{ID: "reason-1", Work: true}, {ID: "reason-2", Break: true}},
		}
		b := &book{}
		r := startOn(t, b, b, doc)
		defer r.stop()
		began := time.Now()
		r.login("anna")
		r.call("c1", "")
		r.OfferAnswered(1)
		r.TalkEnded("c1")
		r.want("ring anna for c1, offer 1; connect 1")
		if _, err := r.Ready("anna", engine.FromPage); !errors.Is(err, acd.ErrOutcome) {
			t.Errorf("ready without the outcome: %v", err)
		}
		if a, err := r.ExtendWrapUp("anna", engine.FromPage); err != nil || !a.Extended || a.Owes != "c1" || time.Until(a.Until) != 90*time.Second {
			t.Errorf("longer wrap-up: %+v %v", a, err)
		}
		if _, err := r.ExtendWrapUp("anna", engine.FromPage); !errors.Is(err, acd.ErrNoWrapUp) {
			t.Errorf("longer still: %v", err)
		}
		r.OutcomeKnown("anna", "c1")
		if a, err := r.OtherWork("anna", engine.FromPage, ""); err != nil || a.State != journal.AgentOtherWork {
			t.Errorf("other work: %+v %v", a, err)
		}
		if a, err := r.Pause("anna", engine.FromPage, "reason-1"); err != nil || a.State != journal.AgentOtherWork || a.Reason != "reason-1" {
			t.Errorf("pause by a reason that is work: %+v %v", a, err)
		}
		if a, err := r.Ready("anna", engine.FromPage); err != nil || !a.BreakDue.Equal(began.Add(2*time.Hour)) {
			t.Errorf("break due: %+v %v", a, err)
		}
		time.Sleep(119 * time.Minute)
		if a, _ := r.Snapshot().Agent("anna"); !a.Proposed || a.State != journal.AgentReady {
			t.Errorf("after 119 minutes: %+v", a)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if a, _ := r.Snapshot().Agent("anna"); a.State != journal.AgentPaused || a.Reason != engine.ReasonBreak {
			t.Errorf("after 120 minutes: %+v", a)
		}
		if _, err := r.Ready("anna", engine.FromPage); !errors.Is(err, acd.ErrNotOver) {
			t.Errorf("back at once: %v", err)
		}
		time.Sleep(15 * time.Minute)
		if a, err := r.Ready("anna", engine.FromPage); err != nil || a.State != journal.AgentReady {
			t.Errorf("back: %+v %v", a, err)
		}
		if a, err := r.Break("anna", engine.FromPage); err != nil || a.Reason != engine.ReasonBreak {
			t.Errorf("break: %+v %v", a, err)
		}
	})
}

// TestAHundredCallersComeBackInOrder kills a box with a hundred callers in line,
// some of whom were promised a call. They dial again in any order and stand as
// before.
func TestAHundredCallersComeBackInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := &office.Document{Groups: []office.Group{queue("sales", nil, "anna")}}
		first := &book{}
		r := startOn(t, first, first, doc)
		var before []journal.SubjectID
		for n := range 100 {
			caller := journal.SubjectID(fmt.Sprintf("n-%03d", n))
			id := journal.CallID(fmt.Sprintf("a%03d", n))
			r.call(id, caller)
			if n%10 == 3 {
				if err := r.AskCallback(id); err != nil {
					t.Fatal(err)
				}
			}
			before = append(before, caller)
			time.Sleep(time.Second)
		}
		r.stop() // and nobody says goodbye
		time.Sleep(90 * time.Second)
		second := &rig{t: t, x: &exchange{}, book: &book{}}
		second.book.now = second.now
		var err error
		second.ACD, err = acd.New(acd.Options{Switch: second.x, Journal: second.book, Office: doc, Now: second.now})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range first.all() {
			second.Replay(e)
		}
		second.run()
		defer second.stop()
		rng := rand.New(rand.NewPCG(1, 2))
		for _, n := range rng.Perm(100) {
			if n%10 != 3 {
				second.call(journal.CallID(fmt.Sprintf("b%03d", n)), before[n])
			}
		}
		synctest.Wait()
		var got []string
		for _, w := range second.Snapshot().Queues[0].Waiting {
			got = append(got, string(w.Call)[1:])
		}
		if len(got) != 100 || !slices.IsSorted(got) {
			t.Errorf("%d in line: %v", len(got), got)
		}
	})
}

// A journal that cannot tell what is on disk is none for the ACD: a promise to call
// back would be spoken without being kept.
var _ interface{ Flush(context.Context) error } = acd.Options{}.Journal
