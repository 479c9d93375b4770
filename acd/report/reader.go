package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"centralino/acd/engine"
	"centralino/acd/kpi"
	"centralino/internal/journal"
	"centralino/internal/office"
)

// Options are all required but Changed and Desk.
type Options struct {
	Journal *journal.Log
	Office  func() *office.Document // current document
	Now     func() time.Time
	Log     *slog.Logger
	Changed func() // told when the list of people to call back may look otherwise; must not block
	Desk    Desk   // the ACD; without one the journal alone keeps who calls whom
}

// Desk is the owner of who calls whom by hand: its queues do not call a caller whom
// somebody has taken. It writes to the journal what it did before it answers. The
// errors are ErrTaken, ErrBusy and ErrNotOpen.
type Desk interface {
	Take(caller, by journal.SubjectID) error
	// Give ends that, or settles what was promised; why as in Reader.Done.
	Give(caller, by journal.SubjectID, why string) error
	// Cancel takes a promise to call back the maker of a call out of its queue.
	Cancel(call journal.CallID, by journal.SubjectID) error
}

// Reader keeps the facts and the list of people to call back up to date.
type Reader struct {
	o      Options
	mu     sync.Mutex // guards all below; held over the disk only when an old block is fetched
	facts  *kpi.Fold
	recall *Recall
	posts  Posts
	taking map[journal.SubjectID]bool // an event about him is on its way
	caught chan struct{}              // closed when the fold moves on; then replaced
	unread error                      // a day that the disk did not give: what is held must not be written over it
	free   time.Time                  // Run's alone: when the next reservation ends; zero: there is none
}

// Errors of Take and Done.
var (
	ErrTaken   = errors.New("somebody else calls back already")
	ErrBusy    = errors.New("on the line, or being called at this moment")
	ErrOnCall  = errors.New("on a call with the office at this moment")
	ErrNotOpen = errors.New("not on the list any more")
)

// Names of the kept folds.
const (
	foldFacts     = "kpi"
	foldRecall    = "recall"
	recallVersion = 3
	keepEvery     = 2000 // events between two kept states: what a start reads at most
	heldFor       = 36 * time.Hour
	freeLook      = time.Minute // how often the end of a reservation is looked for, since the wall clock may be set
)

func blockName(n int64) string { return fmt.Sprint(foldFacts, ".", n) }

// Open takes up the state that was kept last. Without one, Run reads the whole
// journal.
func Open(ctx context.Context, o Options) (*Reader, error) {
	if o.Journal == nil || o.Office == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("report: Journal, Office, Now and Log are required")
	}
	r := &Reader{o: o, taking: map[journal.SubjectID]bool{}, caught: make(chan struct{})}
	if err := r.resume(ctx); err != nil {
		o.Log.Warn("kept figures are not to be had, reading the whole journal", "err", err)
	}
	if r.facts == nil || r.recall == nil {
		r.facts, r.recall, r.posts = kpi.NewFold(r.fetch), NewRecall(), Posts{}
	}
	return r, nil
}

// kept is the form in which the lists are kept.
type kept struct {
	Recall json.RawMessage
	Posts  Posts
}

func (r *Reader) resume(ctx context.Context) error {
	state, ok, err := r.o.Journal.LoadFold(ctx, foldFacts, kpi.Version)
	if err != nil || !ok {
		return err
	}
	list, ok, err := r.o.Journal.LoadFold(ctx, foldRecall, recallVersion)
	if err != nil || !ok || list.Seq != state.Seq {
		return err
	}
	var lists kept
	if err := json.Unmarshal(list.State, &lists); err != nil {
		return fmt.Errorf("read kept lists: %w", err)
	}
	recall, err := ResumeRecall(lists.Recall)
	if err != nil {
		return err
	}
	posts := Posts{}
	maps.Copy(posts, lists.Posts)
	facts, err := kpi.Resume(state.State, func(n int64) ([]byte, bool) { return r.block(ctx, n, state.Seq) })
	if err != nil {
		return err
	}
	facts.Fetch(r.fetch)
	r.facts, r.recall, r.posts = facts, recall, posts
	return nil
}

// fetch reads an older block for the fold. Blocks that know more than the fold are
// left-overs of facts that are being made anew.
func (r *Reader) fetch(n int64) ([]byte, bool) {
	return r.block(context.Background(), n, r.facts.Seq())
}

func (r *Reader) block(ctx context.Context, n int64, upTo uint64) ([]byte, bool) {
	f, ok, err := r.o.Journal.LoadFold(ctx, blockName(n), kpi.Version)
	if err != nil {
		r.unread = fmt.Errorf("figures of day %d can't be read: %w", n, err)
		r.o.Log.Error("figures are not kept any more until the next start", "err", r.unread)
	}
	return f.State, ok && f.Seq <= upTo
}

// Run follows the journal until ctx ends.
func (r *Reader) Run(ctx context.Context) error {
	sub := r.o.Journal.Subscribe(r.Seq() + 1)
	defer sub.Close()
	kept := r.Seq()
	for {
		e, err := r.next(ctx, sub)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("follow journal for reports: %w", err)
		}
		r.apply(e)
		if e.Seq >= kept+keepEvery && !r.o.Journal.Stalled() {
			kept = e.Seq
			if err := r.Keep(ctx); err != nil && ctx.Err() == nil {
				r.o.Log.Warn("keep figures", "err", err)
			}
		}
	}
}

// next waits for the next event. The end of a reservation is none: whoever shows the
// list is told of it here.
func (r *Reader) next(ctx context.Context, sub *journal.Subscription) (journal.Event, error) {
	for {
		now := r.o.Now()
		if !r.free.IsZero() && !now.Before(r.free) && r.o.Changed != nil {
			r.o.Changed()
		}
		r.mu.Lock()
		r.free = r.recall.nextFree(now)
		r.mu.Unlock()
		if r.free.IsZero() {
			return sub.Next(ctx)
		}
		until, stop := context.WithTimeout(ctx, min(r.free.Sub(now), freeLook))
		e, err := sub.Next(until)
		stop()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return e, err
		}
	}
}

func (r *Reader) apply(e journal.Event) {
	r.fold(e)
	if r.o.Changed == nil {
		return
	}
	switch e.Payload.(type) {
	case journal.CallEnded, journal.ContactEnded, journal.ContactConnected, journal.CallBridged, journal.RecallTaken, journal.RecallDone:
		r.o.Changed()
	}
}

func (r *Reader) fold(e journal.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.facts.Apply(e) {
		r.recall.Apply(e)
		r.posts.Apply(e)
		switch p := e.Payload.(type) {
		case journal.RecallTaken:
			delete(r.taking, p.Caller)
		case journal.RecallDone:
			delete(r.taking, p.Caller)
		}
	}
	close(r.caught)
	r.caught = make(chan struct{})
}

// Keep writes the state to disk; if it can't, the next start reads more.
func (r *Reader) Keep(ctx context.Context) error {
	r.mu.Lock()
	if r.unread == nil {
		r.unread = r.facts.Broken()
	}
	if err := r.unread; err != nil {
		r.mu.Unlock()
		// The journal has it all: the next start makes the figures anew.
		return errors.Join(err, r.o.Journal.SaveFold(ctx, journal.Fold{Name: foldFacts, State: []byte{}}))
	}
	k := r.facts.Keep()
	lists := kept{Posts: r.posts}
	var list []byte
	var err error
	if lists.Recall, err = r.recall.Keep(r.facts.At()); err == nil {
		list, err = json.Marshal(lists)
	}
	r.mu.Unlock()
	if err == nil {
		folds := []journal.Fold{
			{Name: foldFacts, Version: kpi.Version, Seq: k.Seq, State: k.State},
			{Name: foldRecall, Version: recallVersion, Seq: k.Seq, State: list},
		}
		for n, b := range k.Blocks {
			folds = append(folds, journal.Fold{Name: blockName(n), Version: kpi.Version, Seq: k.Seq, State: b})
		}
		err = r.o.Journal.SaveFolds(ctx, folds...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.facts.NotSaved(k)
		return err
	}
	r.facts.Evict(r.facts.At().Add(-heldFor))
	return nil
}

// Seq returns the number of the last event that is in the figures.
func (r *Reader) Seq() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.facts.Seq()
}

// Await returns when event seq is in the figures, or ctx ends.
func (r *Reader) Await(ctx context.Context, seq uint64) error {
	for {
		r.mu.Lock()
		at, next := r.facts.Seq(), r.caught
		r.mu.Unlock()
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
func (r *Reader) UpTo() time.Time {
	durable := r.o.Journal.Durable()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.facts.Seq()+keepEvery >= durable {
		return r.o.Now()
	}
	return r.facts.At()
}

// factsTries is how often Facts begins anew because a day was kept anew while it read:
// the figures are kept every few thousand events, a day is read in moments.
const factsTries = 5

// Facts returns what happened in an interval, as it stands now. A day that can't be
// read is an error: no report hides a hole.
func (r *Reader) Facts(ctx context.Context, i kpi.Interval) (kpi.Facts, error) {
	for range factsTries {
		facts, moved, err := r.read(ctx, i)
		if err != nil {
			return kpi.Facts{}, fmt.Errorf("figures of %v: %w", i, err)
		}
		if !moved {
			facts.Sort()
			return facts, nil
		}
	}
	return kpi.Facts{}, fmt.Errorf("figures of %v: kept anew %d times while they were read", i, factsTries)
}

// read collects what is held of an interval and what is on disk. moved: a day was kept
// anew after what is held was looked at, and so knows of events that the rest does not.
func (r *Reader) read(ctx context.Context, i kpi.Interval) (facts kpi.Facts, moved bool, err error) {
	r.mu.Lock()
	facts, missing := r.facts.Facts(i, r.o.Now())
	seq := r.facts.Seq()
	r.mu.Unlock()
	for _, n := range missing {
		f, ok, err := r.o.Journal.LoadFold(ctx, blockName(n), kpi.Version)
		switch {
		case err != nil:
			return facts, false, err
		case !ok:
			continue // nothing happened that day
		case f.Seq > seq && f.Seq <= r.Seq():
			return facts, true, nil
		case f.Seq > seq:
			continue // a left-over: the figures are being made anew and did not come to that day yet
		}
		if err := facts.Read(f.State); err != nil {
			return facts, false, err
		}
	}
	return facts, false, nil
}

// Posts returns what became of the last sending of each report.
func (r *Reader) Posts() Posts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.posts)
}

// Mailed writes a result down; it is on disk, and Posts knows it, when Mailed
// returns.
func (r *Reader) Mailed(ctx context.Context, m journal.ReportMailed) error {
	seq, err := r.o.Journal.AppendSync(ctx, "", m)
	if err != nil {
		return err
	}
	return r.Await(ctx, seq)
}

// Recalls returns who is to be called back now.
func (r *Reader) Recalls(w Wish) []Missed {
	doc, now := r.o.Office(), r.o.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.recall.List(now, RulesOf(doc), w)
}

// Holder is who has taken a caller, from whatever list, empty for nobody.
func (r *Reader) Holder(caller journal.SubjectID) journal.SubjectID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.recall.Holder(caller, r.o.Now())
}

// Take makes somebody the one who calls a caller, from whatever list. ErrTaken means
// that another person does so already, ErrOnCall that he is on a call with the office,
// whatever its kind, ErrBusy that he waits on the line or that an agent is being rung for
// him: of two people who ask at once, one is told so. It is on disk when Take returns.
func (r *Reader) Take(ctx context.Context, caller, by journal.SubjectID) error {
	r.mu.Lock()
	err := r.recall.engaged(caller, by)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if err := r.reserve(caller, by); err != nil {
		return err
	}
	if r.o.Desk != nil {
		return r.settled(ctx, caller, r.o.Desk.Take(caller, by))
	}
	return r.append(ctx, caller, journal.RecallTaken{Caller: caller, By: by, Until: r.o.Now().Add(engine.TakenFor)})
}

// settled waits until the list knows what the desk did.
func (r *Reader) settled(ctx context.Context, caller journal.SubjectID, err error) error {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.taking, caller)
	}()
	if err != nil {
		return err
	}
	if err := r.o.Journal.Flush(ctx); err != nil {
		return err
	}
	return r.Await(ctx, r.o.Journal.Durable())
}

// Cancel takes a promise to call back out of its queue for a person. ErrNotOpen:
// there is none; ErrBusy: he is being called at this moment.
func (r *Reader) Cancel(ctx context.Context, call journal.CallID, by journal.SubjectID) error {
	if r.o.Desk == nil {
		return ErrNotOpen
	}
	if err := r.o.Desk.Cancel(call, by); err != nil {
		return err
	}
	if err := r.o.Journal.Flush(ctx); err != nil {
		return err
	}
	return r.Await(ctx, r.o.Journal.Durable())
}

// reserve keeps others from the caller until the fold has read the event.
func (r *Reader) reserve(caller, by journal.SubjectID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.recall.Holder(caller, r.o.Now()); r.taking[caller] || h != "" && h != by {
		return ErrTaken
	}
	r.taking[caller] = true
	return nil
}

// append writes the event of a reservation and waits until the list knows it.
func (r *Reader) append(ctx context.Context, caller journal.SubjectID, p journal.Payload) error {
	seq, err := r.o.Journal.AppendSync(ctx, "", p)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.taking, caller)
		return err
	}
	return r.Await(ctx, seq)
}

// Done closes what Take began; why is "reached", "gaveUp", "noNeed" or "returned".
// Only who took it may, or anybody if nobody holds it.
func (r *Reader) Done(ctx context.Context, caller, by journal.SubjectID, why string) error {
	switch why {
	case "reached", "gaveUp", "noNeed", "returned":
	default:
		return fmt.Errorf("close a recall: %q is no way to", why)
	}
	if err := r.reserve(caller, by); err != nil {
		return err
	}
	if r.o.Desk != nil {
		err := r.o.Desk.Give(caller, by, why)
		if errors.Is(err, ErrNotOpen) && why == "returned" {
			err = nil // nobody has him any more
		}
		return r.settled(ctx, caller, err)
	}
	return r.append(ctx, caller, journal.RecallDone{Caller: caller, By: by, Why: why})
}
