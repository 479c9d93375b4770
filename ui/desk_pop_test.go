package ui_test

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"testing"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/ui"
)

// popRig is a box whose queue opens a page of another program.
func popRig(t *testing.T, address string) *rig {
	r := deskRig(t)
	cur := r.office.Current()
	doc := cur.Doc.Clone()
	for i := range doc.Groups {
		if q := doc.Groups[i].Queue; q != nil {
			q.PopURL = address
		}
	}
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: dario}); err != nil {
		t.Fatal(err)
	}
	return r
}

// offered lets a caller ring at Bruno's.
func (r *rig) offered(call journal.CallID, number numbering.E164) {
	n := r.people.Number(number)
	r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: n})
	r.log.Append(call, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1", Arrival: time.Now(), Caller: n})
	r.log.Append(call, journal.ContactOffered{Contact: journal.ContactID(call), Queue: "group-1", Offer: 7, Agent: bruno, Deadline: time.Now().Add(20 * time.Second), Candidates: []journal.Candidate{{Agent: bruno}}})
	r.log.Append("", journal.AgentChanged{Agent: bruno, State: journal.AgentOffered})
	r.settle()
}

// picksUp lets Bruno take the call.
func (r *rig) picksUp(call journal.CallID) {
	r.log.Append(call, journal.OfferEnded{Contact: journal.ContactID(call), Offer: 7, Agent: bruno, Outcome: journal.OfferAccepted})
	r.log.Append(call, journal.ContactConnected{Contact: journal.ContactID(call), Queue: "group-1", Agent: bruno, Offer: 7})
	r.log.Append("", journal.AgentChanged{Agent: bruno, State: journal.AgentTalking})
	r.settle()
}

// over ends it.
func (r *rig) over(call journal.CallID) {
	r.log.Append(call, journal.ContactEnded{Contact: journal.ContactID(call), Queue: "group-1", Agent: bruno, Outcome: "served", Talked: time.Minute})
	r.log.Append(call, journal.CallEnded{Cause: "hangup", By: "caller"})
	r.log.Append("", journal.AgentChanged{Agent: bruno, State: journal.AgentWrapUp})
	r.settle()
}

func TestThePageOfAnotherProgramOpensWhenItIsWanted(t *testing.T) {
	const opener = "Cross-Origin-Opener-Policy"
	r := popRig(t, "https://crm.example/find?n={number}&who={name}&c={call}")
	r.card(outcome.Customer{Name: "Zoë & figli", Company: "Officina"}, "+390255551234")
	b := r.as(bruno)
	if p := b.get("/desk").has(t, `id="pop-choice"`, `<option value="" selected`).lacks(t, "data-pop", "data-awake", `id="desk-pop"`); p.head.Get(opener) != "same-origin" {
		t.Errorf("%s", p.head.Get(opener))
	}
	b.post("/desk/pop", url.Values{"pop": {"always"}}).is(t, http.StatusBadRequest)
	r.offered("c-50", "+390255551234")
	link := `href="https://crm.example/find?n=%2B390255551234&amp;who=Zo%C3%AB%20%26%20figli&amp;c=c-50"`
	for _, c := range []struct {
		wish          string
		rings, talks  bool
		window, heard string
	}{
		{"", false, false, `target="_blank" rel="noopener noreferrer"`, "same-origin"},
		{"ringing", true, true, `target="centralino-pop"`, "same-origin-allow-popups"},
		{"answered", false, true, `target="centralino-pop"`, "same-origin-allow-popups"},
	} {
		p := b.post("/desk/pop", url.Values{"pop": {c.wish}}).is(t, http.StatusOK).has(t, "Scelta registrata", link, c.window, `referrerpolicy="no-referrer"`)
		pops(t, p, c.rings)
		if got := p.head.Get(opener); got != c.heard {
			t.Errorf("%q: %s", c.wish, got)
		}
	}
	b.get("/api/v1/desk").has(t, `"pop":"https://crm.example/find?n=%2B390255551234\u0026who=Zo%C3%AB%20%26%20figli\u0026c=c-50"`)
	r.picksUp("c-50")
	pops(t, b.get("/desk"), true)
	b.post("/desk/pop", url.Values{"pop": {"ringing"}})
	pops(t, b.get("/desk"), true)
	r.as(carla).get("/desk").has(t, `id="pop-choice"`, `<option value="" selected`).lacks(t, "data-pop", "crm.example")
	if got := r.as(bruno).get("/").head.Get(opener); got != "same-origin" {
		t.Errorf("the home page says %s", got)
	}

	// Over, it opens nothing any more; who left leaves no choice behind.
	r.over("c-50")
	b.get("/desk").lacks(t, "data-pop")
	leave(t, r, bruno)
	r.as(dario).post("/people/"+string(bruno)+"/erase", url.Values{"sure": {"true"}}).is(t, http.StatusOK)
	err := r.db.Read(context.Background(), func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRow("SELECT count(*) FROM ui_choice").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d choices are left, %v", n, err)
		}
		for _, q := range ui.Statements() {
			s, err := tx.Prepare(q)
			if err != nil {
				t.Errorf("%s: %v", q, err)
				continue
			}
			s.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pops checks whether a page opens the other program's for the call by itself.
func pops(t *testing.T, p page, want bool) {
	t.Helper()
	if want {
		p.has(t, `data-pop="c-50"`, `id="pop-blocked" hidden`)
	} else {
		p.lacks(t, "data-pop=", "pop-blocked")
	}
}

// TestWithoutSuchAPageNothingIsOffered: nor where the address was spoilt.
func TestWithoutSuchAPageNothingIsOffered(t *testing.T) {
	r := popRig(t, "")
	r.offered("c-50", "+390255551234")
	r.as(bruno).get("/desk").is(t, http.StatusOK).lacks(t, "pop-choice", "desk-pop")
	cur := r.office.Current()
	doc := cur.Doc.Clone()
	for _, bad := range []string{"javascript:alert(1)", "file:///etc/passwd", "https://x/{password}", "data:text/html,x", "https://a:b@x/"} {
		doc.GroupByID("group-1").Queue.PopURL = bad
		if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: dario}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
