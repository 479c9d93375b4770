package cti_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/cti"
)

func TestACallIsToldAtOnceWhileMuchElseHappens(t *testing.T) {
	r := &receiver{}
	inBubble(t, r, func(t *testing.T, w *world) {
		w.aCall("c-1")
		for range 100 {
			time.Sleep(50 * time.Millisecond)
			w.log.Append("", journal.LineChanged{Line: "line-1", State: "idle"})
			if events(r.seen()) == whole {
				return
			}
		}
		t.Errorf("told in five seconds: %q", events(r.seen()))
	})
}

// asked is a gate that counts how often it was asked about people.
type asked struct {
	gate
	n *atomic.Int32
}

func (g asked) Name(v privacy.Viewer, p privacy.Purpose, s journal.SubjectID) (string, bool) {
	if strings.HasPrefix(string(s), "p-") {
		g.n.Add(1)
	}
	return g.gate.Name(v, p, s)
}

func (g asked) MaySeeState(v privacy.Viewer, s journal.SubjectID) bool {
	g.n.Add(1)
	return g.gate.MaySeeState(v, s)
}

// TestWhatNobodyWantsToHearIsNoLook: the gate writes down each look at a person, also
// a program's; an event that goes nowhere is none.
func TestWhatNobodyWantsToHearIsNoLook(t *testing.T) {
	r, n := &receiver{}, &atomic.Int32{}
	bubbleWith(t, cti.Options{Transport: r, Gate: asked{gate{open: true}, n}}, func(t *testing.T, w *world) {
		w.set(func(d *office.Document) { d.Webhooks[0].Events = nil })
		synctest.Wait()
		w.aCall("c-1")
		time.Sleep(time.Minute)
		if n.Load() != 0 || len(r.seen()) != 0 {
			t.Errorf("the gate was asked %d times about people, told %q", n.Load(), events(r.seen()))
		}
		w.set(func(d *office.Document) { d.Webhooks[0].Events = []string{"answered"} })
		w.aCall("c-2")
		time.Sleep(time.Minute)
		if n.Load() == 0 || events(r.seen()) != "answered" {
			t.Errorf("the gate was asked %d times about people, told %q", n.Load(), events(r.seen()))
		}
	})
}

// switched is a gate that closes.
type switched struct{ open *atomic.Bool }

func (g switched) Name(v privacy.Viewer, p privacy.Purpose, s journal.SubjectID) (string, bool) {
	return gate{open: g.open.Load()}.Name(v, p, s)
}

func (g switched) MaySeeState(v privacy.Viewer, s journal.SubjectID) bool {
	return gate{open: g.open.Load()}.MaySeeState(v, s)
}

func TestWhatMayNoLongerBeToldIsNoDelivery(t *testing.T) {
	open := &atomic.Bool{}
	open.Store(true)
	r := &receiver{answer: func(m cti.Message, n int) int {
		if n == 1 {
			return http.StatusOK
		}
		return 0
	}}
	bubbleWith(t, cti.Options{Transport: r, Gate: switched{open}}, func(t *testing.T, w *world) {
		for _, p := range []journal.Payload{queued[0], phone("b", anna, journal.LegRinging), phone("d", bruno, journal.LegRinging)} {
			w.log.Append("c-1", p)
		}
		time.Sleep(3 * time.Second)
		open.Store(false) // the agreement is taken back: at whom else it rings is told no more
		time.Sleep(time.Minute)
		if st := w.status(); len(r.seen()) != 2 || st.Waiting != 0 || st.Sent != 1 || st.Failing.IsZero() {
			t.Errorf("tried %d times, status %+v", len(r.seen()), st)
		}
	})
}

// A box without a battery may begin with any time of the day.
func TestTheClockIsSetBack(t *testing.T) {
	var ahead atomic.Int64
	ahead.Store(int64(30 * 24 * time.Hour))
	r := &receiver{answer: func(cti.Message, int) int { return http.StatusServiceUnavailable }}
	bubbleWith(t, cti.Options{Transport: r, Now: func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }}, func(t *testing.T, w *world) {
		w.aCall("c-1")
		time.Sleep(time.Minute)
		ahead.Store(0)
		r.mu.Lock()
		r.answer, r.got = nil, nil
		r.mu.Unlock()
		time.Sleep(3 * time.Hour)
		if e := events(r.seen()); e != whole {
			t.Errorf("told %q", e)
		}
	})
}

// A receiver that has too much to do says when to come again, and nothing of any call
// goes to it before.
func TestAReceiverThatAsksForTime(t *testing.T) {
	date := func(d time.Duration) string { return start.Add(d).Format(http.TimeFormat) }
	for name, tt := range map[string]struct {
		status     int
		after      string
		from, upTo time.Duration // until the next delivery; another call begins after 2 s
	}{
		"seconds":                       {http.StatusTooManyRequests, "120", 2 * time.Minute, 145 * time.Second},
		"out of service":                {http.StatusServiceUnavailable, " 600 ", 10 * time.Minute, 721 * time.Second},
		"a date by its own clock":       {http.StatusServiceUnavailable, date(3 * time.Minute), 3 * time.Minute, 217 * time.Second},
		"at most our own longest pause": {http.StatusTooManyRequests, "864000", time.Hour, 73 * time.Minute},
		"at least our own first pause":  {http.StatusTooManyRequests, "1", 5 * time.Second, 7 * time.Second},
		"a date that is past":           {http.StatusServiceUnavailable, date(-time.Hour), 2 * time.Second, 3 * time.Second},
		"nonsense":                      {http.StatusTooManyRequests, "soon", 2 * time.Second, 3 * time.Second},
		"nothing":                       {http.StatusTooManyRequests, "", 2 * time.Second, 3 * time.Second},
		"another refusal":               {http.StatusInternalServerError, "120", 2 * time.Second, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := &receiver{header: http.Header{"Retry-After": {tt.after}, "Date": {date(0)}}}
			r.answer = func(_ cti.Message, n int) int {
				if n == 1 {
					return tt.status
				}
				return http.StatusOK
			}
			inBubble(t, r, func(t *testing.T, w *world) {
				w.aCall("c-1")
				time.Sleep(2 * time.Second)
				w.aCall("c-2")
				time.Sleep(3 * time.Hour)
				list := r.seen()
				if len(list) != 1+2*4 {
					t.Fatalf("%d deliveries of two calls, one of them twice", len(list))
				}
				if d := list[1].at.Sub(list[0].at); d < tt.from || d > tt.upTo {
					t.Errorf("the next one comes after %s, want %s to %s", d, tt.from, tt.upTo)
				}
				if st := w.status(); st.Waiting != 0 || st.Lost != 0 || !st.Failing.IsZero() {
					t.Errorf("status %+v", st)
				}
			})
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("Sun, 22 Nov 2026 10:03:00 GMT", "Sun, 22 Nov 2026 10:00:00 GMT")
	f.Add("Sunday, 22-Nov-26 10:03:00 GMT", "x")
	f.Add("99999999999999999999", "-1")
	f.Fuzz(func(t *testing.T, after, date string) {
		d := cti.RetryAfter(http.Header{"Retry-After": {after}, "Date": {date}}, start)
		if d < 0 {
			t.Fatalf("%q, %q: %s", after, date, d)
		}
		if _, err := http.ParseTime(after); err != nil && d > 1<<31*time.Second {
			t.Fatalf("%q: %s", after, d)
		}
	})
}
