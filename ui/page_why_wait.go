package ui

import (
	"errors"
	"strings"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

// wait is one stay of a contact in the line of a queue.
type wait struct {
	contact  journal.ContactID
	queue    string
	rank     time.Time
	seq, end uint64 // of the events that began and ended it; end 0: goes on
	from, to time.Time
	urgent   bool
	kept     bool // for the agent who served the caller last
	again    bool // was in a talk that broke off
	outcome  string
	promised bool
	settled  string          // by a person, and how: "byhand", "cancelled"
	tries    []journal.Event // of CallbackTried

	ringing map[journal.OfferID]bool
	since   time.Time     // ringing, or not, since
	free    time.Duration // rang nowhere
	round   time.Duration // rings since the last time that it rang nowhere
	vain    time.Duration
	taken   time.Duration
	offers  int
	missed  int

	before, passed int
}

// waitsOf finds in the events of one call when it waited, and on what.
func waitsOf(events []journal.Event, now time.Time) []wait {
	var out []wait
	open := -1
	for _, e := range events {
		if q, ok := e.Payload.(journal.ContactQueued); ok {
			out = append(out, wait{contact: q.Contact, queue: q.Queue, rank: q.Arrival, seq: e.Seq, from: e.Time, since: e.Time,
				urgent: q.Urgent, kept: q.Keep != "", again: q.Again != "", ringing: map[journal.OfferID]bool{}})
			open = len(out) - 1
			continue
		}
		if open >= 0 && out[open].see(e) {
			open = -1
		}
	}
	if open >= 0 {
		w := &out[open]
		w.book(now)
		w.to = now
		w.settle(false)
	}
	return out
}

// see takes an event of the call while it waits, and says whether it ended the wait.
func (w *wait) see(e journal.Event) bool {
	switch p := e.Payload.(type) {
	case journal.ContactOffered:
		w.book(e.Time)
		w.ringing[p.Offer] = true
		w.offers++
	case journal.OfferEnded:
		w.book(e.Time)
		delete(w.ringing, p.Offer)
		if p.Outcome != journal.OfferAccepted && p.Outcome != journal.OfferWithdrawn {
			w.missed++
		}
		if len(w.ringing) == 0 && p.Outcome != journal.OfferAccepted {
			w.settle(false)
		}
	case journal.CallbackPromised:
		w.promised = true
	case journal.CallbackTried:
		w.tries = append(w.tries, e)
	case journal.CallbackSettled:
		w.settled = strings.ReplaceAll(p.Why, " ", "")
	case journal.ContactConnected:
		w.close(e, "served")
		return true
	case journal.ContactEnded:
		w.close(e, p.Outcome)
		return true
	case journal.CallEnded:
		if !w.promised {
			w.close(e, "abandoned")
			return true
		}
	}
	return false
}

// book adds the time since the last change to what it was spent on.
func (w *wait) book(at time.Time) {
	if d := at.Sub(w.since); len(w.ringing) > 0 {
		w.round += d
	} else {
		w.free += d
	}
	w.since = at
}

// settle gives a round of ringing to its result.
func (w *wait) settle(taken bool) {
	if taken {
		w.taken += w.round
	} else {
		w.vain += w.round
	}
	w.round = 0
}

func (w *wait) close(e journal.Event, outcome string) {
	w.book(e.Time)
	w.settle(outcome == "served")
	w.to, w.end, w.outcome = e.Time, e.Seq, outcome
}

// aroundDay is how much of the journal is read for a wait: one that has lasted longer
// was never ended, and what happened since has nothing to do with it.
const aroundDay = 24 * time.Hour

// around counts who left the line during a wait, or its first day: who was in it
// before, and who came later and was served first.
func (v *visit) around(w *wait) error {
	later := map[journal.ContactID]bool{}
	err := v.s.d.Journal.Replay(v.ctx(), w.seq, func(e journal.Event) error {
		if w.end != 0 && e.Seq >= w.end || e.Time.Sub(w.from) > aroundDay {
			return errStop
		}
		switch p := e.Payload.(type) {
		case journal.ContactQueued:
			later[p.Contact] = true
		case journal.ContactConnected:
			switch {
			case p.Queue != w.queue || p.Contact == w.contact:
			case later[p.Contact]:
				w.passed++
			default:
				w.before++
			}
		case journal.ContactEnded: // with an agent: it had left the line before
			if p.Queue == w.queue && p.Contact != w.contact && p.Agent == "" && !later[p.Contact] {
				w.before++
			}
		}
		return nil
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// waitWhy puts a wait into words.
func (v *visit) waitWhy(doc *office.Document, w *wait) api.WaitWhy {
	m := api.WaitWhy{Time: w.from, Queue: v.namer(doc, nil).object(office.KindGroup, w.queue), Waited: w.to.Sub(w.from).Seconds(),
		NoAgent: w.free.Seconds(), Vain: w.vain.Seconds(), Taken: w.taken.Seconds(), Before: w.before, Passed: w.passed, Running: w.end == 0}
	clock := func(d time.Duration) string { return v.p.Clock(d.Round(time.Second)) }
	say := func(key string, pairs ...any) { m.Words = append(m.Words, v.p.T(key, pairs...)) }
	say("why.wait", "time", clock(w.to.Sub(w.from)), "queue", m.Queue)
	if w.again {
		say("why.wait.again")
	}
	if w.urgent {
		say("why.wait.urgent")
	}
	if w.kept {
		say("why.wait.kept")
	}
	if w.rank.Before(w.from.Add(-time.Second)) && !w.again {
		say("why.wait.bonus", "time", clock(w.from.Sub(w.rank)))
	}
	if w.before > 0 {
		m.Words = append(m.Words, v.p.N("why.wait.before", w.before))
	}
	if w.passed > 0 {
		m.Words = append(m.Words, v.p.N("why.wait.passed", w.passed))
	}
	if w.free >= time.Second {
		say("why.wait.free", "time", clock(w.free))
	}
	if w.vain >= time.Second {
		m.Words = append(m.Words, v.p.N("why.wait.vain", max(1, w.missed), "time", clock(w.vain)))
	}
	if w.taken >= time.Second {
		say("why.wait.taken", "time", clock(w.taken))
	}
	if w.promised {
		say("why.wait.promised")
	}
	for _, e := range w.tries {
		p, _ := e.Payload.(journal.CallbackTried)
		try := api.TryWhy{Time: e.Time, Word: v.p.T("why.tried."+p.Result, "time", v.p.Short(e.Time.In(v.s.zone())))}
		if !v.ownOnly() {
			try.Call = string(p.Call)
		}
		m.Tries = append(m.Tries, try)
	}
	if w.outcome == kpi.Merged && w.settled != "" {
		w.outcome = w.settled
	}
	if key := "why.end." + w.outcome; w.end != 0 && w.outcome != "served" && v.p.Has(key) {
		say(key)
	}
	return m
}
