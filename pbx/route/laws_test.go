package route_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/pbx/route"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var italian = []string{"112", "113", "114", "115", "117", "118"}

// drawOffice draws an office, also one that validation would refuse: dangling
// references, codes and extensions that shadow numbers, no lines.
func drawOffice(t *rapid.T) *office.Document {
	doc := small()
	ids := []office.ID{"line-1", "line-2", "trunk-1", "line-4", "gone"}
	doc.Lines = nil
	for i := range rapid.IntRange(0, 4).Draw(t, "lines") {
		l := office.Line{
			ID:        ids[i],
			Kind:      rapid.SampledFrom([]office.LineKind{office.LineAnalog, office.LineISDN, office.LineMobile, office.LineTrunk}).Draw(t, "kind"),
			Channels:  rapid.IntRange(1, 3).Draw(t, "channels"),
			Emergency: rapid.Bool().Draw(t, "emergency"),
			Disabled:  rapid.IntRange(0, 5).Draw(t, "disabled") == 0,
			Path:      rapid.SampledFrom([]office.ID{"", "path-main", "gone"}).Draw(t, "path"),
		}
		if l.Kind == office.LineTrunk {
			l.Trunk = &office.Trunk{NumberFormat: rapid.SampledFrom([]string{"", "e164", "00", "national", "odd"}).Draw(t, "format")}
		}
		doc.Lines = append(doc.Lines, l)
	}
	order := rapid.SliceOfN(rapid.SampledFrom(ids), 0, 4)
	doc.Outbound = office.Outbound{
		Prefix:  rapid.SampledFrom([]string{"", "", "0", "9", "1", "11", "0112"}).Draw(t, "prefix"),
		Default: order.Draw(t, "default"),
		Classes: map[office.NumberClass][]office.ID{
			office.ClassEmergency: order.Draw(t, "order of emergency"),
			office.ClassMobile:    order.Draw(t, "order of mobile"),
		},
	}
	if rapid.Bool().Draw(t, "shadow") {
		doc.Extensions[0].Digits = rapid.SampledFrom([]string{"112", "118", "9112", "011", "201"}).Draw(t, "shadow extension")
		doc.Codes = map[office.Feature]string{office.FeatureEcho: rapid.SampledFrom([]string{"113", "*43", ""}).Draw(t, "shadow code")}
	}
	return doc
}

func drawState(t *rapid.T, doc *office.Document, at time.Time) route.State {
	st := route.State{Lines: map[office.ID]route.LineState{}}
	n := 0
	for _, l := range doc.Lines {
		if rapid.IntRange(0, 5).Draw(t, "unknown line state") == 0 {
			continue
		}
		s := route.LineState{InService: rapid.IntRange(0, 4).Draw(t, "in service") > 0}
		for range rapid.IntRange(0, l.Channels).Draw(t, "calls") {
			n++
			s.Calls = append(s.Calls, route.LineCall{
				Call:      journal.CallID(string(rune('a' + n))),
				Start:     at.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "age")) * time.Minute),
				Emergency: rapid.Bool().Draw(t, "emergency call"),
				Ending:    rapid.IntRange(0, 3).Draw(t, "ending") == 0,
				CallBack:  rapid.IntRange(0, 2).Draw(t, "call back") == 0,
			})
		}
		if rapid.IntRange(0, 4).Draw(t, "clearing") > 0 {
			s.Free = l.Channels - len(s.Calls)
		}
		if rapid.Bool().Draw(t, "reserved") {
			s.ReservedUntil = at.Add(time.Duration(rapid.IntRange(-1, 30).Draw(t, "reserved for")) * time.Minute)
		}
		st.Lines[l.ID] = s
	}
	return st
}

func drawDialled(t *rapid.T, prefix string) string {
	number := rapid.OneOf(
		rapid.SampledFrom(italian),
		rapid.StringMatching(`(0|02|011|0112|3|33|800|899|1|11|12|18|45|10|00|0039|\+39|\+|0044|\*|\*7|20|60)[0-9]{0,9}`),
		rapid.SampledFrom([]string{"201", "203", "600", "601", "700", "909", "*72", "*43*1", "", "112 ", "1-1-2", "1 12", "+39112", "0039112", "112#", "1122", "2112"}),
		rapid.String(),
	).Draw(t, "number")
	if rapid.Bool().Draw(t, "with prefix") {
		return prefix + number
	}
	return number
}

func drawRequest(t *rapid.T, doc *office.Document) route.Request {
	req := route.Request{Dialled: drawDialled(t, doc.Outbound.Prefix)}
	if rapid.IntRange(0, 3).Draw(t, "from line") == 0 {
		req.Line = rapid.SampledFrom([]office.ID{"line-1", "line-2", "trunk-1", "line-4", "gone"}).Draw(t, "line")
		req.Caller = route.Plan(doc).Caller(rapid.SampledFrom([]string{"0612345678", "P", "", "+4930123456"}).Draw(t, "caller"))
		return req
	}
	req.Device = rapid.SampledFrom([]office.ID{"d-anna", "d-bruno", "d-carla-1", "hall", "d-off", "stranger", ""}).Draw(t, "device")
	req.Trust = rapid.SampledFrom([]route.Trust{route.TrustDigest, route.TrustDigest, route.TrustBinding, route.TrustNone, ""}).Draw(t, "trust")
	return req
}

// ofTheBox says, in its own words, whether the request comes from a telephone of
// the box.
func ofTheBox(doc *office.Document, req route.Request) bool {
	known := slices.ContainsFunc(doc.Devices, func(d office.Device) bool { return d.ID == req.Device })
	return known && (req.Trust == route.TrustDigest || req.Trust == route.TrustBinding)
}

func setNumber(doc *office.Document, dialled string) (string, bool) {
	s := numbering.Clean(dialled)
	for _, n := range italian {
		if s == n || s == doc.Outbound.Prefix+n {
			return n, true
		}
	}
	return "", false
}

// TestLaws holds over any office, any state of its lines and anything dialled.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawOffice(t)
		at := monday.Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(t, "minute")) * time.Minute)
		st := drawState(t, doc, at)
		req := drawRequest(t, doc)
		before, _ := json.Marshal(doc)
		a, trace := route.Decide(doc, req, at, st)
		if a == nil || len(trace) == 0 {
			t.Fatalf("no answer or no reason: %v %v", a, trace)
		}
		sameAnywhere(t, doc, req, at, st, a, trace)
		if after, _ := json.Marshal(doc); string(before) != string(after) {
			t.Fatal("the document was changed")
		}
		if r, ok := a.(route.Refuse); ok && (r.Reason != trace[len(trace)-1].Rule || r.Code < 400 || r.Code > 699) {
			t.Fatalf("refused %+v for %v", r, trace)
		}
		noNumbersInTrace(t, req, trace)

		number, want := setNumber(doc, req.Dialled)
		want = want && req.Line == "" && ofTheBox(doc, req)
		d, dials := a.(route.DialOut)
		switch {
		case want && !(dials && d.Emergency && d.Number.Short == number):
			t.Fatalf("emergency call %q is answered with %+v", req.Dialled, a)
		case !want && dials && (d.Emergency || d.Preempt != nil || d.Class == office.ClassEmergency):
			t.Fatalf("%q is taken for an emergency call: %+v", req.Dialled, a)
		case req.Line != "" && (dials || a.Name() == "feature"):
			t.Fatalf("what came in goes out: %+v", a)
		case dials && d.Emergency:
			emergencyLaws(t, doc, st, d)
		case dials:
			ordinaryLaws(t, doc, at, st, d)
		}
	})
}

// sameAnywhere: the same question gives the same answer again, from a copy of the
// document (as a page that explains it has), and with the calls in another order.
func sameAnywhere(t *rapid.T, doc *office.Document, req route.Request, at time.Time, st route.State, a route.Action, trace []journal.TraceStep) {
	b, _ := json.Marshal(doc)
	var copied office.Document
	if err := json.Unmarshal(b, &copied); err != nil {
		t.Fatal(err)
	}
	copied.Freeze() // as the applied document is
	turned := route.State{Lines: map[office.ID]route.LineState{}}
	for id, l := range st.Lines {
		l.Calls = slices.Clone(l.Calls)
		slices.Reverse(l.Calls)
		turned.Lines[id] = l
	}
	a2, trace2 := route.Decide(&copied, req, at, turned)
	if d := cmp.Diff(a, a2) + cmp.Diff(trace, trace2); d != "" {
		t.Fatalf("explained differently than done:\n%s", d)
	}
}

var longDigits = regexp.MustCompile(`[0-9]{6,}`)

func noNumbersInTrace(t *rapid.T, req route.Request, trace []journal.TraceStep) {
	for _, s := range trace {
		for _, v := range s.Args {
			if longDigits.MatchString(v) || (len(req.Dialled) > 5 && strings.Contains(v, req.Dialled)) {
				t.Fatalf("a number stands in the trace: %v", s)
			}
		}
	}
}

func emergencyLaws(t *rapid.T, doc *office.Document, st route.State, d route.DialOut) {
	var capable, freeCapable, enabled int
	var best route.LineCall
	for _, l := range doc.Lines {
		if l.Disabled {
			continue
		}
		enabled++
		s := st.Lines[l.ID]
		if !l.Emergency || !s.InService {
			continue
		}
		capable++
		if s.Free > 0 {
			freeCapable++
			continue
		}
		for _, c := range s.Calls {
			if c.Emergency || c.Ending {
				continue
			}
			late := c.Start.After(best.Start) || c.Start.Equal(best.Start) && c.Call > best.Call
			if best.Call == "" || best.CallBack && !c.CallBack || best.CallBack == c.CallBack && late {
				best = c
			}
		}
	}
	for _, c := range d.Candidates {
		if c.Dial != d.Number.Short {
			t.Fatalf("emergency number %s is dialled as %q", d.Number.Short, c.Dial)
		}
	}
	unique(t, d)
	switch {
	case freeCapable > 0 && d.Preempt != nil:
		t.Fatalf("a call is ended although a line is free: %+v", d)
	case freeCapable > 0 && !freeFor(doc, st, d.Candidates[0].Line):
		t.Fatalf("a free line that can carry the call does not come first: %+v", d)
	case freeCapable == 0 && capable > 0 && best.Call != "" && (d.Preempt == nil || d.Preempt.Call != best.Call || d.Candidates[0].Line != d.Preempt.Line || d.Preempt.Prompt == ""):
		t.Fatalf("the youngest ordinary call %q is not the one ended: %+v", best.Call, d.Preempt)
	case d.Preempt != nil && freeLater(st, d.Candidates):
		t.Fatalf("a line is to be freed, but another is free: %+v", d)
	case best.Call == "" && d.Preempt != nil:
		t.Fatalf("an emergency call is ended: %+v", d.Preempt)
	case len(d.Candidates) == 0 && clearing(doc, st):
		t.Fatal("an emergency call does not wait for a line that nobody holds")
	case enabled > 0 && len(d.Candidates) == 0 && !allBusy(doc, st):
		t.Fatal("an emergency call has no line to try")
	}
}

func freeFor(doc *office.Document, st route.State, id office.ID) bool {
	i := slices.IndexFunc(doc.Lines, func(l office.Line) bool { return l.ID == id })
	return i >= 0 && doc.Lines[i].Emergency && st.Lines[id].InService && st.Lines[id].Free > 0
}

func freeLater(st route.State, list []route.Candidate) bool {
	return slices.ContainsFunc(list, func(c route.Candidate) bool { return st.Lines[c.Line].InService && st.Lines[c.Line].Free > 0 })
}

// allBusy: every enabled line is in service and has no free channel.
func allBusy(doc *office.Document, st route.State) bool {
	for _, l := range doc.Lines {
		if s := st.Lines[l.ID]; !l.Disabled && (!s.InService || s.Free > 0) {
			return false
		}
	}
	return true
}

// clearing: a line for emergency calls is held by no call and not free yet.
func clearing(doc *office.Document, st route.State) bool {
	return slices.ContainsFunc(doc.Lines, func(l office.Line) bool {
		s := st.Lines[l.ID]
		return !l.Disabled && l.Emergency && s.InService && s.Free <= 0 && len(s.Calls) == 0
	})
}

func ordinaryLaws(t *rapid.T, doc *office.Document, at time.Time, st route.State, d route.DialOut) {
	if len(d.Candidates) == 0 {
		t.Fatal("an ordinary call without a line")
	}
	unique(t, d)
	for _, c := range d.Candidates {
		i := slices.IndexFunc(doc.Lines, func(l office.Line) bool { return l.ID == c.Line })
		l, s := doc.Lines[i], st.Lines[c.Line]
		if l.Disabled || !s.InService || s.Free < 1 || c.Dial == "" || slices.Contains(italian, c.Dial) {
			t.Fatalf("candidate %+v on %+v", c, s)
		}
		if !at.Before(s.ReservedUntil) || s.Free > 1 {
			continue
		}
		if l.Channels > 1 {
			t.Fatalf("the last free channel of %s is not kept", l.ID)
		}
		for _, o := range d.Candidates {
			if o.Line != c.Line && !at.Before(st.Lines[o.Line].ReservedUntil) {
				t.Fatalf("%s is not kept although %s can serve", c.Line, o.Line)
			}
		}
	}
}

func unique(t *rapid.T, d route.DialOut) {
	seen := map[office.ID]bool{}
	for _, c := range d.Candidates {
		if seen[c.Line] {
			t.Fatalf("line %s stands twice", c.Line)
		}
		seen[c.Line] = true
	}
}

// TestClasses keeps the two lists of classes equal and every class covered.
func TestClasses(t *testing.T) {
	want := []office.NumberClass{office.ClassEmergency, office.ClassNational, office.ClassMobile, office.ClassFreephone,
		office.ClassShared, office.ClassInternational, office.ClassPremium, office.ClassService}
	var got []office.NumberClass
	for _, c := range numbering.Classes() {
		got = append(got, office.NumberClass(c))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestTexts: every rule of this package has its text in both languages.
func TestTexts(t *testing.T) {
	rules := map[string]bool{}
	for _, f := range []string{"route.go", "decision.go", "outside.go"} {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(route\.[a-zA-Z.]+)"`).FindAllStringSubmatch(string(src), -1) {
			rules[m[1]] = true
		}
	}
	for _, p := range []numbering.Presentation{numbering.Presented, numbering.Restricted, numbering.Unavailable} {
		rules["route.caller."+string(p)] = true
	}
	for _, c := range numbering.Classes() {
		if c != numbering.Emergency {
			rules["route.class."+string(c)] = true
		}
	}
	delete(rules, "route.caller.")
	delete(rules, "route.class.")
	for _, lang := range []string{"it", "en"} {
		var texts map[string]string
		b, err := os.ReadFile("../../ui/i18n/rules." + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &texts); err != nil {
			t.Fatal(err)
		}
		for r := range rules {
			if texts[r] == "" {
				t.Errorf("%s: no text for %s", lang, r)
			}
		}
		for k := range texts {
			if strings.HasPrefix(k, "route.") && !rules[k] {
				t.Errorf("%s: text %s is not used", lang, k)
			}
		}
	}
}
