package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"centralino/board/update"
)

// The simulated computer's partitions and firmware: files in the folder of -slots. The
// program itself stays the same whatever the slots hold, so that updates can be tried
// on a desk.
const (
	simTryName  = "tryboot"    // the firmware's flag: there for one start
	simKeyName  = "update.pub" // who signs bundles for this simulated box (image/bundle, -slots)
	simImage    = "sim"        // what bundles call the simulated computer
	simSlotSize = 64 << 20
	simStable   = 10 * time.Second // who tries it on a desk need not wait
)

// simSlots makes what is missing and starts as the firmware would. The version that
// runs is what the memory of the slots says of the slot, else this program's.
func simSlots(folder string, o *update.Options) error {
	if err := makeSimSlots(folder); err != nil {
		return fmt.Errorf("make simulated slots: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(folder, simKeyName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if o.Keys, err = update.ParseKeys(string(text)); err != nil {
		return err
	}
	if o.Disk, err = update.OpenDisk(folder); err != nil {
		return err
	}
	sel, err := o.Disk.ReadSelector()
	if err != nil {
		return err
	}
	flag := filepath.Join(folder, simTryName)
	_, err = os.Stat(flag)
	try := err == nil
	if try {
		if err := os.Remove(flag); err != nil {
			return err
		}
	}
	o.Board = simImage
	o.Gate.Stable = simStable
	o.Booted = update.Booted{Slot: sel.Starts(try), ID: rand.Text()}
	if state, err := o.Memory.Load(); err == nil && state.Slots[o.Booted.Slot].Version != "" {
		c := state.Slots[o.Booted.Slot]
		o.Version, o.Release = c.Version, c.Release
	}
	return nil
}

func makeSimSlots(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	selector := filepath.Join(folder, "selector")
	if _, err := os.Stat(selector); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(selector, update.FormatSelector(update.SlotA), 0o600); err != nil {
			return err
		}
	}
	for _, s := range []update.Slot{update.SlotA, update.SlotB} {
		f, err := os.OpenFile(filepath.Join(folder, strconv.Itoa(int(s))), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		err = f.Truncate(simSlotSize) // takes no room until it is written
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
