package gpio

import (
	"bytes"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// chipInfo is GPIO_GET_CHIPINFO_IOCTL, which fills in the kernel's struct gpiochip_info
// (linux/gpio.h).
const chipInfo = 0x8044b401

// chips lists the labels of the chips that the kernel shows.
func chips() (labels []string) {
	names, _ := filepath.Glob("/dev/gpiochip*")
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		var info struct {
			name, label [32]byte
			lines       uint32
		}
		_, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), chipInfo, uintptr(unsafe.Pointer(&info)))
		_ = f.Close()
		if label, _, _ := bytes.Cut(info.label[:], []byte{0}); e == 0 {
			labels = append(labels, string(label))
		}
	}
	return labels
}
