package privacy_test

import (
	"context"
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

// TestEachLookIsReadByWhomItWasAt: what the leader saw stands in the log of the one
// who was seen, and in nobody else's.
func TestEachLookIsReadByWhomItWasAt(t *testing.T) {
	bubble(t, func(t *testing.T, r *room) {
		r.people(t, crowd("ab")...)
		ctx := context.Background()
		lead := privacy.Viewer{Subject: "p-lead", Role: office.RoleLeader}
		r.agree(t, privacy.UnionDeal)
		begin := time.Now()
		r.MaySeeState(lead, "p-a")
		r.MaySeeState(lead, "p-a") // the page draws itself anew
		r.Name(lead, privacy.CallDetail, "p-a")
		r.Name(lead, privacy.Configure, "p-a") // sets up: no look
		r.Name(lead, privacy.CallDetail, r.Number("+390212345678"))
		r.MaySeeState(privacy.Viewer{Subject: "p-a", Role: office.RoleOperator}, "p-a")
		r.MaySeeFigures(privacy.Viewer{Subject: "p-b", Role: office.RoleOperator}, "p-a")
		time.Sleep(6 * time.Minute)
		r.MaySeeState(lead, "p-a")
		time.Sleep(time.Second)
		got, err := r.Looks(ctx, "p-a", time.Time{}, 50)
		if err != nil {
			t.Fatal(err)
		}
		want := []privacy.Look{
			{At: begin.Add(6 * time.Minute).UTC(), Who: "p-lead", What: privacy.LookState},
			{At: begin.UTC(), Who: "p-b", What: privacy.LookRefused},
			{At: begin.UTC(), Who: "p-lead", What: privacy.LookCalls},
			{At: begin.UTC(), Who: "p-lead", What: privacy.LookState},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if older, err := r.Looks(ctx, "p-a", begin.Add(time.Minute), 2); err != nil || len(older) != 2 || older[0].Who != "p-b" {
			t.Errorf("the older ones: %+v %v", older, err)
		}
		if none, err := r.Looks(ctx, "p-b", time.Time{}, 50); err != nil || len(none) != 0 {
			t.Errorf("looks at the other: %+v %v", none, err)
		}
		if n := len(r.looks(t)); n != 5 { // four looks and the agreement
			t.Errorf("%d entries in the journal", n)
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
