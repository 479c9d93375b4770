package update

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Device is a partition, or a file in place of one.
type Device interface {
	io.ReaderAt
	io.WriterAt
	// Sync returns once everything that was written is on the medium; what is read
	// after it comes from there and not from a cache.
	Sync() error
	Size() int64
}

// Disk is where selector and slots lie.
type Disk struct {
	Selector Device // the first partition: a FAT32 file system with SelectorName, or that sector alone
	Slots    map[Slot]Device
}

// ReadSelector reads the selector.
func (d Disk) ReadSelector() (Selector, error) {
	b, _, err := d.selector()
	if err != nil {
		return Selector{}, err
	}
	return ParseSelector(b)
}

func (d Disk) selector() (text []byte, at int64, err error) {
	if d.Selector.Size() != SelectorSize {
		if at, err = fileSector(d.Selector, SelectorName); err != nil {
			return nil, 0, fmt.Errorf("find %s: %w", SelectorName, err)
		}
	}
	text = make([]byte, SelectorSize)
	if _, err := d.Selector.ReadAt(text, at); err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", SelectorName, err)
	}
	return text, at, nil
}

// Select writes the selector, where it is not so already, by one write of one sector,
// and reads it back.
func (d Disk) Select(s Slot) error {
	if !s.Valid() {
		return fmt.Errorf("write %s: %w for slot %s", SelectorName, errSelector, s)
	}
	want := FormatSelector(s)
	have, at, err := d.selector()
	if err != nil || bytes.Equal(have, want) {
		return err
	}
	if _, err := d.Selector.WriteAt(want, at); err != nil {
		return fmt.Errorf("write %s: %w", SelectorName, err)
	}
	if err := d.Selector.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", SelectorName, err)
	}
	if have, _, err = d.selector(); err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return refuse(Medium, "%s does not read back", SelectorName)
	}
	return nil
}

// writeSlot writes what a bundle holds to a slot that is not in force, and reads all
// of it back. The first block, without which it is no file system, comes last: half a
// slot cannot be started. Blocks that are there already are not written again, so that
// a second attempt after a power cut takes up where the first one ended. progress is
// told after each block the octets written and read back, of twice the size; it may
// hold the work up, and its error ends it.
func writeSlot(ctx context.Context, dev Device, b *Bundle, progress func(done int64) error) error {
	m := b.Manifest()
	if dev.Size() < m.Size {
		return refuse(TooLarge, "%d octets, the slot has %d", m.Size, dev.Size())
	}
	first, err := writeBlocks(ctx, dev, b, progress)
	if err != nil {
		return err
	}
	if err := dev.Sync(); err != nil {
		return &Refusal{Reason: BadDisk, Err: err}
	}
	if err := put(dev, first, 0, &m); err != nil {
		return err
	}
	if err := dev.Sync(); err != nil {
		return &Refusal{Reason: BadDisk, Err: err}
	}
	return readBack(ctx, dev, m, func(done int64) error { return progress(m.Size + done) })
}

// writeBlocks writes all blocks but the first, which it returns; in its place the slot
// has zeros from before the first other block on.
func writeBlocks(ctx context.Context, dev Device, b *Bundle, progress func(done int64) error) (first []byte, err error) {
	m := b.Manifest()
	for {
		if err := ctx.Err(); err != nil {
			return nil, &Refusal{Reason: Stopped, Err: err}
		}
		at, block, err := b.Next()
		switch {
		case errors.Is(err, io.EOF):
			return first, nil
		case err != nil:
			return nil, err
		case at == 0:
			first = bytes.Clone(block)
			if err := blank(dev, len(block)); err != nil {
				return nil, err
			}
		default:
			if err := put(dev, block, at, &m); err != nil {
				return nil, err
			}
		}
		if err := progress(at + int64(len(block))); err != nil {
			return nil, err
		}
	}
}

// blank makes the slot no file system.
func blank(dev Device, n int) error {
	if _, err := dev.WriteAt(make([]byte, n), 0); err != nil {
		return &Refusal{Reason: BadDisk, Detail: "first block", Err: err}
	}
	if err := dev.Sync(); err != nil {
		return &Refusal{Reason: BadDisk, Detail: "first block", Err: err}
	}
	return nil
}

// put writes a block where it is not there already.
func put(dev Device, block []byte, at int64, m *Manifest) error {
	have := make([]byte, len(block))
	if _, err := dev.ReadAt(have, at); err == nil && bytes.Equal(have, block) {
		return nil
	}
	if _, err := dev.WriteAt(block, at); err != nil {
		return &Refusal{Reason: BadDisk, Detail: fmt.Sprintf("block %d of %d", at/int64(m.Block)+1, m.blocks()), Err: err}
	}
	return nil
}

// readBack compares a slot with the manifest's sums.
func readBack(ctx context.Context, dev Device, m Manifest, progress func(done int64) error) error {
	buf := make([]byte, m.Block)
	for i := range m.blocks() {
		if err := ctx.Err(); err != nil {
			return &Refusal{Reason: Stopped, Err: err}
		}
		block := buf[:m.length(i)]
		at := int64(i) * int64(m.Block)
		if _, err := dev.ReadAt(block, at); err != nil {
			return &Refusal{Reason: Medium, Detail: fmt.Sprintf("block %d of %d", i+1, m.blocks()), Err: err}
		}
		if sum := sha256.Sum256(block); !bytes.Equal(sum[:], m.sum(i)) {
			return refuse(Medium, "block %d of %d", i+1, m.blocks())
		}
		if err := progress(at + int64(len(block))); err != nil {
			return err
		}
	}
	return nil
}
