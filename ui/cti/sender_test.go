package cti_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/store"
	"centralino/internal/testbed"
	"centralino/ui/cti"
)

// receiver is another program: what it got, in order, and what it answers.
type receiver struct {
	mu     sync.Mutex
	got    []got
	answer func(m cti.Message, n int) int // status; n counts from 1. 0: no answer
	header http.Header                    // of its answers
}

type got struct {
	cti.Message
	at     time.Time
	id     string
	signed bool
}

const secret = "quattro gatti"

func (r *receiver) take(req *http.Request) (int, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return 0, err
	}
	var m cti.Message
	if err := json.Unmarshal(body, &m); err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, got{Message: m, at: time.Now(), id: req.Header.Get(cti.HeaderID), signed: verify(req.Header.Get(cti.HeaderSignature), body)})
	if r.answer == nil {
		return http.StatusOK, nil
	}
	if st := r.answer(m, len(r.got)); st != 0 {
		return st, nil
	}
	return 0, errors.New("connection reset")
}

// verify is what a receiver does with the signature, written from the description.
func verify(header string, body []byte) bool {
	t, sum, ok := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(t + "." + string(body)))
	want, err := hex.DecodeString(sum)
	return ok && err == nil && hmac.Equal(m.Sum(nil), want)
}

// RoundTrip lets a receiver stand in a bubble.
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	st, err := r.take(req)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: st, Body: io.NopCloser(bytes.NewReader(nil)), Header: r.header.Clone(), Request: req}, nil
}

func (r *receiver) seen() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// world is a Sender with its journal and office.
type world struct {
	t      *testing.T
	folder string
	db     *store.DB
	log    *journal.Log
	sender *cti.Sender
	mu     sync.Mutex
	doc    *office.Document
	faults []string
	stop   func()
}

func (w *world) office() *office.Document {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.doc
}

func (w *world) set(f func(d *office.Document)) {
	w.mu.Lock()
	d := w.doc.Clone()
	f(d)
	w.doc = d
	w.mu.Unlock()
	w.sender.OfficeChanged()
}

func (w *world) open(o cti.Options) {
	w.t.Helper()
	must := func(err error) {
		if err != nil {
			w.t.Helper()
			w.t.Fatal(err)
		}
	}
	var err error
	ctx, cancel := context.WithCancel(context.Background())
	w.db, _, err = store.Open(ctx, store.Options{Folder: w.folder, Migrations: append(journal.Migrations(), cti.Migrations()...), Now: time.Now, Readers: store.OneConnection, Log: slog.New(slog.DiscardHandler)})
	must(err)
	w.log, _, err = journal.Open(ctx, journal.Options{DB: w.db, Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	must(err)
	o.DB, o.Log, o.Office = w.db, slog.New(slog.DiscardHandler), w.office
	if o.Gate == nil {
		o.Gate = gate{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Follow = func(from uint64) cti.Subscription { return w.log.Subscribe(from) }
	o.Secrets = func(ref office.SecretRef) (string, bool) { return secret, ref == "secret-1" }
	o.Fault = func(hook office.ID, raised bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		s := fmt.Sprint(hook, " ", raised)
		if len(w.faults) == 0 || w.faults[len(w.faults)-1] != s {
			w.faults = append(w.faults, s)
		}
	}
	w.sender, err = cti.NewSender(ctx, o)
	must(err)
	var wg sync.WaitGroup
	logCtx, stopLog := context.WithCancel(context.Background())
	logDone := make(chan struct{})
	go func() { defer close(logDone); _ = w.log.Run(logCtx) }()
	wg.Go(func() { _ = w.sender.Run(ctx) })
	w.stop = func() {
		cancel()
		wg.Wait()
		stopLog()
		<-logDone
		_ = w.db.Close()
	}
}

func newWorld(t *testing.T, folder, url string, o cti.Options) *world {
	w := &world{t: t, folder: folder, doc: testDoc()}
	w.doc.Webhooks = []office.Webhook{{ID: "webhook-1", Name: "CRM", URL: url, Secret: "secret-1", Events: []string{"ringing", "answered", "ended", "outcome"}}}
	w.open(o)
	return w
}

// aCall puts the events of a whole call into the journal.
func (w *world) aCall(id journal.CallID) {
	for _, p := range queued {
		w.log.Append(id, p)
	}
}

func inBubble(t *testing.T, r *receiver, f func(t *testing.T, w *world)) {
	t.Helper()
	bubbleWith(t, cti.Options{Transport: r}, f)
}

func bubbleWith(t *testing.T, o cti.Options, f func(t *testing.T, w *world)) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, folder, "https://crm.example/hook", o)
		synctest.Wait()
		f(t, w)
		w.stop()
	})
}

func (w *world) status() cti.Status {
	w.t.Helper()
	st, err := w.sender.Status(context.Background(), "webhook-1")
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func events(list []got) string {
	var out []string
	for _, g := range list {
		out = append(out, g.Event)
	}
	return strings.Join(out, " ")
}

const whole = "ringing answered ended outcome"

func TestEveryStatementPrepares(t *testing.T) {
	db, _, err := store.Open(context.Background(), store.Options{Folder: t.TempDir(), Migrations: cti.Migrations(), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n := testbed.PrepareAll(t, db, "."); n < 15 {
		t.Errorf("only %d statements", n)
	}
}

func TestACallIsTold(t *testing.T) {
	r := &receiver{}
	inBubble(t, r, func(t *testing.T, w *world) {
		w.aCall("c-1")
		time.Sleep(5 * time.Second)
		list := r.seen()
		if events(list) != whole {
			t.Fatalf("told: %s", events(list))
		}
		for _, g := range list {
			if !g.signed || g.id != g.ID || g.Call != "c-1" || g.Agent != "" {
				t.Errorf("%+v", g)
			}
		}
		if st := w.status(); st.Sent != 4 || st.Waiting != 0 || st.Lost != 0 || !st.Failing.IsZero() {
			t.Errorf("status %+v", st)
		}
		a, err := w.sender.Attempts(context.Background(), "webhook-1")
		if err != nil || len(a) != 4 || a[0].Kind != cti.Outcome || !a[0].OK() || a[0].Try != 1 {
			t.Errorf("attempts %+v %v", a, err)
		}
	})
}

func TestAReceiverThatIsDownForHours(t *testing.T) {
	down := true
	r := &receiver{answer: func(cti.Message, int) int {
		if down {
			return 0
		}
		return http.StatusOK
	}}
	inBubble(t, r, func(t *testing.T, w *world) {
		for i := range 20 {
			w.aCall(journal.CallID(fmt.Sprintf("c-%02d", i)))
		}
		time.Sleep(5 * time.Hour)
		tries := len(r.seen())
		if tries < 10 || tries > 60 {
			t.Errorf("%d tries in five hours", tries)
		}
		if st := w.status(); st.Waiting != 80 || st.Failing.IsZero() || st.Stopped {
			t.Errorf("status %+v", st)
		}
		if strings.Join(w.faults, ",") != "webhook-1 true" {
			t.Errorf("faults %v", w.faults)
		}
		r.mu.Lock()
		down, r.got = false, nil
		r.mu.Unlock()
		time.Sleep(90 * time.Minute)
		by := map[string][]got{}
		for _, g := range r.seen() {
			by[g.Call] = append(by[g.Call], g)
		}
		for call, list := range by {
			if events(list) != whole {
				t.Errorf("call %s: %s", call, events(list))
			}
		}
		if st := w.status(); len(by) != 20 || st.Waiting != 0 || !st.Failing.IsZero() || st.Lost != 0 {
			t.Errorf("%d calls, status %+v", len(by), st)
		}
		if strings.Join(w.faults, ",") != "webhook-1 true,webhook-1 false" {
			t.Errorf("faults %v", w.faults)
		}
	})
}

func TestOneEventThatIsRefusedHoldsUpItsCallAlone(t *testing.T) {
	r := &receiver{answer: func(m cti.Message, _ int) int {
		if m.Call == "c-1" && m.Event == "answered" {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	}}
	inBubble(t, r, func(t *testing.T, w *world) {
		for _, id := range []journal.CallID{"c-1", "c-2", "c-3"} {
			w.aCall(id)
		}
		time.Sleep(6 * time.Hour)
		by := map[string][]got{}
		for _, g := range r.seen() {
			by[g.Call] = append(by[g.Call], g)
		}
		if events(by["c-2"]) != whole || events(by["c-3"]) != whole {
			t.Errorf("others wait: %s; %s", events(by["c-2"]), events(by["c-3"]))
		}
		if e := events(by["c-1"]); !strings.HasPrefix(e, "ringing answered answered") || strings.Contains(e, "ended") {
			t.Errorf("the call goes on past it: %s", e)
		}
		time.Sleep(20 * time.Hour) // given up after half a day; then the rest of the call goes
		by = map[string][]got{}
		for _, g := range r.seen() {
			by[g.Call] = append(by[g.Call], g)
		}
		if e := events(by["c-1"]); !strings.HasSuffix(e, "answered ended outcome") {
			t.Errorf("after half a day: %s", e)
		}
		if st := w.status(); st.Lost != 1 || st.Waiting != 0 || st.Stopped {
			t.Errorf("status %+v", st)
		}
	})
}

func TestAWebhookThatTakesNothingForADayIsStopped(t *testing.T) {
	status := http.StatusBadGateway
	r := &receiver{answer: func(cti.Message, int) int { return status }}
	inBubble(t, r, func(t *testing.T, w *world) {
		w.aCall("c-1")
		time.Sleep(12 * time.Hour)
		w.aCall("c-2")
		time.Sleep(14 * time.Hour) // a day, and the longest pause between two tries
		st := w.status()
		if !st.Stopped || st.Waiting != 0 || st.Lost == 0 || strings.Join(w.faults, ",") != "webhook-1 true" {
			t.Errorf("status %+v, faults %v", st, w.faults)
		}
		w.stop()
		w.faults = nil
		w.open(cti.Options{Transport: r})
		synctest.Wait()
		if st := w.status(); !st.Stopped || strings.Join(w.faults, ",") != "webhook-1 true" {
			t.Errorf("after a restart: %+v, faults %v", st, w.faults)
		}
		n := len(r.seen())
		w.aCall("c-3")
		time.Sleep(5 * time.Hour)
		if len(r.seen()) != n {
			t.Error("a stopped webhook is tried")
		}
		if err := w.sender.Try(context.Background(), "webhook-1"); !errors.Is(err, cti.ErrOff) {
			t.Errorf("a test for a stopped webhook: %v", err)
		}
		if st := w.status(); st.Waiting != 0 {
			t.Errorf("%d wait for a stopped webhook", st.Waiting)
		}
		status = http.StatusOK
		if err := w.sender.Again(context.Background(), "webhook-1"); err != nil {
			t.Fatal(err)
		}
		w.aCall("c-4")
		time.Sleep(time.Minute)
		if list := r.seen()[n:]; events(list) != whole || list[0].Call != "c-4" {
			t.Errorf("again: %s", events(list))
		}
		if w.faults[len(w.faults)-1] != "webhook-1 false" {
			t.Errorf("faults %v", w.faults)
		}
	})
}

func TestGoneMeansGone(t *testing.T) {
	r := &receiver{answer: func(cti.Message, int) int { return http.StatusGone }}
	inBubble(t, r, func(t *testing.T, w *world) {
		w.aCall("c-1")
		time.Sleep(time.Minute)
		if st := w.status(); !st.Stopped || len(r.seen()) != 1 {
			t.Errorf("status %+v after %d tries", st, len(r.seen()))
		}
	})
}

func TestARestartLosesAndRepeatsNothing(t *testing.T) {
	r := &receiver{}
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, folder, "https://crm.example/hook", cti.Options{Transport: r})
		synctest.Wait()
		for _, id := range []journal.CallID{"c-1", "c-2"} {
			for _, p := range queued[:4] {
				w.log.Append(id, p)
			}
			time.Sleep(time.Second)
			w.stop()
			w.open(cti.Options{Transport: r}) // the journal ends the call that was under way
			synctest.Wait()
			w.log.Append(id, queued[len(queued)-1])
			time.Sleep(time.Minute)
		}
		w.stop()
		if e := events(r.seen()); e != "ringing ended outcome ringing ended outcome" {
			t.Errorf("told: %s", e)
		}
		ids := map[string]bool{}
		for _, g := range r.seen() {
			if ids[g.ID] {
				t.Errorf("event %s was told twice", g.ID)
			}
			ids[g.ID] = true
		}
	})
}

func TestWhatWaitsOutlivesARestart(t *testing.T) {
	down := true
	r := &receiver{answer: func(cti.Message, int) int {
		if down {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}}
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, folder, "https://crm.example/hook", cti.Options{Transport: r})
		synctest.Wait()
		w.aCall("c-1")
		time.Sleep(10 * time.Minute)
		w.stop()
		down, r.got = false, nil
		w.open(cti.Options{Transport: r})
		time.Sleep(time.Hour)
		if e := events(r.seen()); e != whole {
			t.Errorf("told: %s", e)
		}
		w.stop()
	})
}

func TestTheOfficeDecidesWhoHearsWhat(t *testing.T) {
	r := &receiver{}
	inBubble(t, r, func(t *testing.T, w *world) {
		told := func(what string) {
			t.Helper()
			w.aCall("c-1")
			time.Sleep(time.Minute)
			if e := events(r.seen()); e != what {
				t.Errorf("told %q, want %q", e, what)
			}
			r.mu.Lock()
			r.got = nil
			r.mu.Unlock()
		}
		told(whole)
		w.set(func(d *office.Document) { d.Webhooks[0].Events = []string{"ended"} })
		told("ended")
		w.set(func(d *office.Document) { d.Webhooks[0].Off = true })
		told("")
		if err := w.sender.Try(context.Background(), "webhook-1"); !errors.Is(err, cti.ErrOff) {
			t.Errorf("a test for a webhook that is off: %v", err)
		}
		w.set(func(d *office.Document) { d.Webhooks[0].Off = false })
		synctest.Wait()
		time.Sleep(time.Second)
		told("ended") // and nothing of what was while it was off
		if err := w.sender.Try(context.Background(), "webhook-1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if e := events(r.seen()); e != "test" {
			t.Errorf("the test told %q", e)
		}
		w.set(func(d *office.Document) { d.Webhooks = nil })
		synctest.Wait()
		if st := w.status(); st.Sent != 0 {
			t.Errorf("a deleted webhook is remembered: %+v", st)
		}
	})
}

func TestAnotherAddressBeginsAfresh(t *testing.T) {
	r := &receiver{answer: func(cti.Message, int) int { return http.StatusNotFound }}
	inBubble(t, r, func(t *testing.T, w *world) {
		w.aCall("c-1")
		time.Sleep(3 * time.Hour)
		r.mu.Lock()
		r.answer, r.got = nil, nil
		r.mu.Unlock()
		w.set(func(d *office.Document) { d.Webhooks[0].URL = "https://crm.example/right" })
		time.Sleep(time.Second)
		if e := events(r.seen()); e != whole {
			t.Errorf("told %q", e)
		}
	})
}

// TestOverLoopback: a real receiver that is not there yet, answers 500, answers too
// late, sends elsewhere, and at last takes what comes.
func TestOverLoopback(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close() // nobody listens
	quick := []time.Duration{20 * time.Millisecond}
	w := newWorld(t, t.TempDir(), "http://"+addr+"/hook", cti.Options{Timeout: 150 * time.Millisecond, Retry: quick})
	defer func() { w.stop() }()
	attempts := func(want func(a cti.Attempt) bool, what string) {
		t.Helper()
		deadline, stop := context.WithTimeout(context.Background(), 20*time.Second)
		defer stop()
		for deadline.Err() == nil {
			list, err := w.sender.Attempts(deadline, "webhook-1")
			if err == nil && slices.ContainsFunc(list, want) {
				return
			}
			select {
			case <-time.After(5 * time.Millisecond):
			case <-deadline.Done():
			}
		}
		t.Fatalf("never seen: %s", what)
	}
	attemptsFirst := func() { // the follower stands once a test event was tried
		if err := w.sender.Try(context.Background(), "webhook-1"); err != nil {
			t.Fatal(err)
		}
		attempts(func(a cti.Attempt) bool { return a.Kind == cti.Test }, "a test")
	}
	attemptsFirst()
	w.aCall("c-1")
	attempts(func(a cti.Attempt) bool { return a.Kind == cti.Ringing && a.Cause == "refused" }, "a refusal while nobody listens")

	r := &receiver{}
	var mode sync.Map
	mode.Store("m", "500")
	release := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(res http.ResponseWriter, req *http.Request) {
		m, _ := mode.Load("m")
		switch m {
		case "500":
			res.WriteHeader(http.StatusInternalServerError)
		case "slow":
			select {
			case <-release:
			case <-req.Context().Done():
			}
		case "elsewhere":
			http.Redirect(res, req, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		default:
			st, err := r.take(req)
			if err != nil {
				t.Error(err)
			}
			res.WriteHeader(st)
		}
	}))
	if srv.Listener, err = net.Listen("tcp", addr); err != nil {
		t.Skipf("somebody took the port meanwhile: %v", err)
	}
	srv.Start()
	defer srv.Close()
	defer close(release)
	attempts(func(a cti.Attempt) bool { return a.Status == 500 }, "a 500")
	mode.Store("m", "slow")
	attempts(func(a cti.Attempt) bool { return a.Cause == "timeout" }, "a timeout")
	mode.Store("m", "elsewhere")
	attempts(func(a cti.Attempt) bool { return a.Status == http.StatusTemporaryRedirect }, "a redirect that is not followed")
	mode.Store("m", "fine")
	attempts(func(a cti.Attempt) bool { return a.Kind == cti.Outcome && a.OK() }, "the outcome taken")
	if e := events(r.seen()); e != whole {
		t.Errorf("told %q", e)
	}
	for _, g := range r.seen() {
		if !g.signed {
			t.Errorf("%s is not signed", g.Event)
		}
	}
}
