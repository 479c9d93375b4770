package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// transfer presses the transfer key of a phone.
func (r *running) transfer(p *testbed.Phone, side, to string) {
	r.t.Helper()
	_, err := p.Command(limit(r.t, 5*time.Second), "transfer", "sip:"+to+"@"+r.net.BoxAddr(side).String())
	r.want("transfer to "+to, err)
}

// An agent hands his caller on by his phone's key: he is free as soon as the other
// phone rings, and the two who are left hear each other. Whom nobody takes comes back
// to the phone that handed him on, which says so, and from there to his queue.
func TestBlindTransferWithRealPhones(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b")
	box := startBox(t, net)
	w := box.claim()
	w.edit("/edit/group/group-1", url.Values{"name": {"Assistenza"}, "mode": {"queue"},
		"members": {"p-sample-anna"}, "queue.ringTime": {"20"}, "queue.wrapUp": {"0"}, "queue.joinEmpty": {"true"}})
	callerSays, otherSays := testbed.Speech(t, testbed.VoiceCaller, 90*time.Second), testbed.Speech(t, testbed.VoiceFourth, 60*time.Second)
	agent := box.phone(0, "a", testbed.PhoneOptions{Manual: true, Mic: testbed.Speech(t, testbed.VoiceAgent, 60*time.Second), Life: 4 * time.Minute})
	other := box.phone(1, "b", testbed.PhoneOptions{Manual: true, Mic: otherSays, Life: 4 * time.Minute})
	box.linesReady()
	box.feature(agent, "*70")
	say := t.TempDir() + "/say.wav"
	writeWAV(t, say, callerSays)
	served := func(number string) *testbed.Process {
		t.Helper()
		call := box.command("call", "-line", "line-1", "-from", number, "-keys", "1", "-say", say)
		box.ringsWith(agent, number)
		box.answers(agent)
		box.want("talk", agent.Talk(limit(t, 20*time.Second), 3*time.Second))
		return call
	}

	line := served("0611111111")
	box.transfer(agent, "a", "202")
	box.ringsWith(other, "0611111111")
	box.closed(agent, "the agent is free while the other phone rings")
	box.answers(other)
	box.want("talk", other.Talk(limit(t, 20*time.Second), 8*time.Second))
	box.want("hang up", other.Hangup(limit(t, 5*time.Second)))
	box.closed(other, "over")
	box.want("line on hook", line.WaitOutput(limit(t, 15*time.Second), "call over"))
	heard, err := other.Heard()
	box.want("recording", err)
	testbed.AssertHears(t, "who took the caller", heard, callerSays, otherSays)
	w.quiet(5 * time.Second)
	c := w.finished()[0]
	if story := w.story(c.ID); !story.says("was handed on by") && !story.says("stata passata da") {
		t.Errorf("the call's story does not tell of it: %+v", story.Moments)
	}

	// Nobody takes the caller: he comes back to the agent, who does not answer either, and
	// then to the queue, in his place.
	served("0622222222")
	box.transfer(agent, "a", "202")
	box.ringsWith(other, "0622222222")
	box.closed(agent, "the agent is free")
	ev, err := agent.Wait(limit(t, 45*time.Second), "CALL_INCOMING")
	box.want("the phone rings that handed the caller on", err)
	if !strings.Contains(ev.PeerName, "Ritorno") && !strings.Contains(ev.PeerName, "Returned") {
		t.Errorf("it shows %q", ev.PeerName)
	}
	box.closed(other, "the other phone has stopped")
	box.want("refuse", agent.Hangup(limit(t, 5*time.Second)))
	box.closed(agent, "refused")
	box.ringsWith(agent, "0622222222")
	box.answers(agent)
	box.want("talk", agent.Talk(limit(t, 20*time.Second), 2*time.Second))

	// His own number is refused; this telephone hangs up by itself then.
	box.transfer(agent, "a", "201")
	_, err = agent.WaitFor(limit(t, 10*time.Second), "refusal", func(e testbed.PhoneEvent) bool { return strings.Contains(e.Type, "TRANSFER_FAILED") })
	box.want("his own number is refused", err)
	w.quiet(10 * time.Second)
}
