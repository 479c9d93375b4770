package ui_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
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
	token, _, err := r.server.Auth().Open(context.Background(), bruno, netip.MustParseAddr("192.168.1.9"))
	if err != nil {
		t.Fatal(err)
	}
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

// countJournal notes from where it is followed.
type countJournal struct {
	ui.Journal
	from *uint64
}

func (c countJournal) Subscribe(from uint64) ui.Subscription {
	*c.from = from
	return c.Journal.Subscribe(from)
}
