package audio

import "math"

// Limits of the DTMF detector. Windows of 13 ms follow each other every 6.5 ms: a
// tone of 40 ms fills at least four of them whole, one of 23 ms at most three to
// more than dtmfShare.
const (
	dtmfHop     = 52
	dtmfWindow  = 2 * dtmfHop
	dtmfHits    = 4    // windows that make a digit …
	dtmfSure    = 0.85 // … if the pair has so much of the energy in every one, else
	dtmfDoubted = 11   // so many: 78 ms, which a vowel seldom holds
	dtmfMisses  = 4    // windows that end it: a gap of 10 ms does not, one of 40 ms does
	dtmfShare   = 0.70 // of the energy is in the pair, in every window
	dtmfRough   = 0.42 // the same before the frequencies are known
	dtmfSkew    = 0.019
	dtmfWeakest = -34.0 // dBm0 of each tone
	dtmfTwist   = 10.5  // dB low above high: 8 and what measuring costs
	dtmfReverse = 5.0   // dB high above low: 4 and the same
	dtmfApart   = 3.0   // ratio of powers between the tone and others of its group
	dtmfSteady  = 2.6   // ratio of powers between one window and the next
)

// DTMFDetector hears DTMF digits in a stream of samples within the limits of
// ITU-T Q.24: 40 ms and longer is a digit, under 23 ms never; +-1.5 % in
// frequency accepted, +-3.5 % refused; twist from -4 dB (high above low) to
// +8 dB; down to -26 dBm0; speech and music are refused by the share of energy
// outside the pair, by unsteady level and by frequencies that are not exact.
type DTMFDetector struct {
	block  [dtmfHop]float32
	n      int
	half   spectrum // of the block before
	energy float64  // of the block before

	last   dtmfWindowResult
	hits   int
	skewLo float64 // sum over the hits of the frequencies' deviation, in Hz
	skewHi float64
	sure   int // hits in a row in which the pair has dtmfSure
	misses int
	now    byte // digit that is being pressed, 0: none

	digits []byte
	room   [16]byte
}

// spectrum is the DFT of a block at the eight frequencies.
type spectrum [8]complex128

type dtmfWindowResult struct {
	key      byte
	low      int
	high     int // index into the spectrum
	lo, hi   complex128
	total    float64 // energy of the window
	powerPer float64
}

var (
	dtmfFreq  [8]float64
	dtmfCos   [8][dtmfHop]float32
	dtmfSin   [8][dtmfHop]float32
	dtmfTurn  [8]complex128 // phase of one hop
	dtmfFloor = math.Pow(Amplitude(dtmfWeakest)*dtmfWindow/2, 2)
	dtmfTw    = math.Pow(10, dtmfTwist/10)
	dtmfRev   = math.Pow(10, dtmfReverse/10)
)

func init() {
	for i := range dtmfFreq {
		dtmfFreq[i] = dtmfLow[i&3]
		if i >= 4 {
			dtmfFreq[i] = dtmfHigh[i&3]
		}
		w := 2 * math.Pi * dtmfFreq[i] / Rate
		for k := range dtmfHop {
			s, c := math.Sincos(w * float64(k))
			dtmfCos[i][k], dtmfSin[i][k] = float32(c), float32(-s)
		}
		s, c := math.Sincos(w * dtmfHop)
		dtmfTurn[i] = complex(c, -s)
	}
}

// NewDTMFDetector returns a detector that has heard silence so far.
func NewDTMFDetector() *DTMFDetector { return &DTMFDetector{} }

// Feed hears the next samples, any number of them, and returns the digits that
// became certain, each key press once, about 40 ms after its start. The slice
// is valid until the next call. Feed does not allocate for less than a second
// of samples.
func (d *DTMFDetector) Feed(samples []int16) []byte {
	d.digits = d.room[:0]
	for len(samples) > 0 {
		take := min(len(samples), dtmfHop-d.n)
		for i, v := range samples[:take] {
			d.block[d.n+i] = float32(v)
		}
		d.n += take
		samples = samples[take:]
		if d.n == dtmfHop {
			d.n = 0
			d.hop()
		}
	}
	return d.digits
}

// Pressed is the digit that is being heard now, and 0 if none is.
func (d *DTMFDetector) Pressed() byte { return d.now }

func (d *DTMFDetector) hop() {
	half, energy := transform(&d.block)
	var win spectrum
	for i := range win {
		win[i] = d.half[i] + half[i]*dtmfTurn[i]
	}
	total := d.energy + energy
	d.half, d.energy = half, energy
	d.judge(d.classify(&win, total))
}

func transform(b *[dtmfHop]float32) (s spectrum, energy float64) {
	for i := range s {
		var re, im float32
		c, n := &dtmfCos[i], &dtmfSin[i]
		for k, v := range b {
			re += v * c[k]
			im += v * n[k]
		}
		s[i] = complex(float64(re), float64(im))
	}
	var e float32
	for _, v := range b {
		e += v * v
	}
	return s, float64(e)
}

func power(c complex128) float64 { return real(c)*real(c) + imag(c)*imag(c) }

// strongest finds the strongest of a group of four and the power of the second.
func strongest(s []complex128) (best int, first, second float64) {
	for i, c := range s {
		switch p := power(c); {
		case p > first:
			best, first, second = i, p, first
		case p > second:
			second = p
		}
	}
	return best, first, second
}

// classify says which key a window could be, from powers alone; key 0: none.
func (d *DTMFDetector) classify(s *spectrum, total float64) dtmfWindowResult {
	low, lo, lo2 := strongest(s[:4])
	high, hi, hi2 := strongest(s[4:])
	r := dtmfWindowResult{low: low, high: 4 + high, lo: s[low], hi: s[4+high], total: total}
	switch {
	case lo < dtmfFloor || hi < dtmfFloor:
	case lo > hi*dtmfTw || hi > lo*dtmfRev:
	case lo < lo2*dtmfApart || hi < hi2*dtmfApart:
	case 2*(lo+hi)/dtmfWindow < dtmfRough*total:
	default:
		r.key = dtmfKeys[low*4+high]
	}
	return r
}

// judge counts windows of the same key and decides.
func (d *DTMFDetector) judge(r dtmfWindowResult) {
	last := d.last
	d.last = r
	switch {
	case r.key == 0:
		d.hits = 0
	case r.key != last.key || d.hits == 0 && d.now != r.key:
		d.hits, d.skewLo, d.skewHi, d.sure = 1, 0, 0, 0
	default:
		d.follow(last, r)
	}
	if d.now != 0 && r.key == d.now {
		d.misses = 0
		return
	}
	if d.now != 0 {
		if d.misses++; d.misses >= dtmfMisses {
			d.now, d.misses = 0, 0
		}
	}
	if (d.hits >= dtmfHits && d.sure >= dtmfHits || d.hits >= dtmfDoubted) && len(d.digits) < cap(d.digits) {
		d.now, d.misses = r.key, 0
		d.digits = append(d.digits, r.key)
	}
}

// follow checks a window against the one before of the same key: the phases tell
// the exact frequencies, and with them how much of the energy is the pair's.
func (d *DTMFDetector) follow(last, r dtmfWindowResult) {
	lo := deviation(last.lo, r.lo, r.low)
	hi := deviation(last.hi, r.hi, r.high)
	share, before := pairShare(r, lo, hi), pairShare(last, lo, hi)
	steady := r.total < last.total*dtmfSteady && last.total < r.total*dtmfSteady
	d.hits++
	d.skewLo += lo
	d.skewHi += hi
	n := float64(d.hits - 1)
	exact := d.hits < dtmfHits ||
		math.Abs(d.skewLo/n) < dtmfSkew*dtmfFreq[r.low] && math.Abs(d.skewHi/n) < dtmfSkew*dtmfFreq[r.high]
	if share >= dtmfShare && before >= dtmfShare && steady && exact {
		d.count(share, before)
		return
	}
	// This window may be the first of a digit.
	d.hits, d.skewLo, d.skewHi, d.sure = 1, 0, 0, 0
	if share < dtmfShare {
		d.hits = 0
	}
}

// count keeps how many hits in a row are beyond doubt; the first one is judged
// together with the second, when its frequencies are known.
func (d *DTMFDetector) count(share, before float64) {
	switch {
	case share < dtmfSure:
		d.sure = 0
	case d.sure == 0 && before >= dtmfSure:
		d.sure = 2
	default:
		d.sure++
	}
}

// deviation is the difference between the true and the nominal frequency in Hz,
// from the phase over one hop.
func deviation(before, after complex128, i int) float64 {
	// The DFT of a window counts phase from its own beginning: a tone of exactly
	// the nominal frequency turns by the hop.
	c := after * complex(real(before), -imag(before)) * dtmfTurn[i]
	return math.Atan2(imag(c), real(c)) / (2 * math.Pi * dtmfHop / Rate)
}

// pairShare is the share of the window's energy in the pair, given how far each
// tone is from the middle of its filter.
func pairShare(r dtmfWindowResult, lo, hi float64) float64 {
	e := power(r.lo)/loss(lo) + power(r.hi)/loss(hi)
	return 2 * e / dtmfWindow / r.total
}

// loss is the power that a tone keeps at an offset in Hz from the filter's middle.
func loss(hz float64) float64 {
	x := math.Pi * hz * dtmfWindow / Rate
	if math.Abs(x) < 1e-3 {
		return 1
	}
	s := math.Sin(x) / x
	return max(0.3, s*s)
}
