package report

import (
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/privacy"
)

// teamColumns are what is shown of a team or a person.
var teamColumns = []Column{
	{"handled", KindCount}, {"aht", KindTime}, {"acw", KindTime}, {"loggedIn", KindTime}, {"talkTime", KindTime}, {"readyTime", KindTime},
	{"otherTime", KindTime}, {"pauseTime", KindTime}, {"breakTime", KindTime}, {"occupancy", KindShare}, {"utilisation", KindShare},
}

// teamCells writes work into those columns.
func teamCells(w *kpi.Work, handled int) []Cell {
	of := func(d time.Duration) Cell { return length(d, 1, nil) }
	per := func(d time.Duration) Cell { return length(d/time.Duration(max(1, handled)), handled, nil) }
	occupancy, ok := w.Occupancy()
	utilisation, ok2 := w.Utilisation()
	return []Cell{
		count(handled, nil), per(w.Handling()), per(w.Wrap), of(w.LoggedIn()), of(w.Talk), of(w.Ready + w.Offered), of(w.Other + w.Busy), of(w.Paused),
		of(w.Break), share(occupancy, ok, nil), share(utilisation, ok2, nil),
	}
}

// Teams is the report by team. Where the gate is open each queue is a team; else
// the teams are those of privacy.Teams, made so large and so far apart that nothing
// is told of fewer than five people, and days on which fewer worked are left out, as
// is the day that is not over. Reasons of pauses are never told apart but for breaks
// from the screen.
func (s *Source) Teams() Table {
	t := Table{ID: "team", Columns: append([]Column{{"team", KindQueue}}, teamColumns...)}
	left := 0
	for _, team := range s.teams() {
		w, handled, out := s.teamWork(team.People)
		left = max(left, out)
		if w.LoggedIn() == 0 {
			continue
		}
		for i, q := range team.Groups { // one row; the names of all of its queues
			name := text(KindQueue, q)
			if i == 0 {
				t.Rows = append(t.Rows, Row{Cells: append([]Cell{name}, teamCells(&w, handled)...)})
			} else {
				first := &t.Rows[len(t.Rows)-1].Cells[0]
				first.More = append(first.More, q)
			}
		}
	}
	if !s.open {
		t.Notes = append(t.Notes, Sentence{ID: "report.note.five"})
		if left > 0 {
			t.Notes = append(t.Notes, Sentence{ID: "report.note.left", Args: map[string]Cell{"n": count(left, nil)}})
		}
	}
	return t
}

func (s *Source) teams() []privacy.Team {
	groups := privacy.Queues(s.Doc)
	if !s.open {
		return privacy.Teams(s.viewer, groups)
	}
	var out []privacy.Team
	for _, g := range groups {
		out = append(out, privacy.Team{Groups: []string{g.ID}, People: g.People})
	}
	return out
}

// parts are the sums that a team's figures are made of: the fields of its work.
var parts = []func(w *kpi.Work) *time.Duration{
	func(w *kpi.Work) *time.Duration { return &w.Talk }, func(w *kpi.Work) *time.Duration { return &w.Wrap },
	func(w *kpi.Work) *time.Duration { return &w.Offered }, func(w *kpi.Work) *time.Duration { return &w.Ready },
	func(w *kpi.Work) *time.Duration { return &w.Paused }, func(w *kpi.Work) *time.Duration { return &w.Busy },
	func(w *kpi.Work) *time.Duration { return &w.Other }, func(w *kpi.Work) *time.Duration { return &w.Break },
}

// teamWork adds up what people did and how many contacts they handled, day by day
// through the gate; left is how many days it left out. On each day the same people
// stand behind every sum: those who worked.
func (s *Source) teamWork(people []journal.SubjectID) (w kpi.Work, handled, left int) {
	of := map[journal.SubjectID]bool{}
	for _, p := range people {
		of[p] = true
	}
	sums := make([][]map[journal.SubjectID]time.Duration, len(parts)+1)
	for _, day := range kpi.Days(s.Facts.From, s.Facts.To, s.zone) {
		if !s.open && day.To.After(s.Facts.Now) {
			continue
		}
		work := map[journal.SubjectID]*kpi.Work{}
		for _, t := range within(s.Facts.Agents, day) {
			if !of[t.Agent] {
				continue
			}
			if work[t.Agent] == nil {
				work[t.Agent] = &kpi.Work{}
			}
			work[t.Agent].Add(t, s.breaks)
		}
		calls := map[journal.SubjectID]time.Duration{} // counted as nanoseconds
		for p := range work {
			calls[p] = 0
		}
		visits := arrivals(s.Facts.Visits, day)
		for i := range visits {
			if v := &visits[i]; work[v.Agent] != nil && kpi.CHandled.Has(v, kpi.Rule{}) {
				calls[v.Agent]++
			}
		}
		sums[len(parts)] = append(sums[len(parts)], calls)
		for i, part := range parts {
			one := map[journal.SubjectID]time.Duration{}
			for p, did := range work {
				one[p] = *part(did)
			}
			sums[i] = append(sums[i], one)
		}
	}
	for i, part := range parts {
		*part(&w), left = s.gate.Sum(s.viewer, sums[i])
	}
	n, _ := s.gate.Sum(s.viewer, sums[len(parts)])
	return w, int(n), left
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
		handled := 0
		for i := range s.Facts.Visits {
			if v := &s.Facts.Visits[i]; v.Agent == p && kpi.CHandled.Has(v, kpi.Rule{}) {
				handled++
			}
		}
		t.Rows = append(t.Rows, Row{Cells: append([]Cell{text(KindSubject, string(p))}, teamCells(&w, handled)...)})
	}
	return t
}
