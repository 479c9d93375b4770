package call_test

import (
	"fmt"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"

	"pgregory.net/rapid"
)

// disorder feeds a call with events in any order (late ones, doubled ones, of legs,
// offers and sounds that nobody knows) and watches what it does.
type disorder struct {
	t    *rapid.T
	st   *call.State
	now  time.Time
	done []string // what happened, for the report

	legs     map[journal.LegID]*watched
	next     int
	offers   journal.OfferID
	attempts int
	answered map[journal.OfferID]int
	failed   map[journal.OfferID]int
	busy     map[journal.SubjectID]int
	promised bool // the ACD was asked for a promise and has not refused
	waits    bool // stands in a queue, as far as the ACD was told
	talks    bool // talks with an agent, as far as the ACD was told
	origin   bool // the box makes the call …
	granted  bool // … to call somebody back, and the agent's offer was granted
	stopped  bool
	results  int
	referred int // transfers of which somebody has yet to hear how they went
	started  int
	ended    int
	finished bool

	hear func(call.Event)    // told of each event before it is fed, may be nil
	see  func([]call.Action) // told of what the call does for it, may be nil
}

func newDisorder(t *rapid.T) *disorder {
	return &disorder{t: t, st: call.New(call.Setup{ID: "call-1", Doc: propertyOffice()}),
		now:  time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC),
		legs: map[journal.LegID]*watched{}, busy: map[journal.SubjectID]int{},
		answered: map[journal.OfferID]int{}, failed: map[journal.OfferID]int{}}
}

type watched struct{ dropped, over bool }

func (d *disorder) feed(ev call.Event) {
	d.done = append(d.done, fmt.Sprintf("%T %+v", ev, ev))
	switch e := ev.(type) {
	case call.LegEnded:
		if l := d.legs[e.Leg]; l != nil {
			l.over = true
		}
	case call.QueueLeft:
		d.waits = d.waits && d.st.Phase() != call.Following
	}
	if d.hear != nil {
		d.hear(ev)
	}
	was := d.finished
	acts := append([]call.Action(nil), d.st.Handle(ev, d.now)...)
	if was && len(acts) > 0 {
		d.t.Fatalf("after the end it does %v", acts)
	}
	for _, a := range acts {
		d.done = append(d.done, fmt.Sprintf("   -> %T %+v", a, a))
		d.watch(a)
	}
	if d.see != nil {
		d.see(acts)
	}
}

func (d *disorder) fail(format string, args ...any) {
	for _, s := range d.done {
		d.t.Log(s)
	}
	d.t.Fatalf(format, args...)
}

// alive says whether something may be done with a leg.
func (d *disorder) alive(id journal.LegID, what string) {
	l := d.legs[id]
	if l == nil || l.dropped || l.over {
		d.fail("%s with leg %q: %+v", what, id, l)
	}
}

func (d *disorder) watch(a call.Action) {
	if d.finished {
		d.fail("%T after Finish", a)
	}
	switch a := a.(type) {
	case call.HangUp:
		d.alive(a.Leg, "HangUp")
		d.legs[a.Leg].dropped = true
	case call.Connect:
		d.alive(a.A, "Connect")
		d.alive(a.B, "Connect")
	case call.Answer:
		d.alive(a.Leg, "Answer")
	case call.Ringing:
		d.alive(a.Leg, "Ringing")
	case call.Play:
		d.alive(a.Leg, "Play")
	case call.PlayLoop:
		d.alive(a.Leg, "PlayLoop")
	case call.Echo:
		d.alive(a.Leg, "Echo")
	case call.Front:
		d.alive(a.Leg, "Front")
	case call.Give:
		d.alive(a.Leg, "Give")
		d.legs[a.Leg].over = true
		if a.Busy {
			d.busy[a.Person]--
		}
	case call.AnswerRefer:
		d.alive(a.Leg, "AnswerRefer")
		if a.Code == 202 {
			d.referred++
		}
	case call.TellRefer:
		if a.Last {
			d.referred--
		}
	case call.Ring:
		d.attempts++
	case call.DialOut:
		d.attempts++
	case call.PersonBusy:
		d.busy[a.Person]++
	case call.PersonFree:
		if d.busy[a.Person]--; d.busy[a.Person] < 0 {
			d.fail("%s is freed more often than busy", a.Person)
		}
	case call.Log:
		switch a.Payload.(type) {
		case journal.CallStarted:
			d.started++
		case journal.CallEnded:
			d.ended++
		}
	case call.Finish:
		d.finished = true
	default:
		d.watchQueue(a)
	}
}

func (d *disorder) watchQueue(a call.Action) {
	switch a := a.(type) {
	case call.EnterQueue:
		d.waits = true
	case call.LeaveQueue:
		d.waits = false
	case call.ExitQueue:
		if !d.waits {
			d.fail("leaves a queue by a key that he does not wait in")
		}
		d.waits = false
	case call.AskCallback:
		if !d.waits && a.Group == "" {
			d.fail("asks for a call back without waiting")
		}
		d.promised = true
	case call.CallbackResult:
		if d.results++; d.results > 1 || !d.granted || d.failed[1] > 0 {
			d.fail("result %q: number %d, granted %v, failed %d", a.Result, d.results, d.granted, d.failed[1])
		}
		if a.Result == call.ResultAnswered {
			d.talks = true
		}
	case call.TalkEnded:
		if !d.talks {
			d.fail("a talk ends that the ACD knows nothing of")
		}
		d.waits, d.talks = false, false
	case call.TalkHandedOn:
		if !d.talks {
			d.fail("somebody is handed on in a talk that the ACD knows nothing of")
		}
		d.waits, d.talks = false, false
	case call.TalkLost:
		if !d.talks {
			d.fail("a talk is lost that the ACD knows nothing of")
		}
		d.waits, d.talks = true, false
	case call.OfferAnswered:
		if d.answered[a.Offer]++; d.answered[a.Offer] > 1 || d.failed[a.Offer] > 0 {
			d.fail("offer %d answered %d times, failed %d times", a.Offer, d.answered[a.Offer], d.failed[a.Offer])
		}
	case call.OfferFailed:
		if d.failed[a.Offer]++; d.failed[a.Offer] > 1 || d.answered[a.Offer] > 0 {
			d.fail("offer %d failed %d times, answered %d times", a.Offer, d.failed[a.Offer], d.answered[a.Offer])
		}
	}
}

func (d *disorder) newLeg() journal.LegID {
	d.next++
	id := journal.LegID(fmt.Sprintf("l%d", d.next))
	d.legs[id] = &watched{}
	return id
}

func (d *disorder) anyLeg() journal.LegID {
	return journal.LegID(fmt.Sprintf("l%d", rapid.IntRange(1, d.next+1).Draw(d.t, "leg")))
}

func (d *disorder) anyOffer() journal.OfferID {
	return journal.OfferID(rapid.IntRange(1, int(d.offers)+1).Draw(d.t, "offer"))
}

func (d *disorder) anyAction() route.Action {
	out := route.DialOut{Emergency: rapid.Bool().Draw(d.t, "emergency"), Exhausted: route.PromptLinesBusy,
		Candidates: []route.Candidate{{Line: "line-1", Dial: "1"}, {Line: "line-2", Dial: "1"}}}
	return rapid.SampledFrom([]route.Action{
		route.EnterPath{Path: "path-1"}, route.EnterPath{Path: "path-3"}, route.EnterPath{Path: "path-4"}, route.EnterQueue{Group: "queue-1"}, out,
		route.RingExtension{Digits: "202", People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}},
		route.Feature{Feature: office.FeatureEcho}, route.Refuse{Code: 404, Prompt: route.PromptUnknown},
	}).Draw(d.t, "action")
}

var causes = []call.Cause{call.CauseNormal, call.CauseBusy, call.CauseNoAnswer, call.CauseFailed, call.CauseMediaLost, call.CauseLineGone, call.CauseElsewhere}

// start begins the call by a phone, a trunk or a line.
func (d *disorder) start() {
	leg := d.newLeg()
	switch rapid.IntRange(0, 3).Draw(d.t, "from") {
	case 3:
		d.origin, d.next = true, 0
		delete(d.legs, leg)
		e := call.Originated{Person: "p-bruno", Dialled: "+390612345667", To: "n-1"}
		if rapid.Bool().Draw(d.t, "call back") {
			d.offers = 1
			e.Offer, e.Contact, e.Queue = 1, "call-0", "queue-1"
		}
		d.feed(e)
		return
	case 0:
		d.feed(phone(leg))
	case 1:
		d.feed(call.Invited{Leg: leg, Kind: journal.LegTrunk, Line: "trunk-1", Request: route.Request{Line: "trunk-1"}})
	default:
		for n := 1; n <= 2; n++ {
			d.feed(call.LineRang{Leg: leg, Line: "line-1", N: n, Request: route.Request{Line: "line-1"}})
		}
	}
	d.feed(call.Decided{Action: d.anyAction()})
}

// attempt announces legs of an attempt that the call has asked for.
func (d *disorder) attempt() {
	if d.attempts == 0 || d.finished {
		return
	}
	n := rapid.IntRange(1, d.attempts).Draw(d.t, "attempt")
	for range rapid.IntRange(0, 2).Draw(d.t, "legs") {
		if !d.finished {
			d.feed(call.LegStarted{Attempt: n, Leg: d.newLeg(), Kind: journal.LegPhone, Person: "p-bruno", Line: "line-1"})
		}
	}
	d.feed(call.AttemptStarted{Attempt: n, Legs: 1})
}

func (d *disorder) step() {
	steps := []func(){
		d.attempt, d.attempt,
		func() { d.feed(call.LegAnswered{Leg: d.anyLeg()}) },
		func() { d.feed(call.LegAnswered{Leg: "l1"}) },
		func() {
			d.feed(call.LegEnded{Leg: d.anyLeg(), Cause: rapid.SampledFrom(causes).Draw(d.t, "cause"),
				Code: rapid.SampledFrom([]int{0, 401, 404, 486, 503}).Draw(d.t, "code")})
		},
		func() { d.feed(call.LegProgress{Leg: d.anyLeg(), Early: rapid.Bool().Draw(d.t, "early")}) },
		func() { d.feed(call.Held{Leg: d.anyLeg()}) },
		func() { d.feed(call.Resumed{Leg: d.anyLeg()}) },
		func() { d.feed(call.Digit{Leg: d.anyLeg(), Digit: '1'}) },
		func() {
			d.feed(call.Digit{Leg: "l1", Digit: rapid.SampledFrom([]byte("12345067#*")).Draw(d.t, "key")})
		},
		func() {
			d.feed(call.Announced{Position: rapid.IntRange(0, 70).Draw(d.t, "position"), High: time.Minute, Periodic: rapid.Bool().Draw(d.t, "periodic")})
		},
		d.promise,
		func() { d.feed(call.Played{ID: rapid.IntRange(0, 4).Draw(d.t, "played")}) },
		func() {
			if d.origin {
				return
			}
			d.offers++
			d.feed(call.Offer{Offer: d.offers, Agent: "p-bruno"})
		},
		func() {
			o := d.anyOffer()
			if d.origin && d.granted {
				return // the ACD does not take its word back
			}
			d.stopped = d.stopped || o == 1
			d.feed(call.OfferStopped{Offer: o, Elsewhere: true})
		},
		d.grant, d.grant, d.refer, d.refer,
		func() { d.feed(call.TransferDecided{Action: d.anyAction()}) },
		func() { d.feed(call.Referred{Leg: d.anyLeg(), Joins: true, Request: route.Request{Dialled: "201"}}) },
		d.joined, d.joined,
		func() { d.feed(call.JoinRefused{}) },
		func() { d.feed(call.GiveUp{Leg: d.anyLeg()}) },
		func() { d.feed(call.QueueLeft{Reason: "maxWait"}) },
		func() {
			d.feed(call.FeatureDone{Prompt: rapid.SampledFrom([]string{"", "login-ok"}).Draw(d.t, "prompt")})
		},
		func() { d.feed(call.Preempted{}) },
		func() { d.feed(call.CallerKnown{Caller: "n-1"}) },
		func() { d.feed(call.Decided{Action: d.anyAction()}) },
		func() {
			d.now = d.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(d.t, "seconds")) * time.Second)
			d.feed(call.Tick{})
		},
	}
	steps[rapid.IntRange(0, len(steps)-1).Draw(d.t, "step")]()
}

// refer has somebody hand the other side on.
func (d *disorder) refer() {
	d.feed(call.Referred{Leg: d.anyLeg(), Request: route.Request{Device: "dev-2", Trust: route.TrustDigest, Dialled: "201"}})
	d.feed(call.TransferDecided{Action: d.anyAction()})
}

// joined brings the leg of another call.
func (d *disorder) joined() {
	if d.finished {
		return // it reaches nobody: its owner lets go of it
	}
	busy := rapid.Bool().Draw(d.t, "busy")
	if busy {
		d.busy["p-carla"]++
	}
	home := call.Home{}
	if rapid.Bool().Draw(d.t, "of a queue") {
		home = call.Home{Queue: "queue-1", Since: d.now.Add(-time.Hour)}
	}
	d.feed(call.Joined{Leg: d.newLeg(), Kind: journal.LegPhone, Person: "p-carla", Busy: busy, Home: home})
}

// grant answers any offer.
func (d *disorder) grant() { d.grantOffer(d.anyOffer()) }

// grantOffer answers an OfferAnswered as the ACD does: once, as long as the call waits.
func (d *disorder) grantOffer(o journal.OfferID) {
	if d.origin {
		if d.answered[1] > 0 && !d.granted && d.failed[1] == 0 && !d.stopped && !d.finished { // its owner answers for a call that is over
			d.granted = true
			d.feed(call.OfferGranted{Offer: 1})
		}
		return
	}
	if d.answered[o] == 0 || !d.waits || d.talks {
		d.feed(call.OfferDenied{Offer: o})
		return
	}
	d.answered[o]++ // not again
	d.waits, d.talks = false, true
	d.feed(call.OfferGranted{Offer: o})
}

// promise answers an AskCallback as the ACD does: yes only to who waits or is no
// more, and then he waits no more.
func (d *disorder) promise() {
	if !d.promised {
		return
	}
	d.promised = false
	ok := rapid.Bool().Draw(d.t, "promised") && !d.talks
	if ok {
		d.waits = false
	}
	d.feed(call.CallbackTaken{OK: ok})
}

// close ends the call and everything that is still alive, or lets time pass.
func (d *disorder) close() {
	d.feed(call.Shutdown{Cause: call.CauseShutdown})
	for id, l := range d.legs {
		if !l.dropped && !l.over && !d.finished {
			d.fail("leg %s is neither hung up nor over", id)
		}
	}
	if rapid.Bool().Draw(d.t, "legs end") {
		for n := 1; n <= d.next; n++ {
			d.feed(call.LegEnded{Leg: journal.LegID(fmt.Sprintf("l%d", n)), Cause: call.CauseNormal})
		}
	} else {
		d.now = d.now.Add(4 * time.Second)
		d.feed(call.Tick{})
	}
}

// propertyOffice has a queue with everything that can be heard and pressed.
func propertyOffice() *office.Document {
	d := waitingOffice()
	d.Site.ACDNotice = true
	surveyOffice(d)
	d.Site.ACDNotice = true
	d.Groups[0].Queue.Whisper = "prompt-2"
	return d
}

// TestDisorder: whatever comes in whatever order, a call ends exactly once, hangs
// up every leg exactly once, keeps its word to the ACD, and does nothing with legs
// that are gone.
func TestDisorder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDisorder(t)
		d.start()
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			d.step()
		}
		d.close()
		if !d.finished || d.started != d.ended || d.started > 1 {
			d.fail("finished %v, started %d, ended %d", d.finished, d.started, d.ended)
		}
		if d.granted && d.results != 1 {
			d.fail("an agent was given somebody to call back, and there were %d results", d.results)
		}
		if d.waits && !d.promised || d.talks {
			d.fail("the ACD still has the call: waits %v, talks %v", d.waits, d.talks)
		}
		if d.referred != 0 {
			d.fail("%d transfers of which nobody was told the end", d.referred)
		}
		for p, n := range d.busy {
			if n != 0 {
				d.fail("%s is busy %d times after the end", p, n)
			}
		}
		for id, l := range d.legs {
			if !l.dropped && !l.over {
				d.fail("leg %s is left", id)
			}
		}
		d.feed(call.LegEnded{Leg: "l1"})
	})
}
