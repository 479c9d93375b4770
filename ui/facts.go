package ui

import (
	"context"
	"sync"
	"time"

	"centralino/acd/kpi"
	"centralino/ui/live"
)

// dayFacts keeps what happened today for a moment, since every open board and desk
// asks. One of those who ask reads, the others wait for what he reads.
type dayFacts struct {
	mu      sync.Mutex // guards all below; never held over the disk
	day     kpi.Interval
	at      time.Time // when they were read
	seq     uint64    // up to which event they are sure to reach
	facts   kpi.Facts // shared, never changed
	ok      bool
	reading *dayRead // under way; nil: none

	owed   uint64        // an event that pages were drawn without; 0: none
	failed bool          // the last read came to nothing
	owes   chan struct{} // room for 1: pages are to be drawn anew, owed and failed say when
}

// dayRead is one read of the facts of today.
type dayRead struct {
	done   chan struct{} // closed at its end
	failed bool          // set before done is closed
}

const (
	// factsAge is how old the facts of today may be while nothing happens: waits grow.
	factsAge = time.Second

	// factsWait is how long somebody waits for the read of another before he takes what
	// was known before, and how long a read waits for the figures to reach the event
	// that the pages show.
	factsWait = 500 * time.Millisecond

	// factsRest is how long after a read that failed open pages try again.
	factsRest = 5 * time.Second
)

// factsToday is what happened since midnight; false if nothing is known. While the disk
// is slow one of those who ask waits for it and the others get what was read before;
// once it has answered, the pages are drawn anew.
func (v *visit) factsToday() (kpi.Facts, bool) {
	if v.s.d.Facts == nil {
		return kpi.Facts{}, false
	}
	d := &v.s.today
	late := time.NewTimer(factsWait)
	defer late.Stop()
	for {
		now, seq := v.s.d.Now(), v.s.hub.State().Seq
		day := kpi.Day(now, v.s.zone())
		facts, fresh, other := d.look(day, seq, now)
		switch {
		case fresh:
			return facts, true
		case other == nil:
			return v.readToday(day, seq)
		}
		if facts, known, over := v.await(other, late.C, day); over {
			return facts, known
		}
	}
}

// await waits for another's read; over: with these facts, or none, it has an end, else
// they are to be looked at anew.
func (v *visit) await(other *dayRead, late <-chan time.Time, day kpi.Interval) (facts kpi.Facts, known, over bool) {
	for {
		select {
		case <-other.done:
			return kpi.Facts{}, false, other.failed
		case <-late:
			if facts, known := v.s.today.former(day); known {
				return facts, true, true
			}
			late = nil // the first of the day: there is nothing else to show
		case <-v.ctx().Done():
			return kpi.Facts{}, false, true
		}
	}
}

// look returns the facts of a day if they are fresh, else the read that is under way. If
// there is none either, one has begun that the caller carries out.
func (d *dayFacts) look(day kpi.Interval, seq uint64, now time.Time) (facts kpi.Facts, fresh bool, other *dayRead) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ok && d.day.From.Equal(day.From) && d.seq >= seq && now.Sub(d.at).Abs() < factsAge {
		return d.facts, true, nil
	}
	if d.reading == nil {
		d.reading = &dayRead{done: make(chan struct{})}
		return kpi.Facts{}, false, nil
	}
	return kpi.Facts{}, false, d.reading
}

// former returns what was read last, if it is of that day.
func (d *dayFacts) former(day kpi.Interval) (kpi.Facts, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.facts, d.ok && d.day.From.Equal(day.From)
}

// readToday carries out the read that look has begun, for all who wait for it. It goes
// on when the reader who began it is gone.
func (v *visit) readToday(day kpi.Interval, seq uint64) (facts kpi.Facts, ok bool) {
	d, ctx, begun := &v.s.today, context.WithoutCancel(v.ctx()), time.Now()
	reached, behind := seq, false
	defer func() {
		d.mu.Lock()
		if ok {
			d.day, d.at, d.seq, d.facts, d.ok = day, v.s.d.Now(), reached, facts, true
		}
		d.reading.failed = !ok
		close(d.reading.done)
		d.reading = nil
		if d.failed = !ok; behind {
			d.owed = seq
		}
		if behind || !ok {
			select {
			case d.owes <- struct{}{}:
			default: // it is known already
			}
		}
		d.mu.Unlock()
		if time.Since(begun) > factsWait {
			v.s.hub.Notify(live.Queues) // somebody may show what was known before
		}
	}()
	if v.s.d.Reports != nil { // else these figures would stand until something else happens
		wait, stop := context.WithTimeout(ctx, factsWait)
		if behind = v.s.d.Reports.Await(wait, seq) != nil; behind { // shown as it is, and anew once it is there
			reached = v.s.d.Reports.Seq()
		}
		stop()
	}
	facts, err := v.s.d.Facts(ctx, day)
	if err != nil {
		v.s.d.Log.Warn("facts of today", "err", err)
		return kpi.Facts{}, false
	}
	return facts, true
}

// owedFigures has pages drawn anew that were drawn without figures, or with old ones: as
// soon as the figures have what was missing, or a while after they could not be read.
func (s *Server) owedFigures(ctx context.Context) error {
	d := &s.today
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.owes:
		}
		d.mu.Lock()
		seq, failed := d.owed, d.failed
		d.owed = 0
		d.mu.Unlock()
		if failed {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(factsRest):
			}
		}
		if seq != 0 && s.d.Reports.Await(ctx, seq) != nil {
			return nil
		}
		s.hub.Notify(live.Queues)
	}
}
