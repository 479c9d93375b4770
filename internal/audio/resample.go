package audio

import (
	"fmt"
	"math"
)

// Resampler changes the sampling rate by a whole factor with a linear-phase
// polyphase FIR filter (Kaiser window, about 70 dB of stop band). It keeps its
// history between calls, so a stream may come in pieces of any length.
type Resampler struct {
	up, down int
	taps     [][]float32 // per phase, newest sample first
	hist     []float32
	pos      int // position of the newest sample in hist
	phase    int
}

// tapsPerPhase is the length of the filter in samples of the lower rate.
const tapsPerPhase = 48

// NewResampler returns a resampler between rates one of which is a multiple of
// the other: 16 to 8, 8 to 16, 48 to 8 and 8 to 48 kHz, and equal rates.
func NewResampler(from, to int) (*Resampler, error) {
	r := &Resampler{up: 1, down: 1}
	switch {
	case from <= 0 || to <= 0 || max(from, to) > 16*min(from, to):
		return nil, fmt.Errorf("resample from %d to %d Hz", from, to)
	case from == to:
		r.taps, r.hist = [][]float32{{1}}, make([]float32, 1)
		return r, nil
	case from%to == 0:
		r.down = from / to
	case to%from == 0:
		r.up = to / from
	default:
		return nil, fmt.Errorf("resample from %d to %d Hz: neither is a multiple of the other", from, to)
	}
	k := max(r.up, r.down)
	proto := lowpass(tapsPerPhase*k, 0.92*0.5/float64(k))
	r.taps = make([][]float32, r.up)
	for p := range r.taps {
		for i := p; i < len(proto); i += r.up {
			r.taps[p] = append(r.taps[p], float32(proto[i]*float64(r.up)))
		}
	}
	r.hist = make([]float32, len(r.taps[0]))
	return r, nil
}

// lowpass designs n taps with cutoff in parts of the sampling rate, gain 1.
func lowpass(n int, cutoff float64) []float64 {
	const beta = 7.0
	h := make([]float64, n)
	mid := float64(n) / 2 // a whole number of samples: one tap less on the right
	var sum float64
	for i := range h {
		x := float64(i) - mid
		s := 2 * cutoff
		if x != 0 {
			s = math.Sin(2*math.Pi*cutoff*x) / (math.Pi * x)
		}
		w := x / mid
		h[i] = s * bessel0(beta*math.Sqrt(1-w*w)) / bessel0(beta)
		sum += h[i]
	}
	for i := range h {
		h[i] /= sum
	}
	return h
}

func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x / 2 / k * x / 2 / k
		sum += term
	}
	return sum
}

// Append resamples src and appends the result to dst. Over a whole stream the
// number of samples is the number read times the ratio of the rates, rounded up.
func (r *Resampler) Append(dst, src []int16) []int16 {
	for _, s := range src {
		r.pos--
		if r.pos < 0 {
			r.pos = len(r.hist) - 1
		}
		r.hist[r.pos] = float32(s)
		if r.down > 1 {
			skip := r.phase != 0
			r.phase = (r.phase + 1) % r.down
			if skip {
				continue
			}
		}
		for p := range r.up {
			dst = append(dst, clip(float64(r.filter(r.taps[p]))))
		}
	}
	return dst
}

func (r *Resampler) filter(taps []float32) float32 {
	var sum float32
	k := 0
	for _, v := range r.hist[r.pos:] {
		sum += v * taps[k]
		k++
	}
	for _, v := range r.hist[:r.pos] {
		sum += v * taps[k]
		k++
	}
	return sum
}

// Delay is how many samples of the output the filter holds back.
func (r *Resampler) Delay() int {
	if r.up == 1 && r.down == 1 {
		return 0
	}
	return tapsPerPhase * r.up / 2
}

// Resample converts a whole recording, without the filter's delay: its length is
// len(src) times the ratio, rounded down.
func Resample(src []int16, from, to int) ([]int16, error) {
	r, err := NewResampler(from, to)
	if err != nil {
		return nil, err
	}
	n := len(src) * r.up / r.down
	d := r.Delay()
	out := r.Append(make([]int16, 0, n+d+r.up), src)
	pad := make([]int16, r.down)
	for len(out) < n+d {
		out = r.Append(out, pad)
	}
	return out[d : d+n], nil
}
