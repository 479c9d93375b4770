package acd

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// Run owns the engine until ctx ends and then returns nil. Calls still waiting
// are left as they are: the switch ends them. It may be called once.
func (a *ACD) Run(ctx context.Context) error {
	if a.started.Swap(true) {
		return errors.New("acd: Run was called before")
	}
	defer close(a.done)
	a.afterReplay()
	timer := time.NewTimer(time.Hour) // set anew before every wait
	defer timer.Stop()
	var letters []letter
	for {
		a.arm(timer)
		select {
		case <-ctx.Done():
			a.read(a.mail.take(letters))
			a.publish()
			return nil
		case <-timer.C:
			a.apply(engine.Command{Kind: engine.Tick})
		case <-a.mail.wake:
			letters = a.mail.take(letters)
			a.read(letters)
		}
	}
}

// arm sets the one timer to the engine's next deadline.
func (a *ACD) arm(timer *time.Timer) {
	wait := time.Hour
	if at, ok := a.engine.Deadline(); ok {
		wait = min(wait, at.Sub(a.clock.now()))
	}
	timer.Reset(max(wait, 0))
}

// read carries out letters in order.
func (a *ACD) read(letters []letter) {
	for i := range letters {
		l := &letters[i]
		switch {
		case l.look != nil:
			a.publish()
			l.look <- a.published.Load()
		case l.config != nil:
			a.configure(*l.config)
		default:
			err := a.apply(l.cmd)
			if l.reply != nil {
				l.reply <- a.answer(l.cmd.Agent, err)
			}
		}
	}
}

// answer is what an agent's wish, or that of a caller (no agent), is answered with.
func (a *ACD) answer(agent journal.SubjectID, err error) answer {
	if agent == "" {
		return answer{err: err}
	}
	v, ok := a.engine.Agent(agent)
	if !ok {
		return answer{err: ErrNotAgent}
	}
	return answer{a.status(&v), err}
}

// apply carries out one command: engine, journal, switch. A panic in the engine
// or the switch ends this command only.
func (a *ACD) apply(cmd engine.Command) error {
	now := a.clock.now()
	r := a.decide(cmd, now)
	switch {
	case r.Err == nil:
	case errors.Is(r.Err, engine.ErrStray):
		a.log.Debug("acd: nothing done", "command", cmd.Kind, "call", cmd.Contact, "offer", cmd.Offer)
	default:
		a.log.Info("acd: refused", "command", cmd.Kind, "call", cmd.Contact, "queue", cmd.Queue, "error", r.Err)
	}
	a.perform(&r, now)
	return r.Err
}

func (a *ACD) configure(cfg engine.Config) {
	now := a.clock.now()
	r, err := a.engine.Configure(cfg, now)
	if err != nil { // SetOffice has checked it
		a.log.Error("acd: office not taken", "error", err)
		return
	}
	a.config = cfg
	a.version.Add(1)
	a.perform(&r, now)
}

// decide asks the engine. When it panics, what it had decided is kept, its
// indexes are made anew, and the whole state goes to the log.
func (a *ACD) decide(cmd engine.Command, now time.Time) (r engine.Result) {
	defer func() {
		if p := recover(); p != nil {
			r = a.engine.Salvage()
			a.log.Error("acd: engine panicked", "panic", p, "command", cmd, "stack", string(debug.Stack()))
			defer func() { _ = recover() }() // the state may be too broken to be written down
			a.log.Error("acd: state after the panic", "state", a.engine.Dump(now))
		}
	}()
	return a.engine.Apply(&cmd, now)
}

// perform tells the journal what happened and the switch what to do.
func (a *ACD) perform(r *engine.Result, now time.Time) {
	if len(r.Events) > 0 {
		if a.clock.check(now) {
			a.log.Info("acd: wall clock has stepped", "offset", a.clock.offset)
		}
		a.version.Add(1)
	}
	for i := range r.Events {
		e := &r.Events[i]
		for _, at := range [...]*engine.Instant{&e.Arrival, &e.Until, &e.Idle, &e.Deadline, &e.Screen, &e.Left} {
			*at = a.clock.shift(*at)
		}
		a.o.Journal.Append(journal.CallID(e.Contact), e.Payload())
	}
	for i := range r.Actions {
		a.act(&r.Actions[i])
	}
}

// act performs one action on the switch.
func (a *ACD) act(x *engine.Action) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("acd: switch panicked", "panic", p, "action", *x, "stack", string(debug.Stack()))
		}
	}()
	switch x.Kind {
	case engine.RingAgent:
		a.o.Switch.Ring(a.offer(x))
	case engine.CallBack:
		a.o.Switch.CallBack(a.offer(x), x.Caller)
	case engine.Announce:
		a.o.Switch.Announce(journal.CallID(x.Contact), Announcement{
			Position: x.Position, Low: x.Low, High: x.High, Periodic: x.Periodic,
		})
	case engine.StopRing:
		a.o.Switch.StopRing(x.Offer, x.Reason)
	case engine.Connect:
		a.o.Switch.Connect(x.Offer)
	case engine.Refuse:
		a.o.Switch.Refuse(x.Offer)
	case engine.Leave:
		a.o.Switch.Leave(journal.CallID(x.Contact), x.Reason)
	}
}

func (a *ACD) offer(x *engine.Action) Offer {
	return Offer{
		ID: x.Offer, Call: journal.CallID(x.Contact), Queue: office.ID(x.Queue),
		Agent: x.Agent, Deadline: a.clock.outside(x.Deadline.Time()),
	}
}
