package main

import (
	"context"
	"errors"
	"fmt"

	"centralino/acd"
	acdreport "centralino/acd/report"
	"centralino/board/health"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/pbx"
	"centralino/ui"
	"centralino/ui/export"
	"centralino/ui/live"
)

// openReports takes up the figures and the list of people to call back.
func (b *box) openReports(ctx context.Context) error {
	var err error
	b.reports, err = acdreport.Open(ctx, acdreport.Options{
		Journal: b.journal, Office: func() *office.Document { return b.office.Current().Doc }, Now: b.now, Log: b.log,
		Changed: func() { b.notify(live.Queues) }, Desk: callDesk{b},
	})
	if err != nil {
		return fmt.Errorf("open reports: %w", err)
	}
	return nil
}

// callDesk is the ACD as the keeper of who calls whom by hand. It is asked once the box
// runs.
type callDesk struct{ b *box }

func (d callDesk) Take(caller, by journal.SubjectID) error {
	return atDesk(d.b.acd.Take(caller, by))
}

func (d callDesk) Give(caller, by journal.SubjectID, why string) error {
	return atDesk(d.b.acd.Give(caller, by, why))
}

func (d callDesk) Cancel(call journal.CallID, by journal.SubjectID) error {
	err := d.b.acd.CancelCallback(call, by)
	if errors.Is(err, acd.ErrNotWaiting) {
		for _, q := range d.b.acd.Snapshot().Queues {
			for _, w := range q.Waiting {
				if w.Call == call && w.Dialling {
					return acdreport.ErrBusy
				}
			}
		}
	}
	return atDesk(err)
}

// atDesk is the ACD's answer in the words of the lists.
func atDesk(err error) error {
	switch {
	case errors.Is(err, acd.ErrTaken):
		return acdreport.ErrTaken
	case errors.Is(err, acd.ErrHisTurn):
		return acdreport.ErrBusy
	case errors.Is(err, acd.ErrNotWaiting):
		return acdreport.ErrNotOpen
	}
	return err
}

// dial calls a party for a person, whose phones ring first.
func (b *box) dial(_ context.Context, person, party journal.SubjectID) (journal.CallID, error) {
	id, err := b.pbx.Originate(person, pbx.Called{Subject: party})
	switch {
	case errors.Is(err, pbx.ErrNoPhone):
		return "", fmt.Errorf("%w: %w", ui.ErrNoPhone, err)
	case errors.Is(err, pbx.ErrNotAllowed), errors.Is(err, pbx.ErrNoNumber):
		return "", fmt.Errorf("%w: %w", ui.ErrNotAllowed, err)
	}
	return id, err
}

// newPost makes the one who sends reports and notices by mail.
func (b *box) newPost() *export.Post {
	send := export.SMTP
	if b.opt.seams.mail != nil {
		send = b.opt.seams.mail
	}
	return export.NewPost(export.PostOptions{
		Office: func() *office.Document { return b.office.Current().Doc }, Secret: b.secrets.Get, Reader: b.reports,
		Render: b.pages.Letter, Send: send, Now: b.now, Log: b.log,
		Fault: func(raised bool) {
			if raised {
				b.front.faults.Raise(health.MailFailed, "")
			} else {
				b.front.faults.Clear(health.MailFailed, "")
			}
		},
	})
}
