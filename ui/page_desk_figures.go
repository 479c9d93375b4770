package ui

import (
	"context"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

// FactsFunc tells what happened in a stretch of time. It names people by pseudonym:
// what of it reaches a page is decided there.
type FactsFunc func(ctx context.Context, i kpi.Interval) (kpi.Facts, error)

// daysBefore is how many days back the operator's own days are compared with.
const daysBefore = 14

// What people usually do is worked out anew after usualLasts: it takes the days of two
// weeks, and a desk is drawn several times a second.
const (
	usualLasts = time.Hour
	maxUsual   = 500
)

// usualKey names what a person usually did before a day.
type usualKey struct {
	who journal.SubjectID
	day int64 // its begin, in seconds since 1970
}

// ownFigures is what the reader did today, and on a day of the last five with work.
func (v *visit) ownFigures(doc *office.Document) (today, before *api.Own) {
	facts, known := v.factsToday()
	if !known {
		return nil, nil
	}
	own := v.ownDay(doc, &facts)
	return &own, v.usual(doc)
}

// usual is what the reader did on a day of the last five with work; nil without one.
func (v *visit) usual(doc *office.Document) *api.Own {
	day := kpi.Day(v.s.d.Now(), v.s.zone())
	key := usualKey{v.me.Person, day.From.Unix()}
	if u, ok := v.s.usual.get(key); ok {
		return u
	}
	var sum api.Own
	n, whole := 0, true
	for i := 1; i <= daysBefore && n < 5; i++ {
		day = kpi.Day(day.From.Add(-time.Hour), v.s.zone())
		facts, err := v.s.d.Facts(v.ctx(), day)
		if err != nil {
			v.s.d.Log.Warn("facts of a day", "err", err)
			whole = false
			continue
		}
		d := v.ownDay(doc, &facts)
		if d == (api.Own{}) {
			continue
		}
		sum.Contacts += d.Contacts
		sum.Talk += d.Talk
		sum.Wrap += d.Wrap
		sum.Break += d.Break
		n++
	}
	var u *api.Own
	if n > 0 {
		k := float64(n)
		u = &api.Own{Contacts: (2*sum.Contacts + n) / (2 * n), Talk: sum.Talk / k, Wrap: sum.Wrap / k, Break: sum.Break / k}
	}
	if whole {
		v.s.usual.put(key, u)
	}
	return u
}

// ownDay is what the reader did in one day.
func (v *visit) ownDay(doc *office.Document, facts *kpi.Facts) api.Own {
	var own api.Own
	for i := range facts.Visits {
		if x := &facts.Visits[i]; x.Agent == v.me.Person && (x.Result == kpi.Answered || x.Reached) {
			own.Contacts++
		}
	}
	w := workOf(doc, facts.Agents, func(s journal.SubjectID) bool { return s == v.me.Person })
	own.Talk, own.Wrap, own.Break = w.Talk.Seconds(), w.Wrap.Seconds(), w.Break.Seconds()
	return own
}

// workOf adds up what some agents did.
func workOf(doc *office.Document, times []kpi.AgentTime, whose func(journal.SubjectID) bool) kpi.Work {
	var w kpi.Work
	for _, t := range times {
		if whose(t.Agent) {
			w.Add(t, func(reason string) bool { return isBreak(doc, reason) })
		}
	}
	return w
}

// isBreak says whether a pause for this reason is a break from the screen.
func isBreak(doc *office.Document, reason string) bool {
	if reason == BreakReason {
		return true
	}
	r := doc.ReasonByID(office.ID(reason))
	return r != nil && r.Break
}
