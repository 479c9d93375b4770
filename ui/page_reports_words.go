package ui

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/api"
	"centralino/ui/export"
	"centralino/ui/i18n"
)

// words writes reports in one language for one reader. name resolves a pseudonym
// as far as the reader may know it.
type words struct {
	p    *i18n.Printer
	doc  *office.Document
	zone *time.Location
	name func(journal.SubjectID) string
	days bool // intervals of several days: the day stands before the time
}

// numeric are the kinds that are numbers.
var numeric = map[report.Kind]bool{report.KindCount: true, report.KindShare: true, report.KindNumber: true, report.KindTime: true}

// cell writes one value for people, and in the plain form for programs.
func (w *words) cell(c report.Cell) api.DataCell {
	out := api.DataCell{Warn: c.Warn}
	if c.None {
		out.Text, out.Number = "–", numeric[c.Kind]
		return out
	}
	number := func(plain string) {
		n := c.Number
		out.Value, out.Number, out.Plain = &n, true, w.decimal(plain)
	}
	switch c.Kind {
	case report.KindCount:
		out.Text = w.p.Int(int(c.Number))
		number(strconv.Itoa(int(c.Number)))
	case report.KindShare:
		out.Text = w.p.Float(100*c.Number) + "\u00a0%"
		number(strconv.FormatFloat(100*c.Number, 'f', 1, 64))
	case report.KindNumber:
		out.Text = w.p.Float(c.Number)
		number(strconv.FormatFloat(c.Number, 'f', 2, 64))
	case report.KindTime:
		out.Text = w.p.Clock(time.Duration(c.Number * float64(time.Second)).Round(time.Second))
		number(strconv.FormatFloat(c.Number, 'f', 0, 64))
	case report.KindInstant:
		out.Text, out.At = w.p.Short(c.At.In(w.zone)), c.At
		out.Plain = c.At.In(w.zone).Format(time.DateTime)
	case report.KindDay:
		out.Text, out.At = w.p.Date(c.At.In(w.zone)), c.At
		out.Plain = c.At.In(w.zone).Format(time.DateOnly)
	case report.KindInterval:
		out.Text, out.At = w.interval(c.At, c.To), c.At
		out.Plain = c.At.In(w.zone).Format("2006-01-02 15:04")
	default:
		out.Text = w.text(c)
	}
	if b := c.Behind; b != nil {
		out.Contacts = behindURL(b)
	}
	return out
}

// decimal writes a number as spreadsheets of the language read it.
func (w *words) decimal(s string) string {
	if w.p.Lang() == "it" {
		return strings.Replace(s, ".", ",", 1)
	}
	return s
}

func (w *words) text(c report.Cell) string {
	switch c.Kind {
	case report.KindWord:
		return w.p.T(c.Text)
	case report.KindQueue:
		names := []string{w.queue(c.Text)}
		for _, q := range c.More {
			names = append(names, w.queue(q))
		}
		return w.p.List(names)
	case report.KindLine:
		if l := w.doc.LineByID(office.ID(c.Text)); l != nil {
			return l.Name
		}
	case report.KindOutcome:
		if c.Text == "" {
			return w.p.T("report.nooutcome")
		}
		return outcomeName(w.doc, c.Text)
	case report.KindSubject:
		return w.name(journal.SubjectID(c.Text))
	}
	return c.Text
}

// queue names a queue; one that is there no more has lost its name.
func (w *words) queue(id string) string {
	if g := w.doc.GroupByID(office.ID(id)); g != nil {
		return g.Name
	}
	return w.p.T("report.gone")
}

// interval writes a stretch of a day. An hour that comes twice, when the clocks go
// back, says which one it is.
func (w *words) interval(from, to time.Time) string {
	a, b := from.In(w.zone), to.In(w.zone)
	s := a.Format("15:04") + "–" + b.Format("15:04")
	if _, off := a.Zone(); twice(a) && off != 0 {
		s += " " + a.Format("MST")
	}
	if w.days {
		s = a.Format("02/01") + " " + s
	}
	return s
}

// twice reports whether the clock shows the time of t twice that day.
func twice(t time.Time) bool {
	for _, d := range []time.Duration{-time.Hour, time.Hour} {
		if t.Add(d).Format("02 15:04") == t.Format("02 15:04") {
			return true
		}
	}
	return false
}

// sentence fills a text with its values.
func (w *words) sentence(s report.Sentence) api.Sentence {
	args := map[string]string{}
	for k, c := range s.Args {
		args[k] = w.cell(c).Text
	}
	id := s.ID
	if n, ok := s.Args["n"]; ok && w.p.Has(id+".one") {
		id += ".other"
		if n.Number == 1 {
			id = s.ID + ".one"
		}
	}
	return api.Sentence{ID: s.ID, Text: w.p.Args(id, args), Warn: s.Warn}
}

// table writes a table.
func (w *words) table(t report.Table) api.DataTable {
	out := api.DataTable{ID: t.ID, Title: w.p.T("report.table." + t.ID), Columns: []api.DataColumn{}, Rows: []api.DataRow{}}
	if help := "report.help." + t.ID; w.p.Has(help) {
		out.Help = w.p.T(help)
	}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, api.DataColumn{ID: c.ID, Title: w.p.T("report.col." + c.ID), Kind: string(c.Kind)})
	}
	for _, r := range t.Rows {
		row := api.DataRow{Sum: r.Sum, Cells: make([]api.DataCell, 0, len(r.Cells))}
		for _, c := range r.Cells {
			row.Cells = append(row.Cells, w.cell(c))
		}
		out.Rows = append(out.Rows, row)
	}
	for _, n := range t.Notes {
		out.Notes = append(out.Notes, w.sentence(n).Text)
	}
	return out
}

// behindURL is the address of the contacts behind a number.
func behindURL(b *report.Behind) string {
	q := url.Values{"from": {strconv.FormatInt(b.From.Unix(), 10)}, "to": {strconv.FormatInt(b.To.Unix(), 10)}, "count": {string(b.Count)}}
	if b.Queue != "" {
		q.Set("queue", b.Queue)
	}
	if b.Outcome != "" {
		q.Set("outcome", b.Outcome)
	}
	return "/reports/contacts?" + q.Encode()
}

// sheetOf turns a report into what files are made of.
func sheetOf(p *i18n.Printer, r *api.Report, site string) export.Sheet {
	s := export.Sheet{Title: r.Title, Subtitle: site, Footer: p.T("app.name") + " · " + site}
	if r.From != r.To {
		s.Subtitle += " · " + p.Day(r.From) + " – " + p.Day(r.To)
	}
	for _, f := range r.Five {
		s.Big = append(s.Big, export.Pair{Name: f.Name, Value: f.Cell.Text, Warn: f.Cell.Warn})
	}
	for _, t := range r.Text {
		s.Text = append(s.Text, t.Text)
	}
	s.Charts = profileCharts(p, r)
	for i := range r.Tables {
		s.Grids = append(s.Grids, gridOf(&r.Tables[i]))
	}
	return s
}

func gridOf(t *api.DataTable) export.Grid {
	g := export.Grid{ID: t.ID, Title: t.Title, Notes: t.Notes}
	for _, c := range t.Columns {
		g.Head = append(g.Head, c.Title)
	}
	for _, r := range t.Rows {
		row := export.Row{Sum: r.Sum}
		for _, c := range r.Cells {
			row.Cells = append(row.Cells, export.Field{Text: c.Text, Plain: c.Plain, Number: c.Number, Warn: c.Warn})
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}
