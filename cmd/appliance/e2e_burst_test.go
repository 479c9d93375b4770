package main

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"centralino/internal/testbed"
	"centralino/ui/api"
)

// pairs is how many INVITE-then-CANCEL pairs are sent.
const pairs = 1000

// 1,000 INVITEs, each with its CANCEL in the very next packet, leave no phone
// ringing and no call behind.
func TestInviteThenCancelBackToBack(t *testing.T) {
	testbed.Need(t, "baresip", "ip")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b", "c")
	box := startBox(t, net)
	w := box.claim()
	callee := box.phone(1, "b", testbed.PhoneOptions{Manual: true})

	window := make(chan struct{}, 20) // calls under way at once
	finals := make(chan int, pairs)   // one for each INVITE
	var mu sync.Mutex
	done := map[string]bool{}
	caller := box.rawPhone(0, "a", func(p *rawPhone, m rawMessage) {
		if m.method() != "INVITE" || m.status() < 200 {
			return
		}
		p.ack("202", m)
		mu.Lock()
		defer mu.Unlock()
		if id := m.fields["call-id"]; !done[id] {
			done[id] = true
			<-window
			finals <- m.status()
		}
	})
	stuck := limit(t, 60*time.Second).Done()
	for i := range pairs {
		select {
		case window <- struct{}{}:
		case <-stuck:
			t.Fatalf("stuck after %d pairs\n%s", i, box.proc.Output())
		}
		id := fmt.Sprintf("pair%d", i)
		caller.send(caller.invite("202", id))
		caller.send(caller.request("CANCEL", "202", id, "", 1, "Content-Length: 0\r\n\r\n"))
	}
	count := map[int]int{}
	for range pairs {
		select {
		case code := <-finals:
			count[code]++
		case <-stuck:
			t.Fatalf("final responses so far: %v\n%s", count, box.proc.Output())
		}
	}
	t.Logf("final responses: %v, the phone was called %d times", count, offers(callee))
	if count[487] < pairs*95/100 {
		t.Errorf("final responses %v: nearly all are to be 487", count)
	}
	w.quiet(10 * time.Second)
	idle := func() bool {
		calls, err := callee.Command(limit(t, 5*time.Second), "listcalls", "")
		return err == nil && strings.Contains(calls, "(0)")
	}
	if !eventually(t, 5*time.Second, idle) {
		calls, err := callee.Command(limit(t, 5*time.Second), "listcalls", "")
		t.Errorf("the phone still has calls: %s %v", calls, err)
	}
	var left int
	if !eventually(t, 10*time.Second, func() bool { left = unfinished(w); return left == 0 }) {
		t.Errorf("%d calls of the list have no end", left)
	}
	// And it can be called as ever.
	other := box.phone(2, "c", testbed.PhoneOptions{})
	box.want("dial", other.Dial(limit(t, 5*time.Second), "202"))
	_, err := callee.WaitFor(limit(t, 10*time.Second), "the last call", func(e testbed.PhoneEvent) bool {
		return e.Type == "CALL_INCOMING" && strings.Contains(e.Peer, "203")
	})
	box.want("phone rings again", err)
	box.answers(callee)
	box.want("hang up", callee.Hangup(limit(t, 5*time.Second)))
	box.closed(other, "over")
}

// unfinished counts the listed calls that have not ended; it fails the test when
// the list is shorter than the calls made.
func unfinished(w *web) int {
	n, seen, next := 0, 0, ""
	for {
		var page api.Calls
		w.json("calls?before="+url.QueryEscape(next), &page)
		for _, c := range page.Calls {
			if seen++; c.Outcome.ID == "running" {
				n++
			}
		}
		if next = page.Next; next == "" || len(page.Calls) == 0 {
			break
		}
	}
	if seen < pairs {
		w.t.Errorf("%d calls are listed, %d were made", seen, pairs)
	}
	return n
}

// A 183 directly followed by its 200 is handled in order: the caller sees ringing,
// then the answer, and nothing after it.
func TestProgressDirectlyFollowedByAnswer(t *testing.T) {
	testbed.Need(t, "ip")
	t.Parallel()
	const calls = 200
	net := testbed.NewNet(t, "a", "b")
	box := startBox(t, net)
	w := box.claim()
	box.rawPhone(1, "b", func(p *rawPhone, m rawMessage) {
		switch {
		case strings.HasPrefix(m.first, "INVITE "):
			p.send(p.respond(m, "183 Session Progress", p.sdp()))
			p.send(p.respond(m, "200 OK", p.sdp()))
		case strings.HasPrefix(m.first, "BYE "):
			p.send(p.respond(m, "200 OK", ""))
		}
	})
	var mu sync.Mutex
	codes := map[string][]int{} // by Call-ID
	over := make(chan struct{}, calls)
	caller := box.rawPhone(0, "a", func(p *rawPhone, m rawMessage) {
		id := m.fields["call-id"]
		switch {
		case m.method() == "INVITE" && m.status() > 0:
			mu.Lock()
			codes[id] = append(codes[id], m.status())
			mu.Unlock()
			if m.status() >= 200 {
				p.ack("202", m)
			}
			if m.status() == 200 {
				p.send(p.request("BYE", "202", id, m.fields["to"], 2, "Content-Length: 0\r\n\r\n"))
			}
		case m.method() == "BYE" && m.status() == 200:
			over <- struct{}{}
		}
	})
	for i := range calls {
		caller.send(caller.invite("202", fmt.Sprintf("call%d", i)))
		select {
		case <-over:
		case <-limit(t, 10*time.Second).Done():
			t.Fatalf("call %d does not come to its end: %v\n%s", i, codes[fmt.Sprintf("call%d", i)], box.proc.Output())
		}
	}
	w.quiet(5 * time.Second)
	mu.Lock()
	defer mu.Unlock()
	for id, got := range codes {
		ringing, answered := false, false
		for _, c := range got {
			switch {
			case c == 200:
				answered = true
			case c >= 180 && c < 200 && answered:
				t.Fatalf("%s: %d after the answer: %v", id, c, got)
			case c >= 180 && c < 200:
				ringing = true
			}
		}
		if !ringing || !answered {
			t.Fatalf("%s got %v: first ringing, then the answer", id, got)
		}
	}
}
