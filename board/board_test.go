package board_test

import (
	"strings"
	"testing"

	"centralino/board"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct{ name, model, want string }{
		{"a Raspberry Pi 3", "Raspberry Pi 3 Model B Rev 1.2\x00", "rpi3b"},
		{"a Raspberry Pi 3 with the plus written out", "Raspberry Pi 3 Model B Plus Rev 1.3\x00", "rpi3b"},
		{"the same by its device tree alone", "Raspberry Pi 3 Model B+\x00", "rpi3b"},
		{"a Raspberry Pi Zero 2 W", "Raspberry Pi Zero 2 W Rev 1.0\x00", "rpizero2w"},
		{"a Raspberry Pi 4", "Raspberry Pi 4 Model B Rev 1.4\x00", "rpi4b"},
		{"a Raspberry Pi 400", "Raspberry Pi 400 Rev 1.0\x00", "rpi400"},
		{"a Compute Module 4", "Raspberry Pi Compute Module 4 Rev 1.1\x00", "rpicm4"},
		{"a Compute Module 4S, which has no such header", "Raspberry Pi Compute Module 4S Rev 1.0\x00", ""},
		{"a Raspberry Pi 5", "Raspberry Pi 5 Model B Rev 1.1\x00", "rpi5"},
		{"a Raspberry Pi 500", "Raspberry Pi 500 Rev 1.0\x00", "rpi500"},
		{"a Compute Module 5 without memory of its own", "Raspberry Pi Compute Module 5 Lite Rev 1.0\x00", "rpicm5"},
		{"QEMU's machine virt", "linux,dummy-virt\x00", "qemu-virt"},
		{"a Compute Module 3, which has no such header", "Raspberry Pi Compute Module 3 Rev 1.0\x00", ""},
		{"a Raspberry Pi 2", "Raspberry Pi 2 Model B Rev 1.2\x00", ""},
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

func TestAsked(t *testing.T) {
	for _, c := range []struct{ name, cmdline, want string }{
		{"the command line names a board", "console=ttyS1 centralino.board=qemu-raspi3b quiet\n", "qemu-raspi3b"},
		{"it names one that is not in the table", "centralino.board=toaster", ""},
		{"it names none", "console=ttyS1 centralino.slot=2\n", ""},
		{"another word ends like it", "x.centralino.board=rpi5", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if b, ok := board.Asked(c.cmdline); b.Name != c.want || ok != (c.want != "") {
				t.Errorf("%q, %v", b.Name, ok)
			}
		})
	}
}

// TestEveryRaspberryIsWiredAlike: the pictures for installers are the same for all.
func TestEveryRaspberryIsWiredAlike(t *testing.T) {
	four, err := board.ByName("rpi4b")
	if err != nil {
		t.Fatal(err)
	}
	chips := map[string]bool{}
	for _, b := range board.Boards {
		if !strings.HasPrefix(b.Name, "rpi") {
			continue
		}
		same := func(what string, p, as board.Pin) {
			chip, number, _ := strings.Cut(p.Name, "/")
			_, want, _ := strings.Cut(as.Name, "/")
			chips[chip] = true
			if number != want || p.On != as.On || p.Header != as.Header {
				t.Errorf("%s: %s is %+v, on a Raspberry Pi 4 %+v", b.Name, what, p, as)
			}
		}
		for _, l := range board.Lamps {
			same(string(l), b.LEDs[l], four.LEDs[l])
		}
		same("button", b.Button, four.Button)
		for name, p := range four.Relays {
			same(name, b.Relays[name], p)
		}
	}
	if len(chips) != 3 {
		t.Errorf("chips %v", chips)
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
			chip, number, _ := strings.Cut(p.Name, "/")
			if strings.HasPrefix(chip, "pinctrl-") != (p.Header != 0) || p.Header != 0 && header[p.Header] != "GPIO"+number {
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
