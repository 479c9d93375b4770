package cti

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/internal/privacy"
	"centralino/internal/store"
)

// Options are what a Sender needs; those below Log are optional.
type Options struct {
	DB      *store.DB // opened with Migrations among its own
	Follow  func(from uint64) Subscription
	Office  func() *office.Document
	Secrets func(ref office.SecretRef) (string, bool)
	Gate    Gate
	Now     func() time.Time
	Log     *slog.Logger

	Fault     func(hook office.ID, raised bool) // a webhook that is down for long; must not block
	Transport http.RoundTripper                 // a plain one without a proxy
	Timeout   time.Duration                     // of one delivery, 10 s if 0
	Retry     []time.Duration                   // pauses between tries, the last one repeats; retrySteps if nil
}

// Subscription follows the journal.
type Subscription interface {
	Next(ctx context.Context) (journal.Event, error)
	Close()
}

// retrySteps are the pauses after a failure; each is stretched or shortened by up to a
// fifth, so that many boxes do not knock together.
var retrySteps = []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
	5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour}

const (
	giveUpEvent = 12 * time.Hour   // an event that nobody took for so long is lost
	giveUpHook  = 24 * time.Hour   // a webhook that takes nothing for so long is stopped
	faultAfter  = 30 * time.Minute // a webhook that takes nothing for so long is a fault
	probeAfter  = 3                // failures in a row after which one event at a time is tried
	batchDelay  = 100 * time.Millisecond
	batchPosts  = 200
	keepEvery   = 2000 // events of the journal between two kept places while nothing is told
	storeRetry  = 5 * time.Second
)

// Sender follows the journal and delivers to webhooks.
type Sender struct {
	o      Options
	client *http.Client

	mu    sync.Mutex // guards all below; never held over the disk or the network
	hooks map[office.ID]*hookState
	wakes map[office.ID]chan struct{} // capacity 1: a reminder to look; full means one is there already
	look  chan struct{}               // capacity 1: the office changed
}

// NewSender reads how the webhooks did. It starts nothing.
func NewSender(ctx context.Context, o Options) (*Sender, error) {
	if o.DB == nil || o.Follow == nil || o.Office == nil || o.Secrets == nil || o.Gate == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("cti: a required option is missing")
	}
	if o.Fault == nil {
		o.Fault = func(office.ID, bool) {}
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if len(o.Retry) == 0 {
		o.Retry = retrySteps
	}
	s := &Sender{o: o, hooks: map[office.ID]*hookState{}, wakes: map[office.ID]chan struct{}{}, look: make(chan struct{}, 1)}
	s.client = newClient(o)
	err := o.DB.Read(ctx, func(tx *sql.Tx) error {
		names, err := hookNames(tx)
		if err != nil {
			return err
		}
		for _, name := range names {
			h := &hookState{}
			var since, stopped int64
			err := tx.QueryRow(sqlHook, string(name)).Scan(&h.address, &h.fails, &since, &stopped, &h.sent, &h.lost)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			h.since, h.stopped = store.Instant(since), stopped == 1
			s.hooks[name] = h
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open webhooks: %w", err)
	}
	return s, nil
}

func hookNames(tx *sql.Tx) ([]office.ID, error) {
	rows, err := tx.Query(sqlHookNames)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []office.ID
	for rows.Next() {
		var n office.ID
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// OfficeChanged makes the Sender look at the webhooks of the office anew. It never
// blocks.
func (s *Sender) OfficeChanged() {
	select {
	case s.look <- struct{}{}:
	default: // a reminder is there already
	}
}

// active are the webhooks that are on, by id.
func active(doc *office.Document) map[office.ID]office.Webhook {
	out := map[office.ID]office.Webhook{}
	for _, w := range doc.Webhooks {
		if !w.Off && w.URL != "" {
			out[w.ID] = w
		}
	}
	return out
}

// Run follows the journal and delivers until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	workers := map[office.ID]context.CancelFunc{}
	var following context.CancelFunc
	followed := make(chan struct{})
	close(followed)
	for {
		hooks := active(s.o.Office())
		if err := s.tidy(ctx, hooks); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("webhooks", "err", err)
		}
		for id, stop := range workers {
			if _, on := hooks[id]; !on {
				stop()
				delete(workers, id)
			}
		}
		for id := range hooks {
			if workers[id] != nil {
				s.wake(id)
				continue
			}
			wctx, stop := context.WithCancel(ctx)
			workers[id] = stop
			wg.Go(func() { s.deliver(wctx, id) })
		}
		switch {
		case len(hooks) > 0 && following == nil:
			<-followed
			fctx, stop := context.WithCancel(ctx)
			following, followed = stop, make(chan struct{})
			done := followed
			wg.Go(func() { defer close(done); s.follow(fctx) })
		case len(hooks) == 0 && following != nil:
			following()
			following = nil
			<-followed
			s.unfollow(ctx)
		case len(hooks) == 0:
			s.unfollow(ctx)
		}
		select {
		case <-ctx.Done():
			for _, stop := range workers {
				stop()
			}
			if following != nil {
				following()
			}
			return nil
		case <-s.look:
		}
	}
}

// unfollow forgets the place in the journal: with no webhook on, nothing is told
// later of what happens now.
func (s *Sender) unfollow(ctx context.Context) {
	err := s.o.DB.Write(ctx, func(tx *sql.Tx) error { _, err := tx.Exec(sqlUnfollow); return err })
	if err != nil && ctx.Err() == nil {
		s.o.Log.Warn("webhooks: forget the place in the journal", "err", err)
	}
}

// tidy forgets webhooks that are gone or off, lets one begin afresh whose address was
// changed, and says again which of the others are faults: after a start nobody knows.
func (s *Sender) tidy(ctx context.Context, hooks map[office.ID]office.Webhook) error {
	s.mu.Lock()
	var gone, fresh, down []office.ID
	now := s.o.Now()
	for id, h := range s.hooks {
		w, on := hooks[id]
		if !on {
			gone = append(gone, id)
			delete(s.hooks, id)
		} else if h.address != w.URL {
			h.address, h.fails, h.since, h.stopped, h.rest = w.URL, 0, time.Time{}, false, time.Time{}
			fresh = append(fresh, id)
		} else if h.isFault(now) {
			down = append(down, id)
		}
	}
	for id, w := range hooks {
		if s.hooks[id] == nil {
			s.hooks[id] = &hookState{address: w.URL}
		}
	}
	s.mu.Unlock()
	for _, id := range slices.Concat(gone, fresh) {
		s.o.Fault(id, false)
	}
	for _, id := range down {
		s.o.Fault(id, true)
	}
	if len(gone)+len(fresh) == 0 {
		return nil
	}
	return s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		for _, id := range gone {
			for _, q := range []string{sqlClear, sqlDropHook, sqlDropSent} {
				if _, err := tx.Exec(q, string(id)); err != nil {
					return err
				}
			}
		}
		for _, id := range fresh {
			if err := putHook(tx, id, s.state(id)); err != nil {
				return err
			}
			if _, err := tx.Exec(sqlAllDue, s.o.Now().UnixNano(), string(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// follow translates the journal until ctx ends; the disk's refusals are tried again.
func (s *Sender) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.followOnce(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("webhooks stand still", "err", err, "retry", storeRetry)
			pause(ctx, nil, storeRetry)
		}
	}
}

func (s *Sender) followOnce(ctx context.Context) error {
	st, known, err := readFollow(ctx, s.o.DB)
	if err != nil {
		return err
	}
	from := uint64(0)
	if known {
		from = st.Seq + 1
	}
	sub := s.o.Follow(from)
	defer sub.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan journal.Event, batchPosts) // full: the subscription waits and loses nothing
	failed := make(chan error, 1)                  // capacity 1: the reader's one last word
	wg.Go(func() {
		for {
			e, err := sub.Next(ctx)
			if err != nil {
				failed <- err
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
		}
	})
	var posts []post
	var due <-chan time.Time // of the first of posts; nil without any
	kept := st.Seq
	for {
		full := false
		select {
		case e := <-events:
			if out, ok := st.Apply(e); ok {
				posts = append(posts, s.wanted(out)...)
			}
			if len(posts) > 0 && due == nil {
				due = time.After(batchDelay)
			}
			full = len(posts) >= batchPosts || len(posts) == 0 && st.Seq >= kept+keepEvery
		case <-due:
			full = true
		case err := <-failed:
			return err
		}
		if !full {
			continue
		}
		if err := s.enqueue(ctx, posts, st); err != nil {
			return err
		}
		kept = st.Seq
		for _, p := range posts {
			s.wake(p.hook)
		}
		posts, due = nil, nil
	}
}

// wanted says which webhooks an event goes to. The gate is asked last: that it shows
// somebody is a look at him.
func (s *Sender) wanted(e Event) []post {
	var out []post
	doc := s.o.Office()
	for id, w := range active(doc) {
		if slices.Contains(w.Events, string(e.Kind)) && !s.state(id).stopped {
			out = append(out, post{id, e})
		}
	}
	if len(out) == 0 {
		return nil
	}
	if _, ok := Fill(e, doc, s.o.Gate, Program, privacy.Export); !ok {
		return nil
	}
	return out
}

// Errors of Try; test with errors.Is.
var (
	ErrOff     = errors.New("webhook is off or stopped")
	ErrTooMany = errors.New("too many events wait for the webhook")
)

// Try sends a test event to a webhook. ErrOff: it is off or was stopped, and the test
// would wait unseen; ErrTooMany: as many events wait as may.
func (s *Sender) Try(ctx context.Context, hook office.ID) error {
	e := Event{Kind: Test, Time: s.o.Now().UTC(), Call: journal.CallID("test-" + s.o.Now().UTC().Format("20060102150405.000"))}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, on := active(s.o.Office())[hook]; !on || s.state(hook).stopped {
		return fmt.Errorf("try webhook %s: %w", hook, ErrOff)
	}
	now := s.o.Now().UnixNano()
	err = s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		n := 0
		if err := tx.QueryRow(sqlWaiting, string(hook)).Scan(&n); err != nil {
			return err
		}
		if n >= maxWaiting {
			return ErrTooMany
		}
		_, err := tx.Exec(sqlEnqueue, string(hook), string(e.Call), b, now, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("try webhook %s: %w", hook, err)
	}
	s.wake(hook)
	return nil
}

// Again lets a webhook that was stopped, or that waits for its next try, go on now.
func (s *Sender) Again(ctx context.Context, hook office.ID) error {
	s.change(hook, func(h *hookState) { h.fails, h.since, h.stopped, h.rest = 0, time.Time{}, false, time.Time{} })
	err := s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec(sqlAllDue, s.o.Now().UnixNano(), string(hook)); err != nil {
			return err
		}
		return putHook(tx, hook, s.state(hook))
	})
	if err != nil {
		return fmt.Errorf("webhook %s again: %w", hook, err)
	}
	s.o.Fault(hook, false)
	s.wake(hook)
	return nil
}

// Status is how one webhook does, for people.
type Status struct {
	Failing time.Time // takes nothing since; zero: all is well
	Stopped bool      // given up until somebody says again
	Waiting int
	Sent    int
	Lost    int // nobody took them in time, or too many waited
}

// Status returns how a webhook does.
func (s *Sender) Status(ctx context.Context, hook office.ID) (Status, error) {
	n, err := s.waitingFor(ctx, hook)
	h := s.state(hook)
	return Status{Failing: h.since, Stopped: h.stopped, Waiting: n, Sent: h.sent, Lost: h.lost}, err
}

func (s *Sender) state(hook office.ID) hookState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hooks[hook]; h != nil {
		return *h
	}
	return hookState{}
}

// change changes a webhook's state, if it is still there.
func (s *Sender) change(hook office.ID, f func(h *hookState)) hookState {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hooks[hook]
	if h == nil {
		return hookState{}
	}
	f(h)
	return *h
}

// bell returns the reminder of one webhook's worker.
func (s *Sender) bell(hook office.ID) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wakes[hook] == nil {
		s.wakes[hook] = make(chan struct{}, 1)
	}
	return s.wakes[hook]
}

func (s *Sender) wake(hook office.ID) {
	select {
	case s.bell(hook) <- struct{}{}:
	default: // a reminder is there already
	}
}

// pause waits for a reminder, the time, or the end of ctx.
func pause(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}
