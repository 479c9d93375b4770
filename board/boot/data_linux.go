package boot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// diskWait is how long the disk may take to appear: card readers are slow to start.
const diskWait = 20 * time.Second

// Options of the data partition. Barriers and ordered data are ext4's own defaults; with
// them and SQLite's log nothing that was acknowledged was lost when the power was cut.
const (
	dataFlags   = unix.MS_NOATIME | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	dataOptions = "errors=remount-ro"
)

// openData finds the disk, reads centralino.txt, and puts the data partition to use. A
// box whose data partition cannot be used serves from memory and says so.
func (f *first) openData() {
	disk, mbr, err := findDisk(diskWait)
	if err != nil {
		f.log.Error("no disk of ours", "err", err)
		f.withoutData(err)
		return
	}
	f.report.Disk = disk
	f.log.Info("disk", "name", disk)
	f.linkSlots(disk)
	f.readSettings(disk)
	if err := f.mountData(disk, mbr); err != nil {
		f.withoutData(err)
	}
}

// withoutData keeps the data in memory: telephones ring, and nothing survives a restart.
func (f *first) withoutData(cause error) {
	f.log.Error("the data partition cannot be used: everything is in memory and is lost at the next start", "err", cause)
	f.report.Problems = append(f.report.Problems, Problem{Kind: ProblemData, Text: shorten(cause.Error())})
	if err := unix.Mount("data", Data, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700,size=25%"); err != nil {
		f.log.Error("memory for the data", "err", err)
	}
}

// findDisk waits for a disk with our master boot record.
func findDisk(patience time.Duration) (string, *MBR, error) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		names, _ := filepath.Glob("/sys/block/*")
		for _, n := range names {
			name := filepath.Base(n)
			if strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") || strings.HasPrefix(name, "zram") {
				continue
			}
			if m, err := readMBR(name); err == nil && m.Ours() && partition(name, PartData) != "" {
				return name, m, nil
			}
		}
		if time.Now().After(end) {
			return "", nil, fmt.Errorf("%w after %v; disks: %d", errNotOurs, patience, len(names))
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

// partition is the kernel's name of a disk's partition, empty if it has none.
func partition(disk string, n int) string {
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
		if p := partition(disk, n); err == nil && p != "" {
			err = os.Symlink(device(p), filepath.Join(Slots, name))
		}
	}
	if err != nil {
		f.log.Error("links to the slots", "err", err)
	}
}

// readSettings reads centralino.txt from the partition that every computer can read.
func (f *first) readSettings(disk string) {
	f.settings = Settings{Name: DefaultName}
	err := unix.Mount(device(partition(disk, PartSelector)), Selector, "vfat", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
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
	f.settings, problems = ParseSettings(string(text))
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

// mountData lets the partition reach to the end of the disk, repairs its file system if
// that is needed, mounts it and lets it grow into the partition.
func (f *first) mountData(disk string, m *MBR) error {
	if err := f.growPartition(disk, m); err != nil {
		f.log.Error("grow the data partition; it is used as it is", "err", err)
	}
	dev := device(partition(disk, PartData))
	f.check(dev)
	if err := unix.Mount(dev, Data, "ext4", dataFlags, dataOptions); err != nil {
		return fmt.Errorf("mount %s: %w", dev, err)
	}
	if err := growFileSystem(dev); err != nil {
		f.log.Error("grow the file system; it is used as it is", "err", err)
	}
	var st unix.Statfs_t
	if unix.Statfs(Data, &st) == nil {
		f.log.Info("data partition", "device", dev, "MiB", int64(st.Blocks)*int64(st.Bsize)>>20, "free", int64(st.Bavail)*int64(st.Bsize)>>20)
	}
	return os.Chmod(Data, 0o700)
}

// growPartition changes the record on the disk and the kernel's idea of it.
func (f *first) growPartition(disk string, m *MBR) error {
	b, err := os.ReadFile("/sys/block/" + disk + "/size")
	if err != nil {
		return err
	}
	sectors, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return err
	}
	changed, err := m.Grow(sectors)
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
	arg := unix.BlkpgIoctlArg{Op: unix.BLKPG_RESIZE_PARTITION, Datalen: int32(unsafe.Sizeof(part)), Data: (*byte)(unsafe.Pointer(&part))}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, d.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg))); e != 0 {
		return fmt.Errorf("tell the kernel: %w", e)
	}
	f.log.Info("the data partition was grown", "MiB", uint64(p.Len)*Sector>>20)
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

// check lets e2fsck replay the journal and repair what is safe to repair. Its exit codes
// are bits: 1 repaired, 2 repaired and a restart wanted, 4 and more not repaired.
func (f *first) check(dev string) {
	if _, err := os.Stat(Checker); err != nil {
		return
	}
	console := os.Stderr.Fd()
	pid, err := syscall.ForkExec(Checker, []string{Checker, "-p", dev}, &syscall.ProcAttr{Dir: "/", Files: []uintptr{console, console, console}})
	if err != nil {
		f.log.Error("check the data partition", "err", err)
		return
	}
	for e := range f.ends {
		if e.pid != pid {
			continue
		}
		switch {
		case e.code == 0:
		case e.code > 0 && e.code < 4:
			f.log.Warn("the data partition was repaired", "code", e.code)
			f.report.Problems = append(f.report.Problems, Problem{Kind: ProblemRepaired})
		default:
			f.log.Error("the data partition could not be repaired by itself", "code", e.code)
		}
		return
	}
}
