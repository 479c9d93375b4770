package boot

import (
	"bytes"
	"slices"
	"testing"
	"testing/iotest"
	"time"
)

func TestWordsOfTheServingProgram(t *testing.T) {
	for _, c := range []struct {
		name string
		said []byte
		want []string
	}{
		{"it is well", []byte{wordWell, wordWell}, []string{"well", "well"}},
		{"a person moves the clock", moveWord(26 * time.Hour), []string{"26h0m0s"}},
		{"back", slices.Concat([]byte{wordWell}, moveWord(-time.Minute), []byte{wordWell}), []string{"well", "-1m0s", "well"}},
		{"it ends in the middle of a word", moveWord(time.Hour)[:5], nil},
		{"a word of a later version", []byte{7}, []string{"well"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			hear(iotest.OneByteReader(bytes.NewReader(c.said)), func() { got = append(got, "well") }, func(by time.Duration) { got = append(got, by.String()) })
			if !slices.Equal(got, c.want) {
				t.Errorf("heard %q, not %q", got, c.want)
			}
		})
	}
}
