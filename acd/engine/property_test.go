package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"

	"pgregory.net/rapid"
)

var (
	someAgents    = []engine.AgentID{"p-anna", "p-bruno", "p-carla", "p-dino", "p-elsa"}
	someQueues    = []engine.QueueID{"sales", "help", "desk"}
	someContacts  = []engine.ContactID{"c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"}
	allStrategies = []engine.Strategy{
		engine.LongestIdle, engine.RingAll, engine.LeastOccupied, engine.FewestCalls,
		engine.Ordered, engine.RoundRobin, engine.Random, engine.Progressive,
	}
)

var (
	someSkills  = []engine.SkillID{"english", "repairs"}
	someCallers = []journal.SubjectID{"n-1", "n-2", "n-3", "n-4", ""}
	someReasons = map[engine.Reason]engine.PauseRule{"lunch": {Break: true}, "files": {Work: true}, "post": {Break: true, Work: true}}
)

// seldom draws one of the values other than the first in a third of the cases.
func seldom[V any](t *rapid.T, what string, usual V, others ...V) V {
	if rapid.IntRange(0, 2).Draw(t, what+"?") < 2 {
		return usual
	}
	return rapid.SampledFrom(others).Draw(t, what)
}

// drawRules draws what makes queues and agents differ.
func drawRules(t *rapid.T, q *engine.Queue) {
	q.WrapUpMore = seldom(t, "more", 0, 20*time.Second)
	q.MustOutcome = seldom(t, "must", false, true)
	q.RefuseEmpty = seldom(t, "refuse empty", false, true)
	q.LeaveEmpty = seldom(t, "leave empty", false, true)
	q.MaxExpected = seldom(t, "expected", 0, time.Second, 5*time.Minute)
	q.Urgent = seldom(t, "urgent queue", false, false, true)
	q.Redial = seldom(t, "redial", 0, 40*time.Second, 10*time.Minute)
	q.LastAgent = seldom(t, "last agent", 0, 15*time.Second)
	q.LastAgentOf = seldom(t, "last agent of", 0, 5*time.Minute)
	q.Announce = seldom(t, "announce", 0, 10*time.Second)
	q.AnnounceFirst = seldom(t, "first", false, true)
	q.SayPosition = seldom(t, "position", true, false)
	q.SayWait = seldom(t, "say wait", true, false)
	q.Periodic = seldom(t, "periodic", 0, 25*time.Second)
	q.CallbackTries = seldom(t, "tries", 0, 1, 2)
	q.CallbackRetry = seldom(t, "retry", 0, 20*time.Second)
	if need := seldom(t, "need", 0, 1, 2); need > 0 {
		q.Needs = map[engine.SkillID]int{rapid.SampledFrom(someSkills).Draw(t, "skill"): need}
	}
	after := time.Duration(0)
	for range seldom(t, "rings", 0, 1, 2) {
		after += time.Duration(rapid.SampledFrom([]int{5, 30}).Draw(t, "after")) * time.Second
		r := engine.Ring{After: after, Lower: seldom(t, "lower", 0, 1)}
		if rapid.IntRange(0, 3).Draw(t, "without?") == 0 {
			r.Without = someSkills[:1]
		}
		if rapid.IntRange(0, 3).Draw(t, "group?") == 0 {
			r.Members = []engine.AgentID{rapid.SampledFrom(someAgents).Draw(t, "besides")}
		}
		q.Rings = append(q.Rings, r)
	}
}

func drawConfig(t *rapid.T) engine.Config {
	cfg := engine.Config{Seed: 7, Reasons: someReasons, Skills: map[engine.AgentID]map[engine.SkillID]int{}}
	calm := rapid.Bool().Draw(t, "calm")
	if every := seldom(t, "break every", 0, 30*time.Minute, 2*time.Hour); every > 0 {
		cfg.BreakEvery, cfg.BreakFor = every, every/8
	}
	for _, a := range someAgents {
		cfg.Skills[a] = map[engine.SkillID]int{}
		for _, s := range someSkills {
			cfg.Skills[a][s] = rapid.IntRange(0, 2).Draw(t, "level")
		}
	}
	for _, id := range someQueues {
		if rapid.IntRange(0, 5).Draw(t, "without "+string(id)) == 0 {
			continue
		}
		q := engine.Queue{
			ID:            id,
			Strategy:      rapid.SampledFrom(allStrategies).Draw(t, "strategy"),
			RingTime:      time.Duration(rapid.SampledFrom([]int{0, 3, 20}).Draw(t, "ring")) * time.Second,
			MissesToPause: rapid.IntRange(0, 3).Draw(t, "misses"),
			WrapUp:        time.Duration(rapid.SampledFrom([]int{0, 0, 7, 30}).Draw(t, "wrap")) * time.Second,
			MaxWait:       time.Duration(rapid.SampledFrom([]int{0, 10, 60}).Draw(t, "wait")) * time.Second,
			MaxLength:     rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "length"),
			Bonus:         time.Duration(rapid.SampledFrom([]int{0, 0, 30}).Draw(t, "bonus")) * time.Second,
			Step:          rapid.IntRange(0, 2).Draw(t, "step"),
			Every:         time.Duration(rapid.IntRange(0, 4).Draw(t, "every")) * time.Second,
		}
		drawRules(t, &q)
		if calm {
			q.MaxWait, q.MaxLength, q.MaxExpected, q.RefuseEmpty, q.LeaveEmpty = 0, 0, 0, false, false
		}
		for _, a := range rapid.Permutation(someAgents).Draw(t, "members") {
			if rapid.IntRange(0, 2).Draw(t, "member") > 0 {
				q.Members = append(q.Members, a)
			}
		}
		cfg.Queues = append(cfg.Queues, q)
	}
	return cfg
}

// box is the engine under test with its observer and clock.
type box struct {
	t   *rapid.T
	s   *engine.State
	o   *observer
	now time.Time

	did []step // commands and when
}

type step struct {
	cmd engine.Command
	now time.Time
}

func newBox(t *rapid.T, cfg engine.Config) *box {
	s, err := engine.New(cfg, epoch)
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, s: s, o: newObserver(cfg), now: epoch}
	for _, a := range someAgents {
		if rapid.IntRange(0, 3).Draw(t, "logged in") > 0 {
			b.apply(engine.Command{Kind: engine.Login, Agent: a, Source: engine.FromPhone})
		}
	}
	return b
}

func (b *box) apply(cmd engine.Command) {
	r := b.s.Apply(&cmd, b.now)
	b.did = append(b.did, step{cmd, b.now})
	b.t.Logf("%s %+v: %v", b.now.Sub(epoch), cmd, r.Err)
	if err := b.o.take(r, b.now); err != nil {
		b.t.Fatal(err)
	}
}

// offer draws an offer: mostly one that rings, sometimes an old or a made-up one.
func (b *box) offer() engine.OfferID {
	var live []engine.OfferID
	for id := range b.o.rings {
		live = append(live, id)
	}
	slices.Sort(live)
	if len(live) > 0 && rapid.IntRange(0, 4).Draw(b.t, "live offer") > 0 {
		return rapid.SampledFrom(live).Draw(b.t, "offer")
	}
	if rapid.IntRange(0, 5).Draw(b.t, "made up") == 0 {
		return 1 << 40
	}
	return engine.OfferID(rapid.IntRange(0, len(b.o.offers)).Draw(b.t, "old offer"))
}

func (b *box) pass() {
	switch rapid.IntRange(0, 12).Draw(b.t, "pass") {
	default: // nothing
	case 2, 8, 9:
		b.now = b.now.Add(time.Duration(rapid.IntRange(1, 1500).Draw(b.t, "ms")) * time.Millisecond)
	case 3, 7, 10:
		b.now = b.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(b.t, "s")) * time.Second)
	case 4:
		if at, ok := b.s.Deadline(); ok {
			b.now = at
		}
	case 5:
		b.now = b.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(b.t, "min")) * time.Minute)
	case 6:
		b.now = b.now.Add(-time.Duration(rapid.IntRange(1, 3600).Draw(b.t, "back")) * time.Second)
		if b.now.Before(b.o.last.Add(-time.Hour)) {
			b.now = b.o.last
		}
	}
}

func (b *box) step() {
	t := b.t
	b.pass()
	agent := rapid.SampledFrom(append(slices.Clone(someAgents), "p-nobody")).Draw(t, "agent")
	contact := rapid.SampledFrom(someContacts).Draw(t, "contact")
	source := rapid.SampledFrom([]engine.Source{engine.FromPhone, engine.FromPage}).Draw(t, "source")
	if rapid.IntRange(0, 3).Draw(t, "call back") == 0 {
		b.callBack(contact)
		return
	}
	if rapid.IntRange(0, 7).Draw(t, "by hand") == 0 {
		b.byHand()
		return
	}
	switch n := rapid.IntRange(0, 56).Draw(t, "command"); {
	case n < 9:
		cmd := engine.Command{
			Kind: engine.Enqueue, Contact: contact, Caller: rapid.SampledFrom(someCallers).Draw(t, "caller"),
			Queue:  rapid.SampledFrom(append(slices.Clone(someQueues), "nowhere")).Draw(t, "queue"),
			Bonus:  time.Duration(rapid.SampledFrom([]int{0, 0, 0, 25}).Draw(t, "bonus")) * time.Second,
			Urgent: rapid.IntRange(0, 9).Draw(t, "urgent") == 0,
		}
		if rapid.IntRange(0, 5).Draw(t, "earlier") == 0 {
			cmd.Arrival = b.now.Add(-time.Minute)
		}
		b.enqueue(cmd)
	case n < 16:
		b.apply(engine.Command{Kind: engine.Accept, Offer: b.offer()})
	case n < 17:
		b.apply(engine.Command{Kind: engine.Decline, Offer: b.offer()})
	case n < 18:
		b.apply(engine.Command{Kind: engine.Fail, Offer: b.offer()})
	case n < 20:
		b.apply(engine.Command{Kind: engine.Abandon, Contact: contact})
	case n < 24:
		b.apply(engine.Command{Kind: engine.TalkEnded, Contact: contact, Reason: rapid.SampledFrom([]engine.Reason{"", engine.ReasonTransferred, engine.ReasonConsulted}).Draw(t, "how")})
	case n < 25:
		b.apply(engine.Command{Kind: engine.TalkLost, Contact: contact})
	case n < 31:
		b.apply(engine.Command{Kind: engine.Login, Agent: agent, Source: source})
	case n < 32:
		b.apply(engine.Command{Kind: engine.Logout, Agent: agent, Source: source})
	case n < 33:
		b.apply(engine.Command{Kind: engine.Pause, Agent: agent, Source: source, Reason: drawReason(t)})
	case n < 35:
		b.apply(engine.Command{Kind: engine.Ready, Agent: agent, Source: source})
	case n < 38:
		kind := rapid.SampledFrom([]engine.CommandKind{engine.AgentBusy, engine.AgentFree, engine.AgentFree, engine.PhoneGone, engine.PhoneBack, engine.PhoneBack}).Draw(t, "level")
		b.apply(engine.Command{Kind: kind, Agent: agent})
	case n < 39 && rapid.IntRange(0, 2).Draw(t, "another office") == 0:
		b.configure(drawConfig(t))
	case n < 42:
		b.apply(engine.Command{Kind: engine.AskCallback, Contact: b.waiting(contact)})
	case n < 43:
		kind := rapid.SampledFrom([]engine.CommandKind{engine.CancelCallback, engine.Exit, engine.WaitOn}).Draw(t, "end")
		b.apply(engine.Command{Kind: kind, Contact: contact})
	case n < 48:
		b.apply(engine.Command{
			Kind: engine.CallbackResult, Contact: b.dialled(contact),
			Result: rapid.SampledFrom([]string{engine.DialAnswered, engine.DialBusy, engine.DialNoAnswer, "?"}).Draw(t, "result"),
		})
	case n < 49:
		b.apply(engine.Command{Kind: engine.OtherWork, Agent: agent, Source: source, Reason: drawReason(t)})
	case n < 50:
		b.apply(engine.Command{Kind: engine.Extend, Agent: agent, Source: source})
	case n < 51:
		b.apply(engine.Command{Kind: engine.OutcomeKnown, Agent: agent, Contact: contact})
	case n < 52:
		b.apply(engine.Command{Kind: engine.Pause, Agent: agent, Source: source, Reason: engine.ReasonBreak})
	case n < 55:
		b.late()
	case n < 56 && rapid.IntRange(0, 9).Draw(t, "restart") == 0:
		b.apply(engine.Command{Kind: engine.Restart})
	default:
		b.apply(engine.Command{Kind: engine.Tick})
	}
}

// enqueue checks that the rank is arrival minus bonus, which bounds overtaking: a
// contact that came later than another by more than its bonus ranks after it.
func (b *box) enqueue(cmd engine.Command) {
	b.apply(engine.Command{Kind: engine.Tick})
	if b.o.queue(cmd.Queue) == nil {
		b.apply(cmd)
		return
	}
	old := b.o.contacts[cmd.Contact]
	want := b.o.place(&cmd, old)
	b.apply(cmd)
	if c := b.o.contacts[cmd.Contact]; c != nil && c != old && !c.rank.Equal(want) {
		b.t.Fatalf("rank %v, want %v", c.rank, want)
	}
}

// late checks that commands about offers that are over change nothing.
func (b *box) late() {
	b.apply(engine.Command{Kind: engine.Tick})
	offer := engine.OfferID(rapid.IntRange(0, len(b.o.offers)+1).Draw(b.t, "late offer"))
	if off := b.o.offers[offer]; off != nil && off.ended == "" {
		return
	}
	before := dump(b.s, b.o.last)
	kind := rapid.SampledFrom([]engine.CommandKind{engine.Accept, engine.Decline, engine.Fail}).Draw(b.t, "late")
	r := b.s.Apply(&engine.Command{Kind: kind, Offer: offer}, b.now)
	if !errors.Is(r.Err, engine.ErrStray) || len(r.Events) != 0 {
		b.t.Fatalf("late offer %d: %+v", offer, r)
	}
	for _, a := range r.Actions {
		if a.Kind != engine.Refuse {
			b.t.Fatalf("late offer %d: %+v", offer, a)
		}
	}
	if after := dump(b.s, b.o.last); after != before {
		b.t.Fatalf("late offer %d changed\n%s\nto\n%s", offer, before, after)
	}
}

// callBack carries on what has to do with calls back.
func (b *box) callBack(contact engine.ContactID) {
	switch rapid.IntRange(0, 4).Draw(b.t, "step of a call back") {
	case 0:
		b.apply(engine.Command{Kind: engine.AskCallback, Contact: b.waiting(contact)})
	case 1: // at another number, or without waiting first
		b.apply(engine.Command{
			Kind: engine.AskCallback, Contact: contact, Caller: rapid.SampledFrom(someCallers).Draw(b.t, "number"),
			Queue: rapid.SampledFrom(append(slices.Clone(someQueues), "nowhere")).Draw(b.t, "queue of the call back"),
		})
	case 2, 3:
		for _, id := range someContacts {
			c := b.o.contacts[id]
			if c == nil || !c.virtual {
				continue
			}
			if offers := slices.Sorted(maps.Keys(c.offers)); len(offers) > 0 {
				b.apply(engine.Command{Kind: engine.Accept, Offer: rapid.SampledFrom(offers).Draw(b.t, "agent who takes it")})
				return
			}
		}
		b.apply(engine.Command{Kind: engine.Tick})
	default:
		b.apply(engine.Command{
			Kind: engine.CallbackResult, Contact: b.dialled(contact),
			Result: rapid.SampledFrom([]string{engine.DialAnswered, engine.DialBusy, engine.DialNoAnswer, "?"}).Draw(b.t, "result"),
		})
	}
}

// byHand lets people of the office call callers by themselves.
func (b *box) byHand() {
	cmd := engine.Command{
		Kind:   rapid.SampledFrom([]engine.CommandKind{engine.TakeCaller, engine.TakeCaller, engine.GiveCaller, engine.Reached}).Draw(b.t, "hand"),
		Caller: rapid.SampledFrom(someCallers).Draw(b.t, "whom"), By: rapid.SampledFrom(someAgents[:3]).Draw(b.t, "who"), Call: "out-1",
		Reason: rapid.SampledFrom([]engine.Reason{engine.GiveReached, engine.GiveNoNeed, engine.GiveGaveUp, engine.GiveReturned}).Draw(b.t, "how"),
	}
	b.apply(engine.Command{Kind: engine.Tick})
	holder := b.o.holder(cmd.Caller, b.o.last)
	r := b.s.Apply(&cmd, b.now)
	b.did = append(b.did, step{cmd, b.now})
	b.t.Logf("%s %+v: %v", b.now.Sub(epoch), cmd, r.Err)
	if err := b.o.take(r, b.now); err != nil {
		b.t.Fatal(err)
	}
	if another := holder != "" && holder != cmd.By; cmd.Kind != engine.Reached && another != errors.Is(r.Err, engine.ErrTaken) {
		b.t.Fatalf("%s has taken him, answer %v", holder, r.Err)
	}
	if cmd.Kind == engine.TakeCaller && r.Err == nil && b.o.holder(cmd.Caller, b.o.last) != cmd.By {
		b.t.Fatal("taken and not taken")
	}
	for id, c := range b.o.contacts {
		if cmd.Kind == engine.Reached && cmd.Caller != "" && c.caller == cmd.Caller && c.virtual && !c.dialling {
			b.t.Fatalf("%s was reached and is to be called for %s", cmd.Caller, id)
		}
	}
}

// waiting prefers a contact that waits and rings nowhere.
func (b *box) waiting(otherwise engine.ContactID) engine.ContactID {
	for _, id := range someContacts {
		if c := b.o.contacts[id]; c != nil && !c.talks && !c.virtual && len(c.offers) == 0 {
			return id
		}
	}
	return otherwise
}

// dialled prefers a contact that is being called back.
func (b *box) dialled(otherwise engine.ContactID) engine.ContactID {
	for _, id := range someContacts {
		if c := b.o.contacts[id]; c != nil && c.dialling {
			return id
		}
	}
	return otherwise
}

func drawReason(t *rapid.T) engine.Reason {
	return rapid.SampledFrom([]engine.Reason{"", "lunch", "files", "post", "coffee"}).Draw(t, "why")
}

func (b *box) configure(cfg engine.Config) {
	b.t.Logf("%s configure %+v", b.now.Sub(epoch), cfg)
	b.apply(engine.Command{Kind: engine.Tick})
	// What is withdrawn by the change belongs to the old members, what is offered
	// to the new ones.
	b.o.cfg = cfg
	r, err := b.s.Configure(cfg, b.now)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.o.take(r, b.now); err != nil {
		b.t.Fatal(err)
	}
	again, err := b.s.Configure(cfg, b.now)
	if err != nil || len(again.Events) != 0 || len(again.Actions) != 0 {
		b.t.Fatalf("configuring the same again did %+v, %v", again, err)
	}
}

// TestPromises drives the engine with random commands, late, doubled, unknown and
// out of order, and checks its promises after each of them:
//
//	 1 no agent has two calls, or an offer and a call
//	 2 every contact ends exactly once
//	 3 nobody waits while an agent is free who may take him
//	 4 of those whom an agent may take he gets the first in rank
//	 5 the rank is arrival minus bonus, or an earlier place of the same caller
//	 6 nobody is told a higher place or a longer wait without a reason
//	 7 the times of an agent's states add up
//	 8 who entered has ended or is inside; waits and talks add up
//	 9 the journal alone restores the state, and so does a dump
//	10 commands about offers that are over change nothing
//	11 nobody is called back twice at once, while he is on the line, too often or too early
//	12 urgent contacts go first
//	13 nobody is past the limit of his screen time but in his present call
//	14 who is to be called back keeps his place (4 and 5)
//	15 the views show what the journal says
//	16 one person at most has taken a caller, whom no queue calls meanwhile; whoever is
//	   reached by hand is promised nothing any more
//
// and that offers end once, deadlines lie in the future, wrap-ups whose outcome is
// owed last, callers are kept for who served them last.
func TestPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBox(t, drawConfig(t))
		for n := rapid.IntRange(1, 120).Draw(t, "steps"); n > 0; n-- {
			b.step()
			if err := b.o.check(b.s); err != nil {
				t.Fatal(err)
			}
			if n%16 == 1 {
				if err := b.o.replay(b.s); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// TestSameCommandsSameDecisions runs the same commands through two engines.
func TestSameCommandsSameDecisions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBox(t, drawConfig(t))
		start := b.o.cfg
		for range 40 {
			b.pass()
			cmd := engine.Command{
				Kind:    engine.CommandKind(rapid.IntRange(0, int(engine.Restart)-1).Draw(t, "kind")),
				Agent:   rapid.SampledFrom(someAgents).Draw(t, "agent"),
				Contact: rapid.SampledFrom(someContacts).Draw(t, "contact"),
				Queue:   rapid.SampledFrom(someQueues).Draw(t, "queue"),
				Offer:   b.offer(),
			}
			b.apply(cmd)
		}
		again, err := engine.New(start, epoch)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, st := range b.did {
			for _, e := range again.Apply(&st.cmd, st.now).Events {
				if got, want := fmt.Sprint(e), fmt.Sprint(b.o.log[n]); got != want {
					t.Fatalf("event %d: %s, first time %s", n, got, want)
				}
				n++
			}
		}
		if n != len(b.o.log) {
			t.Fatalf("%d events, first time %d", n, len(b.o.log))
		}
	})
}

// TestJournalWithHoles folds a journal from which events were lost, as happens
// when the disk stalls for long: after the restart the engine is whole and works.
func TestJournalWithHoles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		cfg.Queues = append(cfg.Queues, engine.Queue{ID: "all", Strategy: engine.Ordered, Members: someAgents})
		b := newBox(t, cfg)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			b.step()
		}
		s, err := engine.New(cfg, epoch)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.o.log {
			if rapid.IntRange(0, 4).Draw(t, "lost") > 0 {
				s.Fold(&b.o.log[i])
			}
		}
		now := b.o.last.Add(time.Minute)
		s.Apply(&engine.Command{Kind: engine.Restart, Arrival: b.o.last}, now)
		if _, err := s.Configure(cfg, now); err != nil {
			t.Fatal(err)
		}
		for _, c := range s.Dump(now).Contacts {
			if !c.Virtual || c.Talks || c.Dialling {
				t.Fatalf("survived the restart: %+v", c)
			}
			s.Apply(&engine.Command{Kind: engine.CancelCallback, Contact: c.Contact}, now)
		}
		for _, q := range s.Queues() {
			if q.Talking != 0 || len(q.Waiting) != 0 {
				t.Fatalf("queue %+v", q)
			}
		}
		// Everybody works again after a rest, and everybody gets a call.
		now = now.Add(time.Hour)
		for _, a := range someAgents {
			s.Apply(&engine.Command{Kind: engine.Logout, Agent: a, Source: engine.FromPage}, now)
		}
		now = now.Add(time.Hour)
		for _, a := range someAgents {
			for _, k := range []engine.CommandKind{engine.Login, engine.Ready, engine.AgentFree, engine.PhoneBack} {
				s.Apply(&engine.Command{Kind: k, Agent: a, Source: engine.FromPage}, now)
			}
		}
		now = now.Add(engine.RetryDelay)
		s.Apply(&engine.Command{Kind: engine.Tick}, now)
		rang := map[engine.AgentID]int{}
		for i := range someAgents {
			r := s.Apply(&engine.Command{Kind: engine.Enqueue, Contact: someContacts[i], Queue: "all"}, now)
			for _, a := range r.Actions {
				rang[a.Agent]++
			}
		}
		for _, a := range someAgents {
			if v, _ := s.Agent(a); rang[a] != 1 {
				t.Fatalf("%s rang %d times: %+v", a, rang[a], v)
			}
		}
	})
}
