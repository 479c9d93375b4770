// Package gpio drives the lamps, the button and the relays on the pins of the
// computer, through the kernel's GPIO character device (periph.io, Linux 5.10 or
// newer). Only a button's Watch runs a goroutine, which ends with its context.
package gpio

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"centralino/hal"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
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
	find func(name string) gpio.PinIO
}

// Open finds the pins of the computer. It returns ErrNoGPIO where there are none.
func Open() (*Pins, error) {
	if _, err := driverreg.Init(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoGPIO, err)
	}
	if len(gpioioctl.Chips) == 0 {
		return nil, ErrNoGPIO
	}
	return &Pins{find: find}, nil
}

// find returns the pin of a name, nil if there is none.
func find(name string) gpio.PinIO {
	label, number, ok := onChip(name)
	if !ok {
		return gpioreg.ByName(name)
	}
	for _, c := range gpioioctl.Chips {
		if c.Label() == label && number < c.LineCount() {
			return c.ByNumber(number)
		}
	}
	return nil
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
	io, err := p.pin(of)
	if err != nil {
		return nil, err
	}
	b := &button{name: of.Name, io: io, on: of.On == High, pull: gpio.PullUp}
	if b.on {
		b.pull = gpio.PullDown
	}
	return b, nil
}

// look is how often a button is read even without an edge, so that one lost edge
// is not a button stuck for ever, and how long Watch takes to end at most.
const look = 100 * time.Millisecond

type button struct {
	name string
	io   gpio.PinIO
	on   gpio.Level
	pull gpio.Pull
}

// Watch reports the button's changes; a button that is held when Watch begins is
// reported at once. Contact bounce is passed on, board/button takes it away.
func (b *button) Watch(ctx context.Context) (<-chan hal.ButtonEdge, error) {
	if err := b.io.In(b.pull, gpio.BothEdges); err != nil {
		return nil, fmt.Errorf("read pin %s: %w", b.name, err)
	}
	// 16: more edges than a person makes in a second; see hal.Button.
	edges := make(chan hal.ButtonEdge, 16)
	go b.watch(ctx, edges)
	return edges, nil
}

func (b *button) watch(ctx context.Context, edges chan<- hal.ButtonEdge) {
	defer close(edges)
	defer b.io.Halt() // frees the line; nothing could be done about an error
	was := false
	for ctx.Err() == nil {
		if pressed := b.io.Read() == b.on; pressed != was {
			select {
			case edges <- hal.ButtonEdge{Pressed: pressed, At: time.Now()}:
				was = pressed
			default: // full: seen again at the next look
			}
		}
		began := time.Now()
		if !b.io.WaitForEdge(look) && time.Since(began) < look/2 {
			select { // a pin that cannot wait must not spin
			case <-time.After(look / 10):
			case <-ctx.Done():
			}
		}
	}
}
