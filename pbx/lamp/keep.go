package lamp

import (
	"context"
	"time"

	"centralino/pbx/dialog"
	"centralino/pbx/sip"
)

// Store keeps, over a restart, which dialogs there were. It is used by Run alone.
type Store interface {
	Load(ctx context.Context) ([]dialog.PeerRecord, error)
	// Save puts and removes in one transaction.
	Save(ctx context.Context, put, remove []dialog.PeerRecord) error
}

// Times of Run.
const (
	goodBye               = 500 * time.Millisecond // for the phones' answers at the end
	saveAfter             = time.Second            // a change waits for others
	lastSave              = 500 * time.Millisecond
	tellAtOnce, tellPause = 50, 20 * time.Millisecond // at the start
)

// Run tells the phones whose lamps a crash left as they were to subscribe anew, keeps
// which there are, and, when ctx ends, tells all to come back in a while: the box goes,
// and their lamps with it.
func (b *Board) Run(ctx context.Context) error {
	b.tellForgotten(ctx)
	for {
		select {
		case <-ctx.Done():
			b.leave()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
			defer cancel()
			b.save(last)
			return nil
		case <-b.unsaved:
		}
		rest(ctx, saveAfter)
		if ctx.Err() == nil {
			b.save(ctx)
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// leave ends every subscription and waits a moment for the phones' answers.
func (b *Board) leave() {
	b.mu.Lock()
	b.closed = true
	for _, s := range b.subs {
		s.endLater(reasonProbation)
	}
	none := len(b.subs) == 0
	b.mu.Unlock()
	if none {
		return
	}
	limit := time.NewTimer(goodBye)
	defer limit.Stop()
	select {
	case <-b.empty:
	case <-limit.C:
	}
}

// keep notes that a subscription has begun or ended. b.mu is held.
func (b *Board) keep(s *subscription) {
	if b.o.Store == nil || s.record.CallID == "" {
		return
	}
	b.dirty[s.record] = true
	select {
	case b.unsaved <- struct{}{}:
	default:
	}
}

// save writes what has changed. What the store refuses is tried with the next change.
func (b *Board) save(ctx context.Context) {
	var put, remove []dialog.PeerRecord
	b.mu.Lock()
	for r := range b.dirty {
		if s := b.subs[r.Key()]; s != nil {
			put = append(put, r)
		} else {
			remove = append(remove, r)
		}
	}
	written := b.dirty
	b.dirty = map[dialog.PeerRecord]bool{}
	b.mu.Unlock()
	if len(written) == 0 {
		return
	}
	if err := b.o.Store.Save(ctx, put, remove); err != nil {
		b.o.Log.Warn("lamps of phones are not kept over a restart", "err", err)
		b.mu.Lock()
		for r := range written {
			b.dirty[r] = true
		}
		b.mu.Unlock()
	}
}

// tellForgotten ends what an earlier run did not end itself: those phones subscribe
// again at once (RFC 6665 4.1.3, deactivated). A phone that does not know of it any
// more says so, and no answer is waited for.
func (b *Board) tellForgotten(ctx context.Context) {
	if b.o.Store == nil {
		return
	}
	list, err := b.o.Store.Load(ctx)
	if err != nil {
		b.o.Log.Warn("lamps of phones from before the restart may show what was", "err", err)
		return
	}
	for i, r := range list {
		if i%tellAtOnce == tellAtOnce-1 {
			rest(ctx, tellPause)
		}
		if req, to, ok := r.Last(sip.NOTIFY); ok {
			req.AddHeader("Event", sip.AllowedEvents)
			req.AddHeader("Subscription-State", "terminated;reason=deactivated")
			_, _ = b.o.Stack.Send(req, to, func(*sip.Response, error) {}) // as said above
		}
	}
	if len(list) == 0 {
		return
	}
	if err := b.o.Store.Save(ctx, nil, list); err != nil {
		b.o.Log.Warn("phones are told of the restart once more at the next", "err", err)
	}
}
