// Package api holds what the pages show, as plain data: the same structs are
// drawn by the templates and sent as JSON under /api/v1. Who may see a person's
// name or state has been decided before a value gets in here. It also describes
// itself: Describe writes the OpenAPI document from the routes and these structs.
package api

import "time"

// Tone is the colour family of a state; the word beside it says the same.
type Tone string

// Tones.
const (
	ToneOK   Tone = "ok"
	ToneBusy Tone = "busy"
	ToneWarn Tone = "warn"
	ToneBad  Tone = "bad"
	ToneOff  Tone = "off"
)

// State is a state for people: its text id, its word in the reader's language and
// its tone.
type State struct {
	ID   string `json:"id"`
	Word string `json:"word"`
	Tone Tone   `json:"tone"`
}

// Home is the first page.
type Home struct {
	Now    time.Time  `json:"now"`
	Site   string     `json:"site"`
	Hours  *Hours     `json:"hours,omitempty"` // of the first schedule
	Health Health     `json:"health"`
	Lamps  []Lamp     `json:"lamps"`
	Lines  []Line     `json:"lines"`
	Calls  []LiveCall `json:"calls"`
	Queues []Queue    `json:"queues"`
	Me     *Agent     `json:"me,omitempty"`
	Due    int        `json:"due"`  // calls that customers asked for and what else the reader has to do today
	Late   int        `json:"late"` // … of them, past their time
}

// Hours is what a schedule says now, and until when.
type Hours struct {
	Name  string    `json:"name"`
	State State     `json:"state"`
	Until time.Time `json:"until,omitzero"`
}

// Lamp is one lamp of the box as it is lit now.
type Lamp struct {
	Name    string `json:"name"`
	Pattern string `json:"pattern"` // "SOLID", "CODE" … (board/led)
	Code    int    `json:"code,omitempty"`
	State   string `json:"state,omitempty"` // empty while the lamp answers the button
	Word    string `json:"word"`
}

// Health says whether all is well, and else what is wrong.
type Health struct {
	OK     bool    `json:"ok"`
	Faults []Fault `json:"faults"`
}

// Fault is one thing that is wrong.
type Fault struct {
	Code    string    `json:"code"`
	Number  int       `json:"number"` // flashes of the STATUS lamp
	Subject string    `json:"subject,omitempty"`
	Title   string    `json:"title"`
	Effect  string    `json:"effect"`
	Action  string    `json:"action"`
	Since   time.Time `json:"since"`
	Warning bool      `json:"warning"`
	Over    bool      `json:"over,omitempty"` // stays until somebody has read it
}

// Line is a line or trunk with its state.
type Line struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	KindWord   string    `json:"kindWord"`
	State      State     `json:"state"`
	Reason     string    `json:"reason,omitempty"`
	ReasonWord string    `json:"reasonWord,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	Channels   int       `json:"channels"`
	Calls      int       `json:"calls"`
	Emergency  bool      `json:"emergency"`
	Disabled   bool      `json:"disabled"`
	Device     string    `json:"device,omitempty"`
	Server     string    `json:"server,omitempty"`
	Numbers    []string  `json:"numbers,omitempty"`
}

// LiveCall is a call in progress.
type LiveCall struct {
	ID        string    `json:"id"`
	Direction string    `json:"direction"`
	Phase     State     `json:"phase"`
	Line      string    `json:"line,omitempty"`
	Caller    string    `json:"caller"`
	Called    string    `json:"called"`
	Step      string    `json:"step,omitempty"`
	Started   time.Time `json:"started"`
	Emergency bool      `json:"emergency,omitempty"`
}

// Queue is a queue as it stands.
type Queue struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"` // since when the one waits who waits longest
	Counted bool      `json:"counted"`         // false: too few people answer here to be counted, all below is 0
	Free    int       `json:"free"`
	Talking int       `json:"talking"`
	Paused  int       `json:"paused"`
	Away    int       `json:"away"`
	Agents  []Agent   `json:"agents"` // those whom the reader may see
}

// Agent is a person who answers, with the state where the reader may see it.
type Agent struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	State State     `json:"state"`
	Since time.Time `json:"since,omitzero"`
}

// Person is somebody of the office as the pages that set people up show him.
type Person struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Initials   string   `json:"-"`
	Role       string   `json:"role"`
	RoleWord   string   `json:"roleWord"`
	Extensions []string `json:"extensions"`
	Phones     []Phone  `json:"phones"`
	Groups     []string `json:"groups"`
	Login      string   `json:"login,omitempty"`
}

// Phone is a telephone with its registration.
type Phone struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Owner     string    `json:"owner,omitempty"`
	OwnerName string    `json:"ownerName,omitempty"`
	Username  string    `json:"username"`
	State     State     `json:"state"`
	Address   string    `json:"address,omitempty"`
	Model     string    `json:"model,omitempty"`
	Since     time.Time `json:"since,omitzero"`
}

// Calls is a page of the list of calls, newest first.
type Calls struct {
	Calls []Call `json:"calls"`
	Next  string `json:"next,omitempty"` // cursor of the next page
}

// Call is one finished or running call.
type Call struct {
	ID        string    `json:"id"`
	Start     time.Time `json:"start"`
	Direction string    `json:"direction"`
	Line      string    `json:"line,omitempty"`
	Caller    string    `json:"caller"`
	Called    string    `json:"called"`
	Outcome   State     `json:"outcome"`
	Waited    float64   `json:"waitedSeconds"`
	Talk      float64   `json:"talkSeconds"`
	Total     float64   `json:"totalSeconds"`
	Emergency bool      `json:"emergency,omitempty"`
}

// CallStory is one call as a timeline.
type CallStory struct {
	Call    Call      `json:"call"`
	Moments []Moment  `json:"moments"`
	Quality []Quality `json:"quality,omitempty"`
}

// Moment is one thing that happened in a call, in words.
type Moment struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
	Icon string    `json:"-"`
	Tone string    `json:"-"`
	Why  []string  `json:"why,omitempty"`  // the decision's reasons, in words
	Call string    `json:"call,omitempty"` // id of the other call that it tells of
}

// Quality is how one leg's audio went.
type Quality struct {
	Leg      string  `json:"leg"`
	Received uint64  `json:"received"`
	Lost     uint64  `json:"lost"`
	JitterMS float64 `json:"jitterMS"`
	RoundMS  float64 `json:"roundTripMS,omitempty"`
	// What the far end reported of what it got from the box.
	PeerLost     uint64  `json:"peerLost,omitempty"`
	PeerJitterMS float64 `json:"peerJitterMS,omitempty"`
}

// Prompts is everything that the box says.
type Prompts struct {
	Messages  []Prompt `json:"messages"`  // of the office
	Sentences []Prompt `json:"sentences"` // of the box, in whose place no message stands yet
}

// Prompt is one thing that the box says.
type Prompt struct {
	ID      string  `json:"id"` // of the message, or "box." and the sentence's name
	Name    string  `json:"name"`
	Builtin string  `json:"builtin,omitempty"` // name of the box's sentence
	Voices  []Voice `json:"voices"`            // one per language
}

// Voice is what is said in one language.
type Voice struct {
	Lang      string `json:"lang"`
	Word      string `json:"word"`
	Text      string `json:"text,omitempty"` // empty: nobody has written it down
	Source    State  `json:"source"`         // "uploaded", "builtin" or "silent"
	Recording string `json:"recording,omitempty"`
	URL       string `json:"url,omitempty"` // of the sound; empty: silent
}

// Version is one applied version of the office.
type Version struct {
	Version int       `json:"version"`
	Applied time.Time `json:"applied"`
	By      string    `json:"by"`
	Note    string    `json:"note"`
	Current bool      `json:"current"`
}

// Difference is what a version changed.
type Difference struct {
	Version Version  `json:"version"`
	Changes []Change `json:"changes"`
}

// Change is one line of a difference, in words. Op is "add", "del" or "mod".
type Change struct {
	Op     string   `json:"op"`
	Object string   `json:"object"`
	Field  string   `json:"field,omitempty"`
	From   string   `json:"from,omitempty"`
	To     string   `json:"to,omitempty"`
	Parts  []Change `json:"parts,omitempty"`
}

// Hit is one thing that a search found.
type Hit struct {
	Kind  string `json:"kind"`
	Title string `json:"title"`
	Text  string `json:"text"`
	URL   string `json:"url"`
}

// System is what the box is and how it is reached.
type System struct {
	Version   string    `json:"version"`
	Commit    string    `json:"commit"`
	Board     string    `json:"board"`
	Started   time.Time `json:"started,omitzero"`
	Addresses []string  `json:"addresses"`
	Secure    bool      `json:"secure"`
	Claimed   bool      `json:"claimed"`
	Refused   []Refused `json:"refused"` // input that was refused since the start
	Repair    *Repair   `json:"repair,omitempty"`
	Clock     Clock     `json:"clock"`
}

// Clock is the box's clock and how it is known.
type Clock struct {
	Now    time.Time `json:"now"`
	Zone   string    `json:"zone"`   // the office's (IANA)
	Source State     `json:"source"` // "server", "hand", "battery", "unknown", "computer"
}

// Repair is the last repair of the memory card's file system, told for a month.
type Repair struct {
	At     time.Time `json:"at"`
	Forced bool      `json:"forced"` // something may be lost
	Text   string    `json:"text"`
}

// Refused is how often input of one kind was refused.
type Refused struct {
	Where     string `json:"where"`
	What      string `json:"what"`
	WhereWord string `json:"whereWord"`
	Word      string `json:"word"`
	Count     uint64 `json:"count"`
}

// LogLine is one line of the log.
type LogLine struct {
	Time  time.Time `json:"time"`
	Level string    `json:"level"`
	Text  string    `json:"text"`
	Attrs string    `json:"attrs,omitempty"`
	Call  string    `json:"call,omitempty"`
}

// Error is the answer to a refused request.
type Error struct {
	Code string `json:"code"` // "E-404"
	Text string `json:"text"`
}

// Field is one field of the office's settings: what forms and the API accept.
type Field struct {
	Kind     string   `json:"kind"`
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Label    string   `json:"label"`
	Help     string   `json:"help"`
	Example  string   `json:"example,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Min      int64    `json:"min"` // both 0: no limit
	Max      int64    `json:"max"`
	Default  string   `json:"default"`
	Choices  []Choice `json:"choices"`
	Refs     []string `json:"refs"` // kinds of objects that it names
	Role     string   `json:"role"` // least powerful role that may change it
	Required bool     `json:"required"`
	Fixed    bool     `json:"fixed"` // only set when the object is made
	Expert   bool     `json:"expert"`
}

// Choice is one value of a field with its words.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}
