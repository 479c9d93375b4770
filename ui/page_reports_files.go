package ui

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/ui/api"
	"centralino/ui/export"
	"centralino/ui/i18n"
)

// csvOptions is how spreadsheets of a language want their files.
func csvOptions(p *i18n.Printer) export.CSVOptions {
	if p.Lang() == "it" {
		return export.CSVOptions{Comma: ';', BOM: true}
	}
	return export.CSVOptions{Comma: ',', BOM: true}
}

// reportFile gives a report as a file. What leaves the box names callers only as
// the gate allows for exports.
func (v *visit) reportFile() error {
	_, r, err := v.report(privacy.Export)
	if err != nil {
		return err
	}
	name := fileName(&r)
	q := v.r.URL.Query()
	switch q.Get("as") {
	case "pdf":
		var b bytes.Buffer
		if err := export.PDF(&b, sheetOf(v.p, &r, v.doc().Site.Name), v.s.d.Now()); err != nil {
			return err
		}
		return v.file(name+".pdf", "application/pdf", b.Bytes())
	case "csv":
		i := slices.IndexFunc(r.Tables, func(t api.DataTable) bool { return t.ID == q.Get("table") })
		if q.Get("table") == "" && len(r.Tables) > 0 {
			i = 0
		}
		if i < 0 {
			return errBad
		}
		o := csvOptions(v.p)
		switch q.Get("comma") {
		case "comma":
			o.Comma = ','
		case "semicolon":
			o.Comma = ';'
		}
		o.BOM = q.Get("bom") != "no"
		var b bytes.Buffer
		if err := export.CSV(&b, gridOf(&r.Tables[i]), o); err != nil {
			return err
		}
		return v.file(name+"-"+r.Tables[i].ID+".csv", "text/csv; charset=utf-8", b.Bytes())
	}
	return errBad
}

// anyAgent is how every agent is called in a queue_log while the gate is closed:
// pseudonyms too would show each one's times to whoever knows the shifts.
const anyAgent = "agent"

// queueLog gives the contacts of some days in the form of Asterisk's queue_log.
func (v *visit) queueLog() error {
	a, err := v.reportAsked()
	if err != nil {
		return err
	}
	facts, err := v.s.d.Reports.Facts(v.ctx(), a.days)
	if err != nil {
		return err
	}
	shown := map[journal.SubjectID]bool{}
	for _, s := range v.s.seen(v.doc(), v.viewer(), privacy.Export) {
		shown[s] = true
	}
	agent := func(s journal.SubjectID) string {
		if shown[s] {
			return string(s)
		}
		return anyAgent
	}
	var b bytes.Buffer
	if err := export.QueueLog(&b, facts.Visits, agent); err != nil {
		return err
	}
	return v.file("queue_log", "text/plain; charset=utf-8", b.Bytes())
}

// Letter makes the letter of a report that is sent by mail: the report as PDF and
// each of its tables as CSV, in the language of the office. Whoever gets it sees
// what a manager may take out of the box.
func (s *Server) Letter(ctx context.Context, r *office.Report, days kpi.Interval) (export.Letter, error) {
	if s.d.Reports == nil {
		return export.Letter{}, errNotFound
	}
	doc := s.d.Office.Current().Doc
	p := s.texts.Printer(doc.Site.Language)
	a := asked{what: r.What, step: 30 * time.Minute, days: days, zone: doc.Site.Location()}
	m, err := s.makeReport(ctx, a, reading{p, privacy.Viewer{Role: office.RoleManager}, privacy.Export})
	if err != nil {
		return export.Letter{}, fmt.Errorf("make report %s: %w", r.ID, err)
	}
	now := s.d.Now()
	l := export.Letter{
		Subject: p.T("mail.subject", "name", r.Name, "title", m.Title),
		Body:    p.T("mail.body", "title", m.Title, "site", doc.Site.Name, "time", p.DateTime(now.In(a.zone))) + "\n",
	}
	for _, t := range m.Text {
		l.Body += "\n" + t.Text + "\n"
	}
	name := fileName(&m)
	var b bytes.Buffer
	if err := export.PDF(&b, sheetOf(p, &m, doc.Site.Name), now); err != nil {
		return l, err
	}
	l.Files = append(l.Files, export.Attachment{Name: name + ".pdf", Kind: "application/pdf", Body: bytes.Clone(b.Bytes())})
	for i := range m.Tables {
		b.Reset()
		if err := export.CSV(&b, gridOf(&m.Tables[i]), csvOptions(p)); err != nil {
			return l, err
		}
		l.Files = append(l.Files, export.Attachment{Name: name + "-" + m.Tables[i].ID + ".csv", Kind: "text/csv", Body: bytes.Clone(b.Bytes())})
	}
	return l, nil
}

// ResetLetter tells the office that somebody has opened the way to a new password with
// the button.
func (s *Server) ResetLetter() export.Letter {
	doc, now := s.d.Office.Current().Doc, s.d.Now()
	p := s.texts.Printer(doc.Site.Language)
	return export.Letter{ID: "reset." + now.UTC().Format("20060102T150405"), Date: now,
		Subject: p.T("mail.reset.subject", "site", doc.Site.Name),
		Body:    p.T("mail.reset.body", "site", doc.Site.Name, "time", p.DateTime(now.In(doc.Site.Location()))) + "\n"}
}

// fileName names the files of a report.
func fileName(r *api.Report) string {
	name := fmt.Sprintf("centralino-%s-%s", r.What, r.From)
	if r.To != r.From {
		name += "-" + r.To
	}
	return name
}
