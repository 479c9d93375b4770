package boot

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// watchdog is the hardware timer that restarts the machine unless it is fed. A nil one
// is not fitted.
type watchdog struct {
	dev *os.File
	log *slog.Logger
	bad bool // told already
}

const watchdogDevice = "/dev/watchdog0"

// openWatchdog starts the first watchdog with a period. It is never stopped again: that
// is the point of it.
func openWatchdog(period time.Duration, log *slog.Logger) *watchdog {
	if period <= 0 {
		period = 15 * time.Second
	}
	dev, err := os.OpenFile(watchdogDevice, os.O_WRONLY, 0)
	if err != nil {
		log.Warn("no watchdog", "err", err)
		return nil
	}
	if err := unix.IoctlSetPointerInt(int(dev.Fd()), unix.WDIOC_SETTIMEOUT, int(period/time.Second)); err != nil {
		log.Warn("period of the watchdog", "err", err)
	}
	log.Info("watchdog", "period", period)
	w := &watchdog{dev: dev, log: log}
	w.feed()
	return w
}

func (w *watchdog) feed() {
	if w == nil {
		return
	}
	if _, err := w.dev.Write([]byte{0}); err != nil && !w.bad {
		w.bad = true
		w.log.Error("the watchdog takes no food", "err", err)
	}
}

// Fields of the kernel's struct input_event on 64 bits, and the key that switches off.
const (
	inputEvent = 24
	inputKey   = 1
	keyPower   = 116
)

// readPower tells of presses of the power key of any input device, also of one that is
// plugged in later.
func readPower(ctx context.Context, pressed chan<- struct{}) {
	open := map[string]bool{}
	t := time.NewTicker(tick)
	defer t.Stop()
	gone := make(chan string)
	for {
		names, _ := filepath.Glob("/dev/input/event*")
		for _, name := range names {
			if open[name] {
				continue
			}
			dev, err := os.Open(name)
			if err != nil {
				continue
			}
			open[name] = true
			go func() { // ends with the device
				defer dev.Close()
				readKeys(dev, pressed)
				gone <- name
			}()
		}
		select {
		case <-ctx.Done():
			return
		case name := <-gone:
			delete(open, name)
		case <-t.C:
		}
	}
}

func readKeys(dev io.Reader, pressed chan<- struct{}) {
	for b := make([]byte, inputEvent); ; {
		if _, err := io.ReadFull(dev, b); err != nil {
			return
		}
		kind, code := binary.NativeEndian.Uint16(b[16:]), binary.NativeEndian.Uint16(b[18:])
		if kind == inputKey && code == keyPower && binary.NativeEndian.Uint32(b[20:]) == 1 {
			pressed <- struct{}{}
		}
	}
}

// FollowKernelLog gives every line of the kernel's log from the start of the machine on,
// with its priority of syslog (0 emergency to 7 debug), until ctx ends. Lines of the
// first process begin with its name.
func FollowKernelLog(ctx context.Context, line func(priority int, text string)) error {
	f, err := os.Open(kernelLogDevice)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	defer stop()
	defer f.Close()
	b := make([]byte, 8192) // the kernel gives one record a read
	for ctx.Err() == nil {
		n, err := f.Read(b)
		if errors.Is(err, unix.EPIPE) {
			continue // records were overwritten before we read them
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if priority, text, ok := parseRecord(string(b[:n])); ok {
			line(priority, text)
		}
	}
	return nil
}
