package pbx

import (
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"centralino/internal/audio"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"
)

// mailbox is how many events may wait for one call: two seconds of somebody
// pressing keys while every phone of an office answers at once. A call that gets
// more than that at a time is ended.
const mailbox = 256

// actor owns one call: its state, its legs and their media. Everything reaches it
// through its mailbox.
type actor struct {
	p    *PBX
	id   journal.CallID
	name journal.CallID // under which the ACD knows the call
	doc  *office.Document
	log  *slog.Logger
	st   *call.State
	mail chan mail

	overfull atomic.Bool // the mailbox was full once

	events   []call.Event // to be handled, in order
	stepping bool
	over     bool
	asked    bool // the ACD was asked to promise a call back and has not refused
	legs     []leg
	request  route.Request     // of who is the caller now
	wanted   *wanted           // what another call asks of this one, and this one of another
	early    []mail            // of a leg that is on its way here
	arrived  route.Request     // as it came in on a line
	wait     *lineWait         // an emergency call that has no line yet
	tried    map[office.ID]int // lines on which an emergency call was dialled
	back     bool              // may be the emergency service that calls back
	done     chan struct{}

	mu   sync.Mutex // guards what follows
	gone bool
	then []func() // once the call is over
}

// mail is something for the actor to handle in its own goroutine.
type mail interface{ deliver(a *actor) }

// callMail is an event of the call itself.
type callMail struct{ ev call.Event }

func (m callMail) deliver(a *actor) {
	if e, ok := m.ev.(call.CallerKnown); ok { // for the phones that will ring
		a.request.Caller = e.Request.Caller
	}
	a.step(m.ev)
}

// wakeUp is the end of a time that the call waited for.
type wakeUp struct{}

func (wakeUp) deliver(a *actor) {
	if a.wait != nil && !a.p.o.Now().Before(a.wait.next) {
		a.seekLine()
	}
	a.step(call.Tick{})
}

func newActor(p *PBX, id journal.CallID) *actor {
	doc := p.o.Office()
	a := &actor{
		p: p, id: id, name: id, doc: doc,
		log:  p.o.Log.With("call", string(id)),
		mail: make(chan mail, mailbox),
		done: make(chan struct{}),
	}
	a.st = call.New(call.Setup{ID: id, Doc: doc, Length: func(s call.Sound) time.Duration {
		return audio.Duration(len(a.recording(s)))
	}})
	return a
}

// post puts m into the mailbox and never blocks. When it is full the call ends:
// something keeps sending, and no single event may be lost silently.
func (a *actor) post(m mail) {
	select {
	case a.mail <- m:
	case <-a.done:
	default:
		if a.overfull.Swap(true) {
			return
		}
		a.log.Warn("mailbox full, call ends")
		go func() { // ends with the actor, which the PBX waits for
			select {
			case a.mail <- callMail{call.Shutdown{Cause: call.CauseOverload}}:
			case <-a.done:
			}
		}()
	}
}

// run handles mail until the call is over.
func (a *actor) run() {
	defer a.cleanup()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !a.over {
		timer.Reset(a.idleFor())
		select {
		case m := <-a.mail:
			a.guarded(m)
		case <-timer.C:
			a.guarded(wakeUp{})
		}
	}
}

// idleFor is how long the call waits for mail.
func (a *actor) idleFor() time.Duration {
	at, ok := a.st.Deadline()
	if a.wait != nil && (!ok || a.wait.next.Before(at)) {
		at, ok = a.wait.next, true
	}
	if !ok {
		return time.Hour
	}
	return at.Sub(a.p.o.Now())
}

// guarded keeps a fault in one call from reaching the others: the call ends.
func (a *actor) guarded(m mail) {
	defer func() {
		if r := recover(); r != nil {
			a.log.Error("call failed", "panic", r, "stack", string(debug.Stack()))
			a.fail()
		}
	}()
	m.deliver(a)
}

// fail ends a call in which something has gone wrong: journal and ACD hear of its
// end, and each leg is hung up as far as that can be done.
func (a *actor) fail() {
	a.over = true
	defer func() { _ = recover() }() // the call's state itself may be what is broken
	for _, act := range slices.Clone(a.st.Abort(call.CauseFailed, a.p.o.Now())) {
		func() {
			defer func() { _ = recover() }()
			a.perform(act)
		}()
	}
}

// step hands an event to the call and performs what it decides. Events that an
// action brings at once are handled after the actions before them.
func (a *actor) step(ev call.Event) {
	a.events = append(a.events, ev)
	if !a.stepping {
		a.drain()
	}
}

func (a *actor) drain() {
	a.stepping = true
	defer func() { a.stepping = false }()
	for len(a.events) > 0 && !a.over {
		ev := a.events[0]
		a.events = a.events[1:]
		for _, act := range a.st.Handle(ev, a.p.o.Now()) {
			a.perform(act)
		}
	}
}

// after runs f once the call is over; at once if it is.
func (a *actor) after(f func()) {
	a.mu.Lock()
	if !a.gone {
		a.then = append(a.then, f)
		f = nil
	}
	a.mu.Unlock()
	if f != nil {
		f()
	}
}

// cleanup lets go of everything the call still holds, whatever ended it.
func (a *actor) cleanup() {
	close(a.done)
	a.p.book.cancel(a.id)
	if !a.asked {
		a.p.o.Queue.Abandon(a.id)
	}
	for _, l := range a.legs {
		l.abort()
	}
	a.p.forget(a)
	a.giveBack()
	a.mu.Lock()
	then := a.then
	a.gone, a.then = true, nil
	a.mu.Unlock()
	for _, f := range then {
		f()
	}
}

func (a *actor) leg(id journal.LegID) leg {
	for _, l := range a.legs {
		if l.name() == id {
			return l
		}
	}
	return nil
}

// newLegID names the next leg: a, b, … z, then l27, l28 …
func (a *actor) newLegID() journal.LegID {
	return legName(len(a.legs))
}

func legName(n int) journal.LegID {
	if n < 26 {
		return journal.LegID(rune('a' + n))
	}
	var b [8]byte
	i := len(b)
	for n++; n > 0; n /= 10 {
		i--
		b[i] = byte('0' + n%10)
	}
	return journal.LegID("l" + string(b[i:]))
}

// perform does one action. What is about a leg that is gone does nothing.
func (a *actor) perform(act call.Action) {
	switch x := act.(type) {
	case call.Decide:
		a.request = x.Request
		action, trace := route.Decide(a.doc, x.Request, a.p.o.Now(), a.p.routeState())
		if r, ok := action.(route.RingExtension); ok && r.CallBack {
			a.p.book.callsBack(x.Request.Line, a.id)
			a.back = true
		}
		a.step(call.Decided{Action: action, Trace: trace})
	case call.Ring:
		a.ring(x)
	case call.DialOut:
		a.dialOut(x)
	case call.DoFeature:
		a.feature(x)
	case call.Log:
		a.p.o.Journal.Append(a.id, x.Payload)
	case call.Finish:
		a.over = true
	case call.PersonBusy:
		a.p.people.busy(x.Person)
	case call.PersonFree:
		a.p.people.free(x.Person)
	default:
		if !a.performQueue(act) && !a.performTransfer(act) {
			a.performLeg(act)
		}
	}
}

func (a *actor) performQueue(act call.Action) bool {
	q := a.p.o.Queue
	switch x := act.(type) {
	case call.EnterQueue:
		a.name = a.id
		if err := q.Enqueue(a.id, x.Group, a.callerSubject(), x.Since); err != nil {
			a.log.Warn("queue did not take the call", "queue", x.Group, "err", err)
			a.step(call.QueueLeft{Reason: "unavailable"})
		}
	case call.LeaveQueue:
		q.Abandon(a.id)
	case call.OfferAnswered:
		q.OfferAnswered(x.Offer)
	case call.OfferFailed:
		a.p.forgetBack(x.Offer)
		q.OfferFailed(x.Offer, x.Reason)
	case call.TalkEnded:
		q.TalkEnded(a.name)
	case call.TalkLost:
		q.TalkLost(a.name)
	case call.TalkHandedOn:
		q.HandedOn(a.name, x.Attended)
	case call.ExitQueue:
		q.Exit(a.id)
	case call.AskCallback:
		a.askCallback(x)
	case call.CallbackResult:
		q.CallbackResult(a.name, a.id, x.Result)
	case call.PartyReached:
		q.Reached(x.Party, x.Person, a.id)
	default:
		return false
	}
	return true
}

func (a *actor) performLeg(act call.Action) {
	switch x := act.(type) {
	case call.Ringing:
		if l := a.leg(x.Leg); l != nil {
			l.ringing(x.Early)
		}
	case call.Answer:
		if l := a.leg(x.Leg); l != nil {
			l.answer()
		}
	case call.HangUp:
		if l := a.leg(x.Leg); l != nil {
			l.hangUp(x.Cause, x.Code)
		}
	case call.Connect:
		m, n := a.leg(x.A), a.leg(x.B)
		if m != nil && n != nil && m.sound() != nil && n.sound() != nil {
			m.sound().Stop()
			n.sound().Stop()
			m.sound().Connect(n.sound())
		}
	case call.Play:
		a.play(x)
	case call.PlayLoop:
		if l := a.leg(x.Leg); l != nil && l.sound() != nil {
			l.sound().Play(a.loop(x.What), 0)
		}
	case call.Echo:
		if l := a.leg(x.Leg); l != nil && l.sound() != nil {
			l.sound().Stop()
			l.sound().Echo()
		}
	case call.StopPlay:
		if l := a.leg(x.Leg); l != nil && l.sound() != nil {
			l.sound().Stop()
		}
	}
}

func (a *actor) callerSubject() journal.SubjectID {
	if n := a.request.Caller.Number; n != "" {
		return a.p.o.Names.Number(n)
	}
	return ""
}
