package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/cti"
)

// crm is another program that listens.
type crm struct {
	mu  sync.Mutex
	got []cti.Message
}

func (c *crm) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var m cti.Message
	body, err := io.ReadAll(r.Body)
	if err == nil && json.Unmarshal(body, &m) == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, m)
	}
}

func (c *crm) heard() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, m := range c.got {
		s := m.Event + " " + m.Number
		if m.Agent+m.AgentName != "" {
			s += " " + m.Agent
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

// TestAfterACall: a real call of a queue is told to another program without a
// colleague's name, its agent makes the customer's card and sets the outcome on the
// page, and one press calls the customer back.
func TestAfterACall(t *testing.T) {
	t.Parallel()
	s := startStaffed(t)
	program := &crm{}
	receiver := httptest.NewServer(program)
	t.Cleanup(receiver.Close)
	doc := s.b.office.Current().Doc.Clone()
	doc.Webhooks = []office.Webhook{{ID: "webhook-1", Name: "CRM", URL: receiver.URL, Events: []string{"ringing", "answered", "ended", "outcome"}}}
	if err := apply(context.Background(), s.b, doc); err != nil {
		t.Fatal(err)
	}
	bruno := s.readers["p-sample-bruno"]
	bruno.post("/me/state", url.Values{"do": {"login"}})
	c := s.ring(t, "line-1", 1)
	var calls []string
	if !eventually(t, 10*time.Second, func() bool { calls = callIDs(bruno.get("/api/v1/calls")); return len(calls) == 1 }) {
		t.Fatalf("Bruno sees %d calls: %s; the technician %s", len(calls), bruno.get("/api/v1/calls"), s.tech.get("/api/v1/calls"))
	}
	at := "/calls/" + calls[0]
	if page := bruno.get(at + "/after"); !strings.Contains(page, "06 1234 5678") || !strings.Contains(page, "outcome-2") {
		t.Errorf("the page after the call lacks number or outcomes:\n%s", page)
	}
	who, _, _ := strings.Cut(after(bruno.get(at+"/after"), "/customers/new?number="), `"`)
	bruno.post("/customers/new", url.Values{"number": {who}, "name": {"Mario Rossi"}})
	if !eventually(t, 20*time.Second, func() bool { // the caller hears first in which country Bruno works
		events, err := s.b.journal.CallEvents(context.Background(), journal.CallID(calls[0]))
		return err == nil && slices.ContainsFunc(events, func(e journal.Event) bool { _, joined := e.Payload.(journal.CallBridged); return joined })
	}) {
		t.Fatal("they never talk")
	}
	c.HangUp()
	bruno.post(at+"/outcome", url.Values{"outcome": {"outcome-2"}, "note": {"vuole un preventivo"}})
	const number = "+390612345678"
	want := "ringing " + number + ", answered " + number + ", ended " + number + ", outcome " + number
	if !eventually(t, 25*time.Second, func() bool {
		return strings.Contains(program.heard(), "ended") && strings.Contains(program.heard(), "outcome")
	}) || program.heard() != want {
		// The outcome may be told before the end is on disk.
		if got := program.heard(); got != "ringing "+number+", answered "+number+", outcome "+number+", ended "+number {
			t.Errorf("the program heard %q, want %q; the call: %s", got, want, s.tech.get("/api/v1"+at))
		}
	}
	if list := bruno.get("/callbacks"); !strings.Contains(list, "Mario Rossi") || !strings.Contains(list, "vuole un preventivo") {
		t.Errorf("the call-back is not on the list:\n%s", list)
	}
	bruno.post("/callbacks/"+calls[0]+"/dial", nil)
	if !eventually(t, 20*time.Second, func() bool { return s.phones[1].Current() != nil && s.phones[1].Current() != c }) {
		t.Error("Bruno's phone does not ring for the call back")
	}
}

// after is what follows a text in another one.
func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}
