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
