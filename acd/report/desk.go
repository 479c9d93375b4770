package report

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// Options are all required.
type Options struct {
	Journal *journal.Log
	Office  func() *office.Document // current document
	Now     func() time.Time
	Log     *slog.Logger
}

// Desk keeps the facts and the list of people to call back up to date.
type Desk struct {
	o      Options
	mu     sync.Mutex // guards all below; held over the disk only when an old block is fetched
	facts  *kpi.Fold
	recall *Recall
	taking map[journal.SubjectID]bool // an event about him is on its way
	caught chan struct{}              // closed when the fold moves on; then replaced
}

// Errors of Take and Done.
var (
	ErrTaken   = errors.New("somebody else calls back already")
	ErrNotOpen = errors.New("not on the list any more")
)

// Names of the kept folds.
const (
	foldFacts     = "kpi"
	foldRecall    = "recall"
	recallVersion = 1
	keepEvery     = 2000 // events between two kept states: what a start reads at most
	heldFor       = 36 * time.Hour
)

func blockName(n int64) string { return fmt.Sprint(foldFacts, ".", n) }

// Open takes up the state that was kept last. Without one, Run reads the whole
// journal.
func Open(ctx context.Context, o Options) (*Desk, error) {
	if o.Journal == nil || o.Office == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("report: Journal, Office, Now and Log are required")
	}
	d := &Desk{o: o, taking: map[journal.SubjectID]bool{}, caught: make(chan struct{})}
	if err := d.resume(ctx); err != nil {
		o.Log.Warn("kept figures are not to be had, reading the whole journal", "err", err)
	}
	if d.facts == nil || d.recall == nil {
		d.facts, d.recall = kpi.NewFold(d.fetch), NewRecall()
	}
	return d, nil
}

func (d *Desk) resume(ctx context.Context) error {
	state, ok, err := d.o.Journal.LoadFold(ctx, foldFacts, kpi.Version)
	if err != nil || !ok {
		return err
	}
	list, ok, err := d.o.Journal.LoadFold(ctx, foldRecall, recallVersion)
	if err != nil || !ok || list.Seq != state.Seq {
		return err
	}
	recall, err := ResumeRecall(list.State)
	if err != nil {
		return err
	}
	facts, err := kpi.Resume(state.State, func(n int64) ([]byte, bool) { return d.block(ctx, n, state.Seq) })
	if err != nil {
		return err
	}
	facts.Fetch(d.fetch)
	d.facts, d.recall = facts, recall
	return nil
}

// fetch reads an older block for the fold. Blocks that know more than the fold are
// left-overs of facts that are being made anew.
func (d *Desk) fetch(n int64) ([]byte, bool) {
	return d.block(context.Background(), n, d.facts.Seq())
}

func (d *Desk) block(ctx context.Context, n int64, upTo uint64) ([]byte, bool) {
	f, ok, err := d.o.Journal.LoadFold(ctx, blockName(n), kpi.Version)
	if err != nil {
		d.o.Log.Warn("figures of a day can't be read", "block", n, "err", err)
	}
	return f.State, ok && f.Seq <= upTo
}

// Run follows the journal until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	sub := d.o.Journal.Subscribe(d.Seq() + 1)
	defer sub.Close()
	kept := d.Seq()
	for {
		e, err := sub.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("follow journal for reports: %w", err)
		}
		d.apply(e)
		if e.Seq >= kept+keepEvery && !d.o.Journal.Stalled() {
			kept = e.Seq
			if err := d.Keep(ctx); err != nil && ctx.Err() == nil {
				d.o.Log.Warn("keep figures", "err", err)
			}
		}
	}
}

func (d *Desk) apply(e journal.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.facts.Apply(e) {
		d.recall.Apply(e)
		switch p := e.Payload.(type) {
		case journal.RecallTaken:
			delete(d.taking, p.Caller)
		case journal.RecallDone:
			delete(d.taking, p.Caller)
		}
	}
	close(d.caught)
	d.caught = make(chan struct{})
}

// Keep writes the state to disk; if it can't, the next start reads more.
func (d *Desk) Keep(ctx context.Context) error {
	d.mu.Lock()
	k := d.facts.Keep()
	list, err := d.recall.Keep(d.facts.At())
	d.mu.Unlock()
	if err == nil {
		folds := []journal.Fold{
			{Name: foldFacts, Version: kpi.Version, Seq: k.Seq, State: k.State},
			{Name: foldRecall, Version: recallVersion, Seq: k.Seq, State: list},
		}
		for n, b := range k.Blocks {
			folds = append(folds, journal.Fold{Name: blockName(n), Version: kpi.Version, Seq: k.Seq, State: b})
		}
		err = d.o.Journal.SaveFolds(ctx, folds...)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.facts.NotSaved(k)
		return err
	}
	d.facts.Evict(d.facts.At().Add(-heldFor))
	return nil
}

// Seq returns the number of the last event that is in the figures.
func (d *Desk) Seq() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.facts.Seq()
}

// Await returns when event seq is in the figures, or ctx ends.
func (d *Desk) Await(ctx context.Context, seq uint64) error {
	for {
		d.mu.Lock()
		at, next := d.facts.Seq(), d.caught
		d.mu.Unlock()
		if at >= seq {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// UpTo returns up to when the figures are made: the present, but the time of the
// last event that was read while an old journal is being read again.
func (d *Desk) UpTo() time.Time {
	durable := d.o.Journal.Durable()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.facts.Seq()+keepEvery >= durable {
		return d.o.Now()
	}
	return d.facts.At()
}

// Facts returns what happened in an interval, as it stands now. A day that can't be
// read is an error: no report hides a hole.
func (d *Desk) Facts(ctx context.Context, i kpi.Interval) (kpi.Facts, error) {
	d.mu.Lock()
	facts, missing := d.facts.Facts(i, d.o.Now())
	seq := d.facts.Seq()
	d.mu.Unlock()
	for _, n := range missing {
		f, ok, err := d.o.Journal.LoadFold(ctx, blockName(n), kpi.Version)
		if err != nil {
			return kpi.Facts{}, fmt.Errorf("figures of %v: %w", i, err)
		}
		if !ok || f.Seq > seq {
			continue // nothing happened that day
		}
		if err := facts.Read(f.State); err != nil {
			return kpi.Facts{}, fmt.Errorf("figures of %v: %w", i, err)
		}
	}
	facts.Sort()
	return facts, nil
}

// Recalls returns who is to be called back now.
func (d *Desk) Recalls(w Wish) []Missed {
	doc, now := d.o.Office(), d.o.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.recall.List(now, RulesOf(doc), w)
}

// Take makes somebody the one who calls a caller back. ErrTaken means that another
// person does so already, ErrNotOpen that the caller got through meanwhile: of two
// people who ask at once, one is told so. It is on disk when Take returns.
func (d *Desk) Take(ctx context.Context, caller, by journal.SubjectID) error {
	if err := d.reserve(caller, by); err != nil {
		return err
	}
	return d.append(ctx, caller, journal.RecallTaken{Caller: caller, By: by})
}

// reserve keeps others from the caller until the fold has read the event.
func (d *Desk) reserve(caller, by journal.SubjectID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.recall.Missed[caller]
	switch {
	case m == nil:
		return ErrNotOpen
	case d.taking[caller], m.TakenAt(d.o.Now()) && m.By != by:
		return ErrTaken
	}
	d.taking[caller] = true
	return nil
}

// append writes the event of a reservation and waits until the list knows it.
func (d *Desk) append(ctx context.Context, caller journal.SubjectID, p journal.Payload) error {
	seq, err := d.o.Journal.AppendSync(ctx, "", p)
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.taking, caller)
		return err
	}
	return d.Await(ctx, seq)
}

// Done closes what Take began; why is "reached", "gaveUp", "noNeed" or "returned".
// Only who took it may, or anybody if nobody holds it.
func (d *Desk) Done(ctx context.Context, caller, by journal.SubjectID, why string) error {
	switch why {
	case "reached", "gaveUp", "noNeed", "returned":
	default:
		return fmt.Errorf("close a recall: %q is no way to", why)
	}
	if err := d.reserve(caller, by); err != nil {
		return err
	}
	return d.append(ctx, caller, journal.RecallDone{Caller: caller, By: by, Why: why})
}
