package voicemodem

import (
	"fmt"
	"strings"
	"time"

	"centralino/hal"
)

// How long to leave a modem alone that will not be better soon.
const noVoicePatience = time.Minute

// start begins with a port that was just opened. Nothing is known about the modem:
// it may be off hook and in the middle of a stream, as a killed program left it.
func (m *machine) start(now time.Time) {
	m.now = now
	m.fault, m.patience = "", 0
	m.out = m.out[:0]
	m.parser = parser{}
	m.identity, m.formats, m.format = nil, nil, format{}
	m.dialTone = dialTone{}
	m.resync(func() {
		m.probe(3, func() { m.steps([]string{"AT&F", "ATE0Q0V1", "ATH", "AT+FCLASS=8", "AT+VLS=0"}, m.identify) })
	})
}

// resync brings a modem from whatever stream it is in back to command state: each
// family leaves its streams by another code, and in command state all of them are
// junk before "AT".
func (m *machine) resync(next func()) {
	m.stats.resyncs.Add(1)
	m.drain = true
	m.out = append(m.out, dle, etx)
	m.pause(resyncPause, func() {
		m.out = append(m.out, dle, '!', dle, dc4, dle, '^')
		m.pause(resyncPause, func() {
			m.out = append(m.out, '\r')
			m.pause(drainTime, func() {
				m.drain = false
				m.parser = parser{}
				next()
			})
		})
	})
}

// probe asks with AT whether the modem is there, up to n times.
func (m *machine) probe(n int, next func()) {
	m.send("AT", probeTimeout, plain, func(r reply) {
		switch {
		case r.code != "":
			next()
		case n > 1:
			m.probe(n-1, next)
		default:
			m.lost(ReasonSilent)
		}
	})
}

// steps sends commands whose results do not matter.
func (m *machine) steps(commands []string, next func()) {
	if len(commands) == 0 {
		next()
		return
	}
	m.send(commands[0], plainTimeout, plain, func(reply) { m.steps(commands[1:], next) })
}

// identify asks what the modem is and which sample formats it has. What it cannot do it
// says: where no answer comes, the modem or this computer had no time, and it is asked
// again soon.
func (m *machine) identify() {
	m.ask([]string{"ATI", "ATI3", "AT+GMI", "AT+GMM"}, func(lines []string) {
		m.identity = lines
		m.chooseDialect()
		m.send("AT+FCLASS=8", plainTimeout, plain, func(r reply) {
			switch r.code {
			case "OK":
				m.askFormats()
			case "":
				m.unanswered("AT+FCLASS=8")
			default:
				m.lostFor(noVoicePatience, ReasonNoVoice)
			}
		})
	})
}

func (m *machine) askFormats() {
	const question = "AT+VSM=?"
	m.send(question, plainTimeout, plain, func(r reply) {
		m.formats = chooseFormats(r.info)
		switch {
		case r.code == "":
			m.unanswered(question)
		case len(m.formats) == 0:
			m.lostFor(noVoicePatience, ReasonNoFormat)
		default:
			m.initialise(m.settings())
		}
	})
}

// unanswered begins anew with a modem that left a command without an answer.
func (m *machine) unanswered(command string) {
	m.log.Warn("modem does not answer", "command", command)
	m.lost(ReasonMute)
}

func (m *machine) lostFor(d time.Duration, reason string) {
	m.lost(reason)
	m.patience = d
}

// ask sends commands and collects all lines of their answers.
func (m *machine) ask(commands []string, next func(lines []string)) {
	var all []string
	var one func(left []string)
	one = func(left []string) {
		if len(left) == 0 {
			next(all)
			return
		}
		m.send(left[0], plainTimeout, plain, func(r reply) {
			all = append(all, r.info...)
			one(left[1:])
		})
	}
	one(commands)
}

func (m *machine) chooseDialect() {
	if d, ok := dialectNamed(m.o.Dialect); ok {
		m.dialect = d
		return
	}
	m.dialect = detect(m.identity)
	if m.dialect.Name == "generic" && m.o.Kind == hal.ISDN {
		m.dialect, _ = dialectNamed("ttyi")
	}
}

// settings are the dialect's initialisation with the places filled in.
func (m *machine) settings() []Setting {
	var all []Setting
	for _, s := range m.dialect.Init {
		switch s.Command {
		case countryPlace:
			if c, ok := countries[m.o.Country]; ok {
				all = append(all, Setting{"AT+GCI=" + c, false})
			}
		case msnPlace:
			if len(m.o.MSN) > 0 {
				all = append(all,
					Setting{"AT&E" + m.o.MSN[0], false},
					Setting{"AT&L" + strings.Join(m.o.MSN, ";"), false})
			}
		default:
			all = append(all, s)
		}
	}
	return all
}

// initialise sends the settings that are left; then the line is in service.
func (m *machine) initialise(left []Setting) {
	if len(left) == 0 {
		m.log.Info("line in service", "line", m.o.ID, "model", m.model(),
			"dialect", m.dialect.Name, "samples", m.format.enc.String())
		m.to(hal.LineIdle, "")
		m.watch()
		return
	}
	if left[0].Command == vsmPlace {
		m.selectFormat(m.formats, func() { m.initialise(left[1:]) })
		return
	}
	m.send(left[0].Command, plainTimeout, plain, func(r reply) {
		switch {
		case r.code == "":
			m.unanswered(left[0].Command)
		case r.code == "ERROR" && left[0].Needed:
			m.log.Warn("modem refuses a setting", "command", left[0].Command)
			m.lostFor(noVoicePatience, ReasonRefuses)
		default:
			m.initialise(left[1:])
		}
	})
}

// selectFormat takes the first sample format that the modem accepts.
func (m *machine) selectFormat(left []format, next func()) {
	if len(left) == 0 {
		m.lostFor(noVoicePatience, ReasonFormats)
		return
	}
	command := fmt.Sprintf(m.dialect.VSM, left[0].cml)
	m.send(command, plainTimeout, plain, func(r reply) {
		switch r.code {
		case "OK":
			m.format = left[0]
			next()
		case "":
			m.unanswered(command)
		default:
			m.selectFormat(left[1:], next)
		}
	})
}

// model is what the modem calls itself, in one line.
func (m *machine) model() string {
	best := ""
	for _, l := range m.identity {
		if len(l) > len(best) {
			best = l
		}
	}
	return best
}

// watch asks an idle modem from time to time whether it is still there and still
// in voice mode: one that lost its power for a moment is not.
func (m *machine) watch() {
	m.arm(timerProbe, probeEvery, func() {
		if m.state == hal.LineIdle && m.done == nil && m.timers[timerCaller].at.IsZero() {
			m.send("AT+FCLASS?", probeTimeout, plain, func(r reply) {
				switch {
				case r.code == "":
					m.probe(2, func() {})
				case r.code == "OK" && !strings.Contains(strings.Join(r.info, " "), "8"):
					m.lost(ReasonForgot)
				}
			})
		}
		if m.fault == "" {
			m.watch()
		}
	})
}
