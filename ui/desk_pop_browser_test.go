package ui_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"centralino/internal/testbed/chrome"
	"github.com/chromedp/chromedp"
)

// crmPage tells its server how often it was opened in the same tab.
const crmPage = `<!doctype html><title>CRM</title><script>
const n = Number(sessionStorage.n || 0) + 1;
sessionStorage.n = n;
fetch("/seen?n=" + n + "&q=" + encodeURIComponent(location.search));
</script>`

// TestOneWindowFollowsTheCalls: in a real browser the other program's page opens by
// itself and the next call takes the same window; where the browser opens nothing, the
// desk says so and keeps the link.
func TestOneWindowFollowsTheCalls(t *testing.T) {
	seen := make(chan string, 10) // each visit of the page
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/seen" {
			seen <- q.URL.Query().Get("n") + " " + q.URL.Query().Get("q")
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, crmPage)
	}))
	defer crm.Close()
	r := popRig(t, crm.URL+"/find?n={number}")
	ctx := chromium(t)
	chrome.Screen(t, ctx, 1280, 900, "light", "it")
	r.enter(ctx, bruno)
	r.as(bruno).post("/desk/pop", url.Values{"pop": {"ringing"}}).is(t, http.StatusOK)
	if err := chromedp.Do(ctx, chromedp.Navigate(r.http.URL+"/desk"), chromedp.WaitReady(chromedp.CSS("#deskcall"))); err != nil {
		t.Fatal(err)
	}
	opened := func(want string) {
		t.Helper()
		select {
		case got := <-seen:
			if got != want {
				t.Errorf("opened %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%q was not opened", want)
		}
	}
	r.offered("c-50", "+390255551234")
	opened("1 ?n=%2B390255551234")
	r.picksUp("c-50")
	r.over("c-50")
	r.offered("c-51", "+390255559999")
	opened("2 ?n=%2B390255559999") // the second page of the same tab
	r.picksUp("c-51")
	r.over("c-51")
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("window.open = () => null, true")); err != nil {
		t.Fatal(err)
	}
	r.offered("c-52", "+390255557777")
	const says = `document.querySelector("#pop-blocked")?.hidden === false && document.querySelector("#announce").textContent.includes("non ha aperto") && document.querySelector("#desk-pop").href.endsWith("n=%2B390255557777")`
	said := false
	for range 5000 { // a hidden tab draws no frames, which Poll would wait for
		var err error
		if said, err = chromedp.Run(ctx, chromedp.Evaluate[bool](says)); err != nil || said {
			break
		}
	}
	if !said {
		t.Error("a browser that opens nothing leaves the operator without a word")
	}
	select {
	case got := <-seen:
		t.Errorf("opened %q as well", got)
	default:
	}
}
