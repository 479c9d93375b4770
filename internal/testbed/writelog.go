package testbed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// WriteLog is what a disk was asked to write, in the order in which it was done: the file
// that QEMU's filter blklogwrites keeps, in the format of the kernel's dm-log-writes
// (Documentation/admin-guide/device-mapper/log-writes.rst, and log-writes.h of its
// tools). Its data stay in that file.
type WriteLog struct {
	SectorSize int64
	Counted    int64 // entries that the superblock counts; a log that was cut off may hold more
	Entries    []WriteEntry
	log        io.ReaderAt
}

// WriteEntry is one request.
type WriteEntry struct {
	At, Len int64 // octets of the disk
	Data    int64 // place of what was written in the log
	End     int64 // place in the log behind the entry
	Flush   bool  // all that was done before is on the medium
	FUA     bool  // what it writes is on the medium
	Discard bool  // nothing is written: the disk may forget
}

// The format's numbers; all are little-endian.
const (
	writeLogMagic   = 0x6a736677736872
	writeLogVersion = 1
	writeLogSuper   = 8 + 8 + 8 + 4 // magic, version, entries, sector size
	writeLogHead    = 8 + 8 + 8 + 8 // sector, sectors, flags, length of a mark's text
	largestSector   = 64 << 10
)

// Flags of an entry. A mark is a word of whoever keeps the log, in the sector of its head.
const (
	flagFlush    = 1 << 0
	flagFUA      = 1 << 1
	flagDiscard  = 1 << 2
	flagMark     = 1 << 3
	flagMetadata = 1 << 4
	flagsKnown   = flagMetadata<<1 - 1
)

var errWriteLog = errors.New("not a log of writes")

// ReadWriteLog reads the heads of a log of so many octets. It ends before an entry that is
// not whole, as the last ones of a machine that was stopped may be.
func ReadWriteLog(log io.ReaderAt, size int64) (*WriteLog, error) {
	var super [writeLogSuper]byte
	if _, err := log.ReadAt(super[:], 0); err != nil {
		return nil, fmt.Errorf("%w: %w", errWriteLog, err)
	}
	word := func(b []byte, n int) uint64 { return binary.LittleEndian.Uint64(b[8*n:]) }
	l := &WriteLog{SectorSize: int64(binary.LittleEndian.Uint32(super[24:])), Counted: int64(min(word(super[:], 2), math.MaxInt64)), log: log}
	if s := l.SectorSize; word(super[:], 0) != writeLogMagic || word(super[:], 1) != writeLogVersion || s < 512 || s > largestSector || s&(s-1) != 0 {
		return nil, errWriteLog
	}
	var head [writeLogHead]byte
	for at := l.SectorSize; at+l.SectorSize <= size; {
		if _, err := log.ReadAt(head[:], at); err != nil {
			return nil, fmt.Errorf("entry %d of the log of writes: %w", len(l.Entries), err)
		}
		sector, sectors, flags, text := word(head[:], 0), word(head[:], 1), word(head[:], 2), word(head[:], 3)
		if sector|sectors|flags == 0 {
			break // its place was taken and not written
		}
		limit := uint64(math.MaxInt64 / l.SectorSize / 2)
		if sector > limit || sectors > limit || flags > flagsKnown || text > uint64(l.SectorSize-writeLogHead) {
			return nil, fmt.Errorf("entry %d: %w", len(l.Entries), errWriteLog)
		}
		e := WriteEntry{At: int64(sector) * l.SectorSize, Len: int64(sectors) * l.SectorSize, Data: at + l.SectorSize,
			Flush: flags&flagFlush != 0, FUA: flags&flagFUA != 0, Discard: flags&flagDiscard != 0}
		e.End = e.Data
		if !e.Discard {
			if e.Len > size-e.Data {
				break
			}
			e.End += e.Len
		}
		at = e.End
		if flags&flagMark == 0 {
			l.Entries = append(l.Entries, e)
		}
	}
	return l, nil
}

// Settled says how many of the first n entries are on the medium for sure: those before
// the last flush among them. What follows, the entries of the result up to n, may be there
// or not, but those with FUA are.
func (l *WriteLog) Settled(n int) int {
	for i := n - 1; i >= 0; i-- {
		switch e := &l.Entries[i]; {
		case e.Flush && e.Len > 0 && !e.FUA:
			return i // what such a request writes itself comes after the flush
		case e.Flush:
			return i + 1
		}
	}
	return 0
}

// At says how many entries were whole when the log had so many octets.
func (l *WriteLog) At(size int64) int {
	n, _ := slices.BinarySearchFunc(l.Entries, size, func(e WriteEntry, size int64) int {
		if e.End <= size {
			return -1
		}
		return 1
	})
	return n
}

// Replay writes the first sectors of entry i, all of them if it has not as many, to a disk.
func (l *WriteLog) Replay(disk io.WriterAt, i int, sectors int64) error {
	e := l.Entries[i]
	if e.Discard {
		return nil // what was there may still be there
	}
	n := min(e.Len/l.SectorSize, sectors) * l.SectorSize
	b := make([]byte, min(n, 1<<20))
	for done := int64(0); done < n; done += int64(len(b)) {
		b = b[:min(int64(len(b)), n-done)]
		if _, err := l.log.ReadAt(b, e.Data+done); err != nil {
			return fmt.Errorf("data of entry %d of the log of writes: %w", i, err)
		}
		if _, err := disk.WriteAt(b, e.At+done); err != nil {
			return err
		}
	}
	return nil
}
