// Package ui is the local web page of the box: routes, middleware and one file
// per page. It reads the rest of the box through Deps, changes the office only by
// whole versions, and shows names and states of people only as internal/privacy
// allows. Every route stands in one table with the roles that may use it; what is
// not in the table does not exist.
//
// Goroutines: Run folds the journal for the live pages, cleans up sessions and,
// where listeners are given, serves them. Handlers run in the goroutines of
// net/http.
package ui

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"centralino/acd/outcome"
	"centralino/acd/report"
	"centralino/acd/survey"
	"centralino/board/health"
	"centralino/board/led"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
	"centralino/ui/auth"
	"centralino/ui/cti"
)

// Deps is what the pages need of the rest of the box. Everything is required but
// the functions that are marked optional: a nil one takes its button off the page.
type Deps struct {
	Now     func() time.Time // wall clock
	Log     *slog.Logger
	DB      *store.DB // for accounts and sessions; opened with Migrations among its own
	Office  Office    // *office.Store
	Secrets Secrets   // *office.Secrets
	People  People    // *privacy.Gate
	Journal Journal   // FromLog(*journal.Log)

	// Live snapshots. Each must return at once and be safe from any goroutine.
	Lamps  func() []led.Shown    // the lamps as they are lit now (led.Driver.Shown)
	Lines  func() []LineStatus   // lines and trunks
	Phones func() []PhoneStatus  // registered phones
	Faults func() []health.Entry // the one fault list (health.Monitor)

	// SubjectOf returns the pseudonym of an outside number, to find its calls
	// (privacy.Gate.Number). Optional.
	SubjectOf func(n numbering.E164) journal.SubjectID

	Voices Voices // uploaded recordings of what the box says

	Agents   Agents                                          // login, pause of agents from the page
	Desk     Desk                                            // optional: what the operator's own page asks for beyond that
	Facts    FactsFunc                                       // optional: what happened, for figures
	Reports  *report.Reader                                  // optional: figures of the past and the people to call back
	Dial     DialFunc                                        // optional: calls whom the reader picks; else people dial themselves
	TestRing func(ctx context.Context, line office.ID) error // optional: make a line ring for a test

	// After the call. Without Customers the pages about customers do not exist.
	Customers *outcome.Book          // optional: cards, outcomes, call-backs
	Surveys   func() []survey.Result // optional: what callers answered
	Webhooks  *cti.Sender            // optional: other programs that hear of calls

	// PairingUntil tells until when the window that the button opened lasts; the
	// zero time: it is closed. While it is open a box that nobody has claimed can
	// be claimed from the LAN, and phones of one that is somebody's can be paired.
	PairingUntil func() time.Time
	ClaimCode    string // optional: the one-time code by which a box is claimed; else one is made
	Claimed      func() // optional: hears that somebody has claimed the box

	Backup  func(ctx context.Context, w io.Writer, passphrase string) error // optional
	Restore func(ctx context.Context, r io.Reader, passphrase string) error // optional; takes effect at the next start
	// Acknowledge takes a fault that is over off the list (health.Over), by a person's
	// wish; ErrNoSuchFault for another kind. Optional.
	Acknowledge func(kind string) error
	// Refused tells how often other parts of the box refused input. Optional.
	Refused func() []Refusal

	// Ports lists the serial ports that the computer has now, for the form of a line.
	// Optional: without it a port is typed.
	Ports func() ([]SerialPort, error)

	Clock   Clock   // optional: without it the clock is that of a computer on which the box may not set it
	Restart func()  // optional: orderly restart, asked for after a restore
	Updates Updates // optional: replaces the program of the box

	Logs  func(f LogFilter) []LogLine // optional: the newest last
	About About

	// Names the box may be called by in a browser beside its addresses and
	// localhost, for instance "centralino.local".
	Names func() []string
	// Addresses lists the addresses of the box on the LAN, for About, the SIP
	// account and the certificate.
	Addresses func() []netip.Addr
	// SIPPort is the UDP port that phones register at, on SIPAddr alone where that
	// is given and not unspecified.
	SIPPort uint16
	SIPAddr netip.Addr

	// DataDir is where the local certificate authority keeps its key; empty: no
	// HTTPS.
	DataDir string
	// HTTP and HTTPS are served by Run where not nil, and closed by it. With both,
	// HTTP keeps working and says so.
	HTTP, HTTPS net.Listener
	HTTPSPort   uint16 // shown to people on HTTP; 0: none
	// ReadTimeout is how long one request may take to come in, WriteTimeout how long
	// its answer may take; 30 s and 60 s if 0. Event streams, uploads and backups have
	// their own time.
	ReadTimeout, WriteTimeout time.Duration
}

// LineStatus is the state of one line or trunk: a hal.LineState, or
// "registering", "registered", "failed".
type LineStatus struct {
	ID     office.ID
	State  string
	Reason string
	Since  time.Time

	// The device of a telephone line in service: what it calls itself, which dialect
	// is spoken with it, and the name of its port now.
	Model, Dialect, Port string
}

// SerialPort is a serial port of the computer.
type SerialPort struct {
	Identity string // as the office document writes it
	Device   string // what it is called now
	Product  string // as the device says; it and Serial may be empty
	Serial   string
}

// PhoneStatus is one registered contact of a device.
type PhoneStatus struct {
	Device    office.ID
	Address   netip.AddrPort
	Transport string
	Agent     string // what the phone calls itself
	Since     time.Time
	Expires   time.Time
}

// Office is what the pages need of the versions of the office document.
type Office interface {
	Current() *office.Snapshot
	Propose(base int, d *office.Document) office.Proposal
	Apply(ctx context.Context, e office.Edit) (*office.Snapshot, error)
	Undo(ctx context.Context, n int, by journal.SubjectID) (*office.Snapshot, error)
	At(ctx context.Context, n int) (*office.Document, error)
	Versions(ctx context.Context, before, limit int) ([]office.VersionInfo, error)
	NewID(ctx context.Context, k office.Kind) (office.ID, error)
}

// Secrets is what the pages need of the secrets' table.
type Secrets interface {
	Get(ref office.SecretRef) (string, bool)
	Stage(secret string) (ref office.SecretRef, write func(tx *sql.Tx) error)
}

// People is the gate through which names, states and figures of people come.
type People interface {
	Name(v privacy.Viewer, p privacy.Purpose, s journal.SubjectID) (string, bool)
	Open(v privacy.Viewer) bool
	MaySeeState(v privacy.Viewer, s journal.SubjectID) bool
	MaySeeFigures(v privacy.Viewer, s journal.SubjectID) bool
	MayExportFigures(v privacy.Viewer, s journal.SubjectID) bool
	report.Gate
	Board(v privacy.Viewer, groups []privacy.Group, state func(journal.SubjectID) journal.AgentStateName) []privacy.TeamView
	Looks(ctx context.Context, about journal.SubjectID, before time.Time, limit int) ([]privacy.Look, error)
	StageName(person journal.SubjectID, name string) func(tx *sql.Tx) error
	Left(v privacy.Viewer) []journal.SubjectID
	Erase(ctx context.Context, by privacy.Viewer, s journal.SubjectID) error
	Agreement() privacy.Agreement
	Agreements(ctx context.Context) ([]privacy.Agreement, error)
	Record(ctx context.Context, by privacy.Viewer, a privacy.Agreement) error
}

// Voices is what the pages need of the recordings that people upload.
type Voices interface {
	// Put keeps a WAV file and returns the name under which Prompt.Audio refers to
	// it. An error that is ErrVoice says that the file is no sound the box can use.
	Put(wav []byte) (sha256 string, err error)
	// Has reports whether the recording of that name is there.
	Has(sha256 string) bool
	// WAV is the recording of that name, else the box's own sentence, as a WAV
	// file. False if there is neither.
	WAV(sha256, builtin, lang string) ([]byte, bool)
}

// ErrVoice says that an uploaded file is no sound that the box can use; its text
// for people is problem.prompt.audio.
var ErrVoice = errors.New("no WAV file of at most three minutes, mono, 16 bit or G.711, at 8 or 16 kHz")

// Agents changes what agents do, as *70 to *73 do from a phone.
type Agents interface {
	Login(agent journal.SubjectID) error
	Logout(agent journal.SubjectID) error
	Pause(agent journal.SubjectID) error
	Ready(agent journal.SubjectID) error
}

// LogFilter selects lines of the log.
type LogFilter struct {
	Call  string // only this call
	Text  string // contains
	Level slog.Level
	Limit int
}

// LogLine is one line of the log, already redacted.
type LogLine struct {
	Time  time.Time
	Level string
	Text  string
	Attrs string
	Call  string
}

// About is what the box is made of.
type About struct {
	Version string
	Commit  string
	Board   string // its make
	// BoardName is the board's short name; where ui/i18n has boardname.<name>, that is shown.
	BoardName string
	// Licences are of every module that is linked in; they are read for the page only.
	Licences func() []Licence
}

// Licence is one module with its licence.
type Licence struct{ Module, Version, Name, Text string }

// Journal is what the pages need of the journal; FromLog adapts the real one.
type Journal interface {
	journal.Appender
	Durable() uint64 // the last event that is on disk
	Subscribe(from uint64) Subscription
	Calls(ctx context.Context, q journal.CallQuery) ([]journal.Call, journal.CallCursor, error)
	CallByID(ctx context.Context, id journal.CallID) (journal.Call, bool, error)
	CallEvents(ctx context.Context, id journal.CallID) ([]journal.Event, error)
	Replay(ctx context.Context, from uint64, fn func(journal.Event) error) error
	SaveFold(ctx context.Context, f journal.Fold) error
	LoadFold(ctx context.Context, name string, version int) (journal.Fold, bool, error)
}

// Subscription follows the journal.
type Subscription interface {
	Next(ctx context.Context) (journal.Event, error)
	Close()
}

// FromLog makes the journal's log fit.
func FromLog(l *journal.Log) Journal { return fromLog{l} }

type fromLog struct{ *journal.Log }

func (l fromLog) Subscribe(from uint64) Subscription { return l.Log.Subscribe(from) }

// ErrDeps says that New got too little to work with.
var ErrDeps = errors.New("ui: a required part of Deps is missing")

// Migrations are the tables of the pages (accounts, sessions, invitations, what people
// choose for themselves), for store.Options.
func Migrations() []store.Migration { return append(auth.Migrations(), choiceTable) }
