// Package serial opens serial ports by identity, finds them again under another
// device name after unplugging, and keeps the traps of go.bug.st/serial away from
// the drivers: descriptors above 1023, writes without deadline, modem control
// lines that a pty does not have. It is the only room that imports that library.
// It runs no goroutine of its own; whoever reads a Port does.
package serial

import (
	"context"
	"time"

	"centralino/hal"
)

// Options of an opener; the zero value means 115200 8N1 with RTS/CTS.
type Options struct {
	Baud          int           // 115200 if 0
	NoFlowControl bool          // leave RTS/CTS off
	ReadTimeout   time.Duration // after which Read returns (0, nil); 100 ms if 0
	WriteTimeout  time.Duration // after which Write returns ErrStalled; 500 ms if 0
}

// NewOpener returns an opener of the port that identity names:
//
//	usb:VID:PID            first USB serial port of this vendor and product
//	usb:VID:PID:SERIAL     … with this serial number
//	usb:VID:PID:SERIAL@B   … on this USB path, for instance "1-1.4" (SERIAL may be empty)
//	path:/dev/…            this device; symbolic links are followed at every opening
//	/dev/…                 the same
//
// An identity that says nothing of the kind is reported by OpenPort.
func NewOpener(identity string, o Options) hal.PortOpener { return opener{} }

type opener struct{}

func (opener) OpenPort(ctx context.Context) (hal.Port, string, error) { return nil, "", hal.ErrGone }

// Reserve takes a few file descriptors below 1024 for ports that are opened later,
// because go.bug.st/serial cannot read a port with a higher one. Call it once early
// in main; later calls do nothing.
func Reserve() error { return nil }

// Found is a serial port of this machine.
type Found struct {
	Identity string // for NewOpener and the office document
	Device   string // what it is called now
	Product  string // as the device says, may be empty
}

// List returns the serial ports that the machine has now, USB ports by identity.
func List() ([]Found, error) { return nil, nil }
