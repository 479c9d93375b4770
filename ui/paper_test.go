package ui_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	browserpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/testbed/chrome"
)

// workday starts a box on which yesterday was a day of work from eight to six, and returns
// that day.
func workday(t *testing.T) (*rig, string) {
	t.Helper()
	var at atomic.Pointer[time.Time] // nil: the time of the machine
	now := func() time.Time {
		if p := at.Load(); p != nil {
			return *p
		}
		return time.Now()
	}
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	y, m, d := time.Now().In(rome).AddDate(0, 0, -1).Date()
	begin := time.Date(y, m, d, 8, 0, 0, 0, rome)
	at.Store(&begin)
	r := newRigOf(t, true, rigOf{now: now, sample: office.Sample(office.SampleOptions{AlwaysOpen: true, Now: begin}), folder: t.TempDir()})
	for i := range 200 {
		when := begin.Add(time.Duration(i) * 3 * time.Minute)
		at.Store(&when)
		id := fmt.Sprint("w-", i)
		call, contact, who := journal.CallID(id), journal.ContactID(id), r.people.Number(numbering.E164(fmt.Sprintf("+39027654%04d", i)))
		r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: who})
		r.log.Append(call, journal.ContactQueued{Contact: contact, Queue: "group-1", Caller: who})
		if i%7 == 3 || i > 60 && i < 72 {
			r.log.Append(call, journal.ContactEnded{Contact: contact, Queue: "group-1", Outcome: "abandoned", Waited: 47 * time.Second})
		} else {
			waited := time.Duration(5+i%40) * time.Second
			r.log.Append(call, journal.ContactConnected{Contact: contact, Queue: "group-1", Agent: bruno, Waited: waited})
			r.log.Append(call, journal.ContactEnded{Contact: contact, Queue: "group-1", Outcome: "served", Agent: bruno, Waited: waited, Talked: 95 * time.Second})
		}
		r.log.Append(call, journal.CallEnded{Cause: "hangup"})
	}
	r.figures()
	at.Store(nil)
	return r, begin.Format(time.DateOnly)
}

// a4Wide is how wide paper is between Chromium's margins, in CSS pixels.
const a4Wide = 718

// unfit lists what paper does not show well: words too pale for white paper (WCAG 2.2,
// 1.4.3), what is for the screen alone, and what is wider than the sheet.
const unfit = `(() => {
	const bad = [];
	const pale = (c) => {
		const m = c.match(/[\d.]+/g).map(Number);
		const lum = m.slice(0, 3).map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
		return 1.05 / (0.2126 * lum[0] + 0.7152 * lum[1] + 0.0722 * lum[2] + 0.05) < 4.5;
	};
	for (const e of document.querySelectorAll("body *")) {
		const style = getComputedStyle(e);
		if (e.getClientRects().length === 0 || e.closest(".vh") || e.closest("defs")) continue;
		if (e.matches(".noprint, .tabs, .side, .top, .actions")) bad.push("on paper: " + e.className);
		if (e.getBoundingClientRect().right > WIDE + 0.5) bad.push("wider than the sheet: " + e.tagName + " " + e.className);
		if (e.matches(".scroll") && e.firstElementChild.getBoundingClientRect().width > e.clientWidth + 0.5) bad.push("wider than its card: " + e.textContent.trim().slice(0, 20));
		const says = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim() !== "");
		if (says && pale(e.closest("svg") ? style.fill : style.color)) bad.push("pale: " + e.textContent.trim().slice(0, 40));
	}
	return bad.join("; ");
})()`

// TestReportsOnPaper prints the pages of reports from a light and a dark screen: they are
// dark on white, whole, and the table begins below the charts. UI_SCREENS names a folder
// for the prints.
func TestReportsOnPaper(t *testing.T) {
	r, day := workday(t)
	ctx := chromium(t)
	r.enter(ctx, dario)
	for _, scheme := range []string{"light", "dark"} {
		for what, pages := range map[string]int{"day": 2, "interval": 2} {
			chrome.Screen(t, ctx, 1280, 900, scheme, "it")
			if err := chromedp.Do(ctx, chromedp.Navigate(r.http.URL+"/reports?what="+what+"&from="+day), chromedp.WaitReady(chromedp.CSS("#main"))); err != nil {
				t.Fatal(err)
			}
			p, err := chromedp.Call(ctx, browserpage.PrintToPDF, browserpage.PrintToPDFParams{PaperWidth: 8.27, PaperHeight: 11.69})
			if err != nil {
				t.Fatal(err)
			}
			if folder := os.Getenv("UI_SCREENS"); folder != "" {
				_ = os.WriteFile(filepath.Join(folder, "paper-"+scheme+"-"+what+".pdf"), p.Data, 0o644)
			}
			if n := len(rePDFPage.FindAll(p.Data, -1)); n != pages {
				t.Errorf("%s from a %s screen takes %d sheets, want %d", what, scheme, n, pages)
			}
			chrome.Screen(t, ctx, a4Wide, 1045, scheme, "it")
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
				t.Fatal(err)
			}
			bad, err := chromedp.Run(ctx, chromedp.Evaluate[string](strings.Replace(unfit, "WIDE", strconv.Itoa(a4Wide), 1)))
			if err != nil || bad != "" {
				t.Errorf("%s from a %s screen: %s %v", what, scheme, bad, err)
			}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var rePDFPage = regexp.MustCompile(`/Type\s*/Page\b`)
