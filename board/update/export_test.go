package update

import "io"

// OpenUnchecked reads a bundle as Open does and then takes its blocks unchecked: the
// control that shows what a test of damaged bundles would see without the checks.
func OpenUnchecked(r io.Reader, keys Keys) (*Bundle, error) {
	b, err := Open(r, keys)
	if b != nil {
		b.unsafe = true
	}
	return b, err
}

// ParseManifest is the parser of what was signed.
var ParseManifest = parseManifest

// FileSector finds the sector of a file.
var FileSector = fileSector

// WriteSlot writes and reads back.
var WriteSlot = writeSlot

// Pass runs the gate.
var Pass = Gate.pass

// BlockSize of the bundles that Make makes.
const BlockSize = blockSize
