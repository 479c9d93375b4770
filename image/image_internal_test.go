package main

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"centralino/board/boot"
	"centralino/board/update"
	"centralino/internal/testbed"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/klauspost/compress/zstd"
)

func TestMasterBootRecord(t *testing.T) {
	m := masterBootRecord()
	if !m.Ours() {
		t.Error("the first process does not know its own disk")
	}
	at := uint32(firstPart / boot.Sector)
	for n, want := range map[int]struct{ size, kind int }{1: {selectorSize, typeFAT32}, 2: {slotSize, typeFAT32}, 3: {slotSize, typeFAT32}, 4: {boot.TemplateSize, typeLinux}} {
		p := m.Partition(n)
		if int(p.Len)*boot.Sector != want.size || int(p.Type) != want.kind || p.Start%2048 != 0 {
			t.Errorf("partition %d: %+v", n, p)
		}
	}
	for n := 1; n <= 4; n++ {
		p := m.Partition(n)
		if p.Start != at {
			t.Errorf("partition %d begins at %d, not at %d", n, p.Start, at)
		}
		at = p.Start + p.Len
	}
	if int64(at)*boot.Sector != diskSize {
		t.Errorf("the last partition ends at %d, the disk at %d", at*boot.Sector, diskSize)
	}
	if selectorSize/boot.Sector < 65525+2*(selectorSize/boot.Sector/128)+32 {
		t.Error("the selector has too few clusters for FAT32")
	}
}

// TestFileSystems writes selector and slot twice and reads them back.
func TestFileSystems(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1795000000")
	big := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16) // over many clusters
	b := &build{options: options{made: time.Unix(1795000000, 0)}}
	files := b.selectorFiles()
	files["bcm2711-rpi-4-b.dtb"], files["kernel8.img"] = []byte("tree"), big
	files["overlays/bcm2712d0.dtbo"], files["overlays/dwc2.dtbo"] = []byte("newer chip"), []byte("host")
	var sums []string
	for range 2 {
		name := filepath.Join(t.TempDir(), "p1")
		if err := b.fat(name, selectorSize, "CENTRALINO", files); err != nil {
			t.Fatal(err)
		}
		sum, err := sumOf(name)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sum)
		for want, body := range files {
			if got := readFAT(t, name, 0, selectorSize, want); !bytes.Equal(got, body) {
				t.Errorf("%s: %d octets are read, %d were written", want, len(got), len(body))
			}
		}
		dev, err := update.OpenDevice(name)
		if err != nil {
			t.Fatal(err)
		}
		if note, err := (update.Disk{Selector: dev}).ReadNote("CODICE.TXT"); err != nil || !bytes.Equal(note, files["CODICE.TXT"]) {
			t.Errorf("the box finds %q, %v where it writes its code", note, err)
		}
		testbed.Need(t, "fsck.vfat")
		p := testbed.Start(t, nil, testbed.Command{Path: "fsck.vfat", Args: []string{"-n", name}})
		if code := p.ExitCode(); code != 0 {
			t.Errorf("fsck.vfat says %d:\n%s", code, p.Output())
		}
	}
	if sums[0] != sums[1] {
		t.Error("two builds differ")
	}
}

// readFAT reads a file of a FAT32 file system that begins somewhere in an image.
func readFAT(t *testing.T, image string, start, size int64, name string) []byte {
	t.Helper()
	f, err := os.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := fat32.Read(file.New(f, true), size, start, boot.Sector)
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.OpenFile("/"+name, os.O_RDONLY)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return body
}

func TestSettingsAsTheyComeHaveNoProblem(t *testing.T) {
	s, problems := boot.ParseSettings(settingsText)
	if len(problems) > 0 || s.Name != boot.DefaultName || s.Net.Address.IsValid() {
		t.Errorf("%+v %+v", s, problems)
	}
	used, problems := boot.ParseSettings(strings.ReplaceAll(settingsText, "\n#", "\n"))
	for _, p := range problems {
		if strings.Contains(p.Text, "=") {
			t.Errorf("the example of line %d does not work: %q", p.Line, p.Text)
		}
	}
	if !used.Net.Address.IsValid() || !used.Net.Gateway.IsValid() || len(used.Net.DNS) != 1 || len(used.Net.NTP) != 1 {
		t.Errorf("%+v", used)
	}
}

// TestInitramfs reads the archive as the kernel does (its initramfs buffer format).
func TestInitramfs(t *testing.T) {
	made := time.Unix(1795000000, 0)
	packed, err := initramfs([]byte("program"), []byte("m\ta\ta.ko.xz\t\t\n"), map[string][]byte{"a.ko.xz": []byte("xyz")}, []rootFile{{"sbin/e2fsck", 0o755, []byte("check")}}, made)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := initramfs([]byte("program"), []byte("m\ta\ta.ko.xz\t\t\n"), map[string][]byte{"a.ko.xz": []byte("xyz")}, []rootFile{{"sbin/e2fsck", 0o755, []byte("check")}}, made)
	if !bytes.Equal(packed, again) {
		t.Error("two archives differ")
	}
	z, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	var order []string
	for at := 0; ; {
		if at+110 > len(b) || string(b[at:at+6]) != "070701" {
			t.Fatalf("no header at %d", at)
		}
		field := func(n int) int {
			v, err := strconv.ParseUint(string(b[at+6+8*n:at+14+8*n]), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return int(v)
		}
		name := string(b[at+110 : at+110+field(11)-1])
		if name == cpioTrailer {
			break
		}
		body := (at + 110 + field(11) + 3) / 4 * 4
		got[name] = fmt.Sprintf("%o %d.%d %s", field(1), field(9), field(10), b[body:body+field(6)])
		order = append(order, name)
		at = (body + field(6) + 3) / 4 * 4
	}
	for name, want := range map[string]string{
		"init": "100755 0.0 program", "dev/console": "20600 5.1 ", "etc/resolv.conf": "120777 0.0 /run/resolv.conf", "proc": "40755 0.0 ",
		"lib/modules/a.ko.xz": "100644 0.0 xyz", "sbin/e2fsck": "100755 0.0 check",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	for name, what := range got { // no shell, no login: what could be run is ours or asked for
		if strings.HasPrefix(what, "100755") && name != "init" && name != "sbin/e2fsck" {
			t.Errorf("%s could be run", name)
		}
	}
	for _, name := range order {
		if dir := filepath.Dir(name); dir != "." && slices.Index(order, dir) > slices.Index(order, name) || dir != "." && !slices.Contains(order, dir) {
			t.Errorf("%s stands before its folder", name)
		}
	}
}

func TestModinfo(t *testing.T) {
	m := parseModinfo([]byte("license=GPL\x00depends=jbd2,mbcache\x00softdep=pre: crc32c post: x\x00alias=fs-ext4\x00alias=ext3\x00\x00depends=\x00"))
	if fmt.Sprint(m) != "{ [jbd2 mbcache] [crc32c] [fs-ext4 ext3]}" {
		t.Errorf("%v", m)
	}
	if got := moduleName("nls_iso8859-1.ko.xz"); got != "nls_iso8859_1" {
		t.Error(got)
	}
	if _, _, err := chooseModules(map[string][]byte{"ext4.ko.xz": nil}, nil, []string{"virtio_net"}, nil); err == nil || !strings.Contains(err.Error(), "virtio_net") {
		t.Errorf("a module that is missing: %v", err)
	}
	if list, _, err := chooseModules(nil, []string{"mmc_block"}, []string{"mmc-block"}, nil); err != nil || len(list) > 0 {
		t.Errorf("a module that is part of the kernel: %v %v", list, err)
	}
	if got := known([]string{"crc32c", "sha3"}, map[string]string{"crc32c_generic": "x"}); fmt.Sprint(got) != "[crc32c_generic]" {
		t.Errorf("soft dependencies: %v", got)
	}
}

func TestModulesOfSticksAreLoadedWithTheirDriver(t *testing.T) {
	for _, c := range []struct {
		name string
		list []boot.Module
		want string
	}{
		{"the driver is a module", []boot.Module{{Name: "exfat"}, {Name: "ext4", Always: true}, {Name: "usb_storage", Needs: []string{"scsi_mod"}}},
			"exfat [] false, ext4 [] true, usb_storage [scsi_mod exfat] false"},
		{"the driver is part of the kernel", []boot.Module{{Name: "exfat"}, {Name: "ext4", Always: true}}, "exfat [] true, ext4 [] true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			withSticks(c.list, []string{"exfat", "nls_utf8"}, []string{"usb-storage", "uas"})
			var got []string
			for _, m := range c.list {
				got = append(got, fmt.Sprint(m.Name, " ", m.Needs, " ", m.Always))
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("%s", s)
			}
		})
	}
}

func TestPinsAreWhole(t *testing.T) {
	for _, p := range []debPackage{kernelImage, raspiFirmware, checkerPackage, authorityPackage} {
		sum, err := hex.DecodeString(p.sha256)
		if err != nil || len(sum) != 32 || p.name == "" || p.version == "" || p.licence == "" || p.origin == "" ||
			!strings.HasPrefix(p.place, "pool/") || !strings.Contains(p.place, p.name+"_") {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if !strings.Contains(kernelImage.name, kernelRelease) {
		t.Errorf("%s is not the kernel %s", kernelImage.name, kernelRelease)
	}
}

func TestBlockMap(t *testing.T) {
	name := filepath.Join(t.TempDir(), "img")
	body := make([]byte, 20*mapBlock)
	body[0], body[4*mapBlock], body[6*mapBlock+5] = 1, 1, 1
	if err := os.WriteFile(name, body, 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := blockMap(name, []span{{0, 1, true}, {3, 10, false}, {11, 13, false}, {15, 20, true}})
	if err != nil {
		t.Fatal(err)
	}
	var m bmapFile
	if err := xml.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range m.Ranges {
		got = append(got, r.Range)
	}
	// Block 5 is zero, but belongs to what is used; an empty part is left out, a whole one
	// never is.
	if fmt.Sprint(got) != "[0 3-6 15-19]" || m.Mapped != 10 || m.Blocks != 20 || m.Size != int64(len(body)) || m.Ranges[1].Sum != sumOfBytes(body[3*mapBlock:7*mapBlock]) {
		t.Errorf("%+v", m)
	}
	if sumOfBytes(bytes.Replace(text, []byte(m.Own), bytes.Repeat([]byte("0"), 64), 1)) != m.Own {
		t.Error("the map's own sum is wrong")
	}
	for i, p := range spans() {
		if p.to*mapBlock > diskSize || p.from >= p.to || i > 0 && p.from < spans()[i-1].to {
			t.Errorf("span %d: %+v", i, p)
		}
	}
}
