package main

import (
	"path/filepath"
	"testing"
	"time"

	"centralino/internal/testbed"
)

// feature calls a feature code and waits until the box has said its sentence.
func (r *running) feature(p *testbed.Phone, code string) {
	r.t.Helper()
	r.want("dial "+code, p.Dial(limit(r.t, 5*time.Second), code))
	_, err := p.Wait(limit(r.t, 10*time.Second), "CALL_ESTABLISHED")
	r.want(code+" answered", err)
	_, err = p.Wait(limit(r.t, 15*time.Second), "CALL_CLOSED")
	r.want(code+" over", err)
}

// welcomed checks that a caller's recording begins with the greeting and goes on with
// the menu, each whole.
func welcomed(t *testing.T, heard []int16) {
	t.Helper()
	greeting, menu := spoken("it", "greeting"), spoken("it", "menu")
	begin := heard[:min(len(heard), len(greeting)+len(menu)+3*8000)]
	hello := testbed.AssertHolds(t, "the greeting", begin, greeting)
	if hello.Lag < 0 || hello.Lag > 2*8000 {
		t.Errorf("the greeting begins %.1f s after the answer", float64(hello.Lag)/8000)
	}
	if choice := testbed.AssertHolds(t, "the menu", begin, menu); choice.Lag < hello.Lag+len(greeting) {
		t.Errorf("the menu begins %.1f s after the answer, the greeting at %.1f s", float64(choice.Lag)/8000, float64(hello.Lag)/8000)
	}
}

// afterNotice checks that a recording begins with the notice of the operator's
// country and returns what comes after it.
func afterNotice(t *testing.T, heard []int16) []int16 {
	t.Helper()
	notice := append(spoken("it", "notice"), spoken("it", "country-it")...)
	said := testbed.AssertHolds(t, "the notice", heard[:min(len(heard), len(notice)+3*8000)], notice)
	return heard[min(len(heard), max(0, said.Lag)+len(notice)):]
}

// The main job: an outside caller rings line 1, is answered after the second ring,
// presses 1, waits in the queue, reaches the agent who logged in, and both hear
// each other; the agent hangs up and the line goes on hook. When he calls again it is
// he who hangs up in mid-talk: the agent's call ends and the line goes on hook.
func TestMainJobFromLineToAgent(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a")
	box := startBox(t, net)
	caller := testbed.Speech(t, testbed.VoiceCaller, 60*time.Second)
	agentSpeech := testbed.Speech(t, testbed.VoiceAgent, 60*time.Second)
	agent := box.phone(0, "a", testbed.PhoneOptions{Mic: agentSpeech, Manual: true})
	box.linesReady()
	box.feature(agent, "*70")

	say, heardFile := filepath.Join(t.TempDir(), "say.wav"), filepath.Join(t.TempDir(), "heard.wav")
	writeWAV(t, say, caller)
	ring := box.command("call", "-line", "line-1", "-from", "0612345678", "-keys", ",1", "-say", say, "-record", heardFile, "-for", "60s")
	ev, err := agent.Wait(limit(t, 40*time.Second), "CALL_INCOMING")
	box.want("agent's phone rings", err)
	t.Logf("agent's phone shows %s %q", ev.Peer, ev.PeerName)
	box.want("accept", agent.Accept(limit(t, 5*time.Second)))
	_, err = agent.Wait(limit(t, 10*time.Second), "CALL_ESTABLISHED")
	box.want("agent answers", err)
	box.want("talk", agent.Talk(limit(t, 30*time.Second), 15*time.Second))
	box.want("agent hangs up", agent.Hangup(limit(t, 5*time.Second)))
	_, err = agent.Wait(limit(t, 10*time.Second), "CALL_CLOSED")
	box.want("agent's call over", err)
	box.want("line on hook", ring.WaitOutput(limit(t, 10*time.Second), "call over"))
	if err := ring.Err(); err != nil {
		t.Fatalf("call: %v\n%s", err, ring.Output())
	}
	heard, err := agent.Heard()
	box.want("agent's recording", err)
	testbed.AssertHears(t, "agent", afterNotice(t, heard), caller, agentSpeech)
	// The caller heard greeting, menu and music before; only the end is talk.
	all := readWAV(t, heardFile)
	welcomed(t, all)
	testbed.AssertHears(t, "caller", all[max(0, len(all)-10*8000):], agentSpeech, caller)
	testbed.AssertHolds(t, "the notice to the caller", all, append(spoken("it", "notice"), spoken("it", "country-it")...))

	again := box.command("call", "-line", "line-1", "-from", "0612345678", "-keys", ",1")
	box.ringsWith(agent, "0612345678")
	box.answers(agent)
	box.want("talk", agent.Talk(limit(t, 30*time.Second), 5*time.Second))
	again.Stop() // whoever plays the caller hangs up: the line hears busy tone
	box.closed(agent, "the agent's call ends with the caller's")
	w := box.claim()
	if !eventually(t, 5*time.Second, func() bool { return w.line("line-1").State.ID == "idle" }) {
		t.Errorf("after the caller hung up the line is %+v", w.line("line-1"))
	}
	w.quiet(5 * time.Second)
	if c := w.story(w.finished()[0].ID); !c.says("Riaggancia chi ha chiamato") {
		t.Errorf("the story of the second call does not say who hung up: %+v", c)
	}
	box.proc.Stop()
	nothingPersonal(t, leftBehind(t, box.data), append(userAgents, sampleNames()...), []string{"0612345678"})
}

// Outward: an agent dials a national number, a line is chosen, the modem dials,
// the far end answers and both hear each other; the far end hangs up first (busy
// tone on the line).
func TestOutwardCall(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a")
	box := startBox(t, net)
	far := testbed.Speech(t, testbed.VoiceThird, 60*time.Second)
	near := testbed.Speech(t, testbed.VoiceAgent, 60*time.Second)
	phone := box.phone(0, "a", testbed.PhoneOptions{Mic: near})
	box.linesReady()
	say, heardFile := filepath.Join(t.TempDir(), "say.wav"), filepath.Join(t.TempDir(), "heard.wav")
	writeWAV(t, say, far)
	end := box.command("answer", "-after", "2s", "-for", "12s", "-say", say, "-record", heardFile)
	box.want("far end waits", end.WaitOutput(limit(t, 5*time.Second), "waiting for a call"))
	box.want("dial", phone.Dial(limit(t, 5*time.Second), "0698765432"))
	_, err := phone.Wait(limit(t, 30*time.Second), "CALL_ESTABLISHED")
	box.want("far end answers", err)
	box.want("number dialled", end.WaitOutput(limit(t, time.Second), "dialled 0698765432"))
	_, err = phone.Wait(limit(t, 40*time.Second), "CALL_CLOSED")
	box.want("busy tone ends the call", err)
	if err := end.Err(); err != nil {
		t.Fatalf("answer: %v\n%s", err, end.Output())
	}
	heard, err := phone.Heard()
	box.want("recording", err)
	testbed.AssertHears(t, "phone", heard, far, near)
	testbed.AssertHears(t, "far end", readWAV(t, heardFile), near, far)
}

// Inside: a phone calls a phone.
func TestInsideCall(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a", "b")
	box := startBox(t, net)
	one := testbed.Speech(t, testbed.VoiceAgent, 60*time.Second)
	two := testbed.Speech(t, testbed.VoiceFourth, 60*time.Second)
	a := box.phone(0, "a", testbed.PhoneOptions{Mic: one, Manual: true})
	b := box.phone(1, "b", testbed.PhoneOptions{Mic: two})
	box.want("dial", a.Dial(limit(t, 5*time.Second), "202"))
	_, err := a.Wait(limit(t, 15*time.Second), "CALL_ESTABLISHED")
	box.want("answered", err)
	box.want("talk", a.Talk(limit(t, 30*time.Second), 8*time.Second))
	box.want("hang up", a.Hangup(limit(t, 5*time.Second)))
	_, err = b.Wait(limit(t, 10*time.Second), "CALL_CLOSED")
	box.want("over at the other end", err)
	heardA, err := a.Heard()
	box.want("recording", err)
	heardB, err := b.Heard()
	box.want("recording", err)
	testbed.AssertHears(t, "a", heardA, two, one)
	testbed.AssertHears(t, "b", heardB, one, two)
}
