package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
)

// State is what the box is doing now, as far as the journal tells it: calls in
// progress, who waits in which queue, what agents do, lines, phones and faults.
// It names people by pseudonym only. State is a fold: Apply is its only writer,
// and the same events always give the same state, so that live pages and reports
// cannot disagree.
type State struct {
	Seq     uint64    // last event seen
	Late    []uint64  `json:",omitempty"` // before it, and did not come yet
	At      time.Time // time of the last one
	Version int       // office version in force
	Box     Box
	Calls   map[journal.CallID]*Call
	Waiting map[journal.ContactID]*Contact
	Agents  map[journal.SubjectID]Agent
	Lines   map[string]Line
	Phones  map[string]Phone
	Faults  map[FaultKey]time.Time // raised and not cleared, since when

	// Odd counts events that fit no state (a leg of an unknown call, a second
	// start): they change nothing else.
	Odd int
}

// Box is what the last start said, and the last one that told of a repair of the file
// system.
type Box struct {
	Version    string
	Board      string
	Started    time.Time
	Unclean    bool
	Repaired   journal.Repair `json:",omitempty"`
	RepairedAt time.Time      `json:",omitzero"`

	ClockBy journal.SubjectID `json:",omitempty"` // who set the clock last, at this start or before
}

// FaultKey names one fault.
type FaultKey struct{ Code, Subject string }

// MarshalText writes the key for a kept state.
func (k FaultKey) MarshalText() ([]byte, error) { return []byte(k.Code + "\n" + k.Subject), nil }

// UnmarshalText reads it.
func (k *FaultKey) UnmarshalText(b []byte) error {
	k.Code, k.Subject, _ = strings.Cut(string(b), "\n")
	return nil
}

// Phase is where a call stands, for people.
type Phase string

// Phases of a call, in the order in which they come.
const (
	Ringing   Phase = "ringing"   // not yet answered
	Guided    Phase = "guided"    // the box talks: message, menu
	Queued    Phase = "queued"    // waits for an agent
	Offered   Phase = "offered"   // rings at an agent
	Talking   Phase = "talking"   // two people hear each other
	HoldPhase Phase = "held"      // one side is on hold
	Emergency Phase = "emergency" // an emergency call, whatever its legs do
)

// Call is one call in progress.
type Call struct {
	ID        journal.CallID
	Direction journal.Direction
	Line      string
	From, To  journal.SubjectID
	Left      bool              // From has handed it on
	Party     journal.SubjectID // outside party who came from a call that was joined with it
	Extension string
	Dialled   string
	Emergency bool
	Started   time.Time
	Answered  time.Time // zero: not yet
	Path      string
	Step      string
	Key       string
	Agent     journal.SubjectID // who talks, of a queue call
	Bridged   time.Time         // zero: nobody talks yet
	Legs      []Leg
}

// Leg is one leg of a call in progress.
type Leg struct {
	ID        journal.LegID
	Kind      journal.LegKind
	State     journal.LegState
	Line      string
	Device    string
	Person    journal.SubjectID
	Extension string
	Since     time.Time
}

// Contact is somebody who waits in a queue, on the line or to be called back.
type Contact struct {
	ID       journal.ContactID
	Call     journal.CallID
	Queue    string
	Caller   journal.SubjectID
	Arrival  time.Time // its rank
	Since    time.Time // waits in this queue since
	Urgent   bool
	Promised time.Time                             // a call back was promised; zero: waits on the line
	Calling  bool                                  // … and an agent waits while he is being called
	Tries    int                                   // … attempts that came to nothing
	Next     time.Time                             // … is not called before
	Offers   map[journal.OfferID]journal.SubjectID // at whom it rings
	Offered  journal.ContactOffered                // the last offer, with its reasons
}

// Agent is what an agent does.
type Agent struct {
	State  journal.AgentStateName
	Reason string
	Since  time.Time              // of State and Reason
	Asked  journal.AgentStateName // what he will be after the present call
	Until  time.Time              // end of wrap-up
	More   bool                   // has lengthened his wrap-up
	Owes   journal.ContactID      // whose outcome he has yet to tell
	Gone   bool                   // no phone of his can be reached
	Screen time.Time              // at the screen since, as if without interruption
	Left   time.Time              // the screen, for a break
	Due    time.Time              // of the break that was proposed; zero: none
	Served Served                 // the conversation that goes on, or the last one
}

// Served is a conversation of an agent with a caller of a queue.
type Served struct {
	Call    journal.CallID
	Queue   string
	Caller  journal.SubjectID
	Waited  time.Duration
	Since   time.Time
	Ended   time.Time // zero: goes on
	Outcome string    // id of the office's outcome; empty: none told yet
}

// Line is the state of a line or trunk.
type Line struct {
	State  string
	Reason string
	Since  time.Time
}

// Phone is whether a phone is registered.
type Phone struct {
	Online bool
	Since  time.Time
}

// New returns the state before the first event.
func New() *State {
	return &State{
		Calls:   map[journal.CallID]*Call{},
		Waiting: map[journal.ContactID]*Contact{},
		Agents:  map[journal.SubjectID]Agent{},
		Lines:   map[string]Line{},
		Phones:  map[string]Phone{},
		Faults:  map[FaultKey]time.Time{},
	}
}

// StateVersion is the form in which a state is kept; another one is not read.
const StateVersion = 3

// Keep writes the state, so that a later start need not read the whole journal.
func (s *State) Keep() ([]byte, error) { return json.Marshal(s) }

// Resume reads a kept state.
func Resume(b []byte) (*State, error) {
	s := New()
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("read kept live state: %w", err)
	}
	return s, nil
}

// Clone copies the state; the copy shares nothing with the original.
func (s *State) Clone() *State {
	c := *s
	c.Agents, c.Lines, c.Phones, c.Faults = maps.Clone(s.Agents), maps.Clone(s.Lines), maps.Clone(s.Phones), maps.Clone(s.Faults)
	c.Calls = make(map[journal.CallID]*Call, len(s.Calls))
	for id, call := range s.Calls {
		n := *call
		n.Legs = slices.Clone(call.Legs)
		c.Calls[id] = &n
	}
	c.Waiting = make(map[journal.ContactID]*Contact, len(s.Waiting))
	for id, w := range s.Waiting {
		n := *w
		n.Offers = maps.Clone(w.Offers)
		c.Waiting[id] = &n
	}
	return &c
}

// Apply folds one event in and returns the topics whose pages change by it.
// Events that were seen already change nothing; some come late (see journal.Fresh).
func (s *State) Apply(e journal.Event) Topics {
	if !journal.Fresh(e.Seq, &s.Seq, &s.Late) {
		return 0
	}
	if e.Seq == s.Seq || e.Seq == 0 {
		s.At = e.Time
	}
	switch p := e.Payload.(type) {
	case journal.AgentChanged:
		s.agent(p, e.Time)
		return Queues
	case journal.BreakProposed:
		a := s.Agents[p.Agent]
		a.Due = p.Due
		s.Agents[p.Agent] = a
		return Queues
	case journal.LineChanged:
		s.Lines[p.Line] = Line{State: p.State, Reason: p.Reason, Since: e.Time}
		return Lines
	case journal.PhoneChanged:
		s.Phones[p.Device] = Phone{Online: p.Online, Since: e.Time}
		return Phones
	case journal.FaultChanged:
		return s.fault(p, e.Time)
	case journal.OfficeChanged:
		s.Version = p.Version
		return Office
	case journal.BoxStarted:
		// What the drivers see they report anew after a start.
		s.Box = Box{Version: p.Version, Board: p.Board, Started: e.Time, Unclean: p.Unclean, Repaired: s.Box.Repaired, RepairedAt: s.Box.RepairedAt, ClockBy: s.Box.ClockBy}
		if p.Repaired != "" {
			s.Box.Repaired, s.Box.RepairedAt = p.Repaired, e.Time
		}
		s.Lines, s.Faults = map[string]Line{}, map[FaultKey]time.Time{}
		return All
	case journal.RecallTaken, journal.RecallDone:
		return Queues
	case journal.UpdateChanged:
		return Updates
	case journal.ClockSet:
		s.Box.ClockBy = p.By
		return 0
	case journal.ReportMailed, journal.BoxStopped, journal.AccessEvent:
		return 0
	}
	return s.applyCall(e)
}

func (s *State) agent(p journal.AgentChanged, at time.Time) {
	a := s.Agents[p.Agent]
	if a.State != p.State || a.Reason != p.Reason {
		a.State, a.Reason, a.Since = p.State, p.Reason, at
	}
	if !a.Screen.Equal(p.Screen) || !p.Left.IsZero() {
		a.Due = time.Time{} // had his break, or part of it
	}
	a.Asked, a.Until, a.More, a.Owes, a.Gone, a.Screen, a.Left = p.Asked, p.Until, p.Extended, p.Owes, p.Gone, p.Screen, p.Left
	s.Agents[p.Agent] = a
}

func (s *State) fault(p journal.FaultChanged, at time.Time) Topics {
	k := FaultKey{p.Code, p.Subject}
	if _, there := s.Faults[k]; p.Raised && !there {
		s.Faults[k] = at
	} else if !p.Raised {
		delete(s.Faults, k)
	}
	return Health
}

// applyCall folds the events of calls and contacts.
func (s *State) applyCall(e journal.Event) Topics {
	switch p := e.Payload.(type) {
	case journal.CallStarted:
		if s.Calls[e.Call] != nil {
			s.Odd++
			return 0
		}
		s.Calls[e.Call] = &Call{ID: e.Call, Direction: p.Direction, Line: p.Line, From: p.From, To: p.To,
			Extension: p.Extension, Dialled: p.Dialled, Emergency: p.Emergency, Started: e.Time}
		return Calls | Lines
	case journal.CallEnded:
		if s.Calls[e.Call] == nil {
			s.Odd++
		}
		delete(s.Calls, e.Call)
		if w := s.Waiting[journal.ContactID(e.Call)]; w != nil && w.Promised.IsZero() {
			delete(s.Waiting, w.ID)
		}
		return Calls | Lines | Queues
	case journal.ContactQueued:
		s.Waiting[p.Contact] = &Contact{ID: p.Contact, Call: e.Call, Queue: p.Queue, Caller: p.Caller, Arrival: p.Arrival,
			Since: e.Time, Urgent: p.Urgent, Offers: map[journal.OfferID]journal.SubjectID{}}
		return Queues | Calls
	case journal.CallbackPromised:
		if w := s.waiting(p.Contact); w != nil {
			w.Promised = e.Time
		}
		return Queues | Calls
	case journal.CallbackTried:
		if w := s.Waiting[p.Contact]; w != nil {
			w.Calling, w.Tries, w.Next = false, p.Try, p.Next
		}
		return Queues
	case journal.ContactAnnounced, journal.NoticeSaid, journal.CallbackSettled:
		return Queues
	case journal.ContactOffered:
		if s.Waiting[p.Contact] == nil && s.Calls[e.Call] == nil {
			return 0 // he hung up at the moment in which an agent became free; the offer's end follows
		}
		if w := s.waiting(p.Contact); w != nil {
			w.Offers[p.Offer] = p.Agent
			w.Offered = p
		}
		return Queues | Calls
	case journal.OfferEnded:
		if w := s.Waiting[p.Contact]; w != nil { // gone already when the offer was taken
			delete(w.Offers, p.Offer)
			w.Calling = w.Calling || p.Outcome == journal.OfferAccepted && !w.Promised.IsZero()
		}
		return Queues | Calls
	case journal.ContactConnected:
		s.connected(e.Call, p, e.Time)
		return Queues | Calls
	case journal.ContactEnded:
		delete(s.Waiting, p.Contact)
		if a, ok := s.Agents[p.Agent]; ok && a.Served.Ended.IsZero() && a.Served.Call == e.Call {
			a.Served.Ended = e.Time
			s.Agents[p.Agent] = a
		}
		return Queues | Calls
	case journal.OutcomeSet:
		if a, ok := s.Agents[p.Agent]; ok && a.Served.Call == p.Call {
			a.Served.Outcome = p.Outcome
			s.Agents[p.Agent] = a
		}
		return Queues
	}
	c := s.Calls[e.Call]
	if c == nil {
		s.Odd++
		return 0
	}
	switch p := e.Payload.(type) {
	case journal.CallCaller:
		c.From = p.From
	case journal.CallAnswered:
		if c.Answered.IsZero() {
			c.Answered = e.Time
		}
	case journal.CallStep:
		c.Path, c.Step, c.Key = p.Path, p.Step, p.Key
	case journal.CallLeg:
		c.leg(p, e.Time)
	case journal.CallTransfer:
		c.transfer(p)
		if other := s.Calls[p.Call]; other != nil && p.State == journal.TransferHanded { // which goes on with whom this one leaves
			other.Party = c.outside()
		}
	case journal.CallBridged:
		if c.Bridged.IsZero() {
			c.Bridged = e.Time
		}
	case journal.CallRouted:
		return 0
	}
	return Calls | Lines
}

// connected keeps whom the agent talks to.
func (s *State) connected(call journal.CallID, p journal.ContactConnected, at time.Time) {
	a := s.Agents[p.Agent]
	a.Served = Served{Call: call, Queue: p.Queue, Waited: p.Waited, Since: at}
	if w := s.Waiting[p.Contact]; w != nil {
		a.Served.Caller = w.Caller
	}
	if c := s.Calls[journal.CallID(p.Contact)]; c != nil {
		c.Agent = p.Agent
		a.Served.Caller = cmp.Or(a.Served.Caller, c.From)
	}
	s.Agents[p.Agent] = a
	delete(s.Waiting, p.Contact)
}

func (s *State) waiting(id journal.ContactID) *Contact {
	w := s.Waiting[id]
	if w == nil {
		s.Odd++
	}
	return w
}

// outside is the party at the call who is not of the office; empty if there is none.
func (c *Call) outside() journal.SubjectID {
	switch {
	case c.Party != "":
		return c.Party
	case c.Direction == journal.Inbound:
		return c.From
	case c.Direction == journal.Outbound:
		return c.To
	}
	return ""
}

// transfer takes who has handed the call on out of it, and brings him back.
func (c *Call) transfer(p journal.CallTransfer) {
	switch p.State {
	case journal.TransferHanded:
		c.Agent, c.Bridged = "", time.Time{}
		c.Left = c.Left || p.By == c.From && p.By != ""
	case journal.TransferAnswered, journal.TransferReturned:
		c.Left = c.Left && p.By != c.From
	}
}

func (c *Call) leg(p journal.CallLeg, at time.Time) {
	i := slices.IndexFunc(c.Legs, func(l Leg) bool { return l.ID == p.Leg })
	if p.State == journal.LegEnded {
		if i >= 0 {
			c.Legs = slices.Delete(c.Legs, i, i+1)
		}
		return
	}
	if i < 0 {
		c.Legs = append(c.Legs, Leg{ID: p.Leg})
		i = len(c.Legs) - 1
	}
	l := &c.Legs[i]
	l.Kind, l.State, l.Since = p.Kind, p.State, at
	// Later events of a leg may leave out what its first one said.
	l.Line = cmp.Or(p.Line, l.Line)
	if c.Direction == journal.Outbound && p.Line != "" {
		c.Line = p.Line // the one it goes out on, known only now
	}
	l.Device = cmp.Or(p.Device, l.Device)
	l.Person = cmp.Or(p.Person, l.Person)
	l.Extension = cmp.Or(p.Extension, l.Extension)
}

// Phase says where a call stands.
func (s *State) Phase(c *Call) Phase {
	if c.Emergency {
		return Emergency
	}
	for _, l := range c.Legs {
		if l.State == journal.LegHeld && !c.Bridged.IsZero() {
			return HoldPhase
		}
	}
	if !c.Bridged.IsZero() {
		return Talking
	}
	if w := s.Waiting[journal.ContactID(c.ID)]; w != nil {
		if len(w.Offers) > 0 {
			return Offered
		}
		return Queued
	}
	if c.Answered.IsZero() {
		return Ringing
	}
	return Guided
}

// CallList lists the calls in progress, oldest first.
func (s *State) CallList() []*Call {
	return slices.SortedFunc(maps.Values(s.Calls), func(a, b *Call) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
	})
}

// WaitingIn lists who waits on the line in a queue, first come first.
func (s *State) WaitingIn(queue string) []*Contact {
	return s.contacts(queue, func(w *Contact) bool { return w.Promised.IsZero() })
}

// PromisedIn lists who is to be called back by a queue, first come first.
func (s *State) PromisedIn(queue string) []*Contact {
	return s.contacts(queue, func(w *Contact) bool { return !w.Promised.IsZero() })
}

func (s *State) contacts(queue string, which func(*Contact) bool) []*Contact {
	var in []*Contact
	for _, w := range s.Waiting {
		if w.Queue == queue && which(w) {
			in = append(in, w)
		}
	}
	slices.SortFunc(in, func(a, b *Contact) int {
		return cmp.Or(a.Arrival.Compare(b.Arrival), cmp.Compare(a.ID, b.ID))
	})
	return in
}
