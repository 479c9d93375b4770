package sim

import (
	"strings"
	"time"

	"centralino/internal/audio"
)

// dce is the modem's state between power on and off.
type dce struct {
	p *Profile

	// Command state.
	lineBuf    []byte
	echo       bool
	quiet      bool
	numeric    bool // ATV0
	sreg       map[int]int
	x          int               // ATX: 2 and 4 want dial tone
	set        map[string]string // values of extended parameters
	fclass     string
	busy       bool // a command is being executed: input waits
	waitFor    string
	waitSerial int

	// Line.
	offhook bool
	caller  *CallerSpec // of the call that rings

	// Stream.
	mode     streamMode
	format   Format
	dle      bool   // host's octet before was DLE
	rest     []byte // first octet of a 16-bit sample
	txq      []int16
	ending   bool // host sent ETX in +VTX: OK when played out
	ended    string
	started  bool // samples have come in this stream
	starved  bool
	lost     bool // an overrun is to be reported
	local    []int16
	localEnd func() // after local is played
	nextTick time.Time
	quietFor int // ticks without sound from the line
	spoken   bool
	keying   bool
	rx, tx   [160]int16
	enc      []byte
}

type streamMode uint8

const (
	command streamMode = iota
	transmit
	receive
	duplex
)

// reset is power on.
func (d *dce) reset(o *ModemOptions) {
	*d = dce{
		p: &o.Profile, echo: true, x: 4, sreg: map[int]int{}, set: map[string]string{}, fclass: "0",
		waitSerial: d.waitSerial + 1,
	}
	if f, ok := d.p.format(d.p.Default); ok {
		d.format = f
	}
}

// stick takes the modem off hook and into duplex without being asked.
func (m *Modem) stick() {
	m.fclass, m.echo = "8", false
	m.offHook()
	m.enter(duplex)
}

// consume works on what the host sent until it is used up or must wait.
func (m *Modem) consume() {
	for len(m.pending) > 0 && m.in != nil {
		b := m.pending[0]
		switch {
		case m.fault.Deaf:
			return
		case m.mode != command:
			if (m.mode == transmit || m.mode == duplex) && len(m.txq) >= m.o.TXBuffer {
				return
			}
			m.streamOctet(b)
		case m.waitFor != "":
			if b != '\n' {
				m.abortWait()
			}
		case m.busy:
			return
		default:
			m.commandOctet(b)
		}
		m.pending = m.pending[1:]
	}
}

// commandOctet collects a command line. Only what follows "AT" counts; anything
// before it, for instance samples that came too late, is skipped.
func (m *Modem) commandOctet(b byte) {
	if m.echo && !m.fault.Mute {
		m.out.put([]byte{b})
	}
	if b != '\r' {
		m.lineBuf = append(m.lineBuf, b)
		if i := indexAT(m.lineBuf); i > 0 {
			m.lineBuf = append(m.lineBuf[:0], m.lineBuf[i:]...)
		} else if i < 0 && len(m.lineBuf) > 2 {
			m.lineBuf = append(m.lineBuf[:0], m.lineBuf[len(m.lineBuf)-1])
		} else if len(m.lineBuf) > 256 {
			m.lineBuf = m.lineBuf[:256]
		}
		return
	}
	line := string(m.lineBuf)
	m.lineBuf = m.lineBuf[:0]
	if indexAT([]byte(line)) != 0 {
		return
	}
	m.mu.Lock()
	m.received = append(m.received, line)
	m.counts.Commands++
	m.mu.Unlock()
	m.execute(strings.TrimSpace(line[2:]))
}

// indexAT finds "AT" in either case, -1 if there is none.
func indexAT(b []byte) int {
	for i := 0; i+1 < len(b); i++ {
		if b[i]|0x20 == 'a' && b[i+1]|0x20 == 't' {
			return i
		}
	}
	return -1
}

// text sends a line of information, framed as V.250 5.7.1 says.
func (m *Modem) text(s string) {
	if m.fault.Mute || m.out == nil {
		return
	}
	if m.numeric {
		m.out.put([]byte(s + "\r\n"))
		return
	}
	m.out.put([]byte("\r\n" + s + "\r\n"))
}

// resultCodes are the numbers of ATV0 (V.250 table 1 and V.253).
var resultCodes = map[string]string{
	"OK": "0", "CONNECT": "1", "RING": "2", "NO CARRIER": "3", "ERROR": "4",
	"NO DIALTONE": "6", "BUSY": "7", "NO ANSWER": "8", "VCON": "14", "RINGING": "15",
}

// result sends a result code at once.
func (m *Modem) result(s string) {
	switch {
	case m.quiet || m.fault.Mute || m.out == nil:
	case m.numeric:
		m.out.put([]byte(resultCodes[s] + "\r"))
	default:
		m.out.put([]byte("\r\n" + s + "\r\n"))
	}
}

// reply sends lines of information and a final result after the modem's latency;
// then runs next, if there is one. Until then further input waits.
func (m *Modem) reply(info []string, result string, next func()) {
	m.busy = true
	m.after(m.o.Latency+m.fault.Slow, func() {
		m.busy = false
		for _, s := range info {
			m.text(s)
		}
		m.result(result)
		if next != nil {
			next()
		}
	})
}

// ticking reports whether the codec runs.
func (m *Modem) ticking() bool { return m.offhook || m.mode != command }

// startCodec anchors the codec's clock.
func (m *Modem) startCodec() {
	if !m.ticking() {
		m.nextTick = time.Now().Add(m.tickTime())
	}
}

func (m *Modem) tickTime() time.Duration {
	return time.Duration(float64(frameTime) / (1 + m.o.PPM/1e6))
}

// ticks runs the codec up to now. A simulation that was held up for long goes on
// from now instead of making up for all of it: that was not the modem's doing.
func (m *Modem) ticks() {
	now := time.Now()
	if now.Sub(m.nextTick) > 10*frameTime {
		m.nextTick = now
	}
	for m.ticking() && !m.nextTick.After(now) {
		m.nextTick = m.nextTick.Add(m.tickTime())
		m.tick()
	}
}

// offHook closes the loop.
func (m *Modem) offHook() {
	if m.offhook {
		return
	}
	m.startCodec()
	m.offhook = true
	m.caller = nil
	m.quietFor, m.spoken = 0, false
	m.line.goOffHook()
	if m.p.LateRing && m.fclass == "8" {
		m.after(30*time.Millisecond, func() { m.result("RING") })
	}
}

// onHook opens the loop and ends every stream.
func (m *Modem) onHook() {
	m.mode, m.waitFor = command, ""
	m.txq, m.local, m.localEnd = nil, nil, nil
	if m.offhook {
		m.offhook = false
		m.line.goOnHook()
	}
}

// playLocal plays samples of the modem's own to the line, then runs next.
func (m *Modem) playLocal(s []int16, next func()) {
	if !m.ticking() {
		m.after(audio.Duration(len(s)), next)
		return
	}
	m.local, m.localEnd = s, next
}
