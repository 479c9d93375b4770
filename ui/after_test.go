package ui_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/testbed/chrome"
	"centralino/ui"
	"centralino/ui/api"
)

const helpScript = `[hello] Saluto
Buongiorno {customer}, sono {agent}.
! La chiamata riguarda il suo contratto.
? why* (guasto | altro): Perché chiama
> why = guasto -> = outcome-9
> Non ha tempo -> = Da richiamare
-> rest

[rest] Altro
? what testo 3..40: In breve
= outcome-9
`

// furnished is an office with outcomes, a script for its queue, a webhook and calls:
// c-0 is over and was Bruno's, c-2 is his and goes on.
func furnished(t *testing.T, change ...func(*ui.Deps)) *rig {
	t.Helper()
	r := newRig(t, true, change...)
	cur := r.office.Current()
	doc := cur.Doc.Clone()
	doc.Outcomes = []office.Outcome{{ID: "outcome-9", Name: "Risolto", Next: office.OutcomeClosed, Digit: "1"}, {ID: "outcome-8", Name: "Da richiamare", Next: office.OutcomeCallBack, After: 1}}
	doc.Scripts = []office.Script{{ID: "script-9", Name: "Assistenza", Text: helpScript}}
	for i := range doc.Groups {
		if q := doc.Groups[i].Queue; q != nil {
			q.Script, q.Outcomes, q.PopURL = "script-9", nil, "https://crm.example/?n={number}"
		}
	}
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: dario}); err != nil {
		t.Fatal(err)
	}
	busy(r)
	r.log.Append("c-0", journal.CallAnswered{By: bruno}) // as the switch says when an agent has answered
	if err := r.log.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r
}

var reSelected = regexp.MustCompile(`(?s)<select id="[^"]+" name="([^"]+)">(.*?)</select>`)

// selected reads what the lists of a page have chosen.
func selected(body string) url.Values {
	out := url.Values{}
	for _, m := range reSelected.FindAllStringSubmatch(body, -1) {
		if x := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(m[2]); x != nil {
			out.Set(m[1], x[1])
		}
	}
	return out
}

// card makes a card and returns its id.
func (r *rig) card(c outcome.Customer, numbers ...numbering.E164) string {
	r.t.Helper()
	id, err := r.book.Save(context.Background(), dario, c, numbers)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

const (
	ofBruno = numbering.E164("+390298765432") // c-0, which Bruno answered
	nobodys = numbering.E164("+390277777777")
)

func TestAManagersDayWithCustomers(t *testing.T) {
	r := furnished(t)
	b := r.as(dario)
	b.get("/customers").is(t, http.StatusOK).has(t, "Ancora nessuna scheda")
	b.post("/customers/new", url.Values{"name": {"Rossi <b>Mario"}}).is(t, http.StatusUnprocessableEntity).has(t, "almeno un numero", "Rossi &lt;b&gt;Mario")
	b.post("/customers/new", url.Values{"name": {"x"}, "numbers": {"12"}}).is(t, http.StatusUnprocessableEntity).has(t, "non è un numero di telefono valido")
	p := b.post("/customers/new", url.Values{"name": {"Rossi <b>Mario"}, "numbers": {"02 9876 5432\n333 1112223"}, "fields": {"E-mail: m@r.it"}}).is(t, http.StatusOK)
	p.has(t, "Scheda salvata", "Rossi &lt;b&gt;Mario", "02 9876 5432", "m@r.it", "Scritti qui il").lacks(t, "<b>Mario", "n-")
	id := strings.TrimPrefix(p.url.Path, "/customers/")
	p.has(t, "/calls/c-0/after")
	b.get("/customers?q=rossi").has(t, id)
	b.get("/customers?q=0298765432").has(t, id)
	b.get("/customers?q=nessuno").lacks(t, id).has(t, "Nessuna scheda trovata")
	b.post("/customers/"+id+"/note", url.Values{"text": {"ama il caffè"}}).has(t, "ama il caffè")
	b.post("/customers/"+id+"/edit", url.Values{"name": {"Mario Rossi"}, "numbers": {"0298765432"}}).has(t, "Mario Rossi").lacks(t, "111 2223")
	b.post("/customers/new", url.Values{"name": {"Doppio"}, "numbers": {"0298765432"}}).is(t, http.StatusConflict).has(t, "già su un’altra scheda")
	other := r.card(outcome.Customer{Company: "Ferramenta"}, nobodys)
	b.post("/customers/"+id+"/merge", url.Values{"number": {"02 7777 7777"}}).has(t, "Le due schede sono una", "Ferramenta")
	b.get("/customers/"+other).is(t, http.StatusNotFound)

	page := b.post("/customers/"+id+"/export", url.Values{"as": {"page"}}).is(t, http.StatusOK).has(t, "Tutto su Mario Rossi", "ama il caffè", "02 9876 5432")
	page.lacks(t, "Bruno")
	var all api.Customer
	if err := json.Unmarshal([]byte(b.post("/customers/"+id+"/export", url.Values{"as": {"json"}}).body), &all); err != nil || len(all.Calls) < 2 || len(all.Numbers) != 2 {
		t.Errorf("export: %+v %v", all, err)
	}
	b.get("/customers/"+id+"/erase").has(t, "Cancella Mario Rossi", "Sono coinvolte")
	b.post("/customers/"+id+"/erase", url.Values{}).has(t, "Conferma che vuoi cancellare")
	b.post("/customers/"+id+"/erase", url.Values{"sure": {"true"}}).has(t, "Cancellato.").lacks(t, "Mario Rossi")
	b.get("/customers/"+id).is(t, http.StatusNotFound)
	b.get("/calls").lacks(t, "9876 5432").has(t, "numero cancellato")
}

func TestOperatorsSeeWhomTheyTalkWith(t *testing.T) {
	r := furnished(t)
	mine := r.card(outcome.Customer{Name: "Cliente Mio"}, ofBruno)
	others := r.card(outcome.Customer{Name: "Cliente Altrui"}, nobodys)
	b := r.as(bruno)
	b.get("/customers").is(t, http.StatusForbidden)
	b.get("/import").is(t, http.StatusForbidden)
	b.get("/customers/new").is(t, http.StatusNotFound)
	b.get("/customers/"+mine).is(t, http.StatusOK).has(t, "Cliente Mio").lacks(t, "/export", "/erase", "/merge")
	r.as(anna).get("/customers/"+mine).has(t, "/merge")
	b.get("/customers/"+others).is(t, http.StatusNotFound)
	b.get("/api/v1/customer?number=0298765432").has(t, "Cliente Mio")
	b.get("/api/v1/customer?number=0277777777").is(t, http.StatusNotFound)
	b.post("/customers/"+mine+"/export", url.Values{}).is(t, http.StatusForbidden)
	b.post("/customers/"+others+"/note", url.Values{"text": {"x"}}).is(t, http.StatusNotFound)
	r.as(carla).get("/customers/"+mine).is(t, http.StatusNotFound)
	r.as(carla).get("/calls/c-0/after").is(t, http.StatusNotFound)
	r.as(tech).get("/customers/"+mine).is(t, http.StatusNotFound)
	// Who calls without a card gets one from whom he talks with.
	number := regexp.MustCompile(`/customers/new\?number=(n-[a-z0-9]+)`).FindStringSubmatch(b.get("/calls/c-2/after").is(t, http.StatusOK).body)
	if number == nil {
		t.Fatal("no card is offered for an unknown caller")
	}
	b.post("/customers/new", url.Values{"number": {number[1]}, "name": {"Nuova Cliente"}}).is(t, http.StatusOK).has(t, "Nuova Cliente", "347 765 4321")
	r.as(carla).post("/customers/new", url.Values{"number": {number[1]}, "name": {"x"}}).is(t, http.StatusNotFound)
}

func TestACallsScriptLeadsToItsOutcome(t *testing.T) {
	var dialled []string
	var mu sync.Mutex
	r := furnished(t, func(d *ui.Deps) {
		d.Dial = func(_ context.Context, who, party journal.SubjectID) (journal.CallID, error) {
			mu.Lock()
			defer mu.Unlock()
			dialled = append(dialled, string(who)+" "+string(party[:2]))
			return "c-77", []error{nil, errors.New("the line is cut"), ui.ErrNoPhone}[len(dialled)-1]
		}
	})
	r.givesUp()
	id := r.card(outcome.Customer{Name: "Mario Rossi"}, ofBruno)
	b := r.as(bruno)
	p := b.get("/calls/c-0/after").is(t, http.StatusOK)
	p.has(t, "Mario Rossi", "Buongiorno Mario Rossi, sono Bruno Bianchi.", "La chiamata riguarda", "Perché chiama", "Da richiamare", "https://crm.example/?n=%2B390298765432", `rel="noopener noreferrer"`)
	b.post("/calls/c-0/script", url.Values{"do": {"next"}}).has(t, "Manca la risposta", "Leggi la frase")
	b.post("/calls/c-0/script", url.Values{"do": {"next"}, "read": {"true"}, "answer:why": {"altro"}}).has(t, "In breve")
	b.post("/calls/c-0/script", url.Values{"do": {"back"}}).has(t, "Perché chiama")
	p = b.post("/calls/c-0/script", url.Values{"do": {"button:1"}, "answer:why": {"guasto"}}).has(t, "Fine. Esito:", "Proposto dal copione")
	if !regexp.MustCompile(`value="outcome-8" selected`).MatchString(p.body) {
		t.Error("the outcome of the path is not preselected")
	}
	b.post("/calls/c-0/outcome", url.Values{"outcome": {"outcome-x"}}).has(t, "Scegli un esito")
	b.post("/calls/c-0/outcome", url.Values{"outcome": {"outcome-8"}, "callback": {"1999-01-01T10:00"}}).has(t, "deve essere futura")
	b.post("/calls/c-0/outcome", url.Values{"outcome": {"outcome-8"}, "note": {"richiamare dopo pranzo"}}).has(t, "Esito registrato", "Correggi l’esito")
	kept, ok, err := r.book.Of(context.Background(), "c-0")
	if err != nil || !ok || kept.Agent != bruno || kept.Customer != id || kept.Script != "script-9" || kept.Answers["why"] != "guasto" || kept.CallBack.IsZero() {
		t.Errorf("kept %+v %v", kept, err)
	}
	b.get("/customers/"+id).has(t, "richiamare dopo pranzo", "Perché chiama: guasto")
	b.get("/callbacks").has(t, "Mario Rossi", "02 9876 5432", "richiamare dopo pranzo")
	r.as(dario).get("/api/v1/callbacks").has(t, `"name":"Mario Rossi"`).lacks(t, "n-")
	b.post("/callbacks/c-0/dial", nil).has(t, "Squilla il tuo telefono", "lo stai chiamando tu")
	r.as(dario).post("/callbacks/c-0/dial", nil).has(t, "Lo sta già chiamando qualcun altro")
	b.post("/customers/"+id+"/dial", url.Values{"at": {"0"}}).has(t, "La chiamata non è partita")
	b.post("/customers/"+id+"/dial", url.Values{"at": {"0"}}).has(t, "Nessun tuo telefono è collegato.")
	mu.Lock()
	if fmt.Sprint(dialled) != "[p-sample-bruno n- p-sample-bruno n- p-sample-bruno n-]" {
		t.Errorf("dialled %v", dialled)
	}
	mu.Unlock()
	never := r.card(outcome.Customer{Name: "Mai chiamato"}, nobodys)
	r.as(dario).post("/customers/"+never+"/dial", url.Values{"at": {"0"}}).has(t, "non ha mai chiamato")
	b.post("/callbacks/c-0/done", nil).has(t, "Tolto dall&#39;elenco", "Nessuno da richiamare")
	r.as(carla).post("/calls/c-0/outcome", url.Values{"outcome": {"outcome-9"}}).is(t, http.StatusNotFound)
	b.get("/calls/c-4/after").is(t, http.StatusNotFound) // colleagues among themselves
}

// givesUp ends the call that Dario makes to Bruno's caller in a busy office.
func (r *rig) givesUp() {
	r.t.Helper()
	r.log.Append("c-3", journal.CallEnded{Cause: "noAnswer"})
	r.figures()
	r.settle()
}

// TestACallBackThatCouldNotBeMadeIsFree: whoever could not call a customer back keeps
// nobody from it; a call under way is not given away by a second press that fails.
func TestACallBackThatCouldNotBeMadeIsFree(t *testing.T) {
	var next error
	r := furnished(t, func(d *ui.Deps) {
		d.Dial = func(context.Context, journal.SubjectID, journal.SubjectID) (journal.CallID, error) {
			return "c-77", next
		}
	})
	r.givesUp()
	r.card(outcome.Customer{Name: "Mario Rossi"}, ofBruno)
	b, d := r.as(bruno), r.as(dario)
	b.post("/calls/c-0/outcome", url.Values{"outcome": {"outcome-8"}}).has(t, "Esito registrato")
	next = ui.ErrNoPhone
	b.post("/callbacks/c-0/dial", nil).has(t, "Nessun tuo telefono").lacks(t, "lo stai chiamando tu")
	next = nil
	d.post("/callbacks/c-0/dial", nil).has(t, "Squilla il tuo telefono", "lo stai chiamando tu")
	next = errors.New("the line is cut")
	d.post("/callbacks/c-0/dial", nil).has(t, "La chiamata non è partita", "lo stai chiamando tu")
	b.post("/callbacks/c-0/dial", nil).has(t, "Lo sta già chiamando qualcun altro")
}

// TestACallThatWasMadeHasItsCustomer: who calls out has the customer and the outcome of
// the call as who was called, also when it is over.
func TestACallThatWasMadeHasItsCustomer(t *testing.T) {
	r := furnished(t)
	r.log.Append("c-out", journal.CallStarted{Direction: journal.Outbound, From: bruno, To: r.people.Number(nobodys), Line: "line-3"})
	r.log.Append("c-out", journal.CallEnded{Cause: "hangup", By: "caller"})
	r.settle()
	r.card(outcome.Customer{Name: "Mario Rossi"}, nobodys)
	r.as(bruno).get("/calls/c-out/after").is(t, http.StatusOK).has(t, "Mario Rossi")
	r.as(carla).get("/calls/c-out/after").is(t, http.StatusNotFound)
}

// TestTheDeskAnswersProgramsAlike: what follows a change of state names the caller as the
// desk does.
func TestTheDeskAnswersProgramsAlike(t *testing.T) {
	r := furnished(t, withDesk)
	r.card(outcome.Customer{Name: "Luisa Verdi"}, "+393477654321") // c-2
	b := r.as(bruno)
	b.get("/api/v1/desk").has(t, `"caller":"Luisa Verdi"`)
	b.post("/api/v1/desk/state", url.Values{"do": {"pause"}}).is(t, http.StatusOK).has(t, `"caller":"Luisa Verdi"`)
}

// TestPagesThatABoxDoesNotHave stand in no menu, tab or search.
func TestPagesThatABoxDoesNotHave(t *testing.T) {
	r := newRig(t, true, func(d *ui.Deps) { d.Surveys, d.Webhooks = nil, nil })
	r.as(dario).get("/customers").has(t, `href="/scripts"`).lacks(t, `href="/surveys"`, `href="/webhooks"`)
	r.as(dario).get("/search?q=sondaggi").lacks(t, `href="/surveys"`)
	r = newRig(t, true, func(d *ui.Deps) { d.Customers = nil })
	r.as(dario).get("/search?q=clienti").lacks(t, `href="/customers"`)
}

// TestSearchFindsThePagesOfTheMenu by their names.
func TestSearchFindsThePagesOfTheMenu(t *testing.T) {
	r := newRig(t, true)
	link := regexp.MustCompile(`<li><a href="([^"]+)"[^>]*><svg.*?</svg>([^<]+)</a></li>`)
	for _, who := range []journal.SubjectID{tech, dario, anna, bruno} {
		b := r.as(who)
		menu := link.FindAllStringSubmatch(b.get("/").body, -1)
		if len(menu) < 6 {
			t.Errorf("%s has %d pages in the menu", who, len(menu))
		}
		for _, m := range menu {
			var hits []api.Hit
			if err := json.Unmarshal([]byte(b.get("/api/v1/search?q="+url.QueryEscape(m[2])).body), &hits); err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(hits, func(h api.Hit) bool { return h.URL == m[1] }) {
				t.Errorf("%s does not find %s by %q: %+v", who, m[1], m[2], hits)
			}
		}
	}
}

func TestImportingAFile(t *testing.T) {
	r := furnished(t)
	b := r.as(dario)
	b.upload("/import", "file", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00")).is(t, http.StatusUnprocessableEntity).has(t, "non è una tabella")
	b.upload("/import", "file", []byte("\n")).is(t, http.StatusUnprocessableEntity).has(t, "nessuna riga")
	p := b.upload("/import", "file", []byte("Nome;Telefono;Città\nMario <i>Rossi;0298765432;Roma\nDue;=cmd|' /C calc'!A0;Lodi\nTre;0277777777;Lodi\n")).is(t, http.StatusOK)
	p.has(t, "Righe: 3", "punto e virgola", "Mario &lt;i&gt;Rossi", "Riga 3", "non è un numero valido", "Scarica le righe scartate")
	form := selected(p.body)
	if form.Get("column:0") != "name" || form.Get("column:1") != "number" || form.Get("column:2") != "field" {
		t.Errorf("guessed %v", form)
	}
	b.get(p.url.Path+"/rejected").has(t, "riga;motivo;Nome;Telefono;Città", "3;", "'=cmd")
	form.Set("do", "import")
	b.post(p.url.Path, form).is(t, http.StatusUnprocessableEntity).has(t, "da dove vengono i dati")
	form.Set("column:1", "name")
	b.post(p.url.Path, url.Values{"column:0": {"name"}, "column:1": {"name"}, "column:2": {""}, "do": {"look"}}).has(t, "almeno una colonna con numeri")
	form.Set("column:1", "number")
	form.Set("source", "Fiera di maggio")
	form.Set("date", "2026-05-02")
	r.as(anna).post(p.url.Path, form).is(t, http.StatusForbidden)
	b.post(p.url.Path, form).has(t, "Importato.", "Fiera di maggio")
	if n, _ := r.book.Count(context.Background()); n != 2 {
		t.Errorf("%d cards", n)
	}
	var m api.System
	if err := json.Unmarshal([]byte(r.as(tech).get("/api/v1/system").body), &m); err != nil {
		t.Fatal(err)
	}
	refused := map[string]uint64{}
	for _, x := range m.Refused {
		refused[x.Where+" "+x.What] = x.Count
	}
	if refused["upload csv"] != 2 || refused["upload row"] != 1 {
		t.Errorf("counted as refused: %v", refused)
	}
	b.get("/customers?q=roma").has(t, "Mario &lt;i&gt;Rossi")
	b.get(p.url.Path).is(t, http.StatusNotFound)
}

// The rows that are not taken come back as they were, and nothing of them is a formula;
// a number stays as it was typed, so that it can be mended.
func TestRejectedRowsHoldNoFormulas(t *testing.T) {
	r := furnished(t)
	b := r.as(dario)
	p := b.upload("/import", "file", []byte("Nome;Telefono;=HYPERLINK(0)\nUno;\uff1d1+1;x\nDue; =2+2;x\nTre;+39 1;x\n")).is(t, http.StatusOK)
	b.get(p.url.Path+"/rejected").has(t, "Telefono;'=HYPERLINK(0)", ";'\uff1d1+1;", "'", "=2+2;", ";+39 1;").lacks(t, ";=", "; =", ";\uff1d")
}

func TestWritingAScript(t *testing.T) {
	r := furnished(t)
	b := r.as(dario)
	b.get("/scripts").has(t, "Assistenza", "a posto")
	bad := url.Values{"name": {"Nuovo"}, "text": {"[a] A\n-> b"}}
	b.post("/scripts/new", url.Values{"do": {"check"}, "name": {"Nuovo"}, "text": {"[a] A\n-> b"}}).is(t, http.StatusOK).has(t, "Riga 2", "Il passo «b» non esiste")
	b.post("/scripts/new", bad).is(t, http.StatusUnprocessableEntity).has(t, "Il passo «b» non esiste")
	p := b.post("/scripts/new", url.Values{"name": {"Nuovo"}, "text": {"[a] A\r\nCiao\r\n= Risolto"}}).is(t, http.StatusOK).has(t, "Nuovo")
	b.post(p.url.Path, nil).is(t, http.StatusOK).has(t, "Applicato", "Nessun problema")
	// Taking away an outcome that a script ends in is refused, by its own rule.
	if p := b.post("/delete/outcome/outcome-9", nil); strings.HasPrefix(p.url.Path, "/draft/") {
		t.Errorf("the outcome may go: %s", p.url)
	}
	// Trying it.
	p = b.get("/scripts/script-9/try").has(t, "Perché chiama")
	walk := html.UnescapeString(regexp.MustCompile(`name="walk" value="([^"]*)"`).FindStringSubmatch(p.body)[1])
	p = b.post("/scripts/script-9/try", url.Values{"walk": {walk}, "do": {"next"}, "read": {"true"}, "answer:why": {"guasto"}}).has(t, "Fine. Esito:", "Risolto")
	b.post("/scripts/script-9/try", url.Values{"walk": {"{"}}).is(t, http.StatusBadRequest)
	b.get("/scripts/new/try").is(t, http.StatusNotFound)
	r.as(anna).get("/scripts/script-9").is(t, http.StatusOK).lacks(t, "Controlla</button>")
	r.as(anna).post("/scripts/script-9", bad).is(t, http.StatusForbidden)
	r.as(bruno).get("/scripts").is(t, http.StatusForbidden)
}

func TestSurveyResultsOnThePage(t *testing.T) {
	r := furnished(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 12 {
		r.surveys.Apply(journal.Event{Seq: uint64(i + 1), Time: at, Payload: journal.SurveyAnswered{Call: "c", Queue: "group-1", Survey: "survey-1", Question: 1, Answer: []string{"5", "4"}[i%2]}})
		if i == 8 {
			r.as(dario).get("/surveys").has(t, "quando sono almeno dieci").lacks(t, "50 %")
		}
	}
	r.as(dario).get("/surveys").has(t, "50 %", "12 risposte", "03/2026")
	r.as(anna).get("/api/v1/surveys").has(t, `"count":12`, `"mean":4.5`)
	r.as(bruno).get("/surveys").is(t, http.StatusForbidden)
}

func TestWebhooksOnThePage(t *testing.T) {
	r := furnished(t)
	got := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { got <- req.Header.Get("Centralino-Event") }))
	defer receiver.Close()
	cur := r.office.Current()
	doc := cur.Doc.Clone()
	doc.Webhooks = []office.Webhook{{ID: "webhook-9", Name: "CRM", URL: receiver.URL, Events: []string{"ended"}}}
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: tech}); err != nil {
		t.Fatal(err)
	}
	r.deps.Webhooks.OfficeChanged()
	b := r.as(tech)
	b.get("/webhooks").has(t, "CRM", "ancora niente", "senza segreto")
	b.post("/webhooks/webhook-9", url.Values{"do": {"try"}}).has(t, "Prova inviata")
	select {
	case e := <-got:
		if e != "test" {
			t.Errorf("told %q", e)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the test did not come")
	}
	b.post("/webhooks/webhook-9", url.Values{"do": {"again"}}).is(t, http.StatusOK)
	b.post("/webhooks/webhook-9", url.Values{"do": {"x"}}).is(t, http.StatusBadRequest)
	b.post("/webhooks/none", url.Values{"do": {"try"}}).is(t, http.StatusNotFound)
	// A test that could not be sent is not said to have been.
	if err := r.db.Write(context.Background(), func(tx *sql.Tx) error { _, err := tx.Exec("ALTER TABLE cti_queue RENAME TO gone"); return err }); err != nil {
		t.Fatal(err)
	}
	b.post("/webhooks/webhook-9", url.Values{"do": {"try"}}).is(t, http.StatusInternalServerError)
	b.get("/me").lacks(t, "Prova inviata")
	r.as(anna).get("/webhooks").is(t, http.StatusForbidden)
}

// TestTheEventStream: Bruno hears his own call, Carla none of it, the manager all of
// it and nobody's name.
func TestTheEventStream(t *testing.T) {
	r := furnished(t)
	heard := map[journal.SubjectID]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	ready := make(chan struct{}, 3)
	for who, until := range map[journal.SubjectID]string{bruno: "event: outcome", dario: "event: outcome", carla: "\"c-carla\""} {
		wg.Go(func() {
			said := false
			text := r.as(who).stream("/api/v1/events", func(s string) bool {
				if !said && strings.Contains(s, "event: alive") {
					said = true
					ready <- struct{}{}
				}
				return strings.Contains(s, until) && strings.HasSuffix(s, "}\n")
			})
			mu.Lock()
			heard[who] = text
			mu.Unlock()
		})
	}
	for range 3 {
		<-ready
	}
	say := func(call journal.CallID, at journal.SubjectID) {
		for _, p := range []journal.Payload{
			journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number(ofBruno)}, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1"},
			journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegRinging, Person: at}, journal.ContactConnected{Contact: journal.ContactID(call), Queue: "group-1", Agent: at},
			journal.CallEnded{Cause: "hangup"}, journal.OutcomeSet{Call: call, Agent: at, Queue: "group-1", Outcome: "outcome-9"},
		} {
			r.log.Append(call, p)
		}
	}
	say("c-bruno", bruno)
	say("c-carla", carla)
	wg.Wait()
	if s := heard[bruno]; !strings.Contains(s, `"call":"c-bruno"`) || strings.Contains(s, "c-carla") || !strings.Contains(s, `"agentName":"Bruno Bianchi"`) || !strings.Contains(s, `"pop":"https://crm.example/`) || !strings.Contains(s, "+390298765432") {
		t.Errorf("Bruno heard %s", s)
	}
	if s := heard[carla]; strings.Contains(s, "c-bruno") {
		t.Errorf("Carla heard %s", s)
	}
	if s := heard[dario]; !strings.Contains(s, "event: ringing") || strings.Contains(s, "Bruno") || strings.Contains(s, "p-sample") {
		t.Errorf("the manager heard %s", s)
	}
	if !regexp.MustCompile(`id: \d+\n`).MatchString(heard[dario]) {
		t.Error("events have no numbers")
	}
	r.as(tech).get("/api/v1/events").is(t, http.StatusForbidden)
}

// TestAfterScreens takes pictures of the pages after the call, where UI_SCREENS names a
// folder.
func TestAfterScreens(t *testing.T) {
	folder := os.Getenv("UI_SCREENS")
	if folder == "" {
		t.Skip("UI_SCREENS names no folder")
	}
	r := furnished(t, func(d *ui.Deps) {
		d.Dial = func(context.Context, journal.SubjectID, journal.SubjectID) (journal.CallID, error) {
			return "c-77", nil
		}
	})
	id := r.card(outcome.Customer{Name: "Mario Rossi", Company: "Ferramenta Rossi srl", Fields: map[string]string{"E-mail": "mario@ferramenta.example", "Codice": "C-1042"}}, ofBruno, "+393331112223")
	for i, n := range []string{"Anna Bianchi", "Bar Sport", "Carrozzeria Ferri", "Studio Verdi e Associati"} {
		r.card(outcome.Customer{Name: n}, numbering.E164(fmt.Sprintf("+39027777777%d", i)))
	}
	ctx := context.Background()
	_ = r.book.AddNote(ctx, bruno, id, "Preferisce essere chiamato dopo le 15.\nHa due caldaie.")
	if _, err := r.book.Set(ctx, outcome.Result{Call: "c-0", Subject: r.people.Number(ofBruno), Queue: "group-1", Agent: bruno, Outcome: "outcome-8", Note: "Vuole un preventivo"}); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		r.surveys.Apply(journal.Event{Seq: uint64(i + 1), Time: time.Date(2026, time.Month(1+i/14), 1, 0, 0, 0, 0, time.UTC), Payload: journal.SurveyAnswered{Call: "c", Queue: "group-1", Survey: "survey-1", Question: 1 + i%2, Answer: fmt.Sprint(1 + i*7%5)}})
	}
	cur := r.office.Current()
	doc := cur.Doc.Clone()
	doc.Webhooks = []office.Webhook{{ID: "webhook-9", Name: "Gestionale", URL: "http://127.0.0.1:1/hook", Events: []string{"ended"}}}
	doc.Scripts = append(doc.Scripts, office.Script{ID: "script-8", Name: "Da sistemare", Text: "[a] Inizio\n-> b\n[c] Altro\n= Nessuno"})
	if _, err := r.office.Apply(ctx, office.Edit{Base: cur.Version, Doc: doc, By: tech}); err != nil {
		t.Fatal(err)
	}
	r.deps.Webhooks.OfficeChanged()
	r.as(tech).post("/webhooks/webhook-9", url.Values{"do": {"try"}})
	b := chromium(t)
	for _, who := range []struct {
		name  string
		who   journal.SubjectID
		paths string
	}{
		{"manager", dario, "/customers /customers/" + id + " /customers/" + id + "/edit /customers/" + id + "/erase /import /callbacks /scripts /scripts/script-9 /scripts/script-8 /scripts/script-9/try /surveys /webhooks /calls/c-0/after"},
		{"operator", bruno, "/callbacks /calls/c-0/after /calls/c-2/after /desk /customers/" + id},
	} {
		r.enter(b, who.who)
		if who.who == dario {
			x := r.as(dario).upload("/import", "file", []byte("Nome;Telefono;Città;Note\nMario Rossi;0298765432;Roma;vip\nDue;12;Lodi;\nTre;0277777788;Lodi;\nTre bis;0277777788;;\n"))
			who.paths += " " + x.url.Path
		}
		for _, size := range []struct {
			name          string
			width, height int64
			scheme, lang  string
		}{{"desk", 1280, 900, "light", "it"}, {"phone", 390, 844, "dark", "en"}} {
			chrome.Screen(t, b, size.width, size.height, size.scheme, size.lang)
			for path := range strings.FieldsSeq(who.paths) {
				err := chromedp.Do(b, chromedp.Navigate(r.http.URL+path), chromedp.WaitReady(chromedp.CSS("#main")))
				var png []byte
				if err == nil {
					png, err = chromedp.Run(b, chromedp.FullScreenshot(100))
				}
				if err != nil {
					t.Fatal(path, err)
				}
				name := strings.NewReplacer("/", "_", id, "card").Replace(strings.TrimPrefix(path, "/"))
				if strings.HasPrefix(name, "import_") {
					name = "import_preview"
				}
				if err := os.WriteFile(filepath.Join(folder, "after-"+who.name+"-"+size.name+"-"+name+".png"), png, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
