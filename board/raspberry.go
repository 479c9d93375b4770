package board

import (
	"strconv"
	"time"
)

// Labels of the GPIO chips behind the Raspberry Pi's header of 40 pins. GPIO 17 is number
// 17 of each, and stands at the same place of the header on every model.
const (
	chip3 = "pinctrl-bcm2835" // 3, Zero 2 W
	chip4 = "pinctrl-bcm2711" // 4, 400, Compute Module 4
	chip5 = "pinctrl-rp1"     // 5, 500, Compute Module 5
)

// piThermal and piWatchdog are those of every Raspberry Pi; bcm2835_wdt counts to 15.99 s.
var (
	piThermal  = Thermal{Zone: "thermal_zone0", Warn: 75, Throttle: 80}
	piWatchdog = Watchdog{Device: "watchdog0", Period: 15 * time.Second}
)

// pi is a Raspberry Pi with the header of 40 pins. Lamps, button and relays have the same
// places on all of them, so that a box may be put together anew with another model.
func pi(name, title, chip string, models ...string) Board {
	gpio := func(n int, on Level, header int) Pin { return Pin{chip + "/" + strconv.Itoa(n), on, header} }
	b := Board{
		Name:   name,
		Title:  title,
		Models: models,
		LEDs: map[Lamp]Pin{
			Status: gpio(17, High, 11),
			Lines:  gpio(27, High, 13),
			Calls:  gpio(22, High, 15),
		},
		Button: gpio(23, Low, 16), // to ground, with the pin's own pull-up
		Relays: map[string]Pin{
			"powerfail": gpio(24, High, 18), // line 1 to the emergency telephone when released
			"gateway":   gpio(25, High, 22), // power of a gateway
		},
		Thermal:  piThermal,
		Watchdog: piWatchdog,
	}
	if chip == chip4 {
		// BCM2711 ARM peripherals, chapter 11. UART 2 is left out: its pins belong
		// to the HAT's identification memory.
		b.UARTs = []UART{
			{"uart0", "fe201000", gpio(14, High, 8), gpio(15, High, 10), "disable-bt"},
			{"uart3", "fe201600", gpio(4, High, 7), gpio(5, High, 29), "uart3"},
			{"uart4", "fe201800", gpio(8, High, 24), gpio(9, High, 21), "uart4"},
			{"uart5", "fe201a00", gpio(12, High, 32), gpio(13, High, 33), "uart5"},
		}
	}
	return b
}
