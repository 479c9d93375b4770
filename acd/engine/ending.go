package engine

import (
	"time"

	"centralino/internal/journal"
)

// line names a caller in a queue, for what is remembered of him.
type line struct {
	queue  int32
	caller journal.SubjectID
}

// formerly is the place of a caller who left the line, and when he did.
type formerly struct {
	key, at int64
	cut     bool // by a restart
}

// service is who served a caller last, when, and for which queue.
type service struct {
	agent AgentID // empty: who did so has handed him on
	at    int64
	queue int32
}

// How much is remembered. A box serves some thousand callers a day at most.
const (
	servedLimit  = 1 << 14
	leftLimit    = 1 << 12
	carriedLimit = 1 << 10
)

// endWaiting ends a contact that does not talk, and withdraws its offers.
func (s *State) endWaiting(i int32, outcome string, why Reason) {
	stop := ReasonCallerGone
	if why != "" {
		stop = why
	}
	for c := &s.contacts[i]; len(c.offers) > 0; {
		s.withdraw(c.offers[len(c.offers)-1], stop)
	}
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	if c.heap >= 0 {
		s.pull(i)
	}
	s.setTimer(contactRef(i), 0)
	e := s.emit(ContactEnded)
	e.Contact, e.Queue, e.Outcome, e.Reason = c.id, q.cfg.ID, outcome, why
	e.Waited, e.Talked = time.Duration(c.waited+s.now-c.since), time.Duration(c.talked)
	q.inside--
	s.closed(c, outcome, why)
	caller := c.caller
	s.freeContact(i)
	s.siblings(caller, -1)
}

// closed takes note of the end of a contact that did not talk. It is what both the
// living engine and its replay do.
func (s *State) closed(c *contact, outcome string, why Reason) {
	q := &s.queues[c.queue]
	if c.virtual {
		q.virtual--
		s.virtuals--
	} else if outcome != Restarted {
		q.pace.Waited(time.Duration(s.now-c.since), outcome == Abandoned)
	}
	switch outcome {
	case Abandoned, Restarted:
		s.remember(c, outcome == Restarted)
	case Overflow:
		if why != ReasonSuperseded {
			s.carried.put(c.id, c.key)
		}
	}
}

// remember keeps the place of a caller who may come again.
func (s *State) remember(c *contact, cut bool) {
	if c.caller != "" {
		s.left.put(line{c.queue, c.caller}, formerly{c.key, s.now, cut})
	}
}

func (s *State) abandon(id ContactID) error {
	i, ok := s.find(id)
	if !ok {
		return ErrStray
	}
	c := &s.contacts[i]
	switch {
	case c.talks:
		s.endTalk(i, Served, "")
	case c.virtual:
		return ErrStray // he hung up because he was promised a call
	default:
		s.endWaiting(i, Abandoned, "")
	}
	return nil
}

// exit ends a contact whose caller chose another path.
func (s *State) exit(id ContactID) error {
	i, ok := s.find(id)
	if !ok || s.contacts[i].talks || s.contacts[i].virtual {
		return ErrStray
	}
	s.endWaiting(i, Overflow, ReasonExit)
	return nil
}

func (s *State) talkEnded(cmd *Command) error {
	i, ok := s.find(cmd.Contact)
	switch {
	case !ok:
		return ErrStray
	case s.contacts[i].dialling: // the agent gave up
		s.dialled(i, DialFailed, "")
		return nil
	case !s.contacts[i].talks:
		return ErrStray
	}
	why := Reason("")
	if cmd.Reason == ReasonTransferred || cmd.Reason == ReasonConsulted {
		why = cmd.Reason
	}
	s.endTalk(i, Served, why)
	return nil
}

// endTalk ends a contact that talks; the agent goes to wrap-up.
func (s *State) endTalk(i int32, outcome string, why Reason) {
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	ai := c.agent
	e := s.emit(ContactEnded)
	e.Contact, e.Queue, e.Agent, e.Outcome, e.Reason = c.id, q.cfg.ID, s.agents[ai].id, outcome, why
	e.Waited, e.Talked = time.Duration(c.waited), time.Duration(c.talked+s.now-c.since)
	q.talking--
	s.hungUp(c, outcome, why)
	caller := c.caller
	s.freeContact(i)
	s.unlink(ai)
	a := &s.agents[ai]
	if wrap := int64(q.cfg.WrapUp); wrap > 0 && outcome == Served {
		a.wrapUntil = s.now + wrap
	} else {
		s.endWrapUp(a, s.now)
	}
	s.settle(ai)
	if s.virtuals > 0 {
		s.siblings(caller, -1)
	}
}

// hungUp takes note of the end of a talk, alive and in replay. Whom his agent hands on
// keeps his rank, and is kept for that agent no more.
func (s *State) hungUp(c *contact, outcome string, why Reason) {
	q := &s.queues[c.queue]
	if why == ReasonTransferred || why == ReasonConsulted {
		s.carried.put(c.id, c.key)
		if m, ok := s.served.get(c.caller); ok {
			m.agent = ""
			s.served.put(c.caller, m)
		}
	}
	if outcome == Served {
		q.pace.Served(time.Duration(c.talked + s.now - c.since))
		return
	}
	s.remember(c, true)
}

// unlink ends the agent's part in a contact.
func (s *State) unlink(ai int32) {
	a := &s.agents[ai]
	s.offerAt.drop(a.offer)
	a.phase, a.contact, a.offer, a.deadline = idle, -1, 0, 0
}

// talkLost puts a contact whose agent vanished back to its place, and pauses the
// agent until he says that he is ready. A contact that nobody knows goes back to its
// path: it would hear music for ever.
func (s *State) talkLost(id ContactID) error {
	i, ok := s.find(id)
	if !ok && id != "" {
		l := s.act(Leave)
		l.Contact, l.Reason = id, ReasonLost
	}
	if !ok || !s.contacts[i].talks && !s.contacts[i].dialling {
		return ErrStray
	}
	c := &s.contacts[i]
	q := &s.queues[c.queue]
	ai := c.agent
	if c.dialling {
		s.dialled(i, DialFailed, "")
	} else {
		s.backInLine(c)
		s.emitQueued(c, ReasonLost)
		s.unlink(ai)
	}
	a := &s.agents[ai]
	a.away, a.pause = statePaused, ReasonLost
	s.endWrapUp(a, s.now)
	s.settle(ai)
	switch {
	case !s.contacts[i].used || s.contacts[i].id != id: // the last attempt to call back
	case !q.live:
		s.leave(i, ReasonRemoved)
	default:
		s.reopen(i)
	}
	return nil
}

// backInLine makes a talking contact wait again.
func (s *State) backInLine(c *contact) {
	q := &s.queues[c.queue]
	c.talked += s.now - c.since
	if c.keep >= 0 {
		s.kept--
	}
	c.talks, c.agent, c.since, c.heard, c.keep = false, -1, s.now, s.now, -1
	c.said = told{}
	q.talking--
	q.inside++
}

// restart ends everything that cannot have survived the box: contacts on the line,
// offers, talks and outside calls. Agents keep being logged in or paused, callers
// who are to be called back keep their places. Nobody waited on the line, talked or
// worked any more after the box died; time off is time off the screen.
func (s *State) restart(died int64) {
	now := s.now
	if died == 0 || died > now {
		died = now
	}
	for i := range s.contacts {
		c := &s.contacts[i]
		switch {
		case !c.used:
		case c.dialling:
			s.dialled(int32(i), DialFailed, "")
		case c.virtual:
			for len(c.offers) > 0 {
				s.withdraw(c.offers[len(c.offers)-1], ReasonRestart)
			}
			s.reopen(int32(i))
		case c.talks:
			c.since += now - max(died, c.since) // the time in between does not count
			s.endTalk(int32(i), Restarted, ReasonRestart)
		default:
			c.since += now - max(died, c.since)
			s.endWaiting(int32(i), Restarted, ReasonRestart)
		}
	}
	for i := range s.agents {
		a := &s.agents[i]
		a.work.book(a.shown.state.class(), died)
		a.work.upto = now
		a.outside = false
		s.guard.wasOff(a, died, now)
		s.settle(int32(i))
	}
}
