package serial

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	bugst "go.bug.st/serial"
	"golang.org/x/sys/unix"

	"centralino/hal"
)

// port is an open serial port. Reading, modem lines and mode go through
// go.bug.st/serial; writing goes through a second descriptor of the same device,
// opened before, because the library's Write blocks for ever when the device stops
// taking octets, and its Open switches RTS/CTS off and takes exclusive access.
type port struct {
	bugst.Port
	name    string
	side    *os.File // second descriptor, non-blocking
	timeout time.Duration

	using  sync.RWMutex // held for reading during Read, so that Close does not pull the descriptor from under select
	closed bool
	once   sync.Once
}

var _ hal.Port = (*port)(nil)

// open opens the device name.
func open(name string, o Options) (*port, error) {
	side, err := openSide(name)
	if err != nil {
		return nil, err
	}
	p := &port{name: name, side: side, timeout: o.WriteTimeout}
	mode := &bugst.Mode{BaudRate: o.Baud} // InitialStatusBits stay nil: a pty has none
	err = low.open(func() error {
		if p.Port, err = bugst.Open(name, mode); err != nil {
			return err
		}
		if err = p.Port.SetReadTimeout(time.Millisecond); err == nil {
			err = p.firstRead()
		}
		if err != nil {
			p.Port.Close()
		}
		return err
	})
	if err == nil && !o.NoFlowControl {
		err = p.flowControl()
	}
	if err == nil {
		err = p.Port.SetReadTimeout(o.ReadTimeout)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func openSide(name string) (*os.File, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// firstRead finds out whether select can watch the port's descriptors, which it
// cannot from 1024 on. What it reads was sent before the port was opened and would
// be thrown away anyway.
func (p *port) firstRead() error {
	_, err := p.read(make([]byte, 64))
	return err
}

// errHighDescriptor is go.bug.st/serial's panic as an error.
var errHighDescriptor = errors.New("file descriptor too high for select")

// read is the library's Read with its panic caught.
func (p *port) read(b []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("read %s: %w (%v)", p.name, errHighDescriptor, r)
		}
	}()
	return p.Port.Read(b)
}

// Read implements hal.Port.
func (p *port) Read(b []byte) (int, error) {
	p.using.RLock()
	defer p.using.RUnlock()
	if p.closed {
		return 0, os.ErrClosed
	}
	n, err := p.read(b)
	if err != nil && n == 0 {
		var pe *bugst.PortError
		if errors.As(err, &pe) && pe.Code() == bugst.PortClosed {
			return 0, io.EOF // unplugged
		}
	}
	return n, err
}

// Write implements hal.Port: all of b within the write timeout, or ErrStalled.
func (p *port) Write(b []byte) (int, error) {
	if err := p.side.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
		return 0, err
	}
	n, err := p.side.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ErrStalled
	}
	return n, err
}

// flowControl switches RTS/CTS on, which the library cannot. A pty keeps the flag
// and does nothing with it.
func (p *port) flowControl() error {
	return p.control(func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		t.Cflag |= unix.CRTSCTS
		return unix.IoctlSetTermios(fd, unix.TCSETS, t)
	})
}

// control runs f on the second descriptor without taking it out of the poller.
func (p *port) control(f func(fd int) error) error {
	c, err := p.side.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := c.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return err
	}
	return ferr
}

// SetDTR implements hal.Port; on a port without modem lines it does nothing.
func (p *port) SetDTR(on bool) error {
	err := p.control(func(fd int) error {
		request := uint(unix.TIOCMBIC)
		if on {
			request = unix.TIOCMBIS
		}
		return unix.IoctlSetPointerInt(fd, request, unix.TIOCM_DTR)
	})
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

// ResetInput implements hal.Port.
func (p *port) ResetInput() error {
	return p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) })
}

// Close implements io.Closer. A Read that is under way ends within the read
// timeout, a Write at once. What was written and not yet sent is thrown away: on a
// device that does not take it, closing would wait for up to 30 s.
func (p *port) Close() error {
	var err error
	p.once.Do(func() {
		p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
		err = p.side.Close()
		p.using.Lock()
		p.closed = true
		p.using.Unlock()
		if p.Port != nil {
			err = errors.Join(p.Port.Close(), err)
		}
	})
	return err
}
