// Package cti tells other programs what happens to calls: ringing, answered, ended,
// outcome. It translates the journal into these four events (a fold that names people
// and numbers by pseudonym only), fills them for one viewer through the gate, and
// sends them to webhooks, signed, in order per call, with retries over hours.
//
// A program is a viewer that is no person: it hears numbers of callers as an export
// does, and nothing of what a person of the office does unless an agreement is on
// record. What waits to be sent is kept in the store by pseudonym and filled only when
// it goes out, so that an erased number never leaves the box.
//
// Calls never wait for any of this: the journal's subscription holds a place and no
// queue. Goroutines: Sender.Run starts one that follows the journal and one per
// webhook, and ends when all have ended.
package cti

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"centralino/internal/journal"
)

// Kind is what an event tells. The words are those of office.Webhook.Events.
type Kind string

// Kinds of event.
const (
	Ringing  Kind = "ringing"  // a phone of the office rings, or the far end of a call out
	Answered Kind = "answered" // two people talk
	Ended    Kind = "ended"
	Outcome  Kind = "outcome" // the agent said how it ended, or corrected it
	Test     Kind = "test"    // somebody tries the webhook
)

// Kinds lists what a program can ask for.
func Kinds() []Kind { return []Kind{Ringing, Answered, Ended, Outcome} }

// Event is one thing that happened to a call with the outside, by pseudonyms. Calls
// within the office and emergency calls give no events.
type Event struct {
	Seq       uint64              `json:"seq"` // of the journal's event; one gives one at most
	Kind      Kind                `json:"kind"`
	Time      time.Time           `json:"time"`
	Call      journal.CallID      `json:"call"`
	Direction journal.Direction   `json:"dir,omitempty"`
	Line      string              `json:"line,omitempty"`
	Queue     string              `json:"queue,omitempty"`
	Party     journal.SubjectID   `json:"party,omitempty"` // the number outside
	Agent     journal.SubjectID   `json:"agent,omitempty"` // at whom it rings, who answered, who talked last
	Rang      []journal.SubjectID `json:"rang,omitempty"`  // ended: at whom it rang
	Nth       int                 `json:"nth,omitempty"`   // ringing, answered: how many of the call came before, plus 1
	Waited    time.Duration       `json:"waited,omitempty"`
	Talk      time.Duration       `json:"talk,omitempty"`
	Total     time.Duration       `json:"total,omitempty"`
	Cause     string              `json:"cause,omitempty"`
	Result    string              `json:"result,omitempty"` // how the queue ended it: "served", "abandoned" …
	Outcome   string              `json:"outcome,omitempty"`
	Customer  string              `json:"customer,omitempty"`
	CallBack  time.Time           `json:"callBack,omitzero"`
}

// State is what must be known of calls to translate the next event. It is a fold.
type State struct {
	Seq   uint64
	Late  []uint64 `json:",omitempty"` // before Seq, and did not come yet
	Calls map[journal.CallID]*call
	Old   []journal.CallID // ended, kept for their outcome; the oldest first
}

type call struct {
	Direction journal.Direction
	Line      string
	Party     journal.SubjectID
	Own       journal.SubjectID // of the office, who calls out
	Queue     string
	Ringing   map[journal.LegID]journal.SubjectID
	Rang      []journal.SubjectID
	Rings     int
	Answers   int
	Agent     journal.SubjectID
	Waited    time.Duration
	Result    string
	Handed    bool // somebody of the office has handed it on
	Ended     bool
}

// keptEnded is how many ended calls are remembered for the outcome that follows.
const keptEnded = 300

// New returns the state before the first event.
func New() *State { return &State{Calls: map[journal.CallID]*call{}} }

// Keep writes the state.
func (s *State) Keep() ([]byte, error) { return json.Marshal(s) }

// Resume reads a kept state.
func Resume(b []byte) (*State, error) {
	s := New()
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("read kept calls: %w", err)
	}
	if s.Calls == nil {
		s.Calls = map[journal.CallID]*call{}
	}
	return s, nil
}

// Apply folds one event of the journal in and returns what it means for other
// programs; false for nothing. Events that were seen already give nothing.
func (s *State) Apply(e journal.Event) (Event, bool) {
	if !journal.Fresh(e.Seq, &s.Seq, &s.Late) {
		return Event{}, false
	}
	out, ok := s.translate(e)
	if !ok {
		return Event{}, false
	}
	out.Seq, out.Time, out.Call = e.Seq, e.Time, e.Call
	if c := s.Calls[e.Call]; c != nil {
		out.Direction, out.Line, out.Party = c.Direction, c.Line, c.Party
		if out.Queue == "" {
			out.Queue = c.Queue
		}
	}
	return out, true
}

func (s *State) translate(e journal.Event) (Event, bool) {
	if p, ok := e.Payload.(journal.CallStarted); ok {
		s.start(e.Call, p)
		return Event{}, false
	}
	if p, ok := e.Payload.(journal.OutcomeSet); ok {
		return Event{Kind: Outcome, Queue: p.Queue, Agent: p.Agent, Outcome: p.Outcome, Customer: p.Customer, CallBack: p.CallBack}, true
	}
	c := s.Calls[e.Call]
	if c == nil || c.Ended {
		return Event{}, false
	}
	switch p := e.Payload.(type) {
	case journal.CallCaller:
		c.Party = p.From
	case journal.ContactQueued:
		c.Queue, c.Result = p.Queue, ""
	case journal.CallTransfer:
		c.Handed = c.Handed || p.State == journal.TransferHanded
		if (p.State == journal.TransferAnswered || p.State == journal.TransferReturned) && p.By != "" {
			return c.answered(p.By) // his leg may have answered before the queue was done with it
		}
	case journal.CallLeg:
		return c.leg(p)
	case journal.ContactConnected:
		c.Queue, c.Waited = p.Queue, p.Waited
		return c.answered(p.Agent)
	case journal.ContactEnded:
		c.Result = p.Outcome
	case journal.CallEnded:
		c.Ended = true
		s.Old = append(s.Old, e.Call)
		for len(s.Old) > keptEnded {
			delete(s.Calls, s.Old[0])
			s.Old = s.Old[1:]
		}
		return Event{Kind: Ended, Agent: c.Agent, Rang: slices.Clone(c.Rang), Talk: p.Talk, Total: p.Total, Cause: p.Cause, Result: c.Result, Waited: c.Waited}, true
	}
	return Event{}, false
}

func (s *State) start(id journal.CallID, p journal.CallStarted) {
	if p.Emergency || p.Direction == journal.Internal || id == "" {
		return
	}
	c := &call{Direction: p.Direction, Line: p.Line, Party: p.From, Ringing: map[journal.LegID]journal.SubjectID{}}
	if p.Direction == journal.Outbound {
		c.Party, c.Own = p.To, p.From
	}
	s.Calls[id] = c
}

// leg takes a change of a leg: of a phone for calls that come in or were handed on, of
// a line or trunk for calls that go out.
func (c *call) leg(p journal.CallLeg) (Event, bool) {
	who := p.Person
	if c.Direction == journal.Outbound && !c.Handed {
		if p.Kind == journal.LegPhone {
			return Event{}, false
		}
		who = c.Own
	} else if p.Kind != journal.LegPhone || who == "" {
		return Event{}, false
	}
	switch p.State {
	case journal.LegRinging:
		again := slices.Contains(slices.Collect(maps.Values(c.Ringing)), who) // on another phone
		if c.Ringing == nil {
			c.Ringing = map[journal.LegID]journal.SubjectID{}
		}
		c.Ringing[p.Leg] = who
		if again {
			return Event{}, false
		}
		if !slices.Contains(c.Rang, who) {
			c.Rang = append(c.Rang, who)
		}
		c.Rings++
		return Event{Kind: Ringing, Agent: who, Nth: c.Rings}, true
	case journal.LegAnswered:
		delete(c.Ringing, p.Leg)
		if c.Queue != "" && c.Result == "" && c.Direction == journal.Inbound {
			return Event{}, false // the queue says when they talk
		}
		return c.answered(who)
	case journal.LegEnded:
		delete(c.Ringing, p.Leg)
	}
	return Event{}, false
}

func (c *call) answered(who journal.SubjectID) (Event, bool) {
	if c.Agent == who && c.Answers > 0 {
		return Event{}, false
	}
	c.Agent = who
	c.Answers++
	return Event{Kind: Answered, Agent: who, Nth: c.Answers, Waited: c.Waited}, true
}
