package api

import "time"

// Explanation says why a call went where it went and why it waited, from what was
// written down when it was decided.
type Explanation struct {
	Call   string     `json:"call"`
	Waits  []WaitWhy  `json:"waits"`
	Offers []OfferWhy `json:"offers"`
}

// WaitWhy says why a call waited in one queue. The seconds add up to Waited.
type WaitWhy struct {
	Time    time.Time `json:"time"` // when it entered
	Queue   string    `json:"queue"`
	Waited  float64   `json:"waitedSeconds"`
	NoAgent float64   `json:"noAgentSeconds"`    // it rang nowhere
	Vain    float64   `json:"rangInVainSeconds"` // it rang, and nobody took it
	Taken   float64   `json:"rangToTakerSeconds"`
	Before  int       `json:"before"`    // who was before it and left the line before it did
	Passed  int       `json:"overtaken"` // who came later and went first
	Words   []string  `json:"words"`     // all this in words
	Running bool      `json:"running,omitempty"`
	Tries   []TryWhy  `json:"tries,omitempty"` // to call back
}

// TryWhy is one try to call somebody back.
type TryWhy struct {
	Time time.Time `json:"time"`
	Call string    `json:"call,omitempty"` // that was made for it, if any
	Word string    `json:"word"`
}

// OfferWhy says why one offer went to whom it went.
type OfferWhy struct {
	Time       time.Time      `json:"time"`
	Queue      string         `json:"queue"`
	Who        string         `json:"who"`
	Strategy   string         `json:"strategy"`
	Rule       string         `json:"rule"`    // what the strategy means
	Follows    bool           `json:"follows"` // the choice can be derived from the candidates that were stored
	Candidates []CandidateWhy `json:"candidates"`
	Hidden     string         `json:"hidden,omitempty"` // who was considered and may not be shown here
	Outcome    string         `json:"outcome,omitempty"`
}

// CandidateWhy is one of the agents that were considered, whom the reader may see.
type CandidateWhy struct {
	Who    string `json:"who"`
	Chosen bool   `json:"chosen"`
	Key    string `json:"key,omitempty"` // what counted for those who were free, in words
	Why    string `json:"why"`           // why he was chosen, or not
}

// Desk is an operator's own page: nothing on it is about anybody else.
type Desk struct {
	Now     time.Time   `json:"now"`
	Member  bool        `json:"member"` // answers a queue
	State   State       `json:"state"`
	Since   time.Time   `json:"since,omitzero"`
	Reason  string      `json:"reason,omitempty"` // in words
	Notes   []string    `json:"notes,omitempty"`  // what else is to be known of the state, in words
	Until   time.Time   `json:"until,omitzero"`   // end of wrap-up
	Do      []Action    `json:"do"`
	Break   *Break      `json:"break,omitempty"`
	Call    *DeskCall   `json:"call,omitempty"`
	Queues  []DeskQueue `json:"queues"`
	Due     []CallBack  `json:"due"` // calls and what else is to be done today: late, before midnight or without a date
	Today   *Own        `json:"today,omitempty"`
	Before  *Own        `json:"before,omitempty"` // a day of the last five with work, on average
	Watched string      `json:"watched,omitempty"`
}

// Action is something that the operator may do now.
type Action struct {
	Do     string `json:"do"`
	Reason string `json:"reason,omitempty"`
	Word   string `json:"word"`
	Key    string `json:"key,omitempty"` // the browser's access key
	Icon   string `json:"-"`
	Main   bool   `json:"main,omitempty"`
}

// Break is the next break from the screen.
type Break struct {
	Due      time.Time `json:"due,omitzero"`   // at the latest
	Proposed bool      `json:"proposed"`       // now is a good moment
	Over     time.Time `json:"over,omitzero"`  // of the break that goes on: not before
	Since    time.Time `json:"since,omitzero"` // the break goes on since
	Text     string    `json:"text"`
}

// DeskCall is the operator's call: it rings, goes on or was just had.
type DeskCall struct {
	ID       string    `json:"id"`
	Phase    State     `json:"phase"`
	Caller   string    `json:"caller"`
	Number   string    `json:"number,omitempty"`
	Queue    string    `json:"queue,omitempty"`
	QueueID  string    `json:"queueID,omitempty"`
	Line     string    `json:"line,omitempty"`
	Language string    `json:"language,omitempty"`
	Since    time.Time `json:"since,omitzero"`    // rings or talks since
	Waited   float64   `json:"waitedSeconds"`     // before that
	Waiting  time.Time `json:"waiting,omitzero"`  // while it rings: since when the caller waits
	Why      []string  `json:"why,omitempty"`     // why here
	Outcome  string    `json:"outcome,omitempty"` // what was told already
	Pop      string    `json:"pop,omitempty"`     // the page of another program that belongs to it
	Subject  string    `json:"-"`
}

// DeskQueue is a queue that the operator answers, in short.
type DeskQueue struct {
	Name    string    `json:"name"`
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"`
}

// Own is what somebody did, for that person alone.
type Own struct {
	Contacts int     `json:"contacts"`
	Talk     float64 `json:"talkSeconds"`
	Wrap     float64 `json:"wrapUpSeconds"`
	Break    float64 `json:"breakSeconds"`
}

// Look is one look of somebody at the reader.
type Look struct {
	Time time.Time `json:"time"`
	Who  string    `json:"who"`
	What string    `json:"what"`
}

// OpenSession is one of the reader's own logins.
type OpenSession struct {
	Key     string    `json:"key"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Source  string    `json:"source"` // address, or an IPv6 host's network
	Here    bool      `json:"here"`   // the one that asks
}

// Token is a token with which a person's program comes; not the token itself.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Owner   string    `json:"owner,omitempty"` // on the list of everybody's
	Scopes  []string  `json:"scopes"`
	Words   []string  `json:"-"` // the scopes, in words
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Over    bool      `json:"over"`           // it works no more
	Used    string    `json:"used,omitempty"` // last day; on one's own alone
	Day     time.Time `json:"-"`              // the same, for pages
}

// Me is what the box knows of the reader as a person of the office.
type Me struct {
	Person   Person        `json:"person"`
	Sessions []OpenSession `json:"sessions"`
	Tokens   []Token       `json:"tokens"`
	Looks    []Look        `json:"looks"`          // the newest; the rest is under me/looks
	Open     string        `json:"open,omitempty"` // the agreement that lets others look, in words
}

// Privacy is the recorded ground on which states and figures of people are shown.
type Privacy struct {
	Kind   string      `json:"kind"` // empty: nobody sees them
	Date   string      `json:"date,omitempty"`
	Note   string      `json:"note,omitempty"`
	By     string      `json:"by,omitempty"`
	Record []Agreement `json:"record"`
}

// Agreement is one entry of the record, in words.
type Agreement struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Board is what a leader sees of the queues, and of people only what the gate gives.
type Board struct {
	Now    time.Time   `json:"now"`
	Queues []QueueTile `json:"queues"`
	Teams  []TeamTile  `json:"teams"`
	Alarms []Alarm     `json:"alarms"`
	Open   string      `json:"open,omitempty"` // the agreement that shows names, in words
}

// QueueTile is one queue: figures of the queue, not of people.
type QueueTile struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	State     State          `json:"state"` // open, closed … by the opening hours of its paths
	Waiting   int            `json:"waiting"`
	Oldest    time.Time      `json:"oldest,omitzero"`           // since when the one waits who waits longest
	Expected  *float64       `json:"expectedSeconds,omitempty"` // a caller who comes now waits so long in the median; missing: too little is known
	Levels    []ServiceLevel `json:"levels"`                    // of today, the default variant first
	Threshold float64        `json:"thresholdSeconds"`          // of the service level
	Target    float64        `json:"targetPercent"`             // of the service level
	Answered  int            `json:"answered"`                  // today
	Lost      int            `json:"lost"`                      // hung up while waiting today, short ones not counted
	Promised  int            `json:"promised"`                  // to be called back
	AtRisk    int            `json:"atRisk"`                    // … and late
	Known     bool           `json:"known"`                     // there are figures of today
}

// ServiceLevel is the service level by one of its definitions.
type ServiceLevel struct {
	Variant string  `json:"variant"`
	Name    string  `json:"name"`
	Percent float64 `json:"percent"`
}

// TeamTile is the people who answer one or more queues, counted.
type TeamTile struct {
	Queues  []string     `json:"queues"`
	Counted bool         `json:"counted"` // false: too few people to be counted
	Size    int          `json:"size,omitempty"`
	Counts  []StateCount `json:"counts"`
	Agents  []Agent      `json:"agents"` // whom the reader may see by name, in order of names
}

// StateCount is how many people are in a state.
type StateCount struct {
	State State `json:"state"`
	N     int   `json:"n"`
}

// Alarm is something that wants to be looked at, with the one thing to do about it.
type Alarm struct {
	ID       string `json:"id"`
	Queue    string `json:"queue"`
	Text     string `json:"text"`
	Proposal string `json:"proposal"`
	URL      string `json:"url,omitempty"` // where to do it
	Bad      bool   `json:"bad"`
}
