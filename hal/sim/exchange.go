package sim

import (
	"errors"
	"sync"
	"time"

	"centralino/hal"
)

// Errors of the exchange.
var (
	ErrNoLine    = errors.New("exchange has no such line")
	ErrLineBusy  = errors.New("line is busy")
	ErrLineTaken = errors.New("line has a device already")
)

// Ring cadence and tones of the Italian network, and the exchange's own delays.
const (
	ringOn      = time.Second
	ringPeriod  = 5 * time.Second
	clipDelay   = 1800 * time.Millisecond // caller ID is complete after the start of ring 1
	clipLead    = 500 * time.Millisecond  // caller ID sent before ring 1 is complete before it
	postDial    = 500 * time.Millisecond  // from the last digit to the first tone
	loopBreak   = 400 * time.Millisecond
	defaultRing = 2 * time.Second // of a called party before it answers
)

// ExchangeOptions are the choices for a whole exchange; the zero value works.
type ExchangeOptions struct {
	Seed uint64 // of the lines' noise
}

// Exchange is a public exchange: subscriber lines towards the box and the parties
// who call it or are called by it. All methods may be called from any goroutine;
// callbacks come one at a time, in order, and must not block.
type Exchange struct {
	o ExchangeOptions

	mu      sync.Mutex
	lines   map[hal.LineID]*ExLine
	onDial  func(hal.LineID, string) DialOutcome
	closed  bool
	calls   []func() // callbacks to be made once mu is free
	calling bool     // somebody is making them

	watchers []*func(LineEvent) // copied to be changed
}

// NewExchange makes an exchange without lines.
func NewExchange(o ExchangeOptions) *Exchange {
	return &Exchange{o: o, lines: map[hal.LineID]*ExLine{}}
}

// do runs f with the exchange locked and then makes the callbacks that f queued.
// Callbacks keep their order over all goroutines: whoever finds nobody making
// them makes them all.
func (x *Exchange) do(f func()) {
	x.mu.Lock()
	f()
	if x.calling {
		x.mu.Unlock()
		return
	}
	x.calling = true
	for len(x.calls) > 0 {
		c := x.calls[0]
		x.calls = x.calls[1:]
		x.mu.Unlock()
		c()
		x.mu.Lock()
	}
	x.calling = false
	x.mu.Unlock()
}

// later queues a callback. Call with the exchange locked.
func (x *Exchange) later(f func()) { x.calls = append(x.calls, f) }

// after runs f under do once d is over, unless the call on l is another one by
// then.
func (x *Exchange) after(d time.Duration, l *ExLine, f func()) *time.Timer {
	c := l.call
	return time.AfterFunc(d, func() {
		x.do(func() {
			if l.call == c && c != nil && !x.closed {
				f()
			}
		})
	})
}

// Close ends every call and stops every timer of the exchange.
func (x *Exchange) Close() {
	x.do(func() {
		x.closed = true
		for _, l := range x.lines {
			l.endCall()
		}
	})
}

// AddLine connects a new line; an id that is in use already gets its old line.
func (x *Exchange) AddLine(id hal.LineID, o LineOptions) *ExLine {
	var l *ExLine
	x.do(func() {
		if l = x.lines[id]; l == nil {
			l = newExLine(x, id, o)
			x.lines[id] = l
		}
	})
	return l
}

// Line returns the line, or nil.
func (x *Exchange) Line(id hal.LineID) *ExLine {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lines[id]
}

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
func (x *Exchange) Ring(id hal.LineID, caller CallerSpec) (*Party, error) {
	var p *Party
	err := ErrNoLine
	x.do(func() {
		l := x.lines[id]
		if l == nil || x.closed {
			return
		}
		if l.offHook || l.call != nil || l.cut {
			err = ErrLineBusy
			return
		}
		p, err = newParty(l, caller.Number, caller.Clearing, PartyCalling), nil
		l.startRing(p, caller)
	})
	return p, err
}

// DialResult is what becomes of a call that the box makes.
type DialResult string

// Results of dialing.
const (
	Answers   DialResult = ""          // rings for Delay, then answers
	IsBusy    DialResult = "busy"      // busy tone
	NoReply   DialResult = "noReply"   // rings and is never answered
	Congested DialResult = "congested" // congestion tone
)

// DialOutcome is the far end of one call of the box.
type DialOutcome struct {
	Result   DialResult
	Delay    time.Duration // of ringing before the answer; 0 means 2 s
	Clearing Clearing
	Party    func(*Party) // told of the far party before it rings; may be nil. Must not block.
}

// OnDial installs who decides what becomes of the numbers that the box dials; f is
// called with the exchange locked and must only decide. Without it everybody
// answers after 2 s and says nothing.
func (x *Exchange) OnDial(f func(line hal.LineID, number string) DialOutcome) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onDial = f
}
