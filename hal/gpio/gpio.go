// Package gpio drives the lamps, the button and the relays on the pins of the
// computer, through the kernel's GPIO character device (Linux 5.10 or newer): outputs
// by periph.io, the button by itself, because periph.io throws away at what time the
// kernel saw an edge. Only a button's Watch runs a goroutine, which ends with its
// context.
package gpio

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"centralino/hal"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl" // the kernel's character device, and no other driver
)

// ErrNoGPIO says that this computer has no pins that the box could use. The box
// goes on without lamps and button.
var ErrNoGPIO = errors.New("no GPIO on this computer")

// ErrNoPin says that there is no pin of that name.
var ErrNoPin = errors.New("no such GPIO pin")

// Pin names a pin as the kernel does ("GPIO17"), or where the kernel has no name for it
// by its chip's label and the number in it ("9030000.pl061/4"); and says at which level it
// is on or pressed: High, or Low for parts wired to ground.
type Pin struct {
	Name string
	On   Level
}

// Level is the level at which a pin is on.
type Level string

// Levels.
const (
	High Level = "high"
	Low  Level = "low"
)

// Pins are the pins of the computer.
type Pins struct {
	find  func(name string) gpio.PinIO
	watch func(name string, pull gpio.Pull) (line, error) // has the kernel note a pin's edges
}

// Open finds the pins of the computer. It returns ErrNoGPIO where there are none.
func Open() (*Pins, error) {
	if _, err := driverreg.Init(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoGPIO, err)
	}
	if len(gpioioctl.Chips) == 0 {
		return nil, ErrNoGPIO
	}
	return &Pins{find: find, watch: func(name string, pull gpio.Pull) (line, error) {
		c, number := place(name)
		if c == nil {
			return nil, ErrNoPin
		}
		return openLine(c.Path(), number, pull)
	}}, nil
}

// find returns the pin of a name, nil if there is none.
func find(name string) gpio.PinIO {
	if c, number := place(name); c != nil {
		return c.ByNumber(number)
	}
	return nil
}

// place finds the chip that has the pin of a name, and its number there; nil if none has.
func place(name string) (*gpioioctl.GPIOChip, int) {
	label, number, ok := onChip(name)
	for _, c := range gpioioctl.Chips {
		if !ok {
			if l := c.ByName(name); l != nil {
				return c, l.Number()
			}
		} else if c.Label() == label && number < c.LineCount() {
			return c, number
		}
	}
	return nil, 0
}

// onChip reads a name of the form "LABEL/NUMBER".
func onChip(name string) (label string, number int, ok bool) {
	label, digits, ok := strings.Cut(name, "/")
	n, err := strconv.ParseUint(digits, 10, 16)
	return label, int(n), ok && err == nil && label != ""
}

func (p *Pins) pin(of Pin) (gpio.PinIO, error) {
	if of.On != High && of.On != Low {
		return nil, fmt.Errorf("pin %s: level %q is neither high nor low", of.Name, of.On)
	}
	io := p.find(of.Name)
	if io == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoPin, of.Name)
	}
	return io, nil
}

// output is a pin that switches something. It implements hal.LED and hal.Relay.
type output struct {
	name string
	io   gpio.PinIO
	on   gpio.Level
}

// Set switches on or off.
func (o *output) Set(on bool) error {
	level := o.on
	if !on {
		level = !o.on
	}
	if err := o.io.Out(level); err != nil {
		return fmt.Errorf("set pin %s: %w", o.name, err)
	}
	return nil
}

func (p *Pins) output(of Pin) (*output, error) {
	io, err := p.pin(of)
	if err != nil {
		return nil, err
	}
	o := &output{name: of.Name, io: io, on: of.On == High}
	return o, o.Set(false)
}

// LED opens a lamp, dark.
func (p *Pins) LED(of Pin) (hal.LED, error) { return p.output(of) }

// Relay opens a relay, released.
func (p *Pins) Relay(of Pin) (hal.Relay, error) { return p.output(of) }

// Button opens a button; one that is on at Low gets the pin's own pull-up, one
// that is on at High the pull-down.
func (p *Pins) Button(of Pin) (hal.Button, error) {
	if _, err := p.pin(of); err != nil {
		return nil, err
	}
	pull := gpio.PullUp
	if of.On == High {
		pull = gpio.PullDown
	}
	return &button{on: of.On == High, open: func() (line, error) {
		l, err := p.watch(of.Name, pull)
		if err != nil {
			return nil, fmt.Errorf("watch pin %s: %w", of.Name, err)
		}
		return l, nil
	}}, nil
}
