package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/testbed/chrome"
)

// tabs is how often Tab may be pressed until a button has the focus.
const tabs = 60

// TestADeskWithoutAMouse works a call at the desk by Tab and Enter alone, live, in a real
// browser; and once more without JavaScript.
func TestADeskWithoutAMouse(t *testing.T) {
	r := deskRig(t)
	ctx := chromium(t)
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	press := func(id string) {
		t.Helper()
		for range tabs {
			do("tab", chromedp.KeyEvent("\t"))
			focus, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.dataset.old = 1, document.activeElement.id"))
			if err != nil {
				t.Fatal(err)
			}
			if focus != id {
				continue
			}
			do("enter", chromedp.KeyEvent("\r"))
			for range 1000 { // until the next page is there; asking in between may fail
				fresh, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState == 'complete' && !document.body.dataset.old"))
				if err == nil && fresh {
					return
				}
			}
			t.Fatalf("%s leads nowhere", id)
		}
		t.Fatalf("%s is not to be reached by Tab", id)
	}
	did := func(want string) {
		t.Helper()
		for range 200 {
			found := false
			r.box.set(func(b *fakeBox) { found = slices.Contains(b.did, want+" "+string(bruno)) })
			if found {
				return
			}
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("true")); err != nil { // a round trip is a moment
				t.Fatal(err)
			}
		}
		t.Fatalf("%s was not done", want)
	}
	shows := func(sel, want string) {
		t.Helper()
		js := fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q) || false", sel, want)
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](js)); err != nil {
			t.Fatalf("%s never shows %q: %v", sel, want, err)
		}
	}
	chrome.Screen(t, ctx, 1280, 900, "light", "it")
	r.enter(ctx, bruno)
	do("open", chromedp.Navigate(r.http.URL+"/desk"), chromedp.WaitVisible(chromedp.CSS("#desk-login-")))
	press("desk-login-")
	did("login")
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentReady})
	shows("#deskstate", "Pranzo")
	press("desk-pause-reason-1")
	did("pause:reason-1")
	who := r.people.Number("+390298765432")
	r.log.Append("c-d", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: who})
	r.log.Append("c-d", journal.ContactQueued{Contact: "c-d", Queue: "group-1", Arrival: time.Now(), Caller: who})
	r.log.Append("c-d", journal.ContactOffered{Contact: "c-d", Queue: "group-1", Offer: 5, Agent: bruno, Strategy: "longestIdle", Candidates: []journal.Candidate{{Agent: bruno}}})
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentOffered})
	shows("#deskcall", "02 9876 5432")
	r.log.Append("c-d", journal.ContactConnected{Contact: "c-d", Queue: "group-1", Agent: bruno, Offer: 5, Waited: 7 * time.Second})
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentTalking})
	shows("#deskcall", "Al telefono da")
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentWrapUp, Until: time.Now().Add(time.Minute)})
	press("desk-more-")
	did("more")
	picture(t, ctx, "desk-wrapup")
	press("desk-ready-")
	did("ready")

	// Without JavaScript the same buttons do the same.
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentReady})
	r.box.set(func(b *fakeBox) { b.did = nil })
	do("without script", chromedp.Navigate(r.http.URL+"/desk"), chromedp.WaitReady(chromedp.CSS("#desk-other-reason-2")), chromedp.Click(chromedp.CSS("#desk-other-reason-2")), chromedp.WaitReady(chromedp.CSS("#deskstate")))
	did("other:reason-2")

	chrome.Screen(t, ctx, 390, 844, "light", "it")
	do("board", chromedp.Navigate(r.http.URL+"/desk"), chromedp.WaitReady(chromedp.CSS("#main")))
	picture(t, ctx, "desk-phone")
	r.enter(ctx, anna)
	do("board", chromedp.Navigate(r.http.URL+"/board"), chromedp.WaitReady(chromedp.CSS("#main")))
	picture(t, ctx, "board-phone")
	chrome.Screen(t, ctx, 1280, 900, "dark", "it")
	do("board", chromedp.Navigate(r.http.URL+"/board"), chromedp.WaitReady(chromedp.CSS("#main")))
	picture(t, ctx, "board")
}

// TestWhatWasTypedOnTheDeskStays while the page draws itself anew around it.
func TestWhatWasTypedOnTheDeskStays(t *testing.T) {
	r := furnished(t, withDesk)
	ctx := chromium(t)
	chrome.Screen(t, ctx, 1280, 900, "light", "it")
	r.enter(ctx, bruno)
	comes := func(js string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](js)); err != nil {
			t.Fatalf("%s never comes: %v", js, err)
		}
	}
	takes := func(call journal.CallID, number numbering.E164) {
		who := r.people.Number(number)
		r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: who})
		r.log.Append(call, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1", Arrival: time.Now(), Caller: who})
		r.log.Append(call, journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered, Person: bruno})
		r.log.Append(call, journal.ContactConnected{Contact: journal.ContactID(call), Queue: "group-1", Agent: bruno})
		r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentTalking})
	}
	takes("c-6", ofBruno)
	note := chromedp.CSS("#f-outcome-note")
	if err := chromedp.Do(ctx, chromedp.Navigate(r.http.URL+"/desk"), chromedp.WaitVisible(note), chromedp.SendKeys(note, "ha due caldaie")); err != nil {
		t.Fatal(err)
	}
	comes("document.activeElement.blur() || true")
	// The script ends, by which the form of the outcome proposes one; then something else
	// is drawn, so that all of it has come.
	r.as(bruno).post("/calls/c-6/script", url.Values{"do": {"button:1"}}).is(t, http.StatusOK)
	comes("document.querySelector('#deskscript').textContent.includes('Fine. Esito')")
	r.agent(journal.AgentChanged{Agent: bruno, State: journal.AgentTalking, Asked: journal.AgentPaused})
	comes("document.querySelector('#desk-ready-') != null")
	if got, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector('#f-outcome-note').value")); err != nil || got != "ha due caldaie" {
		t.Errorf("the note is %q (%v)", got, err)
	}
	// The next caller's form takes the place of it.
	r.log.Append("c-6", journal.ContactEnded{Contact: "c-6", Queue: "group-1", Agent: bruno, Outcome: "served"})
	r.log.Append("c-6", journal.CallEnded{Cause: "hangup"})
	takes("c-7", nobodys)
	comes("document.querySelector('#deskoutcome form')?.getAttribute('action') == '/calls/c-7/outcome' && document.querySelector('#f-outcome-note').value == ''")
}

// picture keeps what the browser shows where UI_SCREENS names a folder.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("UI_SCREENS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Fatal(name, err)
	}
}
