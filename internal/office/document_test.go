package office_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"centralino/internal/office"
)

var update = flag.Bool("update", false, "make the golden files anew")

var ignoreIndex = cmpopts.IgnoreUnexported(office.Document{})

func sample() *office.Document { return office.Sample(office.SampleOptions{}).Doc }

// rich is the sample with everything in it that a document can hold.
func rich() *office.Document {
	d := sample()
	d.Lines = append(d.Lines, office.Line{ID: "line-4", Name: "VoIP", Kind: office.LineTrunk, Channels: 4, Trunk: &office.Trunk{
		Server: "sip.example.net:5061", Domain: "example.net", User: "0212345678", AuthUser: "u", Secret: "secret-x",
		Transport: "udp", Register: true, Expires: 5 * time.Minute, NumberFormat: "00",
	}})
	d.Schedules[0].Exceptions = []office.Exception{{Date: "2026-12-24", Name: "Vigilia di Natale", Spans: []office.Span{{From: 540, To: 780}}}, {Date: "2026-08-14"}}
	d.Schedules[0].Override = &office.Override{State: office.Closed, Until: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	d.Prompts[0].Texts = map[string]string{"it": "Benvenuti", "en": "Welcome"}
	d.Prompts[0].Audio = map[string]string{"it": strings.Repeat("a1", 32)}
	d.Outbound.Prefix = "0"
	d.Outbound.Classes = map[office.NumberClass][]office.ID{office.ClassMobile: {"line-4", "line-1"}}
	d.Codes = map[office.Feature]string{office.FeatureEcho: "*99"}
	d.Groups[0].Queue.Music = "prompt-greeting"
	d.Groups[0].Queue.MaxLength = 9
	d.Devices[0].Disabled = true
	d.Lines[0].Disabled = true
	d.People[0].Language = "en"
	d.Site.ACDNotice, d.Site.WorkCountry = true, "RO"
	d.Site.BreakEvery, d.Site.BreakFor = 2*time.Hour, 15*time.Minute
	d.People[0].Country, d.People[0].Skills = "AL", map[office.ID]int{"skill-1": 4, "skill-2": 9}
	d.Skills = append(d.Skills, office.Skill{ID: "skill-2", Name: "Fatture"})
	richQueue(d.Groups[0].Queue)
	d.Paths[1].Steps = slices.Insert(d.Paths[1].Steps, 1, office.Step{Kind: office.StepCallback, Group: "group-1"})
	d.Scripts = []office.Script{{ID: "script-1", Name: "Reclami", Text: "# saluto\nBuongiorno"}}
	d.Surveys = []office.Survey{{ID: "survey-1", Name: "Dopo la chiamata", Intro: "prompt-greeting", Questions: []office.ID{"prompt-menu", "prompt-busy"}, Keys: "12345", Thanks: "prompt-break"}}
	d.Webhooks = []office.Webhook{{ID: "webhook-1", Name: "CRM", URL: "https://crm.example/hook?x=1", Secret: "secret-y", Events: []string{"ringing", "outcome"}, Off: true}}
	d.Reports = []office.Report{{ID: "report-1", Name: "Sera", What: "day", Days: []string{"mon", "fri"}, At: 18*60 + 30, To: []string{"a@example.net", "b@example.net"}}}
	d.Mail = office.Mail{Server: "mail.example.net:587", User: "u", Secret: "secret-z", From: "box@example.net", TLS: "tls"}
	return d
}

// richQueue fills every rule of a queue.
func richQueue(q *office.QueueRules) {
	q.Step, q.Every, q.Bonus, q.Urgent, q.Redial = 2, 10*time.Second, time.Minute, true, 10*time.Minute
	q.LastAgent, q.LastAgentOf = 20*time.Second, 7*24*time.Hour
	q.Needs = map[office.ID]int{"skill-1": 3}
	q.Rings = []office.Ring{{After: 30 * time.Second, Lower: 1}, {After: time.Minute, Without: []office.ID{"skill-1", "skill-2"}, Group: "group-2"}}
	q.JoinEmpty, q.LeaveEmpty, q.MaxExpected = true, true, 5*time.Minute
	q.Announce, q.AnnounceFirst, q.SayPosition, q.SayWait = time.Minute, true, true, true
	q.Periodic, q.PeriodicEvery = "prompt-busy", 90*time.Second
	q.Exits, q.CallbackKey = map[string]office.ID{"0": "path-admin"}, "5"
	q.CallbackTries, q.CallbackRetry = 4, 5*time.Minute
	q.Whisper, q.WhisperName, q.NoNotice = "prompt-menu", true, true
	q.WrapUpMore, q.Outcomes, q.MustOutcome = time.Minute, []office.ID{"outcome-1", "outcome-2"}, true
	q.Script, q.Survey, q.PopURL = "script-1", "survey-1", "https://crm.example/find?n={number}&c={call}&q={queue}"
	q.Threshold, q.Target, q.ShortAbandon = 30*time.Second, 90, 3*time.Second
}

func TestSamplesAreValid(t *testing.T) {
	for name, d := range map[string]*office.Document{
		"empty": office.Empty(), "sample": sample(), "rich": rich(),
		"always open": office.Sample(office.SampleOptions{AlwaysOpen: true, Now: time.Now()}).Doc,
	} {
		if p := office.Validate(d); len(p) > 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	perf := office.SamplePerf()
	if p := office.Blocking(office.Validate(perf.Doc)); len(p) > 0 {
		t.Errorf("perf: %+v", p)
	}
	if perf.Secrets[perf.Doc.DeviceByUsername("1234").Secret] != "pw1234" || len(perf.Doc.Groups[0].Members) != 10 {
		t.Error("perf: not the numbering plan of the kit")
	}
}

func TestSampleLetsACallThrough(t *testing.T) {
	sunday := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	for open, want := range map[bool]office.DayState{true: office.Open, false: office.Closed} {
		d := office.Sample(office.SampleOptions{AlwaysOpen: open, Now: sunday}).Doc
		if got, _ := office.StateAt(d.Schedules[0], d.Site, sunday.Add(time.Hour)); got != want {
			t.Errorf("AlwaysOpen %v on a Sunday night: %s", open, got)
		}
	}
}

func TestSchemaIsAsReviewed(t *testing.T) {
	var b strings.Builder
	for _, f := range office.Schema() {
		fmt.Fprintf(&b, "%s.%s %s", f.Kind, f.Name, f.Type)
		if f.Unit != "" {
			fmt.Fprintf(&b, " %s", f.Unit)
		}
		if f.Min != 0 || f.Max != 0 {
			fmt.Fprintf(&b, " %d..%d", f.Min, f.Max)
		}
		if f.Choices != nil {
			fmt.Fprintf(&b, " of %q", f.Choices)
		}
		if f.Unbuilt != nil {
			fmt.Fprintf(&b, " without %q yet", f.Unbuilt)
		}
		if f.Refs != nil {
			fmt.Fprintf(&b, " to %v", f.Refs)
		}
		if f.Default != "" {
			fmt.Fprintf(&b, " default %q", f.Default)
		}
		for i, on := range []bool{f.Required, f.Fixed, f.Example, f.Expert} {
			if on {
				b.WriteString([]string{" required", " fixed", " example", " expert"}[i])
			}
		}
		fmt.Fprintf(&b, " by %s\n", f.Role)
	}
	got := b.String()
	const golden = "testdata/schema.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the schema changed (-update if it should):\n%s", diff)
	}
}

func TestEveryFieldHasItsTextIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range office.Schema() {
		if f.Role == "" || f.Type == "" {
			t.Errorf("%s.%s has no role or type", f.Kind, f.Name)
		}
		if seen[f.Label()] {
			t.Errorf("%s comes twice", f.Label())
		}
		seen[f.Label()] = true
		if got, ok := office.FieldOf(f.Kind, f.Name); !ok || !reflect.DeepEqual(got, f) {
			t.Errorf("FieldOf(%s, %s) is %+v", f.Kind, f.Name, got)
		}
	}
}

// TestWritingEveryFieldBackChangesNothing: the text form loses nothing.
func TestWritingEveryFieldBackChangesNothing(t *testing.T) {
	want := rich()
	got := rich()
	for _, f := range office.Schema() {
		for _, id := range want.IDs(f.Kind) {
			text, ok := want.Get(f.Kind, id, f.Name)
			if !ok {
				t.Fatalf("no %s.%s of %q", f.Kind, f.Name, id)
			}
			if p := got.Set(f.Kind, id, f.Name, text); len(p) > 0 {
				t.Errorf("%s.%s = %q: %v", f.Kind, f.Name, text, p)
			}
		}
	}
	if diff := cmp.Diff(want, got, ignoreIndex, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// leaves calls f for every value of a document that is not a struct, pointer, list
// or map itself.
func leaves(v reflect.Value, path string, f func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			f(path, v)
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				leaves(v.Field(i), path+"."+v.Type().Field(i).Name, f)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			leaves(v.Elem(), path, f)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			leaves(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(v.MapIndex(k))
			leaves(e, fmt.Sprintf("%s[%v]", path, k), func(path string, leaf reflect.Value) {
				f(path, leaf)
				v.SetMapIndex(k, e)
			})
		}
	default:
		f(path, v)
	}
}

func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		step := int64(1)
		if v.Type() == reflect.TypeFor[time.Duration]() {
			step = int64(time.Second)
		}
		v.SetInt(v.Int() + step)
	case reflect.Struct:
		v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(time.Hour)))
	}
}

// TestEveryValueIsInTheDifferenceAndTheCopy changes each single value of a full
// document: the difference must show it and the original must not.
func TestEveryValueIsInTheDifferenceAndTheCopy(t *testing.T) {
	var paths []string
	leaves(reflect.ValueOf(rich()).Elem(), "", func(path string, _ reflect.Value) { paths = append(paths, path) })
	if len(paths) < 150 {
		t.Fatalf("only %d values: the document is not rich enough", len(paths))
	}
	for _, path := range paths {
		a := rich()
		b := a.Clone()
		leaves(reflect.ValueOf(b).Elem(), "", func(p string, v reflect.Value) {
			if p == path {
				change(v)
			}
		})
		if len(office.Diff(a, b)) == 0 {
			t.Errorf("%s changed and the difference is empty", path)
		}
		if diff := cmp.Diff(rich(), a, ignoreIndex, cmpopts.IgnoreFields(office.Device{}, "Secret")); diff != "" {
			t.Errorf("%s: changing the copy changed the original:\n%s", path, diff)
		}
	}
}

func TestDiffReads(t *testing.T) {
	a := sample()
	b := a.Clone()
	b.Set(office.KindSite, "", "name", "Studio Rossi")
	b.Set(office.KindGroup, "group-1", "queue.ringTime", "25")
	b.Add(office.KindProfile, "profile-2")
	b.Extensions = slices.Delete(b.Extensions, 5, 6)
	slices.Reverse(b.Menus)
	b.Lines[0], b.Lines[1] = b.Lines[1], b.Lines[0]
	var got []string
	for _, c := range office.Diff(a, b) {
		got = append(got, fmt.Sprintf("%s %s %s %s: %s > %s", c.Op, c.Kind, c.ID, c.Field, c.From, c.To))
	}
	want := []string{
		"changed site  name: Ufficio di prova > Studio Rossi",
		"changed line  order: line-1 line-2 line-3 > line-2 line-1 line-3",
		"removed extension extension-6 :  > ",
		"removed extension extension-6 digits: 601 > ",
		"removed extension extension-6 target: group:group-2 > ",
		"changed group group-1 queue.ringTime: 20 > 25",
		"added profile profile-2 :  > ",
		"added profile profile-2 allow:  > emergency national mobile freephone service",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSetRefusesAndChangesNothing(t *testing.T) {
	for _, tt := range []struct {
		name            string
		kind            office.Kind
		id, field, text string
		code            string
	}{
		{"an empty name", office.KindLine, "line-1", "name", "", office.ProblemRequired},
		{"a name of 61 characters", office.KindLine, "line-1", "name", strings.Repeat("è", 61), office.ProblemLong},
		{"a line end in a name", office.KindLine, "line-1", "name", "a\nb", office.ProblemControl},
		{"a character that turns the writing", office.KindLine, "line-1", "name", "a\u202eb", office.ProblemControl},
		{"broken UTF-8", office.KindLine, "line-1", "name", "a\xff", office.ProblemControl},
		{"a word for a number", office.KindLine, "line-1", "rings", "two", office.ProblemNumber},
		{"too many rings", office.KindLine, "line-1", "rings", "11", office.ProblemLarge},
		{"a negative number", office.KindLine, "line-1", "rings", "-1", office.ProblemSmall},
		{"a number beyond all bounds", office.KindLine, "line-1", "rings", "99999999999999999999", office.ProblemNumber},
		{"maybe", office.KindLine, "line-1", "emergency", "maybe", office.ProblemSwitch},
		{"an unknown strategy is an error, not a default", office.KindGroup, "group-1", "queue.strategy", "fair", office.ProblemChoice},
		{"a level of ten", office.KindPerson, "p-sample-anna", "skills", "skill-1=10", office.ProblemLevel},
		{"a level of none", office.KindGroup, "group-1", "queue.needs", "skill-1=0", office.ProblemLevel},
		{"a ring that never comes", office.KindGroup, "group-1", "queue.rings", "lower=1", office.ProblemRing},
		{"a ring that changes nothing", office.KindGroup, "group-1", "queue.rings", "after=30", office.ProblemRing},
		{"a ring before the one before", office.KindGroup, "group-1", "queue.rings", "after=30 lower=1\nafter=30 lower=2", office.ProblemRingOrder},
		{"a ring without a skill twice", office.KindGroup, "group-1", "queue.rings", "after=30 without=skill-1,skill-1", office.ProblemRing},
		{"half past the end of the day", office.KindReport, "report-1", "at", "24:30", office.ProblemTime},
		{"a queue's rule on a ring group", office.KindGroup, "group-2", "queue.outcomes", "outcome-1", office.ProblemUnused},
		{"a break of a second", office.KindSite, "", "breakFor", "0.1", office.ProblemNumber},
		{"a step that calls back to nobody", office.KindPath, "path-main", "steps", "callback", office.ProblemStep},
		{"a national number without its country", office.KindNumber, "number-1", "number", "0212345", office.ProblemPhone},
		{"hours that overlap", office.KindSchedule, "schedule-1", "week.1", "09:00-13:00 12:00-15:00", office.ProblemHoursOrder},
		{"hours that end before they begin", office.KindSchedule, "schedule-1", "week.1", "13:00-09:00", office.ProblemHoursOrder},
		{"hours that are none", office.KindSchedule, "schedule-1", "week.1", "morning", office.ProblemHours},
		{"minute 60", office.KindSchedule, "schedule-1", "week.1", "09:60-10:00", office.ProblemHours},
		{"30 February", office.KindSchedule, "schedule-1", "exceptions", "2026-02-30 chiuso", office.ProblemDate},
		{"one date twice", office.KindSchedule, "schedule-1", "exceptions", "2026-02-03\n2026-02-03", office.ProblemDate},
		{"an override without end", office.KindSchedule, "schedule-1", "override", "open", office.ProblemOverride},
		{"a key without path", office.KindMenu, "menu-1", "keys", "1=", office.ProblemPair},
		{"one key twice", office.KindMenu, "menu-1", "keys", "1=path-a\n1=path-b", office.ProblemDuplicate},
		{"a step of unknown kind", office.KindPath, "path-main", "steps", "teleport path=x", office.ProblemStep},
		{"a step without what it needs", office.KindPath, "path-main", "steps", "message", office.ProblemStep},
		{"a step with a part of another", office.KindPath, "path-main", "steps", "message prompt=p menu=m", office.ProblemStep},
		{"a target of no kind", office.KindExtension, "extension-1", "target", "line:line-1", office.ProblemTarget},
		{"a trunk's server on an analog line", office.KindLine, "line-1", "trunk.server", "x", office.ProblemUnused},
		{"an unknown field", office.KindLine, "line-1", "colour", "red", office.ProblemUnknown},
		{"an unknown object", office.KindLine, "line-9", "name", "x", office.ProblemUnknown},
		{"an unknown kind", "planet", "line-9", "name", "x", office.ProblemUnknown},
	} {
		d := rich()
		before := d.Clone()
		p := d.Set(tt.kind, tt.id, tt.field, tt.text)
		if len(p) != 1 || p[0].Code != tt.code {
			t.Errorf("%s: %+v, want %s", tt.name, p, tt.code)
		}
		if diff := cmp.Diff(before, d, ignoreIndex); diff != "" {
			t.Errorf("%s: changed nevertheless:\n%s", tt.name, diff)
		}
	}
}

func TestAddAndRemove(t *testing.T) {
	d := sample()
	for _, k := range office.Kinds() {
		p := d.Add(k, "new-"+string(k))
		single := k == office.KindSite || k == office.KindOutbound || k == office.KindCodes || k == office.KindMail
		if (len(p) == 0) == single {
			t.Errorf("add %s: %v", k, p)
		}
		if !single && len(d.Remove(k, "new-"+string(k))) > 0 {
			t.Errorf("%s can't be removed again", k)
		}
	}
	if diff := office.Diff(sample(), d); len(diff) > 4 { // secrets of the phones are the same handles
		t.Errorf("adding and removing left %v", diff)
	}
	p := d.Remove(office.KindPath, "path-queue")
	var where []string
	for _, u := range p {
		where = append(where, string(u.Kind)+" "+u.Object+" "+u.Field+" "+u.Code)
	}
	want := []string{"menu menu-1 keys problem.used", "menu menu-1 else problem.used", "path path-admin steps problem.used"}
	if diff := cmp.Diff(want, where); diff != "" {
		t.Errorf("used by: %s", diff)
	}
	if d.PathByID("path-queue") == nil {
		t.Error("removed although it is used")
	}
	if p := d.Add(office.KindMenu, "line-1"); len(p) != 1 || p[0].Code != office.ProblemDuplicate {
		t.Errorf("an id of another kind was taken again: %v", p)
	}
	if p := d.Add(office.KindLine, "../x"); len(p) != 1 || p[0].Code != office.ProblemID {
		t.Errorf("a strange id: %v", p)
	}
	if p := d.Set(office.KindLine, "line-1", "kind", "trunk"); len(p) > 0 || d.LineByID("line-1").Trunk == nil {
		t.Errorf("a line that becomes a trunk has no trunk: %v", p)
	}
	if d.Set(office.KindLine, "line-1", "kind", "analog"); d.LineByID("line-1").Trunk != nil {
		t.Error("a trunk that becomes a line keeps its trunk")
	}
}

func TestFindersAgreeFrozenOrNot(t *testing.T) {
	loose, frozen := rich(), rich()
	frozen.Freeze()
	for _, digits := range []string{"201", "600", "*70", "*99", "*43", "999", "", "*721", "*720", "*72a", "*7512", "*701", "*74"} {
		a, ok1 := loose.Resolve(digits)
		b, ok2 := frozen.Resolve(digits)
		if ok1 != ok2 || !cmp.Equal(a, b) {
			t.Errorf("Resolve(%q): %v %v and %v %v", digits, a, ok1, b, ok2)
		}
	}
	for _, p := range append(loose.People, office.Person{ID: ""}, office.Person{ID: "p-none"}) {
		if !cmp.Equal(loose.DevicesOf(p.ID), frozen.DevicesOf(p.ID), cmpopts.IgnoreFields(office.Device{}, "Secret"), cmpopts.EquateEmpty()) ||
			!cmp.Equal(loose.GroupsOf(p.ID), frozen.GroupsOf(p.ID), cmpopts.EquateEmpty()) ||
			!cmp.Equal(loose.PersonByID(p.ID), frozen.PersonByID(p.ID)) {
			t.Errorf("finders disagree about %s", p.ID)
		}
	}
	if n := len(frozen.DevicesOf("p-sample-anna")); n != 0 {
		t.Errorf("a disabled phone is one of %d", n)
	}
	if frozen.NumberByE164("+390212345672").ID != "number-2" || frozen.DeviceByUsername("202").ID != "device-2" {
		t.Error("finders find something else")
	}
}
