package report_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

// handled is one conversation of an agent in a queue, on a day.
type handled struct {
	day   int
	queue string
	agent int
	talk  time.Duration
}

// handledBy are conversations of several agents.
func handledBy(day int, queue string, talk time.Duration, agents ...int) []handled {
	var out []handled
	for _, a := range agents {
		out = append(out, handled{day, queue, a, talk})
	}
	return out
}

// TestHandlingOfAQueueIsOfFivePeople: while the gate is closed how long conversations take
// stands in no interval and no hour, and by queue only where at least five people other
// than the reader handled its contacts, on days that are over; what queues did stands
// everywhere.
func TestHandlingOfAQueueIsOfFivePeople(t *testing.T) {
	loc := rome(t)
	first := kpi.Day(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), loc)
	day := func(n int) kpi.Interval { return kpi.Day(first.From.In(loc).AddDate(0, 0, n).Add(12*time.Hour), loc) }
	const min = time.Minute
	type row struct{ talk, all time.Duration } // 0: not told
	for _, c := range []struct {
		name    string
		members map[string][]int // -1: the reader
		did     []handled
		open    bool
		want    map[string]row
	}{
		{"a queue of one person", map[string][]int{"group-1": {1}}, handledBy(0, "group-1", 3*min, 1, 1), false, map[string]row{"group-1": {}}},
		{"a queue of one person, with an agreement", map[string][]int{"group-1": {1}}, handledBy(0, "group-1", 3*min, 1, 1), true, map[string]row{"group-1": {3 * min, 4 * min}}},
		{"four of seven handled contacts", map[string][]int{"group-1": {1, 2, 3, 4, 5, 6, 7}}, handledBy(0, "group-1", 3*min, 1, 2, 3, 4, 4), false, map[string]row{"group-1": {}}},
		{"five did", map[string][]int{"group-1": {1, 2, 3, 4, 5}}, handledBy(0, "group-1", 3*min, 1, 2, 3, 4, 5), false, map[string]row{"group-1": {3 * min, 4 * min}}},
		{"four and the reader", map[string][]int{"group-1": {1, 2, 3, 4, -1}}, handledBy(0, "group-1", 3*min, 1, 2, 3, 4, -1), false, map[string]row{"group-1": {}}},
		{"five on one day, one on the next: that day counts nowhere", map[string][]int{"group-1": {1, 2, 3, 4, 5}},
			append(handledBy(0, "group-1", 3*min, 1, 2, 3, 4, 5), handledBy(1, "group-1", 9*min, 1)...), false, map[string]row{"group-1": {3 * min, 4 * min}}},
		{"the day that is not over", map[string][]int{"group-1": {1, 2, 3, 4, 5}}, handledBy(2, "group-1", 3*min, 1, 2, 3, 4, 5), false, map[string]row{"group-1": {}}},
		{"a small queue beside a large one: all queues are the large one's", map[string][]int{"group-1": {1, 2, 3, 4, 5}, "group-7": {6, 7, 8, 9, 10}},
			append(handledBy(0, "group-1", 3*min, 1, 2, 3, 4, 5), handledBy(0, "group-7", 9*min, 6)...), false,
			map[string]row{"group-1": {3 * min, 4 * min}, "group-7": {}, "": {3 * min, 4 * min}}},
		{"queues too small to be a team are told together alone", map[string][]int{"group-1": {1, 2, 3}, "group-7": {4, 5}},
			append(handledBy(0, "group-1", 3*min, 1, 2, 3), handledBy(0, "group-7", 8*min, 4, 5)...), false,
			map[string]row{"group-1": {}, "group-7": {}, "": {5 * min, 6 * min}}},
		{"somebody of another queue helped out", map[string][]int{"group-1": {1, 2, 3, 4, 5}, "group-7": {6, 7, 8, 9, 10}},
			handledBy(0, "group-1", 3*min, 1, 2, 3, 4, 5, 6), false, map[string]row{"group-1": {}, "group-7": {}, "": {3 * min, 4 * min}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			who := func(n int) journal.SubjectID {
				if n == -1 {
					return boss.Subject
				}
				return journal.SubjectID(fmt.Sprint("p-", n))
			}
			doc := sample()
			proto := doc.Groups[0]
			doc.Groups = nil
			for _, id := range []string{"group-1", "group-7"} {
				if members, ok := c.members[id]; ok {
					g := proto
					g.ID, g.Members = office.ID(id), nil
					for _, n := range members {
						g.Members = append(g.Members, who(n))
					}
					doc.Groups = append(doc.Groups, g)
				}
			}
			facts := kpi.Facts{Interval: kpi.Interval{From: first.From, To: day(2).To}, Now: day(2).From.Add(20 * time.Hour)}
			for i, h := range c.did {
				facts.Visits = append(facts.Visits, kpi.Visit{Contact: journal.ContactID(fmt.Sprint("c-", i)), Queue: h.queue, Agent: who(h.agent),
					Arrived: day(h.day).From.Add(9*time.Hour + time.Duration(i)*min), Result: kpi.Answered, Waited: 10 * time.Second, Talked: h.talk, Wrap: min})
			}
			facts.Sort()
			s := report.NewSource(facts, doc, five{c.open}, boss)
			figures := s.QueueTables()[0]
			at := func(id string) int {
				return slices.IndexFunc(figures.Columns, func(col report.Column) bool { return col.ID == id })
			}
			for _, r := range figures.Rows {
				want, ok := c.want[r.Cells[0].Text]
				if r.Sum {
					want, ok = c.want[""]
				}
				talk, all := r.Cells[at("talk")], r.Cells[at("aht")]
				if !ok || talk.None != (want.talk == 0) || !talk.None && talk.Number != want.talk.Seconds() || all.None != talk.None || !all.None && all.Number != want.all.Seconds() {
					t.Errorf("%s: talk %+v, handling %+v, want %+v", r.Cells[0].Text, talk, all, want)
				}
				if r.Cells[at("answered")].None || r.Cells[at("asa")].Number == 0 && r.Cells[at("answered")].Number > 0 {
					t.Errorf("what the queue did is hidden: %+v", r.Cells)
				}
			}
			for _, table := range []report.Table{s.Intervals("group-1", 15*time.Minute), s.Intervals("", 30*time.Minute), s.DaySheet(first, -1).Hours} {
				for _, col := range table.Columns {
					if slices.Contains([]string{"talk", "aht", "acw", "occupancy"}, col.ID) && !c.open {
						t.Errorf("%s has a column %s", table.ID, col.ID)
					}
				}
			}
		})
	}
}

// five is the real gate's sums: without the viewer, and of five people at least.
type five struct{ open bool }

func (g five) Agreement() privacy.Agreement { return gate(g).Agreement() }

func (g five) MaySeeGroupFigures(v privacy.Viewer, p []journal.SubjectID) bool {
	return gate(g).MaySeeGroupFigures(v, p)
}

func (g five) Sum(v privacy.Viewer, days []map[journal.SubjectID]time.Duration) (sum time.Duration, left int) {
	if !g.open {
		for i := range days {
			delete(days[i], v.Subject)
		}
	}
	return gate(g).Sum(v, days)
}

// TestADayOfAQueueIsOneFigure: whatever days are asked for together, each day of a queue
// counts whole or not at all: so the difference of two answers is never of fewer than five.
func TestADayOfAQueueIsOneFigure(t *testing.T) {
	facts := traffic(t, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), 4, 12, 7)
	days := kpi.Days(facts.From, facts.To, rome(t))
	doc := sample()
	doc.Groups = doc.Groups[:1]
	doc.Groups[0].Members = nil
	for n := range 7 {
		doc.Groups[0].Members = append(doc.Groups[0].Members, journal.SubjectID(fmt.Sprint("p-", n)))
	}
	for i := range facts.Visits { // each takes as long as nothing else
		facts.Visits[i].Queue, facts.Visits[i].Talked = "group-1", time.Duration(i*i+1)*time.Second
	}
	sum := func(from, to int) (seconds float64, counted int) {
		f := facts
		f.Interval = kpi.Interval{From: days[from].From, To: days[to].To}
		f.Visits = slices.DeleteFunc(slices.Clone(facts.Visits), func(v kpi.Visit) bool { return !f.Interval.Has(v.Arrived) })
		for _, d := range kpi.Days(f.Interval.From, f.Interval.To, rome(t)) {
			people, n := map[journal.SubjectID]bool{}, 0
			for i := range f.Visits {
				if v := &f.Visits[i]; d.Has(v.Arrived) && kpi.CHandled.Has(v, kpi.Rule{}) {
					people[v.Agent] = true
					n++
				}
			}
			if len(people) >= 5 {
				counted += n
			}
		}
		table := report.NewSource(f, doc, five{}, boss).QueueTables()[0]
		cell := table.Rows[0].Cells[slices.IndexFunc(table.Columns, func(c report.Column) bool { return c.ID == "talk" })]
		return cell.Number * float64(counted), counted
	}
	whole, n := sum(0, 3)
	parts, m := 0.0, 0
	for i := range days {
		s, k := sum(i, i)
		parts, m = parts+s, m+k
	}
	if n == 0 || n != m || whole-parts > 1 || parts-whole > 1 {
		t.Errorf("four days together: %v s of %d contacts; one by one: %v s of %d", whole, n, parts, m)
	}
}
