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
		{"a path that goes to itself", func(d doc) { d.Paths[1].Steps[1] = office.Step{Kind: office.StepGoto, Path: "path-queue"} }, "path path-queue steps problem.loop", false},
		{"two paths that go round", func(d doc) { d.Paths[1].Steps[1] = office.Step{Kind: office.StepGoto, Path: "path-admin"} }, "path path-admin steps problem.loop", false},
		{"a menu that comes back when nobody presses a key", func(d doc) { d.Menus[0].Else = "path-main" }, "path path-main steps problem.loop", false},
		{"steps behind the end", func(d doc) { d.Paths[3].Steps = append(d.Paths[3].Steps, office.Step{Kind: office.StepEnd}) }, "path path-closed steps problem.unreachable", true},
		{"a country without rules", func(d doc) { d.Site.Country = "XX" }, "site  country problem.choice", false},
		{"an area code without its zero", func(d doc) { d.Site.AreaCode = "2" }, "site  areaCode problem.short", false},
		{"an area code that is none", func(d doc) { d.Site.AreaCode = "22" }, "site  areaCode problem.area", false},
		{"a time zone on Mars", func(d doc) { d.Site.TimeZone = "Mars/Olympus" }, "site  timeZone problem.zone", false},
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
	switch rapid.IntRange(0, 9).Draw(t, "where") {
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
	case 9:
		d.Schedules[0].Exceptions = append(d.Schedules[0].Exceptions, office.Exception{Date: word, Name: word, Spans: []office.Span{{From: n, To: -n}}})
	}
}
