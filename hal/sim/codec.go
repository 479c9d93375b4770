package sim

import (
	"strings"

	"centralino/internal/audio"
)

// Octets of the V.253 stream (ITU-T V.253 clause 9).
const (
	dle = 0x10
	etx = 0x03
	dc4 = 0x14
	can = 0x18
	sub = 0x1a
	esc = 0x1b
)

// quietTicks is the silence after which q is reported while recording: 5 s.
const quietTicks = 250

// enter starts a stream.
func (m *Modem) enter(mode streamMode) {
	m.startCodec()
	m.mode = mode
	m.dle, m.rest, m.txq = false, nil, nil
	m.ending, m.ended, m.started, m.starved, m.lost = false, "", false, false, false
	m.quietFor, m.spoken = 0, false
	if mode == duplex {
		m.line.through()
	}
}

// leave ends a stream: ETX towards the host, then the result.
func (m *Modem) leave(result string) {
	if m.mode == receive || m.mode == duplex {
		m.out.put([]byte{dle, etx})
	}
	m.mode = command
	m.busy = true
	m.after(m.o.Latency+m.fault.Slow, func() {
		m.busy = false
		m.result(result)
	})
}

// streamOctet takes one octet of the host's stream.
func (m *Modem) streamOctet(b byte) {
	if !m.dle {
		if b == dle {
			m.dle = true
			return
		}
		m.sampleOctet(b)
		return
	}
	m.dle = false
	switch {
	case b == dle:
		m.sampleOctet(dle)
	case b == sub:
		m.sampleOctet(dle)
		m.sampleOctet(dle)
	default:
		m.hostCode(b)
	}
}

// hostCode is a DLE code from the host (V.253 table 20).
func (m *Modem) hostCode(b byte) {
	switch {
	case m.mode == duplex && strings.IndexByte(m.p.EndCodes, b) >= 0:
		if !strings.Contains(m.ended, string(b)) {
			m.ended += string(b)
		}
		if len(m.ended) == len(m.p.EndCodes) {
			m.leave(m.streamResult())
		}
	case b == etx && m.mode == transmit:
		m.ending = true
	case (b == '!' || b == esc || b == dc4) && m.mode == receive:
		m.leave(m.streamResult())
	case b == can:
		m.txq = nil
	}
}

// streamResult ends a stream that the host ended.
func (m *Modem) streamResult() string {
	if m.p.Caller != "" {
		return "VCON" // isdn4linux: the connection goes on
	}
	return "OK"
}

// sampleOctet takes one octet of a sample towards the line.
func (m *Modem) sampleOctet(b byte) {
	if m.mode == receive {
		return
	}
	m.rest = append(m.rest, b)
	if len(m.rest) < m.format.Encoding.width() {
		return
	}
	m.txq = append(m.txq, m.format.Encoding.decode(m.rest))
	m.rest = m.rest[:0]
	m.started = true
}

// tick is 20 ms of the codec.
func (m *Modem) tick() {
	tx := m.tx[:]
	clear(tx)
	switch {
	case len(m.local) > 0:
		n := copy(tx, m.local)
		m.local = m.local[n:]
	case m.mode == transmit || m.mode == duplex:
		n := copy(tx, m.txq)
		m.txq = m.txq[:copy(m.txq, m.txq[n:])]
		m.underrun(n < len(tx))
	}
	if m.offhook {
		m.line.frame(tx, m.rx[:])
	} else {
		clear(m.rx[:])
	}
	if m.mode == receive || m.mode == duplex {
		m.sendSamples()
		m.listen()
	}
	if m.localEnd != nil && len(m.local) == 0 {
		f := m.localEnd
		m.localEnd = nil
		f()
	}
	if m.mode == transmit && m.ending && len(m.txq) == 0 {
		m.leave(m.streamResult())
	}
}

// underrun reports once for every time that the host was late.
func (m *Modem) underrun(late bool) {
	if !late || m.ending || !m.started {
		m.starved = false
		return
	}
	if !m.starved {
		m.starved = true
		m.count(func(c *ModemCounts) { c.Underruns++ })
		m.code('u')
	}
}

// sendSamples writes rx to the host with every DLE doubled.
func (m *Modem) sendSamples() {
	e := m.enc[:0]
	if m.lost {
		e = append(e, dle, 'o')
	}
	for _, s := range m.rx {
		at := len(e)
		e = m.format.Encoding.encode(e, s)
		for ; at < len(e); at++ {
			if e[at] == dle {
				e = append(e[:at+1], e[at:]...)
				at++
			}
		}
	}
	m.enc = e
	if m.out.putSamples(e) {
		m.lost = false
		return
	}
	m.lost = true
	m.count(func(c *ModemCounts) { c.Overruns++ })
}

// listen reports silence after voice while recording, if +VSD asks for it.
func (m *Modem) listen() {
	if v := m.set["+VSD"]; v == "" || strings.HasSuffix(v, ",0") {
		return
	}
	if audio.Level(m.rx[:]) > -45 {
		m.quietFor, m.spoken = 0, true
		return
	}
	if m.quietFor++; m.quietFor == quietTicks && m.spoken {
		m.code('q')
	}
}

// code sends a shielded code to the host: in a stream, and in command state while
// the voice call is up.
func (m *Modem) code(b ...byte) {
	if m.out == nil || m.fault.Mute || m.fclass != "8" || (m.mode == command && !m.offhook) {
		return
	}
	var s []byte
	for _, c := range b {
		s = append(s, dle, c)
	}
	m.out.put(s)
}

// toneSamples is a tone of the modem's own for +VTS.
func toneSamples(low, high float64, tenMS int) []int16 {
	s := make([]int16, tenMS*80)
	g := audio.NewToneGen(audio.Tone{{Low: low, High: high}}, audio.ToneLevel)
	g.Read(s)
	return s
}
