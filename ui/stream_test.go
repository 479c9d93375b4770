package ui_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/ui"
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
		f, ok, err := r.log.LoadFold(context.Background(), "ui.live", 1)
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
