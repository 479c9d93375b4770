package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/health"
	"centralino/board/timesync"
	"centralino/internal/journal"
)

// A wall clock that is set, while the box runs or while it is off, costs no phone: phones
// that registered once can be called for as long as they were granted.
func TestAClockThatIsSetLosesNoPhone(t *testing.T) {
	t.Parallel()
	o := options{data: t.TempDir()}
	var clock simClock
	o.seams.now = clock.now
	synctest.Test(t, func(t *testing.T) {
		set := func(offset time.Duration) { clock.offset.Store(int64(offset)) }
		reached := func(w *bubbleBox, when string) {
			t.Helper()
			time.Sleep(2 * time.Minute)
			if n := len(w.registrar.Online()); n != len(w.phones) {
				t.Errorf("%s: %d of %d phones can be reached", when, n, len(w.phones))
			}
			if slices.Contains(w.faulty(), string(health.NoPhones)) {
				t.Errorf("%s: %v", when, w.faulty())
			}
			w.talk(w.phones[0], "202")
		}
		const days = 24 * time.Hour
		set(-300 * days) // a box without a battery, before it hears what time it is
		runBubble(t, o, diskFine, func(w *bubbleBox) {
			for _, p := range w.phones {
				w.register(p)
			}
			reached(w, "with a wrong clock")
			set(0)
			reached(w, "the clock is set right")
			set(-300 * days)
			reached(w, "the clock is set back")
			set(0)
		})
		runBubble(t, o, diskFine, func(w *bubbleBox) { reached(w, "after a restart with the right clock") })
		set(2 * time.Hour)
		runBubble(t, o, diskFine, func(w *bubbleBox) {
			reached(w, "after a restart with a clock that is two hours ahead")
			set(0)
			reached(w, "which is set back")
		})
		set(-5 * days)
		runBubble(t, o, diskFine, func(w *bubbleBox) { reached(w, "after a restart with a clock that is behind") })
	})
}

// handClock lets a person set the clock of a simulated board.
type handClock struct {
	*simClock
	state timesync.State
}

func (c *handClock) Known() timesync.State { return c.state }

func (c *handClock) Set(_ context.Context, t time.Time) error {
	by, err := timesync.ByHand(t, c.now(), written, c.state)
	if err == nil {
		c.offset.Add(int64(by))
		c.state.Hand = c.now()
	}
	return err
}

// A person who sets the clock, forward or back, ends no call, and its length stays what it
// was: the step goes the way of a time server's.
func TestAClockSetByHandDisturbsNoCall(t *testing.T) {
	var clock simClock
	hand := &handClock{simClock: &clock}
	inBubble(t, options{seams: seams{now: clock.now, hand: hand}}, nil, func(w *bubbleBox) {
		t := w.t
		for _, p := range w.phones {
			w.register(p)
		}
		var logIn *http.Cookie
		post := func(path string, form url.Values) {
			t.Helper()
			r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if logIn != nil {
				r.AddCookie(logIn)
			}
			a := httptest.NewRecorder()
			w.pages.Handler().ServeHTTP(a, r)
			if a.Code != http.StatusOK && a.Code != http.StatusSeeOther {
				t.Fatalf("%s %v: %d %s", path, form, a.Code, a.Body)
			}
			for _, c := range a.Result().Cookies() {
				if c.Name == "centralino" {
					logIn = c
				}
			}
		}
		post("/claim", url.Values{"code": {w.pages.ClaimCode(t.Context())}, "site": {"Ufficio"}, "name": {"Tina Tecnica"},
			"user": {webUser}, "password": {webPassword}, "again": {webPassword}})
		for _, text := range []string{"2027-05-01T09:00:00", "2026-12-01T09:00:00"} {
			c, err := w.phones[0].Dial("202")
			if err != nil {
				t.Fatal(err)
			}
			<-c.Up()
			time.Sleep(20 * time.Second)
			post("/api/v1/system/clock", url.Values{"time": {text}})
			time.Sleep(20 * time.Second)
			select {
			case <-c.End():
				t.Errorf("set to %s the call ends", text)
			default:
			}
			c.HangUp()
			time.Sleep(3 * time.Second)
			if n := len(w.registrar.Online()); n != len(w.phones) {
				t.Errorf("set to %s %d of %d phones can be reached", text, n, len(w.phones))
			}
		}
		var talks []time.Duration
		var set []journal.ClockSet
		if err := w.journal.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := w.journal.Replay(t.Context(), 1, func(e journal.Event) error {
			switch p := e.Payload.(type) {
			case journal.CallEnded:
				talks = append(talks, p.Talk.Round(time.Second))
			case journal.ClockSet:
				set = append(set, p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{40 * time.Second, 40 * time.Second}; !slices.Equal(talks, want) {
			t.Errorf("talked %v, want %v", talks, want)
		}
		if len(set) != 2 || set[0].By == "" || set[1].By != set[0].By || set[1].Was.Year() != 2027 {
			t.Errorf("the journal tells %+v", set)
		}
	})
}
