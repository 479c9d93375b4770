package report

import (
	"slices"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
)

// teamColumns are what is shown of a team or a person.
var teamColumns = []Column{
	{"handled", KindCount}, {"loggedIn", KindTime}, {"talkTime", KindTime}, {"wrapTime", KindTime}, {"readyTime", KindTime},
	{"otherTime", KindTime}, {"pauseTime", KindTime}, {"breakTime", KindTime}, {"occupancy", KindShare}, {"utilisation", KindShare},
}

func (s *Source) teamCells(w *kpi.Work, handled int, may bool) []Cell {
	of := func(d time.Duration) Cell { return length(d, 1, nil).hide(may) }
	occupancy, ok := w.Occupancy()
	utilisation, ok2 := w.Utilisation()
	return []Cell{
		count(handled, nil).hide(may), of(w.LoggedIn()), of(w.Talk), of(w.Wrap), of(w.Ready), of(w.Other + w.Busy), of(w.Paused), of(w.Break),
		share(occupancy, ok, nil).hide(may), share(utilisation, ok2, nil).hide(may),
	}
}

// smallestRest is how many people must be left when a team is taken away from a
// larger one that is shown too; with fewer, the difference of the two would be the
// figures of those few.
const smallestRest = 5

// Teams is the report by team: the members of each queue, and everybody. Reasons of
// pauses are never told apart but for breaks from the screen. A team in which nobody
// worked is left out.
func (s *Source) Teams() Table {
	t := Table{ID: "team", Columns: append([]Column{{"team", KindQueue}}, teamColumns...)}
	var shown []team
	for _, q := range append(slices.Clip(s.Queues()), "") {
		work := s.work(s.Facts.Agents, q)
		if len(work.people) == 0 {
			continue
		}
		name := text(KindQueue, q)
		if q == "" {
			name = text(KindWord, "report.everybody")
		}
		may := s.may(work.people) && !slices.ContainsFunc(shown, func(o team) bool { return s.tells(&work, &o) })
		if may {
			shown = append(shown, work)
		}
		t.Rows = append(t.Rows, Row{Cells: append([]Cell{name}, s.teamCells(&work.Work, s.handledBy(work.people), may)...), Sum: q == ""})
	}
	t.hiddenNote()
	return t
}

// tells reports whether two teams' figures give away those of a few people who are
// in one and not in the other, and whom the gate keeps back.
func (s *Source) tells(a, b *team) bool {
	for _, pair := range [][2]*team{{a, b}, {b, a}} {
		if !contains(pair[0].people, pair[1].people) {
			continue
		}
		var rest []journal.SubjectID
		for _, p := range pair[0].people {
			if !slices.Contains(pair[1].people, p) {
				rest = append(rest, p)
			}
		}
		if len(rest) > 0 && len(rest) < smallestRest && !s.May(rest) {
			return true
		}
	}
	return false
}

func contains(all, some []journal.SubjectID) bool {
	return !slices.ContainsFunc(some, func(p journal.SubjectID) bool { return !slices.Contains(all, p) })
}

// handledBy counts the contacts that people talked to.
func (s *Source) handledBy(people []journal.SubjectID) int {
	in := map[journal.SubjectID]bool{}
	for _, p := range people {
		in[p] = true
	}
	n := 0
	for i := range s.Facts.Visits {
		if v := &s.Facts.Visits[i]; in[v.Agent] && kpi.CHandled.Has(v, kpi.Rule{}) {
			n++
		}
	}
	return n
}

// People is the report by person, in the order given: only of those about whom the
// gate said yes (privacy.Gate.MaySeeFigures, which writes the look down).
func (s *Source) People(people []journal.SubjectID) Table {
	t := Table{ID: "people", Columns: append([]Column{{"person", KindSubject}}, teamColumns...)}
	for _, p := range people {
		var w kpi.Work
		for i := range s.Facts.Agents {
			if s.Facts.Agents[i].Agent == p {
				w.Add(s.Facts.Agents[i], s.breaks)
			}
		}
		t.Rows = append(t.Rows, Row{Cells: append([]Cell{text(KindSubject, string(p))}, s.teamCells(&w, s.handledBy([]journal.SubjectID{p}), true)...)})
	}
	return t
}
