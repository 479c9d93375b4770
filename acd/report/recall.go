package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"centralino/acd/engine"
	"centralino/acd/kpi"
	"centralino/internal/journal"
)

// Why somebody was not served.
const (
	WhyAbandoned  = "abandoned"  // hung up while waiting
	WhyOverflow   = "overflow"   // the queue gave him up, and nobody else took him
	WhyRestart    = "restart"    // the box restarted
	WhyCallback   = "callback"   // was promised a call and not reached
	WhyClosed     = "closed"     // called outside of the opening hours
	WhyUnanswered = "unanswered" // reached no queue and nobody
)

// Try is one time that somebody called and was not served.
type Try struct {
	Call   journal.CallID
	Queue  string // empty: none
	At     time.Time
	Waited time.Duration
	Why    string
}

// Missed is a caller who was not served, with all his tries, oldest first.
type Missed struct {
	Caller journal.SubjectID
	Tries  []Try
	By     journal.SubjectID `json:"-"` // who calls him back, empty: nobody yet; List tells
}

// Hold is who has taken a caller, to call him by hand, and until when.
type Hold struct {
	By    journal.SubjectID
	Until time.Time
}

// Last is the newest try.
func (m *Missed) Last() Try { return m.Tries[len(m.Tries)-1] }

// Waited is the longest wait of all tries.
func (m *Missed) Waited() time.Duration {
	var d time.Duration
	for _, t := range m.Tries {
		d = max(d, t.Waited)
	}
	return d
}

// ForgetAfter is how long somebody stays on the list at most.
const ForgetAfter = 14 * 24 * time.Hour

// Recall is the list of people to call back: a fold of the journal. Whoever was not
// served comes on it, and leaves it when he gets through, in whichever direction.
// Hidden numbers are not on it. Like every fold it has no clock. It also tells who has
// taken which caller, from whatever list.
type Recall struct {
	Missed map[journal.SubjectID]*Missed
	Held   map[journal.SubjectID]Hold
	Calls  map[journal.CallID]*recallCall // in progress, or their contact still is
}

// recallCall is what is known of a call that is not over.
type recallCall struct {
	Other    journal.SubjectID // the outside party
	By       journal.SubjectID // who calls it; empty: inbound
	Inbound  bool
	Start    time.Time
	Queue    string
	Contact  bool // a contact of it is open
	Promised bool
	Served   bool
	Merged   bool // his later contact tells, unless he waits again
	Closed   bool // came outside of the opening hours
	Ended    bool
	Try      *Try // how it would count if nobody else takes it
}

// NewRecall returns the list before the first event.
func NewRecall() *Recall {
	return &Recall{Missed: map[journal.SubjectID]*Missed{}, Held: map[journal.SubjectID]Hold{}, Calls: map[journal.CallID]*recallCall{}}
}

// Keep writes the list down.
func (r *Recall) Keep(now time.Time) ([]byte, error) {
	r.forget(now)
	return json.Marshal(r)
}

// ResumeRecall reads what Keep wrote.
func ResumeRecall(b []byte) (*Recall, error) {
	r := NewRecall()
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("read list of people to call back: %w", err)
	}
	maps.DeleteFunc(r.Missed, func(_ journal.SubjectID, m *Missed) bool { return m == nil || len(m.Tries) == 0 })
	maps.DeleteFunc(r.Calls, func(_ journal.CallID, c *recallCall) bool { return c == nil })
	return r, nil
}

func (r *Recall) forget(now time.Time) {
	limit := now.Add(-ForgetAfter)
	maps.DeleteFunc(r.Missed, func(_ journal.SubjectID, m *Missed) bool { return m.Last().At.Before(limit) })
	maps.DeleteFunc(r.Calls, func(_ journal.CallID, c *recallCall) bool { return c.Start.Before(limit) })
	maps.DeleteFunc(r.Held, func(_ journal.SubjectID, h Hold) bool { return !h.Until.After(now) })
}

// Apply folds one event in.
func (r *Recall) Apply(e journal.Event) {
	switch p := e.Payload.(type) {
	case journal.CallStarted:
		if p.Emergency || p.Direction == journal.Internal {
			return
		}
		c := &recallCall{Inbound: p.Direction == journal.Inbound, Start: e.Time, Other: p.To}
		if c.By = p.From; c.Inbound {
			c.Other, c.By = p.From, ""
		}
		r.Calls[e.Call] = c
	case journal.BoxStarted:
		for id, c := range r.Calls {
			if !c.Ended || !c.Promised { // their ends were written before
				r.over(id, c)
			}
		}
	case journal.RecallTaken:
		r.Held[p.Caller] = Hold{p.By, p.Until}
		if p.Until.IsZero() { // as old ones are
			r.Held[p.Caller] = Hold{p.By, e.Time.Add(engine.TakenFor)}
		}
	case journal.RecallDone:
		r.done(p)
	default:
		id := e.Call
		if id == "" {
			id = contactOf(e.Payload)
		}
		if c := r.Calls[id]; c != nil {
			r.applyCall(id, c, e)
		}
	}
}

// contactOf is the call behind an event of a contact that names no call.
func contactOf(p journal.Payload) journal.CallID {
	switch p := p.(type) {
	case journal.ContactConnected:
		return journal.CallID(p.Contact)
	case journal.ContactEnded:
		return journal.CallID(p.Contact)
	}
	return ""
}

func (r *Recall) done(p journal.RecallDone) {
	delete(r.Held, p.Caller)
	if p.Why != "returned" {
		delete(r.Missed, p.Caller)
	}
}

func (r *Recall) applyCall(id journal.CallID, c *recallCall, e journal.Event) {
	switch p := e.Payload.(type) {
	case journal.CallCaller:
		if c.Inbound {
			c.Other = p.From
		}
	case journal.CallRouted:
		for _, t := range p.Trace {
			if t.Rule == "ivr.hours.closed" || t.Rule == "ivr.hours.holiday" || t.Rule == "ivr.hours.break" {
				c.Closed = true
			}
		}
	case journal.CallBridged:
		if !c.Inbound && !c.Served { // once: by its end somebody else may have taken him
			delete(r.Held, c.Other)
		}
		r.served(c)
	case journal.ContactQueued:
		c.Contact, c.Queue, c.Merged = true, p.Queue, false
		if c.Other == "" {
			c.Other = p.Caller
		}
	case journal.CallbackPromised:
		c.Promised = true
	case journal.ContactConnected:
		r.served(c)
	case journal.ContactEnded:
		r.contactEnded(c, p, e.Time)
		if c.Ended {
			r.over(id, c)
		}
	case journal.CallEnded:
		c.Ended = true
		if p.Talk > 0 {
			r.served(c)
		}
		if !c.Contact {
			r.over(id, c)
		}
	}
}

// served takes the caller off the list.
func (r *Recall) served(c *recallCall) {
	c.Served, c.Try = true, nil
	delete(r.Missed, c.Other)
}

func (r *Recall) contactEnded(c *recallCall, p journal.ContactEnded, at time.Time) {
	c.Contact = false
	why := WhyOverflow
	switch p.Outcome {
	case "served":
		r.served(c)
		return
	case kpi.Merged:
		c.Merged, c.Promised = true, false
		return
	case "abandoned":
		why = WhyAbandoned
	case "restart":
		why = WhyRestart
	}
	if c.Promised {
		why = WhyCallback
	}
	if !c.Served {
		c.Try = &Try{Queue: p.Queue, At: c.Start, Waited: p.Waited, Why: why}
	}
	c.Promised = false
}

// over ends a call for good: nobody served its caller if nobody did so far.
func (r *Recall) over(id journal.CallID, c *recallCall) {
	delete(r.Calls, id)
	if !c.Inbound || c.Served || c.Merged || c.Other == "" {
		return
	}
	t := c.Try
	if t == nil {
		t = &Try{At: c.Start, Why: WhyUnanswered, Queue: c.Queue}
		switch {
		case c.Contact:
			t.Why = WhyRestart
		case c.Closed:
			t.Why = WhyClosed
		}
	}
	t.Call = id
	m := r.Missed[c.Other]
	if m == nil {
		m = &Missed{Caller: c.Other}
		r.Missed[c.Other] = m
	}
	m.Tries = append(m.Tries, *t)
	if len(m.Tries) > maxTries {
		m.Tries = slices.Delete(m.Tries, 0, len(m.Tries)-maxTries)
	}
}

// maxTries of one caller are kept.
const maxTries = 50

// Wish says whom a list shall hold beside those whom a queue did not serve.
type Wish struct {
	Closed     bool // who called outside of the opening hours
	Unanswered bool // who reached no queue and nobody
}

// List returns who is to be called back, the newest first. Who gave up sooner than
// his queue's Short does not count.
func (r *Recall) List(now time.Time, rules kpi.Rules, w Wish) []Missed {
	var out []Missed
	for _, m := range r.Missed {
		one := Missed{Caller: m.Caller, By: r.Holder(m.Caller, now)}
		for _, t := range m.Tries {
			if t.counts(rules, w) && now.Sub(t.At) < ForgetAfter {
				one.Tries = append(one.Tries, t)
			}
		}
		if len(one.Tries) > 0 {
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b Missed) int {
		return cmp.Or(b.Last().At.Compare(a.Last().At), strings.Compare(string(a.Caller), string(b.Caller)))
	})
	return out
}

func (t *Try) counts(rules kpi.Rules, w Wish) bool {
	switch t.Why {
	case WhyClosed:
		return w.Closed
	case WhyUnanswered:
		return w.Unanswered
	case WhyAbandoned:
		return t.Waited > rules.Of(t.Queue).Short
	}
	return true
}

// Holder is who has taken a caller at an instant, empty for nobody.
func (r *Recall) Holder(caller journal.SubjectID, now time.Time) journal.SubjectID {
	if h := r.Held[caller]; h.Until.After(now) {
		return h.By
	}
	return ""
}

// nextFree is when the next reservation ends of those that hold at an instant; zero if
// there is none.
func (r *Recall) nextFree(now time.Time) time.Time {
	var next time.Time
	for _, h := range r.Held {
		if h.Until.After(now) && (next.IsZero() || h.Until.Before(next)) {
			next = h.Until
		}
	}
	return next
}

// engaged says why nobody is to call a caller at this moment: ErrOnCall, or ErrTaken if
// somebody other than by is calling him; nil if he may.
func (r *Recall) engaged(caller, by journal.SubjectID) (why error) {
	for _, c := range r.Calls {
		switch {
		case c.Other != caller || c.Ended:
		case c.Inbound || c.Served:
			return ErrOnCall
		case c.By != by:
			why = ErrTaken
		}
	}
	return why
}
