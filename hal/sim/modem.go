package sim

import (
	"context"
	"time"

	"centralino/hal"
)

// ModemOptions describes a simulated modem.
type ModemOptions struct {
	Profile  Profile
	Link     string        // symbolic link that always leads to the modem's present pty; empty = none
	PPM      float64       // deviation of the codec clock, parts per million
	Stuck    bool          // at the start off hook and in duplex, as a killed driver leaves it
	Latency  time.Duration // of command answers, 20 ms if 0
	TXBuffer int           // samples the modem queues towards the line, 1024 if 0
}

// Modem is a V.253 DCE connected to a line of the exchange. It ends with its
// context or by Close.
type Modem struct{ _ int }

// OpenModem starts a modem behind a new pty.
func OpenModem(ctx context.Context, line *ExLine, o ModemOptions) (*Modem, error) {
	return &Modem{}, nil
}

// OpenPortModem starts a modem whose serial port is a pipe in memory, for tests in
// virtual time; Opener gives the other end of the pipe.
func OpenPortModem(ctx context.Context, line *ExLine, o ModemOptions) *Modem { return &Modem{} }

// Path is the device to open: Link if there is one, else the pty's own name. It is
// empty for a modem in memory and while a modem without link is unplugged.
func (m *Modem) Path() string { return "" }

// Opener opens the in-memory port of a modem made by OpenPortModem.
func (m *Modem) Opener() hal.PortOpener { return nil }

// Unplug takes the modem's port away; a call in progress ends.
func (m *Modem) Unplug() {}

// Replug brings the modem back, freshly powered on and under another device name.
func (m *Modem) Replug() error { return nil }

// Inject makes the modem misbehave from now on.
func (m *Modem) Inject(f Fault) {}

// Received returns a copy of every command line that the modem was given, without
// "AT" prefix handling: as it was received between carriage returns.
func (m *Modem) Received() []string { return nil }

// Counts returns what the modem's stream engine has counted since power on.
func (m *Modem) Counts() ModemCounts { return ModemCounts{} }

// Close unplugs the modem for good and waits for its goroutines.
func (m *Modem) Close() error { return nil }

// ModemCounts are the stream engine's counters.
type ModemCounts struct {
	Underruns, Overruns uint64 // u and o events, sent or not
	Commands            uint64
}

// Fault is a misbehaviour of a modem.
type Fault struct {
	Garbage []byte        // sent once, at once
	Error   int           // the next n commands answer ERROR
	Slow    time.Duration // every answer comes this much later
	Mute    bool          // answers nothing at all until a fault without Mute
	Deaf    bool          // does not even read its port until a fault without Deaf
}
