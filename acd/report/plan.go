package report

import (
	"time"

	"centralino/acd/kpi"
)

// Need is what a plan is made of: the traffic of each stretch of the day and what
// is to be reached.
type Need struct {
	Rows     []NeedRow
	Handle   time.Duration // talk, hold and wrap-up, mean
	Patience time.Duration // mean time after which a waiting caller hangs up
	Target   kpi.Target
}

// NeedRow is one stretch of the day.
type NeedRow struct {
	Label   string // "10:00"
	PerHour float64
}

// Staffing is what one stretch needs. Where no number of agents up to 1,000 would
// do, or nobody calls, Agents.Agents is 0.
type Staffing struct {
	NeedRow
	Agents kpi.Outlook // as many as reach the target, by Erlang A
	Fewer  kpi.Outlook // one less; Agents 0 if that is nobody
	More   kpi.Outlook // one more
	ByC    int         // as many as Erlang C asks for, which does not know that people hang up
	Lines  int         // channels so that at most MaxBlocking find none: those who talk and those who wait
}

// Plan says how many people each stretch needs. It plans whole people: below about
// six, one more or less changes more than any formula's decimals.
func Plan(n Need) []Staffing {
	out := make([]Staffing, 0, len(n.Rows))
	for _, r := range n.Rows {
		s := Staffing{NeedRow: r}
		t := kpi.Traffic{PerHour: r.PerHour, Handle: n.Handle, Patience: n.Patience}
		if o, ok := t.Agents(n.Target); ok && r.PerHour > 0 {
			s.Agents = o
			s.Fewer, _ = t.Predict(o.Agents-1, n.Target.Threshold)
			s.More, _ = t.Predict(o.Agents+1, n.Target.Threshold)
			s.Lines = kpi.Lines(r.PerHour/3600*(n.Handle+o.Wait).Seconds(), MaxBlocking)
		}
		never := t
		never.Patience = 0
		if c, ok := never.Agents(kpi.Target{Level: n.Target.Level, Threshold: n.Target.Threshold}); ok && r.PerHour > 0 {
			s.ByC = c.Agents
		}
		out = append(out, s)
	}
	return out
}

// Hourly is how many callers an hour hang up at that rate.
func (s *Staffing) Hourly(o kpi.Outlook) float64 { return s.PerHour * o.Abandons }

// UsualHandling is reckoned with where the real handling time is not known, or would tell
// of a few people: the mean of small offices in the field.
const UsualHandling = 4 * time.Minute

// History is what the box knows of a queue's traffic on one weekday.
type History struct {
	Days     int             // with any contact, that it is the mean of
	PerHour  map[int]float64 // half hour of the day (0 to 47) -> contacts an hour
	Handle   time.Duration   // 0 if nobody was handled, or Hidden
	Hidden   bool            // Handle would tell of fewer than five people
	Patience time.Duration   // 0 if too few hung up to tell
}

// HistoryOf reads a queue's traffic (empty: all queues) on a weekday out of the
// facts, by the clock of the place. Patience is that of all days, and so is handling
// time where the gate is open; else see handling.
func (s *Source) HistoryOf(queue string, day time.Weekday) History {
	h := History{PerHour: map[int]float64{}}
	visits := s.visits(queue)
	for _, d := range kpi.Days(s.Facts.From, s.Facts.To, s.zone) {
		if d.From.In(s.zone).Weekday() != day {
			continue
		}
		in := arrivals(visits, d)
		if len(in) == 0 {
			continue // closed
		}
		h.Days++
		for i := range in {
			at := in[i].Arrived.In(s.zone)
			h.PerHour[at.Hour()*2+at.Minute()/30] += 2
		}
	}
	for k := range h.PerHour {
		h.PerHour[k] /= float64(h.Days)
	}
	var spent spent
	spent, h.Hidden = s.handling(queue)
	h.Handle = spent.mean()
	h.Patience, _ = kpi.Patience(visits)
	return h
}

// Rows turns the history into rows of a plan, from the first to the last half hour
// in which anybody called.
func (h *History) Rows() []NeedRow {
	first, last := 48, -1
	for k := range h.PerHour {
		first, last = min(first, k), max(last, k)
	}
	var out []NeedRow
	for k := first; k <= last; k++ {
		label := time.Date(2000, 1, 1, k/2, k%2*30, 0, 0, time.UTC).Format("15:04")
		out = append(out, NeedRow{Label: label, PerHour: h.PerHour[k]})
	}
	return out
}

// PlanTable writes a plan as a table.
func PlanTable(plan []Staffing) Table {
	t := Table{ID: "plan", Columns: []Column{{"when", KindText}, {"callsHalf", KindNumber}, {"agentsNeeded", KindCount}, {"abandons", KindShare}, {"level", KindShare},
		{"wait", KindTime}, {"occupancy", KindShare}, {"fewer", KindShare}, {"more", KindShare}, {"byC", KindCount}, {"linesNeeded", KindCount}},
		Notes: []Sentence{{ID: "report.note.plan"}}}
	for _, s := range plan {
		o, known := s.Agents, s.Agents.Agents > 0
		agents, c, lines := count(o.Agents, nil), count(s.ByC, nil), count(s.Lines, nil)
		agents.None, c.None, lines.None = !known, s.ByC == 0, !known
		t.Rows = append(t.Rows, Row{Cells: []Cell{text(KindText, s.Label), number(s.PerHour / 2), agents, share(o.Abandons, known, nil), share(o.Level, known, nil),
			length(o.Wait, o.Agents, nil), share(o.Occupancy, known, nil), share(s.Fewer.Abandons, s.Fewer.Agents > 0, nil), share(s.More.Abandons, known, nil), c, lines}})
	}
	return t
}

// PlanSentences say what the plan means: how many people the fullest half hour
// needs, and what one less or one more would do there.
func PlanSentences(plan []Staffing) []Sentence {
	var top Staffing
	for _, s := range plan {
		if s.Agents.Agents > top.Agents.Agents {
			top = s
		}
	}
	if top.Agents.Agents == 0 {
		return []Sentence{{ID: "report.sentence.noplan"}}
	}
	out := []Sentence{{ID: "report.sentence.peak", Args: map[string]Cell{"when": text(KindText, top.Label), "n": count(top.Agents.Agents, nil), "lines": count(top.Lines, nil)}}}
	of := func(o kpi.Outlook) map[string]Cell {
		return map[string]Cell{"now": share(top.Agents.Abandons, true, nil), "then": share(o.Abandons, true, nil), "lost": number(top.Hourly(o) - top.Hourly(top.Agents))}
	}
	if top.Fewer.Agents > 0 {
		out = append(out, Sentence{ID: "report.sentence.oneFewer", Args: of(top.Fewer)})
	}
	args := of(top.More)
	args["lost"] = number(top.Hourly(top.Agents) - top.Hourly(top.More))
	return append(out, Sentence{ID: "report.sentence.oneMoreHere", Args: args})
}
