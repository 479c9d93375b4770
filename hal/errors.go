package hal

import "errors"

// ErrLineState is returned when the line's state does not allow what was asked.
var ErrLineState = errors.New("line is not in a state for this")

// ErrDialString is returned when a number to dial holds anything but digits, *, #
// and a leading +.
var ErrDialString = errors.New("number to dial holds characters that are not allowed")

// ErrGone is returned when the device behind a line or port is not there.
var ErrGone = errors.New("device is not there")
