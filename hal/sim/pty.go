package sim

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pty is a pseudo terminal whose master is the modem's serial port. Its slave is
// kept open and raw, so that octets pass unchanged whoever opens it, and so that a
// host that comes and goes is not seen as the end of the line.
type pty struct {
	*os.File // master
	slave    *os.File
	path     string // of the slave
}

// openPTY makes a pseudo terminal with a name other than not.
func openPTY(not string) (*pty, error) {
	p, err := newPTY()
	if err != nil || p.path != not {
		return p, err
	}
	defer p.Close() // holds the old name while another one is made
	return newPTY()
}

func newPTY() (*pty, error) {
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("open pty: %w", err)
	}
	c, err := m.SyscallConn()
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("open pty: %w", err)
	}
	var n int
	var ioErr error
	err = c.Control(func(fd uintptr) {
		if ioErr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); ioErr == nil {
			n, ioErr = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err == nil {
		err = ioErr
	}
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("unlock pty: %w", err)
	}
	p := &pty{File: m, path: fmt.Sprintf("/dev/pts/%d", n)}
	if p.slave, err = openRaw(p.path); err != nil {
		m.Close()
		return nil, err
	}
	return p, nil
}

// openRaw opens a terminal and takes all processing of octets from it.
func openRaw(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("open pty: %w", err)
	}
	c, err := f.SyscallConn()
	if err == nil {
		var ioErr error
		err = c.Control(func(fd uintptr) { ioErr = setRaw(int(fd)) })
		if err == nil {
			err = ioErr
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("set %s raw: %w", path, err)
	}
	return f, nil
}

func setRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// Close takes the terminal away from whoever has it open.
func (p *pty) Close() error {
	p.slave.Close()
	return p.File.Close()
}

// relink makes link lead to path, in one step for whoever looks at it.
func relink(link, path string) error {
	next := filepath.Join(filepath.Dir(link), "."+filepath.Base(link)+".next")
	os.Remove(next)
	if err := os.Symlink(path, next); err != nil {
		return fmt.Errorf("link modem: %w", err)
	}
	if err := os.Rename(next, link); err != nil {
		return fmt.Errorf("link modem: %w", err)
	}
	return nil
}
