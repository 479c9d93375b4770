package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"centralino/internal/testbed"
)

// axe looks through pages for what keeps people with a disability out.
type axe struct {
	t      *testing.T
	script string
	pages  int
}

// barrier is one violation of a rule, as axe-core reports it.
type barrier struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML           string `json:"html"`
		FailureSummary string `json:"failureSummary"`
	} `json:"nodes"`
}

// look has axe-core judge the page that a browser shows, by all its rules.
func (a *axe) look(w *tab) ([]barrier, error) {
	ctx, stop := context.WithTimeout(w.ctx, 30*time.Second)
	defer stop()
	if there, _ := ask[bool](w, "typeof axe === 'object'"); !there {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](a.script+"\n;true")); err != nil {
			return nil, err
		}
	}
	report, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`axe.run(document, {resultTypes: ["violations"], preload: false}).then(r => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, err
	}
	var found []barrier
	return found, json.Unmarshal([]byte(report), &found)
}

// check opens pages on a telephone in light and on a screen in dark colours and
// refuses what is serious.
func (a *axe) check(w *tab, paths ...string) {
	a.t.Helper()
	for _, path := range paths {
		w.open(path)
		for _, s := range []struct {
			width, height int64
			scheme        string
		}{{390, 844, "light"}, {1280, 860, "dark"}} {
			w.screen(s.width, s.height, s.scheme)
			found, err := a.look(w)
			if err != nil {
				a.t.Fatalf("axe-core at %s: %v", path, err)
			}
			a.pages++
			for _, b := range found {
				if b.Impact == "serious" || b.Impact == "critical" {
					a.t.Errorf("%s at %s, %d px, %s: %s (%s): %s%s", w.who, path, s.width, s.scheme, b.ID, b.Impact, b.Help, b.where())
				}
			}
		}
	}
	w.screen(1280, 860, "light")
}

// where names the first places of a barrier.
func (b barrier) where() string {
	var out strings.Builder
	for i, n := range b.Nodes {
		if i == 4 {
			fmt.Fprintf(&out, "\n  and %d more", len(b.Nodes)-i)
			break
		}
		fmt.Fprintf(&out, "\n  %s\n    %s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n    "))
	}
	return out.String()
}

// suitsEveryone has axe-core look at every page, as those who may see it: no barrier
// that is serious or critical. Without axe-core it is left out.
func (f *flow) suitsEveryone(ctx context.Context) {
	f.t.Helper()
	script, ok := testbed.Axe(f.t)
	if !ok {
		return
	}
	a, began := &axe{t: f.t, script: script}, time.Now()
	f.axeSeesABarrier(a)
	after := strings.TrimSuffix(f.story, "/") + "/after"
	a.check(newTab(f.t, ctx, "Nobody", f.box), "/login", "/invite")
	a.check(f.tina, everyPath(f)...)
	a.check(f.tina, "/board", "/prompts", "/prompts/prompt-menu", "/webhooks", "/me/looks", "/phones/device-1", "/delete/group/group-1",
		"/edit/person/p-sample-anna", "/edit/device/device-1", "/edit/line/line-1", "/edit/outcome/new", "/edit/webhook/new", "/edit/survey/new")
	dario := f.manager(ctx)
	a.check(dario, "/", "/desk", "/board", "/recall", "/reports", "/reports?what=interval", "/reports?what=queue", "/reports?what=people", "/reports/contacts", "/plan",
		"/customers", "/customers/new", "/import", "/surveys", "/scripts", "/callbacks", "/office/privacy", f.story, after)
	a.check(f.elena, "/", "/desk", "/calls", f.story, after, "/recall", "/callbacks", "/me")
	dario.content()
	f.t.Logf("axe-core looked at %d pages in %s", a.pages, time.Since(began).Round(time.Second))
	if a.pages < 120 {
		f.t.Errorf("axe-core looked at %d pages only", a.pages)
	}
}

// axeSeesABarrier breaks a page to see that it is looked at.
func (f *flow) axeSeesABarrier(a *axe) {
	f.t.Helper()
	f.tina.open("/")
	if _, ok := ask[bool](f.tina, "document.querySelector('main').append(document.createElement('img')) ?? true"); !ok {
		f.t.Fatal("the page cannot be broken")
	}
	found, err := a.look(f.tina)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, b := range found {
		if b.ID == "image-alt" {
			return
		}
	}
	f.t.Errorf("axe-core does not see an image without words: %v", found)
}

// manager lets the office's manager in.
func (f *flow) manager(ctx context.Context) *tab {
	f.t.Helper()
	f.tina.open("/people/p-sample-dario")
	f.tina.click("form[action$='/invite'] .btn")
	f.tina.shows("#invite", "Invito pronto")
	link, _, _ := strings.Cut(f.tina.text("#invite a"), "\n")
	w := newTab(f.t, ctx, "Dario", f.box)
	w.open(strings.TrimPrefix(link, f.box.url("")))
	w.shows("h1", "Ciao Dario Neri")
	w.fill("f-user", "dario.neri", "f-password", elenaPassword, "f-again", elenaPassword)
	w.click("form.fields .btn")
	w.arrives("/")
	w.shows("h1", "Studio Rossi")
	return w
}
