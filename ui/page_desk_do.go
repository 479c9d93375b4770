package ui

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/live"
)

// Desk does what the operator's page asks for beyond Agents. reason is the id of one of
// the office's pause reasons, or BreakReason.
type Desk interface {
	PauseFor(agent journal.SubjectID, reason string) error
	OtherWork(agent journal.SubjectID, reason string) error
	MoreWrapUp(agent journal.SubjectID) error
}

// BreakReason is the pause that is a break from the screen.
const BreakReason = "break"

// Time at the screen and of the break from it, where the office says nothing
// (legislative decree 81/2008 article 175).
const (
	breakEvery = 120 * time.Minute
	breakFor   = 15 * time.Minute
)

// deskActions lists what the operator may do now, what is likeliest first.
func (v *visit) deskActions(doc *office.Document, a *live.Agent, state journal.AgentStateName) []api.Action {
	var out []api.Action
	add := func(do, reason, word, key, icon string, main bool) {
		out = append(out, api.Action{Do: do, Reason: reason, Word: word, Key: key, Icon: icon, Main: main})
	}
	switch state {
	case journal.AgentLoggedOut:
		add("login", "", v.p.T("me.login"), "l", "play", true)
		return out
	case journal.AgentPaused, journal.AgentOtherWork:
		add("ready", "", v.p.T("me.ready"), "r", "play", true)
	case journal.AgentWrapUp:
		add("ready", "", v.p.T("desk.done"), "r", "ok", true)
		if v.s.d.Desk != nil && !a.More && mayExtend(doc, a.Served.Queue) {
			add("more", "", v.p.T("desk.more"), "w", "clock", false)
		}
	default:
		if a.Asked != "" {
			add("ready", "", v.p.T("desk.stay"), "r", "play", false)
		}
	}
	if state != journal.AgentPaused {
		if len(doc.Reasons) == 0 || v.s.d.Desk == nil {
			add("pause", "", v.p.T("me.pause"), "p", "pause", false)
		}
		if v.s.d.Desk != nil {
			add("pause", BreakReason, v.p.T("desk.reason.break"), "b", "pause", false)
		}
	}
	if v.s.d.Desk != nil {
		for _, r := range doc.Reasons {
			do := "pause"
			if r.Work {
				do = "other"
			}
			if (do == "pause") == (state == journal.AgentPaused) && string(r.ID) == a.Reason || r.Work && state == journal.AgentOtherWork && string(r.ID) == a.Reason {
				continue // that is what he does
			}
			add(do, string(r.ID), r.Name, r.Digit, "pause", false)
		}
		if state != journal.AgentOtherWork && !slices.ContainsFunc(doc.Reasons, func(r office.PauseReason) bool { return r.Work }) {
			add("other", "", v.p.T("desk.other"), "o", "office", false)
		}
	}
	word := v.p.T("me.logout")
	if state == journal.AgentTalking || state == journal.AgentOffered {
		word = v.p.T("desk.logout.later")
	}
	add("logout", "", word, "x", "out-of", false)
	return out
}

// mayExtend says whether a queue lets its agents lengthen their wrap-up.
func mayExtend(doc *office.Document, queue string) bool {
	g := doc.GroupByID(office.ID(queue))
	return g != nil && g.Queue != nil && g.Queue.WrapUpMore > 0
}

// deskBreak is the next break from the screen, or the one that goes on.
func (v *visit) deskBreak(doc *office.Document, a *live.Agent, state journal.AgentStateName) *api.Break {
	if state == journal.AgentLoggedOut || a.Screen.IsZero() {
		return nil
	}
	every, long := doc.Site.BreakEvery, doc.Site.BreakFor
	if every == 0 {
		every = breakEvery
	}
	if long == 0 {
		long = breakFor
	}
	if !a.Left.IsZero() {
		b := &api.Break{Since: a.Left, Over: a.Left.Add(long)}
		b.Text = v.p.T("desk.break.on", "minutes", v.p.Int(int(long/time.Minute)))
		return b
	}
	b := &api.Break{Due: a.Screen.Add(every), Proposed: !a.Due.IsZero()}
	switch now := v.s.d.Now(); {
	case !b.Due.After(now):
		b.Text = v.p.T("desk.break.late")
	case b.Proposed:
		b.Text = v.p.T("desk.break.proposed", "minutes", v.p.Int(int(long/time.Minute)))
	default:
		b.Text = v.p.T("desk.break.next")
	}
	return b
}

// deskDo does what the operator asked for, and says why not.
func (v *visit) deskDo() (problem string, err error) {
	f := v.r.PostForm
	do, reason := f.Get("do"), f.Get("reason")
	if name, with, ok := strings.Cut(do, ":"); ok { // one button, one name
		do, reason = name, with
	}
	if reason != "" && reason != BreakReason && reasonName(v.doc(), reason) == "" {
		return "", errBad
	}
	me, agents, desk := v.me.Person, v.s.d.Agents, v.s.d.Desk
	switch {
	case do == "login":
		err = agents.Login(me)
	case do == "logout":
		err = agents.Logout(me)
	case do == "ready":
		err = agents.Ready(me)
	case do == "pause" && reason == "":
		err = agents.Pause(me)
	case desk == nil:
		return "", errBad
	case do == "pause":
		err = desk.PauseFor(me, reason)
	case do == "other":
		err = desk.OtherWork(me, reason)
	case do == "more":
		err = desk.MoreWrapUp(me)
	default:
		return "", errBad
	}
	if err == nil {
		return "", nil
	}
	v.s.d.Log.Warn("change of agent's state refused", "do", do, "err", err)
	for _, known := range []struct {
		err  error
		text string
	}{
		{engine.ErrNotAgent, "flash.state.member"}, {engine.ErrLoggedOut, "flash.state.login"}, {engine.ErrNotOver, "flash.state.break"},
		{engine.ErrOutcome, "flash.state.outcome"}, {engine.ErrNoWrapUp, "flash.state.more"},
	} {
		if errors.Is(err, known.err) {
			return known.text, nil
		}
	}
	return "flash.state.refused", nil
}

// deskState answers the desk's buttons.
func (v *visit) deskState() error { return v.changeState("/desk") }

// changeState does what a button asked for and goes back to the page with it.
func (v *visit) changeState(back string) error {
	problem, err := v.deskDo()
	if err != nil {
		return err
	}
	if problem != "" {
		v.flash(problem, "bad", 0)
	}
	return v.goTo(back)
}

// apiDeskState does the same for programs, and answers with the state that follows,
// or with what keeps it from following.
func (v *visit) apiDeskState() error {
	problem, err := v.deskDo()
	if err != nil {
		return err
	}
	if problem != "" {
		v.jsonError(http.StatusConflict, "E-409", v.p.T(problem))
		return nil
	}
	return v.apiDesk()
}
