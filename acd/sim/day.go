package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
)

// Office is a small call center over many days: traffic by the hour, agents who
// come, eat and go, callers who lose patience, are told how long it takes, and ask
// to be called back. What a caller is like depends on the seed and his number
// alone, so that two settings meet the same people.
type Office struct {
	Seed    uint64
	Days    int
	Agents  int
	PerHour [24]float64 // traffic of each hour; agents are in from the first hour with any to the last
	Away    [24]int     // so many of them are out in that hour
	Handle  time.Duration
	Queue   engine.Queue
	Guard   time.Duration // time at the screen without a break; 0: no guard

	Patience time.Duration // mean; who asks to be called back does not lose it any more
	CallBack float64       // share of callers who, once told how long it takes, ask to be called back
	OnLine   bool          // they stay on the line instead
	Dial     time.Duration // from the agent's answer until a called caller answers
	Unheard  float64       // share of attempts that nobody answers within 20 s

	Trouble bool // agents miss, refuse, vanish, answer twice and call outside; callers dial again

	// Look is called with every result of the engine and, with nil, each evening.
	Look func(s *Shift, r *engine.Result) error
}

// Tally is what happened in an office.
type Tally struct {
	Callers, Served, Abandoned, Unreached int
	CalledBack                            int           // of those served
	Waits                                 time.Duration // of callers who do not ask to be called back, until served or gone
	Live                                  int           // how many they are
	Told                                  int           // waits told to callers who were served or still waited past them
	Kept                                  int           // of these, served in time
	Breaks                                int
	Hash                                  uint64
}

// Shift is a running simulation of an Office.
type Shift struct {
	Engine *engine.State
	Config engine.Config
	Now    time.Time

	set     Office
	tally   Tally
	start   time.Time
	hour    int
	agenda  agenda
	planned int
	guests  map[engine.ContactID]*guest
	rng     *rand.Rand // for what agents do
}

// guest is a caller.
type guest struct {
	id       engine.ContactID
	caller   journal.SubjectID
	came     time.Time
	gap      float64 // until him, of the mean
	handle   time.Duration
	patience time.Duration
	asks     bool // to be called back, once told
	stays    bool // on the line without losing patience
	virtual  bool
	talks    bool
	told     []promise
}

type promise struct {
	at   time.Time
	high time.Duration
}

// Play runs the office and returns what happened. The error is the engine's or
// Look's.
func (o Office) Play() (Tally, error) {
	s := &Shift{
		set: o, start: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		guests: map[engine.ContactID]*guest{}, rng: rand.New(rand.NewPCG(o.Seed, 1)),
	}
	s.tally.Hash = 14695981039346656037
	q := o.Queue
	q.ID = "q"
	if q.Strategy == "" {
		q.Strategy = engine.LongestIdle
	}
	for n := range o.Agents {
		q.Members = append(q.Members, engine.AgentID(fmt.Sprintf("p-%02d", n)))
	}
	s.Config = engine.Config{Seed: o.Seed, Queues: []engine.Queue{q}, BreakEvery: o.Guard, BreakFor: o.Guard / 8}
	s.Now = s.start
	var err error
	if s.Engine, err = engine.New(s.Config, s.Now); err != nil {
		return Tally{}, err
	}
	for err == nil && (s.hour < o.Days*24 || len(s.agenda) > 0) {
		err = s.step()
	}
	if err != nil {
		return Tally{}, fmt.Errorf("%v: %w", s.Now, err)
	}
	return s.tally, nil
}

// step lets the next thing happen: an hour begins, a plan comes due, the engine's
// clock strikes.
func (s *Shift) step() error {
	hour := s.start.Add(time.Duration(s.hour) * time.Hour)
	at, tick := s.Engine.Deadline()
	switch {
	case len(s.agenda) > 0 && (!tick || !at.Before(s.agenda[0].at)) && s.agenda[0].at.Before(hour):
		p := s.agenda.pop()
		s.Now = p.at
		return p.what()
	case tick && at.Before(hour):
		s.Now = at
		return s.apply(engine.Command{Kind: engine.Tick})
	}
	s.Now = hour
	return s.newHour()
}

// newHour brings the agents in or home and plans the arrivals.
func (s *Shift) newHour() error {
	h := s.hour % 24
	rate, before := s.set.PerHour[h], s.set.PerHour[(h+23)%24]
	if s.hour >= s.set.Days*24 {
		rate = 0
	}
	s.hour++
	for n, a := range s.Config.Queues[0].Members {
		cmd := engine.Command{Kind: engine.Ready, Agent: a}
		switch {
		case rate == 0 && before == 0:
			continue
		case rate == 0:
			cmd.Kind = engine.Logout
		case n < s.set.Away[h]:
			cmd.Kind, cmd.Reason = engine.Pause, engine.ReasonBreak
		case before == 0:
			cmd.Kind = engine.Login
		}
		if err := s.apply(cmd); err != nil {
			return err
		}
	}
	if rate == 0 && before > 0 && s.set.Look != nil {
		return s.set.Look(s, nil)
	}
	for at := 0.0; rate > 0; {
		g := s.person(s.tally.Callers)
		if at += g.gap / rate; at >= 1 {
			break
		}
		s.tally.Callers++
		s.plan(time.Duration(at*float64(time.Hour)), func() error { return s.arrive(g) })
	}
	return nil
}

// person makes caller number n.
func (s *Shift) person(n int) *guest {
	rng := rand.New(rand.NewPCG(s.set.Seed, uint64(n)+2))
	return &guest{
		id: engine.ContactID(fmt.Sprintf("c%07d", n)), caller: journal.SubjectID(fmt.Sprintf("n-%07d", n)),
		gap:      rng.ExpFloat64(),
		handle:   time.Duration(rng.ExpFloat64() * float64(s.set.Handle)),
		patience: time.Duration(rng.ExpFloat64() * float64(s.set.Patience)),
		asks:     rng.Float64() < s.set.CallBack,
	}
}

func (s *Shift) arrive(g *guest) error {
	g.came = s.Now
	s.guests[g.id] = g
	if s.set.Patience > 0 {
		s.plan(g.patience, func() error {
			if s.guests[g.id] != g || g.talks || g.virtual || g.stays {
				return nil
			}
			return s.apply(engine.Command{Kind: engine.Abandon, Contact: g.id})
		})
	}
	return s.apply(engine.Command{Kind: engine.Enqueue, Contact: g.id, Queue: "q", Caller: g.caller})
}

// apply gives a command to the engine and follows what it does. Errors that tell
// agents or late messages no are part of the game.
func (s *Shift) apply(cmd engine.Command) error {
	r := s.Engine.Apply(&cmd, s.Now)
	switch {
	case r.Err == nil, errors.Is(r.Err, engine.ErrStray), errors.Is(r.Err, engine.ErrLoggedOut), errors.Is(r.Err, engine.ErrNotOver):
	default:
		return r.Err
	}
	for i := range r.Events {
		s.event(&r.Events[i])
	}
	for i := range r.Actions {
		s.action(&r.Actions[i])
	}
	if s.set.Look != nil {
		return s.set.Look(s, &r)
	}
	return nil
}

func (s *Shift) event(e *engine.Event) {
	for _, x := range []uint64{uint64(e.Kind), uint64(s.Now.UnixNano()), uint64(e.Offer)} {
		s.tally.Hash = (s.tally.Hash ^ x) * 1099511628211
	}
	g := s.guests[e.Contact]
	switch e.Kind {
	case engine.AgentChanged:
		s.agent(e)
	case engine.BreakProposed:
		if s.rng.Float64() < 0.7 {
			s.later(20*time.Second, engine.Command{Kind: engine.Pause, Agent: e.Agent, Reason: engine.ReasonBreak})
		}
	case engine.ContactAnnounced:
		s.told(g, e)
	case engine.ContactConnected:
		g.talks = true
		s.judge(g, true)
		s.tally.Served++
		if g.virtual {
			s.tally.CalledBack++
		}
		end := engine.TalkEnded
		if s.set.Trouble && s.rng.Float64() < 0.01 {
			end = engine.TalkLost
		}
		s.later(g.handle, engine.Command{Kind: end, Contact: g.id})
	case engine.ContactQueued:
		if e.Reason != "" { // his agent vanished; he does not hang up a second time
			g.talks, g.stays = false, true
			s.tally.Served--
		}
	case engine.ContactEnded:
		s.ended(g, e)
	}
}

// told keeps a promise of a wait in mind; who wants to be called back asks.
func (s *Shift) told(g *guest, e *engine.Event) {
	if e.Talked == 0 {
		return
	}
	g.told = append(g.told, promise{s.Now, e.Talked})
	if !g.asks || len(g.told) > 1 {
		return
	}
	if s.set.OnLine {
		g.stays = true
		return
	}
	s.plan(5*time.Second, func() error {
		r := s.Engine.Apply(&engine.Command{Kind: engine.AskCallback, Contact: g.id}, s.Now)
		g.virtual = r.Err == nil
		g.stays = true // if an agent is being called for him he waits the moment
		for i := range r.Events {
			s.event(&r.Events[i])
		}
		for i := range r.Actions {
			s.action(&r.Actions[i])
		}
		s.later(5*time.Second, engine.Command{Kind: engine.Tick})
		if s.set.Look != nil {
			return s.set.Look(s, &r)
		}
		return nil
	})
}

// judge counts the promises to a caller whose wait is over.
func (s *Shift) judge(g *guest, served bool) {
	if !g.asks {
		s.tally.Live++
		s.tally.Waits += s.Now.Sub(g.came)
	}
	for _, p := range g.told {
		late := s.Now.Sub(p.at) > p.high
		if served || late {
			s.tally.Told++
		}
		if !late && served {
			s.tally.Kept++
		}
	}
	g.told = nil
}

func (s *Shift) ended(g *guest, e *engine.Event) {
	delete(s.guests, e.Contact)
	switch e.Outcome {
	case engine.Abandoned:
		s.tally.Abandoned++
		s.judge(g, false)
		if s.set.Trouble && s.rng.Float64() < 0.3 {
			again := *g
			again.id += "+"
			s.tally.Callers++
			s.plan(time.Duration(s.rng.IntN(480))*time.Second, func() error { return s.arrive(&again) })
		}
	case engine.Unreached:
		s.tally.Unreached++
	}
}

// agent lets a paused agent come back.
func (s *Shift) agent(e *engine.Event) {
	switch {
	case e.State != journal.AgentPaused:
	case e.Reason == engine.ReasonBreak:
		s.tally.Breaks++
		s.later(s.set.Guard/8, engine.Command{Kind: engine.Ready, Agent: e.Agent})
	case e.Reason == engine.ReasonUnreachable:
	default:
		s.later(3*time.Minute, engine.Command{Kind: engine.Ready, Agent: e.Agent})
	}
}

func (s *Shift) action(x *engine.Action) {
	switch x.Kind {
	case engine.RingAgent, engine.CallBack:
		s.ring(x)
	case engine.Connect:
		if g := s.guests[x.Contact]; g.virtual && !g.talks {
			result, after := engine.DialAnswered, s.set.Dial
			if s.rng.Float64() < s.set.Unheard {
				result, after = engine.DialNoAnswer, 20*time.Second
			}
			s.later(after, engine.Command{Kind: engine.CallbackResult, Contact: x.Contact, Result: result})
		}
	}
}

// ring lets the agent answer at once, but for trouble.
func (s *Shift) ring(x *engine.Action) {
	accept := engine.Command{Kind: engine.Accept, Offer: x.Offer}
	if !s.set.Trouble {
		s.later(0, accept)
		return
	}
	switch p := s.rng.Float64(); {
	case p < 0.04: // lets it ring
	case p < 0.06:
		s.later(3*time.Second, engine.Command{Kind: engine.Decline, Offer: x.Offer})
	case p < 0.07:
		s.later(time.Second, engine.Command{Kind: engine.Fail, Offer: x.Offer})
		s.later(time.Second, engine.Command{Kind: engine.PhoneGone, Agent: x.Agent})
		s.later(time.Minute, engine.Command{Kind: engine.PhoneBack, Agent: x.Agent})
	case p < 0.09: // is on another call
		s.later(time.Second, engine.Command{Kind: engine.AgentBusy, Agent: x.Agent})
		s.later(2*time.Minute, engine.Command{Kind: engine.AgentFree, Agent: x.Agent})
	default:
		s.later(time.Duration(2+s.rng.IntN(6))*time.Second, accept)
		if p < 0.12 {
			s.later(8*time.Second, accept)
		}
	}
}

// later plans a command.
func (s *Shift) later(after time.Duration, cmd engine.Command) {
	s.plan(after, func() error { return s.apply(cmd) })
}

func (s *Shift) plan(after time.Duration, what func() error) {
	s.planned++
	s.agenda.push(plan{s.Now.Add(after), s.planned, what})
}
