package voicemodem

import (
	"log/slog"
	"time"

	"centralino/hal"
	"centralino/internal/numbering"
)

// Timings of the driver.
const (
	resyncPause  = 200 * time.Millisecond // between the octets that leave a stream
	drainTime    = 100 * time.Millisecond // of what a stuck modem still sends
	probeTimeout = time.Second            // of AT
	plainTimeout = 2 * time.Second        // of a command that only sets something
	answerLimit  = 8 * time.Second        // of ATA
	dialLimit    = 2 * time.Minute        // of a call attempt
	endTimeout   = 600 * time.Millisecond // of leaving a stream
	ringStop     = 6 * time.Second        // after the last RING the caller is gone
	callerQuiet  = 300 * time.Millisecond // after its last line caller ID is complete
	guardTime    = time.Second            // on hook between two calls
	probeEvery   = 30 * time.Second       // an idle modem is asked whether it is there
	stallAfter   = 60 * time.Millisecond  // a moment, for what is judged by when it came
	stallLimit   = 2 * time.Second        // without samples the modem is lost
)

// timerID is one of the machine's timers.
type timerID uint8

const (
	timerCommand timerID = iota // deadline of the command, or a pause between commands
	timerRing
	timerCaller
	timerProbe
	timerCall  // limit of a call attempt
	timerPace  // of the stream
	timerStall // without samples
	timerGuard // between hanging up and the next call
	timerCount
)

type timer struct {
	at time.Time // zero = not armed
	f  func()
}

// machine decides what a modem line does. It is pure: octets, commands and the
// time go in; octets, events and wishes to its runner come out. It is used by one
// goroutine.
//
//	start ─▶ resync ─▶ identify ─▶ init ─▶ idle ⇄ ringing ─▶ answering ─▶ active
//	             ▲                          │ dial              │            │
//	             │                          ▼                   ▼            ▼
//	             │                        dialing ─────────▶ clearing ◀──────┘
//	             └── lost: the runner drops DTR, reopens the port and starts again
//
// The states after init are hal.LineState; before it the line is out of service.
type machine struct {
	o    *Options
	plan numbering.Plan // of the country: which numbers are for emergencies
	log  *slog.Logger
	now  time.Time

	// Outputs, taken by the runner after each call.
	out      []byte              // to write
	event    func(hal.LineEvent) // events, in order
	frame    func(rx, tx []byte) // the audio handler, or silence
	fault    string              // not empty: the modem is lost, and why
	patience time.Duration       // with fault: do not try again before this is over

	state  hal.LineState
	timers [timerCount]timer
	stats  *stats

	// Command state.
	parser  parser
	drain   bool // throw away what comes
	command string
	done    func(reply) // of the command that is being executed
	accept  func(result string) bool
	info    []string
	next    func() // waits for the command to end

	// The device.
	dialect  *Dialect
	identity []string
	formats  []format
	format   format

	// The call.
	rings    int
	caller   caller
	called   bool // caller was reported
	lastRing time.Time
	outgoing bool
	answered bool
	dialed   string
	dialTone dialTone
	stream   stream
	ears     ears
}

// dialTone is what this modem and its line are known to do about it. Many modems do
// not know the cadence of the Italian one.
type dialTone struct {
	blind    bool // this attempt does not wait for it
	known    bool // the modem has heard it
	refused  int  // calls in a row that went through although the modem had not heard it
	checking bool // this call is one, should it go through
	audible  bool // something was heard on the line
	silent   int  // attempts in a row in which nothing was
}

// expected says whether a modem is to wait for dial tone before it dials.
func (t *dialTone) expected() bool {
	return t.refused == 0 || t.known && t.refused < 2
}

// reply is how a command ended; code is empty when the modem did not answer.
type reply struct {
	code string
	info []string
}

func newMachine(o *Options, s *stats) *machine {
	plan, _ := numbering.New(o.Country, "") // without a plan it knows 112
	m := &machine{o: o, plan: plan, log: o.Log, stats: s, state: hal.LineOutOfService}
	m.event = func(hal.LineEvent) {}
	m.frame = func(rx, tx []byte) { silence(tx) }
	m.stream.init(m)
	m.ears.init()
	return m
}

// to changes the state and reports it.
func (m *machine) to(s hal.LineState, reason string) {
	if m.state != s {
		m.state = s
		m.event(hal.StateChanged{State: s, Reason: reason})
	}
}

// arm makes f run after d unless the timer is armed anew or disarmed.
func (m *machine) arm(id timerID, d time.Duration, f func()) {
	m.timers[id] = timer{m.now.Add(d), f}
}

func (m *machine) disarm(id timerID) { m.timers[id] = timer{} }

// deadline is when tick wants to be called, zero if never.
func (m *machine) deadline() time.Time {
	var first time.Time
	for i := range m.timers {
		if at := m.timers[i].at; !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// tick runs the timers that are due.
func (m *machine) tick(now time.Time) {
	m.now = now
	for i := range m.timers {
		if t := m.timers[i]; !t.at.IsZero() && !t.at.After(now) {
			m.timers[i] = timer{}
			t.f()
		}
	}
}

// input takes octets from the modem.
func (m *machine) input(now time.Time, b []byte) {
	m.now = now
	for len(b) > 0 {
		switch {
		case m.drain:
			return
		case m.stream.open:
			b = m.stream.receive(b)
		default:
			b = m.parser.parse(b, m.token)
			m.stats.garbage.Add(m.parser.dropped)
			m.parser.dropped = 0
		}
	}
}

// writing is called before out is written.
func (m *machine) writing(now time.Time) {
	m.now = now
	m.stream.writing()
}

// token handles what the modem said in command state; false stops the parser
// because what follows are samples.
func (m *machine) token(t token) bool {
	switch t.kind {
	case tokenRing:
		m.ring(t.text)
	case tokenCaller:
		m.callerLine(t.text)
	case tokenCode:
		m.idleCode(t.code)
	case tokenText:
		switch {
		case m.done == nil: // nobody asked
			m.stats.garbage.Add(uint64(len(t.text)))
		case t.text != m.command && len(m.info) < 64:
			m.info = append(m.info, t.text)
		}
	case tokenResult:
		if m.done != nil && m.accept(t.text) {
			m.finish(t.text)
		} else if t.text == "NO CARRIER" {
			m.carrierLost()
		}
	}
	return !m.stream.open
}

// finish ends the command that is being executed.
func (m *machine) finish(code string) {
	f, r := m.done, reply{code, m.info}
	m.done, m.info, m.command = nil, nil, ""
	m.disarm(timerCommand)
	f(r)
	if next := m.next; next != nil && m.done == nil {
		m.next = nil
		next()
	}
}

// whenFree runs f at once, or when the command that is being executed has ended:
// its result must not be taken for that of the next one.
func (m *machine) whenFree(f func()) {
	if m.done == nil {
		f()
		return
	}
	m.next = f
}

// plain are the results that end a command which only sets or asks something.
func plain(result string) bool { return result == "OK" || result == "ERROR" }

// anyResult ends commands that connect.
func anyResult(string) bool { return true }

// send writes a command; done is called once with its result or without one after
// timeout. A command that is still being executed is forgotten.
func (m *machine) send(command string, timeout time.Duration, accept func(string) bool, done func(reply)) {
	m.command, m.accept, m.done, m.info = command, accept, done, nil
	m.out = append(m.out, command...)
	m.out = append(m.out, '\r')
	m.arm(timerCommand, timeout, func() { m.finish("") })
}

// pause goes on with f after d; a command that is being executed is forgotten.
func (m *machine) pause(d time.Duration, f func()) {
	m.done, m.next, m.info, m.command = nil, nil, nil, ""
	m.arm(timerCommand, d, f)
}

// lost ends whatever goes on because the modem cannot be used, and asks the runner
// to bring it back from the beginning.
func (m *machine) lost(reason string) {
	if m.fault != "" {
		return
	}
	m.fault = reason
	m.gone(m.now, reason)
}

// gone is the port having disappeared, or the modem being lost.
func (m *machine) gone(now time.Time, reason string) {
	m.now = now
	m.timers = [timerCount]timer{}
	m.done, m.next, m.drain = nil, nil, false
	m.stream.close()
	switch m.state {
	case hal.LineAnswering, hal.LineDialing, hal.LineActive:
		m.event(hal.Hangup{Cause: hal.CauseGone})
	case hal.LineRinging:
		m.event(hal.RingStop{})
	}
	m.forgetCall()
	m.to(hal.LineOutOfService, reason)
}

func (m *machine) forgetCall() {
	m.rings, m.caller, m.called = 0, caller{}, false
	m.outgoing, m.answered, m.dialed = false, false, ""
}

// onHook reports whether the modem is known to have the line on hook.
func (m *machine) onHook() bool {
	return m.state == hal.LineIdle || m.state == hal.LineRinging ||
		m.state == hal.LineClearing && !m.timers[timerGuard].at.IsZero()
}
