package call_test

import (
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"

	gocmp "github.com/google/go-cmp/cmp"
)

// handover feeds a call and brings what it does with what the journal hears of handing
// on, one line each.
func (s *script) handover(evs ...call.Event) []string {
	s.t.Helper()
	s.out = nil
	for _, ev := range evs {
		for _, a := range s.st.Handle(ev, s.now) {
			if l, ok := a.(call.Log); ok {
				if p, ok := l.Payload.(journal.CallTransfer); ok {
					line := "journal " + string(p.State)
					if p.By != "" {
						line += " by " + string(p.By)
					}
					if p.To != "" || p.Object != "" {
						line += " to " + string(p.To) + p.Object
					}
					if p.Why != "" {
						line += " " + p.Why
					}
					s.out = append(s.out, line)
				}
			}
			s.render(a)
		}
	}
	return s.out
}

// bruno talks with the customer of the queue: legs b and a.
func bruno(t *testing.T) *script {
	s := queued(t)
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"})
	s.want(s.feed(call.OfferGranted{Offer: 7}), "Connect {a b}")
	s.now = s.now.Add(time.Minute)
	return s
}

func refers(leg journal.LegID, dialled string) call.Referred {
	return call.Referred{Leg: leg, Request: route.Request{Device: "dev-2", Trust: route.TrustDigest, Dialled: dialled}}
}

func toAnna() call.TransferDecided {
	return call.TransferDecided{Action: route.RingExtension{Digits: "201", People: []journal.SubjectID{"p-anna"}, Devices: []office.ID{"dev-1"}}}
}

// asked is bruno's call after he has asked to hand it on to anna.
func asked(t *testing.T) *script {
	s := bruno(t)
	s.want(s.handover(refers("b", "201")), "DecideTransfer {{dev-2 digest  {  } 201}}")
	s.want(s.handover(toAnna()), "AnswerRefer {b 202}", "journal asked by p-bruno to p-anna", "Front {a}",
		"PlayLoop a music=true", "Ring {2 [p-anna] [dev-1]}")
	s.handover(call.LegStarted{Attempt: 2, Leg: "c", Kind: journal.LegPhone, Device: "dev-1", Person: "p-anna"}, call.AttemptStarted{Attempt: 2, Legs: 1})
	return s
}

func TestAgentHandsHisCallerOn(t *testing.T) {
	s := asked(t)
	s.want(s.handover(call.LegProgress{Leg: "c"}), "TalkHandedOn {false}", "journal handed by p-bruno", "TellRefer {b 180 false}",
		"HangUp {b transferred 0}", "PlayLoop a music=false ringback")
	s.want(s.handover(call.LegEnded{Leg: "b", Cause: call.CauseTransferred}))
	s.now = s.now.Add(5 * time.Second)
	s.want(s.handover(call.LegAnswered{Leg: "c"}), "TellRefer {b 200 true}", "journal answered by p-anna", "Connect {a c}")
	s.now = s.now.Add(time.Minute)
	s.want(s.handover(call.LegEnded{Leg: "c", Cause: call.CauseNormal}), "PersonFree {p-anna}", "HangUp {a normal 0}")
	s.want(s.handover(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "journal ended normal by called talk 2m0s", "Finish")
}

// What fails at once costs nothing: the two talk on, and the ACD hears of nothing.
func TestTransferThatFailsAtOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		held bool
		want []string
	}{
		{"the two hear each other again", false, []string{"journal failed by p-bruno cause.busy", "TellRefer {b 486 true}", "Front {a}", "Connect {a b}"}},
		{"he still holds", true, []string{"journal failed by p-bruno cause.busy", "TellRefer {b 486 true}", "Front {a}", "Connect {a b}", "PlayLoop a music=true"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := asked(t)
			if c.held {
				s.handover(call.Held{Leg: "b"})
			}
			s.want(s.handover(call.LegEnded{Leg: "c", Cause: call.CauseBusy, Code: 486}), append([]string{"PersonFree {p-anna}"}, c.want...)...)
			if s.st.Phase() != call.Talking {
				t.Fatalf("the call is %s", s.st.Phase())
			}
			s.want(s.handover(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "TalkEnded {}", "HangUp {b normal 0}")
		})
	}
}

// rangInVain is a call that has come back to bruno, whose phone rings as leg d.
func rangInVain(t *testing.T) *script {
	s := asked(t)
	s.handover(call.LegProgress{Leg: "c"}, call.LegEnded{Leg: "b", Cause: call.CauseTransferred})
	s.want(s.wait(30*time.Second), "HangUp {c noAnswer 0}", "TellRefer {b 480 true}", "PlayLoop a music=false ringback", "Ring {3 [p-bruno] [dev-2]} shows Returned")
	s.handover(call.LegEnded{Leg: "c", Cause: call.CauseNoAnswer},
		call.LegStarted{Attempt: 3, Leg: "d", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 3, Legs: 1}, call.LegProgress{Leg: "d"})
	return s
}

func TestNobodyTakesItAndItComesBack(t *testing.T) {
	s := rangInVain(t)
	s.want(s.handover(call.LegAnswered{Leg: "d"}), "journal returned by p-bruno", "Connect {a d}")
	// He may try again.
	s.want(s.handover(call.Referred{Leg: "d", Request: route.Request{Device: "dev-2", Dialled: "201"}}), "DecideTransfer {{dev-2   {  } 201}}")
}

func TestNobodyAtAllTakesItAndItGoesHome(t *testing.T) {
	t.Run("to its queue", func(t *testing.T) {
		s := rangInVain(t)
		s.want(s.wait(30*time.Second), "HangUp {d noAnswer 0}", "PlayLoop a music=true", "EnterQueue {queue-1}")
		s.want(s.handover(call.LegEnded{Leg: "d", Cause: call.CauseNoAnswer}), "PersonFree {p-bruno}")
		s.want(s.handover(call.Offer{Offer: 8, Agent: "p-bruno"}), "Ring {4 [p-bruno] []}")
	})
	t.Run("on in its path", func(t *testing.T) {
		s := newScript(t)
		s.doc.Paths[2].Steps = append(s.doc.Paths[2].Steps, office.Step{Kind: office.StepEnd, Prompt: "prompt-1"})
		s.feed(lineRang(1), lineRang(2), call.Decided{Action: route.EnterPath{Path: "path-3"}},
			call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-1", Person: "p-anna"}, call.AttemptStarted{Attempt: 1, Legs: 1},
			call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
		s.handover(call.Referred{Leg: "b", Request: route.Request{Device: "dev-1", Dialled: "202"}},
			call.TransferDecided{Action: route.RingExtension{People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}}},
			call.LegEnded{Leg: "b", Cause: call.CauseNormal})
		s.want(s.handover(call.AttemptStarted{Attempt: 2}), "journal failed by p-anna cause.offline", "TellRefer {b 480 true}", "journal back by p-anna",
			"PlayLoop a music=false ringback", "Ring {3 [p-anna] [dev-1]} shows Ritorno")
		s.want(s.handover(call.AttemptStarted{Attempt: 3}), "Play a 1 prompt-1greeting")
	})
	t.Run("without either a sentence is said", func(t *testing.T) {
		s := newScript(t)
		s.feed(phone("a"), call.Decided{Action: route.RingExtension{Digits: "202", People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}}},
			call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
			call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
		s.handover(call.Referred{Leg: "a", Request: route.Request{Device: "dev-1", Dialled: "600"}},
			call.TransferDecided{Action: route.RingExtension{Devices: []office.ID{"dev-3"}}}, call.LegEnded{Leg: "a", Cause: call.CauseNormal},
			call.AttemptStarted{Attempt: 2})
		s.want(s.handover(call.AttemptStarted{Attempt: 3}), "Play b 1 unavailable")
		s.want(s.handover(call.Played{ID: 1}), "HangUp {b offline 0}")
		s.want(s.handover(call.LegEnded{Leg: "b", Cause: call.CauseOffline}), "PersonFree {p-bruno}", "journal ended offline by box talk 0s", "Finish")
	})
}

func TestHandedOnToAQueueAndToAPath(t *testing.T) {
	s := bruno(t)
	s.handover(refers("b", "600"))
	s.want(s.handover(call.TransferDecided{Action: route.EnterQueue{Group: "queue-1"}}), "AnswerRefer {b 202}", "journal asked by p-bruno to queue-1", "Front {a}",
		"TalkHandedOn {false}", "journal handed by p-bruno", "TellRefer {b 200 true}", "HangUp {b transferred 0}", "PlayLoop a music=true", "EnterQueue {queue-1}")
	// A queue that gives him back has not taken him: he returns to who handed him on.
	s.handover(call.LegEnded{Leg: "b", Cause: call.CauseTransferred})
	s.want(s.handover(call.QueueLeft{Reason: "maxWait"}), "journal failed by p-bruno cause.noAnswer", "journal back by p-bruno",
		"PlayLoop a music=false ringback", "Ring {2 [p-bruno] [dev-2]} shows Returned")

	s = bruno(t)
	s.handover(refers("b", "610"))
	s.want(s.handover(call.TransferDecided{Action: route.EnterPath{Path: "path-1"}}), "AnswerRefer {b 202}", "journal asked by p-bruno to path-1", "Front {a}",
		"TalkHandedOn {false}", "journal handed by p-bruno", "TellRefer {b 200 true}", "HangUp {b transferred 0}", "Play a 4 prompt-1greeting")
}

// The line that is dialled for somebody is heard before it answers, and the next one is
// tried when it fails.
func TestHandedOnToAnOutsideNumber(t *testing.T) {
	s := bruno(t)
	s.handover(refers("b", "0612345678"))
	s.want(s.handover(call.TransferDecided{Action: route.DialOut{Candidates: []route.Candidate{{Line: "line-2", Dial: "1"}, {Line: "trunk-1", Dial: "1"}, {Line: "trunk-2", Dial: "1"}}}}),
		"AnswerRefer {b 202}", "journal asked by p-bruno", "Front {a}", "PlayLoop a music=true", "DialOut 2 3 lines")
	s.handover(call.LegStarted{Attempt: 2, Leg: "c", Kind: journal.LegLine, Line: "line-2"}, call.AttemptStarted{Attempt: 2, Legs: 1})
	s.want(s.handover(call.LegEnded{Leg: "c", Cause: call.CauseFailed, Code: 503}), "DialOut 3 2 lines")
	s.handover(call.LegStarted{Attempt: 3, Leg: "d", Kind: journal.LegTrunk, Line: "trunk-1"}, call.AttemptStarted{Attempt: 3, Legs: 1})
	s.want(s.handover(call.LegProgress{Leg: "d", Early: true}), "TalkHandedOn {false}", "journal handed by p-bruno", "TellRefer {b 180 false}",
		"HangUp {b transferred 0}", "PlayLoop a music=false ringback", "Connect {a d}")
	s.want(s.handover(call.LegEnded{Leg: "d", Cause: call.CauseFailed, Code: 503}), "PlayLoop a music=false ringback", "DialOut 4 1 lines")
	s.handover(call.LegStarted{Attempt: 4, Leg: "e", Kind: journal.LegTrunk, Line: "trunk-2"}, call.AttemptStarted{Attempt: 4, Legs: 1})
	s.want(s.handover(call.LegAnswered{Leg: "e"}), "TellRefer {b 200 true}", "journal answered", "Connect {a e}")
}

func TestWhatCannotBeHandedOn(t *testing.T) {
	extensions := func(s *script) {
		s.doc.Extensions = []office.Extension{
			{ID: "ext-2", Digits: "202", Target: office.Target{Kind: office.TargetPerson, ID: "p-bruno"}},
			{ID: "ext-3", Digits: "303", Target: office.Target{Kind: office.TargetDevice, ID: "dev-2"}},
		}
	}
	for _, c := range []struct {
		name, dialled string
		decided       route.Action // nil: it is refused before
		want          []string
	}{
		{"to himself", "202", nil, []string{"AnswerRefer {b 403}", "journal refused by p-bruno transfer.self"}},
		{"to his own telephone", "303", nil, []string{"AnswerRefer {b 403}", "journal refused by p-bruno transfer.self"}},
		{"to an emergency number", "112", route.DialOut{Emergency: true}, []string{"AnswerRefer {b 403}", "journal refused by p-bruno transfer.emergency"}},
		{"to a feature code", "*70", route.Feature{Feature: office.FeatureEcho}, []string{"AnswerRefer {b 403}", "journal refused by p-bruno transfer.noTarget"}},
		{"to a number that he may not dial", "899123456", route.Refuse{Code: 403, Reason: "route.notAllowed"}, []string{"AnswerRefer {b 403}", "journal refused by p-bruno route.notAllowed"}},
		{"to nobody", "999", route.Refuse{Code: 404, Reason: "route.notInPlan"}, []string{"AnswerRefer {b 404}", "journal refused by p-bruno route.notInPlan"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := bruno(t)
			extensions(s)
			got := s.handover(refers("b", c.dialled))
			if c.decided != nil {
				got = s.handover(call.TransferDecided{Action: c.decided})
			}
			s.want(got, c.want...)
			if s.st.Phase() != call.Talking {
				t.Errorf("the call is %s", s.st.Phase())
			}
			s.want(s.handover(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "TalkEnded {}", "HangUp {b normal 0}")
		})
	}
	t.Run("a line hands nothing on", func(t *testing.T) {
		s := bruno(t)
		s.want(s.handover(refers("a", "201")), "AnswerRefer {a 603}", "journal refused transfer.notTalking")
	})
	t.Run("nor does who waits", func(t *testing.T) {
		s := newScript(t)
		s.feed(phone("a"), call.Decided{Action: route.EnterQueue{Group: "queue-1"}}, call.LegAnswered{Leg: "a"})
		s.want(s.handover(refers("a", "201")), "AnswerRefer {a 603}", "journal refused by p-anna transfer.notTalking")
	})
	t.Run("nor who calls for help", func(t *testing.T) {
		s := newScript(t)
		s.feed(phone("a"), call.Decided{Action: route.DialOut{Emergency: true, Candidates: []route.Candidate{{Line: "line-1", Dial: "112"}}}},
			call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1},
			call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
		s.want(s.handover(refers("a", "202")), "AnswerRefer {a 403}", "journal refused by p-anna transfer.help")
	})
	t.Run("fifty times are enough", func(t *testing.T) {
		s := bruno(t)
		for range 50 {
			s.handover(refers("b", "201"), toAnna(), call.AttemptStarted{Attempt: 2})
			for n := 2; n < 60; n++ {
				s.handover(call.AttemptStarted{Attempt: n})
			}
		}
		s.want(s.handover(refers("b", "201")), "AnswerRefer {b 603}", "journal refused by p-bruno transfer.tooOften")
	})
}

// Telephones may hang up as soon as they have asked, and the caller may do so at any time.
func TestHangingUpDuringATransfer(t *testing.T) {
	s := asked(t)
	s.want(s.handover(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "TalkHandedOn {false}", "journal handed by p-bruno")
	s.want(s.handover(call.LegProgress{Leg: "c"}), "PlayLoop a music=false ringback")
	s.want(s.handover(call.LegAnswered{Leg: "c"}), "TellRefer {b 200 true}", "journal answered by p-anna", "Connect {a c}")

	s = asked(t)
	s.want(s.handover(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "TellRefer {b 487 true}", "TalkEnded {}", "HangUp {b normal 0}", "HangUp {c normal 0}")

	s = asked(t)
	s.handover(call.LegProgress{Leg: "c"}, call.LegEnded{Leg: "b", Cause: call.CauseTransferred})
	s.want(s.handover(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "TellRefer {b 487 true}", "HangUp {c normal 0}")
	s.want(s.handover(call.LegEnded{Leg: "c", Cause: call.CauseNormal}), "PersonFree {p-anna}", "journal ended normal by caller talk 1m0s", "Finish")
}

// Who was called may be handed on as well, and what the network tells of him stays.
func TestTheCalledSideIsHandedOn(t *testing.T) {
	s := newScript(t)
	dial := phone("a")
	dial.Dialled = "n-6"
	s.feed(dial, call.Decided{Action: route.DialOut{Number: numbering.Number{E164: "+390612345678"}, Candidates: []route.Candidate{{Line: "line-1", Dial: "0612345678"}}}},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1}, call.LegAnswered{Leg: "b", Presumed: true})
	s.feed(call.LegAnswered{Leg: "a"})
	s.handover(call.Referred{Leg: "a", Request: route.Request{Device: "dev-1", Dialled: "202"}})
	s.want(s.handover(call.TransferDecided{Action: route.RingExtension{People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}}}),
		"AnswerRefer {a 202}", "journal asked by p-anna to p-bruno", "PartyReached {p-anna n-6}", "Front {b}", "PlayLoop b music=true", "Ring {2 [p-bruno] [dev-2]}")
	s.handover(call.LegStarted{Attempt: 2, Leg: "c", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 2, Legs: 1},
		call.LegProgress{Leg: "c"}, call.LegEnded{Leg: "a", Cause: call.CauseTransferred})
	s.want(s.handover(call.LegAnswered{Leg: "c"}), "TellRefer {a 200 true}", "journal answered by p-bruno", "Connect {b c}")
	s.want(s.handover(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "HangUp {c normal 0}")
	s.want(s.handover(call.LegEnded{Leg: "c", Cause: call.CauseNormal}), "PersonFree {p-bruno}", "journal ended normal by called talk 0s", "Finish")
}

// He talks with the customer here and with anna in another call, and joins the two.
func TestTwoCallsAreJoined(t *testing.T) {
	joins := call.Referred{Leg: "b", Joins: true, Request: route.Request{Device: "dev-2", Dialled: "201"}}
	s := bruno(t)
	s.feed(call.Held{Leg: "b"})
	s.want(s.handover(joins), "AskJoin {b}")
	s.want(s.handover(joins), "AnswerRefer {b 603}", "journal refused by p-bruno transfer.notTalking")
	s.want(s.handover(call.Joined{Leg: "c", Kind: journal.LegPhone, Device: "dev-1", Person: "p-anna", Busy: true}), "AnswerRefer {b 202}", "journal asked by p-bruno to p-anna", "Front {a}",
		"TalkHandedOn {true}", "journal handed by p-bruno", "TellRefer {b 200 true}", "HangUp {b transferred 0}", "journal answered by p-anna", "Connect {a c}")
	s.handover(call.LegEnded{Leg: "b", Cause: call.CauseTransferred})
	s.want(s.handover(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "HangUp {c normal 0}")
	s.want(s.handover(call.LegEnded{Leg: "c", Cause: call.CauseNormal}), "PersonFree {p-anna}", "journal ended normal by caller talk 1m0s", "Finish")

	// Whom he only calls there so far is called from here.
	s = bruno(t)
	s.handover(joins)
	s.want(s.handover(call.JoinRefused{}), "DecideTransfer {{dev-2   {  } 201}}")

	// The customer has hung up meanwhile: the other one is let go.
	s = bruno(t)
	s.handover(joins, call.LegEnded{Leg: "a", Cause: call.CauseNormal})
	s.want(s.handover(call.Joined{Leg: "c", Kind: journal.LegPhone, Person: "p-anna"}), "HangUp {c transferred 0}")
}

// The other call gives up the leg that talks there, and ends.
func TestALegIsGivenToTheOtherCall(t *testing.T) {
	inside := func() *script {
		s := newScript(t)
		s.feed(phone("a"), call.Decided{Action: route.RingExtension{Digits: "202", People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}}},
			call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1})
		return s
	}
	s := inside()
	s.feed(call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
	s.want(s.handover(call.GiveUp{Leg: "a"}), "journal handed by p-anna", "Give {b phone dev-2  p-bruno false true }", "HangUp {a transferred 0}")
	s.want(s.handover(call.LegEnded{Leg: "a", Cause: call.CauseTransferred}), "PersonFree {p-anna}", "journal ended transferred by caller talk 0s", "Finish")

	s = inside()
	s.want(s.handover(call.GiveUp{Leg: "a"}), "journal handed by p-anna", "HangUp {a transferred 0}", "HangUp {b transferred 0}")

	s = bruno(t)
	s.want(s.handover(call.GiveUp{Leg: "b"}), "journal handed by p-bruno", "TalkHandedOn {true}", "Give {a line  line-1  false false queue-1+path}", "HangUp {b transferred 0}")
}

// The line only presumes that the customer has answered. Whoever joins him with somebody
// has reached him.
func TestWhoIsGivenToTheOtherCallWasReached(t *testing.T) {
	s := newScript(t)
	dial := phone("a")
	dial.Dialled = "n-6"
	s.feed(dial, call.Decided{Action: route.DialOut{Number: numbering.Number{E164: "+390612345678"}, Candidates: []route.Candidate{{Line: "line-1", Dial: "0612345678"}}}},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 1, Legs: 1}, call.LegAnswered{Leg: "b", Presumed: true})
	s.feed(call.LegAnswered{Leg: "a"})
	s.want(s.handover(call.GiveUp{Leg: "a"}), "journal handed by p-anna", "PartyReached {p-anna n-6}", "Give {b line  line-1  false false }", "HangUp {a transferred 0}")
}

// He has called anna and joins her with the customer of the queue, who comes to that call.
// Should she hand him on in vain he goes back to his queue.
func TestWhoWasBroughtByHisAgentKeepsHisQueue(t *testing.T) {
	s := newScript(t)
	s.feed(phone("a"), call.Decided{Action: route.RingExtension{Digits: "202", People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}}},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
	s.handover(call.Referred{Leg: "a", Joins: true, Request: route.Request{Device: "dev-1", Dialled: "202"}},
		call.Joined{Leg: "c", Kind: journal.LegLine, Line: "line-1", Home: call.Home{Queue: "queue-1", Since: s.now.Add(-time.Hour)}}, call.LegEnded{Leg: "a", Cause: call.CauseTransferred})
	s.want(s.handover(refers("b", "600")), "DecideTransfer {{dev-2 digest  {  } 600}}")
	s.handover(call.TransferDecided{Action: route.RingExtension{Devices: []office.ID{"dev-3"}}}, call.LegEnded{Leg: "b", Cause: call.CauseNormal},
		call.AttemptStarted{Attempt: 2})
	s.want(s.handover(call.AttemptStarted{Attempt: 3}), "PlayLoop c music=true", "EnterQueue {queue-1} since "+s.now.Add(-time.Hour).Format(time.TimeOnly))
}

// He comes to the queue from a call between two colleagues, and is from outside all the same:
// he hears where the operator is who takes him.
func TestWhoWasBroughtToACallInsideHearsTheNotice(t *testing.T) {
	s := newScript(t)
	s.doc.Site.ACDNotice = true
	s.feed(phone("a"), call.Decided{Action: route.RingExtension{Digits: "202", People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}}},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
	s.handover(call.Referred{Leg: "a", Joins: true, Request: route.Request{Device: "dev-1", Dialled: "202"}},
		call.Joined{Leg: "c", Kind: journal.LegLine, Line: "line-1"}, call.LegEnded{Leg: "a", Cause: call.CauseTransferred},
		refers("b", "600"), call.TransferDecided{Action: route.EnterQueue{Group: "queue-1"}}, call.LegEnded{Leg: "b", Cause: call.CauseTransferred},
		call.Offer{Offer: 7, Agent: "p-anna"}, call.LegStarted{Attempt: 2, Leg: "d", Kind: journal.LegPhone, Device: "dev-1", Person: "p-anna"},
		call.AttemptStarted{Attempt: 2, Legs: 1}, call.LegAnswered{Leg: "d"})
	s.want(s.feed(call.OfferGranted{Offer: 7}), "Play c 1 notice country-it", "Play d 2 notice country-it")
}

// given is what a call gives up of who talks at leg with somebody, for call-9.
func (s *script) given(leg journal.LegID) (g call.Give) {
	for _, a := range s.st.Handle(call.GiveUp{Leg: leg, By: "call-9"}, s.now) {
		if x, ok := a.(call.Give); ok {
			g = x
		}
	}
	return g
}

// Whoever moves between two calls goes home as he would have in his own: to the queue
// whose agent served him, in his place, or on in the path that had led him.
func TestWhoIsGivenToAnotherCallTakesHisHomeAlong(t *testing.T) {
	s := bruno(t)
	came := s.now.Add(-time.Minute)
	if g := s.given("b"); g.Home.Queue != "queue-1" || !g.Home.Since.Equal(came) || g.Home.Path == nil || g.Call != "call-1" {
		t.Errorf("of the queue: %+v, came %s", g, came)
	}
	menu := func() call.Give {
		s := newScript(t)
		s.doc.Paths[2].Steps = append(s.doc.Paths[2].Steps, office.Step{Kind: office.StepEnd, Prompt: "prompt-1"})
		s.feed(lineRang(1), lineRang(2), call.Decided{Action: route.EnterPath{Path: "path-3"}},
			call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-1", Person: "p-anna"}, call.AttemptStarted{Attempt: 1, Legs: 1},
			call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
		return s.given("b")
	}
	g := menu()
	if g.Home.Queue != "" || g.Home.Path == nil {
		t.Fatalf("of the path: %+v", g)
	}
	// In the other call somebody hands him on in vain.
	s = newScript(t)
	s.feed(phone("a"), call.Decided{Action: route.RingExtension{Digits: "202", People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"dev-2"}}},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
	g.Leg = "c"
	s.handover(call.Referred{Leg: "a", Joins: true, Request: route.Request{Device: "dev-1", Dialled: "202"}}, call.Joined(g), call.LegEnded{Leg: "a", Cause: call.CauseTransferred},
		refers("b", "600"), call.TransferDecided{Action: route.RingExtension{Devices: []office.ID{"dev-3"}}}, call.LegEnded{Leg: "b", Cause: call.CauseNormal},
		call.AttemptStarted{Attempt: 2})
	s.want(s.handover(call.AttemptStarted{Attempt: 3}), "Play c 1 prompt-1greeting")
}

// Two calls that are joined name each other in the journal.
func TestJoinedCallsNameEachOther(t *testing.T) {
	transfers := func(s *script, evs ...call.Event) (list []string) {
		for _, ev := range evs {
			for _, a := range s.st.Handle(ev, s.now) {
				if l, ok := a.(call.Log); ok {
					if p, ok := l.Payload.(journal.CallTransfer); ok && p.Call != "" {
						list = append(list, string(p.State)+" "+string(p.By)+" "+string(p.Call))
					}
				}
			}
		}
		return list
	}
	s := bruno(t)
	got := transfers(s, call.GiveUp{Leg: "b", By: "call-9"})
	s = bruno(t)
	got = append(got, transfers(s, call.Referred{Leg: "b", Joins: true, Request: route.Request{Device: "dev-2", Dialled: "201"}},
		call.Joined{Leg: "c", Kind: journal.LegPhone, Person: "p-anna", Call: "call-8"})...)
	s = bruno(t) // nobody had answered in the other one, which has ended
	got = append(got, transfers(s, call.Referred{Leg: "b", Joins: true, Request: route.Request{Device: "dev-2", Dialled: "201"}},
		call.JoinRefused{Call: "call-7"}, toAnna())...)
	s.want(got, "handed p-bruno call-9", "asked p-bruno call-8", "asked p-bruno call-7")
}

// Two who are both outside and were joined by somebody of the office, who is out of it,
// pay for two lines and hear nobody: after four hours the box ends that, unless one of them
// calls back whoever has called for help.
func TestTwoOutsidePartiesDoNotTalkForEver(t *testing.T) {
	for _, c := range []struct {
		name string
		help bool
		to   call.LegStarted
		want []string
	}{
		{"two outside", false, call.LegStarted{Leg: "c", Kind: journal.LegLine, Line: "line-2"}, []string{"HangUp {a tooLong 0}", "HangUp {c tooLong 0}"}},
		{"one of them is the emergency service", true, call.LegStarted{Leg: "c", Kind: journal.LegLine, Line: "line-2"}, nil},
		{"one is a person of the office", false, call.LegStarted{Leg: "c", Kind: journal.LegPhone, Device: "dev-1", Person: "p-anna"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t)
			s.feed(lineRang(1), lineRang(2), call.Decided{Action: route.RingExtension{Devices: []office.ID{"dev-2"}, CallBack: c.help}},
				call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
				call.LegAnswered{Leg: "b"}, call.LegAnswered{Leg: "a"})
			s.handover(refers("b", "0612345678"), call.TransferDecided{Action: route.DialOut{Candidates: []route.Candidate{{Line: "line-2", Dial: "1"}}}})
			c.to.Attempt = 2
			s.handover(c.to, call.AttemptStarted{Attempt: 2, Legs: 1}, call.LegAnswered{Leg: "c"}, call.LegEnded{Leg: "b", Cause: call.CauseTransferred})
			s.want(s.wait(4*time.Hour - time.Second))
			s.want(s.wait(time.Second), c.want...)
		})
	}
}

// A colleague has dialled the queue and bruno has answered him as its agent. Whom he takes
// to somebody is the agent: he is in a call of his own from then on, never the queue's
// caller, and has handed nobody on.
func TestTheAgentIsHandedOnByHisCaller(t *testing.T) {
	dialled := func() *script {
		s := newScript(t)
		s.feed(phone("a"), call.Decided{Action: route.EnterQueue{Group: "queue-1"}}, call.LegAnswered{Leg: "a"}, call.Offer{Offer: 7, Agent: "p-bruno"},
			call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
			call.LegAnswered{Leg: "b"})
		s.want(s.feed(call.OfferGranted{Offer: 7}), "Connect {a b}")
		return s
	}
	s := dialled()
	s.handover(call.Referred{Leg: "a", Request: route.Request{Device: "dev-1", Dialled: "600"}},
		call.TransferDecided{Action: route.RingExtension{Devices: []office.ID{"dev-3"}}})
	s.want(s.handover(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "PersonFree {p-anna}", "PersonBusy {p-bruno}", "TalkEnded {}", "journal handed by p-anna")
	s.handover(call.AttemptStarted{Attempt: 2})
	s.want(s.handover(call.AttemptStarted{Attempt: 3}), "Play b 1 unavailable")
	s.handover(call.Played{ID: 1})
	s.want(s.handover(call.LegEnded{Leg: "b", Cause: call.CauseOffline}), "PersonFree {p-bruno}", "journal ended offline by box talk 0s", "Finish")

	s = dialled()
	s.want(s.handover(call.GiveUp{Leg: "a"}), "journal handed by p-anna", "PersonBusy {p-bruno}", "TalkEnded {}", "Give {b phone dev-2  p-bruno false true }", "HangUp {a transferred 0}")
}

// The decision about a transfer says by whose rights it was made.
func TestTheTraceOfATransferNamesWhoHandsOn(t *testing.T) {
	s := bruno(t)
	s.feed(refers("b", "201"))
	decided := toAnna()
	decided.Trace = []journal.TraceStep{{Rule: "route.extension"}}
	var got []journal.TraceStep
	for _, a := range s.st.Handle(decided, s.now) {
		if l, ok := a.(call.Log); ok {
			if p, ok := l.Payload.(journal.CallRouted); ok {
				got = p.Trace
			}
		}
	}
	if d := gocmp.Diff([]journal.TraceStep{{Rule: "transfer.by", Object: "p-bruno"}, {Rule: "route.extension"}}, got); d != "" {
		t.Errorf("trace (-want +got):\n%s", d)
	}
}
