package update

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Selector is what the computer's firmware reads in autoboot.txt of the first
// partition: the partition to start from, and the one to start from once when asked
// with "tryboot" (Raspberry Pi documentation, config.txt, "autoboot.txt").
type Selector struct {
	Boot Slot // [all]
	Try  Slot // [tryboot]
}

// SelectorName is the selector's file on the first partition, and SelectorSize its
// size: one sector, rewritten in place, so that no table of the file system changes
// and a power cut leaves the old one or the new one.
const (
	SelectorName = "autoboot.txt"
	SelectorSize = sector
)

// errSelector is the cause of every selector that cannot be read.
var errSelector = errors.New("selector")

const selectorText = "[all]\ntryboot_a_b=1\nboot_partition=%d\n[tryboot]\nboot_partition=%d\n"

// FormatSelector writes the selector of a box whose slot in force is s. Two selectors
// differ in two digits alone, each of which names a whole slot: also a sector of which
// only a part was written starts the box.
func FormatSelector(s Slot) []byte {
	b := []byte(fmt.Sprintf(selectorText, int(s), int(s.Other())))
	fill := "# The box rewrites this file. Do not change its size.\n"
	for len(b)+len(fill) <= SelectorSize {
		b = append(b, fill...)
	}
	for len(b) < SelectorSize {
		b = append(b, '\n')
	}
	return b
}

// ParseSelector reads a selector as the firmware does: sections, settings, comments;
// what it does not know is passed over. Without a setting for tryboot that is the same
// partition. It is an error if it names no slot.
func ParseSelector(text []byte) (Selector, error) {
	var s Selector
	if len(text) > SelectorSize {
		return s, fmt.Errorf("read %s: %w of %d octets", SelectorName, errSelector, len(text))
	}
	section := "[all]"
	for line := range strings.SplitSeq(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.ToLower(line)
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(name) != "boot_partition" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || !Slot(n).Valid() {
			return s, fmt.Errorf("read %s: %w names partition %q", SelectorName, errSelector, value)
		}
		switch section {
		case "[all]":
			s.Boot = Slot(n)
		case "[tryboot]":
			s.Try = Slot(n)
		}
	}
	if !s.Boot.Valid() {
		return s, fmt.Errorf("read %s: %w names no slot", SelectorName, errSelector)
	}
	if s.Try == 0 {
		s.Try = s.Boot
	}
	return s, nil
}

// Starts is the slot that the firmware starts: try says whether this one start was
// asked for with "tryboot".
func (s Selector) Starts(try bool) Slot {
	if try {
		return s.Try
	}
	return s.Boot
}
