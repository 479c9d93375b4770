package report

import (
	"slices"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// Results of sending a report by mail, in the journal's words.
const (
	PostTrying  = "trying"  // on disk before the first octet leaves
	PostSent    = "sent"    // the server took it
	PostFailed  = "failed"  // the server did not take it; it is tried again
	PostUnknown = "unknown" // nobody knows whether the server took it: not tried again, so that it never comes twice
	PostGaveUp  = "gaveUp"  // failed for PostFor
)

// PostFor is how long after its time a report is still sent.
const PostFor = 12 * time.Hour

// Post is what became of the last sending of a report.
type Post struct {
	Due    time.Time
	Result string
	Try    int
	At     time.Time // of the result
}

// Posts is the last sending of each report: a fold of the journal.
type Posts map[string]Post

// Apply folds one event in.
func (p Posts) Apply(e journal.Event) {
	if m, ok := e.Payload.(journal.ReportMailed); ok {
		p[m.Report] = Post{Due: m.Due, Result: m.Result, Try: m.Try, At: e.Time}
	}
}

// weekdays are the days of a week as the office writes them.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Due returns the last instant at or before now at which a report was to be sent,
// within the last week; false if there was none.
func Due(r *office.Report, now time.Time, loc *time.Location) (time.Time, bool) {
	local := now.In(loc)
	for back := range 8 {
		at := time.Date(local.Year(), local.Month(), local.Day()-back, r.At/60, r.At%60, 0, 0, loc)
		if !at.After(now) && slices.Contains(r.Days, weekdays[at.Weekday()]) {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// Covers returns the days that a report sent at due is about: since the one before
// it, up to its own day if it is sent after noon and else to the day before.
func Covers(r *office.Report, due time.Time, loc *time.Location) kpi.Interval {
	last := due.In(loc)
	if r.At < 12*60 {
		last = last.AddDate(0, 0, -1)
	}
	days := 7
	for n := 1; n <= 7; n++ {
		if slices.Contains(r.Days, weekdays[due.In(loc).AddDate(0, 0, -n).Weekday()]) {
			days = n
			break
		}
	}
	if r.What == "day" {
		days = 1
	}
	noon := time.Date(last.Year(), last.Month(), last.Day(), 12, 0, 0, 0, loc)
	return kpi.Interval{From: kpi.Day(noon.AddDate(0, 0, 1-days), loc).From, To: kpi.Day(noon, loc).To}
}

// retryAfter is how long after its n-th failure a report is tried again.
func retryAfter(n int) time.Duration {
	d := time.Minute << min(max(n-1, 0), 5)
	return min(d, 30*time.Minute)
}

// Step is what is to be done about a report that was due.
type Step int

// Steps.
const (
	Rest   Step = iota // nothing now
	Send               // try to send it
	GiveUp             // its time is over
)

// Next says what is to be done now about the report that was due, with what became
// of its last sending. known is since when the box knows the report: what was due
// before is not sent belatedly.
func (p Post) Next(due, now, known time.Time) Step {
	mine := p.Due.Equal(due)
	late := now.Sub(due) > PostFor
	switch {
	case due.Before(p.Due):
		return Rest // the clock went back
	case !mine && p.Due.IsZero() && due.Before(known), !mine && late:
		return Rest
	case !mine:
		return Send
	case p.Result != PostFailed:
		return Rest
	case late:
		return GiveUp
	case now.Sub(p.At) >= retryAfter(p.Try):
		return Send
	}
	return Rest
}
