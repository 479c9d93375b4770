package call_test

import (
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"
)

// waitingOffice is an office whose queue has all that a caller can hear and press.
func waitingOffice() *office.Document {
	d := testOffice()
	d.Groups[0].Name = "Assistenza"
	d.Groups[0].Queue = &office.QueueRules{
		CallbackKey: "5", Exits: map[string]office.ID{"0": "path-3", "9": "path-gone"}, Announce: time.Minute,
		Periodic: "prompt-1", PeriodicEvery: time.Minute, WhisperName: true,
	}
	d.Paths = append(d.Paths, office.Path{ID: "path-4", Steps: []office.Step{
		{Kind: office.StepCallback, Group: "queue-1"}, {Kind: office.StepPerson, Person: "p-anna"}, {Kind: office.StepEnd},
	}})
	return d
}

// waits brings a line's caller into the queue of that office.
func waits(t *testing.T, caller string, change func(d *office.Document)) *script {
	s := newScript(t)
	s.doc = waitingOffice()
	if change != nil {
		change(s.doc)
	}
	s.st = call.New(call.Setup{ID: "call-1", Doc: s.doc})
	rang := lineRang(1)
	rang.Request.Caller = numbering.Caller{Presentation: numbering.Restricted}
	if caller != "" {
		rang.Request.Caller = numbering.Caller{Number: numbering.E164(caller), Presentation: numbering.Presented}
	}
	s.feed(rang, lineRang(2), call.Decided{Action: route.EnterPath{Path: "path-1"}},
		call.LegAnswered{Leg: "a"}, call.Played{ID: 1}, call.Digit{Leg: "a", Digit: '1'})
	return s
}

func (s *script) keys(keys string) []string {
	var out []string
	for _, k := range []byte(keys) {
		out = append(out, s.feed(call.Digit{Leg: "a", Digit: k})...)
	}
	return out
}

// play is the id of the last Play of what was done, for Played.
func playOf(t *testing.T, acts []string) call.Played {
	t.Helper()
	for i := len(acts) - 1; i >= 0; i-- {
		if f := strings.Fields(acts[i]); f[0] == "Play" {
			var n int
			for _, c := range f[2] {
				n = n*10 + int(c-'0')
			}
			return call.Played{ID: n}
		}
	}
	t.Fatalf("nothing is played: %v", acts)
	return call.Played{}
}

func TestWaitingCallerHears(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(d *office.Document)
		said   call.Announced
		want   []string
	}{
		{"place, wait and key", nil, call.Announced{Position: 3, Low: 2 * time.Minute, High: 5 * time.Minute},
			[]string{"Play a 4 position digit-3 position-end wait-between digit-2 wait-and digit-5 wait-minutes callback-press digit-5"}},
		{"the wait alone", func(d *office.Document) { d.Groups[0].Queue.CallbackKey = "" }, call.Announced{High: 50 * time.Second},
			[]string{"Play a 4 wait-under wait-minute"}},
		{"nothing where nothing is known", func(d *office.Document) { d.Groups[0].Queue.CallbackKey = "" }, call.Announced{}, nil},
		{"the queue's own message", nil, call.Announced{Periodic: true}, []string{"Play a 4 prompt-1"}},
		{"nothing where the message is gone", func(d *office.Document) { d.Groups[0].Queue.Periodic = "prompt-9" }, call.Announced{Periodic: true}, nil},
	} {
		s := waits(t, "+390612345667", tt.change)
		t.Log(tt.name)
		got := s.feed(tt.said)
		s.want(got, tt.want...)
		if len(got) > 0 {
			s.want(s.feed(tt.said)) // not twice at once
			s.want(s.feed(playOf(t, got)), "PlayLoop a music=true")
		}
	}
}

// Where nothing is announced the key is told on entering.
func TestTheKeyIsToldOnce(t *testing.T) {
	s := newScript(t)
	s.doc = waitingOffice()
	s.doc.Groups[0].Queue.Announce, s.doc.Groups[0].Queue.PeriodicEvery = 0, 0
	s.st = call.New(call.Setup{ID: "call-1", Doc: s.doc})
	s.feed(phone("a"))
	s.want(s.feed(call.Decided{Action: route.EnterQueue{Group: "queue-1"}}), "PersonBusy {p-anna}", "Answer {a}")
	s.want(s.feed(call.LegAnswered{Leg: "a"}), "PlayLoop a music=true", "EnterQueue {queue-1}", "Play a 1 callback-press digit-5")
}

func TestExitKeyLeadsToItsPath(t *testing.T) {
	s := waits(t, "", nil)
	s.want(s.keys("7"))
	s.want(s.keys("9")) // its path is no more
	s.want(s.keys("0"), "ExitQueue {}", "PlayLoop a music=false ringback", "Ring {1 [p-anna] []}")
	s.want(s.keys("05"))
	s.want(s.feed(call.QueueLeft{Reason: "late"}))
}

func TestExitKeyStopsAnAgentsPhone(t *testing.T) {
	s := waits(t, "", nil)
	s.want(s.feed(call.Offer{Offer: 7, Agent: "p-bruno"}), "Ring {1 [p-bruno] []} shows Assistenza")
	s.feed(call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1})
	s.want(s.keys("0"), "HangUp {b abandoned 0}", "ExitQueue {}", "PlayLoop a music=false ringback", "Ring {2 [p-anna] []}")
}

func TestCallbackAtTheCallersNumber(t *testing.T) {
	s := waits(t, "+390612345667", nil)
	got := s.keys("5")
	s.want(got, "Play a 4 callback-number digit-0 digit-6 digit-1 digit-2 digit-3 digit-4 digit-5 digit-6 digit-6 digit-7 callback-confirm")
	s.want(s.feed(call.Announced{Position: 1})) // not now
	s.want(s.keys("1"), "PlayLoop a music=true", "AskCallback {+390612345667 }")
	got = s.feed(call.CallbackTaken{OK: true})
	s.want(got, "Play a 5 callback-promised")
	s.want(s.feed(playOf(t, got)), "HangUp {a callback 0}")
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseCallback}), "journal ended callback by box talk 0s", "Finish")
}

func TestCallbackAtAnotherNumber(t *testing.T) {
	for _, tt := range []struct {
		name, typed string
		want        []string
	}{
		{"a mobile", "3331234567#", []string{"Play a 6 callback-number digit-3 digit-3 digit-3 digit-1 digit-2 digit-3 digit-4 digit-5 digit-6 digit-7 callback-confirm"}},
		{"a premium number", "899123456#", []string{"Play a 6 callback-wrong callback-enter"}},
		{"abroad", "00442079460000#", []string{"Play a 6 callback-wrong callback-enter"}},
		{"an emergency number", "112#", []string{"Play a 6 callback-wrong callback-enter"}},
		{"nothing", "#", []string{"Play a 6 callback-wrong callback-enter"}},
		{"typed anew", "333*", []string{"Play a 6 callback-enter"}},
	} {
		s := waits(t, "+390612345667", nil)
		s.keys("5")
		s.want(s.keys("2"), "Play a 5 callback-enter")
		s.feed(call.Played{ID: 5})
		t.Log(tt.name)
		s.want(s.keys(tt.typed), tt.want...)
	}
}

func TestCallbackOfAnAnonymousCaller(t *testing.T) {
	s := waits(t, "", nil)
	s.want(s.keys("5"), "Play a 4 callback-enter")
	s.want(s.keys("3"), "StopPlay {a}") // a key cuts the question short
	s.keys("331234567")
	s.want(s.wait(11*time.Second), "Play a 5 callback-number digit-3 digit-3 digit-3 digit-1 digit-2 digit-3 digit-4 digit-5 digit-6 digit-7 callback-confirm")
	s.want(s.keys("1"), "PlayLoop a music=true", "AskCallback {+393331234567 }")
}

func TestCallbackIsNotWanted(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(s *script) []string
		want []string
	}{
		{"star goes back to the music", func(s *script) []string { return s.keys("*") }, []string{"PlayLoop a music=true"}},
		{"nothing pressed, three times", func(s *script) []string {
			for n := 4; ; n++ {
				s.feed(call.Played{ID: n})
				if got := s.wait(9 * time.Second); len(got) == 0 || !strings.HasPrefix(got[0], "Play a") {
					return got
				}
			}
		}, []string{"PlayLoop a music=true"}},
		{"the ACD refuses", func(s *script) []string {
			s.keys("1")
			return s.feed(call.CallbackTaken{OK: false})
		}, []string{"Play a 5 callback-refused"}},
		{"the ACD says nothing", func(s *script) []string {
			s.keys("1")
			return s.wait(11 * time.Second)
		}, []string{"Play a 5 callback-refused"}},
	} {
		s := waits(t, "+390612345667", nil)
		s.keys("5")
		t.Log(tt.name)
		s.want(tt.do(s), tt.want...)
		if acts := s.feed(call.Offer{Offer: 7, Agent: "p-bruno"}); len(acts) != 1 || !strings.HasPrefix(acts[0], "Ring") {
			t.Errorf("%s: he waits no more: %v", tt.name, acts)
		}
	}
}

func TestHangingUpAfterTheConfirmationKeepsThePromise(t *testing.T) {
	s := waits(t, "+390612345667", nil)
	s.keys("51")
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "journal ended callback by caller talk 0s", "Finish") // no LeaveQueue
}

func TestHisTurnComesWhileHeIsAsked(t *testing.T) {
	s := waits(t, "+390612345667", nil)
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1})
	s.keys("5")
	s.want(s.feed(call.LegAnswered{Leg: "b"}), "OfferAnswered {7}")
	s.want(s.feed(call.OfferGranted{Offer: 7}), "Connect {a b}")
	s.want(s.keys("1"))
	s.want(s.feed(call.CallbackTaken{OK: true}))
}

func TestStepOfAPathOffersToCallBack(t *testing.T) {
	begin := func() *script {
		s := newScript(t)
		s.doc = waitingOffice()
		s.st = call.New(call.Setup{ID: "call-1", Doc: s.doc})
		rang := lineRang(2)
		rang.Request.Caller = numbering.Caller{Number: "+393331234567", Presentation: numbering.Presented}
		s.feed(rang, call.Decided{Action: route.EnterPath{Path: "path-4"}}, call.LegAnswered{Leg: "a"})
		return s
	}
	s := begin()
	s.want(s.keys("1"), "PlayLoop a music=true", "AskCallback {+393331234567 queue-1}")
	s.want(s.feed(call.CallbackTaken{OK: true}), "Play a 2 callback-promised")
	s = begin()
	s.want(s.keys("*"), "PlayLoop a music=false ringback", "Ring {1 [p-anna] []}")
	s = begin()
	s.keys("1")
	s.want(s.feed(call.CallbackTaken{OK: false}), "PlayLoop a music=false ringback", "Ring {1 [p-anna] []}")
}
