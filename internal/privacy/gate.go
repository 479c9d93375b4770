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
	Subject journal.SubjectID // empty for a viewer who is no person: a letter, a webhook
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
	Looked     Purpose = "looked"     // who looked at oneself
)

// Purposes returns every purpose, for tests that walk all of them.
func Purposes() []Purpose {
	return []Purpose{Configure, Route, LiveState, Figures, Export, CallDetail, Explain, Account, Looked}
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
	Looked:     {closed: roles("technician manager leader operator"), open: roles("technician manager leader operator")},
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
		if _, err := tx.Exec(sqlAgree, string(a.Kind), a.Date, a.Note, a.Set.UnixNano(), string(a.SetBy)); err != nil {
			return err
		}
		g.o.DB.AfterCommit(func() { // in the order of the record, whoever else records
			g.mu.Lock()
			defer g.mu.Unlock()
			g.agreement = a
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("record agreement: %w", err)
	}
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
// and false; show a place holder then, not the pseudonym. A name of somebody else
// that tells what he does or did is a look at him.
func (g *Gate) Name(v Viewer, p Purpose, s journal.SubjectID) (string, bool) {
	if !g.allowed(v, p, s) {
		return "", false
	}
	g.noteLook(v, lookOf[p], s)
	return g.behind(s)
}

// MaySeeState says whether a viewer may see what this person does now. That he may
// is a look.
func (g *Gate) MaySeeState(v Viewer, s journal.SubjectID) bool {
	if isNumber(s) || !g.allowed(v, LiveState, s) {
		return false
	}
	g.noteLook(v, LookState, s)
	return true
}

// MaySeeFigures says whether a viewer may see this person's figures. A look at
// somebody else is written down, and so is one that is refused.
func (g *Gate) MaySeeFigures(v Viewer, s journal.SubjectID) bool {
	return g.mayHave(v, Figures, s)
}

// MayExportFigures says whether a viewer may take this person's figures out of the
// box, in a file or by the API. It is written down like a look, as an export.
func (g *Gate) MayExportFigures(v Viewer, s journal.SubjectID) bool {
	return g.mayHave(v, Export, s)
}

func (g *Gate) mayHave(v Viewer, p Purpose, s journal.SubjectID) bool {
	may := !isNumber(s) && g.allowed(v, p, s)
	if may {
		g.noteLook(v, lookOf[p], s)
	} else if v != (Viewer{}) {
		g.noteLook(v, LookRefused, s)
	}
	return may
}

// MaySeeGroupFigures says whether a viewer may see figures of a group of people
// together: all of them if he may see each, else managers and leaders where the
// group is made of whole teams of the office's queues (see Teams), so that no two
// groups differ by fewer than five people. Duplicates count once.
func (g *Gate) MaySeeGroupFigures(v Viewer, people []journal.SubjectID) bool {
	rest := others(v, people)
	if len(people) == 0 || v == (Viewer{}) {
		return false
	}
	if !slices.ContainsFunc(rest, func(s journal.SubjectID) bool { return !g.allowed(v, Figures, s) }) {
		for _, s := range rest {
			g.MaySeeFigures(v, s)
		}
		return true
	}
	if v.Role != office.RoleManager && v.Role != office.RoleLeader {
		return false
	}
	for _, t := range Teams(v, Queues(g.o.Office())) {
		if !share(t.People, rest) {
			continue
		}
		for _, s := range t.People {
			if !slices.Contains(rest, s) {
				return false
			}
		}
		rest = slices.DeleteFunc(rest, func(s journal.SubjectID) bool { return slices.Contains(t.People, s) })
	}
	return len(rest) == 0
}
