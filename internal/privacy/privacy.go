// Package privacy keeps the names behind the journal's pseudonyms and is the one
// gate through which a name, a state or a figure of a person reaches a page,
// stream, export, webhook or explanation. Routing works with names in memory.
//
// The rules it helps to obey: article 4 of Italian law 300/1970 (remote control
// of workers needs an agreement or authorisation) and circular 4/2017 of the
// national labour inspectorate (software that shows each operator's phone state
// and times is not a working tool). This is help for the office, not legal advice.
//
// Goroutines: none; Run writes what was learned in the caller's goroutine.
package privacy

import (
	"context"
	"database/sql"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/store"
)

// Viewer is who wants to see something. The zero Viewer sees nothing of anybody.
type Viewer struct {
	Subject journal.SubjectID
	Role    office.Role
}

// Purpose says what a name is wanted for.
type Purpose string

// Purposes.
const (
	Configure  Purpose = "configure"  // pages that set people and phones up
	Route      Purpose = "route"      // the telephone function: who is called, lamps of phones
	LiveState  Purpose = "liveState"  // what an agent does now
	Figures    Purpose = "figures"    // counts and times of a person
	Export     Purpose = "export"     // files, API and webhooks that leave the box
	CallDetail Purpose = "callDetail" // who of the office had a call
	Explain    Purpose = "explain"    // why a call went to this agent
	Account    Purpose = "account"    // log of logins and changes
)

// Options are all required.
type Options struct {
	DB      *store.DB
	Journal *journal.Log
	Office  func() *office.Document // current document
	Now     func() time.Time
}

// KeyFile is the name of the pseudonyms' key file in the data folder; it belongs
// into store.Options.Files.
const KeyFile = "pseudonyms.key"

// Gate holds the pseudonym table. Its methods may be called from any goroutine;
// those without a context never wait for the disk.
type Gate struct{}

// Open reads the table.
func Open(ctx context.Context, o Options) (*Gate, error) { panic("thin") }

// Run writes newly seen numbers until ctx ends.
func (g *Gate) Run(ctx context.Context) error { panic("thin") }

// NewPerson returns a fresh pseudonym ("p-…") for a person.
func NewPerson() journal.SubjectID { return "" }

// SetName keeps a person's name.
func (g *Gate) SetName(ctx context.Context, person journal.SubjectID, name string) error {
	panic("thin")
}

// StageName is SetName for office.Edit.With: the name is written with the change.
func (g *Gate) StageName(person journal.SubjectID, name string) func(tx *sql.Tx) error {
	panic("thin")
}

// Number returns the pseudonym of an outside number: always the same one until it
// is erased. The number is kept shortly after.
func (g *Gate) Number(n numbering.E164) journal.SubjectID { return "" }

// NameForRouting returns a person's name for the telephone itself (display name of
// a ringing phone); never for a page.
func (g *Gate) NameForRouting(person journal.SubjectID) string { return "" }

// NumberForRouting returns an outside number for the telephone itself.
func (g *Gate) NumberForRouting(s journal.SubjectID) numbering.E164 { return "" }

// Name returns how a viewer may see a subject: a person's name or an outside
// number in full. If not, it returns an empty string and false; show the pseudonym's
// place holder then.
func (g *Gate) Name(v Viewer, p Purpose, s journal.SubjectID) (string, bool) { return "", false }

// MaySeeState says whether a viewer may see what this person does now.
func (g *Gate) MaySeeState(v Viewer, s journal.SubjectID) bool { return false }

// MaySeeFigures says whether a viewer may see this person's figures. A look at
// somebody else is journalled.
func (g *Gate) MaySeeFigures(v Viewer, s journal.SubjectID) bool { return false }

// MaySeeGroupFigures says whether a viewer may see figures of a group of people:
// never of fewer than five, unless the gate is open for each of them.
func (g *Gate) MaySeeGroupFigures(v Viewer, people []journal.SubjectID) bool { return false }

// AgentView is one agent on the board.
type AgentView struct {
	Subject journal.SubjectID
	Name    string
	State   journal.AgentStateName
}

// AgentsView is what a viewer sees of the agents: how many are in each state, and
// those whom he may see by name.
type AgentsView struct {
	Counts map[journal.AgentStateName]int
	Agents []AgentView
}

// AgentsForBoard reduces the states of all agents to what the viewer may see.
func (g *Gate) AgentsForBoard(v Viewer, states map[journal.SubjectID]journal.AgentStateName) AgentsView {
	return AgentsView{}
}

// Erase deletes the name or number behind a pseudonym; the journal stays whole.
func (g *Gate) Erase(ctx context.Context, by Viewer, s journal.SubjectID) error { panic("thin") }

// Agreement is what opens the gate for states and figures of people.
type Agreement struct {
	Kind  AgreementKind
	Date  string // of the agreement, "2026-03-01"
	Note  string // reference, for people
	Set   time.Time
	SetBy journal.SubjectID
}

// AgreementKind says on which ground the gate opens.
type AgreementKind string

// Grounds.
const (
	NoAgreement   AgreementKind = ""              // the gate stays closed
	UnionDeal     AgreementKind = "union"         // agreement with the employees' representatives
	Authorisation AgreementKind = "authorisation" // of the labour inspectorate
	NoEmployees   AgreementKind = "noEmployees"   // declaration that nobody is employed
)

// Agreement returns the recorded agreement.
func (g *Gate) Agreement() Agreement { return Agreement{} }

// Record records an agreement, or takes it back (NoAgreement). It is journalled.
func (g *Gate) Record(ctx context.Context, by Viewer, a Agreement) error { panic("thin") }
