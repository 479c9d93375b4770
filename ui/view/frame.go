package view

import (
	"html/template"
	"time"

	"centralino/internal/office"
	"centralino/ui/api"
)

// Frame is what stands around every page.
type Frame struct {
	Title  string
	Nav    []NavItem
	Me     *Me // nil: nobody is logged in
	Flash  *Flash
	Health api.Health
	Live   string // address of the event stream, empty: a page that stands still
	Awake  bool   // it lives on while nobody looks at it
	Path   string // of this page, for the switch of language
	Now    time.Time
	Secure bool
	Query  string // in the search box
}

// Me is who is logged in.
type Me struct {
	Name, Initials, RoleWord string
	Role                     office.Role
}

// Chief reports whether the person may change the office.
func (m *Me) Chief() bool {
	return m != nil && (m.Role == office.RoleTechnician || m.Role == office.RoleManager)
}

// Technician reports whether the person is a technician.
func (m *Me) Technician() bool { return m != nil && m.Role == office.RoleTechnician }

// NavItem is one entry of the navigation.
type NavItem struct {
	URL, Icon, Label string
	Current          bool
}

// Flash is the answer to what was just done. Undo is the version that would be
// brought back, 0: nothing to undo.
type Flash struct {
	Tone, Text string
	Undo       int
}

// Login is the log-in page.
type Login struct {
	Frame
	Name    string
	Problem string
	Next    string
	CA      bool
	Pair    bool // the button has opened the window for phones
}

// PairPhone gives a phone's account to whoever stands before the box.
type PairPhone struct {
	Frame
	Open      bool // the button was held
	Extension string
	Account   *Account
	Problems  []FieldProblem
}

// Problem is what is wrong with a field.
func (p PairPhone) Problem(field string) string { return problemOf(p.Problems, field) }

// Claim is the page of a box that nobody owns yet, or whose technician's password
// is set anew (Reset).
type Claim struct {
	Frame
	Reset    bool
	Open     bool // no code needed
	Code     string
	Name     string
	User     string
	Site     string
	Country  []Option // where its people work
	Problems []FieldProblem
}

// Problem returns what is wrong with a field, for the form.
func (c Claim) Problem(field string) string { return problemOf(c.Problems, field) }

// FieldProblem is what is wrong with one field of a form.
type FieldProblem struct{ Field, Label, Text string }

func problemOf(list []FieldProblem, field string) string {
	for _, p := range list {
		if p.Field == field {
			return p.Text
		}
	}
	return ""
}

// SetPassword is where an invited person chooses a password.
type SetPassword struct {
	Frame
	Code     string // of the invitation; empty: ask for it
	Name     string
	User     string
	Problems []FieldProblem
}

// Problem returns what is wrong with a field.
func (c SetPassword) Problem(field string) string { return problemOf(c.Problems, field) }

// Error is any refusal.
type Error struct {
	Frame
	Status int
	Code   string
	Text   string
	Action string
}

// Home is the first page.
type Home struct {
	Frame
	Home   api.Home
	Recall *RecallItems // nil: the reader does not see the list
}

// People lists people and phones.
type People struct {
	Frame
	People []api.Person
	Shared []api.Phone // phones without an owner
	Left   []Item      // people who left and whose names may be erased
	Edit   bool
}

// NewPerson is the form that makes a person with extension and phone.
type NewPerson struct {
	Frame
	Name, User, Role, Extension string
	Phone                       bool
	PhoneName                   string
	Groups                      []Option
	Roles                       []Option
	Profiles                    []Option
	Problems                    []FieldProblem
	Back                        string
}

// Problem returns what is wrong with a field.
func (c NewPerson) Problem(field string) string { return problemOf(c.Problems, field) }

// Person is one person's page.
type Person struct {
	Frame
	Person  api.Person
	Edit    bool
	Secrets bool // may see SIP secrets
	Invite  *Invite
	Ends    bool // may end the person's sessions
	Uses    []Use
}

// Invite is a fresh invitation; its code is shown this once.
type Invite struct {
	Code    string
	URL     string
	QR      template.HTML
	Expires time.Time
}

// Phone is one phone's page with its account.
type Phone struct {
	Frame
	Phone   api.Phone
	Edit    bool
	Secrets bool
	Account *Account
	Server  string
	Keys    []Pair // what a key with a lamp may watch: number, meaning
	Uses    []Use
}

// Account is a SIP account in clear.
type Account struct {
	Server, Username, Password string
	URI                        string
	QR                         template.HTML
}

// Use is a place that refers to an object.
type Use struct{ Text, URL string }

// Lines lists lines and trunks.
type Lines struct {
	Frame
	Lines []api.Line
	Edit  bool
}

// Line is one line's page.
type Line struct {
	Frame
	Line    api.Line
	Details []Pair
	Edit    bool
	Test    bool // it can be made to ring
	NoTest  bool // it is a telephone line, and nobody can make it ring from here
	Uses    []Use
}

// Pair is one label with its value.
type Pair struct{ Label, Value string }

// Option is one choice of a field.
type Option struct {
	Value, Label, Group, Help string
	Selected                  bool
}

// Office is the overview of the office's settings.
type Office struct {
	Frame
	Left, Right []Section
	Paths       []Path
	Hours       []Hours
	Edit        bool
}

// Section is one kind of object with its list.
type Section struct {
	Kind, Title, Help, Icon string
	Items                   []Item
	Chips                   bool   // short names: draw them side by side
	New                     string // address of the form for a new one, if one may be made
	All                     string // address of a page with more of them
}

// Item is one object in a list.
type Item struct{ Title, Text, URL string }

// Prompts lists everything that the box says.
type Prompts struct {
	Frame
	Prompts api.Prompts
	New     string // address of the form for a new message
}

// Prompt is one thing that the box says, with what is said in each language.
type Prompt struct {
	Frame
	Prompt  api.Prompt
	Edit    bool   // is an object of the office
	Problem string // what is wrong with the upload
	Lang    string // of the upload that was refused
	Uses    []Use
}

// Path is a call path as readable steps.
type Path struct {
	ID, Name, URL string
	Steps         []Step
	Used          string
}

// Step is one step of a path in words.
type Step struct {
	Text     string
	Branches []string
}

// Hours is a schedule as a table.
type Hours struct {
	Name, URL string
	State     api.State
	Until     time.Time
	Days      []Pair
	Notes     []string
}

// Edit is the form of any object, made from the schema.
type Edit struct {
	Frame
	Kind, Object string
	Head, Help   string
	Action, Back string
	Fields       []Field
	Expert       []Field
	Problems     []FieldProblem
	Others       []string // problems that belong to no field of this form
	Delete       string
	New          bool
}

// Field is one field of a form.
type Field struct {
	Name, ID, Label, Help, Example, Unit string
	Type                                 string
	Value                                string
	Options                              []Option
	Suggest                              []Option // what may be typed; Label tells what it is
	SuggestHelp                          string
	Rows                                 []Row
	Problem                              string
	Required, ReadOnly                   bool
	Min, Max                             int64
}

// Row is one line of a field that has several: a day, a key, a step, a language.
type Row struct {
	Name, Label, Value string
	Type               string // of the input; empty: a text of several lines
	Class              string // when it is shown, for the style sheet
	Spans              []Span
	Options            []Option
	More               []Row
}

// Span is one stretch of opening hours.
type Span struct{ FromName, From, ToName, To string }

// Draft is a change that waits for a yes.
type Draft struct {
	Frame
	ID       string
	Changes  []api.Change
	Warnings []string
	Problems []string
	Moved    bool // somebody else changed the office meanwhile
	Back     string
	Undo     int // the version that would be brought back
}

// Delete asks before an object goes.
type Delete struct {
	Frame
	What   string
	Uses   []Use
	Action string
	Back   string
	Also   []string // what goes with it
}

// Calls is the list of calls.
type Calls struct {
	Frame
	List          api.Calls
	Older, Newest string
	Number        string
	Line          string
	Lines         []Option
	Own           bool // only the person's own
	Filtered      bool
}

// Call is one call as a timeline.
type Call struct {
	Frame
	Story api.CallStory
	Why   api.Explanation
	Log   string
	Erase string // where the outside number may be erased
}

// Versions lists versions.
type Versions struct {
	Frame
	Versions []api.Version
	Older    string
}

// Version is one version's difference.
type Version struct {
	Frame
	Difference api.Difference
}

// System is the box itself.
type System struct {
	Frame
	Box       api.System
	Tab       string
	Backup    bool
	Restore   bool
	Prepared  bool // a restore waits for the next start
	Problem   string
	HTTPS     string // address by HTTPS, if there is one
	CA        bool
	CAPrint   string // fingerprint
	Log       []api.LogLine
	LogText   string
	LogCall   string
	Levels    []Option
	Licences  []Licence
	MayClock  bool   // the reader may set the clock
	ClockText string // what was typed, where it was refused
	MayManage bool
	MayRead   bool // faults that are over
	MayUpdate bool
}

// Licence is one module with its licence.
type Licence struct{ Module, Version, Name, Text string }

// Search is what a search found.
type Search struct {
	Frame
	Hits []api.Hit
}

// Account of oneself.
type MyPage struct {
	Frame
	Person   api.Person
	Problems []FieldProblem
	Sessions []api.OpenSession
	Looks    []api.Look
	More     string // address of more looks
	Open     string // the agreement that lets others look, in words; empty: nobody may

	Tokens   []api.Token
	Made     string // a token that was made just now: it is shown this once
	NewToken TokenForm
}

// TokenForm is the form for a new token.
type TokenForm struct {
	Name     string
	Scopes   []Option
	Lasts    []Option
	Problems []FieldProblem
}

// Problem returns what is wrong with a field.
func (c TokenForm) Problem(field string) string { return problemOf(c.Problems, field) }

// Tokens is the list of everybody's tokens, for who runs the office.
type Tokens struct {
	Frame
	Tokens []api.Token
}

// Problem returns what is wrong with a field.
func (c MyPage) Problem(field string) string { return problemOf(c.Problems, field) }

// Privacy is the page about who may see people's states and figures.
type Privacy struct {
	Frame
	Kind, Date, Note string
	Set              time.Time
	By               string
	Kinds            []Option
	Edit             bool
	Problems         []FieldProblem
	Record           []Item // what was recorded, newest first
}

// Looks is the log of who looked at the reader.
type Looks struct {
	Frame
	Looks []api.Look
	Older string
}

// Problem returns what is wrong with a field.
func (c Privacy) Problem(field string) string { return problemOf(c.Problems, field) }
