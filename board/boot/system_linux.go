package boot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"centralino/board/network"

	"golang.org/x/sys/unix"
)

// systemMounts are the kernel's own file systems and the box's memory.
var systemMounts = []struct {
	source, place, kind string
	flags               uintptr
	options             string
}{
	{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
	{"sysfs", "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
	{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0755"},
	{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0600"},
	{"run", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "mode=0755,size=8m"},
	{"tmp", "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "mode=1777,size=25%"},
	{"pstore", "/sys/fs/pstore", "pstore", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
}

// mountSystem mounts them and takes the console for what the program says. Nothing can
// be logged before that.
func (f *first) mountSystem() {
	for _, m := range systemMounts {
		_ = os.MkdirAll(m.place, 0o755)
		_ = unix.Mount(m.source, m.place, m.kind, m.flags, m.options) // what is missing shows by what it was for
	}
	if c, err := os.OpenFile("/dev/console", os.O_RDWR|unix.O_NOCTTY, 0); err == nil {
		for fd := range 3 {
			_ = unix.Dup3(int(c.Fd()), fd, 0)
		}
		_ = c.Close()
	}
	for _, place := range []string{Data, Selector} {
		_ = os.MkdirAll(place, 0o755)
	}
	_ = unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_RDONLY, "") // prepare says whether it is
}

// readOnly reports a place where nothing can be written.
func readOnly(place string) bool {
	var st unix.Statfs_t
	return unix.Statfs(place, &st) == nil && st.Flags&unix.ST_RDONLY != 0
}

// dataKept reports that the data partition is in use.
func (r *Report) dataKept() bool {
	for _, p := range r.Problems {
		if p.Kind == ProblemData {
			return false
		}
	}
	return true
}

// tell writes the report for the serving program.
func (f *first) tell() {
	b, err := json.Marshal(f.report)
	if err == nil {
		err = replaceFile(ReportFile, b)
	}
	if err != nil {
		f.log.Error("write the report", "err", err)
	}
}

// ReadReport reads what the first process told last.
func ReadReport() (Report, error) {
	var r Report
	b, err := os.ReadFile(ReportFile)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

// writeResolv names the name servers to the program.
func (f *first) writeResolv(s network.State) {
	var b bytes.Buffer
	for i, a := range s.DNS {
		if i < 3 { // resolv.conf(5) reads no more
			fmt.Fprintf(&b, "nameserver %s\n", a)
		}
	}
	if err := replaceFile(resolvFile, b.Bytes()); err != nil {
		f.log.Error("name servers", "err", err)
	}
}

// memory is what the machine has and what programs could still have of it, in MiB.
func memory() (total, available int) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		var n int
		switch {
		case scan(line, "MemTotal: %d kB", &n):
			total = n >> 10
		case scan(line, "MemAvailable: %d kB", &n):
			available = n >> 10
		}
	}
	return total, available
}

func scan(line, form string, n *int) bool {
	_, err := fmt.Sscanf(line, form, n)
	return err == nil
}

// replaceFile writes a file so that a power cut leaves the old content or the new one.
func replaceFile(name string, b []byte) error {
	next := name + ".new"
	w, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err = w.Write(b); err == nil {
		err = w.Sync()
	}
	if e := w.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(next, name)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// restart2 is reboot(2) with an argument, which package unix does not offer.
func restart2(arg []byte) {
	_, _, _ = unix.Syscall6(unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2,
		unix.LINUX_REBOOT_CMD_RESTART2, uintptr(unsafe.Pointer(&arg[0])), 0, 0)
}
