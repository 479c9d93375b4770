package haltest

import (
	"math"
	"sync"

	"centralino/hal"
	"centralino/internal/audio"
)

// What the two ends say to each other: tones of their own, which are neither DTMF
// nor of the exchange.
const (
	boxTone = 600.0
	farTone = 1800.0
)

// sound is a hal.AudioHandler that sends boxTone and keeps what it hears.
type sound struct {
	mu     sync.Mutex
	tone   *audio.ToneGen
	heard  []int16
	frames int
	linear [hal.FrameSamples]int16
}

func newSound() *sound {
	return &sound{tone: audio.NewToneGen(audio.Tone{{Low: boxTone}}, -15)}
}

// LineFrame implements hal.AudioHandler.
func (s *sound) LineFrame(rx, tx []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames++
	audio.ALawToLinear(s.linear[:], rx)
	s.heard = append(s.heard, s.linear[:]...)
	s.tone.Read(s.linear[:])
	audio.LinearToALaw(tx, s.linear[:])
}

func (s *sound) take() ([]int16, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int16(nil), s.heard...), s.frames
}

// speech is d samples of farTone.
func speech(n int) []int16 {
	s := make([]int16, n)
	audio.NewToneGen(audio.Tone{{Low: farTone}}, -15).Read(s)
	return s
}

// share is the share of a signal's energy at a frequency (Goertzel's algorithm).
func share(s []int16, hz float64) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/audio.Rate)
	var s1, s2, energy float64
	for _, v := range s {
		f := float64(v)
		energy += f * f
		s1, s2 = f+c*s1-s2, s1
	}
	if energy == 0 {
		return 0
	}
	return 2 * (s1*s1 + s2*s2 - c*s1*s2) / (float64(len(s)) * energy)
}

// holds reports for how many frames of s the tone is clearly the loudest sound.
func holds(s []int16, hz float64) int {
	n := 0
	for ; len(s) >= hal.FrameSamples; s = s[hal.FrameSamples:] {
		if f := s[:hal.FrameSamples]; audio.Level(f) > -30 && share(f, hz) > 0.9 {
			n++
		}
	}
	return n
}
