package boot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"centralino/board/network"

	"golang.org/x/sys/unix"
)

// diskWait is how long the disk may take to appear: card readers are slow to start.
const diskWait = 20 * time.Second

// Mount options of the data partition. Barriers and ordered data are ext4's own defaults; with
// them and SQLite's log nothing that was acknowledged was lost when the power was cut.
const (
	dataFlags   = unix.MS_NOATIME | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	dataOptions = "errors=remount-ro"
)

// openData finds the disk, reads centralino.txt, waits until what was asked for with the
// button while the box was switched on is done, and puts the data partition to use.
func (f *first) openData(asked func() int) {
	disk, err := findDisk(diskWait)
	f.settings = Settings{Name: DefaultName}
	if err != nil {
		f.log.Error("no disk of ours", "err", err)
		f.report.Trouble, f.report.Problems = NoDisk, []Problem{dataProblem(err)}
	} else {
		f.report.Disk = disk
		f.log.Info("disk", "name", disk)
		f.linkSlots(disk)
		f.readSettings(disk)
	}
	if asked() == ExitNetwork {
		f.log.Warn("asked for with the button: this start asks for its address by DHCP")
		f.settings.Net = network.Settings{}
	}
	if err == nil {
		var problems []Problem
		f.report.Trouble, problems = f.openPartition(disk)
		f.report.Problems = append(f.report.Problems, problems...)
	}
	if f.report.Trouble != NoTrouble {
		f.log.Error("the box serves its rescue page", "trouble", string(f.report.Trouble))
	}
}

// openPartition lets the data partition reach to the end of the disk and brings it up.
func (f *first) openPartition(disk string) (Trouble, []Problem) {
	if partitionOf(disk, PartData) == "" {
		return NoPartition, []Problem{dataProblem(errNoPartition)}
	}
	if err := growPartition(disk, f.log); err != nil {
		f.log.Error("grow the data partition; it is used as it is", "err", err)
	}
	trouble, problems := bringUp(&dataDevice{f: f, dev: device(partitionOf(disk, PartData))}, f.log)
	if trouble == NoTrouble {
		var st unix.Statfs_t
		if unix.Statfs(Data, &st) == nil {
			f.log.Info("data partition", "device", partitionOf(disk, PartData), "MiB", int64(st.Blocks)*int64(st.Bsize)>>20, "free", int64(st.Bavail)*int64(st.Bsize)>>20)
		}
	}
	return trouble, problems
}

var errNoPartition = errors.New("the disk has no data partition")

// findDisk waits for a disk with our master boot record.
func findDisk(patience time.Duration) (string, error) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		names, _ := filepath.Glob("/sys/block/*")
		for _, n := range names {
			name := filepath.Base(n)
			if strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") || strings.HasPrefix(name, "zram") {
				continue
			}
			if m, err := readMBR(name); err == nil && m.Ours() && partitionOf(name, PartSelector) != "" {
				return name, nil
			}
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("%w after %v; disks: %d", errNotOurs, patience, len(names))
		}
	}
}

func readMBR(disk string) (*MBR, error) {
	d, err := os.Open(device(disk))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var m MBR
	_, err = io.ReadFull(d, m[:])
	return &m, err
}

func device(name string) string { return "/dev/" + name }

// partitionOf is the kernel's name of a disk's partition, empty if it has none.
func partitionOf(disk string, n int) string {
	found, _ := filepath.Glob("/sys/block/" + disk + "/" + disk + "*/partition")
	for _, p := range found {
		if b, err := os.ReadFile(p); err == nil && strings.TrimSpace(string(b)) == strconv.Itoa(n) {
			return filepath.Base(filepath.Dir(p))
		}
	}
	return ""
}

// linkSlots shows the updater where selector and slots are.
func (f *first) linkSlots(disk string) {
	err := os.MkdirAll(Slots, 0o755)
	for n, name := range map[int]string{PartSelector: "selector", PartSlotA: "2", PartSlotB: "3"} {
		if p := partitionOf(disk, n); err == nil && p != "" {
			err = os.Symlink(device(p), filepath.Join(Slots, name))
		}
	}
	if err != nil {
		f.log.Error("links to the slots", "err", err)
	}
}

// readSettings reads centralino.txt from the partition that every computer can read.
func (f *first) readSettings(disk string) {
	err := unix.Mount(device(partitionOf(disk, PartSelector)), Selector, "vfat", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if err != nil {
		f.log.Error("mount the partition with "+SettingsFile, "err", err)
		return
	}
	text, err := readSome(filepath.Join(Selector, SettingsFile), longestSettings+1)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		f.log.Error("read "+SettingsFile, "err", err)
		return
	}
	var problems []Problem
	survive(f.log, "read "+SettingsFile, func() { f.settings, problems = ParseSettings(string(text)) })
	for _, p := range problems {
		f.log.Warn(SettingsFile+" cannot be used", "line", p.Line, "text", p.Text)
	}
	f.report.Problems = append(f.report.Problems, problems...)
}

// readSome reads the beginning of a file.
func readSome(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// growPartition changes the record on the disk and the kernel's idea of it.
func growPartition(disk string, log *slog.Logger) error {
	return changeRecord(disk, log, (*MBR).Grow, unix.BLKPG_RESIZE_PARTITION)
}

// changeRecord changes the data partition in the master boot record, and tells the kernel
// with an operation of BLKPG.
func changeRecord(disk string, log *slog.Logger, change func(m *MBR, sectors uint64) (bool, error), op int32) error {
	m, err := readMBR(disk)
	if err != nil {
		return err
	}
	b, err := os.ReadFile("/sys/block/" + disk + "/size")
	if err != nil {
		return err
	}
	sectors, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return err
	}
	changed, err := change(m, sectors)
	if err != nil || !changed {
		return err
	}
	d, err := os.OpenFile(device(disk), os.O_RDWR|unix.O_SYNC, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.WriteAt(m[:], 0); err != nil {
		return err
	}
	p := m.Partition(PartData)
	part := unix.BlkpgPartition{Start: int64(p.Start) * Sector, Length: int64(p.Len) * Sector, Pno: PartData}
	arg := unix.BlkpgIoctlArg{Op: op, Datalen: int32(unsafe.Sizeof(part)), Data: (*byte)(unsafe.Pointer(&part))}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, d.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg))); e != 0 {
		return fmt.Errorf("tell the kernel: %w", e)
	}
	log.Info("the data partition was grown", "MiB", uint64(p.Len)*Sector>>20)
	return nil
}

// ext4Resize is EXT4_IOC_RESIZE_FS: grow a mounted file system to so many blocks.
const ext4Resize = 0x40086610

// growFileSystem lets the mounted file system fill its partition.
func growFileSystem(dev string) error {
	d, err := os.Open(dev)
	if err != nil {
		return err
	}
	size, err := d.Seek(0, io.SeekEnd)
	_ = d.Close()
	if err != nil {
		return err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(Data, &st); err != nil {
		return err
	}
	root, err := os.Open(Data)
	if err != nil {
		return err
	}
	defer root.Close()
	blocks := uint64(size) / uint64(st.Bsize)
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], blocks)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, root.Fd(), ext4Resize, uintptr(unsafe.Pointer(&b[0]))); e != 0 {
		return fmt.Errorf("to %d blocks: %w", blocks, e)
	}
	return nil
}
