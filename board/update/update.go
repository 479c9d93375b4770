// Package update replaces the program of the box and takes it back when the new
// one does not do. It owns the form of the update bundle with its signature, the
// selector that the computer's firmware reads, the decisions about the two slots
// (pure: Selector, State, Admit, Gate's rules), and the one updater that carries
// them out. It must never write to the slot that is in force, and never anything
// that was not signed and checked before.
//
// A slot is a whole partition with firmware, kernel and program. There are two:
//
//	p1 selector   names the slot in force: autoboot.txt, one sector
//	p2 slot A     one of them is in force,
//	p3 slot B     the other is free for the next update
//	p4 data       the State of the slots, the bundle that waits
//
// The life of an update:
//
//	bundle ──signature, board, release──▶ kept on the data partition, block by block checked
//	   ──no calls──▶ copy of the database ──▶ free slot written, read back from the medium
//	   ──no calls──▶ one start from the new slot ("tryboot": the firmware forgets it by itself)
//	   ──health gate──▶ the selector's one sector is rewritten: committed
//	   ──anything else──▶ the next start is the old slot again
//
// Goroutines: Updater.Run alone, started by the caller.
package update

import "fmt"

// Slot is the number of a slot's partition; the zero Slot is unknown.
type Slot int

// The two slots.
const (
	SlotA Slot = 2
	SlotB Slot = 3
)

// Other is the slot that this one is not; unknown stays unknown.
func (s Slot) Other() Slot {
	switch s {
	case SlotA:
		return SlotB
	case SlotB:
		return SlotA
	}
	return 0
}

// Valid says whether it is one of the two.
func (s Slot) Valid() bool { return s == SlotA || s == SlotB }

// String names the slot as people call it.
func (s Slot) String() string {
	switch s {
	case SlotA:
		return "A"
	case SlotB:
		return "B"
	}
	return fmt.Sprintf("unknown (%d)", int(s))
}
