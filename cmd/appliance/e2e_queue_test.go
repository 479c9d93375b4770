package main

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"centralino/internal/audio/prompts"
	"centralino/internal/testbed"
)

// ringsWith waits until a phone rings and says whose call it shows.
func (r *running) ringsWith(p *testbed.Phone, number string) {
	r.t.Helper()
	ev, err := p.Wait(limit(r.t, 25*time.Second), "CALL_INCOMING")
	r.want("phone rings for "+number, err)
	if !strings.Contains(ev.Peer, number) {
		r.t.Fatalf("the phone rings for %s, not for %s", ev.Peer, number)
	}
}

// offers counts the calls that a phone was offered so far.
func offers(p *testbed.Phone) int {
	n := 0
	for _, e := range p.Events() {
		if e.Type == "CALL_INCOMING" {
			n++
		}
	}
	return n
}

func (r *running) answers(p *testbed.Phone) {
	r.t.Helper()
	r.want("accept", p.Accept(limit(r.t, 5*time.Second)))
	_, err := p.Wait(limit(r.t, 10*time.Second), "CALL_ESTABLISHED")
	r.want("answered", err)
}

func (r *running) closed(p *testbed.Phone, what string) testbed.PhoneEvent {
	r.t.Helper()
	ev, err := p.Wait(limit(r.t, 15*time.Second), "CALL_CLOSED")
	r.want(what, err)
	return ev
}

// The queue with real phones: music while nobody is free, callers who give up, an
// agent who lets it ring twice and is paused while the caller keeps his place, and
// calls to whoever has been free longest.
func TestQueueWithTwoAgents(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b", "c")
	box := startBox(t, net)
	w := box.claim()
	w.edit("/edit/group/group-1", url.Values{"name": {"Assistenza"}, "mode": {"queue"},
		"members": {"p-sample-anna", "p-sample-bruno", "p-sample-carla"}, "queue.ringTime": {"5"}, "queue.missesToPause": {"2"}, "queue.wrapUp": {"0"}, "queue.joinEmpty": {"true"}})
	callerSays, agentSays := testbed.Speech(t, testbed.VoiceCaller, 90*time.Second), testbed.Speech(t, testbed.VoiceAgent, 60*time.Second)
	a := box.phone(0, "a", testbed.PhoneOptions{Manual: true, Mic: agentSays})
	b := box.phone(1, "b", testbed.PhoneOptions{Manual: true, Mic: agentSays})
	inside := box.phone(3, "c", testbed.PhoneOptions{Mic: callerSays})
	box.linesReady()
	waiting := func(n int) {
		t.Helper()
		if !eventually(t, 40*time.Second, func() bool { return w.queue("group-1").Waiting == n }) {
			t.Fatalf("%d callers are to wait; the queue is %+v\n%s", n, w.queue("group-1"), box.proc.Output())
		}
	}

	// Nobody is logged in: the caller hears music and gives up.
	box.want("dial the queue", inside.Dial(limit(t, 5*time.Second), "600"))
	waiting(1)
	box.want("music", inside.Talk(limit(t, 20*time.Second), 6*time.Second))
	box.want("give up", inside.Hangup(limit(t, 5*time.Second)))
	waiting(0)
	w.quiet(5 * time.Second)
	if c := w.finished()[0]; c.Outcome.ID != "unanswered" {
		t.Errorf("a caller who gave up is listed as %+v", c)
	}
	heard, err := inside.Heard()
	box.want("recording", err)
	testbed.AssertHears(t, "who waits (music)", heard, linear(prompts.Music()), callerSays)

	// Two callers wait; the only agent misses the first one twice and is paused.
	box.feature(a, "*70")
	say, heardFile := filepath.Join(t.TempDir(), "say.wav"), filepath.Join(t.TempDir(), "heard.wav")
	writeWAV(t, say, callerSays)
	first := box.command("call", "-line", "line-1", "-from", "0611111111", "-keys", "1", "-say", say, "-record", heardFile)
	box.ringsWith(a, "0611111111")
	second := box.command("call", "-line", "line-2", "-from", "0622222222", "-keys", "1")
	box.ringsWith(a, "0611111111")
	waiting(2)
	box.closed(a, "the second miss") // so few agents are not counted on the page: the phone tells that one is paused

	// The first caller has kept his place: the other agent gets him first.
	missed := offers(a)
	box.feature(b, "*70")
	box.ringsWith(b, "0611111111")
	box.answers(b)
	box.want("talk", b.Talk(limit(t, 20*time.Second), 9*time.Second))
	waiting(1)
	if offers(a) != missed {
		t.Error("a paused agent's phone rings")
	}
	// The second gives up while the agent's phone rings for him.
	box.feature(a, "*73")
	box.ringsWith(a, "0622222222")
	second.Stop()
	box.closed(a, "caller gave up")
	waiting(0)
	box.want("hang up", b.Hangup(limit(t, 5*time.Second)))
	box.closed(b, "over")
	box.want("line on hook", first.WaitOutput(limit(t, 10*time.Second), "call over"))
	if err := first.Err(); err != nil {
		t.Fatal(err)
	}
	w.quiet(5 * time.Second)
	all := readWAV(t, heardFile)
	testbed.AssertHears(t, "first caller", all[len(all)-5*8000:], agentSays, callerSays)
	testbed.AssertHolds(t, "the music that the first caller waited with", all, linear(prompts.Music())[:8*8000])

	// Anna has been free longer than Bruno, who just talked; afterwards it is Bruno.
	for _, turn := range []struct{ gets, other *testbed.Phone }{{a, b}, {b, a}} {
		before := offers(turn.other)
		box.want("dial the queue", inside.Dial(limit(t, 5*time.Second), "600"))
		box.ringsWith(turn.gets, "204")
		box.answers(turn.gets)
		box.want("hang up", turn.gets.Hangup(limit(t, 5*time.Second)))
		box.closed(turn.gets, "over")
		box.closed(inside, "over at the caller's")
		if offers(turn.other) != before {
			t.Error("the phone of the agent who was free for a shorter time rang")
		}
	}
	w.quiet(5 * time.Second)

	// Ring all: both telephones ring for one call, whoever answers has it, and the
	// other stops ringing.
	w.edit("/edit/group/group-1", url.Values{"name": {"Assistenza"}, "mode": {"queue"}, "queue.strategy": {"ringAll"},
		"members": {"p-sample-anna", "p-sample-bruno", "p-sample-carla"}, "queue.ringTime": {"15"}, "queue.missesToPause": {"2"}, "queue.wrapUp": {"0"}, "queue.joinEmpty": {"true"}})
	box.want("dial the queue", inside.Dial(limit(t, 5*time.Second), "600"))
	box.ringsWith(a, "204")
	box.ringsWith(b, "204")
	box.answers(b)
	box.closed(a, "stops ringing when the other answers")
	box.want("hang up", b.Hangup(limit(t, 5*time.Second)))
	box.closed(b, "over")
	box.closed(inside, "over at the caller's")
	w.quiet(5 * time.Second)
}
