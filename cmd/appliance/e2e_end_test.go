package main

import (
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// An agent's phone vanishes in the middle of a talk: the caller is back in the
// queue and reaches the next agent; then the box is told to stop, ends the call in
// order and leaves within five seconds.
func TestPhoneVanishesThenTheBoxStops(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b", "c")
	box := startBox(t, net, "-silence", "3s")
	w := box.claim()
	w.edit("/edit/group/group-1", url.Values{"name": {"Assistenza"}, "mode": {"queue"}, "queue.wrapUp": {"0"},
		"members": {"p-sample-anna", "p-sample-bruno", "p-sample-carla"}})
	speech := testbed.Speech(t, testbed.VoiceAgent, 90*time.Second)
	callerSays := testbed.Speech(t, testbed.VoiceCaller, 90*time.Second)
	dies := box.phone(0, "a", testbed.PhoneOptions{Mic: speech})
	lives := box.phone(1, "b", testbed.PhoneOptions{Mic: speech})
	inside := box.phone(3, "c", testbed.PhoneOptions{Mic: callerSays})
	box.linesReady()
	box.feature(dies, "*70")

	ring := box.command("call", "-line", "line-1", "-from", "0612345678", "-keys", "1")
	_, err := dies.Wait(limit(t, 40*time.Second), "CALL_ESTABLISHED")
	if err != nil {
		t.Logf("the call so far: %+v", w.story(w.finished()[0].ID))
	}
	box.want("first agent answers", err)
	box.want("talk", dies.Talk(limit(t, 10*time.Second), 3*time.Second))
	box.feature(lives, "*70")
	dies.Kill()
	ev, err := lives.Wait(limit(t, 20*time.Second), "CALL_ESTABLISHED")
	box.want("the caller reaches the next agent", err)
	if !strings.Contains(ev.Peer, "0612345678") {
		t.Errorf("the next agent's phone shows %s", ev.Peer)
	}
	if n := len(w.finished()); n == 0 || w.finished()[0].Outcome.ID != "running" && w.finished()[1].Outcome.ID != "running" {
		t.Errorf("the call did not go on: %+v", w.finished())
	}

	// A second call is only waiting when the box is told to stop.
	box.want("dial", inside.Dial(limit(t, 5*time.Second), "600"))
	_, err = inside.Wait(limit(t, 10*time.Second), "CALL_ESTABLISHED")
	box.want("music", err)
	over := limit(t, stopLimit) // from the signal on
	box.want("stop", box.proc.Signal(syscall.SIGTERM))
	select {
	case <-box.proc.Done():
	case <-over.Done():
		t.Fatalf("the box does not stop within %v\n%s", stopLimit, box.proc.Output())
	}
	if err := box.proc.Err(); err != nil {
		t.Errorf("the box ended with %v\n%s", err, box.proc.Output())
	}
	box.closed(lives, "BYE to the agent")
	box.closed(inside, "BYE to who waited")
	<-ring.Done()

	// The journal has the end of both calls, and nothing was cut short.
	box.start()
	for _, c := range box.logIn().finished() {
		if c.Outcome.ID == "running" || c.Outcome.ID == "restart" {
			t.Errorf("after the orderly stop the list has %+v", c)
		}
	}
}
