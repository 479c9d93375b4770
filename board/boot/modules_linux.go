package boot

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// moduleLoader loads what the machine asks for. At start Main's goroutine uses it, then
// that of follow.
type moduleLoader struct {
	log    *slog.Logger
	index  *Index
	events int // netlink socket with the kernel's news of devices; -1: none
	done   map[string]bool
}

// loadModules loads what every start needs, then the drivers of the devices that there
// are. What comes later is loaded by follow.
func (f *first) loadModules() *moduleLoader {
	l := &moduleLoader{log: f.log, events: -1, done: map[string]bool{}}
	began := time.Now()
	b, err := os.ReadFile(filepath.Join(Modules, IndexFile))
	if err == nil {
		l.index, err = ParseIndex(b)
	}
	if err != nil {
		f.log.Error("no modules", "err", err)
		l.index = NewIndex(nil)
	}
	l.listen() // before the walk, so that nothing is missed between
	for _, m := range l.index.Always() {
		l.load(m)
	}
	l.walk()
	f.log.Info("modules loaded", "count", len(l.done), "in", time.Since(began).Round(time.Millisecond))
	return l
}

// Where the kernel lists what asks for drivers: devices by their bus, and the inputs,
// which are on none. Its whole tree of devices is ten times as large.
var deviceLists = []string{"/sys/bus/*/devices", "/sys/class/input"}

// walk loads the drivers of all devices that there are.
func (l *moduleLoader) walk() {
	for _, pattern := range deviceLists {
		lists, _ := filepath.Glob(pattern)
		for _, list := range lists {
			devices, _ := os.ReadDir(list) // a device may go away while we look
			for _, d := range devices {
				if b, err := os.ReadFile(filepath.Join(list, d.Name(), "modalias")); err == nil {
					l.device(string(b))
				}
			}
		}
	}
}

func (l *moduleLoader) device(modalias string) {
	for _, m := range l.index.For(modalias) {
		l.load(m)
	}
}

// load loads a module with all that it needs, once. The kernel unpacks it.
func (l *moduleLoader) load(m *Module) {
	for _, m := range l.index.Order(m) {
		if l.done[m.Name] {
			continue
		}
		l.done[m.Name] = true
		if err := loadModule(filepath.Join(Modules, m.File)); err != nil && !errors.Is(err, unix.EEXIST) {
			l.log.Warn("a module cannot be loaded", "module", m.Name, "err", err)
		}
	}
}

func loadModule(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(name, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	return unix.FinitModule(int(f.Fd()), "", flags)
}

// listen opens the kernel's news of devices.
func (l *moduleLoader) listen() {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1})
	}
	if err != nil {
		l.log.Error("news of devices", "err", err)
		return
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<20)
	l.events = fd
}

// follow loads drivers for what is plugged in while the box runs.
func (l *moduleLoader) follow(ctx context.Context) {
	if l.events < 0 {
		return
	}
	b := make([]byte, 16<<10)
	for ctx.Err() == nil {
		n, _, err := unix.Recvfrom(l.events, b, 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS): // some were lost: look at everything
			l.walk()
		case err != nil:
			l.log.Error("news of devices", "err", err)
			return
		default:
			if a := modaliasOf(b[:n]); a != "" {
				l.device(a)
			}
		}
	}
}

// modaliasOf reads the device of an event that says that one was added.
func modaliasOf(event []byte) string {
	if !bytes.HasPrefix(event, []byte("add@")) {
		return ""
	}
	for field := range bytes.SplitSeq(event, []byte{0}) {
		if v, ok := bytes.CutPrefix(field, []byte("MODALIAS=")); ok {
			return string(v)
		}
	}
	return ""
}
