package boot

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
)

// Medium is the data partition as Format sees it.
type Medium interface {
	io.ReaderAt
	io.WriterAt
	// Zero makes n octets zero.
	Zero(at, n int64) error
	// Discard tells the card that what is there from at on is not needed any more. Not
	// every card can take it.
	Discard(at int64)
	// Sync returns once everything is on the card.
	Sync() error
}

// The first octets of an ext4 partition are not the file system's (its superblock begins
// behind them). While Format works, formatMark stands there.
const (
	superblock = 1024
	formatMark = "CENTRALINO FORMATS THIS PARTITION"
)

// Format makes an empty file system of the data partition. A power cut leaves what was
// there before, or a partition of which HalfFormatted says true, or the new file system.
// What the partition held beyond TemplateSize is given back to the card, but may still
// be read by somebody who takes it apart.
func Format(m Medium) error {
	mark := make([]byte, superblock)
	copy(mark, formatMark)
	if err := put(m, mark, 0); err != nil {
		return err
	}
	m.Discard(templateBlock)
	if err := m.Zero(templateBlock, TemplateSize-templateBlock); err != nil {
		return fmt.Errorf("empty the data partition: %w", err)
	}
	var first []byte
	err := eachBlock(func(n int64, block []byte) error {
		if n == 0 {
			first = bytes.Clone(block)
			return nil
		}
		_, err := m.WriteAt(block, n*templateBlock)
		return err
	})
	if err != nil {
		return fmt.Errorf("format the data partition: %w", err)
	}
	if err := m.Sync(); err != nil {
		return fmt.Errorf("format the data partition: %w", err)
	}
	if err := put(m, first[superblock:], superblock); err != nil {
		return err
	}
	return put(m, first[:superblock], 0) // takes the mark away
}

// put writes and waits until it is on the card.
func put(m Medium, b []byte, at int64) error {
	_, err := m.WriteAt(b, at)
	if err == nil {
		err = m.Sync()
	}
	if err != nil {
		return fmt.Errorf("format the data partition: %w", err)
	}
	return nil
}

// HalfFormatted reports a partition whose formatting began and did not end: what it held
// is lost, and formatting it again is all that can be done.
func HalfFormatted(r io.ReaderAt) bool {
	b := make([]byte, len(formatMark))
	_, err := r.ReadAt(b, 0)
	return err == nil && string(b) == formatMark
}

// eachBlock gives the blocks of the template that are not zero, with their numbers. The
// block is not to be kept.
func eachBlock(do func(n int64, block []byte) error) error {
	z, err := gzip.NewReader(bytes.NewReader(template))
	if err != nil {
		return fmt.Errorf("%w: %w", errTemplate, err)
	}
	for b := make([]byte, 4+templateBlock); ; {
		if _, err := io.ReadFull(z, b); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w: %w", errTemplate, err)
		}
		n := int64(binary.BigEndian.Uint32(b))
		if n >= TemplateSize/templateBlock {
			return errTemplate
		}
		if err := do(n, b[4:]); err != nil {
			return err
		}
	}
}
