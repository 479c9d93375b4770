package board_test

import (
	"strings"
	"testing"

	"centralino/board"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct{ name, model, want string }{
		{"a Raspberry Pi 4", "Raspberry Pi 4 Model B Rev 1.4\x00", "rpi4b"},
		{"QEMU's machine virt", "linux,dummy-virt\x00", "qemu-virt"},
		{"another model", "Raspberry Pi 3 Model B Plus Rev 1.3\x00", ""},
		{"no device tree", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, ok := board.Detect(c.model)
			if b.Name != c.want || ok != (c.want != "") {
				t.Errorf("Detect(%q) = %q, %v", c.model, b.Name, ok)
			}
		})
	}
}

func TestByName(t *testing.T) {
	for _, name := range []string{"sim", "rpi4b"} {
		if b, err := board.ByName(name); err != nil || b.Name != name {
			t.Errorf("%s: %v %v", name, b, err)
		}
	}
	_, err := board.ByName("toaster")
	if err == nil || !strings.Contains(err.Error(), "sim") || !strings.Contains(err.Error(), "rpi4b") {
		t.Errorf("an unknown board gives %v", err)
	}
}

// TestTables proof-reads what a wiring mistake would hide in.
func TestTables(t *testing.T) {
	// Raspberry Pi 40-pin header: GPIO number of each place, 0 where there is power
	// or ground.
	header := map[int]string{7: "GPIO4", 8: "GPIO14", 10: "GPIO15", 11: "GPIO17", 13: "GPIO27", 15: "GPIO22", 16: "GPIO23",
		18: "GPIO24", 19: "GPIO10", 21: "GPIO9", 22: "GPIO25", 23: "GPIO11", 24: "GPIO8", 29: "GPIO5", 32: "GPIO12", 33: "GPIO13"}
	for _, b := range board.Boards {
		used := map[string]string{}
		check := func(what string, p board.Pin) {
			if p.Name == "" {
				return
			}
			if used[p.Name] != "" {
				t.Errorf("%s: %s serves %s and %s", b.Name, p.Name, used[p.Name], what)
			}
			used[p.Name] = what
			if header[p.Header] != p.Name && (p.Header != 0 || strings.HasPrefix(p.Name, "GPIO")) {
				t.Errorf("%s: %s stands at place %d, which is %s", b.Name, p.Name, p.Header, header[p.Header])
			}
			if p.On != board.High && p.On != board.Low {
				t.Errorf("%s: %s is on at %q", b.Name, p.Name, p.On)
			}
		}
		for _, l := range board.Lamps {
			if _, ok := b.LEDs[l]; b.HasGPIO() && !ok {
				t.Errorf("%s: no lamp %s", b.Name, l)
			}
			check(string(l), b.LEDs[l])
		}
		check("button", b.Button)
		for name, p := range b.Relays {
			check("relay "+name, p)
		}
		for _, u := range b.UARTs {
			check(u.Name+" TX", u.TX)
			check(u.Name+" RX", u.RX)
		}
		if w := b.Watchdog; w.Device != "" && w.Period <= 0 {
			t.Errorf("%s: watchdog without a period", b.Name)
		}
		if th := b.Thermal; th.Zone != "" && (th.Warn <= 0 || th.Throttle <= th.Warn) {
			t.Errorf("%s: temperatures %+v", b.Name, th)
		}
	}
}
