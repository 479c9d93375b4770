package sim_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"centralino/hal"
	"centralino/hal/sim"
)

// terminal is a host at the port of a modem in memory.
type terminal struct {
	t    testing.TB
	x    *sim.Exchange
	l    *sim.ExLine
	m    *sim.Modem
	port hal.Port
}

// atModem runs f in virtual time with the echo switched off.
func atModem(t *testing.T, o sim.ModemOptions, f func(h *terminal)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { withModem(t, o, f) })
}

func withModem(t testing.TB, o sim.ModemOptions, f func(h *terminal)) {
	h := &terminal{t: t, x: sim.NewExchange(sim.ExchangeOptions{})}
	h.l = h.x.AddLine("line", sim.LineOptions{Kind: o.Profile.Kind})
	var err error
	if h.m, err = sim.OpenPortModem(context.Background(), h.l, o); err != nil {
		t.Fatal(err)
	}
	if h.port, _, err = h.m.OpenPort(context.Background()); err != nil {
		t.Fatal(err)
	}
	f(h)
	h.m.Close()
	h.x.Close()
}

// read returns what the modem sends until it is quiet for 300 ms.
func (h *terminal) read() string {
	var all []byte
	b := make([]byte, 4096)
	for quiet := 0; quiet < 3; {
		n, err := h.port.Read(b)
		if err != nil {
			h.t.Fatal(err)
		}
		if quiet++; n > 0 {
			quiet = 0
		}
		all = append(all, b[:n]...)
	}
	return string(all)
}

// ask sends a command and returns the answer's lines.
func (h *terminal) ask(s string) string {
	if _, err := h.port.Write([]byte(s)); err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(strings.FieldsFunc(h.read(), func(r rune) bool { return r == '\r' || r == '\n' }), "|")
}

func TestCommandParser(t *testing.T) {
	for _, c := range []struct {
		name    string
		profile sim.Profile
		ask     []string
		want    string // answer to the last one
	}{
		{"echo is on after power on", sim.Generic, []string{"AT\r"}, "AT|OK"},
		{"echo off", sim.Generic, []string{"ATE0\r", "AT\r"}, "OK"},
		{"junk before AT is skipped", sim.Generic, []string{"ATE0\r", "\xd5\x00A\x93xAT\r"}, "OK"},
		{"a line without AT is nothing", sim.Generic, []string{"ATE0\r", "HELLO\r"}, ""},
		{"lower case", sim.Generic, []string{"ate0\r", "ati3\r"}, "Generic V.253 voice modem|OK"},
		{"commands in a row", sim.Generic, []string{"ATE0V1Q0X3\r", "ATS0=3S0?\r"}, "003|OK"},
		{"extended commands in a row", sim.Generic, []string{"ATE0\r", "AT+VRA=70;+VRN=10\r"}, "OK"},
		{"the first error ends the line", sim.Generic, []string{"ATE0\r", "AT+NONE=1;+FCLASS=8\r"}, "ERROR"},
		{"+VTR=? of a Conexant", sim.CX93001, []string{"ATE0\r", "AT+VTR=?\r"}, "ERROR"},
		{"+VTR needs voice mode", sim.Generic, []string{"ATE0\r", "AT+VTR\r"}, "ERROR"},
		{"no voice mode", sim.NoVoice, []string{"ATE0\r", "AT+FCLASS=8\r"}, "ERROR"},
		{"a number that another modem gives A-law", sim.USR5637, []string{"ATE0\r", "AT+VSM=5,8000\r"}, "ERROR"},
		{"numbers instead of words", sim.Generic, []string{"ATE0V0\r", "AT\r"}, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			atModem(t, sim.ModemOptions{Profile: c.profile}, func(h *terminal) {
				got := ""
				for _, a := range c.ask {
					got = h.ask(a)
				}
				if got != c.want {
					t.Errorf("answer %q, want %q", got, c.want)
				}
			})
		})
	}
}

// ATX says whether a modem waits for dial tone; whether the line has current it senses
// without being told.
func TestDialTone(t *testing.T) {
	for _, c := range []struct {
		name string
		o    sim.ModemOptions
		cut  bool
		dial string
		want string
	}{
		{"after power on it is wanted, and there", sim.ModemOptions{}, false, "ATDT12;\r", "OK"},
		{"it is wanted, and unknown to the modem", sim.ModemOptions{NoTone: true}, false, "ATX4DT12;\r", "NO DIALTONE"},
		{"it is not wanted", sim.ModemOptions{NoTone: true}, false, "ATX3DT12;\r", "OK"},
		{"it is not wanted, and no current flows", sim.ModemOptions{}, true, "ATX3DT12;\r", "NO DIALTONE"},
		{"it is wanted, and no current flows, which the modem does not sense", sim.ModemOptions{NoSense: true}, true, "ATX4DT12;\r", "NO DIALTONE"},
		{"it is not wanted, and no current flows, which the modem does not sense", sim.ModemOptions{NoSense: true}, true, "ATX3DT12;\r", "OK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Profile = sim.Generic
			atModem(t, c.o, func(h *terminal) {
				h.ask("ATE0\r")
				h.l.Cut(c.cut)
				h.port.Write([]byte(c.dial))
				time.Sleep(5 * time.Second)
				if got := strings.TrimSpace(h.read()); got != c.want {
					t.Errorf("answer %q, want %q", got, c.want)
				}
			})
		})
	}
}

// Whatever a host has written, the end of all streams brings a modem back to
// command state.
func TestModemSurvivesAnything(t *testing.T) {
	profiles := []sim.Profile{sim.Generic, sim.CX93001, sim.USR5637, sim.TTYI, sim.NoVoice}
	pieces := rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom([]string{
			"AT+FCLASS=8\r", "AT+VTR\r", "AT+VTX+VRX\r", "AT+VRX\r", "AT+VTX\r", "ATA\r", "ATD123\r", "ATD123;\r",
			"AT+VLS=1\r", "AT+VLS=0\r", "ATZ\r", "\x10\x03", "\x10^", "\x10!", "\x10\x14", "\x10", "AT+VTS=1,[1,2\r", "ATH1\r",
		}),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 40), func(b []byte) string { return string(b) }),
	), 1, 12)
	rapid.Check(t, func(r *rapid.T) {
		profile := rapid.SampledFrom(profiles).Draw(r, "profile")
		writes := pieces.Draw(r, "writes")
		answer := ""
		synctest.Test(t, func(t *testing.T) {
			withModem(t, sim.ModemOptions{Profile: profile}, func(h *terminal) {
				for _, w := range writes {
					h.port.Write([]byte(w))
					time.Sleep(100 * time.Millisecond)
				}
				for _, end := range []string{"\x10\x03", "\x10\x03\x10!\x10\x14\x10^", "\r", "\r", "ATQ0V1E0\r", "ATZ\r"} {
					h.port.Write([]byte(end))
					time.Sleep(6 * time.Second)
				}
				h.port.ResetInput()
				answer = h.ask("ATE0V1Q0\r")
				if h.l.OffHook() {
					answer += " off hook"
				}
			})
		})
		if !strings.HasSuffix(answer, "OK") {
			r.Fatalf("after %q a %s answers %q", writes, profile.Name, answer)
		}
	})
}

// inDuplex brings the modem into duplex with a caller.
func inDuplex(h *terminal) *sim.Party {
	for _, c := range []string{"ATE0\r", "AT+FCLASS=8\r", "AT+VSM=5,8000\r"} {
		if got := h.ask(c); !strings.HasSuffix(got, "OK") {
			h.t.Fatalf("%q: %q", c, got)
		}
	}
	p, err := h.x.Ring("line", sim.CallerSpec{})
	if err != nil {
		h.t.Fatal(err)
	}
	if got := h.ask("ATA\r"); !strings.HasSuffix(got, "VCON") {
		h.t.Fatalf("ATA: %q", got)
	}
	h.port.Write([]byte("AT+VTR\r"))
	return p
}

func TestUnderrunIsReportedOnce(t *testing.T) {
	atModem(t, sim.ModemOptions{Profile: sim.Generic}, func(h *terminal) {
		inDuplex(h)
		time.Sleep(100 * time.Millisecond)
		h.port.Write(bytes.Repeat([]byte{0x55}, 800)) // 100 ms of samples, then nothing
		buf, all := make([]byte, 4096), []byte(nil)
		for range 60 {
			time.Sleep(20 * time.Millisecond)
			n, _ := h.port.Read(buf)
			all = append(all, buf[:n]...)
		}
		if n := bytes.Count(all, []byte("\x10u")); n != 1 || h.m.Counts().Underruns != 1 {
			t.Errorf("%d reports, %d counted", n, h.m.Counts().Underruns)
		}
	})
}

func TestOverrunIsReported(t *testing.T) {
	atModem(t, sim.ModemOptions{Profile: sim.Generic}, func(h *terminal) {
		inDuplex(h)
		time.Sleep(5 * time.Second) // the host does not read
		if h.m.Counts().Overruns == 0 {
			t.Fatal("no overrun")
		}
		buf, all := make([]byte, 4096), []byte(nil)
		for range 20 {
			time.Sleep(20 * time.Millisecond)
			n, _ := h.port.Read(buf)
			all = append(all, buf[:n]...)
		}
		if !bytes.Contains(all, []byte("\x10o")) {
			t.Error("the overrun is not reported")
		}
	})
}

// A host that writes faster than the line takes is held back.
func TestBackPressure(t *testing.T) {
	atModem(t, sim.ModemOptions{Profile: sim.Generic}, func(h *terminal) {
		p := inDuplex(h)
		go func() {
			b := make([]byte, 4096)
			for {
				if _, err := h.port.Read(b); err != nil {
					return
				}
			}
		}()
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		noise := bytes.Repeat([]byte{0x51, 0x52, 0x53, 0x54}, 4000) // two seconds
		for len(noise) > 0 {
			n, _ := h.port.Write(noise[:min(160, len(noise))])
			noise = noise[n:]
		}
		// A pipe of 4096 and a buffer of 1024 samples are ahead of the line.
		if d := time.Since(began); d < 1200*time.Millisecond || d > 2*time.Second {
			t.Errorf("two seconds of samples were taken in %v", d)
		}
		time.Sleep(time.Second)
		if n := len(p.Heard()); n < 16000 {
			t.Errorf("the line heard %d samples", n)
		}
		h.port.Close()
	})
}
