package boot

import (
	"encoding/binary"
	"errors"
)

// Sector is the unit of the master boot record, in octets.
const Sector = 512

// MBR is a master boot record: the first sector of the disk.
type MBR [Sector]byte

// Partition is an entry of the master boot record, in sectors.
type Partition struct {
	Type       byte
	Start, Len uint32
}

var errNotOurs = errors.New("the disk has no master boot record of ours")

// Ours reports a record that our image builder wrote.
func (m *MBR) Ours() bool {
	return m[510] == 0x55 && m[511] == 0xaa && binary.LittleEndian.Uint32(m[440:]) == DiskID
}

// Partition reads entry n, 1 to 4.
func (m *MBR) Partition(n int) Partition {
	e := m[446+16*(n-1):]
	return Partition{e[4], binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])}
}

// alignment of a partition's end, in sectors: a MiB, the least that cards erase.
const alignment = 2048

// Grow lets the data partition reach to the end of a disk of so many sectors and reports
// whether that changed the record. It never makes the partition smaller and changes
// nothing else. The record is one sector, which a disk writes whole or not at all.
func (m *MBR) Grow(sectors uint64) (bool, error) {
	if !m.Ours() {
		return false, errNotOurs
	}
	p := m.Partition(PartData)
	if p.Len == 0 || uint64(p.Start)+uint64(p.Len) > sectors {
		return false, errNotOurs
	}
	end := min(sectors/alignment*alignment, 1<<32-alignment)
	if end < uint64(p.Start)+uint64(p.Len)+alignment {
		return false, nil // no more than rounding
	}
	binary.LittleEndian.PutUint32(m[446+16*(PartData-1)+12:], uint32(end-uint64(p.Start)))
	return true, nil
}

// AddData gives the record the data partition that it has lost: from the end of the
// second slot to the end of a disk of so many sectors. It reports whether that changed
// the record: one that names a data partition on the disk is left alone.
func (m *MBR) AddData(sectors uint64) (bool, error) {
	if !m.Ours() {
		return false, errNotOurs
	}
	if p := m.Partition(PartData); p.Len > 0 && uint64(p.Start)+uint64(p.Len) <= sectors {
		return false, nil
	}
	slot := m.Partition(PartSlotB)
	start := uint64(slot.Start) + uint64(slot.Len)
	end := min(sectors/alignment*alignment, 1<<32-alignment)
	if slot.Len == 0 || end < start+TemplateSize/Sector {
		return false, errNoRoom
	}
	e := m[446+16*(PartData-1):][:16]
	clear(e)
	e[4] = typeLinux
	copy(e[1:], []byte{0xfe, 0xff, 0xff}) // the old counting by heads, beyond its end
	copy(e[5:], []byte{0xfe, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], uint32(start))
	binary.LittleEndian.PutUint32(e[12:], uint32(end-start))
	return true, nil
}

// typeLinux is the type of the data partition in the record.
const typeLinux = 0x83

var errNoRoom = errors.New("the disk has no room for a data partition")
