package dialog_test

import (
	"strings"
	"testing"
	"time"

	"centralino/pbx/dialog"
)

// FuzzDigit: whatever an INFO carries, a digit is one of sixteen and lasts at most
// ten seconds.
func FuzzDigit(f *testing.F) {
	f.Add("application/dtmf-relay", []byte("Signal=5\r\nDuration=160\r\n"))
	f.Add("application/dtmf-relay", []byte("signal = *\nduration = 99999999999999999999"))
	f.Add("application/dtmf", []byte(" 11 "))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		d, ok := dialog.ParseDigit(contentType, body)
		if ok && (!strings.ContainsRune("0123456789*#ABCD", rune(d.Digit)) || d.Duration <= 0 || d.Duration > 10*time.Second) {
			t.Fatalf("%q became %+v", body, d)
		}
	})
}
