package sim

import (
	"errors"
	"time"

	"centralino/hal"
)

// Errors of Exchange.Ring.
var (
	ErrNoLine   = errors.New("exchange has no such line")
	ErrLineBusy = errors.New("line is busy")
)

// ExchangeOptions are the choices for a whole exchange; the zero value works.
type ExchangeOptions struct {
	Seed uint64 // of the lines' noise
}

// Exchange is a public exchange: subscriber lines towards the box and the parties
// who call it or are called by it. All methods may be called from any goroutine.
type Exchange struct{ _ int }

// NewExchange makes an exchange without lines.
func NewExchange(o ExchangeOptions) *Exchange { return &Exchange{} }

// Close ends every call and stops every timer of the exchange.
func (x *Exchange) Close() {}

// LineOptions describes the subscriber line.
type LineOptions struct {
	Kind       hal.LineKind  // Analog if empty; ISDN lines signal answer and clearing digitally
	ReturnLoss float64       // of the 2-wire hybrid in dB, 26 if 0; ISDN lines have no echo
	EchoDelay  time.Duration // of the hybrid's reflection, 2 ms if 0
	NoiseDBm0  float64       // of white noise on the line; 0 = no noise
}

// ExLine is the exchange's end of one 2-wire line. A Modem or a direct Line is
// connected to it.
type ExLine struct{ _ int }

// AddLine connects a new line.
func (x *Exchange) AddLine(id hal.LineID, o LineOptions) *ExLine { return &ExLine{} }

// Line returns the line, or nil.
func (x *Exchange) Line(id hal.LineID) *ExLine { return nil }

// ID names the line.
func (l *ExLine) ID() hal.LineID { return "" }

// OffHook reports whether the box's side holds the loop closed.
func (l *ExLine) OffHook() bool { return false }

// CallerSpec is an outside caller.
type CallerSpec struct {
	Number     string
	Name       string
	Restricted bool          // presentation restricted: NMBR=P
	Unknown    bool          // number not available: NMBR=O
	NoCLIP     bool          // the exchange sends no caller ID at all
	BeforeRing bool          // caller ID comes before the first ring burst and not after it
	Called     string        // the number that was dialled, told on ISDN lines
	GiveUp     time.Duration // the caller hangs up when not answered within it; 0 = never
	Clearing   Clearing      // how the line learns that the caller hung up
}

// Clearing says what the box's side notices when the far party hangs up first.
// ISDN lines are always told.
type Clearing string

// Ways of clearing.
const (
	ClearBusyTone  Clearing = ""          // busy tone until the box goes on hook
	ClearLoopBreak Clearing = "loopBreak" // loop current off for 400 ms, then busy tone
	ClearSilent    Clearing = "silent"    // nothing at all
)

// Ring makes caller call the line: 1 s bursts every 5 s until the line goes off
// hook, the caller hangs up or GiveUp is over. ErrLineBusy if the line is off hook
// or ringing already.
func (x *Exchange) Ring(id hal.LineID, caller CallerSpec) (*Party, error) { return nil, ErrNoLine }

// DialResult is what becomes of a call that the box makes.
type DialResult string

// Results of dialing.
const (
	Answers    DialResult = ""           // rings for Delay, then answers
	IsBusy     DialResult = "busy"       // busy tone
	NoReply    DialResult = "noReply"    // rings and is never answered
	Congested  DialResult = "congested"  // congestion tone
	Impossible DialResult = "impossible" // SIT, then congestion tone
)

// DialOutcome is the far end of one call of the box.
type DialOutcome struct {
	Result   DialResult
	Delay    time.Duration // of ringing before the answer; 0 means 2 s
	Clearing Clearing
	Party    func(*Party) // told of the far party when it starts to ring; may be nil. Must not block.
}

// OnDial installs who decides what becomes of the numbers that the box dials.
// Without it everybody answers after 2 s and says nothing.
func (x *Exchange) OnDial(f func(line hal.LineID, number string) DialOutcome) {}

// PartyState is where a far party stands.
type PartyState string

// States of a party: a caller starts calling, a called one ringing.
const (
	PartyCalling PartyState = "calling" // calls the box, not answered yet
	PartyRinging PartyState = "ringing" // is called by the box, has not answered yet
	PartyTalking PartyState = "talking"
	PartyEnded   PartyState = "ended"
)

// Party is somebody at the far end of a line.
type Party struct{ _ int }

// Line returns the line on which the party talks with the box.
func (p *Party) Line() hal.LineID { return "" }

// Number is the party's number: the caller's or the one that the box dialled.
func (p *Party) Number() string { return "" }

// State returns where the party stands.
func (p *Party) State() PartyState { return PartyEnded }

// OnState calls f with every later change of state, from the exchange's timer or
// the caller of the method that caused it. f must not block.
func (p *Party) OnState(f func(PartyState)) {}

// Answered is closed when both ends talk.
func (p *Party) Answered() <-chan struct{} { return nil }

// Done is closed when the party's call is over, whoever ended it.
func (p *Party) Done() <-chan struct{} { return nil }

// Say adds 8 kHz samples to what the party says; it begins when both ends talk.
func (p *Party) Say(samples []int16) {}

// Saying reports whether something added by Say or Key is still to be said.
func (p *Party) Saying() bool { return false }

// Key presses keys (0-9 * # A-D), 80 ms each with 80 ms between, after what the
// party has still to say.
func (p *Party) Key(keys string) {}

// Heard returns a copy of what the party heard since the answer, 8 kHz.
func (p *Party) Heard() []int16 { return nil }

// HangUp ends the party's call; the line notices as CallerSpec.Clearing says.
func (p *Party) HangUp() {}
