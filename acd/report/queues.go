package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"centralino/acd/kpi"
)

// figureColumns are the columns about contacts that the reports share: what queues did is
// told always, of queues of any size.
var figureColumns = []Column{
	{"offered", KindCount}, {"answered", KindCount}, {"lost", KindCount}, {"abandonRate", KindShare},
	{"level", KindShare}, {"asa", KindTime}, {"longest", KindTime},
}

// columns puts the columns about contacts behind a first one. How long conversations took
// measures those who had them: it stands there only where the gate is open, else see
// handling.
func (s *Source) columns(first Column) []Column {
	out := append([]Column{first}, figureColumns...)
	if s.open {
		out = append(out, Column{"talk", KindTime})
	}
	return out
}

// figures writes visits into those columns.
func (s *Source) figures(f *kpi.Figures, i kpi.Interval, queue string) []Cell {
	b := func(c kpi.Count) *Behind { return &Behind{Interval: i, Queue: queue, Count: c} }
	level, judged := f.Level(kpi.ShortRemoved)
	rate, offered := f.AbandonRate()
	lv := share(level, judged, b(kpi.CJudged))
	lv.Warn = judged && level < s.target(queue)
	cells := []Cell{
		count(f.Offered, b(kpi.Offered)), count(f.Answered, b(kpi.CAnswered)), count(f.Abandoned-f.Short, b(kpi.CLost)),
		share(rate, offered, b(kpi.CJudgedLost)), lv, length(f.ASA, f.Answered, b(kpi.CAnswered)),
		length(f.Longest, f.Offered, b(kpi.Offered)),
	}
	if s.open {
		cells = append(cells, length(f.Talk, f.Handled, b(kpi.CHandled)))
	}
	return cells
}

// target is what a queue's level should reach; for all of them together what every
// queue asks at least.
func (s *Source) target(queue string) float64 {
	if queue != "" {
		return s.rules.Of(queue).Target
	}
	return s.lowest
}

// workColumns are the columns about agents; they stand there only where the gate is
// open. Else handlingColumns and the report by team tell what may be told.
func (s *Source) workColumns() []Column {
	if !s.open {
		return nil
	}
	return []Column{{"agents", KindNumber}, {"aht", KindTime}, {"acw", KindTime}, {"occupancy", KindShare}}
}

func (s *Source) workCells(f *kpi.Figures, w *kpi.Work, i kpi.Interval, queue string) []Cell {
	if !s.open {
		return nil
	}
	occupancy, ok := w.Occupancy()
	b := &Behind{Interval: i, Queue: queue, Count: kpi.CHandled}
	return []Cell{
		number(w.LoggedIn().Hours() / i.Length().Hours()), length(f.AHT, f.Handled, b),
		length(f.ACW, f.Handled, b), share(occupancy, ok, nil),
	}
}

// Intervals is the table of a queue (empty: all of them) by intervals of 15 or 30
// minutes, local time. Intervals in which nobody called and nobody worked are left
// out.
func (s *Source) Intervals(queue string, step time.Duration) Table {
	t := Table{ID: "interval", Columns: append(s.columns(Column{"when", KindInterval}), s.workColumns()...)}
	if !s.open {
		t.Notes = []Sentence{{ID: "report.note.handling"}}
	}
	visits := s.visits(queue)
	for _, day := range kpi.Days(s.Facts.From, s.Facts.To, s.zone) {
		for _, i := range day.Cut(step) {
			in, times := arrivals(visits, i), within(s.Facts.Agents, i)
			if len(in) == 0 && len(times) == 0 {
				continue
			}
			work := s.work(times, queue)
			if len(in) == 0 && (!s.open || work.LoggedIn() == 0) {
				continue
			}
			f := kpi.Sum(in, s.rules)
			cells := append([]Cell{span(i)}, s.figures(&f, i, queue)...)
			t.Rows = append(t.Rows, Row{Cells: append(cells, s.workCells(&f, &work, i, queue)...)})
		}
	}
	if len(t.Rows) > 1 {
		all := kpi.Sum(visits, s.rules)
		work := s.work(s.Facts.Agents, queue)
		cells := append([]Cell{text(KindWord, "report.all")}, s.figures(&all, s.Facts.Interval, queue)...)
		t.Rows = append(t.Rows, Row{Sum: true, Cells: append(cells, s.workCells(&all, &work, s.Facts.Interval, queue)...)})
	}
	return t
}

// QueueTables is the report by queue: the figures, all service levels, and who the
// callers were.
func (s *Source) QueueTables() []Table {
	figures := Table{ID: "queue", Columns: append(s.columns(Column{"queue", KindQueue}), s.workColumns()...)}
	if !s.open {
		figures.Columns = append(figures.Columns, handlingColumns...)
		figures.Notes = []Sentence{{ID: "report.note.handling"}}
	}
	levels := Table{ID: "levels", Columns: []Column{{"queue", KindQueue}, {"threshold", KindTime}}, Notes: []Sentence{{ID: "report.note.levels"}}}
	for _, v := range kpi.Variants {
		levels.Columns = append(levels.Columns, Column{"level." + string(v), KindShare})
	}
	waits := Table{ID: "waits", Columns: []Column{{"queue", KindQueue}, {"p50", KindTime}, {"p90", KindTime}, {"p99", KindTime}, {"longestNow", KindTime},
		{"abandonRate", KindShare}, {"abandonRateAll", KindShare}, {"kept", KindShare}}, Notes: []Sentence{{ID: "report.note.kept"}}}
	callers := Table{ID: "callers", Columns: []Column{{"queue", KindQueue}, {"callers", KindCount}, {"lostCallers", KindCount}, {"repeated", KindCount}, {"repeatRate", KindShare},
		{"overflowed", KindCount}, {"promised", KindCount}, {"reached", KindCount}, {"restarted", KindCount}}, Notes: []Sentence{{ID: "report.note.repeat"}}}
	queues := s.Queues()
	for _, q := range append(slices.Clip(queues), "") {
		if q == "" && len(queues) < 2 {
			continue
		}
		visits := s.visits(q)
		f, work, i := kpi.Sum(visits, s.rules), s.work(s.Facts.Agents, q), s.Facts.Interval
		name := text(KindQueue, q)
		if q == "" {
			name = text(KindWord, "report.all")
		}
		row := func(t *Table, cells ...Cell) {
			t.Rows = append(t.Rows, Row{Cells: append([]Cell{name}, cells...), Sum: q == ""})
		}
		cells := append(s.figures(&f, i, q), s.workCells(&f, &work, i, q)...)
		if !s.open {
			spent, _ := s.handling(q)
			cells = append(cells, spent.cells()...)
		}
		row(&figures, cells...)
		row(&levels, s.levels(&f, i, q)...)
		row(&waits, s.waits(&f, i, q)...)
		row(&callers, s.callers(&f, i, q)...)
	}
	return []Table{figures, levels, waits, callers}
}

func (s *Source) levels(f *kpi.Figures, i kpi.Interval, queue string) []Cell {
	cells := []Cell{length(s.rules.Of(queue).Threshold, 1, nil)}
	if queue == "" {
		cells[0].None = true // each queue has its own
	}
	for _, v := range kpi.Variants {
		level, ok := f.Level(v)
		behind := kpi.Offered
		switch v {
		case kpi.ShortRemoved:
			behind = kpi.CJudged
		case kpi.AnsweredOnly:
			behind = kpi.CAnswered
		}
		cells = append(cells, share(level, ok, &Behind{Interval: i, Queue: queue, Count: behind}))
	}
	return cells
}

func (s *Source) waits(f *kpi.Figures, i kpi.Interval, queue string) []Cell {
	b := func(c kpi.Count) *Behind { return &Behind{Interval: i, Queue: queue, Count: c} }
	short, ok := f.AbandonRate()
	all, okAll := f.AbandonRateWithShort()
	kept, told := f.KeptRate()
	return []Cell{
		length(f.P50, f.Answered, b(kpi.CAnswered)), length(f.P90, f.Answered, b(kpi.CAnswered)), length(f.P99, f.Answered, b(kpi.CAnswered)),
		length(f.LongestNow, f.Waiting, b(kpi.CWaiting)), share(short, ok, b(kpi.CJudgedLost)), share(all, okAll, b(kpi.CAbandoned)), share(kept, told, b(kpi.CTold)),
	}
}

func (s *Source) callers(f *kpi.Figures, i kpi.Interval, queue string) []Cell {
	b := func(c kpi.Count) *Behind { return &Behind{Interval: i, Queue: queue, Count: c} }
	repeat, ok := f.RepeatRate()
	return []Cell{
		{Kind: KindCount, Number: float64(f.Callers)}, {Kind: KindCount, Number: float64(f.LostCallers)},
		count(f.Repeated, b(kpi.CRepeated)), share(repeat, ok, b(kpi.CRepeated)), count(f.Overflowed, b(kpi.COverflowed)),
		count(f.Promised, b(kpi.CPromised)), count(f.Reached, b(kpi.CReached)), count(f.Restarted, b(kpi.CRestarted)),
	}
}

// Outcomes is the report by outcome: how conversations ended by the agents' word,
// by queue and together. Conversations without one stand there too.
func (s *Source) Outcomes() Table {
	t := Table{ID: "outcome", Columns: []Column{{"queue", KindQueue}, {"outcome", KindOutcome}, {"contacts", KindCount}, {"share", KindShare}}}
	for _, q := range s.Queues() {
		counts, handled := map[string]int{}, 0
		for _, v := range s.visits(q) {
			if kpi.CHandled.Has(&v, s.rules.Of(q)) {
				handled++
				counts[v.Outcome]++
			}
		}
		t.outcomes(q, counts, handled, s.Facts.Interval)
	}
	said := map[string]int{}
	for _, x := range s.Facts.Said {
		said[x.Outcome]++
	}
	if len(said) > 0 {
		t.outcomes("", said, len(s.Facts.Said), s.Facts.Interval)
		t.Notes = append(t.Notes, Sentence{ID: "report.note.said"})
	}
	return t
}

func (t *Table) outcomes(queue string, counts map[string]int, all int, i kpi.Interval) {
	byNumber := func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) }
	for _, id := range slices.SortedFunc(maps.Keys(counts), byNumber) {
		n, b := counts[id], &Behind{Interval: i, Queue: queue, Count: kpi.CHandled, Outcome: id}
		name := text(KindQueue, queue)
		if queue == "" {
			name, b = text(KindWord, "report.noqueue"), nil
		}
		if id == "" {
			b = nil // a filter by no outcome would be all of them
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{name, text(KindOutcome, id), count(n, b), share(float64(n)/float64(all), all > 0, b)}})
	}
}

// Unserved lists who went away without an agent, with whether he got through later.
func (s *Source) Unserved() Table {
	t := Table{ID: "unserved", Columns: []Column{{"when", KindInstant}, {"caller", KindSubject}, {"queue", KindQueue}, {"why", KindWord}, {"waited", KindTime}, {"later", KindWord}}}
	served := map[string]time.Time{} // caller -> last time that he was
	for i := range s.Facts.Visits {
		if v := &s.Facts.Visits[i]; v.Caller != "" && (v.Result == kpi.Answered || v.Reached) {
			served[string(v.Caller)] = v.Arrived
		}
	}
	for i := len(s.Facts.Visits) - 1; i >= 0; i-- {
		v := &s.Facts.Visits[i]
		if !kpi.CUnserved.Has(v, s.rules.Of(v.Queue)) {
			continue
		}
		later := "report.later.no"
		switch at, ok := served[string(v.Caller)]; {
		case v.Caller == "":
			later = "report.later.unknown"
		case ok && at.After(v.Arrived):
			later = "report.later.yes"
		}
		t.Rows = append(t.Rows, Row{Cells: []Cell{instant(v.Arrived), text(KindSubject, string(v.Caller)), text(KindQueue, v.Queue),
			text(KindWord, "report.result."+v.Result.String()), length(v.Waited, 1, nil), text(KindWord, later)}})
	}
	return t
}
