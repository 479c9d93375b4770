package kpi

import (
	"time"

	"centralino/internal/journal"
)

// longestSpan is how long a state may last without any event of the box; more is a
// clock that was set, and counts for nothing.
const longestSpan = 96 * time.Hour

// Fold makes facts of the journal's events. The same events always make the same
// facts, whether they come one by one while the box runs or all at once in a
// rebuild, so that live figures and reports cannot differ. It holds the last days
// and what is still going on; older days are kept by its owner as bytes (Keep,
// Evict) and fetched again when an event needs them.
//
// A Fold is not safe for several goroutines.
type Fold struct {
	fetch func(block int64) ([]byte, bool)

	broken    error // a block that was fetched and can't be read
	seq       uint64
	late      map[uint64]bool // numbers before seq that did not come yet
	overtaken bool            // the present event comes late: others went ahead of it
	at        time.Time       // of the last event
	died      time.Time       // when the box was last alive, between the ends of calls that a restart writes and BoxStarted
	blocks    map[int64]*block
	agents    map[journal.SubjectID]*agentNow
	calls     map[journal.CallID]*callNow
	lines     map[string]*lineNow
	callers   map[journal.SubjectID]lastCall
	spoken    map[journal.ContactID][]time.Time // wait ranges that a caller heard: answered by then at most
	visits    map[visitKey]place
	current   map[journal.ContactID]place // the queue that the contact entered last
	backs     map[journal.CallID]visitKey // calls back that reached somebody
}

type visitKey struct {
	contact journal.ContactID
	queue   string
}

type place struct {
	block int64
	n     int
}

// agentNow is what an agent does.
type agentNow struct {
	state  journal.AgentStateName
	reason string
	queue  string   // whose call he has, had or is offered
	served visitKey // the contact that he talked to last: his wrap-up belongs to it
	since  time.Time
}

// callNow is what a call occupies of the lines. The leg "" stands for the line
// that it came in on until that leg is named.
type callNow struct {
	legs map[journal.LegID]string
}

type lineNow struct {
	busy  int
	since time.Time
}

type lastCall struct {
	contact journal.ContactID
	at      time.Time
	before  time.Duration
}

// spokenGrace is the second that a spoken range was rounded to.
const spokenGrace = time.Second

// NewFold returns the fold before the first event. fetch returns the kept bytes of
// an older block, and false if there are none; nil: there never are.
func NewFold(fetch func(block int64) ([]byte, bool)) *Fold {
	if fetch == nil {
		fetch = func(int64) ([]byte, bool) { return nil, false }
	}
	return &Fold{
		fetch: fetch, blocks: map[int64]*block{}, agents: map[journal.SubjectID]*agentNow{},
		calls: map[journal.CallID]*callNow{}, lines: map[string]*lineNow{},
		callers: map[journal.SubjectID]lastCall{}, spoken: map[journal.ContactID][]time.Time{},
		visits: map[visitKey]place{}, current: map[journal.ContactID]place{}, late: map[uint64]bool{},
		backs: map[journal.CallID]visitKey{},
	}
}

// Fetch sets where older blocks come from.
func (f *Fold) Fetch(fetch func(block int64) ([]byte, bool)) { f.fetch = fetch }

// Broken returns why the facts must be made anew, if they must: an older block
// could not be read, and what was written to it since is not all of that day.
func (f *Fold) Broken() error { return f.broken }

// Seq returns the number of the last event that is in the facts.
func (f *Fold) Seq() uint64 { return f.seq }

// At returns the time of the last event.
func (f *Fold) At() time.Time { return f.at }

// Apply folds one event in and reports true, or false for one that was seen already:
// that changes nothing. While the disk stalls, events come out of order.
func (f *Fold) Apply(e journal.Event) bool {
	f.overtaken = e.Seq != 0 && e.Seq < f.seq
	if !f.fresh(e.Seq) {
		return false
	}
	switch p := e.Payload.(type) {
	case journal.ContactQueued:
		f.queued(p, e.Time)
	case journal.ContactOffered:
		f.engage(p.Agent, p.Queue)
	case journal.OfferEnded:
		f.offerEnded(p)
	case journal.ContactConnected:
		f.connected(p, e.Time)
	case journal.ContactEnded:
		f.ended(p, e.Time)
	case journal.ContactAnnounced:
		if p.High > 0 {
			f.spoken[p.Contact] = append(f.spoken[p.Contact], e.Time.Add(p.High))
		}
	case journal.CallbackPromised:
		f.promised(p, e.Time)
	case journal.CallbackSettled:
		if v := f.visit(p.Contact, p.Queue); v != nil && v.Result == Promised && p.Why == ByHand && !v.Reached {
			v.Reached, v.ByHand = true, true
		}
	case journal.CallbackTried:
		f.tried(p)
	case journal.OutcomeSet:
		f.outcome(p, e.Time)
	case journal.SurveyAnswered:
		f.leftAlone(journal.ContactID(p.Call))
	case journal.AgentChanged:
		f.agentChanged(p, e.Time)
	case journal.CallStarted:
		f.callStarted(e.Call, p, e.Time)
	case journal.CallLeg:
		f.leg(e.Call, p, e.Time)
	case journal.CallEnded:
		f.callEnded(e.Call, p, e.Time)
	case journal.BoxStarted:
		f.boxStarted(e.Time)
	}
	f.at = e.Time
	return true
}

// latest is how far back an event may still come late.
const latest = 2000

// fresh notes an event's number and reports whether it is a new one.
func (f *Fold) fresh(seq uint64) bool {
	switch {
	case seq == 0:
		return true
	case seq <= f.seq:
		known := f.late[seq]
		delete(f.late, seq)
		return known
	}
	if skipped := seq - f.seq - 1; skipped > 0 && skipped < latest {
		for n := f.seq + 1; n < seq; n++ {
			f.late[n] = true
		}
	}
	if len(f.late) > latest {
		clear(f.late)
	}
	f.seq = seq
	return true
}

// visit finds what is known of a contact in a queue; queue may be empty: then the
// one that it entered last.
func (f *Fold) visit(c journal.ContactID, queue string) *Visit {
	at, ok := f.current[c]
	if queue != "" {
		at, ok = f.visits[visitKey{c, queue}]
	}
	if !ok {
		return nil
	}
	b := f.block(at.block)
	b.dirty = true
	return &b.visits[at.n]
}

func (f *Fold) queued(p journal.ContactQueued, at time.Time) {
	key := visitKey{p.Contact, p.Queue}
	if f.current[p.Contact] != f.visits[key] {
		f.leftAlone(p.Contact)
	}
	if v := f.visit(p.Contact, p.Queue); v != nil {
		f.current[p.Contact] = f.visits[key]
		v.Open, v.stale = true, false
		if p.Again == "" && v.Result != Answered { // Promised: the promise is off, he is on the line
			v.base, v.since, v.Result, v.Reason = v.Waited, at, Waiting, ""
		}
		return
	}
	b := f.block(BlockOf(at))
	b.dirty = true
	where := place{BlockOf(at), len(b.visits)}
	f.visits[key], f.current[p.Contact] = where, where
	b.visits = append(b.visits, Visit{Contact: p.Contact, Queue: p.Queue, Caller: p.Caller, Arrived: at,
		Urgent: p.Urgent, Open: true, Before: f.before(p.Contact, p.Caller, at), since: at})
}

// before tells how long ago the caller's contact before this one came.
func (f *Fold) before(c journal.ContactID, caller journal.SubjectID, at time.Time) time.Duration {
	if caller == "" {
		return 0
	}
	last, known := f.callers[caller]
	if known && last.contact == c { // on to another queue
		return last.before
	}
	ago := at.Sub(last.at)
	if !known || ago < 0 || ago > RepeatWithin {
		ago = 0
	} else {
		ago = max(ago, 1)
	}
	f.callers[caller] = lastCall{c, at, ago}
	return ago
}

func (f *Fold) offerEnded(p journal.OfferEnded) {
	switch p.Outcome {
	case journal.OfferMissed, journal.OfferRefused, journal.OfferFailed:
		if v := f.visit(p.Contact, ""); v != nil {
			v.Misses++
		}
	}
}

func (f *Fold) connected(p journal.ContactConnected, at time.Time) {
	f.engage(p.Agent, p.Queue)
	v := f.visit(p.Contact, p.Queue)
	if v == nil {
		return
	}
	v.Agent = p.Agent
	switch v.Result {
	case Answered:
		return // again, after the agent vanished
	case Promised:
		if v.BackIn == 0 {
			v.BackIn = max(0, at.Sub(v.Arrived))
		}
		v.Reached, v.ByHand = true, false
		return
	}
	v.Result, v.Waited = Answered, v.base+p.Waited
	f.judge(v, at, true)
}

// judge settles the ranges that the caller heard: those whose time has passed were
// broken, the others held if he was answered and are nobody's fault if he left.
func (f *Fold) judge(v *Visit, at time.Time, answered bool) {
	for _, until := range f.spoken[v.Contact] {
		switch {
		case at.After(until.Add(spokenGrace)):
			v.Broken++
		case answered:
			v.Kept++
		}
	}
	delete(f.spoken, v.Contact)
}

func (f *Fold) ended(p journal.ContactEnded, at time.Time) {
	v := f.visit(p.Contact, p.Queue)
	if v == nil {
		return
	}
	v.Open = false
	v.Talked += p.Talked
	if p.Agent != "" {
		v.Agent = p.Agent
		f.engage(p.Agent, p.Queue).served = visitKey{p.Contact, p.Queue}
	}
	switch {
	case p.Outcome == "served" && v.Result == Promised:
		v.Reached, v.ByHand, v.Reason = true, false, p.Reason // HandedOn, Consulted or none
	case p.Outcome == Merged:
		v.Reason = Merged
	case p.Outcome == "served" && v.Result == Answered:
		v.Reason = p.Reason // HandedOn, Consulted or none
	}
	if v.Result != Waiting {
		return
	}
	v.Waited = v.base + p.Waited
	if v.Reason == "" {
		v.Reason = p.Reason
	}
	switch p.Outcome {
	case "served":
		v.Result = Answered
	case "abandoned":
		v.Result = Abandoned
	case "restart":
		v.Result = Restarted
	default:
		v.Result = Overflowed
	}
	f.judge(v, at, v.Result == Answered)
}

func (f *Fold) promised(p journal.CallbackPromised, at time.Time) {
	v := f.visit(p.Contact, p.Queue)
	if v == nil || v.Result != Waiting {
		return
	}
	v.Result, v.Waited = Promised, v.base+max(0, at.Sub(v.since))
	delete(f.spoken, p.Contact)
}

// tried keeps in which call a caller was reached.
func (f *Fold) tried(p journal.CallbackTried) {
	if v := f.visit(p.Contact, p.Queue); v != nil && p.Result == "answered" && p.Call != "" {
		v.Back = p.Call
		f.backs[p.Call] = visitKey{p.Contact, v.Queue}
	}
}

// hungUp notes whether the agent ended the talk. A call back is a call of his own;
// else the call is the caller's, and its id is the contact's.
func (f *Fold) hungUp(id journal.CallID, by string) {
	if key, ok := f.backs[id]; ok {
		if v := f.visit(key.contact, key.queue); v != nil && by == "caller" {
			v.ByAgent = true
		}
		return
	}
	if by == "called" {
		f.leftAlone(journal.ContactID(id))
	}
}

// leftAlone notes that a caller outlived the talk with his agent.
func (f *Fold) leftAlone(c journal.ContactID) {
	if v := f.visit(c, ""); v != nil && v.Result == Answered {
		v.ByAgent = true
	}
}

func (f *Fold) outcome(p journal.OutcomeSet, at time.Time) {
	if v := f.visit(journal.ContactID(p.Call), p.Queue); v != nil {
		v.Outcome = p.Outcome
		return
	}
	said := Said{Call: p.Call, Queue: p.Queue, Agent: p.Agent, Outcome: p.Outcome, At: at}
	for _, b := range f.blocks {
		for i := range b.said {
			if b.said[i].Call == p.Call {
				said.At = b.said[i].At
				b.said[i], b.dirty = said, true
				return
			}
		}
	}
	if p.Again { // it counts on a day that is kept already
		return
	}
	b := f.block(BlockOf(at))
	b.said, b.dirty = append(b.said, said), true
}

// boxStarted ends what did not survive: in between nobody worked and no line was
// busy. Contacts that are open since before the start before this one are lost.
func (f *Fold) boxStarted(at time.Time) {
	died := f.died
	if died.IsZero() {
		died = f.at
	}
	f.died = time.Time{}
	f.settle(died)
	for _, a := range f.agents {
		a.since = at
	}
	clear(f.calls)
	clear(f.lines)
	for _, b := range f.blocks {
		for i := range b.visits {
			v := &b.visits[i]
			switch {
			case !v.Open || v.Result == Promised:
			case !v.stale:
				v.stale, b.dirty = true, true
			default:
				v.Open, b.dirty = false, true
				if v.Result == Waiting {
					v.Result, v.Waited = Restarted, v.base
				}
			}
		}
	}
}

// settle books what goes on up to an instant. Doing so earlier or later makes no
// difference to the sums.
func (f *Fold) settle(at time.Time) {
	for id, a := range f.agents {
		f.bookAgent(id, a, at)
	}
	for id, l := range f.lines {
		f.bookLine(id, l, at)
	}
}
