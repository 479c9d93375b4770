package ui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

// TestADossierIsWhole: every call of a person is in it, however many, and what he
// answered after calls; while the gate is closed not to which call, and not before the
// month is over. What is left out is said.
func TestADossierIsWhole(t *testing.T) {
	var mu sync.Mutex
	now := worldStart
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	sample := office.Sample(office.SampleOptions{AlwaysOpen: true, Now: worldStart})
	sample.Doc.Surveys = []office.Survey{{ID: "survey-1", Name: "Gradimento", Questions: []office.ID{"prompt-menu"}, Keys: "12345"}}
	r := newRigOf(t, true, rigOf{now: clock, sample: sample, folder: t.TempDir()})
	who := r.people.Number(nobodys)
	const many = 1203
	for i := range many {
		c := journal.CallID(fmt.Sprint("c-", i))
		r.log.Append(c, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: who})
		r.log.Append(c, journal.CallEnded{Cause: "hangup", By: "caller", Talk: time.Minute})
	}
	r.log.Append("c-7", journal.SurveyAnswered{Call: "c-7", Queue: "group-1", Survey: "survey-1", Question: 1, Answer: "5"})
	r.settle()
	id := r.card(outcome.Customer{Name: "Mario Rossi"}, nobodys)
	mu.Lock()
	now = now.AddDate(0, 1, 5)
	mu.Unlock()
	r.log.Append("c-9", journal.SurveyAnswered{Call: "c-9", Queue: "group-1", Survey: "survey-1", Question: 1, Answer: "2"})
	r.settle()
	export := func() api.Customer {
		t.Helper()
		var all api.Customer
		if err := json.Unmarshal([]byte(r.as(dario).post("/customers/"+id+"/export", url.Values{"as": {"json"}}).is(t, http.StatusOK).body), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := export()
	seen := map[string]bool{}
	for _, c := range all.Calls {
		seen[c.ID] = true
	}
	if len(all.Calls) != many || len(seen) != many {
		t.Errorf("%d calls, %d different ones, of %d", len(all.Calls), len(seen), many)
	}
	if len(all.Surveys) != 1 || all.Surveys[0] != (api.SurveyGiven{Month: "2026-03", Survey: "Gradimento", Question: "Menu", Answer: "5"}) || len(all.LeftOut) != 3 {
		t.Errorf("while the gate is closed: %+v, %q", all.Surveys, all.LeftOut)
	}
	r.as(dario).post("/customers/"+id+"/export", url.Values{"as": {"page"}}).is(t, http.StatusOK).has(t, "Risposte ai sondaggi", "<b>5</b>", "2026-03", "Che cosa non c’è", "questo mese").lacks(t, "<b>2</b>")
	r.as(dario).get("/customers/"+id+"/erase").has(t, "1.203")
	open(t, r)
	if all = export(); len(all.Surveys) != 2 || all.Surveys[0].Answer != "2" || all.Surveys[1].Time.IsZero() || len(all.LeftOut) != 1 {
		t.Errorf("with an agreement: %+v, %q", all.Surveys, all.LeftOut)
	}
}
