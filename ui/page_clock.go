package ui

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"centralino/board/timesync"
	"centralino/internal/journal"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/live"
)

// Clock is what the pages need of a clock that they may set.
type Clock interface {
	// Known says how the time is known.
	Known() timesync.State
	// Set sets the clock to a time that a person tells, and returns once it goes by that.
	// Its errors are those of timesync.ByHand, or the system's.
	Set(ctx context.Context, t time.Time) error
}

// clockModel is the clock in the reader's words.
func (v *visit) clockModel(b live.Box) api.Clock {
	m := api.Clock{Now: v.s.d.Now(), Zone: v.s.zone().String(), Source: api.State{ID: "computer", Tone: api.ToneOK}}
	var st timesync.State
	if v.s.d.Clock != nil {
		st = v.s.d.Clock.Known()
		m.Source.ID = clockSource(st)
	}
	if !st.Known() && v.s.d.Clock != nil {
		m.Source.Tone = api.ToneWarn
	}
	short := func(t time.Time) string { return v.p.Short(t.In(v.s.zone())) }
	m.Source.Word = v.p.T(clockSources[m.Source.ID], "by", v.name(privacy.Account, b.ClockBy), "time", short(st.Hand), "last", short(st.Last), "server", st.Server)
	return m
}

// clockSources are the texts of how the time is known.
var clockSources = map[string]string{
	"server": "clock.source.server", "hand": "clock.source.hand", "battery": "clock.source.battery",
	"unknown": "clock.source.unknown", "computer": "clock.source.computer",
}

// clockSource is how the time is known, best first.
func clockSource(s timesync.State) string {
	switch {
	case s.Trusted:
		return "server"
	case !s.Hand.IsZero():
		return "hand"
	case s.Battery:
		return "battery"
	}
	return "unknown"
}

// clockProblems are the texts of what a person's time is refused for.
var clockProblems = map[error]string{
	timesync.ErrServer: "clock.refused.server", timesync.ErrEarly: "clock.refused.early", timesync.ErrLate: "clock.refused.late",
	timesync.ErrNotATime: "clock.refused.text", timesync.ErrSkipped: "clock.refused.skipped",
}

// setClock sets the clock as the form says. problem is the text id of why not, with its
// status. By the new time the session of who set it may be over: a fresh one takes its place.
func (v *visit) setClock(source string) (status int, problem string, err error) {
	if v.s.d.Clock == nil {
		return 0, "", errNotFound
	}
	t, err := timesync.ParseLocal(strings.TrimSpace(v.r.PostFormValue("time")), v.s.zone())
	was := v.s.d.Now()
	if err == nil {
		err = v.s.d.Clock.Set(v.ctx(), t)
	}
	for e, text := range clockProblems {
		if errors.Is(err, e) {
			if e == timesync.ErrServer {
				return http.StatusConflict, text, nil
			}
			return http.StatusUnprocessableEntity, text, nil
		}
	}
	if err != nil {
		v.s.d.Log.Error("the clock is not set", "err", err)
		return http.StatusInternalServerError, "clock.refused.failed", nil
	}
	v.s.d.Log.Info("the clock is set by hand", "was", was, "to", t)
	v.s.d.Journal.Append("", journal.ClockSet{By: v.me.Person, Was: was.UTC(), Source: source})
	return http.StatusOK, "", v.freshSession()
}

func (v *visit) clockSet() error {
	status, problem, err := v.setClock("page")
	switch {
	case err != nil:
		return err
	case problem != "":
		page := v.systemPage("about")
		page.Problem, page.ClockText = v.p.T(problem), v.r.PostFormValue("time")
		return v.show(status, "system", page)
	}
	v.flash("flash.clock", "ok", 0)
	return v.goTo("/system")
}

func (v *visit) apiClockSet() error {
	status, problem, err := v.setClock("api")
	switch {
	case err != nil:
		return err
	case problem != "":
		v.jsonError(status, problem, v.p.T(problem))
		return nil
	}
	return v.apiSystem()
}
