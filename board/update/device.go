package update

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// file is a Device over a partition's device file, or a plain file of fixed size.
type file struct {
	f    *os.File
	size int64
}

// OpenDevice opens a partition. Its size does not change.
func OpenDevice(path string) (Device, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open partition: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd) // Stat does not know a partition's size
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("open partition: %w", err)
	}
	return &file{f, size}, nil
}

func (d *file) Size() int64                            { return d.size }
func (d *file) ReadAt(b []byte, at int64) (int, error) { return d.f.ReadAt(b, at) }
func (d *file) WriteAt(b []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(b)) > d.size {
		return 0, fmt.Errorf("write %d octets at %d: beyond the end of the partition", len(b), at)
	}
	return d.f.WriteAt(b, at)
}

func (d *file) Sync() error {
	if err := d.f.Sync(); err != nil {
		return err
	}
	return forget(d.f)
}

// OpenDisk opens the partitions that a folder names: selector, 2 and 3, device files
// or links to them. They stay open until the program ends.
func OpenDisk(folder string) (Disk, error) {
	d := Disk{Slots: map[Slot]Device{}}
	var err error
	if d.Selector, err = OpenDevice(filepath.Join(folder, "selector")); err != nil {
		return Disk{}, err
	}
	for _, s := range []Slot{SlotA, SlotB} {
		if d.Slots[s], err = OpenDevice(filepath.Join(folder, strconv.Itoa(int(s)))); err != nil {
			return Disk{}, err
		}
	}
	return d, nil
}
