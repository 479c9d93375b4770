package office_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/internal/office"
)

func TestValidateFinds(t *testing.T) {
	type doc = *office.Document
	for _, tt := range []struct {
		name  string
		spoil func(d doc)
		want  string // kind object field code
		warn  bool
	}{
		{"an extension that is an emergency number", func(d doc) { d.Extensions[0].Digits = "112" }, "extension extension-1 digits problem.reserved", false},
		{"an extension that is a service number", func(d doc) { d.Extensions[0].Digits = "187" }, "extension extension-1 digits problem.reserved", false},
		{"a short extension below them", func(d doc) { d.Extensions[0].Digits = "11" }, "extension extension-1 digits problem.reserved", false},
		{"an extension twice", func(d doc) { d.Extensions[1].Digits = "201" }, "extension extension-2 digits problem.taken", false},
		{"an extension with a star", func(d doc) { d.Extensions[0].Digits = "*70" }, "extension extension-1 digits problem.digits", false},
		{"an extension behind the outside prefix", func(d doc) { d.Outbound.Prefix = "2" }, "extension extension-1 digits problem.prefix", false},
		{"an extension that hides a public number", func(d doc) { d.Extensions[0].Digits = "1522" }, "extension extension-1 digits problem.shadows", true},
		{"a prefix that emergency numbers begin with", func(d doc) { d.Outbound.Prefix = "1" }, "outbound  prefix problem.prefixForm", false},
		{"two codes alike", func(d doc) { d.Codes = map[office.Feature]string{office.FeatureEcho: "*70"} }, "codes  test.echo problem.taken", false},
		{"a code without a star", func(d doc) { d.Codes = map[office.Feature]string{office.FeatureEcho: "70"} }, "codes  test.echo problem.code", false},
		{"a code of nothing", func(d doc) { d.Codes = map[office.Feature]string{"fly": "*70"} }, "codes  fly problem.unknown", false},
		{"a number without a line", func(d doc) { d.Numbers[0].Line = "line-9" }, "number number-1 line problem.ref", false},
		{"a number whose line is a path", func(d doc) { d.Numbers[0].Line = "path-main" }, "number number-1 line problem.ref", false},
		{"a number twice", func(d doc) { d.Numbers[1].Number = d.Numbers[0].Number }, "number number-2 number problem.duplicate", false},
		{"an id twice, of different kinds", func(d doc) { d.Menus[0].ID = "line-1" }, "menu line-1 id problem.duplicate", false},
		{"an id that is a path of files", func(d doc) { d.Profiles[0].ID = "../../etc" }, "profile ../../etc id problem.id", false},
		{"a member who left", func(d doc) { d.Groups[0].Members[0] = "p-gone" }, "group group-1 members problem.ref", false},
		{"a member twice", func(d doc) { d.Groups[0].Members[0] = d.Groups[0].Members[1] }, "group group-1 members problem.duplicate", false},
		{"a group without members", func(d doc) { d.Groups[0].Members = nil }, "group group-1 members problem.emptyGroup", true},
		{"a queue without rules", func(d doc) { d.Groups[0].Queue = nil }, "group group-1 mode problem.queue", false},
		{"a ring group with rules", func(d doc) { d.Groups[0].Mode = office.GroupRing }, "group group-1 mode problem.queue", false},
		{"a strategy that nobody knows", func(d doc) { d.Groups[0].Queue.Strategy = "fair" }, "group group-1 queue.strategy problem.choice", false},
		{"no strategy", func(d doc) { d.Groups[0].Queue.Strategy = "" }, "group group-1 queue.strategy problem.required", false},
		{"a ring time of half a second", func(d doc) { d.Groups[0].Queue.RingTime = time.Second / 2 }, "group group-1 queue.ringTime problem.number", false},
		{"two calls on an analog line", func(d doc) { d.Lines[0].Channels = 2 }, "line line-1 channels problem.channels", false},
		{"two lines on one port", func(d doc) { d.Lines[1].Port = "sim:1" }, "line line-2 port problem.portTwice", false},
		{"a line without port", func(d doc) { d.Lines[0].Port = "" }, "line line-1 port problem.port", true},
		{"no line for emergency calls", func(d doc) {
			for i := range d.Lines {
				d.Lines[i].Emergency = false
			}
		}, "outbound  default problem.noEmergency", true},
		{"a trunk without trunk", func(d doc) { d.Lines[0].Kind = office.LineTrunk }, "line line-1 kind problem.trunk", false},
		{"a trunk's server with a path in it", func(d doc) { d.Lines[3].Trunk.Server = "a/b" }, "line line-4 trunk.server problem.host", false},
		{"a trunk that registers nobody", func(d doc) { d.Lines[3].Trunk.User = "" }, "line line-4 trunk.user problem.required", false},
		{"a trunk without transport", func(d doc) { d.Lines[3].Trunk.Transport = "" }, "line line-4 trunk.transport problem.required", false},
		{"an account twice", func(d doc) { d.Devices[1].Username = "201" }, "device device-2 username problem.duplicate", false},
		{"an account with a space", func(d doc) { d.Devices[1].Username = "a b" }, "device device-2 username problem.username", false},
		{"a phone without secret", func(d doc) { d.Devices[1].Secret = "" }, "device device-2 secret problem.required", false},
		{"a digest that nobody knows", func(d doc) { d.Devices[1].Algorithm = "SHA-1" }, "device device-2 algorithm problem.choice", false},
		{"hours after midnight", func(d doc) { d.Schedules[0].Week[1] = []office.Span{{From: 0, To: 1500}} }, "schedule schedule-1 week.1 problem.hours", false},
		{"hours out of order", func(d doc) { d.Schedules[0].Week[1] = []office.Span{{From: 600, To: 700}, {From: 0, To: 60}} }, "schedule schedule-1 week.1 problem.hoursOrder", false},
		{"a menu without keys", func(d doc) { d.Menus[0].Keys = nil }, "menu menu-1 keys problem.noKeys", false},
		{"a key that no telephone has", func(d doc) { d.Menus[0].Keys["A"] = "path-queue" }, "menu menu-1 keys problem.key", false},
		{"a message that says nothing", func(d doc) { d.Prompts[1].Builtin = "" }, "prompt prompt-menu builtin problem.silent", false},
		{"a language that the box does not speak", func(d doc) { d.Prompts[0].Texts["de"] = "Guten Tag" }, "prompt prompt-greeting texts problem.language", false},
		{"a recording with a file's name", func(d doc) { d.Prompts[0].Audio["it"] = "../../etc/passwd" }, "prompt prompt-greeting audio problem.hash", false},
		{"a line end within a text", func(d doc) { d.Prompts[0].Texts["it"] = "a\nb=c" }, "prompt prompt-greeting texts problem.control", false},
		{"a path that runs out of steps", func(d doc) { d.Paths[1].Steps = d.Paths[1].Steps[:1] }, "path path-queue steps problem.end", false},
		{"a path without steps", func(d doc) { d.Paths[1].Steps = nil }, "path path-queue steps problem.required", false},
		{"hours that do not say where to go on a holiday", func(d doc) {
			d.Paths[0].Steps = []office.Step{{Kind: office.StepHours, Schedule: "schedule-1", On: map[office.DayState]office.ID{office.Open: "path-queue"}}}
		}, "path path-main steps problem.end", false},
		{"a path that goes to itself", func(d doc) { d.Paths[1].Steps[2] = office.Step{Kind: office.StepGoto, Path: "path-queue"} }, "path path-queue steps problem.loop", false},
		{"two paths that go round", func(d doc) { d.Paths[1].Steps[2] = office.Step{Kind: office.StepGoto, Path: "path-admin"} }, "path path-admin steps problem.loop", false},
		{"a menu that comes back when nobody presses a key", func(d doc) { d.Menus[0].Else = "path-main" }, "path path-main steps problem.loop", false},
		{"steps behind the end", func(d doc) { d.Paths[3].Steps = append(d.Paths[3].Steps, office.Step{Kind: office.StepEnd}) }, "path path-closed steps problem.unreachable", true},
		{"a country without rules", func(d doc) { d.Site.Country = "XX" }, "site  country problem.choice", false},
		{"an area code without its zero", func(d doc) { d.Site.AreaCode = "2" }, "site  areaCode problem.short", false},
		{"an area code that is none", func(d doc) { d.Site.AreaCode = "22" }, "site  areaCode problem.area", false},
		{"a time zone on Mars", func(d doc) { d.Site.TimeZone = "Mars/Olympus" }, "site  timeZone problem.zone", false},
		{"a skill that is gone", func(d doc) { d.Skills = d.Skills[1:] }, "person p-sample-anna skills problem.ref", false},
		{"a skill that a queue needs and is gone", func(d doc) { d.Skills = d.Skills[1:] }, "group group-1 queue.needs problem.ref", false},
		{"a level of 0", func(d doc) { d.People[0].Skills["skill-1"] = 0 }, "person p-sample-anna skills problem.level", false},
		{"a ring that asks the queue itself", func(d doc) { d.Groups[0].Queue.Rings[1].Group = "group-1" }, "group group-1 queue.rings problem.ringGroup", false},
		{"rings out of order", func(d doc) { d.Groups[0].Queue.Rings[1].After = time.Second }, "group group-1 queue.rings problem.ringOrder", false},
		{"a ring of a group that is gone", func(d doc) { d.Groups[0].Queue.Rings[1].Group = "group-9" }, "group group-1 queue.rings problem.ref", false},
		{"an exit by a key that no telephone has", func(d doc) { d.Groups[0].Queue.Exits["x"] = "path-admin" }, "group group-1 queue.exits problem.key", false},
		{"an exit that leads back", func(d doc) { d.Groups[0].Queue.Exits["0"] = "path-queue" }, "group group-1 queue.exits problem.exit", false},
		{"an exit that leads back by the opening hours", func(d doc) {
			d.Paths[2].Steps = []office.Step{{Kind: office.StepHours, Schedule: "schedule-1", On: map[office.DayState]office.ID{office.Open: "path-queue"}}, {Kind: office.StepEnd}}
		}, "group group-1 queue.exits problem.exit", false},
		{"one key for an exit and the callback", func(d doc) { d.Groups[0].Queue.CallbackKey = "0" }, "group group-1 queue.callbackKey problem.duplicate", false},
		{"a callback by a key that no telephone has", func(d doc) { d.Groups[0].Queue.CallbackKey = "A" }, "group group-1 queue.callbackKey problem.key", false},
		{"a callback of a ring group", func(d doc) {
			d.Paths[1].Steps = []office.Step{{Kind: office.StepCallback, Group: "group-2"}, {Kind: office.StepEnd}}
		}, "path path-queue steps problem.noQueue", false},
		{"a screen pop by file", func(d doc) { d.Groups[0].Queue.PopURL = "file:///etc/passwd" }, "group group-1 queue.popURL problem.url", false},
		{"a screen pop that runs a script", func(d doc) { d.Groups[0].Queue.PopURL = "javascript:alert(1)" }, "group group-1 queue.popURL problem.url", false},
		{"a screen pop with another place", func(d doc) { d.Groups[0].Queue.PopURL = "https://x/{password}" }, "group group-1 queue.popURL problem.url", false},
		{"two outcomes of a queue on one digit", func(d doc) { d.Outcomes[1].Digit = "1" }, "outcome outcome-2 digit problem.taken", false},
		{"an outcome twice", func(d doc) { d.Groups[0].Queue.Outcomes[1] = "outcome-1" }, "group group-1 queue.outcomes problem.duplicate", false},
		{"an outcome by star", func(d doc) { d.Outcomes[1].Digit = "*" }, "outcome outcome-2 digit problem.digit", false},
		{"an outcome that nothing follows", func(d doc) { d.Outcomes[1].Next = "" }, "outcome outcome-2 next problem.required", false},
		{"two reasons on one digit", func(d doc) { d.Reasons[1].Digit = "1" }, "reason reason-2 digit problem.taken", false},
		{"a break that is work", func(d doc) { d.Reasons[1].Work = true }, "reason reason-2 work problem.breakWork", false},
		{"a code behind another's digit", func(d doc) { d.Codes[office.FeatureEcho] = "*721" }, "codes  test.echo problem.taken", false},
		{"a survey with a key twice", func(d doc) { d.Surveys[0].Keys = "1221" }, "survey survey-1 keys problem.keys", false},
		{"a survey without questions", func(d doc) { d.Surveys[0].Questions = nil }, "survey survey-1 questions problem.required", false},
		{"a webhook to a file", func(d doc) { d.Webhooks[0].URL = "ftp://x/y" }, "webhook webhook-1 url problem.url", false},
		{"a webhook with a password in it", func(d doc) { d.Webhooks[0].URL = "https://a:b@x/y" }, "webhook webhook-1 url problem.url", false},
		{"a webhook without host", func(d doc) { d.Webhooks[0].URL = "https:///y" }, "webhook webhook-1 url problem.url", false},
		{"a webhook at an event that is none", func(d doc) { d.Webhooks[0].Events[0] = "thought" }, "webhook webhook-1 events problem.choice", false},
		{"a report to nobody", func(d doc) { d.Reports[0].To[0] = "nobody" }, "report report-1 to problem.address", false},
		{"a report with a second header", func(d doc) { d.Reports[0].To[0] = "a@b\r\nBcc:c@d" }, "report report-1 to problem.control", false},
		{"a report at midnight's end", func(d doc) { d.Reports[0].At = 1440 }, "report report-1 at problem.time", false},
		{"mail from nobody", func(d doc) { d.Mail.From = "" }, "mail  from problem.required", false},
		{"mail over a path", func(d doc) { d.Mail.Server = "a/b" }, "mail  server problem.host", false},
		{"a mail password in the open", func(d doc) { d.Mail.TLS = "none" }, "mail  tls problem.private", true},
		{"an operator in a country that the box can't name", func(d doc) { d.People[0].Country = "AQ" }, "person p-sample-anna country problem.choice", false},
		{"a saint without a day", func(d doc) { d.Site.PatronDay = "13-01" }, "site  patronDay problem.patron", false},
	} {
		d := rich()
		d.Outbound.Prefix = ""
		d.Lines[0].Disabled = false
		if p := office.Validate(d); len(p) > 0 {
			t.Fatalf("bad before it was spoiled: %v", p)
		}
		tt.spoil(d)
		var got []string
		found := false
		for _, p := range office.Validate(d) {
			s := fmt.Sprintf("%s %s %s %s", p.Kind, p.Object, p.Field, p.Code)
			got = append(got, s)
			found = found || s == tt.want && p.Warning == tt.warn
		}
		if !found {
			t.Errorf("%s: found %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAMenuKeyMayComeBack(t *testing.T) {
	d := sample()
	d.Menus[0].Keys["9"] = "path-main" // the caller does something: no loop
	if p := office.Validate(d); len(p) > 0 {
		t.Error(p)
	}
}

func TestValidateNeverFails(t *testing.T) {
	office.Validate(&office.Document{})
	rapid.Check(t, func(t *rapid.T) {
		d := rich()
		for range rapid.IntRange(1, 5).Draw(t, "edits") {
			wreck(t, d)
		}
		office.Validate(d)
		office.Diff(rich(), d)
		office.StateAt(d.Schedules[0], d.Site, time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0))
		frozen := d.Clone()
		frozen.Freeze()
	})
}

// wreck writes nonsense somewhere, past Set.
func wreck(t *rapid.T, d *office.Document) {
	word := rapid.SampledFrom([]string{"", "x", "line-1", "path-main", "path-queue", "p-sample-anna", "112", "\x00", "*", "00"}).Draw(t, "word")
	n := rapid.IntRange(-5, 3000).Draw(t, "n")
	switch rapid.IntRange(0, 12).Draw(t, "where") {
	case 0:
		d.Extensions[0].Digits = word
	case 1:
		d.Paths[0].Steps = append(d.Paths[0].Steps, office.Step{Kind: office.StepKind(word), Path: office.ID(word), Menu: "menu-1"})
	case 2:
		d.Menus[0].Keys[word] = office.ID(word)
	case 3:
		d.Schedules[0].Week[1] = append(d.Schedules[0].Week[1], office.Span{From: n, To: n * 2})
	case 4:
		d.Lines = append(d.Lines, office.Line{ID: office.ID(word), Kind: office.LineKind(word), Channels: n})
	case 5:
		d.Groups[0] = office.Group{ID: office.ID(word), Mode: office.GroupMode(word), Members: []journal.SubjectID{journal.SubjectID(word), ""}}
	case 6:
		d.Site = office.Site{Country: word, AreaCode: word, TimeZone: word, PatronDay: word}
	case 7:
		d.Codes = map[office.Feature]string{office.Feature(word): word, office.FeatureEcho: word}
	case 8:
		d.Outbound = office.Outbound{Prefix: word, Classes: map[office.NumberClass][]office.ID{office.NumberClass(word): {office.ID(word)}}}
	case 10:
		d.Groups[0].Mode, d.Groups[0].Queue = office.GroupQueue, &office.QueueRules{CallbackKey: word, PopURL: word, Exits: map[string]office.ID{word: office.ID(word)},
			Needs: map[office.ID]int{office.ID(word): n}, Rings: []office.Ring{{After: time.Duration(n), Without: []office.ID{office.ID(word)}}}, Outcomes: []office.ID{office.ID(word), "outcome-1"}}
	case 11:
		d.Outcomes[0].Digit, d.Reasons[0].Digit = word, word
		d.Surveys[0] = office.Survey{ID: office.ID(word), Keys: word, Questions: []office.ID{office.ID(word)}}
	case 12:
		d.Mail, d.Reports[0].At, d.Reports[0].To, d.Webhooks[0].URL = office.Mail{Server: word, From: word}, n, []string{word}, word
	case 9:
		d.Schedules[0].Exceptions = append(d.Schedules[0].Exceptions, office.Exception{Date: word, Name: word, Spans: []office.Span{{From: n, To: -n}}})
	}
}

func TestOutcomesOnOneDigitAreToldOnceHoweverManyQueuesHaveThem(t *testing.T) {
	d := rich()
	d.Groups[0].Queue.Outcomes = nil // all of the office
	other := d.Groups[0]
	queue := *other.Queue
	other.ID, other.Queue = "group-8", &queue
	d.Groups = append(d.Groups, other)
	d.Outcomes[1].Digit = d.Outcomes[0].Digit
	n := 0
	for _, p := range office.Validate(d) {
		if p.Kind == office.KindOutcome && p.Field == "digit" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("told %d times", n)
	}
}

// An office that was saved before queues had these rules means what it meant.
func TestAnOldDocumentIsStillValid(t *testing.T) {
	d := sample()
	old := &office.QueueRules{Strategy: office.LongestIdle, RingTime: 20 * time.Second}
	d.Groups[0].Queue = old
	d.Skills, d.Reasons, d.Outcomes = nil, nil, nil
	if p := office.Validate(d); len(p) > 0 {
		t.Error(p)
	}
	for _, f := range office.Schema() {
		for _, id := range d.IDs(f.Kind) {
			text, _ := d.Get(f.Kind, id, f.Name)
			if p := d.Set(f.Kind, id, f.Name, text); len(p) > 0 {
				t.Errorf("%s.%s = %q can't be written back: %v", f.Kind, f.Name, text, p)
			}
		}
	}
}

func TestAnExitMayRingSomebodyElseFirst(t *testing.T) {
	d := rich()
	d.Groups[0].Queue.Exits["0"] = "path-admin" // a ring group, then the queue again
	if p := office.Blocking(office.Validate(d)); len(p) > 0 {
		t.Error(p)
	}
}

func FuzzTextForms(f *testing.F) {
	for _, s := range []string{"skill-1=3\nskill-2=9", "after=30 lower=1 without=skill-1,skill-2 group=group-2\nafter=60 group=group-3",
		"callback group=group-1\nend", "18:30", "0=path-1\n*=path-2", "open until 2026-12-24T18:00:00+01:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, at := range []struct {
			kind      office.Kind
			id, field string
		}{
			{office.KindPerson, "p-sample-anna", "skills"}, {office.KindGroup, "group-1", "queue.needs"}, {office.KindGroup, "group-1", "queue.rings"},
			{office.KindGroup, "group-1", "queue.exits"}, {office.KindPath, "path-main", "steps"}, {office.KindReport, "report-1", "at"},
			{office.KindReport, "report-1", "to"}, {office.KindSchedule, "schedule-1", "override"},
		} {
			d := rich()
			if len(d.Set(at.kind, at.id, at.field, text)) > 0 {
				continue
			}
			// What was taken is written the same way, and read again as the same.
			once, _ := d.Get(at.kind, at.id, at.field)
			if p := d.Set(at.kind, at.id, at.field, once); len(p) > 0 {
				t.Fatalf("%s.%s takes %q and not its own form %q: %v", at.kind, at.field, text, once, p)
			}
			if twice, _ := d.Get(at.kind, at.id, at.field); twice != once {
				t.Fatalf("%s.%s: %q, then %q", at.kind, at.field, once, twice)
			}
			office.Validate(d)
		}
	})
}
