//go:build !linux

package gpio

// chips lists none: only Linux has them.
func chips() []string { return nil }
