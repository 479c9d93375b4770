package engine_test

import (
	"fmt"
	"slices"
	"time"

	"centralino/acd/engine"
	"centralino/internal/journal"
)

var epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// observer knows the engine only from outside: it follows events and actions with
// a model of its own and says which promise was broken.
type observer struct {
	cfg      engine.Config
	last     time.Time
	agents   map[engine.AgentID]*seenAgent
	contacts map[engine.ContactID]*seenContact
	offers   map[engine.OfferID]*seenOffer
	rings    map[engine.OfferID]bool // phones ring, by actions
	entered  int
	ended    int
	log      []engine.Event
	left     map[engine.ContactID]bool // ended in the present result

	places   map[seenLine]seenPlace // of callers who hung up or were cut off
	carried  map[engine.ContactID]time.Time
	served   map[journal.SubjectID]seenService
	held     map[journal.SubjectID]seenHold
	outcomes map[string]int
}

type seenLine struct {
	queue  engine.QueueID
	caller journal.SubjectID
}

type seenPlace struct {
	rank, at time.Time
	cut      bool
}

type seenService struct {
	agent engine.AgentID
	at    time.Time
	queue engine.QueueID
}

type seenAgent struct {
	state journal.AgentStateName
	since time.Time
	spent map[journal.AgentStateName]time.Duration
	first time.Time // first login
	idle  time.Time
	left  time.Time // refused something: left alone until
	gone  bool
	owes  engine.ContactID
	until time.Time // of wrap-up
	why   engine.Reason

	screen time.Time // at the screen since, but for interruptions that were too short
	off    time.Time // off the screen since
	asked  time.Time // limit for which a break was proposed
}

type seenContact struct {
	queue   engine.QueueID
	rank    time.Time
	urgent  bool
	since   time.Time
	talks   bool
	agent   engine.AgentID
	offers  map[engine.OfferID]bool
	missed  map[engine.AgentID]int
	waited  time.Duration
	talked  time.Duration
	entered time.Time

	caller    journal.SubjectID
	virtual   bool
	dialling  bool
	dialled   time.Time
	settled   engine.Reason // by a person: the contact ends
	tries     int
	next      time.Time
	keep      engine.AgentID
	keepUntil time.Time
	seq       int          // of the event by which it began to wait
	told      engine.Event // the last announcement
	toldSeq   int
}

type seenOffer struct {
	contact engine.ContactID
	agent   engine.AgentID
	ended   string
}

func newObserver(cfg engine.Config) *observer {
	return &observer{
		cfg:      cfg,
		last:     epoch,
		agents:   map[engine.AgentID]*seenAgent{},
		contacts: map[engine.ContactID]*seenContact{},
		offers:   map[engine.OfferID]*seenOffer{},
		rings:    map[engine.OfferID]bool{},
		places:   map[seenLine]seenPlace{},
		carried:  map[engine.ContactID]time.Time{},
		served:   map[journal.SubjectID]seenService{},
		held:     map[journal.SubjectID]seenHold{},
		outcomes: map[string]int{},
	}
}

func (o *observer) queue(id engine.QueueID) *engine.Queue {
	for i := range o.cfg.Queues {
		if o.cfg.Queues[i].ID == id {
			return &o.cfg.Queues[i]
		}
	}
	return nil
}

func (o *observer) agent(id engine.AgentID) *seenAgent {
	a := o.agents[id]
	if a == nil {
		a = &seenAgent{state: journal.AgentLoggedOut, spent: map[journal.AgentStateName]time.Duration{}}
		o.agents[id] = a
	}
	return a
}

// before says whether x ranks before y.
func before(x, y *seenContact, xid, yid engine.ContactID) bool {
	if x.urgent != y.urgent {
		return x.urgent
	}
	if !x.rank.Equal(y.rank) {
		return x.rank.Before(y.rank)
	}
	return xid < yid
}

// seeksAgent says whether a contact may be offered to one more agent at t.
func (o *observer) seeksAgent(c *seenContact, t time.Time) bool {
	q := o.queue(c.queue)
	if q == nil || c.talks || c.dialling {
		return false
	}
	if c.virtual {
		return !c.next.After(t) && !o.onTheLine(c) && o.holder(c.caller, t) == "" && (q.Strategy == engine.RingAll || len(c.offers) == 0)
	}
	if q.MaxWait > 0 && !t.Before(c.since.Add(q.MaxWait)) {
		return false
	}
	switch q.Strategy {
	case engine.RingAll:
		return true
	default:
		return len(c.offers) == 0
	}
}

// take checks one result and follows it.
func (o *observer) take(r engine.Result, now time.Time) error {
	if now.Before(o.last) {
		now = o.last
	}
	o.last = now
	o.left = map[engine.ContactID]bool{}
	for i := range r.Events {
		e := r.Events[i]
		if err := o.length(&e, r.Events[i:]); err != nil {
			return fmt.Errorf("%s: %w", describe(&e), err)
		}
		e.Candidates = slices.Clone(e.Candidates)
		o.log = append(o.log, e)
		if !e.At.Time().Equal(now) {
			return fmt.Errorf("event %d stamped %v at %v", e.Kind, e.At.Time(), now)
		}
		if err := o.event(&e); err != nil {
			return fmt.Errorf("%s: %w", describe(&e), err)
		}
	}
	for i := range r.Actions {
		if err := o.action(&r.Actions[i]); err != nil {
			return fmt.Errorf("action %+v: %w", r.Actions[i], err)
		}
	}
	return nil
}

// length checks that a contact that enters is refused if the queue is full, and
// only then.
func (o *observer) length(e *engine.Event, rest []engine.Event) error {
	if e.Kind != engine.ContactQueued || e.Reason != "" {
		return nil
	}
	n := 0
	for _, c := range o.contacts {
		if c.queue == e.Queue && !c.talks && !c.virtual {
			n++
		}
	}
	for i := range rest {
		if rest[i].Kind == engine.CallbackPromised && rest[i].Contact == e.Contact {
			return nil // he does not wait on the line
		}
	}
	q := o.queue(e.Queue)
	limit := q.MaxLength
	refused := len(rest) > 1 && rest[1].Contact == e.Contact && rest[1].Reason == engine.ReasonMaxLength
	empty := len(rest) > 1 && rest[1].Contact == e.Contact && rest[1].Reason == engine.ReasonNoAgent
	if want := q.RefuseEmpty && !o.anybodyIn(q); want != empty {
		return fmt.Errorf("nobody logged in is %v, refused is %v", want, empty)
	}
	if empty {
		return nil
	}
	if full := limit > 0 && n >= limit && !e.Urgent; full != refused {
		return fmt.Errorf("%d of %d waiting, refused is %v", n, limit, refused)
	}
	return nil
}

func (o *observer) event(e *engine.Event) error {
	switch e.Kind {
	case engine.AgentChanged:
		return o.agentChanged(e)
	case engine.ContactQueued:
		return o.queued(e)
	case engine.ContactOffered:
		return o.offered(e)
	case engine.OfferEnded:
		return o.offerEnded(e)
	case engine.ContactConnected:
		return o.connected(e)
	case engine.ContactEnded:
		return o.contactEnded(e)
	case engine.ContactAnnounced:
		return o.announced(e)
	case engine.CallbackPromised:
		return o.promised(e)
	case engine.CallbackTried:
		return o.tried(e)
	case engine.BreakProposed:
		return o.proposed(e)
	case engine.CallbackSettled:
		return o.settled(e)
	case engine.RecallTaken:
		return o.taken(e)
	case engine.RecallDone:
		return o.given(e)
	}
	return fmt.Errorf("unknown kind")
}

func (o *observer) agentChanged(e *engine.Event) error {
	a := o.agent(e.Agent)
	if err := o.wrapUpKept(a, e); err != nil {
		return err
	}
	if err := o.screenTime(a, e); err != nil {
		return err
	}
	a.gone, a.owes, a.until, a.why = e.Gone, e.Owes, e.Until.Time(), e.Reason
	if !a.since.IsZero() {
		a.spent[a.state] += e.At.Time().Sub(a.since)
	} else {
		a.first = e.At.Time()
	}
	a.state, a.since, a.idle = e.State, e.At.Time(), e.Idle.Time()
	if e.State == journal.AgentOffered || e.State == journal.AgentTalking {
		for _, c := range o.contacts {
			if c.talks && c.agent == e.Agent && e.State == journal.AgentTalking {
				return nil
			}
			if c.dialling && c.agent == e.Agent && e.State == journal.AgentOffered {
				return nil
			}
			for id := range c.offers {
				if o.offers[id].agent == e.Agent && e.State == journal.AgentOffered {
					return nil
				}
			}
		}
		return fmt.Errorf("no contact for this state")
	}
	return nil
}

func (o *observer) queued(e *engine.Event) error {
	c := o.contacts[e.Contact]
	if e.Reason != "" { // back in line
		if c == nil || !c.talks {
			return fmt.Errorf("returned without a talk")
		}
		c.talked += e.At.Time().Sub(c.since)
		if !e.Arrival.Time().Equal(c.rank) {
			return fmt.Errorf("lost its place")
		}
		c.talks, c.agent, c.since, c.keep, c.told, c.seq = false, "", e.At.Time(), "", engine.Event{}, len(o.log)
		return nil
	}
	if c != nil {
		return fmt.Errorf("entered twice")
	}
	o.entered++
	o.contacts[e.Contact] = &seenContact{
		queue: e.Queue, rank: e.Arrival.Time(), urgent: e.Urgent, since: e.At.Time(), entered: e.At.Time(),
		offers: map[engine.OfferID]bool{}, missed: map[engine.AgentID]int{},
		caller: e.Caller, keep: e.Agent, keepUntil: e.Until.Time(), seq: len(o.log),
	}
	delete(o.carried, e.Contact)
	delete(o.places, seenLine{e.Queue, e.Caller})
	return o.keptRightly(e)
}

func (o *observer) offered(e *engine.Event) error {
	c := o.contacts[e.Contact]
	if c == nil || c.talks {
		return fmt.Errorf("offered what does not wait")
	}
	if o.offers[e.Offer] != nil {
		return fmt.Errorf("offer id repeated")
	}
	if !e.Deadline.Time().After(e.At.Time()) {
		return fmt.Errorf("deadline not in the future")
	}
	if !o.fits(c, e.Agent, e.At.Time()) {
		return fmt.Errorf("agent may not take it")
	}
	a := o.agent(e.Agent)
	if a.state != journal.AgentReady {
		return fmt.Errorf("agent is %s", a.state)
	}
	if e.At.Time().Before(a.left) {
		return fmt.Errorf("agent should be left alone until %v", a.left)
	}
	if engaged := o.engagement(e.Agent); engaged != "" {
		return fmt.Errorf("agent is engaged with %s", engaged)
	}
	if limit := o.limit(e.Agent); !limit.IsZero() && !e.At.Time().Before(limit) {
		return fmt.Errorf("agent should be on a break since %v", limit)
	}
	if c.virtual && (o.onTheLine(c) || e.At.Time().Before(c.next)) {
		return fmt.Errorf("called back while on the line or before %v", c.next)
	}
	if by := o.holder(c.caller, e.At.Time()); c.virtual && by != "" {
		return fmt.Errorf("called back while %s has taken him", by)
	}
	for id, other := range o.contacts {
		if other != c && o.fits(other, e.Agent, e.At.Time()) && o.seeksAgent(other, e.At.Time()) && before(other, c, id, e.Contact) {
			return fmt.Errorf("overtook %s", id)
		}
	}
	if err := o.chosenWell(e, c); err != nil {
		return err
	}
	c.offers[e.Offer] = true
	o.offers[e.Offer] = &seenOffer{contact: e.Contact, agent: e.Agent}
	return nil
}

// chosenWell checks the agent against longest idle, told from events alone, and
// that the stored candidates say so.
func (o *observer) chosenWell(e *engine.Event, c *seenContact) error {
	if len(e.Candidates) == 0 || len(e.Candidates) > 8 {
		return fmt.Errorf("%d candidates", len(e.Candidates))
	}
	if e.Strategy != engine.RingAll {
		if e.Candidates[0].Agent != e.Agent || e.Candidates[0].Reason != "" {
			return fmt.Errorf("first candidate %+v", e.Candidates[0])
		}
	}
	for _, cand := range e.Candidates {
		if state := o.agent(cand.Agent).state; cand.Reason == "" && state != journal.AgentReady && e.Strategy != engine.RingAll {
			return fmt.Errorf("candidate %s is %s", cand.Agent, state)
		}
	}
	if e.Strategy == engine.RingAll {
		return nil
	}
	mine := o.agent(e.Agent)
	for _, m := range someAgents {
		a := o.agent(m)
		if m == e.Agent || a.state != journal.AgentReady || e.At.Time().Before(a.left) || !o.fits(c, m, e.At.Time()) {
			continue
		}
		if c.missed[m] < c.missed[e.Agent] {
			return fmt.Errorf("%s has missed it less often", m)
		}
		g, h := o.grade(c, m), o.grade(c, e.Agent)
		if c.missed[m] == c.missed[e.Agent] && g < h {
			return fmt.Errorf("%s has grade %d, %s %d", m, g, e.Agent, h)
		}
		if e.Strategy != engine.LongestIdle && e.Strategy != engine.Progressive {
			continue
		}
		if c.missed[m] == c.missed[e.Agent] && g == h && a.idle.Truncate(time.Microsecond).Before(mine.idle.Truncate(time.Microsecond)) {
			return fmt.Errorf("%s is idle since %v, before %v", m, a.idle, mine.idle)
		}
	}
	return nil
}

func (o *observer) engagement(agent engine.AgentID) engine.ContactID {
	for id, c := range o.contacts {
		if (c.talks || c.dialling) && c.agent == agent {
			return id
		}
		for off := range c.offers {
			if o.offers[off].agent == agent {
				return id
			}
		}
	}
	return ""
}

func (o *observer) offerEnded(e *engine.Event) error {
	off := o.offers[e.Offer]
	if off == nil || off.ended != "" || off.agent != e.Agent || off.contact != e.Contact {
		return fmt.Errorf("no such offer stands: %+v", off)
	}
	off.ended = e.Outcome
	c := o.contacts[e.Contact]
	delete(c.offers, e.Offer)
	a := o.agent(e.Agent)
	switch journal.OfferOutcome(e.Outcome) {
	case journal.OfferAccepted:
		if c.virtual {
			c.dialling, c.agent, c.dialled = true, e.Agent, e.At.Time()
		}
	case journal.OfferMissed:
		c.missed[e.Agent]++
	case journal.OfferRefused, journal.OfferFailed:
		c.missed[e.Agent]++
		a.left = e.At.Time().Add(engine.RetryDelay)
	}
	return nil
}

func (o *observer) connected(e *engine.Event) error {
	c, off := o.contacts[e.Contact], o.offers[e.Offer]
	if off == nil || off.ended != string(journal.OfferAccepted) {
		return fmt.Errorf("connected without an accepted offer")
	}
	if c.talks || len(c.offers) != 0 {
		return fmt.Errorf("talks already or still rings: %+v", c)
	}
	if who := o.engagement(e.Agent); who != "" && who != e.Contact || c.virtual {
		return fmt.Errorf("agent is with %s", who)
	}
	if c.caller != "" {
		o.served[c.caller] = seenService{e.Agent, e.At.Time(), c.queue}
	}
	c.waited += e.At.Time().Sub(c.since)
	if c.waited != e.Waited {
		return fmt.Errorf("waited %v, says %v", c.waited, e.Waited)
	}
	c.talks, c.agent, c.since, c.settled = true, e.Agent, e.At.Time(), ""
	return nil
}

func (o *observer) contactEnded(e *engine.Event) error {
	c := o.contacts[e.Contact]
	if c == nil {
		return fmt.Errorf("ended twice")
	}
	if len(c.offers) != 0 {
		return fmt.Errorf("ended while it rings")
	}
	if c.talks {
		c.talked += e.At.Time().Sub(c.since)
	} else {
		c.waited += e.At.Time().Sub(c.since)
	}
	if c.waited != e.Waited || c.talked != e.Talked {
		return fmt.Errorf("waited %v talked %v, says %v %v", c.waited, c.talked, e.Waited, e.Talked)
	}
	if c.waited+c.talked != e.At.Time().Sub(c.entered) {
		return fmt.Errorf("%v and %v do not add up to %v", c.waited, c.talked, e.At.Time().Sub(c.entered))
	}
	if (e.Outcome == engine.Served) != (c.talks) && e.Outcome != engine.Restarted || c.dialling {
		return fmt.Errorf("outcome %s while talking is %v", e.Outcome, c.talks)
	}
	if c.virtual != (e.Outcome == engine.Merged || e.Outcome == engine.Unreached) && e.Reason != engine.ReasonRemoved {
		return fmt.Errorf("outcome %s while virtual is %v", e.Outcome, c.virtual)
	}
	if c.settled != "" && (e.Outcome != engine.Merged || e.Reason != c.settled) {
		return fmt.Errorf("settled (%s) and ended otherwise", c.settled)
	}
	if at := (seenLine{c.queue, c.caller}); c.caller != "" && (e.Outcome == engine.Abandoned || e.Outcome == engine.Restarted) {
		o.places[at] = seenPlace{c.rank, e.At.Time(), e.Outcome == engine.Restarted}
	}
	if e.Outcome == engine.Overflow && e.Reason != engine.ReasonSuperseded || e.Outcome == engine.Served && (e.Reason == engine.ReasonTransferred || e.Reason == engine.ReasonConsulted) {
		o.carried[e.Contact] = c.rank
	}
	if m, ok := o.served[c.caller]; ok && (e.Reason == engine.ReasonTransferred || e.Reason == engine.ReasonConsulted) {
		m.agent = ""
		o.served[c.caller] = m
	}
	o.outcomes[e.Outcome]++
	delete(o.contacts, e.Contact)
	o.left[e.Contact] = true
	o.ended++
	return nil
}

func (o *observer) action(a *engine.Action) error {
	switch a.Kind {
	case engine.RingAgent, engine.CallBack:
		if o.offers[a.Offer] == nil || o.rings[a.Offer] {
			return fmt.Errorf("rings without an offer or twice")
		}
		o.rings[a.Offer] = true
	case engine.Announce:
		if a.Position == 0 && a.High == 0 && !a.Periodic {
			return fmt.Errorf("says nothing")
		}
	case engine.StopRing, engine.Connect:
		if !o.rings[a.Offer] {
			return fmt.Errorf("does not ring")
		}
		want := string(journal.OfferAccepted)
		if got := o.offers[a.Offer].ended; (got == want) != (a.Kind == engine.Connect) {
			return fmt.Errorf("offer ended as %s", got)
		}
		delete(o.rings, a.Offer)
	case engine.Refuse:
		if off := o.offers[a.Offer]; off != nil && off.ended == "" {
			return fmt.Errorf("refused an offer that stands")
		}
	case engine.Leave:
		if stranger := o.contacts[a.Contact] == nil; !o.left[a.Contact] && a.Reason != engine.ReasonNoQueue && !(stranger && a.Reason == engine.ReasonLost) {
			return fmt.Errorf("leaves and stays")
		}
	}
	return nil
}

// check says what is wrong between commands.
func (o *observer) check(s *engine.State) error {
	now := o.last
	if at, ok := s.Deadline(); ok && !at.After(now) {
		return fmt.Errorf("deadline %v is not after %v", at, now)
	}
	if o.entered != o.ended+len(o.contacts) {
		return fmt.Errorf("%d entered, %d ended, %d inside", o.entered, o.ended, len(o.contacts))
	}
	for id, c := range o.contacts {
		if !c.talks && !c.dialling && o.queue(c.queue) == nil {
			return fmt.Errorf("%s waits in a deleted queue", id)
		}
		for m, a := range o.agents {
			if a.state == journal.AgentReady && !now.Before(a.left) && o.fits(c, m, now) && o.seeksAgent(c, now) {
				return fmt.Errorf("%s waits while %s is free", id, m)
			}
		}
	}
	for id := range o.rings {
		off := o.offers[id]
		if off.ended != "" && journal.OfferOutcome(off.ended) != journal.OfferRefused && journal.OfferOutcome(off.ended) != journal.OfferFailed {
			return fmt.Errorf("offer %d ended as %s and still rings", id, off.ended)
		}
		if off.ended != "" {
			delete(o.rings, id)
		}
	}
	for id, c := range o.contacts {
		if c.talks && o.agent(c.agent).state != journal.AgentTalking {
			return fmt.Errorf("%s talks to %s, who is %s", id, c.agent, o.agent(c.agent).state)
		}
		for off := range c.offers {
			if who := o.offers[off].agent; o.agent(who).state != journal.AgentOffered {
				return fmt.Errorf("%s rings at %s, who is %s", id, who, o.agent(who).state)
			}
		}
	}
	if err := o.checkBreaks(); err != nil {
		return err
	}
	if err := o.checkTaken(); err != nil {
		return err
	}
	for id, a := range o.agents {
		sum := now.Sub(a.since)
		for _, d := range a.spent {
			sum += d
		}
		if !a.first.IsZero() && sum != now.Sub(a.first) {
			return fmt.Errorf("times of %s add up to %v of %v", id, sum, now.Sub(a.first))
		}
		if v, ok := s.Agent(id); ok && v.State != a.state {
			return fmt.Errorf("%s is %s in the view and %s in the journal", id, v.State, a.state)
		}
	}
	return o.checkQueues(s)
}
