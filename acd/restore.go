package acd

import (
	"encoding/json"
	"fmt"
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
// is now. The switch of this run never knew those calls, so it is told nothing.
func (a *ACD) afterReplay() {
	now := a.clock.now()
	r := a.decide(engine.Command{Kind: engine.Restart, Arrival: a.alive}, now)
	r.Actions = nil
	a.perform(&r, now)
	a.configure(a.config)
}

// queuesOf reads the queues of an office.
func queuesOf(doc *office.Document) engine.Config {
	var cfg engine.Config
	for i := range doc.Groups {
		g := &doc.Groups[i]
		if g.Mode != office.GroupQueue || g.Queue == nil {
			continue
		}
		cfg.Queues = append(cfg.Queues, engine.Queue{
			ID:            engine.QueueID(g.ID),
			Strategy:      engine.Strategy(g.Queue.Strategy),
			Members:       g.Members,
			RingTime:      g.Queue.RingTime,
			MissesToPause: g.Queue.MissesToPause,
			WrapUp:        g.Queue.WrapUp,
			MaxWait:       g.Queue.MaxWait,
			MaxLength:     g.Queue.MaxLength,
		})
	}
	return cfg
}
