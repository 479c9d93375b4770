package registrar

import (
	"context"
	"time"

	"centralino/pbx/sip"
)

const (
	// newWrite is how long a new or ended binding may wait to be written with
	// others, refreshWrite how long a refresh that has to be written may.
	newWrite     = 50 * time.Millisecond
	refreshWrite = 20 * time.Second

	// slack is how much longer than the phone was told the Store has a binding, so that
	// most refreshes need not be written: a memory card bears so many writes and no more.
	// A start believes what it reads for one period of the phone at most.
	slack = time.Hour

	// expireStep is how often expired bindings are looked for.
	expireStep = time.Second

	// writeAgain is how long a new or ended binding waits that the Store has refused
	// for the first time; twice as long each further time, up to refreshWrite.
	writeAgain = time.Second

	// lastWrite bounds the writing at the end of Run.
	lastWrite = 2 * time.Second
)

// Store keeps bindings over a restart. It is used by Load and Run alone.
type Store interface {
	// Load returns all stored bindings, in any order.
	Load(ctx context.Context) ([]Binding, error)
	// Save puts and removes bindings in one transaction; a binding is named by
	// its device and URI.
	Save(ctx context.Context, put, remove []Binding) error
}

// Run expires bindings, announces phones that are gone and writes changes to the
// Store until ctx ends; then it writes what is left and returns nil.
func (r *Registrar) Run(ctx context.Context) error {
	expire := time.NewTicker(expireStep)
	defer expire.Stop()
	write := time.NewTimer(time.Hour)
	defer write.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			r.flush(last, r.o.Now().Add(2*refreshWrite))
			return nil
		case <-expire.C:
			r.expire(r.o.Now())
		case <-r.woken:
		case <-write.C:
			r.flush(ctx, r.o.Now())
		}
		write.Reset(r.nextWrite(r.o.Now()))
	}
}

func (r *Registrar) wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// expire ends the bindings whose time is over.
func (r *Registrar) expire(now time.Time) {
	r.mu.Lock()
	for _, d := range r.devices {
		for i := 0; i < len(d.bindings); i++ {
			b := d.bindings[i]
			if b.Granted > 0 && !b.live(now) {
				r.count.Expired.Add(1)
				r.end(d, b, now)
				i = -1 // end may have taken others out
			}
		}
	}
	r.mu.Unlock()
	r.announce()
}

// nextWrite returns how long the earliest unwritten change may still wait.
func (r *Registrar) nextWrite(now time.Time) time.Duration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.writeAt.IsZero() {
		return time.Hour
	}
	return max(r.writeAt.Sub(now), newWrite)
}

// flush writes what is due by now, and with it everything else that waits. What
// the Store refuses is tried again later.
func (r *Registrar) flush(ctx context.Context, now time.Time) {
	r.mu.Lock()
	if r.writeAt.IsZero() || r.writeAt.After(now) {
		r.mu.Unlock()
		return
	}
	var put, remove []Binding
	wall := r.o.Now()
	r.joinRefreshes(wall)
	kept := map[key]time.Time{}
	for k := range r.dirty {
		if b := r.byKey(k); b != nil {
			kept[k] = b.keep()
			put = append(put, b.stored(wall, kept[k]))
		} else {
			uri, err := sip.ParseURI(k.contact)
			if err == nil {
				remove = append(remove, Binding{Device: k.device, URI: uri})
			}
		}
	}
	written := r.dirty
	r.dirty, r.writeAt = map[key]bool{}, time.Time{}
	r.mu.Unlock()
	err := r.o.Store.Save(ctx, put, remove)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.refused = 0
		for k, until := range kept {
			if b := r.byKey(k); b != nil {
				b.kept = until
			}
		}
		return
	}
	r.count.StoreErrors.Add(1)
	r.o.Log.Warn("bindings are not stored", "count", len(put)+len(remove), "cause", err)
	soon := min(writeAgain<<r.refused, refreshWrite)
	if soon < refreshWrite {
		r.refused++
	}
	for k, fresh := range written {
		wait := refreshWrite
		if fresh {
			wait = soon
		}
		r.markDirty(k, fresh, now.Add(wait))
	}
}

// joinRefreshes lets the bindings of all phones be written together where a refresh has
// to be written: one transaction for the office in half the slack, not one for each
// phone. The caller holds mu.
func (r *Registrar) joinRefreshes(now time.Time) {
	refresh := false
	for _, fresh := range r.dirty {
		refresh = refresh || !fresh
	}
	if !refresh {
		return
	}
	for _, d := range r.devices {
		for _, b := range d.bindings {
			k := b.key()
			if _, due := r.dirty[k]; !due && b.live(now) && b.secret != 0 && b.kept.Sub(b.Expires) < slack/2 {
				r.dirty[k] = false
			}
		}
	}
}

func (r *Registrar) byKey(k key) *Binding {
	d := r.devices[k.device]
	if d == nil {
		return nil
	}
	for _, b := range d.bindings {
		if b.key() == k {
			return b
		}
	}
	return nil
}
