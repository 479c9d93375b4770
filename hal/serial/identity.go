package serial

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.bug.st/serial/enumerator"

	"centralino/hal"
)

// identity is a parsed identity of a port: a device path, or a USB device.
type identity struct {
	path                   string
	vid, pid, serial, port string
}

// parseIdentity reads what NewOpener describes.
func parseIdentity(s string) (identity, error) {
	if p, ok := strings.CutPrefix(s, "path:"); ok {
		s = p
	}
	if strings.HasPrefix(s, "/") {
		return identity{path: filepath.Clean(s)}, nil
	}
	rest, ok := strings.CutPrefix(s, "usb:")
	if !ok {
		return identity{}, fmt.Errorf("%w: %q", ErrIdentity, s)
	}
	rest, port, _ := strings.Cut(rest, "@")
	f := strings.SplitN(rest, ":", 3)
	if len(f) < 2 || !hex4(f[0]) || !hex4(f[1]) {
		return identity{}, fmt.Errorf("%w: %q", ErrIdentity, s)
	}
	id := identity{vid: f[0], pid: f[1], port: port}
	if len(f) == 3 {
		id.serial = f[2]
	}
	return id, nil
}

func hex4(s string) bool {
	return len(s) == 4 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// find returns the device's present name.
func (id identity) find() (string, error) {
	if id.path != "" {
		name, err := filepath.EvalSymlinks(id.path)
		if err != nil {
			return "", fmt.Errorf("%w (%w)", hal.ErrGone, err)
		}
		return name, nil
	}
	ports, err := enumerator.GetDetailedPortsList()
	if err != nil {
		return "", fmt.Errorf("list ports: %w", err)
	}
	for _, p := range ports {
		if id.matches(p.VID, p.PID, p.SerialNumber, usbPath(sysfs, p.Name)) {
			return p.Name, nil
		}
	}
	return "", hal.ErrGone
}

// matches compares what the identity says with a port of this machine.
func (id identity) matches(vid, pid, serial, port string) bool {
	return strings.EqualFold(id.vid, vid) && strings.EqualFold(id.pid, pid) &&
		(id.serial == "" || id.serial == serial) && (id.port == "" || id.port == port)
}

const sysfs = "/sys"

// usbPath returns the USB path of a device, for instance "1-1.4", from sysfs: the
// folder of the USB interface is named PATH:CONFIG.INTERFACE. It is empty for what
// is not on USB.
func usbPath(sysfs, device string) string {
	dir, err := filepath.EvalSymlinks(filepath.Join(sysfs, "class/tty", filepath.Base(device), "device"))
	if err != nil {
		return ""
	}
	for ; len(dir) > 1; dir = filepath.Dir(dir) {
		if path, _, ok := strings.Cut(filepath.Base(dir), ":"); ok && strings.Contains(path, "-") {
			return path
		}
	}
	return ""
}

// Found is a serial port of this machine.
type Found struct {
	Identity string // for NewOpener and the office document
	Device   string // what it is called now
	Product  string // as the device says, may be empty
	Serial   string // its serial number, may be empty
}

// List returns the serial ports that the machine has now. USB ports are named by
// vendor, product and serial number; those without a serial number also by their
// place, others by their device name. Ptys and what else only a configuration
// knows are not in the list.
func List() ([]Found, error) {
	ports, err := enumerator.GetDetailedPortsList()
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	var all []Found
	for _, p := range ports {
		f := Found{Identity: "path:" + p.Name, Device: p.Name, Product: p.Product, Serial: p.SerialNumber}
		if p.IsUSB {
			f.Identity = fmt.Sprintf("usb:%s:%s", p.VID, p.PID)
			if p.SerialNumber != "" {
				f.Identity += ":" + p.SerialNumber
			} else if at := usbPath(sysfs, p.Name); at != "" {
				f.Identity += ":@" + at
			}
		}
		all = append(all, f)
	}
	return all, nil
}
