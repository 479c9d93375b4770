//go:build imagetest

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
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

// pins are the eight pins of the board's PL061, as the world outside of the chip has them.
// A button is a level that is set over QEMU's socket for tests of devices (qtest), beside
// the running processor. Of the lamps QEMU notes every change with its time, so that none
// escapes who looks rarely.
type pins struct {
	chip   string // its path among QEMU's objects
	qtest  net.Conn
	answer *bufio.Scanner
	notes  string // QEMU's file of changes
}

// pinNotes are the arguments that have QEMU note what the chip's outputs do.
func pinNotes(file string) []string {
	return []string{"-trace", "pl061_set_output", "-msg", "timestamp=on", "-D", file}
}

// openPins finds the chip; the machine was started with a qtest socket and with pinNotes.
func openPins(t testing.TB, m *machine, qtest, notes string) *pins {
	t.Helper()
	p := &pins{notes: notes}
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

// set drives a pin from outside.
func (p *pins) set(t testing.TB, pin int, high bool) {
	t.Helper()
	level := 0
	if high {
		level = 1
	}
	_ = p.qtest.SetDeadline(time.Now().Add(time.Minute))
	if _, err := fmt.Fprintf(p.qtest, "set_irq_in %s unnamed-gpio-in %d %d\n", p.chip, pin, level); err != nil {
		t.Fatal(err)
	}
	if !p.answer.Scan() || !strings.HasPrefix(p.answer.Text(), "OK") {
		t.Fatalf("pin %d: %q, %v", pin, p.answer.Text(), p.answer.Err())
	}
}

// change is an output that was set to another level.
type change struct {
	at   time.Time
	pin  int
	high bool
}

// changes are all of them since the power came on.
func (p *pins) changes(t testing.TB) (all []change) {
	t.Helper()
	b, err := os.ReadFile(p.notes)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var c change
		var process, seconds, micros, level int64
		var chip string
		if n, _ := fmt.Sscanf(line, "%d@%d.%d:pl061_set_output %s setting output %d to %d\n", &process, &seconds, &micros, &chip, &c.pin, &level); n == 6 {
			c.at, c.high = time.Unix(seconds, 1000*micros), level != 0
			all = append(all, c)
		}
	}
	return all
}

// stretch is a time in which lamps stayed as they were, bit 0 for pin 0.
type stretch struct {
	from, to time.Time
	lit      byte
}

func (s stretch) length() time.Duration { return s.to.Sub(s.from) }

// stretches are what the lamps on some pins showed in a time, in turn.
func (p *pins) stretches(t testing.TB, pins byte, from, to time.Time) (all []stretch) {
	t.Helper()
	now := stretch{from: from}
	for _, c := range p.changes(t) {
		if c.at.After(to) {
			break
		}
		next := now.lit &^ (1 << c.pin)
		if c.high {
			next |= 1 << c.pin & pins
		}
		if next != now.lit && c.at.After(from) {
			if now.to = c.at; now.length() > 0 {
				all = append(all, now)
			}
			now.from = c.at
		}
		now.lit = next
	}
	now.to = to
	return append(all, now)
}
