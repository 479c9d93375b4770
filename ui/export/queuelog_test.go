package export_test

import (
	"strings"
	"testing"
	"time"

	"centralino/acd/engine"
	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/ui/export"

	"github.com/google/go-cmp/cmp"
)

// queueLog is the log of visits.
func queueLog(t *testing.T, visits []kpi.Visit) string {
	t.Helper()
	var b strings.Builder
	if err := export.QueueLog(&b, visits, func(s journal.SubjectID) string { return "Agent/" + string(s) }); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestQueueLog: the lines that a program for Asterisk's queue_log expects, in order
// of time.
func TestQueueLog(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(1_800_000_000+int64(s), 0) }
	visits := []kpi.Visit{
		{Contact: "a", Queue: "sales", Caller: "n-1", Agent: "p-1", Arrived: at(0), Waited: 12 * time.Second, Talked: 60 * time.Second, Result: kpi.Answered},
		{Contact: "b", Queue: "sales", Caller: "n-2", Arrived: at(5), Waited: 30 * time.Second, Result: kpi.Abandoned},
		{Contact: "c", Queue: "sa|les\n", Arrived: at(6), Waited: 40 * time.Second, Result: kpi.Overflowed, Reason: "max wait"},
		{Contact: "d", Queue: "sales", Caller: "n-3", Agent: "p-2", Arrived: at(20), Waited: 2 * time.Second, Result: kpi.Answered, Open: true},
		{Contact: "e", Queue: "sales", Arrived: at(100), Waited: time.Second, Result: kpi.Promised},
		{Contact: "f", Queue: "sales", Arrived: at(101), Result: kpi.Waiting, Open: true},
		{Contact: "g", Queue: "sales", Agent: "p-1", Arrived: at(200), Waited: time.Second, Talked: 9 * time.Second, Result: kpi.Answered, Reason: kpi.HandedOn},
	}
	want := `1800000000|a|sales|NONE|ENTERQUEUE||n-1|1
1800000005|b|sales|NONE|ENTERQUEUE||n-2|2
1800000006|c|sa_les_|NONE|ENTERQUEUE|||1
1800000012|a|sales|Agent/p-1|CONNECT|12|a|0
1800000020|d|sales|NONE|ENTERQUEUE||n-3|2
1800000022|d|sales|Agent/p-2|CONNECT|2|d|0
1800000035|b|sales|NONE|ABANDON|1|2|30
1800000046|c|sa_les_|NONE|EXITWITHTIMEOUT|1|1|40
1800000072|a|sales|Agent/p-1|COMPLETECALLER|12|60|1
1800000100|e|sales|NONE|ENTERQUEUE|||1
1800000101|e|sales|NONE|EXITWITHKEY||1|1|1
1800000101|f|sales|NONE|ENTERQUEUE|||1
1800000200|g|sales|NONE|ENTERQUEUE|||1
1800000201|g|sales|Agent/p-1|CONNECT|1|g|0
1800000210|g|sales|Agent/p-1|BLINDTRANSFER|||1|9|1
`
	if diff := cmp.Diff(want, queueLog(t, visits)); diff != "" {
		t.Error(diff)
	}
}

// engineRun is an engine whose events make facts, as those of the box do.
type engineRun struct {
	t     *testing.T
	s     *engine.State
	fold  *kpi.Fold
	begin time.Time
	now   time.Time
	seq   uint64
	offer engine.OfferID // the newest
}

func newEngineRun(t *testing.T, queues ...engine.Queue) *engineRun {
	t.Helper()
	o := &engineRun{t: t, fold: kpi.NewFold(nil), begin: time.Unix(1_800_000_000, 0)}
	o.now = o.begin
	var err error
	if o.s, err = engine.New(engine.Config{Queues: queues}, o.now); err != nil {
		t.Fatal(err)
	}
	return o
}

// at sets the clock, in seconds since the begin.
func (o *engineRun) at(s int) *engineRun {
	o.now = o.begin.Add(time.Duration(s) * time.Second)
	return o
}

// do gives the engine a command and what it says of it to the facts.
func (o *engineRun) do(c engine.Command) *engineRun {
	o.t.Helper()
	r := o.s.Apply(&c, o.now)
	if r.Err != nil {
		o.t.Fatalf("%+v: %v", c, r.Err)
	}
	for i := range r.Events {
		e := &r.Events[i]
		if e.Kind == engine.ContactOffered {
			o.offer = e.Offer
		}
		o.journal("", e.At.Time(), e.Payload())
	}
	return o
}

func (o *engineRun) journal(call journal.CallID, at time.Time, p journal.Payload) {
	o.seq++
	o.fold.Apply(journal.Event{Seq: o.seq, Time: at, Call: call, Payload: p})
}

// call enqueues a contact.
func (o *engineRun) call(c engine.ContactID, queue engine.QueueID) *engineRun {
	o.t.Helper()
	return o.do(engine.Command{Kind: engine.Enqueue, Contact: c, Queue: queue, Caller: journal.SubjectID("n-" + c)})
}

func (o *engineRun) agent(kind engine.CommandKind) *engineRun {
	o.t.Helper()
	return o.do(engine.Command{Kind: kind, Agent: "p-1", Source: engine.FromPhone, Reason: "reason-1"})
}

func (o *engineRun) accept() *engineRun {
	o.t.Helper()
	return o.do(engine.Command{Kind: engine.Accept, Offer: o.offer})
}

// hangUp ends the talk of a contact, and then its call: by the caller's side of that
// call or by the other.
func (o *engineRun) hangUp(c engine.ContactID, call journal.CallID, by string) *engineRun {
	o.t.Helper()
	o.do(engine.Command{Kind: engine.TalkEnded, Contact: c})
	o.journal(call, o.now, journal.CallEnded{Cause: "normal", By: by})
	return o
}

// handOn lets the agent hand a contact on.
func (o *engineRun) handOn(c engine.ContactID, why engine.Reason) {
	o.t.Helper()
	o.do(engine.Command{Kind: engine.TalkEnded, Contact: c, Reason: why})
}

func (o *engineRun) visits() []kpi.Visit {
	facts, _ := o.fold.Facts(kpi.Interval{From: o.begin.Add(-time.Hour), To: o.now.Add(time.Hour)}, o.now)
	facts.Sort()
	return facts.Visits
}

// TestQueueLogOfTheEngine: what the engine does with contacts of every fate, as the
// journal tells it, read as Asterisk's documentation of queue_log has it.
func TestQueueLogOfTheEngine(t *testing.T) {
	o := newEngineRun(t, engine.Queue{ID: "q", Strategy: engine.LongestIdle, Members: []engine.AgentID{"p-1"}, MaxWait: 30 * time.Second, LeaveEmpty: true},
		engine.Queue{ID: "picky", Strategy: engine.LongestIdle, Members: []engine.AgentID{"p-1"}, RefuseEmpty: true, MaxLength: 1})
	o.at(0).call("refused", "picky") // nobody is logged in
	o.at(1).agent(engine.Login)
	o.at(10).call("agent-ends", "q")
	o.at(15).accept()
	o.at(75).hangUp("agent-ends", "agent-ends", "called")
	o.at(100).call("caller-ends", "q")
	o.at(103).accept()
	o.at(110).hangUp("caller-ends", "caller-ends", "caller")
	o.at(111).agent(engine.Pause)
	o.at(120).call("too-long", "q")
	o.at(125).call("by-key", "q")
	o.at(130).call("tired", "q")
	o.at(131).call("waits", "picky")
	o.at(132).call("one-too-many", "picky")
	o.at(135).do(engine.Command{Kind: engine.Exit, Contact: "by-key"})
	o.at(139).do(engine.Command{Kind: engine.Abandon, Contact: "waits"})
	o.at(150).do(engine.Command{Kind: engine.Tick})
	o.at(152).do(engine.Command{Kind: engine.Abandon, Contact: "tired"})
	o.at(200).call("promised", "q")
	o.at(208).do(engine.Command{Kind: engine.AskCallback, Contact: "promised"})
	o.journal("promised", o.now, journal.CallEnded{Cause: "callback", By: "caller"})
	o.at(600).agent(engine.Ready)
	o.at(604).accept()
	o.at(610).do(engine.Command{Kind: engine.CallbackResult, Contact: "promised", Result: engine.DialAnswered, Call: "the-way-back"})
	o.at(640).hangUp("promised", "the-way-back", "caller")
	o.at(641).agent(engine.Pause)
	o.at(650).call("left-alone", "q")
	o.at(660).agent(engine.Logout)
	want := `1800000000|refused|picky|NONE|ENTERQUEUE||n-refused|1
1800000000|refused|picky|NONE|EXITEMPTY|1|1|0
1800000010|agent-ends|q|NONE|ENTERQUEUE||n-agent-ends|1
1800000015|agent-ends|q|Agent/p-1|CONNECT|5|agent-ends|0
1800000075|agent-ends|q|Agent/p-1|COMPLETEAGENT|5|60|1
1800000100|caller-ends|q|NONE|ENTERQUEUE||n-caller-ends|1
1800000103|caller-ends|q|Agent/p-1|CONNECT|3|caller-ends|0
1800000110|caller-ends|q|Agent/p-1|COMPLETECALLER|3|7|1
1800000120|too-long|q|NONE|ENTERQUEUE||n-too-long|1
1800000125|by-key|q|NONE|ENTERQUEUE||n-by-key|2
1800000130|tired|q|NONE|ENTERQUEUE||n-tired|3
1800000131|waits|picky|NONE|ENTERQUEUE||n-waits|1
1800000132|one-too-many|picky|NONE|ENTERQUEUE||n-one-too-many|2
1800000132|one-too-many|picky|NONE|EXITEMPTY|2|2|0
1800000135|by-key|q|NONE|EXITWITHKEY||2|2|10
1800000139|waits|picky|NONE|ABANDON|1|1|8
1800000150|too-long|q|NONE|EXITWITHTIMEOUT|1|1|30
1800000152|tired|q|NONE|ABANDON|1|3|22
1800000200|promised|q|NONE|ENTERQUEUE||n-promised|1
1800000208|promised|q|NONE|EXITWITHKEY||1|1|8
1800000610|the-way-back|q|NONE|ENTERQUEUE||n-promised|1
1800000610|the-way-back|q|Agent/p-1|CONNECT|0|the-way-back|0
1800000640|the-way-back|q|Agent/p-1|COMPLETEAGENT|0|30|1
1800000650|left-alone|q|NONE|ENTERQUEUE||n-left-alone|1
1800000660|left-alone|q|NONE|EXITEMPTY|1|1|10
`
	if diff := cmp.Diff(want, queueLog(t, o.visits())); diff != "" {
		t.Error(diff)
	}
}

// TestQueueLogOfWhoIsHandedOn: an agent hands a caller on, before and after he has talked
// with who takes him, and whom he has called back as well.
func TestQueueLogOfWhoIsHandedOn(t *testing.T) {
	o := newEngineRun(t, engine.Queue{ID: "q", Strategy: engine.LongestIdle, Members: []engine.AgentID{"p-1"}})
	o.at(0).agent(engine.Login)
	o.at(10).call("blind", "q")
	o.at(15).accept()
	o.at(75).handOn("blind", engine.ReasonTransferred)
	o.at(100).call("asked", "q")
	o.at(103).accept()
	o.at(110).handOn("asked", engine.ReasonConsulted)
	o.at(111).agent(engine.Pause)
	o.at(200).call("promised", "q")
	o.at(208).do(engine.Command{Kind: engine.AskCallback, Contact: "promised"})
	o.journal("promised", o.now, journal.CallEnded{Cause: "callback", By: "caller"})
	o.at(600).agent(engine.Ready)
	o.at(604).accept()
	o.at(610).do(engine.Command{Kind: engine.CallbackResult, Contact: "promised", Result: engine.DialAnswered, Call: "the-way-back"})
	o.at(640).handOn("promised", engine.ReasonTransferred)
	want := `1800000010|blind|q|NONE|ENTERQUEUE||n-blind|1
1800000015|blind|q|Agent/p-1|CONNECT|5|blind|0
1800000075|blind|q|Agent/p-1|BLINDTRANSFER|||5|60|1
1800000100|asked|q|NONE|ENTERQUEUE||n-asked|1
1800000103|asked|q|Agent/p-1|CONNECT|3|asked|0
1800000110|asked|q|Agent/p-1|ATTENDEDTRANSFER|||3|7|1
1800000200|promised|q|NONE|ENTERQUEUE||n-promised|1
1800000208|promised|q|NONE|EXITWITHKEY||1|1|8
1800000610|the-way-back|q|NONE|ENTERQUEUE||n-promised|1
1800000610|the-way-back|q|Agent/p-1|CONNECT|0|the-way-back|0
1800000640|the-way-back|q|Agent/p-1|BLINDTRANSFER|||0|30|1
`
	if diff := cmp.Diff(want, queueLog(t, o.visits())); diff != "" {
		t.Error(diff)
	}
}
