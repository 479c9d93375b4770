package ui

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/numbering"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/i18n"
	"centralino/ui/view"
)

// reportKinds are the reports, in the order of the page.
var reportKinds = []string{"day", "interval", "queue", "outcome", "unserved", "lines", "team", "people"}

// longestReport is how many days a report may span.
const longestReport = 400

// asked is what somebody wants to read. From and To are whole local days.
type asked struct {
	what  string
	queue string
	step  time.Duration
	days  kpi.Interval
	zone  *time.Location
}

// first and last are the days, for forms and titles.
func (a *asked) first() string { return a.days.From.In(a.zone).Format(time.DateOnly) }

func (a *asked) last() string {
	return a.days.To.Add(-time.Second).In(a.zone).Format(time.DateOnly)
}

// single reports whether only one day was asked for.
func (a *asked) single() bool { return a.first() == a.last() }

// ask reads what was asked for: today where nothing is said.
func ask(doc *office.Document, q url.Values, now time.Time) (asked, error) {
	a := asked{what: q.Get("what"), queue: q.Get("queue"), step: 30 * time.Minute, zone: doc.Site.Location()}
	if a.what == "" {
		a.what = "day"
	}
	if !slices.Contains(reportKinds, a.what) || a.queue != "" && doc.GroupByID(office.ID(a.queue)) == nil {
		return a, errBad
	}
	if q.Get("step") == "15" {
		a.step = 15 * time.Minute
	}
	day := func(name string, otherwise time.Time) (kpi.Interval, error) {
		s := q.Get(name)
		if s == "" {
			return kpi.Day(otherwise, a.zone), nil
		}
		t, err := time.Parse(time.DateOnly, s)
		if err != nil || t.Year() < 2000 || t.Year() > 9000 {
			return kpi.Interval{}, errBad
		}
		return kpi.Day(time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, a.zone), a.zone), nil
	}
	from, err := day("from", now)
	if err != nil {
		return a, err
	}
	to, err := day("to", from.From.Add(12*time.Hour))
	if err != nil {
		return a, err
	}
	if to.From.Before(from.From) {
		from, to = to, from
	}
	if a.what == "day" {
		to = from
	}
	a.days = kpi.Interval{From: from.From, To: to.To}
	if a.days.Length() > longestReport*24*time.Hour {
		return a, errBad
	}
	return a, nil
}

// reading is who reads a report, in which language.
type reading struct {
	p       *i18n.Printer
	viewer  privacy.Viewer
	purpose privacy.Purpose // for which names and numbers are shown
}

// makeReport makes one report for one reader.
func (s *Server) makeReport(ctx context.Context, a asked, r reading) (api.Report, error) {
	doc := s.d.Office.Current().Doc
	i := a.days
	if a.what == "day" {
		i.From = kpi.Day(a.days.From.In(a.zone).AddDate(0, 0, -7*report.WeeksBefore).Add(12*time.Hour), a.zone).From
	}
	facts, err := s.d.Reports.Facts(ctx, i)
	if err != nil {
		return api.Report{}, err
	}
	src := report.NewSource(facts, doc, s.d.People, r.viewer)
	if src.Membership, err = s.members.since(ctx, s.d.Office, i.From); err != nil {
		return api.Report{}, err
	}
	w := words{p: r.p, doc: doc, zone: a.zone, days: !a.single(), name: s.namesFor(r, doc)}
	out := api.Report{What: a.what, Title: r.p.T("report.what." + a.what), From: a.first(), To: a.last(), UpTo: s.d.Reports.UpTo(), Tables: []api.DataTable{}}
	now := s.d.Now()
	out.Late = out.UpTo.Before(now.Add(-time.Minute)) && out.UpTo.Before(a.days.To)
	var tables []report.Table
	switch a.what {
	case "day":
		recalls := -1
		if a.days.Has(now) {
			recalls = len(s.d.Reports.Recalls(report.Wish{}))
		}
		day := src.DaySheet(a.days, recalls)
		noon := a.days.From.Add(a.days.Length() / 2).In(a.zone)
		out.Title = r.p.T("report.day.title", "weekday", r.p.Weekday(noon.Weekday()), "day", r.p.Date(noon))
		for _, n := range day.Five {
			out.Five = append(out.Five, api.Figure{ID: n.ID, Name: r.p.T("report.five." + n.ID), Help: r.p.T("report.five." + n.ID + ".help"), Cell: w.cell(n.Cell)})
		}
		for _, x := range day.Sentences {
			out.Text = append(out.Text, w.sentence(x))
		}
		tables = []report.Table{day.Hours}
		out.Profile = profileModel(src.Profile("", a.days, a.step))
	case "interval":
		out.Queue, out.Step = a.queue, int(a.step/time.Minute)
		tables = []report.Table{src.Intervals(a.queue, a.step)}
		out.Profile = profileModel(src.Profile(a.queue, a.days, a.step))
	case "queue":
		tables = src.QueueTables()
	case "outcome":
		tables = []report.Table{src.Outcomes()}
	case "unserved":
		tables = []report.Table{src.Unserved()}
	case "lines":
		tables = src.LineTables()
	case "team":
		tables = []report.Table{src.Teams()}
	case "people":
		tables = []report.Table{src.People(s.seen(doc, r.viewer, r.purpose))}
	}
	for _, t := range tables {
		out.Tables = append(out.Tables, w.table(t))
	}
	return out, nil
}

// seen lists the agents whose figures the reader may see, or with the purpose Export
// take out of the box. Each look is written down; while the gate is closed nobody is
// asked about but the reader himself.
func (s *Server) seen(doc *office.Document, who privacy.Viewer, purpose privacy.Purpose) []journal.SubjectID {
	may := s.d.People.MaySeeFigures
	if purpose == privacy.Export {
		may = s.d.People.MayExportFigures
	}
	var out []journal.SubjectID
	open := s.d.People.Agreement().Kind != privacy.NoAgreement
	for i := range doc.People {
		id := doc.People[i].ID
		if isAgent(doc, id) && (open || id == who.Subject) && may(who, id) {
			out = append(out, id)
		}
	}
	return out
}

// namesFor returns how subjects are written for a reader: a place holder where the
// gate refuses.
func (s *Server) namesFor(r reading, doc *office.Document) func(journal.SubjectID) string {
	plan, err := numbering.New(doc.Site.Country, doc.Site.AreaCode)
	return func(x journal.SubjectID) string {
		if x == "" {
			return r.p.T("who.unknown")
		}
		purpose := r.purpose
		if isPerson(x) && purpose != privacy.Export { // a page: his figures are what it shows
			purpose = privacy.Figures
		}
		n, ok := s.d.People.Name(r.viewer, purpose, x)
		switch {
		case isPerson(x) && ok:
			return n
		case isPerson(x):
			return r.p.T("who.operator")
		case !ok || n == "":
			return r.p.T("report.hidden")
		case err != nil:
			return n
		}
		return plan.Display(numbering.E164(n))
	}
}

// --- pages -------------------------------------------------------------------

// reportAsked reads the request of a report; pages without a reader of the journal
// do not exist.
func (v *visit) reportAsked() (asked, error) {
	if v.s.d.Reports == nil {
		return asked{}, errNotFound
	}
	return ask(v.doc(), v.r.URL.Query(), v.s.d.Now())
}

// report is the report that was asked for, as the reader may see it. Figures of
// people leave the box with the manager alone.
func (v *visit) report(purpose privacy.Purpose) (asked, api.Report, error) {
	a, err := v.reportAsked()
	if err != nil {
		return a, api.Report{}, err
	}
	if purpose == privacy.Export && !v.mayTake(a) {
		return a, api.Report{}, errDenied
	}
	r, err := v.s.makeReport(v.ctx(), a, reading{v.p, v.viewer(), purpose})
	return a, r, err
}

// mayTake reports whether the reader may take a report out of the box.
func (v *visit) mayTake(a asked) bool { return a.what != "people" || v.me.Role == office.RoleManager }

// listedRows is how many rows of a table the page shows; files have them all.
const listedRows = 1000

func (v *visit) reports() error {
	a, r, err := v.report(privacy.CallDetail)
	if err != nil {
		return err
	}
	for i := range r.Tables {
		if t := &r.Tables[i]; len(t.Rows) > listedRows {
			t.Notes = append(t.Notes, v.p.T("report.note.cut", "n", v.p.Int(listedRows), "all", v.p.Int(len(t.Rows))))
			t.Rows = t.Rows[:listedRows]
		}
	}
	page := view.Reports{Frame: v.frame(v.p.T("reports.title")), Report: r}
	for _, c := range profileCharts(v.p, &r) {
		page.Charts = append(page.Charts, c.SVG())
	}
	for _, k := range reportKinds {
		page.Kinds = append(page.Kinds, view.Option{Value: v.reportURL(a, "/reports", "what", k), Label: v.p.T("report.what." + k), Selected: k == a.what})
	}
	page.Days = a.what != "day"
	if a.what == "interval" {
		page.Queues = v.queueOptions(a.queue)
		for _, m := range []int{15, 30} {
			page.Steps = append(page.Steps, view.Option{Value: strconv.Itoa(m), Label: v.p.T("report.step", "n", m), Selected: int(a.step/time.Minute) == m})
		}
	}
	now := v.s.d.Now().In(a.zone)
	month := time.Date(now.Year(), now.Month(), 1, 12, 0, 0, 0, a.zone)
	for _, s := range []struct {
		id       string
		from, to time.Time
	}{
		{"today", now, now}, {"yesterday", now.AddDate(0, 0, -1), now.AddDate(0, 0, -1)}, {"week", now.AddDate(0, 0, -6), now},
		{"month", month, now}, {"lastmonth", month.AddDate(0, -1, 0), month.AddDate(0, 0, -1)},
	} {
		if a.what == "day" && s.id != "today" && s.id != "yesterday" {
			continue
		}
		from, to := s.from.Format(time.DateOnly), s.to.Format(time.DateOnly)
		page.Spans = append(page.Spans, view.Option{Value: v.reportURL(a, "/reports", "from", from, "to", to), Label: v.p.T("report.span." + s.id), Selected: from == r.From && to == r.To})
	}
	if v.mayTake(a) {
		page.PDF = v.reportURL(a, "/reports/file", "as", "pdf")
		for i := range r.Tables {
			page.CSV = append(page.CSV, v.reportURL(a, "/reports/file", "as", "csv", "table", r.Tables[i].ID))
		}
	}
	if v.may("GET /reports/queuelog") {
		page.QueueLog = "/reports/queuelog?" + url.Values{"from": {r.From}, "to": {r.To}}.Encode()
	}
	return v.show(http.StatusOK, "reports", page)
}

// reportURL is the address of what was asked for with some of it changed.
func (v *visit) reportURL(a asked, path string, change ...string) string {
	q := url.Values{"what": {a.what}, "from": {a.first()}, "to": {a.last()}}
	if a.what == "interval" {
		q.Set("step", strconv.Itoa(int(a.step/time.Minute)))
		if a.queue != "" {
			q.Set("queue", a.queue)
		}
	}
	for i := 0; i+1 < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return path + "?" + q.Encode()
}

// queueOptions lists all queues for a form.
func (v *visit) queueOptions(chosen string) []view.Option {
	out := []view.Option{{Label: v.p.T("report.all"), Selected: chosen == ""}}
	doc := v.doc()
	for i := range doc.Groups {
		if g := &doc.Groups[i]; g.Mode == office.GroupQueue {
			out = append(out, view.Option{Value: string(g.ID), Label: g.Name, Selected: string(g.ID) == chosen})
		}
	}
	return out
}

func (v *visit) apiReport() error {
	_, r, err := v.report(privacy.Export)
	if err != nil {
		return err
	}
	return v.json(r)
}
