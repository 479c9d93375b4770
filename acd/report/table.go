package report

import (
	"maps"
	"slices"
	"sort"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// Kind says what a cell holds and so how it is written.
type Kind string

// Kinds of cell.
const (
	KindText     Kind = "text"     // Text as it stands
	KindWord     Kind = "word"     // Text is a text id
	KindQueue    Kind = "queue"    // Text is the id of a group
	KindLine     Kind = "line"     // Text is the id of a line
	KindOutcome  Kind = "outcome"  // Text is the id of an outcome
	KindReason   Kind = "reason"   // Text is why a queue gave a contact up
	KindSubject  Kind = "subject"  // Text is a pseudonym: its number or name comes through the gate
	KindCount    Kind = "count"    // a whole number
	KindShare    Kind = "share"    // between 0 and 1
	KindNumber   Kind = "number"   // with one decimal
	KindTime     Kind = "time"     // a length of time, in seconds
	KindInstant  Kind = "instant"  // At
	KindInterval Kind = "interval" // At to To
	KindDay      Kind = "day"      // the day of At
)

// Cell is one value. None means that there is nothing to measure.
type Cell struct {
	Kind   Kind
	Number float64
	Text   string
	More   []string // further ids of KindQueue
	At, To time.Time
	None   bool
	Warn   bool    // worse than its target
	Behind *Behind // the contacts that it is made of
}

// Behind selects contacts: those of a queue (empty: all) that arrived in the
// interval and that a count counts, or that have an outcome.
type Behind struct {
	kpi.Interval
	Queue   string
	Count   kpi.Count
	Outcome string
}

// Contacts returns those of the visits that are behind a number.
func (b *Behind) Contacts(visits []kpi.Visit, rules kpi.Rules) []kpi.Visit {
	var out []kpi.Visit
	for i := range visits {
		v := &visits[i]
		switch {
		case !b.Has(v.Arrived), b.Queue != "" && v.Queue != b.Queue, b.Outcome != "" && v.Outcome != b.Outcome:
		case b.Count.Has(v, rules.Of(v.Queue)):
			out = append(out, *v)
		}
	}
	return out
}

// Table is a report's figures. Column and title texts are "report.<id>" of ui/i18n.
type Table struct {
	ID      string
	Columns []Column
	Rows    []Row
	Notes   []Sentence
}

// Column is one column; Kind is that of its cells.
type Column struct {
	ID   string
	Kind Kind
}

// Row is one line; Sum marks the one that adds up the others.
type Row struct {
	Cells []Cell
	Sum   bool
}

// Sentence is a text id with what it fills in.
type Sentence struct {
	ID   string
	Args map[string]Cell
	Warn bool
}

// Gate is what reports ask of internal/privacy (*privacy.Gate).
type Gate interface {
	Agreement() privacy.Agreement
	MaySeeGroupFigures(v privacy.Viewer, people []journal.SubjectID) bool
	Sum(v privacy.Viewer, days []map[journal.SubjectID]time.Duration) (sum time.Duration, left int)
}

// Source is what reports are made of. It is for one goroutine and one reader.
type Source struct {
	Facts kpi.Facts
	Doc   *office.Document

	// Membership is who belonged to which queue in the time of the facts, the oldest
	// first; empty: always who does by Doc.
	Membership []Held

	gate    Gate
	viewer  privacy.Viewer
	open    bool // the reader may see the figures of each person
	rules   kpi.Rules
	breaks  func(string) bool
	zone    *time.Location
	queues  []string
	byQueue map[string][]kpi.Visit // made when it is first asked for
	lowest  float64                // of the queues' targets
}

// NewSource returns a source of facts as the office judges them, for one reader.
// Figures of contacts and lines are for whoever may open reports; what it says of
// the work of people the gate decides: nothing below teams of five and whole days
// that are over, unless figures of each of them may be seen.
func NewSource(facts kpi.Facts, doc *office.Document, gate Gate, viewer privacy.Viewer) *Source {
	s := &Source{Facts: facts, Doc: doc, gate: gate, viewer: viewer, rules: RulesOf(doc), breaks: Breaks(doc), zone: doc.Site.Location()}
	s.queues = s.listQueues()
	for i, q := range s.queues {
		if t := s.rules.Of(q).Target; i == 0 || t < s.lowest {
			s.lowest = t
		}
	}
	people := s.workers()
	s.open = len(people) > 0 && gate.Agreement().Kind != privacy.NoAgreement && gate.MaySeeGroupFigures(viewer, people)
	return s
}

// workers are all people whose work the facts know.
func (s *Source) workers() []journal.SubjectID {
	seen := map[journal.SubjectID]bool{}
	for i := range s.Facts.Agents {
		seen[s.Facts.Agents[i].Agent] = true
	}
	for i := range s.Facts.Visits {
		if a := s.Facts.Visits[i].Agent; a != "" {
			seen[a] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Rules returns how queues are judged.
func (s *Source) Rules() kpi.Rules { return s.rules }

// Queues lists the queues of the office and those that had contacts and are there
// no more.
func (s *Source) Queues() []string { return s.queues }

func (s *Source) listQueues() []string {
	var out []string
	seen := map[string]bool{}
	for i := range s.Doc.Groups {
		if g := &s.Doc.Groups[i]; g.Mode == office.GroupQueue {
			out = append(out, string(g.ID))
			seen[string(g.ID)] = true
		}
	}
	for i := range s.Facts.Visits {
		if q := s.Facts.Visits[i].Queue; !seen[q] {
			seen[q] = true
			out = append(out, q)
		}
	}
	return out
}

// --- cells -----------------------------------------------------------------

func count(n int, b *Behind) Cell { return Cell{Kind: KindCount, Number: float64(n), Behind: b} }

func share(x float64, ok bool, b *Behind) Cell {
	return Cell{Kind: KindShare, Number: x, None: !ok, Behind: b}
}

func length(d time.Duration, n int, b *Behind) Cell {
	return Cell{Kind: KindTime, Number: d.Seconds(), None: n == 0, Behind: b}
}

func number(x float64) Cell { return Cell{Kind: KindNumber, Number: x} }

func text(k Kind, s string) Cell { return Cell{Kind: k, Text: s} }

func span(i kpi.Interval) Cell { return Cell{Kind: KindInterval, At: i.From, To: i.To} }

func instant(t time.Time) Cell { return Cell{Kind: KindInstant, At: t, None: t.IsZero()} }

// --- groups of visits and of work --------------------------------------------

// visits returns the visits of a queue; all of them for the empty one.
func (s *Source) visits(queue string) []kpi.Visit {
	if queue == "" {
		return s.Facts.Visits
	}
	if s.byQueue == nil {
		n := map[string]int{}
		for i := range s.Facts.Visits {
			n[s.Facts.Visits[i].Queue]++
		}
		s.byQueue = map[string][]kpi.Visit{}
		for q, k := range n {
			s.byQueue[q] = make([]kpi.Visit, 0, k)
		}
		for i := range s.Facts.Visits {
			q := s.Facts.Visits[i].Queue
			s.byQueue[q] = append(s.byQueue[q], s.Facts.Visits[i])
		}
	}
	return s.byQueue[queue]
}

// members returns who belongs to a queue; for the empty one everybody of any queue.
func (s *Source) members(queue string) map[journal.SubjectID]bool {
	out := map[journal.SubjectID]bool{}
	for i := range s.Doc.Groups {
		g := &s.Doc.Groups[i]
		if g.Mode != office.GroupQueue || queue != "" && string(g.ID) != queue {
			continue
		}
		for _, m := range g.Members {
			out[m] = true
		}
	}
	return out
}

// work adds up what the members of a queue did in an interval, and whoever else had
// its calls. Agents' time is known by whole quarters of an hour.
func (s *Source) work(times []kpi.AgentTime, queue string) kpi.Work {
	of := s.members(queue)
	for i := range times {
		if q := times[i].Queue; q != "" && (queue == "" || q == queue) {
			of[times[i].Agent] = true
		}
	}
	var w kpi.Work
	for i := range times {
		if of[times[i].Agent] {
			w.Add(times[i], s.breaks)
		}
	}
	return w
}

// within cuts sorted agents' times to an interval.
func within(times []kpi.AgentTime, i kpi.Interval) []kpi.AgentTime {
	first, last := kpi.SlotOf(i.From), kpi.SlotOf(i.To.Add(-1))
	from := sort.Search(len(times), func(n int) bool { return times[n].Slot >= first })
	to := sort.Search(len(times), func(n int) bool { return times[n].Slot > last })
	return times[from:max(from, to)]
}

// arrivals cuts sorted visits to an interval.
func arrivals(visits []kpi.Visit, i kpi.Interval) []kpi.Visit {
	from := sort.Search(len(visits), func(n int) bool { return !visits[n].Arrived.Before(i.From) })
	to := sort.Search(len(visits), func(n int) bool { return !visits[n].Arrived.Before(i.To) })
	return visits[from:max(from, to)]
}
