package call_test

import (
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"
)

func TestAgentWhoHangsUpAtOnceDoesNotLoseTheCaller(t *testing.T) {
	s := queued(t)
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone}, call.AttemptStarted{Attempt: 1, Legs: 1})
	s.want(s.feed(call.LegAnswered{Leg: "b"}), "OfferAnswered {7}")
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}))
	s.want(s.feed(call.OfferGranted{Offer: 7}), "TalkLost {}") // the ACD counted a talk
	s.want(s.feed(call.Offer{Offer: 8, Agent: "p-anna"}), "Ring {2 [p-anna] []}")
}

func TestAgentsPhoneForgetsItsCallInMidTalk(t *testing.T) {
	s := queued(t)
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"}, call.OfferGranted{Offer: 7})
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseFailed}), "TalkLost {}", "PlayLoop a music=true")
}

func TestAnswerThatComesAfterTheEndChangesNothing(t *testing.T) {
	s := newScript(t)
	s.feed(lineRang(1), lineRang(2))
	s.want(s.feed(call.Decided{Action: route.EnterPath{Path: "path-1"}}), "Answer {a}")
	s.want(s.feed(call.Shutdown{Cause: call.CauseShutdown}), "HangUp {a shutdown 0}")
	s.want(s.feed(call.LegAnswered{Leg: "a"}))
	s.want(s.feed(call.LegEnded{Leg: "a"}), "journal ended shutdown by box talk 0s", "Finish")
}

func TestCallerHearsOnlyWhatConcernsTheCalledParty(t *testing.T) {
	cases := []struct {
		name  string
		codes []int
		want  string
	}{
		{"a challenge of the phone is not passed on", []int{401}, "HangUp {a rejected 0}"},
		{"an unavailable phone does not make the box unavailable", []int{503}, "HangUp {a failed 0}"},
		{"busy tells more than not here, in whatever order", []int{486, 480}, "HangUp {a busy 486}"},
		{"and in the other order", []int{480, 486}, "HangUp {a busy 486}"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t)
			s.feed(phone("a"), call.Decided{Action: route.RingExtension{Digits: "202"}})
			for i := range c.codes {
				s.feed(call.LegStarted{Attempt: 1, Leg: journal.LegID(rune('b' + i)), Kind: journal.LegPhone})
			}
			s.feed(call.AttemptStarted{Attempt: 1, Legs: len(c.codes)})
			for i, code := range c.codes {
				s.feed(call.LegEnded{Leg: journal.LegID(rune('b' + i)), Cause: call.SIPCause(code), Code: code})
			}
			s.want(s.out, c.want)
		})
	}
}

func TestEmergencyCallTriesTheNextLineWhateverTheFirstSays(t *testing.T) {
	for _, cause := range []call.Cause{call.CauseUnknown, call.CauseRejected, call.CauseBusy, call.CauseNoAnswer, call.CauseFailed} {
		s := dialled(t, true)
		s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegTrunk, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1})
		s.want(s.feed(call.LegEnded{Leg: "b", Cause: cause}), "DialOut 2 1 lines")
		s.want(s.feed(call.AttemptStarted{Attempt: 2, Reason: "noLine"}), "Ringing {a true}", "Play a 1 lines-busy")
	}
}

func TestJournalHasTheFeatureCodeWithoutTheNumberBehindIt(t *testing.T) {
	for _, c := range []struct{ dialled, args, want string }{
		{"*43*0612345678", "0612345678", "*43"}, {"*43", "", "*43"}, {"*43*0612345678*1", "0612345678*1", "*43"},
		{"*43* 06-123", "06123", "*43"}, {"*43*", "", "*43*"},
	} {
		in := phone("a")
		in.Request.Dialled = c.dialled
		st := call.New(call.Setup{ID: "call-1", Doc: testOffice()})
		now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
		st.Handle(in, now)
		var got []string
		for _, a := range st.Handle(call.Decided{Action: route.Feature{Feature: office.FeatureEcho, Args: c.args}}, now) {
			if l, ok := a.(call.Log); ok {
				if p, ok := l.Payload.(journal.CallStarted); ok {
					got = append(got, p.Dialled)
				}
			}
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%q is written as %q, want %q", c.dialled, got, c.want)
		}
	}
}

func TestCallerWhoIsKnownLateStandsInTheJournal(t *testing.T) {
	s := newScript(t)
	s.feed(lineRang(1), lineRang(2), call.Decided{Action: route.EnterPath{Path: "path-1"}})
	for _, want := range []int{1, 0} { // once
		n := 0
		for _, a := range s.st.Handle(call.CallerKnown{Caller: "n-1"}, s.now) {
			if l, ok := a.(call.Log); ok && l.Payload == (journal.CallCaller{From: "n-1"}) {
				n++
			}
		}
		if n != want {
			t.Errorf("caller written %d times, want %d", n, want)
		}
	}
}

func TestEchoLetsTheCallerHearHimself(t *testing.T) {
	s := newScript(t)
	s.feed(phone("a"), call.Decided{Action: route.Feature{Feature: office.FeatureEcho}}, call.LegAnswered{Leg: "a"})
	s.want(s.feed(call.FeatureDone{}), "Echo {a}")
	s.want(s.wait(61*time.Second), "HangUp {a normal 0}")
}
