// Package audio is what the box knows about telephone sound: G.711 in both
// laws, call progress tones, DTMF, WAV files, resampling, levels and comfort
// noise, all as pure functions and small state machines on slices of samples.
//
// Linear samples are int16 at 8 kHz unless a function says otherwise. Nothing
// here starts a goroutine, reads a clock, a file or a socket; detectors and
// generators allocate only when they are made, belong to one caller at a time
// and count time in samples. The spoken sentences live in audio/prompts.
package audio

import (
	"math"
	"time"
)

// Rate is the sampling rate of a telephone line in Hz.
const Rate = 8000

// FrameSamples is the length of one frame: 20 ms at 8 kHz.
const FrameSamples = 160

// fullScale is the level in dBm0 of a sine that just fills int16: the overload
// point of G.711 A-law (ITU-T G.711, table 5: +3.14 dBm0).
const fullScale = 3.14

// Samples is the number of samples in d at 8 kHz.
func Samples(d time.Duration) int {
	return int((int64(d)*Rate + int64(time.Second)/2) / int64(time.Second))
}

// Duration is the time that n samples last at 8 kHz.
func Duration(n int) time.Duration {
	return time.Duration(int64(n) * int64(time.Second) / Rate)
}

// Amplitude is the peak amplitude of a sine of dBm0, in units of int16.
func Amplitude(dBm0 float64) float64 {
	return 32768 * math.Pow(10, (dBm0-fullScale)/20)
}

// RMS is the root mean square of s, in units of int16; 0 for no samples.
func RMS(s []int16) float64 {
	if len(s) == 0 {
		return 0
	}
	var sum float64
	for _, v := range s {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(s)))
}

// Silent is what Level reports for no sound at all.
const Silent = -100.0

// Level is the level of s in dBm0: a sine of Amplitude(x) has level x. It is
// never below Silent.
func Level(s []int16) float64 { return levelOf(RMS(s)) }

func levelOf(rms float64) float64 {
	if rms <= 0 {
		return Silent
	}
	return max(Silent, 20*math.Log10(rms*math.Sqrt2/32768)+fullScale)
}

// Gain multiplies every sample of s by g and clips to int16, in place.
func Gain(s []int16, g float64) {
	for i, v := range s {
		s[i] = clip(float64(v) * g)
	}
}

func clip(f float64) int16 {
	return int16(math.RoundToEven(max(-32768, min(32767, f))))
}

// Noise makes white comfort noise of a fixed level. The zero value is silence.
type Noise struct {
	state uint32
	scale int32
}

// NewNoise returns a source of noise at dBm0; equal seeds make equal noise.
func NewNoise(seed uint32, dBm0 float64) *Noise {
	n := &Noise{state: seed*2654435761 + 1}
	n.SetLevel(dBm0)
	return n
}

// SetLevel changes the level of what follows.
func (n *Noise) SetLevel(dBm0 float64) {
	// Uniform noise of peak p has rms p/sqrt(3); a sine of peak a has a/sqrt(2).
	n.scale = int32(Amplitude(dBm0) * math.Sqrt(1.5))
}

// Read fills dst with noise.
func (n *Noise) Read(dst []int16) {
	for i := range dst {
		n.state = n.state*1664525 + 1013904223
		r := int32(n.state) >> 16 // -32768 .. 32767
		dst[i] = int16(max(-32768, min(32767, int64(r)*int64(n.scale)>>15)))
	}
}

// sineTable holds one turn of a sine of amplitude 1.
const sineBits = 12

var sineTable = func() (t [1 << sineBits]float32) {
	for i := range t {
		t[i] = float32(math.Sin(2 * math.Pi * float64(i) / float64(len(t))))
	}
	return t
}()

// osc is a sine oscillator; the zero value is silent.
type osc struct {
	phase, step uint32
	amp         float32
}

func newOsc(hz, amp float64) osc {
	return osc{step: uint32(hz / Rate * (1 << 32)), amp: float32(amp)}
}

func (o *osc) next() float32 {
	v := o.amp * sineTable[o.phase>>(32-sineBits)]
	o.phase += o.step
	return v
}
