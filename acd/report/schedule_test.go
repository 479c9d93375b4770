package report_test

import (
	"testing"
	"time"

	"centralino/acd/report"
	"centralino/internal/office"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", s, rome(t))
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// TestDue: when a report was to be sent last, and what it is about. 23 November 2026
// is a Monday.
func TestDue(t *testing.T) {
	work := []string{"mon", "tue", "wed", "thu", "fri"}
	for _, c := range []struct {
		name           string
		days           []string
		at             int
		what           string
		now            string
		due, from, end string // first day, and the one after the last
	}{
		{"in the morning: of the day before", work, 7*60 + 30, "queue", "2026-11-24 07:31", "2026-11-24 07:30", "2026-11-23", "2026-11-24"},
		{"not yet", work, 7*60 + 30, "queue", "2026-11-24 07:29", "2026-11-23 07:30", "2026-11-20", "2026-11-23"},
		{"on Monday morning: Friday to Sunday", work, 7 * 60, "queue", "2026-11-23 08:00", "2026-11-23 07:00", "2026-11-20", "2026-11-23"},
		{"in the evening: of the day", work, 18 * 60, "day", "2026-11-23 18:00", "2026-11-23 18:00", "2026-11-23", "2026-11-24"},
		{"on Sunday: still Friday's", work, 18 * 60, "day", "2026-11-22 12:00", "2026-11-20 18:00", "2026-11-20", "2026-11-21"},
		{"once a week: seven days", []string{"mon"}, 8 * 60, "lines", "2026-11-25 12:00", "2026-11-23 08:00", "2026-11-16", "2026-11-23"},
		{"a day's sheet is of one day", []string{"mon"}, 8 * 60, "day", "2026-11-23 08:00", "2026-11-23 08:00", "2026-11-22", "2026-11-23"},
		{"in the hour that comes twice", []string{"sun"}, 2*60 + 30, "queue", "2026-10-25 12:00", "2026-10-25 02:30", "2026-10-18", "2026-10-25"},
	} {
		r := office.Report{ID: "r", What: c.what, Days: c.days, At: c.at}
		due, ok := report.Due(&r, at(t, c.now), rome(t))
		if !ok || !due.Equal(at(t, c.due)) {
			t.Errorf("%s: due %v", c.name, due.In(rome(t)))
			continue
		}
		days := report.Covers(&r, due, rome(t))
		if !days.From.Equal(at(t, c.from+" 00:00")) || !days.To.Equal(at(t, c.end+" 00:00")) {
			t.Errorf("%s: covers %v to %v", c.name, days.From, days.To)
		}
	}
	if _, ok := report.Due(&office.Report{At: 60}, at(t, "2026-11-23 08:00"), rome(t)); ok {
		t.Error("a report of no day is due")
	}
}

// TestNextStep: sent once, tried again after a failure, never after a doubt.
func TestNextStep(t *testing.T) {
	due := at(t, "2026-11-23 08:00")
	before := due.AddDate(0, 0, -1)
	for _, c := range []struct {
		name  string
		post  report.Post
		after time.Duration // now, after due
		known time.Time
		want  report.Step
	}{
		{"never sent before, known before it was due", report.Post{}, 0, before, report.Send},
		{"made after it was due", report.Post{}, time.Minute, due.Add(time.Second), report.Rest},
		{"sent the day before, the box started late", report.Post{Due: before, Result: report.PostSent}, time.Hour, due.Add(time.Hour), report.Send},
		{"so late that nobody needs it", report.Post{Due: before, Result: report.PostSent}, 13 * time.Hour, before, report.Rest},
		{"sent", report.Post{Due: due, Result: report.PostSent, Try: 1, At: due}, time.Hour, before, report.Rest},
		{"being sent", report.Post{Due: due, Result: report.PostTrying, Try: 1, At: due}, time.Hour, before, report.Rest},
		{"nobody knows", report.Post{Due: due, Result: report.PostUnknown, Try: 1, At: due}, time.Hour, before, report.Rest},
		{"failed just now", report.Post{Due: due, Result: report.PostFailed, Try: 1, At: due}, 59 * time.Second, before, report.Rest},
		{"failed a minute ago", report.Post{Due: due, Result: report.PostFailed, Try: 1, At: due}, time.Minute, before, report.Send},
		{"failed for the fourth time", report.Post{Due: due, Result: report.PostFailed, Try: 4, At: due}, 7 * time.Minute, before, report.Rest},
		{"… eight minutes ago", report.Post{Due: due, Result: report.PostFailed, Try: 4, At: due}, 8 * time.Minute, before, report.Send},
		{"failed very often, half an hour ago", report.Post{Due: due, Result: report.PostFailed, Try: 40, At: due}, 30 * time.Minute, before, report.Send},
		{"failed for half a day", report.Post{Due: due, Result: report.PostFailed, Try: 20, At: due}, 12*time.Hour + time.Second, before, report.GiveUp},
		{"given up", report.Post{Due: due, Result: report.PostGaveUp, Try: 20, At: due}, 13 * time.Hour, before, report.Rest},
		{"the clock went back", report.Post{Due: due.Add(24 * time.Hour), Result: report.PostSent}, time.Minute, before, report.Rest},
	} {
		if got := c.post.Next(due, due.Add(c.after), c.known); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
