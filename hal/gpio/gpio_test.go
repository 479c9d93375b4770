package gpio

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"centralino/hal"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"
)

// pins are two fake pins of periph's own making; this file is inside the package
// to put them in the place of the computer's.
func pins(all ...*gpiotest.Pin) *Pins {
	return &Pins{find: func(name string) gpio.PinIO {
		for _, p := range all {
			if p.N == name {
				return p
			}
		}
		return nil
	}}
}

func TestOutputs(t *testing.T) {
	for _, c := range []struct {
		name    string
		on      Level
		lit     gpio.Level
		dark    gpio.Level
		initial gpio.Level
	}{
		{"a lamp to ground is lit at high", High, gpio.High, gpio.Low, gpio.High},
		{"a lamp to plus is lit at low", Low, gpio.Low, gpio.High, gpio.Low},
	} {
		t.Run(c.name, func(t *testing.T) {
			pin := &gpiotest.Pin{N: "GPIO17", L: c.initial}
			p := pins(pin)
			led, err := p.LED(Pin{"GPIO17", c.on})
			if err != nil {
				t.Fatal(err)
			}
			if pin.L != c.dark {
				t.Error("opened lit")
			}
			if err := led.Set(true); err != nil || pin.L != c.lit {
				t.Errorf("lit: %v %v", pin.L, err)
			}
			relay, err := p.Relay(Pin{"GPIO17", c.on})
			if err != nil || pin.L != c.dark {
				t.Errorf("relay opened pulled: %v %v", pin.L, err)
			}
			_ = relay
		})
	}
}

func TestNoSuchPin(t *testing.T) {
	p := pins()
	if _, err := p.LED(Pin{"GPIO99", High}); !errors.Is(err, ErrNoPin) {
		t.Errorf("lamp: %v", err)
	}
	if _, err := p.Button(Pin{"GPIO99", Low}); !errors.Is(err, ErrNoPin) {
		t.Errorf("button: %v", err)
	}
	if _, err := p.LED(Pin{Name: "GPIO17"}); err == nil {
		t.Error("a pin without a level was opened")
	}
}

func TestPinOnAChip(t *testing.T) {
	for _, c := range []struct {
		name, label string
		number      int
		ok          bool
	}{
		{"9030000.pl061/4", "9030000.pl061", 4, true},
		{"pinctrl-bcm2711/17", "pinctrl-bcm2711", 17, true},
		{"GPIO17", "GPIO17", 0, false},
		{"/4", "", 4, false},
		{"chip/", "chip", 0, false},
		{"chip/-1", "chip", 0, false},
		{"chip/70000", "chip", 0, false},
	} {
		label, number, ok := onChip(c.name)
		if ok != c.ok || ok && (label != c.label || number != c.number) {
			t.Errorf("%s: %s %d %v", c.name, label, number, ok)
		}
	}
	if find("nowhere/4") != nil || find("NOWHERE17") != nil {
		t.Error("a pin that is not there is found")
	}
}

// TestOpen: on a computer without pins Open says so.
func TestOpen(t *testing.T) {
	chips, _ := filepath.Glob("/dev/gpiochip*")
	p, err := Open()
	if len(chips) == 0 && !errors.Is(err, ErrNoGPIO) {
		t.Errorf("no GPIO chips here, but Open gives %v, %v", p, err)
	}
	if len(chips) > 0 && os.Geteuid() == 0 && err != nil {
		t.Logf("GPIO chips %v, Open: %v", chips, err)
	}
}

var (
	_ hal.LED    = (*output)(nil)
	_ hal.Relay  = (*output)(nil)
	_ hal.Button = (*button)(nil)
)
