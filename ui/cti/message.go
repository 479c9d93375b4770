package cti

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// Message is an event as one viewer gets it, as JSON.
type Message struct {
	ID        string    `json:"id"` // grows; the same for everybody
	Event     string    `json:"event"`
	Time      time.Time `json:"time"`
	Call      string    `json:"call,omitempty"`
	Direction string    `json:"direction,omitempty"` // "in" or "out"
	Line      string    `json:"line,omitempty"`
	LineName  string    `json:"lineName,omitempty"`
	Queue     string    `json:"queue,omitempty"`
	QueueName string    `json:"queueName,omitempty"`
	Number    string    `json:"number,omitempty"` // E.164
	Customer  string    `json:"customer,omitempty"`
	Agent     string    `json:"agent,omitempty"` // pseudonym, only where the gate shows the name
	AgentName string    `json:"agentName,omitempty"`
	Waited    float64   `json:"waitedSeconds,omitempty"`
	Talk      float64   `json:"talkSeconds,omitempty"`
	Total     float64   `json:"totalSeconds,omitempty"`
	Cause     string    `json:"cause,omitempty"`
	Result    string    `json:"result,omitempty"`
	Outcome   string    `json:"outcome,omitempty"`
	Title     string    `json:"outcomeName,omitempty"`
	CallBack  time.Time `json:"callBack,omitzero"`
	Pop       string    `json:"pop,omitempty"` // the address that the queue opens for this call
}

// Gate is what filling a message needs of *privacy.Gate.
type Gate interface {
	Name(v privacy.Viewer, p privacy.Purpose, s journal.SubjectID) (string, bool)
	MaySeeState(v privacy.Viewer, s journal.SubjectID) bool
}

// Program is how the gate sees another program: no person, with what an export may
// hold.
var Program = privacy.Viewer{Role: office.RoleManager}

// Fill makes the message of an event for a viewer; false if the event is not for him:
// an operator gets what concerns himself, without the times of a colleague's
// conversation, and who may not see at whom it rings is told once that it does.
// purpose is privacy.Export for programs, privacy.LiveState for people at their page.
func Fill(e Event, doc *office.Document, gate Gate, v privacy.Viewer, purpose privacy.Purpose) (Message, bool) {
	mine := v.Subject != "" && (e.Agent == v.Subject || slices.Contains(e.Rang, v.Subject))
	if v.Role == office.RoleOperator && !mine {
		return Message{}, false
	}
	seen := e.Agent != "" && gate.MaySeeState(v, e.Agent)
	name := ""
	if seen {
		name, seen = gate.Name(v, purpose, e.Agent)
	}
	if e.Nth > 1 && !seen {
		return Message{}, false
	}
	m := Message{ID: strconv.FormatUint(e.Seq, 10), Event: string(e.Kind), Time: e.Time, Call: string(e.Call), Direction: string(e.Direction),
		Line: e.Line, Queue: e.Queue, Customer: e.Customer, Waited: e.Waited.Seconds(), Talk: e.Talk.Seconds(), Total: e.Total.Seconds(),
		Cause: e.Cause, Result: e.Result, Outcome: e.Outcome, CallBack: e.CallBack}
	if seen {
		m.Agent, m.AgentName = string(e.Agent), name
	}
	if v.Role == office.RoleOperator && e.Agent != "" && e.Agent != v.Subject {
		m.Waited, m.Talk, m.Total = 0, 0, 0 // a colleague's conversation
	}
	m.Number, _ = gate.Name(v, purpose, e.Party)
	if l := doc.LineByID(office.ID(e.Line)); l != nil {
		m.LineName = l.Name
	}
	if g := doc.GroupByID(office.ID(e.Queue)); g != nil {
		m.QueueName = g.Name
		if g.Queue != nil && (e.Kind == Ringing || e.Kind == Answered) {
			m.Pop, _ = Pop(g.Queue.PopURL, Place{Number: m.Number, Call: e.Call, Queue: e.Queue})
		}
	}
	for i := range doc.Outcomes {
		if string(doc.Outcomes[i].ID) == e.Outcome {
			m.Title = doc.Outcomes[i].Name
		}
	}
	return m, true
}

// Place is what stands in the places of such an address.
type Place struct {
	Number string // E.164
	Name   string // the customer's; empty where it is not known
	Call   journal.CallID
	Queue  string
}

// Pop fills the address that is opened when a call comes: {number}, {name}, {call} and
// {queue} stand for their values, escaped so that they stay values (RFC 3986 section 2.1).
// False if the template is no address of http or https, or if what was filled in
// would change where it leads.
func Pop(template string, p Place) (string, bool) {
	if template == "" {
		return "", false
	}
	escape := func(s string) string {
		if s == "." || s == ".." { // steps of a path, however they are escaped (RFC 3986 section 5.2.4)
			return ""
		}
		return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	}
	fill := func(p Place) string {
		return strings.NewReplacer("{number}", escape(p.Number), "{name}", escape(p.Name), "{call}", escape(string(p.Call)), "{queue}", escape(p.Queue)).Replace(template)
	}
	bare, err := url.Parse(fill(Place{"0", "0", "0", "0"}))
	if err != nil {
		return "", false
	}
	text := fill(p)
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Host != bare.Host || u.Scheme != bare.Scheme || u.User != nil {
		return "", false
	}
	if i := strings.Index(template, "://"); i < 0 || strings.Contains(hostPart(template[i+3:]), "{") {
		return "", false
	}
	return u.String(), true
}

// hostPart is what stands before the path.
func hostPart(s string) string {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		return s[:i]
	}
	return s
}
