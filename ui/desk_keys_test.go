package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"centralino/acd/outcome"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/testbed/chrome"
)

// keys is somebody who has no mouse.
type keys struct {
	t   *testing.T
	ctx context.Context
}

func (k *keys) press(list ...string) {
	k.t.Helper()
	for _, key := range list {
		if err := chromedp.Do(k.ctx, chromedp.KeyEvent(key)); err != nil {
			k.t.Fatalf("press %q: %v", key, err)
		}
	}
}

// to presses Tab until the element of that id has the focus.
func (k *keys) to(id string) {
	k.t.Helper()
	for range tabs {
		k.press("\t")
		focus, err := chromedp.Run(k.ctx, chromedp.Evaluate[string]("document.activeElement.id"))
		if err != nil {
			k.t.Fatal(err)
		}
		if focus == id {
			return
		}
	}
	k.t.Fatalf("#%s is not to be reached by Tab", id)
}

// waits until an expression is true; asking while the next page comes may fail.
func (k *keys) waits(js string) {
	k.t.Helper()
	for range 2000 { // a round trip each
		if is, err := chromedp.Run(k.ctx, chromedp.Evaluate[bool](js)); err == nil && is {
			return
		}
	}
	k.t.Fatalf("%s never comes", js)
}

func (k *keys) shows(sel, want string) {
	k.t.Helper()
	k.waits(fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q) || false", sel, want))
}

func (k *keys) value(sel string) string {
	k.t.Helper()
	v, err := chromedp.Run(k.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q).value", sel)))
	if err != nil {
		k.t.Fatal(err)
	}
	return v
}

// TestACallAtTheDeskWithoutAMouse works what belongs to a call by keys alone: the steps
// of the script there and back, the outcome with its date and note, the customer's card.
func TestACallAtTheDeskWithoutAMouse(t *testing.T) {
	r := furnished(t, withDesk)
	card := r.card(outcome.Customer{Name: "Mario Rossi"}, ofBruno)
	ctx := chromium(t)
	k := &keys{t, ctx}
	chrome.Screen(t, ctx, 1280, 900, "light", "it")
	r.enter(ctx, bruno)
	who := r.people.Number(ofBruno)
	r.log.Append("c-6", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: who})
	r.log.Append("c-6", journal.ContactQueued{Contact: "c-6", Queue: "group-1", Arrival: time.Now(), Caller: who})
	r.log.Append("c-6", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno})
	r.log.Append("c-6", journal.ContactConnected{Contact: "c-6", Queue: "group-1", Agent: bruno})
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentTalking})
	if err := chromedp.Do(ctx, chromedp.Navigate(r.http.URL+"/desk"), chromedp.WaitVisible(chromedp.CSS("#f-answer-why"))); err != nil {
		t.Fatal(err)
	}

	// The script: a choice, what must be read, on; back, and out by another branch.
	k.to("f-answer-why")
	k.press(kb.ArrowDown)
	if v := k.value("#f-answer-why"); v != "guasto" {
		t.Fatalf("the arrow chooses %q", v)
	}
	k.to("f-read")
	k.press(" ")
	k.to("script-next")
	k.press("\r")
	k.shows("#deskscript", "Fine. Esito")
	k.shows("#deskoutcome", "Risolto")
	k.to("script-back")
	k.press("\r")
	k.shows("#deskscript", "Non ha tempo")
	// While he stands on a button the script is drawn anew: he stays there.
	k.to("script-button-1")
	if _, err := r.book.Save(t.Context(), dario, outcome.Customer{ID: card, Name: "Maria Rossi"}, []numbering.E164{ofBruno}); err != nil {
		t.Fatal(err)
	}
	r.log.Append("", journal.AgentChanged{Agent: bruno, State: journal.AgentTalking, Asked: journal.AgentPaused})
	k.shows("#deskscript", "Maria Rossi")
	k.waits("document.activeElement.id == 'script-button-1'")
	k.press("\r")
	k.waits("document.querySelector('#f-outcome')?.value == 'outcome-8'")

	// The outcome that the script proposes, with another minute and a note.
	k.to("f-outcome")
	k.to("f-callback")
	before := k.value("#f-callback")
	k.press(kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowUp)
	chosen := k.value("#f-callback")
	if before == "" || chosen == before || chosen[:len(chosen)-2] != before[:len(before)-2] {
		t.Fatalf("the date was %q and is %q", before, chosen)
	}
	k.to("f-outcome-note")
	k.press(strings.Split("di mattina", "")...)
	k.to("outcome-keep")
	k.press("\r")
	k.shows("#afteroutcome .badge", "Da richiamare")
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	kept, found, err := r.book.Of(t.Context(), "c-6")
	if err != nil || !found || kept.Outcome != "outcome-8" || kept.Note != "di mattina" || kept.CallBack.In(rome).Format("2006-01-02T15:04") != chosen {
		t.Errorf("kept %+v, %v %v; chosen %s", kept, found, err, chosen)
	}

	// The card: a note, and the card itself.
	k.to("f-note-text")
	k.press(strings.Split("ha due caldaie", "")...)
	k.press("\r")
	k.shows("#aftercard", "ha due caldaie")
	k.to("card-link")
	k.press("\r")
	k.waits("location.pathname == '/customers/" + card + "'")
	r.as(bruno).get("/customers/"+card).is(t, http.StatusOK).has(t, "ha due caldaie")
}
