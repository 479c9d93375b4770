// Package hal says what the box is made of, as interfaces: telephone lines,
// serial ports, LEDs, buttons, relays and the watchdog. It owns no state, starts
// no goroutine and imports nothing outside the standard library. Drivers live in
// the rooms below it (hal/voicemodem, hal/gpio, hal/sim …); whoever uses a driver
// sees only these interfaces. Every driver of a Line passes the contract test in
// hal/haltest.
package hal

import (
	"context"
	"io"
	"time"
)

// FrameSamples is the length of one audio frame: 20 ms at 8 kHz.
const FrameSamples = 160

// LineID names a line of the office document, for instance "line-1".
type LineID string

// LineKind is the technology of a line.
type LineKind string

// The kinds of line that drivers exist or are planned for.
const (
	Analog LineKind = "analog"
	ISDN   LineKind = "isdn"
	Mobile LineKind = "mobile"
)

// Caps says what a line can do. It does not change while the line lives.
type Caps struct {
	CallerID   bool // reports the caller's number
	RealAnswer bool // Answered is a fact and not a presumption
	RealHangup bool // the far end's hanging up is signalled, not only heard
	Flash      bool // hook flash
}

// LineState is where a line stands.
//
//	           Ring            Answer          VCON
//	idle ───────────▶ ringing ───────▶ answering ───▶ active
//	 ▲  ╲ Dial                                         │
//	 │   ╲──────────▶ dialing ──────────Answered──────▶│
//	 │ guard (1 s)                                     │ HangUp, Hangup
//	 └──────────────── clearing ◀──────────────────────┘
//
// Any state goes to outOfService when the port disappears or the device does not
// answer; from there the driver finds the way back to idle by itself.
type LineState string

// The states of a line.
const (
	LineOutOfService LineState = "outOfService"
	LineIdle         LineState = "idle"
	LineRinging      LineState = "ringing"
	LineAnswering    LineState = "answering"
	LineDialing      LineState = "dialing"
	LineActive       LineState = "active"
	LineClearing     LineState = "clearing"
)

// LineEvent is one thing that happened on a line. The concrete types are Ring,
// CallerID, RingStop, Progress, Answered, DTMF, Hangup, and StateChanged.
type LineEvent interface{ lineEvent() }

// Ring reports the Nth ring burst of an incoming call (from 1). Called is the
// number that was dialled where the line tells it (ISDN MSN), else empty.
type Ring struct {
	N      int
	Called string
}

// CallerID reports who calls. It may come before the first Ring and comes at most
// once a call. Number is as the network sent it, not normalised.
type CallerID struct {
	Number     string
	Name       string
	Restricted bool // presentation restricted ("P")
	Unknown    bool // unavailable ("O")
}

// RingStop reports that the caller gave up before the line was answered.
type RingStop struct{}

// Tone is a call progress tone heard or reported while dialing.
type Tone string

// Call progress tones (ITU-T E.180).
const (
	DialTone   Tone = "dial"
	Ringback   Tone = "ringback"
	BusyTone   Tone = "busy"
	Congestion Tone = "congestion"
	SIT        Tone = "sit"
)

// Progress reports a call progress tone during dialing.
type Progress struct{ Tone Tone }

// Answered reports that the line is through: after Answer, or because the far end
// of Dial picked up. Presumed is true where the line cannot know (an analog line
// reports the end of the ringback tone, not the answer).
type Answered struct{ Presumed bool }

// DTMF reports one key press, once.
type DTMF struct{ Digit byte }

// HangupCause says why a line cleared.
type HangupCause string

// Why a line cleared.
const (
	CauseLocal     HangupCause = "local"     // HangUp was called
	CauseBusyTone  HangupCause = "busyTone"  // busy or congestion tone after talking: far end hung up
	CauseLoopBreak HangupCause = "loopBreak" // loop current break or polarity reversal
	CauseReported  HangupCause = "reported"  // the device said so (NO CARRIER, DLE ETX, URC)
	CauseBusy      HangupCause = "busy"      // dialing: the number is busy
	CauseNoAnswer  HangupCause = "noAnswer"  // dialing: nobody answered
	CauseNoDial    HangupCause = "noDialTone"
	CauseGone      HangupCause = "gone" // the device was unplugged or stopped answering
)

// Hangup reports that a call or a call attempt on the line is over. It comes
// exactly once for each call that was answered, dialed or whose ringing was
// answered, also after HangUp.
type Hangup struct{ Cause HangupCause }

// StateChanged reports every change of the line's state, for lamps and pages.
// Reason is a short English diagnostic for outOfService, else empty.
type StateChanged struct {
	State  LineState
	Reason string
}

func (Ring) lineEvent()         {}
func (CallerID) lineEvent()     {}
func (RingStop) lineEvent()     {}
func (Progress) lineEvent()     {}
func (Answered) lineEvent()     {}
func (DTMF) lineEvent()         {}
func (Hangup) lineEvent()       {}
func (StateChanged) lineEvent() {}

// AudioHandler is fed by a line while it is answering, dialing or active.
//
// The line's own clock is the master of its audio: LineFrame is called once for
// each 160 samples received, evenly even where they come in lumps, and what it puts
// into tx is sent next. Both slices hold FrameSamples octets of G.711 A-law and are
// valid only during the call. LineFrame is called from the driver's goroutine and
// must neither block nor allocate.
type AudioHandler interface {
	LineFrame(rx, tx []byte)
}

// LineStats counts what a line did since it was opened. All fields only grow,
// but for QueuedMS, the present standing queue towards the line.
type LineStats struct {
	RxFrames, TxFrames uint64
	Underruns          uint64 // 'u' events: we were late
	Overruns           uint64 // 'o' events: we read too slowly
	Shielded           uint64 // DLE codes seen in the stream
	Resyncs            uint64 // device had to be brought back to command state
	Garbage            uint64 // octets from the device that meant nothing
	QueuedMS           int
}

// Line is one telephone line that carries one call at a time.
//
// Run drives the line until its context ends, survives unplugging and every
// fault of the device, and closes the Events channel when it returns. The other
// methods may be called from any goroutine while Run runs and return at once
// with ErrLineState when the line's state does not allow them, or when ctx ends;
// HangUp always succeeds in the end and may be called in any state.
type Line interface {
	ID() LineID
	Kind() LineKind
	Caps() Caps
	// State is the present state, from a published snapshot.
	State() LineState
	Run(ctx context.Context) error
	// Events has room for 64: two seconds of the busiest line. A reader that is
	// later than that loses DTMF and Progress events, never a Ring,
	// an Answered or a Hangup.
	Events() <-chan LineEvent
	// SetAudio installs who hears and feeds the line; nil means silence.
	SetAudio(h AudioHandler)
	// Answer takes a ringing line off hook and returns when the command was
	// accepted for sending; Answered follows as an event.
	Answer(ctx context.Context) error
	// Dial takes an idle line off hook and dials. Only 0-9, *, # and + may stand
	// in number; anything else is refused with ErrDialString.
	Dial(ctx context.Context, number string) error
	// SendDTMF sends digits (0-9 * # A-D) in the audio of an active line.
	SendDTMF(digits string) error
	// Flash sends a hook flash where Caps.Flash.
	Flash(ctx context.Context) error
	// HangUp goes on hook. On an idle line it does nothing.
	HangUp()
	Stats() LineStats
}

// Port is an open serial port: bytes both ways, and the modem control lines that
// the system offers. Read returns io.EOF or an error when the device is gone and
// (0, nil) when nothing came within the read timeout. Write gives up with an
// error after its own deadline instead of blocking for ever.
type Port interface {
	io.ReadWriteCloser
	// SetDTR raises or drops Data Terminal Ready; on ports without modem lines
	// (a pty) it does nothing.
	SetDTR(on bool) error
	// ResetInput throws away what was received and not yet read.
	ResetInput() error
}

// PortOpener finds and opens the port of a line anew, also under another device
// name after replugging. Name is what the device is called now, for the log.
type PortOpener interface {
	OpenPort(ctx context.Context) (p Port, name string, err error)
}

// LED is one lamp. Set must be quick and may fail silently: a lamp that cannot be
// lit never disturbs a call.
type LED interface{ Set(on bool) error }

// ButtonEdge is one change of a button. Pressed is true while it is held down.
type ButtonEdge struct {
	Pressed bool
	At      time.Time // when it came, which may be long before it was read
}

// Button is a push button. Edges has room for 16 edges, more than a person makes
// in a second; when it is full the newest are dropped. It is closed when ctx of
// Watch ends.
type Button interface {
	Watch(ctx context.Context) (<-chan ButtonEdge, error)
}

// Relay switches something on or off, for instance the power of a gateway.
type Relay interface{ Set(on bool) error }

// Watchdog restarts the box unless it is fed within its period.
type Watchdog interface {
	Feed() error
	Close() error
}
