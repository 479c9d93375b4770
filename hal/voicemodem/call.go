package voicemodem

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"centralino/hal"
)

// ring is RING from the modem.
func (m *machine) ring(called string) {
	switch m.state {
	case hal.LineIdle, hal.LineRinging:
	case hal.LineClearing:
		if !m.onHook() {
			return
		}
		m.disarm(timerGuard) // over for the caller's sake
	case hal.LineDialing:
		if m.dialTone.checking && m.done == nil && !m.stream.open { // on hook, between two attempts
			m.clear(hal.CauseNoDial)
		}
		return
	default:
		return // some modems report one more RING after going off hook
	}
	if m.timers[timerCaller].f != nil {
		m.reportCaller()
	}
	m.rings++
	m.to(hal.LineRinging, "")
	m.event(hal.Ring{N: m.rings, Called: called})
	m.arm(timerRing, ringStop, m.ringEnd)
}

// ringEnd is the caller having given up.
func (m *machine) ringEnd() {
	ringing := m.state == hal.LineRinging
	m.disarm(timerCaller)
	if ringing {
		m.event(hal.RingStop{})
	}
	m.forgetCall()
	if ringing {
		m.to(hal.LineIdle, "")
		m.watch()
	}
}

// callerLine is a line of caller ID, which may come before the first RING.
func (m *machine) callerLine(s string) {
	if m.called || (m.state != hal.LineIdle && m.state != hal.LineRinging && m.state != hal.LineClearing) {
		return
	}
	m.caller.add(s)
	m.arm(timerCaller, callerQuiet, m.reportCaller)
	if m.rings == 0 {
		m.arm(timerRing, ringStop, m.ringEnd)
	}
}

func (m *machine) reportCaller() {
	m.disarm(timerCaller)
	if id, ok := m.caller.take(); ok && !m.called {
		m.called = true
		m.event(id)
	}
}

// idleCode is a DLE code outside of a stream: some modems report rings that way.
func (m *machine) idleCode(c byte) {
	m.stats.shielded.Add(1)
	if c == 'R' {
		m.ring("")
	}
}

// answer takes a ringing line off hook.
func (m *machine) answer(now time.Time) error {
	m.now = now
	if m.state != hal.LineRinging {
		return hal.ErrLineState
	}
	m.reportCaller()
	m.disarm(timerRing)
	m.outgoing = false
	m.to(hal.LineAnswering, "")
	m.whenFree(func() {
		m.send(m.dialect.Answer, answerLimit, anyResult, func(r reply) {
			switch r.code {
			case "VCON", "OK":
				m.connect()
			case "":
				m.clear(hal.CauseGone)
			default:
				m.clear(hal.CauseReported)
			}
		})
	})
	return nil
}

// validNumber says whether number may be put into a dial command.
func validNumber(number string) bool {
	return number != "" && len(number) <= 64 && strings.Trim(number, "0123456789*#+") == ""
}

// dial takes an idle line off hook and dials.
func (m *machine) dial(now time.Time, number string) error {
	m.now = now
	if !validNumber(number) {
		return hal.ErrDialString
	}
	if m.state != hal.LineIdle || m.timers[timerCaller].f != nil || m.timers[timerRing].f != nil {
		return hal.ErrLineState
	}
	m.forgetCall()
	m.outgoing, m.dialed = true, number
	m.to(hal.LineDialing, "")
	m.arm(timerCall, dialLimit, func() {
		if m.state == hal.LineDialing {
			m.clear(hal.CauseNoAnswer)
		}
	})
	// Nothing may keep an emergency call, least a modem that knows no Italian tones.
	m.dialTone.blind = m.dialect.Blind == "" || m.plan.IsEmergency(number) || !m.dialTone.expected()
	m.dialTone.checking = false
	m.whenFree(m.dialNow)
	return nil
}

func (m *machine) dialNow() {
	command := m.dialect.Dial
	if m.dialTone.blind && m.dialect.Blind != "" {
		command = m.dialect.Blind
	}
	m.send(fmt.Sprintf(command, m.dialed), dialLimit, anyResult, m.dialResult)
}

// dialAgain dials once more, without dial tone: either the modem does not know it, or a
// caller has just taken the line, who then was cut off by our going on hook or rings on.
func (m *machine) dialAgain() {
	m.dialTone.blind, m.dialTone.checking = true, true
	m.pause(guardTime, m.dialNow)
}

func (m *machine) dialResult(r reply) {
	waited := !m.dialTone.blind
	if waited && (r.code == "NO DIALTONE" || r.code == "NO CARRIER" || r.code == "ERROR") {
		m.dialAgain()
		return
	}
	switch r.code {
	case "VCON", "OK", "CONNECT":
		if waited {
			m.dialTone.known, m.dialTone.refused = true, 0
		}
		m.connect()
	case "BUSY":
		m.clear(hal.CauseBusy)
	case "NO DIALTONE":
		m.clear(hal.CauseNoDial)
	case "NO ANSWER", "":
		m.clear(hal.CauseNoAnswer)
	default:
		m.clear(hal.CauseReported)
	}
}

// connect starts the audio of a line that is off hook.
func (m *machine) connect() {
	m.send(m.dialect.Duplex, plainTimeout, anyResult, func(r reply) {
		if r.code != "CONNECT" {
			m.log.Warn("modem refuses audio", "line", m.o.ID, "command", m.dialect.Duplex, "result", r.code)
			m.clear(hal.CauseReported)
			return
		}
		m.hearken(m.outgoing && !m.dialect.RealAnswer)
		m.stream.start()
		if !m.answered && (!m.outgoing || m.dialect.RealAnswer) {
			m.through(hal.Answered{})
		}
	})
}

// through is the line being answered.
func (m *machine) through(ev hal.Answered) {
	m.answered = true
	m.disarm(timerCall)
	m.to(hal.LineActive, "")
	m.event(ev)
}

// keyOut puts the sound of keys into the audio of an active line.
func (m *machine) keyOut(samples []int16) error {
	if m.state != hal.LineActive {
		return hal.ErrLineState
	}
	m.stream.digits = append(m.stream.digits, samples...)
	return nil
}

// flash leaves the stream, lets the modem flash and takes the audio up again.
func (m *machine) flash(now time.Time) error {
	m.now = now
	switch {
	case m.dialect == nil || m.state != hal.LineActive || !m.stream.open || m.stream.leaving:
		return hal.ErrLineState
	case m.dialect.Flash == "":
		return errors.ErrUnsupported
	}
	m.stream.leaving = true
	m.out = append(m.out, m.dialect.End...)
	m.stream.then = func() {
		m.steps([]string{m.dialect.Flash}, m.connect)
	}
	m.pause(endTimeout, func() { m.lost(ReasonStream) })
	return nil
}

// hangUp is the command of the box.
func (m *machine) hangUp(now time.Time) {
	m.now = now
	m.clear(hal.CauseLocal)
}

// carrierLost is NO CARRIER that ends no command: a digital line cleared.
func (m *machine) carrierLost() {
	switch m.state {
	case hal.LineAnswering, hal.LineDialing, hal.LineActive:
		m.clear(hal.CauseReported)
	}
}

// clear ends the call, if there is one, and takes the line on hook by the first
// way that works: end of stream and ATH, resynchronising and ATH, and last the
// runner's dropping DTR and opening the port anew.
func (m *machine) clear(cause hal.HangupCause) {
	switch m.state {
	case hal.LineAnswering, hal.LineDialing, hal.LineActive:
	default:
		return
	}
	abort := m.done != nil
	m.next = nil
	m.disarm(timerCall)
	m.disarm(timerPace)
	m.disarm(timerStall)
	m.disarm(timerRing)
	m.forgetCall()
	m.to(hal.LineClearing, "")
	m.event(hal.Hangup{Cause: cause})
	switch {
	case m.stream.open:
		m.leaveStream()
	case abort:
		// Any octet ends a command that waits for the line (V.250 5.6.1).
		m.out = append(m.out, '\r')
		m.pause(resyncPause, m.goOnHook)
	default:
		m.goOnHook()
	}
}

// leaveStream asks the modem to end the stream and waits for its DLE ETX.
func (m *machine) leaveStream() {
	m.stream.then = nil
	if !m.stream.leaving { // or a hook flash has asked already
		m.stream.leaving = true
		m.out = append(m.out, m.dialect.End...)
	}
	m.pause(endTimeout, func() {
		m.stream.close()
		m.resync(m.goOnHook)
	})
}

// streamEnded is DLE ETX from the modem: asked for, or because the far end of a
// digital line cleared. Its result code follows.
func (m *machine) streamEnded() {
	asked, then := m.stream.leaving, m.stream.then
	m.stream.close()
	if then == nil {
		then = m.goOnHook
	}
	m.parser = parser{}
	if !asked {
		m.clear(hal.CauseReported)
		return
	}
	m.accept, m.done = anyResult, func(reply) { then() }
	m.arm(timerCommand, endTimeout, func() { m.finish("") })
}

// goOnHook sends the hang-up commands; the first of them must be answered.
func (m *machine) goOnHook() {
	m.send(m.dialect.HangUp[0], plainTimeout, plain, func(r reply) {
		if r.code == "" {
			m.lost(ReasonOffHook)
			return
		}
		m.steps(m.dialect.HangUp[1:], m.restoreFormat)
	})
}

// restoreFormat repeats voice mode and sample format: ATH resets them on some
// modems. Then the guard time runs.
func (m *machine) restoreFormat() {
	m.steps([]string{"AT+FCLASS=8", fmt.Sprintf(m.dialect.VSM, m.format.cml)}, func() {
		m.rest(guardTime)
	})
}

// rest is the guard time between two calls; the line is known to be on hook.
func (m *machine) rest(d time.Duration) {
	m.arm(timerGuard, d, func() {
		if m.state == hal.LineClearing {
			m.to(hal.LineIdle, "")
			m.watch()
		}
	})
}
