package health_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board/health"

	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func words(all []health.Entry) string {
	var out []string
	for _, e := range all {
		s := string(e.Kind)
		if e.Subject != "" {
			s += "(" + e.Subject + ")"
		}
		if e.By != "" {
			s += "<" + string(e.By)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestList(t *testing.T) {
	type step struct {
		after time.Duration // from the start
		raise health.Kind
		clear health.Kind
		about string
		want  string
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"a fault counts only after it has lasted", []step{
			{0, health.TrunkDown, "", "tim", ""},
			{14 * time.Second, "", "", "", ""},
			{15 * time.Second, "", "", "", "trunk.down(tim)"},
		}},
		{"a fault that goes away in time never counts", []step{
			{0, health.TrunkDown, "", "tim", ""},
			{10 * time.Second, "", health.TrunkDown, "tim", ""},
			{time.Minute, "", "", "", ""},
		}},
		{"a fault is over only after it was away", []step{
			{0, health.LineGone, "", "line-1", ""},
			{time.Second, "", "", "", "line.gone(line-1)"},
			{10 * time.Second, "", health.LineGone, "line-1", "line.gone(line-1)"},
			{11 * time.Second, health.LineGone, "", "line-1", "line.gone(line-1)"},
			{20 * time.Second, "", health.LineGone, "line-1", "line.gone(line-1)"},
			{23 * time.Second, "", "", "", ""},
		}},
		{"the network cable explains trunk, telephones and clock", []step{
			{0, health.TrunkDown, "", "tim", ""},
			{0, health.NoPhones, "", "", ""},
			{time.Minute, health.LineGone, "", "line-1", "trunk.down(tim) phones.none"},
			{time.Minute, health.NetworkCable, "", "", "trunk.down(tim) phones.none"},
			{2 * time.Minute, "", "", "", "network.cable line.gone(line-1) trunk.down(tim)<network.cable phones.none<network.cable"},
			{3 * time.Minute, "", health.NetworkCable, "", "network.cable line.gone(line-1) trunk.down(tim)<network.cable phones.none<network.cable"},
			{4 * time.Minute, "", "", "", "trunk.down(tim) line.gone(line-1) phones.none"},
		}},
		{"faults come before warnings", []step{
			{0, health.StorageRecovered, "", "", "storage.recovered"},
			{0, health.StorageFailed, "", "", "storage.failed storage.recovered"},
		}},
		{"two subjects are two faults", []step{
			{0, health.LineNoDialTone, "", "line-2", "line.noDialTone(line-2)"},
			{0, health.LineNoDialTone, "", "line-1", "line.noDialTone(line-1) line.noDialTone(line-2)"},
			{0, "", health.LineNoDialTone, "line-2", "line.noDialTone(line-1)"},
		}},
		{"what is not in the table is ignored", []step{{0, "nonsense", "", "", ""}, {time.Hour, "", "nonsense", "", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := health.NewList()
			for i, s := range c.steps {
				now := t0.Add(s.after)
				l.Tick(now)
				if s.raise != "" {
					l.Raise(s.raise, s.about, now)
				}
				if s.clear != "" {
					l.Clear(s.clear, s.about, now)
				}
				if got := words(l.All()); got != s.want {
					t.Errorf("step %d: %q, want %q", i, got, s.want)
				}
			}
		})
	}
}

// TestLaws: whatever is raised and cleared, changes come in turns and agree with
// the list, the worst is never hidden, and when everything was cleared and time
// has passed the list is empty.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := health.NewList()
		counts := map[string]bool{}
		take := func(cs []health.Change) {
			for _, c := range cs {
				k := fmt.Sprint(c.Kind, c.Subject)
				if counts[k] == c.Raised {
					t.Fatalf("%+v twice", c)
				}
				counts[k] = c.Raised
			}
		}
		now := t0
		subject := rapid.SampledFrom([]string{"", "line-1", "line-2"})
		kind := rapid.Custom(func(t *rapid.T) health.Kind { return rapid.SampledFrom(health.Kinds).Draw(t, "rule").Kind })
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "s")) * time.Second)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				take(l.Raise(kind.Draw(t, "kind"), subject.Draw(t, "subject"), now))
			case 2:
				take(l.Clear(kind.Draw(t, "kind"), subject.Draw(t, "subject"), now))
			case 3:
				take(l.ClearSubject(subject.Draw(t, "subject"), now))
			}
			n := 0
			for _, on := range counts {
				if on {
					n++
				}
			}
			all := l.All()
			if len(all) != n {
				t.Fatalf("%d faults in the list, %d told", len(all), n)
			}
			if w, ok := l.Worst(); ok != slices.ContainsFunc(all, func(e health.Entry) bool { return e.By == "" }) || w.By != "" {
				t.Fatalf("worst is %+v of %v", w, all)
			}
			if len(all) > 0 && all[0].By != "" {
				t.Fatalf("everything is hidden: %v", all)
			}
			for _, e := range all {
				if e.By != "" && e.Severity == health.Fault {
					if r, _ := health.RuleOf(e.By); r.Severity != health.Fault {
						t.Fatalf("a warning hides a fault: %+v", e)
					}
				}
			}
			if next := l.Next(); !next.IsZero() && !next.After(now) {
				t.Fatalf("Next %v is not after %v", next, now)
			}
		}
		for _, s := range []string{"", "line-1", "line-2"} {
			take(l.ClearSubject(s, now))
		}
		take(l.Tick(now.Add(time.Hour)))
		if all := l.All(); len(all) != 0 || !l.Next().IsZero() {
			t.Fatalf("left over: %v", all)
		}
	})
}

func TestTable(t *testing.T) {
	seen := map[health.Kind]bool{}
	last := 0
	for _, r := range health.Kinds {
		if seen[r.Kind] || r.Code < 1 || r.Code > 9 || r.Code < last {
			t.Errorf("row %+v", r)
		}
		seen[r.Kind], last = true, r.Code
	}
	for _, r := range health.Kinds {
		for _, c := range r.Causes {
			if !seen[c] || c == r.Kind {
				t.Errorf("%s causes %s", r.Kind, c)
			}
			if back, _ := health.RuleOf(c); slices.Contains(back.Causes, r.Kind) {
				t.Errorf("%s and %s hide each other", r.Kind, c)
			}
		}
	}
}

func TestMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		m := health.NewMonitor(func(all []health.Entry, changes []health.Change) {
			told = append(told, fmt.Sprint(words(all), changes))
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		m.Raise(health.LineGone, "line-1")
		time.Sleep(time.Second + time.Millisecond)
		if e, ok := m.Worst(); !ok || e.Code != 6 {
			t.Errorf("worst %+v", e)
		}
		m.Clear(health.LineGone, "line-1")
		time.Sleep(4 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := []string{"line.gone(line-1)[{line.gone line-1 true}]", "[{line.gone line-1 false}]"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

// TestTexts: every fault says what it is, what it means for calls and what to do,
// in both languages.
func TestTexts(t *testing.T) {
	for _, lang := range []string{"it", "en"} {
		b, err := os.ReadFile("../../ui/i18n/rules." + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(b, &texts); err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, r := range health.Kinds {
			e := health.Entry{Kind: r.Kind}
			want[e.Title()], want[e.Effect()], want[e.Action()] = true, true, true
		}
		for id := range want {
			if texts[id] == "" {
				t.Errorf("%s: no text for %s", lang, id)
			}
		}
		for id, text := range texts { // one person is spoken to, as everywhere: "controlla", not "controllate"
			first, _, _ := strings.Cut(text, " ")
			if lang == "it" && strings.HasSuffix(id, ".action") && (strings.HasSuffix(first, "ate") || strings.HasSuffix(first, "ete") || strings.HasSuffix(first, "ite")) {
				t.Errorf("%s speaks to several people: %s", id, text)
			}
		}
		for id := range texts {
			if strings.HasPrefix(id, "fault.") && !want[id] {
				t.Errorf("%s: text %s is not used", lang, id)
			}
		}
	}
}
