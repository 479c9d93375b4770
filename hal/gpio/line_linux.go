package gpio

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

// Numbers of the character device, version 2 (linux/gpio.h).
const (
	getLine   = 0xc250b407 // GPIO_V2_GET_LINE_IOCTL
	getValues = 0xc010b40e // GPIO_V2_LINE_GET_VALUES_IOCTL

	flagInput    = 1 << 2
	flagEdges    = 1<<4 | 1<<5 // rising, falling
	flagPullUp   = 1 << 8
	flagPullDown = 1 << 9

	eventSize  = 48 // of struct gpio_v2_line_event: the time in ns of CLOCK_MONOTONIC, then what it was
	risingEdge = 1
)

// lineRequest is struct gpio_v2_line_request with its struct gpio_v2_line_config in it. What
// we leave 0 is named, too, because the kernel wants it to be 0.
type lineRequest struct {
	offsets    [64]uint32
	consumer   [32]byte
	flags      uint64
	attributes uint32 // how many of list
	empty      [5]uint32
	list       [10][3]uint64
	lines      uint32
	buffer     uint32 // events that the kernel keeps; 0: 16 for a line
	free       [5]uint32
	fd         int32
}

// kernelLine is a line that the kernel has given to us.
type kernelLine struct {
	f     *os.File
	event [eventSize]byte
}

// openLine asks the chip for one of its pins as an input whose edges are noted.
func openLine(chip string, number int, pull gpio.Pull) (line, error) {
	c, err := os.Open(chip)
	if err != nil {
		return nil, err
	}
	defer c.Close() // the line stays
	r := lineRequest{flags: flagInput | flagEdges, lines: 1}
	r.offsets[0] = uint32(number)
	copy(r.consumer[:], "centralino")
	switch pull {
	case gpio.PullUp:
		r.flags |= flagPullUp
	case gpio.PullDown:
		r.flags |= flagPullDown
	}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, c.Fd(), getLine, uintptr(unsafe.Pointer(&r))); e != 0 {
		return nil, fmt.Errorf("line %d of %s: %w", number, chip, e)
	}
	if err := unix.SetNonblock(int(r.fd), true); err != nil { // else reading has no limit
		_ = unix.Close(int(r.fd))
		return nil, err
	}
	return &kernelLine{f: os.NewFile(uintptr(r.fd), chip)}, nil
}

func (l *kernelLine) next(limit time.Duration) (level gpio.Level, at time.Time, ok bool) {
	if l.f.SetReadDeadline(time.Now().Add(limit)) != nil {
		return false, at, false
	}
	if n, err := l.f.Read(l.event[:]); err != nil || n < eventSize {
		return false, at, false
	}
	var mono unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil {
		return false, at, false
	}
	noted := binary.NativeEndian.Uint64(l.event[:])
	return binary.NativeEndian.Uint32(l.event[8:]) == risingEdge, time.Now().Add(time.Duration(int64(noted) - mono.Nano())), true
}

func (l *kernelLine) level() (gpio.Level, error) {
	v := struct{ bits, mask uint64 }{mask: 1}
	raw, err := l.f.SyscallConn()
	if err != nil {
		return false, err
	}
	var e unix.Errno
	err = raw.Control(func(fd uintptr) { // Fd would make reading wait without limit
		_, _, e = unix.Syscall(unix.SYS_IOCTL, fd, getValues, uintptr(unsafe.Pointer(&v)))
	})
	if err == nil && e != 0 {
		err = e
	}
	return v.bits&1 != 0, err
}

func (l *kernelLine) close() { _ = l.f.Close() }
