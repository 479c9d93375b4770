package report_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
)

func rome(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

var boss = privacy.Viewer{Subject: "p-boss", Role: office.RoleManager}

// gate is the real gate's decisions without its table of names.
type gate struct{ open bool }

func (g gate) Agreement() privacy.Agreement {
	if g.open {
		return privacy.Agreement{Kind: privacy.UnionDeal}
	}
	return privacy.Agreement{}
}

func (g gate) MaySeeGroupFigures(privacy.Viewer, []journal.SubjectID) bool { return g.open }

func (g gate) Sum(_ privacy.Viewer, days []map[journal.SubjectID]time.Duration) (sum time.Duration, left int) {
	for _, day := range days {
		if len(day) > 0 && len(day) < 5 && !g.open {
			left++
			continue
		}
		for _, d := range day {
			sum += d
		}
	}
	return sum, left
}

// traffic makes facts of days with about perDay contacts each, ending with the day
// of to.
func traffic(t testing.TB, to time.Time, days, perDay, people int) kpi.Facts {
	rng := rand.New(rand.NewPCG(1, 2))
	loc := rome(t)
	last := kpi.Day(to, loc)
	f := kpi.Facts{Interval: kpi.Interval{From: kpi.Day(last.From.AddDate(0, 0, 1-days).Add(12*time.Hour), loc).From, To: last.To}, Now: last.To}
	n := 0
	for _, d := range kpi.Days(f.From, f.To, loc) {
		for range perDay {
			n++
			v := kpi.Visit{
				Contact: journal.ContactID(fmt.Sprint("c-", n)), Queue: []string{"group-1", "group-9"}[rng.IntN(2)],
				Caller: journal.SubjectID(fmt.Sprint("n-", rng.IntN(400))), Arrived: d.From.Add(8*time.Hour + time.Duration(rng.Int64N(int64(10*time.Hour)))).UTC(),
				Waited: time.Duration(rng.IntN(90)) * time.Second, Outcome: []string{"", "outcome-1", "outcome-2"}[rng.IntN(3)],
			}
			switch k := rng.IntN(20); {
			case k < 15:
				v.Result, v.Talked, v.Wrap, v.Agent = kpi.Answered, 3*time.Minute, 20*time.Second, journal.SubjectID(fmt.Sprint("p-", rng.IntN(people)))
			case k < 18:
				v.Result = kpi.Abandoned
			default:
				v.Result = []kpi.Result{kpi.Overflowed, kpi.Promised, kpi.Promised, kpi.Restarted}[rng.IntN(4)]
			}
			f.Visits = append(f.Visits, v)
		}
		for s := kpi.SlotOf(d.From) + 32; s < kpi.SlotOf(d.From)+72; s++ {
			for p := range people {
				id := journal.SubjectID(fmt.Sprint("p-", p))
				f.Agents = append(f.Agents, kpi.AgentTime{Slot: s, Agent: id, State: journal.AgentReady, Time: 6 * time.Minute},
					kpi.AgentTime{Slot: s, Agent: id, State: journal.AgentTalking, Queue: "group-1", Time: 8 * time.Minute},
					kpi.AgentTime{Slot: s, Agent: id, State: journal.AgentPaused, Reason: "reason-1", Time: time.Minute})
			}
			for _, line := range []string{"", "line-1"} {
				f.Lines = append(f.Lines, kpi.LineUse{Slot: s, Line: line, Busy: 20 * time.Minute, In: 3, Out: 1, Peak: 2})
			}
		}
	}
	f.Sort()
	return f
}

func sample() *office.Document {
	doc := office.Sample(office.SampleOptions{Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}).Doc.Clone()
	for p := range 6 {
		doc.Groups[0].Members = append(doc.Groups[0].Members, journal.SubjectID(fmt.Sprint("p-", p)))
	}
	doc.Reasons = []office.PauseReason{{ID: "reason-1", Name: "Pausa", Break: true}}
	return doc
}

func everything(s *report.Source) []report.Table {
	out := []report.Table{s.Intervals("", 30*time.Minute), s.Intervals("group-1", 15*time.Minute), s.Outcomes(), s.Unserved(), s.Teams(), s.People([]journal.SubjectID{"p-1"})}
	out = append(out, s.QueueTables()...)
	return append(out, s.LineTables()...)
}

// TestEveryNumberShowsItsContacts: a count is as many as the contacts behind it,
// and every row has a cell for every column, of its kind.
func TestEveryNumberShowsItsContacts(t *testing.T) {
	day := time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC) // of 25 hours
	s := report.NewSource(traffic(t, day, 3, 200, 6), sample(), gate{open: true}, boss)
	counted := 0
	for _, table := range everything(s) {
		if len(table.Rows) == 0 {
			t.Errorf("table %s is empty", table.ID)
		}
		for _, row := range table.Rows {
			if len(row.Cells) != len(table.Columns) {
				t.Fatalf("table %s: %d cells, %d columns", table.ID, len(row.Cells), len(table.Columns))
			}
			for i, c := range row.Cells {
				if k := table.Columns[i].Kind; c.Kind != k && c.Kind != report.KindWord {
					t.Errorf("table %s: a %s in column %s", table.ID, c.Kind, table.Columns[i].ID)
				}
				if c.Behind == nil || c.Kind != report.KindCount {
					continue
				}
				counted++
				if got := len(c.Behind.Contacts(s.Facts.Visits, s.Rules())); got != int(c.Number) {
					t.Errorf("table %s, %s: %v, but %d contacts (%+v)", table.ID, table.Columns[i].ID, c.Number, got, *c.Behind)
				}
			}
		}
	}
	if counted < 300 {
		t.Errorf("only %d numbers were looked at", counted)
	}
}

// TestSumsAddUp: the last row of a table is the sum of the others.
func TestSumsAddUp(t *testing.T) {
	s := report.NewSource(traffic(t, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), 2, 150, 6), sample(), gate{}, boss)
	for _, table := range []report.Table{s.Intervals("", 30*time.Minute), s.QueueTables()[0]} {
		for i, col := range table.Columns {
			if col.Kind != report.KindCount {
				continue
			}
			sum := 0.0
			for _, r := range table.Rows {
				if r.Sum {
					if r.Cells[i].Number != sum {
						t.Errorf("table %s: %s is %v, the rows make %v", table.ID, col.ID, r.Cells[i].Number, sum)
					}
				} else {
					sum += r.Cells[i].Number
				}
			}
		}
	}
}

// TestFewPeopleAreNotMeasured: while the gate is closed nothing about agents stands
// in the reports of queues, and the report by team tells of five at least, of days
// that are over and on which five worked.
func TestFewPeopleAreNotMeasured(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		people int
		gate   gate
		now    time.Duration // after the end of the last day
		rows   int
		days   float64 // of 10 hours and people
	}{
		{"four agents", 4, gate{}, 0, 0, 0},
		{"five agents", 5, gate{}, 0, 1, 3 * 5},
		{"five agents, the last day is not over", 5, gate{}, -time.Hour, 1, 2 * 5},
		{"four agents and an agreement", 4, gate{open: true}, -time.Hour, 1, 3 * 4},
	} {
		facts := traffic(t, at, 3, 100, c.people)
		facts.Now = facts.To.Add(c.now)
		doc := sample()
		doc.Groups[0].Mode, doc.Groups = office.GroupQueue, doc.Groups[:1]
		doc.Groups[0].Members = nil
		for p := range c.people {
			doc.Groups[0].Members = append(doc.Groups[0].Members, journal.SubjectID(fmt.Sprint("p-", p)))
		}
		s := report.NewSource(facts, doc, c.gate, boss)
		for _, table := range []report.Table{s.Intervals("", 30*time.Minute), s.QueueTables()[0], s.QueueTables()[3]} {
			for _, col := range table.Columns {
				switch col.ID {
				case "acw", "aht", "talk", "occupancy", "agents":
					told := col.ID != "occupancy" && col.ID != "agents" && table.ID == "queue" // see TestHandlingOfAQueueIsOfFivePeople
					if !c.gate.open && !told {
						t.Errorf("%s: table %s has %s", c.name, table.ID, col.ID)
					}
				}
			}
		}
		team := s.Teams()
		if len(team.Rows) != c.rows || (len(team.Notes) == 0) != c.gate.open {
			t.Errorf("%s: %+v", c.name, team)
			continue
		}
		if c.rows > 0 && team.Rows[0].Cells[4].Number != c.days*10*4*15*60 {
			t.Errorf("%s: logged in %v s, want %v", c.name, team.Rows[0].Cells[4].Number, c.days*10*4*15*60)
		}
	}
	// A day on which only four worked counts nowhere.
	facts := traffic(t, at, 2, 100, 5)
	first := kpi.Day(facts.From, rome(t))
	facts.Agents = slices.DeleteFunc(facts.Agents, func(a kpi.AgentTime) bool { return a.Agent == "p-0" && first.Has(a.Slot.Start()) })
	doc := sample()
	doc.Groups[0].Members = []journal.SubjectID{"p-0", "p-1", "p-2", "p-3", "p-4"}
	doc.Groups = doc.Groups[:1]
	team := report.NewSource(facts, doc, gate{}, boss).Teams()
	if team.Rows[0].Cells[4].Number != 5*10*3600 || len(team.Notes) != 2 || team.Notes[1].Args["n"].Number != 1 {
		t.Errorf("%+v", team)
	}
}

// TestChangingAQueueTellsNothingOfADayThatIsOver: who takes one person out of a queue, or
// puts one in, gets the same figures of each day that was over before.
func TestChangingAQueueTellsNothingOfADayThatIsOver(t *testing.T) {
	facts := traffic(t, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), 3, 200, 7)
	facts.Now = facts.To
	group := func(id string, n ...int) privacy.Group {
		g := privacy.Group{ID: id}
		for _, p := range n {
			g.People = append(g.People, journal.SubjectID(fmt.Sprint("p-", p)))
		}
		return g
	}
	all := []privacy.Group{group("group-1", 0, 1, 2, 3, 4, 5, 6)}
	fewer := []privacy.Group{group("group-1", 1, 2, 3, 4, 5, 6)}
	halved := []privacy.Group{group("group-1", 0, 1, 2), group("group-2", 3, 4, 5, 6)}
	days := kpi.Days(facts.From, facts.To, rome(t))
	of := func(facts kpi.Facts, now []privacy.Group, held ...report.Held) report.Table {
		doc := sample()
		doc.Groups[0].Mode, doc.Groups = office.GroupQueue, doc.Groups[:1]
		doc.Groups[0].Members = now[0].People
		s := report.NewSource(facts, doc, gate{}, boss)
		s.Membership = held
		return s.Teams()
	}
	first := report.Held{From: facts.From.Add(-time.Hour), Groups: all}
	before := of(facts, all, first)
	if len(before.Rows) != 1 || before.Rows[0].Cells[4].Number != 3*7*10*3600 {
		t.Fatalf("%+v", before)
	}
	for _, c := range []struct {
		name string
		held []report.Held
	}{
		{"one taken out when all days are over", []report.Held{first, {From: facts.To, Groups: fewer}}},
		{"one taken out and put back", []report.Held{first, {From: facts.To, Groups: fewer}, {From: facts.To.Add(time.Minute), Groups: all}}},
		{"one taken out and put back during a day", []report.Held{first, {From: days[1].From.Add(time.Hour), Groups: fewer}, {From: days[1].To.Add(-time.Minute), Groups: all}}},
	} {
		if d := cmp.Diff(before, of(facts, fewer, c.held...)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	// From the day of the change on the new team counts; the days before stay as they were.
	got := of(facts, fewer, first, report.Held{From: days[2].To.Add(-time.Minute), Groups: fewer})
	if len(got.Rows) != 1 || got.Rows[0].Cells[4].Number != (2*7+6)*10*3600 {
		t.Errorf("%+v", got)
	}
	// Teams of another shape have a row of their own, and too small ones are one.
	got = of(facts, all, first, report.Held{From: days[2].From, Groups: halved})
	if len(got.Rows) != 2 || got.Rows[0].Cells[4].Number != 2*7*10*3600 || got.Rows[1].Cells[4].Number != 7*10*3600 || len(got.Rows[1].Cells[0].More) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestLinesWarn(t *testing.T) {
	facts := traffic(t, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), 1, 1, 1)
	doc := sample()
	s := report.NewSource(facts, doc, gate{}, boss)
	doc.Lines = doc.Lines[:2]
	doc.Lines[0].Channels, doc.Lines[1].Channels = 1, 1
	w, ok := s.LineWarning() // 80 min of every hour: 1.33 erlang on 2 lines
	if !ok || !w.Warn || w.Args["lines"].Number != 2 || w.Args["need"].Number != 5 {
		t.Errorf("%+v", w)
	}
	if share := w.Args["share"].Number; share < 0.27 || share > 0.28 {
		t.Errorf("blocking %v", share)
	}
	doc.Lines[1].Channels = 8
	if w, ok := s.LineWarning(); ok {
		t.Errorf("nine channels are too few: %+v", w)
	}
}

// TestDaySheet: five numbers, three sentences; the sentences say what the day was.
func TestDaySheet(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	loc := rome(t)
	day := kpi.Day(at, loc)
	visit := func(h, m int, r kpi.Result, waited time.Duration) kpi.Visit {
		return kpi.Visit{Queue: "group-1", Arrived: day.From.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute), Result: r, Waited: waited, Talked: 4 * time.Minute}
	}
	sheet := func(recalls int, visits ...kpi.Visit) report.Day {
		f := kpi.Facts{Interval: kpi.Interval{From: day.From.AddDate(0, 0, -28), To: day.To}, Visits: visits, Now: day.To}
		f.Sort()
		d := report.NewSource(f, sample(), gate{}, boss).DaySheet(day, recalls)
		if len(d.Five) != 5 {
			t.Fatalf("%d numbers", len(d.Five))
		}
		return d
	}
	ids := func(d report.Day) string {
		s := ""
		for _, x := range d.Sentences {
			s += x.ID[len("report.sentence."):] + " "
		}
		return s
	}
	if got := ids(sheet(0)); got != "nothing " {
		t.Errorf("no calls: %s", got)
	}
	calm := []kpi.Visit{visit(9, 0, kpi.Answered, time.Second), visit(10, 0, kpi.Answered, 2*time.Second), visit(10, 5, kpi.Answered, 3*time.Second)}
	d := sheet(0, calm...)
	if got := ids(d); got != "first calm well " || d.Sentences[1].Args["n"].Number != 2 {
		t.Errorf("a calm day: %s %+v", got, d.Sentences[1])
	}
	if got := ids(sheet(3, calm...)); got != "first calm recall " {
		t.Errorf("people to call back: %s", got)
	}
	var before []kpi.Visit
	for week := 1; week <= 3; week++ {
		v := visit(9, 0, kpi.Answered, time.Second)
		v.Arrived = v.Arrived.In(loc).AddDate(0, 0, -7*week)
		before = append(before, v)
	}
	d = sheet(0, append(before, calm...)...)
	if got := ids(d); got != "more calm well " || d.Sentences[0].Args["usual"].Number != 1 || d.Sentences[0].Args["share"].Number != 2 {
		t.Errorf("three times as many: %s %+v", got, d.Sentences[0])
	}
	var bad []kpi.Visit
	for i := range 30 {
		bad = append(bad, visit(11, i, kpi.Answered, 70*time.Second), visit(11, i, kpi.Abandoned, 60*time.Second))
	}
	d = sheet(0, bad...)
	if got := ids(d); got != "first worst oneMore " {
		t.Errorf("a bad day: %s", got)
	}
	more := d.Sentences[2].Args
	if more["then"].Number >= more["now"].Number || more["now"].Number < 0.4 || more["now"].Number > 0.6 {
		t.Errorf("one more: %+v", more)
	}
	if d.Five[3].Cell.Number != 0.5 || !d.Five[1].Cell.Warn || d.Five[4].Cell.Number != 30 {
		t.Errorf("five numbers: %+v", d.Five)
	}
}

// TestPlanGolden holds the small centers of the notes: 240 s handling, 80 % in 20 s,
// at most 5 % hang up with a patience of 120 s; Erlang C beside it.
func TestPlanGolden(t *testing.T) {
	need := report.Need{Handle: 240 * time.Second, Patience: 120 * time.Second, Target: kpi.Target{Level: 0.8, Threshold: 20 * time.Second, Abandons: 0.05}}
	golden := []struct {
		perHour  float64
		byC, byA int
	}{{10, 2, 3}, {20, 3, 4}, {30, 4, 5}, {45, 5, 6}, {60, 7, 7}, {90, 9, 9}, {120, 11, 11}, {180, 16, 15}, {240, 20, 19}, {300, 25, 23}, {400, 32, 30}, {0, 0, 0}}
	for _, g := range golden {
		need.Rows = append(need.Rows, report.NeedRow{PerHour: g.perHour})
	}
	for i, s := range report.Plan(need) {
		g := golden[i]
		if s.Agents.Agents != g.byA || s.ByC != g.byC {
			t.Errorf("%v an hour: %d by A, %d by C, want %+v", g.perHour, s.Agents.Agents, s.ByC, g)
		}
		if g.byA == 0 {
			continue
		}
		if s.More.Abandons >= s.Agents.Abandons || g.byA > 1 && s.Fewer.Abandons <= s.Agents.Abandons || s.Lines <= s.Agents.Agents/2 {
			t.Errorf("%v an hour: %+v", g.perHour, s)
		}
		if kpi.ErlangB(g.perHour/3600*(240+s.Agents.Wait.Seconds()), s.Lines) > report.MaxBlocking {
			t.Errorf("%v an hour: %d lines are too few", g.perHour, s.Lines)
		}
	}
}

// TestHistory: the mean of the Mondays that were open, by the local clock.
func TestHistory(t *testing.T) {
	loc := rome(t)
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, loc)
	f := kpi.Facts{Interval: kpi.Interval{From: monday.AddDate(0, 0, -28), To: monday}}
	for week, n := range []int{4, 0, 8} { // the second was a holiday
		for i := range n {
			f.Visits = append(f.Visits, kpi.Visit{Queue: "group-1", Arrived: monday.AddDate(0, 0, -7*(week+1)).Add(9*time.Hour + time.Duration(i)*time.Minute), Result: kpi.Answered, Agent: "p-1", Talked: time.Minute})
		}
	}
	f.Visits = append(f.Visits, kpi.Visit{Queue: "group-1", Arrived: monday.AddDate(0, 0, -6).Add(9 * time.Hour)})
	f.Sort()
	s := report.NewSource(f, sample(), gate{open: true}, boss)
	h := s.HistoryOf("group-1", time.Monday)
	if h.Days != 2 || len(h.PerHour) != 1 || h.PerHour[18] != 12 || h.Handle != time.Minute {
		t.Errorf("%+v", h)
	}
	if rows := h.Rows(); len(rows) != 1 || rows[0].Label != "09:00" || rows[0].PerHour != 12 {
		t.Errorf("%+v", rows)
	}
	if closed := report.NewSource(f, sample(), gate{}, boss).HistoryOf("group-1", time.Monday); closed.Handle != 0 || !closed.Hidden || closed.PerHour[18] != 12 {
		t.Errorf("while the gate is closed: %+v", closed)
	}
	none := s.HistoryOf("nowhere", time.Monday)
	if len(none.Rows()) != 0 {
		t.Error("a plan of nothing")
	}
}

// BenchmarkMonth makes the tables of a month of 100,000 contacts and 30 agents.
func BenchmarkMonth(b *testing.B) {
	facts := traffic(b, time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), 30, 3334, 30)
	doc := sample()
	for name, make := range map[string]func(s *report.Source){
		"queues":    func(s *report.Source) { s.QueueTables() },
		"intervals": func(s *report.Source) { s.Intervals("", 30*time.Minute) },
		"teams":     func(s *report.Source) { s.Teams() },
		"unserved":  func(s *report.Source) { s.Unserved() },
		"lines":     func(s *report.Source) { s.LineTables() },
		"outcomes":  func(s *report.Source) { s.Outcomes() },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				make(report.NewSource(facts, doc, gate{open: true}, boss))
			}
			b.ReportMetric(float64(len(facts.Visits)), "contacts")
		})
	}
}
