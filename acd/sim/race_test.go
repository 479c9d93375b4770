//go:build race

package sim_test

// The race detector makes a single goroutine twenty times slower and can find
// nothing here.
func init() { *calls = 4_000 }
