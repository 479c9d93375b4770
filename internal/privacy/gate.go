package privacy

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// Viewer is who wants to see something. The zero Viewer sees nothing of anybody.
type Viewer struct {
	Subject journal.SubjectID // empty for a viewer who is no person (an API token)
	Role    office.Role
}

// Purpose says what a name is wanted for.
type Purpose string

// Purposes.
const (
	Configure  Purpose = "configure"  // pages that set people and phones up
	Route      Purpose = "route"      // the telephone function: who is called, directory, lamps of phones
	LiveState  Purpose = "liveState"  // what an agent does now
	Figures    Purpose = "figures"    // counts and times of a person
	Export     Purpose = "export"     // files, API and webhooks that leave the box
	CallDetail Purpose = "callDetail" // who of the office had a call
	Explain    Purpose = "explain"    // why a call went to this agent
	Account    Purpose = "account"    // log of logins and changes
)

// Purposes returns every purpose, for tests that walk all of them.
func Purposes() []Purpose {
	return []Purpose{Configure, Route, LiveState, Figures, Export, CallDetail, Explain, Account}
}

// rule says which roles see names for a purpose: of people while no agreement is
// recorded, of people once one is, and numbers of outside callers, which are not
// concerned by the agreement. Everybody sees himself, whatever the rule.
type rule struct{ closed, open, numbers []office.Role }

// rules is the one table of decisions.
var rules = map[Purpose]rule{
	Configure:  {closed: roles("technician manager leader"), open: roles("technician manager leader")},
	Route:      {closed: roles("technician manager leader operator"), open: roles("technician manager leader operator"), numbers: roles("technician manager leader operator")},
	LiveState:  {open: roles("manager leader"), numbers: roles("technician manager leader operator")},
	Figures:    {open: roles("manager leader")},
	Export:     {open: roles("manager"), numbers: roles("manager")},
	CallDetail: {open: roles("manager leader"), numbers: roles("technician manager leader operator")},
	Explain:    {open: roles("manager leader"), numbers: roles("technician manager leader")},
	Account:    {closed: roles("technician manager"), open: roles("technician manager")},
}

func roles(list string) []office.Role {
	var out []office.Role
	for _, r := range strings.Fields(list) {
		out = append(out, office.Role(r))
	}
	return out
}

// smallestGroup of people whose figures are shown without an agreement.
const smallestGroup = 5

// AgreementKind says on which ground the gate opens.
type AgreementKind string

// Grounds.
const (
	NoAgreement   AgreementKind = ""              // the gate stays closed
	UnionDeal     AgreementKind = "union"         // agreement with the employees' representatives
	Authorisation AgreementKind = "authorisation" // of the labour inspectorate
	NoEmployees   AgreementKind = "noEmployees"   // declaration that nobody is employed
)

// Agreement is what opens the gate for states and figures of people.
type Agreement struct {
	Kind  AgreementKind
	Date  string // of the agreement, "2026-03-01"
	Note  string // reference, for people
	Set   time.Time
	SetBy journal.SubjectID
}

// Agreement returns the recorded agreement.
func (g *Gate) Agreement() Agreement {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.agreement
}

// Record records an agreement, or takes it back (NoAgreement). Only a manager, who
// answers for the employer, may. It is journalled.
func (g *Gate) Record(ctx context.Context, by Viewer, a Agreement) error {
	if by.Role != office.RoleManager {
		return fmt.Errorf("record agreement: %w", ErrForbidden)
	}
	a.Set, a.SetBy = g.o.Now().Round(0).UTC(), by.Subject
	switch a.Kind {
	case NoAgreement:
		a.Date = ""
	case UnionDeal, Authorisation, NoEmployees:
		if _, err := time.Parse(time.DateOnly, a.Date); err != nil || a.Date > a.Set.AddDate(0, 0, 1).Format(time.DateOnly) {
			return fmt.Errorf("record agreement: %w", ErrAgreement)
		}
	default:
		return fmt.Errorf("record agreement %q: %w", a.Kind, ErrAgreement)
	}
	if len(a.Note) > 500 {
		return fmt.Errorf("record agreement: note of %d octets: %w", len(a.Note), ErrAgreement)
	}
	event := journal.AccessEvent{What: "agreement." + string(a.Kind), Who: by.Subject, Source: "page"}
	if a.Kind == NoAgreement {
		event.What = "agreement.withdrawn"
	}
	_, err := g.o.Journal.AppendWith(ctx, "", event, func(tx *sql.Tx) error {
		_, err := tx.Exec(sqlAgree, string(a.Kind), a.Date, a.Note, a.Set.UnixNano(), string(a.SetBy))
		return err
	})
	if err != nil {
		return fmt.Errorf("record agreement: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.agreement = a
	return nil
}

// allowed is the one decision: may this viewer see this subject for this purpose?
func (g *Gate) allowed(v Viewer, p Purpose, s journal.SubjectID) bool {
	switch {
	case v == Viewer{} || s == "":
		return false
	case v.Subject == s:
		return true
	case isNumber(s):
		return slices.Contains(rules[p].numbers, v.Role)
	case g.Agreement().Kind != NoAgreement:
		return slices.Contains(rules[p].open, v.Role)
	}
	return slices.Contains(rules[p].closed, v.Role)
}

// Name returns how a viewer may see a subject: a person's name, or an outside
// number in full. If he may not, or nothing is known, it returns an empty string
// and false; show a place holder then, not the pseudonym.
func (g *Gate) Name(v Viewer, p Purpose, s journal.SubjectID) (string, bool) {
	if !g.allowed(v, p, s) {
		return "", false
	}
	return g.behind(s)
}

// MaySeeState says whether a viewer may see what this person does now.
func (g *Gate) MaySeeState(v Viewer, s journal.SubjectID) bool {
	return !isNumber(s) && g.allowed(v, LiveState, s)
}

// lookAgain is how long one journalled look covers further ones of the same viewer
// at the same person: a page that draws itself anew is one look.
const (
	lookAgain = 5 * time.Minute
	maxLooks  = 1000
)

// MaySeeFigures says whether a viewer may see this person's figures. A look at
// somebody else is journalled, and so is one that is refused.
func (g *Gate) MaySeeFigures(v Viewer, s journal.SubjectID) bool {
	may := !isNumber(s) && g.allowed(v, Figures, s)
	if v.Subject != s && s != "" && (v != Viewer{}) {
		g.noteLook(v, s, may)
	}
	return may
}

func (g *Gate) noteLook(v Viewer, s journal.SubjectID, may bool) {
	now := g.o.Now()
	key := look{v.Subject, s, may}
	g.mu.Lock()
	last, seen := g.looks[key]
	covered := seen && now.Sub(last) >= 0 && now.Sub(last) < lookAgain
	if !covered {
		if len(g.looks) >= maxLooks {
			clear(g.looks) // costs an event more, never one less
		}
		g.looks[key] = now
	}
	g.mu.Unlock()
	if covered {
		return
	}
	what := "figures"
	if !may {
		what = "figures.refused"
	}
	g.o.Journal.Append("", journal.AccessEvent{What: what, Who: v.Subject, About: s, Source: "page"})
}

// MaySeeGroupFigures says whether a viewer may see figures of a group of people
// together: managers and leaders from five people on, others and smaller groups
// only if the viewer may see each of them. Duplicates count once.
func (g *Gate) MaySeeGroupFigures(v Viewer, people []journal.SubjectID) bool {
	each := map[journal.SubjectID]bool{}
	for _, s := range people {
		each[s] = true
	}
	if len(each) == 0 || v == (Viewer{}) {
		return false
	}
	if len(each) >= smallestGroup && (v.Role == office.RoleManager || v.Role == office.RoleLeader) {
		return true
	}
	for s := range each {
		if !g.allowed(v, Figures, s) {
			return false
		}
	}
	for s := range each {
		g.MaySeeFigures(v, s)
	}
	return true
}

// AgentView is one agent on the board.
type AgentView struct {
	Subject journal.SubjectID
	Name    string
	State   journal.AgentStateName
}

// AgentsView is what a viewer sees of the agents: how many are in each state, and
// those whom he may see by name, in order of their pseudonyms.
type AgentsView struct {
	Counts map[journal.AgentStateName]int
	Agents []AgentView
}

// AgentsForBoard reduces the states of all agents to what the viewer may see: how
// many are in each state, and by name himself and those that the gate opens.
func (g *Gate) AgentsForBoard(v Viewer, states map[journal.SubjectID]journal.AgentStateName) AgentsView {
	out := AgentsView{Counts: map[journal.AgentStateName]int{}}
	if v == (Viewer{}) {
		return out
	}
	for s, state := range states {
		out.Counts[state]++
		if g.MaySeeState(v, s) {
			name, _ := g.Name(v, LiveState, s)
			out.Agents = append(out.Agents, AgentView{Subject: s, Name: name, State: state})
		}
	}
	slices.SortFunc(out.Agents, func(a, b AgentView) int { return strings.Compare(string(a.Subject), string(b.Subject)) })
	return out
}
