package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"centralino/internal/audio"
)

// outcome is what one command of a line leads to.
type outcome struct {
	info   []string
	result string        // "" = go on with the line
	later  time.Duration // of the result
	async  bool          // the result comes by itself
	next   func()        // after the result
}

var (
	ok     = outcome{}
	failed = outcome{result: "ERROR"}
)

// execute runs a command line without its "AT". Commands follow each other;
// extended ones are set apart by semicolons (V.250 5.4), though isdn4linux and
// vgetty leave those out.
func (m *Modem) execute(line string) {
	if m.fault.Error > 0 {
		m.fault.Error--
		m.reply(nil, "ERROR", nil)
		return
	}
	if strings.ReplaceAll(strings.ToUpper(line), "VTR", "VRX") == "+VTX+VRX" {
		line = "+VTR" // both at once is duplex, see Profile.Duplex
	}
	var info []string
	for line != "" {
		var o outcome
		o, line = m.one(strings.TrimLeft(line, " ;"))
		info = append(info, o.info...)
		if o.async {
			for _, s := range info {
				m.text(s)
			}
			return
		}
		if o.result != "" {
			m.reply(info, o.result, o.next)
			return
		}
	}
	m.reply(info, "OK", nil)
}

// one runs the first command of line and returns the rest.
func (m *Modem) one(line string) (outcome, string) {
	if line == "" {
		return ok, ""
	}
	switch c := line[0] &^ 0x20; c {
	case 'D':
		return m.dialString(line[1:]), ""
	case 'A':
		return m.answer(), line[1:]
	case 'S':
		return m.register(line[1:])
	case 'E', 'V', 'Q', 'H', 'Z', 'X', 'M', 'L', 'I', 'O', 'N', 'T', 'P', 'B', 'W', 'F', 'Y':
		n, rest := number(line[1:])
		return m.basic(c, n), rest
	}
	switch line[0] {
	case '+':
		return m.extended(line)
	case '&', '%', '\\', '-', '*', '#':
		return m.vendor(line)
	}
	return failed, ""
}

// number reads leading digits; none mean 0.
func number(s string) (int, string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, _ := strconv.Atoi(s[:i])
	return n, s[i:]
}

func (m *Modem) basic(c byte, n int) outcome {
	switch c {
	case 'E':
		m.echo = n == 1
	case 'V':
		m.numeric = n == 0
	case 'Q':
		m.quiet = n == 1
	case 'H':
		if n == 0 {
			m.onHook()
		} else {
			m.offHook()
		}
	case 'X':
		m.x = n
	case 'Z':
		m.restart()
	case 'I':
		if t, found := m.p.Info[n]; found && t != "" {
			return outcome{info: []string{t}}
		}
	}
	return ok
}

// restart is ATZ and AT&F: parameters go back, the loop opens.
func (m *Modem) restart() {
	m.onHook()
	m.dce.reset(&m.o)
}

// vendor accepts what begins with & and the like and does nothing with it, but
// for &F. -SCID and friends may stand with a value.
func (m *Modem) vendor(line string) (outcome, string) {
	switch {
	case line[0] == '#':
		return failed, "" // Rockwell dialect: not spoken
	case line[0] == '-' || line[0] == '*':
		if i := strings.IndexByte(line, ';'); i >= 0 {
			return ok, line[i:]
		}
		return ok, ""
	case len(line) < 2:
		return failed, ""
	}
	if strings.HasPrefix(strings.ToUpper(line), "&F") {
		m.restart()
	}
	if m.p.Caller != "" && line[0] == '&' && (line[1] == 'E' || line[1] == 'L') {
		m.set[line[:2]] = line[2:] // own numbers of a ttyI
		return ok, ""
	}
	_, rest := number(line[2:])
	return ok, rest
}

// register is ATSn=v and ATSn?.
func (m *Modem) register(s string) (outcome, string) {
	n, rest := number(s)
	switch {
	case strings.HasPrefix(rest, "="):
		m.sreg[n], rest = number(rest[1:])
		return ok, rest
	case strings.HasPrefix(rest, "?"):
		return outcome{info: []string{fmt.Sprintf("%03d", m.sreg[n])}}, rest[1:]
	}
	return ok, rest
}

// extended cuts a +NAME command: its name, "=value", "=?" or "?".
func (m *Modem) extended(line string) (outcome, string) {
	i := 1
	for i < len(line) && (line[i]|0x20 >= 'a' && line[i]|0x20 <= 'z') {
		i++
	}
	name, rest := strings.ToUpper(line[:i]), line[i:]
	switch {
	case strings.HasPrefix(rest, "=?"):
		return m.test(name), rest[2:]
	case strings.HasPrefix(rest, "?"):
		return m.query(name), rest[1:]
	case strings.HasPrefix(rest, "="):
		v := rest[1:]
		if j := strings.IndexByte(v, ';'); j >= 0 {
			return m.assign(name, v[:j]), v[j:]
		}
		return m.assign(name, v), ""
	}
	return m.action(name), rest
}

// parameters that are stored and do nothing else here.
var parameters = " +VCID +VRID +VDR +VSD +VIT +VNH +VPR +IPR +IFC +FLO +ICF +VGT +VGR +VGM +VGS +VRA +VRN +VTD +VDT +VLT +VBT +GCI "

// faxOnly are asked by mgetty before it turns to voice.
var faxOnly = " +FAA +FCR +FBO +FNR +FLI +FLID +FCC +FDCC +FBOR +FCQ +FPR +FLO "

func (m *Modem) test(name string) outcome {
	switch name {
	case "+FCLASS":
		return outcome{info: []string{m.p.Classes}}
	case "+VTR", "+VTX", "+VRX":
		if m.p.NoTest || !m.p.voice() {
			return failed
		}
		return ok
	case "+VSM":
		if !m.p.voice() {
			return ok // a modem without voice answers bare OK
		}
		var rows []string
		for _, f := range m.p.Formats {
			rows = append(rows, fmt.Sprintf("%d,%s", f.CML, f.Text))
		}
		return outcome{info: rows}
	case "+VLS":
		return outcome{info: []string{"(" + m.p.Labels + ")"}}
	case "+GCI":
		return outcome{info: []string{"(00,16,42,59,B4,B5)"}}
	}
	if strings.Contains(parameters, " "+name+" ") {
		return outcome{info: []string{"(0-255)"}}
	}
	return failed
}

func (m *Modem) query(name string) outcome {
	switch name {
	case "+FCLASS":
		return outcome{info: []string{m.fclass}}
	case "+VSM":
		return outcome{info: []string{fmt.Sprintf("%d,8000,0,0", m.format.CML)}}
	case "+VLS":
		return outcome{info: []string{m.set[name]}}
	}
	if t, found := m.p.Ident[name]; found {
		return outcome{info: []string{t}}
	}
	if v, found := m.set[name]; found {
		return outcome{info: []string{v}}
	}
	return failed
}

func (m *Modem) assign(name, v string) outcome {
	m.set[name] = v
	switch name {
	case "+FCLASS":
		if v == "8" && !m.p.voice() || !strings.Contains(","+m.p.Classes+",", ","+v+",") {
			return failed
		}
		if m.fclass == "8" && v != "8" {
			m.onHook() // leaving voice mode ends the call
		}
		m.fclass = v
	case "+VSM":
		n, _ := number(v)
		f, found := m.p.format(n)
		if !found || f.Encoding == Compressed {
			return failed
		}
		m.format = f
	case "+VLS":
		return m.selectDevice(v)
	case "+VTS":
		return m.sendTones(v)
	default:
		if !strings.Contains(parameters, " "+name+" ") && !strings.Contains(faxOnly, " "+name+" ") {
			return failed
		}
	}
	return ok
}

// selectDevice is +VLS. On an ISDN adapter it only chooses the device.
func (m *Modem) selectDevice(v string) outcome {
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || m.fclass != "8" || !strings.Contains(","+m.p.Labels+",", ","+v+","):
		return failed
	case m.p.LineVLS == 2:
		return ok
	case n == 0:
		m.onHook()
	case n == m.p.LineVLS:
		m.offHook()
	}
	return ok
}

// sendTones is +VTS: digits and [f1,f2,duration], durations in 10 ms.
func (m *Modem) sendTones(v string) outcome {
	var s []int16
	for v != "" {
		switch c := v[0]; {
		case c == ',':
			v = v[1:]
		case c == '[':
			inside, rest, closed := strings.Cut(v[1:], "]")
			f := strings.Split(inside, ",")
			if !closed || len(f) != 3 {
				return failed
			}
			low, _ := strconv.ParseFloat(f[0], 64)
			high, _ := strconv.ParseFloat(f[1], 64)
			n, _ := strconv.Atoi(f[2])
			s, v = append(s, toneSamples(low, high, min(n, 6000))...), rest
		case c == '!':
			v = v[1:]
		default:
			g, err := audio.NewDTMFGen(v[:1], keyOn, keyOff, keyLevel)
			if err != nil {
				return failed
			}
			d := make([]int16, audio.Samples(keyOn+keyOff))
			g.Read(d)
			s, v = append(s, d...), v[1:]
		}
	}
	m.busy = true
	m.playLocal(s, func() {
		m.busy = false
		m.result("OK")
	})
	return outcome{async: true}
}

// action runs an extended command without value.
func (m *Modem) action(name string) outcome {
	mode := command
	switch name {
	case "+VTX":
		mode = transmit
	case "+VRX":
		mode = receive
	case "+VTR":
		mode = duplex
	default:
		return m.query(name)
	}
	if m.fclass != "8" {
		return failed
	}
	return outcome{result: "CONNECT", next: func() { m.enter(mode) }}
}
