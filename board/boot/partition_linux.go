package boot

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dataDevice is the data partition of the running box.
type dataDevice struct {
	f   *first
	dev string
}

func (d *dataDevice) halfFormatted() bool {
	dev, err := os.Open(d.dev)
	if err != nil {
		return false
	}
	defer dev.Close()
	return HalfFormatted(dev)
}

func (d *dataDevice) format() error { return formatDevice(d.dev) }

// worn is where a data partition is mounted that can only be read.
const worn = "/run/worn"

func (d *dataDevice) mount(how access) error {
	if how == toRead {
		if err := os.MkdirAll(worn, 0o700); err != nil {
			return err
		}
		err := unix.Mount(d.dev, worn, "ext4", dataFlags|unix.MS_RDONLY, "")
		if err != nil { // its journal cannot be replayed
			err = unix.Mount(d.dev, worn, "ext4", dataFlags|unix.MS_RDONLY, "noload")
		}
		return err
	}
	if err := mountData(d.dev); err != nil {
		return err
	}
	if err := growFileSystem(d.dev); err != nil {
		d.f.log.Error("grow the file system; it is used as it is", "err", err)
	}
	return nil
}

func (d *dataDevice) unmount() {
	for _, place := range []string{Data, worn} {
		if err := unix.Unmount(place, 0); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			d.f.log.Error("unmount", "place", place, "err", err)
		}
	}
}

// try writes a file and takes it away again.
func (d *dataDevice) try() error {
	name := filepath.Join(Data, ".try")
	if err := replaceFile(name, []byte("x")); err != nil {
		return err
	}
	return os.Remove(name)
}

// empty looks for anything but what the first process and the repair themselves put there.
func (d *dataDevice) empty() bool {
	list, err := os.ReadDir(Data)
	return err == nil && !slices.ContainsFunc(list, func(e fs.DirEntry) bool {
		return e.Name() != "lost+found" && !strings.HasPrefix(e.Name(), ClockFile)
	})
}

// copy mounts memory in place of the partition and copies into it what the program needs.
func (d *dataDevice) copy() error {
	if err := unix.Mount("data", Data, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700,size=40%"); err != nil {
		return err
	}
	return copyTree(Data, worn)
}

// spare are folders of the data folder that the program can do without, by their beginning:
// copies, and what was set aside.
var spare = []string{"copies", "before-restore-", "damaged-", "lost+found", "restore.part", "backup.part"}

// copyTree copies files and folders, without spare ones and what is neither.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch isSpare := slices.ContainsFunc(spare, func(s string) bool { return strings.HasPrefix(e.Name(), s) }); {
		case e.IsDir() && isSpare:
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !e.Type().IsRegular():
			return nil
		}
		return copyFile(filepath.Join(to, rel), path)
	})
}

func copyFile(to, from string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// checkTime is how long e2fsck may take; a card that hangs must not keep the box.
const checkTime = 15 * time.Minute

// check runs e2fsck; without one, the kernel's own replay of the journal has to do.
func (d *dataDevice) check(hardWay bool) int {
	if _, err := os.Stat(Checker); err != nil {
		return -1
	}
	how := "-p"
	if hardWay {
		how = "-fy"
	}
	console := os.Stderr.Fd()
	pid, err := syscall.ForkExec(Checker, []string{Checker, how, d.dev}, &syscall.ProcAttr{Dir: "/", Files: []uintptr{console, console, console}})
	if err != nil {
		d.f.log.Error("check the data partition", "err", err)
		return -1
	}
	return d.f.await(pid, checkTime)
}

// await waits for the end of a process that was started before the program, and kills it
// when it takes too long. It returns its exit code, -1 if it has none.
func (f *first) await(pid int, limit time.Duration) int {
	over := time.NewTimer(limit)
	defer over.Stop()
	for killed := false; ; {
		select {
		case e := <-f.ends:
			if e.pid == pid {
				return e.code
			}
		case <-over.C:
			if killed {
				return -1
			}
			f.log.Error("a process takes too long and is killed", "pid", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
			killed = true
			over.Reset(killTime)
		}
	}
}

// medium is a partition's device as Format sees it.
type medium struct{ *os.File }

// Zero lets the kernel do it, which knows whether the card can; else it writes.
func (m medium) Zero(at, n int64) error {
	span := [2]uint64{uint64(at), uint64(n)}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, m.Fd(), unix.BLKZEROOUT, uintptr(unsafe.Pointer(&span))); e == 0 {
		return nil
	}
	zero := make([]byte, 1<<20)
	for end := at + n; at < end; {
		part := zero[:min(int64(len(zero)), end-at)]
		if _, err := m.WriteAt(part, at); err != nil {
			return err
		}
		at += int64(len(part))
	}
	return nil
}

func (m medium) Discard(at int64) {
	size, err := m.Seek(0, io.SeekEnd)
	if err != nil || size <= at {
		return
	}
	span := [2]uint64{uint64(at), uint64(size - at)}
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, m.Fd(), unix.BLKDISCARD, uintptr(unsafe.Pointer(&span)))
}

func formatDevice(dev string) error {
	d, err := os.OpenFile(dev, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(Format(medium{d}), d.Close())
}

// mountData mounts the data partition to be written to.
func mountData(dev string) error {
	if err := unix.Mount(dev, Data, "ext4", dataFlags, dataOptions); err != nil {
		return err
	}
	return os.Chmod(Data, 0o700)
}

// Renew takes everything away that the box has learned: it makes an empty file system of
// the data partition, and the partition itself if the disk has lost it. Nothing of it may
// be in use.
func Renew(log *slog.Logger) error {
	disk, err := findDisk(diskWait)
	if err != nil {
		return err
	}
	if err := unix.Unmount(Data, 0); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	_ = unix.Unmount(worn, 0)
	if partitionOf(disk, PartData) == "" {
		if err := changeRecord(disk, log, (*MBR).AddData, unix.BLKPG_ADD_PARTITION); err != nil {
			return err
		}
	}
	p := partitionOf(disk, PartData)
	if p == "" {
		return errNoPartition
	}
	log.Warn("the data partition is formatted")
	if err := formatDevice(device(p)); err != nil {
		return err
	}
	log.Warn("the data partition is empty")
	return nil
}

// Use mounts a data partition that Renew has made, and lets it grow.
func Use() error {
	disk, err := findDisk(0)
	if err != nil {
		return err
	}
	dev := device(partitionOf(disk, PartData))
	if err := mountData(dev); err != nil {
		return err
	}
	return growFileSystem(dev)
}
