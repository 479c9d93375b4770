package report

import (
	"slices"
	"strings"
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

// Held is who belonged to which queue from an instant on.
type Held struct {
	From   time.Time
	Groups []privacy.Group
}

// Teams is the report by team. Where the gate is open each queue is a team; else
// the teams are those of privacy.Teams, made so large and so far apart that nothing
// is told of fewer than five people, and days on which fewer worked are left out, as
// is the day that is not over. Reasons of pauses are never told apart but for breaks
// from the screen.
//
// A day's teams are those that held when it ended (see Membership), whatever was
// changed since: whoever sets a queue up anew and asks again gets the same figures of
// that day, so that no difference tells what one person did. A row is made of whole
// days of one team.
func (s *Source) Teams() Table {
	t := Table{ID: "team", Columns: append([]Column{{"team", KindQueue}}, teamColumns...)}
	rows := map[string]*teamRow{}
	var order []string
	left := 0
	for _, day := range kpi.Days(s.Facts.From, s.Facts.To, s.zone) {
		if !s.open && day.To.After(s.Facts.Now) {
			continue
		}
		out := false
		for _, team := range s.teams(day) {
			key := strings.Join(team.Groups, " ")
			if rows[key] == nil {
				rows[key] = &teamRow{groups: team.Groups}
				order = append(order, key)
			}
			if !s.teamDay(rows[key], team.People, day) {
				out = true
			}
		}
		if out {
			left++
		}
	}
	for _, key := range order {
		if r := rows[key]; r.work.LoggedIn() > 0 {
			name := text(KindQueue, r.groups[0]) // one row; the names of all of its queues
			name.More = r.groups[1:]
			t.Rows = append(t.Rows, Row{Cells: append([]Cell{name}, teamCells(&r.work, r.handled)...)})
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

// teamRow is what a team did on the days that count.
type teamRow struct {
	groups  []string
	work    kpi.Work
	handled int
}

// teams are the teams of a day.
func (s *Source) teams(day kpi.Interval) []privacy.Team {
	groups := privacy.Queues(s.Doc)
	for i, h := range s.Membership { // what held before the first one is not known: the first
		if i == 0 || h.From.Before(day.To) {
			groups = h.Groups
		}
	}
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

// teamDay adds what people did on a day and how many contacts they handled, through
// the gate; false if it left the day out. The same people stand behind every sum:
// those who worked.
func (s *Source) teamDay(r *teamRow, people []journal.SubjectID, day kpi.Interval) bool {
	work := map[journal.SubjectID]*kpi.Work{}
	for _, t := range within(s.Facts.Agents, day) {
		if !slices.Contains(people, t.Agent) {
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
	for _, part := range parts {
		did := map[journal.SubjectID]time.Duration{}
		for p, w := range work {
			did[p] = *part(w)
		}
		sum, _ := s.gate.Sum(s.viewer, []map[journal.SubjectID]time.Duration{did})
		*part(&r.work) += sum
	}
	n, left := s.gate.Sum(s.viewer, []map[journal.SubjectID]time.Duration{calls})
	r.handled += int(n)
	return left == 0
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
