package ivr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/ivr"

	"github.com/google/go-cmp/cmp"
)

// shop is an office with every kind of step: hours, greeting, a menu with two
// choices, a queue that falls back on a person, a ring group.
func shop(state office.DayState) *office.Document {
	return &office.Document{
		Site:   office.Site{Country: "IT", TimeZone: "Europe/Rome", Language: "it"},
		People: []office.Person{{ID: "p-anna"}, {ID: "p-bruno"}},
		Groups: []office.Group{
			{ID: "g-help", Mode: office.GroupQueue, Queue: &office.QueueRules{Music: "m-music"}},
			{ID: "g-office", Mode: office.GroupRing, Members: []journal.SubjectID{"p-anna", "p-bruno"}},
			{ID: "g-empty", Mode: office.GroupRing},
		},
		Schedules: []office.Schedule{{ID: "s-hours", Override: &office.Override{State: state, Until: noon.AddDate(1, 0, 0)}}},
		Prompts: []office.Prompt{
			{ID: "m-hello", Builtin: "greeting"}, {ID: "m-menu", Builtin: "menu"}, {ID: "m-closed", Builtin: "closed"},
			{ID: "m-music", Audio: map[string]string{"it": "sha-music"}},
			{ID: "m-own", Builtin: "greeting", Audio: map[string]string{"it": "sha-own"}},
		},
		Menus: []office.Menu{{ID: "menu", Prompt: "m-menu", Keys: map[string]office.ID{"1": "help", "2": "office", "9": "gone"},
			Timeout: 4 * time.Second, Tries: 2, Else: "office"}},
		Paths: []office.Path{
			{ID: "main", Steps: []office.Step{
				{Kind: office.StepHours, Schedule: "s-hours", On: map[office.DayState]office.ID{office.Closed: "closed", office.Holiday: "closed"}},
				{Kind: office.StepMessage, Prompt: "m-hello"},
				{Kind: office.StepMenu, Menu: "menu"},
			}},
			{ID: "help", Steps: []office.Step{
				{Kind: office.StepGroup, Group: "g-help"},
				{Kind: office.StepPerson, Person: "p-anna", Ring: 10 * time.Second},
				{Kind: office.StepEnd, Prompt: "m-closed"},
			}},
			{ID: "office", Steps: []office.Step{{Kind: office.StepGroup, Group: "g-office"}, {Kind: office.StepGoto, Path: "closed"}}},
			{ID: "closed", Steps: []office.Step{{Kind: office.StepEnd, Prompt: "m-closed"}}},
		},
	}
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// words writes actions as short words, for tables.
func words(acts []ivr.Action) string {
	var out []string
	for _, a := range acts {
		switch a := a.(type) {
		case ivr.Note:
			out = append(out, "note:"+a.Step.Path+"/"+a.Step.Step+a.Step.Key)
		case ivr.Explain:
			out = append(out, a.Step.Rule)
		case ivr.Play:
			out = append(out, fmt.Sprintf("play%d:%s%s", a.ID, a.Builtin, a.Audio))
		case ivr.StopPlay:
			out = append(out, "stop")
		case ivr.Collect:
			out = append(out, fmt.Sprintf("collect%d:%v", a.ID, a.For))
		case ivr.StartMusic:
			out = append(out, "music:"+a.Audio)
		case ivr.EnterQueue:
			out = append(out, "queue:"+string(a.Group))
		case ivr.RingGroup:
			out = append(out, fmt.Sprintf("group:%s:%v:%v", a.Group, a.Members, a.For))
		case ivr.RingPerson:
			out = append(out, fmt.Sprintf("person:%s:%v", a.Person, a.For))
		case ivr.End:
			out = append(out, "end:"+a.Reason)
		}
	}
	return strings.Join(out, " ")
}

type step struct {
	event ivr.Event
	want  string
}

func run(t *testing.T, doc *office.Document, path office.ID, steps []step) ivr.State {
	t.Helper()
	s := ivr.Start(doc, path)
	for i, st := range steps {
		var acts []ivr.Action
		s, acts = s.Handle(st.event, noon)
		if d := cmp.Diff(st.want, words(acts)); d != "" {
			t.Fatalf("event %d %T%+v (-want +got):\n%s", i, st.event, st.event, d)
		}
	}
	return s
}

func TestPaths(t *testing.T) {
	opening := []step{
		{ivr.Started{}, "note:main/hours ivr.hours.open note:main/message play1:greeting"},
		{ivr.PlayDone{1}, "note:main/menu play2:menu"},
	}
	ring := "group:g-office:[p-anna p-bruno]:25s"
	for _, c := range []struct {
		name  string
		state office.DayState
		steps []step
		over  bool
	}{
		{"greeting, menu, key after the prompt, queue, connected", office.Open, []step{
			{ivr.PlayDone{2}, "collect3:4s"},
			{ivr.Digit{'1'}, "note:main/menu1 ivr.key note:help/queue music:sha-music queue:g-help"},
			{ivr.Connected{}, ""},
		}, true},
		{"a key during the prompt cuts it short", office.Open, []step{
			{ivr.Digit{'1'}, "stop note:main/menu1 ivr.key note:help/queue music:sha-music queue:g-help"},
		}, false},
		{"queue gives up, person does not answer, last words, end", office.Open, []step{
			{ivr.Digit{'1'}, "stop note:main/menu1 ivr.key note:help/queue music:sha-music queue:g-help"},
			{ivr.QueueLeft{"maxWait"}, "ivr.queueLeft note:help/person person:p-anna:10s"},
			{ivr.PersonUnanswered{"busy"}, "ivr.personUnanswered note:help/end play3:closed"},
			{ivr.PlayDone{3}, "end:end"},
		}, true},
		{"a wrong key is told and the menu said again; after the last try its else path", office.Open, []step{
			{ivr.PlayDone{2}, "collect3:4s"},
			{ivr.Digit{'5'}, "note:main/menu5 play4:wrong-key"},
			{ivr.PlayDone{4}, "play5:menu"},
			{ivr.PlayDone{5}, "collect6:4s"},
			{ivr.Digit{'5'}, "note:main/menu5 ivr.menuGivenUp note:office/group " + ring},
			{ivr.GroupUnanswered{"noAnswer"}, "ivr.groupUnanswered note:closed/end play7:closed"},
		}, false},
		{"silence is told too", office.Open, []step{
			{ivr.PlayDone{2}, "collect3:4s"},
			{ivr.Timeout{3}, "play4:no-key"},
			{ivr.PlayDone{4}, "play5:menu"},
			{ivr.PlayDone{5}, "collect6:4s"},
			{ivr.Timeout{6}, "ivr.menuGivenUp note:office/group " + ring},
		}, false},
		{"a good key during the hint counts", office.Open, []step{
			{ivr.Digit{'0'}, "stop note:main/menu0 play3:wrong-key"},
			{ivr.Digit{'2'}, "stop note:main/menu2 ivr.key note:office/group " + ring},
		}, false},
		{"a key whose path is gone is a wrong key", office.Open, []step{
			{ivr.Digit{'9'}, "stop note:main/menu9 ivr.missingPath play3:wrong-key"},
		}, false},
		{"bytes that are no keys mean nothing", office.Open, []step{
			{ivr.Digit{0}, ""}, {ivr.Digit{'<'}, ""}, {ivr.Digit{'a'}, ""},
			{ivr.Digit{'A'}, "stop note:main/menuA play3:wrong-key"},
		}, false},
		{"late and foreign events change nothing", office.Open, []step{
			{ivr.PlayDone{1}, ""}, {ivr.Timeout{2}, ""}, {ivr.Started{}, ""}, {ivr.QueueLeft{"x"}, ""}, {ivr.PersonUnanswered{"x"}, ""}, {ivr.GroupUnanswered{"x"}, ""},
			{ivr.PlayDone{2}, "collect3:4s"},
			{ivr.PlayDone{2}, ""}, {ivr.PlayDone{3}, ""}, {ivr.Timeout{2}, ""},
		}, false},
		{"the caller hangs up in the menu", office.Open, []step{{ivr.HungUp{}, ""}, {ivr.Digit{'1'}, ""}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := run(t, shop(c.state), "main", append(opening[:2:2], c.steps...))
			if s.Over() != c.over {
				t.Errorf("over: %v", s.Over())
			}
		})
	}
	run(t, shop(office.Closed), "main", []step{
		{ivr.Started{}, "note:main/hours ivr.hours.closed note:closed/end play1:closed"},
		{ivr.Digit{'1'}, ""},
		{ivr.PlayDone{1}, "end:end"},
		{ivr.PlayDone{1}, ""},
	})
	run(t, shop(office.Break), "main", []step{{ivr.Started{}, "note:main/hours ivr.hours.break note:main/message play1:greeting"}})
}

func TestWhatIsMissing(t *testing.T) {
	one := func(s ...office.Step) *office.Document {
		d := shop(office.Open)
		d.Paths = []office.Path{{ID: "main", Steps: s}}
		return d
	}
	for _, c := range []struct {
		name  string
		doc   *office.Document
		path  office.ID
		steps []step
	}{
		{"a path that is gone rings everybody, then says so", shop(office.Open), "gone", []step{
			{ivr.Started{}, "ivr.missingPath ivr.everybody note:gone/group group::[p-anna p-bruno]:25s"},
			{ivr.GroupUnanswered{"noAnswer"}, "play1:agents-busy"},
			{ivr.PlayDone{1}, "end:noAnswer"}}},
		{"an office without people says so at once", &office.Document{}, "gone", []step{
			{ivr.Started{}, "ivr.missingPath play1:agents-busy"}, {ivr.PlayDone{1}, "end:noAnswer"}}},
		{"everything that is missing is left out", one(
			office.Step{Kind: office.StepHours, Schedule: "gone", On: map[office.DayState]office.ID{office.Open: "main"}},
			office.Step{Kind: office.StepMessage, Prompt: "gone"}, office.Step{Kind: office.StepMenu, Menu: "gone"},
			office.Step{Kind: office.StepGroup, Group: "gone"}, office.Step{Kind: office.StepGroup, Group: "g-empty"},
			office.Step{Kind: office.StepPerson, Person: "gone"}, office.Step{Kind: office.StepGoto, Path: "gone"},
			office.Step{Kind: "odd"}), "main", []step{
			{ivr.Started{}, "ivr.missingSchedule note:main/message ivr.missingPrompt ivr.missingMenu ivr.missingGroup ivr.emptyGroup " +
				"ivr.missingPerson ivr.missingPath ivr.unknownStep ivr.pathEnd play1:agents-busy"},
			{ivr.PlayDone{1}, "end:pathEnd"}}},
		{"a menu without a prompt waits for a key", func() *office.Document {
			d := one(office.Step{Kind: office.StepMenu, Menu: "menu"})
			d.Menus[0].Prompt, d.Menus[0].Timeout = "gone", 0
			return d
		}(), "main", []step{{ivr.Started{}, "note:main/menu ivr.missingPrompt collect1:5s"}}},
		{"a menu without else goes on with the next step", func() *office.Document {
			d := one(office.Step{Kind: office.StepMenu, Menu: "menu"}, office.Step{Kind: office.StepEnd})
			d.Menus[0].Else, d.Menus[0].Tries = "", 1
			return d
		}(), "main", []step{{ivr.Started{}, "note:main/menu play1:menu"}, {ivr.PlayDone{1}, "collect2:4s"},
			{ivr.Timeout{2}, "ivr.menuGivenUp note:main/end end:end"}}},
		{"an uploaded recording comes before the built-in sentence", one(office.Step{Kind: office.StepMessage, Prompt: "m-own"}), "main",
			[]step{{ivr.Started{}, "note:main/message play1:sha-own"}}},
		{"an end whose words are gone ends", one(office.Step{Kind: office.StepEnd, Prompt: "gone"}), "main",
			[]step{{ivr.Started{}, "note:main/end ivr.missingPrompt end:end"}}},
	} {
		t.Run(c.name, func(t *testing.T) { run(t, c.doc, c.path, c.steps) })
	}
}

func TestCirclesEnd(t *testing.T) {
	d := shop(office.Open)
	d.Paths = []office.Path{{ID: "a", Steps: []office.Step{{Kind: office.StepGoto, Path: "b"}}}, {ID: "b", Steps: []office.Step{{Kind: office.StepGoto, Path: "a"}}}}
	run(t, d, "a", []step{{ivr.Started{}, "ivr.tooLong play1:agents-busy"}, {ivr.PlayDone{1}, "end:tooLong"}})

	// A caller who goes on choosing is not cut off: it is his own doing.
	d = shop(office.Open)
	d.Paths = []office.Path{{ID: "again", Steps: []office.Step{{Kind: office.StepMenu, Menu: "menu"}}}}
	d.Menus[0].Keys = map[string]office.ID{"1": "again"}
	s, _ := ivr.Start(d, "again").Handle(ivr.Started{}, noon)
	for range 3 * ivr.MaxSteps {
		s, _ = s.Handle(ivr.Digit{'1'}, noon)
	}
	if s.Over() {
		t.Error("a caller who goes on choosing was cut off")
	}
	if _, acts := s.Handle(ivr.Digit{'1'}, noon); !strings.Contains(words(acts), ":menu") {
		t.Errorf("the menu is not said: %s", words(acts))
	}
}
