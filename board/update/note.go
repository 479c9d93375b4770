package update

import (
	"bytes"
	"errors"
	"fmt"
)

// NoteSize is the size of a note: a file of one sector on the first partition, which a
// person reads in another computer. It is rewritten in place like the selector.
const NoteSize = sector

// errNote is the cause of a note that cannot be written.
var errNote = errors.New("note")

// ReadNote reads a note.
func (d Disk) ReadNote(name string) ([]byte, error) {
	at, err := fileSector(d.Selector, name)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", name, err)
	}
	b := make([]byte, NoteSize)
	if _, err := d.Selector.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// WriteNote writes a note where it does not say so already, by one write of one sector,
// and reads it back. What is left of the sector is filled with ends of lines.
func (d Disk) WriteNote(name, text string) error {
	if len(text) > NoteSize {
		return fmt.Errorf("write %s: %w of %d octets", name, errNote, len(text))
	}
	want := append([]byte(text), bytes.Repeat([]byte("\n"), NoteSize-len(text))...)
	have, err := d.ReadNote(name)
	if err != nil || bytes.Equal(have, want) {
		return err
	}
	at, err := fileSector(d.Selector, name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if _, err := d.Selector.WriteAt(want, at); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := d.Selector.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if have, err = d.ReadNote(name); err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("write %s: %w does not read back", name, errNote)
	}
	return nil
}
