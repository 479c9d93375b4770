package export

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// PostOptions are all required.
type PostOptions struct {
	Office func() *office.Document
	Secret func(office.SecretRef) (string, bool)
	Reader Ledger // *report.Reader
	Render func(ctx context.Context, r *office.Report, days kpi.Interval) (Letter, error)
	Send   func(ctx context.Context, m office.Mail, secret string, l Letter) error // SMTP
	Fault  func(raised bool)                                                       // told of every result; must not block
	Now    func() time.Time
	Log    *slog.Logger
}

// Ledger is what the post needs of the reader of the journal.
type Ledger interface {
	Posts() report.Posts
	Mailed(ctx context.Context, m journal.ReportMailed) error
}

// Post sends the reports that are due by mail. Every try is in the journal before
// it begins, so that no report is ever sent twice: one whose try nobody can tell the
// end of, because the box or the connection died in it, is left alone.
type Post struct {
	o     PostOptions
	known map[office.ID]time.Time // since when a report is known

	told    chan Letter // of Tell
	notices []*notice
}

// NewPost checks nothing and starts nothing.
func NewPost(o PostOptions) *Post {
	return &Post{o: o, known: map[office.ID]time.Time{}, told: make(chan Letter, mostNotices)}
}

// lookEvery is how often the post looks at the clock.
const lookEvery = 20 * time.Second

// Run sends what is due until ctx ends.
func (p *Post) Run(ctx context.Context) error {
	p.closeOpen(ctx)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		p.look(ctx)
		p.sendNotices(ctx)
		select {
		case <-ctx.Done():
			return nil
		case l := <-p.told:
			p.notices = append(p.notices, &notice{letter: l})
		case <-tick.C:
		}
	}
}

// closeOpen writes down of tries that the last run of the box left open that nobody
// knows their end.
func (p *Post) closeOpen(ctx context.Context) {
	for id, last := range p.o.Reader.Posts() {
		if last.Result == report.PostTrying {
			p.note(ctx, journal.ReportMailed{Report: id, Due: last.Due, Try: last.Try, Result: report.PostUnknown})
		}
	}
}

// look sends what is due now.
func (p *Post) look(ctx context.Context) {
	doc, now := p.o.Office(), p.o.Now()
	posts, zone := p.o.Reader.Posts(), doc.Site.Location()
	seen := map[office.ID]time.Time{}
	for i := range doc.Reports {
		r := &doc.Reports[i]
		seen[r.ID] = p.known[r.ID]
		if seen[r.ID].IsZero() {
			seen[r.ID] = now
		}
		due, ok := report.Due(r, now, zone)
		if !ok || doc.Mail.Server == "" || len(r.To) == 0 || ctx.Err() != nil {
			continue
		}
		last := posts[string(r.ID)]
		try := 1
		if last.Due.Equal(due) {
			try = last.Try + 1
		}
		m := journal.ReportMailed{Report: string(r.ID), Due: due, Try: try}
		switch last.Next(due, now, seen[r.ID]) {
		case report.Send:
			p.send(ctx, doc, r, m)
		case report.GiveUp:
			m.Try, m.Result = last.Try, report.PostGaveUp
			p.note(ctx, m)
		}
	}
	p.known = seen
}

// send tries once.
func (p *Post) send(ctx context.Context, doc *office.Document, r *office.Report, m journal.ReportMailed) {
	m.Result = report.PostTrying
	if !p.note(ctx, m) {
		return // what can't be written down is not begun
	}
	letter, err := p.o.Render(ctx, r, report.Covers(r, m.Due, doc.Site.Location()))
	if err == nil {
		letter.To, letter.Date = r.To, p.o.Now()
		letter.ID = string(r.ID) + "." + m.Due.Format("20060102T1504")
		secret, _ := p.o.Secret(doc.Mail.Secret)
		err = p.o.Send(ctx, doc.Mail, secret, letter)
	}
	var refused *Refused
	if errors.As(err, &refused) {
		m.Code = refused.Code
	}
	switch {
	case err == nil:
		m.Result = report.PostSent
	case errors.Is(err, ErrUncertain):
		m.Result = report.PostUnknown
	default:
		m.Result = report.PostFailed
	}
	if err != nil {
		p.o.Log.Warn("report was not sent", "report", r.ID, "try", m.Try, "err", err)
	}
	p.o.Fault(err != nil)
	// Also when the box is stopping: the result must not be lost.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer stop()
	p.note(ctx, m)
}

func (p *Post) note(ctx context.Context, m journal.ReportMailed) bool {
	if err := p.o.Reader.Mailed(ctx, m); err != nil {
		p.o.Log.Error("result of a report's mail is not written", "report", m.Report, "err", err)
		return false
	}
	return true
}
