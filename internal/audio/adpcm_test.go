package audio_test

import (
	"math"
	"testing"

	"centralino/internal/audio"
)

// Speech-like sound comes back at more than 20 dB above what is lost, and a step of
// the whole range is caught up with within 3 ms.
func TestADPCM(t *testing.T) {
	var in []int16
	for i := range 16000 {
		x := float64(i) / audio.Rate
		in = append(in, int16(9000*math.Sin(2*math.Pi*180*x)*math.Abs(math.Sin(2*math.Pi*3*x))+2500*math.Sin(2*math.Pi*950*x)))
	}
	b := audio.ADPCMEncode(in)
	out := audio.ADPCMDecode(b)
	if len(b) != len(in)/2 || len(out) != len(in) {
		t.Fatalf("%d samples made %d octets and %d samples", len(in), len(b), len(out))
	}
	var signal, noise float64
	for i, v := range in {
		d := float64(v) - float64(out[i])
		signal, noise = signal+float64(v)*float64(v), noise+d*d
	}
	if snr := 10 * math.Log10(signal/noise); snr < 20 {
		t.Errorf("%.1f dB above what is lost", snr)
	}
	step := make([]int16, 41)
	for i := range step {
		step[i] = 32767
	}
	if got := audio.ADPCMDecode(audio.ADPCMEncode(step)); len(got) != 42 || got[24] < 30000 {
		t.Errorf("after a step: %v", got)
	}
	if len(audio.ADPCMDecode(nil))+len(audio.ADPCMEncode(nil)) != 0 {
		t.Error("something of nothing")
	}
}

func FuzzADPCMDecode(f *testing.F) {
	f.Add([]byte{0x77, 0xff, 0x08})
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := len(audio.ADPCMDecode(b)); n != 2*len(b) {
			t.Errorf("%d octets made %d samples", len(b), n)
		}
	})
}
