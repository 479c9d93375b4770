package sim

import (
	"fmt"
	"strings"
	"time"

	"centralino/hal"
)

// Delays of the modem's own signal processing.
const (
	answerTime = 150 * time.Millisecond // ATA to VCON
	ringHeard  = 300 * time.Millisecond // start of a burst to RING
	toneHeard  = 2200 * time.Millisecond
	keyHeard   = 60 * time.Millisecond
	noCurrent  = 2 * time.Second // off hook to the certainty that the line is dead
	toneAwaits = 3 * time.Second // off hook to the certainty that there is no dial tone
)

// answer is ATA: off hook, VCON in voice class; data calls find no carrier.
func (m *Modem) answer() outcome {
	if m.p.Kind == hal.ISDN && !m.offhook && (m.caller == nil || !m.line.ringing()) {
		return outcome{result: "NO CARRIER"}
	}
	m.offHook()
	m.wait("VCON")
	serial := m.waitSerial
	result, d := "VCON", answerTime
	if m.fclass != "8" {
		result, d = "NO CARRIER", 3*time.Second
	}
	m.after(d+m.fault.Slow, func() {
		if m.waitSerial == serial {
			m.finish(result)
		}
	})
	return outcome{async: true}
}

// wait begins an answer or dial command that any octet of the host aborts.
func (m *Modem) wait(what string) {
	m.waitFor = what
	m.waitSerial++
}

// finish ends what wait began.
func (m *Modem) finish(result string) {
	if m.waitFor == "" {
		return
	}
	m.waitFor = ""
	m.waitSerial++
	if result != "VCON" && result != "OK" {
		m.onHook()
	}
	m.result(result)
}

func (m *Modem) abortWait() { m.finish("NO CARRIER") }

// dialString is ATD: digits are dialed, a semicolon at the end means that the
// result is OK at once and progress is heard in the audio.
func (m *Modem) dialString(s string) outcome {
	stay := strings.HasSuffix(s, ";")
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789*#+ABCD", r) {
			return r
		}
		return -1
	}, strings.TrimLeft(strings.ToUpper(s), "TP"))
	m.offHook()
	m.wait("VCON")
	serial := m.waitSerial
	without := time.Duration(0)
	switch {
	case m.line.dead() && !m.o.NoSense: // whatever ATX says of tones
		without = noCurrent
	case (m.x == 2 || m.x >= 4) && m.p.Kind == hal.Analog && (m.o.NoTone || !m.line.dialTone()):
		without = toneAwaits
	}
	if without > 0 {
		m.after(without+m.fault.Slow, func() {
			if m.waitSerial == serial {
				m.finish("NO DIALTONE")
			}
		})
		return outcome{async: true}
	}
	m.after(time.Duration(len(digits))*dialTime+m.fault.Slow, func() {
		if m.waitSerial != serial {
			return
		}
		m.line.dial(digits)
		if stay {
			m.finish("OK")
		} else {
			m.after(60*time.Second, func() {
				if m.waitSerial == serial {
					m.finish("NO ANSWER")
				}
			})
		}
	})
	return outcome{async: true}
}

// The exchange's callbacks.

func (m *Modem) ringBurst(n int, called string) {
	m.post(func() {
		if m.out == nil {
			return
		}
		m.after(ringHeard, func() {
			if m.offhook || m.mode != command {
				return
			}
			if m.p.Caller != "" && !m.wanted(called) {
				return
			}
			text := "RING"
			if m.sreg[23]&1 != 0 && called != "" {
				text = "RING/" + called
			}
			if m.caller == nil {
				m.caller = &CallerSpec{}
			}
			m.result(text)
			if n == 1 && m.p.Caller != "" && m.caller.Number != "" {
				m.text(m.p.Caller + m.caller.Number)
			}
		})
	})
}

// wanted applies the own numbers of AT&E and AT&L to a call.
func (m *Modem) wanted(called string) bool {
	msn := m.set["&E"] + ";" + m.set["&L"]
	if called == "" || strings.Trim(msn, "; ") == "" || strings.Contains(msn, "*") {
		return true
	}
	for _, n := range strings.Split(msn, ";") {
		if n != "" && strings.HasSuffix(called, n) {
			return true
		}
	}
	return false
}

func (m *Modem) callerID(c CallerSpec) {
	m.post(func() {
		if m.out == nil || m.offhook || m.mode != command {
			return
		}
		if m.p.Caller != "" && !m.wanted(c.Called) {
			return
		}
		m.caller = &c
		if m.p.Caller != "" {
			if c.BeforeRing {
				return // told with the first RING
			}
			m.text(m.p.Caller + c.Number)
			return
		}
		if m.set["+VCID"] != "1" {
			return
		}
		for _, f := range callerLines(c, time.Now()) {
			m.text(f[0] + m.p.Equals + f[1])
		}
	})
}

// callerLines is formatted caller ID (V.253 clause 10, +VCID=1).
func callerLines(c CallerSpec, now time.Time) [][2]string {
	number := c.Number
	switch {
	case c.Restricted:
		number = "P"
	case c.Unknown:
		number = "O"
	}
	l := [][2]string{
		{"DATE", fmt.Sprintf("%02d%02d", now.Month(), now.Day())},
		{"TIME", fmt.Sprintf("%02d%02d", now.Hour(), now.Minute())},
		{"NMBR", number},
	}
	if c.Name != "" && number == c.Number {
		l = append(l, [2]string{"NAME", c.Name})
	}
	return l
}

func (m *Modem) heardTone(t hal.Tone) {
	m.post(func() {
		if m.out == nil {
			return
		}
		switch {
		case m.waitFor != "" && t == hal.Ringback:
			m.after(time.Second, func() {
				if m.waitFor != "" {
					m.result("RINGING")
				}
			})
		case t == hal.BusyTone || t == hal.Congestion:
			m.busyTone(t)
		}
	})
}

// busyTone reports a busy or congestion tone that goes on for some cycles.
func (m *Modem) busyTone(t hal.Tone) {
	serial := m.waitSerial
	m.after(toneHeard, func() {
		switch {
		case !m.offhook:
		case m.waitFor != "" && m.waitSerial == serial:
			m.finish("BUSY")
		case !m.o.NoEvents && m.p.Caller == "":
			m.code('b')
		}
	})
}

func (m *Modem) farAnswered() {
	m.post(func() {
		if m.waitFor == "" {
			return
		}
		serial := m.waitSerial
		d := 100 * time.Millisecond
		if m.p.Kind == hal.Analog {
			d = m.ringbackGone()
		}
		m.after(d, func() {
			if m.waitSerial == serial {
				m.finish("VCON")
			}
		})
	})
}

// ringbackGone is the modem's guess of an answer: +VRA in 0.1 s, 5 s by default.
func (m *Modem) ringbackGone() time.Duration {
	if n, _ := number(m.set["+VRA"]); n > 0 {
		return time.Duration(n) * 100 * time.Millisecond
	}
	return 5 * time.Second
}

func (m *Modem) loopBroken() {
	m.post(func() {
		if m.offhook && !m.o.NoEvents {
			m.code('l')
		}
	})
}

// farCleared is the digital end of a call.
func (m *Modem) farCleared() {
	m.post(func() {
		if m.out == nil || !m.offhook {
			return
		}
		if m.waitFor != "" {
			m.finish("BUSY")
			return
		}
		if m.mode == duplex || m.mode == receive {
			m.out.put([]byte{dle, etx})
		}
		m.onHook()
		m.after(m.o.Latency, func() { m.result("NO CARRIER") })
	})
}

func (m *Modem) keyDown(digit byte) {
	m.post(func() {
		if m.o.NoEvents || !m.offhook {
			return
		}
		m.after(keyHeard, func() {
			m.keying = true
			m.code('/', digit)
		})
	})
}

func (m *Modem) keyUp() {
	m.post(func() {
		m.after(keyHeard/2, func() {
			if m.keying {
				m.keying = false
				m.code('~')
			}
		})
	})
}
