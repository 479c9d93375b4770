package ui_test

import (
	"context"
	"net/http"
	"regexp"
	"testing"
	"time"

	"centralino/internal/testbed/chrome"
	"github.com/chromedp/chromedp"
)

// TestUnsavedChangesInChromium: the page asks before it drops what was typed, also
// after it came back with problems, and only then.
func TestUnsavedChangesInChromium(t *testing.T) {
	r := newRig(t, true)
	ctx := chromium(t)
	chrome.Screen(t, ctx, 1280, 900, "light", "it")
	token := r.enter(ctx, tech)
	css := func(s string) chromedp.CSS { return chromedp.CSS(s) }
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			body, _ := chromedp.Run(ctx, chromedp.OuterHTML(css("main")))
			t.Fatalf("%s: %v\n%s", what, err, body)
		}
	}
	asks := func(when string, want bool) {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"))
		if err != nil || got != want {
			t.Errorf("%s: asks %v, want %v (%v)", when, got, want, err)
		}
	}
	evaluate := func(js string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js+"; true")); err != nil {
			t.Fatal(js, err)
		}
	}
	for _, path := range []string{"/edit/site", "/edit/group/group-1", "/edit/schedule/schedule-1", "/edit/line/line-1", "/people/new", "/edit/path/path-main", "/office/privacy"} {
		do("open "+path, chromedp.Navigate(r.http.URL+path), chromedp.WaitReady(css("form[data-guard]")))
		asks(path+" untouched", false)
	}
	do("type", chromedp.Navigate(r.http.URL+"/edit/site"), chromedp.WaitVisible(css("#f-name")), chromedp.SendKeys(css("#f-name"), "x"))
	asks("after typing", true)
	evaluate("document.querySelector('#f-name').value = document.querySelector('#f-name').defaultValue")
	asks("typed and taken back", false)
	evaluate("(s => s.selectedIndex = (s.selectedIndex + 1) % s.options.length)([...document.querySelectorAll('form[data-guard] select')].find(s => s.options.length > 1))")
	asks("another choice", true)
	leave := "document.querySelector('form[data-guard]').dataset.sent = '1'" // or Chromium asks indeed
	evaluate(leave)
	do("a box ticked", chromedp.Navigate(r.http.URL+"/people/new"), chromedp.WaitVisible(css("#f-name")))
	evaluate("(c => c.checked = !c.checked)(document.querySelector('form[data-guard] input[type=checkbox]'))")
	asks("a box ticked", true)
	evaluate("(c => c.checked = !c.checked)(document.querySelector('form[data-guard] input[type=checkbox]'))")
	do("refused", chromedp.Clear(css("#f-extension")), chromedp.SendKeys(css("#f-extension"), "112"), chromedp.SendKeys(css("#f-name"), "Elena Gialli"),
		chromedp.Click(css("form[data-guard] .btn")), chromedp.WaitVisible(css("#summary")))
	asks("came back with problems", true)

	// A copy button is there with the script alone.
	evaluate(leave)
	do("account", chromedp.Navigate(r.http.URL+"/phones/device-1"), chromedp.Click(css("#account .btn")), chromedp.WaitVisible(css("#sip-password")), chromedp.WaitVisible(css("[data-copy]")))
	body := r.as(tech).post("/phones/device-1/account", nil).is(t, http.StatusOK).body
	if !regexp.MustCompile(`<button[^>]* hidden data-copy=`).MatchString(body) {
		t.Error("without script the copy button is dead")
	}

	// Who was logged out while the page stood open gets the login.
	do("home", chromedp.Navigate(r.http.URL+"/"), chromedp.WaitVisible(css("#calls")))
	if err := r.server.Auth().Logout(context.Background(), token); err != nil {
		t.Fatal(err)
	}
	limit, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	r.http.CloseClientConnections()
	if err := chromedp.Do(limit, chromedp.WaitVisible(css("#f-password"))); err != nil {
		t.Errorf("the login never comes: %v", err)
	}
}
