package ui

import (
	"cmp"
	"slices"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/live"
)

// teams is what the reader may see of the people who answer the queues.
func (v *visit) teams(st *live.State, doc *office.Document) []privacy.TeamView {
	return v.s.d.People.Board(v.viewer(), queueGroups(doc), func(s journal.SubjectID) journal.AgentStateName {
		return cmp.Or(st.Agents[s].State, journal.AgentLoggedOut)
	})
}

// teamOf finds the team that a queue belongs to.
func teamOf(teams []privacy.TeamView, queue office.ID) *privacy.TeamView {
	i := slices.IndexFunc(teams, func(t privacy.TeamView) bool { return slices.Contains(t.Groups, string(queue)) })
	if i < 0 {
		return nil
	}
	return &teams[i]
}
