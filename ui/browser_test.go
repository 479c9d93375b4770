package ui_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"centralino/board"
	"centralino/board/led"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/testbed/chrome"
	"centralino/ui"
)

// chromium starts a browser without a window; it ends with the test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	return chrome.Start(t, 2*time.Minute)
}

// enter logs Chromium in as a person, and returns the token that it keeps.
func (r *rig) enter(ctx context.Context, who journal.SubjectID) string {
	r.t.Helper()
	token := r.token(who)
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "centralino", Value: token, URL: r.http.URL}); err != nil {
		r.t.Fatal(err)
	}
	return token
}

// busy fills the box with a morning's life.
func busy(r *rig) {
	a := func(call journal.CallID, p journal.Payload) { r.log.Append(call, p) }
	now := time.Now()
	a("", journal.AgentChanged{Agent: anna, State: journal.AgentReady})
	a("", journal.AgentChanged{Agent: bruno, State: journal.AgentTalking})
	a("", journal.AgentChanged{Agent: carla, State: journal.AgentPaused, Reason: "page"})
	caller := func(call journal.CallID, number numbering.E164) {
		n := r.people.Number(number)
		a(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: n, Dialled: "+390212345671"})
	}
	caller("c-0", "+390298765432")
	a("c-0", journal.CallRouted{Action: "path", Trace: []journal.TraceStep{{Rule: "route.line", Object: "line-1"}, {Rule: "route.number", Object: "number-1"}, {Rule: "ivr.hours.open", Object: "schedule-1"}}})
	a("c-0", journal.CallRouted{Action: "ring", Trace: []journal.TraceStep{{Rule: "route.ring", Object: string(bruno)}, {Rule: "route.phone", Object: "device-2"}, {Rule: "route.extension", Args: map[string]string{"digits": "202"}}, {Rule: "route.extension", Object: "extension-2", Args: map[string]string{"digits": string(bruno)}}}})
	a("c-0", journal.CallAnswered{})
	a("c-0", journal.CallStep{Path: "path-main", Step: "menu"})
	a("c-0", journal.CallStep{Path: "path-main", Step: "menu", Key: "1"})
	a("c-0", journal.ContactQueued{Contact: "c-0", Queue: "group-1", Arrival: now})
	a("c-0", journal.ContactOffered{Contact: "c-0", Queue: "group-1", Offer: 1, Agent: bruno, Deadline: now.Add(20 * time.Second), Candidates: []journal.Candidate{{Agent: bruno}, {Agent: anna, Reason: "busy"}, {Agent: carla, Reason: "paused"}}})
	a("c-0", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegRinging, Person: bruno, Device: "device-2"})
	a("c-0", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegAnswered})
	a("c-0", journal.OfferEnded{Contact: "c-0", Offer: 1, Agent: bruno, Outcome: journal.OfferAccepted})
	a("c-0", journal.ContactConnected{Contact: "c-0", Queue: "group-1", Agent: bruno, Offer: 1, Waited: 12 * time.Second})
	a("c-0", journal.CallBridged{A: "a", B: "b"})
	a("c-0", journal.CallEnded{Cause: "hangup", By: "caller", Talk: 93 * time.Second, Total: 118 * time.Second, Quality: []journal.Quality{{Leg: "b", Received: 4650, Sent: 4648, Lost: 3, JitterMS: 1.4, RoundTripMS: 2.2}}})
	caller("c-9", "+393331234567")
	a("c-9", journal.CallEnded{Cause: "caller", By: "caller", Total: 8 * time.Second})
	a("c-8", journal.CallStarted{Direction: journal.Outbound, From: dario, To: r.people.Number("+390298765432"), Line: "line-3"})
	a("c-8", journal.CallEnded{Cause: "busy", By: "box", Total: 8 * time.Second})
	caller("c-1", "+390255551234")
	a("c-1", journal.CallAnswered{})
	a("c-1", journal.ContactQueued{Contact: "c-1", Queue: "group-1", Arrival: now.Add(-47 * time.Second)})
	caller("c-2", "+393477654321")
	a("c-2", journal.CallAnswered{})
	a("c-2", journal.ContactConnected{Contact: "c-2", Queue: "group-1", Agent: bruno, Offer: 2})
	a("c-2", journal.CallBridged{A: "a", B: "b"})
	a("c-3", journal.CallStarted{Direction: journal.Outbound, Line: "line-3", From: dario, To: r.people.Number("+390298765432")})
	a("c-4", journal.CallStarted{Direction: journal.Internal, From: dario, To: carla, Dialled: "203"})
	a("c-4", journal.CallLeg{Leg: "b", Kind: journal.LegPhone, State: journal.LegRinging, Person: carla, Device: "device-3"})
	a("c-5", journal.CallStarted{Direction: journal.Internal, From: dario, Dialled: "202"})
	a("c-5", journal.CallEnded{Cause: "noAnswer"})
	r.box.set(func(b *fakeBox) {
		since := now.Add(-3 * time.Second)
		b.lamps = []led.Shown{
			{Lamp: board.Status, State: led.StatusWarning, Pattern: led.Pattern{Kind: led.Blink}, Since: since},
			{Lamp: board.Lines, State: led.LinesInUse, Pattern: led.Pattern{Kind: led.Wink}, Since: since},
			{Lamp: board.Calls, State: led.CallsWaiting, Pattern: led.Pattern{Kind: led.Blink}, Since: since},
		}
		b.lines[0].State, b.lines[1].State = "active", "ringing"
	})
	_ = r.log.Flush(context.Background())
}

// TestScreens takes pictures of every page for looking at, where UI_SCREENS names
// a folder.
func TestScreens(t *testing.T) {
	folder := os.Getenv("UI_SCREENS")
	if folder == "" {
		t.Skip("UI_SCREENS names no folder")
	}
	r := newRig(t, true, func(d *ui.Deps) {})
	busy(r)
	ctx := chromium(t)
	r.enter(ctx, tech)
	// Pages that need more than an address.
	take := func(name string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatal(name, err)
		}
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644)
		}
		if err != nil {
			t.Fatal(name, err)
		}
	}
	css := func(s string) chromedp.CSS { return chromedp.CSS(s) }
	chrome.Screen(t, ctx, 1280, 900, "light", "it")
	take("desk-problem", chromedp.Navigate(r.http.URL+"/people/new"), chromedp.SetValue(css("#f-name"), "Elena"), chromedp.SetValue(css("#f-extension"), "112"), chromedp.Click(css("form[data-guard] .btn")), chromedp.WaitVisible(css("#summary")))
	take("desk-draft", chromedp.SetValue(css("#f-extension"), "205"), chromedp.Click(css("form[data-guard] .btn")), chromedp.WaitVisible(css("#changes")))
	take("desk-account", chromedp.Click(css("#apply")), chromedp.WaitVisible(css("#account")), chromedp.Click(css("#account .btn")), chromedp.WaitVisible(css("#sip-password")))
	take("desk-invite", chromedp.Navigate(r.http.URL+"/people/p-sample-bruno"), chromedp.Click(css("footer .btn")), chromedp.WaitVisible(css("#invite")))
	chrome.Screen(t, ctx, 390, 844, "light", "it")
	take("phone-menu", chromedp.Navigate(r.http.URL+"/"), chromedp.Click(css("summary")))
	other := newRig(t, false)
	take("phone-claim", chromedp.Navigate(other.http.URL+"/"), chromedp.WaitVisible(css("#f-code")))
	for _, v := range []struct {
		name          string
		width, height int64
		scheme, lang  string
		paths         string
	}{
		{"desk", 1280, 900, "light", "it", "/ /people /people/new /people/p-sample-anna /phones/device-1 /lines /lines/line-1 /edit/line/new?kind=trunk /office /edit/path/path-main /edit/schedule/schedule-1 /edit/group/group-1 /calls /calls/c-0 /versions /system /system/backup /system/log /search?q=orari /me /delete/path/path-main /office/privacy /prompts /prompts/prompt-menu /prompts/box.lines-busy /nowhere"},
		{"dark", 1280, 900, "dark", "en", "/ /people /office /calls /calls/c-0 /system /people/new /lines"},
		{"phone", 390, 844, "light", "it", "/ /people /people/new /phones/device-1 /calls /calls/c-0 /office /edit/schedule/schedule-1 /edit/path/path-main /system /prompts /prompts/prompt-menu"},
		{"phonedark", 390, 844, "dark", "en", "/ /calls /versions"},
	} {
		for path := range strings.FieldsSeq(v.paths) {
			chrome.Screen(t, ctx, v.width, v.height, v.scheme, v.lang)
			err := chromedp.Do(ctx, chromedp.Navigate(r.http.URL+path), chromedp.WaitReady(chromedp.CSS("#main")))
			var png []byte
			if err == nil {
				png, err = chromedp.Run(ctx, chromedp.FullScreenshot(100))
			}
			if err != nil {
				t.Fatal(path, err)
			}
			name := strings.NewReplacer("/", "_", "?", "_", "=", "_").Replace(strings.TrimPrefix(path, "/"))
			if name == "" {
				name = "home"
			}
			if err := os.WriteFile(filepath.Join(folder, v.name+"-"+name+".png"), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestTheMainFlowInChromium is a technician's first minutes, in a real browser with
// its real content security policy and script.
func TestTheMainFlowInChromium(t *testing.T) {
	r := newRig(t, false)
	ctx := chromium(t)
	chrome.Screen(t, ctx, 1280, 900, "light", "it")
	var mu sync.Mutex
	var complaints []string
	if err := chromedp.Listen(ctx, func(e any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "status of 4") {
				complaints = append(complaints, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			body, _ := chromedp.Run(ctx, chromedp.OuterHTML(chromedp.CSS("body")))
			t.Fatalf("%s: %v\n%s", what, err, body)
		}
	}
	text := func(sel string) string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(sel)))
		if err != nil {
			t.Fatal(sel, err)
		}
		return s
	}
	shows := func(sel, want string) {
		t.Helper()
		js := fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q) || false", sel, want)
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](js)); err != nil {
			t.Fatalf("%s never shows %q but %q: %v", sel, want, text(sel), err)
		}
	}
	css := func(s string) chromedp.CSS { return chromedp.CSS(s) }
	field := func(id, value string) chromedp.Action[chromedp.Void] {
		return chromedp.Steps(chromedp.Clear(css(id)), chromedp.SendKeys(css(id), value))
	}

	// Claim by the button.
	do("open", chromedp.Navigate(r.http.URL+"/"), chromedp.WaitVisible(css("#f-code")))
	r.box.set(func(b *fakeBox) { b.pairing = time.Now().Add(10 * time.Minute) })
	do("claim", chromedp.Reload(), chromedp.WaitVisible(css("#f-user")), chromedp.WaitNotPresent(css("#f-code")),
		field("#f-site", "Studio Rossi"), field("#f-name", "Gina Prima"), field("#f-user", "gina"), field("#f-password", "corta"), field("#f-again", "corta"),
		chromedp.Click(css("form.fields .btn")), chromedp.WaitVisible(css("#summary")))
	shows("#summary", "Almeno 10 caratteri")
	do("claim", field("#f-password", "quattro gatti neri"), field("#f-again", "quattro gatti neri"), chromedp.Click(css("form.fields .btn")), chromedp.WaitVisible(css("#calls")))
	shows("h1", "Studio Rossi")

	// A live call comes and goes by itself, with its lamps.
	shows("#calls", "Nessuna chiamata in questo momento")
	r.log.Append("c-1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390255551234")})
	r.box.set(func(b *fakeBox) {
		b.lamps = slices.Clone(b.lamps)
		b.lamps[1] = led.Shown{Lamp: board.Lines, State: led.LinesInUse, Pattern: led.Pattern{Kind: led.Wink}}
	})
	shows("#calls", "02 5555 1234")
	shows("#lamps", "chiamate in corso")
	do("lamp winks", chromedp.WaitReady(css("#lamps .led-wink")))
	shows("#calls .time", "0:02")
	r.log.Append("c-1", journal.CallEnded{Cause: "hangup", By: "caller"})
	shows("#calls", "Nessuna chiamata in questo momento")

	// Log out and in.
	do("log out", chromedp.Click(css(".who .btn")), chromedp.WaitVisible(css("#f-password")),
		field("#f-name", "gina"), field("#f-password", "quattro gatti neri"), chromedp.Click(css("form.fields .btn")), chromedp.WaitVisible(css("#calls")))

	// Create a person with a phone: form, difference, apply, account, undo.
	do("new person", chromedp.Navigate(r.http.URL+"/people"), chromedp.Click(css(".head .btn")), chromedp.WaitVisible(css("#f-extension")),
		field("#f-name", "Elena Gialli"), field("#f-extension", "112"), chromedp.Click(css("form[data-guard] .btn")), chromedp.WaitVisible(css("#summary")))
	shows("#summary", "numero di emergenza")
	if focus, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.activeElement.id")); err != nil || focus != "summary" {
		t.Errorf("focus is on %q (%v)", focus, err)
	}
	do("new person", field("#f-extension", "205"), chromedp.Click(css("form[data-guard] .btn")), chromedp.WaitVisible(css("#changes")))
	shows("#changes", "Persona Elena Gialli")
	do("apply", chromedp.Click(css("#apply")), chromedp.WaitVisible(css("#account")))
	shows(".flash", "Applicato")
	do("show account", chromedp.Click(css("#account .btn")), chromedp.WaitVisible(css("#sip-password")))
	if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || !strings.Contains(at, "/phones/device-") || strings.HasSuffix(at, "/account") {
		t.Errorf("the account was not swapped in: %s %v", at, err)
	}
	do("undo", chromedp.Click(css(".flash .btn")), chromedp.WaitVisible(css("table")))
	shows(".flash", "È tornata in vigore")
	do("people", chromedp.Navigate(r.http.URL+"/people"), chromedp.WaitVisible(css("#people")))
	if strings.Contains(text("#people"), "Elena") {
		t.Error("Elena is still there")
	}

	// Search as one types.
	do("search", chromedp.Navigate(r.http.URL+"/search?q="), chromedp.SendKeys(css("#search"), "carla"))
	shows("#hits", "Carla Verdi")

	// The box goes away: the page says so.
	do("home", chromedp.Navigate(r.http.URL+"/"), chromedp.WaitVisible(css("#calls")))
	r.http.CloseClientConnections()
	r.http.Listener.Close()
	shows("#stale:not([hidden])", "Scollegato: i dati sono delle")

	mu.Lock()
	defer mu.Unlock()
	for _, c := range complaints {
		if !strings.Contains(c, "ERR_CONNECTION") && !strings.Contains(c, "ERR_INCOMPLETE") {
			t.Errorf("the browser complains: %s", c)
		}
	}
}
