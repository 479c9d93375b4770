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

// Pin is a pin by its kernel name ("GPIO17"), or by its chip and number where it has no
// name ("9030000.pl061/4"), on at a level. Header is the place on the 40-pin header, for
// the wiring; 0 on a board without one.
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
	Models   []string     // beginnings of the device-tree model string
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
	{
		Name:   "rpi4b",
		Title:  "Raspberry Pi 4 Model B",
		Models: []string{"Raspberry Pi 4 Model B"},
		LEDs: map[Lamp]Pin{
			Status: {"GPIO17", High, 11},
			Lines:  {"GPIO27", High, 13},
			Calls:  {"GPIO22", High, 15},
		},
		Button: Pin{"GPIO23", Low, 16}, // to ground, with the pin's own pull-up
		Relays: map[string]Pin{
			"powerfail": {"GPIO24", High, 18}, // line 1 to the emergency telephone when released
			"gateway":   {"GPIO25", High, 22}, // power of a gateway
		},
		// BCM2711 ARM peripherals, chapter 11. UART 2 is left out: its pins belong
		// to the HAT's identification memory.
		UARTs: []UART{
			{"uart0", "fe201000", Pin{"GPIO14", High, 8}, Pin{"GPIO15", High, 10}, "disable-bt"},
			{"uart3", "fe201600", Pin{"GPIO4", High, 7}, Pin{"GPIO5", High, 29}, "uart3"},
			{"uart4", "fe201800", Pin{"GPIO8", High, 24}, Pin{"GPIO9", High, 21}, "uart4"},
			{"uart5", "fe201a00", Pin{"GPIO12", High, 32}, Pin{"GPIO13", High, 33}, "uart5"},
		},
		Thermal:  Thermal{Zone: "thermal_zone0", Warn: 75, Throttle: 80},
		Watchdog: Watchdog{Device: "watchdog0", Period: 15 * time.Second}, // bcm2835_wdt counts to 15.99 s
	},
}

// Detect finds the board by the device-tree model string that the caller has
// read ("Raspberry Pi 4 Model B Rev 1.4", with its closing zero byte); false for a
// computer that is not in the table.
func Detect(model string) (Board, bool) {
	model = strings.TrimSpace(strings.TrimRight(model, "\x00"))
	for _, b := range Boards {
		for _, m := range b.Models {
			if strings.HasPrefix(model, m) {
				return b, true
			}
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
