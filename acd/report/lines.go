package report

import (
	"time"

	"centralino/acd/kpi"
)

// MaxBlocking is the share of calls that may find all lines busy before the box
// warns.
const MaxBlocking = 0.01

// channels counts the channels of the lines that work; of one line if named.
func (s *Source) channels(line string) int {
	n := 0
	for i := range s.Doc.Lines {
		l := &s.Doc.Lines[i]
		if !l.Disabled && (line == "" || string(l.ID) == line) {
			n += max(1, l.Channels)
		}
	}
	return n
}

// LineTables is the report of lines: the busy hour of each and of all together with
// the share of calls that would find them busy (Erlang B), and the hours of the day.
func (s *Source) LineTables() []Table {
	busy := Table{ID: "lines", Columns: []Column{{"line", KindLine}, {"channels", KindCount}, {"in", KindCount}, {"out", KindCount}, {"busyTime", KindTime},
		{"busyHour", KindInterval}, {"erlang", KindNumber}, {"peak", KindCount}, {"blocking", KindShare}}, Notes: []Sentence{{ID: "report.note.lines"}}}
	for i := range s.Doc.Lines {
		l := &s.Doc.Lines[i]
		row := s.lineRow(string(l.ID))
		row.Cells[0] = text(KindLine, string(l.ID))
		if l.Disabled && row.Cells[2].Number+row.Cells[3].Number == 0 {
			continue
		}
		busy.Rows = append(busy.Rows, row)
	}
	all := s.lineRow("")
	all.Cells[0], all.Sum = text(KindWord, "report.alllines"), true
	busy.Rows = append(busy.Rows, all)
	if b, ok := s.LineWarning(); ok {
		busy.Notes = append([]Sentence{b}, busy.Notes...)
	}
	return []Table{busy, s.lineHours()}
}

func (s *Source) lineRow(line string) Row {
	var in, out int
	var busy time.Duration
	for i := range s.Facts.Lines {
		if u := &s.Facts.Lines[i]; u.Line == line {
			in, out, busy = in+u.In, out+u.Out, busy+u.Busy
		}
	}
	n := s.channels(line)
	cells := []Cell{{}, count(n, nil), count(in, nil), count(out, nil), length(busy, 1, nil),
		{Kind: KindInterval, None: true}, {Kind: KindNumber, None: true}, {Kind: KindCount, None: true}, {Kind: KindShare, None: true}}
	if h, ok := kpi.BusyHour(s.Facts.Lines, line); ok {
		blocking := share(kpi.ErlangB(h.Erlang, n), n > 0, nil)
		blocking.Warn = blocking.Number > MaxBlocking
		cells[5], cells[6], cells[7], cells[8] = span(h.Interval), number(h.Erlang), count(h.Peak, nil), blocking
	}
	return Row{Cells: cells}
}

// LineWarning warns when in the busy hour more than MaxBlocking of the calls would
// find all lines busy, and says how many channels would do.
func (s *Source) LineWarning() (Sentence, bool) {
	n := s.channels("")
	h, ok := kpi.BusyHour(s.Facts.Lines, "")
	if !ok || n == 0 {
		return Sentence{}, false
	}
	b := kpi.ErlangB(h.Erlang, n)
	if b <= MaxBlocking {
		return Sentence{}, false
	}
	return Sentence{ID: "report.sentence.lines", Warn: true, Args: map[string]Cell{
		"when": span(h.Interval), "share": share(b, true, nil), "lines": count(n, nil), "need": count(kpi.Lines(h.Erlang, MaxBlocking), nil),
	}}, true
}

// lineHours is the use of all lines by hour of the day, on average over the days on
// which there was any.
func (s *Source) lineHours() Table {
	t := Table{ID: "lineHours", Columns: []Column{{"hour", KindText}, {"calls", KindNumber}, {"erlang", KindNumber}, {"peak", KindCount}, {"blocking", KindShare}}}
	type hour struct {
		busy        time.Duration
		calls, peak int
	}
	var hours [24]hour
	days := map[time.Time]bool{}
	for i := range s.Facts.Lines {
		u := &s.Facts.Lines[i]
		if u.Line != "" {
			continue
		}
		at := u.Slot.Start().In(s.zone)
		days[kpi.Day(at, s.zone).From] = true
		h := &hours[at.Hour()]
		h.busy, h.calls, h.peak = h.busy+u.Busy, h.calls+u.In+u.Out, max(h.peak, u.Peak)
	}
	n, d := s.channels(""), float64(len(days))
	for i, h := range hours {
		if h.calls == 0 && h.busy == 0 {
			continue
		}
		erlang := h.busy.Hours() / d
		blocking := share(kpi.ErlangB(erlang, n), n > 0, nil)
		blocking.Warn = blocking.Number > MaxBlocking
		label := time.Date(2000, 1, 1, i, 0, 0, 0, time.UTC).Format("15:04")
		t.Rows = append(t.Rows, Row{Cells: []Cell{text(KindText, label), number(float64(h.calls) / d), number(erlang), count(h.peak, nil), blocking}})
	}
	return t
}
