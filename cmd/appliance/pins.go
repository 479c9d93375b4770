package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"centralino/board"
	"centralino/hal"
	"centralino/hal/gpio"
)

// chooseBoard finds the board by its name, or by what the kernel's command line or its
// device tree call the machine.
func chooseBoard(name string) (board.Board, error) {
	if name != "auto" {
		return board.ByName(name)
	}
	cmdline, _ := os.ReadFile("/proc/cmdline") // what cannot be read asks for nothing
	if found, ok := board.Asked(string(cmdline)); ok {
		return found, nil
	}
	model, err := os.ReadFile("/proc/device-tree/model")
	if err == nil {
		if found, ok := board.Detect(string(model)); ok {
			return found, nil
		}
	}
	return board.Board{Name: "none", Title: "Computer without pins"}, nil
}

// pinsWait is how long after its start a board may take until its pins are there.
const pinsWait = 3 * time.Second

// openPins opens the lamps and the button of a board, as far as it has them and they can
// be used. What cannot is in the error; a button that cannot is nil.
func openPins(of board.Board) (map[board.Lamp]hal.LED, hal.Button, error) {
	leds := map[board.Lamp]hal.LED{}
	if onBoard() {
		wanted := []gpio.Pin{{Name: of.Button.Name}}
		for _, pin := range of.LEDs {
			wanted = append(wanted, gpio.Pin{Name: pin.Name})
		}
		gpio.Await(gpio.Labels(wanted...), pinsWait) // what did not come by then is told below
	}
	pins, err := gpio.Open()
	if err != nil {
		return leds, nil, err
	}
	var errs []error
	for lamp, pin := range of.LEDs {
		l, err := pins.LED(gpio.Pin{Name: pin.Name, On: gpio.Level(pin.On)})
		if err != nil {
			errs = append(errs, fmt.Errorf("lamp %s: %w", lamp, err))
			continue
		}
		leds[lamp] = l
	}
	var found hal.Button
	if p := of.Button; p.Name != "" {
		if found, err = pins.Button(gpio.Pin{Name: p.Name, On: gpio.Level(p.On)}); err != nil {
			errs, found = append(errs, fmt.Errorf("button: %w", err)), nil
		}
	}
	return leds, found, errors.Join(errs...)
}
