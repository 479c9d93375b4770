package update_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"testing/fstest"

	"centralino/board/update"
)

func TestSelector(t *testing.T) {
	for _, s := range []update.Slot{update.SlotA, update.SlotB} {
		text := update.FormatSelector(s)
		if len(text) != update.SelectorSize {
			t.Fatalf("%d octets", len(text))
		}
		got, err := update.ParseSelector(text)
		if err != nil || got.Starts(false) != s || got.Starts(true) != s.Other() {
			t.Errorf("slot %s reads back as %+v, %v", s, got, err)
		}
	}
}

// TestTornSelector writes a part of the sector: some octets of the new one, in any
// split, with the rest of the old one. Either slot may be named, and nothing else.
func TestTornSelector(t *testing.T) {
	from, to := update.FormatSelector(update.SlotA), update.FormatSelector(update.SlotB)
	for i := range update.SelectorSize + 1 {
		for _, torn := range [][]byte{append(bytes.Clone(to[:i]), from[i:]...), append(bytes.Clone(from[:i]), to[i:]...)} {
			if s, err := update.ParseSelector(torn); err != nil || !s.Boot.Valid() || !s.Try.Valid() {
				t.Fatalf("split at %d: %+v, %v", i, s, err)
			}
		}
	}
}

func TestSelectorsOfPeople(t *testing.T) {
	for _, c := range []struct {
		name, text string
		boot, try  update.Slot
	}{
		{"without sections", "boot_partition=2\n", 2, 2},
		{"of a computer with Windows", "[all]\r\ntryboot_a_b=1\r\nboot_partition=3\r\n[tryboot]\r\nboot_partition=2\r\n", 3, 2},
		{"with remarks and spaces", "[ALL]\n boot_partition = 2 # A\n[tryboot]\nboot_partition=3", 2, 3},
		{"a section of another board", "[all]\nboot_partition=2\n[cm4]\nboot_partition=3\n", 2, 2},
	} {
		s, err := update.ParseSelector([]byte(c.text))
		if err != nil || s.Boot != c.boot || s.Try != c.try {
			t.Errorf("%s: %+v, %v", c.name, s, err)
		}
	}
	for _, bad := range []string{"", "boot_partition=4", "boot_partition=x", "[tryboot]\nboot_partition=2", string(make([]byte, 513))} {
		if s, err := update.ParseSelector([]byte(bad)); err == nil {
			t.Errorf("%q reads as %+v", bad, s)
		}
	}
}

func FuzzSelector(f *testing.F) {
	f.Add(update.FormatSelector(update.SlotA))
	f.Add([]byte("[all]\nboot_partition=3\n[tryboot]\nboot_partition=2"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := update.ParseSelector(text); err == nil && (!s.Boot.Valid() || !s.Try.Valid()) {
			t.Errorf("%q reads as %+v", text, s)
		}
	})
}

// selectorDisk is a first partition as a formatter makes it: FAT32, clusters of one
// sector, a label, a long name before the selector, and the root folder in two
// clusters.
func selectorDisk(name string, content []byte) []byte {
	const reserved, fatSize, entries = 32, 4, 512
	disk := make([]byte, (reserved+2*fatSize+16)*512)
	le := binary.LittleEndian
	le.PutUint16(disk[11:], 512)
	disk[13], disk[16] = 1, 2
	le.PutUint16(disk[14:], reserved)
	le.PutUint32(disk[36:], fatSize)
	le.PutUint32(disk[44:], 2)
	disk[510], disk[511] = 0x55, 0xaa
	fat := disk[reserved*512:]
	le.PutUint32(fat[2*4:], 5) // the root goes on in cluster 5
	le.PutUint32(fat[5*4:], 0x0fffffff)
	data := disk[(reserved+2*fatSize)*512:]
	root := data
	for i := 0; i < entries; i += 32 { // the first cluster is full of other files
		copy(root[i:], "OTHER   TXT\x20")
	}
	copy(root, "CENTRALINO \x08")     // a label
	copy(root[32:], name[:11]+"\x0f") // a part of a long name
	copy(data[3*512:], name+"\x20")   // cluster 5
	le.PutUint16(data[3*512+26:], 7)  // its content in cluster 7
	le.PutUint32(data[3*512+28:], uint32(len(content)))
	copy(data[5*512:], content)
	return disk
}

func TestFindsTheSelectorsSector(t *testing.T) {
	want := update.FormatSelector(update.SlotA)
	disk := selectorDisk("AUTOBOOTTXT", want)
	at, err := update.FileSector(bytes.NewReader(disk), update.SelectorName)
	if err != nil || !bytes.Equal(disk[at:at+512], want) {
		t.Fatalf("found at %d: %v", at, err)
	}
	dev := &medium{data: disk}
	d := update.Disk{Selector: dev}
	if err := d.Select(update.SlotB); err != nil {
		t.Fatal(err)
	}
	if s, err := d.ReadSelector(); err != nil || s.Boot != update.SlotB {
		t.Errorf("reads %+v, %v", s, err)
	}
	if dev.written != 512 {
		t.Errorf("%d octets were written, want one sector", dev.written)
	}
	for _, c := range []struct {
		name string
		disk []byte
	}{
		{"no such file", selectorDisk("AUTOBOOTBAK", want)},
		{"a file of another size", selectorDisk("AUTOBOOTTXT", want[:100])},
		{"no file system", make([]byte, 40960)},
		{"too short", disk[:100]},
	} {
		if _, err := update.FileSector(bytes.NewReader(c.disk), update.SelectorName); err == nil {
			t.Errorf("%s: found", c.name)
		}
	}
	loop := selectorDisk("AUTOBOOTBAK", want)
	binary.LittleEndian.PutUint32(loop[32*512+5*4:], 2)
	copy(loop[40*512+3*512+32:], bytes.Repeat([]byte("OTHER   TXT\x20                    "), 15))
	if _, err := update.FileSector(bytes.NewReader(loop), update.SelectorName); err == nil {
		t.Error("found in a folder that goes in circles")
	}
}

func FuzzFileSector(f *testing.F) {
	f.Add(selectorDisk("AUTOBOOTTXT", update.FormatSelector(update.SlotA)))
	f.Fuzz(func(t *testing.T, disk []byte) {
		if at, err := update.FileSector(bytes.NewReader(disk), update.SelectorName); err == nil && at < 0 {
			t.Errorf("found at %d", at)
		}
	})
}

func TestBootedFrom(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	id := file("6f0c\n")
	for _, c := range []struct {
		name string
		fs   fstest.MapFS
		want update.Slot
	}{
		{"a Raspberry Pi", fstest.MapFS{"proc/sys/kernel/random/boot_id": id, "proc/device-tree/chosen/bootloader/partition": file("\x00\x00\x00\x03"), "proc/cmdline": file("quiet")}, update.SlotB},
		{"an emulated board", fstest.MapFS{"proc/sys/kernel/random/boot_id": id, "proc/cmdline": file("console=ttyAMA0 centralino.slot=2 panic=5\n")}, update.SlotA},
		{"a computer on a desk", fstest.MapFS{"proc/cmdline": file("BOOT_IMAGE=/vmlinuz root=/dev/sda1\n")}, 0},
		{"a partition that is no slot", fstest.MapFS{"proc/device-tree/chosen/bootloader/partition": file("\x00\x00\x00\x01"), "proc/cmdline": file("")}, 0},
		{"another partition on the command line", fstest.MapFS{"proc/cmdline": file("centralino.slot=7")}, 0},
	} {
		b, err := update.BootedFrom(c.fs)
		if b.Slot != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%s: %+v, %v", c.name, b, err)
		}
		if c.want != 0 && b.ID != "6f0c" {
			t.Errorf("%s: start %q", c.name, b.ID)
		}
	}
}

func TestNote(t *testing.T) {
	dev := &medium{data: selectorDisk("CODICE  TXT", bytes.Repeat([]byte("\n"), update.NoteSize))}
	d := update.Disk{Selector: dev}
	if err := d.WriteNote("CODICE.TXT", "un codice"); err != nil {
		t.Fatal(err)
	}
	if b, err := d.ReadNote("CODICE.TXT"); err != nil || strings.TrimRight(string(b), "\n") != "un codice" || len(b) != update.NoteSize {
		t.Errorf("reads %q, %v", b, err)
	}
	if err := d.WriteNote("CODICE.TXT", "un codice"); err != nil || dev.written != update.NoteSize {
		t.Errorf("%d octets were written, %v: the same again is not", dev.written, err)
	}
	if d.WriteNote("CODICE.TXT", strings.Repeat("x", update.NoteSize+1)) == nil || d.WriteNote("OTHER2.TXT", "x") == nil {
		t.Error("a note is written that does not fit, or is not there")
	}
}
