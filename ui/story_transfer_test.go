package ui_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/ui/api"
)

// TestACallThatWasHandedOn: a call's page tells who handed it on, to whom, and what became
// of it, with names where the gate shows them; who comes to a queue keeps his place.
func TestACallThatWasHandedOn(t *testing.T) {
	r := newRig(t, true)
	number := r.people.Number("+390255551234")
	began := time.Now().Add(-5 * time.Minute)
	for _, p := range []journal.Payload{
		journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: number},
		journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno},
		journal.CallTransfer{State: journal.TransferRefused, Leg: "b", By: bruno, Why: "transfer.self"},
		journal.CallTransfer{State: journal.TransferAsked, Leg: "b", By: bruno, Action: "ring", To: carla, Dialled: "203"},
		journal.CallTransfer{State: journal.TransferHanded, Leg: "b", By: bruno},
		journal.CallTransfer{State: journal.TransferFailed, Leg: "b", By: bruno, Why: "cause.noAnswer"},
		journal.CallTransfer{State: journal.TransferBack, Leg: "b", By: bruno},
		journal.CallTransfer{State: journal.TransferReturned, Leg: "c", By: bruno},
		journal.CallTransfer{State: journal.TransferAsked, Leg: "c", By: bruno, Action: "queue", Object: "group-1"},
		journal.CallTransfer{State: journal.TransferAsked, Leg: "c", By: bruno, To: carla, Attended: true, Call: "c-7"},
		journal.ContactQueued{Contact: "c-1", Queue: "group-1", Caller: number, Arrival: began},
		journal.CallTransfer{State: journal.TransferAnswered, Leg: "d", By: carla},
	} {
		r.log.Append("c-1", p)
	}
	r.settle()
	closed := r.as(dario).get("/calls/c-1").is(t, http.StatusOK)
	closed.has(t, "Non può passare la chiamata", "La persona scelta è già in questa chiamata", "Chiamata passata a", "La chiamata è stata passata da", "Nessuno prende la chiamata passata",
		"La chiamata torna a chi l&#39;aveva passata", "Riprende la chiamata che aveva passato", "Prende la chiamata passata", "Chiamata passata a Assistenza", "conserva il posto di chi aspetta già da 5:0",
		`href="/calls/c-7"`, "L&#39;altra delle due chiamate unite").
		lacks(t, "Bruno", "Carla", "203", string(bruno), string(carla), "[story.", "[cause.")
	open(t, r)
	r.as(dario).get("/calls/c-1").has(t, "Chiamata passata a Carla Verdi: Bruno Bianchi", "Prende la chiamata passata: Carla Verdi")
}

// TestDesksOfACallOutThatIsHandedOn: it is the call of whom it was handed on to, with the
// customer and not the colleague at its other end, and no more of who called.
func TestDesksOfACallOutThatIsHandedOn(t *testing.T) {
	r := deskRig(t)
	number := r.people.Number("+390255551234")
	r.card(outcome.Customer{Name: "Mario Rossi"}, "+390255551234")
	caller := func(who journal.SubjectID) string {
		t.Helper()
		r.settle()
		r.as(who).get("/desk").is(t, http.StatusOK)
		var d api.Desk
		if err := json.Unmarshal([]byte(r.as(who).get("/api/v1/desk").body), &d); err != nil {
			t.Fatal(err)
		}
		if d.Call == nil {
			return ""
		}
		return d.Call.Caller
	}
	r.log.Append("o-1", journal.CallStarted{Direction: journal.Outbound, From: bruno, To: number})
	r.log.Append("o-1", journal.CallLeg{Leg: "a", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno})
	r.log.Append("o-1", journal.CallLeg{Leg: "b", Kind: journal.LegLine, State: journal.LegAnswered, Line: "line-1"})
	r.log.Append("o-1", journal.CallBridged{A: "a", B: "b"})
	if b, c := caller(bruno), caller(carla); b != "Mario Rossi" || c != "" {
		t.Errorf("Bruno's desk has %q, Carla's %q", b, c)
	}
	r.log.Append("o-1", journal.CallTransfer{State: journal.TransferAsked, Leg: "a", By: bruno, Action: "ring", To: carla})
	r.log.Append("o-1", journal.CallLeg{Leg: "c", Kind: journal.LegPhone, State: journal.LegRinging, Person: carla})
	r.log.Append("o-1", journal.CallTransfer{State: journal.TransferHanded, Leg: "a", By: bruno})
	r.log.Append("o-1", journal.CallLeg{Leg: "a", Kind: journal.LegPhone, State: journal.LegEnded, Person: bruno})
	r.log.Append("o-1", journal.CallLeg{Leg: "c", Kind: journal.LegPhone, State: journal.LegAnswered, Person: carla})
	r.log.Append("o-1", journal.CallBridged{A: "c", B: "b"})
	r.log.Append("o-1", journal.CallTransfer{State: journal.TransferAnswered, Leg: "c", By: carla})
	if b, c := caller(bruno), caller(carla); b != "" || c != "Mario Rossi" {
		t.Errorf("after he has handed it on Bruno's desk has %q, Carla's %q", b, c)
	}
	open(t, r)
	var h api.Home
	if err := json.Unmarshal([]byte(r.as(dario).get("/api/v1/home").body), &h); err != nil || len(h.Calls) != 1 || h.Calls[0].Caller != "Carla Verdi" {
		t.Errorf("the home page has %+v, %v", h.Calls, err)
	}
	// Whoever took it gives it back.
	r.log.Append("o-1", journal.CallTransfer{State: journal.TransferAsked, Leg: "c", By: carla, Action: "ring", To: bruno})
	r.log.Append("o-1", journal.CallTransfer{State: journal.TransferHanded, Leg: "c", By: carla})
	r.log.Append("o-1", journal.CallLeg{Leg: "c", Kind: journal.LegPhone, State: journal.LegEnded, Person: carla})
	r.log.Append("o-1", journal.CallLeg{Leg: "d", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno})
	r.log.Append("o-1", journal.CallTransfer{State: journal.TransferAnswered, Leg: "d", By: bruno})
	if b, c := caller(bruno), caller(carla); b != "Mario Rossi" || c != "" {
		t.Errorf("back again Bruno's desk has %q, Carla's %q", b, c)
	}
}

// TestDeskOfWhoWasAskedBefore: an operator asks a colleague in a second call and joins the
// two: the colleague's desk has the customer, also once the first call is over.
func TestDeskOfWhoWasAskedBefore(t *testing.T) {
	r := deskRig(t)
	number := r.people.Number("+390255551234")
	r.card(outcome.Customer{Name: "Mario Rossi"}, "+390255551234")
	for _, e := range []struct {
		call journal.CallID
		p    journal.Payload
	}{
		{"i-1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: number}},
		{"i-1", journal.CallLeg{Leg: "a", Kind: journal.LegLine, State: journal.LegAnswered, Line: "line-1"}},
		{"i-1", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno}},
		{"i-1", journal.CallBridged{A: "a", B: "b"}},
		{"o-2", journal.CallStarted{Direction: journal.Internal, From: bruno, To: carla}},
		{"o-2", journal.CallLeg{Leg: "a", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno}},
		{"o-2", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: carla}},
		{"o-2", journal.CallBridged{A: "a", B: "b"}},
		{"i-1", journal.CallTransfer{State: journal.TransferHanded, Leg: "b", By: bruno, Attended: true, Call: "o-2"}},
		{"i-1", journal.CallLeg{Leg: "a", Kind: journal.LegLine, State: journal.LegEnded}},
		{"i-1", journal.CallEnded{Cause: "transferred", By: "called"}},
		{"o-2", journal.CallTransfer{State: journal.TransferAsked, Leg: "a", By: bruno, Attended: true, Call: "i-1"}},
		{"o-2", journal.CallLeg{Leg: "c", Kind: journal.LegLine, State: journal.LegAnswered, Line: "line-1", Moved: true}},
		{"o-2", journal.CallTransfer{State: journal.TransferHanded, Leg: "a", By: bruno}},
		{"o-2", journal.CallLeg{Leg: "a", Kind: journal.LegPhone, State: journal.LegEnded, Person: bruno}},
		{"o-2", journal.CallTransfer{State: journal.TransferAnswered, Leg: "c", Attended: true}},
		{"o-2", journal.CallBridged{A: "c", B: "b"}},
	} {
		r.log.Append(e.call, e.p)
	}
	r.settle()
	var d api.Desk
	page := r.as(carla).get("/desk").is(t, http.StatusOK)
	if err := json.Unmarshal([]byte(r.as(carla).get("/api/v1/desk").body), &d); err != nil || d.Call == nil || d.Call.Caller != "Mario Rossi" {
		t.Fatalf("Carla's desk has %+v, %v", d.Call, err)
	}
	page.has(t, "Mario Rossi", `action="/calls/o-2/outcome"`)
	r.as(carla).post("/calls/o-2/outcome", url.Values{"outcome": {"outcome-1"}, "back": {"/desk"}}).is(t, http.StatusOK).has(t, "Esito registrato")
	if kept, ok, err := r.book.Of(t.Context(), "o-2"); err != nil || !ok || kept.Subject != number || kept.Agent != carla {
		t.Errorf("the outcome is %+v, %v", kept, err)
	}
	r.as(carla).get("/customers/"+string(number)).is(t, http.StatusOK).has(t, "Mario Rossi")
	r.as(bruno).get("/desk").is(t, http.StatusOK).has(t, "Nessuna chiamata")
	open(t, r)
	var h api.Home
	if err := json.Unmarshal([]byte(r.as(carla).get("/api/v1/home").body), &h); err != nil || len(h.Calls) != 1 || h.Calls[0].Caller != "02 5555 1234" {
		t.Errorf("the home page has %+v, %v", h.Calls, err)
	}
}

// TestACallWithinTheOfficeHasNoOutcome: the desk asks for none, because nobody could tell it.
func TestACallWithinTheOfficeHasNoOutcome(t *testing.T) {
	r := deskRig(t)
	r.log.Append("o-1", journal.CallStarted{Direction: journal.Internal, From: bruno, To: carla})
	r.log.Append("o-1", journal.CallLeg{Leg: "a", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno})
	r.log.Append("o-1", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: carla})
	r.log.Append("o-1", journal.CallBridged{A: "a", B: "b"})
	r.settle()
	for _, who := range []journal.SubjectID{bruno, carla} {
		r.as(who).get("/desk").is(t, http.StatusOK).has(t, "parlano").lacks(t, "/calls/o-1/outcome")
	}
	r.as(bruno).post("/calls/o-1/outcome", url.Values{"outcome": {"outcome-1"}}).is(t, http.StatusNotFound)
}
