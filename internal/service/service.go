// Package service keeps the parts of the box running: it starts them in order,
// restarts a part that fails with back-off and jitter, and stops them in reverse
// order within a deadline. A part is a Run method that blocks until its context
// ends. A panic in a part's Run is a failure of that part alone.
//
// Supervisor.Run starts one goroutine per part and waits for all of them; a part
// that does not stop within the deadline is named in the error and left behind.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"
)

// Service is a part of the box. Run works until ctx ends and then returns nil or
// an error; returning before that is a failure, also with nil.
type Service interface {
	Run(ctx context.Context) error
}

// Func makes a Service of a function.
type Func func(ctx context.Context) error

// Run calls f.
func (f Func) Run(ctx context.Context) error { return f(ctx) }

// Part is a service with its name and what happens when it fails.
type Part struct {
	Name    string
	Service Service
	// Ready, if not nil, says when the part works: the next part starts after it,
	// or after StartWait.
	Ready <-chan struct{}
	// Vital parts are not restarted: their failure stops the box.
	Vital bool
}

// ErrVital is in the error of Run when a vital part failed.
var ErrVital = errors.New("vital part failed")

// Options of a Supervisor. The zero values stand for the defaults named.
type Options struct {
	Log *slog.Logger
	// StopWait is how long all parts together have for stopping: 4 s.
	StopWait time.Duration
	// StartWait is how long a part's Ready is waited for: 10 s.
	StartWait time.Duration
	// BackOff is the first pause before a restart, doubled at every failure up to
	// MaxBackOff: 250 ms and 30 s. A part that has run for Settled (1 min) begins
	// anew. Each pause is shortened by chance by up to a half, so that parts that
	// failed together do not come back together.
	BackOff, MaxBackOff, Settled time.Duration
	// Restarted is told of every failure that leads to a restart, with how many
	// there were in a row, from the part's goroutine; it must not block.
	Restarted func(name string, inARow int, err error)
	// Steady is told when a part that was restarted has run for Settled.
	Steady func(name string)
}

// Supervisor runs parts.
type Supervisor struct {
	o     Options
	parts []Part
}

// New returns a supervisor of parts in their order of starting.
func New(o Options, parts ...Part) *Supervisor {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.StopWait, 4*time.Second)
	def(&o.StartWait, 10*time.Second)
	def(&o.BackOff, 250*time.Millisecond)
	def(&o.MaxBackOff, 30*time.Second)
	def(&o.Settled, time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Supervisor{o: o, parts: parts}
}

// running is a part that was started.
type running struct {
	Part
	cancel context.CancelFunc
	done   chan struct{} // closed when its goroutine has returned
}

// Run starts the parts and keeps them running until ctx ends or a vital part
// fails; then it stops them, the last one first, each before the next. It returns
// nil after an orderly stop, else what failed and what did not stop.
func (s *Supervisor) Run(ctx context.Context) error {
	up, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var parts []*running
	for _, p := range s.parts {
		if up.Err() != nil {
			break
		}
		parts = append(parts, s.start(up, p, stop))
		s.awaitReady(up, parts[len(parts)-1])
	}
	<-up.Done()
	err := context.Cause(up)
	if ctx.Err() != nil && !errors.Is(err, ErrVital) {
		err = nil
	}
	return errors.Join(err, s.stop(parts))
}

// start runs a part in its own goroutine. Its context is not ended by up: parts
// are stopped one by one.
func (s *Supervisor) start(up context.Context, p Part, fail context.CancelCauseFunc) *running {
	ctx, cancel := context.WithCancel(context.WithoutCancel(up))
	r := &running{Part: p, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		s.keep(ctx, p, fail)
	}()
	return r
}

func (s *Supervisor) awaitReady(up context.Context, r *running) {
	if r.Ready == nil {
		return
	}
	timer := time.NewTimer(s.o.StartWait)
	defer timer.Stop()
	select {
	case <-r.Ready:
	case <-up.Done():
	case <-r.done:
	case <-timer.C:
		s.o.Log.Warn("part is not ready yet, going on", "part", r.Name)
	}
}

// keep runs a part again and again until ctx ends.
func (s *Supervisor) keep(ctx context.Context, p Part, fail context.CancelCauseFunc) {
	inARow := 0
	for {
		failed := inARow > 0
		settled := time.AfterFunc(s.o.Settled, func() {
			if failed && s.o.Steady != nil {
				s.o.Steady(p.Name)
			}
		})
		began := time.Now()
		err := once(ctx, p.Service)
		settled.Stop()
		if ctx.Err() != nil {
			if err != nil && !errors.Is(err, context.Canceled) {
				s.o.Log.Warn("part ended with an error", "part", p.Name, "err", err)
			}
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		if p.Vital {
			fail(fmt.Errorf("%w: %s: %w", ErrVital, p.Name, err))
			return
		}
		if time.Since(began) >= s.o.Settled {
			inARow = 0
		}
		inARow++
		if s.o.Restarted != nil {
			s.o.Restarted(p.Name, inARow, err)
		}
		pause := s.pause(inARow)
		s.o.Log.Error("part failed, is restarted", "part", p.Name, "inARow", inARow, "pause", pause, "err", err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// pause is the time before the nth restart in a row.
func (s *Supervisor) pause(n int) time.Duration {
	d := s.o.BackOff
	for i := 1; i < n && d < s.o.MaxBackOff; i++ {
		d *= 2
	}
	d = min(d, s.o.MaxBackOff)
	return d - time.Duration(rand.Int64N(int64(d)/2+1))
}

// once runs a service and turns a panic into an error.
func once(ctx context.Context, s Service) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return s.Run(ctx)
}

// lastWords is how long parts that were told to stop only when the time was over
// have for it.
const lastWords = 200 * time.Millisecond

// stop ends the parts in reverse order. The time is for all of them together;
// when it is over the rest is told to stop at once, and those that still run after
// their last words are named.
func (s *Supervisor) stop(parts []*running) error {
	timer := time.NewTimer(s.o.StopWait)
	defer timer.Stop()
	for i := len(parts) - 1; i >= 0; i-- {
		parts[i].cancel()
		select {
		case <-parts[i].done:
			continue
		case <-timer.C:
		}
		for _, p := range parts[:i] {
			p.cancel()
		}
		return s.stuck(parts)
	}
	return nil
}

func (s *Supervisor) stuck(parts []*running) error {
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	over := false
	var names []string
	for _, p := range parts {
		if !over {
			select {
			case <-p.done:
				continue
			case <-timer.C:
				over = true
			}
		}
		select {
		case <-p.done:
		default:
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("stop within %v: still running: %s", s.o.StopWait, strings.Join(names, ", "))
}
