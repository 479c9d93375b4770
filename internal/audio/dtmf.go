package audio

import (
	"fmt"
	"time"
)

// DTMF defaults (ITU-T Q.23, Q.24): 100 ms on, 100 ms off, -9 dBm0 for the pair.
const (
	DTMFOn    = 100 * time.Millisecond
	DTMFOff   = 100 * time.Millisecond
	DTMFLevel = -9.0
)

var (
	dtmfLow  = [4]float64{697, 770, 852, 941}
	dtmfHigh = [4]float64{1209, 1336, 1477, 1633}
)

const dtmfKeys = "123A456B789C*0#D"

// DTMFTones returns the two frequencies of a key (0-9 * # A-D).
func DTMFTones(key byte) (low, high float64, ok bool) {
	for i := range dtmfKeys {
		if dtmfKeys[i] == key {
			return dtmfLow[i/4], dtmfHigh[i%4], true
		}
	}
	return 0, 0, false
}

// DTMFGen plays digits as tone pairs with pauses between them.
type DTMFGen struct {
	tone ToneGen
	left int
	one  [2]Segment // of Key
}

// NewDTMFGen returns a generator of digits, each on and then off for the given
// times, at dBm0 for the pair. It refuses anything but 0-9 * # A-D.
func NewDTMFGen(digits string, on, off time.Duration, dBm0 float64) (*DTMFGen, error) {
	var t Tone
	for i := range len(digits) {
		low, high, ok := DTMFTones(digits[i])
		if !ok {
			return nil, fmt.Errorf("dtmf digit %q is not one of %s", digits[i], dtmfKeys)
		}
		t = append(t, Segment{Low: low, High: high, For: on}, Segment{For: off})
	}
	g := &DTMFGen{left: len(digits) * (Samples(on) + Samples(off))}
	g.tone = *NewToneGen(t, dBm0)
	return g, nil
}

// Read fills dst and reports how many samples it wrote; less than len(dst) means
// that the last pause is over.
func (g *DTMFGen) Read(dst []int16) int {
	n := min(len(dst), g.left)
	g.tone.Read(dst[:n])
	g.left -= n
	return n
}

// Key begins anew with one key, without allocating; a key that is none is a
// pause. The generator must not be copied afterwards.
func (g *DTMFGen) Key(key byte, on, off time.Duration, dBm0 float64) {
	low, high, _ := DTMFTones(key)
	g.one = [2]Segment{{low, high, on}, {For: off}}
	g.left = Samples(on) + Samples(off)
	g.tone.tone, g.tone.level, g.tone.seg = g.one[:], dBm0, -1
	g.tone.advance()
}
