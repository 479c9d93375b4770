package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"centralino/hal"
	"centralino/internal/audio"
)

// Timings of a direct line, chosen to be those of a modem.
const (
	frameTime   = 20 * time.Millisecond
	ringStop    = 6 * time.Second // after the last burst
	guardTime   = time.Second
	offHookTime = 100 * time.Millisecond  // from Answer to off hook
	dialTime    = 100 * time.Millisecond  // per digit
	toneLasts   = 2500 * time.Millisecond // a tone that says that there is no call
)

// Line is a hal.Line directly on the exchange, without a modem: no pty, no
// goroutine blocked in I/O. It is the line of the whole-box simulation in virtual
// time and passes the same contract test as the modem driver.
type Line struct {
	ex     *ExLine
	queue  *hal.EventQueue
	state  atomic.Value // hal.LineState
	audio  atomic.Pointer[hal.AudioHandler]
	wake   chan struct{}
	closed chan struct{} // Run has returned

	mu    sync.Mutex
	todo  []func()
	stats hal.LineStats

	// Below here the Run goroutine's own.
	unplugged bool
	timer     *time.Timer // of what happens next in this state
	due       func()
	ticker    *time.Ticker // codec while off hook
	ticks     <-chan time.Time
	dialed    bool // the call is outgoing
	caller    bool // the caller was reported
	digits    []int16
	rxA, txA  [hal.FrameSamples]byte
	rx, tx    [hal.FrameSamples]int16
}

var (
	_ hal.Line = (*Line)(nil)
	_ device   = (*Line)(nil)
)

// DirectLine makes the line of an ExLine added before under the same id. It
// panics if there is none or if it is taken already.
func (x *Exchange) DirectLine(id hal.LineID) *Line {
	ex := x.Line(id)
	if ex == nil {
		panic(fmt.Sprintf("sim: exchange has no line %q", id))
	}
	d := &Line{
		ex: ex, queue: hal.NewEventQueue(),
		wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	d.state.Store(hal.LineOutOfService)
	if err := ex.connect(d); err != nil {
		panic(fmt.Sprintf("sim: line %s: %v", id, err))
	}
	return d
}

// ID implements hal.Line.
func (d *Line) ID() hal.LineID { return d.ex.id }

// Kind implements hal.Line.
func (d *Line) Kind() hal.LineKind { return d.ex.o.Kind }

// Caps implements hal.Line: analog lines know callers and flash, ISDN lines all
// but flash.
func (d *Line) Caps() hal.Caps {
	digital := d.ex.o.Kind == hal.ISDN
	return hal.Caps{CallerID: true, RealAnswer: digital, RealHangup: digital, Flash: !digital}
}

// State implements hal.Line.
func (d *Line) State() hal.LineState { return d.state.Load().(hal.LineState) }

// Events implements hal.Line.
func (d *Line) Events() <-chan hal.LineEvent { return d.queue.C }

// SetAudio implements hal.Line.
func (d *Line) SetAudio(h hal.AudioHandler) {
	if h == nil {
		d.audio.Store(nil)
		return
	}
	d.audio.Store(&h)
}

// Stats implements hal.Line.
func (d *Line) Stats() hal.LineStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}

// Run implements hal.Line.
func (d *Line) Run(ctx context.Context) error {
	defer close(d.queue.C)
	defer close(d.closed)
	d.timer = time.NewTimer(time.Hour)
	d.timer.Stop()
	d.to(hal.LineIdle, "")
	for {
		late, ev := d.queue.Late()
		select {
		case <-ctx.Done():
			d.clear(hal.CauseLocal)
			return nil
		case <-d.wake:
			for _, f := range d.take() {
				f()
			}
		case <-d.timer.C:
			if f := d.due; f != nil {
				d.due = nil
				f()
			}
		case <-d.ticks:
			d.frame()
		case late <- ev:
			d.queue.Sent()
		}
	}
}

// post hands f to the Run goroutine. The list is short: a line has a handful of
// commands and exchange events in a second.
func (d *Line) post(f func()) {
	d.mu.Lock()
	d.todo = append(d.todo, f)
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Line) take() []func() {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.todo
	d.todo = nil
	return t
}

// ask runs f in the Run goroutine and returns its answer.
func (d *Line) ask(ctx context.Context, f func() error) error {
	if d.State() == hal.LineOutOfService {
		return hal.ErrLineState
	}
	answer := make(chan error, 1)
	d.post(func() { answer <- f() })
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closed:
		return hal.ErrLineState
	}
}

// to changes the state.
func (d *Line) to(s hal.LineState, reason string) {
	if d.State() == s {
		return
	}
	d.state.Store(s)
	d.queue.Put(hal.StateChanged{State: s, Reason: reason})
}

// in runs f after t; it replaces what was to happen before.
func (d *Line) in(t time.Duration, f func()) {
	d.due = f
	d.timer.Reset(t)
}

func (d *Line) nothingDue() {
	d.due = nil
	d.timer.Stop()
}

// Answer implements hal.Line.
func (d *Line) Answer(ctx context.Context) error {
	return d.ask(ctx, func() error {
		if d.State() != hal.LineRinging {
			return hal.ErrLineState
		}
		d.dialed = false
		d.to(hal.LineAnswering, "")
		d.in(offHookTime, func() {
			if d.ex.o.Kind == hal.ISDN && !d.ex.ringing() { // the caller is gone
				d.clear(hal.CauseReported)
				return
			}
			d.offHook()
			d.ex.through()
			d.answered(hal.Answered{})
		})
		return nil
	})
}

// Dial implements hal.Line.
func (d *Line) Dial(ctx context.Context, number string) error {
	if number == "" || strings.Trim(number, "0123456789*#+") != "" {
		return hal.ErrDialString
	}
	return d.ask(ctx, func() error {
		if d.State() != hal.LineIdle {
			return hal.ErrLineState
		}
		d.dialed = true
		d.to(hal.LineDialing, "")
		d.offHook()
		if d.ex.dead() || d.ex.taken() {
			d.in(noCurrent, func() { d.clear(hal.CauseNoDial) })
			return nil
		}
		d.in(time.Duration(len(number))*dialTime, func() { d.ex.dial(number) })
		return nil
	})
}

// SendDTMF implements hal.Line.
func (d *Line) SendDTMF(digits string) error {
	g, err := audio.NewDTMFGen(digits, audio.DTMFOn, audio.DTMFOff, audio.DTMFLevel)
	if err != nil {
		return err
	}
	s := make([]int16, len(digits)*audio.Samples(audio.DTMFOn+audio.DTMFOff))
	g.Read(s)
	return d.ask(context.Background(), func() error {
		if d.State() != hal.LineActive {
			return hal.ErrLineState
		}
		d.digits = append(d.digits, s...)
		return nil
	})
}

// Flash implements hal.Line; the exchange ignores it.
func (d *Line) Flash(ctx context.Context) error {
	return d.ask(ctx, func() error {
		switch {
		case !d.Caps().Flash:
			return errors.ErrUnsupported
		case d.State() != hal.LineActive:
			return hal.ErrLineState
		}
		return nil
	})
}

// HangUp implements hal.Line. A line that only rings cannot be hung up.
func (d *Line) HangUp() {
	d.post(func() {
		if d.State() != hal.LineRinging {
			d.clear(hal.CauseLocal)
		}
	})
}

// Unplug takes the line away as if its device had been pulled out.
func (d *Line) Unplug() {
	d.post(func() {
		d.unplugged = true
		d.clear(hal.CauseGone)
		d.nothingDue()
		d.to(hal.LineOutOfService, "unplugged")
	})
}

// Replug gives the line back.
func (d *Line) Replug() {
	d.post(func() {
		if d.unplugged {
			d.unplugged = false
			d.to(hal.LineIdle, "")
		}
	})
}

func (d *Line) offHook() {
	d.ex.goOffHook()
	d.ticker = time.NewTicker(frameTime)
	d.ticks = d.ticker.C
}

func (d *Line) answered(ev hal.Answered) {
	d.nothingDue()
	d.to(hal.LineActive, "")
	d.queue.Put(ev)
}

// clear ends the call on the line, if there is one, and goes on hook.
func (d *Line) clear(cause hal.HangupCause) {
	if d.ticker != nil {
		d.ticker.Stop()
		d.ticker, d.ticks = nil, nil
	}
	d.ex.goOnHook()
	d.digits, d.caller = nil, false
	switch d.State() {
	case hal.LineAnswering, hal.LineDialing, hal.LineActive:
		d.to(hal.LineClearing, "")
		d.queue.Put(hal.Hangup{Cause: cause})
		d.in(guardTime, func() { d.to(hal.LineIdle, "") })
	case hal.LineRinging:
		d.nothingDue()
		d.queue.Put(hal.RingStop{})
		d.to(hal.LineIdle, "")
	}
}

// frame is one tick of the codec.
func (d *Line) frame() {
	d.ex.frame(d.tx[:], d.rx[:])
	audio.LinearToALaw(d.rxA[:], d.rx[:])
	if h := d.audio.Load(); h != nil {
		(*h).LineFrame(d.rxA[:], d.txA[:])
	} else {
		for i := range d.txA {
			d.txA[i] = audio.ALawSilence
		}
	}
	audio.ALawToLinear(d.tx[:], d.txA[:])
	if n := copy(d.tx[:], d.digits); n > 0 {
		d.digits = d.digits[n:]
	}
	d.mu.Lock()
	d.stats.RxFrames++
	d.stats.TxFrames++
	d.stats.QueuedMS = int(frameTime / time.Millisecond)
	d.mu.Unlock()
}

// The exchange's callbacks.

func (d *Line) ringBurst(n int, called string) {
	d.post(func() {
		if s := d.State(); s != hal.LineIdle && s != hal.LineRinging && s != hal.LineClearing {
			return
		}
		d.to(hal.LineRinging, "")
		d.queue.Put(hal.Ring{N: n, Called: called})
		d.in(ringStop, func() { d.clear(hal.CauseReported) })
	})
}

func (d *Line) callerID(c CallerSpec) {
	d.post(func() {
		if s := d.State(); d.caller || (s != hal.LineIdle && s != hal.LineRinging && s != hal.LineClearing) {
			return
		}
		if d.caller = true; d.State() == hal.LineIdle {
			d.in(ringStop, func() { d.caller = false })
		}
		ev := hal.CallerID{Number: c.Number, Name: c.Name, Restricted: c.Restricted, Unknown: c.Unknown}
		if c.Restricted || c.Unknown {
			ev.Number, ev.Name = "", ""
		}
		d.queue.Put(ev)
	})
}

func (d *Line) heardTone(t hal.Tone) {
	d.post(func() {
		if d.State() == hal.LineDialing && t != "" {
			d.queue.Put(hal.Progress{Tone: t})
		}
		busy := t == hal.BusyTone || t == hal.Congestion
		switch s := d.State(); {
		case s == hal.LineDialing && busy:
			d.in(toneLasts, func() { d.clear(hal.CauseBusy) })
		case s == hal.LineActive && (busy || t == hal.DialTone && !d.dialed): // dial tone: the caller was gone already
			d.in(toneLasts, func() { d.clear(hal.CauseBusyTone) })
		}
	})
}

func (d *Line) farAnswered() {
	d.post(func() {
		if d.State() == hal.LineDialing {
			d.answered(hal.Answered{Presumed: d.ex.o.Kind != hal.ISDN})
		}
	})
}

func (d *Line) loopBroken() {
	d.post(func() {
		if d.State() == hal.LineActive {
			d.clear(hal.CauseLoopBreak)
		}
	})
}

func (d *Line) farCleared() {
	d.post(func() {
		switch d.State() {
		case hal.LineDialing:
			d.clear(hal.CauseBusy)
		case hal.LineActive:
			d.clear(hal.CauseReported)
		}
	})
}

func (d *Line) keyDown(digit byte) {
	d.post(func() {
		if d.State() == hal.LineActive {
			d.queue.Put(hal.DTMF{Digit: digit})
		}
	})
}

func (d *Line) keyUp() {}
