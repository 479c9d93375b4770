package boot

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Sticks is the folder under which USB sticks are mounted, each partition in a folder of
// its kernel name.
const Sticks = "/run/sticks"

// mostSticks are mounted at once.
const mostSticks = 8

// stickKinds are the file systems of sticks, with options. What a stick's own superblock
// wants done about errors (ext4 knows "panic") does not count, and its journal is left
// alone: nothing is ever written to a stick.
var stickKinds = [][2]string{
	{"vfat", "utf8,errors=continue"},
	{"exfat", "iocharset=utf8,errors=continue"},
	{"ext4", "noload,errors=continue"},
}

// sticks mounts what is plugged in. One goroutine uses it.
type sticks struct {
	log     *slog.Logger
	present func() []string // names of the partitions that there are
	mount   func(name string) (kind string, err error)
	unmount func(name string) error
	known   map[string]bool // true: mounted; false: it cannot be
}

// followSticks mounts the sticks that come and lets those go that are gone, until ctx ends.
func followSticks(ctx context.Context, own string, log *slog.Logger) {
	s := &sticks{log: log, known: map[string]bool{}, mount: mountStick,
		present: func() []string { return sticksIn("/sys/block", own) },
		unmount: func(name string) error {
			err := unix.Unmount(filepath.Join(Sticks, name), unix.MNT_DETACH) // also while somebody reads it
			_ = os.Remove(filepath.Join(Sticks, name))
			return err
		}}
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		s.look()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// look mounts what has come since the last look, and lets go of what is gone.
func (s *sticks) look() {
	present := s.present()
	for name, mounted := range s.known {
		if slices.Contains(present, name) {
			continue
		}
		delete(s.known, name)
		if !mounted {
			continue
		}
		if err := s.unmount(name); err != nil {
			s.log.Warn("let a stick go", "name", name, "err", err)
		} else {
			s.log.Info("a stick was unplugged", "name", name)
		}
	}
	for _, name := range present {
		if _, known := s.known[name]; known || len(s.known) >= mostSticks {
			continue
		}
		kind, err := s.mount(name)
		s.known[name] = err == nil
		if err != nil {
			s.log.Warn("a stick cannot be read", "name", name, "err", err)
		} else {
			s.log.Info("a stick was plugged in", "name", name, "kind", kind)
		}
	}
}

// sticksIn lists the partitions of the disks on USB below a folder like /sys/block, and
// whole disks that have none, without the box's own disk. A card reader without a card
// has no size and does not count.
func sticksIn(blocks, own string) []string {
	var list []string
	disks, _ := filepath.Glob(filepath.Join(blocks, "*"))
	for _, d := range disks {
		name := filepath.Base(d)
		place, err := filepath.EvalSymlinks(d)
		if err != nil || name == own || !strings.Contains(place, "/usb") || !hasSize(d) {
			continue
		}
		parts, _ := filepath.Glob(filepath.Join(d, name+"*", "partition"))
		if len(parts) == 0 {
			list = append(list, name)
		}
		for _, p := range parts {
			if hasSize(filepath.Dir(p)) {
				list = append(list, filepath.Base(filepath.Dir(p)))
			}
		}
	}
	return list
}

func hasSize(folder string) bool {
	b, err := os.ReadFile(filepath.Join(folder, "size"))
	return err == nil && strings.TrimSpace(string(b)) != "0"
}

// mountStick mounts a partition to be read, as the first file system that it is.
func mountStick(name string) (kind string, err error) {
	place := filepath.Join(Sticks, name)
	if err := os.MkdirAll(place, 0o755); err != nil {
		return "", err
	}
	for _, k := range stickKinds {
		err = unix.Mount(device(name), place, k[0], unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, k[1])
		if err == nil {
			return k[0], nil
		}
	}
	_ = os.Remove(place)
	return "", err
}
