package acd

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// CheckpointVersion is the form of what Checkpoint returns.
const CheckpointVersion = 1

// checkpoint is the kept state of the ACD.
type checkpoint struct {
	State engine.Dump
	Alive time.Time
}

// Resume takes what Checkpoint returned in an earlier run, before Replay, which
// then goes on with the event after the checkpoint's.
func (a *ACD) Resume(state []byte) error {
	var c checkpoint
	if err := json.Unmarshal(state, &c); err != nil {
		return fmt.Errorf("resume acd: %w", err)
	}
	a.engine.Load(&c.State)
	a.alive = c.Alive
	return nil
}

// Replay takes one event of the journal of earlier runs, in order, before Run.
// Agents keep their states and offers their numbering; Run then ends the contacts
// of calls that died with the box as "restart".
func (a *ACD) Replay(e journal.Event) {
	switch p := e.Payload.(type) {
	case journal.BoxStarted: // of this run, or the box was off before it
		return
	case journal.CallEnded:
		if p.Cause == string(engine.ReasonRestart) {
			return
		}
	}
	a.alive = e.Time
	if ev, ok := engine.FromPayload(e.Payload, e.Time); ok {
		a.engine.Fold(&ev)
	}
}

// Checkpoint returns the state after Replay, to be kept with the sequence number
// of the last event replayed, so that the next start need not read what came
// before. It is for before Run; while Run runs, make a second ACD and feed it.
func (a *ACD) Checkpoint() ([]byte, error) {
	return json.Marshal(checkpoint{State: a.engine.Dump(a.alive), Alive: a.alive})
}

// afterReplay takes up work: without the calls of the last run, in the office as it
// is now. The switch of this run never knew those calls, so it hears only of those
// who are called back now.
func (a *ACD) afterReplay() {
	now := a.clock.now()
	r := a.decide(engine.Command{Kind: engine.Restart, Arrival: a.alive}, now)
	r.Actions = slices.DeleteFunc(r.Actions, func(x engine.Action) bool { return x.Kind != engine.CallBack })
	a.perform(&r, now)
	a.configure(a.config)
}

// Break guard of an office that says nothing about it (legislative decree 81/2008
// article 175).
const (
	defaultBreakEvery = 120 * time.Minute
	defaultBreakFor   = 15 * time.Minute
)

// configOf reads what the engine must know of an office.
func configOf(doc *office.Document) engine.Config {
	cfg := engine.Config{
		Skills:     map[engine.AgentID]map[engine.SkillID]int{},
		Reasons:    map[engine.Reason]engine.PauseRule{},
		BreakEvery: doc.Site.BreakEvery,
		BreakFor:   doc.Site.BreakFor,
	}
	if cfg.BreakEvery == 0 {
		cfg.BreakEvery = defaultBreakEvery
	}
	if cfg.BreakFor == 0 {
		cfg.BreakFor = defaultBreakFor
	}
	for i := range doc.People {
		p := &doc.People[i]
		if len(p.Skills) > 0 {
			cfg.Skills[p.ID] = levels(p.Skills)
		}
	}
	for i := range doc.Reasons {
		r := &doc.Reasons[i]
		cfg.Reasons[engine.Reason(r.ID)] = engine.PauseRule{Break: r.Break, Work: r.Work}
	}
	members := map[office.ID][]journal.SubjectID{}
	for i := range doc.Groups {
		members[doc.Groups[i].ID] = doc.Groups[i].Members
	}
	for i := range doc.Groups {
		if g := &doc.Groups[i]; g.Mode == office.GroupQueue && g.Queue != nil {
			cfg.Queues = append(cfg.Queues, queueOf(g, members))
		}
	}
	return cfg
}

func queueOf(g *office.Group, members map[office.ID][]journal.SubjectID) engine.Queue {
	r := g.Queue
	q := engine.Queue{
		ID: engine.QueueID(g.ID), Strategy: engine.Strategy(r.Strategy), Members: g.Members,
		RingTime: r.RingTime, MissesToPause: r.MissesToPause, Step: r.Step, Every: r.Every,
		WrapUp: r.WrapUp, WrapUpMore: r.WrapUpMore, MustOutcome: r.MustOutcome,
		MaxWait: r.MaxWait, MaxLength: r.MaxLength, MaxExpected: r.MaxExpected,
		RefuseEmpty: !r.JoinEmpty, LeaveEmpty: r.LeaveEmpty,
		Bonus: r.Bonus, Urgent: r.Urgent, Redial: r.Redial, LastAgent: r.LastAgent, LastAgentOf: r.LastAgentOf,
		Needs: levels(r.Needs), CallbackTries: r.CallbackTries, CallbackRetry: r.CallbackRetry,
		Announce: r.Announce, AnnounceFirst: r.AnnounceFirst, SayPosition: r.SayPosition, SayWait: r.SayWait,
	}
	if r.Periodic != "" {
		q.Periodic = r.PeriodicEvery
	}
	for _, step := range r.Rings {
		ring := engine.Ring{After: step.After, Lower: step.Lower, Members: members[step.Group]}
		for _, skill := range step.Without {
			ring.Without = append(ring.Without, engine.SkillID(skill))
		}
		q.Rings = append(q.Rings, ring)
	}
	return q
}

func levels(of map[office.ID]int) map[engine.SkillID]int {
	list := make(map[engine.SkillID]int, len(of))
	for skill, level := range of {
		list[engine.SkillID(skill)] = level
	}
	return list
}
