package route_test

import (
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/route"

	"github.com/google/go-cmp/cmp"
)

func TestDecide(t *testing.T) {
	lineOut := func(n numbering.Number, class office.NumberClass, c ...route.Candidate) route.DialOut {
		return route.DialOut{Number: n, Class: class, Candidates: c, Exhausted: route.PromptLinesBusy}
	}
	national := numbering.Number{E164: "+390612345678", Class: numbering.National}
	for _, c := range []struct {
		name   string
		change func(*office.Document, route.State)
		req    route.Request
		want   route.Action
	}{
		{"a phone calls a person: all phones of the person ring", nil, phone("d-anna", "203"),
			route.RingExtension{Extension: "x-203", Digits: "203", Target: office.Target{Kind: office.TargetPerson, ID: "p-carla"},
				People: []journal.SubjectID{"p-carla"}, Devices: []office.ID{"d-carla-1", "d-carla-2"}}},
		{"the phone that calls its own person does not ring", nil, phone("d-carla-1", "203"),
			route.RingExtension{Extension: "x-203", Digits: "203", Target: office.Target{Kind: office.TargetPerson, ID: "p-carla"},
				People: []journal.SubjectID{"p-carla"}, Devices: []office.ID{"d-carla-2"}}},
		{"a phone without a person rings alone", nil, phone("d-anna", "209"),
			route.RingExtension{Extension: "x-209", Digits: "209", Target: office.Target{Kind: office.TargetDevice, ID: "hall"}, Devices: []office.ID{"hall"}}},
		{"a ring group rings its members' enabled phones", nil, phone("d-anna", "601"),
			route.RingExtension{Extension: "x-601", Digits: "601", Target: office.Target{Kind: office.TargetGroup, ID: "g-ring"},
				People: []journal.SubjectID{"p-bruno", "p-carla"}, Devices: []office.ID{"d-bruno", "d-carla-1", "d-carla-2"}}},
		{"a queue is entered", nil, phone("d-anna", "600"), route.EnterQueue{Extension: "x-600", Group: "g-queue"}},
		{"a path can have an extension", nil, phone("d-anna", "700"), route.EnterPath{Path: "path-main"}},
		{"one's only phone calling itself finds nobody", nil, phone("d-anna", "201"), route.Refuse{Code: 480, Prompt: route.PromptNobody, Reason: "route.noPhone"}},
		{"an extension of somebody who left", nil, phone("d-anna", "909"), route.Refuse{Code: 480, Prompt: route.PromptNobody, Reason: "route.noPhone"}},
		{"an extension of a group that is gone", func(d *office.Document, _ route.State) { d.Groups = nil }, phone("d-anna", "600"),
			route.Refuse{Code: 404, Prompt: route.PromptUnknown, Reason: "route.missingTarget"}},
		{"a feature code", nil, phone("d-anna", "*72"), route.Feature{Feature: office.FeaturePause}},
		{"a feature code with an argument", nil, phone("d-anna", "*72*3"), route.Feature{Feature: office.FeaturePause, Args: "3"}},
		{"a feature code with its digit", nil, phone("d-anna", "*723"), route.Feature{Feature: office.FeaturePause, Args: "3"}},
		{"an outcome by its digit", nil, phone("d-anna", "*751"), route.Feature{Feature: office.FeatureOutcome, Args: "1"}},
		{"a code that takes no digit", nil, phone("d-anna", "*731"), route.Refuse{Code: 404, Prompt: route.PromptUnknown, Reason: "route.notDigits"}},
		{"a feature code of this office", func(d *office.Document, _ route.State) {
			d.Codes = map[office.Feature]string{office.FeaturePause: "*99"}
		}, phone("d-anna", "*99"), route.Feature{Feature: office.FeaturePause}},
		{"the standard code that this office replaced", func(d *office.Document, _ route.State) {
			d.Codes = map[office.Feature]string{office.FeaturePause: "*99"}
		}, phone("d-anna", "*72"), route.Refuse{Code: 404, Prompt: route.PromptUnknown, Reason: "route.notDigits"}},
		{"a feature argument may hold digits and stars only", nil, phone("d-anna", "*72*x"), route.Refuse{Code: 404, Prompt: route.PromptUnknown, Reason: "route.notDigits"}},

		{"a national number takes the default lines in order, as an analog line wants it", nil, phone("d-bruno", "06 12345678"),
			lineOut(national, office.ClassNational, route.Candidate{Line: "line-1", Dial: "0612345678"}, route.Candidate{Line: "line-2", Dial: "0612345678"})},
		{"a mobile takes its own lines, each written as the line wants it", nil, phone("d-bruno", "3331234567"),
			lineOut(numbering.Number{E164: "+393331234567", Class: numbering.Mobile}, office.ClassMobile,
				route.Candidate{Line: "trunk-1", Dial: "+393331234567"}, route.Candidate{Line: "line-1", Dial: "3331234567"})},
		{"a busy line is passed over", func(_ *office.Document, st route.State) { st.Lines["line-1"] = ordinary("c1", 5) }, phone("d-bruno", "0612345678"),
			lineOut(national, office.ClassNational, route.Candidate{Line: "line-2", Dial: "0612345678"})},
		{"a line that had no dial tone comes last", func(_ *office.Document, st route.State) { st.Lines["line-1"] = mute }, phone("d-bruno", "0612345678"),
			lineOut(national, office.ClassNational, route.Candidate{Line: "line-2", Dial: "0612345678"}, route.Candidate{Line: "line-1", Dial: "0612345678"})},
		{"a line that had no dial tone is tried where no other is free", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = mute, ordinary("c2", 4)
		}, phone("d-bruno", "0612345678"), lineOut(national, office.ClassNational, route.Candidate{Line: "line-1", Dial: "0612345678"})},
		{"all lines busy", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = ordinary("c1", 5), ordinary("c2", 4)
		}, phone("d-bruno", "0612345678"), route.Refuse{Code: 486, Prompt: route.PromptLinesBusy, Reason: "route.allBusy"}},
		{"all lines out of service", func(_ *office.Document, st route.State) { clear(st.Lines) }, phone("d-bruno", "0612345678"),
			route.Refuse{Code: 503, Prompt: route.PromptNoLine, Reason: "route.allOut"}},
		{"all lines disabled", func(d *office.Document, _ route.State) { d.Lines[0].Disabled, d.Lines[1].Disabled = true, true },
			phone("d-bruno", "0612345678"), route.Refuse{Code: 503, Prompt: route.PromptNoLine, Reason: "route.noLines"}},
		{"abroad is off without a profile", nil, phone("d-bruno", "00442079460000"), route.Refuse{Code: 403, Prompt: route.PromptNotAllowed, Reason: "route.notAllowed"}},
		{"premium is off without a profile", nil, phone("hall", "899123456"), route.Refuse{Code: 403, Prompt: route.PromptNotAllowed, Reason: "route.notAllowed"}},
		{"abroad is on where the profile says so", nil, phone("d-anna", "00442079460000"),
			lineOut(numbering.Number{E164: "+442079460000", Class: numbering.International}, office.ClassInternational,
				route.Candidate{Line: "line-1", Dial: "00442079460000"}, route.Candidate{Line: "line-2", Dial: "00442079460000"})},
		{"an empty profile allows nothing", nil, phone("d-carla-1", "0612345678"), route.Refuse{Code: 403, Prompt: route.PromptNotAllowed, Reason: "route.notAllowed"}},
		{"a subscriber's number without its area code", nil, phone("d-bruno", "66712345"), route.Refuse{Code: 484, Prompt: route.PromptUnknown, Reason: "route.missingArea"}},
		{"carrier selection", nil, phone("d-bruno", "10550612345678"), route.Refuse{Code: 404, Prompt: route.PromptUnknown, Reason: "route.carrierPrefix"}},
		{"with a prefix configured it is needed", func(d *office.Document, _ route.State) { d.Outbound.Prefix = "0" }, phone("d-bruno", "3331234567"),
			route.Refuse{Code: 404, Prompt: route.PromptUnknown, Reason: "route.noPrefix"}},
		{"with a prefix configured it is taken off once", func(d *office.Document, _ route.State) { d.Outbound.Prefix = "0" }, phone("d-bruno", "00612345678"),
			lineOut(national, office.ClassNational, route.Candidate{Line: "line-1", Dial: "0612345678"}, route.Candidate{Line: "line-2", Dial: "0612345678"})},
		{"a plus needs no prefix", func(d *office.Document, _ route.State) { d.Outbound.Prefix = "0" }, phone("d-bruno", "+390612345678"),
			lineOut(national, office.ClassNational, route.Candidate{Line: "line-1", Dial: "0612345678"}, route.Candidate{Line: "line-2", Dial: "0612345678"})},

		{"a phone without fresh digest calls nobody", nil, route.Request{Device: "d-anna", Trust: route.TrustBinding, Dialled: "201"}, route.Refuse{Code: 403, Reason: "route.notProved"}},
		{"a disabled phone calls nobody", nil, phone("d-off", "201"), route.Refuse{Code: 403, Reason: "route.phoneDisabled"}},
		{"a stranger calls nobody", nil, phone("stranger", "201"), route.Refuse{Code: 403, Reason: "route.unknownPhone"}},
		{"a stranger cannot even call an emergency number through the box", nil, phone("stranger", "112"), route.Refuse{Code: 403, Reason: "route.unknownPhone"}},

		{"a call on a line goes to its path", nil, route.Request{Line: "line-2"}, route.EnterPath{Path: "path-main"}},
		{"a call to an own number goes to the number's path", nil, route.Request{Line: "trunk-1", Dialled: "0287654321"}, route.EnterPath{Path: "path-sales", Number: "num-2"}},
		{"own numbers are equal under normalisation", nil, route.Request{Line: "trunk-1", Dialled: "390287654321"}, route.EnterPath{Path: "path-sales", Number: "num-2"}},
		{"an exchange that leaves out the area code", nil, route.Request{Line: "trunk-1", Dialled: "87654321"}, route.EnterPath{Path: "path-sales", Number: "num-2"}},
		{"a trunk without path takes its only number's", nil, route.Request{Line: "trunk-1", Dialled: "s"}, route.EnterPath{Path: "path-sales", Number: "num-2"}},
		{"a line that leads nowhere rings everybody", func(d *office.Document, _ route.State) { d.Paths = nil }, route.Request{Line: "line-1"},
			route.RingExtension{People: []journal.SubjectID{"p-anna", "p-bruno", "p-carla"}, Devices: []office.ID{"d-anna", "d-bruno", "d-carla-1", "d-carla-2"}}},
		{"a call back after an emergency call rings the phone that called, and then all", func(_ *office.Document, st route.State) { keeps(st, "line-1", "hall", 30*time.Minute) }, route.Request{Line: "line-1"},
			route.RingExtension{Devices: []office.ID{"hall"}, Then: []office.ID{"d-anna", "d-bruno", "d-carla-1", "d-carla-2", "hall"}, CallBack: true}},
		{"the owner of that phone counts as rung", func(_ *office.Document, st route.State) { keeps(st, "line-1", "d-bruno", time.Minute) }, route.Request{Line: "line-1"},
			route.RingExtension{People: []journal.SubjectID{"p-bruno"}, Devices: []office.ID{"d-bruno"}, Then: []office.ID{"d-anna", "d-bruno", "d-carla-1", "d-carla-2", "hall"}, CallBack: true}},
		{"that phone is out of use: all ring", func(_ *office.Document, st route.State) { keeps(st, "line-1", "d-off", time.Minute) }, route.Request{Line: "line-1"},
			route.RingExtension{People: []journal.SubjectID{"p-anna", "p-bruno", "p-carla"}, Devices: []office.ID{"d-anna", "d-bruno", "d-carla-1", "d-carla-2", "hall"}, CallBack: true}},
		{"nobody knows that phone: all ring", func(_ *office.Document, st route.State) { keeps(st, "line-1", "", time.Minute) }, route.Request{Line: "line-1"},
			route.RingExtension{People: []journal.SubjectID{"p-anna", "p-bruno", "p-carla"}, Devices: []office.ID{"d-anna", "d-bruno", "d-carla-1", "d-carla-2", "hall"}, CallBack: true}},
		{"the half hour is over: a call like every other", func(_ *office.Document, st route.State) { keeps(st, "line-1", "hall", 0) }, route.Request{Line: "line-1"}, route.EnterPath{Path: "path-main"}},
		{"another line was kept", func(_ *office.Document, st route.State) { keeps(st, "line-2", "hall", time.Minute) }, route.Request{Line: "line-1"}, route.EnterPath{Path: "path-main"}},
		{"a trunk is called back at the number that it showed", func(d *office.Document, st route.State) {
			keeps(st, "trunk-1", "hall", time.Minute)
			d.Numbers = append(d.Numbers, office.Number{ID: "num-3", Number: "+390287654329", Line: "trunk-1", Path: "path-main"})
		}, route.Request{Line: "trunk-1", Dialled: "0287654321"}, route.RingExtension{Devices: []office.ID{"hall"}, Then: []office.ID{"d-anna", "d-bruno", "d-carla-1", "d-carla-2", "hall"}, CallBack: true}},
		{"a call to another number of that trunk is led by its path", func(d *office.Document, st route.State) {
			keeps(st, "trunk-1", "hall", time.Minute)
			d.Numbers = append(d.Numbers, office.Number{ID: "num-3", Number: "+390287654329", Line: "trunk-1", Path: "path-main"})
		}, route.Request{Line: "trunk-1", Dialled: "0287654329"}, route.EnterPath{Path: "path-main", Number: "num-3"}},
		{"a disabled line takes no call", func(d *office.Document, _ route.State) { d.Lines[0].Disabled = true }, route.Request{Line: "line-1"},
			route.Refuse{Code: 480, Reason: "route.lineDisabled"}},
		{"a line that was deleted", nil, route.Request{Line: "line-9"}, route.Refuse{Code: 404, Reason: "route.unknownLine"}},
		{"nothing that comes in goes out: an emergency number on a trunk", nil, route.Request{Line: "trunk-1", Dialled: "112"}, route.EnterPath{Path: "path-sales", Number: "num-2"}},
		{"a request from nowhere", nil, route.Request{Dialled: "112"}, route.Refuse{Code: 400, Reason: "route.noSource"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := small()
			st := idle(doc)
			if c.change != nil {
				c.change(doc, st)
			}
			got, trace := route.Decide(doc, c.req, monday, st)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("action (-want +got):\n%s", diff)
			}
			if len(trace) == 0 {
				t.Error("no reason given")
			}
		})
	}
}

func TestEmergency(t *testing.T) {
	call := func(pre *route.Preempt, lines ...office.ID) route.DialOut {
		d := route.DialOut{Number: numbering.Number{Short: "112", Class: numbering.Emergency}, Class: office.ClassEmergency,
			Emergency: true, Preempt: pre, Exhausted: route.PromptNoEmergency}
		for _, l := range lines {
			d.Candidates = append(d.Candidates, route.Candidate{Line: l, Dial: "112"})
		}
		return d
	}
	prefix := func(d *office.Document, _ route.State) { d.Outbound.Prefix = "9" }
	for _, c := range []struct {
		name   string
		change func(*office.Document, route.State)
		req    route.Request
		want   route.Action
	}{
		{"lines for emergency first, the others after", nil, phone("d-anna", "112"), call(nil, "line-1", "line-2", "trunk-1")},
		{"a person who may call nothing", nil, phone("d-carla-1", "112"), call(nil, "line-1", "line-2", "trunk-1")},
		{"a disabled phone", nil, phone("d-off", "112"), call(nil, "line-1", "line-2", "trunk-1")},
		{"a phone without fresh digest", nil, route.Request{Device: "d-anna", Trust: route.TrustBinding, Dialled: "112"}, call(nil, "line-1", "line-2", "trunk-1")},
		{"with the outside prefix", prefix, phone("d-anna", "9112"), call(nil, "line-1", "line-2", "trunk-1")},
		{"without the outside prefix", prefix, phone("d-anna", "112"), call(nil, "line-1", "line-2", "trunk-1")},
		{"an extension of the same digits cannot shadow it", func(d *office.Document, _ route.State) { d.Extensions[0].Digits = "112" }, phone("d-anna", "112"),
			call(nil, "line-1", "line-2", "trunk-1")},
		{"a feature code of the same digits cannot shadow it", func(d *office.Document, _ route.State) {
			d.Codes = map[office.Feature]string{office.FeatureEcho: "112"}
		}, phone("d-anna", "112"), call(nil, "line-1", "line-2", "trunk-1")},
		{"the office may order the lines", func(d *office.Document, _ route.State) {
			d.Outbound.Classes[office.ClassEmergency] = []office.ID{"line-2"}
		}, phone("d-anna", "112"), call(nil, "line-2", "line-1", "trunk-1")},
		{"the youngest ordinary call is ended", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = ordinary("old", 9), ordinary("young", 1)
		}, phone("d-anna", "112"), call(&route.Preempt{Call: "young", Line: "line-2", Prompt: route.PromptPreempt}, "line-2")},
		{"of two that began together the one with the greater id is ended", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = ordinary("z", 2), ordinary("a", 2)
		}, phone("d-anna", "112"), call(&route.Preempt{Call: "z", Line: "line-1", Prompt: route.PromptPreempt}, "line-1")},
		{"an emergency call is never the one ended", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = ordinary("old", 9), urgent("other")
		}, phone("d-anna", "112"), call(&route.Preempt{Call: "old", Line: "line-1", Prompt: route.PromptPreempt}, "line-1")},
		{"the emergency service's call back is not ended while there is an older call", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = ordinary("old", 9), ordinary("back", 1)
			st.Lines["line-2"].Calls[0].CallBack = true
		}, phone("d-anna", "112"), call(&route.Preempt{Call: "old", Line: "line-1", Prompt: route.PromptPreempt}, "line-1")},
		{"it is ended where there is nothing else", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = urgent("a"), ordinary("back", 1)
			st.Lines["line-2"].Calls[0].CallBack = true
		}, phone("d-anna", "112"), call(&route.Preempt{Call: "back", Line: "line-2", Prompt: route.PromptPreempt}, "line-2")},
		{"all busy with emergency calls: a line that is not marked, nobody ended", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = urgent("a"), urgent("b")
		}, phone("d-anna", "112"), call(nil, "trunk-1")},
		{"a line kept for a call back comes after a free one", func(_ *office.Document, st route.State) {
			st.Lines["line-1"] = route.LineState{InService: true, Free: 1, ReservedUntil: monday.Add(time.Minute)}
		}, phone("d-anna", "112"), call(nil, "line-2", "line-1", "trunk-1")},
		{"a line that had no dial tone comes after those that can carry the call", func(_ *office.Document, st route.State) {
			st.Lines["line-1"] = mute
			st.Lines["line-2"] = route.LineState{InService: true, Free: 1, ReservedUntil: monday.Add(time.Minute)}
		}, phone("d-anna", "112"), call(nil, "line-2", "line-1", "trunk-1")},
		{"it is tried before a call is ended", func(_ *office.Document, st route.State) {
			st.Lines["line-1"], st.Lines["line-2"] = mute, ordinary("c2", 4)
		}, phone("d-anna", "112"), call(nil, "line-1", "trunk-1")},
		{"everything out of service is still tried", func(_ *office.Document, st route.State) { clear(st.Lines) }, phone("d-anna", "112"),
			call(nil, "line-1", "line-2", "trunk-1")},
		{"no line at all: the caller is told", func(d *office.Document, _ route.State) { d.Lines = nil }, phone("d-anna", "112"), call(nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := small()
			st := idle(doc)
			if c.change != nil {
				c.change(doc, st)
			}
			got, _ := route.Decide(doc, c.req, monday, st)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("action (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLineIsKeptForCallBack(t *testing.T) {
	doc := small()
	doc.Lines[2].Channels = 2
	until := monday.Add(20 * time.Minute)
	free := route.LineState{InService: true, Free: 1}
	kept := route.LineState{InService: true, Free: 1, ReservedUntil: until}
	for _, c := range []struct {
		name    string
		dialled string
		line1   route.LineState
		line2   route.LineState
		trunk   route.LineState
		at      time.Time
		want    []office.ID
	}{
		{"another line is free: the kept one is left alone", "0612345678", kept, free, free, monday, []office.ID{"line-2"}},
		{"another line is busy: the kept one is left alone all the same", "0612345678", kept, ordinary("c", 3), free, monday, nil},
		{"the other line is out of service: the kept one serves", "0612345678", kept, route.LineState{}, free, monday, []office.ID{"line-1"}},
		{"half an hour later it serves again", "0612345678", kept, free, free, until, []office.ID{"line-1", "line-2"}},
		{"a trunk keeps its last channel", "3331234567", free, free, kept, monday, []office.ID{"line-1"}},
		{"a trunk with channels to spare goes on", "3331234567", free, free,
			route.LineState{InService: true, Free: 2, ReservedUntil: until}, monday, []office.ID{"trunk-1", "line-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := route.State{Lines: map[office.ID]route.LineState{"line-1": c.line1, "line-2": c.line2, "trunk-1": c.trunk}}
			a, _ := route.Decide(doc, phone("d-bruno", c.dialled), c.at, st)
			var got []office.ID
			if d, ok := a.(route.DialOut); ok {
				for _, c := range d.Candidates {
					got = append(got, c.Line)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	doc := small()
	st := idle(doc)
	b.ReportAllocs()
	for b.Loop() {
		route.Decide(doc, phone("d-bruno", "0612345678"), monday, st)
	}
}
