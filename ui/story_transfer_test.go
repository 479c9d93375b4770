package ui_test

import (
	"net/http"
	"testing"
	"time"

	"centralino/internal/journal"
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
