//go:build imagetest

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ask gives QEMU a command of its control protocol (QMP) and reads the answer into result,
// which may be nil.
func (m *machine) ask(t testing.TB, command string, arguments, result any) {
	t.Helper()
	c, err := net.Dial("unix", m.qmp)
	if err != nil {
		t.Fatalf("%v\n%s", err, m.Output())
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	talk := json.NewDecoder(c)
	answer := func() json.RawMessage {
		for {
			var a struct {
				Greeting json.RawMessage `json:"QMP"`
				Return   json.RawMessage
				Error    json.RawMessage
			}
			if err := talk.Decode(&a); err != nil {
				t.Fatalf("%s: %v", command, err)
			}
			switch {
			case a.Error != nil:
				t.Fatalf("%s: %s", command, a.Error)
			case a.Return != nil:
				return a.Return
			case a.Greeting != nil:
				return a.Greeting
			} // else an event
		}
	}
	say := func(command string, arguments any) json.RawMessage {
		if err := json.NewEncoder(c).Encode(struct {
			Execute   string `json:"execute"`
			Arguments any    `json:"arguments,omitempty"`
		}{command, arguments}); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return answer()
	}
	answer() // its greeting
	say("qmp_capabilities", nil)
	body := say(command, arguments)
	if result == nil {
		return
	}
	if err := json.Unmarshal(body, result); err != nil {
		t.Fatalf("%s: %v in %s", command, err, body)
	}
}

// Names in QEMU of what is plugged into the board.
const (
	lineCable = "line"  // the socket behind the serial adapter
	lineStick = "modem" // the adapter
	modemID   = "DE0001"
)

// pins are the eight pins of the board's PL061, as the world outside of the chip has them:
// lamps are looked at by reading its data register, a button is a level that is set. Both
// go over QEMU's socket for tests of devices (qtest), beside the running processor.
type pins struct {
	chip   string // its path among QEMU's objects
	qtest  net.Conn
	answer *bufio.Scanner
}

// pinData is the address of all eight bits of the PL061's register GPIODATA on the board.
const pinData = 0x90303fc

// openPins finds the chip; the machine was started with a qtest socket.
func openPins(t testing.TB, m *machine, qtest string) *pins {
	t.Helper()
	p := &pins{}
	var objects []struct{ Name, Type string }
	m.ask(t, "qom-list", map[string]string{"path": "/machine/unattached"}, &objects)
	for _, o := range objects {
		if o.Type == "child<pl061>" {
			p.chip = "/machine/unattached/" + o.Name
		}
	}
	if p.chip == "" {
		t.Fatalf("the board has no PL061: %v", objects)
	}
	var err error
	if p.qtest, err = net.Dial("unix", qtest); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.qtest.Close() })
	p.answer = bufio.NewScanner(p.qtest)
	return p
}

// say gives a command to qtest and returns what follows its OK.
func (p *pins) say(t testing.TB, format string, arguments ...any) string {
	t.Helper()
	_ = p.qtest.SetDeadline(time.Now().Add(time.Minute))
	if _, err := fmt.Fprintf(p.qtest, format+"\n", arguments...); err != nil {
		t.Fatal(err)
	}
	if !p.answer.Scan() {
		t.Fatalf("%s: %v", format, p.answer.Err())
	}
	rest, ok := strings.CutPrefix(p.answer.Text(), "OK")
	if !ok {
		t.Fatalf("%s: %s", format, p.answer.Text())
	}
	return strings.TrimSpace(rest)
}

// set drives a pin from outside.
func (p *pins) set(t testing.TB, pin int, high bool) {
	t.Helper()
	level := 0
	if high {
		level = 1
	}
	p.say(t, "set_irq_in %s unnamed-gpio-in %d %d", p.chip, pin, level)
}

// look returns the levels of all pins, pin 0 in the lowest bit.
func (p *pins) look(t testing.TB) byte {
	t.Helper()
	text := p.say(t, "readl %#x", pinData)
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 32)
	if err != nil {
		t.Fatalf("look at the pins: %q", text)
	}
	return byte(n)
}
