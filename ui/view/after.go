package view

import (
	"html/template"
	"time"

	"centralino/ui/api"
)

// Customers lists cards.
type Customers struct {
	Frame
	List    api.Customers
	Text    string
	Older   string // address of the next page
	First   string // … of the first one, empty on it
	Tabs    []Tab
	Manager bool
}

// Tab is one of several pages that stand side by side.
type Tab struct {
	URL, Label string
	Current    bool
}

// Customer is one card.
type Customer struct {
	Frame
	Card    api.Customer
	Merge   bool // may be put together with another one
	Manager bool
	Dial    []DialNumber // the numbers that the reader sees
	Back    string
}

// DialNumber is one number of a card.
type DialNumber struct {
	Text        string
	At          int  // its place on the card
	May         bool // a press calls it
	Taken, Mine bool // somebody has taken the caller, the reader has
	By          string
	Give        GiveBack
}

// CustomerEdit is the form of a card.
type CustomerEdit struct {
	Frame
	ID, Number                     string // of a new one: the pseudonym that it is made for
	Name, Company, Numbers, Fields string
	NumberText                     string
	New                            bool
	Problems                       []FieldProblem
	Back                           string
}

// Problem returns what is wrong with a field.
func (c CustomerEdit) Problem(field string) string { return problemOf(c.Problems, field) }

// Dossier is everything about one person, to be read and printed.
type Dossier struct {
	Frame
	Card api.Customer
	At   time.Time
}

// Erase asks before a person's data goes.
type Erase struct {
	Frame
	ID, What string
	Calls    int
}

// ImportFile is the form that takes a file.
type ImportFile struct {
	Frame
	Problem string
	Tabs    []Tab
	Past    []PastImport
	MaxRows int
}

// PastImport is an import that was made.
type PastImport struct {
	Time                      time.Time
	By, Source, Date          string
	Created, Merged, Rejected int
}

// Import is a file that waits for a yes.
type Import struct {
	Frame
	ID                   string
	Encoding, Delimiter  string
	Rows                 int
	Columns              []ImportColumn
	Source, Date, Today  string
	New, Merged, Doubles int
	Rejected             []RejectedRow // the first of them
	RejectedCount        int
	Ready                bool // there is something to import
	Problems             []FieldProblem
}

// Problem returns what is wrong with a field.
func (c Import) Problem(field string) string { return problemOf(c.Problems, field) }

// ImportColumn is one column of a file with its first cells.
type ImportColumn struct {
	Name, Title string
	Cells       []string
	Options     []Option
}

// RejectedRow is a row that is not taken, with the reason.
type RejectedRow struct {
	Line int
	Text string
	Kept bool // taken without this
}

// CallBacks lists the calls that customers asked for and what else is to be done.
type CallBacks struct {
	Frame
	Follows    Follows
	Tabs       []Tab
	First, All int // so many of so many; 0: all of them
}

// Follows is such a list with its buttons; Back is the page that they lead back to.
type Follows struct {
	List []api.CallBack
	Dial bool
	Back string
}

// GiveBack is the button that leaves a caller whom the reader has taken to others, beside
// what follows a call.
func (f Follows) GiveBack(c api.CallBack) GiveBack { return GiveBack{c.Subject, f.Back} }

// GiveBack leaves a caller (a pseudonym; empty: no button) to others; Back is the page that
// it leads back to.
type GiveBack struct{ Caller, Back string }

// Scripts lists scripts.
type Scripts struct {
	Frame
	Scripts []api.ScriptState
	New     string
	Tabs    []Tab
}

// Script is the page on which a script is written, checked and tried.
type Script struct {
	Frame
	ID, Name, Text string
	Problems       []api.ScriptProblem
	Wrong          []FieldProblem
	Outcomes       []Pair // name and id
	Edit           bool
	Steps          int
}

// Problem returns what is wrong with a field.
func (c Script) Problem(field string) string { return problemOf(c.Wrong, field) }

// ScriptStep is one step as it is gone through: in a call, or for trying.
type ScriptStep struct {
	Frame
	Name      string
	Title     string
	Action    string // address that takes the form
	Swap      string // element that the answer replaces
	BackTo    string // page to go back to
	Parts     []StepPart
	Buttons   []StepButton
	Automatic bool
	MustRead  bool
	Read      bool
	First     bool
	Done      bool
	Outcome   string // name, once it is done
	Answers   []api.Labelled
	Problems  []FieldProblem
	Broken    []api.ScriptProblem // the script cannot be followed
}

// StepPart is one thing of a step.
type StepPart struct {
	Kind  string // "text", "readout", "field"
	Lines []string
	Field Field
}

// StepButton is one way on that a person chooses.
type StepButton struct {
	At    int
	Label string
}

// AfterCall is a call with its customer, its script and its outcome.
type AfterCall struct {
	Frame
	Caller, When          string
	Card, Script, Outcome template.HTML
}

// AfterCard is the customer in a call.
type AfterCard struct {
	Card   api.Customer
	URL    string // of the card
	Make   string // address of the form for a new card
	Pop    string // address of another program
	BackTo string
	Note   bool
}

// AfterOutcome is the form of a call's outcome.
type AfterOutcome struct {
	Call, BackTo string
	Options      []Option
	CallBack     string // as a browser writes a time
	Queue        string // whose task it may be, empty: of no queue
	ForQueue     bool   // it is the queue's
	Note         string
	Set          string // the outcome that is kept already
	Preselected  bool   // by the script
}

// Surveys are the results of all surveys.
type Surveys struct {
	Frame
	Results []api.SurveyResult
	Tabs    []Tab
}

// Webhooks lists webhooks with their last deliveries.
type Webhooks struct {
	Frame
	Hooks []api.Webhook
	New   string
	Edit  bool
}
