package ui_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/journal"
	"centralino/internal/office"
)

// screenOf is one browser's stream of a page: it remembers when it first showed a text.
type screenOf struct {
	tape
	text  string
	shown time.Time
}

func (s *screenOf) Write(b []byte) (int, error) {
	if s.shown.IsZero() && strings.Contains(string(b), s.text) {
		s.shown = time.Now()
	}
	return len(b), nil
}

func (s *screenOf) Flush() {}

// browsers is how many boards are open at once.
const browsers = 20

// boards opens the board on twenty screens and calls happen; it returns how long each
// took to show text, of n events that come one after the other every gap.
func boards(t *testing.T, r *rig, n int, gap time.Duration) []time.Duration {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	screens := make([]*screenOf, browsers)
	for i := range screens {
		token := r.token(anna)
		// The last of the calls is the one that is looked for.
		screens[i] = &screenOf{tape: tape{head: http.Header{}}, text: fmt.Sprintf(`\u003cb\u003e%d\u003c/b\u003e`, n)}
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/live?page=board", nil)
		req.AddCookie(&http.Cookie{Name: "centralino", Value: token})
		wg.Go(func() { r.server.Handler().ServeHTTP(screens[i], req) })
	}
	time.Sleep(time.Second) // everybody has drawn everything once
	var last time.Time
	for i := range n {
		if i > 0 {
			time.Sleep(gap)
		}
		call := journal.CallID(fmt.Sprint("c-", i))
		r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1"})
		last = time.Now()
		r.log.Append(call, journal.ContactQueued{Contact: journal.ContactID(call), Queue: "group-1", Arrival: last})
	}
	time.Sleep(2 * time.Second)
	stop()
	wg.Wait()
	var took []time.Duration
	for i, s := range screens {
		if s.shown.IsZero() {
			t.Fatalf("screen %d never shows that %d wait", i, n)
		}
		took = append(took, s.shown.Sub(last))
	}
	return took
}

// TestTwentyBoardsShowAnEventInTime: twenty open boards show what happens within
// 250 ms, alone and in a burst.
func TestTwentyBoardsShowAnEventInTime(t *testing.T) {
	for name, tt := range map[string]struct {
		events int
		gap    time.Duration
	}{"alone": {1, 0}, "in a burst": {9, 30 * time.Millisecond}, "every 210 ms": {5, 210 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				sample := office.Sample(office.SampleOptions{AlwaysOpen: true, Now: time.Now()})
				r := newRigOf(t, true, rigOf{now: time.Now, sample: sample, folder: folder, bubble: true}, withDesk)
				for i, took := range boards(t, r, tt.events, tt.gap) {
					if took > 250*time.Millisecond {
						t.Errorf("screen %d shows it after %s", i, took)
					}
				}
			})
		})
	}
}
