package ui

import (
	"time"

	"centralino/acd/report"
	"centralino/ui/api"
	"centralino/ui/chart"
	"centralino/ui/i18n"
)

// profileModel is what came at which time of the day, as numbers; nil where nobody came.
func profileModel(p report.Profile) *api.Profile {
	if len(p.Slots) == 0 {
		return nil
	}
	out := &api.Profile{Step: int(p.Step / time.Minute), Target: 100 * p.Target}
	for _, s := range p.Slots {
		m := api.ProfileSlot{From: clockOf(s.Minute), Minute: s.Minute, Offered: s.Offered, Answered: s.Answered, Lost: s.Lost}
		if s.Judged {
			percent := 100 * s.Level
			m.Level = &percent
		}
		out.Slots = append(out.Slots, m)
	}
	return out
}

// profileCharts are what a report has to draw: the contacts, and the service level, at
// each time of the day.
func profileCharts(p *i18n.Printer, r *api.Report) []chart.Chart {
	m := r.Profile
	if m == nil {
		return nil
	}
	key := "report.chart.day"
	if r.From != r.To { // it adds up several days
		key = "report.chart.days"
	}
	calls := chart.Chart{ID: "calls", Title: p.T(key, "n", p.Int(m.Step)), Series: []string{p.T("report.col.answered"), p.T("report.col.lost"), p.T("report.chart.other")}}
	level := chart.Chart{ID: "level", Title: p.T("report.col.level"), Series: []string{p.T("report.col.level")}, Max: 100, Unit: "%", Target: m.Target, Of: p.T("report.chart.target", "value", p.Float(m.Target))}
	most, below, judged := 0, 0, 0
	for i, s := range m.Slots {
		h := s.Minute / 60
		span := s.From + "–" + clockOf(s.Minute+m.Step)
		col := chart.Column{Minor: h%2 == 1, Values: []float64{float64(s.Answered), float64(s.Lost), float64(s.Offered - s.Answered - s.Lost)},
			Title: p.T("report.chart.slot", "when", span, "offered", p.Int(s.Offered), "answered", p.Int(s.Answered), "lost", p.Int(s.Lost))}
		if s.Minute%60 == 0 {
			col.Label = p.Int(h)
		} else if len(m.Slots) == 1 {
			col.Label, col.Minor = s.From, false
		}
		calls.Columns = append(calls.Columns, col)
		if s.Offered > m.Slots[most].Offered {
			most = i
		}
		col.Values, col.Title = nil, span+": –"
		if s.Level != nil {
			judged++
			if col.Below = *s.Level < m.Target; col.Below {
				below++
			}
			col.Values, col.Title = []float64{*s.Level}, span+": "+p.Float(*s.Level)+"\u00a0%"
		}
		level.Columns = append(level.Columns, col)
	}
	calls.Text = p.T("report.chart.calls.text", "when", m.Slots[most].From, "n", p.Int(m.Slots[most].Offered))
	level.Text = p.T("report.chart.level.text", "n", p.Int(below), "all", p.Int(judged))
	if judged == 0 {
		return []chart.Chart{calls}
	}
	return []chart.Chart{calls, level}
}
