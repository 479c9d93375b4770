package ui_test

import (
	"testing"
	"time"

	"centralino/board/timesync"
	"centralino/internal/testbed/chrome"
	"github.com/chromedp/chromedp"
)

// The field comes with the time of the reader's own clock, in the office's zone, and keeps
// what somebody puts there.
func TestClockFieldInChromium(t *testing.T) {
	r, c := clockRig(t)
	ctx := chromium(t)
	chrome.Screen(t, ctx, 375, 800, "light", "it")
	r.enter(ctx, tech)
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(r.http.URL+"/system"), chromedp.WaitVisible(chromedp.CSS("#f-clock"))); err != nil {
		t.Fatal(err)
	}
	value := func() string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector('#f-clock').value"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	until := func(js string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](js)); err != nil {
			t.Fatal(js, err)
		}
	}
	until("document.querySelector('#f-clock').value !== ''")
	if at, err := timesync.ParseLocal(value(), zone); err != nil || time.Since(at).Abs() > time.Minute {
		t.Fatalf("the field shows %q (%v)", value(), err)
	}
	until("document.querySelector('#f-clock').value !== (window.first ??= document.querySelector('#f-clock').value)") // it goes on
	until("(document.querySelector('#f-clock').value = '2030-01-02T03:04:05') && (window.since = Date.now()) > 0")
	until("Date.now() - window.since > 2200") // it has been looked at twice
	if got := value(); got != "2030-01-02T03:04:05" {
		t.Errorf("what somebody puts there becomes %q", got)
	}
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#clock .btn")), chromedp.WaitVisible(chromedp.CSS(".flash"))); err != nil {
		t.Fatal(err)
	}
	if got := c.now(); got.In(zone).Year() != 2030 {
		t.Errorf("the clock is set to %v", got)
	}
}
