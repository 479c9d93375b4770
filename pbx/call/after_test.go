package call_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/call"
	"centralino/pbx/route"

	gocmp "github.com/google/go-cmp/cmp"
)

// noticed are the events about people that a call has written.
func noticed(s *script, evs ...call.Event) (acts []string, told []journal.Payload) {
	s.t.Helper()
	s.out = nil
	for _, ev := range evs {
		for _, a := range s.st.Handle(ev, s.now) {
			s.render(a)
			if l, ok := a.(call.Log); ok {
				switch l.Payload.(type) {
				case journal.NoticeSaid, journal.SurveyAnswered, journal.CallBridged, journal.CallStarted:
					told = append(told, l.Payload)
				}
			}
		}
	}
	return s.out, told
}

func (s *script) wantTold(got []journal.Payload, want ...journal.Payload) {
	s.t.Helper()
	if d := gocmp.Diff(want, got); d != "" {
		s.t.Fatalf("journal (-want +got):\n%s", d)
	}
}

// granted is a caller whose agent has answered.
func granted(t *testing.T, change func(d *office.Document)) (*script, []string) {
	s := waits(t, "+390612345667", func(d *office.Document) {
		d.Site.ACDNotice = true
		if change != nil {
			change(d)
		}
	})
	s.feed(call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
		call.LegAnswered{Leg: "b"})
	return s, s.feed(call.OfferGranted{Offer: 7})
}

func TestTheCountryIsSaidBeforeTheBridge(t *testing.T) {
	s, got := granted(t, nil)
	s.want(got, "Play a 4 notice country-it", "Play b 5 notice country-it")
	s.want(s.feed(call.Played{ID: 5}))
	got, told := noticed(s, call.Played{ID: 4})
	s.want(got, "Connect {a b}")
	s.wantTold(told, journal.NoticeSaid{Contact: "call-1", Queue: "queue-1", Country: "IT"}, journal.CallBridged{A: "a", B: "b"})
}

func TestTheCountryIsThatOfTheAgent(t *testing.T) {
	_, got := granted(t, func(d *office.Document) { d.People[1].Country = "AL" })
	if len(got) == 0 || got[0] != "Play a 4 notice country-al" {
		t.Errorf("%v", got)
	}
}

// TestTheCountryIsSaidInANewOffice: nobody has to switch it on.
func TestTheCountryIsSaidInANewOffice(t *testing.T) {
	queue := office.Empty()
	if p := queue.Add(office.KindGroup, "queue-1"); len(p) > 0 {
		t.Fatal(p)
	}
	for _, country := range []string{"", "RO"} {
		_, got := granted(t, func(d *office.Document) {
			d.Site, d.Groups[0].Queue = queue.Site, queue.Groups[0].Queue
			d.Site.WorkCountry = country
		})
		want := "Play a 4 notice country-" + strings.ToLower(cmp.Or(country, "IT"))
		if len(got) == 0 || got[0] != want {
			t.Errorf("people work in %q: %v", country, got)
		}
	}
}

func TestNoNotice(t *testing.T) {
	for name, change := range map[string]func(d *office.Document){
		"the office has it off": func(d *office.Document) { d.Site.ACDNotice = false },
		"the queue has it off":  func(d *office.Document) { d.Groups[0].Queue.NoNotice = true },
	} {
		if _, got := granted(t, change); len(got) != 1 || got[0] != "Connect {a b}" {
			t.Errorf("%s: %v", name, got)
		}
	}
	s := newScript(t)
	s.doc = waitingOffice()
	s.doc.Site.ACDNotice = true
	s.st = call.New(call.Setup{ID: "call-1", Doc: s.doc})
	s.feed(phone("a"), call.Decided{Action: route.EnterQueue{Group: "queue-1"}}, call.LegAnswered{Leg: "a"}, call.Offer{Offer: 7, Agent: "p-bruno"},
		call.LegStarted{Attempt: 1, Leg: "b", Kind: journal.LegPhone, Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1}, call.LegAnswered{Leg: "b"})
	s.want(s.feed(call.OfferGranted{Offer: 7}), "Connect {a b}") // a colleague knows
}

func TestNoticeAndWhisperAreHeardAtTheSameTime(t *testing.T) {
	s, got := granted(t, func(d *office.Document) { d.Groups[0].Queue.Whisper = "prompt-2" })
	s.want(got, "Play a 4 notice country-it", "Play b 5 prompt-2")
	s.want(s.feed(call.Played{ID: 4}))
	s.want(s.feed(call.Played{ID: 4}))
	s.want(s.feed(call.Played{ID: 5}), "Connect {a b}")
}

func TestWhatIsSaidNeverHoldsTheTwoApart(t *testing.T) {
	s, _ := granted(t, nil)
	s.now = s.now.Add(16 * time.Second)
	got, told := noticed(s, call.Tick{})
	s.want(got, "Connect {a b}")
	s.wantTold(told, journal.CallBridged{A: "a", B: "b"}) // and nothing is claimed
}

func TestSomebodyHangsUpDuringTheNotice(t *testing.T) {
	s, _ := granted(t, nil)
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "TalkLost {}", "PlayLoop a music=true")
	s.want(s.feed(call.Played{ID: 4}))
	s.want(s.feed(call.Offer{Offer: 8, Agent: "p-anna"}), "Ring {2 [p-anna] []} shows Assistenza")
	s, _ = granted(t, nil)
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "TalkEnded {}", "HangUp {b abandoned 0}")
	s.want(s.feed(call.LegEnded{Leg: "b"}), "journal ended abandoned by caller talk 0s", "Finish")
}

func surveyOffice(d *office.Document) {
	d.Site.ACDNotice = false
	d.Groups[0].Queue.Survey = "survey-1"
	d.Prompts = append(d.Prompts, office.Prompt{ID: "intro"}, office.Prompt{ID: "q1"}, office.Prompt{ID: "q2"}, office.Prompt{ID: "thanks"})
	d.Surveys = []office.Survey{{ID: "survey-1", Intro: "intro", Questions: []office.ID{"q1", "q2"}, Keys: "123", Thanks: "thanks"}}
}

func TestSurvey(t *testing.T) {
	s, _ := granted(t, surveyOffice)
	s.now = s.now.Add(time.Minute)
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "TalkEnded {}", "Play a 4 intro q1")
	got, told := noticed(s, call.Digit{Leg: "a", Digit: '3'}) // while the question is said
	s.want(got, "Play a 5 q2")
	s.wantTold(told, journal.SurveyAnswered{Call: "call-1", Queue: "queue-1", Survey: "survey-1", Question: 1, Answer: "3"})
	s.want(s.keys("9"), "Play a 6 q2") // no key of the survey: once more
	s.feed(call.Played{ID: 6})
	s.want(s.wait(9*time.Second), "Play a 7 thanks") // no answer either
	s.want(s.feed(call.Played{ID: 7}), "HangUp {a normal 0}")
	s.want(s.feed(call.LegEnded{Leg: "a"}), "journal ended normal by called talk 1m0s", "Finish")
}

func TestSurveyAfterACallBack(t *testing.T) {
	talking := func() *script {
		s := originated(t, call.Originated{Offer: 7, Contact: "call-1", Queue: "queue-1"})
		surveyOffice(s.doc)
		s.feed(call.LegStarted{Attempt: 1, Leg: "a", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
			call.LegAnswered{Leg: "a"}, call.OfferGranted{Offer: 7}, call.Decided{Action: dialOut},
			call.LegStarted{Attempt: 2, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 2, Legs: 1},
			call.LegAnswered{Leg: "b"}, call.Played{ID: 1}, call.Played{ID: 2})
		s.now = s.now.Add(time.Minute)
		return s
	}
	s := talking()
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "TalkEnded {}", "Play b 3 intro q1")
	got, told := noticed(s, call.Digit{Leg: "b", Digit: '3'})
	s.want(got, "Play b 4 q2")
	s.wantTold(told, journal.SurveyAnswered{Call: "call-1", Queue: "queue-1", Survey: "survey-1", Question: 1, Answer: "3"})
	s.want(s.feed(call.Digit{Leg: "b", Digit: '1'}), "Play b 5 thanks")
	s.want(s.feed(call.Played{ID: 5}), "HangUp {b normal 0}")
	s.want(s.feed(call.LegEnded{Leg: "b"}), "journal ended normal by caller talk 1m0s", "Finish")

	s = talking() // he hears the language of the office, the agent's is another
	for _, a := range s.st.Handle(call.LegEnded{Leg: "a", Cause: call.CauseNormal}, s.now) {
		if p, ok := a.(call.Play); ok && (p.What.Lang != "it" || p.Then[0].Lang != "it") {
			t.Errorf("is asked in %q and %q", p.What.Lang, p.Then[0].Lang)
		}
	}

	s = talking() // who was called back hangs up first, or in the middle
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "TalkEnded {}", "HangUp {a normal 0}")
	s = talking()
	s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal})
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "journal ended normal by called talk 1m0s", "Finish")
}

func TestNoSurvey(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(s *script) []string
		want []string
	}{
		{"the caller hangs up first", func(s *script) []string { return s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}) },
			[]string{"TalkEnded {}", "HangUp {b normal 0}"}},
		{"the agent's phone vanishes", func(s *script) []string { return s.feed(call.LegEnded{Leg: "b", Cause: call.CauseMediaLost}) },
			[]string{"TalkLost {}", "PlayLoop a music=true"}},
		{"the caller hangs up while he is asked", func(s *script) []string {
			s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal})
			return s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal})
		}, []string{"journal ended normal by caller talk 1m0s", "Finish"}},
	} {
		s, _ := granted(t, surveyOffice)
		s.now = s.now.Add(time.Minute)
		t.Log(tt.name)
		s.want(tt.do(s), tt.want...)
	}
}

// originated is a call that the box makes, up to the person's ringing phone.
func originated(t *testing.T, e call.Originated) *script {
	s := newScript(t)
	s.doc = waitingOffice()
	s.doc.Site.ACDNotice = true
	s.st = call.New(call.Setup{ID: "call-9", Doc: s.doc})
	e.Person, e.Dialled, e.To = "p-bruno", "+390612345667", "n-1"
	acts, told := noticed(s, e)
	want := "Ring {1 [p-bruno] []}"
	if e.Offer != 0 {
		want += " shows Assistenza"
	}
	s.want(acts, want)
	s.wantTold(told, journal.CallStarted{Direction: journal.Outbound, From: "p-bruno", To: "n-1"})
	return s
}

var dialOut = route.DialOut{Candidates: []route.Candidate{{Line: "line-1", Dial: "0612345667"}}, Exhausted: route.PromptLinesBusy}

func TestClickToDial(t *testing.T) {
	s := originated(t, call.Originated{})
	s.want(s.feed(call.LegStarted{Attempt: 1, Leg: "a", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}), "PersonBusy {p-bruno}")
	s.want(s.feed(call.AttemptStarted{Attempt: 1, Legs: 1}, call.LegProgress{Leg: "a"}))
	s.want(s.feed(call.LegAnswered{Leg: "a"}), "Decide {{dev-2 digest  {  } +390612345667}}")
	s.want(s.feed(call.Decided{Action: dialOut}), "PlayLoop a music=false ringback", "DialOut 2 1 lines")
	s.want(s.feed(call.LegStarted{Attempt: 2, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 2, Legs: 1}, call.LegAnswered{Leg: "b"}), "Connect {a b}", "PartyReached {p-bruno n-1}")
	s.now = s.now.Add(time.Minute)
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "HangUp {a normal 0}")
	s.want(s.feed(call.LegEnded{Leg: "a"}), "PersonFree {p-bruno}", "journal ended normal by called talk 1m0s", "Finish")
}

// An analog line takes what the network says for an answer, too.
func TestAPresumedAnswerHasReachedThePartyOnceTheTalkLasts(t *testing.T) {
	talking := func() *script {
		s := originated(t, call.Originated{})
		s.feed(call.LegStarted{Attempt: 1, Leg: "a", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1},
			call.LegAnswered{Leg: "a"}, call.Decided{Action: dialOut},
			call.LegStarted{Attempt: 2, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 2, Legs: 1})
		s.want(s.feed(call.LegAnswered{Leg: "b", Presumed: true}), "Connect {a b}")
		return s
	}
	s := talking()
	s.want(s.wait(19 * time.Second))
	s.want(s.wait(time.Second), "PartyReached {p-bruno n-1}")
	s.want(s.wait(time.Hour))

	for _, leg := range []journal.LegID{"a", "b"} { // an announcement, and whoever hangs up after it
		s = talking()
		s.wait(15 * time.Second)
		for _, a := range append(s.feed(call.LegEnded{Leg: leg, Cause: call.CauseNormal}), s.wait(time.Minute)...) {
			if strings.HasPrefix(a, "PartyReached") {
				t.Errorf("after %s hung up: %s", leg, a)
			}
		}
	}
}

func TestClickToDialComesToNothing(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(s *script) []string
		want []string
	}{
		{"he does not pick up", func(s *script) []string { return s.wait(61 * time.Second) }, []string{"HangUp {a noAnswer 0}"}},
		{"he rejects it", func(s *script) []string { return s.feed(call.LegEnded{Leg: "a", Cause: call.CauseRejected, Code: 603}) },
			[]string{"PersonFree {p-bruno}", "journal ended rejected by called talk 0s", "Finish"}},
		{"he may not call that number", func(s *script) []string {
			return s.feed(call.LegAnswered{Leg: "a"}, call.Decided{Action: route.Refuse{Code: 403, Prompt: route.PromptNotAllowed}})
		}, []string{"Decide {{dev-2 digest  {  } +390612345667}}", "Play a 1 not-allowed"}},
		{"the number is busy", func(s *script) []string {
			s.feed(call.LegAnswered{Leg: "a"}, call.Decided{Action: dialOut}, call.LegStarted{Attempt: 2, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 2, Legs: 1})
			return s.feed(call.LegEnded{Leg: "b", Cause: call.CauseBusy, Code: 486})
		}, []string{"Play a 1 busy"}},
		{"he hangs up while it rings there", func(s *script) []string {
			s.feed(call.LegAnswered{Leg: "a"}, call.Decided{Action: dialOut}, call.LegStarted{Attempt: 2, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 2, Legs: 1})
			return s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal})
		}, []string{"PersonFree {p-bruno}", "HangUp {b abandoned 0}"}},
	} {
		s := originated(t, call.Originated{})
		s.feed(call.LegStarted{Attempt: 1, Leg: "a", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1})
		t.Log(tt.name)
		s.want(tt.do(s), tt.want...)
	}
}

func TestCallBack(t *testing.T) {
	ringing := func() *script {
		s := originated(t, call.Originated{Offer: 7, Contact: "call-1", Queue: "queue-1"})
		s.want(s.feed(call.LegStarted{Attempt: 1, Leg: "a", Kind: journal.LegPhone, Device: "dev-2", Person: "p-bruno"}, call.AttemptStarted{Attempt: 1, Legs: 1}))
		return s
	}
	dialling := func() *script {
		s := ringing()
		s.want(s.feed(call.LegAnswered{Leg: "a"}), "OfferAnswered {7}")
		s.want(s.feed(call.OfferGranted{Offer: 7}), "Decide {{dev-2 digest  {  } +390612345667}}")
		s.want(s.feed(call.OfferGranted{Offer: 7}))
		s.feed(call.Decided{Action: dialOut}, call.LegStarted{Attempt: 2, Leg: "b", Kind: journal.LegLine, Line: "line-1"}, call.AttemptStarted{Attempt: 2, Legs: 1})
		return s
	}
	s := dialling()
	s.want(s.feed(call.LegAnswered{Leg: "b"}), "CallbackResult {answered}",
		"Play b 1 callback-hello notice country-it", "Play a 2 callback-hello notice country-it")
	got, told := noticed(s, call.Played{ID: 1}, call.Played{ID: 2})
	s.want(got, "Connect {a b}")
	s.wantTold(told, journal.NoticeSaid{Contact: "call-1", Queue: "queue-1", Country: "IT"}, journal.CallBridged{A: "a", B: "b"})
	s.now = s.now.Add(time.Minute)
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "TalkEnded {}", "HangUp {a normal 0}")

	s = dialling()
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNoAnswer}), "Play a 1 unavailable")
	s.want(s.feed(call.Played{ID: 1}), "CallbackResult {noAnswer}", "HangUp {a noAnswer 0}")

	s = dialling()
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseNormal}), "CallbackResult {failed}", "HangUp {b abandoned 0}")

	s = dialling()
	s.feed(call.LegAnswered{Leg: "b"})
	s.want(s.feed(call.LegEnded{Leg: "b", Cause: call.CauseNormal}), "TalkEnded {}", "HangUp {a normal 0}")

	s = ringing()
	s.want(s.feed(call.OfferStopped{Offer: 7}), "HangUp {a noAnswer 0}")
	s.want(s.feed(call.LegAnswered{Leg: "a"}))

	s = ringing()
	s.want(s.feed(call.LegEnded{Leg: "a", Cause: call.CauseRejected}), "OfferFailed {7 rejected}", "journal ended rejected by called talk 0s", "Finish")

	s = ringing()
	s.want(s.feed(call.LegAnswered{Leg: "a"}), "OfferAnswered {7}")
	s.want(s.feed(call.OfferDenied{Offer: 7}), "HangUp {a elsewhere 0}")

	s = ringing()
	s.feed(call.LegAnswered{Leg: "a"}, call.LegEnded{Leg: "a", Cause: call.CauseNormal})
	s.want(s.feed(call.OfferGranted{Offer: 7}), "CallbackResult {failed}", "journal ended failed by called talk 0s", "Finish")
}
