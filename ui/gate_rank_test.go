package ui_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"centralino/internal/journal"
	"centralino/internal/privacy"
	"centralino/ui/i18n"
)

// inTime are the pages whose order is that of time: who stands first there is who was
// last in a call, not who did more.
var inTime = []string{"/calls", "/api/v1/calls", "/me/looks", "/api/v1/me/looks", "/system/log", "/api/v1/log", "/callbacks", "/api/v1/callbacks", "/customers", "/api/v1/customer",
	"/recall", "/api/v1/recall", "/desk", "/live?page=callbacks", "/live?page=recall", "/live?page=desk", "/live?page=home&id=line-1 calls", "/live?page=home&id=line-1 duehome"}

// TestNoPageRanksPeople: with an agreement, where people may be seen by name, the order
// in which a page names them does not change when they change places in all that
// happened. So no page, stream or export sorts people by a figure or a state.
func TestNoPageRanksPeople(t *testing.T) {
	for n := range gateWorlds() {
		w := drawWorld(uint64(1000*gateSeed()+n), 0, 5, 9, privacy.UnionDeal)
		other, _ := w.swap(dario)
		lot := rand.New(rand.NewPCG(uint64(n), 5))
		a, b := w.play(t).newCurious(t, dario, lot, reach()), other.play(t).newCurious(t, dario, lot, reach())
		b.repeat(a.explore(&w))
		pages := 0
		for path, body := range a.read {
			if slices.ContainsFunc(inTime, func(p string) bool { return strings.HasPrefix(strings.TrimPrefix(path, "token "), p) }) {
				continue
			}
			was, is := w.namesIn(body), w.namesIn(b.read[path])
			if len(was) >= 3 {
				pages++
			}
			if both := func(s journal.SubjectID) bool { return !slices.Contains(was, s) || !slices.Contains(is, s) }; !slices.Equal(slices.DeleteFunc(slices.Clone(was), both), slices.DeleteFunc(slices.Clone(is), both)) {
				t.Errorf("%s names people in another order once they did something else: %v and %v", path, was, is)
			}
		}
		if pages < 3 {
			t.Errorf("only %d pages name several people: this proves little", pages)
		}
	}
}

// namesIn lists the agents in the order in which a page names them last: calls in
// progress, which stand in the order of time, come before lists of people.
func (w world) namesIn(body string) []journal.SubjectID {
	at := map[journal.SubjectID]int{}
	var out []journal.SubjectID
	for _, a := range w.agents {
		if i := strings.LastIndex(body, w.sample.Names[a]); i >= 0 {
			at[a] = i
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b journal.SubjectID) int { return at[a] - at[b] })
	return out
}

// TestNoTextJudgesPeople: nothing that the pages say scores feelings or ranks people.
func TestNoTextJudgesPeople(t *testing.T) {
	texts, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	never := regexp.MustCompile(`(?i)emozion|emotion|sentiment|classifica\b|graduatoria|leaderboard|ranking|podio|podium|(best|worst) (agent|operator)|(miglior|peggior)e? operator`)
	for _, lang := range i18n.Languages {
		p := texts.Printer(lang)
		for _, k := range p.Keys() {
			if m := never.FindString(p.Raw(k)); m != "" {
				t.Errorf("%s: %q says %q", lang, k, m)
			}
		}
	}
}
