package ivr_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx/ivr"

	"pgregory.net/rapid"
)

// walker goes every way through an office: in each place everything that can
// happen there is tried.
type walker struct {
	t       *testing.T
	doc     *office.Document
	now     time.Time
	seen    map[string]bool // places with what was tried there
	entered map[string]bool // "path/step"
	keys    map[string]bool // "menu/key" that led on
	ends    map[string]bool
}

// place is a state with what it waits for.
type place struct {
	s     ivr.State
	wait  ivr.Action
	tries int // menus said at this step
}

func (w *walker) from(path office.ID) {
	s, acts := ivr.Start(w.doc, path).Handle(ivr.Started{}, w.now)
	w.arrive(place{}, s, acts)
}

func (w *walker) arrive(from place, s ivr.State, acts []ivr.Action) {
	p := place{s: s, tries: from.tries}
	for _, a := range acts {
		switch a := a.(type) {
		case ivr.Note:
			w.entered[a.Step.Path+"/"+a.Step.Step] = true
		case ivr.Explain:
			if a.Step.Rule == "ivr.key" {
				w.keys[a.Step.Object+"/"+a.Step.Args["key"]] = true
			}
			if a.Step.Rule == "ivr.tooLong" {
				w.t.Fatalf("goes in circles: %v", a.Step)
			}
		case ivr.End:
			w.ends[a.Reason] = true
			p.wait = a
		case ivr.Play, ivr.Collect, ivr.EnterQueue, ivr.RingGroup, ivr.RingPerson:
			if p.wait != nil {
				w.t.Fatalf("waits for two things: %v", words(acts))
			}
			p.wait = a
		}
	}
	if p.wait == nil {
		w.t.Fatalf("waits for nothing: %v", words(acts))
	}
	if _, ended := p.wait.(ivr.End); ended != s.Over() {
		w.t.Fatalf("end and over do not agree: %v", words(acts))
	}
	path, step := s.At()
	fromPath, fromStep := from.s.At()
	if path != fromPath || step != fromStep {
		p.tries = 0
	}
	p.tries++
	key := fmt.Sprintf("%s/%d/%T/%d", path, step, p.wait, p.tries)
	if !s.Over() && !w.seen[key] {
		w.seen[key] = true
		w.leave(p)
	}
}

func (w *walker) leave(p place) {
	var events []ivr.Event
	switch a := p.wait.(type) {
	case ivr.Play:
		events = append(events, ivr.PlayDone{a.ID})
	case ivr.Collect:
		events = append(events, ivr.Timeout{a.ID})
	case ivr.EnterQueue:
		events = append(events, ivr.QueueLeft{"maxWait"})
	case ivr.RingGroup:
		events = append(events, ivr.GroupUnanswered{"noAnswer"})
	case ivr.RingPerson:
		events = append(events, ivr.PersonUnanswered{"noAnswer"})
	}
	for _, k := range "0123456789*#A" {
		events = append(events, ivr.Digit{byte(k)})
	}
	for _, e := range events {
		s, acts := p.s.Handle(e, w.now)
		if _, key := e.(ivr.Digit); key && len(acts) == 0 {
			continue // keys mean nothing here
		}
		w.arrive(p, s, acts)
	}
	for _, e := range []ivr.Event{ivr.Connected{}, ivr.HungUp{}} {
		if s, acts := p.s.Handle(e, w.now); !s.Over() || len(acts) != 0 {
			w.t.Fatalf("%T does not end the path", e)
		}
	}
}

func walkAll(t *testing.T, doc *office.Document, times []time.Time) *walker {
	w := &walker{t: t, doc: doc, entered: map[string]bool{}, keys: map[string]bool{}, ends: map[string]bool{}}
	for _, now := range times {
		for _, p := range doc.Paths {
			w.now, w.seen = now, map[string]bool{}
			w.from(p.ID)
		}
	}
	return w
}

// TestEveryWay walks every branch of the offices that the box comes with and of
// the test's own: every step is entered, every key leads on, every way ends.
func TestEveryWay(t *testing.T) {
	own := shop(office.Open)
	own.Schedules[0].Override = nil
	for day := range own.Schedules[0].Week {
		own.Schedules[0].Week[day] = []office.Span{{From: 9 * 60, To: 13 * 60}, {From: 14 * 60, To: 18 * 60}}
	}
	offices := map[string]*office.Document{"own": own}
	if s := office.Sample(office.SampleOptions{}); s.Doc != nil {
		offices["sample"] = s.Doc
	}
	for _, name := range slices.Sorted(maps.Keys(offices)) {
		t.Run(name, func(t *testing.T) {
			doc := offices[name]
			var times []time.Time
			for h := range 7 * 24 {
				times = append(times, noon.Add(time.Duration(h)*time.Hour))
			}
			times = append(times, time.Date(2026, 12, 25, 10, 0, 0, 0, time.UTC))
			w := walkAll(t, doc, times)
			for _, p := range doc.Paths {
				for _, s := range p.Steps {
					kind := string(s.Kind)
					switch g := doc.GroupByID(s.Group); {
					case s.Kind == office.StepGoto:
						continue // leaves no note
					case s.Kind == office.StepGroup && g.Mode == office.GroupQueue:
						kind = "queue"
					}
					if !w.entered[string(p.ID)+"/"+kind] {
						t.Errorf("step %s of path %s was never entered", kind, p.ID)
					}
				}
			}
			for _, m := range doc.Menus {
				for k, to := range m.Keys {
					if !w.keys[string(m.ID)+"/"+k] && doc.PathByID(to) != nil {
						t.Errorf("key %s of menu %s was never taken", k, m.ID)
					}
				}
			}
			if len(w.ends) == 0 {
				t.Error("no way ends")
			}
		})
	}
}

// TestSilence: in any office, also one that validation would refuse, a caller who
// does nothing and whom nobody answers reaches an end, and ids only grow.
func TestSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := shop(rapid.SampledFrom([]office.DayState{office.Open, office.Closed, office.Break, office.Holiday}).Draw(t, "hours"))
		id := rapid.SampledFrom([]office.ID{"a", "b", "c", "gone", ""})
		step := rapid.Custom(func(t *rapid.T) office.Step {
			return office.Step{
				Kind:     rapid.SampledFrom([]office.StepKind{office.StepHours, office.StepMessage, office.StepMenu, office.StepGroup, office.StepPerson, office.StepGoto, office.StepEnd, "odd"}).Draw(t, "kind"),
				Schedule: rapid.SampledFrom([]office.ID{"s-hours", "gone"}).Draw(t, "schedule"),
				On:       map[office.DayState]office.ID{office.Closed: id.Draw(t, "closed"), office.Open: id.Draw(t, "open")},
				Prompt:   rapid.SampledFrom([]office.ID{"m-hello", "gone"}).Draw(t, "prompt"),
				Menu:     rapid.SampledFrom([]office.ID{"menu", "gone"}).Draw(t, "menu"),
				Group:    rapid.SampledFrom([]office.ID{"g-help", "g-office", "g-empty", "gone"}).Draw(t, "group"),
				Person:   rapid.SampledFrom([]journal.SubjectID{"p-anna", "gone"}).Draw(t, "person"),
				Path:     id.Draw(t, "path"),
			}
		})
		doc.Paths = nil
		for _, p := range []office.ID{"a", "b", "c"} {
			doc.Paths = append(doc.Paths, office.Path{ID: p, Steps: rapid.SliceOfN(step, 0, 4).Draw(t, "steps")})
		}
		doc.Menus[0].Else = id.Draw(t, "else")
		doc.Menus[0].Tries = rapid.IntRange(-1, 4).Draw(t, "tries")
		s, acts := ivr.Start(doc, id.Draw(t, "start")).Handle(ivr.Started{}, noon)
		last := 0
		for n := 0; !s.Over(); n++ {
			if n > 20*ivr.MaxSteps {
				t.Fatal("the path does not end")
			}
			var next ivr.Event
			for _, a := range acts {
				switch a := a.(type) {
				case ivr.Play:
					next = ivr.PlayDone{a.ID}
					last = grows(t, last, a.ID)
				case ivr.Collect:
					next = ivr.Timeout{a.ID}
					last = grows(t, last, a.ID)
				case ivr.EnterQueue:
					next = ivr.QueueLeft{"full"}
				case ivr.RingGroup:
					next = ivr.GroupUnanswered{}
				case ivr.RingPerson:
					next = ivr.PersonUnanswered{}
				}
			}
			if next == nil {
				t.Fatalf("the call waits for nothing: %v", words(acts))
			}
			s, acts = s.Handle(next, noon)
		}
		if _, ok := acts[len(acts)-1].(ivr.End); !ok {
			t.Fatalf("over without an end: %v", words(acts))
		}
	})
}

func grows(t *rapid.T, last, id int) int {
	if id <= last {
		t.Fatalf("id %d after %d", id, last)
	}
	return id
}

// TestTexts: every rule of this package has its text in both languages.
func TestTexts(t *testing.T) {
	src, err := os.ReadFile("handle.go")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(ivr\.[a-zA-Z]+)"`).FindAllStringSubmatch(string(src), -1) {
		rules[m[1]] = true
	}
	for _, s := range []office.DayState{office.Open, office.Break, office.Closed, office.Holiday} {
		rules["ivr.hours."+string(s)] = true
	}
	for _, lang := range []string{"it", "en"} {
		b, err := os.ReadFile("../../ui/i18n/rules." + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(b, &texts); err != nil {
			t.Fatal(err)
		}
		for r := range rules {
			if texts[r] == "" {
				t.Errorf("%s: no text for %s", lang, r)
			}
		}
		for k := range texts {
			if strings.HasPrefix(k, "ivr.") && !rules[k] {
				t.Errorf("%s: text %s is not used", lang, k)
			}
		}
	}
}
