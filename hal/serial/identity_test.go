package serial

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIdentityMatches(t *testing.T) {
	for _, c := range []struct {
		name, identity         string
		vid, pid, serial, path string
		want                   bool
	}{
		{"vendor and product, in either case", "usb:0572:1329", "0572", "1329", "24680246", "1-1", true},
		{"hexadecimal letters in either case", "usb:0BAF:00eb", "0baf", "00EB", "", "1-1", true},
		{"another product", "usb:0572:1329", "0572", "1340", "", "1-1", false},
		{"serial number is the same", "usb:0572:1329:24680246", "0572", "1329", "24680246", "1-1", true},
		{"serial number is another", "usb:0572:1329:24680246", "0572", "1329", "1", "1-1", false},
		{"two equal modems told apart by their place", "usb:0572:1329:@1-1.4", "0572", "1329", "24680246", "1-1.3", false},
		{"place is the same", "usb:0572:1329:@1-1.4", "0572", "1329", "24680246", "1-1.4", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, err := parseIdentity(c.identity)
			if err != nil {
				t.Fatal(err)
			}
			if got := id.matches(c.vid, c.pid, c.serial, c.path); got != c.want {
				t.Errorf("%s matches: %v, want %v", c.identity, got, c.want)
			}
		})
	}
}

func TestUSBPathFromSysfs(t *testing.T) {
	dir := t.TempDir()
	dev := filepath.Join(dir, "devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.4/1-1.4:1.0")
	class := filepath.Join(dir, "class/tty/ttyACM0")
	for _, d := range []string{dev, class} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dev, filepath.Join(class, "device")); err != nil {
		t.Fatal(err)
	}
	if got := usbPath(dir, "/dev/ttyACM0"); got != "1-1.4" {
		t.Errorf("USB path %q, want 1-1.4", got)
	}
	if got := usbPath(dir, "/dev/ttyS0"); got != "" {
		t.Errorf("USB path of a port that is not on USB: %q", got)
	}
}
