// Package board knows the computers that the box can be: which pins carry the
// lamps, the button and the relays, which serial ports there are, where the
// temperature is read and how the watchdog is fed. All of it is tables that a
// technician can proof-read beside the wiring. It opens nothing itself.
package board

import (
	"fmt"
	"strings"
	"time"
)

// Lamp is one of the three lamps of the box.
type Lamp string

// The lamps, in the order in which they stand on the box.
const (
	Status Lamp = "status"
	Lines  Lamp = "lines"
	Calls  Lamp = "calls"
)

// Lamps lists the lamps in their order.
var Lamps = []Lamp{Status, Lines, Calls}

// Level is how a pin is read or driven.
type Level string

// Levels at which something is on or pressed.
const (
	High Level = "high"
	Low  Level = "low"
)

// Pin is a pin by the label of its chip and its number there ("pinctrl-bcm2711/17"), or by
// the kernel's name of it ("GPIO17"), on at a level. Header is the place on the 40-pin
// header, for the wiring; 0 on a board without one.
type Pin struct {
	Name   string
	On     Level
	Header int
}

// UART is a serial port of the computer itself. Address is its device-tree
// address, which stays the same whatever the system calls it.
type UART struct {
	Name    string
	Address string
	TX, RX  Pin
	Overlay string // device-tree overlay that switches it on; empty if it is on anyway
}

// Watchdog is the hardware timer that restarts a stuck box.
type Watchdog struct {
	Device string
	Period time.Duration // the box feeds it three times as often
}

// Thermal is where the temperature is read, in thousandths of a degree Celsius.
type Thermal struct {
	Zone     string
	Warn     int // degrees: a warning
	Throttle int // degrees: the processor slows down
}

// Board is one kind of computer.
type Board struct {
	Name     string // for -board
	Title    string
	Models   []string     // the device-tree model string; " Rev 1.4" and the like may follow
	LEDs     map[Lamp]Pin // none: this board has no lamps
	Button   Pin          // zero: none
	Relays   map[string]Pin
	UARTs    []UART
	Thermal  Thermal
	Watchdog Watchdog
}

// HasGPIO reports whether the board has lamps or a button on pins.
func (b Board) HasGPIO() bool { return len(b.LEDs) > 0 || b.Button.Name != "" }

// Boards is the table of boards.
var Boards = []Board{
	{
		Name:  "sim",
		Title: "Simulated board",
	},
	{
		Name:   "qemu-virt",
		Title:  "QEMU's virtual board",
		Models: []string{"linux,dummy-virt"},
		// A PL061 with eight pins and no names; pin 3 is the power button.
		LEDs: map[Lamp]Pin{
			Status: {"9030000.pl061/0", High, 0},
			Lines:  {"9030000.pl061/1", High, 0},
			Calls:  {"9030000.pl061/2", High, 0},
		},
		Button: Pin{"9030000.pl061/4", High, 0},
	},
	// QEMU's Raspberry Pi has the chip behind the header, but nobody can press anything
	// there: the button would read as held for ever. Its image asks for it by name.
	{
		Name:     "qemu-raspi3b",
		Title:    "QEMU's Raspberry Pi 3 Model B",
		Thermal:  piThermal,
		Watchdog: piWatchdog,
	},
	pi("rpi3b", "Raspberry Pi 3 Model B", chip3, "Raspberry Pi 3 Model B", "Raspberry Pi 3 Model B+"),
	pi("rpizero2w", "Raspberry Pi Zero 2 W", chip3, "Raspberry Pi Zero 2 W"),
	pi("rpi4b", "Raspberry Pi 4 Model B", chip4, "Raspberry Pi 4 Model B"),
	pi("rpi400", "Raspberry Pi 400", chip4, "Raspberry Pi 400"),
	pi("rpicm4", "Raspberry Pi Compute Module 4", chip4, "Raspberry Pi Compute Module 4"),
	pi("rpi5", "Raspberry Pi 5", chip5, "Raspberry Pi 5"),
	pi("rpi500", "Raspberry Pi 500", chip5, "Raspberry Pi 500"),
	pi("rpicm5", "Raspberry Pi Compute Module 5", chip5, "Raspberry Pi Compute Module 5"),
}

// Detect finds the board by the device-tree model string that the caller has
// read ("Raspberry Pi 4 Model B Rev 1.4", with its closing zero byte); false for a
// computer that is not in the table.
func Detect(model string) (Board, bool) {
	model = strings.TrimSpace(strings.TrimRight(model, "\x00"))
	for _, b := range Boards {
		for _, m := range b.Models {
			if model == m || strings.HasPrefix(model, m+" ") {
				return b, true
			}
		}
	}
	return Board{}, false
}

// Asked finds the board that the kernel's command line asks for ("centralino.board=NAME"),
// whatever the device tree calls the machine; false if it asks for none of the table.
func Asked(cmdline string) (Board, bool) {
	for _, word := range strings.Fields(cmdline) {
		if name, ok := strings.CutPrefix(word, "centralino.board="); ok {
			b, err := ByName(name)
			return b, err == nil
		}
	}
	return Board{}, false
}

// Names are the names of the boards, for -board.
func Names() []string {
	var names []string
	for _, b := range Boards {
		names = append(names, b.Name)
	}
	return names
}

// ByName finds a board by the name that a person gave; the error says which names
// there are.
func ByName(name string) (Board, error) {
	for _, b := range Boards {
		if b.Name == name {
			return b, nil
		}
	}
	return Board{}, fmt.Errorf("board %q is not known; choose one of %s", name, strings.Join(Names(), ", "))
}
