package gpio

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

// TestLineRequest: the kernel refuses what is not laid out as in linux/gpio.h.
func TestLineRequest(t *testing.T) {
	var r lineRequest
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"all", unsafe.Sizeof(r), getLine >> 16 & 0x3fff}, // its number holds the size
		{"consumer", unsafe.Offsetof(r.consumer), 256},
		{"flags", unsafe.Offsetof(r.flags), 288},
		{"list", unsafe.Offsetof(r.list), 320},
		{"lines", unsafe.Offsetof(r.lines), 560},
		{"fd", unsafe.Offsetof(r.fd), 588},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
}

// TestKernelLine reads what the kernel would write of two edges from a pipe.
func TestKernelLine(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var mono unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono); err != nil {
		t.Fatal(err)
	}
	note := func(ago time.Duration, what uint32) {
		var e [eventSize]byte
		binary.NativeEndian.PutUint64(e[:], uint64(mono.Nano()-int64(ago)))
		binary.NativeEndian.PutUint32(e[8:], what)
		if _, err := w.Write(e[:]); err != nil {
			t.Fatal(err)
		}
	}
	note(5*time.Second, 1)
	note(time.Second, 2)
	l := &kernelLine{f: r}
	first, then, ok := l.next(time.Minute)
	if !ok || first != gpio.High || !then.Before(time.Now().Add(-4*time.Second)) {
		t.Errorf("the first edge: %v %v %v", first, then, ok)
	}
	second, at, ok := l.next(time.Minute)
	if !ok || second != gpio.Low || !then.Before(at) || !at.Before(time.Now()) {
		t.Errorf("the second edge: %v %v after the first, %v", second, at.Sub(then), ok)
	}
	if _, _, ok := l.next(time.Millisecond); ok {
		t.Error("a third edge")
	}
	if _, err := l.level(); err == nil {
		t.Error("a pipe has a level")
	}
	l.close()
	if _, _, ok := l.next(time.Minute); ok {
		t.Error("an edge of a pin that was given back")
	}
}

func TestNoLine(t *testing.T) {
	for _, name := range []string{"/dev/null", "/dev/nowhere"} {
		if _, err := openLine(name, 4, gpio.PullUp); err == nil {
			t.Errorf("%s has a line", name)
		} else if name == "/dev/null" && !errors.Is(err, unix.ENOTTY) {
			t.Error(err)
		}
	}
}
