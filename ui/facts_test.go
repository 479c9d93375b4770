package ui_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"centralino/acd/kpi"
	"centralino/acd/report"
	"centralino/internal/journal"
	"centralino/internal/office"
	"centralino/ui"
	"centralino/ui/api"
)

// factsRig is a rig in a bubble.
func factsRig(t *testing.T, folder string, change ...func(*ui.Deps)) *rig {
	sample := office.Sample(office.SampleOptions{AlwaysOpen: true, Now: time.Now()})
	return newRigOf(t, true, rigOf{now: time.Now, sample: sample, folder: folder, bubble: true}, change...)
}

// answered asks for the board with a session and returns how many were answered today,
// -1 if the board does not know.
func (r *rig) answered(token string) int {
	req := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/board", nil)
	req.AddCookie(&http.Cookie{Name: "centralino", Value: token})
	w := httptest.NewRecorder()
	r.server.Handler().ServeHTTP(w, req)
	var b api.Board
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil || len(b.Queues) != 1 {
		r.t.Errorf("%d %s", w.Code, w.Body)
		return -1
	}
	if !b.Queues[0].Known {
		return -1
	}
	return b.Queues[0].Answered
}

// openBoard keeps a board open on a screen until ctx ends.
func (r *rig) openBoard(ctx context.Context, wg *sync.WaitGroup, text string) *screenOf {
	return r.openPage(ctx, wg, anna, "board", text)
}

// openPage keeps somebody's page open on a screen until ctx ends.
func (r *rig) openPage(ctx context.Context, wg *sync.WaitGroup, who journal.SubjectID, page, text string) *screenOf {
	s := &screenOf{tape: tape{head: http.Header{}}, text: text}
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/live?page="+page, nil)
	req.AddCookie(&http.Cookie{Name: "centralino", Value: r.token(who)})
	wg.Go(func() { r.server.Handler().ServeHTTP(s, req) })
	return s
}

// TestASlowCardStopsNoBoard: while the facts of today are being read, nobody else reads
// them; the others wait a moment, then get what was known before, and see the news when
// they are there.
func TestASlowCardStopsNoBoard(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var card atomic.Pointer[chan struct{}] // holds reads up until it is closed
		var reads, together, most atomic.Int64
		r := factsRig(t, folder, withDesk, func(d *ui.Deps) {
			facts := d.Facts
			d.Facts = func(ctx context.Context, i kpi.Interval) (kpi.Facts, error) {
				reads.Add(1)
				if n := together.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer together.Add(-1)
				if c := card.Load(); c != nil {
					<-*c
				}
				return facts(ctx, i)
			}
		})
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		var wg sync.WaitGroup
		screens := []*screenOf{r.openBoard(ctx, &wg, "1 risposta"), r.openBoard(ctx, &wg, "1 risposta"), r.openBoard(ctx, &wg, "1 risposta")}
		tokens := []string{r.token(anna), r.token(anna), r.token(anna), r.token(anna)}
		time.Sleep(2 * time.Second)
		slow := make(chan struct{})
		card.Store(&slow)
		before := reads.Load()
		r.visitOf(1, true)
		time.Sleep(time.Second) // one of the screens reads, and hangs
		began := time.Now()
		var asked sync.WaitGroup
		for _, token := range tokens {
			asked.Go(func() {
				if n := r.answered(token); n != 0 {
					t.Errorf("%d answered while the card is slow", n)
				}
			})
		}
		asked.Wait()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the others waited for %s", took)
		}
		time.Sleep(time.Minute)
		if n := reads.Load() - before; n != 1 {
			t.Errorf("%d reads", n)
		}
		close(slow)
		time.Sleep(2 * time.Second)
		if n := r.answered(tokens[0]); n != 1 {
			t.Errorf("%d answered afterwards", n)
		}
		if most.Load() != 1 {
			t.Errorf("%d reads at a time", most.Load())
		}
		stop()
		wg.Wait()
		for i, s := range screens {
			if s.shown.IsZero() {
				t.Errorf("screen %d never shows the call", i)
			}
		}
	})
}

// TestTheFirstBoardsOfTheDayShareOneRead: with nothing to show from before everybody
// waits, for the same read; its failure is everybody's.
func TestTheFirstBoardsOfTheDayShareOneRead(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want int
	}{"read": {nil, 0}, "failed": {errors.New("the disk says no"), -1}} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				slow := make(chan struct{})
				var reads atomic.Int64
				r := factsRig(t, folder, func(d *ui.Deps) {
					d.Facts = func(_ context.Context, i kpi.Interval) (kpi.Facts, error) {
						reads.Add(1)
						<-slow
						return kpi.Facts{Interval: i}, tt.err
					}
				})
				tokens := []string{r.token(anna), r.token(anna), r.token(anna), r.token(anna), r.token(anna)}
				time.Sleep(time.Second) // the journal of their logins is read
				var asked sync.WaitGroup
				for _, token := range tokens {
					asked.Go(func() {
						if n := r.answered(token); n != tt.want {
							t.Errorf("%d answered", n)
						}
					})
				}
				time.Sleep(time.Minute)
				close(slow)
				asked.Wait()
				if n := reads.Load(); n != 1 {
					t.Errorf("%d reads", n)
				}
			})
		})
	}
}

// TestABoardIsNotOlderThanWhatItIsDrawnFor: the pages see an event before the figures
// have it; what is drawn then must not stand until something else happens.
func TestABoardIsNotOlderThanWhatItIsDrawnFor(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := factsRig(t, folder)
		late, run := lateFigures(t, r)
		var wg sync.WaitGroup
		defer wg.Wait()
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		wg.Go(func() { _ = r.server.Run(ctx) })
		token := r.token(anna)
		r.visitOf(1, true)
		time.Sleep(time.Second)
		wg.Go(func() { // the figures follow a little later
			time.Sleep(100 * time.Millisecond)
			run(ctx)
		})
		if n := r.answered(token); n != 1 {
			t.Errorf("%d answered, the figures stand at %d", n, late.Seq())
		}
	})
}

// lateFigures gives the rig pages of whose figures nothing is read before run is called.
func lateFigures(t *testing.T, r *rig) (late *report.Reader, run func(context.Context)) {
	t.Helper()
	late, err := report.Open(context.Background(), report.Options{Journal: r.log, Office: func() *office.Document { return r.office.Current().Doc }, Now: time.Now, Log: r.deps.Log})
	if err != nil {
		t.Fatal(err)
	}
	d := r.deps
	d.Reports, d.Facts = late, late.Facts
	if r.server, err = ui.New(d); err != nil {
		t.Fatal(err)
	}
	return late, func(ctx context.Context) { _ = late.Run(ctx) }
}

// TestAnOpenBoardGetsFiguresThatComeLate: figures that were behind for longer than a page
// waits, or could not be read, are shown as soon as they are there, though nothing else
// happens.
func TestAnOpenBoardGetsFiguresThatComeLate(t *testing.T) {
	for name, tt := range map[string]struct {
		behind time.Duration // how long the figures don't follow the journal
		broken time.Duration // how long they can't be read after the call
		within time.Duration // shown so soon after that
	}{
		"behind":          {behind: 7 * time.Second, within: time.Second},
		"a little behind": {behind: 700 * time.Millisecond, within: time.Second},
		"not readable":    {broken: time.Minute, within: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				r := factsRig(t, folder)
				var healed atomic.Int64
				late, run := lateFigures(t, r)
				d := r.deps
				d.Reports = late
				var reads atomic.Int64
				d.Facts = func(ctx context.Context, i kpi.Interval) (kpi.Facts, error) {
					reads.Add(1)
					if time.Now().UnixNano() < healed.Load() {
						return kpi.Facts{}, errors.New("the disk says no")
					}
					return late.Facts(ctx, i)
				}
				var err error
				if r.server, err = ui.New(d); err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(context.Background())
				var wg sync.WaitGroup
				wg.Go(func() { _ = r.server.Run(ctx) })
				s := r.openBoard(ctx, &wg, "1 risposta")
				time.Sleep(time.Second)
				healed.Store(time.Now().Add(tt.broken).UnixNano())
				r.visitOf(1, true)
				time.Sleep(tt.behind)
				wg.Go(func() { run(ctx) })
				time.Sleep(tt.broken)
				there, before := time.Now(), reads.Load()
				time.Sleep(time.Minute)
				synctest.Wait()
				if s.shown.IsZero() || s.shown.Sub(there) > tt.within {
					t.Errorf("shown at %v, to be had at %v", s.shown, there)
				}
				if n := reads.Load() - before; n > 5 {
					t.Errorf("%d reads while nothing happens", n)
				}
				stop()
				wg.Wait()
			})
		})
	}
}
