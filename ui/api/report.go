package api

import "time"

// Report is one report over a stretch of time. Days are local; To is the last one.
type Report struct {
	What   string      `json:"what"`
	Title  string      `json:"title"`
	From   string      `json:"from"` // "2026-11-22"
	To     string      `json:"to"`
	Queue  string      `json:"queue,omitempty"`
	Step   int         `json:"stepMinutes,omitempty"`
	UpTo   time.Time   `json:"upTo"` // figures are made up to then
	Late   bool        `json:"late,omitempty"`
	Five   []Figure    `json:"five,omitempty"`      // of the day's sheet
	Text   []Sentence  `json:"sentences,omitempty"` // of the day's sheet
	Tables []DataTable `json:"tables"`

	Profile *Profile `json:"profile,omitempty"` // of a day or by intervals: what came at which time of the day
}

// Profile is what came at which time of the day, over all days of a report.
type Profile struct {
	Step   int           `json:"stepMinutes"`
	Target float64       `json:"targetPercent"` // of the service level
	Slots  []ProfileSlot `json:"slots"`
}

// ProfileSlot is one step of the clock.
type ProfileSlot struct {
	From     string   `json:"from"` // "08:30"
	Minute   int      `json:"-"`    // the same, after midnight
	Offered  int      `json:"offered"`
	Answered int      `json:"answered"`
	Lost     int      `json:"lost"`
	Level    *float64 `json:"levelPercent,omitempty"`
}

// Figure is one number with its name.
type Figure struct {
	ID   string   `json:"id"`
	Name string   `json:"name"`
	Help string   `json:"help"`
	Cell DataCell `json:"cell"`
}

// Sentence is one thing that a report says in words.
type Sentence struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Warn bool   `json:"warn,omitempty"`
}

// DataTable is one table of a report.
type DataTable struct {
	ID      string       `json:"id"`
	Title   string       `json:"title"`
	Help    string       `json:"help,omitempty"`
	Columns []DataColumn `json:"columns"`
	Rows    []DataRow    `json:"rows"`
	Notes   []string     `json:"notes,omitempty"`
}

// DataColumn is one column of a table.
type DataColumn struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Kind  string `json:"kind"` // "count", "share" (0 to 1), "time" (seconds), "interval" …
}

// DataRow is one line of a table; Sum marks the one that adds up the others.
type DataRow struct {
	Cells []DataCell `json:"cells"`
	Sum   bool       `json:"sum,omitempty"`
}

// DataCell is one value: in words, and as a number where it is one. Contacts is the
// address of the contacts behind it.
type DataCell struct {
	Text     string    `json:"text"`
	Value    *float64  `json:"value,omitempty"`
	At       time.Time `json:"at,omitzero"`
	Warn     bool      `json:"warn,omitempty"`
	Contacts string    `json:"contacts,omitempty"`
	Number   bool      `json:"-"`
	Plain    string    `json:"-"`
}

// Contacts are the contacts behind a number, oldest first.
type Contacts struct {
	Count    string    `json:"count"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Queue    string    `json:"queue,omitempty"`
	Contacts []Contact `json:"contacts"`
	All      int       `json:"all"`            // how many there are
	Next     string    `json:"next,omitempty"` // cursor of the next 500
}

// Contact is one contact of a queue.
type Contact struct {
	Call   string    `json:"call"`
	At     time.Time `json:"at"`
	Queue  string    `json:"queue"`
	Caller string    `json:"caller"`
	Result State     `json:"result"`
	Waited float64   `json:"waitedSeconds"`
	Talked float64   `json:"talkedSeconds"`
}

// Recall is the list of people to call back.
type Recall struct {
	Promises   []Promise  `json:"promises"` // calls that queues have promised, the oldest first
	People     []ToRecall `json:"people"`
	All        int        `json:"all"`        // with those who are not listed
	Closed     int        `json:"closed"`     // who called outside of the opening hours, beside them
	Unanswered int        `json:"unanswered"` // who reached no queue and nobody, beside them
	Call       bool       `json:"call"`       // the box can call them
}

// Promise is a caller whom a queue has promised to call back in his turn.
type Promise struct {
	Call     string    `json:"call"` // in which it was promised
	ID       string    `json:"id"`
	Caller   string    `json:"caller"`
	Dial     string    `json:"dial,omitempty"` // the number as a telephone takes it
	Queue    string    `json:"queue"`
	Since    time.Time `json:"since"`
	Expected time.Time `json:"expected,omitzero"` // when his turn is likely to come; missing: too little is known
	State    State     `json:"state"`             // waiting, later (not before next), ringing (at an agent), calling, taken (by a person)
	Next     time.Time `json:"next,omitzero"`
	Tries    int       `json:"tries"` // attempts that came to nothing
	Late     bool      `json:"late"`
	Taken    bool      `json:"taken"`
	Mine     bool      `json:"mine"`
	By       string    `json:"by,omitempty"`
}

// ToRecall is one person to call back.
type ToRecall struct {
	ID      string     `json:"id"`
	Caller  string     `json:"caller"`
	Dial    string     `json:"dial,omitempty"` // the number as a telephone takes it
	Last    time.Time  `json:"last"`
	Why     string     `json:"why"`
	Queue   string     `json:"queue,omitempty"`
	Longest float64    `json:"longestWaitSeconds"`
	Tries   []LostCall `json:"tries"`
	Taken   bool       `json:"taken"`
	Mine    bool       `json:"mine"`
	By      string     `json:"by,omitempty"`
}

// LostCall is one call that nobody served.
type LostCall struct {
	Call   string    `json:"call"`
	At     time.Time `json:"at"`
	Queue  string    `json:"queue,omitempty"`
	Why    string    `json:"why"`
	Waited float64   `json:"waitedSeconds"`
}

// Plan says how many people a day's traffic needs.
type Plan struct {
	Queue    string    `json:"queue,omitempty"`
	Days     int       `json:"days"` // of history behind it, 0: typed figures
	Handle   float64   `json:"handleSeconds"`
	Hidden   bool      `json:"handleHidden"` // the queue's own mean would tell of fewer than five people
	Patience float64   `json:"patienceSeconds"`
	Table    DataTable `json:"table"`
	Text     []string  `json:"sentences"`
}
