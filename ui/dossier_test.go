package ui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
)

// TestADossierIsWhole: every call of a person is in it, however many, and what he
// answered after calls; while the gate is closed not to which call, not before the
// month is over, and only if it may be of one of five colleagues. What is left out is said.
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
	talked := func(call journal.CallID, queue string, agent journal.SubjectID) {
		r.log.Append(call, journal.ContactConnected{Contact: journal.ContactID(call), Queue: queue, Agent: agent})
	}
	for i := range 5 {
		talked(journal.CallID(fmt.Sprint("c-", 7+i)), "group-1", journal.SubjectID(fmt.Sprint("p-", i)))
		talked(journal.CallID(fmt.Sprint("c-", 70+i)), "group-7", journal.SubjectID(fmt.Sprint("p-", i%4)))
	}
	r.log.Append("c-70", journal.SurveyAnswered{Call: "c-70", Queue: "group-7", Survey: "survey-1", Question: 1, Answer: "4"})
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
	if len(all.Surveys) != 1 || all.Surveys[0] != (api.SurveyGiven{Month: "2026-03", Survey: "Gradimento", Question: "Menu", Answer: "5"}) || len(all.LeftOut) != 4 {
		t.Errorf("while the gate is closed: %+v, %q", all.Surveys, all.LeftOut)
	}
	r.as(dario).post("/customers/"+id+"/export", url.Values{"as": {"page"}}).is(t, http.StatusOK).has(t, "Risposte ai sondaggi", "<b>5</b>", "2026-03", "Che cosa non c’è", "questo mese", "meno di cinque colleghi").lacks(t, "<b>2</b>", "<b>4</b>")
	r.as(dario).get("/customers/"+id+"/erase").has(t, "1.203")
	open(t, r)
	if all = export(); len(all.Surveys) != 3 || all.Surveys[0].Answer != "2" || all.Surveys[1].Time.IsZero() || len(all.LeftOut) != 1 {
		t.Errorf("with an agreement: %+v, %q", all.Surveys, all.LeftOut)
	}
}

// TestAnAnswerIsOfOneOfFive: months are put together until the answers in them may be of
// one of five people who talked with the customer, and the reader is none of them.
func TestAnAnswerIsOfOneOfFive(t *testing.T) {
	for _, c := range []struct {
		name   string
		agents []string // of each month, from January: who talked, in a letter each
		want   []string // of each month: the stretch that its answer stands under
	}{
		{"one call of one month", []string{"a"}, []string{""}},
		{"five people in one month", []string{"abcde"}, []string{"2026-01"}},
		{"months until there are five", []string{"ab", "bc", "de", "a"}, []string{"2026-01/2026-03", "2026-01/2026-03", "2026-01/2026-03", ""}},
		{"the same four for ever", []string{"abcd", "abcd", "abcd"}, []string{"", "", ""}},
		{"the reader is nobody else", []string{"abcd.", "e"}, []string{"2026-01/2026-02", "2026-01/2026-02"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			now := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
			clock := func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				return now
			}
			r := newRigOf(t, true, rigOf{now: clock, sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: now}), folder: t.TempDir()})
			n := 0
			for month, agents := range c.agents {
				mu.Lock()
				now = time.Date(2026, time.Month(1+month), 10, 10, 0, 0, 0, time.UTC)
				mu.Unlock()
				for _, a := range agents {
					call, agent := journal.CallID(fmt.Sprint("c-", n)), journal.SubjectID("p-"+string(a))
					if a == '.' {
						agent = dario
					}
					r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number(nobodys)})
					r.log.Append(call, journal.ContactConnected{Contact: journal.ContactID(call), Queue: "group-1", Agent: agent})
					r.log.Append(call, journal.CallEnded{Cause: "hangup", By: "caller", Talk: time.Minute})
					n++
				}
				last := journal.CallID(fmt.Sprint("c-", n-1))
				r.log.Append(last, journal.SurveyAnswered{Call: last, Queue: "group-1", Survey: "survey-1", Question: 1, Answer: fmt.Sprint(month)})
			}
			mu.Lock()
			now = now.AddDate(0, 2, 0)
			mu.Unlock()
			r.settle()
			id := r.card(outcome.Customer{Name: "Mario Rossi"}, nobodys)
			var all api.Customer
			if err := json.Unmarshal([]byte(r.as(dario).post("/customers/"+id+"/export", url.Values{"as": {"json"}}).is(t, http.StatusOK).body), &all); err != nil {
				t.Fatal(err)
			}
			got := make([]string, len(c.want))
			for _, x := range all.Surveys {
				month, err := strconv.Atoi(x.Answer)
				if err != nil {
					t.Fatal(err)
				}
				got[month] = x.Month
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("answers stand under %q, want %q", got, c.want)
			}
		})
	}
}
