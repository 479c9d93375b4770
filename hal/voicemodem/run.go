package voicemodem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"centralino/hal"
)

// Timings of the runner.
const (
	findEvery   = time.Second            // between looks for a device that is not there
	retryFirst  = time.Second            // first pause after a modem that does not answer …
	retryLast   = 30 * time.Second       // … doubled up to this
	dtrTime     = 500 * time.Millisecond // DTR stays low to make the modem hang up
	closingTime = 3 * time.Second        // to hang up when Run's context ends
)

// chunk is what the reader got from the port.
type chunk struct {
	b   []byte
	err error
}

// readBuffers is how many reads may wait for the owner: at 20 ms each more than
// any pause of the scheduler that would not be heard anyway. When none is free the
// reader waits and the port's own buffer fills.
const readBuffers = 8

// Run implements hal.Line.
func (l *Line) Run(ctx context.Context) error {
	defer close(l.queue.C)
	defer close(l.closed)
	m := newMachine(&l.o, &l.stats)
	name := "" // of the port
	m.event = func(ev hal.LineEvent) {
		if s, ok := ev.(hal.StateChanged); ok {
			l.know(m, s.State, name)
		}
		l.publish(ev)
	}
	m.frame = l.feed
	failures, absent := 0, ""
	for ctx.Err() == nil {
		port, at, err := l.o.Port.OpenPort(ctx)
		name = at
		if err != nil {
			if absent != err.Error() {
				absent = err.Error()
				l.o.Log.Warn("line has no port", "line", l.o.ID, "error", err)
			}
			l.idle(ctx, m, l.jitter(findEvery))
			continue
		}
		absent = ""
		served, err := l.session(ctx, m, port, name)
		if ctx.Err() != nil {
			break
		}
		l.o.Log.Warn("line out of service", "line", l.o.ID, "port", name, "error", err)
		if served {
			failures = 0
		}
		pause := min(retryLast, retryFirst<<min(failures, 5))
		failures++
		if errors.Is(err, hal.ErrGone) {
			pause = findEvery
		}
		l.idle(ctx, m, l.jitter(max(pause, m.patience)))
	}
	return nil
}

// jitter takes or adds up to a fifth, so that four modems of one USB hub do not
// all come at once.
func (l *Line) jitter(d time.Duration) time.Duration {
	return d - d/5 + time.Duration(l.random.Int64N(int64(2*d/5)+1))
}

func (l *Line) publish(ev hal.LineEvent) {
	if s, ok := ev.(hal.StateChanged); ok {
		l.state.Store(s.State)
	}
	l.queue.Put(ev)
}

// feed hands a frame to whoever has the line's audio.
func (l *Line) feed(rx, tx []byte) {
	if h := l.handler.Load(); h != nil {
		(*h).LineFrame(rx, tx)
		return
	}
	silence(tx)
}

// idle is waiting without a port.
func (l *Line) idle(ctx context.Context, m *machine, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		late, ev := l.queue.Late()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			return
		case r := <-l.commands:
			r.answer <- r.do(m)
		case <-l.hang:
		case late <- ev:
			l.queue.Sent()
		}
	}
}

// session drives the modem while its port is open. served tells that the line came
// into service; the error says why the session ended and is hal.ErrGone when the
// port disappeared.
func (l *Line) session(ctx context.Context, m *machine, port hal.Port, name string) (served bool, err error) {
	in, free := make(chan chunk), make(chan []byte, readBuffers)
	for range readBuffers {
		free <- make([]byte, 1024)
	}
	go read(port, in, free)
	defer func() {
		port.Close()
		close(free)
		for range in { // until the reader is gone
		}
	}()
	port.SetDTR(true)
	m.start(time.Now())
	t := time.NewTimer(0)
	defer t.Stop()
	done, closing := ctx.Done(), time.Time{}
	for {
		if !served && m.state == hal.LineIdle {
			served = true
		}
		if len(m.out) > 0 && m.fault == "" {
			m.writing(time.Now())
			if _, err := port.Write(m.out); err != nil {
				m.gone(time.Now(), ReasonPortWrite)
				return served, fmt.Errorf("write %s: %w", name, err)
			}
			m.out = m.out[:0]
		}
		if m.fault != "" {
			l.dropDTR(ctx, m, port)
			return served, errors.New(m.fault)
		}
		if !closing.IsZero() && (m.onHook() || !time.Now().Before(closing)) {
			return served, ctx.Err()
		}
		t.Stop()
		if at := m.deadline(); !at.IsZero() {
			t.Reset(time.Until(at))
		}
		late, ev := l.queue.Late()
		select {
		case c := <-in:
			if err := m.chunk(c, free); err != nil {
				return served, fmt.Errorf("read %s: %w", name, err)
			}
		case <-t.C:
			select {
			case c := <-in: // it is older than what a late timer would do
				if err := m.chunk(c, free); err != nil {
					return served, fmt.Errorf("read %s: %w", name, err)
				}
			default:
			}
			m.tick(time.Now())
		case r := <-l.commands:
			m.now = time.Now()
			r.answer <- r.do(m)
		case <-l.hang:
			m.hangUp(time.Now())
		case late <- ev:
			l.queue.Sent()
		case <-done:
			done, closing = nil, time.Now().Add(closingTime)
			m.hangUp(time.Now())
		}
	}
}

// chunk takes what the reader got and gives its buffer back.
func (m *machine) chunk(c chunk, free chan<- []byte) error {
	if c.err != nil {
		m.gone(time.Now(), ReasonPortGone)
		return fmt.Errorf("%w (%w)", hal.ErrGone, c.err)
	}
	m.input(time.Now(), c.b)
	free <- c.b[:cap(c.b)]
	return nil
}

// dropDTR makes a modem that does not listen hang up by the last means there is.
func (l *Line) dropDTR(ctx context.Context, m *machine, port hal.Port) {
	port.SetDTR(false)
	l.idle(ctx, m, dtrTime)
}

// read is the reader's goroutine: it ends with the port.
func read(port hal.Port, in chan<- chunk, free <-chan []byte) {
	defer close(in)
	for b := range free {
		for {
			n, err := port.Read(b)
			if n > 0 {
				in <- chunk{b: b[:n]}
				break
			}
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				in <- chunk{err: err}
				return
			}
		}
	}
}
