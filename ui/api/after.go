package api

import "time"

// Customers is a page of cards, in order of their names.
type Customers struct {
	Customers []Customer `json:"customers"`
	Next      string     `json:"next,omitempty"` // cursor of the next page
	Total     int        `json:"total"`          // of all cards
}

// Customer is a card. One that is a number without a card has no name.
type Customer struct {
	ID      string         `json:"id"`
	Card    bool           `json:"card"` // false: only a number is known
	Name    string         `json:"name"`
	Company string         `json:"company,omitempty"`
	Numbers []string       `json:"numbers"`
	Fields  []Labelled     `json:"fields,omitempty"`
	Notes   []CustomerNote `json:"notes,omitempty"`
	Origins []Origin       `json:"origins,omitempty"`
	Calls   []CustomerCall `json:"calls,omitempty"`   // the newest first
	Surveys []SurveyGiven  `json:"surveys,omitempty"` // of an export: what was answered by keys after calls
	LeftOut []string       `json:"leftOut,omitempty"` // of an export: what it does not hold, and why
	Changed time.Time      `json:"changed,omitzero"`
}

// Labelled is a value with its label.
type Labelled struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// CustomerNote is what somebody wrote on a card.
type CustomerNote struct {
	Time time.Time `json:"time"`
	By   string    `json:"by,omitempty"`
	Text string    `json:"text"`
}

// Origin says where the data of a card came from.
type Origin struct {
	Source string    `json:"source"` // empty: typed
	Date   string    `json:"date"`
	Time   time.Time `json:"time"`
}

// CustomerCall is one call with a customer, with its outcome.
type CustomerCall struct {
	ID        string     `json:"id"`
	Start     time.Time  `json:"start"`
	Direction string     `json:"direction"`
	State     State      `json:"state"`
	Talk      float64    `json:"talkSeconds"`
	Queue     string     `json:"queue,omitempty"`
	Outcome   string     `json:"outcome,omitempty"`
	Note      string     `json:"note,omitempty"`
	Answers   []Labelled `json:"answers,omitempty"`
	CallBack  time.Time  `json:"callBack,omitzero"`
	Task      bool       `json:"task,omitempty"` // something is to be done yet
	Who       string     `json:"who,omitempty"`  // of the office, as far as may be shown
}

// SurveyGiven is one answer to a survey.
type SurveyGiven struct {
	Month    string    `json:"month"`         // "2026-11"; "2026-09/2026-11" while the gate is closed, if that takes several
	Time     time.Time `json:"time,omitzero"` // of the call, where it may be told
	Survey   string    `json:"survey"`
	Question string    `json:"question"`
	Answer   string    `json:"answer"` // the key
}

// CallBack is a call that a customer asked for, or something else to be done after a
// call.
type CallBack struct {
	Call     string    `json:"call"`            // in which it was asked for
	Task     bool      `json:"task"`            // something is to be done; else he is to be called
	Owner    string    `json:"owner,omitempty"` // of a task, in words: you, the queue, a colleague as far as may be shown
	Customer string    `json:"customer,omitempty"`
	Name     string    `json:"name"`
	Number   string    `json:"number"`
	Due      time.Time `json:"due,omitzero"` // missing: a task without a date
	Late     bool      `json:"late"`
	Asked    time.Time `json:"asked"`
	Queue    string    `json:"queue,omitempty"`
	Outcome  string    `json:"outcome"`
	Note     string    `json:"note,omitempty"`
	Taken    bool      `json:"taken"` // somebody is calling now
	Mine     bool      `json:"mine"`
	Subject  string    `json:"-"` // pseudonym of the number, for the page's buttons
	By       string    `json:"by,omitempty"`
}

// ScriptState is a script with what is wrong with it.
type ScriptState struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Steps    int             `json:"steps"`
	Queues   []string        `json:"queues"`
	Problems []ScriptProblem `json:"problems"`
}

// ScriptProblem is one thing that is wrong with a script, in words.
type ScriptProblem struct {
	Line    int    `json:"line"`
	Text    string `json:"text"`
	Warning bool   `json:"warning,omitempty"`
}

// SurveyResult is what callers of a queue answered. Nothing is shown below ten
// answers, and nothing about single people ever.
type SurveyResult struct {
	Survey  string         `json:"survey"`
	Queue   string         `json:"queue"`
	Whole   *SurveyPeriod  `json:"whole,omitempty"`
	Periods []SurveyPeriod `json:"periods"` // the newest first
	Hidden  bool           `json:"hidden"`  // there are answers that are too few to be shown
}

// SurveyPeriod is one or more months.
type SurveyPeriod struct {
	From      string           `json:"from"` // "2026-11"
	To        string           `json:"to"`
	Word      string           `json:"word"`
	Count     int              `json:"count"`
	Questions []SurveyQuestion `json:"questions"`
}

// SurveyQuestion is how one question was answered.
type SurveyQuestion struct {
	Number  int            `json:"number"`
	Text    string         `json:"text"`
	Count   int            `json:"count"`
	Mean    float64        `json:"mean,omitempty"`
	Answers []SurveyAnswer `json:"answers"`
}

// SurveyAnswer is how often one key was pressed.
type SurveyAnswer struct {
	Key     string `json:"key"`
	Count   int    `json:"count"`
	Percent int    `json:"percent"`
}

// Webhook is how one webhook does.
type Webhook struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	URL      string       `json:"url"`
	Events   []string     `json:"events"`
	State    State        `json:"state"`
	Signed   bool         `json:"signed"`
	Failing  time.Time    `json:"failing,omitzero"` // since
	Waiting  int          `json:"waiting"`
	Sent     int          `json:"sent"`
	Lost     int          `json:"lost"`
	Attempts []HookedSent `json:"attempts"` // the newest first
}

// HookedSent is one try to deliver an event.
type HookedSent struct {
	Time   time.Time `json:"time"`
	Event  string    `json:"event"`
	Call   string    `json:"call,omitempty"`
	Try    int       `json:"try"`
	Status int       `json:"status,omitempty"`
	Result State     `json:"result"`
	Took   float64   `json:"tookSeconds"`
}

// DialWish says whom a program wants to call for its owner: either Number or Contact.
type DialWish struct {
	Number  string `json:"number,omitempty"`  // as people write it
	Contact string `json:"contact,omitempty"` // a call's id as events tell it, or a customer's card
	From    string `json:"from,omitempty"`    // the owner's extension or phone: refused if it is not the owner's
}

// Dialled is a call that was begun: the owner's phones ring.
type Dialled struct {
	Call string `json:"call"`
}
