package ui_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/acd/engine"
	"centralino/acd/outcome"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/ui"
	"centralino/ui/api"
)

// promise makes a queue promise a call to a number.
func (r *rig) promise(id journal.CallID, n numbering.E164) journal.SubjectID {
	r.t.Helper()
	who, c := r.people.Number(n), journal.ContactID(id)
	r.log.Append(id, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: who})
	r.log.Append(id, journal.ContactQueued{Contact: c, Queue: "group-1", Caller: who, Arrival: time.Now()})
	r.log.Append(id, journal.CallbackPromised{Contact: c, Queue: "group-1", Caller: who, Arrival: time.Now()})
	r.log.Append(id, journal.CallEnded{Cause: "callback"})
	r.figures()
	r.settle()
	return who
}

// TestOneCallerIsTakenOnce: somebody who gave up, was promised a call by the queue and
// asked for one on a date stands on three lists; who takes him from one has him on all,
// and a second person is refused on all.
func TestOneCallerIsTakenOnce(t *testing.T) {
	called := 0
	r := furnished(t, func(d *ui.Deps) {
		d.Dial = func(context.Context, journal.SubjectID, journal.SubjectID) (journal.CallID, error) {
			called++
			return "c-77", nil
		}
	})
	morning(r, 0, 1)
	n := numbering.E164("+390276540000")
	caller := r.promise("w-1", n)
	if _, err := r.book.Set(context.Background(), outcome.Result{Call: "l-0", Subject: caller, Queue: "group-1", Agent: carla, Outcome: "outcome-8"}); err != nil {
		t.Fatal(err)
	}
	b, c := r.as(bruno), r.as(carla)
	p := c.get("/recall").is(t, http.StatusOK).has(t, "Aspettano la richiamata della coda", "Assistenza · promesso", "ha rinunciato aspettando", "Annulla la promessa")
	if got := strings.Count(p.body, `action="/recall/take"`); got != 2 {
		t.Errorf("%d buttons to call, want one on each list", got)
	}
	b.post("/callbacks/l-0/dial", nil).has(t, "Squilla il tuo telefono", "lo stai chiamando tu")
	p = c.get("/recall").has(t, "lo richiama una persona").lacks(t, "Bruno", `action="/recall/take"`)
	if got := strings.Count(p.body, "lo richiama un operatore"); got != 2 {
		t.Errorf("%d times taken, want on both lists", got)
	}
	c.get("/").has(t, "lo richiama un operatore")
	c.get("/callbacks").has(t, "lo richiama un operatore").lacks(t, "Bruno", `action="/callbacks/l-0/dial"`)
	c.post("/recall/take", url.Values{"caller": {string(caller)}}).has(t, "già richiamando qualcun altro")
	c.post("/callbacks/l-0/dial", nil).has(t, "Lo sta già chiamando qualcun altro")
	c.post("/recall/done", url.Values{"caller": {string(caller)}, "why": {"returned"}}).has(t, "già richiamando qualcun altro")
	id := r.card(outcome.Customer{Name: "Mario Rossi"}, n)
	r.as(dario).post("/customers/"+id+"/dial", url.Values{"at": {"0"}}).has(t, "Lo sta già chiamando qualcun altro")
	if called != 1 {
		t.Errorf("%d calls", called)
	}
	b.get("/recall").has(t, "Rimetti in elenco")
	b.post("/recall/done", url.Values{"caller": {string(caller)}, "why": {"returned"}})
	c.get("/recall").has(t, `action="/recall/take"`)
	r.box.set(func(b *fakeBox) { b.atDesk = report.ErrBusy })
	c.post("/recall/take", url.Values{"caller": {string(caller)}}).has(t, "la coda lo sta già richiamando")
	c.post("/api/v1/recall/take", url.Values{"caller": {string(caller)}}).is(t, http.StatusConflict)
}

// TestACallerIsGivenBackWhereHeWasTaken: from the list of call-backs, the desk and the
// customer's card, by the same button as on the list of people to call back.
func TestACallerIsGivenBackWhereHeWasTaken(t *testing.T) {
	r := furnished(t, withDesk, func(d *ui.Deps) {
		d.Dial = func(context.Context, journal.SubjectID, journal.SubjectID) (journal.CallID, error) {
			return "c-77", nil
		}
	})
	n := numbering.E164("+390276540000")
	morning(r, 0, 1)
	caller := r.people.Number(n)
	if _, err := r.book.Set(context.Background(), outcome.Result{Call: "l-0", Subject: caller, Queue: "group-1", Agent: bruno, Outcome: "outcome-8", CallBack: time.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	card := "/customers/" + r.card(outcome.Customer{Name: "Mario Rossi"}, n)
	b, c := r.as(bruno), r.as(carla)
	for _, of := range []struct {
		page, dial string
		form       url.Values
	}{
		{"/callbacks", "/callbacks/l-0/dial", nil},
		{"/desk", "/callbacks/l-0/dial", url.Values{"back": {"/desk"}}},
		{card, card + "/dial", url.Values{"at": {"0"}}},
	} {
		b.get(of.page).is(t, http.StatusOK).lacks(t, "/recall/done", "Rimetti in elenco")
		b.post(of.dial, of.form).has(t, "Squilla il tuo telefono")
		c.get(of.page).has(t, "lo richiama un operatore").lacks(t, "/recall/done", `action="`+of.dial)
		p := b.get(of.page).has(t, "lo stai chiamando tu", "Rimetti in elenco", `action="/recall/done"`)
		if got := hidden(p.body, "/recall/done", "back"); got != of.page {
			t.Errorf("%s goes back to %q", of.page, got)
		}
		if got := hidden(p.body, "/recall/done", "caller"); got != string(caller) {
			t.Errorf("%s gives %q back", of.page, got)
		}
		if p := b.post("/recall/done", url.Values{"caller": {string(caller)}, "why": {"returned"}, "back": {of.page}}).has(t, "È tornato in elenco"); p.url.Path != of.page {
			t.Errorf("it leads to %s, not to %s", p.url, of.page)
		}
		c.get(of.page).has(t, `action="`+of.dial)
	}
	b.get("/api/v1/callbacks").has(t, "Mario Rossi").lacks(t, string(caller))
}

// hidden is the value of a hidden field of the form with an action, empty if there is none.
func hidden(body, action, field string) string {
	_, form, _ := strings.Cut(body, `action="`+action+`"`)
	form, _, _ = strings.Cut(form, "</form>")
	_, value, _ := strings.Cut(form, `name="`+field+`" value="`)
	value, _, _ = strings.Cut(value, `"`)
	return value
}

// TestWhoForgotACallerLeavesHimToOthers: when nobody has a caller any more because his
// time is over, the pages that are open give him to others at once.
func TestWhoForgotACallerLeavesHimToOthers(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := factsRig(t, folder, func(d *ui.Deps) {
			d.Dial = func(context.Context, journal.SubjectID, journal.SubjectID) (journal.CallID, error) {
				return "c-77", nil
			}
		})
		morning(r, 0, 1)
		doc := r.office.Current().Doc.Clone()
		doc.Outcomes = []office.Outcome{{ID: "outcome-8", Name: "Da richiamare", Next: office.OutcomeCallBack, After: 1}}
		if _, err := r.office.Apply(context.Background(), office.Edit{Base: r.office.Current().Version, Doc: doc, By: dario}); err != nil {
			t.Fatal(err)
		}
		caller := r.people.Number("+390276540000")
		if _, err := r.book.Set(context.Background(), outcome.Result{Call: "l-0", Subject: caller, Queue: "group-1", Agent: carla, Outcome: "outcome-8"}); err != nil {
			t.Fatal(err)
		}
		if err := r.reports.Take(context.Background(), caller, bruno); err != nil {
			t.Fatal(err)
		}
		over := time.Now().Add(engine.TakenFor)
		time.Sleep(time.Second)
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		screens := map[string]*screenOf{}
		for page, button := range map[string]string{"recall": "/recall/take", "home": "/recall/take", "callbacks": "/callbacks/l-0/dial"} {
			screens[page] = r.openPage(ctx, &wg, carla, page, button)
		}
		time.Sleep(engine.TakenFor + time.Minute)
		stop()
		wg.Wait()
		for page, s := range screens {
			if late := s.shown.Sub(over); s.shown.IsZero() || late < 0 || late > time.Second {
				t.Errorf("%s gives him back at %v, his time was over at %v", page, s.shown, over)
			}
		}
	})
}

// TestWhoTalksIsNotCalled: of a caller who is on a call now nobody is told more than that.
func TestWhoTalksIsNotCalled(t *testing.T) {
	called := 0
	r := furnished(t, func(d *ui.Deps) {
		d.Dial = func(context.Context, journal.SubjectID, journal.SubjectID) (journal.CallID, error) {
			called++
			return "c-77", nil
		}
	})
	morning(r, 0, 1)
	n := numbering.E164("+390276540000")
	caller := r.people.Number(n)
	id := r.card(outcome.Customer{Name: "Mario Rossi"}, n)
	if _, err := r.book.Set(context.Background(), outcome.Result{Call: "l-0", Subject: caller, Queue: "group-1", Agent: bruno, Outcome: "outcome-8"}); err != nil {
		t.Fatal(err)
	}
	r.log.Append("o-1", journal.CallStarted{Direction: journal.Outbound, From: bruno, To: caller})
	r.log.Append("o-1", journal.CallBridged{})
	r.figures()
	r.settle()
	c := r.as(carla)
	for path, form := range map[string]url.Values{
		"/recall/take": {"caller": {string(caller)}}, "/callbacks/l-0/dial": nil,
	} {
		c.post(path, form).is(t, http.StatusOK).has(t, "In questo momento è al telefono").lacks(t, "Bruno")
	}
	r.as(dario).post("/customers/"+id+"/dial", url.Values{"at": {"0"}}).has(t, "In questo momento è al telefono").lacks(t, "Bruno")
	c.post("/api/v1/recall/take", url.Values{"caller": {string(caller)}}).is(t, http.StatusConflict).has(t, "E-ONCALL", "è al telefono con l'ufficio")
	if called != 0 {
		t.Errorf("%d calls", called)
	}
	r.log.Append("o-1", journal.CallEnded{Talk: time.Minute})
	r.figures()
	c.post("/callbacks/l-0/dial", nil).has(t, "Squilla il tuo telefono")
}

// TestOpenPromises: what queues have promised stands on the list with its state, and a
// person may take a promise back in his own name; the journal has it.
func TestOpenPromises(t *testing.T) {
	r := newRig(t, true)
	r.promise("w-1", "+390255551234")
	r.promise("w-2", "+390255556789")
	r.log.Append("w-1", journal.ContactOffered{Contact: "w-1", Queue: "group-1", Offer: 1, Agent: bruno})
	r.settle()
	b := r.as(bruno)
	list := func(b *browser) (out api.Recall) {
		t.Helper()
		if err := json.Unmarshal([]byte(b.get("/api/v1/recall").is(t, http.StatusOK).body), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	state := func() string {
		out := ""
		for _, p := range list(b).Promises {
			out += p.Call + " " + p.State.ID + "; "
		}
		return out
	}
	for _, step := range []struct {
		happens journal.Payload
		want    string
	}{
		{nil, "w-1 ringing; w-2 waiting; "},
		{journal.OfferEnded{Contact: "w-1", Offer: 1, Agent: bruno, Outcome: journal.OfferAccepted}, "w-1 calling; w-2 waiting; "},
		{journal.CallbackTried{Contact: "w-1", Queue: "group-1", Agent: bruno, Try: 1, Result: "busy", Next: time.Now().Add(10 * time.Minute)}, "w-1 later; w-2 waiting; "},
	} {
		if step.happens != nil {
			r.log.Append("w-1", step.happens)
			r.settle()
		}
		if got := state(); got != step.want {
			t.Errorf("after %T: %s, want %s", step.happens, got, step.want)
		}
	}
	b.get("/recall").has(t, "1 chiamata senza risposta", "non prima del", "Sì, annulla", "non verrà richiamato")
	b.get("/").has(t, "Da richiamare", "02 5555 1234")
	p := b.post("/recall/cancel", url.Values{"call": {"w-2"}, "back": {"/recall"}}).has(t, "Promessa annullata")
	r.settle()
	if got := state(); got != "w-1 later; " {
		t.Errorf("after cancelling: %s on %s", got, p.url)
	}
	b.post("/recall/cancel", url.Values{"call": {"w-2"}}).has(t, "Non è più da richiamare")
	b.post("/api/v1/recall/cancel", url.Values{"call": {"w-9"}}).is(t, http.StatusNotFound)
	r.box.set(func(b *fakeBox) { b.atDesk = report.ErrBusy })
	b.post("/recall/cancel", url.Values{"call": {"w-1"}}).has(t, "la coda lo sta già richiamando")
	r.box.set(func(b *fakeBox) { b.atDesk = nil })
	var settled []journal.CallbackSettled
	if err := r.log.Replay(context.Background(), 1, func(e journal.Event) error {
		if p, ok := e.Payload.(journal.CallbackSettled); ok {
			settled = append(settled, p)
		}
		return nil
	}); err != nil || len(settled) != 1 || settled[0].By != bruno || settled[0].Contact != "w-2" {
		t.Errorf("the journal has %+v, %v", settled, err)
	}
	r.as(tech).post("/recall/cancel", url.Values{"call": {"w-1"}}).is(t, http.StatusForbidden)
}

// TestOperatorsSeeTheirOwnQueuesCallers: who is in another queue sees, takes and cancels
// nothing of this one; who leads has all.
func TestOperatorsSeeTheirOwnQueuesCallers(t *testing.T) {
	r := newRig(t, true)
	cur := r.office.Current()
	doc := cur.Doc.Clone()
	g := doc.GroupByID("group-1")
	g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(s journal.SubjectID) bool { return s == carla })
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: dario}); err != nil {
		t.Fatal(err)
	}
	morning(r, 0, 1)
	caller := r.promise("w-1", "+390255551234")
	c := r.as(carla)
	c.get("/recall").is(t, http.StatusOK).lacks(t, "7654", "5555")
	c.get("/").lacks(t, "7654", "5555")
	c.get("/api/v1/recall").has(t, `"promises":[]`, `"people":[]`)
	c.post("/recall/take", url.Values{"caller": {string(caller)}}).has(t, "Non è più da richiamare")
	c.post("/recall/done", url.Values{"caller": {string(caller)}, "why": {"noNeed"}}).has(t, "Non è più da richiamare")
	c.post("/recall/cancel", url.Values{"call": {"w-1"}}).has(t, "Non è più da richiamare")
	for _, who := range []journal.SubjectID{anna, dario, bruno} {
		r.as(who).get("/recall").has(t, "02 7654 0000", "02 5555 1234")
	}
	// A try of his that reached no queue stands on everybody's list; what this queue has
	// promised him is not theirs to end.
	r.log.Append("x-1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: caller})
	r.log.Append("x-1", journal.CallEnded{Cause: "hangup"})
	r.settle()
	c.get("/recall?unanswered=on").has(t, "02 5555 1234")
	for _, why := range []string{"noNeed", "reached", "gaveUp"} {
		c.post("/recall/done", url.Values{"caller": {string(caller)}, "why": {why}}).has(t, "già richiamando qualcun altro")
	}
	r.as(anna).get("/recall").has(t, "02 5555 1234")
}

// TestNobodyToCallBackIsInvisible: those who called while the office was closed and those
// who reached nobody are counted on the first page, with the way to them.
func TestNobodyToCallBackIsInvisible(t *testing.T) {
	r := newRig(t, true)
	for i, closed := range []bool{true, false, false} {
		id := journal.CallID("x-" + string(rune('0'+i)))
		r.log.Append(id, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number(numbering.E164("+39027777000" + string(rune('0'+i))))})
		if closed {
			r.log.Append(id, journal.CallRouted{Trace: []journal.TraceStep{{Rule: "ivr.hours.closed"}}})
		}
		r.log.Append(id, journal.CallEnded{Cause: "hangup"})
	}
	r.figures()
	b := r.as(bruno)
	b.get("/").has(t, `href="/recall?closed=on">1 persona ha chiamato a ufficio chiuso<`, `href="/recall?unanswered=on">2 persone non sono arrivate a una coda<`)
	b.get("/recall").has(t, `href="/recall?closed=on"`, `href="/recall?unanswered=on"`)
	b.get("/recall?closed=on").has(t, "02 7777 0000").lacks(t, "02 7777 0001", `href="/recall?closed=on"`)
	b.get("/api/v1/recall").has(t, `"closed":1`, `"unanswered":2`, `"all":0`)
}

// TestWhatIsToBeDone: an outcome with something to do puts it on the list of who said so,
// or of his queue, with its date; it counts on the first page and stands on the desk until
// it is done, and others' tasks are nobody else's.
func TestWhatIsToBeDone(t *testing.T) {
	r := furnished(t, withDesk)
	cur := r.office.Current()
	doc := cur.Doc.Clone()
	doc.Outcomes = append(doc.Outcomes, office.Outcome{ID: "outcome-7", Name: "Mandare il preventivo", Next: office.OutcomeTask})
	if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: dario}); err != nil {
		t.Fatal(err)
	}
	r.card(outcome.Customer{Name: "Mario Rossi"}, ofBruno)
	b, c := r.as(bruno), r.as(carla)
	b.get("/calls/c-0/after").has(t, "A chi tocca", "a chiunque risponda a Assistenza")
	b.post("/calls/c-0/outcome", url.Values{"outcome": {"outcome-7"}, "owner": {"me"}, "note": {"con lo sconto"}}).has(t, "Esito registrato")
	b.get("/callbacks").has(t, "Richiamate e cose da fare", "Da fare", "Mandare il preventivo", "con lo sconto", "tocca a te", "Mario Rossi")
	b.get("/desk").has(t, "Da fare oggi", "Mandare il preventivo")
	b.get("/").has(t, "Da fare oggi")
	b.get("/api/v1/home").has(t, `"due":1`)
	b.get("/api/v1/desk").has(t, `"task":true`).lacks(t, `"n-`)
	c.get("/callbacks").has(t, "niente da fare").lacks(t, "preventivo")
	c.get("/").lacks(t, "Da fare oggi")
	c.post("/callbacks/c-0/done", nil).is(t, http.StatusNotFound)
	r.as(dario).get("/callbacks").has(t, "tocca a un operatore").lacks(t, "Bruno")
	// Given to the queue, with a date that is past the day.
	at := time.Now().AddDate(0, 0, 2).Format("2006-01-02T15:04")
	b.post("/calls/c-0/outcome", url.Values{"outcome": {"outcome-7"}, "owner": {"queue"}, "callback": {at}}).has(t, "Esito registrato")
	c.get("/callbacks").has(t, "tocca a tutta la coda", "entro ")
	c.get("/desk").lacks(t, "Da fare oggi")
	c.post("/callbacks/c-0/done", url.Values{"back": {"/desk"}}).has(t, "Tolto dall&#39;elenco")
	b.get("/callbacks").lacks(t, "preventivo")
	b.post("/api/v1/callbacks/done", url.Values{"call": {"c-0"}}).is(t, http.StatusNotFound)
	r.as(tech).get("/callbacks").is(t, http.StatusForbidden)
}

// TestNobodysListIsFilledByOthers: a thousand open things of a colleague, all due before,
// hide nothing that is one's own; who leads is told that there are more than the page has.
func TestNobodysListIsFilledByOthers(t *testing.T) {
	r := furnished(t, withDesk)
	now := time.Now()
	caller := r.people.Number("+390276540000")
	err := r.db.Write(context.Background(), func(tx *sql.Tx) error {
		put := func(call string, subject, agent, owner journal.SubjectID, task bool, at time.Time) error {
			_, err := tx.Exec(`INSERT INTO outcome_results (call, subject, customer, queue, agent, outcome, time, callback, task, owner, done, script, version, answers, note, corrected)
				VALUES (?, ?, '', '', ?, 'outcome-8', ?, ?, ?, ?, 0, '', 0, '{}', ?, 0)`, call, string(subject), string(agent), now.UnixNano(), at.UnixNano(), task, string(owner), "nota di "+call)
			return err
		}
		for i := range 1001 {
			if err := put(fmt.Sprintf("b-%04d", i), "", bruno, bruno, true, now.Add(-time.Hour)); err != nil {
				return err
			}
		}
		return errors.Join(put("x-task", "", carla, carla, true, now.Add(-time.Minute)), put("x-call", caller, carla, "", false, now.Add(-time.Minute))) // today, whatever the hour
	})
	if err != nil {
		t.Fatal(err)
	}
	c, d := r.as(carla), r.as(dario)
	c.get("/callbacks").is(t, http.StatusOK).has(t, "nota di x-task", "nota di x-call").lacks(t, "nota di b-", "i primi")
	c.get("/api/v1/home").has(t, `"due":2`)
	c.get("/customers/"+string(caller)).is(t, http.StatusOK)
	d.get("/callbacks").has(t, "nota di b-0000", "i primi 1.000 di 1.003").lacks(t, "nota di x-task")
	d.post("/callbacks/x-task/done", nil).has(t, "Tolto dall", "i primi 1.000 di 1.002")
	c.post("/callbacks/b-0001/done", nil).is(t, http.StatusNotFound)
	c.post("/callbacks/x-call/done", nil).has(t, "Tolto dall").lacks(t, "nota di x-")
	c.post("/callbacks/x-call/done", nil).is(t, http.StatusNotFound)
}
