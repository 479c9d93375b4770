package boot_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"centralino/board/boot"
	"centralino/internal/testbed"

	"pgregory.net/rapid"
)

// record is a master boot record of ours whose data partition begins and ends there.
func record(start, length uint32) *boot.MBR {
	var m boot.MBR
	binary.LittleEndian.PutUint32(m[440:], boot.DiskID)
	e := m[446+16*(boot.PartData-1):]
	e[4] = 0x83
	binary.LittleEndian.PutUint32(e[8:], start)
	binary.LittleEndian.PutUint32(e[12:], length)
	m[510], m[511] = 0x55, 0xaa
	return &m
}

func TestGrow(t *testing.T) {
	const gib = 1 << 21 // sectors
	for _, c := range []struct {
		name    string
		sectors uint64
		length  uint32 // afterwards
		changed bool
		fails   bool
	}{
		{"a card of 2 GiB", 2 * gib, 2*gib - 800000, true, false},
		{"one of 2 GiB and a little", 2*gib + 1000, 2*gib - 800000, true, false},
		{"the image itself", 800000 + 131072, 131072, false, false},
		{"less than a MiB more", 800000 + 131072 + 2047, 131072, false, false},
		{"a disk larger than the record can say", 1 << 40, 1<<32 - 2048 - 800000, true, false},
		{"a disk smaller than its partition", 800000, 131072, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := record(800000, 131072)
			was := *m
			changed, err := m.Grow(c.sectors)
			if changed != c.changed || (err != nil) != c.fails || m.Partition(boot.PartData).Len != c.length {
				t.Errorf("%v %v %+v", changed, err, m.Partition(boot.PartData))
			}
			copy(was[446+48+12:], m[446+48+12:446+48+16])
			if was != *m {
				t.Error("more than the length was changed")
			}
		})
	}
	var other boot.MBR
	if changed, err := other.Grow(1 << 30); changed || err == nil {
		t.Error("a disk of somebody else is changed")
	}
}

func TestGrowOnlyEverGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, length := rapid.Uint32Range(1, 1<<31).Draw(t, "start"), rapid.Uint32Range(1, 1<<31-1).Draw(t, "length")
		sectors := rapid.Uint64Range(0, 1<<34).Draw(t, "sectors")
		m := record(start, length)
		changed, err := m.Grow(sectors)
		p := m.Partition(boot.PartData)
		if p.Len < length || p.Start != start || err == nil && uint64(p.Start)+uint64(p.Len) > sectors || changed && err != nil {
			t.Errorf("%v %v: %+v of %d", changed, err, p, sectors)
		}
		if again, err2 := m.Grow(sectors); again && err2 == nil {
			t.Error("it grows twice")
		}
	})
}

func TestTemplateIsAnEmptyFileSystem(t *testing.T) {
	testbed.Need(t, "e2fsck")
	name := filepath.Join(t.TempDir(), "data")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(boot.TemplateSize); err != nil {
		t.Fatal(err)
	}
	if err := boot.WriteTemplate(f); err != nil {
		t.Fatal(err)
	}
	p := testbed.Start(t, nil, testbed.Command{Path: "e2fsck", Args: []string{"-fn", name}})
	if code := p.ExitCode(); code != 0 {
		t.Errorf("e2fsck says %d:\n%s", code, p.Output())
	}
	// What the kernel writes of them once after a card was grown (ext4's superblock).
	super := make([]byte, 1024)
	if _, err := f.ReadAt(super, 1024); err != nil {
		t.Fatal(err)
	}
	blocks, inodes, size := binary.LittleEndian.Uint32(super[32:]), binary.LittleEndian.Uint32(super[40:]), binary.LittleEndian.Uint16(super[88:])
	if tables, group := inodes*uint32(size), blocks*4096; tables > group/200 {
		t.Errorf("tables of inodes take %d of each %d octets", tables, group)
	}
}

func TestAddData(t *testing.T) {
	slots := func(start, length uint32) *boot.MBR {
		m := record(start, length)
		e := m[446+16*(boot.PartSlotB-1):]
		binary.LittleEndian.PutUint32(e[8:], 400000)
		binary.LittleEndian.PutUint32(e[12:], 327680)
		return m
	}
	for _, c := range []struct {
		name    string
		m       *boot.MBR
		sectors uint64
		changed bool
		fails   bool
	}{
		{"a record without it", slots(0, 0), 1 << 21, true, false},
		{"one that names it beyond the disk", slots(727680, 1<<30), 1 << 21, true, false},
		{"one that is well", slots(727680, 131072), 1 << 21, false, false},
		{"a disk that is too small", slots(0, 0), 727680 + 1000, false, true},
		{"a record without slots", record(0, 0), 1 << 21, false, true},
		{"somebody else's disk", &boot.MBR{}, 1 << 21, false, true},
	} {
		was := *c.m
		changed, err := c.m.AddData(c.sectors)
		p := c.m.Partition(boot.PartData)
		if changed != c.changed || (err != nil) != c.fails || changed && (p.Type != 0x83 || p.Start != 727680 || uint64(p.Start)+uint64(p.Len) > c.sectors || p.Len < boot.TemplateSize/boot.Sector) {
			t.Errorf("%s: %v %v %+v", c.name, changed, err, p)
		}
		if !changed && was != *c.m || string(was[:446+48]) != string(c.m[:446+48]) {
			t.Errorf("%s: more than the data partition was changed", c.name)
		}
	}
}
