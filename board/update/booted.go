package update

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Booted is how the computer started.
type Booted struct {
	Slot Slot
	ID   string // of this start of the computer
}

// BootedFrom finds out by what firmware and kernel tell under the root of the file
// system. The Raspberry Pi's firmware writes partition and tryboot as 32-bit
// big-endian cells into the device tree (Raspberry Pi documentation, "device tree:
// /chosen/bootloader"); elsewhere the kernel's command line holds centralino.slot and
// centralino.tryboot. It is an error if neither names a slot: this computer has none.
func BootedFrom(root fs.FS) (Booted, error) {
	var b Booted
	if id, err := fs.ReadFile(root, "proc/sys/kernel/random/boot_id"); err == nil {
		b.ID = strings.TrimSpace(string(id))
	}
	if n, ok := cell(root, "proc/device-tree/chosen/bootloader/partition"); ok && Slot(n).Valid() {
		b.Slot = Slot(n)
		return b, nil
	}
	line, err := fs.ReadFile(root, "proc/cmdline")
	if err != nil {
		return b, fmt.Errorf("find the slot that was started: %w", err)
	}
	for _, word := range strings.Fields(string(line)) {
		name, value, _ := strings.Cut(word, "=")
		if n, err := strconv.Atoi(value); err == nil && name == "centralino.slot" && Slot(n).Valid() {
			b.Slot = Slot(n)
		}
	}
	if b.Slot == 0 {
		return b, errNoSlot
	}
	return b, nil
}

var errNoSlot = errors.New("find the slot that was started: this computer starts from no slot")

// cell reads a property of one 32-bit cell.
func cell(root fs.FS, path string) (uint32, bool) {
	b, err := fs.ReadFile(root, path)
	if err != nil || len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}

// OnTrial says whether the computer started from a slot that is not in force. Who asks
// for it may stand above a program that does not even begin.
func (d Disk) OnTrial(b Booted) bool {
	sel, err := d.ReadSelector()
	return err == nil && b.Slot.Valid() && b.Slot != sel.Boot
}

// GiveUp notes that the program of the slot in force does not stay up, while no Updater
// runs. True: the computer is to start once from the other slot. On an error it starts
// as always.
func GiveUp(d Disk, m Memory, b Booted) (other bool, err error) {
	sel, err := d.ReadSelector()
	if err != nil {
		return false, fmt.Errorf("give up slot %s: %w", b.Slot, err)
	}
	s, err := m.Load()
	if err != nil {
		return false, fmt.Errorf("give up slot %s: %w", b.Slot, err)
	}
	s, other = s.GivenUp(Start{Slot: b.Slot, Boot: sel.Boot})
	if !other {
		return false, nil
	}
	if err := m.Save(s); err != nil { // not counted: it could go on for ever
		return false, fmt.Errorf("give up slot %s: %w", b.Slot, err)
	}
	if err := d.Select(sel.Boot); err != nil { // the firmware must find the other slot in it
		return false, fmt.Errorf("give up slot %s: %w", b.Slot, err)
	}
	return true, nil
}
