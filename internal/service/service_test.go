package service_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"centralino/internal/service"
)

// diary collects what happened when.
type diary struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (d *diary) add(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, s)
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// steady is a part that works until it is stopped, stopping in a time.
func (d *diary) steady(name string, stopping time.Duration) service.Part {
	return service.Part{Name: name, Service: service.Func(func(ctx context.Context) error {
		d.add("+" + name)
		<-ctx.Done()
		time.Sleep(stopping)
		d.add("-" + name)
		return nil
	})}
}

func run(t *testing.T, ctx context.Context, s *service.Supervisor) chan error {
	t.Helper()
	done := make(chan error, 1) // 1: the one result, so that Run can end before it is asked for
	go func() { done <- s.Run(ctx) }()
	synctest.Wait()
	return done
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		ready := make(chan struct{})
		a := d.steady("a", 0)
		a.Ready = ready
		ctx, cancel := context.WithCancel(t.Context())
		done := run(t, ctx, service.New(service.Options{}, a, d.steady("b", time.Second), d.steady("c", time.Second)))
		if got := d.all(); !slices.Equal(got, []string{"+a"}) {
			t.Errorf("before a is ready: %v", got)
		}
		close(ready)
		time.Sleep(time.Millisecond)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		got := d.all()
		slices.Sort(got[1:3]) // b and c begin in goroutines of their own
		if want := []string{"+a", "+b", "+c", "-c", "-b", "-a"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestStopDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		ctx, cancel := context.WithCancel(t.Context())
		done := run(t, ctx, service.New(service.Options{StopWait: 4 * time.Second},
			d.steady("first", 0), d.steady("slow", time.Hour), d.steady("last", 0)))
		cancel()
		began := time.Now()
		err := <-done
		if err == nil || !strings.Contains(err.Error(), "slow") || strings.Contains(err.Error(), "last") || strings.Contains(err.Error(), "first") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took != 4200*time.Millisecond {
			t.Errorf("stopping took %v", took)
		}
		time.Sleep(2 * time.Hour) // let the slow one end, so that the bubble can
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		var restarts []string
		begin := time.Now()
		flaky := service.Part{Name: "flaky", Service: service.Func(func(ctx context.Context) error {
			starts = append(starts, time.Since(begin))
			switch len(starts) {
			case 1:
				panic("once")
			case 2:
				return errors.New("broken")
			case 3:
				return nil // ending by itself is a failure too
			case 4:
				time.Sleep(2 * time.Minute) // long enough to begin anew
				return errors.New("again")
			}
			<-ctx.Done()
			return nil
		})}
		var steady atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		done := run(t, ctx, service.New(service.Options{
			BackOff: time.Second, MaxBackOff: 3 * time.Second,
			Restarted: func(name string, n int, err error) {
				restarts = append(restarts, fmt.Sprintf("%d %.6s", n, err))
			},
			Steady: func(string) { steady.Add(1) },
		}, flaky))
		time.Sleep(10 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if want := []string{"1 panic:", "2 broken", "3 ended ", "1 again"}; !slices.Equal(restarts, want) {
			t.Errorf("restarts %q, want %q", restarts, want)
		}
		if len(starts) != 5 {
			t.Fatalf("%d starts", len(starts))
		}
		for i, limit := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second} {
			if pause := starts[i+1] - starts[i]; pause < limit/2 || pause > limit {
				t.Errorf("pause %d is %v, not between %v and %v", i+1, pause, limit/2, limit)
			}
		}
		if n := steady.Load(); n != 2 {
			t.Errorf("steady again %d times, want 2", n)
		}
	})
}

func TestVital(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		broken := errors.New("disk")
		vital := service.Part{Name: "store", Vital: true, Service: service.Func(func(ctx context.Context) error {
			time.Sleep(time.Second)
			return broken
		})}
		done := run(t, t.Context(), service.New(service.Options{}, d.steady("a", 0), vital, d.steady("b", 0)))
		err := <-done
		if !errors.Is(err, service.ErrVital) || !errors.Is(err, broken) || !strings.Contains(err.Error(), "store") {
			t.Errorf("error %v", err)
		}
		if got := d.all(); len(got) != 4 || got[3] != "-a" {
			t.Errorf("%v", got)
		}
	})
}

func TestStopDuringPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := run(t, ctx, service.New(service.Options{BackOff: time.Hour, MaxBackOff: time.Hour},
			service.Part{Name: "x", Service: service.Func(func(context.Context) error { return errors.New("no") })}))
		cancel()
		began := time.Now()
		if err := <-done; err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
