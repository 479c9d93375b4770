package acd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/acd"
	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"

	"github.com/google/go-cmp/cmp"
)

// exchange is a switch that writes down what it is told, and may act on it.
type exchange struct {
	mu     sync.Mutex
	lines  []string
	onRing func(acd.Offer)
}

func (x *exchange) say(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lines = append(x.lines, fmt.Sprintf(format, args...))
}

func (x *exchange) Ring(o acd.Offer) {
	x.say("ring %s for %s, offer %d", o.Agent, o.Call, o.ID)
	if x.onRing != nil {
		x.onRing(o)
	}
}
func (x *exchange) StopRing(o journal.OfferID, why acd.Reason) { x.say("stop %d (%s)", o, why) }
func (x *exchange) Connect(o journal.OfferID)                  { x.say("connect %d", o) }
func (x *exchange) Refuse(o journal.OfferID)                   { x.say("refuse %d", o) }
func (x *exchange) Leave(call journal.CallID, why acd.Reason)  { x.say("leave %s (%s)", call, why) }
func (x *exchange) CallBack(o acd.Offer, caller journal.SubjectID) {
	x.say("ring %s to call %s back, offer %d of %s", o.Agent, caller, o.ID, o.Call)
}
func (x *exchange) Announce(call journal.CallID, a acd.Announcement) {
	x.say("tell %s: %d, %v to %v, message %v", call, a.Position, a.Low, a.High, a.Periodic)
}

// did returns what the switch was told since the last time.
func (x *exchange) did() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := strings.Join(x.lines, "; ")
	x.lines = nil
	return s
}

// book is a journal in memory.
type book struct {
	mu     sync.Mutex
	now    func() time.Time
	events []journal.Event
}

func (b *book) Append(call journal.CallID, p journal.Payload) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, journal.Event{Seq: uint64(len(b.events) + 1), Time: b.now(), Call: call, Payload: p})
}

// Flush: what is in memory is as good as on disk.
func (*book) Flush(context.Context) error { return nil }

func (b *book) all() []journal.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]journal.Event(nil), b.events...)
}

func queue(id office.ID, edit func(*office.QueueRules), members ...journal.SubjectID) office.Group {
	q := &office.QueueRules{Strategy: office.LongestIdle, RingTime: 20 * time.Second, MissesToPause: 2, JoinEmpty: true}
	if edit != nil {
		edit(q)
	}
	return office.Group{ID: id, Mode: office.GroupQueue, Members: members, Queue: q}
}

// rig is an ACD that runs in a bubble.
type rig struct {
	*acd.ACD
	t    *testing.T
	x    *exchange
	book *book
	stop func()
	wall time.Duration // how far the wall clock was set
}

func (r *rig) now() time.Time { return time.Now().Add(r.wall) }

func start(t *testing.T, before []journal.Event, groups ...office.Group) *rig {
	t.Helper()
	r := &rig{t: t, x: &exchange{}}
	r.book = &book{now: r.now}
	var err error
	r.ACD, err = acd.New(acd.Options{Switch: r.x, Journal: r.book, Office: &office.Document{Groups: groups}, Now: r.now})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range before {
		r.Replay(e)
	}
	r.run()
	return r
}

func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	}
}

// want waits until everything is quiet and compares what the switch was told.
func (r *rig) want(told string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.x.did(); got != told {
		r.t.Errorf("switch was told\n %s\nwant\n %s", got, told)
	}
}

func (r *rig) login(agents ...journal.SubjectID) {
	r.t.Helper()
	for _, a := range agents {
		if _, err := r.Login(a, engine.FromPhone); err != nil {
			r.t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
}

func (r *rig) enqueue(calls ...journal.CallID) {
	r.t.Helper()
	for _, c := range calls {
		if err := r.Enqueue(acd.Entry{Call: c, Queue: "sales"}); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestCallGoesToTheAgentWhoIsFreeLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil, queue("sales", nil, "anna", "bruno"))
		defer r.stop()
		r.login("bruno", "anna")
		r.enqueue("c1")
		r.want("ring bruno for c1, offer 1")
		time.Sleep(4 * time.Second)
		r.OfferAnswered(1)
		r.want("connect 1")
		time.Sleep(time.Minute)
		r.TalkEnded("c1")
		r.want("")
		var last journal.ContactEnded
		for _, e := range r.book.all() {
			if p, ok := e.Payload.(journal.ContactEnded); ok {
				last = p
				if e.Call != "c1" {
					t.Errorf("end of contact was written for call %q", e.Call)
				}
			}
		}
		want := journal.ContactEnded{Contact: "c1", Queue: "sales", Agent: "bruno", Outcome: "served", Waited: 4 * time.Second, Talked: time.Minute}
		if diff := cmp.Diff(want, last); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNoAnswerRingsTheNextAgentByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil, queue("sales", nil, "anna", "bruno"))
		defer r.stop()
		r.login("anna", "bruno")
		r.enqueue("c1")
		r.want("ring anna for c1, offer 1")
		time.Sleep(20*time.Second - 1)
		r.want("")
		time.Sleep(1)
		r.want("stop 1 (missed); ring bruno for c1, offer 2")
		time.Sleep(time.Minute - time.Second)
		r.want("stop 2 (missed); ring anna for c1, offer 3; stop 3 (missed); ring bruno for c1, offer 4")
		time.Sleep(time.Second)
		r.want("stop 4 (missed)") // both are paused
		s := r.Snapshot()
		if c := s.Queues[0].Agents; c != (acd.AgentCounts{LoggedIn: 2, Paused: 2}) {
			t.Errorf("agents %+v", c)
		}
		if w := s.Queues[0].Waiting; len(w) != 1 || w[0].Call != "c1" || w[0].Ringing {
			t.Errorf("waiting %+v", w)
		}
		if a, _ := s.Agent("anna"); a.Reason != engine.ReasonMissed || a.Misses != 2 {
			t.Errorf("anna %+v", a)
		}
	})
}

func TestPhoneCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil, queue("sales", func(q *office.QueueRules) { q.WrapUp = 10 * time.Second }, "anna"))
		defer r.stop()
		if _, err := r.Login("zoe", engine.FromPhone); !errors.Is(err, acd.ErrNotAgent) {
			t.Errorf("a stranger logs in: %v", err)
		}
		if _, err := r.Pause("anna", engine.FromPhone, ""); !errors.Is(err, acd.ErrLoggedOut) {
			t.Errorf("pause while logged out: %v", err)
		}
		r.login("anna")
		r.enqueue("c1")
		r.OfferAnswered(1)
		r.want("ring anna for c1, offer 1; connect 1")
		a, err := r.Pause("anna", engine.FromPage, "lunch")
		if err != nil || a.State != journal.AgentTalking || a.Asked != journal.AgentPaused || a.Call != "c1" {
			t.Errorf("pause in a talk: %+v %v", a, err)
		}
		r.TalkEnded("c1")
		r.want("")
		if a, _ := r.Snapshot().Agent("anna"); a.State != journal.AgentWrapUp || !a.Until.Equal(time.Now().Add(10*time.Second)) {
			t.Errorf("after the talk: %+v", a)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if a, _ := r.Snapshot().Agent("anna"); a.State != journal.AgentPaused || a.Reason != "lunch" {
			t.Errorf("after wrap-up: %+v", a)
		}
		if a, err := r.Ready("anna", engine.FromPhone); err != nil || a.State != journal.AgentReady {
			t.Errorf("ready: %+v %v", a, err)
		}
	})
}

func TestSwitchMayReportFromWithinItsMethods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil, queue("sales", nil, "anna", "bruno"))
		defer r.stop()
		r.x.onRing = func(o acd.Offer) {
			if o.Agent == "anna" {
				r.OfferFailed(o.ID, acd.FailedUnreachable)
			} else {
				r.OfferAnswered(o.ID)
			}
		}
		r.login("anna", "bruno")
		r.enqueue("c1")
		r.want("ring anna for c1, offer 1; ring bruno for c1, offer 2; connect 2")
	})
}

func TestPanickingSwitchCostsOneActionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil, queue("sales", nil, "anna"))
		defer r.stop()
		r.x.onRing = func(o acd.Offer) {
			if o.ID == 1 {
				panic("no such phone")
			}
		}
		r.login("anna")
		r.enqueue("c1")
		time.Sleep(20 * time.Second)
		r.want("ring anna for c1, offer 1; stop 1 (missed); ring anna for c1, offer 2")
	})
}

func TestCallsThatCannotWaitLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil, queue("sales", func(q *office.QueueRules) { q.MaxLength, q.MaxWait = 1, time.Minute }))
		defer r.stop()
		if err := r.Enqueue(acd.Entry{Call: "c0", Queue: "nowhere"}); err != nil {
			t.Fatal(err)
		}
		r.enqueue("c1", "c2")
		r.want("leave c0 (no queue); leave c2 (max length)")
		time.Sleep(time.Minute)
		r.want("leave c1 (max wait)")
	})
}

func TestOfficeChangesWhileCallsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil, queue("sales", nil, "anna"), queue("help", nil, "anna"))
		defer r.stop()
		r.enqueue("c1")
		if err := r.Enqueue(acd.Entry{Call: "c2", Queue: "help"}); err != nil {
			t.Fatal(err)
		}
		bad := queue("sales", func(q *office.QueueRules) { q.Strategy = "fastest" })
		if err := r.SetOffice(&office.Document{Groups: []office.Group{bad}}); err == nil {
			t.Error("an unknown strategy was taken")
		}
		if err := r.SetOffice(&office.Document{Groups: []office.Group{queue("sales", nil, "bruno")}}); err != nil {
			t.Fatal(err)
		}
		r.want("leave c2 (removed)")
		r.login("bruno")
		r.want("ring bruno for c1, offer 1")
	})
}

func TestRestartFromTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		groups := []office.Group{queue("sales", nil, "anna", "bruno", "carla")}
		r := start(t, nil, groups...)
		r.login("anna", "bruno", "carla")
		if _, err := r.Pause("carla", engine.FromPage, "lunch"); err != nil {
			t.Fatal(err)
		}
		r.enqueue("c1", "c2")
		r.OfferAnswered(1)
		r.want("ring anna for c1, offer 1; ring bruno for c2, offer 2; connect 1")
		time.Sleep(30 * time.Second)
		r.stop()
		if _, err := r.Login("anna", engine.FromPhone); !errors.Is(err, acd.ErrStopped) {
			t.Errorf("login after the end: %v", err)
		}
		before := r.book.all()

		// The same from the journal alone, and from a checkpoint and its rest.
		half := len(before) / 2
		first, err := acd.New(acd.Options{Switch: r.x, Journal: r.book, Office: &office.Document{Groups: groups}, Now: r.now})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range before[:half] {
			first.Replay(e)
		}
		state, err := first.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		r.x.did()
		time.Sleep(time.Hour)
		a := start(t, before, groups...)
		defer a.stop()
		b := start(t, nil, groups...)
		b.stop()
		b.ACD, err = acd.New(acd.Options{Switch: b.x, Journal: b.book, Office: &office.Document{Groups: groups}, Now: b.now})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Resume(state); err != nil {
			t.Fatal(err)
		}
		for _, e := range before[half:] {
			b.Replay(e)
		}
		b.run()
		defer b.stop()
		synctest.Wait()
		if diff := cmp.Diff(a.book.all(), b.book.all()); diff != "" {
			t.Errorf("checkpoint and journal lead to different restarts:\n%s", diff)
		}
		var ends []string
		for _, e := range a.book.all() {
			if p, ok := e.Payload.(journal.ContactEnded); ok {
				ends = append(ends, fmt.Sprintf("%s %s waited %v talked %v", p.Contact, p.Outcome, p.Waited, p.Talked))
			}
		}
		want := []string{"c1 restart waited 0s talked 20s", "c2 restart waited 20s talked 0s"} // last seen at the missed offer
		if diff := cmp.Diff(want, ends); diff != "" {
			t.Error(diff)
		}
		got := map[journal.SubjectID]string{}
		for _, ag := range a.Snapshot().Agents {
			got[ag.Agent] = strings.TrimSpace(fmt.Sprint(ag.State, " ", ag.Reason))
		}
		if diff := cmp.Diff(map[journal.SubjectID]string{"anna": "ready", "bruno": "ready", "carla": "paused lunch"}, got); diff != "" {
			t.Error(diff)
		}
		a.want("") // the switch of this run never knew the old offers
		a.enqueue("c9")
		a.want("ring bruno for c9, offer 4") // offers 1 to 3 were of the last run
	})
}

func TestStepOfTheWallClockChangesNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil, queue("sales", nil, "anna", "bruno"))
		defer r.stop()
		r.login("anna", "bruno")
		r.enqueue("c1")
		r.want("ring anna for c1, offer 1")
		time.Sleep(5 * time.Second)
		r.wall = -30 * time.Hour // somebody sets the clock back
		r.enqueue("c2")
		r.want("ring bruno for c2, offer 2")
		events := r.book.all()
		offered, ok := events[len(events)-2].Payload.(journal.ContactOffered)
		if want := r.now().Add(20 * time.Second); !ok || !offered.Deadline.Equal(want) {
			t.Errorf("deadline of the offer is written as %v, want %v", offered.Deadline, want)
		}
		time.Sleep(15 * time.Second)
		r.want("stop 1 (missed); ring anna for c1, offer 3")
		if w := r.Snapshot().Queues[0].Waiting; len(w) != 2 || w[0].Call != "c1" || r.now().Sub(w[0].Since) != 20*time.Second {
			t.Errorf("waiting %+v", w)
		}
	})
}

func TestOverload(t *testing.T) {
	r := &rig{t: t, x: &exchange{}}
	r.book = &book{now: time.Now}
	a, err := acd.New(acd.Options{Switch: r.x, Journal: r.book, Office: &office.Document{Groups: []office.Group{queue("sales", nil, "anna")}}})
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	for n := range 5000 { // nobody reads
		if refused = a.Enqueue(acd.Entry{Call: journal.CallID(fmt.Sprint(n)), Queue: "sales"}); refused != nil {
			break
		}
	}
	if !errors.Is(refused, acd.ErrOverloaded) {
		t.Errorf("got %v", refused)
	}
	for range 5000 {
		a.Abandon("1") // facts are always taken
	}
}

// TestBusyHour lets 300 callers and 8 agents with random habits loose on the loop,
// in virtual time, and checks that each call ends once and nobody talks twice.
func TestBusyHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members := []journal.SubjectID{"p-1", "p-2", "p-3", "p-4", "p-5", "p-6", "p-7", "p-8"}
		r := start(t, nil,
			queue("sales", func(q *office.QueueRules) { q.WrapUp, q.MaxWait = 3*time.Second, 4*time.Minute }, members[:6]...),
			queue("help", func(q *office.QueueRules) { q.Strategy = office.RingAll }, members[3:]...))
		defer r.stop()
		seed := uint64(20261123)
		random := func(n int) int { // one owner at a time: the bubble's main goroutine or Run
			seed = seed*6364136223846793005 + 1442695040888963407
			return int(seed>>33) % n
		}
		var mu sync.Mutex
		var pending sync.WaitGroup
		later := func(d time.Duration, f func()) {
			pending.Add(1)
			time.AfterFunc(d, func() { defer pending.Done(); f() })
		}
		r.x.onRing = func(o acd.Offer) {
			mu.Lock()
			habit := random(10)
			delay := time.Duration(random(9000)) * time.Millisecond
			talk := time.Duration(random(120)) * time.Second
			mu.Unlock()
			switch {
			case habit == 0: // does not hear it
			case habit == 1:
				later(delay, func() { r.OfferFailed(o.ID, acd.FailedRefused) })
			default:
				later(delay, func() {
					r.OfferAnswered(o.ID)
					later(talk, func() {
						if habit == 2 {
							r.TalkLost(o.Call)
						} else {
							r.TalkEnded(o.Call)
						}
					})
				})
			}
		}
		r.login(members...)
		queues := []office.ID{"sales", "help"}
		const calls = 300
		for n := range calls {
			mu.Lock()
			gap, patience, q := random(12000), random(200), queues[random(2)]
			mu.Unlock()
			time.Sleep(time.Duration(gap) * time.Millisecond)
			id := journal.CallID(fmt.Sprintf("c%03d", n))
			if err := r.Enqueue(acd.Entry{Call: id, Queue: q}); err != nil {
				t.Fatal(err)
			}
			later(time.Duration(patience)*time.Second, func() { r.Abandon(id) })
			if n%7 == 0 {
				for _, m := range members {
					if _, err := r.Ready(m, engine.FromPhone); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		pending.Wait()
		time.Sleep(time.Hour)
		synctest.Wait()
		r.checkBook(calls)
	})
}

// checkBook follows the journal: one end per contact, one engagement per agent.
func (r *rig) checkBook(calls int) {
	ended := map[journal.ContactID]int{}
	with := map[journal.SubjectID]journal.ContactID{}
	outcomes := map[string]int{}
	for _, e := range r.book.all() {
		switch p := e.Payload.(type) {
		case journal.ContactOffered:
			if other := with[p.Agent]; other != "" {
				r.t.Errorf("%s is offered %s while with %s", p.Agent, p.Contact, other)
			}
			with[p.Agent] = p.Contact
		case journal.OfferEnded:
			if p.Outcome != journal.OfferAccepted {
				with[p.Agent] = ""
			}
		case journal.ContactQueued:
			for agent, c := range with {
				if c == p.Contact {
					with[agent] = "" // came back
				}
			}
		case journal.ContactEnded:
			ended[p.Contact]++
			outcomes[p.Outcome]++
			if p.Agent != "" {
				with[p.Agent] = ""
			}
		}
	}
	if len(ended) != calls {
		r.t.Errorf("%d of %d contacts ended", len(ended), calls)
	}
	for c, n := range ended {
		if n != 1 {
			r.t.Errorf("%s ended %d times", c, n)
		}
	}
	r.t.Logf("outcomes %v", outcomes)
	if outcomes["served"] == 0 || outcomes["abandoned"] == 0 {
		r.t.Error("the hour was not busy")
	}
}
