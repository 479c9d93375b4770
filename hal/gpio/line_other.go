//go:build !linux

package gpio

import "periph.io/x/conn/v3/gpio"

// openLine opens none: only Linux has them.
func openLine(string, int, gpio.Pull) (line, error) { return nil, ErrNoGPIO }
