package main

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"centralino/board"
	"centralino/board/health"
)

func TestSensorsRaiseAndClear(t *testing.T) {
	pi, err := board.ByName("rpi4b")
	if err != nil {
		t.Fatal(err)
	}
	fine := map[string]string{
		"class/thermal/thermal_zone0/temp": "51200\n", "class/hwmon/hwmon1/name": "rpi_volt\n", "class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
		"class/hwmon/hwmon0/name": "cpu_thermal\n", "class/net/eth0/carrier": "1\n", "class/net/eth0/device/x": "", "class/net/veth1/carrier": "0\n",
	}
	for _, c := range []struct {
		name, file, text string
		net, clock       bool
		want             health.Kind
	}{
		{"hot", "class/thermal/thermal_zone0/temp", "75000\n", true, true, health.TemperatureHigh},
		{"a weak power supply", "class/hwmon/hwmon1/in0_lcrit_alarm", "1\n", true, true, health.Undervoltage},
		{"the cable is out", "class/net/eth0/carrier", "0\n", true, true, health.NetworkCable},
		{"no address", "class/net/eth0/carrier", "1\n", false, true, health.NetworkAddress},
		{"a clock that shows a time before the program was made", "class/net/eth0/carrier", "1\n", true, false, health.ClockUntrusted},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			put := func(file, text string) {
				path := filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for file, text := range fine {
				put(file, text)
			}
			synctest.Test(t, func(t *testing.T) {
				m, ok := health.NewMonitor(nil), true
				s := &sensors{root: root, board: pi, faults: m, hasNet: func() bool { return ok }, trusted: func() bool { return true }, tick: func() {}}
				right := true
				s.now = func() time.Time {
					if right {
						return builtAt()
					}
					return builtAt().Add(-time.Second)
				}
				// Three minutes are longer than any of them has to last.
				for range 36 {
					s.look()
					time.Sleep(sensorsEvery)
				}
				if all := m.All(); len(all) != 0 {
					t.Fatalf("faults %v", all)
				}
				put(c.file, c.text)
				ok, right = c.net, c.clock
				for range 36 {
					s.look()
					time.Sleep(sensorsEvery)
				}
				if w, any := m.Worst(); !any || w.Kind != c.want || len(m.All()) != 1 {
					t.Errorf("faults %v", m.All())
				}
				put(c.file, fine[c.file])
				ok, right = true, true
				for range 40 {
					s.look()
					time.Sleep(sensorsEvery)
				}
				if all := m.All(); len(all) != 0 {
					t.Errorf("still %v", all)
				}
			})
		})
	}
}

func TestFactoryResetOnlyAfterSwitchingOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "uptime")
	for text, want := range map[string]bool{"12.34 20.00\n": true, "3600.00 7000.00\n": false, "": false, "x": false} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := switchedOn(file); got != want {
			t.Errorf("uptime %q: %v", text, got)
		}
	}
	if switchedOn(file + "missing") {
		t.Error("a machine without uptime was just switched on")
	}
}
