package view

import (
	"html/template"
	"time"

	"centralino/ui/api"
)

// Reports is one report with the ways to others.
type Reports struct {
	Frame
	Report   api.Report
	Charts   []template.HTML
	Kinds    []Option // Value is the address
	Spans    []Option // ready-made stretches of days; Value is the address
	Days     bool     // a stretch of days may be chosen
	Queues   []Option
	Steps    []Option
	PDF      string
	CSV      []string // one for each table
	QueueLog string
}

// Link is the address of a table as a file.
func (r Reports) Link(table int) string {
	if table < len(r.CSV) {
		return r.CSV[table]
	}
	return ""
}

// Contacts is the list behind a number.
type Contacts struct {
	Frame
	Contacts    api.Contacts
	What        string
	First, More string // addresses of the first part and of the next one
}

// Recall is the page of people to call back.
type Recall struct {
	Frame
	Recall             api.Recall
	Closed, Unanswered bool
	Now                time.Time
}

// RecallItems are the lists with their buttons; Back is the page that they lead back to.
type RecallItems struct {
	Recall api.Recall
	Back   string
	Cancel bool // promises may be taken back here
}

// Taking is what the buttons beside a caller need.
type Taking struct {
	One struct {
		ID          string
		Taken, Mine bool
		By          string
	}
	Back               string
	Free, GiveUp, Call bool
}

// Person is the buttons beside somebody who was not served.
func (r RecallItems) Person(p api.ToRecall) Taking {
	t := Taking{Back: r.Back, Free: true, GiveUp: true, Call: r.Recall.Call}
	t.One.ID, t.One.Taken, t.One.Mine, t.One.By = p.ID, p.Taken, p.Mine, p.By
	return t
}

// Promised is the buttons beside somebody to whom a call was promised.
func (r RecallItems) Promised(p api.Promise) Taking {
	t := Taking{Back: r.Back, Free: p.State.ID == "waiting" || p.State.ID == "later", Call: r.Recall.Call}
	t.One.ID, t.One.Taken, t.One.Mine, t.One.By = p.ID, p.Taken, p.Mine, p.By
	return t
}

// Items is the list for the part that draws it.
func (r Recall) Items() RecallItems { return RecallItems{r.Recall, "/recall", true} }

// Any says whether there is anybody to call back.
func (r RecallItems) Any() bool {
	return len(r.Recall.People)+len(r.Recall.Promises)+r.Recall.Closed+r.Recall.Unanswered > 0
}

// Plan says how many people are needed.
type Plan struct {
	Frame
	Plan      api.Plan
	Problems  []FieldProblem
	Queues    []Option
	Weekdays  []Option
	Calls     string
	Handle    int
	Patience  int
	Level     int
	Threshold int
	Abandons  int
}

// Problem returns what is wrong with a field.
func (p Plan) Problem(field string) string { return problemOf(p.Problems, field) }
