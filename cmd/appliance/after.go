package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"centralino/acd/survey"
	"centralino/board/health"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui/cti"
)

// surveyFold is the name of the surveys' results among the kept folds; so many events
// make it worth keeping anew.
const (
	surveyFold      = "survey"
	surveyKeepEvery = 2000
)

// afterCalls is what comes after the call and runs by itself: the results of surveys,
// and what other programs are told.
type afterCalls struct {
	b     *box
	hooks *cti.Sender

	mu      sync.Mutex // guards answers
	answers *survey.State

	reached chan reached
}

// reached is a party who answered a call that somebody made by hand.
type reached struct{ party, by journal.SubjectID }

// manyReached is how many may wait for the disk; of more, the call-backs stay on the
// list until somebody takes them off.
const manyReached = 64

// lastReached is how long writing down who was reached may take at the end.
const lastReached = 500 * time.Millisecond

// openAfter takes up the surveys' results and the webhooks.
func (b *box) openAfter(ctx context.Context) error {
	a := &afterCalls{b: b, answers: survey.New(), reached: make(chan reached, manyReached)}
	var err error
	a.hooks, err = cti.NewSender(ctx, cti.Options{
		DB: b.db, Follow: func(from uint64) cti.Subscription { return b.journal.Subscribe(from) },
		Office: func() *office.Document { return b.office.Current().Doc }, Secrets: b.secrets.Get, Gate: b.people, Now: b.now, Log: b.log,
		Fault: func(hook office.ID, raised bool) {
			if raised {
				b.front.faults.Raise(health.WebhookDown, string(hook))
			} else {
				b.front.faults.Clear(health.WebhookDown, string(hook))
			}
		},
	})
	if err != nil {
		return fmt.Errorf("open webhooks: %w", err)
	}
	f, ok, err := b.journal.LoadFold(ctx, surveyFold, survey.StateVersion)
	if err != nil {
		return fmt.Errorf("open surveys: %w", err)
	}
	if ok {
		if st, err := survey.Resume(f.State); err == nil && st.Seq == f.Seq {
			a.answers = st
		}
	}
	b.after = a
	return nil
}

// Run counts the answers of surveys and tells other programs, until ctx ends.
func (a *afterCalls) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	wg.Go(func() { _ = a.hooks.Run(ctx) }) // returns nil only
	wg.Go(func() { a.keepWord(ctx, a.b.customers.Kept) })
	return a.count(ctx)
}

// kept hears of a party who was reached by hand.
func (a *afterCalls) kept(party, by journal.SubjectID) {
	select {
	case a.reached <- reached{party, by}:
	default:
		a.b.log.Warn("call-backs that were made stay on the list: the disk is too slow")
	}
}

// keepWord takes call-backs off the list that were made by hand; at the end of ctx, when
// the switch is at rest already, also those that wait.
func (a *afterCalls) keepWord(ctx context.Context, settle func(ctx context.Context, by, party journal.SubjectID) error) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case x := <-a.reached:
			err := settle(ctx, x.by, x.party)
			switch {
			case err == nil:
			case ctx.Err() != nil: // once more, in the time that is left
				a.kept(x.party, x.by)
			default:
				a.b.log.Warn("a call-back that was made stays on the list", "err", err)
			}
		}
	}
	last, done := context.WithTimeout(context.WithoutCancel(ctx), lastReached)
	defer done()
	for {
		select {
		case x := <-a.reached:
			if err := settle(last, x.by, x.party); err != nil {
				a.b.log.Warn("a call-back that was made stays on the list", "err", err)
			}
		default:
			return
		}
	}
}

// count folds the journal into the surveys' results.
func (a *afterCalls) count(ctx context.Context) error {
	a.mu.Lock()
	from := a.answers.Seq + 1
	a.mu.Unlock()
	sub := a.b.journal.Subscribe(from)
	defer sub.Close()
	kept := from
	for {
		e, err := sub.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("count answers of surveys: %w", err)
		}
		a.mu.Lock()
		a.answers.Apply(e)
		a.mu.Unlock()
		if e.Seq >= kept+surveyKeepEvery {
			kept = e.Seq
			a.keep(ctx)
		}
	}
}

// keep writes the results. If it can't, the next start reads more.
func (a *afterCalls) keep(ctx context.Context) {
	a.mu.Lock()
	seq := a.answers.Seq
	state, err := a.answers.Keep()
	a.mu.Unlock()
	if err == nil {
		err = a.b.journal.SaveFold(ctx, journal.Fold{Name: surveyFold, Version: survey.StateVersion, Seq: seq, State: state})
	}
	if err != nil && ctx.Err() == nil {
		a.b.log.Warn("results of surveys were not kept", "err", err)
	}
}

// surveys are the results as they may be shown.
func (a *afterCalls) surveys() []survey.Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answers.Results(a.b.now())
}
