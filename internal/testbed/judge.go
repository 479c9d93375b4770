package testbed

import (
	"fmt"
	"math"
	"math/bits"
	"math/cmplx"
	"sort"
	"testing"
	"time"
)

// How a recording is judged: 200 ms windows in steps of 100 ms, each aligned
// within 60 ms of where the ones before it lay.
const (
	judgeRate   = 8000
	judgeWindow = 200 * judgeRate / 1000
	judgeStep   = 100 * judgeRate / 1000
	judgeReach  = 60 * judgeRate / 1000
	judgeJump   = 2 * judgeRate / 1000 // a change of lag that counts as a jump

	// judgeLock is the correlation from which a window proves its own alignment. A
	// window that stays below is judged where its neighbours lay: else the best of
	// 961 alignments of unrelated speech would pass for likeness.
	judgeLock = 0.6

	// judgeFloor is how far below the original (dB) a window counts as not heard.
	// It lies above what a hybrid of 26 dB return loss lets through.
	judgeFloor = 20.0

	judgePass = 0.95
)

// Result says how much of what was said is in what was heard.
type Result struct {
	Voiced  int     // windows judged: those in which something was said
	Passing int     // of these, correlation of at least 0.95
	Median  float64 // correlation over the voiced windows, sign ignored
	P10     float64 // the tenth percentile: the worse windows
	SegSNR  float64 // dB, mean over windows that are aligned, each limited to -10..50
	Gain    float64 // dB, heard against said, median of the aligned windows
	Silent  int     // voiced 20 ms frames that were heard as silence
	Frames  int     // voiced 20 ms frames
	Jumps   int     // changes of alignment of more than 2 ms
	Lag     int     // samples, where said begins in heard; negative: heard begins later
}

func (r Result) String() string {
	return fmt.Sprintf("correlation median %.3f p10 %.3f, %d of %d voiced windows >= %.2f, segSNR %.1f dB, gain %.1f dB, silent frames %d of %d, lag %.1f ms, jumps %d",
		r.Median, r.P10, r.Passing, r.Voiced, judgePass, r.SegSNR, r.Gain, r.Silent, r.Frames, float64(r.Lag)/8, r.Jumps)
}

// Judge compares a recording with what one party said, both 8 kHz. The alignment
// is searched over the whole length; what was said before the recording began or
// after it ended is not judged.
func Judge(heard, said []int16) Result {
	h, s := centred(heard), centred(said)
	r := Result{}
	if len(h) < judgeWindow || len(s) < judgeWindow {
		return r
	}
	r.Lag = wholeLag(h, s)
	voiced := voiceThreshold(s)
	lag := r.Lag
	find := newFinder(h)
	var corr, gains, snrs []float64
	for at := 0; at+judgeWindow <= len(s); at += judgeStep {
		w := s[at : at+judgeWindow]
		if rms(w) < voiced || at+lag-judgeReach < 0 || at+lag+judgeWindow+judgeReach > len(h) {
			continue
		}
		best, bestLag := find.search(w, at+lag)
		bestLag -= at
		if math.Abs(best) >= judgeLock {
			if d := bestLag - lag; (d > judgeJump || d < -judgeJump) && len(gains) > 0 {
				r.Jumps++
			}
			lag = bestLag
		} else {
			best = correlate(h[at+lag:at+lag+judgeWindow], w)
		}
		heardAt := h[at+lag : at+lag+judgeWindow]
		level := 20 * math.Log10((rms(heardAt)+1e-9)/(rms(w)+1e-9))
		r.Voiced++
		r.countSilence(heardAt, w, voiced)
		if level < -judgeFloor {
			corr = append(corr, 0)
			continue
		}
		corr = append(corr, math.Abs(best))
		if math.Abs(best) >= judgePass {
			r.Passing++
		}
		if math.Abs(best) >= judgeLock {
			gains = append(gains, level)
			snrs = append(snrs, segmentSNR(heardAt, w))
		}
	}
	r.Median, r.P10, r.Gain = percentile(corr, 0.5), percentile(corr, 0.1), percentile(gains, 0.5)
	for _, x := range snrs {
		r.SegSNR += x / float64(len(snrs))
	}
	return r
}

// What a talk must hold. The share of windows that pass is asked of a quiet machine;
// of a disturbed one (see machine.go) only what the median says anyhow, of a starved
// one that the right sound is there.
const (
	passShare      = 0.8
	passShareWhole = 0.9 // of a sentence that must be heard whole
	passShareRough = 0.5
	// passStarved windows show on a starved machine that the parties are joined:
	// other speech does not pass by chance. How good it is cannot be judged there.
	passStarved = 2
	// voicedShare is how much of a talk is speech at least: fewer windows were judged
	// where the recording lies beside the original or the original is silent.
	voicedShare = 0.6
	selfMost    = 0.2
)

// Lacks says in sentences what a recording lacks of holding length samples of talk,
// none if nothing; share is of the windows with speech, how many must pass.
func (r Result) Lacks(length int, share float64) []string {
	var lacks []string
	windows := max(0, (length-judgeWindow-2*judgeReach)/judgeStep+1)
	if r.Voiced < 10 || float64(r.Voiced) < voicedShare*float64(windows) {
		lacks = append(lacks, fmt.Sprintf("speech to judge is in %d of %d windows only", r.Voiced, windows))
	}
	if r.Median < judgePass {
		lacks = append(lacks, fmt.Sprintf("the median correlation is %.3f, want at least %.2f", r.Median, judgePass))
	}
	if float64(r.Passing) < share*float64(r.Voiced) {
		lacks = append(lacks, fmt.Sprintf("%d of %d windows pass, want at least %.0f %%", r.Passing, r.Voiced, 100*share))
	}
	return lacks
}

// AssertHears fails the test unless a recording, which is talk from end to end, holds
// what the other party said (see Lacks) and not what its own party said (median
// correlation at most 0.2). It logs how many windows passed and how the machine was.
func AssertHears(t testing.TB, who string, heard, other, own []int16) {
	t.Helper()
	assertHolds(t, who+" hears the other", heard, other, min(len(heard), len(other)), passShare)
	wrong := Judge(heard, own)
	t.Logf("%s hears itself: %v", who, wrong)
	if wrong.Median > selfMost {
		t.Errorf("%s hears itself with a correlation of %.3f, want at most %.1f", who, wrong.Median, selfMost)
	}
}

// AssertHolds fails the test unless all of what was said is somewhere in a recording,
// and returns where it was found.
func AssertHolds(t testing.TB, what string, heard, said []int16) Result {
	t.Helper()
	return assertHolds(t, what, heard, said, len(said), passShareWhole)
}

func assertHolds(t testing.TB, what string, heard, said []int16, length int, share float64) Result {
	t.Helper()
	r := Judge(heard, said)
	was, state := machine.since(time.Now().Add(-10*time.Second - time.Duration(len(heard))*time.Second/judgeRate))
	t.Logf("%s: %v; %s", what, r, state)
	switch {
	case was == starved && r.Passing >= passStarved:
		t.Logf("left out: %s: only that the sound is there was judged, not how good it is (%s)", what, state)
		return r
	case was != quiet:
		share = passShareRough
	}
	for _, lack := range r.Lacks(length, share) {
		t.Errorf("%s: %s (%s)", what, lack, state)
	}
	return r
}

// countSilence counts voiced 20 ms frames of a window's first half (windows
// overlap) that arrive more than 40 dB too quiet.
func (r *Result) countSilence(h, s []float64, voiced float64) {
	const frame = 160
	for at := 0; at+frame <= judgeStep; at += frame {
		said := rms(s[at : at+frame])
		if said < voiced {
			continue
		}
		r.Frames++
		if rms(h[at:at+frame]) < said/100 {
			r.Silent++
		}
	}
}

// finder finds windows in a recording.
type finder struct {
	h      []float64
	energy []float64 // energy[i] is that of h[:i]
	turns  []complex128
	a, b   []complex128
}

// finderSize is the length of its transforms: a window and its reach on both sides.
const finderSize = 4096

func newFinder(h []float64) *finder {
	f := &finder{h: h, energy: make([]float64, len(h)+1), turns: newTurns(finderSize),
		a: make([]complex128, finderSize), b: make([]complex128, finderSize)}
	for i, x := range h {
		f.energy[i+1] = f.energy[i] + x*x
	}
	return f
}

// search finds where around from the window fits best, as correlation and place;
// where it passes at from itself, it stays there. The correlations of all places
// come from one cross-correlation by FFT.
func (f *finder) search(w []float64, from int) (best float64, at int) {
	if best = correlate(f.h[from:from+len(w)], w); best >= judgePass {
		return best, from
	}
	begin := from - judgeReach
	clear(f.a)
	clear(f.b)
	for i, x := range f.h[begin : begin+len(w)+2*judgeReach] {
		f.a[i] = complex(x, 0)
	}
	var ww float64
	for i, x := range w {
		f.b[i] = complex(x, 0)
		ww += x * x
	}
	crossCorrelate(f.a, f.b, f.turns, 1)
	at = from
	for k := range 2*judgeReach + 1 {
		hh := f.energy[begin+k+len(w)] - f.energy[begin+k]
		if hh <= 1e-12 || ww == 0 {
			continue
		}
		if c := real(f.a[k]) / math.Sqrt(hh*ww); math.Abs(c) > math.Abs(best)+1e-6 {
			best, at = c, begin+k
		}
	}
	return best, at
}

// crossCorrelate leaves in a how well b fits at each place of a (circular). The
// spectrum's magnitude is raised to the power: 1 is the plain correlation, less
// whitens.
func crossCorrelate(a, b, turns []complex128, power float64) {
	fft(a, turns)
	fft(b, turns)
	n := complex(float64(len(a)), 0)
	for i := range a {
		c := a[i] * cmplx.Conj(b[i])
		if m := cmplx.Abs(c); power != 1 && m > 0 {
			c *= complex(math.Pow(m, power-1), 0)
		}
		a[i] = cmplx.Conj(c) / n // conjugate in, conjugate out: the inverse transform
	}
	fft(a, turns)
}

// wholeLag finds the delay of s in h at which both fit best over the whole
// length: the peak of their cross-correlation by FFT, with the spectrum half
// whitened so that the pitch of a voice does not make a broad hill of it.
func wholeLag(h, s []float64) int {
	n := 1 << bits.Len(uint(len(h)+len(s)))
	a, b := make([]complex128, n), make([]complex128, n)
	for i, x := range h {
		a[i] = complex(x, 0)
	}
	for i, x := range s {
		b[i] = complex(x, 0)
	}
	crossCorrelate(a, b, newTurns(n), 0.5)
	best, at := 0.0, 0
	for i, c := range a {
		if m := math.Abs(real(c)); m > best {
			best, at = m, i
		}
	}
	if at > len(h) {
		at -= n
	}
	return at
}

// newTurns is the table of an FFT of length n.
func newTurns(n int) []complex128 {
	turns := make([]complex128, n/2)
	for k := range turns {
		turns[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n))
	}
	return turns
}

// fft is the radix-2 transform in place; the length is a power of two.
func fft(a, turns []complex128) {
	n := len(a)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		j |= bit
		if i < j {
			a[i], a[j] = a[j], a[i]
		}
	}
	for size := 2; size <= n; size <<= 1 {
		half, step := size/2, n/size
		for from := 0; from < n; from += size {
			low, high := a[from:from+half], a[from+half:from+size]
			for k := range low {
				u, v := low[k], high[k]*turns[k*step]
				low[k], high[k] = u+v, u-v
			}
		}
	}
}

// segmentSNR is the signal to noise ratio of a window after the gain that fits.
func segmentSNR(h, s []float64) float64 {
	var hs, ss float64
	for i := range s {
		hs += h[i] * s[i]
		ss += s[i] * s[i]
	}
	g := hs / ss
	var signal, noise float64
	for i := range s {
		signal += g * s[i] * g * s[i]
		noise += (h[i] - g*s[i]) * (h[i] - g*s[i])
	}
	return min(max(10*math.Log10((signal+1e-12)/(noise+1e-12)), -10), 50)
}

func correlate(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range b {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// voiceThreshold is the level above which a window of s counts as speech: 20 dB
// below the loudest tenth.
func voiceThreshold(s []float64) float64 {
	var levels []float64
	for at := 0; at+judgeWindow <= len(s); at += judgeStep {
		levels = append(levels, rms(s[at:at+judgeWindow]))
	}
	return max(percentile(levels, 0.9)/10, 1e-4)
}

func centred(s []int16) []float64 {
	out := make([]float64, len(s))
	var mean float64
	for _, x := range s {
		mean += float64(x) / 32768 / float64(len(s))
	}
	for i, x := range s {
		out[i] = float64(x)/32768 - mean
	}
	return out
}

func rms(s []float64) float64 {
	var sum float64
	for _, x := range s {
		sum += x * x
	}
	return math.Sqrt(sum / float64(len(s)))
}

func percentile(s []float64, p float64) float64 {
	if len(s) == 0 {
		return 0
	}
	c := append([]float64(nil), s...)
	sort.Float64s(c)
	return c[int(p*float64(len(c)-1))]
}
