package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"

	"github.com/google/go-cmp/cmp"
)

// script feeds a call and renders what it does as one line for each action.
type script struct {
	t    *testing.T
	st   *call.State
	now  time.Time
	doc  *office.Document
	out  []string
	over bool

	length time.Duration // of what is said
}

func newScript(t *testing.T) *script {
	s := &script{t: t, doc: testOffice(), now: time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)}
	s.st = call.New(call.Setup{ID: "call-1", Doc: s.doc, Length: func(call.Sound) time.Duration { return s.length }})
	return s
}

func testOffice() *office.Document {
	return &office.Document{
		Site:    office.Site{Country: "IT", AreaCode: "02", TimeZone: "Europe/Rome", Language: "it"},
		Lines:   []office.Line{{ID: "line-1", Kind: office.LineAnalog, Channels: 1, RingsBeforeAnswer: 2, Path: "path-1"}},
		People:  []office.Person{{ID: "p-anna"}, {ID: "p-bruno", Language: "en"}},
		Devices: []office.Device{{ID: "dev-1", Owner: "p-anna"}, {ID: "dev-2", Owner: "p-bruno"}},
		Groups:  []office.Group{{ID: "queue-1", Mode: office.GroupQueue}},
		Prompts: []office.Prompt{{ID: "prompt-1", Builtin: "greeting"}, {ID: "prompt-2", Builtin: "menu"}},
		Menus: []office.Menu{{ID: "menu-1", Prompt: "prompt-2", Keys: map[string]office.ID{"1": "path-2"},
			Timeout: 5 * time.Second, Tries: 2, Else: "path-2"}},
		Paths: []office.Path{
			{ID: "path-1", Steps: []office.Step{{Kind: office.StepMessage, Prompt: "prompt-1"}, {Kind: office.StepMenu, Menu: "menu-1"}}},
			{ID: "path-2", Steps: []office.Step{{Kind: office.StepGroup, Group: "queue-1"}}},
			{ID: "path-3", Steps: []office.Step{{Kind: office.StepPerson, Person: "p-anna", Ring: 20 * time.Second}}},
		},
	}
}

// feed hands events over and returns what the call did for them, journal entries
// and decisions left out unless they are asked for.
func (s *script) feed(evs ...call.Event) []string {
	s.t.Helper()
	s.out = nil
	for _, ev := range evs {
		for _, a := range s.st.Handle(ev, s.now) {
			s.render(a)
		}
	}
	return s.out
}

func (s *script) render(a call.Action) {
	name := strings.TrimPrefix(fmt.Sprintf("%T", a), "call.")
	switch a := a.(type) {
	case call.Log:
		if e, ok := a.Payload.(journal.CallEnded); ok {
			s.out = append(s.out, fmt.Sprintf("journal ended %s by %s talk %s", e.Cause, e.By, e.Talk))
		}
	case call.Play:
		line := fmt.Sprintf("Play %s %d %s%s", a.Leg, a.ID, a.What.Prompt, a.What.Builtin)
		for _, then := range a.Then {
			line += " " + string(then.Prompt) + then.Builtin
		}
		s.out = append(s.out, line)
	case call.PlayLoop:
		s.out = append(s.out, strings.TrimSpace(fmt.Sprintf("PlayLoop %s music=%t %s", a.Leg, a.What.OnHold, a.What.Tone)))
	case call.Finish:
		s.over = true
		s.out = append(s.out, "Finish")
	case call.Ring:
		show := ""
		if a.Show != "" {
			show = " shows " + a.Show
		}
		s.out = append(s.out, fmt.Sprintf("Ring {%d %v %v}%s", a.Attempt, a.People, a.Devices, show))
	case call.EnterQueue:
		since := ""
		if !a.Since.IsZero() {
			since = " since " + a.Since.Format(time.TimeOnly)
		}
		s.out = append(s.out, fmt.Sprintf("EnterQueue {%s}%s", a.Group, since))
	case call.Give:
		home := string(a.Home.Queue)
		if a.Home.Path != nil {
			home += "+path"
		}
		s.out = append(s.out, fmt.Sprintf("Give {%s %s %s %s %s %t %t %s}", a.Leg, a.Kind, a.Device, a.Line, a.Person, a.Held, a.Busy, home))
	case call.DialOut:
		s.out = append(s.out, fmt.Sprintf("DialOut %d %d lines", a.Attempt, len(a.Out.Candidates)))
	default:
		s.out = append(s.out, strings.TrimSpace(fmt.Sprintf("%s %v", name, a)))
	}
}

func (s *script) want(got []string, want ...string) {
	s.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.t.Fatalf("actions (-want +got):\n%s", d)
	}
}

func (s *script) wait(d time.Duration) []string {
	s.now = s.now.Add(d)
	return s.feed(call.Tick{})
}

func lineRang(n int) call.LineRang {
	return call.LineRang{Leg: "a", Line: "line-1", N: n, Request: route.Request{Line: "line-1"}}
}

func phone(leg journal.LegID) call.Invited {
	return call.Invited{Leg: leg, Kind: journal.LegPhone, Device: "dev-1", Person: "p-anna",
		Request: route.Request{Device: "dev-1", Trust: route.TrustDigest, Dialled: "202"}}
}

// queued brings a line's caller into the queue.
func queued(t *testing.T) *script {
	s := newScript(t)
	s.feed(lineRang(1), lineRang(2), call.Decided{Action: route.EnterPath{Path: "path-1"}},
		call.LegAnswered{Leg: "a"}, call.Played{ID: 1}, call.Digit{Leg: "a", Digit: '1'})
	return s
}

func TestLineCallIsAnsweredAfterTheSecondRing(t *testing.T) {
	s := newScript(t)
	s.want(s.feed(lineRang(1)))
	s.want(s.feed(lineRang(2)), "Decide {{  line-1 {  } }}")
	s.want(s.feed(call.Decided{Action: route.EnterPath{Path: "path-1"}}), "Answer {a}")
	s.want(s.feed(call.LegAnswered{Leg: "a"}), "Play a 1 prompt-1greeting")
	s.want(s.feed(call.Played{ID: 1}), "Play a 2 prompt-2menu")
	s.want(s.feed(call.Digit{Leg: "a", Digit: '1'}), "StopPlay {a}", "PlayLoop a music=true", "EnterQueue {queue-1}")
}

func TestAgentAnswersAndCallerHangsUp(t *testing.T) {
	s := queued(t)
	s.want(s.feed(call.Offer{Offer: 7, Agent: "p-bruno"}), "Ring {1 [p-bruno] []}")
	s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Person: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "c", Kind: journal.LegPhone, Person: "p-bruno"},
		call.AttemptStarted{Attempt: 1, Legs: 2}, call.LegProgress{Leg: "b"})
	s.want(s.feed(call.LegAnswered{Leg: "b"}), "HangUp {c elsewhere 0}", "OfferAnswered {7}")
	s.want(s.feed(call.OfferGranted{Offer: 7}), "Connect {a b}")
	s.now = s.now.Add(90 * time.Second)
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "TalkEnded {}", "HangUp {b normal 0}")
	s.want(s.feed(call.LegEnded{Leg: "c", Cause: call.CauseElsewhere}))
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}),
		"journal ended normal by caller talk 1m30s", "Finish")
}

func TestCallerGivesUpInTheQueue(t *testing.T) {
	s := queued(t)
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone}, call.AttemptStarted{Attempt: 1, Legs: 1})
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "HangUp {b abandoned 0}", "LeaveQueue {}")
	s.want(s.feed(call.LegEnded{Leg: "b"}), "journal ended abandoned by caller talk 0s", "Finish")
}

func TestLateAgentIsSentAway(t *testing.T) {
	s := queued(t)
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone}, call.AttemptStarted{Attempt: 1, Legs: 1})
	s.want(s.feed(call.OfferStopped{Offer: 7}), "HangUp {b noAnswer 0}")
	s.want(s.feed(call.LegAnswered{Leg: "b"}))
	s.want(s.feed(call.Offer{Offer: 8, Agent: "p-anna"}), "Ring {2 [p-anna] []}")
}

func TestAgentsPhoneVanishesInMidTalk(t *testing.T) {
	s := queued(t)
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"}, call.OfferGranted{Offer: 7})
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseMediaLost}), "TalkLost {}", "PlayLoop a music=true")
	s.want(s.feed(call.Offer{Offer: 8, Agent: "p-anna"}), "Ring {2 [p-anna] []}")
}

func TestOfferWithoutPhonesFails(t *testing.T) {
	s := queued(t)
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"})
	s.want(s.feed(call.AttemptStarted{Attempt: 1, Reason: "offline"}), "OfferFailed {7 offline}")
}

func ringing(t *testing.T) *script {
	s := newScript(t)
	s.feed(phone("a"))
	s.want(s.feed(call.Decided{Action: route.RingExtension{Digits: "202", People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}}}),
		"PersonBusy {p-anna}", "Ring {1 [p-bruno] [dev-2]}")
	s.want(s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Person: "p-bruno"},
		call.AttemptStarted{Attempt: 1, Legs: 1}), "PersonBusy {p-bruno}")
	return s
}

func TestPhoneCallsPhone(t *testing.T) {
	s := ringing(t)
	s.want(s.feed(call.LegProgress{Leg: "b"}, call.LegProgress{Leg: "b"}), "Ringing {a false}")
	s.want(s.feed(call.LegAnswered{Leg: "b"}), "Answer {a}")
	s.want(s.feed(call.LegAnswered{Leg: "a"}), "Connect {a b}")
	s.want(s.feed(call.Held{Leg: "b"}), "PlayLoop a music=true")
	s.want(s.feed(call.Resumed{Leg: "b"}), "Connect {a b}")
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "PersonFree {p-bruno}", "HangUp {a normal 0}")
	s.want(s.feed(call.LegEnded{Leg: "a"}), "PersonFree {p-anna}", "journal ended normal by called talk 0s", "Finish")
}

func TestCallerGivesUpWhileItRings(t *testing.T) {
	s := ringing(t)
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "PersonFree {p-anna}", "HangUp {b abandoned 0}")
	s.want(s.feed(call.LegAnswered{Leg: "b"}))
}

func TestNobodyAnswersThePhone(t *testing.T) {
	s := ringing(t)
	s.want(s.wait(61*time.Second), "HangUp {b noAnswer 0}", "HangUp {a noAnswer 0}")
}

func TestBusyPhoneIsToldAsBusy(t *testing.T) {
	s := ringing(t)
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseBusy, Code: 486}), "PersonFree {p-bruno}", "HangUp {a busy 486}")
}

func dialled(t *testing.T, emergency bool) *script {
	s := newScript(t)
	s.feed(phone("a"))
	out := route.DialOut{Number: numbering.Number{}, Emergency: emergency, Exhausted: route.PromptLinesBusy,
		Candidates: []route.Candidate{{Line: "line-1", Dial: "0612345678"}, {Line: "line-2", Dial: "0612345678"}}}
	s.want(s.feed(call.Decided{Action: out}), "PersonBusy {p-anna}", "DialOut 1 2 lines")
	return s
}

// A line is heard before it answers, and then fails: the caller hears that it rings while
// the next one is tried, also one who calls for help.
func TestRingbackAfterTheSoundOfALineThatFailed(t *testing.T) {
	for _, help := range []bool{false, true} {
		s := dialled(t, help)
		s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegTrunk, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1})
		s.want(s.feed(call.LegProgress{Leg: "b", Early: true}), "Ringing {a true}", "Connect {a b}")
		s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseFailed, Code: 503}), "PlayLoop a music=false ringback", "DialOut 2 1 lines")
	}
}

func TestEarlyMediaOrRingbackNeverBoth(t *testing.T) {
	s := dialled(t, false)
	s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegTrunk, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1})
	s.want(s.feed(call.LegProgress{Leg: "b", Early: true}), "Ringing {a true}", "Connect {a b}")
	s.want(s.feed(call.LegProgress{Leg: "b"}, call.LegProgress{Leg: "b", Early: true}))
	s.want(s.feed(call.LegAnswered{Leg: "b"}), "Answer {a}")
}

func TestNextLineAfterOneThatFails(t *testing.T) {
	s := dialled(t, false)
	s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegTrunk, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1})
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseFailed, Code: 503}), "DialOut 2 1 lines")
	s.feed(call.LegStarted{Attempt: 2, Leg: "c", Kind: journal.LegLine, Line: "line-2"}, call.AttemptStarted{Attempt: 2, Legs: 1})
	s.want(s.feed(call.LegEnded{Leg: "c", Cause: call.CauseBusy}), "HangUp {a busy 0}")
}

func TestNoLineIsSaidAsEarlyMedia(t *testing.T) {
	s := dialled(t, false)
	s.want(s.feed(call.AttemptStarted{Attempt: 1, Reason: "noLine"}), "Ringing {a true}", "Play a 1 lines-busy")
	s.want(s.feed(call.Played{ID: 1}), "HangUp {a noLine 0}")
}

func TestWarningIsSaidWholeWithinBounds(t *testing.T) {
	for _, c := range []struct {
		name         string
		length, ends time.Duration
	}{
		{"the box's own", 3 * time.Second, 4 * time.Second},
		{"a longer one that was uploaded", 6 * time.Second, 7 * time.Second},
		{"one of three minutes is cut: somebody waits for help", 3 * time.Minute, call.WarningMost},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := dialled(t, false)
			s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1},
				call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
			s.length = c.length
			s.feed(call.Preempted{})
			s.want(s.wait(c.ends - time.Millisecond))
			s.want(s.wait(time.Millisecond), "HangUp {a preempted 0}", "HangUp {b preempted 0}")
		})
	}
}

func TestPreemptionWarnsBothAndNeverAnEmergencyCall(t *testing.T) {
	s := dialled(t, false)
	s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
	s.want(s.feed(call.Preempted{}), "Play a 1 emergency-preempt", "Play b 2 emergency-preempt")
	s.want(s.feed(call.Preempted{}))
	s.want(s.wait(5*time.Second), "HangUp {a preempted 0}", "HangUp {b preempted 0}")

	e := dialled(t, true)
	e.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
	e.want(e.feed(call.Preempted{}))
}

func TestFeatureCodeIsConfirmedAndEnds(t *testing.T) {
	s := newScript(t)
	s.feed(phone("a"))
	s.want(s.feed(call.Decided{Action: route.Feature{Feature: office.FeatureLogin}}), "Answer {a}")
	s.want(s.feed(call.LegAnswered{Leg: "a"}), "DoFeature {agent.login p-anna }")
	s.want(s.feed(call.FeatureDone{Prompt: "login-ok"}), "Play a 1 login-ok")
	s.want(s.feed(call.Played{ID: 1}), "HangUp {a normal 0}")
}

func TestRefusalOfARingingLineLetsItRing(t *testing.T) {
	s := newScript(t)
	s.feed(lineRang(1), lineRang(2))
	s.want(s.feed(call.Decided{Action: route.Refuse{Code: 480, Prompt: route.PromptNobody}}))
	s.want(s.feed(lineRang(3)), "Decide {{  line-1 {  } }}")
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "journal ended abandoned by caller talk 0s", "Finish")
}

func TestPathRingsAPersonBeforeTheLineIsAnswered(t *testing.T) {
	s := newScript(t)
	s.feed(lineRang(1), lineRang(2))
	s.want(s.feed(call.Decided{Action: route.EnterPath{Path: "path-3"}}), "Ring {1 [p-anna] []}")
	s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Person: "p-anna"}, call.AttemptStarted{Attempt: 1, Legs: 1})
	s.want(s.feed(call.LegAnswered{Leg: "b"}), "Answer {a}")
	s.want(s.feed(call.LegAnswered{Leg: "a"}), "Connect {a b}")
}

func TestLegsThatNeverEndDoNotKeepACall(t *testing.T) {
	s := ringing(t)
	s.feed(call.Shutdown{Cause: call.CauseShutdown})
	s.want(s.wait(4*time.Second), "PersonFree {p-anna}", "PersonFree {p-bruno}", "journal ended shutdown by box talk 0s", "Finish")
	s.want(s.feed(call.LegEnded{Leg: "a"}))
}
