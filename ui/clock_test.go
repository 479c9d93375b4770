package ui_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/board/timesync"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui"
)

// fakeClock is a clock of a board: it goes wrong by off until somebody sets it.
type fakeClock struct {
	mu    sync.Mutex
	off   time.Duration
	state timesync.State
	built time.Time
	fails bool
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *fakeClock) Known() timesync.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *fakeClock) Set(_ context.Context, t time.Time) error {
	by, err := timesync.ByHand(t, c.now(), c.built, c.Known())
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails {
		return errors.New("no")
	}
	c.off += by
	c.state = timesync.State{Hand: time.Now().Add(c.off)}
	return nil
}

// clockRig is a box on a board whose clock is two days behind.
func clockRig(t *testing.T) (*rig, *fakeClock) {
	c := &fakeClock{off: -48 * time.Hour, built: time.Now().AddDate(0, 0, -7)}
	return newRigOf(t, true, rigOf{now: c.now, sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: c.now()}), folder: t.TempDir()},
		func(d *ui.Deps) { d.Clock = c }), c
}

// local writes a time as a browser's field does, by the office's clock.
func local(t time.Time) string {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return t.In(zone).Format("2006-01-02T15:04:05")
}

// clockEvents is what the journal tells of clocks that were set.
func clockEvents(t *testing.T, r *rig) (out []journal.ClockSet) {
	t.Helper()
	if err := r.log.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := r.log.Replay(t.Context(), 1, func(e journal.Event) error {
		if p, ok := e.Payload.(journal.ClockSet); ok {
			out = append(out, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const clockForm = `action="/system/clock"`

func TestClockIsSetByHand(t *testing.T) {
	r, c := clockRig(t)
	b := r.as(tech)
	b.get("/system").has(t, "l&#39;ora può essere sbagliata", clockForm, `type="datetime-local"`, `data-clock="Europe/Rome"`)
	for _, who := range []journal.SubjectID{dario, bruno} {
		r.as(who).get("/system").has(t, "l&#39;ora può essere sbagliata").lacks(t, clockForm)
		r.as(who).post("/system/clock", url.Values{"time": {local(time.Now())}}).is(t, http.StatusForbidden)
		r.as(who).post("/api/v1/system/clock", url.Values{"time": {local(time.Now())}}).is(t, http.StatusForbidden)
	}
	b.post("/system/clock", url.Values{"time": {local(time.Now())}}).is(t, http.StatusOK).has(t, "L&#39;orologio è impostato.")
	r.settle()
	b.get("/system").has(t, "Impostato a mano da Tina Tecnica il ", "riparte dall&#39;ultima ora nota", clockForm)
	r.as(bruno).get("/system").lacks(t, "Tina Tecnica", clockForm)
	if off := c.now().Sub(time.Now()); off.Abs() > time.Minute {
		t.Errorf("the clock is wrong by %v", off)
	}
	b.post("/api/v1/system/clock", url.Values{"time": {time.Now().Add(time.Hour).Format(time.RFC3339)}}).is(t, http.StatusOK).has(t, `"id":"hand"`)
	if off := c.now().Sub(time.Now()); (off - time.Hour).Abs() > time.Minute {
		t.Errorf("set by a program the clock is ahead by %v", off)
	}
	got := clockEvents(t, r)
	if len(got) != 2 || got[0].By != tech || got[0].Source != "page" || got[1].Source != "api" || time.Since(got[0].Was) < 47*time.Hour {
		t.Errorf("the journal tells %+v", got)
	}
}

func TestClockIsRefusedATimeThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		change       func(*fakeClock)
		status       int
		it, en, code string
		form         bool // the form is there still, with what was typed
	}{
		{"nonsense", "ieri", nil, http.StatusUnprocessableEntity, "Scrivi il giorno e l&#39;ora", "Write the day and the time", "clock.refused.text", true},
		{"nothing", "", nil, http.StatusUnprocessableEntity, "Scrivi il giorno e l&#39;ora", "Write the day and the time", "clock.refused.text", true},
		{"before the program was built", local(time.Now().AddDate(-1, 0, 0)), nil, http.StatusUnprocessableEntity, "troppo vecchia", "too old", "clock.refused.early", true},
		{"too far ahead", local(time.Now().AddDate(30, 0, 0)), nil, http.StatusUnprocessableEntity, "troppo lontana", "too far", "clock.refused.late", true},
		{"an hour that there is not", "2027-03-28T02:30", nil, http.StatusUnprocessableEntity, "Quest&#39;ora non c&#39;è", "There is no such time", "clock.refused.skipped", true},
		{"a server tells the time", local(time.Now()), func(c *fakeClock) { c.state = timesync.State{Trusted: true, Server: "ntp.test", Last: time.Now()} }, http.StatusConflict, "vale la sua", "that counts", "clock.refused.server", false},
		{"the system does not let it", local(time.Now()), func(c *fakeClock) { c.fails = true }, http.StatusInternalServerError, "è nel registro", "is in the log", "clock.refused.failed", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, k := clockRig(t)
			if c.change != nil {
				c.change(k)
			}
			b := r.as(tech)
			p := b.post("/system/clock", url.Values{"time": {c.text}}).is(t, c.status).has(t, c.it)
			if c.form {
				p.has(t, clockForm, `value="`+c.text+`"`)
			} else {
				p.lacks(t, clockForm)
				b.get("/system").has(t, "dal server ntp.test").lacks(t, clockForm)
			}
			b.post("/api/v1/system/clock", url.Values{"time": {c.text}}).is(t, c.status).has(t, `"code":"`+c.code+`"`)
			b.lang = "en"
			b.post("/system/clock", url.Values{"time": {c.text}}).has(t, c.en)
			if off := k.now().Sub(time.Now()); (off+48*time.Hour).Abs() > time.Minute || len(clockEvents(t, r)) > 0 {
				t.Errorf("the clock moved: %v, %+v", off, clockEvents(t, r))
			}
		})
	}
}

func TestClockIsToldAsItIsKnown(t *testing.T) {
	r, c := clockRig(t)
	for _, s := range []struct {
		state timesync.State
		it    string
	}{
		{timesync.State{Battery: true}, "la batteria della scheda"},
		{timesync.State{Hand: time.Now(), Battery: true}, "Impostato a mano da "},
		{timesync.State{}, "Nessun server dell&#39;ora ha ancora risposto"},
	} {
		c.mu.Lock()
		c.state = s.state
		c.mu.Unlock()
		r.as(tech).get("/system").has(t, s.it, clockForm)
	}
}

// On a computer that is not the box's own the page says whose the clock is.
func TestClockOfAnotherComputer(t *testing.T) {
	r := newRig(t, true)
	b := r.as(tech)
	b.get("/system").has(t, "l&#39;orologio di questo computer").lacks(t, clockForm)
	form := url.Values{"time": {local(time.Now())}}
	b.post("/system/clock", form).is(t, http.StatusNotFound)
	if p := b.post("/api/v1/system/clock", form).is(t, http.StatusNotFound); strings.Contains(p.body, "<") {
		t.Errorf("a program gets %s", p.body)
	}
}
