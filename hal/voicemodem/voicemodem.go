// Package voicemodem drives a voice modem (ITU-T V.253) or an ISDN terminal adapter
// over a serial port as a telephone line: ring and caller ID, answering, dialing,
// full duplex audio as G.711 A-law, keys and progress tones, and the way back to
// service after every fault of device or cable. What differs between modems is a
// table (Dialect).
//
// Decisions are taken by a pure machine (bytes, commands and time in; bytes and
// events out). Line.Run is its only owner; it starts one goroutine that reads the
// port and waits for it.
package voicemodem

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"centralino/hal"
	"centralino/internal/audio"
)

// Options of a line; ID and Port are needed.
type Options struct {
	ID      hal.LineID
	Kind    hal.LineKind // Analog if empty
	Port    hal.PortOpener
	Dialect string       // "auto" (or empty), "cx930xx", "usr5637", "ttyi", "generic"
	MSN     []string     // own numbers of an ISDN line: digits, * and #
	Country string       // ISO 3166-1 alpha-2; "IT" if empty
	Log     *slog.Logger // slog.Default() if nil
	Seed    uint64       // of the jitter of retries
}

// Line is a modem as a hal.Line.
type Line struct {
	o        Options
	queue    *hal.EventQueue
	stats    stats
	state    atomic.Value // hal.LineState
	device   atomic.Value // Device
	handler  atomic.Pointer[hal.AudioHandler]
	commands chan request
	hang     chan struct{} // room for one: a second wish to hang up is the same wish
	closed   chan struct{} // Run has returned
	random   *rand.Rand    // Run's
}

// request is a command for the owner.
type request struct {
	do     func(*machine) error
	answer chan error
}

var _ hal.Line = (*Line)(nil)

// New checks the options and makes a line that is out of service until Run has
// found its modem.
func New(o Options) (*Line, error) {
	if o.ID == "" || o.Port == nil {
		return nil, errors.New("voice modem needs a line id and a port")
	}
	if o.Kind == "" {
		o.Kind = hal.Analog
	}
	if o.Country == "" {
		o.Country = "IT"
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if _, ok := dialectNamed(o.Dialect); !ok && o.Dialect != "" && o.Dialect != "auto" {
		return nil, fmt.Errorf("line %s: unknown modem dialect %q", o.ID, o.Dialect)
	}
	for _, n := range o.MSN {
		if n == "" || strings.Trim(n, "0123456789*#") != "" {
			return nil, fmt.Errorf("line %s: %q is not an ISDN number", o.ID, n)
		}
	}
	l := &Line{
		o: o, queue: hal.NewEventQueue(),
		commands: make(chan request), hang: make(chan struct{}, 1), closed: make(chan struct{}),
		random: rand.New(rand.NewPCG(o.Seed, uint64(len(o.ID)))),
	}
	l.state.Store(hal.LineOutOfService)
	l.device.Store(Device{})
	return l, nil
}

// ID implements hal.Line.
func (l *Line) ID() hal.LineID { return l.o.ID }

// Kind implements hal.Line.
func (l *Line) Kind() hal.LineKind { return l.o.Kind }

// Caps implements hal.Line: what a line of this kind can do with every modem.
func (l *Line) Caps() hal.Caps {
	digital := l.o.Kind == hal.ISDN
	return hal.Caps{CallerID: true, RealAnswer: digital, RealHangup: digital, Flash: !digital}
}

// State implements hal.Line.
func (l *Line) State() hal.LineState { return l.state.Load().(hal.LineState) }

// Events implements hal.Line.
func (l *Line) Events() <-chan hal.LineEvent { return l.queue.C }

// SetAudio implements hal.Line.
func (l *Line) SetAudio(h hal.AudioHandler) {
	if h == nil {
		l.handler.Store(nil)
		return
	}
	l.handler.Store(&h)
}

// Stats implements hal.Line.
func (l *Line) Stats() hal.LineStats { return l.stats.snapshot() }

// Device is the modem of a line in service.
type Device struct {
	Model   string // what it calls itself
	Dialect string // which is spoken with it
	Port    string // what the system calls its port now
}

// Device tells of the modem, for the page; all of it is empty while the line is out of
// service.
func (l *Line) Device() Device { return l.device.Load().(Device) }

// know keeps what there is to tell of the modem. It is called before the state is
// published, so that whoever hears of it finds the device.
func (l *Line) know(m *machine, st hal.LineState, port string) {
	d := Device{}
	if st != hal.LineOutOfService {
		d = Device{Model: m.model(), Dialect: m.dialect.Name, Port: port}
	}
	l.device.Store(d)
}

// ask lets the owner do something and returns its answer.
func (l *Line) ask(ctx context.Context, do func(*machine) error) error {
	if l.State() == hal.LineOutOfService {
		return hal.ErrLineState
	}
	r := request{do, make(chan error, 1)}
	select {
	case l.commands <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closed:
		return hal.ErrLineState
	}
	return <-r.answer
}

// Answer implements hal.Line.
func (l *Line) Answer(ctx context.Context) error {
	return l.ask(ctx, func(m *machine) error { return m.answer(m.now) })
}

// Dial implements hal.Line.
func (l *Line) Dial(ctx context.Context, number string) error {
	if !validNumber(number) {
		return hal.ErrDialString
	}
	return l.ask(ctx, func(m *machine) error { return m.dial(m.now, number) })
}

// SendDTMF implements hal.Line.
func (l *Line) SendDTMF(digits string) error {
	g, err := audio.NewDTMFGen(digits, audio.DTMFOn, audio.DTMFOff, audio.DTMFLevel)
	if err != nil {
		return err
	}
	s := make([]int16, len(digits)*audio.Samples(audio.DTMFOn+audio.DTMFOff))
	g.Read(s)
	return l.ask(context.Background(), func(m *machine) error { return m.keyOut(s) })
}

// Flash implements hal.Line.
func (l *Line) Flash(ctx context.Context) error {
	return l.ask(ctx, func(m *machine) error { return m.flash(m.now) })
}

// HangUp implements hal.Line. A line that only rings cannot be hung up: the caller
// is heard again at the next burst.
func (l *Line) HangUp() {
	select {
	case l.hang <- struct{}{}:
	default:
	}
}
