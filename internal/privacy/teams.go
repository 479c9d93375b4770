package privacy

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// Group is people who belong together, for instance the members of a queue.
type Group struct {
	ID     string
	People []journal.SubjectID
}

// Queues lists the queues of an office with their members.
func Queues(doc *office.Document) []Group {
	var out []Group
	for i := range doc.Groups {
		if g := &doc.Groups[i]; g.Mode == office.GroupQueue {
			out = append(out, Group{ID: string(g.ID), People: g.Members})
		}
	}
	return out
}

// Team is people of whom counts and sums may be shown together: one group, or
// several that had to be joined.
type Team struct {
	Groups []string            // in the order in which they were given
	People []journal.SubjectID // without the viewer, in order
}

// Teams joins groups so far that figures of each team tell nothing of fewer than
// five people, also not by the difference of two of them: groups that share
// somebody become one team, and what is too small is joined with what is small as
// well, else with the smallest team. The viewer is left out everywhere, because he
// knows what he does himself and could take it away from the sum. What stays too
// small is shown to nobody. Teams are disjoint, and their union is at least five
// people; so is each union of some of them.
func Teams(v Viewer, groups []Group) []Team {
	var teams []Team
	for _, g := range groups {
		t := Team{Groups: []string{g.ID}, People: others(v, g.People)}
		if len(t.People) == 0 {
			continue
		}
		teams = slices.DeleteFunc(teams, func(have Team) bool {
			if !share(have.People, t.People) {
				return false
			}
			t = join(have, t)
			return true
		})
		teams = append(teams, t)
	}
	small := func(t Team) bool { return len(t.People) < smallestGroup }
	var rest Team
	for _, t := range teams {
		if small(t) {
			rest = join(rest, t)
		}
	}
	teams = slices.DeleteFunc(teams, small)
	switch {
	case len(rest.People) == 0:
	case !small(rest):
		teams = append(teams, rest)
	case len(teams) > 0:
		least := 0
		for i := range teams {
			if len(teams[i].People) < len(teams[least].People) {
				least = i
			}
		}
		teams[least] = join(teams[least], rest)
	}
	return inOrder(groups, teams)
}

// others is people without the viewer, each once, in order.
func others(v Viewer, people []journal.SubjectID) []journal.SubjectID {
	each := map[journal.SubjectID]bool{}
	for _, s := range people {
		if s != v.Subject && s != "" {
			each[s] = true
		}
	}
	return slices.Sorted(maps.Keys(each))
}

func share(a, b []journal.SubjectID) bool {
	return slices.ContainsFunc(a, func(s journal.SubjectID) bool { return slices.Contains(b, s) })
}

func join(a, b Team) Team {
	t := Team{Groups: slices.Concat(a.Groups, b.Groups), People: slices.Concat(a.People, b.People)}
	slices.Sort(t.People)
	t.People = slices.Compact(t.People)
	return t
}

// inOrder puts teams and their groups in the order in which the groups were given.
func inOrder(groups []Group, teams []Team) []Team {
	at := map[string]int{}
	for i, g := range groups {
		at[g.ID] = i
	}
	for _, t := range teams {
		slices.SortFunc(t.Groups, func(a, b string) int { return cmp.Compare(at[a], at[b]) })
	}
	slices.SortFunc(teams, func(a, b Team) int { return cmp.Compare(at[a.Groups[0]], at[b.Groups[0]]) })
	return teams
}

// AgentView is one agent on a board.
type AgentView struct {
	Subject journal.SubjectID
	Name    string
	State   journal.AgentStateName
}

// TeamView is what a viewer sees of a team: how many are in each state where it may
// be counted, and those whom he may see by name, in order of their pseudonyms.
type TeamView struct {
	Groups  []string
	Size    int                            // of the people who are counted
	Counted bool                           // false: too few people to be counted
	Counts  map[journal.AgentStateName]int // empty if not counted
	Agents  []AgentView
}

// Open says whether an agreement lets this viewer see what others do.
func (g *Gate) Open(v Viewer) bool {
	return g.Agreement().Kind != NoAgreement && slices.Contains(rules[LiveState].open, v.Role)
}

// Board reduces what the people of queues do to what a viewer may see. Where the gate
// is open for him, each queue stands for itself, with names. Else teams are only
// counted, without the viewer; he alone stands there by name.
func (g *Gate) Board(v Viewer, groups []Group, state func(journal.SubjectID) journal.AgentStateName) []TeamView {
	if v == (Viewer{}) {
		return nil
	}
	var out []TeamView
	shown := map[string]bool{}
	view := func(t Team, counted bool) {
		w := TeamView{Groups: t.Groups, Size: len(t.People), Counted: counted, Counts: map[journal.AgentStateName]int{}}
		for _, s := range t.People {
			if counted {
				w.Counts[state(s)]++
			}
			if g.MaySeeState(v, s) {
				name, _ := g.Name(v, LiveState, s)
				w.Agents = append(w.Agents, AgentView{Subject: s, Name: name, State: state(s)})
			}
		}
		for _, id := range t.Groups {
			shown[id] = true
		}
		out = append(out, w)
	}
	if g.Open(v) {
		for _, group := range groups {
			view(Team{Groups: []string{group.ID}, People: others(Viewer{}, group.People)}, true)
		}
		return out
	}
	for _, t := range Teams(v, groups) {
		view(t, true)
	}
	for _, group := range groups {
		if !shown[group.ID] {
			view(Team{Groups: []string{group.ID}}, false)
		}
	}
	for i := range out {
		if slices.ContainsFunc(groups, func(group Group) bool {
			return slices.Contains(out[i].Groups, group.ID) && v.Subject != "" && slices.Contains(group.People, v.Subject)
		}) && !slices.ContainsFunc(out[i].Agents, func(a AgentView) bool { return a.Subject == v.Subject }) {
			name, _ := g.Name(v, LiveState, v.Subject)
			out[i].Agents = append(out[i].Agents, AgentView{Subject: v.Subject, Name: name, State: state(v.Subject)})
		}
	}
	return out
}

// AmongMany says whether something that is known of one of these people, not of which,
// may be told: it may be of five at least who are not the viewer himself.
func AmongMany(v Viewer, people []journal.SubjectID) bool {
	return len(others(v, people)) >= smallestGroup
}

// Sum adds up what the people of a team did, day by day. A day on which fewer than
// five others have a figure counts nowhere, and the viewer never: so no stretch of
// days differs from another by the day of one person. It returns the sum and how many
// days were left out. Where the viewer may see each of the people, everything counts.
func (g *Gate) Sum(v Viewer, days []map[journal.SubjectID]time.Duration) (sum time.Duration, left int) {
	for _, day := range days {
		people := others(v, slices.Collect(maps.Keys(day)))
		if len(people) == 0 {
			continue
		}
		if !slices.ContainsFunc(people, func(s journal.SubjectID) bool { return !g.allowed(v, Figures, s) }) {
			people = others(Viewer{}, slices.Collect(maps.Keys(day)))
		} else if len(people) < smallestGroup {
			left++
			continue
		}
		for _, s := range people {
			sum += day[s]
		}
	}
	return sum, left
}
