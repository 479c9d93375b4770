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
	LongestIdle Strategy = "longestIdle"
	RingAll     Strategy = "ringAll"
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

// Features with their standard codes in StandardCodes.
const (
	FeatureLogin  Feature = "agent.login"
	FeatureLogout Feature = "agent.logout"
	FeaturePause  Feature = "agent.pause"
	FeatureReady  Feature = "agent.ready"
	FeatureEcho   Feature = "test.echo"
	FeatureStatus Feature = "box.status"
)

// StandardCodes is the one table of feature codes; Document.Codes overrides it.
var StandardCodes = map[Feature]string{
	FeatureLogin:  "*70",
	FeatureLogout: "*71",
	FeaturePause:  "*72",
	FeatureReady:  "*73",
	FeatureEcho:   "*43",
	FeatureStatus: "*411",
}
