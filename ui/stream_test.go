package ui_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui"
	"centralino/ui/live"
)

func TestStreamShowsACallComeAndGo(t *testing.T) {
	r := newRig(t, true)
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, r.http.URL+"/live?page=home", nil)
	req.Header.Set("Accept-Language", "en")
	res, err := r.as(bruno).c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("Content-Type %q", got)
	}
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 1<<20)
	wait := func(text string) {
		t.Helper()
		for in.Scan() {
			if strings.Contains(in.Text(), text) {
				return
			}
		}
		t.Fatalf("%q never came: %v", text, in.Err())
	}
	wait("No calls at this moment")
	r.log.Append("c-1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390255551234")})
	wait("02 5555 1234")
	r.log.Append("c-1", journal.ContactQueued{Contact: "c-1", Queue: "group-1", Arrival: time.Now()})
	wait("1 waiting")
	r.log.Append("c-1", journal.CallEnded{Cause: "hangup", By: "caller"})
	wait("No calls at this moment")
}

// TestAPhonesPageFollowsThePhone: it comes and goes while the page is open.
func TestAPhonesPageFollowsThePhone(t *testing.T) {
	r := newRig(t, true)
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	dev := r.sample.Doc.Devices[0].ID
	r.box.set(func(b *fakeBox) { b.phones = nil })
	if body := r.as(tech).get("/phones/" + string(dev)).body; !strings.Contains(body, `data-live="/live?page=phone&amp;id=`+string(dev)) {
		t.Fatalf("the page does not live:\n%s", body)
	}
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, r.http.URL+"/live?page=phone&id="+string(dev), nil)
	req.Header.Set("Accept-Language", "en")
	res, err := r.as(tech).c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 1<<20)
	wait := func(text string) {
		t.Helper()
		for in.Scan() {
			if strings.Contains(in.Text(), text) {
				return
			}
		}
		t.Fatalf("%q never came: %v", text, in.Err())
	}
	wait("not connected")
	r.box.set(func(b *fakeBox) {
		b.phones = []ui.PhoneStatus{{Device: dev, Address: netip.MustParseAddrPort("192.168.1.77:5060"), Transport: "udp", Agent: "Snom D785"}}
	})
	r.log.Append("", journal.PhoneChanged{Device: string(dev), Online: true})
	wait("Snom D785")
	r.box.set(func(b *fakeBox) { b.phones = nil })
	r.log.Append("", journal.PhoneChanged{Device: string(dev)})
	wait("not connected")
}

// The server's timeouts are for requests and for single writes: a page that stays open
// longer is not cut off. HTTP/2 resets a stream whose write deadline passes even
// while nothing is being written.
func TestStreamOutlivesTheTimeouts(t *testing.T) {
	const timeout = 100 * time.Millisecond
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	plain, secure := listen(), listen()
	r := newRig(t, true, func(d *ui.Deps) {
		d.HTTP, d.HTTPS, d.ReadTimeout, d.WriteTimeout = plain, secure, timeout, timeout
	})
	token := r.token(bruno)
	for _, c := range []struct{ name, url, cookie string }{
		{"HTTP/1.1", "http://" + plain.Addr().String(), "centralino"},
		{"HTTP/2.0", "https://" + secure.Addr().String(), "__Host-centralino"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			defer client.CloseIdleConnections()
			ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
			defer stop()
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/live?page=home", nil)
			req.AddCookie(&http.Cookie{Name: c.cookie, Value: token})
			begin := time.Now()
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.Proto != c.name || res.StatusCode != http.StatusOK {
				t.Fatalf("%s %s", res.Proto, res.Status)
			}
			in := bufio.NewScanner(res.Body)
			in.Buffer(nil, 1<<20)
			for time.Since(begin) < 10*timeout { // each drawing waits for the pace of redraws, longer than the timeout
				if !in.Scan() {
					t.Fatalf("the stream ended after %v: %v", time.Since(begin), in.Err())
				}
				if strings.Contains(in.Text(), `"id":"calls"`) {
					r.log.Append(journal.CallID("c-"+c.name+time.Since(begin).String()), journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390255551234")})
				}
			}
		})
	}
}

func TestStreamOfALeavingPersonEnds(t *testing.T) {
	r := newRig(t, true)
	b := r.as(bruno)
	if got := b.get("/live?page=nothing").status; got != http.StatusNotFound {
		t.Errorf("unknown page: %d", got)
	}
	if got := b.get("/live?page=lines").status; got != http.StatusForbidden {
		t.Errorf("page of another role: %d", got)
	}
	if got := r.as("").get("/live?page=home").status; got != http.StatusUnauthorized {
		t.Errorf("nobody: %d", got)
	}
}

func TestRestartTakesUpTheKeptState(t *testing.T) {
	r := newRig(t, true)
	for range 2100 {
		r.log.Append("", journal.AgentChanged{Agent: anna, State: journal.AgentPaused})
	}
	r.log.Append("c-1", journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number("+390255551234")})
	deadline := time.After(10 * time.Second)
	for {
		f, ok, err := r.log.LoadFold(context.Background(), "ui.live", live.StateVersion)
		if err != nil {
			t.Fatal(err)
		}
		if ok && f.Seq >= 2000 {
			break
		}
		select {
		case <-deadline:
			t.Fatal("no state was kept")
		case <-time.After(20 * time.Millisecond):
		}
	}
	d := r.deps
	d.Journal = countJournal{d.Journal, new(uint64)}
	second, err := ui.New(d)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- second.Run(ctx) }()
	for second.Live().Seq != r.server.Live().Seq {
		select {
		case <-deadline:
			t.Fatalf("stands at %d of %d", second.Live().Seq, r.server.Live().Seq)
		case <-time.After(5 * time.Millisecond):
		}
	}
	// Who was told last before what is read now has missed something.
	for after, want := range map[string]bool{"5": true, strconv.FormatUint(second.Live().Seq, 10): false} {
		token := r.token(dario)
		asked, hangUp := context.WithCancel(ctx)
		req := httptest.NewRequestWithContext(asked, http.MethodGet, "http://localhost/api/v1/events", nil)
		req.AddCookie(&http.Cookie{Name: "centralino", Value: token})
		req.Header.Set("Last-Event-ID", after)
		heard := &tape{head: http.Header{}, stop: hangUp}
		second.Handler().ServeHTTP(heard, req)
		if got := strings.Contains(heard.body.String(), "event: missed"); got != want {
			t.Errorf("after %s: missed is %v in %q", after, got, heard.body.String())
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if from := *d.Journal.(countJournal).from; from < 2000 {
		t.Errorf("it read from %d on", from)
	}
	if len(second.Live().Calls) != 1 || second.Live().Agents[anna].State != journal.AgentPaused {
		t.Errorf("it knows %+v", second.Live())
	}
}

// TestWhatWasBeforeAStartIsNoNews: a program that comes while the box still reads its
// journal hears nothing of yesterday's calls.
func TestWhatWasBeforeAStartIsNoNews(t *testing.T) {
	r := newRig(t, true)
	busy(r)
	r.settle()
	second, err := ui.New(r.deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	asked, hangUp := context.WithCancel(ctx)
	req := httptest.NewRequestWithContext(asked, http.MethodGet, "http://localhost/api/v1/events", nil)
	req.AddCookie(&http.Cookie{Name: "centralino", Value: r.token(dario)})
	var once sync.Once
	var wg sync.WaitGroup
	heard := &tape{head: http.Header{}, stop: hangUp}
	second.Handler().ServeHTTP(starter{heard, func() {
		once.Do(func() { wg.Go(func() { _ = second.Run(ctx) }) })
	}}, req)
	stop()
	wg.Wait()
	if s := heard.body.String(); !strings.Contains(s, "event: alive") || strings.Contains(s, "data: {") {
		t.Errorf("told %q", s)
	}
}

// starter does something once an answer begins.
type starter struct {
	*tape
	start func()
}

func (s starter) Flush() {
	s.start()
	s.tape.Flush()
}

// TestAStreamEndsWithTheRightToIt: who leads no more sees no more, though the page stays
// open.
func TestAStreamEndsWithTheRightToIt(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		sample := office.Sample(office.SampleOptions{AlwaysOpen: true, Now: time.Now()})
		r := newRigOf(t, true, rigOf{now: time.Now, sample: sample, folder: folder, bubble: true}, withDesk)
		token := r.token(anna)
		ctx, stop := context.WithCancel(context.Background())
		board := &screenOf{tape: tape{head: http.Header{}}, text: "event: gone"}
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/live?page=board", nil)
		req.AddCookie(&http.Cookie{Name: "centralino", Value: token})
		var wg sync.WaitGroup
		wg.Go(func() { r.server.Handler().ServeHTTP(board, req) })
		time.Sleep(time.Minute)
		if !board.shown.IsZero() {
			t.Error("it ended while she leads")
		}
		cur := r.office.Current()
		doc := cur.Doc.Clone()
		doc.PersonByID(anna).Role = office.RoleOperator
		if _, err := r.office.Apply(context.Background(), office.Edit{Base: cur.Version, Doc: doc, By: tech}); err != nil {
			t.Fatal(err)
		}
		changed := time.Now()
		time.Sleep(time.Minute)
		stop()
		wg.Wait()
		if board.shown.IsZero() || board.shown.Sub(changed) > 20*time.Second {
			t.Errorf("the board goes on until %v, the change was at %v", board.shown, changed)
		}
	})
}

// countJournal notes from where it is followed.
type countJournal struct {
	ui.Journal
	from *uint64
}

func (c countJournal) Subscribe(from uint64) ui.Subscription {
	*c.from = from
	return c.Journal.Subscribe(from)
}
