// Package serial opens serial ports by identity, finds them again under another
// device name after unplugging, and keeps the traps of go.bug.st/serial away from
// the drivers: descriptors above 1023, writes without deadline, modem control
// lines that a pty does not have, flow control that its Open switches off. It is
// the only room that imports that library. It runs no goroutine of its own; one
// goroutine may read a Port while another writes it.
package serial

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	bugst "go.bug.st/serial"

	"centralino/hal"
)

// ErrStalled is returned by Write when the device did not take all octets within
// the write timeout.
var ErrStalled = errors.New("serial device does not take what is written")

// ErrIdentity is returned by OpenPort when the opener's identity names no port in
// any of the known forms.
var ErrIdentity = errors.New("not an identity of a serial port")

// Options of an opener; the zero value means 115200 8N1 with RTS/CTS.
type Options struct {
	Baud          int           // 115200 if 0
	NoFlowControl bool          // leave RTS/CTS off
	ReadTimeout   time.Duration // after which Read returns (0, nil); 100 ms if 0
	WriteTimeout  time.Duration // after which Write returns ErrStalled; 500 ms if 0
}

// opener implements hal.PortOpener.
type opener struct {
	identity string
	o        Options
}

// NewOpener returns an opener of the port that identity names:
//
//	usb:VID:PID            first USB serial port of this vendor and product
//	usb:VID:PID:SERIAL     … with this serial number
//	usb:VID:PID:SERIAL@B   … on this USB path, for instance "1-1.4" (SERIAL may be empty)
//	path:/dev/…            this device; symbolic links are followed at every opening
//	/dev/…                 the same
//
// OpenPort looks for the port anew each time. It fails with hal.ErrGone when there
// is none now and with ErrIdentity when identity is nothing of the kind.
func NewOpener(identity string, o Options) hal.PortOpener {
	if o.Baud == 0 {
		o.Baud = 115200
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 100 * time.Millisecond
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 500 * time.Millisecond
	}
	return &opener{identity, o}
}

// OpenPort implements hal.PortOpener.
func (o *opener) OpenPort(ctx context.Context) (hal.Port, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	id, err := parseIdentity(o.identity)
	if err != nil {
		return nil, "", err
	}
	name, err := id.find()
	if err != nil {
		return nil, "", fmt.Errorf("find %s: %w", o.identity, err)
	}
	p, err := open(name, o.o)
	if err != nil {
		return nil, name, fmt.Errorf("open %s: %w", name, gone(err))
	}
	return p, name, nil
}

// gone makes hal.ErrGone of the errors that mean that a device is not there.
func gone(err error) error {
	var pe *bugst.PortError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &pe) && pe.Code() == bugst.PortNotFound {
		return hal.ErrGone
	}
	return err
}
