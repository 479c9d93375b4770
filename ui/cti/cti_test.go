package cti_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/cti"
)

const (
	anna   = journal.SubjectID("p-anna")
	bruno  = journal.SubjectID("p-bruno")
	caller = journal.SubjectID("n-caller")
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// played folds events of one call; each second one.
func played(s *cti.State, id journal.CallID, list ...journal.Payload) []cti.Event {
	var out []cti.Event
	for _, p := range list {
		e, ok := s.Apply(journal.Event{Seq: s.Seq + 1, Time: start.Add(time.Duration(s.Seq+1) * time.Second), Call: id, Payload: p})
		if ok {
			out = append(out, e)
		}
	}
	return out
}

func phone(leg journal.LegID, who journal.SubjectID, st journal.LegState) journal.CallLeg {
	return journal.CallLeg{Leg: leg, Kind: journal.LegPhone, State: st, Person: who}
}

// queued is a call that rings at Anna in vain, then at Bruno, who answers.
var queued = []journal.Payload{
	journal.CallStarted{Direction: journal.Inbound, Line: "line-1"}, journal.CallCaller{From: caller},
	journal.ContactQueued{Contact: "c-1", Queue: "group-1"},
	phone("b", anna, journal.LegRinging), phone("c", anna, journal.LegRinging), phone("b", anna, journal.LegEnded), phone("c", anna, journal.LegEnded),
	phone("d", bruno, journal.LegRinging), phone("d", bruno, journal.LegAnswered),
	journal.ContactConnected{Contact: "c-1", Queue: "group-1", Agent: bruno, Waited: 9 * time.Second},
	journal.ContactEnded{Contact: "c-1", Queue: "group-1", Agent: bruno, Outcome: "served"},
	journal.CallEnded{Cause: "hangup", Talk: 60 * time.Second, Total: 69 * time.Second},
	journal.OutcomeSet{Call: "c-1", Queue: "group-1", Agent: bruno, Customer: "k-1", Outcome: "outcome-1"},
}

func brief(list []cti.Event) string {
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprintf("%s %s %s %s %s%d", e.Kind, e.Agent, e.Party, e.Queue, e.Result, e.Nth))
	}
	return strings.Join(out, "; ")
}

func TestCallsAsOtherProgramsHearThem(t *testing.T) {
	line := func(st journal.LegState) journal.CallLeg {
		return journal.CallLeg{Leg: "b", Kind: journal.LegLine, State: st}
	}
	for _, c := range []struct {
		name string
		call []journal.Payload
		want string
	}{
		{"a call of a queue", queued, "ringing p-anna n-caller group-1 1; ringing p-bruno n-caller group-1 2; answered p-bruno n-caller group-1 1; ended p-bruno n-caller group-1 served0; outcome p-bruno n-caller group-1 0"},
		{"a caller who gives up", append(append([]journal.Payload{}, queued[:4]...), journal.ContactEnded{Outcome: "abandoned"}, journal.CallEnded{}),
			"ringing p-anna n-caller group-1 1; ended  n-caller group-1 abandoned0"},
		{"a call to a person", []journal.Payload{journal.CallStarted{Direction: journal.Inbound, From: caller}, phone("b", anna, journal.LegRinging), phone("b", anna, journal.LegAnswered), journal.CallEnded{}},
			"ringing p-anna n-caller  1; answered p-anna n-caller  1; ended p-anna n-caller  0"},
		{"after the queue gave up, a person answers", []journal.Payload{journal.CallStarted{Direction: journal.Inbound, From: caller}, journal.ContactQueued{Queue: "group-1"}, journal.ContactEnded{Outcome: "overflow"}, phone("b", anna, journal.LegRinging), phone("b", anna, journal.LegAnswered), journal.CallEnded{}},
			"ringing p-anna n-caller group-1 1; answered p-anna n-caller group-1 1; ended p-anna n-caller group-1 overflow0"},
		{"a call out", []journal.Payload{journal.CallStarted{Direction: journal.Outbound, From: anna, To: caller}, phone("a", anna, journal.LegAnswered), line(journal.LegRinging), line(journal.LegAnswered), journal.CallEnded{}},
			"ringing p-anna n-caller  1; answered p-anna n-caller  1; ended p-anna n-caller  0"},
		{"it rings at the same phone again", []journal.Payload{journal.CallStarted{Direction: journal.Inbound, From: caller}, phone("b", anna, journal.LegRinging), phone("b", anna, journal.LegEnded), phone("c", anna, journal.LegRinging), journal.CallEnded{}},
			"ringing p-anna n-caller  1; ringing p-anna n-caller  2; ended  n-caller  0"},
		{"colleagues among themselves", []journal.Payload{journal.CallStarted{Direction: journal.Internal, From: anna, To: bruno}, phone("b", bruno, journal.LegRinging), journal.CallEnded{}}, ""},
		{"an emergency", []journal.Payload{journal.CallStarted{Direction: journal.Outbound, From: anna, Emergency: true}, line(journal.LegAnswered), journal.CallEnded{}}, ""},
		{"what comes after the end", []journal.Payload{journal.CallStarted{Direction: journal.Inbound, From: caller}, journal.CallEnded{}, phone("b", anna, journal.LegRinging), journal.CallEnded{}}, "ended  n-caller  0"},
		{"a call out that is handed on: the colleague's phone counts", []journal.Payload{journal.CallStarted{Direction: journal.Outbound, From: anna, To: caller}, phone("a", anna, journal.LegAnswered), line(journal.LegAnswered),
			journal.CallTransfer{State: journal.TransferHanded, Leg: "a", By: anna}, phone("c", bruno, journal.LegRinging), phone("c", bruno, journal.LegAnswered), journal.CallEnded{}},
			"answered p-anna n-caller  1; ringing p-bruno n-caller  1; answered p-bruno n-caller  2; ended p-bruno n-caller  0"},
		{"a caller of a queue is joined with a colleague who was asked before", append(append([]journal.Payload{}, queued[:10]...),
			journal.CallLeg{Leg: "e", Kind: journal.LegPhone, State: journal.LegAnswered, Person: anna, Moved: true},
			journal.CallTransfer{State: journal.TransferHanded, Leg: "d", By: bruno}, queued[10],
			journal.CallTransfer{State: journal.TransferAnswered, Leg: "e", By: anna, Attended: true}, journal.CallEnded{}),
			"ringing p-anna n-caller group-1 1; ringing p-bruno n-caller group-1 2; answered p-bruno n-caller group-1 1; answered p-anna n-caller group-1 2; ended p-anna n-caller group-1 served0"},
		{"a colleague takes a call out at once, without ringing", []journal.Payload{journal.CallStarted{Direction: journal.Outbound, From: anna, To: caller}, phone("a", anna, journal.LegAnswered), line(journal.LegAnswered),
			phone("c", bruno, journal.LegAnswered), journal.CallTransfer{State: journal.TransferHanded, Leg: "a", By: anna}, journal.CallTransfer{State: journal.TransferAnswered, Leg: "c", By: bruno}, journal.CallEnded{}},
			"answered p-anna n-caller  1; answered p-bruno n-caller  2; ended p-bruno n-caller  0"},
		{"a transfer: another one answers", []journal.Payload{journal.CallStarted{Direction: journal.Inbound, From: caller}, phone("b", anna, journal.LegAnswered), phone("c", bruno, journal.LegAnswered), journal.CallEnded{}},
			"answered p-anna n-caller  1; answered p-bruno n-caller  2; ended p-bruno n-caller  0"},
	} {
		if got := brief(played(cti.New(), "c-1", c.call...)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestAKeptStateTranslatesTheSame(t *testing.T) {
	for cut := range queued {
		s := cti.New()
		all := played(s, "c-1", queued[:cut]...)
		b, err := s.Keep()
		if err != nil {
			t.Fatal(err)
		}
		again, err := cti.Resume(b)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, played(again, "c-1", queued[cut:]...)...)
		if d := cmp.Diff(played(cti.New(), "c-1", queued...), all); d != "" {
			t.Fatalf("kept after %d: %s", cut, d)
		}
	}
	if s := cti.New(); len(played(s, "c-1", queued...)) == 0 {
		t.Fatal("nothing")
	} else if _, ok := s.Apply(journal.Event{Seq: 3, Call: "c-1", Payload: journal.CallEnded{}}); ok {
		t.Error("an event that was seen is told again")
	}
	if _, err := cti.Resume([]byte("[")); err == nil {
		t.Error("a broken state was read")
	}
}

func TestEndedCallsAreForgotten(t *testing.T) {
	s := cti.New()
	for i := range 1000 {
		id := journal.CallID(fmt.Sprint("c-", i))
		played(s, id, journal.CallStarted{Direction: journal.Inbound, From: caller}, journal.CallEnded{})
	}
	if len(s.Calls) > 301 || len(s.Old) > 301 {
		t.Errorf("%d calls, %d ended ones are kept", len(s.Calls), len(s.Old))
	}
}

// gate shows numbers to everybody and people as told.
type gate struct{ open bool }

func (g gate) Name(v privacy.Viewer, _ privacy.Purpose, s journal.SubjectID) (string, bool) {
	if s == "" {
		return "", false
	}
	if strings.HasPrefix(string(s), "n-") {
		return "+390212345678", true
	}
	return "Name of " + string(s), g.MaySeeState(v, s)
}

func (g gate) MaySeeState(v privacy.Viewer, s journal.SubjectID) bool {
	return g.open || v.Subject == s
}

func testDoc() *office.Document {
	d := office.Empty()
	d.Groups = []office.Group{{ID: "group-1", Name: "Assistenza", Mode: office.GroupQueue, Queue: &office.QueueRules{PopURL: "https://crm.example/c?n={number}&q={queue}&id={call}"}}}
	d.Lines = []office.Line{{ID: "line-1", Name: "Linea 1"}}
	d.Outcomes = []office.Outcome{{ID: "outcome-1", Name: "Risolto"}}
	return d
}

func TestWhoHearsWhat(t *testing.T) {
	events := played(cti.New(), "c-1", queued...)
	for _, c := range []struct {
		name string
		v    privacy.Viewer
		open bool
		want string
	}{
		{"a program, without an agreement: nobody is named, and it rings once", cti.Program, false, "ringing - answered - ended - outcome -"},
		{"a program, with an agreement", cti.Program, true, "ringing p-anna ringing p-bruno answered p-bruno ended p-bruno outcome p-bruno"},
		{"Bruno hears what is his", privacy.Viewer{Subject: bruno, Role: office.RoleOperator}, false, "ringing p-bruno answered p-bruno ended p-bruno outcome p-bruno"},
		{"Anna hears that it rang and is over", privacy.Viewer{Subject: anna, Role: office.RoleOperator}, false, "ringing p-anna ended -"},
		{"Carla hears nothing", privacy.Viewer{Subject: "p-carla", Role: office.RoleOperator}, true, ""},
		{"a leader, without an agreement", privacy.Viewer{Subject: "p-leo", Role: office.RoleLeader}, false, "ringing - answered - ended - outcome -"},
	} {
		var got []string
		for _, e := range events {
			m, ok := cti.Fill(e, testDoc(), gate{c.open}, c.v, privacy.Export)
			if !ok {
				continue
			}
			who := m.Agent
			if who == "" {
				who = "-"
			}
			got = append(got, m.Event, who)
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if m.Agent == "" && (strings.Contains(string(b), "p-anna") || m.Agent == "" && strings.Contains(string(b), "p-bruno") || strings.Contains(string(b), "Name of")) || strings.Contains(string(b), "n-caller") {
				t.Errorf("%s: %s gives somebody away", c.name, b)
			}
			if m.Number != "+390212345678" || m.QueueName != "Assistenza" {
				t.Errorf("%s: %s lacks what it should tell", c.name, b)
			}
			if wantPop := m.Event == "ringing" || m.Event == "answered"; wantPop != (m.Pop == "https://crm.example/c?n=%2B390212345678&q=group-1&id=c-1") {
				t.Errorf("%s: pop %q of %s", c.name, m.Pop, m.Event)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}

// TestAnOthersConversationIsNobodysFigure: whose phone rang in vain learns that the call
// is over, and not how long a colleague talked.
func TestAnOthersConversationIsNobodysFigure(t *testing.T) {
	events := played(cti.New(), "c-1", queued...)
	ended := events[3]
	for _, c := range []struct {
		who  journal.SubjectID
		talk float64
	}{{bruno, 60}, {anna, 0}} {
		m, ok := cti.Fill(ended, testDoc(), gate{}, privacy.Viewer{Subject: c.who, Role: office.RoleOperator}, privacy.LiveState)
		if !ok || m.Event != "ended" || m.Talk != c.talk || (m.Total != 0) != (c.talk != 0) || (m.Waited != 0) != (c.talk != 0) {
			t.Errorf("%s hears %+v", c.who, m)
		}
	}
}

func TestPopAddresses(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"https://crm.example/find/{number}?q={queue}&c={call}", "https://crm.example/find/%2B39%2006%26x?q=g%2F1&c=c-1%23"},
		{"http://192.168.1.5:8080/x#{number}", "http://192.168.1.5:8080/x#%2B39%2006%26x"},
		{"https://crm.example/plain", "https://crm.example/plain"},
		{"https://crm.example/?n={name}", "https://crm.example/?n=Zo%C3%AB%20%26%20%22figli%22%20%3Cb%3E"},
		{"https://{name}.example/", ""},
		{"https://{queue}.example/", ""},
		{"{number}://x/", ""},
		{"javascript:alert({number})", ""},
		{"ftp://crm.example/{number}", ""},
		{"https://user:pass@crm.example/", ""},
		{"//crm.example/", ""},
		{"https://", ""},
		{"", ""},
	} {
		got, ok := cti.Pop(c.template, cti.Place{Number: "+39 06&x", Name: "Zoë & \"figli\" <b>", Call: "c-1#", Queue: "g/1"})
		if u, err := url.Parse(got); err == nil && ok {
			got = strings.ReplaceAll(u.String(), "+", "PLUS")
		}
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q %v, want %q", c.template, got, ok, c.want)
		}
	}
}

func FuzzPop(f *testing.F) {
	f.Add("https://crm.example/{number}?q={queue}&n={name}", "+39", "c", "q", "Mario")
	f.Add("https://a/{call}/{name}/x", "../..", "@evil", "//evil", "..")
	f.Fuzz(func(t *testing.T, template, number, call, queue, name string) {
		got, ok := cti.Pop(template, cti.Place{Number: number, Name: name, Call: journal.CallID(call), Queue: queue})
		if !ok {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			t.Fatalf("%q", got)
		}
		plain, ok := cti.Pop(template, cti.Place{Number: "1", Name: "4", Call: "2", Queue: "3"})
		if p, err := url.Parse(plain); !ok || err != nil || p.Host != u.Host || p.Scheme != u.Scheme {
			t.Fatalf("what is filled in changes where %q leads: %q, %q", template, got, plain)
		}
	})
}
