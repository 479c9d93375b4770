package ui

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"centralino/acd/report"
	"centralino/internal/privacy"
)

// members knows who belonged to which queue, by the versions of the office; so it
// outlives a restart. It keeps what it has read: a version never changes.
type members struct {
	mu   sync.Mutex
	read map[int][]privacy.Group

	seen    int       // version that moved looked at last
	changed time.Time // when somebody joined or left before it, zero: not lately
}

// teamsRest is how long nobody is counted after somebody joined or left a queue: else
// whoever sets queues up could take one person out and read what he does from the
// difference.
const teamsRest = 15 * time.Minute

// sameGroups says whether the same people belong to the same queues.
func sameGroups(a, b []privacy.Group) bool {
	return slices.EqualFunc(a, b, func(a, b privacy.Group) bool { return a.ID == b.ID && slices.Equal(a.People, b.People) })
}

// of returns the queues of a version. One that can't be read has none, so that nothing
// is told of it.
func (m *members) of(ctx context.Context, o Office, version int) []privacy.Group {
	if g, ok := m.read[version]; ok {
		return g
	}
	doc, err := o.At(ctx, version)
	if err != nil {
		return nil
	}
	g := privacy.Queues(doc)
	if m.read == nil {
		m.read = map[int][]privacy.Group{}
	}
	m.read[version] = g
	return g
}

// since lists who belonged to which queue from an instant on, the oldest first: what
// held then, and each change.
func (m *members) since(ctx context.Context, o Office, from time.Time) ([]report.Held, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sinceLocked(ctx, o, from)
}

func (m *members) sinceLocked(ctx context.Context, o Office, from time.Time) ([]report.Held, error) {
	var out []report.Held
	for before, more := 0, true; more; {
		list, err := o.Versions(ctx, before, versionsAtOnce)
		if err != nil {
			return nil, fmt.Errorf("who belonged to which queue: %w", err)
		}
		more = len(list) == versionsAtOnce
		for _, v := range list {
			before = v.Version
			h := report.Held{From: v.Applied, Groups: m.of(ctx, o, v.Version)}
			if n := len(out); n > 0 && sameGroups(out[n-1].Groups, h.Groups) {
				out[n-1].From = h.From
			} else {
				out = append(out, h)
			}
			if !v.Applied.After(from) {
				more = false
				break
			}
		}
	}
	slices.Reverse(out)
	return out, nil
}

// versionsAtOnce are read from the list of versions in one go.
const versionsAtOnce = 50

// moved says whether somebody joined or left a queue a short while ago, or nobody knows.
func (m *members) moved(ctx context.Context, o Office, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v := o.Current().Version; v != m.seen {
		held, err := m.sinceLocked(ctx, o, now.Add(-teamsRest))
		if err != nil {
			return true
		}
		m.seen = v
		if len(held) > 1 {
			m.changed = held[len(held)-1].From
		}
	}
	return !m.changed.IsZero() && now.Sub(m.changed) < teamsRest
}
