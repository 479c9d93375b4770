package report

import (
	"cmp"
	"math"
	"time"

	"centralino/acd/kpi"
)

// Day is the manager's sheet of one day: five numbers, three sentences and the
// hours.
type Day struct {
	kpi.Interval
	Five      []Named
	Sentences []Sentence
	Hours     Table
}

// Named is a number with the text id of its name ("report.five.<ID>").
type Named struct {
	ID   string
	Cell Cell
}

// WeeksBefore is how many weeks of facts before its day the sheet compares with.
const WeeksBefore = 4

// DaySheet makes the sheet of a day. The facts should begin WeeksBefore weeks
// before; recalls is how many people are to be called back now, negative if the day
// is over and that says nothing of it.
func (s *Source) DaySheet(day kpi.Interval, recalls int) Day {
	visits := arrivals(s.Facts.Visits, day)
	f := kpi.Sum(visits, s.rules)
	cells := s.figures(&f, day, "")
	lost := &Behind{Interval: day, Count: kpi.CUnserved}
	d := Day{Interval: day, Five: []Named{
		{"offered", cells[0]}, {"level", cells[4]}, {"asa", cells[5]}, {"abandonRate", cells[3]}, {"lostCallers", count(f.LostCallers, lost)},
	}}
	d.Hours = Table{ID: "hours", Columns: s.columns(Column{"when", KindInterval})}
	var worst, busiest kpi.Interval
	var worstOf, busiestOf kpi.Figures
	for _, i := range day.Cut(time.Hour) {
		in := arrivals(visits, i)
		if len(in) == 0 {
			continue
		}
		h := kpi.Sum(in, s.rules)
		d.Hours.Rows = append(d.Hours.Rows, Row{Cells: append([]Cell{span(i)}, s.figures(&h, i, "")...)})
		if n, w := h.Abandoned-h.Short, worstOf.Abandoned-worstOf.Short; n > w {
			worst, worstOf = i, h
		}
		if h.Offered > busiestOf.Offered {
			busiest, busiestOf = i, h
		}
	}
	if len(d.Hours.Rows) == 0 {
		d.Sentences = []Sentence{{ID: "report.sentence.nothing"}}
		return d
	}
	d.Sentences = append(d.Sentences, s.compare(day, f.Offered))
	if worstOf.Offered > 0 {
		d.Sentences = append(d.Sentences, Sentence{ID: "report.sentence.worst", Args: map[string]Cell{
			"when": span(worst), "lost": count(worstOf.Abandoned-worstOf.Short, nil), "n": count(worstOf.Offered, nil), "asa": length(worstOf.ASA, 1, nil),
		}})
	} else {
		d.Sentences = append(d.Sentences, Sentence{ID: "report.sentence.calm", Args: map[string]Cell{
			"when": span(busiest), "n": count(busiestOf.Offered, nil), "longest": length(f.Longest, 1, nil),
		}})
	}
	d.Sentences = append(d.Sentences, s.advice(day, visits, &f, worst, &worstOf, recalls))
	return d
}

// compare says how many contacts came against the same weekday before.
func (s *Source) compare(day kpi.Interval, n int) Sentence {
	sum, days := 0, 0
	for w := 1; w <= WeeksBefore; w++ {
		before := kpi.Day(day.From.In(s.zone).AddDate(0, 0, -7*w).Add(12*time.Hour), s.zone)
		if before.From.Before(s.Facts.From) {
			break
		}
		if k := len(arrivals(s.Facts.Visits, before)); k > 0 {
			sum, days = sum+k, days+1
		}
	}
	args := map[string]Cell{"n": count(n, nil)}
	if days == 0 {
		return Sentence{ID: "report.sentence.first", Args: args}
	}
	usual := float64(sum) / float64(days)
	args["usual"] = number(usual)
	change := float64(n)/usual - 1
	switch {
	case change > 0.1:
		args["share"] = share(change, true, nil)
		return Sentence{ID: "report.sentence.more", Args: args}
	case change < -0.1:
		args["share"] = share(-change, true, nil)
		return Sentence{ID: "report.sentence.fewer", Args: args}
	}
	return Sentence{ID: "report.sentence.usual", Args: args}
}

// advice says the one thing that is worth doing.
func (s *Source) advice(day kpi.Interval, visits []kpi.Visit, f *kpi.Figures, worst kpi.Interval, h *kpi.Figures, recalls int) Sentence {
	lines := *s
	lines.Facts.Lines = nil
	for _, u := range s.Facts.Lines {
		if day.Has(u.Slot.Start()) {
			lines.Facts.Lines = append(lines.Facts.Lines, u)
		}
	}
	if w, ok := lines.LineWarning(); ok {
		return w
	}
	if level, ok := f.Level(kpi.ShortRemoved); ok && level < s.target("") && h.Offered > 0 {
		if one, ok := s.oneMore(visits, h, worst); ok {
			return one
		}
	}
	if recalls > 0 {
		return Sentence{ID: "report.sentence.recall", Args: map[string]Cell{"n": count(recalls, nil)}}
	}
	if f.LostCallers > 0 {
		return Sentence{ID: "report.sentence.lostCallers", Args: map[string]Cell{"n": count(f.LostCallers, nil)}}
	}
	return Sentence{ID: "report.sentence.well"}
}

// oneMore tells what one more person would have changed in the worst hour, by
// Erlang A with the day's own patience and handling time; where the gate is closed, with
// the handling time that may be told of those of the facts' days that are over, or the
// usual one: else the forecast would give that of a few away.
func (s *Source) oneMore(visits []kpi.Visit, h *kpi.Figures, worst kpi.Interval) (Sentence, bool) {
	f := kpi.Sum(visits, nil)
	patience, known := kpi.Patience(visits)
	if f.Handled == 0 || !known || patience <= 0 {
		return Sentence{}, false
	}
	handle := f.AHT
	if !s.open {
		spent, _ := s.handling("")
		handle = cmp.Or(spent.mean(), UsualHandling)
	}
	rate, _ := h.AbandonRate()
	t := kpi.Traffic{PerHour: float64(h.Offered) / worst.Length().Hours(), Handle: handle, Patience: patience}
	n := closest(t, rate)
	now, ok := t.Predict(n, 0)
	more, ok2 := t.Predict(n+1, 0)
	if !ok || !ok2 || now.Abandons-more.Abandons < 0.01 {
		return Sentence{}, false
	}
	return Sentence{ID: "report.sentence.oneMore", Warn: true, Args: map[string]Cell{
		"when": span(worst), "now": share(now.Abandons, true, nil), "then": share(more.Abandons, true, nil),
	}}, true
}

// closest is the number of agents with which the theory comes closest to a share of
// callers who hang up: how many there seem to have been.
func closest(t kpi.Traffic, abandons float64) int {
	best, off := 1, 2.0
	for n := 1; n <= 100; n++ {
		o, ok := t.Predict(n, 0)
		if !ok {
			continue
		}
		if d := math.Abs(o.Abandons - abandons); d < off {
			best, off = n, d
		}
		if o.Abandons < abandons {
			break
		}
	}
	return best
}
