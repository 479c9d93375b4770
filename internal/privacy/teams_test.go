package privacy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// crowd is people p-a to p-….
func crowd(names string) []journal.SubjectID {
	var out []journal.SubjectID
	for _, r := range names {
		out = append(out, journal.SubjectID("p-"+string(r)))
	}
	return out
}

func TestTeamsOfGroups(t *testing.T) {
	type groups = []privacy.Group
	for name, tt := range map[string]struct {
		viewer journal.SubjectID
		in     groups
		want   string
	}{
		"five people are a team": {"p-x", groups{{"A", crowd("abcde")}}, "[A]5"},
		"four are not":           {"p-x", groups{{"A", crowd("abcd")}}, ""},
		"who looks knows himself: five with him are not": {"p-a", groups{{"A", crowd("abcde")}}, ""},
		"six with him are": {"p-a", groups{{"A", crowd("abcdef")}}, "[A]5"},
		"one more in the other queue would be known by the difference": {"p-x", groups{{"A", crowd("abcde")}, {"B", crowd("abcdef")}}, "[A B]6"},
		"a chain of overlaps is one team":                              {"p-x", groups{{"A", crowd("abcde")}, {"B", crowd("fghij")}, {"C", crowd("ej")}}, "[A B C]10"},
		"who looks joins no groups":                                    {"p-x", groups{{"A", crowd("abcdex")}, {"B", crowd("fghijx")}}, "[A]5[B]5"},
		"two small ones together":                                      {"p-x", groups{{"A", crowd("abc")}, {"B", crowd("de")}}, "[A B]5"},
		"a small one joins the smallest team":                          {"p-x", groups{{"A", crowd("abcdef")}, {"B", crowd("ghijk")}, {"C", crowd("l")}}, "[A]6[B C]6"},
		"a small one alone is left out":                                {"p-x", groups{{"A", crowd("abc")}, {"B", nil}}, ""},
		"the same people twice are one team":                           {"p-x", groups{{"A", crowd("abcde")}, {"B", crowd("edcba")}}, "[A B]5"},
		"somebody named twice counts once":                             {"p-x", groups{{"A", crowd("aabcd")}}, ""},
	} {
		got := ""
		for _, team := range privacy.Teams(privacy.Viewer{Subject: tt.viewer, Role: office.RoleLeader}, tt.in) {
			got += fmt.Sprintf("%v%d", team.Groups, len(team.People))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestTeamsWithstandDifferences: whatever groups there are, every set of people
// that can be told by adding and taking away teams has five people or none.
func TestTeamsWithstandDifferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		person := rapid.SampledFrom(crowd("abcdefghijklmnop"))
		var groups []privacy.Group
		for i := range rapid.IntRange(0, 6).Draw(t, "groups") {
			groups = append(groups, privacy.Group{ID: fmt.Sprint("g", i), People: rapid.SliceOfN(person, 0, 9).Draw(t, "people")})
		}
		viewer := privacy.Viewer{Subject: person.Draw(t, "viewer"), Role: office.RoleLeader}
		seen := map[journal.SubjectID]bool{}
		shown := map[string]bool{}
		for _, team := range privacy.Teams(viewer, groups) {
			if len(team.People) < 5 {
				t.Fatalf("team %v has %d people", team.Groups, len(team.People))
			}
			for _, s := range team.People {
				if seen[s] || s == viewer.Subject {
					t.Fatalf("%s is in two teams, or looks", s)
				}
				seen[s] = true
			}
			for _, id := range team.Groups {
				i := slices.IndexFunc(groups, func(g privacy.Group) bool { return g.ID == id })
				for _, s := range groups[i].People {
					if s != viewer.Subject && !slices.Contains(team.People, s) {
						t.Fatalf("team %v lacks %s", team.Groups, s)
					}
				}
				shown[id] = true
			}
		}
		// Nobody is left out who could be shown.
		all := map[journal.SubjectID]bool{}
		for _, g := range groups {
			for _, s := range g.People {
				all[s] = true
			}
		}
		delete(all, viewer.Subject)
		if len(all) >= 5 && len(seen) != len(all) {
			t.Fatalf("%d of %d people are in teams", len(seen), len(all))
		}
	})
}
