package office

import (
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"time"
)

// ID names an object within the document, for instance "line-1". It is unique
// over all kinds and is never given out again after deletion.
type ID string

// Document is the whole configuration of one office. A Document that has been
// applied is immutable; edits work on a Clone.
type Document struct {
	Schema     int                `json:"schema"`
	Site       Site               `json:"site"`
	Lines      []Line             `json:"lines"`
	Numbers    []Number           `json:"numbers"`
	People     []Person           `json:"people"`
	Extensions []Extension        `json:"extensions"`
	Devices    []Device           `json:"devices"`
	Groups     []Group            `json:"groups"`
	Schedules  []Schedule         `json:"schedules"`
	Menus      []Menu             `json:"menus"`
	Prompts    []Prompt           `json:"prompts"`
	Paths      []Path             `json:"paths"`
	Outbound   Outbound           `json:"outbound"`
	Profiles   []Profile          `json:"profiles"`
	Skills     []Skill            `json:"skills,omitempty"`
	Reasons    []PauseReason      `json:"reasons,omitempty"`
	Outcomes   []Outcome          `json:"outcomes,omitempty"`
	Scripts    []Script           `json:"scripts,omitempty"`
	Surveys    []Survey           `json:"surveys,omitempty"`
	Webhooks   []Webhook          `json:"webhooks,omitempty"`
	Reports    []Report           `json:"reports,omitempty"`
	Mail       Mail               `json:"mail"`
	Codes      map[Feature]string `json:"codes,omitempty"` // feature codes that differ from the standard table

	index *index // look-up maps of a frozen document, nil otherwise
}

// Site is the office itself (Sede).
type Site struct {
	Name      string `json:"name"`
	Country   string `json:"country"`             // ISO 3166-1 alpha-2, "IT"
	AreaCode  string `json:"areaCode"`            // with its leading 0, "02"
	TimeZone  string `json:"timeZone"`            // IANA, "Europe/Rome"
	Language  string `json:"language"`            // BCP 47, "it" or "en"
	PatronDay string `json:"patronDay,omitempty"` // "12-07" for Milan: closed by the holiday calendar
	ACDNotice bool   `json:"acdNotice"`           // tell callers the operator's country

	// WorkCountry is where the people of the office work, ISO 3166-1 alpha-2: Country
	// if empty. It is what callers are told, and numbers nothing.
	WorkCountry string `json:"workCountry,omitempty"`

	BreakEvery time.Duration `json:"breakEvery,omitempty"` // work at the screen without a break: 120 min by default
	BreakFor   time.Duration `json:"breakFor,omitempty"`   // how long a break is: 15 min by default
}

// LineKind is the technology of a line (Linea).
type LineKind string

// Kinds of line.
const (
	LineAnalog LineKind = "analog"
	LineISDN   LineKind = "isdn"
	LineMobile LineKind = "mobile"
	LineTrunk  LineKind = "trunk"
)

// Line is a way out of the office: a telephone line or a SIP trunk (Linea).
type Line struct {
	ID                ID       `json:"id"`
	Name              string   `json:"name"`
	Kind              LineKind `json:"kind"`
	Disabled          bool     `json:"disabled,omitempty"`
	Port              string   `json:"port,omitempty"`    // serial port identity: "usb:VID:PID:SERIAL", "path:…" or a device name
	Dialect           string   `json:"dialect,omitempty"` // modem dialect, "auto" by default
	Channels          int      `json:"channels"`          // calls at once: 1 for analog
	RingsBeforeAnswer int      `json:"rings"`             // ring bursts before the box answers, 2 by default
	Emergency         bool     `json:"emergency"`         // can carry emergency calls
	Path              ID       `json:"path,omitempty"`    // where calls without a known own number go
	Trunk             *Trunk   `json:"trunk,omitempty"`
}

// Trunk is the SIP side of a Line of kind trunk.
type Trunk struct {
	Server       string        `json:"server"` // host or host:port of registrar and proxy
	Domain       string        `json:"domain"` // of the address of record; Server's host if empty
	User         string        `json:"user"`
	AuthUser     string        `json:"authUser,omitempty"`
	Secret       SecretRef     `json:"secret,omitempty"`
	Transport    string        `json:"transport"` // "udp" or "tcp"
	Register     bool          `json:"register"`
	Expires      time.Duration `json:"expires"`
	NumberFormat string        `json:"numberFormat"` // "e164" (+39…), "00", "national"
}

// SecretRef is the handle of an encrypted secret in the Secrets table.
type SecretRef string

// Number is an own number of the office (Numero).
type Number struct {
	ID     ID             `json:"id"`
	Number numbering.E164 `json:"number"`
	Line   ID             `json:"line"`
	Path   ID             `json:"path"`
}

// Role says what a person may do on the pages.
type Role string

// Roles, from the most to the least powerful over the box.
const (
	RoleTechnician Role = "technician"
	RoleManager    Role = "manager"
	RoleLeader     Role = "leader"
	RoleOperator   Role = "operator"
)

// Person is somebody of the office (Persona). The name stands in the pseudonym
// table and not here.
type Person struct {
	ID       journal.SubjectID `json:"id"`
	Language string            `json:"language,omitempty"` // Site.Language if empty
	Role     Role              `json:"role"`
	Profile  ID                `json:"profile,omitempty"`
	Country  string            `json:"country,omitempty"` // where the person works, ISO 3166-1 alpha-2; as the site's people if empty
	Skills   map[ID]int        `json:"skills,omitempty"`  // skill -> level, 1 to 9
}

// TargetKind is the kind of object a Target points to.
type TargetKind string

// Kinds of target.
const (
	TargetPerson TargetKind = "person"
	TargetGroup  TargetKind = "group"
	TargetPath   TargetKind = "path"
	TargetDevice TargetKind = "device"
)

// Target is a typed reference to something that can be reached.
type Target struct {
	Kind TargetKind `json:"kind"`
	ID   string     `json:"id"`
}

// Extension is the only dialable short number (Interno); one number space.
type Extension struct {
	ID     ID     `json:"id"`
	Digits string `json:"digits"` // 2 to 5 digits
	Target Target `json:"target"`
}

// Device is a telephone or softphone with a SIP account (Telefono).
type Device struct {
	ID        ID                `json:"id"`
	Name      string            `json:"name"` // "Yealink reception"
	Owner     journal.SubjectID `json:"owner,omitempty"`
	Username  string            `json:"username"`
	Secret    SecretRef         `json:"secret"`
	Algorithm string            `json:"algorithm"` // digest: "MD5" (default) or "SHA-256"
	Disabled  bool              `json:"disabled,omitempty"`
}

// GroupMode says how a group rings (Gruppo).
type GroupMode string

// Modes of a group.
const (
	GroupRing  GroupMode = "ring"  // ring group: everybody at once, no waiting
	GroupQueue GroupMode = "queue" // queue with waiting callers
)

// Strategy says which agent a queue offers a call to first. An unknown name is an
// error, never a default.
type Strategy string

// Strategies of a queue.
const (
	LongestIdle   Strategy = "longestIdle"
	RingAll       Strategy = "ringAll"
	LeastOccupied Strategy = "leastOccupied"
	FewestCalls   Strategy = "fewestCalls"
	Ordered       Strategy = "ordered"
	RoundRobin    Strategy = "roundRobin"
	Random        Strategy = "random"
	Progressive   Strategy = "progressive"
)

// Group is a ring group or a queue of people.
type Group struct {
	ID      ID                  `json:"id"`
	Name    string              `json:"name"`
	Mode    GroupMode           `json:"mode"`
	Members []journal.SubjectID `json:"members"`
	Queue   *QueueRules         `json:"queue,omitempty"` // for GroupQueue
}

// QueueRules are the rules of a queue (Coda).
type QueueRules struct {
	Strategy      Strategy      `json:"strategy"`
	RingTime      time.Duration `json:"ringTime"`      // an offer's deadline, 20 s by default
	MissesToPause int           `json:"missesToPause"` // 2 by default, 0 never
	WrapUp        time.Duration `json:"wrapUp"`
	MaxWait       time.Duration `json:"maxWait"`         // 0: no limit; then the path goes on
	MaxLength     int           `json:"maxLength"`       // 0: no limit
	Music         ID            `json:"music,omitempty"` // prompt; built-in music if empty

	Step  int           `json:"step,omitempty"`  // progressive: how many more ring …
	Every time.Duration `json:"every,omitempty"` // … every so often

	// Who comes first, and from whom.
	Bonus       time.Duration `json:"bonus,omitempty"`       // how much earlier than they came its callers rank
	Urgent      bool          `json:"urgent,omitempty"`      // its callers overtake all others; not for rescue services
	Redial      time.Duration `json:"redial,omitempty"`      // who hangs up and calls again within it has the old place
	LastAgent   time.Duration `json:"lastAgent,omitempty"`   // how long a caller is kept for the agent who last served him; 0: not
	LastAgentOf time.Duration `json:"lastAgentOf,omitempty"` // … if that was within so long; 30 days by default
	Needs       map[ID]int    `json:"needs,omitempty"`       // skill -> lowest level
	Rings       []Ring        `json:"rings,omitempty"`       // how the needs give way while a caller waits

	// When it takes nobody.
	JoinEmpty   bool          `json:"joinEmpty,omitempty"`   // callers may wait while no agent is logged in
	LeaveEmpty  bool          `json:"leaveEmpty,omitempty"`  // who waits goes on in his path when the last agent logs out
	MaxExpected time.Duration `json:"maxExpected,omitempty"` // takes no caller whose expected wait (P50) is longer; 0: no limit

	// What a caller hears and may press.
	Announce      time.Duration `json:"announce,omitempty"`      // position and wait range every so often; 0: never
	AnnounceFirst bool          `json:"announceFirst,omitempty"` // also on entering
	SayPosition   bool          `json:"sayPosition,omitempty"`
	SayWait       bool          `json:"sayWait,omitempty"`
	Periodic      ID            `json:"periodic,omitempty"` // a prompt every PeriodicEvery
	PeriodicEvery time.Duration `json:"periodicEvery,omitempty"`
	Exits         map[string]ID `json:"exits,omitempty"`         // key -> path
	CallbackKey   string        `json:"callbackKey,omitempty"`   // asks to be called back in turn; empty: not offered
	CallbackTries int           `json:"callbackTries,omitempty"` // 3 by default
	CallbackRetry time.Duration `json:"callbackRetry,omitempty"` // 10 min by default
	Whisper       ID            `json:"whisper,omitempty"`       // prompt that the agent hears before he is joined
	WhisperName   bool          `json:"whisperName,omitempty"`   // or the telephone shows the queue's name with the caller
	NoNotice      bool          `json:"noNotice,omitempty"`      // leaves out Site.ACDNotice

	// After the call.
	WrapUpMore  time.Duration `json:"wrapUpMore,omitempty"` // by how much an agent may lengthen his wrap-up, once
	Outcomes    []ID          `json:"outcomes,omitempty"`
	MustOutcome bool          `json:"mustOutcome,omitempty"` // wrap-up ends only with an outcome or its limit
	Script      ID            `json:"script,omitempty"`
	Survey      ID            `json:"survey,omitempty"` // asked of the caller when the agent has hung up
	PopURL      string        `json:"popURL,omitempty"` // opened on the agent's page; {number}, {name}, {call}, {queue} are filled in

	// How it is judged.
	Threshold    time.Duration `json:"threshold,omitempty"`    // of the service level: 20 s by default
	Target       int           `json:"target,omitempty"`       // percent, 80 by default
	ShortAbandon time.Duration `json:"shortAbandon,omitempty"` // who gives up sooner does not count: 5 s by default
}

// Ring says what a queue settles for once a caller has waited After: one less of
// every level it needs (Lower times), and the members of another group besides.
type Ring struct {
	After   time.Duration `json:"after"`
	Lower   int           `json:"lower,omitempty"`
	Without []ID          `json:"without,omitempty"` // skills that are needed no more
	Group   ID            `json:"group,omitempty"`
}

// Skill is something that agents can do, in levels from 1 to 9 (Competenza).
type Skill struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
}

// PauseReason is why an agent takes no calls (Motivo di pausa).
type PauseReason struct {
	ID    ID     `json:"id"`
	Name  string `json:"name"`
	Digit string `json:"digit,omitempty"` // after the code of the pause: *72 and 1
	Break bool   `json:"break,omitempty"` // is a break from the screen
	Work  bool   `json:"work,omitempty"`  // is other work, not a pause
}

// OutcomeNext says what follows an outcome.
type OutcomeNext string

// What follows an outcome.
const (
	OutcomeClosed   OutcomeNext = "closed"   // nothing
	OutcomeCallBack OutcomeNext = "callBack" // somebody calls the customer on a date
	OutcomeTask     OutcomeNext = "task"     // something is to be done
)

// Outcome is how a conversation ended (Esito).
type Outcome struct {
	ID    ID          `json:"id"`
	Name  string      `json:"name"`
	Digit string      `json:"digit,omitempty"` // to be pressed on the telephone
	Next  OutcomeNext `json:"next"`
	After int         `json:"after,omitempty"` // callBack: proposed after so many days
}

// Script leads an agent through a conversation (Copione). Text is its steps in the
// form that acd/outcome reads and checks.
type Script struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// Survey asks the caller by keys after the conversation (Sondaggio).
type Survey struct {
	ID        ID     `json:"id"`
	Name      string `json:"name"`
	Intro     ID     `json:"intro,omitempty"` // prompt
	Questions []ID   `json:"questions"`       // prompts
	Keys      string `json:"keys"`            // keys that count, "12345"
	Thanks    ID     `json:"thanks,omitempty"`
}

// Webhook is an address of another program that hears what happens (Webhook).
type Webhook struct {
	ID     ID        `json:"id"`
	Name   string    `json:"name"`
	URL    string    `json:"url"`
	Secret SecretRef `json:"secret,omitempty"` // signs what is sent
	Events []string  `json:"events"`           // "ringing", "answered", "ended", "outcome"
	Off    bool      `json:"off,omitempty"`
}

// Report is a report that is sent by mail (Rapporto).
type Report struct {
	ID   ID       `json:"id"`
	Name string   `json:"name"`
	What string   `json:"what"` // "day", "queue", "outcome", "unserved", "lines"
	Days []string `json:"days"` // "mon" … "sun"
	At   int      `json:"at"`   // minutes since midnight, local time
	To   []string `json:"to"`
}

// Mail is how the box sends mail (Posta).
type Mail struct {
	Server string    `json:"server,omitempty"` // host:port; empty: no mail
	User   string    `json:"user,omitempty"`
	Secret SecretRef `json:"secret,omitempty"`
	From   string    `json:"from,omitempty"`
	TLS    string    `json:"tls,omitempty"` // "tls", "starttls" (default) or "none"
}

// Span is a stretch of a day in minutes since midnight, local time; To is
// exclusive and at most 1440.
type Span struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// DayState is what a schedule says at an instant.
type DayState string

// What a schedule says.
const (
	Open    DayState = "open"
	Break   DayState = "break"
	Closed  DayState = "closed"
	Holiday DayState = "holiday"
)

// Schedule is weekly opening hours with holidays and exceptions (Orario). Time
// between two spans of one day is Break, outside all spans Closed.
type Schedule struct {
	ID         ID          `json:"id"`
	Name       string      `json:"name"`
	Week       [7][]Span   `json:"week"`     // time.Weekday: Sunday is 0
	Holidays   bool        `json:"holidays"` // the country's public holidays and the patron saint's day
	Exceptions []Exception `json:"exceptions,omitempty"`
	Override   *Override   `json:"override,omitempty"`
}

// Exception replaces one date's hours; no Spans means closed all day.
type Exception struct {
	Date  string `json:"date"` // "2026-12-24"
	Name  string `json:"name"`
	Spans []Span `json:"spans,omitempty"`
}

// Override sets a state by hand until it ends by itself.
type Override struct {
	State DayState  `json:"state"`
	Until time.Time `json:"until"`
}

// Menu is a voice menu (Menu vocale).
type Menu struct {
	ID      ID            `json:"id"`
	Name    string        `json:"name"`
	Prompt  ID            `json:"prompt"`
	Keys    map[string]ID `json:"keys"`    // "0"-"9", "*", "#" -> path
	Timeout time.Duration `json:"timeout"` // wait for a key after the prompt, 5 s by default
	Tries   int           `json:"tries"`   // how often the menu is said, 3 by default
	Else    ID            `json:"else"`    // path after the last try: a human being, by default
}

// Prompt is something the box says (Messaggio): a built-in sentence by its name,
// or an uploaded recording by content hash, per language.
type Prompt struct {
	ID      ID                `json:"id"`
	Name    string            `json:"name"`
	Builtin string            `json:"builtin,omitempty"` // name in internal/audio's prompt set
	Texts   map[string]string `json:"texts,omitempty"`   // language -> what is said
	Audio   map[string]string `json:"audio,omitempty"`   // language -> sha256 of the uploaded audio
}

// StepKind is what a step of a path does.
type StepKind string

// Kinds of step.
const (
	StepHours   StepKind = "hours"   // branch by Schedule
	StepMessage StepKind = "message" // say Prompt
	StepMenu    StepKind = "menu"    // Menu branches; no key and no Else: next step
	StepGroup   StepKind = "group"   // ring group or queue; unanswered: next step
	StepPerson  StepKind = "person"  // ring a person; unanswered: next step
	StepGoto    StepKind = "goto"    // go on in another path
	StepEnd     StepKind = "end"     // say Prompt, if any, and hang up

	StepCallback StepKind = "callback" // offers to call back in the turn of the queue Group; declined: next step
)

// Step is one step of a path. Which fields count depends on Kind.
type Step struct {
	Kind     StepKind          `json:"kind"`
	Schedule ID                `json:"schedule,omitempty"`
	On       map[DayState]ID   `json:"on,omitempty"` // hours: path per state; a state that is missing goes on
	Prompt   ID                `json:"prompt,omitempty"`
	Menu     ID                `json:"menu,omitempty"`
	Group    ID                `json:"group,omitempty"`
	Person   journal.SubjectID `json:"person,omitempty"`
	Ring     time.Duration     `json:"ring,omitempty"` // person, ring group: how long
	Path     ID                `json:"path,omitempty"`
}

// Path is where a call goes, step by step; it must terminate (Percorso).
type Path struct {
	ID    ID     `json:"id"`
	Name  string `json:"name"`
	Steps []Step `json:"steps"`
}

// NumberClass is a class of dialled numbers (Uscite), not a digit pattern.
type NumberClass string

// Classes of outside numbers.
const (
	ClassEmergency     NumberClass = "emergency"
	ClassNational      NumberClass = "national" // geographic, also local
	ClassMobile        NumberClass = "mobile"
	ClassFreephone     NumberClass = "freephone" // 800, 803
	ClassShared        NumberClass = "shared"    // 840, 848, 199 …
	ClassInternational NumberClass = "international"
	ClassPremium       NumberClass = "premium"
	ClassService       NumberClass = "service" // other short numbers: 1xx, 4x
)

// Outbound says which lines carry which class, in order (Uscite). A class that is
// missing uses Default. Emergency calls use every line with Emergency set and are
// not configured here beyond the order of lines.
type Outbound struct {
	Prefix  string               `json:"prefix"` // digit(s) for an outside line, "" for none; emergency works with and without it
	Default []ID                 `json:"default"`
	Classes map[NumberClass][]ID `json:"classes,omitempty"`
}

// Profile says which classes of number a person may call (Profilo).
type Profile struct {
	ID    ID            `json:"id"`
	Name  string        `json:"name"`
	Allow []NumberClass `json:"allow"`
}

// Feature is something a phone can ask for by a code.
type Feature string

// Features with their standard codes in StandardCodes. FeaturePause and
// FeatureOutcome take one digit more: a PauseReason's or an Outcome's.
const (
	FeatureLogin  Feature = "agent.login"
	FeatureLogout Feature = "agent.logout"
	FeaturePause  Feature = "agent.pause"
	FeatureReady  Feature = "agent.ready"

	FeatureMore    Feature = "agent.more"    // a longer wrap-up
	FeatureOutcome Feature = "agent.outcome" // and a digit: how the last call ended
	FeatureBreak   Feature = "agent.break"   // asks for the break from the screen

	FeatureEcho   Feature = "test.echo"
	FeatureStatus Feature = "box.status"
)

// StandardCodes is the one table of feature codes; Document.Codes overrides it.
var StandardCodes = map[Feature]string{
	FeatureLogin:  "*70",
	FeatureLogout: "*71",
	FeaturePause:  "*72",
	FeatureReady:  "*73",

	FeatureMore:    "*74",
	FeatureOutcome: "*75",
	FeatureBreak:   "*76",

	FeatureEcho:   "*43",
	FeatureStatus: "*411",
}
