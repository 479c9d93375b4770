package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"centralino/internal/testbed"
	"centralino/internal/testbed/chrome"
	"centralino/pbx/media"
	"centralino/pbx/pbxtest"
	"centralino/pbx/sip"
)

// deskNumber gives every box on loopback addresses of its own.
var deskNumber atomic.Uint32

// deskBox is the box as a program on loopback addresses of its own, beside a browser.
type deskBox struct {
	t    *testing.T
	net  uint32
	dir  string // where it is started; its data folder is named from there
	args []string
	proc *testbed.Process

	answers time.Duration // how long a phone rings before it is answered
}

// newDesk takes loopback addresses for a box and phones.
func newDesk(t *testing.T) *deskBox {
	return &deskBox{t: t, net: deskNumber.Add(1), answers: 1500 * time.Millisecond}
}

// here runs a box with the flags of serve in this process, its log elsewhere if not nil,
// until the test ends.
func (b *deskBox) here(log io.Writer, flags ...string) *box {
	b.t.Helper()
	o, err := parseServe(append([]string{"-sim", "-data", b.t.TempDir(), "-https", "", "-sip", b.addr(1, 5060).String()}, flags...), io.Discard)
	if err != nil {
		b.t.Fatal(err)
	}
	o.seams.log = log
	ctx, stop := context.WithCancel(context.Background())
	x, err := newBox(ctx, o)
	if err != nil {
		stop()
		b.t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := x.run(ctx); err != nil && ctx.Err() == nil {
			b.t.Errorf("the box ended: %v", err)
		}
	})
	b.t.Cleanup(func() { stop(); running.Wait() })
	return x
}

// startDeskBox starts a simulated box with an office: "office", or "none" for an
// empty one.
func startDeskBox(t *testing.T, sample string) *deskBox {
	t.Helper()
	b := newDesk(t)
	b.dir = t.TempDir()
	b.args = []string{"serve", "-sim", "-sample", sample, "-data", "data", "-https", "",
		"-sip", b.addr(1, 5060).String(), "-http", b.addr(1, 8080).String()}
	b.start()
	return b
}

func (b *deskBox) addr(host byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(192 + os.Getpid()%60), byte(b.net), host}), port)
}

func (b *deskBox) url(path string) string { return "http://" + b.addr(1, 8080).String() + path }

func (b *deskBox) start() {
	b.t.Helper()
	b.proc = testbed.Start(b.t, nil, testbed.Command{Path: program4test(b.t), Args: b.args, Dir: b.dir})
	if err := b.proc.WaitOutput(limit(b.t, 20*time.Second), "Stop "); err != nil {
		b.t.Fatalf("the box did not start: %v\n%s", err, b.proc.Output())
	}
}

// command runs a subcommand of the appliance beside the box.
func (b *deskBox) command(name string, args ...string) *testbed.Process {
	b.t.Helper()
	return testbed.Start(b.t, nil, testbed.Command{Path: program4test(b.t), Args: append([]string{name, "-data", "data"}, args...), Dir: b.dir})
}

// code is the one-time code that the box printed.
func (b *deskBox) code() string {
	b.t.Helper()
	_, rest, _ := strings.Cut(b.proc.Output(), "Claim it with")
	words := strings.Fields(rest)
	if len(words) == 0 {
		b.t.Fatalf("the box printed no code:\n%s", b.proc.Output())
	}
	return words[0]
}

// phone starts a SIP phone with an account; it answers what rings after b.answers.
func (b *deskBox) phone(host byte, user, password string) *pbxtest.Phone {
	b.t.Helper()
	p, err := pbxtest.New(pbxtest.PhoneOptions{User: user, Password: password, Addr: b.addr(host, 5060), Box: b.addr(1, 5060),
		Wire: sip.KernelNet{}, Ports: media.KernelNet(), Log: slog.New(slog.DiscardHandler),
		Answer: func() (time.Duration, int, bool) { return b.answers, 0, true }})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	b.t.Cleanup(func() { stop(); running.Wait() })
	return p
}

// tab is one person's browser: it has cookies of its own and notes what it has to
// complain about.
type tab struct {
	t    *testing.T
	ctx  context.Context
	who  string
	box  *deskBox
	home string

	mu         sync.Mutex
	complaints []string
}

// newTab opens a person's browser on a box.
func newTab(t *testing.T, ctx context.Context, who string, b *deskBox) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	w := &tab{t: t, ctx: ctx, who: who, box: b, home: b.url("")}
	if err := chromedp.Listen(ctx, w.note); err != nil {
		t.Fatal(err)
	}
	w.screen(1280, 860, "light")
	return w
}

// note keeps what a page must never cause: script errors, blocked resources, missing
// files. Refusals of forms and pages by the box are the tests' own business.
func (w *tab) note(e any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.(type) {
	case *browserlog.EventEntryAdded:
		refused := e.Entry.Source == browserlog.EntrySourceNetwork && strings.Contains(e.Entry.Text, "status of 4") && !strings.Contains(e.Entry.URL, "/assets/")
		if (e.Entry.Level == browserlog.EntryLevelError || e.Entry.Level == browserlog.EntryLevelWarning) && !refused {
			w.complaints = append(w.complaints, string(e.Entry.Source)+": "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			w.complaints = append(w.complaints, fmt.Sprintf("console.%s %v", e.Type, e.Args))
		}
	case *runtime.EventExceptionThrown:
		w.complaints = append(w.complaints, "exception: "+e.ExceptionDetails.Text)
	}
}

// content checks that the browser had nothing to complain about.
func (w *tab) content() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.complaints {
		w.t.Errorf("%s's browser complains: %s", w.who, c)
	}
}

// screen sets size and colours; the browser's language is Italian.
func (w *tab) screen(width, height int64, scheme string) {
	w.t.Helper()
	chrome.Screen(w.t, w.ctx, width, height, scheme, "it")
}

// script switches the pages' own script on or off.
func (w *tab) script(off bool) {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
		w.t.Fatal(err)
	}
}

// downloadInto makes the browser keep in a folder what it downloads.
func (w *tab) downloadInto(folder string) {
	w.t.Helper()
	list, err := chromedp.Targets(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range list {
		if !strings.HasPrefix(one.URL, w.home) {
			continue
		}
		if _, err := chromedp.CallBrowser(w.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllow, BrowserContextID: one.BrowserContextID, DownloadPath: folder}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, 20*time.Second)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.t.Fatalf("%s cannot %s: %v\nthe page at %s:\n%s", w.who, what, err, w.at(), w.text("body"))
	}
}

// open goes to a path of the box.
func (w *tab) open(path string) {
	w.t.Helper()
	w.do("open "+path, chromedp.Navigate(w.home+path), chromedp.WaitReady(chromedp.CSS("#main")))
}

// click clicks an element once it is there, and does not wait for what follows.
func (w *tab) click(sel string) {
	w.t.Helper()
	w.do("click "+sel, chromedp.WaitVisible(chromedp.CSS(sel)), chromedp.Click(chromedp.CSS(sel)))
}

// fill types into fields, by element id and text.
func (w *tab) fill(pairs ...string) {
	w.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		sel := chromedp.CSS("#" + pairs[i])
		w.do("fill "+pairs[i], chromedp.WaitVisible(sel), chromedp.Clear(sel), chromedp.SendKeys(sel, pairs[i+1]))
	}
}

// ask evaluates an expression; ok is false while the page is not there.
func ask[T any](w *tab, js string) (T, bool) {
	ctx, stop := context.WithTimeout(w.ctx, 5*time.Second)
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js))
	return v, err == nil
}

// until waits until an expression is true, at most d.
func (w *tab) until(d time.Duration, js string) bool {
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	over := time.NewTimer(d)
	defer over.Stop()
	for {
		if v, ok := ask[bool](w, js); ok && v {
			return true
		}
		select {
		case <-tick.C:
		case <-over.C:
			return false
		}
	}
}

func (w *tab) text(sel string) string {
	s, _ := ask[string](w, fmt.Sprintf("document.querySelector(%s)?.innerText ?? ''", quoted(sel)))
	return s
}

func (w *tab) at() string {
	s, _ := ask[string](w, "location.pathname + location.search")
	return s
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// patience is how long a page may take, on a machine that has much else to do.
const patience = 25 * time.Second

// shows waits until an element contains a text.
func (w *tab) shows(sel, want string) {
	w.t.Helper()
	w.showsWithin(patience, sel, want)
}

func (w *tab) showsWithin(d time.Duration, sel, want string) {
	w.t.Helper()
	js := fmt.Sprintf("document.querySelector(%s)?.innerText.replace(/\\s+/g, ' ').includes(%s) || false", quoted(sel), quoted(want))
	if !w.until(d, js) {
		w.t.Fatalf("%s never sees %q in %s at %s; there is:\n%s", w.who, want, sel, w.at(), w.text("body"))
	}
}

// lacks checks that an element does not contain a text now.
func (w *tab) lacks(sel, text string) {
	w.t.Helper()
	if got := w.text(sel); strings.Contains(got, text) {
		w.t.Errorf("%s sees %q in %s at %s:\n%s", w.who, text, sel, w.at(), got)
	}
}

// arrives waits until the browser stands at a path that begins so.
func (w *tab) arrives(path string) {
	w.t.Helper()
	js := fmt.Sprintf("location.pathname.startsWith(%s) && document.readyState === 'complete'", quoted(path))
	if !w.until(15*time.Second, js) {
		w.t.Fatalf("%s never arrives at %s but is at %s:\n%s", w.who, path, w.at(), w.text("body"))
	}
}

// picture keeps a picture of the page for looking at, where UI_SCREENS names a folder.
func (w *tab) picture(name string) {
	w.t.Helper()
	folder := os.Getenv("UI_SCREENS")
	if folder == "" {
		return
	}
	for _, v := range []struct {
		name          string
		width, height int64
		scheme        string
	}{{"phone", 390, 844, "light"}, {"dark", 1280, 860, "dark"}, {"desk", 1280, 860, "light"}} {
		w.screen(v.width, v.height, v.scheme)
		png, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name+"-"+v.name+".png"), png, 0o644)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}
