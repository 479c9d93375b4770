package ui_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"centralino/internal/journal"
	"centralino/internal/numbering"
)

// browsersGoal is how long an event may take to the last of twenty browsers, in 99 of
// 100 cases.
const (
	watchers     = 20
	browsersGoal = 250 * time.Millisecond
)

// BenchmarkEventToTwentyBrowsers opens the home page's stream twenty times over
// loopback, lets calls come at odd moments, and measures from the event until the last
// browser has it: at rest, and while another event came just before, which is when the
// stream's pace holds the second one back. The figures are in milliseconds.
func BenchmarkEventToTwentyBrowsers(b *testing.B) {
	for _, c := range []struct {
		name  string
		after time.Duration // the event before
	}{{"at rest", 300 * time.Millisecond}, {"after another", 20 * time.Millisecond}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b, true)
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			seen := make(chan string, 16*watchers) // more than events under way; a reader waits when it is full
			for range watchers {
				read := r.homeStream(b, ctx)
				go func() { // ends with the stream
					for read.Scan() {
						if n := strings.Index(read.Text(), "02 5555 "); n >= 0 {
							select {
							case seen <- read.Text()[n : n+12]:
							case <-ctx.Done():
								return
							}
						}
					}
				}()
			}
			times := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for i := range b.N {
				number := 1000 + i%9000
				call := journal.CallID(fmt.Sprintf("c-%06d", i))
				<-time.After(c.after)
				from := time.Now()
				r.log.Append(call, journal.CallStarted{Direction: journal.Inbound, Line: "line-1", From: r.people.Number(numbering.E164(fmt.Sprintf("+39025555%04d", number)))})
				for left := watchers; left > 0; {
					select {
					case shown := <-seen:
						if shown == fmt.Sprintf("02 5555 %04d", number) {
							left--
						}
					case <-time.After(20 * time.Second):
						b.Fatalf("%d browsers did not see call %d", left, i)
					}
				}
				times = append(times, time.Since(from))
				if c.after < browsersGoal { // the call's end is the event just before the next one
					<-time.After(browsersGoal)
				}
				r.log.Append(call, journal.CallEnded{Cause: "hangup", By: "caller"})
			}
			slices.Sort(times)
			ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
			p99 := times[len(times)*99/100]
			b.ReportMetric(ms(times[len(times)/2]), "p50-ms")
			b.ReportMetric(ms(p99), "p99-ms")
			b.ReportMetric(0, "ns/op") // mostly rest
			if p99 > browsersGoal {
				b.Logf("GOAL MISSED: the last of %d browsers has an event after %v, wanted within %v", watchers, p99, browsersGoal)
			}
		})
	}
}

// homeStream opens the home page's stream as a leader and returns its lines, the
// first drawing read already.
func (r *rig) homeStream(tb testing.TB, ctx context.Context) *bufio.Scanner {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.http.URL+"/live?page=home", nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept-Language", "en")
	browser := r.as(anna)
	browser.c.Timeout = 0
	res, err := browser.c.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = res.Body.Close() })
	read := bufio.NewScanner(res.Body)
	read.Buffer(nil, 1<<20)
	for read.Scan() {
		if strings.Contains(read.Text(), "No calls at this moment") {
			return read
		}
	}
	tb.Fatal(read.Err())
	return nil
}
