package sim

import (
	"context"

	"centralino/hal"
)

// Line is a hal.Line directly on the exchange, without a modem: no pty, no
// goroutine blocked in I/O. It is the line of the whole-box simulation in virtual
// time and passes the same contract test as the modem driver.
type Line struct{ l *ExLine }

var _ hal.Line = (*Line)(nil)

// DirectLine makes the line of an ExLine added before under the same id; it
// panics if there is none or if it is taken already.
func (x *Exchange) DirectLine(id hal.LineID) *Line { return &Line{} }

// ID implements hal.Line.
func (d *Line) ID() hal.LineID { return "" }

// Kind implements hal.Line.
func (d *Line) Kind() hal.LineKind { return hal.Analog }

// Caps implements hal.Line: analog lines know callers only, ISDN lines all but
// flash.
func (d *Line) Caps() hal.Caps { return hal.Caps{} }

// State implements hal.Line.
func (d *Line) State() hal.LineState { return hal.LineOutOfService }

// Run implements hal.Line.
func (d *Line) Run(ctx context.Context) error { return nil }

// Events implements hal.Line.
func (d *Line) Events() <-chan hal.LineEvent { return nil }

// SetAudio implements hal.Line.
func (d *Line) SetAudio(h hal.AudioHandler) {}

// Answer implements hal.Line.
func (d *Line) Answer(ctx context.Context) error { return hal.ErrLineState }

// Dial implements hal.Line.
func (d *Line) Dial(ctx context.Context, number string) error { return hal.ErrLineState }

// SendDTMF implements hal.Line.
func (d *Line) SendDTMF(digits string) error { return hal.ErrLineState }

// Flash implements hal.Line.
func (d *Line) Flash(ctx context.Context) error { return hal.ErrLineState }

// HangUp implements hal.Line.
func (d *Line) HangUp() {}

// Stats implements hal.Line.
func (d *Line) Stats() hal.LineStats { return hal.LineStats{} }

// Unplug takes the line away as if its device had been pulled out; the box hears
// of it within a second.
func (d *Line) Unplug() {}

// Replug gives the line back.
func (d *Line) Replug() {}
