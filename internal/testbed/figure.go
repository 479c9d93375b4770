package testbed

import "testing"

// Figure reports a measured figure in the log of a test, in the one form that
// `make verify` collects into its table.
func Figure(t testing.TB, name string, value any, unit string) {
	t.Helper()
	t.Logf("FIGURE\t%s\t%v\t%s", name, value, unit)
}
