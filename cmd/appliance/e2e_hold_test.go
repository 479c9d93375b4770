package main

import (
	"testing"
	"time"

	"centralino/internal/audio/prompts"
	"centralino/internal/testbed"
)

// Hold and resume: the other side hears the person, then music, then the person
// again.
func TestHoldAndResume(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b")
	box := startBox(t, net)
	w := box.claim()
	one, two := testbed.Speech(t, testbed.VoiceAgent, 90*time.Second), testbed.Speech(t, testbed.VoiceFourth, 90*time.Second)
	waits := box.phone(0, "a", testbed.PhoneOptions{Mic: one})
	holds := box.phone(1, "b", testbed.PhoneOptions{Mic: two})
	box.want("dial", waits.Dial(limit(t, 5*time.Second), "202"))
	_, err := waits.Wait(limit(t, 15*time.Second), "CALL_ESTABLISHED")
	box.want("answered", err)
	listen := func(d time.Duration) { box.want("listen", waits.Talk(limit(t, 30*time.Second), d)) }
	listen(5 * time.Second)
	box.want("hold", holds.Hold(limit(t, 5*time.Second)))
	listen(6 * time.Second)
	box.want("resume", holds.Resume(limit(t, 5*time.Second)))
	listen(7 * time.Second)
	box.hangsUp(waits)
	box.closed(holds, "over on the other side")
	w.quiet(5 * time.Second)
	heard, err := waits.Heard()
	box.want("recording", err)
	const second = 8000
	testbed.AssertHears(t, "who waits, before", heard[:4*second], two, one)
	testbed.AssertHears(t, "who waits, on hold", heard[6*second:10*second], linear(prompts.Music()), two)
	testbed.AssertHears(t, "who waits, afterwards", heard[len(heard)-5*second:], two, one)
	c := w.story(w.finished()[0].ID)
	if c.Call.Talk < 15 {
		t.Errorf("hold does not count as talk: %+v", c.Call)
	}
}
