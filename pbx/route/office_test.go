package route_test

import (
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/route"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// keeps keeps a line for the call back of an emergency call that a phone made.
func keeps(st route.State, line, phone office.ID, left time.Duration) {
	l := st.Lines[line]
	l.ReservedUntil, l.CallBack = monday.Add(left), phone
	st.Lines[line] = l
}

// small is an office in Milan: two analog lines and a trunk, Anna and Bruno with
// a phone each, Carla with two, a phone in the hall without a person.
func small() *office.Document {
	return &office.Document{
		Schema: 1,
		Site:   office.Site{Country: "IT", AreaCode: "02", TimeZone: "Europe/Rome", Language: "it"},
		Lines: []office.Line{
			{ID: "line-1", Kind: office.LineAnalog, Channels: 1, Emergency: true, Path: "path-main"},
			{ID: "line-2", Kind: office.LineAnalog, Channels: 1, Emergency: true, Path: "path-main"},
			{ID: "trunk-1", Kind: office.LineTrunk, Channels: 4, Trunk: &office.Trunk{NumberFormat: "e164"}},
		},
		Numbers: []office.Number{
			{ID: "num-1", Number: "+390212345678", Line: "line-1", Path: "path-main"},
			{ID: "num-2", Number: "+390287654321", Line: "trunk-1", Path: "path-sales"},
		},
		People: []office.Person{
			{ID: "p-anna", Profile: "all"}, {ID: "p-bruno"}, {ID: "p-carla", Profile: "none"},
		},
		Extensions: []office.Extension{
			{ID: "x-201", Digits: "201", Target: office.Target{Kind: office.TargetPerson, ID: "p-anna"}},
			{ID: "x-202", Digits: "202", Target: office.Target{Kind: office.TargetPerson, ID: "p-bruno"}},
			{ID: "x-203", Digits: "203", Target: office.Target{Kind: office.TargetPerson, ID: "p-carla"}},
			{ID: "x-209", Digits: "209", Target: office.Target{Kind: office.TargetDevice, ID: "hall"}},
			{ID: "x-600", Digits: "600", Target: office.Target{Kind: office.TargetGroup, ID: "g-queue"}},
			{ID: "x-601", Digits: "601", Target: office.Target{Kind: office.TargetGroup, ID: "g-ring"}},
			{ID: "x-700", Digits: "700", Target: office.Target{Kind: office.TargetPath, ID: "path-main"}},
			{ID: "x-909", Digits: "909", Target: office.Target{Kind: office.TargetPerson, ID: "p-gone"}},
		},
		Devices: []office.Device{
			{ID: "d-anna", Owner: "p-anna"}, {ID: "d-bruno", Owner: "p-bruno"},
			{ID: "d-carla-1", Owner: "p-carla"}, {ID: "d-carla-2", Owner: "p-carla"},
			{ID: "hall"}, {ID: "d-off", Owner: "p-bruno", Disabled: true},
		},
		Groups: []office.Group{
			{ID: "g-queue", Mode: office.GroupQueue, Members: []journal.SubjectID{"p-anna"}, Queue: &office.QueueRules{}},
			{ID: "g-ring", Mode: office.GroupRing, Members: []journal.SubjectID{"p-bruno", "p-carla"}},
		},
		Paths: []office.Path{{ID: "path-main", Steps: []office.Step{{Kind: office.StepEnd}}}, {ID: "path-sales", Steps: []office.Step{{Kind: office.StepEnd}}}},
		Outbound: office.Outbound{
			Default: []office.ID{"line-1", "line-2"},
			Classes: map[office.NumberClass][]office.ID{office.ClassMobile: {"trunk-1", "line-1"}},
		},
		Profiles: []office.Profile{
			{ID: "all", Allow: []office.NumberClass{office.ClassNational, office.ClassMobile, office.ClassInternational, office.ClassPremium}},
			{ID: "none"},
		},
	}
}

// idle is every line in service and free.
func idle(doc *office.Document) route.State {
	st := route.State{Lines: map[office.ID]route.LineState{}}
	for _, l := range doc.Lines {
		st.Lines[l.ID] = route.LineState{InService: true, Free: l.Channels}
	}
	return st
}

// mute is a free line on which the last one who dialled found no dial tone.
var mute = route.LineState{InService: true, Free: 1, NoDialTone: true}

// ordinary is a line with one ordinary call that began some minutes before
// monday.
func ordinary(call journal.CallID, minutesAgo int) route.LineState {
	return route.LineState{InService: true, Calls: []route.LineCall{{Call: call, Start: monday.Add(-time.Duration(minutesAgo) * time.Minute)}}}
}

func urgent(call journal.CallID) route.LineState {
	return route.LineState{InService: true, Calls: []route.LineCall{{Call: call, Start: monday, Emergency: true}}}
}

func phone(device office.ID, dialled string) route.Request {
	return route.Request{Device: device, Trust: route.TrustDigest, Dialled: dialled}
}
