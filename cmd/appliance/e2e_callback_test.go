package main

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/testbed"
)

// said is what the box says in one go.
func said(names ...string) []int16 {
	var out []int16
	for _, n := range names {
		out = append(out, spoken("it", n)...)
	}
	return out
}

// written are the events that a stopped box has left in its journal.
func (r *running) written() []journal.Event {
	r.t.Helper()
	ctx := r.t.Context()
	log, _, err := journal.Open(ctx, journal.Options{DB: leftBehind(r.t, r.data), Now: time.Now, Trusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	r.want("open the journal", err)
	var all []journal.Event
	r.want("read the journal", log.Replay(ctx, 1, func(e journal.Event) error { all = append(all, e); return nil }))
	return all
}

// payloads are those of one kind, in order.
func payloads[P journal.Payload](all []journal.Event) []P {
	var out []P
	for _, e := range all {
		if p, ok := e.Payload.(P); ok {
			out = append(out, p)
		}
	}
	return out
}

// A caller hears where he stands, gives up the line for a promise by keys and is
// called back when an agent is ready again; he, and a second caller, are asked a
// question after the talk. The agent works from his telephone alone.
func TestCallBackAndSurvey(t *testing.T) {
	testbed.Need(t, "baresip", "ip", "espeak-ng")
	t.Parallel()
	net := testbed.NewNet(t, "a")
	box := startBox(t, net)
	w := box.claim()
	w.edit("/edit/prompt/new", url.Values{"name": {"Domanda"}, "builtin": {"survey-question"}})
	w.edit("/edit/prompt/new", url.Values{"name": {"Grazie"}, "builtin": {"survey-thanks"}})
	w.edit("/edit/survey/new", url.Values{"name": {"Dopo"}, "questions:0": {"prompt-1"}, "keys": {"12345"}, "thanks": {"prompt-2"}})
	w.edit("/edit/group/group-1", url.Values{"name": {"Assistenza"}, "mode": {"queue"}, "members": {"p-sample-anna"}, "queue.wrapUp": {"60"},
		"queue.joinEmpty": {"true"}, "queue.announceFirst": {"true"}, "queue.announce": {"60"}, "queue.sayPosition": {"true"}, "queue.callbackKey": {"5"}, "queue.survey": {"survey-1"},
		"queue.whisperName": {"true"}})
	callerSays, agentSays := testbed.Speech(t, testbed.VoiceCaller, 60*time.Second), testbed.Speech(t, testbed.VoiceAgent, 90*time.Second)
	agent := box.phone(0, "a", testbed.PhoneOptions{Manual: true, Mic: agentSays, Life: 5 * time.Minute})
	box.linesReady()
	box.feature(agent, "*70")
	box.feature(agent, "*721") // lunch

	dir := t.TempDir()
	say, first, second, third := filepath.Join(dir, "say.wav"), filepath.Join(dir, "1.wav"), filepath.Join(dir, "2.wav"), filepath.Join(dir, "3.wav")
	writeWAV(t, say, callerSays)
	ring := box.command("call", "-line", "line-1", "-from", "0611111111", "-keys", ",1,,5,,,1,,,", "-record", first, "-for", "90s")
	box.want("goodbye with a promise", ring.WaitOutput(limit(t, 90*time.Second), "call over"))
	box.want("the caller's recording", ring.Err())
	heard := readWAV(t, first)
	place := testbed.AssertHolds(t, "where he stands", heard, said("position-next", "callback-press", "digit-5"))
	promise := testbed.AssertHolds(t, "the promise", heard, said("callback-promised"))
	if promise.Lag < place.Lag {
		t.Error("the promise comes before he was told of it")
	}
	w.quiet(10 * time.Second)

	// The agent is ready again: his phone rings, then the caller's.
	answer := box.command("answer", "-after", "1s", "-say", say, "-record", second, "-for", "120s")
	box.want("the caller waits for his call", answer.WaitOutput(limit(t, 10*time.Second), "waiting for a call"))
	box.feature(agent, "*73")
	box.ringsWith(agent, "0611111111")
	box.answers(agent)
	box.want("number dialled", answer.WaitOutput(limit(t, 30*time.Second), "dialled 0611111111"))
	box.want("talk", agent.Talk(limit(t, 60*time.Second), 24*time.Second))
	box.hangsUp(agent)
	box.want("the caller is asked, presses nothing and is hung up", answer.WaitOutput(limit(t, 90*time.Second), "call over"))
	box.want("the caller's recording", answer.Err())
	heard = readWAV(t, second)
	hello := testbed.AssertHolds(t, "why he is called and from where", heard, said("callback-hello", "notice", "country-it"))
	testbed.AssertHolds(t, "the question after the call back", heard, said("survey-question"))
	testbed.AssertHears(t, "who was called back", heard[10*8000:20*8000], agentSays, callerSays)
	if hello.Lag < 0 || hello.Lag > 4*8000 {
		t.Errorf("it is said %.1f s after he has answered", float64(hello.Lag)/8000)
	}
	box.feature(agent, "*751") // solved
	box.feature(agent, "*73")

	// The next caller is asked how it was.
	ring = box.command("call", "-line", "line-1", "-from", "0622222222", "-keys", ",1,,,,4", "-record", third, "-for", "120s")
	box.ringsWith(agent, "0622222222")
	box.answers(agent)
	box.want("talk", agent.Talk(limit(t, 20*time.Second), 6*time.Second))
	box.hangsUp(agent)
	box.want("the question is answered and the line is on hook", ring.WaitOutput(limit(t, 60*time.Second), "call over"))
	box.want("the caller's recording", ring.Err())
	testbed.AssertHolds(t, "the question", readWAV(t, third), said("survey-question"))
	w.quiet(10 * time.Second)
	box.proc.Stop()

	all := box.written()
	if p, tried := payloads[journal.CallbackPromised](all), payloads[journal.CallbackTried](all); len(p) != 1 || len(tried) != 1 || tried[0].Result != "answered" || tried[0].Contact != p[0].Contact || tried[0].Call == "" || tried[0].Call == journal.CallID(tried[0].Contact) {
		t.Errorf("promised %+v, tried %+v", p, tried)
	}
	if n := payloads[journal.NoticeSaid](all); len(n) != 2 || n[0].Country != "IT" || n[1].Country != "IT" {
		t.Errorf("notices %+v", n)
	}
	if a := payloads[journal.SurveyAnswered](all); len(a) != 1 || a[0].Answer != "4" || a[0].Question != 1 || a[0].Survey != "survey-1" {
		t.Errorf("answers %+v\n%s", a, ring.Output())
		for _, e := range all[max(0, len(all)-40):] {
			t.Logf("%s %s %T %+v", e.Time.Format("05.000"), e.Call, e.Payload, e.Payload)
		}
	}
	if o := payloads[journal.OutcomeSet](all); len(o) != 1 || o[0].Outcome != "outcome-1" || o[0].Agent != "p-sample-anna" {
		t.Errorf("outcomes %+v", o)
	}
	if !slices.ContainsFunc(payloads[journal.AgentChanged](all), func(a journal.AgentChanged) bool { return a.State == journal.AgentPaused && a.Reason == "reason-1" }) {
		t.Error("the pause has no reason")
	}
	for _, e := range payloads[journal.ContactEnded](all) {
		if e.Outcome != "served" {
			t.Errorf("a contact ended %+v", e)
		}
	}
	noticeBeforeTheBridge(t, all)
}

// noticeBeforeTheBridge: whenever a caller of a queue is joined, he has been told the
// country before.
func noticeBeforeTheBridge(t *testing.T, all []journal.Event) {
	t.Helper()
	told, connected := map[journal.ContactID]bool{}, 0
	for _, e := range all {
		switch p := e.Payload.(type) {
		case journal.NoticeSaid:
			told[p.Contact] = true
		case journal.ContactConnected:
			connected++
		case journal.CallBridged:
			if len(told) < connected {
				t.Errorf("call %s is joined without the notice", e.Call)
			}
		}
	}
	if connected == 0 {
		t.Error("nobody was connected")
	}
}
