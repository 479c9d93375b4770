package privacy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

var roles = []office.Role{office.RoleOperator, office.RoleLeader, office.RoleManager, office.RoleTechnician}

func TestBoard(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		six := crowd("abcdef")
		r.people(t, six...)
		states := map[journal.SubjectID]journal.AgentStateName{"p-a": journal.AgentPaused, "p-b": journal.AgentPaused}
		state := func(s journal.SubjectID) journal.AgentStateName {
			if st, ok := states[s]; ok {
				return st
			}
			return journal.AgentReady
		}
		groups := []privacy.Group{{ID: "A", People: six}, {ID: "B", People: crowd("ab")}}
		me := privacy.AgentView{Subject: "p-b", Name: "Name of p-b", State: journal.AgentPaused}
		counts := map[journal.AgentStateName]int{journal.AgentReady: 4, journal.AgentPaused: 1}
		for _, role := range roles {
			got := r.Board(privacy.Viewer{Subject: "p-b", Role: role}, groups, state)
			want := []privacy.TeamView{{Groups: []string{"A", "B"}, Size: 5, Counted: true, Counts: counts, Agents: []privacy.AgentView{me}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("closed, %s: %s", role, diff)
			}
			got = r.Board(privacy.Viewer{Subject: "p-b", Role: role}, groups[1:], state)
			want = []privacy.TeamView{{Groups: []string{"B"}, Counts: map[journal.AgentStateName]int{}, Agents: []privacy.AgentView{me}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("closed, two people, %s: %s", role, diff)
			}
		}
		if looks := r.looks(t); len(looks) > 0 {
			t.Errorf("somebody looked while the gate was closed: %q", looks)
		}
		r.agree(t, privacy.NoEmployees)
		if got := r.Board(privacy.Viewer{Subject: "p-b", Role: office.RoleLeader}, groups, state); len(got) != 2 || len(got[0].Agents) != 6 || got[0].Counts[journal.AgentPaused] != 2 || len(got[1].Agents) != 2 {
			t.Errorf("open, leader: %+v", got)
		}
		for _, role := range []office.Role{office.RoleTechnician, office.RoleOperator} {
			if got := r.Board(privacy.Viewer{Subject: "p-z", Role: role}, groups, state); len(got) != 1 || len(got[0].Agents) != 0 || got[0].Size != 6 {
				t.Errorf("open, %s: %+v", role, got)
			}
		}
		r.agree(t, privacy.NoAgreement)
		if got := r.Board(privacy.Viewer{Subject: "p-z", Role: office.RoleLeader}, groups, state); len(got[0].Agents) != 0 {
			t.Errorf("agreement taken back: %+v", got)
		}
		if got := r.Board(privacy.Viewer{}, groups, state); got != nil {
			t.Errorf("nobody: %+v", got)
		}
	})
}

func TestSumLeavesOutDaysOfAFew(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		day := func(people string, minutes int) map[journal.SubjectID]time.Duration {
			m := map[journal.SubjectID]time.Duration{}
			for _, s := range crowd(people) {
				m[s] = time.Duration(minutes) * time.Minute
			}
			return m
		}
		days := []map[journal.SubjectID]time.Duration{day("abcde", 10), day("a", 500), day("abcdez", 1), {}}
		lead := privacy.Viewer{Subject: "p-z", Role: office.RoleLeader}
		if sum, left := r.Sum(lead, days); sum != 55*time.Minute || left != 1 {
			t.Errorf("closed: %s, %d days left out", sum, left)
		}
		r.agree(t, privacy.UnionDeal)
		if sum, left := r.Sum(lead, days); sum != 556*time.Minute || left != 0 {
			t.Errorf("open: %s, %d days left out", sum, left)
		}
	})
}
