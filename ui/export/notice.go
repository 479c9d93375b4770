package export

import (
	"context"
	"errors"
	"slices"

	"centralino/internal/office"
)

// A notice is a letter about the box itself, which cannot wait for a report. It is tried
// as often as the post looks at the clock, for an hour; the journal has what it tells of
// anyway, so that one that a restart loses is no loss.
type notice struct {
	letter Letter
	tries  int
}

const (
	mostNotices = 8 // may wait; each takes a person at the box half a minute
	noticeTries = 180
)

// Tell sends a notice to the office: to the address that the box's mail comes from and to
// whoever gets its reports. It does not block; without a mail server it does nothing.
func (p *Post) Tell(l Letter) {
	select {
	case p.told <- l:
	default:
		p.o.Log.Warn("a notice is not sent: too many wait", "notice", l.ID)
	}
}

// sendNotices tries those that wait once.
func (p *Post) sendNotices(ctx context.Context) {
	doc := p.o.Office()
	to := ownAddresses(doc)
	if doc.Mail.Server == "" || len(to) == 0 {
		p.notices = nil
		return
	}
	secret, _ := p.o.Secret(doc.Mail.Secret)
	p.notices = slices.DeleteFunc(p.notices, func(n *notice) bool {
		n.letter.To = to
		n.tries++
		err := p.o.Send(ctx, doc.Mail, secret, n.letter)
		if err == nil || errors.Is(err, ErrUncertain) {
			return true
		}
		if n.tries == 1 || n.tries == noticeTries {
			p.o.Log.Warn("a notice was not sent", "notice", n.letter.ID, "try", n.tries, "of", noticeTries, "err", err)
		}
		return n.tries == noticeTries
	})
}

// ownAddresses are those of the office.
func ownAddresses(doc *office.Document) []string {
	var to []string
	if doc.Mail.From != "" {
		to = append(to, doc.Mail.From)
	}
	for i := range doc.Reports {
		to = append(to, doc.Reports[i].To...)
	}
	slices.Sort(to)
	return slices.Compact(to)
}
