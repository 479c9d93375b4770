package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"centralino/board/boot"
	"centralino/board/update"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
)

const mib = 1 << 20

// Sizes of the partitions. The selector must have at least 65,525 clusters of 512 octets:
// with fewer the Raspberry Pi's firmware takes it for FAT16 and finds nothing in it.
const (
	firstPart    = 1 * mib
	selectorSize = 65 * mib
	slotSize     = 160 * mib
	diskSize     = firstPart + selectorSize + 2*slotSize + boot.TemplateSize
)

// Types of partitions in a master boot record.
const (
	typeFAT32 = 0x0c
	typeLinux = 0x83
)

// build is an image in the making.
type build struct {
	options
	in       *inputs
	sum      string             // sha256 of the image
	slotUsed int                // octets of the files in a slot
	signer   ed25519.PrivateKey // nil: nothing is signed
}

func keysOf[V any](m map[string]V) func(func(string) bool) { return maps.Keys(m) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// name is the path of a result.
func (b *build) name(ending string) string {
	return filepath.Join(b.out, "centralino-"+b.target.name+"."+ending)
}

// all writes the slot, the image, the update bundle and the list of sources.
func (b *build) all() error {
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	slot, err := b.slotFiles()
	if err != nil {
		return err
	}
	for _, body := range slot {
		b.slotUsed += len(body)
	}
	slotImage := filepath.Join(b.out, "slot.img")
	if err := b.fat(slotImage, slotSize, "SLOT", slot); err != nil {
		return fmt.Errorf("slot: %w", err)
	}
	selectorImage := filepath.Join(b.out, "selector.img")
	if err := b.fat(selectorImage, selectorSize, "CENTRALINO", b.selectorFiles()); err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	defer os.Remove(selectorImage)
	if err := b.disk(selectorImage, slotImage); err != nil {
		return err
	}
	if b.sum, err = sumOf(b.name("img")); err != nil {
		return err
	}
	if err := b.writeBundle(slotImage); err != nil {
		return err
	}
	return b.writeSources()
}

// slotFiles are what a slot holds.
func (b *build) slotFiles() (map[string][]byte, error) {
	program, err := os.ReadFile(b.program)
	if err != nil {
		return nil, err
	}
	list, modules, err := chooseModules(b.in.modules, b.in.builtin, b.in.had(slices.Concat(everyModule, forSticks, b.target.modules)), b.in.had(always))
	if err != nil {
		return nil, err
	}
	withSticks(list, forSticks, stickDrivers)
	var index bytes.Buffer
	if err := boot.WriteIndex(&index, list); err != nil {
		return nil, err
	}
	root, err := initramfs(program, index.Bytes(), modules, b.in.files, b.made)
	if err != nil {
		return nil, fmt.Errorf("initramfs: %w", err)
	}
	kernel, err := pack(b.in.kernel)
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	files := map[string][]byte{
		"kernel8.img": kernel, initramfsName: root,
		"cmdline.txt": []byte(strings.ReplaceAll(b.target.cmdline, serialPlace, b.in.serial) + " " + everyCmdline + "\n"),
	}
	maps.Copy(files, b.in.trees)
	maps.Copy(files, b.in.firmware)
	licences, err := b.licenceFiles()
	if err != nil {
		return nil, fmt.Errorf("licences: %w", err)
	}
	maps.Copy(files, licences)
	if b.target.config != "" {
		files["config.txt"] = []byte(b.target.config)
	}
	return files, nil
}

// selectorFiles are what the first partition holds.
func (b *build) selectorFiles() map[string][]byte {
	files := map[string][]byte{update.SelectorName: update.FormatSelector(update.SlotA), boot.SettingsFile: []byte(settingsText), "CODICE.TXT": noteText(), "LEGGIMI.TXT": []byte(helpText)}
	for _, name := range b.target.selector {
		files[name] = b.in.firmware[name]
	}
	return files
}

// fat writes a FAT32 file system with files in its root folder and in folders of that.
func (b *build) fat(name string, size int64, label string, files map[string][]byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	v, err := fat32.Create(file.New(f, false), size, 0, boot.Sector, label, true)
	if err != nil {
		return err
	}
	folders := map[string]bool{}
	for name := range files {
		if folder := path.Dir(name); folder != "." {
			folders[folder] = true
		}
	}
	for _, folder := range sortedKeys(folders) { // before all files: leadUp knows where they are then
		if err := v.Mkdir("/" + folder); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	for _, name := range sortedKeys(files) {
		w, err := v.OpenFile("/"+name, os.O_CREATE|os.O_RDWR)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := w.Write(files[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := w.Close(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := leadUp(f, len(folders)); err != nil {
		return err
	}
	return f.Sync()
}

// leadUp corrects the entries ".." of the folders, which are the first clusters after the
// root folder's: where that is the folder above, the number is 0 (Microsoft FAT
// specification 1.03, section 6.5). The library writes another one.
func leadUp(f *os.File, folders int) error {
	var head [boot.Sector]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return err
	}
	le := binary.LittleEndian
	cluster := int64(head[13]) * boot.Sector
	data := (int64(le.Uint16(head[14:])) + int64(head[16])*int64(le.Uint32(head[36:]))) * boot.Sector
	for n := range folders {
		var up [32]byte
		at := data + int64(n+1)*cluster + int64(len(up))
		if _, err := f.ReadAt(up[:], at); err != nil {
			return err
		}
		if string(up[:11]) != "..         " {
			return fmt.Errorf("the folders of the file system are not where they should be")
		}
		le.PutUint16(up[20:], 0)
		le.PutUint16(up[26:], 0)
		if _, err := f.WriteAt(up[:], at); err != nil {
			return err
		}
	}
	return nil
}

// disk joins the partitions. The second slot stays empty until the first update.
func (b *build) disk(selector, slot string) error {
	f, err := os.Create(b.name("img"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(diskSize); err != nil {
		return err
	}
	mbr := masterBootRecord()
	if _, err := f.WriteAt(mbr[:], 0); err != nil {
		return err
	}
	if err := copyInto(f, mbr.Partition(boot.PartSelector), selector); err != nil {
		return err
	}
	if err := copyInto(f, mbr.Partition(boot.PartSlotA), slot); err != nil {
		return err
	}
	data := mbr.Partition(boot.PartData)
	if err := boot.WriteTemplate(io.NewOffsetWriter(f, int64(data.Start)*boot.Sector)); err != nil {
		return fmt.Errorf("data partition: %w", err)
	}
	return f.Close()
}

// masterBootRecord is the table of the four partitions.
func masterBootRecord() *boot.MBR {
	var m boot.MBR
	binary.LittleEndian.PutUint32(m[440:], boot.DiskID)
	at := uint32(firstPart / boot.Sector)
	for n, p := range []struct {
		kind byte
		size uint32
	}{{typeFAT32, selectorSize}, {typeFAT32, slotSize}, {typeFAT32, slotSize}, {typeLinux, boot.TemplateSize}} {
		e := m[446+16*n:]
		e[4] = p.kind
		copy(e[1:], []byte{0xfe, 0xff, 0xff}) // the old counting by heads, beyond its end
		copy(e[5:], []byte{0xfe, 0xff, 0xff})
		binary.LittleEndian.PutUint32(e[8:], at)
		binary.LittleEndian.PutUint32(e[12:], p.size/boot.Sector)
		at += p.size / boot.Sector
	}
	m[510], m[511] = 0x55, 0xaa
	return &m
}

// copyInto copies a file into a partition and leaves holes where it has zeros.
func copyInto(disk *os.File, p boot.Partition, name string) error {
	src, err := os.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	block, zero := make([]byte, mib/4), make([]byte, mib/4)
	for at := int64(p.Start) * boot.Sector; ; at += int64(len(block)) {
		n, err := io.ReadFull(src, block)
		if n > 0 && !bytes.Equal(block[:n], zero[:n]) {
			if _, err := disk.WriteAt(block[:n], at); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func sumOfBytes(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
